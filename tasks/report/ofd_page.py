"""What the objects of one OFD page draw: characters, rules, pictures.

An object stands where its Boundary says; its own coordinates, in millimetres, begin at the
Boundary's top left corner, after its CTM. What reaches beyond the Boundary is cut off.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass, field
from itertools import accumulate

from lxml import etree

from tasks.report.drawn import THIN, Affine, Box, Drawn, Glyph, around, times, unify
from tasks.report.model import UNSURE, Place, Reject

POINTS = 72 / 25.4  # in a millimetre
DEEPEST = 6  # blocks inside blocks, drawn units inside drawn units
FAR = 1e6  # points; nothing that far away is on a page
_UNITS = {"TextObject", "PathObject", "ImageObject", "CompositeObject", "PageBlock", "Layer"}
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,2})?")
_PATH = re.compile(rf"[A-Za-z]|{_NUMBER.pattern}")
_ARGUMENTS = {"S": 2, "M": 2, "L": 2, "Q": 4, "B": 6, "A": 7, "C": 0}
_ESCAPED = re.compile(r"\\([0-9a-fA-F]{4})")
_GAP = re.compile(r"\s\s")
_INDENTED = re.compile(r"\A\s*\n\s*|\s*\n\s*\Z")
_FULL = frozenset("WFA")


@dataclass(slots=True)
class Resources:
    """What pages draw by number: composite units and the paths of pictures, by their ID.

    `shown` notes the pictures of a page, each with its box, and with None for its path where it is
    turned, cut off or not there; `over` the boxes of shapes that are filled over them.
    """

    units: dict[str, etree._Element] = field(default_factory=dict)
    media: dict[str, str] = field(default_factory=dict)
    shown: list[tuple[Box, str | None]] = field(default_factory=list)
    over: list[Box] = field(default_factory=list)


def local(element: etree._Element) -> str:
    """An element's name without its namespace: programs differ in what they declare."""
    return str(element.tag).rpartition("}")[2]


def text_of(element: etree._Element, *path: str) -> str:
    """The text of the first child of that name, of its child of the next name, and so on."""
    found: etree._Element | None = element
    for step in path:
        found = next((e for e in found if local(e) == step), None) if found is not None else None
    return (found.text or "").strip() if found is not None else ""


def numbers(text: str | None, count: int) -> list[float] | None:
    """So many numbers, or None."""
    if text is None or len(text) > 200:
        return None
    try:
        found = [float(word) for word in text.split()]
    except ValueError:  # some part them by commas
        found = [float(n) for n in _NUMBER.findall(text)]
    return found if len(found) == count and all(map(math.isfinite, found)) else None


def draw(
    element: etree._Element, to_page: Affine, drawn: Drawn, resources: Resources, depth: int = 0
) -> None:
    """Draws what a layer, block or composite unit holds."""
    page = drawn.content.number
    if depth > DEEPEST:
        raise Reject("too_large", "the OFD nests its objects too deeply", Place("ofd", page=page))
    drawn.budget.spend("objects", len(element), page)
    for item in element:
        kind = local(item)
        if kind not in _UNITS:
            continue
        if item.get("Visible") in ("false", "0") or item.get("Alpha") == "0":
            continue
        if kind in ("PageBlock", "Layer"):
            draw(item, to_page, drawn, resources, depth + 1)
            continue
        box = numbers(item.get("Boundary"), 4)
        if box is None:
            message = f"an object of page {page} has no boundary"
            raise Reject("broken_file", message, Place("ofd", page=page))
        placed = times((1, 0, 0, 1, box[0], box[1]), to_page)
        inner = _transformed(item, placed)
        if kind == "TextObject":
            _text(item, inner, _Shown(item, box, placed, inner, drawn), drawn)
        elif kind == "PathObject":
            filled = _path(item, inner, drawn)
            resources.over += filled if resources.shown else []
        elif kind == "ImageObject":
            left, top, right, bottom = shown = around(placed, 0, 0, box[2], box[3])
            # The CTM makes a square of one as large as the picture: plainly, or turned or cut off.
            corners = (inner[4], inner[5], inner[4] + inner[0], inner[5] + inner[3])
            plain = all(abs(p - q) < 2 for p, q in zip(shown, corners, strict=True))
            plain = plain and inner[1] == inner[2] == 0
            seen = _Shown(item, box, placed, inner, drawn)
            plain = plain and all(seen.holds(x, y, 1) for x in (left, right) for y in (top, bottom))
            path = resources.media.get(item.get("ResourceID") or "") if plain else None
            resources.shown.append(((left, top, right, bottom), path))
            drawn.picture(shown)
            _cover(shown, drawn)
        else:
            unit = resources.units.get(item.get("ResourceID") or "")
            for content in unit if unit is not None else ():
                draw(content, inner, drawn, resources, depth + 1)


