"""Pages that differ only in their numbers are placed alike.

A county's units publish one page a hundred times, with other figures. Its skeleton is all that
recognition can see of the tables but the numbers: headings, labels, blanks, marks, spans. Where a
page was placed without looking at any number (`Placed.regular`), the next page of the same
skeleton takes the same placement, and only its numbers are read.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from tasks.report.headings import heading_of
from tasks.report.lines import mark
from tasks.report.model import Form, Paragraph, Source, SourceRow
from tasks.report.sections import Placed

Skeleton = tuple[object, ...]
_MOST = 512  # skeletons kept, about 20 KB each


class Placement(NamedTuple):
    """Where a form's cells stand: section -> cell code -> (row, cell), counted over all rows."""

    form: Form
    cells: dict[str, dict[str, tuple[int, int]]]
    units: dict[str, dict[str, str]]

    def apply(self, source: Source) -> dict[str, Placed]:
        """The sections of another page with the same skeleton."""
        rows = [block.cells for block in source.blocks if type(block) is SourceRow]
        return {
            section: Placed({code: rows[i][j] for code, (i, j) in cells.items()}, units)
            for (section, cells), units in zip(self.cells.items(), self.units.values(), strict=True)
        }


_known: dict[Skeleton, Placement] = {}


def skeleton(source: Source) -> Skeleton:
    """What recognition sees of a page: (heading), row's table, cell's text or None for a number.

    Cells that span others are followed by how many.
    """
    seen: list[object] = []
    for block in source.blocks:
        if isinstance(block, Paragraph):
            heading = heading_of(block.text)
            if heading is not None:
                seen.append((heading,))
            continue
        cells, table = block
        seen.append(table)
        for text, _, rowspan, colspan in cells:
            seen.append(_shown(text))
            if rowspan != 1 or colspan != 1:
                seen.append((rowspan, colspan))
    return tuple(seen)


@lru_cache(maxsize=16384)
def _shown(text: str) -> str | None:
    return None if mark(text).kind == "n" else text


def recall(of: Skeleton) -> Placement | None:
    """The placement of an earlier page with this skeleton."""
    return _known.get(of)


def remember(of: Skeleton, form: Form, source: Source, placed: dict[str, Placed]) -> None:
    """Keeps a placement for the pages to come, if no number had a say in it."""
    if not all(p.regular and p.header_complete and not p.unsure_rows for p in placed.values()):
        return
    rows = [block.cells for block in source.blocks if type(block) is SourceRow]
    where = {id(cell): (i, j) for i, cells in enumerate(rows) for j, cell in enumerate(cells)}
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for section, p in placed.items():
        cells = {code: where[id(cell)] for code, cell in p.cells.items() if cell is not None}
        if len(cells) < len(p.cells):
            return
        found[section] = cells
    if len(_known) >= _MOST:
        _known.clear()
    _known[of] = Placement(form, found, {section: p.units for section, p in placed.items()})
