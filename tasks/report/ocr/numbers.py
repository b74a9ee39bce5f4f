"""When a number that was recognised in a picture may be believed, and what else it could be.

The recogniser's own certainty is not enough: it may drop one of two like digits, or a decimal
point, and be sure of the rest. A number is believed when two readings at different scales say the
same, both surely, and when its ink is as wide as so many characters are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tasks.report.ocr.network import NUMERIC, Floats, Said, text_of
from tasks.report.ocr.room import Extent, Lost, Print

SURE = 0.85  # the probability from which a reading is believed
_CHARACTERS = "".join(alike[0] for alike in NUMERIC) + "?"
_BEAM = 12
_LEAST = 1e-3  # an alternative this much less likely than the best is none
_NUMBER = re.compile(r"[+-]?\d[\d.,]*\Z")
_HEAD_OF_7 = 0.15  # heights by which it reaches right of its foot; that of a 1 does not
_LIKE = {"1": "7", "7": "1"}
_RISING = 0.12  # a 1 has its flag on the left: whatever rises so far to the right may be a slash
_STEP = 1.25  # digits from one to the next; with a point between them it is 1.5
_BROAD = 0.25, 0.04  # digits by which the ink may be too wide, and for each digit: less than a sign
_WIDTHS = {".": 0.5, ",": 0.5, "-": 0.7, "+": 1.0}


@dataclass(slots=True)
class Shape:
    """The ink of one line: its box's width and height in pixels, how many separate pieces as high
    as a digit it has, and what its outline rules out."""

    width: float
    height: float
    pieces: int
    lean: float = 0.0  # of one straight stroke, in its height; 0 for anything else
    flat: bool = False  # one stroke, much wider than high
    gap: float = 0.0  # the widest gap between pieces
    step: float = 0.0  # the widest from the middle of such a piece to that of the next
    rise: float = 0.0  # by how much its head lies right of its foot, in its height
    cut: bool = False  # it reaches its cell's side, and perhaps beyond

    @property
    def slanted(self) -> bool:
        """Whether it may be a slash: an upright 1 does not lean so much, one in italics may."""
        return self.lean >= 0.22

    @property
    def is_slash(self) -> bool:
        """Whether it leans more than italics do."""
        return self.lean >= 0.29


class Settled(NamedTuple):
    """A number or mark that is certain, else None; and all that it may be, likeliest first."""

    text: str | None
    readings: tuple[str, ...]


class Reading(NamedTuple):
    """One reading of a line as a number: its text, and the probability of it against all others."""

    text: str
    sure: float


def with_slashes(settled: list[Settled], shapes: list[Shape]) -> list[Settled]:
    """The same, with the slashes that were taken for a 1: those drawn like one that was not."""
    known = {(s.width, s.height) for t, s in zip(settled, shapes, strict=True) if t.text == "/"}

    def like_one(shape: Shape) -> bool:
        return shape.slanted and any(
            abs(shape.width - w) <= 2 and abs(shape.height - h) <= 2 for w, h in known
        )

    return [
        Settled("/", ()) if t.text is None and like_one(s) else t
        for t, s in zip(settled, shapes, strict=True)
    ]


def with_lost(found: Settled, lost: Lost, made: Print) -> Settled:
    """What is certain, with what else it may be where strokes left no ink: a minus or a point; in
    poor print "?", of a mark the rest of a number, of a number strokes of its digits."""
    text = found.text
    if text is not None and (made.faint or (text in ("/", "—") and not made.deep)):
        return Settled(text, (text, "?"))
    if text is None or not text.isdigit():
        return found
    signed = (f"-{text}",) if lost.minus and text.strip("0") else ()
    parted = (f"{text[0]}.{text[1:]}",) if lost.point and len(text) > 1 else ()
    return found._replace(readings=(*found.readings, *signed, *parted))


def without_likes(found: Settled, extent: Extent | None) -> Settled:
    """The same; nothing is certain where a 1 has the head of a 7, or a 7 the foot of a 1. Digits
    that touch their neighbours on the right cannot be looked at."""
    text = found.text
    if text is None or extent is None:
        return found
    at = [i for i, c in enumerate(text) if c not in ".,"]
    whole = len(extent.rises) == len(at)
    looked = zip(
        at if whole else at[-1:], extent.rises if whole else extent.rises[-1:], strict=True
    )
    unlike = {
        i for i, rise in looked if text[i] in _LIKE and (text[i] == "7") != (rise > _HEAD_OF_7)
    }
    if not unlike:
        return found
    other = "".join(_LIKE[c] if i in unlike else c for i, c in enumerate(text))
    return Settled(None, (*found.readings, other))


def as_number(said: Said) -> Reading:
    """The likeliest number or mark; "?" stands for what is no character of one."""
    steps = said.numeric
    other = np.maximum(0.0, 1.0 - steps.sum(axis=1))
    every = np.column_stack([steps, other])
    path, before = [], 0
    for index in every.argmax(axis=1).tolist():
        if index and index != before:
            path.append(index)
        before = index
    text = "".join(_CHARACTERS[i - 1] for i in path)
    return Reading(text, _probability(every, path) if path else 0.0)


def _probability(steps: Floats, path: list[int]) -> float:
    """The probability of a text, over all ways in which its characters may fall on the steps."""
    states = [0]
    for index in path:
        states += [index, 0]
    alive = np.zeros(len(states))
    alive[0] = 1.0
    # A character may follow another without a gap, but not itself.
    skips = np.array(
        [i > 1 and states[i] != 0 and states[i] != states[i - 2] for i in range(len(states))]
    )
    said = steps[:, states].astype(float)
    for step, now in enumerate(said):
        grown = alive.copy()
        if step:
            grown[1:] += alive[:-1]
            grown[2:] += np.where(skips[2:], alive[:-2], 0)
        else:
            grown[1] = 1.0
        alive = grown * now
    return float(alive[-1] + alive[-2])


def is_number(text: str) -> bool:
    """Whether a text is one number, as statutory tables print them."""
    return bool(_NUMBER.match(text))


def settle(said: Sequence[Said], shape: Shape, unit: float | None) -> Settled:
    """What the readings of one line and its ink say together.

    `unit` is how wide a digit is set, in heights of a digit, where the document has told it.
    """
    if shape.flat and not shape.cut:
        return Settled("—", ())
    read = [as_number(s) for s in said]
    texts = {r.text for r in read}
    sevens = any(t.endswith("7") for t in texts)  # whose bar has faded
    if not sevens and (shape.is_slash or (shape.slanted and "/" in texts)):
        return Settled("/", ())
    if all(text_of(s) == "无" for s in said):
        return Settled("无", ())
    first = read[0].text
    sure = len(texts) == 1 and min(r.sure for r in read) >= SURE and not shape.cut
    if sure and is_number(first) and fits(first, shape, unit):
        return Settled(first, (first,))
    likely = [r.text for r in read if is_number(r.text)]
    for each in said:
        likely += alternatives(each.numeric)
    if len(texts) == 1:  # what all say is nothing else, unless a character of it was not read
        likely = [text for text in likely if text == first or len(text) > len(first)]
    return Settled(None, tuple(dict.fromkeys(likely)))


def fits(text: str, shape: Shape, unit: float | None) -> bool:
    """Whether the ink is as wide as the text's characters, and nothing parts or slants it."""
    digits = sum(c.isdigit() for c in text)
    if shape.slanted or shape.gap > 1.2 * shape.height:
        return False
    if digits == 1 and len(text) == 1:
        upright = text != "1" or shape.rise < _RISING
        return shape.pieces <= 1 and shape.width <= 1.05 * shape.height and upright
    if unit is None:
        return shape.pieces == digits and len(text) == digits
    parted = shape.pieces == len(text) and shape.step > _STEP * unit * shape.height
    if shape.pieces > digits or parted:
        return False  # a digit or a point between two was not read
    wanted = sum(_WIDTHS.get(c, 1.0) for c in text) - 0.15
    narrow = 0.45 + 0.25 * (text[0] == "1") + 0.25 * (text[-1] == "1")
    got = shape.width / shape.height / unit
    return wanted - narrow <= got <= wanted + _BROAD[0] + _BROAD[1] * digits


