"""Tables out of ruling lines: which lines belong together, which cells they enclose.

A cell is what the rules on the page enclose: where an inner rule is missing, its two sides are one
cell. A side of the table without a rule (a table cut by the page's end, a table without outer
borders) is closed where the crossing rules end, and remembered as open.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple

from tasks.report.drawn import Rule

SAME_LINE = 1.5  # rules this close are pieces of one line
SAME_EDGE = 3.0  # edges this close are one edge of the grid: a double border, a rounding
REACH = 3.0  # lines that miss each other by this much still meet
GAP = 3.0  # a dashed or dotted line is one line
OVERHANG = 6.0  # rules that run on by this much past the last crossing one enclose cells there
MOST_RULES = 4000  # a map or a chart, not a table


class GridCell(NamedTuple):
    """One enclosed cell. Rows and columns count from 0."""

    row: int
    column: int
    rowspan: int
    colspan: int
    open_top: bool  # at the table's upper end, without a rule there
    open_bottom: bool


@dataclass(slots=True)
class Grid:
    """One table's cells; `owner[row][column]` is the index of the cell that covers the square."""

    xs: list[float]
    ys: list[float]
    cells: list[GridCell] = field(default_factory=list)
    owner: list[list[int]] = field(default_factory=list)

    @property
    def area(self) -> float:
        return (self.xs[-1] - self.xs[0]) * (self.ys[-1] - self.ys[0])

    def find(self, x: float, y: float) -> int | None:
        """The cell at a point."""
        if not (self.xs[0] <= x <= self.xs[-1] and self.ys[0] <= y <= self.ys[-1]):
            return None
        row, column = bisect_right(self.ys, y) - 1, bisect_right(self.xs, x) - 1
        if row == len(self.owner):
            row -= 1  # exactly on the last edge
        if column == len(self.owner[0]):
            column -= 1
        return self.owner[row][column]

    def holds(self, other: Grid) -> bool:
        """Whether the other table lies inside this one."""
        x, y = (other.xs[0] + other.xs[-1]) / 2, (other.ys[0] + other.ys[-1]) / 2
        return (
            self.area > other.area
            and self.xs[0] <= x <= self.xs[-1]
            and self.ys[0] <= y <= self.ys[-1]
        )


def grids(across: list[Rule], down: list[Rule]) -> list[Grid] | None:
    """The tables that the rules of a page draw; None when it is a drawing of thousands of lines."""
    across, down = join_collinear(across), join_collinear(down)
    if len(across) + len(down) > MOST_RULES:
        return None
    found = []
    groups, alone = _connected(across, down)
    for rows, columns in groups:
        grid = _grid(rows, columns + _sides(rows, columns, alone))
        if grid is not None and len(grid.cells) > 1:  # one cell is a frame around something
            found.append(grid)
    found.sort(key=lambda g: (g.ys[0], g.xs[0]))
    return found


def join_collinear(rules: list[Rule]) -> list[Rule]:
    """One rule for all pieces of a line: Word draws a border once for every cell beside it."""
    out: list[Rule] = []
    rules = sorted(rules)
    begin = 0
    for index in range(1, len(rules) + 1):
        if index < len(rules) and rules[index].at - rules[begin].at <= SAME_LINE:
            continue
        line = sorted(rules[begin:index], key=lambda r: r.start)
        begin = index
        at, start, end = line[0]
        for piece in line[1:]:
            if piece.start > end + GAP:
                out.append(Rule(at, start, end))
                at, start, end = piece
            else:
                end = max(end, piece.end)
        out.append(Rule(at, start, end))
    return out


