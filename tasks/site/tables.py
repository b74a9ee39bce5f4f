"""What the site reads of the published tables, as rows.

A scratch database beside the published one (attached read-only) holds what several pages need:
whose each unit is, and the values of each report packed for its file. Only public tables are read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from tasks.site.areas import Area, Tally, tree

CHINA = ZoneInfo("Asia/Shanghai")
PACKED_TOGETHER = 8000  # reports; bounds the memory to about a gigabyte
NAMED = 20_000  # reports; DuckDB looks for names before it makes rows of cells, for a join after it

_UNITS = """
create table unit as
select
    units.unit_id, unit_name, aliases, organ, level,
    coalesce(code_nbs, code_mca, '') as code,
    if(level = 4, parent_division_id, division_id) as area_id
from published.units
qualify row_number() over (partition by unit_id order by version desc) = 1
"""
_AREAS = """
select division_id, division_name, level, coalesce(code_nbs, code_mca, ''), parent_division_id
from published.units
where organ = 'gov' and level <= 3
qualify row_number() over (partition by division_id order by version desc) = 1
"""
# Missing and past its statutory date, on the day the data stands at.
_COVERAGE = """
create table covered as
select
    unit_id, report_year, expected_by, deadline, published_date, published_evidence, outcome, late,
    coverage.report_id, coverage.reason, coverage.url, unit.area_id,
    coalesce(outcome = 'missing' and deadline < $today, false) as overdue
from published.coverage join unit using (unit_id)
"""
_TALLIES = """
select
    area_id, report_year, count(*),
    count(*) filter (outcome = 'parsed'), count(*) filter (outcome = 'rejected'),
    count(*) filter (outcome = 'listed'), count(*) filter (outcome = 'ambiguous'),
    count(*) filter (outcome = 'missing'),
    count(*) filter (late), count(*) filter (not late), count(*) filter (overdue)
from covered group by all order by all
"""
# The divisions of each report year; those with a reviewed source have a government that is due.
_STANDING = """
select distinct division_id, report_year, government.unit_id is not null
from published.units
join (select distinct report_year from covered) as years
    on report_year between coalesce(valid_from, 0) and coalesce(valid_to, 9998)
left join covered as government using (unit_id, report_year)
where organ = 'gov' and units.level <= 3 and kind = 'formal'
"""
# The values of a report as one text of JSON; see docs/site.md. A value that is the printed text is
# left out, as is an edited value that is the value. What is worked out for each of millions of
# cells is kept cheap; texts are made of the few that are left. Cells come in the order of the form
# as a rule, so they are put into order only where they did not: sorting all would cost a third.
_PACK = """
insert into loose
with gathered as (
    select
        report_id,
        any_value(form) as form,
        list(position) as positions,
        list(as_published) as texts,
        list(status[1]) as statuses,
        list(coalesce(place, '')) as places,
        list((position - 1, value)) filter (
            value is not null
            and try_cast(as_published as bigint)::varchar is distinct from as_published
            or try_cast(as_published as bigint) is distinct from value
        ) as other_values,
        list((position - 1, edited_value)) filter (edited_value is distinct from value) as edits,
        list((position - 1, forced_by)) filter (forced_by is not null) as forced,
        {figures}
    from published.report_cells as cells
    where report_id >= $first and report_id < $last and report_id in ({wanted})
    group by report_id
),
ordered as (
    select * replace (
        {texts} as texts,
        array_to_string({statuses}, '') as statuses,
        array_to_string({places}, '|') as places
    )
    from gathered
)
select
    report_id,
    to_json({{
        form: form,
        texts: texts,
        statuses: statuses,
        places: {short_places},
        "values": map_from_entries(list_transform(other_values, lambda x: (x[1], {value}))),
        edited: map_from_entries(list_transform(edits, lambda x: (x[1], {value}))),
        forced: map_from_entries(forced)
    }})::varchar,
    {names}
