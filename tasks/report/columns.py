"""Which column each value of a row belongs to.

Columns take their meaning from the header's labels and their place from order: the values of a
row are its last cells, in the header's order. Where a row holds more or fewer cells than the form
has columns, the ways to read it (counted from the label, from the end, by the span grid, under
the header) are compared; a way stays in the running only if it reads every full row of the table
rightly, and all that stay must agree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from tasks.report.align import Row
from tasks.report.lines import Line, mark
from tasks.report.model import Reject, SourceCell
from tasks.report.spans import Grid

Values = list[SourceCell | None]
GridOf = Callable[[int], Grid]


def same(one: Values, other: Values) -> bool:
    """Whether two ways of placing a row print the same in every column."""
    return [c.text.strip() if c else "" for c in one] == [
        c.text.strip() if c else "" for c in other
    ]


def crosses(
    row: Row, values: Values, header: Sequence[tuple[SourceCell, str]], line: Line | None
) -> bool:
    """Whether a value is given to another column than the label it stands under."""
    label_of = {id(cell): n for n, (cell, _) in enumerate(header)}
    own = {id(v): n for n, v in enumerate(values) if v is not None and v.text.strip()}
    for pairs in below(row, header, line):
        if any(
            id(cell) in own and label_of.get(id(head), own[id(cell)]) != own[id(cell)]
            for head, cell in pairs
        ):
            return True
        # Where spans are lost a row's blanks follow its values: a blank first place is the figure's
        at, first = next(
            ((label_of[id(head)], cell) for head, cell in pairs if id(head) in label_of), (-1, None)
        )
        if at == 0 and id(first) not in own and 0 in own.values():
            return True
    return False


def below(
    row: Row, header: Sequence[tuple[SourceCell, str]], line: Line | None
) -> list[list[tuple[SourceCell, SourceCell]]]:
    """The header's cells with the row's cells behind its label that stand below them.

    In each way in which the two lines may stand: the row begins where the header does, or its
    label ends where the header's own label of the rows does.
    """
    if line is None:
        return []
    heads, cells, end = line.cells, row.line.cells, row.label_end
    ways = [heads[end:]] if len(heads) == len(cells) else []
    begin, labelled = begins(header, line)
    if labelled and begin != end and len(heads) - begin == len(cells) - end:
        ways.append(heads[begin:])
    return [list(zip(way, cells[end:], strict=True)) for way in ways]


def begins(header: Sequence[tuple[SourceCell, str]], line: Line) -> tuple[int, bool]:
    """Where in a header's line the columns begin: behind the label of its rows, if there is one."""
    at = next((i for i, cell in enumerate(line.cells) if cell is header[0][0]), 0)
    before = [i for i, _ in line.texts if i < at]
    return (before[-1] + 1, True) if before else (at, False)


def refuse_merged(row: Row, count: int, grid_of: GridOf) -> None:
    """Rejects a row without values of its own into which a printed value reaches from above."""
    if not row.empty or len(row.values) >= count:
        return
    for cell in grid_of(row.line.table).above(row.line.cells):
        if mark(cell.text).kind in ("n", "m") and cell.text.strip() != "0":
            said = cell.text.strip()[:40]
            raise Reject("unplaced_number", f"“{said}” stands over several rows", cell.place)


def _filled(kinds: str) -> int:
    return kinds.count("n") + kinds.count("m") + kinds.count("c")


def simple(row: Row, count: int, *, roomy: bool) -> Values | None:
    """The values of a row whose own cells leave no choice; None when they leave one.

    No choice: nothing is printed; as many cells as columns; or, where the layout has `roomy` rows
    (blank cells of its own among the values), as many filled cells as columns.
    """
    values, kinds = row.values, row.kinds
    if row.empty:
        return [*values[:count], *[None] * (count - len(values))]
    if len(values) == count:
        return list(values)
    if roomy and len(values) > count and _filled(kinds) == count and "x" not in kinds:
        return _figures(row)
    return None


def _figures(row: Row) -> Values:
    return [v for v, k in zip(row.values, row.kinds, strict=True) if k in "nmc"]


def without_erased_label(row: Row, count: int) -> Row:
    """A row whose own label reads "0": its first zero is the label when one number is too many."""
    if not _reads_zero(row, count):
        return row
    first = row.kinds.index("n")
    return row.from_value(first + 1)


def _reads_zero(row: Row, count: int) -> bool:
    kinds = row.kinds
    if row.codes or _filled(kinds) != count + 1 or not kinds.startswith(("n", "bn")):
        return False
    return row.values[kinds.index("n")].text.strip() == "0"


