"""A listing page as links with the title and the date of their line."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple
from urllib.parse import urljoin

from bs4 import BeautifulSoup, Tag

from tasks.report.decode import decode
from tasks.urls import canonical_url

MOST_BYTES = 4_000_000
"""Larger pages are not taken apart: no listing and no article page comes near."""
_DATE = re.compile(
    r"(?<!\d)((?:19|20)\d\d)\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})(?!\d)\s*日?"
)
_STORE, _STORE_END = "<datastore>", "</datastore>"
_STORE_BEGINS = re.compile(
    r"(<script[^>]{0,200}>\s{0,200})?(?:<\?xml[^>]{0,200}\?>\s{0,200})?$", re.IGNORECASE
)
_SCRIPT_ENDS = re.compile(r"\s*</script>", re.IGNORECASE)
_ENTRY, _ENTRY_END = "<![CDATA[", "]]>"


class Link(NamedTuple):
    """A link of a listing page, resolved; `date` is YYYY-MM-DD when its line shows one."""

    url: str
    title: str
    date: str | None


def text_of(body: bytes) -> str:
    """A page as text, its encoding decided as the reader decides it: by its bytes."""
    return decode(body).removeprefix("\ufeff")


def soup_of(body: bytes | str) -> BeautifulSoup:
    """Parse a page. Entries that wait as records for a script stand where the script would."""
    text = body if isinstance(body, str) else text_of(body)
    return BeautifulSoup(_shown(text) if _STORE in text else text, "lxml")


def _shown(text: str) -> str:
    """The page with the records of each datastore in the place of its script."""
    parts: list[str] = []
    at = 0
    while (begin := text.find(_STORE, at)) >= 0:
        end = text.find(_STORE_END, begin)
        if end < 0:
            break
        wrapper = _STORE_BEGINS.search(text, max(at, begin - 600), begin)
        parts.append(text[at : wrapper.start() if wrapper else begin])
        parts += [f"<div>{entry}</div>" for entry in _entries(text, begin, end)]
        at = end + len(_STORE_END)
        if wrapper and wrapper[1] and (closing := _SCRIPT_ENDS.match(text, at)):
            at = closing.end()
    return "".join([*parts, text[at:]])


def _entries(text: str, at: int, end: int) -> Iterator[str]:
    """The records between two places of a page; the last may want its end, then it is none."""
    while (begin := text.find(_ENTRY, at, end)) >= 0:
        begin += len(_ENTRY)
        if (at := text.find(_ENTRY_END, begin, end)) < 0:
            return
        yield text[begin:at]


def base_of(soup: BeautifulSoup, url: str) -> str:
    """The address that the page's links are relative to."""
    tag = soup.find("base", href=True)
    named = resolved(url, str(tag["href"])) if isinstance(tag, Tag) else None
    return named or url


def column_of(soup: BeautifulSoup) -> str:
    """How the page names itself: its column, title and headings."""
    meta = soup.find("meta", attrs={"name": re.compile("^columnname$", re.IGNORECASE)})
    texts = [str(meta.get("content", ""))] if isinstance(meta, Tag) else []
    texts += [tag.get_text(" ") for tag in soup.find_all(["title", "h1", "h2"])]
    return " ".join(texts)


def resolved(base: str, href: str) -> str | None:
    """The absolute http(s) address of a link, or None."""
    cleaned = re.sub(r"[\t\r\n]", "", href).strip()
    if not cleaned or cleaned.startswith("#"):
        return None
    try:
        url = urljoin(base, cleaned)
        canonical_url(url)
    except ValueError:
        return None
    return url


def compact(text: str) -> str:
    """A title for comparing: full-width forms folded, no white space."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def links(soup: BeautifulSoup, base: str) -> Iterator[Link]:
    """The links of a page with the title and the date of their line, in page order."""
    for a in soup.find_all("a", href=True):
        url = resolved(base, str(a["href"]))
        if url is None:
            continue
        text = " ".join(a.get_text(" ").split())
        full = " ".join(str(a.get("title") or "").split())
        # Sites cut the visible text short and keep the whole title in the attribute.
        cut = text.rstrip(" .…")
        title = full if len(full) > len(cut) and full.startswith(cut[:4]) else text or full
        line = _line(a)
        day = date_in(line.replace(text, " ", 1) if text else line)
        inside = _DATE.search(title)
        if day is None and inside is not None and inside.end() == len(title.rstrip(" ])】）")):
            day = date_in(title)
            title = title[: inside.start()].rstrip(" [(【（")
        yield Link(url, title.strip(" ·•"), day)


def options(soup: BeautifulSoup, base: str) -> Iterator[Link]:
    """What a page offers for selection, where the choice is an address."""
    for option in soup.find_all("option", value=True):
        value = str(option["value"])
        if re.search(r"[./?]", value) and (url := resolved(base, value)):
            yield Link(url, " ".join(option.get_text(" ").split()), None)


def _line(a: Tag) -> str:
    """The text of the list item or row that holds this link and no other."""
    holder: Tag = a
    for parent in a.parents:
        if (
            parent.name in ("body", "html", "[document]")
            or len(parent.find_all("a", href=True, limit=2)) > 1
        ):
            break
        holder = parent
        if parent.name in ("li", "tr", "dd", "dl"):
            break
    return " ".join(holder.get_text(" ").split())


def date_in(text: str) -> str | None:
    """The first date in a text as YYYY-MM-DD, or None."""
    for match in _DATE.finditer(text):
        try:
            return date(*map(int, match.groups())).isoformat()
        except ValueError:
            continue
    return None
