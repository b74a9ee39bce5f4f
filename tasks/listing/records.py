"""Listings that come as JSON: a list of records somewhere inside, with titles and addresses.

No system's schema is wired in: a list of objects that have a title and an address is a list of
links, whatever surrounds it. Names that systems use for these are the tables below.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from html import unescape
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit
from zoneinfo import ZoneInfo

from tasks.listing.html import Link, date_in, resolved

_TITLES = ("title", "doctitle", "articletitle", "manuscripttitle", "infotitle", "bt", "name")
_ADDRESSES = ("url", "docpuburl", "puburl", "articleurl", "linkurl", "staticurl", "href", "link")
_DATES = (
    *("publishedtimestr", "display_publish_time", "publishtime", "publisheddate", "publishdate"),
    *("pubdate", "docpubtime", "docreltime", "published_at", "created_at", "date", "time"),
)
_TOTALS = ("total", "totalcount", "totalrecord", "totalrecords", "totalelements")
_PAGES = ("pages", "totalpage", "totalpages", "pagecount", "pagetotal", "totalpagecount")
_SIZES = ("rows", "pagesize", "size", "per_page", "perpage", "limit")
PAGE_PARAMETERS = (
    *("page", "pageno", "pagenum", "pageindex", "pagenumber", "currentpage", "curpage", "p"),
    *("pageid", "nowpage", "cpage"),
)
"""How queries name the page of a listing, in lower case."""
_WRAPPED = re.compile(r"[\w.$]+\s*\((.*)\)\s*;?", re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")
_CHINA = ZoneInfo("Asia/Shanghai")


Fields = tuple[tuple[str, str], ...]
"""A query or the fields of a form, in their order."""


class Records(NamedTuple):
    """The entries of a JSON answer.

    Of the list that is the listing: `length`, its entries, also those that are no links; `total`
    and `pages`, how many entries and pages there are in all; `size`, entries a page. None: not
    said.
    """

    links: list[Link]
    length: int = 0
    total: int | None = None
    pages: int | None = None
    size: int | None = None


def records(text: str, url: str) -> Records | None:
    """The listing in a JSON (or JSONP) answer from `url`; None when the text is no JSON.

    The links of all its lists are given, as a page's navigation is; the listing is the list with
    the most dates, then with the longest titles. An answer without a listing has no links.
    """
    wrapped = _WRAPPED.fullmatch(text.strip())
    try:
        data = json.loads(wrapped[1] if wrapped else text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, (dict, list)):
        return None
    every: list[Link] = []
    best, most = Records([]), (0, 0)
    for holder, entries in _lists(data):
        found = [link for entry in entries if (link := _link(entry, url)) is not None]
        every += found
        worth = (sum(link.date is not None for link in found), sum(len(x.title) for x in found))
        if found and worth > most:
            best, most = _counted(holder, found, len(entries)), worth
    return best._replace(links=every)


def next_page(
    query: Fields, found: Records, entries: int, pages: int
) -> tuple[Fields, bool] | None:
    """The query of the JSON page after this one, and whether the answer promises that page.

    None when this was the last, or it cannot be told: the page is a parameter of the query itself.
    `entries` and `pages`: how many were read before this one. Services count from 0 or from 1.
    """
    place = next((i for i, (k, _) in enumerate(query) if k.lower() in PAGE_PARAMETERS), None)
    if place is None or not query[place][1].isdecimal() or not found.links:
        return None
    key, number = query[place][0], int(query[place][1])
    known = found.total is not None or found.pages is not None
    more = entries + found.length < (found.total or 0) or pages + 1 < (found.pages or 0)
    if not more and (known or found.length < (found.size or 0)):
        return None
    return (*query[:place], (key, str(number + 1)), *query[place + 1 :]), more


def query_of(url: str) -> Fields:
    """The query of an address."""
    return tuple(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def with_query(url: str, query: Fields) -> str:
    """The same address with another query."""
    return urlsplit(url)._replace(query=urlencode(query)).geturl()


def _counted(holder: dict[str, Any], links: list[Link], count: int) -> Records:
    total = _number(holder, _TOTALS)
    if total is None and (_number(holder, ("count",)) or 0) > count:
        total = _number(holder, ("count",))  # else it may be the number of this page's entries
    return Records(links, count, total, _number(holder, _PAGES), _number(holder, _SIZES))


def _lists(data: Any, holder: dict[str, Any] | None = None) -> Iterator[tuple[Any, list[Any]]]:
    """Every list of objects in the answer, with the object that holds it."""
    stack: list[tuple[Any, Any]] = [(data, holder or {})]
    while stack:
        here, above = stack.pop()
        if isinstance(here, list):
            if any(isinstance(entry, dict) for entry in here):
                yield above, here
            # What stands inside an entry (its attachments) is not listed here.
            inner = [e for e in here if isinstance(e, (dict, list)) and _named(e) is None]
            stack += [(entry, above) for entry in inner]
        elif isinstance(here, dict):
            # What wraps a list tells its length, at whatever depth: the nearest one counts.
            known = {**above, **{k: v for k, v in here.items() if isinstance(v, (int, str))}}
            stack += [(value, known) for value in here.values() if isinstance(value, (dict, list))]


def _named(entry: Any) -> tuple[str, str, dict[str, Any]] | None:
    """The title and address of an entry, and its values by names in lower case."""
    if not isinstance(entry, dict):
        return None
    named = {str(key).lower(): value for key, value in entry.items()}
    title = next((named[k] for k in _TITLES if isinstance(named.get(k), str) and named[k]), None)
    href = next((named[k] for k in _ADDRESSES if isinstance(named.get(k), str) and named[k]), None)
    return None if title is None or href is None else (title, href, named)


def _link(entry: Any, url: str) -> Link | None:
    if (found := _named(entry)) is None:
        return None
    title, href, named = found
    target = resolved(url, href)
    if target is None:
        return None
    day = next((d for k in _DATES if (d := _day(named.get(k))) is not None), None)
    return Link(target, " ".join(unescape(_TAG.sub("", title)).split()), day)


def _day(value: Any) -> str | None:
    """A date written out, or as seconds or milliseconds since 1970 (the day in China)."""
    if isinstance(value, str) and not value.isdecimal():
        return date_in(value)
    try:
        seconds = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if seconds > 10**11:
        seconds //= 1000
    if not 946_684_800 <= seconds < 4_102_444_800:  # the years 2000 to 2099
        return None
    return datetime.fromtimestamp(seconds, _CHINA).date().isoformat()


def _number(holder: dict[str, Any], names: tuple[str, ...]) -> int | None:
    named = {key.lower(): value for key, value in holder.items()}
    for name in names:
        value = named.get(name)
        if isinstance(value, bool):
            continue
        if isinstance(value, int) or (
            isinstance(value, str) and value.isdecimal() and len(value) < 10
        ):
            return int(value)
    return None
