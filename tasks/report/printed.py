"""Printed pages into blocks: paragraphs, and table rows found by the ruling lines.

What drew the pages (PDF, OFD) is known here only as the kind that places name.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from tasks.report.drawn import PageContent
from tasks.report.model import Block, Paragraph, Place, Source, SourceCell, SourceRow
from tasks.report.pdf_grid import grids
from tasks.report.pdf_table import Table, append, continues, fill, table_of
from tasks.report.pdf_text import Box, bounds, line_text, visual_lines

EDGE_ZONE = 0.12  # running heads and page numbers stand in this share of the page's height
_PAGE_NUMBER = re.compile(
    r"[\s\-—–－·•~]*第?\s*([0-9０-９]{1,4}|[ivxIVX]{1,6})\s*页?\s*"
    r"([/／,，]?\s*共?\s*[0-9０-９]{1,4}\s*页?)?[\s\-—–－·•~]*"
)
_DIGITS = re.compile(r"[0-9０-９]+")


@dataclass(slots=True)
class _Line:
    text: str
    box: Box
    number: int
    furniture: bool = False  # a page number, or a running head or foot


@dataclass(slots=True)
class Page:
    """One page's tables, and its lines of text outside them."""

    number: int
    height: float
    lines: list[_Line] = field(default_factory=list)
    parts: list[Table] = field(default_factory=list)
    pictures: int = 0
    recognised: bool = False
    looks: dict[Box, tuple[str, ...]] = field(default_factory=dict)


def source(kind: str, pages: list[Page]) -> Source:
    """The blocks of pages in reading order; a scan has pictures and no blocks."""
    _mark_furniture(pages)
    out = Source(kind, _blocks(pages, kind), pictures=sum(page.pictures for page in pages))
    out.looks = {(page.number, box): r for page in pages for box, r in page.looks.items()}
    return out


def understand(content: PageContent) -> Page:
    """A page's tables, and the lines of text outside them."""
    page = Page(content.number, content.height, pictures=content.pictures)
    page.recognised, page.looks = content.recognised, content.looks
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


def _mark_furniture(pages: list[Page]) -> None:
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


def _blocks(pages: list[Page], kind: str) -> list[Block]:
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
    kinds = {page.number: "image" if page.recognised else kind for page in pages}
    for page, here in zip(pages, shown, strict=True):
        lines = [line for line in page.lines if not _is_page_number(line)]
        for top, number, part_index in here:
            while lines and lines[0].box[1] < top:
                blocks.append(_paragraph(lines.pop(0), page, kinds[page.number]))
            blocks.extend(_rows(tables[number], number + 1, part_index, kinds))
        blocks.extend(_paragraph(line, page, kinds[page.number]) for line in lines)
    return blocks


def _nothing_between(before: Page, table: Table, page: Page, part: Table) -> bool:
    """Whether only running heads, feet and page numbers stand between two parts of a table."""
    return not any(
        line.box[1] > table.bottom - 2 for line in before.lines if not line.furniture
    ) and not any(line.box[3] < part.top + 2 for line in page.lines if not line.furniture)


def _is_page_number(line: _Line) -> bool:
    return line.furniture and bool(_PAGE_NUMBER.fullmatch(line.text))


def _paragraph(line: _Line, page: Page, kind: str) -> Paragraph:
    return Paragraph(line.text, Place(kind, page=page.number, line=line.number, box=line.box))


def _rows(table: Table, number: int, part: int, kinds: dict[int, str]) -> list[Block]:
    """The rows that begin in one page's part of a table."""
    first = table.parts[part][1]
    last = table.parts[part + 1][1] if part + 1 < len(table.parts) else table.rows
    rows: list[Block] = []
    for row in range(first, last):
        cells = tuple(
            SourceCell(
                cell.text,
                Place(kinds[cell.page], number, row + 1, place, cell.page, cell.box),
                cell.rowspan,
                cell.colspan,
            )
            for place, cell in enumerate(table.begun_in(row), 1)
        )
        if cells:
            rows.append(SourceRow(cells, number))
    return rows
