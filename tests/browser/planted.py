"""A night on which things go wrong, each in a way that a person can find out from the UI alone.

Three reports are damaged, one listing loses its second page, another site names nothing any more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tasks.report import read
from tests.publisher.demo import demo
from tests.publisher.site import Site

BASE = "http://www.dinghai.gov.cn/zwgk/nb/"
FIRST = f"{BASE}index.html"


@dataclass(frozen=True, slots=True)
class Planted:
    """One damaged report: what an operator must find."""

    url: str
    unit: str
    code: str
    culprit: str  # the text that stands in the place of the damage; "" when it has no place


def plant() -> tuple[Site, list[Planted]]:
    """The demo site's later day with all this, and the damaged reports."""
    site = demo(change=True)
    taken: list[Planted] = []
    edits: list[tuple[str, str, Callable[[str], Iterator[str]]]] = [
        ("unknown_label", "行政约谈", lambda t: iter([t.replace("行政强制", "行政约谈")])),
        ("unreadable_number", "3件左右", _with_a_word),
        ("cut_off", "", lambda t: iter([t.partition("商业企业")[0]])),
    ]
    for code, culprit, edit in edits:
        taken.append(_damage(site, code, culprit, edit, {planted.url for planted in taken}))
    listing = site.pages[FIRST].body.decode()
    shorter = re.sub(r'<a href="index_1.html">(.*?)</a>', r"\1", listing)
    assert shorter != listing
    site.pages[FIRST] = site.pages[BASE] = replace(site.pages[FIRST], body=shorter.encode())
    silent = "http://www.linan.gov.cn/zwgk/nb/zjj/"
    nothing = "<html><head><meta charset='utf-8'></head><body>栏目建设中</body></html>"
    for name in ("", "list.html"):
        page = site.pages[silent + name]
        site.pages[silent + name] = replace(page, body=nothing.encode())
    return site, taken


def _with_a_word(text: str) -> Iterator[str]:
    """The page with one of its numbers made a phrase: each of the first few in turn."""
    for match in list(re.finditer(r"(<td[^>]*>)\d{3,}(?=</td>)", text))[:6]:
        yield f"{text[: match.start()]}{match[1]}3件左右{text[match.end() :]}"


def _damage(
    site: Site, code: str, culprit: str, edit: Callable[[str], Iterator[str]], taken: set[str]
) -> Planted:
    """Damages the first report of the listing's first page that the reader then refuses so."""
    listing = site.pages[FIRST].body.decode()
    for url in site.truth:
        page = site.pages[url]
        if url in taken or not url.startswith(BASE) or url.removeprefix(BASE) not in listing:
            continue
        try:
            text = page.body.decode()
        except UnicodeDecodeError:
            continue
        for edited in edit(text):
            reading = read(edited.encode())
            if edited == text or reading.reason is None or reading.reason.code != code:
                continue
            site.pages[url] = replace(page, body=edited.encode())
            assert reading.issuing_unit
            return Planted(url, reading.issuing_unit, code, culprit)
    raise AssertionError(f"no report on {FIRST} can be made {code}")
