"""Builds the site of a published database aside, and puts it in the place of the one before.

The database is published first and the site after it, from the file just published: a site that
cannot be built costs nobody the night's tables, and the site of the night before stays whole.
"""

from __future__ import annotations

import csv
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from time import monotonic
from typing import Any

from tasks.processes import spawned
from tasks.report.form import FORMS, form
from tasks.site import county, facts
from tasks.site.areas import Area, Tally, roll_up
from tasks.site.keep import Marks, take
from tasks.site.labels import layout
from tasks.site.pages import Pages
from tasks.site.swap import swap
from tasks.site.tables import Tables, opened
from tasks.site.words import LANGUAGES, words
from tasks.store import Warehouse

LATE_SHOWN = 300  # units on the page of who is late, of each kind
FAILURES_SHOWN = 300  # documents of each outcome and reason
UNRESOLVED_SHOWN = 2000
ALONE = 5000  # up to so many reports one process is quicker than starting more
Advance = Callable[[int, str], None]
"""Told of steps done: how many, and the last one's name."""


@dataclass(frozen=True, slots=True)
class Built:
    """What a build left: the folder, how many files, their bytes, and how long it took."""

    folder: Path
    files: int
    size: int
    seconds: float


def publish(warehouse: Warehouse, advance: Advance | None = None) -> Built:
    """Build the site of the published database and swap it in. The caller holds the lock.

    Whatever happens before the swap, the site of before stays; readers see one or the other.
    """
    aside = warehouse.root / f".generation-{secrets.token_hex(6)}"
    aside.mkdir()
    try:
        built = build(warehouse.database, aside / "site", advance, warehouse.site)
        swap(aside / "site", warehouse.site)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return Built(warehouse.site, built.files, built.size, built.seconds)


def build(
    database: Path, folder: Path, advance: Advance | None = None, before: Path | None = None
) -> Built:
    """Write the site of `database` into the new folder `folder`.

    The same database and code give the same bytes: no clock, no random order. From the site
    `before` come the provinces of which nothing changed.
    """
    began = monotonic()
    folder.mkdir(parents=True)
    scratch = folder.with_name(f"{folder.name}-scratch")
    scratch.mkdir()
    told = advance or (lambda _n, _note: None)
    try:
        with opened(database, scratch) as tables:
            tables.prepare()
            site = Site.of(tables, folder)
            kept = site.keep(before)
            tables.pack(kept)
            told(1, "values")
            reports: int = tables.rows("select count(*) from packed")[0][0]
            provinces = [r.id for r in site.roots if r.has_page and r.id not in kept]
            if kept:
                told(len(kept), "unchanged")
            site.overview()
            told(1, "overview")
            if reports <= ALONE:
                for province in provinces:
                    site.province(province)
                    told(1, site.areas[province].name)
        if reports > ALONE:
            for name in _together(database, scratch, folder, provinces):
                told(1, name)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    found = [f.stat().st_size for f in folder.rglob("*") if f.is_file()]
    return Built(folder, len(found), sum(found), monotonic() - began)


def _together(database: Path, scratch: Path, folder: Path, provinces: list[str]) -> Iterator[str]:
    """The pages of the provinces by as many processes as there are cores; gives their names.

    Templates hold the interpreter's lock, so threads would not help.
    """
    with spawned(None, _open, database, scratch, folder) as pool:
        yield from pool.map(_province, provinces)


_site: Site | None = None  # of a process of `_together`
_kept = ExitStack()


def _open(database: Path, scratch: Path, folder: Path) -> None:
    global _site
    tables = _kept.enter_context(opened(database, scratch, read_only=True))
    tables.rows("set threads = 1")  # there is a process for each core
    _site = Site.of(tables, folder)


def _province(area_id: str) -> str:
    assert _site is not None
    _site.province(area_id)
    return _site.areas[area_id].name


