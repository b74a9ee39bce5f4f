"""One upright picture into what a page shows: rules, text, and what its numbers may be.

The result is a `PageContent` like that of a PDF's page, so tables, their cells, and tables that go
on over pages are found by the same code. A cell's text is one label, one number that is certain, or
UNREAD.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from tasks.report.drawn import Box, Glyph, PageContent, Rule
from tasks.report.model import Reject
from tasks.report.numbers import UNREAD, looks_numeral, looks_numeric
from tasks.report.ocr.ink import (
    Ink,
    InkLine,
    contrast,
    crop,
    has_traces,
    ink_in,
    line_height,
    printed_lines,
    shape_of,
)
from tasks.report.ocr.labels import names_money, nearest, settled
from tasks.report.ocr.network import Said, recognise, text_of
from tasks.report.ocr.numbers import (
    SURE,
    Settled,
    as_number,
    digit_width,
    settle,
    with_lost,
    with_slashes,
    without_likes,
)
from tasks.report.ocr.outside import NARROWER, Outside, lines_outside, write
from tasks.report.ocr.picture import Grey, Picture, ink
from tasks.report.ocr.room import Print, extent, lost, print_of
from tasks.report.ocr.rules import rules
from tasks.report.pdf_grid import grids

MOST_LINES = 1500  # of a page, in cells and outside; a report's have some 300
WIDTH = 595.0  # points that a picture is taken to be wide: A4
_INSET = 2  # pixels of a rule on its cell's side
_LABEL_LIKE = 6.0  # lines this many times as wide as high are no numbers
_IDEOGRAPH = re.compile(r"[\u3400-\u9fff]")
# How a line is shown to the recogniser: margin in heights of the line, and stretch.
_FIRST, _LABEL_AGAIN, _NUMBER_AGAIN = (0.3, 1.0), (0.5, 1.0), (0.8, 1.0)
_FEW = 6  # cells of a row that is none of section 三 or 四: no sum tells whether they are right
_ROOM = 0.2, 0.4  # heights of a line to a rule, in rows with sums and in others: see `shape_of`
_MANY, _MOSTLY = 20, 0.7  # of so many numbers of a page so many are certain, or none: bad print
# misleads all readings alike
_TURNS = (0, 1, 3, 2)  # quarter turns, the likeliest first
_WORD, _MOST_WORDS = 3.0, 8.0  # times as wide as high is a line that tells how a page stands
_SAMPLE = 5  # such lines that are read for it
_LEGIBLE = 0.8  # the recogniser's mean probability of the characters of an upright page
_FAINT = 0.4  # of the usual contrast of a page's figures


@dataclass(slots=True)
class _Cell:
    box: Box  # in points
    window: tuple[slice, slice]  # of the page's pixels
    grey: Grey
    ink: Ink
    few: bool  # it stands in a row of few cells
    hidden: bool = False  # something stands there, but only in red, or too faint to be read
    lines: list[InkLine] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)


@dataclass(slots=True)
class _Look:
    """A page's rules and the ink between them, before anything is recognised."""

    picture: Picture
    content: PageContent
    cells: list[_Cell]
    tall: float  # pixels of a printed line's height
    scale: float  # points of a pixel
    outside: list[Outside]


def read_picture(picture: Picture, number: int, width: float | None = None) -> PageContent:
    """What a picture shows, as the page `number`; `width` is how many points wide it is, as it is
    given. It may lie on its side or stand on its head."""
    look = _standing(picture, number, width)
    _recognise(look.cells)
    _numbers(look)
    write(look.content, look.outside, picture_width=look.picture.size[0], scale=look.scale)
    return look.content


def standing(picture: Picture) -> Picture:
    """The picture as it is read: not on its side, not on its head."""
    return _standing(picture, 1, None).picture


def _standing(picture: Picture, number: int, width: float | None) -> _Look:
    """The first turn of a page in which its text can be read; if there is none, as it is."""
    first = None
    for turns in _TURNS:
        turned = picture.turned(turns)
        scale = width / picture.size[0] if width else WIDTH / turned.size[0]
        look = _look(turned, number, scale)
        if _legible(look):
            look.content.turned = turns
            return look
        first = first or look
    assert first is not None
    return first


