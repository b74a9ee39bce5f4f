"""PDF opened within limits; what its pages show is read by `printed`.

pdfium is not thread-safe: everything that calls it happens under one lock of the process. Workers
that read PDFs in parallel are processes, not threads.
"""

from __future__ import annotations

import ctypes
import re
import threading
import zlib
from importlib import import_module
from typing import Any

import pypdfium2  # noqa: F401 - importing it initialises the library
import pypdfium2.raw as pdfium

from tasks.report import printed
from tasks.report.drawn import Budget, PageContent
from tasks.report.model import Place, Reject, Source
from tasks.report.pdf_grid import grids
from tasks.report.pdf_page import read_page

MOST_PAGES = 300
MOST_BYTES = 64 << 20
MOST_UNPACKED = 16 << 20  # bytes of page content; what a report needs is below 1 MB

LOCK = threading.Lock()
_STREAM = re.compile(rb"stream\r?\n(?=[\x08-\x78][\x01-\xff])")
_DICTIONARY = 400  # bytes before a stream in which its dictionary stands


def source(data: bytes, *, ocr: bool = False) -> Source:
    """The blocks of a PDF in reading order; a scan has pictures, and blocks only with `ocr`.

    Raises `Reject` with `broken_file`, `encrypted` or `too_large`.
    """
    if len(data) > MOST_BYTES:
        raise Reject("too_large", f"the PDF is larger than {MOST_BYTES >> 20} MB")
    _refuse_bomb(data)
    with LOCK:
        pages, title = _read(data, ocr=ocr)
    out = printed.source("pdf", pages)
    if title:
        out.meta["title"] = title
    # A file cut off in transfer still opens: pdfium rebuilds its index from what is there.
    out.complete = b"%%EOF" in data[-4096:]
    return out


def _refuse_bomb(data: bytes) -> None:
    """Rejects a PDF that unpacks to more than pdfium, which cannot be interrupted, should get.

    Pictures and fonts do not count: a scan holds large pictures, which are not unpacked to read
    text, and Chinese fonts have 15 MB.
    """
    left = MOST_UNPACKED
    for match in _STREAM.finditer(data):
        dictionary = data[max(0, match.start() - _DICTIONARY) : match.start()]
        if b"/Image" in dictionary or b"/Length1" in dictionary:
            continue
        end = data.find(b"endstream", match.end())
        packed = data[match.end() : end if end >= 0 else len(data)]
        try:
            left -= len(zlib.decompressobj().decompress(packed, left))
        except zlib.error:
            continue  # packed in another way
        if left <= 0:
            raise Reject("too_large", f"the PDF unpacks to more than {MOST_UNPACKED >> 20} MB")


def _read(data: bytes, *, ocr: bool) -> tuple[list[printed.Page], str]:
    document = pdfium.FPDF_LoadMemDocument64(data, len(data), None)
    if not document:
        error = pdfium.FPDF_GetLastError()
        if error in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
            raise Reject("encrypted", "the PDF needs a password")
        raise Reject("broken_file", "the PDF cannot be opened")
    try:
        count = pdfium.FPDF_GetPageCount(document)
        if count > MOST_PAGES:
            raise Reject("too_large", f"the PDF has {count} pages, more than {MOST_PAGES}")
        if count < 1:
            raise Reject("broken_file", "the PDF has no pages")
        budget = Budget("pdf")
        pages = [printed.understand(_page(document, k, budget, ocr)) for k in range(count)]
        return pages, _title(document)
    finally:
        pdfium.FPDF_CloseDocument(document)


def _page(document: Any, index: int, budget: Budget, ocr: bool) -> PageContent:
    page = pdfium.FPDF_LoadPage(document, index)
    if not page:
        # Going on without it could leave the middle of a table out unnoticed.
        place = Place("pdf", page=index + 1)
        raise Reject("broken_file", f"page {index + 1} of the PDF cannot be opened", place)
    try:
        content = read_page(page, index + 1, budget)
        if ocr and content.pictures and not grids(content.across, content.down):
            seen: PageContent = import_module("tasks.report.ocr.scanned").seen(page, content)
            return seen
        return content
    finally:
        pdfium.FPDF_ClosePage(page)


def _title(document: Any) -> str:
    """The title in the file's own properties: often a template's, so it is only `meta`."""
    size = pdfium.FPDF_GetMetaText(document, b"Title", None, 0)
    if not 2 < size <= 2000:
        return ""
    buffer = ctypes.create_string_buffer(size)
    pdfium.FPDF_GetMetaText(document, b"Title", buffer, size)
    return buffer.raw[:size].decode("utf-16-le", "replace").rstrip("\0").strip()
