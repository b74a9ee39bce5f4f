"""A published world to make releases of, changes to it, and queries on what came out."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from tasks.store import Warehouse

NOON = datetime(2026, 3, 1, 4, tzinfo=UTC)  # 12:00 in China
FEES = "proactive.fees.amount"
UPDATE = "update staging.stg_report_values set"


def warehouse_at(root: Path, prepared: Path) -> Warehouse:
    """A warehouse at `root` that publishes the prepared database."""
    root.mkdir(exist_ok=True)
    shutil.copy(prepared, root / "gongkai.duckdb")
    return Warehouse.at(root)


def rows(path: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """A query on a database."""
    with duckdb.connect(str(path), read_only=True) as db:
        return db.execute(sql, values).fetchall()


def change(warehouse: Warehouse, *statements: str) -> None:
    """Change what is published."""
    with duckdb.connect(str(warehouse.database)) as db:
        for statement in statements:
            db.execute(statement)


def of(url: str) -> str:
    """The condition for the current report at an address."""
    return f"report_id = (select report_id from reports where url = '{url}' and is_current)"