def digit_width(cells: Iterable[tuple[str, Shape]]) -> float | None:
    """How wide digits are set, in heights of a digit: the median over numbers of several digits,
    or, where there are few, over those of one; 1 is narrower than it is set."""
    several: list[float] = []
    alone: list[float] = []
    for text, shape in cells:
        if text.isdigit() and "1" not in text:
            own = shape.width / shape.height
            (alone if len(text) == 1 else several).append(own / max(1, len(text) - 0.15))
    for seen in (several, alone):
        if len(seen) >= 3:
            return sorted(seen)[len(seen) // 2]
    return None


def alternatives(numeric: Floats) -> list[str]:
    """The numbers that a line may be, likeliest first: prefix beam search over NUMERIC."""
    beams: dict[str, tuple[float, float]] = {"": (1.0, 0.0)}
    for step in numeric.tolist():
        blank, others = step[0], step[1:]
        likely = [(c, p) for c, p in zip(_CHARACTERS, others, strict=False) if p > 1e-4]
        grown: dict[str, tuple[float, float]] = {}

        def add(
            text: str,
            ends_blank: float,
            ends_character: float,
            into: dict[str, tuple[float, float]],
        ) -> None:
            known = into.get(text, (0.0, 0.0))
            into[text] = (known[0] + ends_blank, known[1] + ends_character)

        for text, (after_blank, after_character) in beams.items():
            both = after_blank + after_character
            add(text, both * max(blank, 1e-6), 0.0, grown)
            for character, p in likely:
                if text.endswith(character):
                    add(text, 0.0, after_character * p, grown)
                    add(text + character, 0.0, after_blank * p, grown)
                else:
                    add(text + character, 0.0, both * p, grown)
        best = sorted(grown.items(), key=lambda item: -sum(item[1]))[:_BEAM]
        scale = sum(best[0][1]) or 1.0
        beams = {text: (b / scale, c / scale) for text, (b, c) in best}
    likeliest = max((sum(p) for p in beams.values()), default=0.0)
    ranked: Sequence[tuple[str, tuple[float, float]]] = sorted(
        beams.items(), key=lambda item: -sum(item[1])
    )
    texts = [t for t, p in ranked if likeliest and sum(p) >= _LEAST * likeliest]
    return [t for t in texts if is_number(t)]