@dataclass(slots=True)
class Site:
    """A site under construction: where it reads, where it writes, and what every page needs."""

    tables: Tables
    pages: Pages
    marks: Marks
    areas: dict[str, Area]
    country: dict[int, Tally]
    trends: dict[str, list[facts.Trend]]

    @classmethod
    def of(cls, tables: Tables, folder: Path) -> Site:
        """Over prepared tables, into `folder`; the first to do so leaves its marks there."""
        areas = tables.areas()
        country = roll_up(areas)
        meanings = tables.rows(
            "select form, cell, meaning from published.measures order by form, position"
        )
        pages = Pages.of(folder, tables.night, meanings, _year(country))
        trends = facts.trends(tables)
        marks = Marks.read(folder)
        if marks is None:
            roots = [area for area in areas.values() if area.parent is None]
            marks = Marks.of(tables, pages, roots, trends)
            marks.write(folder)
        return cls(tables, pages, marks, areas, country, trends)

    @property
    def roots(self) -> list[Area]:
        """The provinces."""
        return [area for area in self.areas.values() if area.parent is None]

    def keep(self, before: Path | None) -> set[str]:
        """Take over the provinces of which nothing changed; their ids."""
        earlier = Marks.read(before) if before else None
        if before is None or earlier is None:
            return set()
        same = self.marks.same(earlier)
        return {
            root.id
            for root in self.roots
            if root.has_page and root.id in same
            if take(before, earlier, root, self.pages, self.marks.made(root.id))
        }

    def province(self, area_id: str) -> None:
        """The pages and data of a province and of all areas in it, and its units for the search."""
        root, made = self.areas[area_id], self.marks.made(area_id)
        inside = [area for area in root.under() if area.has_page]
        found = county.parts(self.tables, inside)
        units: list[list[Any]] = []
        for area in inside:
            part = found[area.id]
            self.pages.write(
                f"area/{area.id}.html",
                "area.html.j2",
                area=area,
                part=part,
                trends=self.trends.get(area.id, []),
                outcomes=facts.OUTCOMES,
                made=made,
            )
            self._data(part.reports, made)
            for unit in part.units:
                others = [a for a in unit.aliases if a not in unit.name]
                units.append([unit.name, area.id, unit.id, *others])
        self.pages.script(f"search/{root.id}.js", "gongkai.units", root.id, units)

    def _data(self, reports: list[county.Report], made: str) -> None:
        for name, data in county.data_files(reports).items():
            self.pages.script(f"data/{name}.js", "gongkai.data", name, made, data)

    def overview(self) -> None:
        """Every page that is not of one area, and what the pages share."""
        self.pages.assets()
        _form(self.pages, self.tables)
        lost = county.unresolved(self.tables)
        shown = lost[:UNRESOLVED_SHOWN]
        self.pages.write("unresolved.html", "unresolved.html.j2", reports=shown, total=len(lost))
        self._data(shown, self.pages.night.run_id)
        _national(
            self.pages, self.tables, self.areas, self.roots, self.country, self.trends, len(lost)
        )
        places = [
            [area.id, area.name, area.parent.id if area.parent else None, area.code]
            for area in self.areas.values()
            if area.has_page
        ]
        shards = [root.id for root in self.roots if root.has_page]
        self.pages.script("search/areas.js", "gongkai.areas", places, shards)


def _year(country: dict[int, Tally]) -> int | None:
    """The year to open with: the newest that at least half as many reports are due for as for any.

    A single early or mistaken year would otherwise show an empty country.
    """
    most = max((tally.expected for tally in country.values()), default=0)
    return max((y for y, tally in country.items() if tally.expected * 2 >= most), default=None)


