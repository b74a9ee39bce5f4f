"""Characters into lines, and lines into the text of a cell or a paragraph."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from tasks.report.drawn import Glyph
from tasks.report.model import UNSURE

Box = tuple[float, float, float, float]

COLUMN_GAP = 1.0  # in heights of the line: two numbers this far apart are not one number
WIDE_GAP = 0.6  # a gap between ideographs that reads as a space
NARROW_GAP = 0.25  # the same between digits or Latin letters
SMALL = 0.8  # of the other's height: a mark of a note, not the same number in another font

_WIDE = frozenset("WFA")


def visual_lines(glyphs: Iterable[Glyph]) -> list[list[Glyph]]:
    """The characters as printed lines, from the top; in a line from the left."""
    lines: list[list[Glyph]] = []
    centre = height = 0.0
    for glyph in sorted(glyphs, key=lambda g: g.y0 + g.y1):
        middle, tall = (glyph.y0 + glyph.y1) / 2, glyph.y1 - glyph.y0
        if lines and middle - centre <= 0.5 * max(height, tall):
            lines[-1].append(glyph)
            # the line is where its characters are on average: one raised mark does not move it
            centre += (middle - centre) / len(lines[-1])
            height = max(height, tall)
        else:
            lines.append([glyph])
            centre, height = middle, tall
    for line in lines:
        line.sort(key=lambda g: g.x0 + g.x1)
    return lines


def line_text(line: list[Glyph]) -> str:
    """One line's text. A gap without a space becomes one; a tab where it parts two numbers.

    The tab matters: "1 3" may be 13, but where a rule is missing between two columns, the numbers
    of both end in one cell and must not be read as one.
    """
    text = ""
    spaces = ""
    before: Glyph | None = None
    for glyph in line:
        if glyph.text.isspace():
            spaces += glyph.text
            continue
        if before is not None:
            if glyph.text == before.text and glyph.x0 - before.x0 < 0.3 * (glyph.x1 - glyph.x0):
                continue  # printed twice, to look bold
            # One number typed over another, where nobody can say which counts; or a note to one.
            if (glyph.text.isdigit() or before.text.isdigit()) and (
                _overlap(before, glyph) or _set_off(before, glyph)
            ):
                text += UNSURE
            gap = (glyph.x0 - before.x1) / max(1.0, glyph.y1 - glyph.y0)
            narrow = gap >= NARROW_GAP and not (_is_wide(glyph.text) or _is_wide(before.text))
            if narrow and gap >= COLUMN_GAP:
                text += "\t"
            elif spaces:
                text += spaces
            elif narrow or gap >= WIDE_GAP:
                text += " "
        text += glyph.text
        spaces = ""
        before = glyph
    return text


def _overlap(before: Glyph, glyph: Glyph) -> bool:
    """Whether two characters stand on one spot."""
    narrower = min(before.x1 - before.x0, glyph.x1 - glyph.x0)
    return before.x1 - glyph.x0 > 0.6 * narrower


def _set_off(before: Glyph, glyph: Glyph) -> bool:
    """Whether one of two characters is a small one above or below the other's middle."""
    heights = before.y1 - before.y0, glyph.y1 - glyph.y0
    apart = abs(before.y0 + before.y1 - glyph.y0 - glyph.y1) / 2
    return min(heights) < SMALL * max(heights) and apart > 0.1 * max(heights)


def block_text(glyphs: list[Glyph]) -> str:
    """The text of a cell, its lines joined by line ends."""
    if not glyphs:
        return ""
    # Most cells hold one number printed in one go: nothing to sort, nothing to measure.
    _, end, level, _, bottom = glyphs[0]
    for text, x0, y0, x1, y1 in glyphs:
        if y0 != level or y1 != bottom or not -1 < x0 - end < 1 or text.isspace():
            break
        end = x1
    else:
        return "".join([glyph.text for glyph in glyphs])
    return "\n".join(text for line in visual_lines(glyphs) if (text := line_text(line)))


def bounds(glyphs: list[Glyph]) -> Box:
    """The box around characters."""
    return (
        round(min(g.x0 for g in glyphs), 1),
        round(min(g.y0 for g in glyphs), 1),
        round(max(g.x1 for g in glyphs), 1),
        round(max(g.y1 for g in glyphs), 1),
    )


def _is_wide(text: str) -> bool:
    if text.isascii():
        return False
    return unicodedata.east_asian_width(text[0]) in _WIDE and not text.isdigit()
