"""Builds the published tables aside with dbt and swaps them in whole.

`publish` never touches the published file before the new one is complete, checked and on disk;
whatever happens before `os.replace`, readers keep yesterday's.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from tasks import chinese, increment, judgements, repairs, reports
from tasks.files import sync_folder, write_schema, write_table, write_tables
from tasks.objects import ObjectPath, Place, let_read
from tasks.records import AccountingError, BadInput, Counts, Source
from tasks.runs import finished_runs
from tasks.sources import DEFAULT_SOURCES, load_sources
from tasks.store import Warehouse
from tasks.units import Registry, Resolver
from tasks.units.learned import learn
from tasks.units.listed import listed
from tasks.units.tables import OWN, expected_units, resolutions

SQL = Path(__file__).resolve().parent.parent / "sql"
PUBLIC_TABLES = (
    "national_fact",
    "report_cells",
    "reports",
    "units",
    "learned_keys",
    "measures",
    "findings",
    "national_totals",
    "repairs",
    "failures",
    "candidates",
    "coverage",
    "runs",
)
# Unit tests of the models run where models change (tests/test_publish.py), not nightly.
NOT_BUILT: tuple[str, ...] = ("unit_test",)
_TEXT = pa.string()
_RUNS = pa.schema(
    [
        ("run_id", _TEXT),
        ("kind", _TEXT),
        ("started_at", pa.timestamp("us", tz="UTC")),
        ("finished_at", pa.timestamp("us", tz="UTC")),
        ("demo", pa.bool_()),
        ("parser_version", _TEXT),
        ("folded", pa.bool_()),
        *((name, pa.int64()) for name in Counts().as_dict()),
    ]
)
_SOURCES = pa.schema([(name, _TEXT) for name in Source._fields])
_PARTS = pa.schema([("filename", _TEXT), ("is_older", pa.bool_())])


class PublishError(Exception):
    """The new generation could not be built; the published one is as it was. One line."""


@dataclass(frozen=True, slots=True)
class Published:
    """What a publish left: the file, and how many rows each public table has."""

    database: Path
    rows: dict[str, int]
    seconds: float
    why_full: str  # why everything was built anew; "" when only what changed was


def publish(
    warehouse: Warehouse, *, sources: Sequence[Source] | None = None, full: bool = False
) -> Published:
    """Build every model into a new generation and swap it in. The caller holds the lock.

    The new generation starts as a copy of the published one, in which only what changed is made
    anew (`tasks.increment`), or from nothing: when `full`, and when nothing else is sound.

    `sources` are the reviewed sites of this run; they are remembered in the warehouse, so that a
    later publish without them resolves the same. Raises AccountingError when a finished run does
    not close, PublishError when the build or one of its tests fails; both leave the old file.
    """
    began = monotonic()
    check_accounting(warehouse)
    generation = warehouse.root / f".generation-{secrets.token_hex(6)}"
    generation.mkdir()
    try:
        known = remember_sources(warehouse, sources)
        database = generation / "gongkai.duckdb"  # the catalog takes its name from the file
        why_full, key = prepare(warehouse, generation / "prepared", known, full=full)
        if not why_full:
            shutil.copyfile(warehouse.database, database)
        _build(warehouse, generation)
        increment.remember(database, warehouse, key, full=bool(why_full))
        rows = _seal(database)
        _swap(database, warehouse.database)
    except PublishError:
        raise  # the logs of the failed build stay until the next run
    except BaseException:
        shutil.rmtree(generation, ignore_errors=True)
        raise
    shutil.rmtree(generation, ignore_errors=True)
    return Published(warehouse.database, rows, monotonic() - began, why_full)


def query(warehouse: Warehouse, sql: str) -> pa.Table:
    """Run one query on the published tables, read-only. BadInput when it cannot be run."""
    if not warehouse.database.exists():
        raise BadInput(f"warehouse {warehouse.root}: nothing is published yet; try `gongkai run`")
    with duckdb.connect(str(warehouse.database), read_only=True) as connection:
        try:
            return connection.sql(sql).to_arrow_table()
        except duckdb.Error as e:
            raise BadInput(f"the query was refused: {str(e).splitlines()[0]}") from e


def check_accounting(warehouse: Warehouse) -> None:
    """Every discovered document of a finished run has exactly one outcome, and no other has one."""
    with duckdb.connect() as connection:
        for run in finished_runs(warehouse):
            if run.get("folded"):
                continue  # it closed, and its repetitions are gone (tasks/fold.py)
            folder = warehouse.run_folder(str(run["run_id"]))
            files = [folder / "discovered.parquet", folder / "outcomes.parquet"]
            if missing := [f.name for f in files if not f.exists()]:
                raise AccountingError(f"run {run['run_id']}: {', '.join(missing)} is missing")
            wrong = connection.execute(
                """
                with discovered as (
                    select document_id, count(*) as times from read_parquet(?) group by all
                ),
                told as (select document_id, count(*) as times from read_parquet(?) group by all)
                select
                    coalesce(discovered.document_id, told.document_id) as document_id,
                    coalesce(discovered.times, 0), coalesce(told.times, 0)
                from discovered full join told using (document_id)
                where discovered.times is distinct from 1 or told.times is distinct from 1
                order by 1
                """,
                [str(f) for f in files],
            ).fetchall()
            if wrong:
                document, discovered, told = wrong[0]
                raise AccountingError(
                    f"run {run['run_id']} does not close: {len(wrong)} documents, the first is "
                    f"{document} (discovered {discovered} times, {told} outcomes); "
                    "nothing was published"
                )


def remember_sources(warehouse: Warehouse, sources: Sequence[Source] | None) -> list[Source]:
    """The sources this warehouse was filled from: the project's own, over them those ever given.

    Those given are kept in the warehouse, so that every later publish resolves alike.
    """
    path = warehouse.root / "sources.parquet"
    given: dict[str, Source] = {}
    if path.exists():
        for row in pq.read_table(path).to_pylist():
            given[row["source_id"]] = Source(**{n: row.get(n) or "" for n in Source._fields})
    own = {s.source_id: s for s in load_sources()} if DEFAULT_SOURCES.exists() else {}
    if sources is not None:
        given |= {s.source_id: s for s in sources if own.get(s.source_id) != s}
        if given:
            rows = [given[k]._asdict() for k in sorted(given)]
            write_table(path, pa.Table.from_pylist(rows, schema=_SOURCES))
    known = own | given
    return [known[k] for k in sorted(known)]


def prepare(
    warehouse: Warehouse, folder: Path, sources: Sequence[Source], *, full: bool = True
) -> tuple[str, str]:
    """Write what dbt reads beside the archive: runs, sources, units, repairs, what changed.

    Gives why everything is to be built anew ("" when it is not), and the key of `increment`.
    """
    folder.mkdir()
    write_table(folder / "schema_reports.parquet", reports.SCHEMA.empty_table())
    write_table(folder / "runs.parquet", run_table(warehouse))
    allowed = [s for s in sources if s.status == "allowed"]
    known = pa.Table.from_pylist([s._asdict() for s in allowed], schema=_SOURCES)
    write_table(folder / "sources.parquet", known)
    decided = (judgements.SEEDS, warehouse.root)
    write_table(folder / "corrections.parquet", judgements.corrections(*decided))
    write_table(folder / "verdicts.parquet", judgements.verdicts(*decided))
    if not increment.parts_of(warehouse.reports):
        # nothing was read yet; a glob that matches nothing is an error in DuckDB
        write_schema(warehouse.reports, reports.SCHEMA)
    key = increment.key_of(warehouse, known)
    why_full, parts = increment.plan(warehouse, folder, key, full=full)
    older = set(reports.lacking_columns(parts))
    rows = [{"filename": str(part), "is_older": part in older} for part in parts]
    write_table(folder / "parts.parquet", pa.Table.from_pylist(rows, schema=_PARTS))
    registry = Registry.read()
    write_table(folder / "expected.parquet", expected_units(registry, allowed))
    resolver = Resolver.of(registry, allowed)
    with increment.connect(spill=folder) as connection:
        runs = [warehouse.run_folder(str(run["run_id"])) for run in finished_runs(warehouse)]
        write_table(folder / "listed.parquet", listed(connection, resolver, runs))
    _judge(warehouse, folder, resolver, parts, some=not why_full)
    if not why_full:
        increment.join_resolutions(warehouse, folder)
    return why_full, key


def _judge(
    warehouse: Warehouse, folder: Path, resolver: Resolver, parts: Sequence[Place], *, some: bool
) -> None:
    """What SQL cannot do: whose each reading is, and its smallest repairs."""
    repeats, touched = folder / "repeats.parquet", folder / "touched_readings.parquet"
    found = repairs.localised(parts, repeats=repeats, only=touched if some else None)
    write_table(folder / "localised.parquet", found)
    rows: dict[str, set[int]] = {}
    for row in pq.read_table(repeats).to_pylist():
        rows.setdefault(row["filename"], set()).add(row["file_row_number"])
    only = set(pq.read_table(touched)["report_id"].to_pylist()) if some else None
    tables = resolutions(resolver, parts, only=only, repeats=rows)
    write_tables(folder / "own.parquet", tables, OWN)
    with increment.connect(spill=folder) as connection:
        let_read(connection, warehouse.stored)
        if some:
            increment.attach(connection, warehouse)
        fetches = increment.parts_of(warehouse.snapshots)
        learn(connection, folder, resolver.registry, fetches, some=some)


def run_table(warehouse: Warehouse) -> pa.Table:
    """The finished runs, with their sums."""
    rows = [
        {
            "run_id": run["run_id"],
            "kind": run.get("kind"),
            "started_at": _moment(run.get("started_at")),
            "finished_at": _moment(run.get("finished_at")),
            "demo": bool(run.get("demo", False)),
            "parser_version": run.get("parser_version"),
            "folded": bool(run.get("folded", False)),
            **{name: (run.get("counts") or {}).get(name) for name in Counts().as_dict()},
        }
        for run in finished_runs(warehouse)
    ]
    return pa.Table.from_pylist(rows, schema=_RUNS)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def dbt_command(generation: Path, verb: str) -> list[str]:
    """dbt in a process of its own, writing only into `generation`."""
    return [
        *(sys.executable, "-m", "tasks.run_dbt", "--quiet", "--no-use-colors"),
        *("--log-level-file", "info", verb),
        *("--project-dir", str(SQL), "--profiles-dir", str(SQL)),
        *("--target-path", str(generation / "target"), "--log-path", str(generation / "logs")),
    ]


def dbt_environment(warehouse: Warehouse, generation: Path) -> dict[str, str]:
    """What the dbt project reads: absolute paths, since relative ones depend on who runs it."""
    path = (str(SQL.parent), os.environ.get("PYTHONPATH", ""))
    stored = warehouse.stored
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, path)),  # dbt runs in the folder of its project
        "GONGKAI_BUILD_DB": str(generation / "gongkai.duckdb"),
        "GONGKAI_WAREHOUSE_ROOT": str(warehouse.root),
        "GONGKAI_STORED": str(stored),
        "GONGKAI_STORE": stored.url if isinstance(stored, ObjectPath) else "",
        "GONGKAI_PREPARED": str(generation / "prepared"),
        "GONGKAI_SQL": str(SQL),
        "GONGKAI_INCREMENT": "1" if (generation / "gongkai.duckdb").exists() else "",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }


def _build(warehouse: Warehouse, generation: Path) -> None:
    """Every model that may have changed and every test of its data, or nothing."""
    environment = dbt_environment(warehouse, generation)
    built = ("--exclude", "tag:reference") if environment["GONGKAI_INCREMENT"] else ()
    done = subprocess.run(
        [
            *dbt_command(generation, "build"),
            *built,
            *(word for kind in NOT_BUILT for word in ("--exclude-resource-types", kind)),
        ],
        env=environment,
        cwd=SQL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        log = generation / "logs" / "dbt.log"
        if not log.exists():
            log = generation / "dbt.out"
            log.write_text(done.stdout + done.stderr, encoding="utf-8")
        raise PublishError(
            f"the models could not be built: {_first_failure(generation, done)}; "
            f"nothing was published; log: {log}"
        )


def _first_failure(generation: Path, done: subprocess.CompletedProcess[str]) -> str:
    """The model or test that failed, and why, in one line."""
    results = generation / "target" / "run_results.json"
    if results.exists():
        for result in json.loads(results.read_text(encoding="utf-8"))["results"]:
            if result["status"] in ("error", "fail", "runtime error"):
                why = " ".join(str(result["message"]).split())
                return f"{result['unique_id']}: {why[:500]}"
    said = " ".join((done.stdout + done.stderr).split())
    return said[-500:] or f"dbt ended with {done.returncode}"


# The long tables are views over one row a report; counting their rows would make every one of them.
_CELLS = """
    select coalesce(sum(cells), 0)::bigint
    from staging.stg_report_values
    join reconcile.report_labels as labels using (report_id)
    join (select form, count(*) as cells from main.measures group by form) as forms
        on forms.form = stg_report_values.form
"""
_ROWS = {"report_cells": _CELLS, "national_fact": f"{_CELLS} where labels.is_fact"}


def _seal(database: Path) -> dict[str, int]:
    """Close the new file: no log beside it, all public tables there (中文 too), on disk."""
    with increment.connect(database) as connection:
        chinese.create_views(connection, PUBLIC_TABLES)
        connection.execute("checkpoint")
        rows = {
            name: connection.execute(
                _ROWS.get(name, f'select count(*) from main."{name}"')  # noqa: S608
            ).fetchall()[0][0]
            for name in PUBLIC_TABLES
        }
    _wal(database).unlink(missing_ok=True)
    with database.open("rb") as file:
        os.fsync(file.fileno())
    return rows


def _swap(new: Path, published: Path) -> None:
    # A log left beside the published file would be replayed into the new one.
    _wal(published).unlink(missing_ok=True)
    new.replace(published)
    sync_folder(published.parent)


def _wal(database: Path) -> Path:
    return database.with_name(database.name + ".wal")
