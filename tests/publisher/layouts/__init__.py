"""The layouts: how one document becomes one page.

An HTML page is a body (how the report itself is written) inside a wrapper (what the site puts
around it) in an encoding. Everything else is a whole of its own.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.publisher.document import Document
from tests.publisher.layouts import clean, wrappers

Body = Callable[[Document], str]

BODIES: dict[str, Body] = {
    "clean": clean.body,
}


def html(document: Document, body: str = "clean", wrapper: str = "table") -> str:
    """A whole HTML page as text; `encodings` turns it into bytes."""
    return wrappers.WRAPPERS[wrapper](document.head, BODIES[body](document))
