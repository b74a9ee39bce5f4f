"""Kinds by content: names, extensions and content types are not even passed."""

from __future__ import annotations

import gzip
import io
import struct
import time
import zipfile

import pytest

from tasks.report import sniff


def packed(*names: str, content: bytes = b"x") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return out.getvalue()


def ole(*names: str) -> bytes:
    """An OLE2 file with nothing but a header and a directory."""
    header = bytearray(512)
    header[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    struct.pack_into("<H", header, 30, 9)
    struct.pack_into("<I", header, 48, 1)
    directory = b""
    for number, name in enumerate(("Root Entry", *names)):
        entry = bytearray(128)
        raw = name.encode("utf-16-le")
        entry[: len(raw)] = raw
        struct.pack_into("<H", entry, 64, len(raw) + 2)
        entry[66] = 2 if number else 5
        directory += bytes(entry)
    return bytes(header) + bytes(512) + directory.ljust(512, b"\0")


PAGE = "<html><head><title>年度报告</title></head><body><p>一、总体情况</p></body></html>"
MHT = (
    "From: <Saved by WPS>\r\nSubject: =?gb2312?B?xOqxqA==?=\r\nMIME-Version: 1.0\r\n"
    'Content-Type: multipart/related;\r\n\tboundary="----=_x"\r\n\r\n------=_x\r\n'
    "Content-Type: text/html\r\n\r\n<html></html>"
)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "empty"),
        (b" \r\n\0\n", "empty"),
        (PAGE.encode(), "html"),
        (PAGE.encode("gb18030"), "html"),
        (b"\xef\xbb\xbf" + PAGE.encode(), "html"),
        (PAGE.encode("utf-16"), "html"),
        (PAGE.encode("utf-16-le") * 3, "html"),
        (b"\n\n<!-- x --><!DOCTYPE HTML PUBLIC><HTML>", "html"),
        ("<TABLE border=1><TR><TD>总计</TABLE>".encode(), "html"),
        (b'<?xml version="1.0"?><!DOCTYPE html><html><p>', "html"),
        (b'<?xml version="1.0"?><x:html xmlns:x="http://www.w3.org/1999/xhtml"/>', "html"),
        (rb"{\rtf1\ansi\deff0 x}", "doc"),
        (b'<?xml version="1.0"?><rss><channel><title>x</title></channel></rss>', "unknown"),
        (b'<?xml version="1.0"?><?mso-application progid="Word.Document"?><w/>', "doc"),
        (MHT.encode(), "mht"),
        ("一、总体情况\n本年新收 3 < 5 件".encode(), "text"),
        ("一、总体情况".encode("gb18030"), "text"),
        ("| 信息内容 | 本年制发件数 |\n|---|---|".encode(), "text"),
        (b"MIME-Version is a word in this text", "text"),
        (b"%PDF-1.4\n%", "pdf"),
        (b"\xef\xbb\xbf\r\n%PDF-1.7", "pdf"),
        (b"rubbish before\n%PDF-1.7", "pdf"),
        (b"<html><p>how to write %PDF-1.7</p>", "html"),
        (packed("[Content_Types].xml", "word/document.xml"), "docx"),
        (packed("[Content_Types].xml", "xl/workbook.xml"), "xlsx"),
        (packed("xl/workbook.bin"), "xlsx"),
        (packed("OFD.xml", "Doc_0/Document.xml"), "ofd"),
        (packed("word.txt"), "zip"),
        (packed("word/document.xml", content=b"y" * 999)[:-40], "docx"),
        (b"PK\x05\x06" + bytes(18), "zip"),
        (ole("Workbook"), "xls"),
        (ole("Book"), "xls"),
        (ole("1Table", "WordDocument", "Data"), "doc"),
        (ole("__substg1.0_0037001F"), "unknown"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "unknown"),
        (ole("WordDocument")[:1300], "doc"),
        (b"\x89PNG\r\n\x1a\n....", "image"),
        (b"\xff\xd8\xff\xe0..JFIF", "image"),
        (b"RIFF....WEBPVP8 ", "image"),
        (b"BM is a name", "text"),
        (gzip.compress(PAGE.encode(), mtime=0), "gzip"),
        (bytes(range(256)) * 4, "unknown"),
        (b"\0\x01\x02\x03" * 100, "unknown"),
    ],
    ids=lambda value: value if isinstance(value, str) else "bytes",  # archives hold the time
)  # fmt: skip
def test_kind(data: bytes, kind: str) -> None:
    assert sniff.kind(data) == kind


def test_bombs_are_told_without_unpacking() -> None:
    bomb = packed("word/document.xml", content=bytes(30 << 20))
    with zipfile.ZipFile(io.BytesIO(bomb)) as archive:
        assert "times its size" in (sniff.unsafe(archive) or "")
    with zipfile.ZipFile(io.BytesIO(packed("word/document.xml"))) as archive:
        assert sniff.unsafe(archive) is None


@pytest.mark.parametrize(
    "data",
    [
        b"<" * 300_000,
        b"<a" * 200_000,
        b"<?xml?>" + b"<!--" * 100_000,
        b"x:\n " * 100_000,
        "中<".encode() * 100_000,
        b"PK\x03\x04" * 80_000,
        ole("Workbook")[:512] * 600,
    ],
)  # fmt: skip
def test_no_bytes_take_long(data: bytes) -> None:
    began = time.process_time()
    sniff.kind(data)
    assert time.process_time() - began < 0.5
