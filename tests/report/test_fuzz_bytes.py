"""No bytes crash, hang or exhaust the reader: damaged golden pages, bombs and monsters."""

from __future__ import annotations

import gc
import io
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.report import read
from tasks.report.model import Reading
from tasks.report.reader import reasons
from tests.publisher import figures as maker
from tests.publisher import layouts
from tests.publisher.document import document
from tests.publisher.ofd import package as ofd_package
from tests.report.test_properties import STEADY

psutil = pytest.importorskip("psutil")
GOLDEN = Path(__file__).resolve().parents[1] / "golden"
MOST_SECONDS = 1.0  # of CPU, for any document here
MOST_MEMORY = 300 << 20  # above what the process had before


def golden(suffix: str) -> list[Path]:
    return sorted(p for p in GOLDEN.glob(f"*.{suffix}"))


@cache
def content(path: Path) -> bytes:
    return path.read_bytes()


def read_in_time(data: bytes, seconds: float = MOST_SECONDS) -> Reading:
    """Reads; fails on an exception, a slow reading or a reading that is none."""
    began = time.process_time()
    reading = read(data)
    spent = time.process_time() - began
    assert spent < seconds, f"{spent:.2f} s of CPU: {reading.reason}"
    if reading.outcome == "rejected":
        assert reading.reason is not None
        assert reading.reason.code in reasons()
        assert reading.reason.code != "fault"
        assert not reading.cells
    else:
        assert len(reading.cells) in (198, 200)
    return reading


def damaged(data: bytes, rng: Random) -> bytes:
    """The bytes with up to a few of them flipped, cut, doubled, moved or replaced."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5, 30))):
        if not out:
            break
        at = rng.randrange(len(out))
        size = rng.choice((1, 1, 4, 64, 2000))
        match rng.randrange(7):
            case 0:
                out[at] ^= 1 << rng.randrange(8)
            case 1:
                out[at] = rng.choice((0, 0xFF, 0x80, 60, 62, 34, 38, 10))
            case 2:
                del out[at : at + size]
            case 3:
                out[at:at] = out[at : at + size]
            case 4:
                out[at:at] = rng.randbytes(size)
            case 5:
                to = rng.randrange(len(out))
                out[to : to + size] = out[at : at + size]
            case _:
                del out[at:]
    return bytes(out)


def repacked(data: bytes, rng: Random) -> bytes:
    """An office file whose members are damaged, in a sound archive."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            inner = old.read(name)
            if rng.random() < 0.4:
                inner = damaged(inner, rng)
            if rng.random() < 0.97:
                new.writestr(name, inner)
    return out.getvalue()


@pytest.mark.parametrize("suffix", ["html", "txt", "docx", "xlsx"])
@settings(STEADY, max_examples=120)
@given(st.integers(0, 10**9))
def test_damaged_bytes_are_read_or_refused(suffix: str, seed: int) -> None:
    rng = Random(seed)
    read_in_time(damaged(content(rng.choice(golden(suffix))), rng))


@pytest.mark.slow
@settings(STEADY, max_examples=150)
@given(st.integers(0, 10**9))
def test_damaged_pdfs_are_read_or_refused(seed: int) -> None:
    rng = Random(seed)
    read_in_time(damaged(content(rng.choice(golden("pdf"))), rng), seconds=2)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["docx", "xlsx", "ofd"])
@settings(STEADY, max_examples=150)
@given(st.integers(0, 10**9))
def test_damaged_members_are_read_or_refused(suffix: str, seed: int) -> None:
    rng = Random(seed)
    read_in_time(repacked(content(rng.choice(golden(suffix))), rng))


@pytest.mark.slow
@pytest.mark.parametrize("path", [*golden("html")[::6], *golden("txt")[2:4]], ids=lambda p: p.name)
def test_a_page_cut_anywhere_is_no_other_report(path: Path) -> None:
    """A page that ends early is refused, or says what the whole page says."""
    whole = {c.cell: c.value for c in read(content(path)).cells}
    rng = Random(path.name)
    for _ in range(25):
        reading = read_in_time(content(path)[: rng.randrange(len(content(path)))])
        assert all(c.value == whole[c.cell] for c in reading.cells)


@settings(STEADY, max_examples=150)
@given(st.binary(max_size=2000))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    assert read_in_time(data).outcome == "rejected"


TAGS = "<table> <tr> <td> </td> </tr> </table> <td rowspan=3> <td colspan=9> <div> </div> <p> </p>"
WORDS = "总计 规章 行政许可 信息内容 商业企业 一、总体情况 （七）总计 第二十条第（一）项 0 12 / |\t"


