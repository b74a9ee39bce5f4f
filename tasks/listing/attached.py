"""What belongs to one document: the files that a page links, frames or embeds."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from tasks.listing.html import base_of, resolved, soup_of
from tasks.urls import canonical_url

_OFFICE = ("doc", "docx", "wps", "rtf", "xls", "xlsx")
ATTACHMENT_SUFFIXES = ("pdf", *_OFFICE, "ofd", "txt", "zip", "rar", "7z")


# A PDF that a script shows in the page: PDFObject.embed("x.pdf", …), pdfh5({pdfurl: "x.pdf"}).
_SHOWN = re.compile(
    r"(?:embed|pdf\w{0,40}|getDocument|src|file|url)\s{0,20}[(:=]\s{0,20}\(?\{?\s{0,20}"
    r"(?:url\s{0,20}:\s{0,20})?"
    r"[\"']([^\"'\s<>]{1,300}\.pdf)[\"']",
    re.IGNORECASE,
)


class Attachment(NamedTuple):
    """A document that a page links or embeds; `kind` is its suffix (pdf, docx, zip, …)."""

    url: str
    text: str
    kind: str


def attachments(html: bytes | str, base_url: str) -> list[Attachment]:
    """The documents and archives that a page links, frames or embeds, each once, in order."""
    soup = soup_of(html)
    base = base_of(soup, base_url)
    found: dict[str, Attachment] = {}
    for tag in soup.find_all(["a", "iframe", "embed", "object"]):
        if tag.find_parent(["nav", "footer"]) is not None:
            continue
        name = {"a": "href", "object": "data"}.get(tag.name, "src")
        url = resolved(base, str(tag.get(name) or ""))
        if url is None:
            continue
        text = " ".join((tag.get_text(" ") or str(tag.get("title") or "")).split())
        inner = _viewed(url, base) if tag.name != "a" else None
        kind = _suffix(inner or url, text)
        if kind is not None:
            found.setdefault(canonical_url(inner or url), Attachment(inner or url, text, kind))
    for tag in soup.find_all("script"):
        for address in _SHOWN.findall(tag.get_text()):
            url = resolved(base, address)
            if url is not None:
                found.setdefault(canonical_url(url), Attachment(url, "", "pdf"))
    return list(found.values())


def _viewed(url: str, base: str) -> str | None:
    """The document that a viewer's address names (`viewer.html?file=/x.pdf`)."""
    for _, value in parse_qsl(urlsplit(url).query):
        if _suffix(value, "") is not None and (
            "/" in value or not urlsplit(url).path.endswith("jsp")
        ):
            return resolved(base, value)
    return None


def _suffix(url: str, text: str) -> str | None:
    """The suffix of a document by its path, a file name in its query, or the link's text."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    names = [parts.path, *(value for _, value in parse_qsl(parts.query)), text]
    for name in names:
        suffix = name.rpartition(".")[2].lower().strip(" )）]】")
        if "." in name and suffix in ATTACHMENT_SUFFIXES:
            return suffix
    return None
