"""The further pages of an article that a site spreads over several.

They are named like the first: `t1.html`, `t1_1.html`, … or by a parameter of its own address
(`?page=2`), and are linked with a number or as the next page, or written by a script. The next
*article* (下一篇) is another document and never taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, urljoin, urlsplit

from tasks.listing.controls import says_next, says_number
from tasks.listing.html import MOST_BYTES, base_of, resolved, soup_of
from tasks.listing.paging import same_but_for, written_pages
from tasks.listing.records import PAGE_PARAMETERS

_MAY_GO_ON = re.compile(rb"_\d{1,2}\.\w|createPageHTML|countPage|[?&;]\w{0,30}p\w{0,30}=\d", re.I)
_FILES = (b"%PDF", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b")


def further_pages(body: bytes, url: str, first: str) -> list[str]:
    """The other pages of the article that begins at `first`, as the page at `url` names them.

    In their order; empty when the article has one page.
    """
    if body.startswith(_FILES) or len(body) > MOST_BYTES or not _MAY_GO_ON.search(body):
        return []
    soup = soup_of(body)
    base = base_of(soup, url)
    found: dict[str, None] = {}
    for a in soup.find_all("a", href=True):
        text = "".join(a.get_text().split())
        if says_next(text) or says_number(text):
            target = resolved(base, str(a["href"]))
            if target is not None:
                found.setdefault(target.partition("#")[0])
    # On a further page the script's own number is another one; the first has named them all.
    for tag in soup.find_all("script") if number_of(url, first) == 0 else []:
        for stem, suffix, numbers in written_pages(tag.get_text()):
            found.update(dict.fromkeys(urljoin(base, f"{stem}_{n}.{suffix}") for n in numbers))
    return in_order(found, first)


def in_order(pages: Iterable[str], first: str) -> list[str]:
    """The further pages of the article at `first` among `pages`, each once, in their order."""
    unique = {number_of(page, first): page for page in pages}
    return [unique[n] for n in sorted(unique) if n > 0]


def number_of(url: str, first: str) -> int:
    """Which further page of the article at `first` an address names; 0 when it names none."""
    here, there = urlsplit(url), urlsplit(first)
    if here.netloc.lower() != there.netloc.lower():
        return 0
    stem, _, suffix = there.path.rpartition(".")
    named = re.fullmatch(rf"{re.escape(stem)}_(\d{{1,2}})\.{re.escape(suffix)}", here.path)
    if stem and named and here.query == there.query:
        return int(named[1])
    if same_but_for(url, first, frozenset(PAGE_PARAMETERS)):
        values = [v for k, v in parse_qsl(here.query) if k.lower() in PAGE_PARAMETERS]
        if len(values) == 1 and values[0].isdecimal() and 1 < int(values[0]) < 100:
            return int(values[0])
    return 0
