"""Damage to a page, with what a strict reader must make of it.

`expect` is "read": every figure is still told by label, order or arithmetic, and must be read as
printed; "reject": information is gone or something is there that has no place; "either": right or
rejected, but never a wrong number.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from tests.publisher.document import Document
from tests.publisher.tables import Row, Table, TableCell

Expect = Literal["read", "reject", "either"]
TableChange = Callable[[list[Table], Random], list[Table]]
PageChange = Callable[[str, Random], str]


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of damage, to the tables before they are laid out or to the page after."""

    name: str
    expect: Expect
    tables: TableChange | None = None
    page: PageChange | None = None

    @property
    def destroys(self) -> bool:
        """Whether the reader must reject."""
        return self.expect == "reject"

    def on(self, document: Document, seed: int) -> Document:
        """The document with its tables damaged."""
        change = self.tables
        rng = Random(f"{self.name} {seed}")
        return document if change is None else document.reshaped(lambda t: change(t, rng))

    def on_page(self, page: str, seed: int) -> str:
        """The laid-out HTML damaged."""
        return page if self.page is None else self.page(page, Random(f"{self.name} {seed}"))


def _choose(tables: list[Table], rng: Random, fits: Callable[[TableCell], bool]) -> TableCell:
    return rng.choice([c for t in tables for row in t.rows for c in row if fits(c)])


def _swapped(tables: list[Table], old: TableCell, new: TableCell) -> list[Table]:
    return [t.mapped(lambda cell: new if cell is old else cell) for t in tables]


def _off_by(attribute: str, by: int) -> TableChange:
    def change(tables: list[Table], rng: Random) -> list[Table]:
        cell = _choose(tables, rng, lambda c: not c.code and getattr(c, attribute) > 1)
        new = (
            replace(cell, rowspan=cell.rowspan + by)
            if attribute == "rowspan"
            else replace(cell, colspan=cell.colspan + by)
        )
        return _swapped(tables, cell, new)

    return change


def _no_spans(tables: list[Table], rng: Random) -> list[Table]:
    return [t.mapped(lambda c: replace(c, rowspan=1, colspan=1)) for t in tables]


def _no_rowspans(tables: list[Table], rng: Random) -> list[Table]:
    return [t.mapped(lambda c: replace(c, rowspan=1)) for t in tables]


def _empty_cells(tables: list[Table], rng: Random) -> list[Table]:
    """Empty cells where a cell above should have hung over."""
    result = []
    for table in tables:
        rows: list[Row] = []
        waiting: dict[int, tuple[int, int]] = {}
        for row in table.rows:
            line: Row = []
            column, cells = 0, list(row)
            while cells or column in waiting:
                if column in waiting:
                    left, width = waiting.pop(column)
                    line.append(TableCell("", 1, width))
                    if left > 1:
                        waiting[column] = (left - 1, width)
                    column += width
                    continue
                cell = cells.pop(0)
                line.append(replace(cell, rowspan=1))
                if cell.rowspan > 1:
                    waiting[column] = (cell.rowspan - 1, cell.colspan)
                column += cell.colspan
            rows.append(line)
        result.append(Table(table.section, rows))
    return result


def _short_label(tables: list[Table], rng: Random) -> list[Table]:
    cell = _choose(tables, rng, lambda c: not c.code and len(c.text) > 4)
    return _swapped(tables, cell, replace(cell, text=cell.text[:-1]))


def _lost_labels(tables: list[Table], rng: Random) -> list[Table]:
    lost = {f"{n}." for n in rng.sample(range(1, 9), rng.randint(1, 4))}

    def lose(cell: TableCell) -> TableCell:
        return replace(cell, text="") if not cell.code and cell.text[:2] in lost else cell

    return [t.mapped(lose) for t in tables]


def _rows_of(table: Table) -> list[int]:
    """Rows that hold figures and whose own cells span no other row."""
    return [
        n
        for n, row in enumerate(table.rows)
        if any(c.code for c in row) and all(c.rowspan == 1 for c in row)
    ]


def _requests(tables: list[Table]) -> Table:
    return next(t for t in tables if t.section == "requests")


def _with_rows(tables: list[Table], table: Table, rows: list[Row]) -> list[Table]:
    return [Table(t.section, rows) if t is table else t for t in tables]


def _inner(table: Table) -> list[int]:
    """Consecutive plain rows within one group, so that no group's label moves."""
    plain = _rows_of(table)
    return [
        n for n in plain if n + 1 in plain and len(table.rows[n]) == len(table.rows[n + 1]) == 8
    ]


def _insert(make: Callable[[Row, Random], Row]) -> TableChange:
    def change(tables: list[Table], rng: Random) -> list[Table]:
        table = _requests(tables)
        at = rng.choice(_inner(table))
        rows = [list(row) for row in table.rows]
        rows.insert(at + 1, make(rows[at], rng))
        # the groups that reach over the new row grow with it, as an editor would make them
        for n, row in enumerate(rows[: at + 1]):
            rows[n] = [
                replace(c, rowspan=c.rowspan + (n + c.rowspan > at + 1))
                if n < at and c.rowspan > 1
                else c
                for c in row
            ]
        return _with_rows(tables, table, rows)

    return change


