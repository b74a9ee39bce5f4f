"""Pictures read where their document shows them, by the recogniser itself: section 四 of a report
is a picture, all else is text."""

from __future__ import annotations

import io
import re

import pytest

pytest.importorskip("rapidocr", reason="pip install 'gongkai[ocr]'")

import numpy as np
from PIL import Image, ImageFilter
from pypdfium2 import PdfDocument

from tasks.report import page_images, pages, pdf, read
from tasks.report.drawn import Glyph, PageContent, Rule
from tasks.report.model import Reading, Reject, SourceRow
from tasks.report.numbers import UNREAD
from tasks.report.ocr.scanned import _hide, _pasted, _rendered
from tests.publisher import figures, layouts
from tests.publisher.document import HEADINGS, document
from tests.publisher.ofd import NAMESPACE, Writer, package, ruled
from tests.publisher.pdf import pdf as printed
from tests.publisher.scan import Scan, scanned, scanned_pdf

FIGURES = figures.probe_consistent("2021", 3)
VALUES = {code: figure.value for code, figure in FIGURES.cells.items()}
REPORT = document(FIGURES, seed=3)
DPI = 150


@pytest.fixture(scope="module")
def section_four() -> bytes:
    """Its table, cut out of a scan of the printed report."""
    return cut_out()


def cut_out(blurred: int = 0) -> bytes:
    """The table of section 四 as a picture, so many of its figures beyond reading."""
    rows = [b for b in pdf.source(printed(REPORT)).blocks if isinstance(b, SourceRow)]
    last = [row for row in rows if row.table == max(row.table for row in rows)]
    places = [cell.place for row in last for cell in row.cells]
    boxes = [[v * DPI / 72 for v in place.box] for place in places if place.box]
    left, top, right, bottom = (f(b[k] for b in boxes) for k, f in enumerate((min, min, max, max)))
    scan = scanned(REPORT, Scan(dpi=DPI))[(places[0].page or 1) - 1]
    out = io.BytesIO()
    with Image.open(io.BytesIO(scan)) as page:
        for x0, y0, x1, y1 in boxes[len(boxes) - blurred :]:
            inside = (round(x0) + 4, round(y0) + 4, round(x1) - 4, round(y1) - 4)
            page.paste(page.crop(inside).filter(ImageFilter.GaussianBlur(3)), inside)
        page.crop((left - 15, top - 15, right + 15, bottom + 15)).save(out, "PNG")
    return out.getvalue()


def is_whole(reading: Reading, kind: str) -> bool:
    """Whether all values are the report's, those of section 四 from the picture."""
    assert reading.outcome == "parsed", reading.reason
    kinds = {c.cell.partition(".")[0]: c.place.kind for c in reading.cells if c.place}
    assert kinds == {"proactive": kind, "requests": kind, "review_litigation": "image"}
    return {c.cell: c.value for c in reading.cells} == VALUES


def refused(data: bytes, *, ocr: bool) -> str:
    reason = read(data, ocr=ocr).reason
    assert reason is not None
    return reason.code


@pytest.mark.slow
def test_in_an_html_page(section_four: bytes) -> None:
    html = layouts.publish(REPORT, "clean/table/utf8").body.decode()
    tables = re.findall(r"<table[^>]*>(?:(?!<table).)*?</table>", html, re.DOTALL)
    page = html.replace(tables[-1], '<p><img src="4.png" width="900"></p>')
    assert "结果维持" not in page
    url = "http://www.huachuan.gov.cn/nb/1.html"
    picture = page_images.absolute("4.png", None, url)
    parts = [(url, "text/html", page.encode()), (picture, "image/png", section_four)]
    assert is_whole(read(pages.join(parts)), "html")
    assert refused(pages.join(parts), ocr=False) == "needs_ocr"
    assert refused(pages.join(parts[:1]), ocr=True) == "needs_ocr"


