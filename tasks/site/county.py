"""The page of an area and the data behind it: its units, their reports, findings and repairs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup, escape

from tasks.site.areas import Area
from tasks.site.pages import Raw, as_json, count, link
from tasks.site.tables import FIGURES, Tables

_REPORTS = f"""
select
    coalesce(unit.area_id, 'unresolved') as area_id, reports.unit_id,
    coalesce(unit.unit_name, issuing_unit) as unit_name, reports.report_id, report_year,
    reports.form, scope, is_current, superseded_because, title, url, origin, official,
    issuing_unit, resolution, resolution_grade, explanation,
    list_transform(candidates, c -> c.name) as candidates,
    withdrawn_since::date as withdrawn_since, published_date, signed_date, index_number,
    document_number, source_kind, snapshot_id,
    strftime(last_fetched_at, '%Y-%m-%d %H:%M') as seen, parser_version,
    coalesce(packed.json, 'null') as json, {", ".join(f"packed.{name}" for name in FIGURES)}
from published.reports left join unit using (unit_id)
left join (from packed where root_id is not distinct from ?) as packed using (report_id)
where reports.report_id in (select report_id from wanted_report)
order by area_id, unit_name, reports.unit_id, report_year desc, scope, is_current desc, report_id
"""  # noqa: S608
_FINDINGS = """
select report_id, rule, identity, cells, verdict, expected, found, explanation,
       human_verdict, human_reason, decided_by, decided_on
from published.findings where report_id in (select report_id from wanted_report)
order by report_id, verdict desc, rule, identity
"""
_REPAIRS = """
select report_id, cell, as_published, published_value, value, rule, slip, witness, status,
       cells_changed
from published.repairs where report_id in (select report_id from wanted_report)
order by report_id, cell
"""
# Which reports: of the areas in `wanted`, and of units that nobody can tell or place.
_THEIRS = """
select report_id from published.reports join unit using (unit_id)
where area_id in (select area_id from wanted)
"""
_NOBODYS = """
select report_id from published.reports left join unit using (unit_id) where area_id is null
"""
_UNITS = """
select area_id, unit_id, unit_name, organ, level, aliases
from unit
where area_id in (select area_id from wanted) and (
    unit_id in (select unit_id from covered)
    or unit_id in (select unit_id from published.reports where unit_id is not null)
)
order by area_id, level, organ <> 'gov', organ <> 'gov_office', code, unit_name, unit_id
"""
_COVERED = """
select unit_id, report_year, outcome, reason, url, late, overdue, deadline
from covered where area_id in (select area_id from wanted)
"""
# A refused report has the id that its document and its bytes give (docs/architecture.md).
_REFUSED = """
select covered.area_id, covered.unit_id, covered.report_year, covered.report_id,
       failures.code, failures.message, failures.place, failures.url, failures.last_seen::date
from covered join published.failures
    on covered.report_id
        = substr(sha256(failures.document_id || chr(10) || failures.snapshot_id), 1, 32)
