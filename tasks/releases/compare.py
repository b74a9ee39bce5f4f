"""Two states of the national facts against each other: values added, changed, withdrawn.

By unit, report year, scope and cell. A *value* is a number: a cell that is blank in both is no
difference. Reports that are the same on both sides are recognised by a hash of their cells, so only
those that differ are spread into cells.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from tasks.files import atomic
from tasks.records import BadInput
from tasks.releases.shelf import MEMORY, Release, find, opened
from tasks.releases.tables import SCHEMA_VERSION, TABLES, as_csv
from tasks.store import Warehouse

CURRENT = "current"
KINDS = ("added", "changed", "withdrawn", "restated")

# One row per report: two states of it are alike when their cells hash alike.
_REPORTS = """
    select unit_id, report_year, scope, any_value(report_id) as report_id,
        bit_xor(hash(cell, form, value, edited_value, as_published, status, report_id)) as cells
    from {side}.national_fact group by all
"""
_PREPARE = """
    create temp table pairs as
    select unit_id, report_year, scope, a.report_id as report_before, b.report_id as report_after
    from (from side_a_reports) as a full join (from side_b_reports) as b
        using (unit_id, report_year, scope)
    where a.cells is distinct from b.cells;

    create temp table cells_a as
    select facts.* from a.national_fact as facts
    where report_id in (select report_before from pairs);

    create temp table cells_b as
    select facts.* from b.national_fact as facts
    where report_id in (select report_after from pairs);

    create temp table differences as
    select
        case
            when a.value is null and b.value is not null then 'added'
            when a.value is not null and b.value is null then 'withdrawn'
            when a.value <> b.value then 'changed'
            else 'restated'
        end as kind,
        coalesce(b.unit_name, a.unit_name) as unit_name,
        coalesce(b.province, a.province) as province,
        coalesce(b.city, a.city) as city,
        coalesce(b.county, a.county) as county,
        report_year,
        scope,
        cell,
        a.value as value_before,
        b.value as value_after,
        a.edited_value as edited_before,
        b.edited_value as edited_after,
        a.as_published as as_published_before,
        b.as_published as as_published_after,
        a.status as status_before,
        b.status as status_after,
        case
            when report_before is null and in_a.report_id is null then 'a new report'
            when report_before is null and in_a.superseded_by is not null
                then 'its report was superseded before'
            when report_before is null and in_a.resolution = 'resolved'
                then 'its report counted for another unit, year or scope before'
            when report_before is null
                then 'whose report it is was ' || in_a.resolution || ' before'
            when report_after is null and in_b.report_id is null then 'its report is gone'
            when report_after is null and in_b.superseded_by is not null
                then 'its report is superseded: ' || in_b.superseded_because
            when report_after is null and in_b.resolution = 'resolved'
                then 'its report counts for another unit, year or scope now'
            when report_after is null then 'whose report it is is now ' || in_b.resolution
            when report_before = report_after
                and a.value is not distinct from b.value
                and a.as_published is not distinct from b.as_published
                and a.status is not distinct from b.status
                then 'a correction or repair'
            when report_before = report_after then 'the same bytes, read otherwise'
            when was.document_id = now.document_id then 'a later version of the page'
            else 'another document counts'
        end as why,
        unit_id,
        report_before,
        report_after,
        coalesce(now.url, was.url) as url
    from cells_a as a
    full join cells_b as b using (unit_id, report_year, scope, cell)
    inner join pairs using (unit_id, report_year, scope)
    left join a.reports as was on was.report_id = report_before
    left join b.reports as now on now.report_id = report_after
    -- What the other side knows of a report that only one of them counts.
    left join a.reports as in_a on report_before is null and in_a.report_id = report_after
    left join b.reports as in_b on report_after is null and in_b.report_id = report_before
    left join {measures} as measures
        on measures.cell = cell and measures.form = coalesce(b.form, a.form)
    where
        a.value is distinct from b.value
        or (a.form is not null and b.form is not null
            and (a.edited_value is distinct from b.edited_value
                or a.as_published is distinct from b.as_published
                or a.status is distinct from b.status))
    order by province, report_year, city, county, unit_name, scope, measures.position;
"""
_SUMMARY = """
    with cells as (
        select province, report_year,
            count(*) filter (kind = 'added') as added,
            count(*) filter (kind = 'changed') as changed,
            count(*) filter (kind = 'withdrawn') as withdrawn,
            count(*) filter (kind = 'restated') as restated
        from differences group by all
    ),
    reports as (
        select coalesce(b.province, a.province) as province, report_year,
            count(*) filter (report_before is null) as reports_added,
            count(*) filter (report_after is null) as reports_withdrawn,
            count(*) filter (report_before <> report_after) as reports_replaced
        from pairs
        left join (select distinct on (report_id) report_id, province from cells_a) as a
            on a.report_id = report_before
        left join (select distinct on (report_id) report_id, province from cells_b) as b
            on b.report_id = report_after
        group by all
    )
    select coalesce(cells.province, reports.province) as province,
        coalesce(cells.report_year, reports.report_year) as report_year,
        coalesce(reports_added, 0) as reports_added,
        coalesce(reports_replaced, 0) as reports_replaced,
        coalesce(reports_withdrawn, 0) as reports_withdrawn,
        coalesce(added, 0) as added, coalesce(changed, 0) as changed,
        coalesce(withdrawn, 0) as withdrawn, coalesce(restated, 0) as restated
    from cells full join reports
        on cells.province is not distinct from reports.province
        and cells.report_year is not distinct from reports.report_year
    order by all
