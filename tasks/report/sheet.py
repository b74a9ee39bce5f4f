"""XLSX and XLS into blocks: every visible sheet, with merged cells as spans."""

from __future__ import annotations

import datetime
import io
import re
from decimal import Decimal

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from tasks.report.docx_package import Package
from tasks.report.model import Block, Paragraph, Place, Reject, Source, SourceCell, SourceRow
from tasks.report.sheet_ole import verify
from tasks.report.sheet_package import SheetFacts, facts

MOST_BYTES = 16 << 20
MOST_CELLS = 20_000
MOST_MERGED = 200_000

# A section's heading in a row of its own; the rows 一、二、四 of the third table begin likewise.
_SECTION = re.compile(r"\s*[一二三四五六七1-7]?\s*[、.．,，]?\s*[^\d]{2,30}(情况|事项|措施)\s*")
_CLAUSE = re.compile(r"\s*第.{1,8}条")
_NUMBER = re.compile(r"[\d\s.,+\-/—–%]*")
_PROSE = 45  # a row of its own with a text this long is prose, not a label


class _Grid:
    """One sheet as a person sees it: the texts, and the merged cells by their first square."""

    def __init__(self, sheet: CalamineSheet, known: SheetFacts) -> None:
        rows = sheet.to_python(skip_empty_area=False)
        self.texts = {
            (r, c): text
            for r, row in enumerate(rows)
            for c, value in enumerate(row)
            if (text := printed(value)).strip()
        }
        self.texts.update(known.texts)
        self.spans: dict[tuple[int, int], tuple[int, int]] = {}
        self.covered: set[tuple[int, int]] = set()
        self.merged = 0
        self.hidden_rows, self.hidden_columns = known.hidden_rows, known.hidden_columns
        height = max((r for r, _ in self.texts), default=-1) + 1
        for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
            self._merge(top, left, min(bottom, height - 1), right)
        for square in [
            s for s in self.texts
            if s in self.covered or s[0] in self.hidden_rows or s[1] in self.hidden_columns
        ]:  # fmt: skip
            del self.texts[square]

    def _merge(self, top: int, left: int, bottom: int, right: int) -> None:
        """Notes a merged range by the squares of it that are to be seen."""
        if (bottom - top + 1) * (right - left + 1) > MOST_CELLS:
            right = left  # a whole column or row merged: as far as anything is written
            bottom = top if bottom - top > MOST_CELLS else bottom
        self.merged += max(0, bottom - top + 1) * max(0, right - left + 1)
        if self.merged > MOST_MERGED:
            raise Reject("too_large", "the sheet merges too many cells")
        rows = [r for r in range(top, bottom + 1) if r not in self.hidden_rows]
        columns = [c for c in range(left, right + 1) if c not in self.hidden_columns]
        if not rows or not columns:
            return
        first = (rows[0], columns[0])
        if first != (top, left) and (top, left) in self.texts:
            self.texts[first] = self.texts[top, left]
        self.spans[first] = (len(rows), len(columns))
        self.covered |= {(r, c) for r in rows for c in columns} - {first}
        self.covered.discard(first)

    def width(self, square: tuple[int, int]) -> int:
        return self.spans.get(square, (1, 1))[1]


def source(data: bytes) -> Source:
    """The blocks of a workbook, sheet by sheet. Raises `Reject` with `broken_file`, `encrypted`,
    `too_large` or `unsupported`."""
    if len(data) > MOST_BYTES:
        raise Reject("too_large", f"the workbook is larger than {MOST_BYTES >> 20} MB")
    known: dict[str, SheetFacts] = {}
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        verify(data)
    else:
        known = facts(Package(data))
    out = Source("sheet", [])
    groups = 0
    cells = 0
    try:
        with CalamineWorkbook.from_object(io.BytesIO(data)) as book:
            for number, described in enumerate(book.sheets_metadata, 1):
                if described.visible != SheetVisibleEnum.Visible:
                    continue
                if described.typ != SheetTypeEnum.WorkSheet:
                    out.pictures += 1  # a chart on a sheet of its own
                    continue
                sheet = book.get_sheet_by_name(described.name)
                grid = _Grid(sheet, known.get(described.name, SheetFacts()))
                cells += len(grid.texts)
                if cells > MOST_CELLS:
                    place = Place("sheet", number)
                    raise Reject(
                        "too_large", f"the workbook has more than {MOST_CELLS} cells", place
                    )
                groups = _blocks(grid, number, groups, out.blocks)
    except PasswordError:
        raise Reject("encrypted", "the workbook needs a password") from None
    except (CalamineError, ValueError) as error:
        raise Reject("broken_file", f"the workbook cannot be read: {error}") from None
    except BaseException as error:
        # A panic of the Rust library derives from BaseException and has no importable class.
        if type(error).__name__ != "PanicException":
            raise
        raise Reject("broken_file", "the workbook cannot be read") from None
    return out


