"""Folds old nights: what they repeat goes, and what they found stays. No document's bytes go.

A night writes a row of the archive, one of what was discovered and one of what became of it for
every document, though nearly all are as the night before. Of nights that ended more than so many
days ago the rows go that say, of a document, what the visit before and the visit after say as well.
So from when to when a page was there, or not there, can be told as before, and every published
table is the same; a night's sums stay in its `run.json`. Failures and refusals stay row by row.

Nights are folded a month at a time, since the publish after it makes everything anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks import snapshot
from tasks.files import open_parquet, sync_folder, write_bytes, write_table
from tasks.increment import connect
from tasks.objects import Place
from tasks.runs import finished_runs
from tasks.store import Warehouse

AT_ONCE = 30  # days that have to be old enough before any is folded
_LAST = 30  # nights that stay however old they are: alarms compare with the last ones
_REPEATS = ("unchanged", "duplicate", "skipped")


class Folded(NamedTuple):
    """How many nights were folded, and how many rows went from their accounts and the archive."""

    nights: int = 0
    outcomes: int = 0
    fetches: int = 0


def fold(warehouse: Warehouse, days: int, now: datetime | None = None) -> Folded:
    """Fold the nights that ended more than `days` ago. The caller holds the lock.

    A kill leaves every file whole; the next fold goes on with the nights that are not marked.
    """
    moment = now or datetime.now(UTC)
    nights = [run for run in finished_runs(warehouse) if run.get("kind") == "nightly"]
    old = [run for run in nights[:-_LAST] if _age(run, moment) > timedelta(days=days)]
    fresh = [run for run in old if not run.get("folded")]
    if not fresh or _age(fresh[0], moment) < timedelta(days=days + AT_ONCE):
        return Folded()
    # The nights before and after tell what lies between.
    first, last = nights.index(fresh[0]), nights.index(old[-1])
    around = [run["run_id"] for run in nights[max(0, first - 1) : last + 2]]
    ids = [run["run_id"] for run in fresh]
    with connect(spill=warehouse.root) as connection:
        fetches = _fold_archive(connection, warehouse, ids, around)
        # From here on the sums of these nights are taken from run.json.
        for run in fresh:
            path = warehouse.run_folder(run["run_id"]) / "run.json"
            text = json.dumps({**run, "folded": True}, ensure_ascii=False, indent=1, sort_keys=True)
            write_bytes(path, (text + "\n").encode())
        outcomes = _fold_accounts(connection, warehouse, ids, around)
    return Folded(len(fresh), outcomes, fetches)


def _age(run: dict[str, Any], now: datetime) -> timedelta:
    return now - datetime.fromisoformat(str(run["finished_at"]))


def _fold_accounts(
    connection: duckdb.DuckDBPyConnection, warehouse: Warehouse, ids: list[str], around: list[str]
) -> int:
    folders = [warehouse.run_folder(run_id) for run_id in around]
    files = {n: [str(f / f"{n}.parquet") for f in folders] for n in ("outcomes", "discovered")}
    repeats = ", ".join(f"'{name}'" for name in _REPEATS)
    found = connection.execute(
        f"""
        with said as (
            select run_id, document_id, outcome,
                {{'is': (outcome, code, snapshot_id, duplicate_of), 'in': (source_id, listing_url)}}
                    as state
            from read_parquet($outcomes)
            inner join read_parquet($discovered) as discovered using (run_id, document_id)
        )
        select run_id, document_id
        from (
            select *,
                lag(state) over by_run = state and lead(state) over by_run = state as is_between
            from said
            window by_run as (partition by document_id order by run_id)
        )
        where is_between and outcome in ({repeats}) and run_id in (select unnest($ids))
        """,  # noqa: S608 - names of outcomes
        {**files, "ids": ids},
    ).to_arrow_table()
    candidates = _still_listed(warehouse, around[-1])
    gone = 0
    for run_id in ids:
        folder = warehouse.run_folder(run_id)
        these = found.filter(pc.equal(found["run_id"], run_id))["document_id"]
        gone += len(these)
        for name in ("outcomes", "discovered"):
            _drop(folder / f"{name}.parquet", "document_id", these)
        if run_id != around[-1]:
            _drop(folder / "candidates.parquet", "source_id", candidates)
    return gone


def _still_listed(warehouse: Warehouse, run_id: str) -> pa.Array:
    """The sources that a night saw. Only the candidates of the last night over a source count."""
    found: set[str] = set()
    for name in ("candidates", "discovered"):
        path = warehouse.run_folder(run_id) / f"{name}.parquet"
        if path.exists():
            found |= set(pq.read_table(path, columns=["source_id"])[0].to_pylist())
    return pa.array(sorted(found - {None}), pa.string())


def _drop(path: Path, column: str, values: pa.Array | pa.ChunkedArray) -> None:
    if not len(values) or not path.exists():
        return
    table = pq.read_table(path)
    kept = table.filter(pc.invert(pc.is_in(table[column], value_set=values)))
    if len(kept) < len(table):
        write_table(path, kept)


def _fold_archive(
    connection: duckdb.DuckDBPyConnection, warehouse: Warehouse, ids: list[str], around: list[str]
) -> int:
    parts = [p for p in snapshot.parts(warehouse) if snapshot.run_of(p) in set(around)]
    connection.execute(
        """
        create table visits (part int, number int, run_id varchar, document_id varchar,
            fetched_at timestamptz, state varchar, stored bool)
        """
    )
    for number, path in enumerate(parts):
        rows = snapshot.states_of(path)
        connection.register("rows", rows.append_column("number", pa.array(range(len(rows)))))
        connection.execute(
            """
            insert into visits
            select ?, number, run_id, document_id, fetched_at,
                (snapshot_id, error_code, source_id, url, parent_document_id)::varchar, stored
            from rows where origin = 'fetched'
            """,
            [number],
        )
        connection.unregister("rows")
    dropped = connection.execute(
        """
        select part, number
        from (
            select *,
                lag(state) over by_time = state and lead(state) over by_time = state as is_between
            from visits
            window by_time as (partition by document_id order by run_id, fetched_at, part, number)
        )
        where is_between and not stored and run_id in (select unnest(?))
        """,
        [ids],
    ).to_arrow_table()
    for number, path in enumerate(parts):
        these = dropped.filter(pc.equal(dropped["part"], number))["number"]
        if len(these):
            _without(warehouse, path, these.to_pylist())
    return len(dropped)


def _without(warehouse: Warehouse, part: Place, numbers: Iterable[int]) -> None:
    """Take rows without bytes out of a part; a part and its readings go when nothing is left."""
    with open_parquet(part) as file:
        table = file.read()
    gone = set(numbers)
    kept = table.filter(pa.array([i not in gone for i in range(len(table))]))
    assert kept["bytes"].null_count - kept.num_rows == table["bytes"].null_count - table.num_rows
    if len(kept):
        write_table(part, kept, row_group_size=snapshot.ROW_GROUP)
        return
    (warehouse.reports / part.name).unlink(missing_ok=True)
    part.unlink()
    sync_folder(part.parent)
