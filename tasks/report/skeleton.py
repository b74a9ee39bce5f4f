"""Pages that differ only in their numbers are placed alike.

A county's units publish one page a hundred times, with other figures. Its skeleton is all that
recognition can see of the tables but the numbers: headings, captions, labels, blanks, marks, spans.
Where a page was placed without looking at any number (`Placed.regular`), the next page of the same
skeleton takes the same placement, and only its numbers are read.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from tasks.report.headings import heading_of
from tasks.report.lines import Line, caption, mark, row_heading, vote
from tasks.report.model import Form, Paragraph, Source, SourceCell, SourceRow
from tasks.report.placed import Placed

_MOST = 512  # skeletons kept, about 20 KB each
Rows = list[tuple[SourceCell, ...]]


class Skeleton(NamedTuple):
    """What recognition sees of a page, and the rows it sees it in.

    `seen` has (heading), the number of each row's table, and each cell's text or None for a
    number; cells that span others are followed by how many. Tables above the first that shows a
    statutory label hold the metadata header; they say nothing to recognition but
    headings and captions.
    """

    seen: tuple[object, ...]
    rows: Rows


class Placement(NamedTuple):
    """Where a form's cells stand: section -> cell code -> (row, cell)."""

    form: Form
    cells: dict[str, dict[str, tuple[int, int]]]
    units: dict[str, dict[str, str]]

    def apply(self, rows: Rows) -> dict[str, Placed]:
        """The sections of another page with the same skeleton."""
        return {
            section: Placed({code: rows[i][j] for code, (i, j) in cells.items()}, units)
            for (section, cells), units in zip(self.cells.items(), self.units.values(), strict=True)
        }


_known: dict[tuple[object, ...], Placement] = {}


def skeleton(source: Source) -> Skeleton:
    """The skeleton of a page."""
    seen: list[object] = []
    rows: Rows = []
    first: int | None = None  # the first table with a statutory label
    above: list[SourceRow] = []  # rows of the table that may be it
    for block in source.blocks:
        if isinstance(block, Paragraph):
            heading = heading_of(block.text) or caption(block)
            if heading is not None:
                seen.append((heading,))
            continue
        if first is None:
            if above and above[-1].table != block.table:
                above = []
            above.append(block)
            if vote(Line(block).labels) is None:
                heading = row_heading(block) or caption(block)
                if heading is not None:
                    seen.append((heading,))
                continue
            first = block.table
            rows += [row.cells for row in above]
            for row in above:
                _see(row, first, seen)
            continue
        rows.append(block.cells)
        _see(block, first, seen)
    return Skeleton(tuple(seen), rows)


def _see(row: SourceRow, first: int, seen: list[object]) -> None:
    cells, table = row
    seen.append(table - first)
    for text, _, rowspan, colspan in cells:
        seen.append(_shown(text))
        if rowspan != 1 or colspan != 1:
            seen.append((rowspan, colspan))


@lru_cache(maxsize=16384)
def _shown(text: str) -> str | None:
    return None if mark(text).kind == "n" else text


def forget() -> None:
    """Forgets every placement; readings do not depend on it."""
    _known.clear()


def recall(of: Skeleton) -> Placement | None:
    """The placement of an earlier page with this skeleton."""
    return _known.get(of.seen)


def remember(of: Skeleton, form: Form, placed: dict[str, Placed]) -> None:
    """Keeps a placement for the pages to come, if no number had a say in it."""
    if not all(p.regular and p.header_complete and not p.unsure_rows for p in placed.values()):
        return
    where = {id(cell): (i, j) for i, cells in enumerate(of.rows) for j, cell in enumerate(cells)}
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for section, p in placed.items():
        cells = {code: where[id(cell)] for code, cell in p.cells.items() if cell is not None}
        if len(cells) < len(p.cells):
            return
        found[section] = cells
    if len(_known) >= _MOST:
        forget()
    _known[of.seen] = Placement(form, found, {section: p.units for section, p in placed.items()})
