"""Where a listing goes on: next and numbered links, selections, scripts, record services."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

from bs4 import BeautifulSoup

from tasks.listing.controls import controls, says_number
from tasks.listing.html import Link, options, resolved
from tasks.listing.records import PAGE_PARAMETERS, Fields
from tasks.urls import host_of

_MOST_PAGES = 2_000
# createPageHTML(pages, page, "index", "html", …): pages are index.html, index_1.html, …
# createPageHTML("element", pages, page, "list", "shtml", …): list.shtml, list_2.shtml, …
_CREATE = re.compile(
    r"createPageHTML\s{0,5}\(\s{0,20}(?:[\"'][^\"']{0,100}[\"']\s*,\s*)?([\w$]{1,40})\s*,\s*([\w$]{1,40})\s*,"
    r"\s*[\"']([\w/.-]+)[\"']\s*,\s*[\"'](\w+)[\"']"
)
_VARIABLE = re.compile(r"\b([A-Za-z_$][\w$]{0,39})\s{0,5}=\s{0,5}[\"']?(\d{1,5})\b")
_COUNT = re.compile(r"countPage\s*=\s*(\d{1,4})\b")
_WRITTEN = re.compile(r"[\"'/=]([\w-]+)_[\"']\s*\+[^;]{1,80}?\+\s*[\"']\.(\w+)")
_PAGER = re.compile(r"\b(\w+)[\"']?\s*:\s*[\"']?([^\"',{}\s]*)[\"']?")
_SERVICE = re.compile(r"[\"'](/?[\w./-]*jpage/dataproxy\.jsp[^\"']*)[\"']")
_JSON_SERVICE = re.compile(
    r"[\"'(]((?:https?://[\w.-]+)?(?:/[\w-]+)*/(?:search|searchList)/[0-9a-f]{32}[^\"'\s)]*)"
)
# The same put together when the script runs: "/common/search/" + channelId + "?_isAgg=…"
_JOINED_SERVICE = re.compile(
    r"[\"']((?:/[\w-]+)*/(?:search|searchList)/)[\"']\s*\+\s*(\w+)(?:\s*\+\s*[\"'](\?[^\"']*))?"
)
_HASH = re.compile(r"\b(\w{1,40})\s*[:=]\s*[\"']([0-9a-f]{32})[\"']")
_QUERY_OF_SERVICE = (
    *("col", "appid", "webid", "path", "columnid", "sourceContentType", "unitid", "webname"),
    "permissiontype",
)
_GROUP = 3  # pages that a record service is asked for at once, as its own script does


class Onward(NamedTuple):
    """A further page of a listing. `is_next`: the page calls it its next one.

    `fields`: those of a POST, when that is how it is asked for. `sure`: else the page may not be.
    """

    url: str
    is_next: bool
    fields: Fields = ()
    sure: bool = True


def onward(soup: BeautifulSoup, base: str, url: str, listing_url: str) -> Iterator[Onward]:
    """The further pages of the listing that are on its own host, each as often as it is named.

    `url` is the page's own address, `base` what its links are relative to, `listing_url` where the
    listing begins.
    """
    host = host_of(listing_url)
    for found in _named(soup, base, listing_url):
        if host_of(found.url) == host:
            yield found
    for address in _scripted(soup, base, url):
        if host_of(address) == host:
            yield Onward(address, False)


def _named(soup: BeautifulSoup, base: str, listing_url: str) -> Iterator[Onward]:
    for control in controls(soup, base):
        address = control.url
        # An address in a script, or behind a number, may be of something else.
        sure = control.is_next and not control.read
        if address and (sure or of_one_list(address, listing_url)):
            yield Onward(address, control.is_next)
    for a in soup.find_all("a", href=re.compile(r"dataproxy\.jsp")):
        if (address := resolved(base, str(a["href"]))) is not None:
            yield Onward(address, False)
    for option in options(soup, base):
        if says_number(option.title) and of_one_list(option.url, listing_url):
            yield Onward(option.url, False)


def of_one_list(url: str, listing_url: str) -> bool:
    """Whether a numbered address may be a page of this listing, and not of something else.

    Pages lie in one folder (`index_1.html`, `?page=2`) or below the first (`nb/3.htm`, `nb.htm`).
    """
    here, there = urlsplit(url), urlsplit(listing_url)
    folder = here.path.rpartition("/")[0]
    if folder == there.path.rpartition("/")[0]:
        return True
    return folder == there.path.rpartition(".")[0] != ""


def _scripted(soup: BeautifulSoup, base: str, url: str) -> Iterator[str]:
    """The pages that exist only once a script has run."""
    names: dict[str, str] = {}
    joined: set[tuple[str, str, str]] = set()
    scripts = [tag.get_text() for tag in soup.find_all("script")]
    for script in scripts:
        if not re.search(r"_\d+\.\w+$", urlsplit(url).path):  # else the first page named them all
            for stem, suffix, numbers in written_pages(script, "\n".join(scripts)):
                yield from (urljoin(base, f"{stem}_{n}.{suffix}") for n in numbers)
        yield from _record_service(script, base, soup)
        for address in _JSON_SERVICE.findall(script):
            if (target := resolved(base, address)) is not None:
                yield _first_json(target)
        names |= dict(_HASH.findall(script))
        joined |= set(_JOINED_SERVICE.findall(script))
    for folder, name, query in sorted(joined):
        if name in names and (target := resolved(base, folder + names[name] + query)) is not None:
            yield _first_json(target)


def written_pages(script: str, around: str = "") -> Iterator[tuple[str, str, range]]:
    """The further pages that a script writes links to: stem, suffix, numbers (`stem_N.suffix`).

    The first page's own number in the script, 0 or 1, says where the numbers begin. `around`: the
    page's other scripts, whose variables it may use.
    """
    numbers = dict(_VARIABLE.findall(f"{around}\n{script}")) if "createPageHTML" in script else {}
    for *given, stem, suffix in _CREATE.findall(script):
        total, current = (numbers.get(word, word) for word in given)
        if total.isdecimal() and current.isdecimal():
            yield stem, suffix, _numbers(int(total), int(current))
    if (count := _COUNT.search(script)) and (written := _WRITTEN.search(script)):
        yield written[1], written[2], _numbers(int(count[1]), 0)
    if "hrefFormer" in script:
        pager = dict(_PAGER.findall(script))
        total, stem = pager.get("total", ""), pager.get("hrefFormer", "")
        suffix = pager.get("hrefLatter", "").lstrip(".")
        if total.isdecimal() and stem and suffix:
            yield stem, suffix, _numbers(int(total), 1)


def _numbers(total: int, current: int) -> range:
    return range(current + 1, min(current + total, _MOST_PAGES))


def _record_service(script: str, base: str, soup: BeautifulSoup) -> Iterator[str]:
    """The rest of a record service's entries, when its script says how many there are."""
    service = _SERVICE.search(script)
    given = dict(_PAGER.findall(script))
    total, size = given.get("totalRecord", ""), given.get("perPage", "")
    if service is None or not total.isdecimal() or not size.isdecimal() or int(size) == 0:
        return
    if soup.find("a", href=re.compile("dataproxy")):
        return  # the service gives the address of its next group itself
    query = [(name, given[name]) for name in _QUERY_OF_SERVICE if name in given]
    address = urljoin(base, service[1].partition("?")[0])
    step = int(size) * _GROUP
    for first in range(1, min(int(total), _MOST_PAGES * int(size)) + 1, step):
        span = [("startrecord", first), ("endrecord", first + step - 1), ("perpage", size)]
        yield f"{address}?{urlencode([*span, *query], quote_via=quote)}"


