"""Spellings of one document's address: with and without www, as a mobile copy.

http and https and their own ports are one by `canonical_url`; another port is another site.

A spelling alone proves nothing: two sites may share a path. Two addresses are one document when
they differ only in the spelling *and* their links carry the same title and no different dates. The
document keeps the name under which it was first archived, whatever the listing calls it today.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from tasks.listing.html import compact
from tasks.records import Candidate, Discovered, State
from tasks.urls import canonical_url, is_government_host

_LABELS = ("www", "m", "wap", "3g", "mobile")
_MOBILE_PATH = re.compile(r"^/(?:m|wap|mobile|3g|sjb)(?=/)")
_SHORTEST_TITLE = 6


def spelling_key(url: str) -> str:
    """What all spellings of an address have in common. Raises ValueError for no web address."""
    parts = urlsplit(canonical_url(url))
    host = parts.hostname or ""
    label, _, rest = host.partition(".")
    if label in _LABELS and is_government_host(f".{rest}") and rest != "gov.cn":
        host = rest
    path = _MOBILE_PATH.sub("", parts.path)
    port = f":{parts.port}" if parts.port else ""
    return f"{host}{port}{path}" + (f"?{parts.query}" if parts.query else "")


def is_mobile(url: str) -> bool:
    """Whether an address names a copy for telephones."""
    parts = urlsplit(url)
    label = (parts.hostname or "").partition(".")[0]
    return label in _LABELS[1:] or bool(_MOBILE_PATH.match(parts.path))


def merged(
    documents: Iterable[Discovered], known: Mapping[str, State]
) -> tuple[list[Discovered], list[Candidate]]:
    """The documents with spellings of one brought together, and the links that were left out.

    `known` is the last state of what the archive holds. Kept in document_id order.
    """
    groups: dict[tuple[str, str], list[Discovered]] = defaultdict(list)
    for document in documents:
        groups[_key(document.url, document.link_title)].append(document)
    archived = _archived(known, groups)
    kept: list[Discovered] = []
    left: list[Candidate] = []
    for key, group in groups.items():
        for same in _of_one_day(sorted(group, key=_preference)):
            best = same[0]
            names = [d.document_id for d in same if d.document_id in known]
            names += [] if best.document_id in known else archived.get(key, [])
            kept.append(replace(best, document_id=names[0]) if names else best)
            left += [
                Candidate(
                    other.source_id,
                    other.listing_url,
                    other.url,
                    other.link_title,
                    other.link_date,
                    f"is the same document as {best.url}",
                )
                for other in same[1:]
            ]
    return sorted(_unique(kept), key=lambda d: d.document_id), left


def _key(url: str, title: str | None) -> tuple[str, str]:
    words = compact(title or "")
    try:
        # A title that says little is no evidence: such a document is only like itself.
        key = spelling_key(url) if len(words) >= _SHORTEST_TITLE else canonical_url(url)
    except ValueError:
        key = url
    return key, words


def _archived(
    known: Mapping[str, State], wanted: Mapping[tuple[str, str], object]
) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for state in known.values():
        if state.parent_document_id is None and state.link_title:
            key = _key(state.url, state.link_title)
            if key in wanted:
                found[key].append(state.document_id)
    return {key: sorted(names) for key, names in found.items()}


def _preference(document: Discovered) -> tuple[bool, bool, int, str]:
    return (
        not document.official,
        is_mobile(document.url),
        len(document.document_id),
        document.document_id,
    )


def _of_one_day(group: list[Discovered]) -> list[list[Discovered]]:
    """Splits spellings whose links give different dates; one without a date joins the first."""
    days: list[list[Discovered]] = []
    for document in group:
        for same in days:
            dates = {d.link_date for d in (*same, document)} - {None}
            if len(dates) <= 1:
                same.append(document)
                break
        else:
            days.append([document])
    return days


def _unique(documents: list[Discovered]) -> list[Discovered]:
    """Two groups may claim one archived name; the second keeps its own."""
    taken: dict[str, Discovered] = {}
    for document in documents:
        name = document.document_id
        if name in taken:
            name = canonical_url(document.url)
        taken.setdefault(name, replace(document, document_id=name))
    return list(taken.values())
