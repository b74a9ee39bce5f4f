"""Whether a number may have lost a minus or a decimal point that left no ink of its own.

Print as fine as a point vanishes from a scan that is coarse, over-exposed or packed too hard, and
no recogniser can tell. The room that it took stays: digits stand apart by more than a digit, and a
number without its minus stands beside the middle of its cell. So what excludes a lost character is
measured, wherever ink begins and ends between two pixels; where that cannot be, it is possible.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, floor
from typing import Any, NamedTuple

import numpy as np

from tasks.report.ocr.picture import Grey

_LEVEL = 0.4  # of the darkest of a number: where its ink begins
_BEARING = 0.15  # digits by which ink is narrower than so many digits are set
_NARROW = 0.2  # and on the side of a 1
_WIDE = 0.22  # digits by which ink may be too wide: a point takes 0.5
_GAP, _GAP_OF_ONE = 0.42, 0.3  # digits between two, and more beside a 1
_PITCH = 1.25  # digits from the middle of one to that of the next: 1.5 across a point
_BESIDE, _CLOSE = 0.17, 0.12  # digits right of the middle of the cell, and where strokes are not
# deep: a lost minus makes 0.3
_FROM_LEFT = 0.3  # digits right of where the page's numbers begin: a lost minus makes 0.6
_ONE = 0.1  # digits by which a 1 at the end may hide some of that
_LEAST, _MOSTLY = 8, 0.7  # so many numbers of a page tell where its numbers stand, if most agree
_DEEP = 165.0  # of 255, the median darkness of a good page's strokes
_FAINT = 135.0  # and that below which a 6 may have become a 5
_HEAD = 0.25  # of a digit's height is its head, and as much its foot
_NOISE = 0.25  # of a number's darkest: what is no darker is no stroke
_LEAST_STROKES = 40


class Extent(NamedTuple):
    """The ink of one number between pixels of its cell: its sides, its height, the runs of columns
    with ink in it, and how far the head of each reaches right of its foot, in heights."""

    left: float
    right: float
    height: float
    runs: tuple[tuple[float, float], ...]
    rises: tuple[float, ...] = ()

    @property
    def width(self) -> float:
        return self.right - self.left


class Lost(NamedTuple):
    """What a number may have lost."""

    minus: bool
    point: bool


def extent(grey: Grey, line: Any) -> Extent | None:
    """Where a line's ink begins and ends; None where it has no contrast."""
    top, left = max(0, line.top - 2), max(0, line.left - 2)
    window = grey[top : line.bottom + 2, left : line.right + 2].astype(np.float32)
    dark = np.maximum(0, float(np.percentile(grey, 90)) - window)
    if not dark.size or (darkest := float(dark.max())) <= 0:
        return None
    across, down = _runs(dark.max(axis=0) / darkest), _runs(dark.max(axis=1) / darkest)
    runs = tuple((left + a, left + b) for a, b in across)
    high = down[-1][1] - down[0][0]
    part = max(1, round(_HEAD * high))
    first, last = max(0, round(down[0][0])), round(down[-1][1])
    ends = [
        [_end(rows.max(axis=0, initial=0) / darkest, run) for run in across]
        for rows in (dark[first : first + part], dark[max(0, last - part) : last])
    ]
    rises = tuple((head - foot) / high for head, foot in zip(*ends, strict=True))
    return Extent(runs[0][0], runs[-1][1], high, runs, rises)


def _end(profile: Any, run: tuple[float, float]) -> float:
    """Where the ink of a profile ends on the right in a run of columns; its left without any."""
    first, last = max(0, floor(run[0])), ceil(run[1])
    found = _runs(profile[first:last])
    return first + found[-1][1] if found else run[0]


class Print(NamedTuple):
    """How dark the strokes of a page's numbers are: `deep` if a dash or a slash, which are no
    thicker, would have left ink; `faint` if strokes of digits may be missing."""

    deep: bool
    faint: bool


def print_of(numbers: Sequence[tuple[Grey, Any]]) -> Print:
    """How a page is printed, from its numbers, each with its cell: level and upright strokes."""
    level: list[float] = []
    upright: list[float] = []
    for grey, line in numbers:
        paper = max(1.0, float(np.percentile(grey, 90)))
        window = grey[line.top : line.bottom, line.left : line.right].astype(np.float32)
        dark = np.maximum(0, 255 - window * (255 / paper))
        level += _strokes(dark)
        upright += _strokes(dark.T)
    if min(len(level), len(upright)) < _LEAST_STROKES:
        return Print(deep=False, faint=False)
    depth = min(float(np.median(level)), float(np.median(upright)))
    return Print(depth >= _DEEP, depth < _FAINT)


