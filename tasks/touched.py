"""What changed files bear on: the tables `touched_*` of which the models make their rows anew.

* readings: those in parts of `reports/` that are new, changed or gone, one by one;
* reports: all that such a reading can bear on. Versions, copies, checks across years and totals
  look at other reports of the same document, of a page and its attachments, and of the same unit;
  so reports that share one of these, before or now, are taken together, until no more join.

The connection has the published generation as `old` (`old.built.files` says which files it was
built from) and the files there are now, with their fingerprints, as `files` (tasks/increment.py).
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa

_TEXT = pa.string()
_IDS = pa.schema([("report_id", _TEXT)])
_UNITS = pa.schema([("unit_id", _TEXT)])
_FILES = pa.schema([("filename", _TEXT)])
_RUNS = pa.schema([("run_id", _TEXT)])
SCHEMAS = {
    "touched_readings": _IDS,
    "touched_files": _FILES,  # where they stand
    "touched_fetches": _FILES,  # parts of the archive that are new
    "touched_runs": _RUNS,  # whose account, or what is said of the run itself, is another now
    "touched_accounts": _FILES,  # of these runs
    "touched_resolutions": _IDS,
    "touched_reports": _IDS,
    "touched_units": _UNITS,
    "touched_coverage": _UNITS,  # these, and others of which it may be known now who published
}
# Known once units are resolved, by what a reading says itself and by the keys that others teach.
BY_UNITS = ("touched_resolutions", "touched_reports", "touched_units", "touched_coverage")
MOST = 0.25  # beyond this share of the readings a full rebuild costs less


def by_files(connection: duckdb.DuckDBPyConnection, runs: Path) -> str:
    """The tables `touched_*` that changed files tell. Why they would not be worth it, or sound.

    Beside `old` and `files`: `placed`, where each reading stands; `repeats`, those that do not
    count; `runs`, what is noted of them now, whose files are below the folder of that name.
    """
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
        {"folder": f"{runs}/"},
    )
    connection.execute(
        """
        create table touched_accounts as
        select filename from files
        where starts_with(filename, $folder)
            and split_part(substr(filename, length($folder) + 1), '/', 1) in (from touched_runs)
        """,
        {"folder": f"{runs}/"},
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


def by_units(connection: duckdb.DuckDBPyConnection) -> None:
    """The tables BY_UNITS: all reports that bear on each other are taken together.

    Beside `old` and the `files` of the archive: `touched_readings` and `touched_files`, the
    `resolutions` of these readings, and `corrections`, `verdicts`, `listed` and `expected` as they
    are now.
    """
    _links(connection)
    _close(connection)
    connection.execute(
        """
        create table touched_resolutions as
        select report_id from touched_readings union select report_id from resolutions;

        create table touched_units as
        select unit_id from old.staging.stg_resolutions
        semi join touched_reports using (report_id) where unit_id is not null
        union
        select unit_id from resolutions where unit_id is not null;
        """
    )
    connection.execute(_COVERAGE)


def _links(connection: duckdb.DuckDBPyConnection) -> None:
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
    """`touched_reports`: all that share a link with a touched one, until no more join."""
    connection.execute(
        """
        create table touched_reports as
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
        ((before,),) = connection.execute("select count(*) from touched_reports").fetchall()
        connection.execute(
            """
            create or replace table touched_reports as
            select report_id from touched_reports
            union
            select report_id from links
            semi join (
                select distinct link from links semi join touched_reports using (report_id)
            ) as joined using (link)
            """
        )
        if connection.execute("select count(*) from touched_reports").fetchall() == [(before,)]:
            return


# Coverage asks of a unit who reports for it (a government's office may), which reports may be its
# own, what listings name, and in which years anything of its source was seen.
_COVERAGE = """
create table touched_coverage as
with judged as (
    select unit_id, division_id, organ_id, resolution, candidates
    from old.staging.stg_resolutions semi join touched_reports using (report_id)
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
