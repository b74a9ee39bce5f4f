"""Tables of a page with their text, and their continuation on the next page."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from tasks.report.drawn import Glyph
from tasks.report.model import UNSURE
from tasks.report.pdf_grid import Grid
from tasks.report.pdf_text import Box, block_text

SAME_COLUMN = 4.0  # column edges this close on two pages are one edge
_VALUE = re.compile(r"[\d.,+\-\s/—–元万无]+")


@dataclass(slots=True)
class TableCell:
    """One cell; rows and columns count from 0 through the whole table, over its pages."""

    row: int
    column: int
    rowspan: int
    colspan: int
    text: str
    box: Box
    page: int
    open_top: bool = False
    open_bottom: bool = False

    @property
    def is_value(self) -> bool:
        return bool(_VALUE.fullmatch(unicodedata.normalize("NFKC", self.text)))


@dataclass(slots=True)
class Table:
    """A table, or the part of one that stands on one page."""

    xs: list[float]
    rows: int
    cells: list[TableCell]
    top: float = 0.0
    bottom: float = 0.0
    parts: list[tuple[int, int]] = field(default_factory=list)  # (page, first row), in order

    def begun_in(self, row: int) -> list[TableCell]:
        """The cells that begin in a row, from the left."""
        return sorted((c for c in self.cells if c.row == row), key=lambda c: c.column)


def fill(grids: list[Grid], glyphs: Iterable[Glyph]) -> tuple[list[list[list[Glyph]]], list[Glyph]]:
    """The characters of every cell of every table, and those outside all tables.

    A character belongs to the cell that its centre lies in. Digits printed without a gap are one
    number: one too wide for its cell, printed over the rule, is not torn in two.
    """
    inside: list[list[list[Glyph]]] = [[[] for _ in grid.cells] for grid in grids]
    outside: list[Glyph] = []
    order = sorted(range(len(grids)), key=lambda k: grids[k].area)
    number: list[Glyph] = []

    def cell_at(x: float, y: float) -> list[Glyph]:
        for k in order:
            cell = grids[k].find(x, y)
            if cell is not None:
                return inside[k][cell]
        return outside

    def place(run: list[Glyph]) -> None:
        y = (run[0].y0 + run[0].y1) / 2
        first = cell_at((run[0].x0 + run[0].x1) / 2, y)
        if len(run) == 1 or first is cell_at((run[-1].x0 + run[-1].x1) / 2, y):
            first.extend(run)
        elif _cuts_a_digit(run, grids):
            cell_at((run[0].x0 + run[-1].x1) / 2, y).extend(run)
        else:
            # The rule runs between two digits: two numbers that fill their cells, or one that is
            # too wide? Nothing on the page tells, so neither cell may pass for read.
            for glyph in run:
                cell_at((glyph.x0 + glyph.x1) / 2, y).append(glyph)
            for end in (run[0], run[-1]):
                cell_at((end.x0 + end.x1) / 2, y).append(end._replace(text=UNSURE))

    for glyph in glyphs:
        is_digit = glyph.text.isdigit()
        if number:
            last, height = number[-1], glyph.y1 - glyph.y0
            if (
                (is_digit or glyph.text in ".,")
                and -0.35 * height < glyph.x0 - last.x1 < 0.1 * height
                and abs(glyph.y0 - last.y0) < 2
            ):
                number.append(glyph)
                continue
            place(number)
            number = []
        if is_digit:
            number = [glyph]
        else:
            cell_at((glyph.x0 + glyph.x1) / 2, (glyph.y0 + glyph.y1) / 2).append(glyph)
    if number:
        place(number)
    return inside, outside


def _cuts_a_digit(run: list[Glyph], grids: list[Grid]) -> bool:
    """Whether a column's edge runs through the inside of a digit."""
    y = (run[0].y0 + run[0].y1) / 2
    edges = [x for grid in grids if grid.ys[0] <= y <= grid.ys[-1] for x in grid.xs]
    return any(
        g.x0 + 0.2 * (g.x1 - g.x0) < x < g.x1 - 0.2 * (g.x1 - g.x0) for g in run for x in edges
    )


def table_of(grid: Grid, texts: list[list[Glyph]], page: int) -> Table | None:
    """The table of a grid, without rows that only the ends of lines close and that are empty."""
    cells = []
    for cell, glyphs in zip(grid.cells, texts, strict=True):
        box = (
            round(grid.xs[cell.column], 1),
            round(grid.ys[cell.row], 1),
            round(grid.xs[cell.column + cell.colspan], 1),
            round(grid.ys[cell.row + cell.rowspan], 1),
        )
        cells.append(
            TableCell(
                cell.row, cell.column, cell.rowspan, cell.colspan, block_text(glyphs), box, page,
                cell.open_top, cell.open_bottom,
            )
        )  # fmt: skip
    table = Table(
        list(grid.xs), len(grid.ys) - 1, cells, grid.ys[0], grid.ys[-1], parts=[(page, 0)]
    )
    _drop_empty_end(table, 0)
    _drop_empty_end(table, table.rows - 1)
    return table if table.rows and any(cell.text for cell in cells) else None


