"""Pictures of a page that may be its tables: which they are, where, and what is made of them."""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Sequence

import pytest

from tasks.report import html, ocr, page_images, pages, read
from tasks.report.model import Source, SourceRow
from tasks.report.reader import open_source
from tasks.report.recognise import Missing, recognise
from tests.publisher import figures, layouts
from tests.publisher.document import document

URL = "http://www.huachuan.gov.cn/zwgk/nb/t20240120_7.html"
FIGURES = figures.probe_consistent("2021", 4)
PAGE = layouts.publish(document(FIGURES, seed=4), "clean/table/utf8").body.decode()
TABLES = re.compile(r"<table[^>]*>(?:(?!<table).)*?</table>", re.DOTALL)
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


def png(wide: int = 900, high: int = 400, holds: str = "") -> bytes:
    """What begins like a picture of that size; `holds` is what a person would see in it."""
    return PNG + struct.pack(">II", wide, high) + holds.encode()


def with_pictures(sections: set[int], inline: bool = False) -> tuple[str, dict[str, bytes]]:
    """The page with the tables of these sections (二 is 0) as pictures, and the pictures."""
    labels = re.compile("行政强制|科研机构|行政复议")
    statutory = [table for table in TABLES.findall(PAGE) if labels.search(table)]
    assert len(statutory) == 3
    page, found = PAGE, {}
    for number in sorted(sections):
        name = f"W020240120_{number}.png"
        found[name] = png(holds=statutory[number])
        written = f"data:image/png;base64,{base64.b64encode(found[name]).decode()}"
        image = f'<p><img src="{written if inline else "./" + name}" width="900"></p>'
        page = page.replace(statutory[number], image)
    return page, found


def seen(pictures: Sequence[bytes]) -> Source:
    """A recogniser that never errs: pictures hold the markup of what they show."""
    out = Source("image", [])
    for number, picture in enumerate(pictures, 1):
        for block in html.source(picture[24:]).blocks:
            assert isinstance(block, SourceRow)
            place = block.cells[0].place._replace(kind="image", page=number)
            cells = tuple(cell._replace(place=place) for cell in block.cells)
            out.blocks.append(SourceRow(cells, number))
    return out


def together(page: str, found: dict[str, bytes]) -> bytes:
    folder = URL.rpartition("/")[0]
    parts = [(URL, "text/html; charset=utf-8", page.encode())]
    return pages.join([*parts, *((f"{folder}/{n}", "image/png", b) for n, b in found.items())])


@pytest.mark.parametrize("inline", [False, True])
@pytest.mark.parametrize("sections", [{1}, {1, 2}, {0, 2}, {0, 1, 2}])
def test_text_and_pictures_make_one_report(sections: set[int], inline: bool) -> None:
    page, found = with_pictures(sections, inline)
    data = page.encode() if inline else together(page, found)
    reason = read(data, ocr=False).reason
    assert reason is not None
    assert reason.code == "needs_ocr"
    source = pages.source(data) if not inline else html.source(data)
    whole = page_images.with_read(source, seen)
    assert whole is not None
    _, cells, _ = recognise(whole)
    assert {c.cell: c.value for c in cells} == {c: f.value for c, f in FIGURES.cells.items()}
    kinds = {c.place.kind for c in cells if c.place}
    assert kinds == ({"image"} if len(sections) == 3 else {"html", "image"})


def test_a_label_misread_in_a_picture_is_no_new_label(monkeypatch: pytest.MonkeyPatch) -> None:
    page, found = with_pictures({2})
    ((name, picture),) = found.items()
    found[name] = picture.replace("尚未审结".encode(), "街木申桔".encode())
    monkeypatch.setattr(ocr, "source", seen)
    monkeypatch.setattr(ocr, "installed", lambda: True)
    reason = read(together(page, found)).reason
    assert reason is not None
    assert reason.code == "uncertain_picture"
    assert "a label of the picture may be misread: “街木申桔”" in reason.message


def test_a_picture_that_is_not_there_leaves_no_half_report() -> None:
    page, found = with_pictures({1, 2})
    del found["W020240120_2.png"]
    whole = page_images.with_read(pages.source(together(page, found)), seen)
    assert whole is not None
    with pytest.raises(Missing):
        recognise(whole)
    assert page_images.with_read(pages.source(together(page, {})), seen) is None


