"""PDF tables over page breaks: no number moves, whatever the page's end cuts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.pdfgen.canvas import Canvas

from tasks.report import pdf
from tests.report.drawn_pdf import Spec, filled, make, rows_of, spec_of, table, texts


def test_a_table_goes_on_over_pages() -> None:
    whole = filled(30, 5)
    first = {k: v for k, v in whole.items() if k[0] < 20}
    rest = {(r - 20, c): v for (r, c), v in whole.items() if r >= 20}

    def one(c: Canvas) -> None:
        c.drawString(50, 800, "三、收到和处理政府信息公开申请情况")
        table(c, first)
        c.drawString(290, 30, "— 1 —")

    def two(c: Canvas) -> None:
        table(c, rest)
        c.drawString(50, 400, "四、下一节")
        c.drawString(290, 30, "— 2 —")

    source = pdf.source(make(one, two))
    rows = rows_of(source)
    assert spec_of(rows) == whole
    assert [r.cells[0].place.row for r in rows] == list(range(1, 31))
    assert {r.cells[0].place.page for r in rows[20:]} == {2}
    assert texts(source) == ["三、收到和处理政府信息公开申请情况", "四、下一节"]


@settings(max_examples=40, deadline=None, database=None, derandomize=True)
@given(
    rows=st.integers(2, 30),
    columns=st.integers(2, 12),
    breaks=st.sets(st.integers(1, 29), max_size=3),
    style=st.sampled_from(["line", "frame", "rects", "one path"]),
    above=st.sampled_from(["", "b"]),
    below=st.sampled_from(["", "t"]),
    blanks=st.sets(st.tuples(st.integers(0, 29), st.integers(1, 11)), max_size=40),
)
def test_however_a_table_is_broken_over_pages_no_number_moves(
    rows: int,
    columns: int,
    breaks: set[int],
    style: str,
    above: str,
    below: str,
    blanks: set[tuple[int, int]],
) -> None:
    """Every row says something in its first column, as statutory rows do."""
    whole = {k: ("", 1, 1) if k in blanks else v for k, v in filled(rows, columns).items()}
    edges = [0, *sorted(b for b in breaks if b < rows), rows]
    pages = []
    for begin, end in pairwise(edges):
        part = {(r - begin, c): v for (r, c), v in whole.items() if begin <= r < end}
        omit = (above if end < rows else "") + (below if begin else "")
        pages.append(partial(table, spec=part, width=40, style=style, omit=omit))
    assert spec_of(rows_of(pdf.source(make(*pages)))) == whole


def test_columns_are_those_of_all_pages() -> None:
    first: Spec = {
        (0, 0): ("（三）", 1, 1), (0, 1): ("1.", 1, 1), (0, 2): ("11", 1, 1), (0, 3): ("12", 1, 1),
    }  # fmt: skip
    rest: Spec = {(0, 0): ("总计", 1, 2), (0, 2): ("21", 1, 1), (0, 3): ("22", 1, 1)}
    source = pdf.source(make(lambda c: table(c, first), lambda c: table(c, rest)))
    assert spec_of(rows_of(source)) == first | {(1, c): v for (_, c), v in rest.items()}


def test_a_heading_between_pages_parts_two_tables() -> None:
    def two(c: Canvas) -> None:
        c.drawString(50, 790, "四、下一节")
        table(c, filled(2, 4, 500))

    source = pdf.source(make(lambda c: table(c, filled(3, 4)), two))
    assert len(rows_of(source, 1)) == 3
    assert spec_of(rows_of(source, 2)) == filled(2, 4, 500)


def test_a_row_cut_by_the_page_is_mended() -> None:
    upper: Spec = {(0, 0): ("甲", 1, 1), (0, 1): ("11", 1, 1), (0, 2): ("12", 1, 1)}
    cut_above: Spec = {(1, 0): ("其他处", 1, 1), (1, 1): ("21", 1, 1), (1, 2): ("", 1, 1)}
    cut_below: Spec = {(0, 0): ("理情况", 1, 1), (0, 1): ("", 1, 1), (0, 2): ("22", 1, 1)}
    lower: Spec = {(1, 0): ("乙", 1, 1), (1, 1): ("31", 1, 1), (1, 2): ("32", 1, 1)}
    source = pdf.source(
        make(
            lambda c: table(c, upper | cut_above, omit="b"),
            lambda c: table(c, cut_below | lower, omit="t"),
        )
    )
    assert spec_of(rows_of(source)) == upper | {
        (1, 0): ("其他处\n理情况", 1, 1), (1, 1): ("21", 1, 1), (1, 2): ("22", 1, 1),
        (2, 0): ("乙", 1, 1), (2, 1): ("31", 1, 1), (2, 2): ("32", 1, 1),
    }  # fmt: skip
    assert [row.cells[0].place.page for row in rows_of(source)] == [1, 1, 2]


@pytest.mark.parametrize(("above", "below"), [("b", "t"), ("b", ""), ("", "t")])
def test_two_rows_of_numbers_are_never_joined(above: str, below: str) -> None:
    spec = filled(6, 4)
    first = {k: v for k, v in spec.items() if k[0] < 3}
    rest = {(r - 3, c): v for (r, c), v in spec.items() if r >= 3}
    source = pdf.source(
        make(lambda c: table(c, first, omit=above), lambda c: table(c, rest, omit=below))
    )
    assert spec_of(rows_of(source)) == spec


def test_a_label_over_the_page_break_goes_on() -> None:
    first: Spec = {
        (0, 0): ("三、办理结果", 2, 1), (0, 1): ("11", 1, 1), (0, 2): ("12", 1, 1),
        (1, 1): ("21", 1, 1), (1, 2): ("22", 1, 1),
    }  # fmt: skip
    rest: Spec = {
        (0, 0): ("", 2, 1), (0, 1): ("31", 1, 1), (0, 2): ("32", 1, 1),
        (1, 1): ("41", 1, 1), (1, 2): ("42", 1, 1),
    }  # fmt: skip

    def half(spec: Spec, y: float, omit: str) -> Callable[[Canvas], None]:
        def draw(c: Canvas) -> None:
            table(c, spec, width=80, omit=omit)
            c.line(130, y, 290, y)  # only the numbers' cells are closed

        return draw

    source = pdf.source(make(half(first, 740, "b"), half(rest, 780, "t")))
    rows = rows_of(source)
    assert len(rows) == 4
    assert (rows[0].cells[0].text, rows[0].cells[0].rowspan) == ("三、办理结果", 4)
    assert [[c.text for c in r.cells][-2:] for r in rows] == [
        ["11", "12"], ["21", "22"], ["31", "32"], ["41", "42"],
    ]  # fmt: skip


def test_a_label_over_a_whole_page_keeps_its_column() -> None:
    """On the middle page no rule but the outer side touches the label's cell."""

    def part(start: int, sides: str, label: str = "") -> Callable[[Canvas], None]:
        def draw(c: Canvas) -> None:
            table(c, filled(4, 3, start), left=120)
            c.line(50, 780, 50, 700)
            if "t" in sides:
                c.line(50, 780, 120, 780)
            if "b" in sides:
                c.line(50, 700, 120, 700)
            c.drawString(55, 740, label)

        return draw

    source = pdf.source(make(part(100, "t"), part(200, "", "办理结果"), part(300, "b")))
    rows = rows_of(source)
    assert [[c.text for c in row.cells[-3:]] for row in rows] == [
        [str(start + 3 * r + c) for c in range(3)] for start in (100, 200, 300) for r in range(4)
    ]
    assert [len(row.cells) for row in rows] == [4] + [3] * 11
    assert (rows[0].cells[0].text, rows[0].cells[0].rowspan) == ("办理结果", 12)
    assert not texts(source)


def test_running_heads_stay_but_do_not_part_a_table() -> None:
    def page(start: int) -> Callable[[Canvas], None]:
        def draw(c: Canvas) -> None:
            c.drawString(50, 815, "某某市人民政府")
            table(c, filled(3, 4, start))
            c.drawString(290, 30, f"第{start}页 共 9 页")

        return draw

    source = pdf.source(make(page(1), page(13)))
    assert spec_of(rows_of(source)) == filled(6, 4, 1)
    assert texts(source) == ["某某市人民政府"] * 2