"""


@dataclass(frozen=True)
class Side:
    """One of the two: its name, schema version, and the columns of its tables."""

    name: str
    schema_version: str
    values: int
    reports: int
    columns: dict[str, dict[str, str]]


@dataclass(frozen=True)
class Comparison:
    """`schema_changes` in words; `summary` per province and year; `rows` one per differing cell."""

    before: Side
    after: Side
    schema_changes: list[str]
    summary: list[dict[str, Any]]
    rows: pa.Table

    @property
    def totals(self) -> dict[str, int]:
        """Over all provinces and years."""
        names = [n for n in _TOTALS if self.summary]
        return {n: sum(row[n] for row in self.summary) for n in names} or dict.fromkeys(_TOTALS, 0)

    def write_csv(self, path: Path) -> None:
        """Every differing cell; UTF-8. BadInput when the file cannot be written."""
        try:
            with atomic(path.resolve()) as temporary, duckdb.connect() as db:
                rows = db.from_arrow(self.rows)
                columns = zip(rows.columns, rows.types, strict=True)
                rows.project(", ".join(as_csv(c, str(t)) for c, t in columns)).write_csv(
                    str(temporary), header=True
                )
        except (OSError, duckdb.IOException) as error:
            raise BadInput(f"--csv {path}: cannot be written; is there such a folder?") from error


_TOTALS = ("reports_added", "reports_replaced", "reports_withdrawn", *KINDS)


def compare(warehouse: Warehouse, before: str, after: str) -> Comparison:
    """`before` and `after` are names of releases, or "current" for what is published now.

    Raises BadInput when one of them is not there.
    """
    with (
        _state(warehouse, before) as (database_a, *told_a),
        _state(warehouse, after) as (database_b, *told_b),
        tempfile.TemporaryDirectory(prefix="gongkai-") as spill,
        duckdb.connect(config={"temp_directory": spill, "memory_limit": MEMORY}) as db,
    ):
        for side, database in (("a", database_a), ("b", database_b)):
            path = str(database).replace("'", "''")
            db.execute(f"attach '{path}' as {side} (read_only)")
        sides = [_side(db, "a", *told_a), _side(db, "b", *told_b)]
        for side in ("a", "b"):
            reports = _REPORTS.format(side=side)
            db.execute(f"create temp table side_{side}_reports as {reports}")
        db.execute(_PREPARE.format(measures="b.measures"))
        summary = db.execute(_SUMMARY).to_arrow_table().to_pylist()
        rows = db.execute("from differences").to_arrow_table()
    return Comparison(sides[0], sides[1], _schema_changes(*sides), summary, rows)


@contextlib.contextmanager
def _state(warehouse: Warehouse, name: str) -> Iterator[tuple[Path, str, str]]:
    """The database of a release or of the present, its name, and the version of its schema."""
    if name != CURRENT:
        release: Release = find(warehouse, name)
        with opened(release) as database:
            yield database, release.name, str(release.facts["schema_version"])
        return
    if not warehouse.database.exists():
        raise BadInput(f"warehouse {warehouse.root}: nothing is published yet; try `gongkai run`")
    yield warehouse.database, CURRENT, SCHEMA_VERSION


def _side(db: duckdb.DuckDBPyConnection, side: str, name: str, version: str) -> Side:
    columns: dict[str, dict[str, str]] = {}
    for table in TABLES:
        with contextlib.suppress(duckdb.CatalogException):  # a table that one schema lacks
            described = db.execute(f"describe {side}.{table.name}").fetchall()
            columns[table.name] = {column: kind for column, kind, *_ in described}
    values, reports = db.execute(
        f"select count(value), count(distinct report_id) from {side}.national_fact"  # noqa: S608
    ).fetchall()[0]
    return Side(name, version, values, reports, columns)


def _schema_changes(before: Side, after: Side) -> list[str]:
    changes = []
    for table in (*before.columns, *(after.columns.keys() - before.columns.keys())):
        old, new = before.columns.get(table), after.columns.get(table)
        if old is None or new is None:
            changes.append(f"table {table} is {'new' if old is None else 'gone'}")
            continue
        for column in (*old, *(c for c in new if c not in old)):
            if column not in new:
                changes.append(f"{table}.{column} is gone")
            elif column not in old:
                changes.append(f"{table}.{column} is new")
            elif old[column] != new[column]:
                changes.append(f"{table}.{column} was {old[column]}, is {new[column]}")
    return changes
