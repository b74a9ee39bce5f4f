"""The pictures of an HTML page that may hold its tables: which they are, what is read in them."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urljoin

from tasks.report.headings import heading_of
from tasks.report.lines import row_heading
from tasks.report.model import Block, Image, Paragraph, Source, SourceRow

MOST = 20
"""Pictures of one page; a scanned report has some ten pages."""
TABLES = ("proactive", "requests", "review_litigation")
_SMALLEST = (300, 80)  # pixels; a table is wider, and no lower
_NARROWEST, _LOWEST = 200, 60  # as the page shows it
_SOURCES = ("data-original", "data-src", "original-src", "src")  # of pictures that a script loads
PICTURE = re.compile(r"\.(?:png|jpe?g|gif|bmp|webp|tiff?)(?:[?#]|$)", re.IGNORECASE)
_DRAWN = re.compile(r"\.(?:svg|ico)(?:[?#]|$)|^(?:javascript|about|blob|file):", re.IGNORECASE)
_NO_TABLE = re.compile(
    r"二维码|微信|微博|图标|分享|扫一扫|客户端|党徽|国徽"
    r"|(?<![a-z])(?:logo|icon|qr_?code|qr|ewm|erweima|wechat|weixin|weibo|banner|share|jiucuo"
    r"|search|footer|header|slogan)(?![a-z])",
    re.IGNORECASE,
)
_AROUND = ("nav", "header", "footer", "aside")
_PIXELS = re.compile(r"\s*(\d{1,5})(?:\.\d*)?\s*(?:px)?\s*")


def address(element: Any) -> str | None:
    """Where an <img> has its picture from; None when it can hold no table: too small, a mark of
    the site, a link to another page."""
    url = next((u for name in _SOURCES if (u := (element.get(name) or "").strip())), "")
    if not url or _DRAWN.search(url):
        return None
    for side, least in (("width", _NARROWEST), ("height", _LOWEST)):
        given = _PIXELS.fullmatch(element.get(side) or "")
        if given is not None and int(given[1]) < least:
            return None
    named = " ".join((element.get("alt") or "", element.get("title") or "", url.rpartition("/")[2]))
    if not url.startswith("data:") and _NO_TABLE.search(named):
        return None
    for parent in element.iterancestors("a", *_AROUND):
        href = (parent.get("href") or "").strip()
        if parent.tag != "a" or (href and not href.startswith("#") and not PICTURE.search(href)):
            return None
    return url


def absolute(url: str, base: str | None, page: str) -> str:
    """The address of a picture of the page at `page`, in ASCII and without a fragment."""
    try:
        joined = urljoin(urljoin(page, base or ""), url).partition("#")[0]
    except ValueError:
        return ""
    return quote(joined, safe="%/:?[]@!$&'()*+,;=~-._")


def addresses(images: list[Image]) -> list[str]:
    """Where pictures are that did not come with their page, each once."""
    missing = (image.url for image in images if image.data is None)
    return [url for url in dict.fromkeys(missing) if url.startswith(("http://", "https://"))]


def wanted(source: Source, *, titled: bool = True) -> list[Image]:
    """The pictures that may be the tables a page lacks: those below the headings of its tables.

    Where no such heading is text, the whole report may be pictures: all of them, if the page is
    `titled` as a report.
    """
    heading: str | None = None
    headings: list[str | None] = []  # for each place between blocks
    for block in source.blocks:
        headings.append(heading)
        heading = _heading(block) or heading
    headings.append(heading)
    if not any(h in TABLES for h in headings):
        return source.images if titled else []
    return [image for image in source.images if headings[image.at] in TABLES]


def _heading(block: Block) -> str | None:
    if isinstance(block, Paragraph):
        return heading_of(block.text)
    return row_heading(block)


def may_hold_table(data: bytes) -> bool:
    """Whether a picture has the pixels that a table needs; of formats not told apart, yes."""
    size = _size(data)
    return size is None or (size[0] >= _SMALLEST[0] and size[1] >= _SMALLEST[1])


def _size(data: bytes) -> tuple[int, int] | None:
    """Width and height by the header of a PNG, GIF, BMP or JPEG."""
    try:
        if data.startswith(b"\x89PNG"):
            wide, high = struct.unpack_from(">II", data, 16)
        elif data.startswith(b"GIF8"):
            wide, high = struct.unpack_from("<HH", data, 6)
        elif data.startswith(b"BM"):
            wide, high = (abs(side) for side in struct.unpack_from("<ii", data, 18))
        elif data.startswith(b"\xff\xd8"):
            at = 2
            while data[at] == 0xFF and data[at + 1] not in (*range(0xC0, 0xC4), *range(0xC5, 0xC8)):
                at += 2 + struct.unpack_from(">H", data, at + 2)[0]
            high, wide = struct.unpack_from(">HH", data, at + 5)
        else:
            return None
    except (struct.error, IndexError):
        return None
    return wide, high


def held(source: Source) -> list[Image]:
    """The pictures that came with their page and may be the tables that it lacks."""
    return [image for image in wanted(source) if image.data and may_hold_table(image.data)]


def with_read(source: Source, read: Callable[[Sequence[bytes]], Source]) -> Source | None:
    """The page with its pictures read, each where it stands; None when none came with it.

    `read` gives the blocks of pictures that make one report (`tasks.report.ocr.source`).
    """
    chosen = held(source)
    if not chosen:
        return None
    found = read([image.data for image in chosen if image.data])
    tables = max((b.table for b in source.blocks if isinstance(b, SourceRow)), default=0)
    below: dict[int, list[Block]] = {}
    for block in found.blocks:
        first = block.cells[0].place if isinstance(block, SourceRow) else block.place
        image = chosen[min(first.page or 1, len(chosen)) - 1]
        if isinstance(block, SourceRow):
            block = block._replace(table=block.table + tables)
        below.setdefault(image.at, []).append(block)
    blocks: list[Block] = list(below.get(0, ()))
    for number, block in enumerate(source.blocks, 1):
        blocks += [block, *below.get(number, ())]
    return replace(source, blocks=blocks, images=[], pictures=0, looks=found.looks)
