"""The ink of one cell or line: its pieces, the printed lines they make, and their shape."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import cv2
import numpy as np

from tasks.report.ocr.network import HEIGHT
from tasks.report.ocr.numbers import Shape
from tasks.report.ocr.picture import Grey

_HUG = 3  # pixels: what lies this close along a cell's side is left of its rule
_SPECK = 2
_SLIVER = 0.25  # of a line's height
_TRACE = 18  # grey values, over five pixels, by which a blank cell is nowhere darker than its paper
_STROKE = 0.45  # of its height a stroke is at most wide


class Piece(NamedTuple):
    """The box of connected ink, in pixels of its cell."""

    left: int
    top: int
    right: int
    bottom: int
    number: int

    @property
    def wide(self) -> int:
        return self.right - self.left

    @property
    def high(self) -> int:
        return self.bottom - self.top


class Ink(NamedTuple):
    """One cell's ink without the remains of its rules; `parts` numbers every pixel's piece.
    `beside` are those remains that lie along its left and right."""

    pieces: list[Piece]
    parts: Any
    beside: list[Piece]


class InkLine(NamedTuple):
    """One printed line: its pieces, and their box."""

    pieces: list[Piece]
    left: int
    top: int
    right: int
    bottom: int


def ink_in(dark: Any) -> Ink:
    """The pieces of ink in a cell's inside."""
    high, wide = dark.shape
    count, parts, stats, _ = cv2.connectedComponentsWithStats(
        np.ascontiguousarray(dark), connectivity=8
    )
    pieces, remains = [], []
    for number in range(1, count):
        left, top, w, h = (int(v) for v in stats[number][:4])
        piece = Piece(left, top, left + w, top + h, number)
        if w <= _SPECK and h <= _SPECK:
            continue
        beside = piece.right <= _HUG or left >= wide - _HUG
        along = piece.bottom <= _HUG or top >= high - _HUG
        if beside:
            remains.append(piece)
        elif not along:
            pieces.append(piece)
    return Ink(pieces, parts, remains)


def printed_lines(ink: Ink, tall: float) -> list[InkLine]:
    """The lines that pieces make, from the top; specks that stand in none are left of dust or a
    seal. `tall` is how high a line of the page is."""
    small = _SLIVER * tall
    specks = [p for p in ink.pieces if max(p.wide, p.high) <= small]
    pieces = [p for p in ink.pieces if max(p.wide, p.high) > small]
    runs: list[list[int]] = []  # top, bottom
    for piece in sorted(pieces, key=lambda p: p.top):
        if runs and piece.top < runs[-1][1]:
            runs[-1][1] = max(runs[-1][1], piece.bottom)
        else:
            runs.append([piece.top, piece.bottom])
    joined: list[list[int]] = []
    for top, bottom in runs:
        # 二 and 三 are lines of ink with paper between them.
        if joined and bottom - joined[-1][0] <= 1.25 * tall:
            joined[-1][1] = bottom
        else:
            joined.append([top, bottom])
    whole = [run for run in joined if run[1] - run[0] > small]
    lines = []
    for top, bottom in whole or joined:  # beside a line of text a sliver is left of a rule
        own = [p for p in pieces if top <= p.top and p.bottom <= bottom]
        left, right = min(p.left for p in own), max(p.right for p in own)
        own += [
            p
            for p in specks  # points and commas, and dots of characters
            if top - small <= p.top and p.bottom <= bottom + small
            if left - tall <= p.left and p.right <= right + tall
        ]
        lines.append(
            InkLine(
                own,
                min(p.left for p in own),
                min(p.top for p in own),
                max(p.right for p in own),
                max(p.bottom for p in own),
            )
        )
    return lines


