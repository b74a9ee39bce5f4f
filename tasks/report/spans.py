"""The grid that rowspan and colspan claim: which column each source cell begins in.

Spans on published pages are often wrong, so the grid is never the only witness; it is asked only
where a row's own cells leave a choice, and only believed where the table's full rows agree with
it.
"""

from __future__ import annotations

from tasks.report.model import SourceCell, SourceRow

_WIDEST = 200


class Grid:
    """Columns of one table. Spans are clipped to the table, so that no span can cost memory."""

    def __init__(self, rows: list[SourceRow]) -> None:
        self._column: dict[int, int] = {}  # id(cell) -> first column
        self._above: dict[int, dict[int, SourceCell]] = {}  # id(first cell of a row) -> reaching in
        reach: dict[int, tuple[SourceCell, int]] = {}  # column -> cell and rows it still covers
        for i, row in enumerate(rows):
            if row.cells:
                self._above[id(row.cells[0])] = {c: cell for c, (cell, _) in reach.items()}
            at = 0
            fresh: dict[int, tuple[SourceCell, int]] = {}
            for cell in row.cells:
                while at in reach:
                    at += 1
                self._column[id(cell)] = at
                span = min(cell.colspan, _WIDEST)
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

    def above(self, first: SourceCell, column: int) -> SourceCell | None:
        """The cell of an earlier row that reaches into the row of `first` in this column."""
        return self._above[id(first)].get(column)