def _strokes(dark: Any) -> list[float]:
    """How dark the level strokes of a window are in their middle."""
    padded = np.pad(dark, ((1, 1), (0, 0)))
    ridge = (dark > padded[:-2]) & (dark >= padded[2:]) & (dark > _NOISE * dark.max(initial=0))
    return [float(v) for v in dark[ridge]]


def _runs(profile: Any) -> list[tuple[float, float]]:
    """The stretches in which a profile is above _LEVEL, each end between two pixels."""
    padded = np.concatenate([[0.0], profile, [0.0]])
    above = padded >= _LEVEL
    begins = np.flatnonzero(above[1:] & ~above[:-1])
    ends = np.flatnonzero(~above[1:] & above[:-1])

    def crossing(i: Any) -> float:
        """Between the middles of padded[i] and padded[i + 1], in pixels of the profile."""
        one, other = padded[i], padded[i + 1]
        return float(i - 0.5 + (_LEVEL - one) / (other - one))

    return [(crossing(b), crossing(e)) for b, e in zip(begins, ends, strict=True)]


def lost(
    texts: Sequence[str | None],
    extents: Sequence[Extent | None],
    middles: Sequence[float],
    deep: bool,
) -> list[Lost]:
    """What each number of a page may have lost. `texts` are those that are certain, `middles` how
    far right in the pixels of its window the middle of its cell is."""
    sized = [
        (text, e) if text and e and e.height > 0 and text.lstrip("+-").isdigit() else None
        for text, e in zip(texts, extents, strict=True)
    ]
    unit = _digit([s for s in sized if s])
    if unit is None:
        return [Lost(True, True)] * len(texts)
    told = _places(sized, middles, unit, _BESIDE if deep else _CLOSE)
    out = []
    for k, s in enumerate(sized):
        if s is None:
            out.append(Lost(True, True))
            continue
        wide = _is_too_wide(*s, unit)
        out.append(Lost(wide or told is None or told[k], wide or _has_a_gap(*s, unit)))
    return out


def _places(
    sized: Sequence[tuple[str, Extent] | None],
    middles: Sequence[float],
    unit: float,
    reach: float,
) -> list[bool] | None:
    """Whether each number stands further right than the others, in the middle of its cell or from
    its left; None where the page's numbers stand in no such line, for instance at the right."""
    for offs, most in (
        ([s and _beside(*s, at, unit) for s, at in zip(sized, middles, strict=True)], reach),
        ([s and s[1].left / (unit * s[1].height) for s in sized], _FROM_LEFT),
    ):
        known = [off for off in offs if off is not None]
        usual = float(np.median(known)) if known else 0.0
        near = sum(abs(off - usual) <= _BESIDE for off in known)
        if len(known) >= _LEAST and near >= _MOSTLY * len(known):
            return [off is not None and off - usual > most for off in offs]
    return None


def _digit(numbers: list[tuple[str, Extent]]) -> float | None:
    """How wide a digit is set, in heights of a digit."""
    for several in (True, False):
        seen = sorted(
            e.width / e.height / (len(text) - _BEARING)
            for text, e in numbers
            if text.isdigit() and "1" not in text and (len(text) > 1) is several
        )
        if len(seen) >= 3:
            return seen[len(seen) // 2]
    return None


def _beside(text: str, e: Extent, middle: float, unit: float) -> float:
    """How far right of its cell's middle a number stands at most, in digits."""
    off = ((e.left + e.right) / 2 - middle) / (unit * e.height)
    return off + _ONE * (text[-1] == "1")


def _is_too_wide(text: str, e: Extent, unit: float) -> bool:
    """Whether there is more ink than of these digits: a minus may touch them, a point part them."""
    digits = text.lstrip("+-")
    ones = (digits[0] == "1") + (digits[-1] == "1")
    return e.width / (unit * e.height) - (len(text) - _BEARING - _NARROW * ones) > _WIDE


def _has_a_gap(text: str, e: Extent, unit: float) -> bool:
    """Whether two of a number's digits stand so far apart that a point may be between them."""
    digits = text.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0":
        return True
    digit = unit * e.height
    if len(e.runs) == len(digits):
        middles = [(a + b) / 2 for a, b in e.runs]
        return float(np.diff(middles).max(initial=0.0)) > _PITCH * digit
    gaps = [after[0] - before[1] for before, after in pairwise(e.runs)]
    return max(gaps, default=0.0) > (_GAP + _GAP_OF_ONE * ("1" in digits)) * digit
