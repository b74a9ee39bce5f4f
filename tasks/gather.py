"""Everything that belongs to one document: its further pages, pictures of its tables, attachments,
and what archives hold.

An article over several pages is one document, fetched whole or not at all; pictures of tables go
into it as far as they are to be had. Attachments and the
members of archives are documents below their page (`parent_document_id`); one that fails is a
failure of its own and does not drop the page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from tasks import unpack
from tasks.listing.article import further_pages, in_order
from tasks.listing.attached import ATTACHMENT_SUFFIXES, Attachment, attachments
from tasks.listing.html import MOST_BYTES as MOST_MARKUP
from tasks.records import Fetched, State, Wanted, snapshot_id_of
from tasks.report import page_images, pages, read, sniff
from tasks.urls import canonical_url

MOST_ATTACHMENTS = 10
MOST_BYTES = 40_000_000
"""All pages of one article together."""
_LINKS_DOCUMENT = re.compile(rf"\.(?:{'|'.join(ATTACHMENT_SUFFIXES)})\b".encode(), re.IGNORECASE)
_TOO_MANY = "too_many_attachments"
# Labels of all three tables: a page that says them in text is not looked through for pictures.
_TABLE_LABELS = [
    [label.encode(encoding) for label in ("行政强制", "科研机构", "尚未审结")]
    for encoding in ("utf-8", "gb18030")
]
_MAY_BE_PICTURES = {"needs_ocr", "attachment_only", "missing_tables"}


class Archived(Protocol):
    """What the archive knows of documents (`tasks.snapshot.Known`)."""

    states: dict[str, State]
    snapshots: dict[str, str]

    def children(self, document_id: str) -> list[State]:
        """The attachments known of a page."""


@dataclass(frozen=True, slots=True)
class Gatherer:
    """Fetches documents whole. `get` fetches one address; `known` says what the archive has."""

    get: Callable[[Wanted], Fetched]
    known: Archived

    def document(self, wanted: Wanted) -> Iterator[Fetched]:
        """One document: its own row first, then a row for everything below it."""
        page, failed = self.with_pictures(self.whole(wanted))
        yield page
        yield from failed
        yield from self._members(page, page.document_id)
        if page.body is not None and unpack.is_archive(page.body):
            return
        links = self._links(page)
        for child in self._attachments_of(page, links[:MOST_ATTACHMENTS]):
            row = self.get(child)
            yield row
            yield from self._members(row, page.document_id)
        if len(links) > MOST_ATTACHMENTS:
            yield _beyond(page, links)

    def whole(self, wanted: Wanted) -> Fetched:
        """One document's own row, with all the pages of its article joined.

        Such a document is asked for unconditionally (its first page cannot vouch for the others),
        and a page that is missing makes it fail: half an article is no document.
        """
        first = self.get(wanted)
        if first.body is None:
            return first
        start = first.final_url
        waiting = further_pages(first.body, start, start)
        got = {start: first}
        while waiting:
            url = waiting.pop(0)
            if url in got:
                continue
            row = self.get(Wanted(canonical_url(url), url))
            size = sum(len(r.body or b"") for r in got.values()) + len(row.body or b"")
            if row.body is None:
                said = f"page {len(got) + 1} of the article ({url}): {row.error_message}"
                return _without_body(first, row.error_code or "no_body", said, row.http_status)
            if len(got) >= pages.MOST_PAGES or size > MOST_BYTES:
                said = f"the article has more than {len(got)} pages or {MOST_BYTES} bytes"
                return _without_body(first, "too_large", said, None)
            got[url] = row
            more = further_pages(row.body, row.final_url, start)
            waiting = in_order([*waiting, *(u for u in more if u not in got)], start)
        if len(got) == 1:
            return first
        ordered = [start, *in_order(got, start)]
        return _joined(
            first, [pages.Part(u, got[u].content_type, got[u].body or b"") for u in ordered]
        )

    def with_pictures(self, page: Fetched) -> tuple[Fetched, list[Fetched]]:
        """A page together with the pictures that its tables may be, and the fetches that failed.

        The server's word that the page is unchanged goes for its pictures too, which have new names
        when they are new; not when one of them is still to be had.
        """
        if page.error_code is not None or page.body is None:
            return page, []
        parts = [pages.Part(page.final_url, page.content_type, page.body)]
        if page.body.startswith(sniff.PAGES):
            parts = pages.split(page.body)
        size = len(page.body)
        failed: list[Fetched] = []
        pictures: list[pages.Part] = []
        for url in _pictures_of(page, parts):
            row = self.get(Wanted(canonical_url(url), url, page.source_id, page.document_id))
            size += len(row.body or b"")
            if row.body is None:
                failed.append(row)
            elif sniff.kind(row.body) != "image":
                said = "what the page shows as a picture is none"
                failed.append(_without_body(row, "no_picture", said, row.http_status))
            elif size > MOST_BYTES:
                said = f"the page and its pictures have more than {MOST_BYTES} bytes"
                failed.append(_without_body(row, "too_large", said, row.http_status))
            elif page_images.may_hold_table(row.body):
                pictures.append(pages.Part(url, row.content_type, row.body))
        if not pictures:
            return (replace(page, etag=None, last_modified=None) if failed else page), failed
        whole = _joined(page, [*parts, *pictures])
        if len(parts) == 1 and not failed:
            whole = replace(whole, etag=page.etag, last_modified=page.last_modified)
        return whole, failed

    def with_state(self, wanted: Wanted) -> Wanted:
        """A wanted document with what the archive knows of it, for a conditional request."""
        state = self.known.states.get(wanted.document_id)
        if state is None or state.snapshot_id not in self.known.snapshots:
            return wanted  # a "not modified" would name bytes that are lost (a damaged part)
        return replace(
            wanted,
            etag=state.etag,
            last_modified=state.last_modified,
            snapshot_id=state.snapshot_id,
        )

    def _links(self, page: Fetched) -> list[Attachment]:
        """The documents that a received page links and that hold its report in its place."""
        if page.error_code is not None or page.body is None:
            return []
        if not _LINKS_DOCUMENT.search(page.body) or page.body[:5] == b"%PDF-":
            return []
        markup = _html(page.body)
        found = attachments(markup, page.final_url) if len(markup) <= MOST_MARKUP else []
        if not found or read(page.body, content_type=page.content_type, ocr=False).cells:
            return []  # the report stands on the page; what it links is a copy or something else
        return found

    def _attachments_of(self, page: Fetched, links: list[Attachment]) -> Iterator[Wanted]:
        """The documents to fetch along with a page: `links`, or those known of an unchanged one."""
        if page.error_code is not None:
            return
        if page.body is None:
            for state in self.known.children(page.document_id):
                skipped = unpack.is_member(state.document_id) or state.error_code == _TOO_MANY
                if not skipped and not page_images.PICTURE.search(state.url):
                    yield self.with_state(
                        Wanted(state.document_id, state.url, page.source_id, page.document_id)
                    )
            return
        for link in links:
            yield self.with_state(
                Wanted(
                    canonical_url(link.url),
                    link.url,
                    page.source_id,
                    page.document_id,
                    link_title=link.text or None,
                )
            )

    def _members(self, archive: Fetched, parent: str) -> Iterator[Fetched]:
        """What an archive holds, each a row below the page; unchanged ones when it is unchanged."""
        if archive.body is None:
            for state in self.known.children(parent) if archive.http_status == 304 else []:
                if state.document_id.startswith(f"{archive.document_id}!/"):
                    yield _confirmed(archive, state, parent)
            return
        if not unpack.is_archive(archive.body):
            return
        blank = replace(
            _without_body(archive, "archive_refused", "", None),  # no host answered with a member
            parent_document_id=parent,
            content_type=None,
            headers={},
            link_title=None,
        )
        try:
            found = unpack.members(archive.body, archive.document_id)
        except unpack.Refused as refusal:
            url = f"{archive.document_id}!/"
            yield replace(
                blank, document_id=url, url=url, final_url=url, error_message=str(refusal)
            )
            return
        for member in found:
            row = replace(
                blank,
                document_id=member.url,
                url=member.url,
                final_url=member.url,
                link_title=member.name,
            )
            if not member.body.strip():
                yield replace(row, error_code="empty_body", error_message="the file is empty")
                continue
            yield replace(
                row,
                body=member.body,
                size=len(member.body),
                snapshot_id=snapshot_id_of(member.body),
                error_code=None,
                error_message=None,
            )


def _pictures_of(page: Fetched, parts: list[pages.Part]) -> list[str]:
    """The addresses of the pictures that a page without all of its tables as text may need."""
    body = page.body or b""
    if (b"<img" not in body and b"<IMG" not in body) or len(body) > MOST_BYTES:
        return []
    if any(all(label in body for label in labels) for labels in _TABLE_LABELS):
        return []
    if sniff.kind(body) not in ("html", "pages"):
        return []
    reading = read(body, content_type=page.content_type, ocr=False)
    if reading.reason is None or reading.reason.code not in _MAY_BE_PICTURES:
        return []
    titled = reading.reason.code == "needs_ocr"
    return page_images.addresses(page_images.wanted(pages.assembled(parts), titled=titled))


def _joined(first: Fetched, parts: list[pages.Part]) -> Fetched:
    """The row of a document that came in several parts."""
    joined = pages.join(parts)
    return replace(
        first,
        body=joined,
        size=len(joined),
        snapshot_id=snapshot_id_of(joined),
        content_type=pages.CONTENT_TYPE,
        headers={"Content-Type": pages.CONTENT_TYPE},  # no single answer's headers are its own
        etag=None,
        last_modified=None,
    )


def _beyond(page: Fetched, links: list[Attachment]) -> Fetched:
    """The failure of the first attachment that is not fetched, speaking for those after it."""
    url = links[MOST_ATTACHMENTS].url
    more = len(links) - MOST_ATTACHMENTS
    said = (
        f"the page links {len(links)} documents; the limit is {MOST_ATTACHMENTS}, so this one and "
        f"what follows it ({more} together) were not fetched"
    )
    return Fetched(
        canonical_url(url),
        url,
        url,
        page.fetched_at,
        official=page.official,
        source_id=page.source_id,
        parent_document_id=page.document_id,
        link_title=links[MOST_ATTACHMENTS].text or None,
        error_code=_TOO_MANY,
        error_message=said,
    )


def _html(body: bytes) -> bytes:
    """The markup in which a document's links stand: all pages of an article together."""
    if body.startswith(sniff.PAGES):
        return b"\n".join(part.body for part in pages.split(body) if not part.is_picture)
    return body


def _without_body(row: Fetched, code: str, message: str, status: int | None) -> Fetched:
    return replace(
        row,
        body=None,
        size=None,
        snapshot_id=None,
        etag=None,
        last_modified=None,
        http_status=status,
        error_code=code,
        error_message=message,
    )


def _confirmed(archive: Fetched, state: State, parent: str) -> Fetched:
    """A member of an archive that the server said is as it was."""
    return Fetched(
        state.document_id,
        state.url,
        state.url,
        datetime.now(UTC),
        official=archive.official,
        source_id=archive.source_id,
        parent_document_id=parent,
        http_status=304,
        content_type=state.content_type,
        snapshot_id=state.snapshot_id,
    )