@pytest.mark.slow
def test_in_an_ofd(section_four: bytes) -> None:
    """The picture is a part of its page; words of somebody's OCR lie under it."""
    out = Writer()
    out.paragraph(REPORT.head.title, 6)
    for section, table in zip(("proactive", "requests"), REPORT.tables, strict=False):
        out.paragraph(HEADINGS[section])
        ruled(out, table)
    out.break_page()
    out.paragraph(HEADINGS["review_litigation"])
    with Image.open(io.BytesIO(section_four)) as image:
        high = 170 * image.height / image.width
    out.text(60, out.y + high / 2, 3, "12345")
    out.put(
        f'<ImageObject ID="5" ResourceID="50" Boundary="20 {out.y} 170 {high}" '
        f'CTM="170 0 0 {high} 0 0"/>'
    )
    out.y += high
    out.paragraph(HEADINGS["problems"])
    out.paragraph(HEADINGS["other"])
    resources = (
        f'<ofd:Res xmlns:ofd="{NAMESPACE}" BaseLoc="Res"><ofd:MultiMedias><ofd:MultiMedia ID="50" '
        'Type="Image"><ofd:MediaFile>4.png</ofd:MediaFile></ofd:MultiMedia></ofd:MultiMedias>'
        "</ofd:Res>"
    )
    files = {"Doc_0/DocumentRes.xml": resources.encode(), "Doc_0/Res/4.png": section_four}
    data = package(out.pages, files=files)
    assert is_whole(read(data), "ofd")
    assert refused(data, ocr=False) == "needs_ocr"


@pytest.mark.slow
def test_in_a_pdf() -> None:
    """A page of text, and a scan on its side on which the table of section 三 goes on."""
    scan = scanned_pdf([scanned(REPORT, Scan(DPI, turned=90))[1]])
    mixed, out = PdfDocument.new(), io.BytesIO()
    mixed.import_pages(PdfDocument(printed(REPORT)), [0])
    mixed.import_pages(PdfDocument(scan))
    mixed.save(out)
    reading = read(out.getvalue())
    assert reading.outcome == "parsed", reading.reason
    assert {c.cell: c.value for c in reading.cells} == VALUES
    kinds = {(c.cell.partition(".")[0], c.place.kind) for c in reading.cells if c.place}
    assert kinds == {
        ("proactive", "pdf"),
        ("requests", "pdf"),
        ("requests", "image"),
        ("review_litigation", "image"),
    }
    assert refused(out.getvalue(), ocr=False) == "needs_ocr"


@pytest.mark.parametrize(("dpi", "times"), [(100, 2), (150, 1), (200, 1)])
def test_a_scan_in_a_pdf_is_read_in_its_own_pixels(dpi: int, times: int) -> None:
    size, out = (round(8.27 * dpi), round(11.69 * dpi)), io.BytesIO()
    Image.new("RGB", size, "white").save(out, "PNG")
    page = PdfDocument(scanned_pdf([out.getvalue()], dpi))[0]
    assert _rendered(page.raw).shape == (times * size[1], times * size[0], 3)


def test_strips_of_a_scan_are_one_page() -> None:
    rng = np.random.default_rng(1)
    whole = rng.integers(0, 256, (1168, 826, 3), np.uint8)
    page = PageContent(1, 826 * 72 / 200, 1168 * 72 / 200)
    edges = [(0, 500), (500, 900), (900, 1168)]
    strips = [((0.0, y0 * 0.36, page.width, y1 * 0.36), whole[y0:y1]) for y0, y1 in edges]
    assert (_pasted(strips, page) == whole).all()
    seal = np.full((100, 100, 3), 255, np.uint8)
    assert (_pasted([*strips, ((9.0, 9.0, 45.0, 45.0), seal)], page) == whole).all()
    # what reaches beyond the page is cut off
    beyond = [((-36.0, -36.0, page.width, page.height), whole), ((900.0, 0, 950, 9), whole)]
    assert _pasted(beyond, page).shape == whole.shape


def test_what_is_drawn_over_a_scan_is_unread() -> None:
    page = PageContent(1, 200, 100, across=[Rule(y, 10, 190) for y in (10, 50, 90)])
    page.down = [Rule(x, 10, 90) for x in (10, 100, 190)]
    page.glyphs = [Glyph(text, x, 20, x + 9, 30) for text, x in (("规章", 30), ("12", 130))]
    _hide(page, [(140.0, 60.0, 150.0, 70.0), (150.0, 20.0, 160.0, 30.0)])
    assert sorted(g.text for g in page.glyphs) == ["规章", UNREAD, UNREAD]
    assert page.looks == {(100, 10, 190, 50): (), (100, 50, 190, 90): ()}
    page.turned = 1
    with pytest.raises(Reject, match="drawn over a scan"):
        _hide(page, [(0.0, 0.0, 9.0, 9.0)])
