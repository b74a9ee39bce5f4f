"""Keys that a page carries and that may be one unit's own: its codes, its column, its account."""

from __future__ import annotations

import re
import unicodedata
from itertools import takewhile
from typing import NamedTuple
from urllib.parse import urlsplit

from tasks.report.index_number import unified_code_checks
from tasks.units.model import Clues
from tasks.units.names import clean
from tasks.urls import host_of

_UNIFIED = re.compile(r"[0-9A-Z]{18}(?![0-9A-Z])")
_SITE = re.compile(r"[0-9A-Z]{10}")
_COUNTED = re.compile(r"\d[\d_-]*")  # a folder of a day or of a page, not of a column


class Key(NamedTuple):
    """`kind`: unified_code, site_id_code, host_path or account."""

    kind: str
    key: str


def keys_of(clues: Clues) -> list[Key]:
    """The keys of a page. Where it lies and who put it there count on official pages alone."""
    found = {
        "unified_code": unified_code(clues.index_number or ""),
        "site_id_code": _site_id_code(clues.site_id_code or ""),
        "host_path": _column(clues.official_url or ""),
        "account": _account(clues.official_url or "", clues.account or ""),
    }
    return [Key(kind, key) for kind, key in found.items() if key]


def unified_code(index_number: str) -> str | None:
    """The unified code (GB 32100) that an index number begins with, if its check digit is right."""
    match = _UNIFIED.match(index_number.strip().upper())
    return match.group() if match and unified_code_checks(match.group()) else None


def _site_id_code(text: str) -> str | None:
    code = unicodedata.normalize("NFKC", text).strip().upper()
    return code if _SITE.fullmatch(code) else None


def _column(url: str) -> str | None:
    """Host and folders, up to the first that only counts: x.gov.cn/jyj/ of …/jyj/202201/t1.html."""
    host = host_of(url)
    if host is None:
        return None
    folders = urlsplit(url).path.split("/")[1:-1]
    column = list(takewhile(lambda f: not _COUNTED.fullmatch(f), folders))
    return "/".join([host, *column, ""]) if column else None  # a host alone is whose source it is


def _account(url: str, name: str) -> str | None:
    # 办公室 on one site is not 办公室 on another.
    host, plain = host_of(url), clean(name)
    return f"{host} {plain}" if host and plain else None
