"""What one PDF page shows: its visible characters, its ruling lines, its large pictures.

All coordinates leave here in points from the top left corner of the page as a reader sees it
(crop box and /Rotate applied). Only pdfium is asked, through its C interface: one page of a report
is some 700 characters and 500 border rectangles, so every call per object counts.
"""

from __future__ import annotations

import ctypes
import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

from tasks.report.model import Place, Reject

THIN = 4.0  # a rectangle at most this thick is a rule; pdfium's bounds add the stroke's width
SHORTEST = 4.0  # rules are longer than this; shorter are the corner squares of Word's borders
DEEPEST_FORM = 6
OUTLINES = 60  # drawn shapes that, on a page without text, mean text turned into curves

# A text layer made with a font's radical glyphs says U+2F8F where the page shows 行.
_RADICAL = re.compile("[\u2e80-\u2eff\u2f00-\u2fdf\uf900-\ufaff\U0002f800-\U0002fa1f]")
# Unicode's EquivalentUnifiedIdeograph for whole characters of the Radicals Supplement: NFKC maps
# only two of that block, but ⻚ ⻓ ⻔ ⻅ are what Chromium and Noto CJK put in text layers.
_SUPPLEMENT = dict(
    zip(
        "⺁⺈⺌⺍⺒⺓⺔⺕⺗⺙⺛⺜⺝⺞⺠⺢⺤⺦⺧⺩⺪⺫⺬⺮⺶⺷⺹⺺⺻⺼⺽⻁⻂⻃⻄⻅⻆⻉⻋⻏⻑⻒⻓⻔⻖⻗⻘⻙⻚⻛⻜⻝⻟⻢⻣⻤⻥⻦⻧⻨⻩⻪⻫⻬⻭⻮⻯⻰⻱⻲",
        "厂刀小小巳幺彑彐㣺攵旡日月歺民氺爫丬牛王疋目示竹羊羊耂肀聿月臼虎衤覀西见角贝车阝長镸长门阝雨青韦页风飞食飠马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙龜亀",
        strict=True,
    )
)


class Glyph(NamedTuple):
    """One visible character and the box it advances over."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float


class Rule(NamedTuple):
    """A straight line: `at` is its y (or x, when it runs down), from `start` to `end`."""

    at: float
    start: float
    end: float


@dataclass(slots=True)
class Budget:
    """What one document may cost; a page read in part would be a table with rules missing."""

    objects: int = 300_000
    segments: int = 300_000
    characters: int = 500_000

    def spend(self, kind: str, amount: int, page: int) -> None:
        left = getattr(self, kind) - amount
        setattr(self, kind, left)
        if left < 0:
            raise Reject("too_large", f"the PDF has too many {kind}", Place("pdf", page=page))


Affine = tuple[float, float, float, float, float, float]


@dataclass(slots=True)
class PageContent:
    """What a page shows, before anyone asks what it means."""

    number: int
    width: float
    height: float
    glyphs: list[Glyph] = field(default_factory=list)
    across: list[Rule] = field(default_factory=list)
    down: list[Rule] = field(default_factory=list)
    pictures: int = 0


def unify(text: str) -> str:
    """Kangxi and other radicals, and compatibility ideographs, as the characters they show.

    Nothing else changes: a full-width digit is published as a full-width digit.
    """
    if not _RADICAL.search(text):
        return text
    return _RADICAL.sub(
        lambda m: _SUPPLEMENT.get(m[0]) or unicodedata.normalize("NFKC", m[0]), text
    )


def read_page(page: Any, number: int, budget: Budget) -> PageContent:
    """The content of an open pdfium page. The caller holds the lock and closes the page."""
    to_page, width, height = _orientation(page)
    content = PageContent(number, width, height)
    drawn = _Drawn(content, budget)
    _walk(page, to_page, drawn, 0)
    content.glyphs = list(_glyphs(page, to_page, content, drawn.hidden_text, budget))
    if not content.glyphs and drawn.shapes >= OUTLINES and not drawn.pictures:
        content.pictures = 1
    # A scan may lie on the page in strips: together they are one picture.
    elif drawn.pictures or drawn.picture_area > 0.25 * width * height:
        content.pictures = max(1, drawn.pictures)
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


def _box(m: Affine, x0: float, y0: float, x1: float, y1: float) -> tuple[float, ...]:
    """The box around a mapped rectangle."""
    a, b, c, d, e, f = m
    xs = (a * x0 + c * y0 + e, a * x1 + c * y1 + e, a * x0 + c * y1 + e, a * x1 + c * y0 + e)
    ys = (b * x0 + d * y0 + f, b * x1 + d * y1 + f, b * x0 + d * y1 + f, b * x1 + d * y0 + f)
    return min(xs), min(ys), max(xs), max(ys)


def _times(inner: Affine, outer: Affine) -> Affine:
    """First `inner`, then `outer`."""
    a, b, c, d, e, f = inner
    p, q, r, s, t, u = outer
    return (
        a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t,
        e * q + f * s + u,
    )  # fmt: skip


def _matrix(item: Any) -> Affine:
    m = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(item, m)
    return (m.a, m.b, m.c, m.d, m.e, m.f)


class _Drawn:
    """Collects what the objects of a page draw."""

    def __init__(self, content: PageContent, budget: Budget) -> None:
        self.content = content
        self.budget = budget
        self.shapes = self.pictures = 0
        self.picture_area = 0.0
        self.hidden_text = False

    def line(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Takes a box as a rule when it is thin and long enough."""
        wide, high = x1 - x0, y1 - y0
        if high <= THIN and wide > SHORTEST and wide > high:
            self.content.across.append(Rule((y0 + y1) / 2, x0, x1))
        elif wide <= THIN and high > SHORTEST:
            self.content.down.append(Rule((x0 + x1) / 2, y0, y1))

    def picture(self, box: tuple[float, ...]) -> None:
        """Counts a picture that could hold a table; a hairline picture is a rule."""
        page = self.content
        wide = min(box[2], page.width) - max(box[0], 0)
        high = min(box[3], page.height) - max(box[1], 0)
        if wide <= 0 or high <= 0:
            return
        self.picture_area += wide * high
        if min(wide, high) <= THIN:
            self.line(box[0], box[1], box[2], box[3])
        elif wide >= 0.35 * page.width and high >= 60:
            self.pictures += 1