@settings(STEADY, max_examples=200)
@given(st.lists(st.sampled_from([*TAGS.split(" "), *WORDS.split(" ")]), max_size=120))
def test_any_heap_of_tags_and_labels_is_refused(pieces: list[str]) -> None:
    assert read_in_time("".join(["<html>", *pieces]).encode()).outcome == "rejected"
    assert read_in_time("\n".join(pieces).encode()).outcome == "rejected"


PAGE = layouts.html(document(maker.consistent("2021", 3), seed=3))


def with_rows(rows: str) -> bytes:
    """A report with rows more at the end of its section 三."""
    at = PAGE.find("</table>", PAGE.find("（七）总计"))
    return (PAGE[:at] + rows + PAGE[at:]).encode()


OFD_PATH = (
    '<ofd:PathObject Boundary="0 0 9 9"><ofd:AbbreviatedData>{}</ofd:AbbreviatedData>'
    "</ofd:PathObject>"
)


def zipped(name: str, member: bytes, others: tuple[str, ...] = ()) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for other in others:
            archive.writestr(other, "<x/>")
        archive.writestr(name, member)
    return out.getvalue()


def pdf_of(drawn: bytes, *, times: int = 1, said: bytes = b"") -> bytes:
    """A PDF of one page with this content, packed so many times, whose dictionary says more."""
    packed = drawn
    for _ in range(times):
        packed = zlib.compress(packed, 9)
    filters = b"/FlateDecode" * times
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R>>",
        b"<</Length %d/Filter[%s]%s>>\nstream\n%s\nendstream"
        % (len(packed), filters, said, packed),
    )
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % (n, o) for n, o in enumerate(objects, 1))
    return b"%PDF-1.4\n" + body + b"trailer<</Root 1 0 R>>\n%%EOF\n"


def lying_zip(name: str, size: int) -> bytes:
    """A zip whose directory says that its member is small."""
    data = bytearray(zipped(name, bytes(size)))
    for mark, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        struct.pack_into("<I", data, data.find(mark) + offset, 1000)
    return bytes(data)


ENTITIES = (
    '<?xml version="1.0"?><!DOCTYPE html [<!ENTITY a "年度报告">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True)
    )
    + "]><html><body>&j;</body></html>"
).encode()