def _look(picture: Picture, number: int, scale: float) -> _Look:
    ruled = rules(ink(picture.grey))
    wide, high = picture.size
    content = PageContent(number, wide * scale, high * scale, recognised=True)
    content.across = [Rule(r.at * scale, r.start * scale, r.end * scale) for r in ruled.across]
    content.down = [Rule(r.at * scale, r.start * scale, r.end * scale) for r in ruled.down]
    cells = _cells(picture, ruled.ink, content, scale)
    tall = line_height([cell.ink for cell in cells]) if cells else wide / 70
    for cell in cells:
        cell.lines = printed_lines(cell.ink, tall)
    outside = lines_outside(picture, ruled, tall)
    if sum(len(cell.lines) for cell in cells) + len(outside) > MOST_LINES:
        raise Reject("too_large", f"a page of the picture has more than {MOST_LINES:,} lines")
    _mark_hidden([cell for cell in cells if not cell.lines], picture, tall)
    return _Look(picture, content, cells, tall, scale, outside)


def _legible(look: _Look) -> bool:
    """Whether the recogniser is sure of lines of a page that are words rather than numbers."""
    lines = [(cell.grey, cell.ink, line) for cell in look.cells for line in cell.lines]
    lines += [(f.grey, f.ink, f.line) for f in look.outside]
    words = [
        crop(grey, own, line, 0.3, NARROWER)
        for grey, own, line in lines
        if _WORD <= (line.right - line.left) / (line.bottom - line.top) <= _MOST_WORDS
    ]
    said = recognise(words[:: max(1, len(words) // _SAMPLE)][:_SAMPLE])
    return bool(said) and float(np.mean([s.sure for s in said])) >= _LEGIBLE


def _cells(picture: Picture, dark: Grey, content: PageContent, scale: float) -> list[_Cell]:
    """The inside of every cell that the rules enclose."""
    found = []
    for grid in grids(content.across, content.down) or []:
        begun = Counter(cell.row for cell in grid.cells)
        for cell in grid.cells:
            box = (
                grid.xs[cell.column],
                grid.ys[cell.row],
                grid.xs[cell.column + cell.colspan],
                grid.ys[cell.row + cell.rowspan],
            )
            left, top, right, bottom = (round(v / scale) for v in box)
            window = np.s_[
                top + _INSET : max(top + _INSET + 1, bottom - _INSET + 1),
                left + _INSET : max(left + _INSET + 1, right - _INSET + 1),
            ]
            few = begun[cell.row] <= _FEW
            found.append(_Cell(box, window, picture.grey[window], ink_in(dark[window]), few))
    return found


def _mark_hidden(cells: list[_Cell], picture: Picture, tall: float) -> None:
    """Marks those of some cells without ink in which something stands nevertheless."""
    if not cells:
        return
    coloured = ink(picture.coloured)
    for cell in cells:
        high, wide = cell.grey.shape
        cell.hidden = has_traces(cell.grey, cell.ink, tall) or any(
            p.left > 0 and p.top > 0 and p.right < wide and p.bottom < high and p.high >= 5
            for p in ink_in(coloured[cell.window]).pieces
        )


def _recognise(cells: list[_Cell]) -> None:
    crops = []
    for cell in cells:
        for line in cell.lines:
            margin, stretch = _FIRST
            if line.right - line.left > _LABEL_LIKE * (line.bottom - line.top):
                stretch *= NARROWER
            crops.append(crop(cell.grey, cell.ink, line, margin, stretch))
    said = iter(recognise(crops))
    for cell in cells:
        cell.said = [next(said) for _ in cell.lines]


def _numbers(look: _Look) -> None:
    """Writes every cell's text, numbers read a second time, and a third where no sum is."""
    page, cells = look.content, look.cells
    values, words = [], []
    for cell in cells:
        texts = [text_of(said) for said in cell.said]
        if cell.hidden:
            _write(page, cell, [UNREAD])
            page.looks[_key(cell.box)] = ()
        elif len(_IDEOGRAPH.findall("".join(texts))) >= 2:
            words.append(cell)
        elif cell.lines:
            values.append(cell)
    _labels(page, words)
    alone = [cell for cell in values if len(cell.lines) == 1]
    again = recognise([crop(c.grey, c.ink, c.lines[0], *_NUMBER_AGAIN) for c in alone])
    few = [c for c in alone if c.few]
    thirds = recognise([crop(c.grey, c.ink, c.lines[0], *_LABEL_AGAIN) for c in few])
    third = {id(c): (said,) for c, said in zip(few, thirds, strict=True)}
    shapes = [shape_of(c.lines[0], c.ink, look.tall, _ROOM[c.few]) for c in alone]
    depths = [contrast(c.grey, c.lines[0]) for c in alone]
    for shape, depth in zip(shapes, depths, strict=True):
        if depth < _FAINT * float(np.median(depths)):
            shape.flat = False  # what is left of a number that faded is no dash
    unit = digit_width(
        (a.text, shape)
        for cell, second, shape in zip(alone, again, shapes, strict=True)
        if (a := as_number(cell.said[0])).text == as_number(second).text and a.sure >= SURE
    )
    settled = [
        settle([cell.said[0], second, *third.get(id(cell), ())], shape, unit)
        for cell, second, shape in zip(alone, again, shapes, strict=True)
    ]
    extents = [extent(cell.grey, cell.lines[0]) for cell in alone]
    settled = [
        without_likes(found, e)
        for found, e in zip(with_slashes(settled, shapes), extents, strict=True)
    ]
    made = print_of([(cell.grey, cell.lines[0]) for cell in alone])
    if look.picture.bilevel:
        made = made._replace(deep=False)
    told = [found.text is not None for found, s in zip(settled, shapes, strict=True) if not s.cut]
    if len(told) >= _MANY and sum(told) < _MOSTLY * len(told):
        settled = [Settled(None, found.readings) for found in settled]
        made = Print(deep=False, faint=True)
    losses = lost(
        [found.text for found in settled],
        extents,
        [(c.box[0] + c.box[2]) / 2 / look.scale - c.window[1].start for c in alone],
        made.deep,
    )
    for cell, found, loss in zip(alone, settled, losses, strict=True):
        page.looks[_key(cell.box)] = with_lost(found, loss, made).readings
        _write(page, cell, [found.text or UNREAD])
    for cell in cells:
        if cell.few and not cell.lines and not cell.hidden and not made.deep:
            page.looks[_key(cell.box)] = ("", "?")
    for cell in values:
        if len(cell.lines) != 1:
            page.looks[_key(cell.box)] = ()
            _write(page, cell, [UNREAD])


def _labels(page: PageContent, cells: list[_Cell]) -> None:
    """Writes the texts of cells that hold words; those that are no label as read, or may give the
    unit of amounts, are read again."""
    unsure = []
    for cell in cells:
        label = nearest("".join(_words(cell.said)))
        if label and not names_money(label):
            _write(page, cell, [label])
        else:
            unsure.append(cell)
    again = iter(
        recognise([crop(c.grey, c.ink, n, *_LABEL_AGAIN) for c in unsure for n in c.lines])
    )
    for cell in unsure:
        one, other = ("".join(_words(s)) for s in (cell.said, [next(again) for _ in cell.lines]))
        amount = looks_numeric(one) or looks_numeral(one)  # 12.5万元, in words and no label
        label = None if amount else settled(one, other)
        _write(page, cell, _words(cell.said) if label == one else [label or UNREAD])


def _words(said: list[Said]) -> list[str]:
    """The texts of lines; those without a character are scraps of a seal."""
    return [text for text in map(text_of, said) if _IDEOGRAPH.search(text)]


def _key(box: Box) -> Box:
    """A cell's box as tables and places give it."""
    left, top, right, bottom = (round(v, 1) for v in box)
    return left, top, right, bottom


def _write(page: PageContent, cell: _Cell, texts: list[str]) -> None:
    """Puts a cell's lines into its middle, each as one piece of text."""
    left, top, right, bottom = cell.box
    step = (bottom - top) / len(texts)
    inset = (right - left) / 10
    for i, text in enumerate(texts):
        y = top + (i + 0.1) * step
        if text:
            page.glyphs.append(Glyph(text, left + inset, y, right - inset, y + 0.8 * step))
