"""Builds the demo site: some eighty reports of four counties, and what else listings lead to."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from urllib.parse import quote

from tests.publisher import attached, blanks, layouts, listing, oddities, several, styles
from tests.publisher import figures as maker
from tests.publisher.cast import COUNTIES, County, Unit
from tests.publisher.document import Document, document
from tests.publisher.figures import Figures, Size
from tests.publisher.form import Form
from tests.publisher.layouts.wrappers import HEADED
from tests.publisher.prose import Scope, header
from tests.publisher.server import EPOCH, Resource
from tests.publisher.site import Site, Source, Truth

FOLDER = "/zwgk/nb"
ROBOTS = b"User-agent: *\nDisallow: /zwgk/nb/nbzl/\nDisallow: /admin/\n"
OWN_LISTING = {"临安区住房和城乡建设局"}  # units with a listing of their own
OLD_FORM = {"临安区锦南街道"}  # units that go on using the 2019 form
AS_FILE = {  # reports whose body is a file
    ("定海区金塘镇", 2021): "docx",
    ("定海区白泉镇", 2021): "pdf_kangxi",
    ("陆良县板桥镇", 2021): "ofd",
    ("陆良县板桥镇", 2020): "pdf",
    ("临安区於潜镇", 2022): "xlsx",
    ("定海区卫生健康局", 2021): "docx",
    ("临安区锦南街道", 2022): "clean/table/utf8",
}
STRAIGHT = {("陆良县板桥镇", 2020)}  # files that the listing links to without a page between
ZIPPED = {("定海区卫生健康局", 2021)}  # reports that come as a file inside a zip
SEVERAL = {("临安区锦南街道", 2022)}  # reports over several pages
DECOYS = {  # listed beside the reports, and no candidates for one
    "http://www.linan.gov.cn/zwgk/nb/": [
        listing.Entry("./fz/2022.html", "临安区2022年法治政府建设年度报告", "2023-03-01"),
        listing.Entry("./jd/2022.html", "一图读懂：2022年政府信息公开年度报告", "2023-02-02"),
        listing.Entry("javascript:void(0)", "打印本页", ""),
    ]
}
Listed = dict[str, list[Truth]]  # listing URL without its file name → what it lists


def demo(seed: int = 1, *, change: bool = False) -> Site:
    """The demo site. With `change` it is the second night: one report corrected, one new."""
    site = Site()
    for number, county in enumerate(COUNTIES):
        listed: Listed = {}
        site.pages[f"http://{county.host}/robots.txt"] = Resource(ROBOTS, "text/plain")
        history = _history(county, seed)
        for (unit, year), figures in history.items():
            _publish(site, listed, county, unit, year, figures, seed)
        if number == 0:
            oddities.add(site, listed[_listing(county)], county, seed, change=change)
        _list(site, county, listed)
    site.sources.sort(key=lambda source: source.status != "allowed")
    return site


def form_of(unit: Unit, year: int) -> Form:
    """The form a unit uses in a year."""
    return "2019" if year < 2021 or unit.name in OLD_FORM else "2021"


def _history(county: County, seed: int) -> dict[tuple[Unit, int], Figures]:
    """Figures of all units over all years; whole-area figures are sums, once deliberately not."""
    history: dict[tuple[Unit, int], Figures] = {}
    for unit in county.units:
        previous: Figures | None = None
        for year in unit.years if unit.kind != "area" else ():
            key = sum(map(ord, unit.name)) * 10_000 + year * 10 + seed
            size: Size | None = "busy" if unit.kind == "office" else None
            form = form_of(unit, year)
            previous = maker.consistent(form, key, size=size, previous=previous)
            history[unit, year] = previous
    for unit in county.units:
        for year in unit.years if unit.kind == "area" else ():
            form = form_of(unit, year)
            parts = [f for (u, y), f in history.items() if y == year and f.form == form]
            if county.name == "陆良县" and year == unit.years[-1]:
                parts = parts[1:]  # the sum leaves the government's own office out
            elif county.name != "桦川县":  # there, the units listed are all that exist
                parts.append(maker.consistent(form, year + seed, size="small"))
            history[unit, year] = maker.total(parts)
    return history


def _publish(
    site: Site,
    listed: Listed,
    county: County,
    unit: Unit,
    year: int,
    figures: Figures,
    seed: int,
) -> None:
    number = COUNTIES.index(county) * 100 + sum(map(len, listed.values()))
    figures = _as_printed(figures, number)
    page = compose(county, unit, year, figures, seed)
    layout = AS_FILE.get((unit.name, year), layouts.rotation(number))
    day = page.head.published
    attachment = None
    if layout in layouts.FILES and (unit.name, year) not in STRAIGHT:
        packed = "zip" if (unit.name, year) in ZIPPED else None
        rendered = attached.page(page, layout, number, packed)
        file = layouts.publish(page, layout)
        url = address(county, unit.slug, day, number)
        attachment = attached.url_of(url, layout, number, packed)
        body = attached.zipped(file.body, f"{page.head.title}.{layout}") if packed else file.body
        site.pages[attachment] = Resource(body, file.content_type, modified=_noon(day))
        if packed:
            attachment += f"!/{quote(page.head.title)}.{layout}"
    elif (unit.name, year) in SEVERAL:
        rendered = layouts.publish(page, layout)
        url = address(county, unit.slug, day, number)
        parts = several.spread(rendered.body.decode(), url)
        for n, text in enumerate(parts):
            site.pages[several.name(url, n)] = Resource(text.encode(), modified=_noon(day))
        rendered = rendered._replace(body=parts[0].encode())
    else:
        rendered = layouts.publish(page, layout)
        url = address(county, unit.slug, day, number, rendered.suffix)
    site.pages[url] = Resource(rendered.body, rendered.content_type, modified=_noon(day))
    folder = _listing(county, unit)
    truth = Truth(
        url,
        "parsed",
        page.head.title,
        day.isoformat(),
        _source_id(county, unit),
        figures,
        figures.form,
        unit.name,
        unit.division,
        year,
        page.scope,
        layout,
        issuing_unit=_shown(page, layout),
        attachment=attachment,
    )
    site.truth[url] = truth
    listed.setdefault(folder, []).append(truth)


def _as_printed(figures: Figures, number: int) -> Figures:
    """Some reports leave zeros out, some print their numbers otherwise."""
    if number < 100:  # the first county keeps to plain numbers: its pages are damaged later
        return figures
    if number % 6 == 2:
        return blanks.zeros_left_out(figures, "/" if number % 4 else "")
    return styles.mixed(figures, number) if number % 6 == 5 else figures


def compose(county: County, unit: Unit, year: int, figures: Figures, seed: int) -> Document:
    """The document of one unit and year, headed as its county's site heads pages."""
    scope: Scope = "area" if unit.kind == "area" else "own"
    head = replace(
        header(unit.name, year, seed, scope=scope, signer=unit.signer),
        site_name=f"{county.name}人民政府",
        site_domain=county.host,
        site_id_code=county.site_id,
    )
    return document(figures, unit.name, year, seed, scope=scope, head=head)