def _walk(parent: Any, to_page: Affine, drawn: _Drawn, depth: int) -> None:
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
        elif kind == path:
            drawn.shapes += 1
            if not bounds(item, left, bottom, right, top):
                continue
            box = _box(to_page, left.value, bottom.value, right.value, top.value)
            if min(box[2] - box[0], box[3] - box[1]) <= THIN:
                drawn.line(*box)
            else:
                _outline(item, _times(_matrix(item), to_page), drawn)
        elif kind == image:
            if bounds(item, left, bottom, right, top):
                drawn.picture(_box(to_page, left.value, bottom.value, right.value, top.value))
        elif kind == form and depth < DEEPEST_FORM:
            _walk(item, _times(_matrix(item), to_page), drawn, depth + 1)


def _outline(path: Any, to_page: Affine, drawn: _Drawn) -> None:
    """The rules in a path that is not one line: a stroked frame, or many rectangles in one fill."""
    count = pdfium.FPDFPath_CountSegments(path)
    drawn.budget.spend("segments", count, drawn.content.number)
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDFPath_GetDrawMode(path, fill, stroke)
    if not stroke.value and count <= 5:
        return  # a background, not a border
    a, b, c, d, e, f = to_page
    x, y = ctypes.c_float(), ctypes.c_float()
    shape: list[tuple[float, float]] = []
    for index in range(count):
        segment = pdfium.FPDFPath_GetPathSegment(path, index)
        kind = pdfium.FPDFPathSegment_GetType(segment)
        pdfium.FPDFPathSegment_GetPoint(segment, x, y)
        here = (a * x.value + c * y.value + e, b * x.value + d * y.value + f)
        if kind == pdfium.FPDF_SEGMENT_MOVETO:
            _subpath(shape, bool(stroke.value), drawn)
            shape = [here]
        elif kind == pdfium.FPDF_SEGMENT_LINETO:
            shape.append(here)
            if pdfium.FPDFPathSegment_GetClose(segment) and shape[0] != here:
                shape.append(shape[0])
        else:
            _subpath(shape, bool(stroke.value), drawn)  # a curve rules nothing
            shape = [here]
    _subpath(shape, bool(stroke.value), drawn)


def _subpath(shape: list[tuple[float, float]], stroked: bool, drawn: _Drawn) -> None:
    if len(shape) < 2:
        return
    xs, ys = [p[0] for p in shape], [p[1] for p in shape]
    box = (min(xs), min(ys), max(xs), max(ys))
    if min(box[2] - box[0], box[3] - box[1]) <= THIN:
        drawn.line(*box)
    elif stroked:
        for (x0, y0), (x1, y1) in pairwise(shape):
            if min(abs(x0 - x1), abs(y0 - y1)) <= 1:
                drawn.line(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))


def _glyphs(
    page: Any, to_page: Affine, content: PageContent, hidden_text: bool, budget: Budget
) -> Iterator[Glyph]:
    """The characters that a reader sees, in the order the page draws them."""
    layer = pdfium.FPDFText_LoadPage(page)
    if not layer:
        return
    try:
        count = pdfium.FPDFText_CountChars(layer)
        budget.spend("characters", count, content.number)
        unicode_of, loose = pdfium.FPDFText_GetUnicode, pdfium.FPDFText_GetLooseCharBox
        unmapped, angle = pdfium.FPDFText_HasUnicodeMapError, pdfium.FPDFText_GetCharAngle
        generated = pdfium.FPDFText_IsGenerated
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
            if hidden_text and _is_hidden(layer, index):
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
                text = "\ufffd"
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
            yield Glyph(text, x0, y0, x1, y1)
    finally:
        pdfium.FPDFText_ClosePage(layer)


def _is_hidden(layer: Any, index: int) -> bool:
    item = pdfium.FPDFText_GetTextObject(layer, index)
    return bool(item) and pdfium.FPDFTextObj_GetTextRenderMode(item) in (3, 7)