def printed(value: object) -> str:
    """A value as a sheet shows it in the general format."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        # 15 digits are what a sheet shows: 0.1 + 0.2 is 0.3
        return f"{Decimal(f'{value:.15g}'):f}" if abs(value) < 1e21 else str(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ") if value.time() != datetime.time() else str(value.date())
    return str(value).replace("\r\n", "\n").replace("\r", "\n")


def _blocks(grid: _Grid, sheet: int, groups: int, out: list[Block]) -> int:
    """Adds one sheet's blocks; returns how many tables there are by now.

    Rows without text part tables, and so do headings and prose.
    """
    by_row: dict[int, list[int]] = {}
    for r, c in grid.texts:
        by_row.setdefault(r, []).append(c)
    covered_rows = {r for r, _ in grid.covered}
    group: list[int] = []

    def finish() -> None:
        nonlocal groups
        if group:
            groups += 1
            out.extend(_rows(grid, {r: by_row.get(r, []) for r in group}, sheet, groups))
            group.clear()

    for row in range(max(by_row, default=-1) + 1):
        if row in grid.hidden_rows:
            continue
        columns = by_row.get(row, [])
        if not columns:
            # a row that holds only the lower ends of merged cells belongs to its table
            if group and row in covered_rows:
                group.append(row)
            else:
                finish()
        elif len(columns) == 1 and _stands_alone(grid, row, columns[0], by_row, bool(group)):
            finish()
            place = Place("sheet", sheet, row + 1, columns[0] + 1)
            out.append(Paragraph(grid.texts[row, columns[0]], place))
        else:
            group.append(row)
    finish()
    return groups


def _stands_alone(
    grid: _Grid, row: int, column: int, by_row: dict[int, list[int]], in_table: bool
) -> bool:
    """Whether the one text of a row is a heading or prose, not a label whose values are blank.

    In doubt it is a row: a row too many is seen, a row too few shifts the others.
    """
    text = grid.texts[row, column]
    if _NUMBER.fullmatch(text) or any((row, c) in grid.covered for c in range(column)):
        return False
    if len(text) > _PROSE and not in_table:
        return True
    if _SECTION.fullmatch(text) or len(text) > 2 * _PROSE:
        return True
    if _CLAUSE.match(text):
        return False
    return not in_table


def _rows(grid: _Grid, texts: dict[int, list[int]], sheet: int, table: int) -> list[Block]:
    """One table's rows, from its first to its last column in use."""
    first = min(c for columns in texts.values() for c in columns)
    last = max(c + grid.width((r, c)) - 1 for r, columns in texts.items() for c in columns)
    seen = [c for c in range(first, last + 1) if c not in grid.hidden_columns]
    out: list[Block] = []
    rows_left = len(texts)
    for row in texts:
        cells = []
        for place, column in enumerate(seen):
            if (row, column) in grid.covered:
                continue
            down, across = grid.spans.get((row, column), (1, 1))
            cells.append(
                SourceCell(
                    grid.texts.get((row, column), ""),
                    Place("sheet", sheet, row + 1, column + 1),
                    min(down, rows_left),
                    min(across, len(seen) - place),
                )
            )
        rows_left -= 1
        if cells:
            out.append(SourceRow(tuple(cells), table))
    return out
