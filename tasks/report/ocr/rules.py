"""The ruling lines of an upright page, as the edges between the crossings of a table's lines.

Candidates come from morphology: whatever runs straight for long enough. Text does so too in places,
so an edge between two crossings is kept only when such ink covers at least four fifths of it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from tasks.report.drawn import Rule
from tasks.report.ocr.picture import Grey

COVERED = 0.8
_SLACK = 2  # pixels by which a line may leave its middle
_THICK = 4  # pixels that a line may be thick on either side of its middle
Mask = npt.NDArray[Any]


class Ruled(NamedTuple):
    """A page's rules in pixels, level and upright; the box (left, top, right, bottom) of every
    table; and the page's ink without the rules."""

    across: list[Rule]
    down: list[Rule]
    boxes: list[tuple[int, int, int, int]]
    ink: Grey


def rules(dark: Grey) -> Ruled:
    """The rules of a page, given where its ink is."""
    width = dark.shape[1]
    level = _open(dark, (1, max(24, width // 40)))
    plumb = _open(dark, (max(12, width // 70), 1))
    across: list[Rule] = []
    down: list[Rule] = []
    boxes = []
    free = dark.copy()
    joined = cv2.dilate(cv2.bitwise_or(level, plumb), np.ones((5, 5), np.uint8))
    _, parts, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    for number in range(1, len(stats)):
        left, top, wide, high = (int(v) for v in stats[number][:4])
        if wide < width // 8 or high < 20:
            continue
        window = np.s_[top : top + high, left : left + wide]
        own = parts[window] == number
        ys = _lines_at((level[window] > 0) & own, 1)
        xs = _lines_at((plumb[window] > 0) & own, 0)
        if len(ys) < 2 or len(xs) < 2:
            continue
        level_edges = _edges(level[window] > 0, ys, xs, left, top)
        plumb_edges = _edges((plumb[window] > 0).T, xs, ys, top, left)
        _wipe(free, level, level_edges)
        _wipe(free.T, plumb.T, plumb_edges)
        across += level_edges
        down += plumb_edges
        boxes.append((left, top, left + wide, top + high))
    return Ruled(across, down, boxes, free)


def _wipe(ink: Mask, straight: Mask, edges: list[Rule]) -> None:
    """Takes the pixels of kept edges out of the ink, as thick as they are."""
    for at, start, end in edges:
        y, left, right = round(at), round(start) - 2, round(end) + 3
        band = np.s_[max(0, y - _THICK) : y + _THICK + 1, max(0, left) : right]
        line = cv2.dilate(np.ascontiguousarray(straight[band]), np.ones((3, 1), np.uint8))
        ink[band][line > 0] = 0


def _open(dark: Grey, kernel: tuple[int, int]) -> Mask:
    """What runs straight for the kernel's length; a gap of two pixels does not end it."""
    high, wide = kernel
    gap = np.ones((1, 3) if wide > 1 else (3, 1), np.uint8)
    closed = cv2.morphologyEx(dark, cv2.MORPH_CLOSE, gap)
    return cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((high, wide), np.uint8))


def _lines_at(mask: Mask, axis: int) -> list[float]:
    """The middles of the lines across an axis, pieces that lie side by side taken together."""
    weight = mask.sum(axis=axis).astype(float)
    at = np.flatnonzero(weight)
    if len(at) == 0:
        return []
    found = []
    for run in np.split(at, np.flatnonzero(np.diff(at) > 2) + 1):
        found.append(float(np.average(run, weights=weight[run])))
    return found


def _edges(
    straight: Mask, at: list[float], crossing: list[float], along: int, offset: int
) -> list[Rule]:
    """The covered pieces of the lines `at` (rows of the mask) between each two crossing lines."""
    found = []
    for y in at:
        row = round(y)
        band: Mask = straight[max(0, row - _SLACK) : row + _SLACK + 1].max(axis=0)
        for start, end in pairwise(crossing):
            piece = band[round(start) + 2 : max(round(start) + 3, round(end) - 1)]
            if len(piece) and piece.mean() >= COVERED:
                found.append(Rule(y + offset, start + along, end + along))
    return found
