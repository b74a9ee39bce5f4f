"""The grid that rowspan and colspan claim: which column each source cell begins in.

Spans on published pages are often wrong, so the grid is never the only witness; it is asked only
where a row's own cells leave a choice, and only believed where the table's full rows agree with
it.
"""

from __future__ import annotations

from collections.abc import Sequence

from tasks.report.model import SourceCell, SourceRow

_WIDEST = 200


class Grid:
    """Columns of one table. Spans are clipped to the table, so that no span can cost memory."""

    def __init__(self, rows: list[SourceRow], told: bool = True) -> None:
        self.told = told  # False where the source shows no columns, only cells one after another
        self._column: dict[int, int] = {}  # id(cell) -> first column
        self._row: dict[int, dict[int, SourceCell]] = {}  # id(cell) -> column -> cell of its row
        reach: dict[int, tuple[SourceCell, int]] = {}  # column -> cell and rows it still covers
        for i, row in enumerate(rows):
            filled = {c: cell for c, (cell, _) in reach.items()}
            at = 0
            fresh: dict[int, tuple[SourceCell, int]] = {}
            for cell in row.cells:
                while at in reach:
                    at += 1
                self._column[id(cell)] = at
                self._row[id(cell)] = filled
                span = min(cell.colspan, _WIDEST)
                filled.update((c, cell) for c in range(at, at + span))
                below = min(cell.rowspan, len(rows) - i) - 1
                if below > 0:
                    fresh.update((c, (cell, below)) for c in range(at, at + span))
                at += span
            reach = {c: (cell, n - 1) for c, (cell, n) in reach.items() if n > 1} | fresh

    def knows(self, cell: SourceCell) -> bool:
        """Whether the cell stands in this table."""
        return id(cell) in self._column

    def column_of(self, cell: SourceCell) -> int:
        """The column a cell begins in."""
        return self._column[id(cell)]

    def covering(self, first: SourceCell, column: int) -> SourceCell | None:
        """The cell that fills this column in the row that begins with `first`, from it or above."""
        return self._row[id(first)].get(column)

    def above(self, cells: Sequence[SourceCell]) -> list[SourceCell]:
        """The cells of earlier rows that reach into the row of these cells."""
        own = {id(c) for c in cells}
        return [c for c in self._row[id(cells[0])].values() if id(c) not in own]