def _transformed(item: etree._Element, placed: Affine) -> Affine:
    """The map from an object's own coordinates to the page."""
    matrix = numbers(item.get("CTM"), 6)
    if matrix is None:
        return placed
    a, b, c, d, e, f = matrix
    return times((a, b, c, d, e, f), placed)


class _Shown:
    """Where an object's drawing can be seen: in its boundary, and in its clips."""

    def __init__(
        self,
        item: etree._Element,
        box: list[float],
        placed: Affine,
        inner: Affine,
        drawn: Drawn,
    ) -> None:
        self._each = [[around(placed, 0, 0, box[2], box[3])]]
        for clip in (c for clips in item if local(clips) == "Clips" for c in clips):
            # Programs differ in whether the object's CTM moves its clips: both must show it.
            for space in {placed, inner}:
                self._each.append([_extent(area, space, drawn) for area in clip])

    def holds(self, x: float, y: float, height: float) -> bool:
        """Whether the middle of a character shows; programs are careless with their height."""
        near, far = height / 10, height / 2
        return all(
            any(
                left - near <= x <= right + near and top - far <= y <= bottom + far
                for left, top, right, bottom in areas
            )
            for areas in self._each
        )


def _extent(area: etree._Element, placed: Affine, drawn: Drawn) -> Box:
    """The box around a clip's area."""
    inner = _transformed(area, placed)
    for path in area:
        box = numbers(path.get("Boundary"), 4) or [0.0, 0.0, 0.0, 0.0]
        inner = _transformed(path, times((1, 0, 0, 1, box[0], box[1]), inner))
        points = [p for part in _subpaths(_data(path, drawn)) for p in part]
        if points:
            xs, ys = [p[0] for p in points], [p[1] for p in points]
            return around(inner, min(xs), min(ys), max(xs), max(ys))
    return (-math.inf, -math.inf, math.inf, math.inf)  # nothing that is drawn as a path


# --- text ---------------------------------------------------------------------------------------


def _text(item: etree._Element, inner: Affine, shown: _Shown, drawn: Drawn) -> None:
    """The characters of a text object; what a reader cannot see is left out or made unsure."""
    if item.get("Fill") in ("false", "0") and item.get("Stroke") not in ("true", "1"):
        return
    fill = next((e for e in item if local(e) == "FillColor"), None)
    if fill is not None and fill.get("Alpha") == "0":
        return  # the words behind a scan are somebody's OCR, not what the page prints
    if abs(math.remainder(math.atan2(inner[1], inner[0]), math.pi / 2)) > 0.1:
        return  # slanted text is a watermark: it lies over the table, it is not in it
    size = (numbers(item.get("Size"), 1) or [0.0])[0]
    wide = size * (numbers(item.get("HScale"), 1) or [1.0])[0]
    # Turned or mirrored text, and glyphs that stand for several characters: the words may still
    # be labels, but no digit of them is certain.
    plain = inner[0] > 0 and inner[3] > 0
    # nor is one that is white, on white for all we know
    plain = plain and (fill is None or numbers(fill.get("Value"), 3) != [255.0] * 3)
    for turned in ("ReadDirection", "CharDirection"):
        plain = plain and item.get(turned) in (None, "", "0")
    plain = plain and all(
        (e.get("CodeCount") or "1") == (e.get("GlyphCount") or "1")
        for e in item
        if local(e) == "CGTransform"
    )
    x = y = 0.0
    for code in item:
        if local(code) != "TextCode":
            continue
        x = (numbers(code.get("X"), 1) or [x])[0]
        y = (numbers(code.get("Y"), 1) or [y])[0]
        text = _INDENTED.sub("", code.text or "")
        text = _ESCAPED.sub(lambda m: chr(int(m[1], 16)), text)
        written = len(text) + (len(code.get("DeltaX") or "") + len(code.get("DeltaY") or "")) // 4
        drawn.budget.spend("characters", written, drawn.content.number)
        # Some count a character beyond the first plane twice: nothing after it is in its place.
        sure = plain and not any(c > "\uffff" or "\ud800" <= c < "\ue000" for c in text)
        sure = sure and _says_where(code, text)
        for char, left, baseline, advance in _laid_out(code, text, x, y, wide):
            box = around(
                inner, left, baseline - 0.88 * size, left + advance, baseline + 0.12 * size
            )
            middle = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
            page = drawn.content
            if not (0 <= middle[0] <= page.width and 0 <= middle[1] <= page.height):
                continue
            said = unify(char) if char.isprintable() or char.isspace() else UNSURE
            if (not sure and said.isdigit()) or not shown.holds(*middle, box[3] - box[1]):
                said = UNSURE
            page.glyphs.append(Glyph(said, box[0], box[1], box[2], box[3]))