def _first_json(address: str) -> str:
    """A JSON service's first page; its script adds the number when it runs."""
    parts = urlsplit(address)
    query = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True)]
    kept = [(k, v) for k, v in query if k.lower() not in PAGE_PARAMETERS]
    names = {k for k, _ in kept}
    if "_isJson" not in names:
        kept.append(("_isJson", "true"))
    kept = [(k, "true" if k == "_isJson" else v) for k, v in kept]
    return parts._replace(query=urlencode([*kept, ("page", "1")]), fragment="").geturl()


def same_but_for(url: str, listing_url: str, names: frozenset[str]) -> bool:
    """Whether an address is the listing's own with other values of just these parameters."""
    here, there = urlsplit(url), urlsplit(listing_url)
    if (here.netloc.lower(), here.path) != (there.netloc.lower(), there.path):
        return False
    mine = dict(parse_qsl(here.query, keep_blank_values=True))
    theirs = dict(parse_qsl(there.query, keep_blank_values=True))
    differ = {k.lower() for k in mine.keys() | theirs.keys() if mine.get(k) != theirs.get(k)}
    return bool(differ) and differ <= names


def as_links(soup: BeautifulSoup, base: str) -> list[Link]:
    """Selections that lead somewhere and are no page numbers."""
    return [x for x in options(soup, base) if not says_number(x.title)]
