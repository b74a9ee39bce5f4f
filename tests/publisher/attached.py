"""Pages whose report is a file that they link to or embed."""

from __future__ import annotations

import io
import zipfile

from tests.publisher.document import Document
from tests.publisher.layouts import FILES, Rendered, clean, wrappers


def url_of(page_url: str, layout: str, number: int, suffix: str | None = None) -> str:
    """Where the file of a page lies: beside it, under a name that tells nothing."""
    folder = page_url.rsplit("/", 1)[0]
    return f"{folder}/W0{20240100 + number:08d}{number:06d}.{suffix or layout.split('_')[0]}"


def zipped(body: bytes, name: str) -> bytes:
    """A zip of one file; the same bytes every time."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name, (2024, 1, 2, 3, 4, 6)), body)
    return packed.getvalue()


def page(document: Document, layout: str, number: int, suffix: str | None = None) -> Rendered:
    """A page without tables that leads to the file; Kangxi PDFs are embedded in a frame."""
    assert layout in FILES
    name = url_of("/", layout, number, suffix).rsplit("/", 1)[1]
    title = document.head.title
    if layout == "pdf_kangxi":
        inner = f'<iframe src="./{name}" width="100%" height="900"></iframe>\n'
    else:
        inner = (
            f"<p>{title}已经发布，全文见附件。</p>\n"
            f'<p>附件：<a href="./{name}">{title}.{name.rsplit(".", 1)[1]}</a></p>\n'
        )
    body = f"<h1>{clean.lines(title)}</h1>\n{inner}"
    return Rendered(wrappers.table(document.head, body).encode(), "text/html", "html")
