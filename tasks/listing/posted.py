"""Listings whose further pages are only given to a POST: the fields that it needs.

They stand in the page: in the form that its pager submits, or in the call of its script. Only what
asks for a page by its number is sent, never a form that a person would fill in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from bs4 import BeautifulSoup, Tag

from tasks.listing.html import resolved
from tasks.listing.records import PAGE_PARAMETERS, Fields

_FILLED_IN = {"text", "search", "email", "tel", "url", "date", "password", "file"}
_BUTTONS = {"submit", "button", "image", "reset"}
_TEXT = r"[\"']([^\"']{0,200})[\"']"
_POST = re.compile(
    r"\$\.post\(\s{0,20}[\"']([^\"'\s]{1,300})[\"']\s{0,20},\s{0,20}\{([^{}]{1,2000})\}"
)
_AJAX = re.compile(r"\$\.ajax\(\s{0,20}\{([^{}]{0,1000})\{([^{}]{1,2000})\}([^{}]{0,500})")
_FIELD = re.compile(rf"[\"']?([\w.]{{1,60}})[\"']?\s{{0,9}}:\s{{0,9}}(?:{_TEXT}|([\w$.]{{1,60}}))")
_VARIABLE = re.compile(rf"\b([A-Za-z_$][\w$]{{0,39}})\s{{0,5}}=\s{{0,5}}(?:{_TEXT}|(\d{{1,9}})\b)")
_LITERALS = {"true": "true", "false": "false", "null": ""}
_SPAN = {"startrecord", "endrecord", "perpage"}


class Asked(NamedTuple):
    """A POST that gives a page of a listing. `missing`: fields whose values no one can tell."""

    url: str
    fields: Fields
    missing: tuple[str, ...] = ()


def page_of(fields: Fields) -> int | None:
    """Which page some fields ask for; None when they ask for none."""
    for name, value in fields:
        if _names_page(name) and (value or "1").isdecimal():
            return int(value or 1)
    return None


def with_page(fields: Fields, number: int) -> Fields:
    """The same fields, asking for another page."""
    return tuple((k, str(number)) if _names_page(k) else (k, v) for k, v in fields)


def _names_page(name: str) -> bool:
    return name.rpartition(".")[2].lower() in PAGE_PARAMETERS


def forms(soup: BeautifulSoup, base: str, url: str) -> Iterator[Asked]:
    """The forms of the page at `url` that ask for a page of it by number, as they stand."""
    for form in soup.find_all("form", method=re.compile("^post$", re.IGNORECASE)):
        target = resolved(base, str(form.get("action") or url)) or url
        fields = tuple(_fields(form))
        typed = {
            str(tag.get("type") or "text").lower()
            for tag in form.find_all(["input", "textarea"])
            if not _names_page(str(tag.get("name") or ""))
        } & _FILLED_IN
        own = urlsplit(target).path == urlsplit(url).path and not typed & {"password", "file"}
        if page_of(fields) is not None and (own or not typed):
            yield Asked(target, fields)


def _fields(form: Tag) -> Iterator[tuple[str, str]]:
    for tag in form.find_all(["input", "select", "textarea"], attrs={"name": True}):
        name, kind = str(tag["name"]), str(tag.get("type") or "text").lower()
        if tag.name == "select":
            chosen = tag.find("option", selected=True) or tag.find("option")
            yield name, str(chosen.get("value") or "") if isinstance(chosen, Tag) else ""
        elif kind in ("checkbox", "radio"):
            if tag.has_attr("checked"):
                yield name, str(tag.get("value") or "on")
        elif kind not in _BUTTONS:
            yield name, str(tag.get("value") or "")


def calls(scripts: str, base: str) -> Iterator[Asked]:
    """The first page of what scripts ask for by `$.post` or `$.ajax`, page by page."""
    found: list[tuple[str, str]] = _POST.findall(scripts)
    for before, data, after in _AJAX.findall(scripts):
        settings = {k.lower(): v for k, v, _ in _FIELD.findall(f"{before},{after}")}
        if settings.get("type", settings.get("method", "")).lower() == "post":
            found.append((settings.get("url", ""), data))
    values = dict(_LITERALS)
    values |= {name: text or number for name, text, number in _VARIABLE.findall(scripts)}
    for address, data in found:
        fields: list[tuple[str, str]] = []
        missing: list[str] = []
        for name, text, word in _FIELD.findall(data):
            value = values.get(word, word if word.isdecimal() else None) if word else text
            if _names_page(name) and not (value or "").isdecimal():
                value = "1"  # a variable that counts
            if value is None:
                missing.append(name)
            fields.append((name, value or ""))
        target = resolved(base, address)
        if target is not None and page_of(tuple(fields)) is not None:
            yield Asked(target, tuple(fields), tuple(missing))


def of_query(url: str) -> Asked | None:
    """A record service's address as the POST that its own script sends; else None."""
    parts = urlsplit(url)
    if not parts.path.endswith("dataproxy.jsp"):
        return None
    query = parse_qsl(parts.query, keep_blank_values=True)
    span = [(k, v) for k, v in query if k in _SPAN]
    fields = tuple((k, v) for k, v in query if k not in _SPAN)
    return Asked(parts._replace(query=urlencode(span)).geturl(), fields)
