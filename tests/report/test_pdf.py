"""PDF: every number in its place, on pages drawn line by line for the purpose."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

import pytest
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from tasks.report import pdf
from tasks.report.model import Paragraph, Reject, Source, SourceRow

SONG = "STSong-Light"
pdfmetrics.registerFont(UnicodeCIDFont(SONG))

Spec = dict[tuple[int, int], tuple[str, int, int]]  # (row, column): text, rowspan, colspan


def make(*draw: Callable[[Canvas], None], **options: Any) -> bytes:
    """A PDF with one page per function; the origin is the page's bottom left corner."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=options.pop("pagesize", (595, 842)), **options)
    for page in draw:
        canvas.setFont(SONG, 10)
        page(canvas)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def filled(rows: int, columns: int, start: int = 100) -> Spec:
    """A table of distinct numbers."""
    return {
        (r, c): (str(start + r * columns + c), 1, 1) for r in range(rows) for c in range(columns)
    }


def table(
    canvas: Canvas,
    spec: Spec,
    top: float = 780,
    left: float = 50,
    width: float = 50,
    height: float = 20,
    style: str = "line",
    omit: str = "",
) -> None:
    """Draws cells with their borders. `omit`: sides of the whole table without a rule (tblr)."""
    rows = max(r + rs for (r, _), (_, rs, _) in spec.items())
    columns = max(c + cs for (_, c), (_, _, cs) in spec.items())
    rectangles: list[tuple[float, float, float, float]] = []
    for (r, c), (text, rs, cs) in spec.items():
        x0, x1 = left + c * width, left + (c + cs) * width
        y1, y0 = top - r * height, top - (r + rs) * height
        for number, line in enumerate(text.split("\n")):
            canvas.drawString(x0 + 3, y1 - 14 - number * 11, line)
        sides = {
            "t": (x0, y1, x1, y1, r == 0),
            "b": (x0, y0, x1, y0, r + rs == rows),
            "l": (x0, y0, x0, y1, c == 0),
            "r": (x1, y0, x1, y1, c + cs == columns),
        }
        if style == "frame":
            canvas.rect(x0, y0, x1 - x0, y1 - y0)
            continue
        for side, (ax, ay, bx, by, outer) in sides.items():
            if outer and side in omit:
                continue
            if style == "line":
                canvas.line(ax, ay, bx, by)
            else:
                rectangles.append((ax, ay, max(0.5, bx - ax), max(0.5, by - ay)))
    if style == "rects":
        for rectangle in rectangles:
            canvas.rect(*rectangle, stroke=0, fill=1)
    elif style == "one path":
        path = canvas.beginPath()
        for rectangle in rectangles:
            path.rect(*rectangle)
        canvas.drawPath(path, stroke=0, fill=1)


def rows_of(source: Source, number: int = 1) -> list[SourceRow]:
    return [b for b in source.blocks if isinstance(b, SourceRow) and b.table == number]


def spec_of(rows: list[SourceRow]) -> Spec:
    """What was read, as the specification it should have been drawn from."""
    taken: set[tuple[int, int]] = set()
    out: Spec = {}
    for r, row in enumerate(rows):
        c = 0
        for cell in row.cells:
            while (r, c) in taken:
                c += 1
            out[r, c] = (cell.text, cell.rowspan, cell.colspan)
            taken |= {(r + i, c + j) for i in range(cell.rowspan) for j in range(cell.colspan)}
    return out


def texts(source: Source) -> list[str]:
    return [b.text for b in source.blocks if isinstance(b, Paragraph)]


MERGED: Spec = {
    (0, 0): ("标签", 2, 3), (0, 3): ("申请人情况", 1, 3), (0, 6): ("总计", 2, 1),
    (1, 3): ("自然人", 1, 1), (1, 4): ("商业\n企业", 1, 1), (1, 5): ("其他", 1, 1),
    (2, 0): ("结果", 3, 1), (2, 1): ("一", 1, 2), (2, 3): ("101", 1, 1), (2, 4): ("102", 1, 1),
    (2, 5): ("", 1, 1), (2, 6): ("104", 1, 1),
    (3, 1): ("二", 2, 1), (3, 2): ("1.", 1, 1), (3, 3): ("201", 1, 1), (3, 4): ("２０２", 1, 1),
    (3, 5): ("—", 1, 1), (3, 6): ("204", 1, 1),
    (4, 2): ("2.", 1, 1), (4, 3): ("301", 1, 1), (4, 4): ("1,302", 1, 1), (4, 5): ("303", 1, 1),
    (4, 6): ("3.4", 1, 1),
}  # fmt: skip


