"""Which characters of a PDF page a person does not see as drawn: covered, cut off, struck out.

A viewer paints objects in the order of the page. What a later shape covers, and what lies outside
its clip, is gone from sight and still in the text; white on nothing, or black on black, is not seen
at all. None of it is left out: another number may have been typed in its place, so that nobody can
be sure of it. Nor can one of a number with a line through it, turned round or mirrored.
"""

from __future__ import annotations

import ctypes
from bisect import bisect_left, insort
from typing import Any

import pypdfium2.raw as pdfium

from tasks.report.drawn import THIN, Affine, Box, Budget, around

_WHITE = 0xF0  # of 255, in each colour
_NOWHERE: Box = (0, 0, 0, 0)
_STRUCK = 0.3, 0.7  # of a character's box from its top: a line there is none of a table or below it
_Colour = tuple[int, int, int]


class Covers:
    """The filled shapes and the texts of one page in the order in which they are painted."""

    def __init__(self, budget: Budget, page: int) -> None:
        self._budget, self._page = budget, page
        self._texts: list[tuple[int, Box]] = []
        self._grounds: list[tuple[Box, _Colour | None]] = []  # none for a picture
        self._painted: set[_Colour | None] = {(255, 255, 255)}  # the paper is white
        self._over: dict[int, list[Box]] = {}  # what is painted over each text later
        self._unseen: set[int] = set()
        self._clips: dict[int, Box] = {}  # of texts that reach beyond
        self._lines: list[tuple[float, float, float]] = []  # level ones: where, from, to

    def text(self, item: Any, box: Box, to_page: Affine) -> None:
        """Takes the next text object."""
        address = address_of(item)
        self._texts.append((address, box))
        clip = _clip(item, to_page)
        if clip is not None and not within(box, clip):
            self._clips[address] = clip
        colour = _colour(item)
        if colour is None:
            return
        told = _plain(colour)
        if colour[3] == 0 or (told in self._painted and told == self._ground(box)):
            self._unseen.add(address)

    def picture(self, box: Box) -> None:
        """Takes the next picture or shading: a ground, and mostly one that what is under it shows
        through, as it does through a seal."""
        self._grounds.append((box, None))

    def line(self, box: Box) -> None:
        """Takes the next thin shape."""
        if box[2] - box[0] > box[3] - box[1]:
            insort(self._lines, ((box[1] + box[3]) / 2, box[0], box[2]))

    def fill(self, item: Any, shapes: list[Box], to_page: Affine) -> None:
        """Takes the next path, with the boxes of what it fills. Raises Reject when there is too
        much to compare."""
        colour = _colour(item)
        if colour is None or not colour[3]:
            return
        transparent = pdfium.FPDFPageObj_HasTransparency(item)
        told = None if transparent else _plain(colour)
        wide = [s for s in shapes if min(s[2] - s[0], s[3] - s[1]) > THIN]  # no ruling line
        if wide and not (transparent and min(colour[:3]) >= _WHITE):
            self._painted.add(told)
            self._grounds += [(shape, told) for shape in wide]
        if transparent:
            return  # what is under it shines through
        for shape in shapes:
            self._budget.spend("objects", len(self._texts) // 100, self._page)
            under = [(address, box) for address, box in self._texts if _meet(shape, box)]
            seen = _meeting(shape, _clip(item, to_page)) if under else None
            if seen is not None:
                for address, _ in under:
                    self._over.setdefault(address, []).append(seen)

    def _ground(self, box: Box) -> _Colour | None:
        """What was painted last where the middle of a box is."""
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        last = (told for ground, told in reversed(self._grounds) if _holds(ground, x, y))
        return next(last, (255, 255, 255))

    def __bool__(self) -> bool:
        return bool(self._over or self._unseen or self._clips)

    def hides(self, item: Any, x: float, y: float) -> bool:
        """Whether what a text object draws at a point of the page is not seen as it was drawn."""
        address = address_of(item)
        clip = self._clips.get(address)
        if address in self._unseen or (clip is not None and not _holds(clip, x, y)):
            return True
        return any(_holds(cover, x, y) for cover in self._over.get(address, ()))

    def strikes(self, x0: float, y0: float, x1: float, y1: float) -> bool:
        """Whether a line runs through the middle of a character's box."""
        first, last = (y0 + part * (y1 - y0) for part in _STRUCK)
        middle = (x0 + x1) / 2
        for at, start, end in self._lines[bisect_left(self._lines, (first,)) :]:
            if at > last:
                break
            if start < middle < end:
                return True
        return False


def is_upright(m: Any, to_page: Affine) -> bool:
    """Whether a character with this matrix stands on its feet on the page as shown."""
    a, b, c, d, _, _ = to_page
    right = a * m.a + c * m.b, b * m.a + d * m.b
    up = a * m.c + c * m.d, b * m.c + d * m.d
    return bool(right[0] > abs(right[1]) and -up[1] > abs(up[0]))


def address_of(item: Any) -> int:
    """Where pdfium keeps an object: what tells two of them apart."""
    return ctypes.cast(item, ctypes.c_void_p).value or 0


def _colour(item: Any) -> tuple[int, int, int, int] | None:
    parts = [ctypes.c_uint() for _ in range(4)]
    if not pdfium.FPDFPageObj_GetFillColor(item, *parts):
        return None
    red, green, blue, alpha = (part.value for part in parts)
    return red, green, blue, alpha


def _plain(colour: tuple[int, int, int, int]) -> _Colour:
    """A colour without its transparency; all that looks white is one."""
    return (255, 255, 255) if min(colour[:3]) >= _WHITE else colour[:3]


def _clip(item: Any, to_page: Affine) -> Box | None:
    """The box a path is clipped to, None when it is not."""
    clip = pdfium.FPDFPageObj_GetClipPath(item)
    count = pdfium.FPDFClipPath_CountPaths(clip) if clip else 0
    found: Box | None = None
    x, y = ctypes.c_float(), ctypes.c_float()
    for path in range(max(count, 0)):
        xs, ys = [], []
        for index in range(pdfium.FPDFClipPath_CountPathSegments(clip, path)):
            segment = pdfium.FPDFClipPath_GetPathSegment(clip, path, index)
            if segment and pdfium.FPDFPathSegment_GetPoint(segment, x, y):
                xs.append(x.value)
                ys.append(y.value)
        if xs:
            box = around(to_page, min(xs), min(ys), max(xs), max(ys))
            found = box if found is None else _meeting(found, box) or _NOWHERE
    return found


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _meeting(a: Box, b: Box | None) -> Box | None:
    if b is None:
        return a
    both = max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
    return both if min(both[2] - both[0], both[3] - both[1]) > THIN else None


def within(inner: Box, outer: Box) -> bool:
    """Whether a box lies in another."""
    return all(o <= i for o, i in zip(outer[:2], inner[:2], strict=True)) and all(
        i <= o for o, i in zip(outer[2:], inner[2:], strict=True)
    )


def _holds(box: Box, x: float, y: float) -> bool:
    return box[0] < x < box[2] and box[1] < y < box[3]
