"""Looks for the smallest repairs of every reading that its identities contradict (Parquet for dbt).

SQL finds the few readings worth a search; the search is `tasks.report.repair`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from tasks.increment import connect
from tasks.objects import Place, let_read
from tasks.report.form import FORMS, StatutoryForm, form
from tasks.report.repair import Localised, localise

MOST_ALTERNATIVES = 20  # kept of an ambiguous answer; `alternatives` counts all
_BATCH = 2_000
_FILES = 100  # read at a time: DuckDB keeps what it knows of each of 250 columns of every open file
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
    parts: Sequence[Place], *, repeats: Path | None = None, only: Path | None = None
) -> pa.Table:
    """One row for each reading and part of its form in which an identity is violated.

    Without the rows that the Parquet file `repeats` names (filename, file_row_number); of the
    reports in the file `only`.
    """
    files = [str(p) for p in parts]
    tables = [LOCALISED.empty_table()]
    with connect(spill=repeats and repeats.parent) as connection:
        for part in parts[:1]:
            let_read(connection, part)
        _name(connection, "repeats", repeats)
        _name(connection, "only_these", only)
        for first in range(0, len(files), _FILES):
            some_files = files[first : first + _FILES]
            rows = [
                row
                for reading in _suspects(connection, some_files, some=only is not None)
                for row in _searched(reading)
            ]
            tables.append(pa.Table.from_pylist(rows, schema=LOCALISED))
    return pa.concat_tables(tables).sort_by([("report_id", "ascending"), ("part", "ascending")])


def _name(connection: duckdb.DuckDBPyConnection, name: str, path: Path | None) -> None:
    if path is None:
        connection.execute(f"create table {name} (filename varchar, file_row_number bigint)")
    else:
        connection.read_parquet(str(path)).create(name)


class _Suspect(NamedTuple):
    report_id: str
    form: StatutoryForm
    values: dict[str, Decimal | None]  # of the form's cells
    status: list[str]


def _suspects(
    connection: duckdb.DuckDBPyConnection, files: list[str], *, some: bool
) -> Iterator[_Suspect]:
    """Readings in which the known cells of some identity do not add up."""
    forms = {name: form(name) for name in FORMS}
    names = list(dict.fromkeys(c.code for f in forms.values() for c in f.cells))
    cells = ", ".join(f'"{name}"' for name in names)
    differ = " ".join(f"when '{name}' then ({_differ(f)})" for name, f in forms.items())
    narrowed = "semi join only_these using (report_id)" if some else ""
    read = "read_parquet(?, union_by_name = true, filename = true, file_row_number = true)"
    found = connection.execute(
        f"""
        with suspects as materialized (
            select report_id, form, filename, file_row_number, {cells}
            from {read} as readings {narrowed}
            anti join repeats using (filename, file_row_number)
            where outcome = 'parsed' and case form {differ} end
        )
        select report_id, suspects.form, status, {cells}
        from suspects
        inner join (select filename, file_row_number, status from {read})
            using (filename, file_row_number)
        """,  # noqa: S608 - the names are those of the forms
        [files, files],
    )
    while rows := found.fetchmany(_BATCH):
        for report_id, name, status, *values in rows:
            by_name = dict(zip(names, values, strict=True))
            known = {c.code: by_name[c.code] for c in forms[name].cells}
            yield _Suspect(report_id, forms[name], known, status)


def _differ(the_form: StatutoryForm) -> str:
    return " or ".join(
        f"""({" ".join(f'{"+" if k > 0 else "-"} coalesce("{c}", 0)' for c, k in i.terms)}) <> 0"""
        for i in the_form.identities
    )


def _searched(reading: _Suspect) -> Iterator[dict[str, Any]]:
    values = {
        cell: None if status in _UNKNOWN else value
        for (cell, value), status in zip(reading.values.items(), reading.status, strict=True)
    }
    for number, answer in enumerate(localise(reading.form, values), 1):
        yield {"report_id": reading.report_id, "part": number, **_row(answer)}


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
