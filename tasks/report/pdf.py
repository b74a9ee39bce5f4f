"""PDF into blocks: paragraphs, and table rows found by the ruling lines.

pdfium is not thread-safe: everything that calls it happens under one lock of the process. Workers
that read PDFs in parallel are processes, not threads.
"""

from __future__ import annotations

import ctypes
import re
import threading
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pypdfium2  # noqa: F401 - importing it initialises the library
import pypdfium2.raw as pdfium

from tasks.report.model import Block, Paragraph, Place, Reject, Source, SourceCell, SourceRow
from tasks.report.pdf_grid import grids
from tasks.report.pdf_page import Budget, PageContent, read_page
from tasks.report.pdf_table import Table, append, continues, fill, table_of
from tasks.report.pdf_text import Box, bounds, line_text, visual_lines

MOST_PAGES = 300
MOST_BYTES = 64 << 20
MOST_UNPACKED = 16 << 20  # bytes of page content; what a report needs is below 1 MB
EDGE_ZONE = 0.12  # running heads and page numbers stand in this share of the page's height

_LOCK = threading.Lock()
_PAGE_NUMBER = re.compile(
    r"[\s\-—–－·•~]*第?\s*([0-9０-９]{1,4}|[ivxIVX]{1,6})\s*页?\s*"
    r"([/／,，]?\s*共?\s*[0-9０-９]{1,4}\s*页?)?[\s\-—–－·•~]*"
)
_DIGITS = re.compile(r"[0-9０-９]+")
_STREAM = re.compile(rb"stream\r?\n(?=[\x08-\x78][\x01-\xff])")
_DICTIONARY = 400  # bytes before a stream in which its dictionary stands


@dataclass(slots=True)
class _Line:
    text: str
    box: Box
    number: int
    furniture: bool = False  # a page number, or a running head or foot


@dataclass(slots=True)
class _Page:
    number: int
    height: float
    lines: list[_Line] = field(default_factory=list)
    parts: list[Table] = field(default_factory=list)
    pictures: int = 0


def source(data: bytes) -> Source:
    """The blocks of a PDF in reading order; a scan has pictures and no blocks.

    Raises `Reject` with `broken_file`, `encrypted` or `too_large`.
    """
    if len(data) > MOST_BYTES:
        raise Reject("too_large", f"the PDF is larger than {MOST_BYTES >> 20} MB")
    _refuse_bomb(data)
    with _LOCK:
        pages, title = _read(data)
    _mark_furniture(pages)
    out = Source("pdf", _blocks(pages), pictures=sum(page.pictures for page in pages))
    if title:
        out.meta["title"] = title
    # A file cut off in transfer still opens: pdfium rebuilds its index from what is there.
    out.complete = b"%%EOF" in data[-4096:]
    return out


def _refuse_bomb(data: bytes) -> None:
    """Rejects a PDF that unpacks to more than pdfium, which cannot be interrupted, should get.

    Pictures and fonts do not count: a scan holds large pictures, which are not unpacked to read
    text, and Chinese fonts have 15 MB.
    """
    left = MOST_UNPACKED
    for match in _STREAM.finditer(data):
        dictionary = data[max(0, match.start() - _DICTIONARY) : match.start()]
        if b"/Image" in dictionary or b"/Length1" in dictionary:
            continue
        end = data.find(b"endstream", match.end())
        packed = data[match.end() : end if end >= 0 else len(data)]
        try:
            left -= len(zlib.decompressobj().decompress(packed, left))
        except zlib.error:
            continue  # packed in another way
        if left <= 0:
            raise Reject("too_large", f"the PDF unpacks to more than {MOST_UNPACKED >> 20} MB")


def _read(data: bytes) -> tuple[list[_Page], str]:
    document = pdfium.FPDF_LoadMemDocument64(data, len(data), None)
    if not document:
        error = pdfium.FPDF_GetLastError()
        if error in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
            raise Reject("encrypted", "the PDF needs a password")
        raise Reject("broken_file", "the PDF cannot be opened")
    try:
        count = pdfium.FPDF_GetPageCount(document)
        if count > MOST_PAGES:
            raise Reject("too_large", f"the PDF has {count} pages, more than {MOST_PAGES}")
        if count < 1:
            raise Reject("broken_file", "the PDF has no pages")
        budget = Budget()
        pages = [_understand(_page(document, k, budget)) for k in range(count)]
        return pages, _title(document)
    finally:
        pdfium.FPDF_CloseDocument(document)


def _page(document: Any, index: int, budget: Budget) -> PageContent:
    page = pdfium.FPDF_LoadPage(document, index)
    if not page:
        # Going on without it could leave the middle of a table out unnoticed.
        place = Place("pdf", page=index + 1)
        raise Reject("broken_file", f"page {index + 1} of the PDF cannot be opened", place)
    try:
        return read_page(page, index + 1, budget)
    finally:
        pdfium.FPDF_ClosePage(page)


