"""The layouts: how one document becomes one page.

An HTML page is a body (how the report itself is written) inside a wrapper (what the site puts
around it) in an encoding. Everything else is a whole of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tests.publisher.document import Document
from tests.publisher.docx import docx
from tests.publisher.encodings import ENCODINGS
from tests.publisher.faults import Expect
from tests.publisher.layouts import clean, editors, word, wrappers
from tests.publisher.layouts.text import TEXTS
from tests.publisher.ofd import ofd
from tests.publisher.pdf import pdf
from tests.publisher.shapes import SHAPES, Shape
from tests.publisher.xlsx import xlsx

Body = Callable[[Document], str]


def _shaped(body: Body, shape: Shape) -> Body:
    return lambda document: body(document.reshaped(shape))


BODIES: dict[str, Body] = {
    "clean": clean.body,
    "word": word.body,
    "headed": editors.headed,
    "ancient": editors.ancient,
    "split_digits": editors.split_digits,
    "divided": editors.divided,
    "layout_page": editors.layout_page,
    "layout_tables": editors.layout_tables,
    "copies": editors.copies,
    "copies_whole": editors.copies_whole,
    **{name: _shaped(clean.body, shape) for name, shape in SHAPES.items() if name != "official"},
    "word_erased": _shaped(word.body, SHAPES["erased_zero"]),
    "word_joined": _shaped(word.body, SHAPES["joined"]),
}
"""How the report is written: a style, or a shape of its tables in the plainest style."""


class Rendered(NamedTuple):
    """A page as it is served: `suffix` is how its URL ends."""

    body: bytes
    content_type: str
    suffix: str


def html(document: Document, body: str = "clean", wrapper: str = "table") -> str:
    """A whole HTML page as text; `encodings` turns it into bytes."""
    return wrappers.WRAPPERS[wrapper](document.head, BODIES[body](document))


def publish(document: Document, layout: str) -> Rendered:
    """The page of a layout: `body/wrapper/encoding`, `text/FORM`, or one of `FILES`."""
    if layout in FILES:
        return FILES[layout](document)
    body, wrapper, *rest = layout.split("/")
    if body == "text":
        return Rendered(TEXTS[wrapper](document).encode(), "text/plain; charset=utf-8", "txt")
    page = ENCODINGS[rest[0]](html(document, body, wrapper))
    return Rendered(page, "text/html", "html")


_OFFICE = "application/vnd.openxmlformats-officedocument"
FILES: dict[str, Callable[[Document], Rendered]] = {
    "pdf": lambda d: Rendered(pdf(d), "application/pdf", "pdf"),
    "pdf_kangxi": lambda d: Rendered(pdf(d, kangxi=True), "application/pdf", "pdf"),
    "pdf_cut": lambda d: Rendered(
        pdf(d, push=37, cut_rows=True, open_bottom=True), "application/pdf", "pdf"
    ),
    "pdf_repeated": lambda d: Rendered(
        pdf(d, push=120, repeat_header=True), "application/pdf", "pdf"
    ),
    "docx": lambda d: Rendered(docx(d), f"{_OFFICE}.wordprocessingml.document", "docx"),
    "xlsx": lambda d: Rendered(xlsx(d), f"{_OFFICE}.spreadsheetml.sheet", "xlsx"),
    "xlsx_sheets": lambda d: Rendered(
        xlsx(d, sheets=True), f"{_OFFICE}.spreadsheetml.sheet", "xlsx"
    ),
    "ofd": lambda d: Rendered(ofd(d), "application/ofd", "ofd"),
    "ofd_scaled": lambda d: Rendered(ofd(d, scaled=True), "application/ofd", "ofd"),
}
"""Layouts that are files, served as attachments or straight from a listing."""


def expect(document: Document, layout: str) -> Expect:
    """What a reader must make of an undamaged document in a layout.

    Where text was extracted with its columns lost, a blank at the end of a row cannot be told from
    the padding behind it; where it was torn as well, a reader may always have too little.
    """
    blank = any(figure.kind == "blank" for figure in document.figures.cells.values())
    lost = layout == "text/pdf_text" or (layout == "text/pipes" and blank)
    return "either" if lost else "read"


def all_layouts() -> list[str]:
    """Every body, every wrapper, every encoding, every text form and every file, once at least."""
    names = [f"{body}/table/utf8" for body in BODIES]
    names += [f"clean/{wrapper}/utf8" for wrapper in wrappers.WRAPPERS if wrapper != "table"]
    names += [f"clean/table/{encoding}" for encoding in ENCODINGS if encoding != "utf8"]
    return [*names, *(f"text/{form}" for form in TEXTS), *FILES]


def rotation(number: int) -> str:
    """A layout for the n-th page of a site, so that every body, wrapper and encoding comes up."""
    bodies, around, ways = list(BODIES), list(wrappers.WRAPPERS), list(ENCODINGS)
    encoding = ways[number // 3 % len(ways)] if number % 3 == 0 else "utf8"
    return f"{bodies[number % len(bodies)]}/{around[number % len(around)]}/{encoding}"
