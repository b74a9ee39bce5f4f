"""What a publish has to compute anew: everything, or what changed since the published generation.

The published database is the cache. A generation remembers which files it was built from, by which
code and for which sources (schema `built`). When code and sources are the same, the next one starts
as a copy of it, and only what changed is taken out and put in again:

* readings: those in parts of `reports/` that are new, changed or gone, one by one;
* reports: all that such a reading can bear on. Versions, copies, checks across years and totals
  look at other reports of the same document, of a page and its attachments, and of the same unit;
  so reports that share one of these, before or now, are taken together, until no more join.

Whatever is not in these sets has the inputs it had. So the result equals a full rebuild.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa

from tasks.files import TEMPORARY, write_table
from tasks.objects import Place, let_read, listed
from tasks.store import Warehouse

_TEXT = pa.string()
_HERE = Path(__file__).resolve().parent
_SQL = _HERE.parent / "sql"
_DATA = ("sources.csv", "corrections.csv", "verdicts.csv")  # read at every publish
MOST = 0.25  # beyond this share of the readings a full rebuild costs less
GROWN = 1.5  # times the size after the last full rebuild: deleted rows keep their place in the file
IDS = pa.schema([("report_id", _TEXT)])
UNITS = pa.schema([("unit_id", _TEXT)])
FILES = pa.schema([("filename", _TEXT)])
RUNS = pa.schema([("run_id", _TEXT)])
REPEATS = pa.schema([("filename", _TEXT), ("file_row_number", pa.int64())])
_TOUCHED = {
    "touched_readings": IDS,
    "touched_files": FILES,  # where they stand
    "touched_fetches": FILES,  # parts of the archive that are new
    "touched_runs": RUNS,  # whose account, or what is said of the run itself, is another now
    "touched_accounts": FILES,  # of these runs
    "touched_resolutions": IDS,
    "touched_reports": IDS,
    "touched_units": UNITS,
    "touched_coverage": UNITS,  # these, and others of which it may be known now who published
}
# Known once units are resolved, by what a reading says itself and by the keys that others teach.
_BY_UNITS = ("touched_resolutions", "touched_reports", "touched_units", "touched_coverage")
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
            why = _touched(connection, warehouse)
        for name, schema in _TOUCHED.items():
            found = None if why or name in _BY_UNITS else f"from {name} order by all"
            _write(prepared / f"{name}.parquet", connection, found, schema)
        if why:
            return Increment(why, readings)
        files = connection.execute("select filename from touched_files order by all").fetchall()
        named = {str(path): path for path in readings}
        return Increment("", [named[name] for (name,) in files])


def remember(database: Path, warehouse: Warehouse, key: str, *, full: bool) -> None:
    """Note in a new generation what it was built from, for the next."""
    with connect(database) as connection:
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


def _touched(connection: duckdb.DuckDBPyConnection, warehouse: Warehouse) -> str:
    """The tables `touched_*`. Says why it would not be worth it."""
    connection.execute(
        """
        create table changed_files as
        select filename
        from (from files) as now full join old.built.files as before using (filename)
        where now.mark is distinct from before.mark;

        create table touched_readings as
        select report_id from placed semi join changed_files using (filename)
        union
        select report_id from old.staging.stg_readings semi join changed_files using (filename);

        create table touched_files as
        select distinct placed.filename
        from placed
        semi join touched_readings using (report_id)
        anti join repeats using (filename, file_row_number);

        create table touched_fetches as
        select filename from changed_files where filename like '%/snapshots/%';
        """
    )
    connection.execute(
        """
        create table touched_runs as
        select split_part(substr(filename, length($folder) + 1), '/', 1) as run_id
        from changed_files
        where starts_with(filename, $folder)
        union
        select run_id from (
            (from runs except from old.staging.stg_runs)
            union all
            (from old.staging.stg_runs except from runs)
        )
        """,
        {"folder": f"{warehouse.runs}/"},
    )
    connection.execute(
        """
        create table touched_accounts as
        select filename from files
        where starts_with(filename, $folder)
            and split_part(substr(filename, length($folder) + 1), '/', 1) in (from touched_runs)
        """,
        {"folder": f"{warehouse.runs}/"},
    )
    ((gone,),) = connection.execute(
        """
        select count(*) from changed_files semi join old.built.files as before using (filename)
        where filename like '%/snapshots/%'
        """
    ).fetchall()
    if gone:
        return "a part of the archive was changed or taken away"
    ((between,),) = connection.execute(
        """
        with archived as (
            select filename, old.built.files.filename is not null as known
            from (from files) as now left join old.built.files using (filename)
            where filename like '%/snapshots/part-%'
        )
        select coalesce(min(filename) filter (not known) < max(filename) filter (known), false)
        from archived
        """
    ).fetchall()
    if between:  # fetches are ordered by their runs: later ones are seen otherwise now
        return "a part of the archive came in before others"
    ((touched, known),) = connection.execute(
        "select (select count(*) from touched_readings), (select count(*) from placed)"
    ).fetchall()
    return f"{touched:,} of {known:,} readings changed" if touched > MOST * known else ""


# Coverage asks of a unit who reports for it (a government's office may), which reports may be its
# own, what listings name, and in which years anything of its source was seen.
_COVERAGE = """
with judged as (
    select unit_id, division_id, organ_id, resolution, candidates
    from old.staging.stg_resolutions semi join touched using (report_id)
    union all
    select unit_id, division_id, organ_id, resolution, candidates from resolutions
),

listings as (
    select * from ((from listed except from old.staging.stg_listed)
        union all (from old.staging.stg_listed except from listed))
),

