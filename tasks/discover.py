"""Stage discover: a source's listing to candidate documents.

Network access comes in as a function, so that this module only decides what to read next. How a
listing page is read is `tasks.listing`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from tasks.listing import choice, html, paging, records
from tasks.listing.html import Link
from tasks.records import Candidate, Discovered, Fetched, Official, OutcomeRow, Source
from tasks.urls import canonical_url, host_of

MAX_PAGES = 400
"""Pages of one listing that are read at most, its parts included."""
MAX_DEPTH = 2
"""A year of a unit's column is two steps below the listing."""
_REPORT = re.compile("收到和处理政府信息公开申请情况")


@dataclass(slots=True)
class Listing:
    """What one source's listing gave. `problems` belong into the run's problems."""

    documents: list[Discovered] = field(default_factory=list)
    rejected: list[Candidate] = field(default_factory=list)
    problems: list[OutcomeRow] = field(default_factory=list)
    pages: int = 0


@dataclass(frozen=True, slots=True)
class _Step:
    """A page to read: a further page of the listing, or the first page of a part of it."""

    url: str
    was_next: bool = False
    column: str = ""  # what the listings above call themselves
    depth: int = 0
    start: str = ""  # where the list that this page belongs to begins
    instead: Link | None = None  # the link, should this turn out to be no list but a report


@dataclass(slots=True)
class _Page:
    links: list[Link]
    column: str
    onward: list[paging.Onward]
    is_report: bool = False


def crawl(
    source: Source,
    get: Callable[[str], Fetched],
    official: Official,
    max_pages: int = MAX_PAGES,
) -> Listing:
    """Read a source's listing page by page and collect the annual reports it names.

    Further pages are followed in every form that `tasks.listing.paging` knows, and the parts of a
    listing (a column for each year or unit) like pages of it. Whatever goes wrong ends as a problem
    (stage discover) and keeps what was found before: a page that cannot be had, a listing that
    loops or does not end, one that names no report.
    """
    return _Crawl(source, get, official, max_pages).run()


class _Crawl:
    def __init__(
        self, source: Source, get: Callable[[str], Fetched], official: Official, max_pages: int
    ) -> None:
        self.source, self.get, self.official, self.max_pages = source, get, official, max_pages
        self.pattern = re.compile(source.pattern) if source.pattern else None
        self.result = Listing()
        self.queue = [_Step(source.listing_url, start=source.listing_url)]
        self.queued = {canonical_url(source.listing_url)}
        self.contents: dict[tuple[str, ...], str] = {}
        self.taken: set[str] = set()

    def run(self) -> Listing:
        """Works the queue off."""
        while self.queue:
            step = self.queue.pop(0)
            if self.result.pages >= self.max_pages:
                message = f"the listing has more than {self.max_pages} pages"
                self._problem(step.url, "listing_too_long", message)
                break
            answer = self.get(step.url)
            self.result.pages += 1
            if answer.error_code == "stopped":
                break  # the run says so once, for all its listings
            if answer.body is None:
                message = f"a listing page could not be read: {answer.error_message}"
                self._problem(step.url, answer.error_code or "no_body", message)
                continue
            if len(answer.body) > html.MOST_BYTES:
                message = f"a listing page has {len(answer.body)} bytes, more than any listing has"
                self._problem(step.url, "too_large", message)
                continue
            self._page(step, answer, read_page(answer, step.start))
        else:
            if not self.result.documents and not self.result.problems:
                message = "the listing names no annual report; its address or form may have changed"
                self._problem(self.source.listing_url, "listing_empty", message)
        return self.result

    def _page(self, step: _Step, answer: Fetched, page: _Page) -> None:
        column = step.column
        if page.column not in column:
            column = f"{column} {page.column}".strip()
        entries = tuple(
            link.url for link in page.links if link.date or self._refusal(link, column) is None
        )
        if entries and entries in self.contents:
            # A numbered link may name the first page in another way; a next page may not.
            if step.was_next:
                message = f"the listing loops: this page repeats {self.contents[entries]}"
                self._problem(step.url, "listing_loops", message)
            return
        self.contents[entries] = step.url
        parts = [link for link in page.links if self._is_part(link, column, step)]
        if step.instead is not None and (page.is_report or not (entries or parts)):
            self._take([step.instead], column, step.url)  # the page decides: no list, a report
            return
        leading = {link.url for link in parts}
        self._take([link for link in page.links if link.url not in leading], column, step.url)
        self._queue_pages(step, answer, page, column)
        for link in parts:
            name = canonical_url(link.url)
            if name not in self.queued:
                self.queued.add(name)
                says_report = choice.why_not_a_report(link.title, column, url=link.url) is None
                instead = link if says_report else None
                self.queue.append(_Step(link.url, False, column, step.depth + 1, link.url, instead))

    def _queue_pages(self, step: _Step, answer: Fetched, page: _Page, column: str) -> None:
        own = {canonical_url(step.url), canonical_url(answer.final_url)}
        for onward, is_next in page.onward:
            name = canonical_url(onward)
            if name not in self.queued:
                self.queued.add(name)
                self.queue.append(_Step(onward, is_next, column, step.depth, step.start))
            elif is_next and name not in own and not self.queue:
                message = f"the listing loops: its next page is {onward} again"
                self._problem(step.url, "listing_loops", message)

    def _is_part(self, link: Link, column: str, step: _Step) -> bool:
        if step.depth >= MAX_DEPTH or host_of(link.url) != host_of(self.source.listing_url):
            return False
        units = self.source.kind != "unit_listing"
        return choice.is_part(link, column, step.start, units=units)

    def _refusal(self, link: Link, column: str) -> str | None:
        return choice.why_not_a_report(
            link.title, column, dated=link.date is not None, url=link.url, pattern=self.pattern
        )

    def _take(self, found: list[Link], column: str, listing_url: str) -> None:
        for link in found:
            reason = self._refusal(link, column)
            document_id = canonical_url(link.url)
            if reason is None and document_id not in self.taken:
                self.taken.add(document_id)
                refusal = self.official(link.url)
                self.result.documents.append(
                    Discovered(
                        document_id,
                        link.url,
                        self.source.source_id,
                        listing_url,
                        link.title,
                        link.date,
                        refusal is None,
                        refusal,
                    )
                )
            elif reason and f"{reason} {document_id}" not in self.taken:
                self.taken.add(f"{reason} {document_id}")
                self.result.rejected.append(
                    Candidate(
                        self.source.source_id,
                        listing_url,
                        link.url,
                        link.title,
                        link.date,
                        reason,
                    )
                )

    def _problem(self, url: str, code: str, message: str) -> None:
        row = OutcomeRow(canonical_url(url), url, "failed", "discover", code, message)
        if (row.document_id, code) not in {(p.document_id, p.code) for p in self.result.problems}:
            self.result.problems.append(row)


def read_page(answer: Fetched, listing_url: str) -> _Page:
    """A listing page, HTML or JSON, as its entries and where it goes on."""
    text = html.text_of(answer.body or b"")
    if text.lstrip()[:1] in ("{", "[") or not text.lstrip().startswith("<"):
        found = records.records(text, answer.final_url)
        if found is not None:
            further = records.next_page(answer.final_url, found)
            onward = [paging.Onward(further, False)] if further else []
            return _Page(found.links, "", onward)
    soup = html.soup_of(text)
    base = html.base_of(soup, answer.final_url)
    return _Page(
        [*html.links(soup, base), *paging.as_links(soup, base)],
        html.column_of(soup),
        list(paging.onward(soup, base, answer.final_url, listing_url)),
        _REPORT.search(text) is not None,
    )