MONSTERS: dict[str, Callable[[], bytes]] = {
    "10,000 rows": lambda: with_rows("<tr><td>行</td><td>1</td></tr>" * 10_000),
    "2,000 rows of eight": lambda: with_rows(("<tr>" + "<td>1</td>" * 8 + "</tr>") * 2_000),
    "one row of 100,000": lambda: with_rows("<tr>" + "<td>1" * 100_000),
    "2,000 equal rows": lambda: with_rows(
        ("<tr><td>（七）总计</td>" + "<td>1</td>" * 7 + "</tr>") * 2_000
    ),
    "100 reports": lambda: PAGE.encode() * 100,
    "5 MB of lines": lambda: b"1\n" * 2_500_000,
    "5 MB of tabs": lambda: b"\t1\n\n" * 1_250_000,
    "colspan": lambda: PAGE.replace("<td", '<td colspan="99999"').encode(),
    "rowspan": lambda: PAGE.replace("<td", '<td rowspan="99999"').encode(),
    "both spans": lambda: PAGE.replace("<td", '<td colspan=99999 rowspan="65534"').encode(),
    "endless span": lambda: PAGE.replace("<td", f'<td colspan="{"9" * 100_000}"', 3).encode(),
    "negative span": lambda: PAGE.replace("<td", '<td colspan="-1" rowspan="0"').encode(),
    "50,000 divs": lambda: b"<html>" + b"<div>" * 50_000 + b"x" + b"</div>" * 50_000,
    "50,000 divs around": lambda: (b"<div>" * 50_000) + PAGE.encode(),
    "50,000 tables": lambda: b"<html>" + b"<table><tr><td>" * 50_000,
    "50,000 spans": lambda: b"<html>" + b"<span>" * 50_000 + "规章".encode(),
    "50,000 unclosed": lambda: b"<html>" + b"<p><b><i>" * 50_000,
    "huge attribute": lambda: PAGE.replace("<td", f'<td title="{"x" * 5_000_000}"', 1).encode(),
    "5 MB of digits": lambda: b"1" * 5_000_000,
    "5 MB of digits in a cell": lambda: with_rows(f"<tr><td>{'1' * 5_000_000}</td></tr>"),
    "5 MB of pipes": lambda: b"|" * 5_000_000,
    "5 MB of spaces in a label": lambda: ("<p>索" + " " * 5_000_000 + "引号：x").encode(),
    "5 MB of Chinese": lambda: "年度报告".encode() * 400_000,
    "a long sentence": lambda: PAGE.replace(
        "一、总体情况", "一、总体情况</h3><p>" + "收到依申请公开" * 50_000, 1
    ).encode(),
    "20,000 paragraphs": lambda: PAGE.replace(
        "一、总体情况", "<p>政府信息公开工作年度</p>" * 20_000 + "一、总体情况", 1
    ).encode(),
    "20,000 labels in one cell": lambda: with_rows(f"<tr><td>{'规章<br>' * 20_000}</td></tr>"),
    "entities": lambda: ENTITIES,
    "entities in a docx": lambda: zipped("word/document.xml", ENTITIES, ("[Content_Types].xml",)),
    "docx bomb": lambda: zipped("word/document.xml", bytes(200 << 20)),
    "xlsx bomb": lambda: zipped("xl/worksheets/sheet1.xml", bytes(200 << 20), ("xl/workbook.xml",)),
    "ofd bomb": lambda: zipped("OFD.xml", bytes(200 << 20)),
    "lying ofd bomb": lambda: lying_zip("OFD.xml", 100 << 20),
    "ofd of one path": lambda: ofd_package([[]] * 200, OFD_PATH.format("L 9 9 " * 10**6)),
    "ofd of lines": lambda: ofd_package([[OFD_PATH.format("M 0 0 L 9 0") * 1_000]] * 200),
    "entities in an ofd": lambda: zipped("OFD.xml", ENTITIES),
    "lying docx bomb": lambda: lying_zip("word/document.xml", 100 << 20),
    "lying xlsx bomb": lambda: lying_zip("xl/workbook.xml", 100 << 20),
    "20,001 members": lambda: zipped("xl/workbook.xml", b"", tuple(map(str, range(20_001)))),
    "scripts": lambda: PAGE.replace("<body>", "<body>" + "<script>x</script>" * 50_000).encode(),
    "comments": lambda: PAGE.replace("<body>", "<body>" + "<!-- x -->" * 100_000).encode(),
    "open comment": lambda: PAGE.replace("<body>", "<body><!--" * 50_000).encode(),
    "pdf bomb": lambda: pdf_of(b" " * (200 << 20)),
    "pdf packed twice": lambda: pdf_of(b" " * (200 << 20), times=2),
    "pdf whose page is called a font": lambda: pdf_of(b" " * (200 << 20), said=b"/Length1 9"),
    "pdf whose page is called a picture": lambda: pdf_of(
        b"0 0 m 1 1 l S\n" * (15 << 20), said=b"/Subtype/Image"
    ),
    "pdf of lines": lambda: pdf_of(b"0 0 m 1 1 l S\n" * (1 << 20)),
    "20,000 lines like headings": lambda: "".join(
        f"第{n}条 主动公开政府信息情况\n" for n in range(20_000)
    ).encode(),
    "null bytes": lambda: PAGE.encode().replace(b"<td>", b"<td>\0\0\0\0"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MONSTERS)
def test_monsters_are_read_or_refused_within_a_second(name: str) -> None:
    data = MONSTERS[name]()
    process = psutil.Process()
    before = process.memory_info().rss
    read_in_time(data)
    assert process.memory_info().rss - before < MOST_MEMORY


LARGE = {
    "100,000 attributes": lambda: PAGE.replace(
        "<td", "<td" + "".join(f" a{n}=1" for n in range(100_000)), 1
    ).encode(),
    "5 MB of lines": lambda: b"1\n" * 2_500_000,
    "5 MB of tabs": lambda: b"\t1\n\n" * 1_250_000,
    "5 MB of colons": lambda: "索引号：".encode() * 400_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_a_large_document_is_refused_in_time(name: str) -> None:
    read_in_time(LARGE[name]())


@pytest.mark.slow
@pytest.mark.parametrize("path", golden("txt"), ids=lambda p: p.name)
def test_a_text_cut_in_its_last_table_is_no_report_with_other_values(path: Path) -> None:
    whole = {c.cell: c.value for c in read_in_time(content(path)).cells}
    data = content(path)
    for end in range(len(data) * 85 // 100, len(data) * 92 // 100):
        reading = read_in_time(data[:end])
        assert all(c.value == whole[c.cell] for c in reading.cells), end


@pytest.mark.parametrize("collects", [True, False])
def test_reading_leaves_the_collector_as_it_was(collects: bool) -> None:
    before = gc.isenabled()
    try:
        (gc.enable if collects else gc.disable)()
        for data in (PAGE.encode(), b"", b"PK\x03\x04"):
            read(data)
            assert gc.isenabled() is collects
    finally:
        (gc.enable if before else gc.disable)()
