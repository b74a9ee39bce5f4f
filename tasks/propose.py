"""Looks at a site and proposes rows for the sources file; a person decides.

What is proposed comes with what it rests on. Nothing is allowed by itself: the rows are written
with the status `quarantine` until somebody has looked at them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from bs4 import BeautifulSoup, Tag

from tasks.discover import Post, crawl
from tasks.listing import choice, html
from tasks.listing.systems import is_article, system_of
from tasks.records import BadInput, Discovered, Fetched, Source
from tasks.units import Registry
from tasks.urls import canonical_url, host_of, is_government_host

MOST_COLUMNS = 8
"""Links that look like columns of annual reports and are followed."""
MOST_PAGES = 3
"""Pages of each that are read to see what it holds."""
_SITE_WORDS = re.compile(r"(?:人民)?政府(?:门户网站|网站|网)?$|门户网站$|政务网$|信息网$|网$")
_SID = re.compile(r"SID\s*[:=]\s*['\"]?(\d+)")
_YEAR = re.compile(r"(?:19|20)\d\d年?度?")


@dataclass(frozen=True, slots=True)
class Column:
    """A listing that the site seems to have, and what a look at it showed."""

    url: str
    title: str
    documents: list[Discovered]
    pages: int
    units: list[str]  # what is left of the titles when the words of reports are taken away
    problem: str | None = None


@dataclass(slots=True)
class Proposal:
    """What a site says of itself, what was concluded, and the rows to review."""

    url: str
    host: str
    site_name: str = ""
    site_id_code: str = ""
    system: str | None = None
    division_code: str = ""
    division_name: str = ""
    evidence: list[str] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    rows: list[Source] = field(default_factory=list)


def propose(
    url: str,
    get: Callable[[str], Fetched],
    registry: Registry,
    known: Iterable[Source] = (),
    post: Post | None = None,
) -> Proposal:
    """Inspect the page at `url` and the columns of annual reports that it is or names.

    Raises BadInput for an address that cannot become a source: no web address, not an official
    host, a page that cannot be had.
    """
    host = host_of(url)
    if host is None:
        raise BadInput(f"{url}: not an http or https address of one host")
    if not is_government_host(host):
        raise BadInput(
            f"{url}: the host {host} is not under .gov.cn; only official hosts can be sources"
        )
    page = get(url)
    if page.body is None:
        raise BadInput(f"{url}: {page.error_message or 'nothing was received'}")
    landed = host_of(page.final_url) or host
    if not is_government_host(landed):
        raise BadInput(f"{url}: leads to {landed}, which is not under .gov.cn")
    text = html.text_of(page.body)
    soup = html.soup_of(text)
    found = Proposal(url, landed, system=system_of(text, page.final_url))
    _site(found, soup)
    _division(found, registry)
    for listing, title in _listings(url, page, soup, text)[:MOST_COLUMNS]:
        found.columns.append(_column(found, listing, title, get, post))
    best = [c for c in found.columns if c.documents]
    taken = {s.source_id for s in known}
    have = {canonical_url(s.listing_url): s.source_id for s in known}
    for column in sorted(best, key=lambda c: -len(c.documents)):
        if (name := have.get(canonical_url(column.url))) is not None:
            found.evidence.append(f"{column.url} is already the source {name}")
            continue
        row = _row(found, column, taken)
        taken.add(row.source_id)
        found.rows.append(row)
    return found


def _site(found: Proposal, soup: BeautifulSoup) -> None:
    """What the page's own head says of the site."""
    metas = {
        str(m.get("name", "")).lower(): str(m.get("content", "")).strip()
        for m in soup.find_all("meta", attrs={"name": True})
    }
    found.site_name = metas.get("sitename", "")
    found.site_id_code = metas.get("siteidcode", "")
    if not found.site_id_code:
        mark = re.search(r"网站标识码\s*[:：]?\s*(\w{10})", soup.get_text(" "))
        found.site_id_code = mark[1] if mark else ""
    if not found.site_name:
        title = soup.find("title")
        parts = re.split(r"[-_—|]", title.get_text(" ")) if isinstance(title, Tag) else []
        named = [p.strip() for p in parts if _SITE_WORDS.search(p.strip())]
        found.site_name = named[-1] if named else ""
    domain = metas.get("sitedomain", "")
    if domain and domain.lower().rstrip("/") not in (found.host, f"www.{found.host}"):
        found.evidence.append(f"the page gives its domain as {domain}, not {found.host}")


