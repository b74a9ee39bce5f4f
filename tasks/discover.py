"""Stage discover: a source's listing to candidate documents.

Network access comes in as a function, so that this module only decides what to read next. How a
listing page is read is `tasks.listing`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from bs4 import BeautifulSoup

from tasks.listing import choice, controls, html, paging, posted, records
from tasks.listing.html import Link
from tasks.listing.records import Fields
from tasks.records import Candidate, Discovered, Fetched, Official, OutcomeRow, Source
from tasks.urls import canonical_url, host_of

MAX_PAGES = 400
"""Pages of one listing that are read at most, its parts included."""
MAX_DEPTH = 2
"""A year of a unit's column is two steps below the listing."""
NOT_FOLLOWED = "listing_not_followed"
"""The code of a listing that has pages that could not be read."""
FULL_PAGE = 10
"""So many entries suggest that a listing has further pages."""
_REPORT = re.compile("收到和处理政府信息公开申请情况")
_NOTHING_THERE = re.compile("http_4..|empty_body")

Get = Callable[[str], Fetched]
Post = Callable[[str, Fields], Fetched]


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
    fields: Fields = ()  # of the POST that gives the page
    sure: bool = True  # else it is only tried whether there is such a page


@dataclass(slots=True)
class _Page:
    links: list[Link]
    column: str
    onward: list[paging.Onward]
    is_report: bool = False
    entries: int = 0  # of a JSON answer, also those that are no links
    stated: int = 0  # how many pages the listing says it has
    waits: controls.Control | None = None
    missing: str = ""  # what no one can tell of the request for further pages


@dataclass(slots=True)
class _Read:
    """What was read of one list, and what it says there is."""

    pages: int = 0
    answers: int = 0  # of these, those that were records
    entries: int = 0
    stated: int = 0
    by_service: bool = False  # which gives several pages at once
    waits: str = ""
    missing: str = ""

    def left_out(self) -> str:
        """What there seems to be and was not read; "" when nothing is missed."""
        if self.stated > self.pages and not self.by_service:
            more = f": {seen}" if (seen := self.missing or self.waits) else ""
            return f"the listing says it has {self.stated} pages, {self.pages} could be read{more}"
        if self.pages == 1 != self.stated and (seen := self.missing or self.waits):
            return f"the listing goes on where no one can follow: {seen}"
        return ""


def crawl(
    source: Source,
    get: Get,
    official: Official,
    max_pages: int = MAX_PAGES,
    post: Post | None = None,
) -> Listing:
    """Read a source's listing page by page and collect the annual reports it names.

    Further pages are followed in every form that `tasks.listing.paging` knows, and the parts of a
    listing (a column for each year or unit) like pages of it. Whatever goes wrong ends as a problem
    (stage discover) and keeps what was found before: a page that cannot be had, a listing that
    loops or does not end, that goes on where it cannot be followed, or that names no report.
    `post` asks for pages that are given to nothing else.
    """
    return _Crawl(source, get, official, max_pages, post).run()


