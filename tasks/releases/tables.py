"""What belongs in a release, and what each column of it is.

The meaning of tables and columns is that of the data dictionary: the `.yml` beside each model.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

MARTS = Path(__file__).resolve().parents[2] / "sql" / "models" / "marts"

# Major: a column of a release is gone or means something else; minor: one was added. Its history is
# in docs/releases.md; tests/test_docs.py fails when columns change and this does not.
SCHEMA_VERSION = "1.0"

_OFFICIAL = "report_id in (select report_id from reports where official)"


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a release. `rows` is the SQL that gives them in their order."""

    name: str
    rows: str
    key: tuple[str, ...]
    references: tuple[tuple[tuple[str, ...], str], ...] = ()


_OF_REPORT = (("report_id",), "reports")

TABLES = (
    Table(
        "national_fact",
        """
        select facts.* from national_fact as facts join measures using (form, cell)
        order by report_year, division_code, unit_id, scope, measures.position
        """,
        ("unit_id", "report_year", "scope", "cell"),
        (_OF_REPORT, (("form", "cell"), "measures")),
    ),
    Table(
        "national_totals",
        "from national_totals order by report_year, level, area_id, series",
        ("area_id", "report_year", "series"),
    ),
    Table("reports", "from reports where official order by report_id", ("report_id",)),
    Table(
        "findings",
        f"from findings where {_OFFICIAL} order by report_id, rule, identity",
        ("report_id", "rule", "identity"),
        (_OF_REPORT,),
    ),
    Table(
        "repairs",
        f"from repairs where {_OFFICIAL} order by report_id, cell",
        ("report_id", "cell"),
        (_OF_REPORT,),
    ),
    Table(
        "coverage",
        "from coverage order by report_year, unit_id",
        ("unit_id", "report_year"),  # report_id may be a rejected one, which is not in reports
    ),
    Table("units", "from units order by unit_id, version", ("unit_id", "version")),
    Table("measures", "from measures order by form, position", ("form", "cell")),
    Table("runs", "from runs order by started_at, run_id", ("run_id",)),
)

LEFT_OUT = {
    "report_cells": "cells of superseded, unresolved and unofficial reports: working material, "
    "not to be cited; the archive keeps them",
    "candidates": "links that were not taken for reports: for whoever reviews the listings",
    "learned_keys": "what resolution worked with: reports.explanation names the key that decided",
    "failures": "the operator's list of the moment, with addresses of pages that are not official; "
    "coverage says which reports could not be read",
}


def meanings(table: str) -> tuple[str, dict[str, str]]:
    """The description of a public table, and that of each of its columns."""
    text = (MARTS / f"{table}.yml").read_text(encoding="utf-8")
    grain = text.splitlines()[0].lstrip("# ").rstrip(".")
    model: dict[str, Any] = next(m for m in yaml.safe_load(text)["models"] if m["name"] == table)
    columns = {c["name"]: _line(c.get("description", "")) for c in model["columns"]}
    return f"{_line(model['description'])} {grain}.", columns


def _line(text: str) -> str:
    return " ".join(text.split())


def field_type(sql_type: str) -> str:
    """The Frictionless type of a DuckDB type. Lists and structs are JSON in CSV."""
    if sql_type.endswith("]") or sql_type.startswith("STRUCT"):
        return "array"
    if sql_type.startswith("TIMESTAMP"):
        return "datetime"
    if sql_type.startswith("DECIMAL"):
        return "number"
    return {
        "VARCHAR": "string",
        "BOOLEAN": "boolean",
        "DATE": "date",
        "DOUBLE": "number",
        "SMALLINT": "integer",
        "INTEGER": "integer",
        "BIGINT": "integer",
    }[sql_type]


def as_csv(column: str, sql_type: str) -> str:
    """The SQL that gives a column as it stands in CSV: times in UTC, numbers without idle zeros."""
    name = f'"{column}"'
    kind = field_type(sql_type)
    if kind == "array":
        return f"to_json({name})::varchar as {name}"
    if kind == "datetime":
        moment = f"({name} at time zone 'UTC')" if "TIME ZONE" in sql_type else name
        return f"strftime({moment}, '%Y-%m-%dT%H:%M:%SZ') as {name}"
    if sql_type.startswith("DECIMAL"):
        return f"regexp_replace({name}::varchar, '(\\.\\d*?)0+$', '\\1').rtrim('.') as {name}"
    return name