@pytest.mark.parametrize("style", ["line", "frame", "rects", "one path"])
def test_merged_cells_however_the_borders_are_drawn(style: str) -> None:
    source = pdf.source(make(lambda c: table(c, MERGED, height=26, style=style)))
    assert spec_of(rows_of(source)) == MERGED
    assert len(source.blocks) == 5


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotated_and_cropped_pages_read_like_straight_ones(rotation: int) -> None:
    spec = filled(5, 6)
    turn = {
        0: (1, 0, 0, 1, 0, 0),
        90: (0, 1, -1, 0, 800, 0),
        180: (-1, 0, 0, -1, 800, 800),
        270: (0, -1, 1, 0, 0, 800),
    }[rotation]

    def page(c: Canvas) -> None:
        c.setCropBox((20, 30, 775, 785))
        c.setPageRotation(rotation)
        c.drawString(1, 500, "999")  # outside the crop box
        c.transform(*turn)
        table(c, spec, top=500)

    source = pdf.source(make(page, pagesize=(800, 800)))
    assert spec_of(rows_of(source)) == spec
    assert not texts(source)
    box = rows_of(source)[0].cells[0].place.box
    assert box is not None
    assert box[2] - box[0] == pytest.approx(50, abs=1)
    assert box[3] - box[1] == pytest.approx(20, abs=1)


def test_boxes_are_measured_from_the_top_left() -> None:
    source = pdf.source(make(lambda c: table(c, filled(2, 3))))
    place = rows_of(source)[1].cells[2].place
    assert place.box == pytest.approx((150, 82, 200, 102), abs=1)
    assert place.encode().startswith("pdf page 1 table 1 row 2 cell 3 box ")


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


@pytest.mark.parametrize("omit", ["lr", "b", "t"])
def test_outer_sides_without_rules(omit: str) -> None:
    source = pdf.source(make(lambda c: table(c, filled(4, 4), omit=omit)))
    assert spec_of(rows_of(source)) == filled(4, 4)


def test_numbers_of_two_columns_whose_rule_is_missing_stay_apart() -> None:
    def page(c: Canvas) -> None:
        table(c, {(0, 0): ("甲", 1, 1), (0, 1): ("", 1, 2), (1, 0): ("乙", 1, 3)})
        c.drawString(103, 766, "12")
        c.drawString(153, 766, "34")

    assert rows_of(pdf.source(make(page)))[0].cells[1].text == "12\t34"


def test_a_number_wider_than_its_cell_is_not_torn() -> None:
    spec: Spec = {(0, 0): ("", 1, 1), (0, 1): ("", 1, 1), (1, 0): ("1", 1, 1), (1, 1): ("2", 1, 1)}

    def page(c: Canvas) -> None:
        table(c, spec, width=30)
        c.drawString(54, 766, "1234567")

    cells = rows_of(pdf.source(make(page)))[0].cells
    assert [cell.text for cell in cells] == ["1234567", ""]


