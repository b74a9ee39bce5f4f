"""What one PDF page shows: its visible characters, its ruling lines, its large pictures.

All coordinates leave here in points from the top left corner of the page as a reader sees it
(crop box and /Rotate applied). Only pdfium is asked, through its C interface: one page of a report
is some 700 characters and 500 border rectangles, so every call per object counts.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator
from typing import Any

import pypdfium2.raw as pdfium

from tasks.report.drawn import (
    THIN,
    Affine,
    Box,
    Budget,
    Drawn,
    Glyph,
    PageContent,
    around,
    times,
    unify,
)
from tasks.report.model import UNSURE
from tasks.report.pdf_cover import Covers, is_upright, within

DEEPEST_FORM = 6


def read_page(page: Any, number: int, budget: Budget) -> PageContent:
    """The content of an open pdfium page. The caller holds the lock and closes the page."""
    to_page, width, height = _orientation(page)
    content = PageContent(number, width, height)
    drawn = Drawn(content, budget)
    covers = Covers(budget, number)
    _walk(page, to_page, drawn, covers, 0)
    content.glyphs = list(_glyphs(page, to_page, drawn, covers))
    drawn.count_pictures()
    return content


def _orientation(page: Any) -> tuple[Affine, float, float]:
    """The map from the page's own space to the page as shown, and the size it is shown at."""
    box = pdfium.FS_RECTF()
    pdfium.FPDF_GetPageBoundingBox(page, box)
    left, bottom, right, top = box.left, box.bottom, box.right, box.top
    width, height = right - left, top - bottom
    turns = pdfium.FPDFPage_GetRotation(page)
    if turns == 1:
        return (0, 1, 1, 0, -bottom, -left), height, width
    if turns == 2:
        return (-1, 0, 0, 1, right, -bottom), width, height
    if turns == 3:
        return (0, -1, -1, 0, top, right), height, width
    return (1, 0, 0, -1, -left, top), width, height


def _matrix(item: Any) -> Affine:
    m = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(item, m)
    return (m.a, m.b, m.c, m.d, m.e, m.f)


def _walk(parent: Any, to_page: Affine, drawn: Drawn, covers: Covers, depth: int) -> None:
    """Goes over the objects of a page or, below it, of a form."""
    if depth:
        count, get = pdfium.FPDFFormObj_CountObjects(parent), pdfium.FPDFFormObj_GetObject
    else:
        count, get = pdfium.FPDFPage_CountObjects(parent), pdfium.FPDFPage_GetObject
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    kind_of, bounds = pdfium.FPDFPageObj_GetType, pdfium.FPDFPageObj_GetBounds
    text, path = pdfium.FPDF_PAGEOBJ_TEXT, pdfium.FPDF_PAGEOBJ_PATH
    image, form = pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_FORM
    drawn.budget.spend("objects", count, drawn.content.number)
    for index in range(count):
        item = get(parent, index)
        kind = kind_of(item)
        if kind == text:
            # 3: neither filled nor stroked, 7: only clips. The words behind a scan are somebody's
            # OCR, not what the page prints.
            if pdfium.FPDFTextObj_GetTextRenderMode(item) in (3, 7):
                drawn.hidden_text = True
            elif bounds(item, left, bottom, right, top):
                box = around(to_page, left.value, bottom.value, right.value, top.value)
                covers.text(item, box, to_page)
        elif kind == path:
            drawn.shapes += 1
            if not bounds(item, left, bottom, right, top):
                continue
            box = around(to_page, left.value, bottom.value, right.value, top.value)
            if min(box[2] - box[0], box[3] - box[1]) <= THIN:
                drawn.line(*box)
                covers.line(box)
            else:
                filled = _outline(item, times(_matrix(item), to_page), drawn)
                if filled:
                    covers.fill(item, filled, to_page)
        elif kind in (image, pdfium.FPDF_PAGEOBJ_SHADING):
            if bounds(item, left, bottom, right, top):
                box = around(to_page, left.value, bottom.value, right.value, top.value)
                covers.picture(box)
                if kind == image:
                    drawn.picture(box)
        elif kind == form and depth < DEEPEST_FORM:
            _walk(item, times(_matrix(item), to_page), drawn, covers, depth + 1)


def _outline(path: Any, to_page: Affine, drawn: Drawn) -> list[Box]:
    """Takes the rules of a path that is not one line: a stroked frame, or many rectangles in one
    fill. Gives the boxes of the rectangles it fills."""
    count = pdfium.FPDFPath_CountSegments(path)
    drawn.budget.spend("segments", count, drawn.content.number)
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDFPath_GetDrawMode(path, fill, stroke)
    shapes = list(_shapes(path, count, to_page))
    if stroke.value or count > 5:  # else a background, not a border
        for shape in shapes:
            drawn.shape(shape, stroked=bool(stroke.value))
    if not fill.value:
        return []
    boxes = [_box(shape) for shape in shapes if len(shape) >= 4]
    boxes = [box for box in boxes if min(box[2] - box[0], box[3] - box[1]) > THIN]
    # A frame is filled between two rectangles, one in the other.
    return [b for b in boxes if not any(o != b and (within(b, o) or within(o, b)) for o in boxes)]


