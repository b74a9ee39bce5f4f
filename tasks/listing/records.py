"""Listings that come as JSON: a list of records somewhere inside, with titles and addresses.

No system's schema is wired in: the longest list of objects that have a title and an address is the
listing, whatever surrounds it. Names that systems use for these are the tables below.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from html import unescape
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from tasks.listing.html import Link, date_in, resolved

_TITLES = ("title", "doctitle", "articletitle", "manuscripttitle", "infotitle", "bt", "name")
_ADDRESSES = ("url", "docpuburl", "puburl", "articleurl", "linkurl", "staticurl", "href", "link")
_DATES = (
    *("publishedtimestr", "display_publish_time", "publishtime", "publisheddate", "publishdate"),
    *("pubdate", "docpubtime", "docreltime", "published_at", "created_at", "date", "time"),
)
_TOTALS = ("total", "totalcount", "totalrecord", "totalrecords", "totalelements", "count")
_SIZES = ("rows", "pagesize", "size", "per_page", "perpage", "limit")
PAGE_PARAMETERS = (
    *("page", "pageno", "pagenum", "pageindex", "pagenumber", "currentpage", "curpage", "p"),
    *("pageid", "nowpage", "cpage"),
)
"""How queries name the page of a listing, in lower case."""
_WRAPPED = re.compile(r"[\w.$]+\s*\((.*)\)\s*;?", re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")
_CHINA = ZoneInfo("Asia/Shanghai")


class Records(NamedTuple):
    """The entries of a JSON answer; `total` and `size` (entries, entries a page) when it says."""

    links: list[Link]
    total: int | None
    size: int | None


def records(text: str, url: str) -> Records | None:
    """The listing in a JSON (or JSONP) answer from `url`; None when the text is no JSON.

    An answer without a listing has no links.
    """
    wrapped = _WRAPPED.fullmatch(text.strip())
    try:
        data = json.loads(wrapped[1] if wrapped else text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, (dict, list)):
        return None
    best: list[Link] = []
    total = size = None
    for holder, entries in _lists(data):
        found = [link for entry in entries if (link := _link(entry, url)) is not None]
        if len(found) > len(best):
            best = found
            total, size = _number(holder, _TOTALS), _number(holder, _SIZES)
    return Records(best, total, size)


def next_page(url: str, found: Records) -> str | None:
    """The address of the JSON page after this one, or None when it was the last or cannot be told.

    The page is the query's own parameter; services count from 0 or from 1.
    """
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    place = next((i for i, (k, _) in enumerate(query) if k.lower() in PAGE_PARAMETERS), None)
    if place is None or not query[place][1].isdecimal() or not found.links:
        return None
    key, number = query[place][0], int(query[place][1])
    size = found.size or len(found.links)
    if found.total is not None and number * size >= found.total and number > 0:
        return None
    if found.total is None and found.size is not None and len(found.links) < found.size:
        return None
    query[place] = (key, str(number + 1))
    return urlunsplit(parts._replace(query=urlencode(query)))


def _lists(data: Any, holder: dict[str, Any] | None = None) -> Iterator[tuple[Any, list[Any]]]:
    """Every list of objects in the answer, with the object that holds it."""
    stack: list[tuple[Any, Any]] = [(data, holder or {})]
    while stack:
        here, above = stack.pop()
        if isinstance(here, list):
            if any(isinstance(entry, dict) for entry in here):
                yield above, here
            stack += [(entry, above) for entry in here if isinstance(entry, (dict, list))]
        elif isinstance(here, dict):
            # What wraps a list tells its length, at whatever depth: the nearest one counts.
            known = {**above, **{k: v for k, v in here.items() if isinstance(v, (int, str))}}
            stack += [(value, known) for value in here.values() if isinstance(value, (dict, list))]


def _link(entry: Any, url: str) -> Link | None:
    if not isinstance(entry, dict):
        return None
    named = {str(key).lower(): value for key, value in entry.items()}
    title = next((named[k] for k in _TITLES if isinstance(named.get(k), str) and named[k]), None)
    href = next((named[k] for k in _ADDRESSES if isinstance(named.get(k), str) and named[k]), None)
    if title is None or href is None:
        return None
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