def text_layer(text: str, mapped: bool = True) -> bytes:
    """A PDF whose font maps A, B, C… to the characters of `text`, as careless programs do."""
    codes = [0x41 + k for k in range(len(text))]
    pairs = "\n".join(f"<{c:02X}> <{ord(t):04X}>" for c, t in zip(codes, text, strict=True))
    cmap = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapType 2 def\n"
        "1 begincodespacerange <00> <FF> endcodespacerange\n"
        f"{len(codes)} beginbfchar\n{pairs}\nendbfchar endcmap end end"
    )
    content = f"BT /F1 10 Tf 50 700 Td ({''.join(map(chr, codes))}) Tj ET"
    encoding = "" if mapped else " /Encoding << /Differences [65 /g1 /g2 /g3 /g4] >>"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        " /Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
        "<< /Type /Font /Subtype /TrueType /BaseFont /Nothing"
        f"{' /ToUnicode 6 0 R' if mapped else ''}{encoding} >>",
        f"<< /Length {len(cmap)} >>\nstream\n{cmap}\nendstream",
    ]
    body = "%PDF-1.4\n"
    offsets = []
    for number, item in enumerate(objects, 1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{item}\nendobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    body += (
        f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
        f"trailer << /Root 1 0 R /Size {len(objects) + 1} >>\nstartxref\n{len(body)}\n%%EOF\n"
    )
    return body.encode("latin-1")


def test_radicals_become_characters_and_nothing_else_changes() -> None:
    assert texts(pdf.source(text_layer("⾏政⾮⻚⻔⻓１２①"))) == ["行政非页门长１２①"]


def test_characters_without_a_mapping_are_not_guessed() -> None:
    assert texts(pdf.source(text_layer("1234", mapped=False))) == ["\ufffd" * 4]


def test_what_no_reader_sees_is_not_read() -> None:
    def page(c: Canvas) -> None:
        table(c, filled(3, 4))
        c.saveState()
        c.translate(60, 700)
        c.rotate(45)
        c.drawString(0, 0, "水印 777")
        c.restoreState()
        hidden = c.beginText(60, 766)
        hidden.setTextRenderMode(3)
        hidden.textOut("888")
        c.drawText(hidden)

    source = pdf.source(make(page))
    assert spec_of(rows_of(source)) == filled(3, 4)
    assert not texts(source)


def test_bold_by_printing_twice_is_read_once() -> None:
    def page(c: Canvas) -> None:
        table(c, filled(2, 3))
        table(c, filled(2, 3), left=50.3)

    assert spec_of(rows_of(pdf.source(make(page)))) == filled(2, 3)


def test_layout_tables_are_not_rows() -> None:
    def page(c: Canvas) -> None:
        table(c, {(0, 0): ("页头", 1, 1), (1, 0): ("外", 1, 1)}, width=400, height=250)
        table(c, filled(3, 4), top=500, left=80)

    source = pdf.source(make(page))
    assert spec_of(rows_of(source)) == filled(3, 4)
    assert texts(source) == ["页头", "外"]


def test_an_underlined_word_is_no_border() -> None:
    def page(c: Canvas) -> None:
        table(c, filled(3, 4))
        c.line(53, 764, 73, 764)
        c.drawString(50, 500, "标题")
        c.line(50, 498, 70, 498)

    source = pdf.source(make(page))
    assert spec_of(rows_of(source)) == filled(3, 4)
    assert texts(source) == ["标题"]


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


def test_a_scan_is_pictures_without_blocks() -> None:
    from PIL import Image
    from reportlab.lib.utils import ImageReader

    picture = ImageReader(Image.new("RGB", (60, 80), (200, 200, 200)))

    def page(c: Canvas) -> None:
        c.drawImage(picture, 0, 0, 595, 842)

    def strips(c: Canvas) -> None:
        for k in range(20):
            c.drawImage(picture, 0, k * 42, 595, 42)

    source = pdf.source(make(page, strips))
    assert (source.blocks, source.pictures) == ([], 2)


def test_refusals() -> None:
    good = make(lambda c: table(c, filled(3, 4)))
    for data, code in [
        (make(lambda c: None, encrypt="secret"), "encrypted"),
        (b"%PDF-1.7\nnothing", "broken_file"),
        (b"", "broken_file"),
        (make(*[lambda c: None] * 301), "too_large"),
    ]:
        with pytest.raises(Reject) as caught:
            pdf.source(data)
        assert caught.value.rejection.code == code
    assert pdf.source(good).complete
    for size in (len(good) - 60, len(good) // 2):
        try:
            assert not pdf.source(good[:size]).complete
        except Reject as refusal:
            assert refusal.rejection.code == "broken_file"


def test_a_drawing_of_thousands_of_lines_is_a_picture_and_soon_done() -> None:
    def page(c: Canvas) -> None:
        for k in range(3000):
            c.line(10, k * 0.27, 500, k * 0.27)
            c.line(k * 0.17, 10, k * 0.17, 800)
        c.drawString(50, 820, "图")

    began = time.process_time()
    source = pdf.source(make(page))
    assert time.process_time() - began < 2
    assert texts(source) == ["图"]
