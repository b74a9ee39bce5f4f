"""Any figures × layout × fault as one page, and what a reader must make of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.publisher import figures as maker
from tests.publisher import layouts, styles
from tests.publisher.blanks import scattered, undecided, zeros_left_out
from tests.publisher.document import Document, document
from tests.publisher.encodings import ENCODINGS
from tests.publisher.faults import FAULTS, Expect, Fault
from tests.publisher.figures import Figures
from tests.publisher.form import Form

MAKERS: dict[str, Callable[[Form, int], Figures]] = {
    "consistent": maker.consistent,
    "probe": maker.probe,
    "probe_consistent": maker.probe_consistent,
    "zeros_left_out": lambda form, seed: zeros_left_out(maker.consistent(form, seed)),
    "slashes": lambda form, seed: zeros_left_out(maker.consistent(form, seed), "/"),
    "scattered": lambda form, seed: scattered(maker.consistent(form, seed), seed),
    "undecided": lambda form, seed: undecided(maker.consistent(form, seed), seed),
}
"""Kinds of figures by name: each takes a form and a seed."""

_SIMPLE = {
    "clean",
    "word",
    "headed",
    "ancient",
    "split_digits",
    "divided",
    "broken_labels",
    "half_width",
    "per_clause",
    "trailing_row",
}
"""Bodies in which one harmless fault hides nothing."""


@dataclass(frozen=True, slots=True)
class Case:
    """One page. `document.figures` is the truth where the page is read at all."""

    document: Document
    page: bytes
    expect: Expect
    content_type: str


def case(
    which: Form,
    seed: int,
    *,
    figures: str | Figures = "consistent",
    layout: str = "clean/table/utf8",
    fault: str = "none",
    number_style: str = "plain",
) -> Case:
    """Renders one case; everything follows from the arguments."""
    known = MAKERS[figures](which, seed) if isinstance(figures, str) else figures
    known = styles.printed_as(known, number_style)
    harm = FAULTS[fault]
    whole = document(known, seed=seed)
    rendered = _rendered(harm.on(whole, seed), layout, harm, seed)
    expect = _expect(whole, layout, harm)
    if number_style == "gapped" and expect == "read" and not _whole(whole):
        expect = "either"  # “5 17” beside a blank may be two cells run together
    return Case(whole, rendered.body, expect, rendered.content_type)


def fits(which: Form, layout: str, fault: str) -> bool:
    """Whether a fault can be done to a layout and leaves something to tell it by.

    Tags need HTML, wrong spans need spans, and torn text is not made of tables. In a grid that is
    filled up with blanks a dropped cell moves its neighbours for everyone to see, and where labels
    are erased rows that trade places look like any others: no reader could know.
    """
    html = layout.count("/") == 2
    torn = which == "2019" and layout == "text/pdf_text"
    harm = FAULTS[fault]
    ruled = layout in layouts.FILES and fault.startswith(("rowspan", "colspan"))
    padded = layout in layouts.FILES or layout in ("text/pdf_text", "text/pipes")
    ruled = ruled or (padded and fault == "dropped_number")
    unlabelled = ("erased" in layout or layout == "text/pipes") and fault == "swapped_rows"
    possible = (harm.page is None or html) and (harm.tables is None or not torn)
    return possible and not ruled and not unlabelled


def _rendered(document: Document, layout: str, harm: Fault, seed: int) -> layouts.Rendered:
    if harm.page is None:
        return layouts.publish(document, layout)
    body, wrapper, encoding = layout.split("/")
    page = harm.on_page(layouts.html(document, body, wrapper), seed)
    return layouts.Rendered(ENCODINGS[encoding](page), "text/html", "html")


def _expect(document: Document, layout: str, harm: Fault) -> Expect:
    plain = layouts.expect(document, layout)
    body = layout.split("/")[0]
    copied = body.startswith("copies")
    if harm.name == "none":
        return plain
    if harm.destroys:  # a page may end in the second copy, the first being whole
        blank = any(figure.kind != "number" for figure in document.figures.cells.values())
        spared = (harm.name == "cut" and copied) or (harm.name == "dropped_number" and blank)
        return "either" if spared else "reject"
    return harm.expect if plain == "read" and body in _SIMPLE and _whole(document) else "either"


def _whole(document: Document) -> bool:
    """Whether every cell prints a number."""
    return all(figure.kind == "number" for figure in document.figures.cells.values())
