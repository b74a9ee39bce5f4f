"""Learns from official pages which keys are one unit's own, and lets them narrow what is ambiguous.

A key (`tasks.units.keys`) is learned from pages that hard evidence of their own resolves, and is of
use while every official page that carries it may be that unit's. What is resolved by a learned key
teaches nothing. All is computed anew at every publish, from the readings alone, in any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from tasks.files import write_table
from tasks.objects import Place
from tasks.units.model import Unit
from tasks.units.registry import Registry
from tasks.units.tables import RESOLUTIONS

OFTEN = 2  # pages that must have taught a key: one can be mistaken
MOST_OTHERS = 20  # units kept beside a key that is not one unit's own
_WORDS = {
    "unified_code": "the unified code",
    "site_id_code": "the site's code",
    "host_path": "the address",
    "account": "the account",
}


def learn(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    registry: Registry,
    fetches: Sequence[Place],
    *,
    some: bool,
) -> None:
    """Write `learned_keys` and `resolutions` from `own`, what each reading's own evidence says.

    `fetches`: the parts of the archive. With `some`, `own` holds only the touched readings: the
    published generation, attached as `old`, has the rest, and readings that keys now narrow, or
    narrow no more, are among the `resolutions` whether they are touched or not.
    """
    _gather(connection, folder, fetches, some=some)
    connection.execute(_LEARN)
    _copy(connection, "learned order by kind, key", folder / "learned_keys.parquet")
    write_table(folder / "revised.parquet", _revised(connection, registry))
    revised = f"read_parquet('{_quoted(folder / 'revised.parquet')}')"
    names = ", ".join(RESOLUTIONS.names[:-1])
    final = f"""
        (select {names}, null as own from fresh anti join {revised} using (report_id)
         union all by name from {revised})
    """  # noqa: S608 - no outside text
    _copy(connection, final, folder / "resolutions.parquet")


# What each reading's own evidence says; `was`: what the published generation made of it by keys.
_FRESH = "select *, null::varchar as was from fresh"
_OLD = """
    select
        before.* exclude (unit_id, division_id, organ_id, resolution, resolution_grade, candidates,
            explanation, own),
        case when own is null then unit_id end as unit_id,
        case when own is null then division_id end as division_id,
        case when own is null then organ_id end as organ_id,
        case when own is null then resolution else 'ambiguous' end as resolution,
        case when own is null then resolution_grade end as resolution_grade,
        coalesce(own.candidates, before.candidates) as candidates,
        coalesce(own.explanation, before.explanation) as explanation,
        case when own is not null then before.explanation end as was,
        readings.document_id, readings.parent_document_id, readings.official, readings.fetched_at
    from old.staging.stg_resolutions as before
    inner join old.staging.stg_readings as readings using (report_id)
    anti join touched using (report_id)
"""
# Pages that are not there any more. Names of runs sort in the order in which the runs were.
_GONE = """
    with fetched as (
        select document_id, (run_id, fetched_at) as moment, snapshot_id,
            coalesce(error_code in ('http_404', 'http_410'), false) as missing
        from read_parquet(?)
    )
    select document_id
    from fetched semi join (select document_id from fetched where missing) using (document_id)
    group by document_id
    having max(moment) filter (missing) > max(moment) filter (snapshot_id is not null)
"""
_LEARN = f"""
create table carried as
select
    report_id,
    coalesce(parent_document_id, document_id) as page,
    fetched_at,
    official,
    official and resolution = 'resolved' and resolution_grade = 'hard'
        and document_id not in (from gone)
        and coalesce(parent_document_id, '') not in (from gone) as teaches,
    report_year,
    unit_id,
    division_id,
    organ_id,
    possible,
    unnest(keys, recursive := true)
from told
where len(keys) > 0;

create table learned as
with taught as (
    select
        kind, key, unit_id, division_id, organ_id,
        count(distinct page) as pages, min(fetched_at) as first_seen, max(fetched_at) as last_seen
    from carried
    where teaches
    group by all
),

seen as (
    select
        kind, key, count(*) as readings,
        list_sort(list_distinct(list(unit_id))) as units  -- without nulls
    from carried
    where official
    group by all
),

allowed as (
    select kind, key, unit_id, count(*) as readings
    from (
        select kind, key, unit_id from carried where official and unit_id is not null
        union all
        select kind, key, unnest(possible) from carried where official
    )
    group by all
)