def _title(document: Any) -> str:
    """The title in the file's own properties: often a template's, so it is only `meta`."""
    size = pdfium.FPDF_GetMetaText(document, b"Title", None, 0)
    if not 2 < size <= 2000:
        return ""
    buffer = ctypes.create_string_buffer(size)
    pdfium.FPDF_GetMetaText(document, b"Title", buffer, size)
    return buffer.raw[:size].decode("utf-16-le", "replace").rstrip("\0").strip()


def _understand(content: PageContent) -> _Page:
    """A page's tables, and the lines of text outside them."""
    page = _Page(content.number, content.height, pictures=content.pictures)
    found = grids(content.across, content.down)
    if found is None:
        found = []
        page.pictures = max(1, page.pictures)
    # A table that holds a table is layout: what else it says are paragraphs.
    found = [g for g in found if not any(g.holds(other) for other in found if other is not g)]
    inside, outside = fill(found, content.glyphs)
    for grid, texts in zip(found, inside, strict=True):
        if (table := table_of(grid, texts, content.number)) is not None:
            page.parts.append(table)
    for glyphs in visual_lines(outside):
        if text := line_text(glyphs):
            line = _Line(text, bounds(glyphs), len(page.lines) + 1)
            in_foot = line.box[1] > (1 - EDGE_ZONE) * page.height
            line.furniture = in_foot and bool(_PAGE_NUMBER.fullmatch(text))
            page.lines.append(line)
    return page


def _mark_furniture(pages: list[_Page]) -> None:
    """Marks what several pages repeat at the same height of their head or foot."""
    keys: Counter[tuple[str, int]] = Counter()
    candidates: list[tuple[tuple[str, int], _Line]] = []
    for page in pages:
        for line in page.lines:
            top, bottom = line.box[1] / page.height, line.box[3] / page.height
            if bottom < EDGE_ZONE or top > 1 - EDGE_ZONE:
                key = (_DIGITS.sub("#", line.text), round(line.box[1] / 4))
                keys[key] += 1
                candidates.append((key, line))
    for key, line in candidates:
        line.furniture = line.furniture or keys[key] > 1


def _blocks(pages: list[_Page]) -> list[Block]:
    """Everything in reading order, tables numbered through the document."""
    tables: list[Table] = []
    shown: list[list[tuple[float, int, int]]] = []  # by page: top, table, index of the part
    for index, page in enumerate(pages):
        here = []
        for place, part in enumerate(page.parts):
            joined = (
                place == 0
                and index > 0
                and bool(pages[index - 1].parts)
                and _nothing_between(pages[index - 1], tables[-1], page, part)
                and continues(tables[-1], part)
            )
            top = part.top
            if joined:
                append(tables[-1], part)
            else:
                tables.append(part)
            here.append((top, len(tables) - 1, len(tables[-1].parts) - 1))
        shown.append(here)
    blocks: list[Block] = []
    for page, here in zip(pages, shown, strict=True):
        lines = [line for line in page.lines if not _is_page_number(line)]
        for top, number, part_index in here:
            while lines and lines[0].box[1] < top:
                blocks.append(_paragraph(lines.pop(0), page))
            blocks.extend(_rows(tables[number], number + 1, part_index))
        blocks.extend(_paragraph(line, page) for line in lines)
    return blocks


def _nothing_between(before: _Page, table: Table, page: _Page, part: Table) -> bool:
    """Whether only running heads, feet and page numbers stand between two parts of a table."""
    return not any(
        line.box[1] > table.bottom - 2 for line in before.lines if not line.furniture
    ) and not any(line.box[3] < part.top + 2 for line in page.lines if not line.furniture)


def _is_page_number(line: _Line) -> bool:
    return line.furniture and bool(_PAGE_NUMBER.fullmatch(line.text))


def _paragraph(line: _Line, page: _Page) -> Paragraph:
    return Paragraph(line.text, Place("pdf", page=page.number, line=line.number, box=line.box))


def _rows(table: Table, number: int, part: int) -> list[Block]:
    """The rows that begin in one page's part of a table."""
    first = table.parts[part][1]
    last = table.parts[part + 1][1] if part + 1 < len(table.parts) else table.rows
    rows: list[Block] = []
    for row in range(first, last):
        cells = tuple(
            SourceCell(
                cell.text,
                Place("pdf", number, row + 1, place, cell.page, cell.box),
                cell.rowspan,
                cell.colspan,
            )
            for place, cell in enumerate(table.begun_in(row), 1)
        )
        if cells:
            rows.append(SourceRow(cells, number))
    return rows
