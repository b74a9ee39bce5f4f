"""The demo site: virtual official hosts, their pages, and the truth about each of them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import Literal

from tests.publisher.figures import Figures
from tests.publisher.form import Form
from tests.publisher.prose import Scope
from tests.publisher.server import Resource

Outcome = Literal["parsed", "rejected", "duplicate", "quarantined", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Truth:
    """What a run must make of one discovered document."""

    url: str
    outcome: Outcome
    title: str
    published: str
    source_id: str | None
    figures: Figures | None = None
    form: Form | None = None
    unit: str | None = None
    division_code: str | None = None
    year: int | None = None
    scope: Scope | None = None
    layout: str | None = None
    why: str | None = None  # what is the matter with it, in a word
    issuing_unit: str | None = None  # verbatim: the header's, else the signature
    attachment: str | None = None  # the child document that holds the report


@dataclass(frozen=True, slots=True)
class Source:
    """One row of the sources file."""

    source_id: str
    division_code: str
    host: str
    listing_url: str
    kind: str
    unit_name: str
    status: str = "allowed"
    reviewed_on: str = "2025-11-01"
    notes: str = ""


@dataclass(slots=True)
class Site:
    """Pages by URL, the truth by URL, and the sources that lead there."""

    pages: dict[str, Resource] = field(default_factory=dict)
    truth: dict[str, Truth] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)

    def sources_csv(self) -> str:
        """The text of a sources file that covers this site."""
        text = io.StringIO()
        names = list(Source.__dataclass_fields__)
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([getattr(source, name) for name in names] for source in self.sources)
        return text.getvalue()

    def expected(self) -> dict[str, int]:
        """How many documents a first run must count under each outcome."""
        counts: dict[str, int] = {"discovered": len(self.truth)}
        for truth in self.truth.values():
            counts[truth.outcome] = counts.get(truth.outcome, 0) + 1
        return counts
