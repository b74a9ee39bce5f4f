"""The lines of text outside a picture's tables: title, headings, prose, signature."""

from __future__ import annotations

import re
from dataclasses import dataclass

import cv2
import numpy as np

from tasks.report.drawn import Glyph, PageContent
from tasks.report.ocr.ink import Ink, InkLine, crop, ink_in, printed_lines
from tasks.report.ocr.network import recognise, text_of
from tasks.report.ocr.picture import Grey, Picture
from tasks.report.ocr.rules import Ruled

NARROWER = 0.75  # text is as clear in three quarters of its width, and quicker read
_DIGIT = re.compile(r"\d")
_TWICE = re.compile(r"\d|^[^。、，；]+$")  # short lines without stops, and those with digits
_MOST_LONG_LINES = 24  # of prose that are read; the scope is said at the beginning
_LOST = "□"  # for a character of the text that two readings differ in


@dataclass(slots=True)
class Outside:
    """A line of text outside the tables: its window of the page, and the line in it."""

    left: int
    top: int
    grey: Grey
    ink: Ink
    line: InkLine

    def crop(self, margin: float) -> Grey:
        return crop(self.grey, self.ink, self.line, margin, NARROWER)


def lines_outside(picture: Picture, ruled: Ruled, tall: float) -> list[Outside]:
    """The lines of text outside the tables, from the top."""
    free = ruled.ink.copy()
    for left, top, right, bottom in ruled.boxes:
        free[max(0, top - 3) : bottom + 3, max(0, left - 3) : right + 3] = 0
    reach = max(9, round(1.6 * tall))
    grown = cv2.dilate(free, np.ones((1, reach), np.uint8))
    grown = cv2.morphologyEx(
        grown, cv2.MORPH_CLOSE, np.ones((max(3, round(tall / 4)), 3), np.uint8)
    )
    _, _, stats, _ = cv2.connectedComponentsWithStats(grown, connectivity=8)
    found = []
    for left, top, wide, high in (tuple(int(v) for v in row[:4]) for row in stats[1:]):
        if not (0.5 * tall <= high <= 6 * tall and wide - reach >= 0.5 * high):
            continue
        top = max(0, top - 2)
        window = np.s_[top : top + high + 4, left : left + wide]
        own = ink_in(free[window])
        lines = printed_lines(own, high)
        if len(lines) == 1:
            found.append(Outside(left, top, picture.grey[window], own, lines[0]))
    return sorted(found, key=lambda f: (f.top, f.left))


def write(page: PageContent, found: list[Outside], *, picture_width: int, scale: float) -> None:
    """Writes what stands outside the tables, `scale` points a pixel."""
    long = [f for f in found if f.line.right - f.line.left > 0.6 * picture_width]
    skipped = {id(f) for f in long[_MOST_LONG_LINES:]}
    found = [f for f in found if id(f) not in skipped]
    texts = [text_of(said) for said in recognise([f.crop(0.2) for f in found])]
    # What a document is called and who signed it must not be misread: such lines are short.
    is_long = {id(f) for f in long}
    twice = [i for i, f in enumerate(found) if id(f) not in is_long and _TWICE.search(texts[i])]
    second = recognise([found[i].crop(0.4) for i in twice])
    for i, said in zip(twice, second, strict=True):
        texts[i] = agreed(texts[i], text_of(said))
    for f, text in zip(found, texts, strict=True):
        if text:
            said_of = _DIGIT.sub(_LOST, text) if id(f) in is_long else text
            box = (
                (f.left + f.line.left) * scale,
                (f.top + f.line.top) * scale,
                (f.left + f.line.right) * scale,
                (f.top + f.line.bottom) * scale,
            )
            page.glyphs.append(Glyph(said_of, *box))


def agreed(one: str, other: str) -> str:
    """What two readings of a line of text agree in; digits only where all of them agree."""
    if one == other:
        return one
    if len(one) == len(other):
        return "".join(a if a == b else _LOST for a, b in zip(one, other, strict=True))
    if _DIGIT.findall(one) != _DIGIT.findall(other):
        one = _DIGIT.sub(_LOST, one)
    return one
