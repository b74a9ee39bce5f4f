"""Views of the public tables with Chinese names: schema 中文 of the published database.

The names are data (`sql/chinese_names.csv`). A view reads its table at the moment it is asked, so
the two can never say different things; a table of cells also gets each cell's 中文 label and unit.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import duckdb

NAMES = Path(__file__).resolve().parent.parent / "sql" / "chinese_names.csv"
SCHEMA = "中文"
_LABELLED = {"form", "cell", "value"}  # the columns of a table whose rows are cells
_LABELS = {"label": "指标名称", "unit": "计量单位"}


@cache
def _names() -> dict[tuple[str, str], str]:
    text = NAMES.read_text(encoding="utf-8")
    return {(row["table"], row["column"]): row["name"] for row in csv.DictReader(text.splitlines())}


def table_name(table: str) -> str | None:
    """The Chinese name of a public table; None when it has none."""
    return _names().get((table, ""))


def column_name(table: str, column: str) -> str | None:
    """The Chinese name of a column; one of its table goes before the one all tables share."""
    return _names().get((table, column)) or _names().get(("", column))


def create_views(connection: duckdb.DuckDBPyConnection, tables: Iterable[str]) -> list[str]:
    """Creates the schema and one view for each table that has a Chinese name; returns the names.

    A column without a Chinese name keeps its own. The database is not named in the views, so a copy
    of the file may have any name.
    """
    # A generation that is built upon another has that one's.
    connection.execute(f'drop schema if exists "{SCHEMA}" cascade')
    connection.execute(f'create schema "{SCHEMA}"')
    made = []
    for table in tables:
        name = table_name(table)
        if name is None:
            continue
        described = connection.execute(f'describe main."{table}"').fetchall()
        columns = [row[0] for row in described]
        chosen = [f't."{c}" as "{column_name(table, c) or c}"' for c in columns]
        source = f'main."{table}" as t'
        if set(columns) >= _LABELLED:
            chosen += [f'm."{c}" as "{alias}"' for c, alias in _LABELS.items()]
            source += " left join main.measures as m on m.form = t.form and m.cell = t.cell"
        view = f'"{SCHEMA}"."{name}"'
        connection.execute(f"create view {view} as select {', '.join(chosen)} from {source}")  # noqa: S608
        made.append(name)
    return made