def _drop_empty_end(table: Table, row: int) -> None:
    """Drops a first or last row that is open all along and holds nothing."""
    here = [c for c in table.cells if c.row <= row < c.row + c.rowspan]
    is_open = all(c.open_top if row == 0 else c.open_bottom for c in here)
    if not is_open or table.rows < 2 or any(c.text for c in here if c.rowspan == 1):
        return
    for cell in here:
        cell.rowspan -= 1
    table.cells = [c for c in table.cells if c.rowspan]
    if row == 0:
        for cell in table.cells:
            cell.row = max(0, cell.row - 1)
    table.rows -= 1


def continues(table: Table, part: Table) -> bool:
    """Whether a table at the head of a page goes on with the columns of the one before it."""
    if abs(_width(table) - _width(part)) > SAME_COLUMN:
        return False
    shift = table.xs[0] - part.xs[0]  # odd and even pages may have mirrored margins
    few, many = sorted((table.xs[1:-1], [x + shift for x in part.xs[1:-1]]), key=len)
    matched = sum(any(abs(x - y) <= SAME_COLUMN for y in many) for x in few)
    return matched == len(few)


def _width(table: Table) -> float:
    return table.xs[-1] - table.xs[0]


def append(table: Table, part: Table) -> None:
    """Adds the next page's part to a table, mending rows and labels that the page's end cut."""
    _share_columns(table, part)
    page = part.parts[0][0]
    pairs = _facing(table, part)
    cut = _row_is_cut(table, part, pairs)
    shift = table.rows - 1 if cut else table.rows
    merged = set()
    for upper, lower in pairs:
        goes_on = (
            upper.open_bottom
            and lower.open_top
            and (upper.rowspan > 1 or lower.rowspan > 1)
            and not (upper.text and lower.text)
        )
        if cut or goes_on:
            upper.text = "\n".join(t for t in (upper.text, lower.text) if t)
            upper.rowspan += lower.rowspan - (1 if cut else 0)
            upper.open_bottom = lower.open_bottom
            merged.add(id(lower))
    for cell in part.cells:
        if id(cell) not in merged:
            cell.row += shift
            table.cells.append(cell)
    # The cut row is told where it begins; what begins on this page comes after it.
    table.parts.append((page, shift + 1 if cut else shift))
    table.rows = shift + part.rows
    table.bottom = part.bottom


def _share_columns(table: Table, part: Table) -> None:
    """Numbers the columns of both by all edges of both."""
    shift = table.xs[0] - part.xs[0]
    shifted = [x + shift for x in part.xs]
    edges: list[float] = []
    for x in sorted(table.xs + shifted):
        if not edges or x - edges[-1] > SAME_COLUMN:
            edges.append(x)
    for xs, cells in ((table.xs, table.cells), (shifted, part.cells)):
        index = [min(range(len(edges)), key=lambda k: abs(edges[k] - x)) for x in xs]
        for cell in cells:
            first, end = index[cell.column], index[cell.column + cell.colspan]
            cell.column, cell.colspan = first, max(1, end - first)
    table.xs = edges


def _facing(table: Table, part: Table) -> list[tuple[TableCell, TableCell]]:
    """The cells that meet at the page break with the same columns."""
    last = {(c.column, c.colspan): c for c in table.cells if c.row + c.rowspan == table.rows}
    return [
        (last[key], cell)
        for cell in part.cells
        if cell.row == 0 and (key := (cell.column, cell.colspan)) in last
    ]


def _row_is_cut(table: Table, part: Table, pairs: list[tuple[TableCell, TableCell]]) -> bool:
    """Whether the page's end went through a row, as far as the rules and the numbers tell.

    Only rules that are missing say so: where both pages close the row, both are handed on. A number
    on either side means two rows. If only one side is open (some programs never draw a bottom
    rule), the halves must not both say something in one column.
    """
    last_row = [c for c in table.cells if c.row + c.rowspan == table.rows]
    first_row = [c for c in part.cells if c.row == 0]
    if len(pairs) != len(last_row) or len(pairs) != len(first_row):
        return False
    both = all(u.open_bottom and w.open_top for u, w in pairs)
    one = all(u.open_bottom for u, _ in pairs) or all(w.open_top for _, w in pairs)
    if not both and not one:
        return False
    shared = [(u, w) for u, w in pairs if u.text and w.text]
    if any(u.is_value or w.is_value for u, w in shared):
        return False
    return both or not shared
