"""Pages that only show themselves, read: pictures, and what a PDF's page looks like."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pypdfium2.raw as pdfium

from tasks.report import pdf, printed
from tasks.report.drawn import Box, Glyph, PageContent
from tasks.report.model import Place, Reject, Source
from tasks.report.numbers import UNREAD
from tasks.report.ocr.page import WIDTH, read_picture, standing
from tasks.report.ocr.picture import LONGEST_SIDE, Picture, colours, open_pictures, upright
from tasks.report.pdf_grid import grids

MOST_PAGES = 40
EDGE = 12.0  # points of the page that a scan of it may leave out
RENDERED_DPI = 200.0  # of a page that is drawn
COARSEST_DPI = 140.0  # of a scan that is read as it is
_AROUND = 60.0  # points shown above and below doubtful cells


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
    return _with_text(looks, content)


def assembled(
    pictures: Sequence[tuple[Box, bytes]], content: PageContent, over: Sequence[Box] = ()
) -> PageContent:
    """A page that shows pictures, each in its box, read as one picture; text beside them stays, and
    what something else is drawn `over` is unread."""
    if content.number > MOST_PAGES:
        raise Reject("too_large", f"the scan has more than {MOST_PAGES} pages")
    (left, top, right, bottom), data = pictures[0]
    whole = max(left, top, content.width - right, content.height - bottom) < EDGE
    if len(pictures) > 1 or not whole:  # scanned in strips, or a part of the page
        shown = _pasted(((box, next(colours(each))) for box, each in pictures), content)
    else:
        shown = next(colours(data))
    looks = read_picture(upright(shown), content.number, content.width)
    _hide(looks, over)
    return _with_text(looks, content)


def _hide(looks: PageContent, over: Sequence[Box]) -> None:
    """Makes unread what stands in cells over which something else is drawn."""
    if over and looks.turned:
        raise Reject("uncertain_picture", "something is drawn over a scan that lies on its side")
    for table in grids(looks.across, looks.down) or [] if over else []:
        for cell in table.cells:
            left, right = table.xs[cell.column], table.xs[cell.column + cell.colspan]
            top, bottom = table.ys[cell.row], table.ys[cell.row + cell.rowspan]
            if any(left < b[2] and b[0] < right and top < b[3] and b[1] < bottom for b in over):
                looks.glyphs = [
                    g
                    for g in looks.glyphs
                    if not (left < (g.x0 + g.x1) / 2 < right and top < (g.y0 + g.y1) / 2 < bottom)
                ]
                looks.glyphs.append(Glyph(UNREAD, left + 1, top + 1, right - 1, bottom - 1))
                looks.looks[round(left, 1), round(top, 1), round(right, 1), round(bottom, 1)] = ()


def _pasted(
    drawn: Iterable[tuple[Box, npt.NDArray[Any]]], content: PageContent
) -> npt.NDArray[Any]:
    """A white page with pictures in their boxes."""
    scale = min(RENDERED_DPI / 72, LONGEST_SIDE / max(content.width, content.height))
    high, wide = round(content.height * scale), round(content.width * scale)
    page = np.full((high, wide, 3), 255, np.uint8)
    for box, rgb in drawn:
        x0, y0, x1, y1 = (round(v * scale) for v in box)
        size = (max(1, x1 - x0), max(1, y1 - y0))
        part = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        part = part[max(0, -y0) : max(0, high - y0), max(0, -x0) : max(0, wide - x0)]
        y, x = min(high, max(0, y0)), min(wide, max(0, x0))
        window = page[y : y + part.shape[0], x : x + part.shape[1]]
        np.minimum(window, part, out=window)  # a seal lies on the scan like ink
    return page


def _with_text(looks: PageContent, content: PageContent) -> PageContent:
    """What a page looks like, with the text that it has beside its tables, if that stands as the
    picture does."""
    if content.glyphs and not looks.turned:
        tables = grids(looks.across, looks.down) or []

        def in_table(g: Glyph) -> bool:
            x, y = (g.x0 + g.x1) / 2, (g.y0 + g.y1) / 2
            return any(t.find(x, y) is not None for t in tables)

        looks.glyphs = [
            *(g for g in looks.glyphs if in_table(g)),
            *(g for g in content.glyphs if not in_table(g)),
        ]
    return looks


def marked(data: bytes, held: Sequence[bytes], places: Sequence[Place]) -> list[bytes]:
    """What a document shows around these places of its pictures, as a PNG for each page: the cells
    in red frames. `held` are its pictures, if it is no PDF."""
    out = []
    by_page: dict[int, list[Box]] = {}
    for place in places:
        if place.kind == "image" and place.page and place.box:
            by_page.setdefault(place.page, []).append(place.box)
    for number, (picture, width) in enumerate(_pictures(data, held, set(by_page)), 1):
        if picture is not None and number in by_page:
            shown = standing(picture)
            scale = picture.size[0] / width if width else shown.size[0] / WIDTH
            out.append(_framed(shown, by_page[number], scale))
    return out


def _pictures(
    data: bytes, held: Sequence[bytes], wanted: set[int]
) -> Iterator[tuple[Picture | None, float | None]]:
    """The pages of a document as pictures, None for one that is not wanted, and how many points
    wide they are, where that is known."""
    for each in held:
        yield from ((picture, None) for picture in open_pictures(each))
    if held:
        return
    with pdf.LOCK:
        document = pdfium.FPDF_LoadMemDocument64(data, len(data), None)
        try:
            for index in range(max(wanted, default=0)):
                page = pdfium.FPDF_LoadPage(document, index)
                shown = upright(_rendered(page)) if index + 1 in wanted else None
                yield shown, pdfium.FPDF_GetPageWidthF(page)
                pdfium.FPDF_ClosePage(page)
        finally:
            pdfium.FPDF_CloseDocument(document)


def _framed(picture: Picture, boxes: list[Box], scale: float) -> bytes:
    """The rows of a page around some cells, each in a red frame."""
    shown = cv2.cvtColor(picture.grey, cv2.COLOR_GRAY2BGR)
    corners = np.array([[round(v * scale) for v in box] for box in boxes])
    for left, top, right, bottom in corners.tolist():
        cv2.rectangle(shown, (left, top), (right, bottom), (0, 0, 220), 3)
    top = max(0, corners[:, 1].min() - round(_AROUND * scale))
    bottom = corners[:, 3].max() + round(_AROUND * scale)
    return bytes(cv2.imencode(".png", shown[top:bottom])[1])


def _rendered(page: Any) -> npt.NDArray[Any]:
    """The page as a reader sees it, in RGB. The caller holds pdfium's lock."""
    width, height = pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page)
    scale = min(_own_scale(page), LONGEST_SIDE / max(width, height))
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


def _own_scale(page: Any) -> float:
    """Pixels of a point: those of the page's largest picture, so that a scan stays as it was taken;
    a multiple of them where that is coarse."""
    best, scale = 0.0, RENDERED_DPI / 72
    wide, high = ctypes.c_uint(), ctypes.c_uint()
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    for index in range(pdfium.FPDFPage_CountObjects(page)):
        found = pdfium.FPDFPage_GetObject(page, index)
        if pdfium.FPDFPageObj_GetType(found) != pdfium.FPDF_PAGEOBJ_IMAGE:
            continue
        pdfium.FPDFPageObj_GetBounds(found, left, bottom, right, top)
        pdfium.FPDFImageObj_GetImagePixelSize(found, wide, high)
        across, along = right.value - left.value, top.value - bottom.value
        if across * along > best and wide.value:
            best = across * along
            scale = max(wide.value, high.value) / max(across, along)
    return scale * math.ceil(COARSEST_DPI / 72 / scale)