def _national(
    pages: Pages,
    tables: Tables,
    areas: dict[str, Area],
    roots: list[Area],
    country: dict[int, Tally],
    trends: dict[str, list[facts.Trend]],
    lost: int,
) -> None:
    years = sorted(country, reverse=True)
    by_query = {name: tables.rows(sql) for name, sql in facts.QUERIES.items()}
    tiles = _tiles({root.code: root for root in roots})
    late = {year: facts.late_units(tables, year, LATE_SHOWN) for year in years}
    shared: dict[str, Any] = {
        "years": years,
        "country": country,
        "areas": areas,
        "roots": roots,
        "queries": facts.QUERIES,
        "found": by_query,
        "failing": _by_reason(by_query["failures"]),
        "checks": _by_rule(by_query["checks"], tables),
    }
    pages.write(
        "index.html",
        "index.html.j2",
        tiles=tiles,
        late=late,
        delays=facts.delays(tables),
        trends=trends.get("CN", []),
        outcomes=facts.OUTCOMES,
        lost=lost,
        reports=tables.rows("select count(*) from published.reports")[0][0],
        **shared,
    )
    for year in years:
        pages.write(f"coverage/{year}.html", "coverage.html.j2", year=year, **shared)
        pages.write(
            f"late/{year}.html",
            "late.html.j2",
            year=year,
            late=late[year],
            shown=LATE_SHOWN,
            **shared,
        )
    if not years:
        for section in ("coverage", "late"):
            pages.write(f"{section}/none.html", "nothing.html.j2", section=section)
    failures = tables.dicts(
        "select outcome, stage, code, message, place, issuing_unit, url, document_id, snapshot_id, "
        "first_seen::date as first_seen, last_seen::date as last_seen, times "
        "from published.failures qualify row_number() over ("
        "partition by outcome, code order by last_seen desc, document_id) <= ? "
        "order by outcome, code, last_seen desc, document_id",
        FAILURES_SHOWN,
    )
    of_reason: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for failure in failures:
        of_reason.setdefault((failure["outcome"], failure["code"]), []).append(failure)
    pages.write("failures.html", "failures.html.j2", of_reason=of_reason, **shared)
    worst = sorted(
        (a for a in areas.values() if a.violated), key=lambda a: (-a.violated, a.code, a.id)
    )
    pages.write("checks.html", "checks.html.j2", worst=worst[:100], **shared)
    pages.write("about.html", "about.html.j2", vendored=_vendored(), **shared)


def _tiles(roots: dict[str, Area]) -> list[dict[str, Any]]:
    """The tile map: where each province stands, and its area."""
    text = files("tasks.site").joinpath("tiles.csv").read_text(encoding="utf-8")
    return [{**row, "area": roots.get(row["code"])} for row in csv.DictReader(text.splitlines())]


def _vendored() -> list[dict[str, str]]:
    text = files("tasks.site").joinpath("vendor", "vendor.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _by_reason(rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [dict(zip(("outcome", "code", "documents"), row, strict=True)) for row in rows]


def _by_rule(rows: list[tuple[Any, ...]], tables: Tables) -> list[dict[str, Any]]:
    """Each kind of check: findings and reports by verdict, and the repairs that were proposed."""
    proposed = dict(
        tables.rows(
            """
            select split_part(w, '.', 1), count(distinct report_id)
            from (select report_id, unnest(string_split(witness, ', ')) as w
                  from published.repairs where status = 'proposed')
            group by 1
            """
        )
    )
    rules: dict[str, dict[str, Any]] = {}
    for rule, verdict, findings, reports in rows:
        one = rules.setdefault(
            rule, {"rule": rule, "violated": 0, "violated_reports": 0, "cannot_tell": 0}
        )
        one["proposed"] = proposed.get(rule, 0)
        if verdict == "violated":
            one["violated"], one["violated_reports"] = findings, reports
        else:
            one["cannot_tell"] = findings
    return sorted(rules.values(), key=lambda r: (-r["violated_reports"], r["rule"]))


def _form(pages: Pages, tables: Tables) -> None:
    """What the view of a report is drawn from, in each language: the forms, the checks, words."""
    found = tables.rows("select distinct rule, identity from published.findings order by all")
    checks = {(i.rule, i.name) for name in FORMS for i in form(name).identities} | set(found)
    for language in LANGUAGES:
        t, labels = words(language), pages.labels[language]
        pages.script(
            f"assets/form.{language}.js",
            "gongkai.form",
            {name: layout(name, labels, t) for name in FORMS},
            {name: labels.identity(rule, name, t) for rule, name in sorted(checks)},
            {cell: text for (_, cell), text in labels.cells.items()},
            t.starting("js."),
        )