def _unknown(row: Row, rng: Random) -> Row:
    numbers = [TableCell(str(rng.randint(1, 99))) for c in row if c.code]
    return [TableCell("9.涉及其他特殊情形"), *numbers]


def _doubled(row: Row, rng: Random) -> Row:
    return [replace(cell, code=None) for cell in row]


def _extra_number(tables: list[Table], rng: Random) -> list[Table]:
    table = rng.choice(tables)
    at = rng.choice(_rows_of(table))
    rows = [list(row) for row in table.rows]
    rows[at].append(TableCell(str(rng.randint(1, 99))))
    return _with_rows(tables, table, rows)


def _dropped_number(tables: list[Table], rng: Random) -> list[Table]:
    table = _requests(tables)
    at = rng.choice(_rows_of(table))
    rows = [list(row) for row in table.rows]
    del rows[at][rng.choice([n for n, c in enumerate(rows[at]) if c.code])]
    return _with_rows(tables, table, rows)


def _dropped_row(tables: list[Table], rng: Random) -> list[Table]:
    table = _requests(tables)
    rows = [list(row) for row in table.rows]
    del rows[rng.choice(_inner(table))]
    return _with_rows(tables, table, rows)


def _swap_rows(tables: list[Table], rng: Random) -> list[Table]:
    table = _requests(tables)
    at = rng.choice(_inner(table))
    rows = list(table.rows)
    rows[at], rows[at + 1] = rows[at + 1], rows[at]
    return _with_rows(tables, table, rows)


def _swap_columns(tables: list[Table], rng: Random) -> list[Table]:
    """Two kinds of organisation change places, labels and all."""
    table = _requests(tables)
    one, two = rng.sample(range(5), 2)
    rows = [list(row) for row in table.rows]
    for n, row in enumerate(rows):
        first = 0 if n == 2 else next((i for i, c in enumerate(row) if c.code), -2) + 1
        if n == 2 or first > 0:
            row[first + one], row[first + two] = row[first + two], row[first + one]
    return _with_rows(tables, table, rows)


def _no_section(tables: list[Table], rng: Random) -> list[Table]:
    gone = rng.choice(tables)
    return [t for t in tables if t is not gone]


def _unclosed(page: str, rng: Random) -> str:
    return re.sub(r"</(td|tr|th)>", "", page, flags=re.IGNORECASE)


def _some_unclosed(page: str, rng: Random) -> str:
    return re.sub(r"</td>", lambda m: "" if rng.random() < 0.3 else m[0], page)


def _first_table(page: str) -> int:
    """Where the first statutory table begins."""
    return page.lower().rfind("<table", 0, page.find("第二十条"))


def _cut(page: str, rng: Random) -> str:
    """Ends inside a table, at least one row before its end."""
    lower = page.lower()
    first = _first_table(page)
    last = lower.rfind("<tr", 0, lower.rfind("</table>"))
    return page[: rng.randint(first + 200, last)]


def _pictures(page: str, rng: Random) -> str:
    first = _first_table(page)
    image = '<p><img src="./W020240101.png" width="900" height="1200" alt=""></p>'
    table = re.compile("<table.*?</table>", re.DOTALL | re.IGNORECASE)
    return page[:first] + table.sub(image, page[first:])


def _stray_tags(page: str, rng: Random) -> str:
    return page.replace("</tr>", "</tr></font></p></span>", 6)


FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault("none", "read"),
        Fault("rowspan_plus", "read", _off_by("rowspan", 1)),
        Fault("rowspan_minus", "read", _off_by("rowspan", -1)),
        Fault("colspan_plus", "read", _off_by("colspan", 1)),
        Fault("colspan_minus", "read", _off_by("colspan", -1)),
        Fault("no_rowspans", "read", _no_rowspans),
        Fault("no_spans", "read", _no_spans),
        Fault("empty_cells", "read", _empty_cells),
        Fault("short_label", "read", _short_label),
        Fault("lost_labels", "read", _lost_labels),
        Fault("unclosed", "read", page=_unclosed),
        Fault("some_unclosed", "read", page=_some_unclosed),
        Fault("stray_tags", "read", page=_stray_tags),
        Fault("swapped_rows", "either", _swap_rows),
        Fault("swapped_columns", "either", _swap_columns),
        Fault("doubled_row", "reject", _insert(_doubled)),
        Fault("unknown_row", "reject", _insert(_unknown)),
        Fault("extra_number", "reject", _extra_number),
        Fault("dropped_number", "reject", _dropped_number),
        Fault("dropped_row", "reject", _dropped_row),
        Fault("cut", "reject", page=_cut),
        Fault("no_tables", "reject", lambda tables, rng: []),
        Fault("no_section", "reject", _no_section),
        Fault("pictures", "reject", page=_pictures),
    )
}


def expected(*faults: Fault) -> Expect:
    """What a reader must make of several faults at once: two harmless ones may hide a place."""
    real = [fault for fault in faults if fault.name != "none"]
    if any(fault.destroys for fault in real):
        return "reject"
    return "either" if len(real) > 1 else real[0].expect if real else "read"