def _without_zeros(rows: list[Row], count: int) -> list[Row]:
    """The same for a table with blank cells of its own: what one bare row has, all must have."""
    bare = [r for r in rows if not r.codes and not r.loose and not r.empty]
    erased = any(_reads_zero(r, count) for r in bare)
    out = []
    for row in rows:
        if not any(row is r for r in bare):
            out.append(row)
            continue
        first = row.values[0].text.strip()
        if erased and first in ("", "0"):
            out.append(row.from_value(1))
        elif not erased and (
            first not in ("", "0") or (first == "" and _filled(row.kinds) == count)
        ):
            out.append(row)
        else:
            raise _lost(row)
    return out


def _lost(row: Row) -> Reject:
    return Reject(
        "unplaced_number",
        f"the row has lost its label, and nothing tells where its values begin: {row.text()}",
        row.place,
    )


def without_erased_cells(rows: list[Row], count: int, grid_of: GridOf) -> list[Row]:
    """Rows that have lost their label, cut where their values begin.

    Where every labelled row is in order, an unlabelled one must be too: its values stand in the
    same grid columns, or it has one cell more than they have values, blank or "0", as every other
    unlabelled row. A row that could also be a label's cell and too few values is refused.
    """
    labelled = [r for r in rows if r.codes and not r.empty]
    if not labelled or any(len(r.values) != count for r in labelled):
        return _without_zeros(rows, count)
    bare = [r for r in rows if not r.codes and not r.loose and not r.empty]
    if not bare:
        return rows
    starts = {tuple(_starts(r, grid_of)) for r in labelled}
    lengths = {len(r.values) for r in bare}
    out = []
    for row in rows:
        cut = row
        if any(row is r for r in bare):
            at = _cut_at(row, count, starts, lengths, grid_of)
            if at is None:
                raise _lost(row)
            cut = row.from_value(at)
        out.append(cut)
    return out


def _starts(row: Row, grid_of: GridOf) -> list[int]:
    grid = grid_of(row.line.table)
    return [grid.column_of(v) if grid.told else -1 for v in row.values]


def _cut_at(
    row: Row, count: int, starts: set[tuple[int, ...]], lengths: set[int], grid_of: GridOf
) -> int | None:
    extra = len(row.values) - count
    erased = all(v.text.strip() in ("", "0") for v in row.values[: max(extra, 0)])
    told = grid_of(row.line.table).told
    if told and extra >= 0 and erased and starts == {tuple(_starts(row, grid_of)[extra:])}:
        return extra
    if lengths == {count + 1} and erased:
        return 1
    if lengths == {count} and row.values[0].text.strip() not in ("", "0"):
        return 0
    return None


def place_all(
    rows: list[Row], count: int, grid_of: GridOf, adds_up: Callable[[Values], bool]
) -> tuple[list[Values], list[bool]]:
    """The values of every row of a table with `count` columns, by one consistent way of reading,
    and whether a row was placed only as its table's other rows are.

    `adds_up` tells whether a row's values keep its total; it is asked where blank cells of the
    layout stand among them.
    """
    odd = [r for r in rows if len(r.values) != count and not r.empty]
    # One row with other cells than the rest has been damaged; many are how the layout is.
    roomy = 4 * len(odd) >= sum(not r.empty for r in rows)

    # A text with a row per line of which none ends in a blank cell may have lost those.
    stripped = rows[0].line.cells[-1].place.line == rows[0].place.line is not None
    stripped &= not any(r.kinds.endswith("b") for r in rows)

    @cache
    def ways() -> list[Callable[[Row], Values | None]]:
        full = [r for r in rows if _filled(r.kinds) == count]
        # Blanks among the figures are the layout's, or one figure is too many: one row whose sum is
        # wrong does not tell which.
        sure = [r for r in full if "b" not in r.kinds[:count] or adds_up(_figures(r))]
        full = sure or (full if len(full) > 1 else [])
        every = _ways(count, full, grid_of, stripped=stripped) if full else []
        return [way for way in every if all(_same(way(r), r) for r in full)]

    out: list[Values] = []
    by_others: list[bool] = []
    for row in rows:
        if not odd and len(row.values) == count:
            out.append(list(row.values))
            by_others.append(False)
            continue
        refuse_merged(row, count, grid_of)
        plain = simple(row, count, roomy=roomy)
        whole = _filled(row.kinds) == count and (
            len(row.values) == count or (plain is not None and adds_up(plain))
        )
        if plain is not None and (not odd or row.empty or whole):
            out.append(plain)
            by_others.append(False)
            continue
        # Behind a blank first place with figures enough, one of them may be too many: sums decide.
        too_many = len(row.values) > count and row.kinds.startswith("b")
        by_others.append(_filled(row.kinds) < count or too_many)
        readings: list[Values] = []
        for way in ways():
            reading = way(row)
            if reading is None:
                readings = []
                break
            if reading not in readings:
                readings.append(reading)
        if len(readings) != 1:
            number = len(readings)
            raise Reject(
                "competing_readings" if number > 1 else "unplaced_number",
                f"{len(row.values)} cells follow the label where the form has {count} columns, and "
                + ("no way" if not number else f"{number} ways")
                + f" of placing them can be told from the rest of the table: {row.text()}",
                row.place,
            )
        out.append(readings[0])
    return out, by_others