def _division(found: Proposal, registry: Registry) -> None:
    """The division by the site's code and by its name; said openly where they differ."""
    code = found.site_id_code[:6]
    by_code = registry.divisions_of_code(code) if code.isdecimal() else set()
    name = _SITE_WORDS.sub("", found.site_name)
    by_name = registry.divisions_named(name) if len(name) > 1 else set()
    both = by_code & by_name
    chosen = both or by_code or by_name
    if len(chosen) != 1:
        found.evidence.append(
            "the division could not be told: "
            + (f"“{name}” names {len(chosen)} divisions" if chosen else "no code and no known name")
        )
        return
    (division_id,) = chosen
    version = registry.version(division_id, None)
    found.division_code = version.code_mca or version.code_nbs
    found.division_name = "".join(d.name for d in reversed(registry.chain(division_id)))
    said = [f"SiteIDCode {found.site_id_code}"] * bool(by_code & chosen)
    said += [f"the site's name “{found.site_name}”"] * bool(by_name & chosen)
    found.evidence.append(f"the division by {' and '.join(said)}")
    if by_code and by_name and not both:
        found.evidence.append(f"the site's name “{found.site_name}” names another division")


def _listings(url: str, page: Fetched, soup: BeautifulSoup, text: str) -> list[tuple[str, str]]:
    """Where the annual reports may be listed: the page itself first, then the columns it names."""
    own = next(iter(html.column_of(soup).split()), "")
    found: dict[str, tuple[str, str]] = {}
    service = _record_service(url, text)
    if service is not None:
        found[canonical_url(service)] = (service, own)
    if choice.is_annual_column(html.column_of(soup)):
        found[canonical_url(page.final_url)] = (page.final_url, own)
    base = html.base_of(soup, page.final_url)
    for link in html.links(soup, base):
        title = html.compact(link.title)
        says = choice.ANNUAL.search(title) and link.date is None and not is_article(link.url)
        if says and host_of(link.url) is not None and is_government_host(host_of(link.url) or ""):
            found.setdefault(canonical_url(link.url), (link.url, link.title))
    if not found:
        found[canonical_url(page.final_url)] = (page.final_url, own)
    return list(found.values())


def _record_service(url: str, text: str) -> str | None:
    """The JSON behind a page of Guangdong's platform, whose column stands after the “#”."""
    parts = urlsplit(url)
    number, site = parts.fragment, _SID.search(text)
    if "/gkmlpt/" not in parts.path or not number.isdecimal() or site is None:
        return None
    home = parts.path.partition("/gkmlpt/")[0]
    return urljoin(url, f"{home}/gkmlpt/api/all/{number}?page=1&sid={site[1]}")


def _column(
    found: Proposal, listing: str, title: str, get: Callable[[str], Fetched], post: Post | None
) -> Column:
    host = host_of(listing) or found.host
    trial = Source("trial", "", host, listing, "county_listing", "", "allowed", "", "")
    seen = crawl(trial, get, lambda url: None, max_pages=MOST_PAGES, post=post)
    units = sorted({unit for d in seen.documents if (unit := _unit(d.link_title))})
    trouble = next((p.message for p in seen.problems if p.code != "listing_too_long"), None)
    return Column(listing, " ".join(title.split()), seen.documents, seen.pages, units, trouble)


def _unit(title: str) -> str:
    """Whose report a title announces, roughly: what stands before the words of a report."""
    text = _YEAR.sub("", html.compact(title))
    head = re.split("政府信息公开|信息公开|政务公开|年度报告|年报", text)[0]
    return head.removeprefix("关于").strip("《》（）()：: ")


def _row(found: Proposal, column: Column, taken: set[str]) -> Source:
    host = host_of(column.url) or found.host
    one = len(column.units) == 1
    unit = column.units[0] if one else _SITE_WORDS.sub("", found.site_name) + "人民政府"
    seen = f" on the first {column.pages} pages" if column.pages >= MOST_PAGES else ""
    notes = f"proposed: {len(column.documents)} reports of {len(column.units)} units seen{seen}"
    notes += f"; {found.system}" if found.system else ""
    return Source(
        _name(host, taken),
        found.division_code,
        host,
        column.url,
        "unit_listing" if one else "county_listing",
        unit if found.site_name or one else "",
        "quarantine",
        "",
        notes.replace(",", "，"),
    )


def _name(host: str, taken: set[str]) -> str:
    """A short id from the host, with a number when it is taken."""
    labels = [x for x in host.removesuffix(".gov.cn").split(".") if x not in ("www", "xxgk")]
    base = "-".join(reversed(labels)) or host
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name