def line_height(inks: list[Ink]) -> float:
    """How high a printed line of a page is: the upper middle of all runs of ink."""
    heights = sorted(
        line.bottom - line.top
        for ink in inks
        for line in printed_lines(ink, 0)
        if line.bottom - line.top >= 5
    )
    return float(heights[(2 * len(heights)) // 3]) if heights else 12.0


def shape_of(line: InkLine, ink: Ink, tall_line: float, room: float = 0.2) -> Shape:
    """What a line's outline says of the characters in it; `tall_line` as in `printed_lines`, `room`
    how far of it the line keeps off its cell's sides: what is nearer may go on below the rule."""
    wide, high = line.right - line.left, line.bottom - line.top
    tall = sorted((p for p in line.pieces if p.high >= 0.6 * high), key=lambda p: p.left)
    edge, gap = line.left, 0
    for piece in sorted(line.pieces, key=lambda p: p.left):
        gap = max(gap, piece.left - edge)
        edge = max(edge, piece.right)
    step = max((b.left + b.right - a.left - a.right for a, b in pairwise(tall)), default=0) / 2
    flat = len(line.pieces) == 1 and wide >= 2 * high and high <= 0.4 * tall_line
    cell_high, cell_wide = ink.parts.shape
    side = min(line.left, cell_wide - line.right) < room * tall_line
    side = side or any(_as_a_digit(p, line) for p in ink.beside)
    cut = side or line.top <= 0 or line.bottom >= cell_high
    return Shape(wide, high, len(tall), _lean(line, ink), flat, gap, step, _rise(line, ink), cut)


def _as_a_digit(piece: Piece, line: InkLine) -> bool:
    """Whether what lies beside a rule stands in a line as its digits do."""
    high = line.bottom - line.top
    off = max(abs(piece.top - line.top), abs(piece.bottom - line.bottom))
    return off <= 0.25 * high


def _rise(line: InkLine, ink: Ink) -> float:
    """How far a line's ink lies further right at its head than at its foot, in its height."""
    high = line.bottom - line.top
    window = np.isin(
        ink.parts[line.top : line.bottom, line.left : line.right], [p.number for p in line.pieces]
    )
    rows, columns = np.nonzero(window)
    if high < 5 or len(rows) < 5:
        return 0.0
    return -float(np.polyfit(rows, columns, 1)[0])


def _lean(line: InkLine, ink: Ink) -> float:
    """How far one straight stroke leans, in its height; 0 for anything else."""
    if len(line.pieces) != 1:
        return 0.0
    piece = line.pieces[0]
    if piece.high < 5 or piece.wide < 0.2 * piece.high:
        return 0.0
    window = ink.parts[piece.top : piece.bottom, piece.left : piece.right] == piece.number
    rows = np.arange(piece.high)
    middles = np.array([np.flatnonzero(row).mean() for row in window if row.any()])
    if len(middles) != piece.high:
        return 0.0
    slope, start = np.polyfit(rows, middles, 1)
    off = np.abs(middles - (slope * rows + start)).max()
    # A stroke all along: no flag, foot or bar, as 1 and 7 have them, and no smear.
    widths = window.sum(axis=1)
    usual = float(np.median(widths))
    even = widths.max() <= max(1.6 * usual, usual + 2) and usual <= _STROKE * piece.high
    straight = off <= max(1.5, 0.12 * piece.high)
    return float(abs(slope)) if even and straight else 0.0


def has_traces(grey: Grey, ink: Ink, tall: float) -> bool:
    """Whether something stands in a cell that is too faint to be ink; specks are nothing."""
    margin = round(tall / 4) + 1  # as far as the blur of a rule reaches
    bare = np.where(ink.parts > 0, np.median(grey), grey).astype(np.float32)
    around = round(4 * tall) | 1
    paper = cv2.blur(bare, (around, around), borderType=cv2.BORDER_REPLICATE)
    below = (paper - cv2.blur(bare, (5, 5)))[margin:-margin, margin:-margin]
    return below.size > 0 and float(below.max()) > _TRACE


def contrast(grey: Grey, line: InkLine) -> float:
    """By how many grey values a line's ink is darker than its paper."""
    window = grey[line.top : line.bottom, line.left : line.right]
    return float(np.percentile(grey, 90)) - float(window.min())


def crop(grey: Grey, ink: Ink, line: InkLine, margin: float, stretch: float = 1.0) -> Grey:
    """A line's picture for the recogniser: its own ink only, on white, HEIGHT pixels high."""
    high, wide = line.bottom - line.top, line.right - line.left
    pad = max(2, round(margin * max(high, 6)))
    canvas = np.full((high + 2 * pad, wide + 2 * pad), 255, np.uint8)
    top, left = max(0, line.top - 2), max(0, line.left - 2)
    bottom, right = min(grey.shape[0], line.bottom + 2), min(grey.shape[1], line.right + 2)
    window = grey[top:bottom, left:right].astype(np.float32)
    paper = max(1.0, float(np.percentile(grey, 90)))
    window = np.clip(window * (255 / paper), 0, 255)
    foreign = ink.parts[top:bottom, left:right]
    own = np.isin(foreign, [0, *(p.number for p in line.pieces)])
    window[~own] = 255
    y, x = pad - (line.top - top), pad - (line.left - left)
    canvas[y : y + bottom - top, x : x + right - left] = window
    scale = HEIGHT / canvas.shape[0]
    size = (max(8, round(canvas.shape[1] * scale * stretch)), HEIGHT)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(canvas, size, interpolation=how), np.uint8)
