"""The sheet a person fills in: where to look, and never what is expected there."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.worksheet.worksheet import Worksheet
from python_calamine import CalamineError, CalamineWorkbook

from tasks import snapshot
from tasks.audit.draw import Audit
from tasks.files import atomic
from tasks.objects import let_read
from tasks.records import BadInput
from tasks.store import Warehouse

COLUMNS = {
    "row": 5,
    "found": 12,
    "note": 24,
    "unit": 26,
    "year": 7,
    "scope": 7,
    "section": 30,
    "label": 46,
    "place": 24,
    "page": 60,
    "archived": 26,
    "audit": 20,
}
_TO_FILL = ("found", "note")
_SECTIONS = {
    "proactive": "二、主动公开政府信息情况",
    "requests": "三、收到和处理政府信息公开申请情况",
    "review_litigation": "四、行政复议、行政诉讼情况",
}
BLANK, ILLEGIBLE, GONE = "blank", "illegible", "gone"
HOW = (
    "Fill in the column `found` from the page alone; do not look the number up in gongkai.",
    "a number: as the page prints it in that cell (12, 1,234, 3.5; with 元 or 万元 if printed)",
    f"{BLANK}: the cell is there and has nothing in it",
    "/ or — or 无: the mark that the page has in that cell",
    f"{ILLEGIBLE}: there is something, and it cannot be made out",
    f"{GONE}: neither the page nor its archived copy can be opened, or the table is not there",
    "Leave it empty where you have not looked: it is counted as not compared, never as right.",
    "Then: gongkai audit --score THIS_FILE",
)


def write(audit: Audit, path: Path, warehouse: Warehouse) -> int:
    """Writes the sheet (XLSX or CSV by its name) and the archived pages beside it.

    Returns how many of the pages the archive had. BadInput when the file exists (it may be filled
    in already), is of another kind or cannot be written.
    """
    if path.suffix.lower() not in (".xlsx", ".csv"):
        raise BadInput(f"--sheet {path}: give a name that ends in .xlsx or .csv")
    if path.exists():
        raise BadInput(f"--sheet {path}: it exists, and may be filled in; give another name")
    try:
        copies = _pages(warehouse, audit.rows, path.with_name(f"{path.stem}.pages"))
        places = _places(warehouse, audit.rows)
        rows = [_line(audit, row, copies, places) for row in audit.rows]
        with atomic(path.resolve()) as temporary:
            (_write_csv if path.suffix.lower() == ".csv" else _write_xlsx)(temporary, rows)
    except OSError as error:
        raise BadInput(f"--sheet {path}: cannot be written ({error.strerror})") from error
    return len(copies)


def _line(
    audit: Audit,
    row: Mapping[str, Any],
    copies: Mapping[str, str],
    places: Mapping[tuple[str, str], str],
) -> dict[str, Any]:
    return {
        "row": row["row"],
        "found": None,
        "note": None,
        "unit": row["unit_name"],
        "year": row["report_year"],
        "scope": row["scope"],
        "section": _SECTIONS[row["section"]],
        "label": row["label"],
        "place": places.get((row["report_id"], row["cell"])),
        "page": row["url"],
        "archived": copies.get(row["snapshot_id"]),
        "audit": audit.id,
    }


def _places(warehouse: Warehouse, rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """Where the present warehouse read these cells: table, row and cell of the page."""
    if not warehouse.database.exists():
        return {}
    wanted = sorted({row["report_id"] for row in rows})
    with duckdb.connect(str(warehouse.database), read_only=True) as db:
        found = db.execute(
            "select report_id, cell, place from report_cells where report_id in (from unnest(?))",
            [wanted],
        )
        return {(report, cell): place for report, cell, place in found.fetchall()}


def _pages(warehouse: Warehouse, rows: Iterable[Mapping[str, Any]], folder: Path) -> dict[str, str]:
    """The archived bytes of each page as a file of `folder`; snapshot → path beside the sheet."""
    kinds = {row["snapshot_id"]: row["source_kind"] for row in rows if row["snapshot_id"]}
    copies = {}
    for snapshot_id, body in _bodies(warehouse, sorted(kinds)):
        name = f"{snapshot_id[:16]}.{'txt' if kinds[snapshot_id] == 'text' else kinds[snapshot_id]}"
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(body)
        copies[snapshot_id] = f"{folder.name}/{name}"
    return copies


def _bodies(warehouse: Warehouse, wanted: list[str]) -> Iterable[tuple[str, bytes]]:
    parts = [str(p) for p in snapshot.parts(warehouse)]
    if not parts:
        return
    try:  # one pass over the archive
        with duckdb.connect() as db:
            let_read(db, warehouse.stored)
            found = db.execute(
                """
                select snapshot_id, any_value(bytes) from read_parquet(?, union_by_name = true)
                where bytes is not null and snapshot_id in (from unnest(?)) group by all
                """,
                [parts, wanted],
            ).fetchall()
    except duckdb.Error:  # a damaged part: the others one by one
        found = []
        for snapshot_id in wanted:
            try:
                found.append((snapshot_id, snapshot.read_bytes(warehouse, snapshot_id)))
            except (KeyError, BadInput):
                continue
    for snapshot_id, body in found:
        if hashlib.sha256(body).hexdigest() == snapshot_id:
            yield snapshot_id, body


def _write_csv(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    # With a mark of the encoding: spreadsheets take UTF-8 for something else without it.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(COLUMNS))
        writer.writeheader()
        writer.writerows(rows)


def _write_xlsx(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    book = Workbook()
    cells = book.worksheets[0]
    cells.title = "cells"
    cells.append(list(COLUMNS))
    for row in rows:
        cells.append([row[name] for name in COLUMNS])
    _dress(cells)
    how = book.create_sheet("how to fill it in")
    how.column_dimensions["A"].width = 100
    for line in HOW:
        how.append([line])
    book.save(path)


def _dress(cells: Worksheet) -> None:
    """Frozen header, widths, links that open, and the columns to fill in coloured."""
    cells.freeze_panes = "D2"
    for letter, (name, width) in zip("ABCDEFGHIJKL", COLUMNS.items(), strict=True):
        cells.column_dimensions[letter].width = width
        cells[f"{letter}1"].font = Font(bold=True)
        for cell in cells[letter][1:]:
            cell.alignment = Alignment(vertical="top", wrap_text=True)
            if name in _TO_FILL:
                cell.fill = PatternFill("solid", start_color="FFF7CC")
                cell.number_format = "@"  # text: a spreadsheet would turn 3/4 into a date
            elif name in ("page", "archived") and cell.value:
                cell.hyperlink = str(cell.value)
                cell.font = Font(color="0563C1", underline="single")


def read(path: Path) -> tuple[str, dict[int, str]]:
    """The id of the sample, and what was filled in for each row (empty where nothing was).

    BadInput, by line, for what is no such sheet.
    """
    lines = _read_csv(path) if path.suffix.lower() == ".csv" else _read_xlsx(path)
    header = [str(v).strip() for v in lines[0]] if lines else []
    if missing := [c for c in ("row", "found", "audit") if c not in header]:
        raise BadInput(f"{path} line 1: no column {', '.join(missing)}; is it a sheet of an audit?")
    audits, filled = set(), {}
    for number, line in enumerate(lines[1:], 2):
        told = dict(zip(header, line, strict=False))
        if not any(_text(v) for v in line):
            continue
        row = _text(told["row"])
        if not row.isdigit():
            raise BadInput(f"{path} line {number}, column row: {row!r} is not a row of the sample")
        if int(row) in filled:
            raise BadInput(f"{path} line {number}: row {row} stands here twice; remove one")
        filled[int(row)] = _text(told.get("found"))
        audits.add(_text(told.get("audit")))
    if len(audits) != 1 or "" in audits:
        raise BadInput(f"{path}, column audit: every row must have the same id, as it was written")
    return audits.pop(), filled


def _text(value: object) -> str:
    """What a person typed: spreadsheets make 12 a 12.0."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value).strip()


def _read_csv(path: Path) -> list[list[Any]]:
    for encoding in ("utf-8-sig", "gb18030"):  # Excel in China saves the second
        try:
            with path.open(encoding=encoding, newline="") as file:
                return list(csv.reader(file))
        except UnicodeDecodeError:
            continue
        except OSError as error:
            raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    raise BadInput(f"{path}: is neither UTF-8 nor GB 18030; save it as UTF-8")


def _read_xlsx(path: Path) -> list[list[Any]]:
    try:
        book = CalamineWorkbook.from_path(str(path))
        return book.get_sheet_by_name("cells").to_python(skip_empty_area=False)
    except (OSError, CalamineError) as error:
        raise BadInput(f"{path}: cannot be read as a sheet of an audit ({error})") from error
