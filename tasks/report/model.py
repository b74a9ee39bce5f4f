"""The records that pass between the stages of the reader.

A *source* (HTML, text, PDF, a sheet) becomes a `Source`: paragraphs and table rows in reading
order, each with its place. Recognition turns a `Source` into a `Reading`: either the cells of one
statutory form with metadata, or a rejection that names the place. Nothing here reads files, talks
to a network or knows an orchestrator.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Literal, NamedTuple

Form = Literal["2019", "2021"]
Scope = Literal["own", "area"]
Outcome = Literal["parsed", "rejected"]
Status = Literal["reported", "forced", "blank", "mark", "unread", "repaired"]
Verdict = Literal["holds", "violated", "cannot_tell"]


class Place(NamedTuple):
    """Where something stands in its source, so that a person can look at it.

    `table`, `row` and `cell` count from 1 in source order (the cells as the source lists them, not
    as spans expand them); `page` counts from 1; `box` is (left, top, right, bottom) in points from
    the page's top left corner; `line` counts from 1.
    """

    kind: str  # html, text, pdf, ofd, docx, sheet, image
    table: int | None = None
    row: int | None = None
    cell: int | None = None
    page: int | None = None
    box: tuple[float, float, float, float] | None = None
    line: int | None = None

    def as_json(self) -> dict[str, object]:
        """The place as a JSON object without its empty fields."""
        return {k: v for k, v in self._asdict().items() if v is not None}

    def encode(self) -> str:
        """The place as one short text, e.g. `html table 2 row 5 cell 3`; the form stored."""
        return _encoded(self)


@lru_cache(maxsize=16384)  # two hundred cells a report, at the same places as in the one before
def _encoded(place: Place) -> str:
    parts = [place.kind]
    for name in ("page", "table", "row", "cell", "line"):
        if (value := getattr(place, name)) is not None:
            parts.append(f"{name} {value}")
    if place.box is not None:
        parts.append("box " + ",".join(f"{v:.1f}" for v in place.box))
    return " ".join(parts)


UNSURE = "\ufffd"
"""Stands in a cell's text for what a document shows there otherwise than as text, or shows so that
nobody would read it as a part of the number beside it: no number has it, and no blank."""


class SourceCell(NamedTuple):
    """One cell as its source lists it. `text` is verbatim, with "\\n" where blocks break."""

    text: str
    place: Place
    rowspan: int = 1
    colspan: int = 1


class SourceRow(NamedTuple):
    """One table row as its source lists it: only the cells that begin in this row.

    `table` numbers the innermost table that holds the row, from 1.
    """

    cells: tuple[SourceCell, ...]
    table: int


class Paragraph(NamedTuple):
    """A run of text outside the innermost tables. `heading` when the source marks it as one."""

    text: str
    place: Place
    heading: bool = False


Block = Paragraph | SourceRow


class Image(NamedTuple):
    """A picture of a page that may hold a table, and how many blocks stand before it.

    `url` is as the page writes it, or absolute where the page's own address is known; `data` is
    there when the picture came with the document.
    """

    url: str
    at: int = 0
    data: bytes | None = None


Looks = dict[tuple[int, tuple[float, float, float, float]], tuple[str, ...]]
"""What the cells of pictures may show, by page and box: readings, the likeliest first."""


@dataclass(slots=True)
class Source:
    """A document before recognition: blocks in reading order and what the page says of itself."""

    kind: str  # html, text, pdf, ofd, docx, sheet
    blocks: list[Block]
    title: str | None = None
    meta: dict[str, str] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    menu: set[str] = field(default_factory=set)  # texts of links to reports, without spaces
    pictures: int = 0  # pictures large enough to hold a table, in the body
    images: list[Image] = field(default_factory=list)  # those of an HTML page, in reading order
    base: str | None = None  # what the page says its addresses are relative to
    shows_columns: bool = True  # False for text in which only the order of cells is left
    hidden: bool = False  # the page hides tables of its own that were left out
    complete: bool = True  # False when the source visibly ends before its own end
    looks: Looks = field(default_factory=dict)  # of pictures, for cells without a label


class Link(NamedTuple):
    """A link, frame or embedded object as the page writes it (`url` not yet resolved)."""

    url: str
    text: str
    rel: str = "a"  # a, iframe, embed, object


class Cell(NamedTuple):
    """One cell of the statutory form, `cell` being its dotted code in `statutory_form.csv`.

    `value` is in the form's unit; `as_published` is the text on the page before normalisation;
    `identity` names the identity that forces a `forced` value.
    """

    cell: str
    value: Decimal | None
    as_published: str
    status: Status
    place: Place | None
    identity: str | None = None


class Finding(NamedTuple):
    """What one check says of one report; identities 1-4 take their names from `identities.csv`."""

    rule: str
    identity: str
    cells: tuple[str, ...]
    verdict: Verdict
    message: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a document was not read: a code of `reasons.csv`, one plain sentence, and the place.

    `others` are further cells of a picture that a person should look at.
    """

    code: str
    message: str
    place: Place | None = None
    others: tuple[Place, ...] = ()


class ProseNumber(NamedTuple):
    """A number that a sentence of the report gives for a figure of its tables (identity 7)."""

    measure: str
    value: int
    sentence: str


@dataclass(slots=True)
class Reading:
    """All that was understood of one document. `cells` holds every cell of the form, in order."""

    outcome: Outcome
    reason: Rejection | None = None
    metadata: dict[str, str | None] = field(default_factory=dict)
    issuing_unit: str | None = None
    report_year: int | None = None
    report_year_evidence: str | None = None
    form: Form | None = None
    scope: Scope | None = None
    scope_evidence: str | None = None
    cells: list[Cell] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    sections: dict[str, str] = field(default_factory=dict)
    prose_numbers: list[ProseNumber] = field(default_factory=list)
    attachments: list[str] = field(default_factory=list)
    source_kind: str = ""


class Reject(Exception):  # noqa: N818 - a refusal with a reason, not an error of the program
    """Raised anywhere in the reader to refuse the document."""

    def __init__(
        self, code: str, message: str, place: Place | None = None, others: tuple[Place, ...] = ()
    ) -> None:
        super().__init__(message)
        self.rejection = Rejection(code, message, place, others)