def _shown(page: Document, layout: str) -> str | None:
    """The issuing unit as the document that holds the report gives it."""
    headed = layout.count("/") == 2 and layout.split("/")[1] in HEADED
    return page.head.unit if headed else page.head.signer


def address(county: County, slug: str, day: date, number: int, suffix: str = "html") -> str:
    """The URL of a page, as content systems make them."""
    path = f"{FOLDER}/{slug}/{day:%Y%m}/t{day:%Y%m%d}_{100_000 + number}.{suffix}"
    return f"http://{county.host}{path}"


def _noon(day: date) -> int:
    return EPOCH + (day - date(2023, 11, 14)).days * 86_400


def _listing(county: County, unit: Unit | None = None) -> str:
    own = f"{unit.slug}/" if unit and unit.name in OWN_LISTING else ""
    return f"http://{county.host}{FOLDER}/{own}"


def _source_id(county: County, unit: Unit | None = None) -> str:
    name = county.host.split(".")[1]
    return f"{name}-{unit.slug}" if unit and unit.name in OWN_LISTING else name


def _list(site: Site, county: County, listed: Listed) -> None:
    """Writes the listings of a county and the sources that point at them."""
    for base, truths in listed.items():
        entries = [
            listing.Entry(oddities.relative(base, t.url, n), t.title, t.published)
            for n, t in enumerate(truths)
        ]
        entries += DECOYS.get(base, [])
        made = listing.pages(
            entries, county.listing, f"{county.name}人民政府", "政府信息公开年报", county.per_page
        )
        for name, text in made.items():
            site.pages[base + name] = Resource(text.encode(), "text/html; charset=utf-8")
        first = next(iter(made))
        site.pages[base] = site.pages[base + first]
        unit = next((u for u in county.units if base == _listing(county, u)), None)
        own = unit is not None and unit.name in OWN_LISTING
        assert not own or unit is not None
        site.sources.append(
            Source(
                _source_id(county, unit if own else None),
                county.code,
                county.host,
                base + first,
                "unit_listing" if own else "county_listing",
                unit.name if own and unit else f"{county.name}人民政府",
                notes="demo",
            )
        )
