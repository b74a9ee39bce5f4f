"""The figures of the overview: each with the query that gives it, which the page shows as well."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from tasks.site.tables import Tables

# Shown on the page beside the figure and run here; a reader can run them with `gongkai sql`.
QUERIES = {
    "coverage": """\
select report_year, count(*) as expected,
       count(*) filter (outcome = 'parsed') as parsed,
       count(*) filter (outcome = 'rejected') as rejected,
       count(*) filter (outcome = 'listed') as listed,
       count(*) filter (outcome = 'ambiguous') as ambiguous,
       count(*) filter (outcome = 'missing') as missing
from coverage group by report_year order by report_year""",
    "late": """\
select report_year, count(*) filter (late) as late,
       count(*) filter (not late) as on_time
from coverage where late is not null
group by report_year order by report_year""",
    "trends": """\
select report_year, series, value, units_covered, units_expected
from national_totals
where level = 0 and series like 'requests.%.total'
order by report_year, series""",
    "checks": """\
select rule, verdict, count(*) as findings, count(distinct report_id) as reports
from findings join reports using (report_id)
where is_current and human_verdict is distinct from 'dismissed'
group by rule, verdict order by rule, verdict""",
    "health": """\
select report_year, count(*) as reports,
       count(*) filter (exists (
           from findings
           where findings.report_id = reports.report_id and verdict = 'violated'
             and human_verdict is distinct from 'dismissed'
       )) as violated
from reports where is_current and unit_id is not null and official
group by report_year order by report_year""",
    "failures": """\
select outcome, code, count(*) as documents
from failures group by outcome, code order by documents desc, code""",
}

# The rows of section 三 that a request can end in, put together as the form groups them.
OUTCOMES = ("granted", "partly_granted", "refused", "unavailable", "not_handled", "other")
_TRENDS = """
with by_row as (
    select area_id, report_year, split_part(series, '.', 2) as row_code, value,
           units_covered, units_expected
    from published.national_totals
    where series like 'requests.%.total' and reports_counted > 0
)
select
    area_id, report_year,
    max(value) filter (row_code = 'new_received'),
    max(value) filter (row_code = 'carried_in'),
    max(value) filter (row_code = 'total_handled'),
    max(value) filter (row_code = 'carried_out'),
    coalesce(max(units_covered) filter (row_code = 'new_received'), max(units_covered)),
    max(units_expected),
    max(value) filter (row_code = 'granted'),
    max(value) filter (row_code = 'partly_granted'),
    sum(value) filter (starts_with(row_code, 'refused_')),
    sum(value) filter (starts_with(row_code, 'unavailable_')),
    sum(value) filter (starts_with(row_code, 'not_handled_')),
    sum(value) filter (starts_with(row_code, 'other_'))
from by_row group by all order by all
"""


@dataclass(frozen=True, slots=True)
class Trend:
    """One year of requests of an area: sums of what the counted reports say, never more.

    `outcomes` are by group; None where no counted report gives a number. `covered` of `expected`
    units are spoken for.
    """

    year: int
    received: Any
    carried_in: Any
    handled: Any
    carried_out: Any
    covered: int
    expected: int
    outcomes: dict[str, Any]


def trends(tables: Tables) -> dict[str, list[Trend]]:
    """By area (CN is the country), the years in order."""
    found: dict[str, list[Trend]] = {}
    for area, *row in tables.rows(_TRENDS):
        year, received, carried_in, handled, carried_out, covered, expected, *ends = row
        outcomes = {g: v for g, v in zip(OUTCOMES, ends, strict=True) if v is not None}
        found.setdefault(area, []).append(
            Trend(year, received, carried_in, handled, carried_out, covered, expected, outcomes)
        )
    return found


@dataclass(frozen=True, slots=True)
class LateUnit:
    """A unit whose report came after its date, or was not found when the date had passed."""

    area_id: str
    unit_id: str
    unit_name: str
    year: int
    deadline: date
    published: date | None
    days: int  # after the deadline; to the day of the data when not found
    report_id: str | None


def late_units(tables: Tables, year: int, most: int) -> tuple[list[LateUnit], list[LateUnit]]:
    """The latest of a year that were published, and those not found: at most `most` of each."""
    sql = """
        select area_id, unit_id, unit_name, report_year, deadline, published_date,
               coalesce(published_date, ?::date) - deadline as days, report_id
        from covered join unit using (unit_id, area_id)
        where report_year = ? and {which}
        order by days desc, area_id, unit_name, unit_id limit ?
    """
    today = tables.night.today
    published = tables.rows(sql.format(which="late"), today, year, most)
    absent = tables.rows(sql.format(which="overdue"), today, year, most)
    return [LateUnit(*row) for row in published], [LateUnit(*row) for row in absent]


def delays(tables: Tables) -> dict[int, list[tuple[int, int]]]:
    """By report year, how many reports came in which week before (below 0) or after the date."""
    found: dict[int, list[tuple[int, int]]] = {}
    for year, week, n in tables.rows(
        """
        select report_year,
               greatest(-8, least(26, floor((published_date - deadline - 1) / 7.0)))::integer
                   as week,
               count(*)
        from covered where published_date is not null and deadline is not null
        group by all order by all
        """
    ):
        found.setdefault(year, []).append((week, n))
    return found
