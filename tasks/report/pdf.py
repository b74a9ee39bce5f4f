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
MOST_OF_FONTS = 96 << 20

LOCK = threading.Lock()
_STREAM = re.compile(rb"stream\r?\n(?=[\x08-\x78][\x01-\xff])")
_DICTIONARY = 400  # bytes before a stream in which its dictionary stands
_OBJECT = re.compile(rb"(\d+)\s+\d+\s+obj(?!.*\sobj)", re.DOTALL)
_CONTENTS = re.compile(rb"/Contents\s*(\[[^\]]{0,4000}\]|\d+\s+\d+\s+R)")
_REFERENCE = re.compile(rb"(\d+)\s+\d+\s+R")
_MOST_PACKINGS = 4


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

    Pictures do not count: they are not unpacked to read text. Fonts count by themselves: Chinese
    ones have 15 MB. What a page draws counts whatever its dictionary calls itself.
    """
    drawn = set(_CONTENTS.findall(data))
    others = []
    left = MOST_UNPACKED
    for match in _STREAM.finditer(data):
        dictionary = data[max(0, match.start() - _DICTIONARY) : match.start()]
        dictionary = dictionary[dictionary.rfind(b" obj") :]
        if b"/Image" in dictionary or b"/Length1" in dictionary:
            others.append((match, dictionary))
            continue
        unpacked = _unpacked(data, match, left)
        left -= len(unpacked)
        if left <= 0:
            raise _too_large(MOST_UNPACKED)
        drawn.update(_CONTENTS.findall(unpacked))  # pages may be packed themselves
    numbers = {number for group in drawn for number in _REFERENCE.findall(group)}
    fonts = MOST_OF_FONTS
    for match, dictionary in others:
        named = _OBJECT.search(data[max(0, match.start() - _DICTIONARY) : match.start()])
        if b"/Form" in dictionary or (named and named[1] in numbers):
            left -= len(_unpacked(data, match, left))
        elif b"/Image" not in dictionary:
            fonts -= len(_unpacked(data, match, fonts))
        if left <= 0 or fonts <= 0:
            raise _too_large(MOST_UNPACKED if left <= 0 else MOST_OF_FONTS)


def _too_large(most: int) -> Reject:
    return Reject("too_large", f"the PDF unpacks to more than {most >> 20} MB")


def _unpacked(data: bytes, match: re.Match[bytes], most: int) -> bytes:
    """What a stream unpacks to, as far as `most`; a stream may be packed several times."""
    end = data.find(b"endstream", match.end())
    content = data[match.end() : end if end >= 0 else len(data)]
    for _ in range(_MOST_PACKINGS):
        try:
            content = zlib.decompressobj().decompress(content, most)
        except zlib.error:
            break  # unpacked, or packed in another way
    return content


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
