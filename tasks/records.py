"""The records that pass between stages, and the two ways a stage refuses.

Every stage imports this module and none imports another stage. Column names of the archive and
of `runs/` (docs/architecture.md) are the field names here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Literal, NamedTuple

Origin = Literal["fetched", "archived", "imported"]
Stage = Literal["discover", "fetch", "parse"]
RunKind = Literal["nightly", "replay", "ingest"]
OutcomeName = Literal[
    "parsed", "rejected", "duplicate", "unchanged", "quarantined", "skipped", "failed"
]
OUTCOMES: tuple[OutcomeName, ...] = (
    "parsed",
    "rejected",
    "duplicate",
    "unchanged",
    "quarantined",
    "skipped",
    "failed",
)

# Why a URL may not be believed (one plain sentence), or None when it is official.
Official = Callable[[str], str | None]


def snapshot_id_of(body: bytes) -> str:
    """The name of some bytes: their SHA-256 in hex."""
    return hashlib.sha256(body).hexdigest()


class BadInput(Exception):  # noqa: N818 - the user's to mend, not a fault of the program
    """One line that says what is wrong, where, and what to do; the command line exits with 2."""


class Busy(BadInput):
    """Another run holds the warehouse."""


class DiskFull(BadInput):
    """There is no space left to write; what is at rest is as it was."""


class AccountingError(Exception):
    """Discovered documents and outcomes do not match one to one; nothing may be published."""


class Source(NamedTuple):
    """One row of the sources file: a site's listing, reviewed by a person.

    `pattern`: a regular expression that decides alone which titles or addresses are reports.
    `delay`: seconds to leave between requests to this host. `tls`: `legacy` for old servers.
    """

    source_id: str
    division_code: str
    host: str
    listing_url: str
    kind: str
    unit_name: str
    status: str
    reviewed_on: str
    notes: str
    pattern: str = ""
    delay: str = ""
    tls: str = ""


@dataclass(frozen=True, slots=True)
class Discovered:
    """A document that a listing names; `document_id` is its canonical URL.

    `refusal` says why it is not official (the document is then quarantined, not fetched).
    """

    document_id: str
    url: str
    source_id: str
    listing_url: str
    link_title: str
    link_date: str | None
    official: bool
    refusal: str | None = None


class Candidate(NamedTuple):
    """A link of a listing that looked like a report and was not taken, with the reason."""

    source_id: str
    listing_url: str
    url: str
    link_title: str
    link_date: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """One document to fetch, with what the archive knows of it for a conditional request."""

    document_id: str
    url: str
    source_id: str | None = None
    parent_document_id: str | None = None
    link_title: str | None = None
    link_date: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    snapshot_id: str | None = None
    fields: tuple[tuple[str, str], ...] = ()  # of a POST, as listings may want it


@dataclass(frozen=True, slots=True)
class Fetched:
    """One fetch: a row of the archive. `error_code` is None when `body` or a 304 came.

    `snapshot_id` is the SHA-256 (hex) of `body`; after a 304 it repeats the snapshot the server
    confirmed, and `body` is None. `size` counts decoded bytes.
    """

    document_id: str
    url: str
    final_url: str
    fetched_at: datetime
    origin: Origin = "fetched"
    official: bool = False
    source_id: str | None = None
    parent_document_id: str | None = None
    http_status: int | None = None
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    snapshot_id: str | None = None
    size: int | None = None
    body: bytes | None = field(default=None, repr=False)
    link_title: str | None = None
    link_date: str | None = None
    error_code: str | None = None
    error_message: str | None = None


class State(NamedTuple):
    """What the archive last knew of one document: the newest row that carried a snapshot.

    `error_code` is of the newest row of all, so a document that failed last time shows it.
    """

    document_id: str
    url: str
    parent_document_id: str | None
    source_id: str | None
    etag: str | None
    last_modified: str | None
    snapshot_id: str | None
    content_type: str | None
    error_code: str | None
    link_title: str | None = None


class ReadingSummary(NamedTuple):
    """What accounting needs of the reading of one snapshot; `outcome` is parsed or rejected."""

    outcome: Literal["parsed", "rejected"]
    code: str | None = None
    message: str | None = None
    place: str | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """What became of one discovered document in one run; also the shape of a problem row."""

    document_id: str
    url: str
    outcome: OutcomeName
    stage: Stage
    code: str | None = None
    message: str | None = None
    place: str | None = None
    snapshot_id: str | None = None
    duplicate_of: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """The sum of one run: discovered = the seven outcomes together."""

    discovered: int = 0
    parsed: int = 0
    rejected: int = 0
    duplicate: int = 0
    unchanged: int = 0
    quarantined: int = 0
    skipped: int = 0
    failed: int = 0

    def as_dict(self) -> dict[str, int]:
        """The counts by name, in the order of the class."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @property
    def closes(self) -> bool:
        """Whether the outcomes add up to what was discovered."""
        counts = self.as_dict()
        return self.discovered == sum(counts[name] for name in OUTCOMES)
