"""Looks for the smallest repairs of every reading that its identities contradict (Parquet for dbt).

SQL finds the few readings worth a search; the search is `tasks.report.repair`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from tasks.report.form import FORMS, StatutoryForm, form
from tasks.report.repair import Localised, localise

MOST_ALTERNATIVES = 20  # kept of an ambiguous answer; `alternatives` counts all
_BATCH = 2_000
_MEMORY = "1GB"
_UNKNOWN = frozenset({"forced"})  # a number, but not one that the page gives
CHANGE = pa.struct(
    [
        ("cell", pa.string()),
        ("before", pa.int64()),
        ("after", pa.int64()),
        ("slip", pa.string()),
    ]
)
LOCALISED = pa.schema(
    [
        ("report_id", pa.string()),
        ("part", pa.int32()),
        ("answer", pa.string()),
        ("alternatives", pa.int32()),
        ("open_amount", pa.bool_()),
        ("violated", pa.list_(pa.string())),
        ("repairs", pa.list_(pa.list_(CHANGE))),
    ]
)


def localised(
    parts: Iterable[Path], *, repeats: Path | None = None, only: Path | None = None
) -> pa.Table:
    """One row for each reading and part of its form in which an identity is violated.

    Without the rows that the Parquet file `repeats` names (filename, file_row_number); of the
    reports in the file `only`.
    """
    files = [str(p) for p in parts]
    rows: list[dict[str, Any]] = []
    if files:
        with duckdb.connect() as connection:
            connection.execute(f"set memory_limit = '{_MEMORY}'")
            _name(connection, "repeats", repeats)
            _name(connection, "only_these", only)
            for name in FORMS:
                for reading in _suspects(connection, form(name), files, some=only is not None):
                    rows += _searched(form(name), reading)
    rows.sort(key=lambda row: (row["report_id"], row["part"]))
    return pa.Table.from_pylist(rows, schema=LOCALISED)


def _name(connection: duckdb.DuckDBPyConnection, name: str, path: Path | None) -> None:
    if path is None:
        connection.execute(f"create table {name} (filename varchar, file_row_number bigint)")
    else:
        connection.read_parquet(str(path)).create(name)


def _suspects(
    connection: duckdb.DuckDBPyConnection,
    the_form: StatutoryForm,
    files: list[str],
    *,
    some: bool,
) -> Iterator[dict[str, Any]]:
    """Readings in which the known cells of some identity do not add up."""
    cells = ", ".join(f'"{c.code}"' for c in the_form.cells)
    differ = " or ".join(
        f"""({" ".join(f'{"+" if k > 0 else "-"} coalesce("{c}", 0)' for c, k in i.terms)}) <> 0"""
        for i in the_form.identities
    )
    narrowed = "semi join only_these using (report_id)" if some else ""
    found = connection.execute(
        f"""
        with suspects as materialized (
            select file_row_number, filename
            from read_parquet(?, union_by_name = true, filename = true, file_row_number = true)
            as readings {narrowed}
            anti join repeats using (filename, file_row_number)
            where outcome = 'parsed' and form = '{the_form.name}' and ({differ})
        )
        select report_id, status, {cells}
        from read_parquet(?, union_by_name = true, filename = true, file_row_number = true) as wide
        semi join suspects using (filename, file_row_number)
        """,  # noqa: S608 - the names are those of the form
        [files, files],
    )
    while rows := found.fetchmany(_BATCH):
        for report_id, status, *values in rows:
            yield {"report_id": report_id, "status": status, "values": values}


def _searched(the_form: StatutoryForm, reading: dict[str, Any]) -> Iterator[dict[str, Any]]:
    values: dict[str, Decimal | None] = {
        cell.code: None if status in _UNKNOWN else value
        for cell, status, value in zip(
            the_form.cells, reading["status"], reading["values"], strict=True
        )
    }
    for number, answer in enumerate(localise(the_form, values), 1):
        yield {"report_id": reading["report_id"], "part": number, **_row(answer)}


def _row(found: Localised) -> dict[str, Any]:
    return {
        "answer": found.answer,
        "alternatives": len(found.repairs),
        "open_amount": found.open_amount,
        "violated": list(found.violated),
        "repairs": [
            [change._asdict() for change in repair.changes]
            for repair in found.repairs[:MOST_ALTERNATIVES]
        ],
    }