seen_before as (
    select source_id, report_year from old.staging.stg_readings
    union
    select source_id, report_year from old.staging.stg_listed
),

seen_now as (
    select source_id, report_year
    from old.staging.stg_readings anti join touched_readings using (report_id)
    union
    select source_id, report_year from now_read
    union
    select source_id, report_year from listed
),

other_years as (  -- of which divisions, and all sources of these
    select source_id
    from expected
    semi join (
        select source_division_id
        from expected
        semi join (
            select * from ((from seen_now except from seen_before)
                union all (from seen_before except from seen_now))
        ) using (source_id)
    ) using (source_division_id)
)

select unit_id from judged where unit_id is not null
union
select substr(sha256(division_id || '|gov'), 1, 16) from judged where organ_id = 'gov_office'
union
select candidate.unit_id
from (select unnest(candidates) as candidate from judged where resolution = 'ambiguous')
union
select unit_id from listings
union
select unit_id from expected semi join other_years using (source_id)
union
select resolutions.unit_id
from old.staging.stg_resolutions as resolutions
inner join old.staging.stg_readings using (report_id)
semi join other_years using (source_id)
where resolutions.unit_id is not null
"""


def join_resolutions(warehouse: Warehouse, prepared: Path) -> None:
    """Once the touched readings are resolved: take all reports together that bear on each other."""
    with connect(spill=prepared) as connection:
        let_read(connection, warehouse.stored)
        attach(connection, warehouse)
        names = ("touched_readings", "touched_files", "resolutions", "corrections", "verdicts")
        for name in (*names, "listed", "expected"):
            path = _quoted(prepared / f"{name}.parquet")
            connection.execute(f"create view {name} as from read_parquet('{path}')")
        _links(connection, warehouse)
        _close(connection)
        said = {
            "touched_resolutions": """
                select report_id from touched_readings union select report_id from resolutions
            """,
            "touched_reports": "select report_id from touched",
            "touched_units": """
                select unit_id from old.staging.stg_resolutions
                semi join touched using (report_id) where unit_id is not null
                union
                select unit_id from resolutions where unit_id is not null
            """,
            "touched_coverage": _COVERAGE,
        }
        for name in _BY_UNITS:
            sql = f"from ({said[name]}) order by all"
            _write(prepared / f"{name}.parquet", connection, sql, _TOUCHED[name])
        # What the models compare with, to find the totals that are others now (sql/macros).
        for name, sql in (
            ("reports", "from old.reconcile.total_reports semi join touched using (report_id)"),
            ("units", "from old.reconcile.total_units"),
        ):
            rows = connection.execute(sql).to_arrow_table()
            write_table(prepared / f"before_total_{name}.parquet", rows)


def _links(connection: duckdb.DuckDBPyConnection, warehouse: Warehouse) -> None:
    """`links`: each report with every document, page and unit that it hangs on, before or now."""
    files = [r[0] for r in connection.execute("from touched_files").fetchall()]
    connection.execute(
        """
        create table now_read (
            report_id varchar, document_id varchar, parent_document_id varchar, source_id varchar,
            report_year int
        )
        """
    )
    if files:
        connection.execute(
            """
            insert into now_read
            select report_id, document_id, parent_document_id, source_id, report_year
            from read_parquet(?) as parts
            semi join touched_readings using (report_id)
            """,
            [files],
        )
    # A government and its office count as one unit in totals.
    unit = """
        'unit ' || division_id || ' '
        || case organ_id when 'gov_office' then 'gov' else organ_id end
    """
    connection.execute(
        f"""
        create table links as
        with read as (
            select report_id, document_id, parent_document_id from old.staging.stg_readings
            union all
            select report_id, document_id, parent_document_id from now_read
        )
        select report_id, document_id as link from read
        union
        select report_id, parent_document_id from read where parent_document_id is not null
        union
        select report_id, {unit} from old.staging.stg_resolutions where division_id is not null
        union
        select report_id, {unit} from resolutions where division_id is not null
        """  # noqa: S608 - no outside text
    )
    connection.register("files", fingerprints(parts_of(warehouse.snapshots)))
    changed = [
        name
        for (name,) in connection.execute(
            """
            select filename
            from (from files) as now left join old.built.files as before using (filename)
            where now.mark is distinct from before.mark
            """
        ).fetchall()
    ]
    connection.execute("create table fetched (document_id varchar)")
    if changed:
        connection.execute(
            "insert into fetched select distinct document_id from read_parquet(?)", [changed]
        )


def _close(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        """
        create table touched as
        select report_id from touched_readings
        union
        select report_id from resolutions
        union
        select report_id from links semi join fetched on links.link = fetched.document_id
        union
        select report_id from links
        semi join (
            select document_id from corrections
            union select document_id from old.staging.stg_corrections
        ) as corrected on links.link = corrected.document_id
        union
        select report_id from verdicts
        union
        select report_id from old.staging.stg_verdicts
        """
    )
    while True:
        ((before,),) = connection.execute("select count(*) from touched").fetchall()
        connection.execute(
            """
            create or replace table touched as
            select report_id from touched
            union
            select report_id from links
            semi join (
                select distinct link from links semi join touched using (report_id)
            ) as joined using (link)
            """
        )
        if connection.execute("select count(*) from touched").fetchall() == [(before,)]:
            return


def _write(
    path: Path, connection: duckdb.DuckDBPyConnection, sql: str | None, schema: pa.Schema
) -> None:
    table = schema.empty_table() if sql is None else connection.execute(sql).to_arrow_table()
    write_table(path, table.cast(schema))


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