def _laid_out(
    code: etree._Element, text: str, x: float, y: float, wide: float
) -> list[tuple[str, float, float, float]]:
    """Each character with its origin and how far it reaches."""
    usual = [wide if unicodedata.east_asian_width(c) in _FULL else wide / 2 for c in text]
    down = _deltas(code.get("DeltaY"), len(text))
    # Without any deltas programs let characters follow each other; by the letter of the standard
    # all would stand on one spot.
    across = _deltas(code.get("DeltaX"), len(text)) or (usual if not down else [0.0] * len(text))
    xs = [x, *accumulate(across, initial=x)][1 : len(text) + 1]
    ys = [y, *accumulate(down or [0.0] * len(text), initial=y)][1 : len(text) + 1]
    reach = [
        step if 0.3 * most <= step <= 1.3 * most else most
        for step, most in zip(across, usual, strict=True)
    ]
    return list(zip(text, xs, ys, reach, strict=True))


def _says_where(code: etree._Element, text: str) -> bool:
    """Whether the places of a text's characters are written. Without any, neighbours follow each
    other, but what stands behind several spaces may be meant for another cell."""
    written = [
        steps for name in ("DeltaX", "DeltaY") if (steps := _steps(code.get(name), len(text)))
    ]
    if not written:
        return not _GAP.search(text)
    return all(len(steps) >= len(text) - 1 for steps in written)


def _deltas(written: str | None, count: int) -> list[float]:
    """The steps after each of `count` characters; the last one written goes on."""
    steps = _steps(written, count)
    return steps + steps[-1:] * (count - len(steps))


def _steps(written: str | None, most: int) -> list[float]:
    """The steps between characters as they are written; `g 3 4.2` stands for three of 4.2."""
    steps: list[float] = []
    words = iter((written or "").split())
    for word in words:
        times = 1
        if word == "g":
            counted = next(words, "")
            times = int(counted) if counted.isdecimal() and len(counted) < 7 else 0
            word = next(words, "")
        if not _NUMBER.fullmatch(word):
            return []
        steps += [float(word)] * min(times, most - len(steps))
        if len(steps) >= most:
            break
    return steps


# --- paths and pictures -------------------------------------------------------------------------


def _path(item: etree._Element, inner: Affine, drawn: Drawn) -> list[Box]:
    """Draws the rules of a path; the boxes of what it fills."""
    drawn.shapes += 1
    written = _data(item, drawn)
    stroked = item.get("Stroke") not in ("false", "0")
    if not stroked and item.get("Fill") not in ("true", "1"):
        return []
    a, b, c, d, e, f = inner
    parts = [[(a * x + c * y + e, b * x + d * y + f) for x, y in p] for p in _subpaths(written)]
    points = [point for part in parts for point in part]
    if not points or not all(abs(x) < FAR and abs(y) < FAR for x, y in points):
        return []
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    if min(max(xs) - min(xs), max(ys) - min(ys)) <= THIN:
        drawn.line(min(xs), min(ys), max(xs), max(ys))
        return []
    boxes: list[Box] = []
    filled = item.get("Fill") in ("true", "1")
    for part in parts:
        drawn.shape(part, stroked=stroked)
        if filled:
            xs, ys = [p[0] for p in part], [p[1] for p in part]
            if min(max(xs) - min(xs), max(ys) - min(ys)) > THIN:
                boxes.append((min(xs), min(ys), max(xs), max(ys)))
                _cover(boxes[-1], drawn)
    return boxes


def _data(path: etree._Element, drawn: Drawn) -> str:
    """A path in OFD's short form, paid for by its length."""
    written = text_of(path, "AbbreviatedData")
    drawn.budget.spend("segments", len(written) // 4, drawn.content.number)
    return written


def _subpaths(written: str) -> list[list[tuple[float, float]]]:
    """The straight runs of a path in OFD's short form; a curve ends one and rules nothing."""
    found: list[list[tuple[float, float]]] = []
    words = _PATH.findall(written)
    at = 0
    while at < len(words):
        command = words[at]
        count = _ARGUMENTS.get(command)
        arguments = words[at + 1 : at + 1 + (count or 0)]
        if count is None or len(arguments) < count or any(w.isalpha() for w in arguments):
            return found  # the rest is not understood
        at += 1 + count
        if command == "C":
            if found and found[-1]:
                found[-1].append(found[-1][0])
            continue
        point = (float(arguments[-2]), float(arguments[-1]))
        if command == "L" and found:
            found[-1].append(point)
        else:
            found.append([point])
    return found


def _cover(box: tuple[float, ...], drawn: Drawn) -> None:
    """What lies under a picture or a filled shape is hidden or shines through: something is there,
    and no number of it is certain."""
    page = drawn.content
    drawn.budget.spend("objects", len(page.glyphs) // 4, page.number)
    left, top, right, bottom = box[:4]
    for k, glyph in enumerate(page.glyphs):
        if left < glyph.x1 and glyph.x0 < right and top < glyph.y1 and glyph.y0 < bottom:
            page.glyphs[k] = glyph._replace(text=UNSURE)