IMAGE = "<h2>三、收到和处理政府信息公开申请情况</h2><p>{}</p><h2>五、存在的主要问题及改进情况</h2>"


@pytest.mark.parametrize(
    ("tag", "url"),
    [
        ('<img src="a.png">', "a.png"),
        ('<img src="a.jpg" width="600px" height="80%">', "a.jpg"),
        ('<img src="loading.gif" data-src="/b.JPG">', "/b.JPG"),
        ('<a href="a.png"><img src="a_small.png"></a>', "a_small.png"),
        ('<table><tr><td><img src="a.png"></td></tr></table>', "a.png"),
        ('<img src="a.png" width="120">', None),
        ('<img src="a.png" height="20">', None),
        ('<img src="a.svg">', None),
        ('<img src="a.png" alt="微信公众号二维码">', None),
        ('<img src="/images/qrcode.png">', None),
        ('<img src="/logo/W020.png">', "/logo/W020.png"),
        ('<a href="/zt/"><img src="a.png"></a>', None),
        ('<nav><img src="a.png"></nav>', None),
        ('<div style="display:none"><img src="a.png"></div>', None),
        ('</p><h2>六、其他需要报告的事项</h2><p><img src="a.png">', None),
    ],
)
def test_which_pictures_may_be_tables(tag: str, url: str | None) -> None:
    source = html.source(IMAGE.format(tag).encode())
    assert [image.url for image in page_images.wanted(source)] == ([url] if url else [])


def test_where_no_heading_is_text_all_pictures_of_a_report_count() -> None:
    title = "云溪镇2023年政府信息公开工作年度报告"
    page = f"<title>{title}</title><h1>{title}</h1><img src=1.png><p>上一篇</p><img src=2.png>"
    source = html.source(page.encode())
    assert [(i.url, i.at) for i in page_images.wanted(source)] == [("1.png", 1), ("2.png", 2)]
    assert page_images.wanted(source, titled=False) == []
    for text, code in ((page, "needs_ocr"), (page.replace("<img ", "<i "), "not_chinese")):
        reason = read(text.encode()).reason
        assert reason is not None
        assert reason.code == code


@pytest.mark.parametrize(
    ("data", "may"),
    [
        (png(), True),
        (png(299, 400), False),
        (b"GIF89a" + struct.pack("<HH", 600, 79), False),
        (b"BM" + bytes(16) + struct.pack("<ii", 600, -800), True),
        (b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x11\x08" + struct.pack(">HH", 40, 400), False),
        (b"\xff\xd8\xff\xe0\0\x04ab", True),  # what cannot be told is tried
        (b"RIFF....WEBP", True),
    ],
)
def test_pictures_of_few_pixels_hold_no_table(data: bytes, may: bool) -> None:
    assert page_images.may_hold_table(data) is may


MHT = (
    "MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n\r\n--x\r\n"
    "Content-Type: text/html; charset=gb2312\r\nContent-Transfer-Encoding: base64\r\n"
    "Content-Location: file:///C:/A/r.htm\r\n\r\n{}\r\n--x\r\nContent-Type: image/png\r\n"
    "Content-Transfer-Encoding: base64\r\nContent-Location: file:///C:/A/r.files/a.png\r\n"
    "Content-ID: <p1>\r\n\r\n{}\r\n--x--\r\n"
)


@pytest.mark.parametrize("source", ["r.files/a.png", "cid:p1"])
def test_a_web_archive_is_a_page_with_its_pictures(source: str) -> None:
    page, found = with_pictures({1})
    ((name, picture),) = found.items()
    page = page.replace(f"./{name}", source)
    coded = [base64.encodebytes(b).decode() for b in (page.encode("gb18030"), picture)]
    data = MHT.format(*coded).encode()
    whole = page_images.with_read(open_source(data, "mht", None), seen)
    assert whole is not None
    _, cells, _ = recognise(whole)
    assert {c.cell: c.value for c in cells} == {c: f.value for c, f in FIGURES.cells.items()}
    text = MHT.format(base64.encodebytes(PAGE.encode("gb18030")).decode(), "")
    reading = read(text.encode())
    assert (reading.outcome, reading.source_kind) == ("parsed", "mht")
    for broken in (data[:400], MHT.replace("text/html", "text/css").encode()):
        reason = read(broken).reason
        assert reason is not None
        assert reason.code in ("broken_file", "empty")
