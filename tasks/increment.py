"""What a publish has to compute anew: everything, or what changed since the published generation.

The published database is the cache. A generation remembers which files it was built from, by which
code and for which sources (schema `built`). When code and sources are the same, the next one starts
as a copy of it, and only what changed is taken out and put in again: readings, and all reports that
these can bear on (tasks/touched.py). What is not among them has the inputs it had; so the result
equals a full rebuild.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa

from tasks import touched
from tasks.files import TEMPORARY, write_table
from tasks.objects import Place, let_read, listed
from tasks.store import Warehouse

_TEXT = pa.string()
_HERE = Path(__file__).resolve().parent
_SQL = _HERE.parent / "sql"
_DATA = ("sources.csv", "corrections.csv", "verdicts.csv")  # read at every publish
GROWN = 1.5  # times the size after the last full rebuild: deleted rows keep their place in the file
ROW_GROUP = 122_880  # rows of a table that DuckDB keeps together
REPEATS = pa.schema([("filename", _TEXT), ("file_row_number", pa.int64())])
MEMORY = "1GB"  # of the connections here


class Increment(NamedTuple):
    """Why everything is built anew, or "" when only what is touched is. `parts`: files to read."""

    why_full: str
    parts: list[Place]


def connect(
    database: Path | str = ":memory:", *, read_only: bool = False, spill: Path | None = None
) -> duckdb.DuckDBPyConnection:
    """A connection that spills to disk rather than take the machine's memory.

    It spills beside its database; one in memory below the folder `spill`, from which all is gone
    when it is closed.
    """
    connection = duckdb.connect(str(database), read_only=read_only)
    if spill is not None:
        connection.execute(f"set temp_directory = '{_quoted(spill / TEMPORARY)}'")
    connection.execute(f"set memory_limit = '{MEMORY}'")
    connection.execute("set max_vacuum_tasks = 0")  # as dbt (sql/profiles.yml); see _let_merge
    connection.execute("set preserve_insertion_order = false")
    connection.execute("set enable_external_file_cache = false")  # the system has one
    return connection


def attach(connection: duckdb.DuckDBPyConnection, warehouse: Warehouse) -> None:
    """The published generation, as `old`."""
    connection.execute(f"attach '{_quoted(warehouse.database)}' as old (read_only)")


def key_of(warehouse: Warehouse, sources: pa.Table) -> str:
    """Changes when a rebuild could give something else for the same files: code, sources, place."""
    where = f"{warehouse.root}\n{warehouse.stored}\n"
    digest = hashlib.sha256(f"{where}{duckdb.__version__}\n".encode())
    code = [p for p in _HERE.rglob("*") if p.suffix in (".py", ".csv")]
    code += [p for p in _SQL.rglob("*") if p.suffix in (".sql", ".yml", ".csv", ".gz")]
    for path in sorted(code):
        if path.name not in _DATA and "target" not in path.parts:
            digest.update(f"{path.name}\n".encode() + path.read_bytes())
    for row in sources.to_pylist():
        digest.update(repr(sorted(row.items())).encode())
    return digest.hexdigest()


def fingerprints(files: Iterable[Place]) -> pa.Table:
    """Name, size and time of each file. Files are replaced, never written in place."""
    rows = []
    for path in sorted(files, key=str):
        told = path.stat()
        rows.append({"filename": str(path), "mark": f"{told.st_size} {told.st_mtime_ns}"})
    return pa.Table.from_pylist(rows, schema=pa.schema([("filename", _TEXT), ("mark", _TEXT)]))


def parts_of(folder: Place) -> list[Place]:
    """The Parquet files that stand there, without what is being written."""
    return [p for p in listed(folder, "*.parquet") if not p.name.startswith(".")]


def accounts_of(warehouse: Warehouse) -> list[Path]:
    """The Parquet files of the runs: what was discovered, and what became of it."""
    return list(warehouse.runs.glob("*/*.parquet"))


def plan(warehouse: Warehouse, prepared: Path, key: str, *, full: bool) -> Increment:
    """Find what changed, and write it beside the other inputs of the models (`touched_*`).

    Also written: `repeats`, rows that read the same bytes of a document again, as a killed run may
    leave them; the earliest fetch counts.
    """
    readings, fetches = parts_of(warehouse.reports), parts_of(warehouse.snapshots)
    with connect(spill=prepared) as connection:
        let_read(connection, warehouse.stored)
        _directory(connection, readings)
        _write(prepared / "repeats.parquet", connection, "select * from repeats", REPEATS)
        connection.register("files", fingerprints([*readings, *fetches, *accounts_of(warehouse)]))
        runs = _quoted(prepared / "runs.parquet")
        connection.execute(f"create view runs as from read_parquet('{runs}')")
        why = _why_full(connection, warehouse, key, full=full)
        if not why:
            why = touched.by_files(connection, warehouse.runs)
        for name, schema in touched.SCHEMAS.items():
            found = None if why or name in touched.BY_UNITS else f"from {name} order by all"
            _write(prepared / f"{name}.parquet", connection, found, schema)
        if why:
            return Increment(why, readings)
        files = connection.execute("select filename from touched_files order by all").fetchall()
        named = {str(path): path for path in readings}
        return Increment("", [named[name] for (name,) in files])


def remember(database: Path, warehouse: Warehouse, key: str, *, full: bool) -> None:
    """Note in a new generation what it was built from, for the next."""
    with connect(database) as connection:
        _let_merge(connection)
        connection.execute("checkpoint")
        stored = [*parts_of(warehouse.reports), *parts_of(warehouse.snapshots)]
        connection.register("files", fingerprints([*stored, *accounts_of(warehouse)]))
        connection.execute("create schema if not exists built")
        connection.execute("create or replace table built.files as from files")
        if full:
            connection.execute(
                "create or replace table built.state as select ? as key, ?::bigint as full_size",
                [key, _used(connection, database.stem)],
            )


def _let_merge(connection: duckdb.DuckDBPyConnection) -> None:
    """Let checkpoints of this connection merge what increments add, where that is cheap.

    DuckDB merges neighbouring row groups that fit into one. Once the wide rows fill more than one,
    that may be a whole group of them for a few new rows: a third of a full rebuild of a million.
    """
    ((rows,),) = connection.execute(
        "select coalesce(max(estimated_size), 0) from duckdb_tables() "
        "where schema_name = 'staging' and table_name = 'stg_report_values'"
    ).fetchall()
    if rows <= ROW_GROUP:
        connection.execute("reset max_vacuum_tasks")


def _directory(connection: duckdb.DuckDBPyConnection, parts: list[Place]) -> None:
    """Where each reading stands (`placed`), and which rows do not count (`repeats`)."""
    if not parts:
        connection.execute(
            "create table placed (report_id varchar, filename varchar, file_row_number bigint)"
        )
        connection.execute("create table repeats (filename varchar, file_row_number bigint)")
        return
    connection.execute(
        """
        create table placed as
        select report_id, fetched_at, filename, file_row_number
        from read_parquet(?, filename = true, file_row_number = true)
        """,
        [[str(part) for part in parts]],
    )
    connection.execute(
        """
        create table repeats as
        with again as (select report_id from placed group by report_id having count(*) > 1)
        select filename, file_row_number
        from placed semi join again using (report_id)
        qualify row_number() over (
            partition by report_id order by fetched_at, filename, file_row_number
        ) > 1
        order by all
        """
    )


def _why_full(
    connection: duckdb.DuckDBPyConnection, warehouse: Warehouse, key: str, *, full: bool
) -> str:
    """Attaches the published generation as `old` when it can be built upon."""
    if full:
        return "asked for"
    if not warehouse.database.exists():
        return "nothing is published yet"
    try:
        attach(connection, warehouse)
        state = connection.execute("select key, full_size from old.built.state").fetchall()
    except duckdb.Error:
        return "the published generation does not say what it was built from"
    if [k for k, _ in state] != [key]:
        return "the code, the sources or the place changed"
    if _used(connection, "old") > GROWN * state[0][1]:
        return "the database has grown by deleted rows"
    return ""


def _used(connection: duckdb.DuckDBPyConnection, database: str) -> int:
    """Bytes in use in an attached database; its file also has free blocks that will be used."""
    used = connection.execute(
        "select used_blocks * block_size from pragma_database_size() where database_name = ?",
        [database],
    ).fetchall()
    return int(used[0][0])


def join_resolutions(warehouse: Warehouse, prepared: Path) -> None:
    """Once the touched readings are resolved: take all reports together that bear on each other."""
    with connect(spill=prepared) as connection:
        let_read(connection, warehouse.stored)
        attach(connection, warehouse)
        names = ("touched_readings", "touched_files", "resolutions", "corrections", "verdicts")
        for name in (*names, "listed", "expected"):
            path = _quoted(prepared / f"{name}.parquet")
            connection.execute(f"create view {name} as from read_parquet('{path}')")
        connection.register("files", fingerprints(parts_of(warehouse.snapshots)))
        touched.by_units(connection)
        for name in touched.BY_UNITS:
            found = f"from {name} order by all"
            _write(prepared / f"{name}.parquet", connection, found, touched.SCHEMAS[name])
        # What the models compare with, to find the totals that are others now (sql/macros).
        some = "semi join touched_reports using (report_id)"
        for name, sql in (
            ("reports", f"from old.reconcile.total_reports {some}"),
            ("units", "from old.reconcile.total_units"),
        ):
            rows = connection.execute(sql).to_arrow_table()
            write_table(prepared / f"before_total_{name}.parquet", rows)


def _write(
    path: Path, connection: duckdb.DuckDBPyConnection, sql: str | None, schema: pa.Schema
) -> None:
    table = schema.empty_table() if sql is None else connection.execute(sql).to_arrow_table()
    write_table(path, table.cast(schema))


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
