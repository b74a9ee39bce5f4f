"""What a number in a picture may have lost, and that section 二 does not believe it then."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
import reportlab
from PIL import Image, ImageDraw, ImageFont

from tasks.report.form import form
from tasks.report.model import Cell, Place
from tasks.report.ocr.ink import ink_in, printed_lines
from tasks.report.ocr.network import NUMERIC, Said
from tasks.report.ocr.numbers import Settled, Shape, settle, with_lost, without_likes
from tasks.report.ocr.picture import Grey, upright
from tasks.report.ocr.room import Extent, Lost, Print, extent, lost, print_of
from tasks.report.unread import accept

BLACK, GREY, FAINT = Print(True, False), Print(False, False), Print(False, True)
_FONTS = Path(reportlab.__file__).parent / "fonts"
_DIGIT = 9.0  # pixels from a digit to the next, 12 high
_MIDDLE = 100.0
_OTHERS = ("35", "80", "246", "59", "0", "63", "782", "94")


def _printed(text: str, *, at: float = _MIDDLE) -> Extent:
    """The ink of a number whose minus and point were printed and left none, as type sets it."""
    x, runs = 0.0, []
    for character in text:
        wide = {".": 0.5, "-": 0.66}.get(character, 1.0) * _DIGIT
        if character.isdigit():
            bearing = 0.2 if character == "1" else 0.075
            runs.append((x + bearing * _DIGIT, x + wide - bearing * _DIGIT))
        x += wide
    runs = [(a + at - x / 2, b + at - x / 2) for a, b in runs]
    return Extent(runs[0][0], runs[-1][1], 12.0, tuple(runs))


def _merged(e: Extent) -> Extent:
    return e._replace(runs=((e.left, e.right),))


def _lost(text: str, e: Extent, *, deep: bool = False, aligned: bool = True) -> Lost:
    others = [
        _printed(t, at=_MIDDLE if aligned else _MIDDLE + 7 * k) for k, t in enumerate(_OTHERS)
    ]
    return lost([*_OTHERS, text], [*others, e], [_MIDDLE] * (len(_OTHERS) + 1), deep)[-1]


@pytest.mark.parametrize("number", ["7.271", "0.5", "12.05", "7.2", "1.1", "71.17", "1234.5"])
def test_the_room_of_a_lost_point_is_seen_though_digits_touch(number: str) -> None:
    seen = number.replace(".", "")
    assert not _lost(seen, _printed(seen)).point or seen[0] == "0"
    assert _lost(seen, _printed(number)).point
    assert _lost(seen, _merged(_printed(number))).point


@pytest.mark.parametrize("digits", ["2", "7", "12", "11", "2896"])
def test_a_number_that_lost_its_minus_stands_beside_the_middle(digits: str) -> None:
    for deep in (False, True):
        assert not _lost(digits, _printed(digits), deep=deep).minus
        assert _lost(digits, _printed("-" + digits), deep=deep).minus
        assert _lost(digits, _merged(_printed("4" + digits)), deep=deep).minus  # it touches them
    # Where numbers stand in no line, nothing tells.
    assert _lost(digits, _printed(digits), aligned=False, deep=True).minus


def test_a_1_at_its_front_does_not_hide_that_a_number_lost_its_minus() -> None:
    # Fonts differ in where a 1 stands in its room: here in its middle, as any other digit.
    assert not _lost("17", _printed("47"), deep=True).minus
    assert _lost("17", _printed("-47"), deep=True).minus


@pytest.mark.parametrize("font", ["Vera.ttf", "VeraIt.ttf", None])
@pytest.mark.parametrize("printed", ["1", "7", "-7", "-1", "471"])
def test_a_7_has_a_head_and_a_1_has_none(font: str | None, printed: str) -> None:
    image = Image.new("L", (480, 160), 255)
    face = ImageFont.truetype(str(_FONTS / font), 80) if font else ImageFont.load_default(80)
    ImageDraw.Draw(image).text((80, 30), printed, fill=0, font=face)
    grey = np.asarray(image.resize((72, 24), Image.Resampling.BOX))
    dark = cv2.threshold(grey, 200, 255, cv2.THRESH_BINARY_INV)[1]
    (line,) = printed_lines(ink_in(np.asarray(dark, np.uint8)), 12)
    seen = extent(grey, line)
    swapped = printed.translate(str.maketrans("17", "71"))
    assert without_likes(Settled(printed, (printed,)), seen).text == printed
    taken = without_likes(Settled(swapped, (swapped,)), seen)
    assert taken.text is None
    assert printed in taken.readings


def test_how_dark_its_strokes_are_says_nothing_of_a_page_in_black_and_white() -> None:
    page = np.full((600, 400, 3), 255, np.uint8)
    cv2.putText(page, "175", (60, 300), cv2.FONT_HERSHEY_SIMPLEX, 3, (0, 0, 0), 6, cv2.LINE_AA)
    assert not upright(page).bilevel
    assert upright(np.where(page < 128, 0, 255).astype(np.uint8)).bilevel


@pytest.mark.parametrize(("gain", "deep"), [(1.0, True), (1.7, False)])
def test_an_over_exposed_page_is_told_by_its_strokes(gain: float, deep: bool) -> None:
    cells: list[tuple[Grey, object]] = []
    for text in ("202", "875", "360", "294"):
        image = Image.new("L", (360, 160), 255)
        ImageDraw.Draw(image).text((80, 30), text, fill=0, font=ImageFont.load_default(80))
        small = np.asarray(image.resize((54, 24), Image.Resampling.BOX))
        grey = np.clip(small * gain + (gain - 1) * 90, 0, 255).astype(np.uint8)
        dark = cv2.threshold(grey, 200, 255, cv2.THRESH_BINARY_INV)[1]
        (line,) = printed_lines(ink_in(np.asarray(dark, np.uint8)), 12)
        cells.append((grey, line))
        measured = extent(grey, line)
        assert measured
        assert measured.height == pytest.approx(8.3, abs=0.8)
    assert print_of(cells).deep is deep
    assert not print_of([]).deep


class _Seen(NamedTuple):
    code: str
    text: str
    lost: Lost
    status: str


@pytest.mark.parametrize(
    "seen",
    [
        _Seen("proactive.licences.change", "12", Lost(True, False), "unread"),
        _Seen("proactive.licences.change", "12", Lost(False, True), "reported"),
        _Seen("proactive.licences.change", "0", Lost(True, False), "reported"),
        _Seen("proactive.licences.decisions", "12", Lost(True, True), "reported"),
        _Seen("proactive.procurement.amount", "7271", Lost(False, True), "unread"),
        _Seen("proactive.procurement.amount", "7271", Lost(True, False), "reported"),
        _Seen("requests.new_received.total", "12", Lost(True, True), "reported"),
    ],
)
def test_only_a_cell_that_may_hold_what_was_lost_is_unread(seen: _Seen) -> None:
    place = Place("image", 1, 1, 1, 1, (0.0, 0.0, 9.0, 9.0))
    readings = with_lost(Settled(seen.text, (seen.text,)), seen.lost, GREY).readings
    cell = Cell(seen.code, Decimal(seen.text), seen.text, "reported", place)
    (judged,) = accept(form("2019"), [cell], [], {(1, (0.0, 0.0, 9.0, 9.0)): readings})
    assert judged.status == seen.status
    assert (judged.value is None) is (seen.status == "unread")


def test_what_poor_print_may_have_lost_is_unread() -> None:
    place = Place("image", 1, 1, 1, 1, (0.0, 0.0, 9.0, 9.0))
    for text, readings, status in (
        ("", ("", "?"), "unread"),
        ("", (), "blank"),
        ("/", with_lost(Settled("/", ()), Lost(True, True), GREY).readings, "unread"),
        ("12", with_lost(Settled("12", ()), Lost(False, False), FAINT).readings, "unread"),
        ("-7", with_lost(Settled("-7", ()), Lost(False, False), FAINT).readings, "unread"),
        ("/", with_lost(Settled("/", ()), Lost(True, True), BLACK).readings, "mark"),
    ):
        cell = Cell("proactive.rules.made", None, text, "mark" if text else "blank", place)
        (judged,) = accept(form("2019"), [cell], [], {(1, (0.0, 0.0, 9.0, 9.0)): readings})
        assert judged.status == status


def test_a_seven_without_its_bar_is_no_slash() -> None:
    table = np.zeros((2, len(NUMERIC) + 1), np.float32)
    table[0, 1 + [alike[0] for alike in NUMERIC].index("7")] = table[1, 0] = 1.0
    seven = Said(table.argmax(axis=1) * 0, table)
    assert settle([seven, seven], Shape(8, 15, 1, lean=0.35), 0.75).text != "/"
