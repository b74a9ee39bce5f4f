"""What is known of the content systems that government sites run on (`systems.csv`).

`sign`: what gives a system away, in an address or on a page. `article` and `column`: how it
addresses a single document and a list of them. The last row holds what is common among others.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit


class System(NamedTuple):
    """One content system; patterns that it does not have are None."""

    name: str
    sign: re.Pattern[str] | None
    article: re.Pattern[str] | None
    column: re.Pattern[str] | None


@cache
def systems() -> tuple[System, ...]:
    """The known systems, in the order of the file."""
    text = (Path(__file__).parent / "systems.csv").read_text(encoding="utf-8")

    def pattern(given: str) -> re.Pattern[str] | None:
        return re.compile(given) if given else None

    return tuple(
        System(r["system"], pattern(r["sign"]), pattern(r["article"]), pattern(r["column"]))
        for r in csv.DictReader(text.splitlines())
    )


def system_of(page: str, url: str) -> str | None:
    """The system that an address or the text of a page gives away, or None."""
    for system in systems():
        if system.sign is not None and (system.sign.search(url) or system.sign.search(page)):
            return system.name
    return None


def is_article(url: str) -> bool:
    """Whether an address looks like that of a single document."""
    where = _inside(url)
    return any(s.article is not None and s.article.search(where) for s in systems())


def is_column(url: str) -> bool:
    """Whether an address looks like that of a list: a folder, or the way a system names lists."""
    where = _inside(url)
    if is_article(url):
        return False
    return any(s.column is not None and s.column.search(where) for s in systems())


def _inside(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")