def _connected(
    across: list[Rule], down: list[Rule]
) -> tuple[list[tuple[list[Rule], list[Rule]]], list[Rule]]:
    """The lines in groups that cross or touch each other, and the upright ones that touch none."""
    parent = list(range(len(across) + len(down)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    down = sorted(down)
    positions = [rule.at for rule in down]
    for i, (y, left, right) in enumerate(across):
        for j in range(
            bisect_left(positions, left - REACH), bisect_right(positions, right + REACH)
        ):
            if down[j].start - REACH <= y <= down[j].end + REACH:
                parent[root(i)] = root(len(across) + j)
    groups: dict[int, tuple[list[Rule], list[Rule]]] = {}
    for i, rule in enumerate(across):
        groups.setdefault(root(i), ([], []))[0].append(rule)
    for j, rule in enumerate(down):
        groups.setdefault(root(len(across) + j), ([], []))[1].append(rule)
    alone = [rule for rows, columns in groups.values() if not rows for rule in columns]
    return [g for g in groups.values() if g[0] and g[1]], alone


def _sides(rows: list[Rule], columns: list[Rule], alone: list[Rule]) -> list[Rule]:
    """Outer sides that touch nothing: a label that goes on over the whole page has no other rule.

    Such a side is as high as the table.
    """
    top = min(*(r.at for r in rows), *(c.start for c in columns))
    bottom = max(*(r.at for r in rows), *(c.end for c in columns))
    left, right = min(c.at for c in columns), max(c.at for c in columns)
    return [
        side
        for side in alone
        if abs(side.start - top) <= OVERHANG
        and abs(side.end - bottom) <= OVERHANG
        and not left <= side.at <= right
    ]


def _edges(rules: list[Rule], crossing: list[Rule]) -> list[float]:
    """The grid's edges along one axis, with those that only the ends of crossing rules mark."""
    edges: list[float] = []
    for at in sorted(rule.at for rule in rules):
        if not edges or at - edges[-1] > SAME_EDGE:
            edges.append(at)
    needed = min(2, len(crossing))
    before = sorted(r.start for r in crossing if r.start < edges[0] - OVERHANG)
    after = sorted(r.end for r in crossing if r.end > edges[-1] + OVERHANG)
    if len(before) >= needed:
        edges.insert(0, before[0])
    if len(after) >= needed:
        edges.append(after[-1])
    return edges


def _covered(rules: list[Rule], edges: list[float], spans: list[float]) -> list[list[bool]]:
    """`[edge][span]`: whether a rule lies on that edge along that span."""
    table = [[0.0] * (len(spans) - 1) for _ in edges]
    for at, start, end in rules:
        edge = min(range(len(edges)), key=lambda k: abs(edges[k] - at))
        if abs(edges[edge] - at) > SAME_EDGE:
            continue  # a line whose edge was dropped
        row = table[edge]
        for k in range(len(spans) - 1):
            row[k] += max(0.0, min(end, spans[k + 1]) - max(start, spans[k]))
    return [
        [length >= 0.6 * (spans[k + 1] - spans[k]) for k, length in enumerate(row)] for row in table
    ]


def _grid(rows: list[Rule], columns: list[Rule]) -> Grid | None:
    """The grid of one group of connected lines."""
    ys, xs = _edges(rows, columns), _edges(columns, rows)
    while True:
        if len(xs) < 2 or len(ys) < 2:
            return None
        flat, upright = _covered(rows, ys, xs), _covered(columns, xs, ys)
        # An inner edge that closes no cell (a stray tick, an underlined word) is not of the grid.
        idle_y = [k for k in range(1, len(ys) - 1) if not any(flat[k])]
        idle_x = [k for k in range(1, len(xs) - 1) if not any(upright[k])]
        if not idle_y and not idle_x:
            break
        ys = [y for k, y in enumerate(ys) if k not in idle_y]
        xs = [x for k, x in enumerate(xs) if k not in idle_x]
    grid = Grid(xs, ys)
    _enclose(grid, flat, upright)
    return grid


def _enclose(grid: Grid, flat: list[list[bool]], upright: list[list[bool]]) -> None:
    """Fills the grid with its cells, from the top left: each as wide, then as high, as it goes."""
    height, width = len(grid.ys) - 1, len(grid.xs) - 1
    grid.owner = [[-1] * width for _ in range(height)]
    for row in range(height):
        for column in range(width):
            if grid.owner[row][column] >= 0:
                continue
            right = column + 1
            while right < width and not upright[right][row] and grid.owner[row][right] < 0:
                right += 1
            low = row + 1
            while low < height and not any(
                flat[low][c] or grid.owner[low][c] >= 0 or (c > column and upright[c][low])
                for c in range(column, right)
            ):
                low += 1
            for r in range(row, low):
                grid.owner[r][column:right] = [len(grid.cells)] * (right - column)
            grid.cells.append(
                GridCell(
                    row, column, low - row, right - column,
                    open_top=row == 0 and not any(flat[0][column:right]),
                    open_bottom=low == height and not any(flat[height][column:right]),
                )
            )  # fmt: skip