from ordered
"""
# By province, so that what a province needs stands together and the rest is not read.
_SORT = """
create table packed as
select loose.*, root_id
from loose join report_root using (report_id)
order by root_id
"""
_REPORT_ROOTS = """
create table report_root as
select report_id, root_id
from published.reports left join unit using (unit_id) left join root_of using (area_id)
"""
# Of all rows that the pages and data of a province are made of: a sum that tells of any change.
_MARKS = """
with refused as (
    select root_id, failures
    from covered
    join published.failures on covered.outcome = 'rejected' and covered.report_id
        = substr(sha256(failures.document_id || chr(10) || failures.snapshot_id), 1, 32)
    join root_of using (area_id)
)
select root_id, list((what, rows, mark) order by what)
from (
    select root_id, 'units' as what, count(*) as rows, sum(hash(unit)) as mark
    from unit join root_of using (area_id) group by root_id
    union all
    select root_id, 'covered', count(*), sum(hash(covered))
    from covered join root_of using (area_id) group by root_id
    union all
    select root_id, 'reports', count(*), sum(hash(reports))
    from published.reports join report_root using (report_id) group by root_id
    union all
    select root_id, 'findings', count(*), sum(hash(findings))
    from published.findings join report_root using (report_id) group by root_id
    union all
    select root_id, 'repairs', count(*), sum(hash(repairs))
    from published.repairs join report_root using (report_id) group by root_id
    union all
    select root_id, 'refused', count(*), sum(hash(failures)) from refused group by root_id
    union all
    select root_id, 'cells', sum(rows), sum(hash(report_id, mark))
    from (
        select
            report_id, count(*) as rows,
            sum(hash(form, position, value, edited_value, as_published, status, place, forced_by))
                as mark
        from published.report_cells group by report_id
    ) join report_root using (report_id)
    group by root_id
)
where root_id is not null
group by root_id
"""
# What a row of an area's page shows of a report, in this order.
FIGURES = {
    "received": "requests.new_received.total",
    "carried_in": "requests.carried_in.total",
    "handled": "requests.total_handled.total",
    "granted": "requests.granted.total",
    "carried_out": "requests.carried_out.total",
}
_RUN = ("discovered", "parsed", "rejected", "duplicate", "unchanged", "quarantined", "skipped")
_OUTCOMES = (*_RUN, "failed")
_SHORT = {" page ": "P", " table ": "T", " row ": "R", " cell ": "C", " line ": "L", " box ": "B"}


@dataclass(frozen=True, slots=True)
class Night:
    """The run that the published tables stand at."""

    run_id: str
    ended: str  # as a day and hour in China
    today: date
    demo: bool
    counts: dict[str, int]


class Tables:
    """The published tables, open for reading, beside the scratch tables of the site."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._db = connection
        self.night = self._night()

    def prepare(self) -> None:
        """Make the scratch tables but for the values of reports."""
        self._db.execute(_UNITS)
        roots = [(area.id, area.province.id) for area in tree(self.rows(_AREAS)).values()]
        self._put(
            "table root_of", area_id=[area for area, _ in roots], root_id=[r for _, r in roots]
        )
        self._db.execute(_REPORT_ROOTS)
        self._db.execute(_COVERAGE, {"today": self.night.today})

    def marks(self) -> dict[str, list[Any]]:
        """By province, what tells whether any row that it is shown from is another."""
        return dict(self.rows(_MARKS))

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self._db.execute(sql, list(values)).fetchall()

    def dicts(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """All rows of a query, by column name."""
        found = self.rows(sql, *values)
        names = [column[0] for column in self._db.description or []]
        return [dict(zip(names, row, strict=True)) for row in found]

    def list(self, table: str, column: str, values: list[str]) -> None:
        """Make a temporary table anew of one column of texts."""
        self._put(f"temp table {table}", **{column: values})

    def _put(self, table: str, **columns: Sequence[str]) -> None:
        """Texts by way of Arrow: as a parameter a list of thousands costs most of a second."""
        given = pa.table({n: pa.array(v, pa.string()) for n, v in columns.items()})
        self._db.register("given", given)
        self._db.execute(f"create or replace {table} as from given")
        self._db.unregister("given")

    def keep(self, table: str, sql: str) -> None:
        """Make a temporary table anew from a query."""
        self._db.execute(f"create or replace temp table {table} as {sql}")

    def _night(self) -> Night:
        found = self.dicts("from published.runs order by finished_at desc, run_id desc limit 1")
        if not found:
            return Night("", "", date(1970, 1, 1), False, {})
        (run,) = found
        ended = run["finished_at"].astimezone(CHINA)
        counts = {name: run[name] for name in _OUTCOMES}
        return Night(
            run["run_id"], f"{ended:%Y-%m-%d %H:%M}", ended.date(), bool(run["demo"]), counts
        )

    def areas(self) -> dict[str, Area]:
        """Every division of level 1 to 3 with the tallies and counts of its own units."""
        areas = tree(self.rows(_AREAS))
        for area_id, year, *counts in self.rows(_TALLIES):
            if area_id in areas:
                areas[area_id].own[year] = Tally(*counts)
        for area_id, year, reviewed in self.rows(_STANDING):
            if area_id in areas:
                areas[area_id].stands.add(year)
                if reviewed:
                    areas[area_id].reviewed.add(year)
        for area_id, reports, violated in self.rows(
            """
            select area_id, count(*), count(distinct report_id) filter (is_current and violated)
            from published.reports join unit using (unit_id)
            left join (
                select distinct report_id, true as violated
                from published.findings
                where verdict = 'violated' and human_verdict is distinct from 'dismissed'
            ) using (report_id)
            group by area_id
            """
        ):
            if area_id in areas:
                areas[area_id].reports, areas[area_id].violated = reports, violated
        return areas

    def pack(self, without: Collection[str] = ()) -> None:
        """Fill `packed` with the values of every report, a range of report ids at a time, but for
        those of some provinces. This takes most of the time."""
        figures = [
            f"max(value) filter (cell = '{cell}') as {name}" for name, cell in FIGURES.items()
        ]
        places = "places"
        for long, short in _SHORT.items():
            places = f"replace({places}, '{long}', '{short}')"
        # The kind of source stands once, with the first place.
        places = f"replace({places}, '|' || regexp_extract(places, '^[a-z]+'), '|')"
        # A decimal as a person writes it: no zeros after the last digit.
        value = "rtrim(rtrim(x[2]::varchar, '0'), '.')"
        self._db.execute(
            "create table to_pack as select report_id from report_root "
            "where root_id is null or not list_contains(?::varchar[], root_id)",
            [list(without)],
        )
        ids = [report_id for (report_id,) in self.rows("from to_pack")]
        sql = _PACK.format(
            wanted=", ".join(map(repr, ids)) if len(ids) <= NAMED else "from to_pack",
            short_places=places,
            value=value,
            figures=", ".join(figures),
            names=", ".join(FIGURES),
            **{name: _in_order(name) for name in ("texts", "statuses", "places")},
        )
        self._db.execute(
            "create table loose (report_id varchar, json varchar, "
            + ", ".join(f"{name} decimal(18, 4)" for name in FIGURES)
            + ")"
        )
        # Every range reads through the whole table: few of them, each as large as memory allows.
        ranges = min(256, -(-len(ids) // PACKED_TOGETHER))
        starts = [*(f"{256 * n // ranges:02x}" for n in range(ranges)), "g"]
        for first, last in pairwise(starts):
            self._db.execute(sql, {"first": first, "last": last})
        self._db.execute(_SORT)
        self._db.execute("drop table loose")


def _in_order(column: str) -> str:
    """A list of a report's cells by position, for `_PACK`."""
    by_position = f"list_transform(list_grade_up(positions), lambda i: {column}[i])"
    return f"if(positions = list_sort(positions), {column}, {by_position})"


@contextmanager
def opened(database: Path, scratch: Path, *, read_only: bool = False) -> Iterator[Tables]:
    """The published database with the scratch one in the folder `scratch`.

    Several processes may hold them at once when all are `read_only`.
    """
    with duckdb.connect(str(scratch / "site.duckdb"), read_only=read_only) as connection:
        quoted = str(database).replace("'", "''")
        connection.execute(f"attach '{quoted}' as published (read_only)")
        # The queries that the pages show name the tables as a reader does.
        connection.execute("set search_path = 'site.main,published.main'")
        connection.execute("set preserve_insertion_order = false")
        connection.execute("set enable_progress_bar = false")
        connection.execute("set timezone = 'Asia/Shanghai'")
        yield Tables(connection)