class _Crawl:
    def __init__(
        self, source: Source, get: Get, official: Official, max_pages: int, post: Post | None
    ) -> None:
        self.source, self.get, self.official, self.max_pages = source, get, official, max_pages
        self.post = post
        self.pattern = re.compile(source.pattern) if source.pattern else None
        self.result = Listing()
        self.queue = [_Step(source.listing_url, start=source.listing_url)]
        self.queued = {canonical_url(source.listing_url)}
        self.contents: dict[tuple[bool, tuple[str, ...]], str] = {}
        self.read: defaultdict[str, _Read] = defaultdict(_Read)
        self.taken: set[str] = set()

    def run(self) -> Listing:
        """Works the queue off."""
        while self.queue:
            step = self.queue.pop(0)
            if self.result.pages >= self.max_pages:
                message = f"the listing has more than {self.max_pages} pages"
                self._problem(step.url, "listing_too_long", message)
                break
            answer = self._ask(step)
            self.result.pages += 1
            if answer.error_code == "stopped":
                break  # the run says so once, for all its listings
            if (
                answer.body is None
                and not step.sure
                and _NOTHING_THERE.fullmatch(answer.error_code or "")
            ):
                continue
            if answer.body is None:
                self.read[step.start].pages += 1  # it has a problem of its own
                message = f"a listing page could not be read: {answer.error_message}"
                self._problem(step.url, answer.error_code or "no_body", message)
                continue
            if len(answer.body) > html.MOST_BYTES:
                message = f"a listing page has {len(answer.body)} bytes, more than any listing has"
                self._problem(step.url, "too_large", message)
                continue
            self._page(step, answer, self._understood(step, answer))
        else:
            for start, read in self.read.items():
                if why := read.left_out():
                    self._problem(start, NOT_FOLLOWED, why)
            if not self.result.documents and not self.result.problems:
                message = "the listing names no annual report; its address or form may have changed"
                self._problem(self.source.listing_url, "listing_empty", message)
        return self.result

    def _ask(self, step: _Step) -> Fetched:
        if step.fields and self.post:
            return self.post(step.url, step.fields)
        answer = self.get(step.url)
        as_post = posted.of_query(step.url)
        empty = answer.error_code != "stopped" and b"<record" not in (answer.body or b"")
        if as_post and self.post and empty:  # a record service that answers to its script alone
            again = self.post(as_post.url, as_post.fields)
            return answer if again.body is None and answer.body is not None else again
        return answer

    def _page(self, step: _Step, answer: Fetched, page: _Page) -> None:
        column = step.column
        if page.column not in column:
            column = f"{column} {page.column}".strip()
        entries = tuple(
            link.url for link in page.links if link.date or self._refusal(link, column) is None
        )
        # A service may give once more what its page shows; what follows may be new all the same.
        contents = (page.entries > 0, entries)
        if entries and contents in self.contents:
            # A numbered link may name the first page in another way; a next page may not.
            if step.was_next:
                message = f"the listing loops: this page repeats {self.contents[contents]}"
                self._problem(step.url, "listing_loops", message)
            return
        self.contents[contents] = step.url
        parts = [link for link in page.links if self._is_part(link, column, step)]
        if step.instead is not None and (page.is_report or not (entries or parts)):
            self._take([step.instead], column, step.url)  # the page decides: no list, a report
            return
        self._note(step, page, len(entries))
        leading = {link.url for link in parts}
        self._take([link for link in page.links if link.url not in leading], column, step.url)
        if not (entries or page.entries):  # nothing is listed here, so no further page is tried
            page.onward = [further for further in page.onward if further.sure]
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
        for url, is_next, fields, sure in page.onward:
            name = canonical_url(url) + "".join(f"\n{k}={v}" for k, v in fields)
            if name not in self.queued:
                self.queued.add(name)
                further = _Step(url, is_next, column, step.depth, step.start, None, fields, sure)
                self.queue.append(further)
            elif is_next and name not in own and not self.queue:
                message = f"the listing loops: its next page is {url} again"
                self._problem(step.url, "listing_loops", message)

    def _note(self, step: _Step, page: _Page, reports: int) -> None:
        """What this page adds to what is known of its list."""
        read = self.read[step.start]
        read.pages += 1
        read.answers += page.entries > 0
        read.entries += page.entries
        read.stated = max(read.stated, page.stated)
        read.by_service |= page.entries > 0 or posted.of_query(step.url) is not None
        read.missing = read.missing or page.missing
        if page.waits and (controls.has_script(page.waits) or reports >= FULL_PAGE):
            read.waits = read.waits or f"“{page.waits.text}”"

    def _understood(self, step: _Step, answer: Fetched) -> _Page:
        """A listing page, HTML or JSON, as its entries and where it goes on."""
        text = html.text_of(answer.body or b"")
        if text.lstrip()[:1] in ("{", "[") or not text.lstrip().startswith("<"):
            found = records.records(text, answer.final_url)
            if found is not None:
                return _Page(
                    found.links, "", self._after(step, answer, found), entries=found.length
                )
        soup = html.soup_of(text)
        base = html.base_of(soup, answer.final_url)
        onward = list(paging.onward(soup, base, answer.final_url, step.start))
        pager = [*controls.controls(soup, base)]
        page = _Page(
            [*html.links(soup, base), *paging.as_links(soup, base)],
            html.column_of(soup),
            onward,
            _REPORT.search(text) is not None,
            stated=controls.stated_pages(soup),
            waits=next((c for c in pager if c.waits), None),
        )
        if self.post and not any(o.is_next for o in onward):
            self._posts(step, page, soup, base)
        return page

    def _after(self, step: _Step, answer: Fetched, found: records.Records) -> list[paging.Onward]:
        """The JSON page after this one."""
        read = self.read[step.start]
        query = step.fields or records.query_of(answer.final_url)
        following = records.next_page(query, found, read.entries, read.answers)
        if following is None:
            return []
        fields, sure = following
        if step.fields:
            return [paging.Onward(step.url, False, fields, sure)]
        return [paging.Onward(records.with_query(answer.final_url, fields), False, (), sure)]

    def _posts(self, step: _Step, page: _Page, soup: BeautifulSoup, base: str) -> None:
        """The further pages that are given to a POST alone."""
        asked = [
            a for a in posted.forms(soup, base, step.url) if host_of(a.url) == host_of(step.start)
        ]
        here = posted.page_of(step.fields)
        stated = max(page.stated, self.read[step.start].stated)
        for url, fields, _ in asked:
            number = max(here or 0, posted.page_of(fields) or 0)
            if number < stated or (not stated and page.waits and controls.has_script(page.waits)):
                fields = posted.with_page(fields, number + 1)
                page.onward.append(paging.Onward(url, False, fields, number < stated))
        if here is not None and not asked and page.links and (not stated or here < stated):
            # A piece of a page, as a script puts it in: there may be another.
            fields = posted.with_page(step.fields, here + 1)
            page.onward.append(paging.Onward(step.url, False, fields, here < stated))
        scripts = "\n".join(tag.get_text() for tag in soup.find_all("script"))
        for url, fields, missing in posted.calls(scripts, base) if not step.fields else ():
            if host_of(url) != host_of(step.start):
                continue
            if missing:
                page.missing = f"a POST to {url}, whose {', '.join(missing)} no one can tell"
            else:
                page.onward.append(paging.Onward(url, False, fields))

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
