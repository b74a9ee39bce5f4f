"""What stands where on a page: its rows and paragraphs as a browser shows them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.report import html, read
from tasks.report.model import Form, Paragraph, Reject, SourceRow
from tests.publisher.case import case
from tests.publisher.form import FORMS


def shown(body: str) -> list[str | tuple[str, ...]]:
    """The paragraphs, and each row as its cells' texts."""
    blocks = html.source(f"<html><body>{body}</body></html>".encode()).blocks
    return [
        block.text if isinstance(block, Paragraph) else tuple(cell.text for cell in block.cells)
        for block in blocks
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<p>甲<br>乙</p>丙<div>丁</div>戊", ["甲", "乙", "丙", "丁", "戊"]),
        ("<p>一<b>二</b><span>三</span> <i>四</i></p>", ["一二三 四"]),
        ("<table><tr><td>3<span>6</span></td><td>3<br>6</td></tr></table>", [("36", "3\n6")]),
        ("<table><tr><td><p>甲</p><p>乙</p></td></tr></table>", [("甲\n乙",)]),
        ("<table><caption>单位：件</caption><tr><td>1</td></tr></table>", ["单位：件", ("1",)]),
        ("<table><tr><td>1</td></tr><p>注：略</p></table>", [("1",), "注：略"]),
        ("<table><tr><td>1</td></tr>6<tr><td>2</td></tr></table>", [("1",), ("2",), "6"]),
        ("<table><tr><td>1</td></tr><td>2</td><td>3</td></table>", [("1",), ("2", "3")]),
        ("<table><td>1</td><td>2<tr><td>3</table>", [("1", "2"), ("3",)]),
        ("<table><tr><td>1<td>2<tr><td>3</table>后", [("1", "2"), ("3",), "后"]),
        ("<table></table><table><tr><td/><td>1</td></tr></table>", [("", "1")]),
        (
            "<table><tr><td>外<table><tr><td>内</td></tr></table>后</td></tr></table>",
            ["外", ("内",), "后"],
        ),
        ('<table><tr title="a>b</td><td>9"><td title="<td>8">1</td></tr></table>', [("1",)]),
        ("<table><tr><td>1<br<td>2</td></tr></table>", [("12",)]),
        (
            "<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>&lt;b&gt;&amp;lt;</td>",
            [("a",), ("<b>&lt;",)],
        ),
    ],
)
def test_text_stands_where_a_browser_shows_it(
    body: str, expected: list[str | tuple[str, ...]]
) -> None:
    assert shown(body) == expected


@pytest.mark.parametrize("between", ["7", "<b>七</b>", "<p>7</p>", "&lt;7"])
def test_text_between_the_cells_of_a_row_is_refused(between: str) -> None:
    for row in (f"<td>1</td>{between}<td>2</td>", f"{between}<td>1</td>", f"<td>1</td>{between}"):
        with pytest.raises(Reject, match="stands between the cells"):
            shown(f"<table><tr>{row}</tr></table>")
    assert shown("<table><tr>|<td>1</td>&nbsp;<td>2</td>|</tr></table>") == [("1", "2")]


@pytest.mark.parametrize("body", ["clean", "word", "layout_page", "split_digits", "broken_labels"])
@pytest.mark.parametrize("form", FORMS)
def test_spans_that_say_nothing_are_left_out_and_change_nothing(form: Form, body: str) -> None:
    page = case(form, 4, layout=f"{body}/table/utf8").page.decode()
    page = re.sub(r">([^<>]*\w[^<>]*)<(?!/title)", r"><span>\g<1></span><", page)
    told = page.replace("</body>", '<span id="one-that-says-more"></span></body>')
    assert read(page.encode()) == read(told.encode())


def test_a_span_that_ends_too_late_parts_no_paragraph() -> None:
    assert shown("<span><p>甲</span>乙</p><p>丙</span></p>") == ["甲乙", "丙"]


def test_spans_are_what_the_cell_says_and_bounded() -> None:
    page = (
        "<table><tr><td rowspan=2 colspan='3'>a</td><td colspan=99999>b</td>"
        "<td rowspan=0>c</td><td data-rowspan=5 title='rowspan=\"7\"'>d</td></tr></table>"
    )
    (row,) = html.source(page.encode()).blocks
    assert isinstance(row, SourceRow)
    assert [c[2:] for c in row.cells] == [(2, 3), (1, 1000), (1, 1), (1, 1)]


@given(
    st.lists(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["C"]))), max_size=4)
)
def test_cells_come_back_whatever_is_written_in_them(rows: list[list[str]]) -> None:
    def escaped(text: str) -> str:
        return text.replace("&", "&amp;").replace("<", "&lt;")

    page = "".join(
        "<tr>" + "".join(f"<td>{escaped(t)}</td>" for t in row) + "</tr>" for row in rows
    )
    expected = [tuple(" ".join(t.split(" ")).strip() for t in row) for row in rows if row]
    got = [r for r in shown(f"<table>{page}</table>") if isinstance(r, tuple)]
    assert [tuple("".join(t.split()) for t in r) for r in got] == [
        tuple("".join(t.split()) for t in r) for r in expected
    ]