where covered.outcome = 'rejected' and covered.area_id in (select area_id from wanted)
order by all
"""


# What the view of a report shows of its row in `reports`.
_HEAD = (
    *("unit_name", "report_year", "form", "scope", "is_current", "superseded_because", "title"),
    *("issuing_unit", "resolution", "resolution_grade", "explanation", "published_date"),
    *("signed_date", "index_number", "document_number", "source_kind", "snapshot_id", "seen"),
    *("origin", "official", "withdrawn_since"),
)


class Report:
    """A report version, as a row of its unit and as the head of its own view.

    What the pages ask for again and again is worked out once: texts of numbers, sums of findings.
    """

    __slots__ = (
        *("row", "findings", "repairs", "id", "area_id", "unit_id", "unit_name", "year", "scope"),
        *("is_current", "published", "figures", "violated", "doubtful", "file", "href"),
    )

    def __init__(
        self, row: dict[str, Any], findings: list[dict[str, Any]], repairs: list[dict[str, Any]]
    ) -> None:
        self.row, self.findings, self.repairs = row, findings, repairs
        self.id: str = row["report_id"]
        self.area_id: str = row["area_id"]
        self.unit_id: str = row["unit_id"]
        self.unit_name: str = row["unit_name"]
        self.year: int | None = row["report_year"]
        self.scope: str = row["scope"] or "own"
        self.is_current: bool = row["is_current"]
        self.published = str(row["published_date"] or "–")
        cells = (f'<td class="n">{count(row[name])}</td>' for name in FIGURES)
        self.figures = Markup("".join(cells))  # noqa: S704 - digits
        # A finding that a person dismissed is wrong itself.
        standing = [f["verdict"] for f in findings if f["human_verdict"] != "dismissed"]
        self.violated = standing.count("violated")
        self.doubtful = standing.count("cannot_tell")
        self.file = f"{self.area_id}/{self.year or 'undated'}"
        self.href = link(self.url)

    @property
    def url(self) -> str | None:
        """The address it was fetched from."""
        url: str | None = self.row["url"]
        return url

    def dot(self, words: Mapping[str, str]) -> Markup:
        """The dot of the table of units and years. Here and not in the template, since there are as
        many as reports: this takes a fifth of the time."""
        told = escape(f"{self.unit_name} {self.year} {words['scope.' + self.scope]}")
        return Markup(  # noqa: S704 - what is not escaped are ids
            f'<a class="opens m m-parsed" href="#r={self.id}" data-file="{self.file}">'
            f'<span aria-hidden="true">●</span><span class="unseen">{told}</span></a>'
        )

    def data(self) -> str:
        """All that the view of this report shows, as JSON."""
        head = {k: self.row[k] for k in _HEAD if self.row[k] not in (None, "")}
        head["url"], head["address"] = self.href, self.url
        head["findings"], head["repairs"] = self.findings, self.repairs
        return f'{as_json(head)[:-1]},"values":{self.row["json"]}}}'


@dataclass(slots=True)
class UnitPart:
    """A unit on its area's page."""

    id: str
    name: str
    organ: str
    level: int
    aliases: list[str]
    years: dict[int, dict[str, Any]] = field(default_factory=dict)
    reports: list[Report] = field(default_factory=list)

    @property
    def current(self) -> list[Report]:
        """The versions that count."""
        return [r for r in self.reports if r.is_current]

    def by_year(self, years: list[int]) -> list[tuple[dict[str, Any] | None, list[Report]]]:
        """For each of these years what was expected of the unit, and its current reports."""
        current = self.current
        return [(self.years.get(y), [r for r in current if r.year == y]) for y in years]

    @property
    def violated(self) -> int:
        """Violated checks of its current reports."""
        return sum(r.violated for r in self.current)

    @property
    def gaps(self) -> list[dict[str, Any]]:
        """The years in which no report of it was read, the newest first."""
        return [c for _, c in sorted(self.years.items(), reverse=True) if c["outcome"] != "parsed"]


@dataclass(slots=True)
class Part:
    """What an area's page shows of its own units."""

    units: list[UnitPart] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)

    @property
    def years(self) -> list[int]:
        """All years of the page, the newest first."""
        seen = {y for unit in self.units for y in unit.years}
        seen |= {r.year for unit in self.units for r in unit.reports if r.year}
        return sorted(seen, reverse=True)

    def count_of(self, verdict: str) -> int:
        """How many findings of the area's reports say so."""
        return sum(f["verdict"] == verdict for report in self.reports for f in report.findings)

    @property
    def reports(self) -> list[Report]:
        """The reports of all units, in their order."""
        return [report for unit in self.units for report in unit.reports]


def parts(tables: Tables, areas: list[Area]) -> dict[str, Part]:
    """The own units of each of these areas with their reports, by area id."""
    tables.list("wanted", "area_id", [area.id for area in areas])
    found: dict[str, Part] = {area.id: Part() for area in areas}
    units: dict[str, UnitPart] = {}
    for area_id, unit_id, name, organ, level, aliases in tables.rows(_UNITS):
        units[unit_id] = unit = UnitPart(unit_id, name, organ, level, aliases or [])
        found[area_id].units.append(unit)
    for row in tables.dicts(_COVERED):
        if row["unit_id"] in units:
            units[row["unit_id"]].years[row["report_year"]] = row
    for report in reports(tables, _THEIRS, areas[0].province.id):
        units[report.unit_id].reports.append(report)
    for row in tables.dicts(_REFUSED):
        row["unit_name"] = units[row["unit_id"]].name
        found[row["area_id"]].refused.append(row)
    return found


def unresolved(tables: Tables) -> list[Report]:
    """The reports whose unit is not known, or is in no area of the registry."""
    return reports(tables, _NOBODYS, None)


def reports(tables: Tables, which: str, root: str | None) -> list[Report]:
    """The report versions that a query of ids gives, all of one province, with what was found."""
    tables.keep("wanted_report", which)
    findings: dict[str, list[dict[str, Any]]] = defaultdict(list)
    repairs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for sql, into in ((_FINDINGS, findings), (_REPAIRS, repairs)):
        for row in tables.dicts(sql):
            into[row.pop("report_id")].append(row)
    return [
        Report(row, findings.get(row["report_id"], []), repairs.get(row["report_id"], []))
        for row in tables.dicts(_REPORTS, root)
    ]


def data_files(reports: list[Report]) -> dict[str, Raw]:
    """The data of reports by file name below data/, one file for each area and year."""
    by_file: dict[str, list[str]] = defaultdict(list)
    for report in reports:
        by_file[report.file].append(f'"{report.id}":{report.data()}')
    return {name: Raw("{" + ",\n".join(rows) + "}") for name, rows in by_file.items()}
