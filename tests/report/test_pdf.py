"""PDF: every number in its place, on pages drawn line by line for the purpose."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from tasks.report import pdf
from tasks.report.model import Reject
from tests.report.drawn_pdf import SONG, Spec, filled, make, rows_of, spec_of, table, texts

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
    width = pdfmetrics.stringWidth("1", "Helvetica", 10)

    def cells(over: float) -> list[str]:
        """Seven digits, the rule `over` digits from their left."""

        def page(c: Canvas) -> None:
            table(c, spec, width=40)
            c.setFont("Helvetica", 10)
            c.drawString(90 - over * width, 766, "1234567")

        return [cell.text for cell in rows_of(pdf.source(make(page)))[0].cells]

    assert cells(5.5) == ["1234567", ""]
    assert cells(1.5) == ["", "1234567"]
    # between two digits it may as well part two numbers: no number then, rather than a wrong one
    assert all("\ufffd" in text for text in cells(4.0))


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


def test_a_number_typed_over_another_is_none() -> None:
    def page(c: Canvas) -> None:
        table(c, {(0, 0): ("15", 1, 1), (0, 1): ("2", 1, 1)})
        c.drawString(53.8, 766, "27")

    assert [c.text for c in rows_of(pdf.source(make(page)))[0].cells] == ["1\ufffd25\ufffd7", "2"]


def test_a_raised_mark_of_a_note_is_no_digit_of_the_number() -> None:
    def page(c: Canvas) -> None:
        table(c, {(0, 0): ("12", 1, 1), (0, 1): ("5", 1, 1)})
        c.setFont(SONG, 6)
        c.drawString(63.5, 770, "3")

    assert [c.text for c in rows_of(pdf.source(make(page)))[0].cells] == ["12\ufffd3", "5"]


def covered(draw: Callable[[Canvas], None]) -> list[str]:
    """The first row of a table after something was drawn over it."""

    def page(c: Canvas) -> None:
        table(c, filled(2, 3))
        draw(c)

    return [c.text for c in rows_of(pdf.source(make(page)))[0].cells]


def test_a_number_that_was_painted_over_is_none() -> None:
    def white(c: Canvas) -> None:
        c.setFillColorRGB(1, 1, 1)
        c.rect(51, 762, 47, 16, stroke=0, fill=1)

    def retyped(c: Canvas) -> None:
        white(c)
        c.setFillColorRGB(0, 0, 0)
        c.drawString(80, 766, "7")

    gone = "\ufffd" * 3
    assert covered(white) == [gone, "101", "102"]
    assert covered(retyped) == [f"{gone} 7", "101", "102"]


def test_white_digits_count_on_a_ground_alone() -> None:
    def page(c: Canvas) -> None:
        table(c, {(0, 0): ("1", 1, 1), (0, 1): ("2", 1, 1)})
        c.setFillColorRGB(0, 0.2, 0.6)
        c.rect(60, 761, 15, 18, stroke=0, fill=1)
        c.setFillColorRGB(1, 1, 1)
        c.drawString(62, 766, "3")
        c.drawString(112, 766, "4")

    assert [c.text for c in rows_of(pdf.source(make(page)))[0].cells] == ["1 3", "2\ufffd"]


def test_digits_in_the_colour_of_their_ground_are_unsure() -> None:
    def page(c: Canvas) -> None:
        c.rect(50, 760, 100, 20, fill=1)  # a frame, made of a black and a white rectangle
        c.setFillColorRGB(1, 1, 1)
        c.rect(51, 761, 98, 18, stroke=0, fill=1)
        c.setFillColorRGB(0, 0, 0)
        c.rect(101, 761, 48, 18, stroke=0, fill=1)
        table(c, {(0, 0): ("1", 1, 1), (0, 1): ("2", 1, 1)})

    assert [c.text for c in rows_of(pdf.source(make(page)))[0].cells] == ["1", "\ufffd"]


def test_what_is_painted_beside_around_or_thinly_over_a_number_covers_none() -> None:
    def frame(c: Canvas) -> None:
        path = c.beginPath()
        path.rect(45, 730, 170, 60)
        path.rect(50, 740, 150, 40)
        c.drawPath(path, stroke=0, fill=1, fillMode=0)

    def clipped(c: Canvas) -> None:
        path = c.beginPath()
        path.rect(300, 300, 20, 20)
        c.clipPath(path, stroke=0)
        c.rect(0, 0, 595, 842, stroke=0, fill=1)

    def marker(c: Canvas) -> None:
        c.setFillColorRGB(1, 1, 0, alpha=0.4)
        c.rect(51, 762, 47, 16, stroke=0, fill=1)

    for draw in (frame, clipped, marker):
        assert covered(draw) == ["100", "101", "102"]


def test_digits_struck_out_cut_off_turned_or_mirrored_are_unsure() -> None:
    def struck(c: Canvas) -> None:
        c.line(52, 769.5, 70, 769.5)

    def underlined(c: Canvas) -> None:
        c.line(52, 764.5, 70, 764.5)

    def placed(*matrix: float) -> Callable[[Canvas], None]:
        def draw(c: Canvas) -> None:
            c.transform(*matrix)
            c.drawString(0, 0, "69")

        return draw

    def cut(c: Canvas) -> None:
        path = c.beginPath()
        path.rect(72, 762, 14, 16)
        c.clipPath(path, stroke=0)
        c.drawString(74, 766, "123")

    def first(draw: Callable[[Canvas], None]) -> list[str]:
        cell, *others = covered(draw)
        assert others == ["101", "102"]
        return cell.split()

    unsure = "\ufffd\ufffd"
    assert first(struck) == [unsure + "\ufffd"]
    assert first(underlined) == ["100"]
    assert first(placed(1, 0, 0, 1, 80, 766)) == ["100", "69"]
    assert first(placed(-1, 0, 0, -1, 92, 772)) == ["100", unsure]
    assert first(placed(-1, 0, 0, 1, 92, 766)) == ["100", unsure]
    assert first(cut) == ["100", "12\ufffd"]


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