def _shapes(path: Any, count: int, to_page: Affine) -> Iterator[list[tuple[float, float]]]:
    """The straight runs of a path; a curve rules nothing."""
    a, b, c, d, e, f = to_page
    x, y = ctypes.c_float(), ctypes.c_float()
    shape: list[tuple[float, float]] = []
    for index in range(count):
        segment = pdfium.FPDFPath_GetPathSegment(path, index)
        kind = pdfium.FPDFPathSegment_GetType(segment)
        pdfium.FPDFPathSegment_GetPoint(segment, x, y)
        here = (a * x.value + c * y.value + e, b * x.value + d * y.value + f)
        if kind == pdfium.FPDF_SEGMENT_LINETO:
            shape.append(here)
            if pdfium.FPDFPathSegment_GetClose(segment) and shape[0] != here:
                shape.append(shape[0])
            continue
        yield shape
        shape = [here]
    yield shape


def _box(shape: list[tuple[float, float]]) -> Box:
    xs, ys = [x for x, _ in shape], [y for _, y in shape]
    return min(xs), min(ys), max(xs), max(ys)


def _glyphs(page: Any, to_page: Affine, drawn: Drawn, covers: Covers) -> Iterator[Glyph]:
    """The characters that a reader sees, in the order the page draws them."""
    layer = pdfium.FPDFText_LoadPage(page)
    if not layer:
        return
    try:
        count = pdfium.FPDFText_CountChars(layer)
        content = drawn.content
        drawn.budget.spend("characters", count, content.number)
        unicode_of, loose = pdfium.FPDFText_GetUnicode, pdfium.FPDFText_GetLooseCharBox
        unmapped, angle = pdfium.FPDFText_HasUnicodeMapError, pdfium.FPDFText_GetCharAngle
        generated = pdfium.FPDFText_IsGenerated
        matrix_of, matrix = pdfium.FPDFText_GetMatrix, pdfium.FS_MATRIX()
        box = pdfium.FS_RECTF()
        width, height = content.width, content.height
        straight = to_page[1] == 0
        a, b, c, d, e, f = to_page
        high = ""
        level = math.nan
        for index in range(count):
            code = unicode_of(layer, index)
            # pdfium adds spaces and line ends of its own; where gaps are is for the boxes to say
            if code in (10, 13) or (code == 32 and generated(layer, index) == 1):
                continue
            if drawn.hidden_text and _is_hidden(layer, index):
                continue
            loose(layer, index, box)
            if straight:
                x0, x1 = a * box.left + e, a * box.right + e
                y0, y1 = d * box.top + f, d * box.bottom + f
            else:
                x0, x1 = c * box.bottom + e, c * box.top + e
                y0, y1 = b * box.left + f, b * box.right + f
            if x0 > x1:
                x0, x1 = x1, x0
            if y0 > y1:
                y0, y1 = y1, y0
            if not (0 <= x0 + x1 <= 2 * width and 0 <= y0 + y1 <= 2 * height):
                continue  # outside what the page shows
            # Slanted text is a watermark: it lies over the table, it is not in it. A character on
            # exactly the level of the one before it is as straight as that one.
            if y0 != level:
                if abs(math.remainder(angle(layer, index), math.pi / 2)) > 0.1:
                    continue
                level = y0
            # Without a mapping pdfium answers the font's own code, which may look like a digit.
            if code < 32 or unmapped(layer, index) == 1 or code in (0xFFFE, 0xFFFF):
                text = UNSURE
            elif code < 0x2E80:
                text = chr(code)
            elif 0xD800 <= code < 0xDC00:
                high = chr(code)
                continue
            else:
                text = unify(chr(code))
                if high:
                    pair = (high + text).encode("utf-16", "surrogatepass")
                    text, high = unify(pair.decode("utf-16", "replace")), ""
            if covers and covers.hides(
                pdfium.FPDFText_GetTextObject(layer, index), (x0 + x1) / 2, (y0 + y1) / 2
            ):
                text = UNSURE
            if "0" <= text <= "9":
                matrix_of(layer, index, matrix)
                if not is_upright(matrix, to_page) or covers.strikes(x0, y0, x1, y1):
                    text = UNSURE
            yield Glyph(text, x0, y0, x1, y1)
    finally:
        pdfium.FPDFText_ClosePage(layer)


def _is_hidden(layer: Any, index: int) -> bool:
    item = pdfium.FPDFText_GetTextObject(layer, index)
    return bool(item) and pdfium.FPDFTextObj_GetTextRenderMode(item) in (3, 7)
