"""Pages that only show themselves, read: pictures, and what a PDF's page looks like."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pypdfium2.raw as pdfium

from tasks.report import printed
from tasks.report.drawn import Glyph, PageContent
from tasks.report.model import Reject, Source
from tasks.report.ocr_page import read_picture
from tasks.report.ocr_picture import LONGEST_SIDE, open_pictures, upright
from tasks.report.pdf_grid import grids

MOST_PAGES = 40
RENDERED_DPI = 200.0


def source(pictures: Sequence[bytes]) -> Source:
    """The blocks of pictures that make one report."""
    pages: list[printed.Page] = []
    for data in pictures:
        for picture in open_pictures(data):
            if len(pages) >= MOST_PAGES:
                raise Reject("too_large", f"the pictures have more than {MOST_PAGES} pages")
            pages.append(printed.understand(read_picture(picture, len(pages) + 1)))
    return printed.source("image", pages)


def seen(page: Any, content: PageContent) -> PageContent:
    """A PDF's page of which only a picture is known; text that it has beside its tables stays."""
    if content.number > MOST_PAGES:
        raise Reject("too_large", f"the scan has more than {MOST_PAGES} pages")
    looks = read_picture(upright(_rendered(page)), content.number, content.width)
    if content.glyphs:
        tables = grids(looks.across, looks.down) or []

        def in_table(g: Glyph) -> bool:
            x, y = (g.x0 + g.x1) / 2, (g.y0 + g.y1) / 2
            return any(t.find(x, y) is not None for t in tables)

        looks.glyphs = [
            *(g for g in looks.glyphs if in_table(g)),
            *(g for g in content.glyphs if not in_table(g)),
        ]
    return looks


def _rendered(page: Any) -> npt.NDArray[Any]:
    """The page as a reader sees it, in RGB. The caller holds pdfium's lock."""
    width, height = pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page)
    scale = min(RENDERED_DPI / 72, LONGEST_SIDE / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    bitmap = pdfium.FPDFBitmap_Create(*size, 0)
    try:
        pdfium.FPDFBitmap_FillRect(bitmap, 0, 0, *size, 0xFFFFFFFF)
        pdfium.FPDF_RenderPageBitmap(bitmap, page, 0, 0, *size, 0, pdfium.FPDF_ANNOT)
        stride = pdfium.FPDFBitmap_GetStride(bitmap)
        length = stride * size[1]
        held = ctypes.string_at(pdfium.FPDFBitmap_GetBuffer(bitmap), length)
    finally:
        pdfium.FPDFBitmap_Destroy(bitmap)
    bgrx = np.frombuffer(held, np.uint8).reshape(size[1], stride)[:, : 4 * size[0]]
    return bgrx.reshape(size[1], size[0], 4)[:, :, 2::-1]
