"""What kind of document some bytes are, by their content and never by their name."""

from __future__ import annotations

import io
import re
import struct
import zipfile

# An office file of this size unpacked is no report; a bomb declares less than it holds, so the
# readers count what they unpack as well.
MOST_UNPACKED = 256 << 20
MOST_MEMBERS = 20_000
MOST_RATIO = 400  # repetitive XML packs to 1:50, a bomb to 1:1000
RATIO_MATTERS = 4 << 20  # below this no ratio hurts

_IMAGES = (
    b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*",
    b"\x00\x00\x01\x00",
)  # fmt: skip
PAGES = b"MIME-Version: 1.0\r\nX-Article-Pages: "
"""How the pages of one article begin, once joined (`tasks.report.pages`)."""
_ARCHIVES = {b"\x1f\x8b": "gzip", b"Rar!\x1a\x07": "rar", b"7z\xbc\xaf\x27\x1c": "7z"}
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_TAG = re.compile(
    rb"<\s*(?:!doctype\s+html|html|head|body|title|meta|table|tbody|tr|td|div|p|br|span|script"
    rb"|style|link|font|center|h[1-6]|ul|ol|li|a|img|iframe|form|section|article|main)\b[^<]{0,2000}[>/]",
    re.IGNORECASE,
)
_PAGE = re.compile(rb"\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE)
_MHT = re.compile(rb"\A(?:[\w-]+:[^\n]*\n(?:[ \t][^\n]*\n)*)*?MIME-Version:", re.IGNORECASE)
_XHTML = b"http://www.w3.org/1999/xhtml"


def kind(data: bytes) -> str:
    """One of html, pages, mht, text, pdf, docx, xlsx, xls, doc, ofd, zip, image, rar, 7z,
    gzip, empty, unknown."""
    if not data.strip(b" \t\r\n\0"):
        return "empty"
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n\0")
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(data)
    if data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _ole_kind(data)
    for mark, archive in _ARCHIVES.items():
        if data.startswith(mark):
            return archive
    if data.startswith(PAGES):
        return "pages"
    if start.startswith(b"%PDF-"):
        return "pdf"
    if start.startswith(b"{\\rtf"):
        return "doc"  # not OLE2, but read by the same office program
    if _is_image(data):
        return "image"
    # readers of PDF accept some rubbish, such as response headers, before its mark
    if b"%PDF-" in data[:1024] and b"<" not in data[: data.find(b"%PDF-")]:
        return "pdf"
    return _text_kind(data)


def unsafe(archive: zipfile.ZipFile) -> str | None:
    """Why a zip is not to be unpacked, or None. Nothing is unpacked to find out."""
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        return f"the archive has {len(members)} members"
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if unpacked > MOST_UNPACKED:
        return f"the archive unpacks to {unpacked} bytes"
    if unpacked > RATIO_MATTERS and unpacked > MOST_RATIO * max(1, packed):
        return f"the archive unpacks to {unpacked // max(1, packed)} times its size"
    if any(member.flag_bits & 1 for member in members):
        return "the archive is encrypted"
    return None


def _zip_kind(data: bytes) -> str:
    """The kind by the members' names; `zip` for everything that is no office file."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if len(archive.infolist()) > MOST_MEMBERS:
                return "zip"
            names = {name.replace("\\", "/").lstrip("/").lower() for name in archive.namelist()}
    except (zipfile.BadZipFile, ValueError, OverflowError, struct.error, NotImplementedError):
        # cut off: the directory at the end is gone, the first members' names still tell
        head = data[:65536]
        for mark, what in ((b"word/", "docx"), (b"xl/", "xlsx"), (b"OFD.xml", "ofd")):
            if mark in head:
                return what
        return "zip"
    if "ofd.xml" in names:
        return "ofd"
    if any(name.startswith("word/document") and name.endswith(".xml") for name in names):
        return "docx"
    if any(name.startswith("xl/workbook") for name in names):
        return "xlsx"
    return "zip"


def _ole_kind(data: bytes) -> str:
    """xls or doc by the names in the directory of an OLE2 file."""
    if len(data) < 512:
        return "unknown"
    shift = min(max(struct.unpack_from("<H", data, 30)[0], 7), 16)
    first = struct.unpack_from("<I", data, 48)[0]
    names = _ole_names(data, (first + 1) << shift)
    if not names:  # a damaged header: the names stand somewhere as UTF-16
        names = {n for n in ("Workbook", "WordDocument") if n.encode("utf-16-le") in data}
    if names & {"Workbook", "Book"}:
        return "xls"
    if "WordDocument" in names:
        return "doc"
    return "unknown"


def _ole_names(data: bytes, offset: int) -> set[str]:
    """The names in the directory's first sectors (the important ones are first)."""
    names = set()
    for at in range(offset, min(offset + 128 * 32, len(data) - 127), 128):
        length = struct.unpack_from("<H", data, at + 64)[0]
        if 2 <= length <= 64 and data[at + 66] in (1, 2, 5):
            names.add(data[at : at + length - 2].decode("utf-16-le", "replace"))
    return names


def _is_image(data: bytes) -> bool:
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return True
    for mark in _IMAGES:
        if data.startswith(mark):
            # two letters are too little: the header of a bitmap says where its pixels begin
            return mark != b"BM" or (len(data) > 14 and data[6:10] == b"\0\0\0\0")
    return False


def _text_kind(data: bytes) -> str:
    """html, mht or text; XML only when it is a page; unknown when the bytes are no text."""
    if _PAGE.match(data):
        return "html"
    head = data[:65536]
    if head.startswith(_BOMS[1:]) or _looks_utf16(head):
        head = head[: len(head) & ~1].decode(
            "utf-16-be" if head.startswith(b"\xfe\xff") or head[:1] == b"\0" else "utf-16-le",
            "replace",
        ).encode("utf-8", "replace")  # fmt: skip
    elif head.count(b"\0") * 20 > len(head):
        return "unknown"
    begin = head.lstrip(b"\xef\xbb\xbf \t\r\n\0")
    if _MHT.match(begin[:4096]) and re.search(rb"multipart/|text/html", begin[:8192], re.I):
        return "mht"
    if begin[:5].lower() == b"<?xml":
        # an XML declaration stands before XHTML pages, and before feeds, site maps and flat Word
        body = re.sub(rb"\A<\?xml[^>]*\?>\s*(?:<!--.*?-->\s*)*", b"", begin, flags=re.S)[:4096]
        if b'progid="Word.Document"' in begin[:500] and b"<!DOCTYPE" not in head:
            return "doc"  # flat Word 2003: not OLE2 either
        page = _XHTML in body or re.match(rb"<(?:!doctype\s+html|html)\b", body, re.I)
        return "html" if page else "unknown"
    if _TAG.search(begin):
        return "html"
    control = sum(begin.count(bytes([code])) for code in (*range(1, 9), *range(14, 27)))
    return "unknown" if control * 50 > len(begin) else "text"


def _looks_utf16(head: bytes) -> bool:
    """UTF-16 without a mark: markup has a zero in every other byte."""
    sample = head[:400]
    if len(sample) < 40:
        return False
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    return max(even, odd) > len(sample) // 4 and min(even, odd) * 8 < max(even, odd)