def _same(reading: Values | None, row: Row) -> bool:
    if reading is None:
        return False
    return all(a is b for a, b in zip(reading, _figures(row), strict=True))


def _if_placed(row: Row, chosen: Values) -> Values | None:
    return chosen if _all_placed(row, chosen) else None


def _ways(
    count: int, full: list[Row], grid_of: GridOf, *, stripped: bool
) -> list[Callable[[Row], Values | None]]:
    """The ways of reading a row; each gives None where it would leave a number without a place."""
    widths = {len(r.line.cells) for r in full}

    def from_label(row: Row) -> Values | None:
        if len(row.values) < count or len(row.line.cells) not in widths:
            return None
        return _if_placed(row, list(row.values[:count]))

    def from_end(row: Row) -> Values | None:
        if len(row.values) < count:
            return None
        if stripped and columns is None and _filled(row.kinds) < count < len(row.values):
            return None
        return _if_placed(row, list(row.values[-count:]))

    columns: list[int] | None = None
    if full:
        grids = {
            tuple(
                grid_of(r.line.table).column_of(v)
                for v, k in zip(r.values, r.kinds, strict=True)
                if k in "nmc"
            )
            for r in full
        }
        if len(grids) == 1:
            columns = list(next(iter(grids)))

    def by_grid(row: Row) -> Values | None:
        if columns is None:
            return None
        under = _under(row, columns, grid_of(row.line.table))
        return None if under is None else _if_placed(row, under)

    return [from_label, from_end, by_grid]


def under_header(
    row: Row, header: list[tuple[SourceCell, str]], header_line: Line | None, grid_of: GridOf
) -> Values | None:
    """The values that stand under the header's labels, by place in the row and by grid column.

    None where the two disagree or a number stands under no label.
    """
    readings: list[Values] = []
    grid = grid_of(row.line.table)
    if not grid.told:
        return None
    if header_line is not None and _as_long(row, header, header_line):
        where = {id(c): i for i, c in enumerate(header_line.cells)}
        indexes = [where[id(c)] for c, _ in header if id(c) in where]
        if len(indexes) == len(header):
            readings.append([row.line.cells[i] for i in indexes])
    if all(grid.knows(c) for c, _ in header):
        under = _under(row, [grid.column_of(c) for c, _ in header], grid)
        if under is not None:
            readings.append(under)
    good = [r for r in readings if _all_placed(row, r)]
    if not good or any([id(c) for c in r] != [id(c) for c in good[0]] for r in good[1:]):
        return None
    return good[0]


def _as_long(row: Row, header: list[tuple[SourceCell, str]], line: Line) -> bool:
    """Whether a row has the cells of its header's line, before and behind their last label."""
    if len(line.cells) != len(row.line.cells):
        return False
    begin, labelled = begins(header, line)
    return not (labelled and row.label_end) or begin == row.label_end


def _under(row: Row, columns: Sequence[int], grid: Grid) -> Values | None:
    """The cells that fill these grid columns, None where one is missing or prints over several."""
    if not grid.told:
        return None
    found: Values = []
    for column in columns:
        cell = grid.covering(row.line.cells[0], column)
        if cell is None or (cell.text.strip() and any(cell is c for c in found)):
            return None
        found.append(cell)
    return found


def _all_placed(row: Row, chosen: Values) -> bool:
    """Whether every printed value of the row is among the chosen, and no cell is shared."""
    kept = {id(c) for c in chosen if c is not None}
    own = {id(v) for v in row.values}
    printed = [v for v, k in zip(row.values, row.kinds, strict=True) if k != "b"]
    shared = any(id(c) not in own and c.text.strip() for c in chosen if c is not None)
    return not shared and all(id(v) in kept for v in printed)
