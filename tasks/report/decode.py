"""Bytes of a page to text. The content decides; labels only break ties.

Every GB label (gb2312, gbk) is read as gb18030: lxml and bs4 lose the rest of a page that declares
gb2312 and holds a character outside it (镕).
"""

from __future__ import annotations

import codecs
import re

_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]+)", re.IGNORECASE)
_ASCII = bytes(range(128))
_IDEOGRAPHS = re.compile("[\u4e00-\u9fff]+")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARATIONS = 65536  # a meta charset has been seen after 5 KB


def to_utf8(data: bytes, content_type: str | None = None) -> bytes:
    """The page as UTF-8; the same bytes where they are UTF-8 already."""
    if not data.startswith(tuple(bom for bom, _ in _BOMS)):
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            pass
        else:
            return data
    return decode(data, content_type).encode("utf-8", errors="replace")


def decode(data: bytes, content_type: str | None = None) -> str:
    """The text of a page in whatever encoding it is in, with U+FFFD for bytes that mean nothing."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data.decode(encoding, errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if data[:2000].count(0) > len(data[:2000]) // 4:
        little = data[1:2000:2].count(0) >= data[0:2000:2].count(0)
        return data.decode("utf-16-le" if little else "utf-16-be", errors="replace")
    # A few damaged bytes, or an end in the middle of a character, do not unmake UTF-8.
    as_utf8 = data.decode("utf-8", errors="replace")
    damage = as_utf8.count("\ufffd") * 20
    at_most = len(data.translate(None, _ASCII)) // 3  # ideographs; cheaper than to look for them
    if damage < at_most and damage < sum(map(len, _IDEOGRAPHS.findall(as_utf8))):
        return as_utf8
    declared = _declared(data, content_type)
    if declared == "big5":
        try:
            return data.decode("big5hkscs")
        except UnicodeDecodeError:
            pass
    return data.decode("gb18030", errors="replace")


def _declared(data: bytes, content_type: str | None) -> str:
    match = _CHARSET.search((content_type or "").encode("ascii", "ignore")) or _CHARSET.search(
        data[:_DECLARATIONS]
    )
    return match[1].decode("ascii").lower() if match else ""
