"""The layouts: how one document becomes one page.

An HTML page is a body (how the report itself is written) inside a wrapper (what the site puts
around it) in an encoding. Everything else is a whole of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tests.publisher.document import Document
from tests.publisher.encodings import ENCODINGS
from tests.publisher.layouts import clean, editors, word, wrappers
from tests.publisher.shapes import SHAPES, Shape

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
    """The page of a layout named `body/wrapper/encoding`."""
    body, wrapper, encoding = layout.split("/")
    page = ENCODINGS[encoding](html(document, body, wrapper))
    return Rendered(page, "text/html", "html")


def rotation(number: int) -> str:
    """A layout for the n-th page of a site, so that every body, wrapper and encoding comes up."""
    bodies, around, ways = list(BODIES), list(wrappers.WRAPPERS), list(ENCODINGS)
    encoding = ways[number // 3 % len(ways)] if number % 3 == 0 else "utf8"
    return f"{bodies[number % len(bodies)]}/{around[number % len(around)]}/{encoding}"
