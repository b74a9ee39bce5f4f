"""The worked analyses of the README: each query with the result that is printed below it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import duckdb

README = Path(__file__).resolve().parents[2] / "README.md"


class Analysis(NamedTuple):
    """A query, the names of its columns and its rows as the README prints them."""

    sql: str
    columns: list[str]
    rows: list[list[str]]


def analyses() -> list[Analysis]:
    """In the order of the README: by county, by outcome, by procedure."""
    text = README.read_text(encoding="utf-8")
    section = text.partition("## Three analyses")[2].partition("\n## ")[0]
    found = []
    for sql, table in re.findall(r"```sql\n(.*?)```\n\n((?:\|[^\n]*\n)+)", section, re.DOTALL):
        lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
        found.append(Analysis(sql, lines[0], lines[2:]))
    return found


def ran(db: duckdb.DuckDBPyConnection, analysis: Analysis) -> Analysis:
    """The same with what the query gives here."""
    cursor = db.execute(analysis.sql)
    columns = [d[0] for d in cursor.description or ()]
    rows = [["" if v is None else str(v) for v in row] for row in cursor.fetchall()]
    return Analysis(analysis.sql, columns, rows)