select
    taught.kind,
    taught.key,
    taught.unit_id,
    taught.division_id,
    taught.organ_id,
    taught.pages as times_seen,
    taught.first_seen,
    taught.last_seen,
    seen.readings - allowed.readings as contradictions,
    list_filter(seen.units, lambda u: u <> taught.unit_id)[:{MOST_OTHERS}] as other_units,
    times_seen >= {OFTEN} and contradictions = 0 as usable
from taught
inner join seen using (kind, key)
inner join allowed using (kind, key, unit_id)
qualify
    sum(taught.pages) over (partition by kind, key) >= {OFTEN}
    and row_number() over (partition by kind, key order by taught.pages desc, unit_id) = 1;

-- A key decides between the units that a reading may be of. It never sets a report beside one that
-- better evidence gives to the unit for that year, nor two reports of which one must be another's.
create table pointed as
with one as (
    select
        report_id, page, report_year,
        any_value(learned.unit_id) as unit_id,
        any_value(learned.division_id) as division_id,
        any_value(learned.organ_id) as organ_id,
        list({{'kind': kind, 'key': key}} order by kind desc, key) as by_keys
    from carried
    inner join learned using (kind, key)
    where usable and report_year is not null and list_contains(possible, learned.unit_id)
    group by report_id, page, report_year
    having count(distinct learned.unit_id) = 1
)

select *
from one
anti join (select unit_id, report_year from told where resolution = 'resolved')
    using (unit_id, report_year)
qualify count(distinct page) over (partition by unit_id, report_year) = 1;
"""  # noqa: S608 - no outside text


def _gather(
    connection: duckdb.DuckDBPyConnection, folder: Path, fetches: Sequence[Place], *, some: bool
) -> None:
    connection.read_parquet(str(folder / "own.parquet")).create_view("fresh")
    if some:
        connection.read_parquet(str(folder / "touched_readings.parquet")).create_view("touched")
    rest = f"union all by name {_OLD}" if some else ""
    connection.execute(f"create view told as {_FRESH} {rest}")
    connection.execute("create table gone (document_id varchar)")
    if fetches:
        connection.execute(f"insert into gone {_GONE}", [[str(f) for f in fetches]])


def _revised(connection: duckdb.DuckDBPyConnection, registry: Registry) -> pa.Table:
    """The readings that keys resolve and did not before, or do no more."""
    names = ", ".join(f"told.{n}" for n in RESOLUTIONS.names[:-1])
    found = connection.execute(
        f"""
        select {names}, was,
            {{'division_id': pointed.division_id, 'organ_id': pointed.organ_id}} as unit,
            by_keys
        from told left join pointed using (report_id)
        where pointed.report_id is not null or was is not null
        order by report_id
        """  # noqa: S608 - no outside text
    ).to_arrow_table()
    rows: list[dict[str, Any]] = []
    for row in found.to_pylist():
        was, unit, by_keys = row.pop("was"), row.pop("unit"), row.pop("by_keys")
        final = _narrowed(row, Unit(**unit), by_keys, registry) if by_keys else row | {"own": None}
        if final["explanation"] != was:
            rows.append(final)
    return pa.Table.from_pylist(rows, schema=RESOLUTIONS)


def _narrowed(
    row: dict[str, Any], unit: Unit, by_keys: list[dict[str, str]], registry: Registry
) -> dict[str, Any]:
    year = row["report_year"]
    name = registry.full_name(unit, year)
    said = " and ".join(f"{_WORDS[k['kind']]} {k['key']}" for k in by_keys)
    alone = f"of the units left only {name} has {said} on official pages"
    candidates = [c for c in row["candidates"] if c["unit_id"] == unit.unit_id]
    code = registry.version(unit.division_id, year).code_nbs or None
    return row | {
        "unit_id": unit.unit_id,
        "division_id": unit.division_id,
        "organ_id": unit.organ_id,
        "resolution": "resolved",
        "resolution_grade": "learned",
        "candidates": candidates or [{"unit_id": unit.unit_id, "name": name, "code": code}],
        "explanation": f"{row['explanation']}; {alone}",
        "own": {"candidates": row["candidates"], "explanation": row["explanation"]},
    }


def _copy(connection: duckdb.DuckDBPyConnection, what: str, path: Path) -> None:
    connection.execute(f"copy (from {what}) to '{_quoted(path)}' (format parquet)")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
