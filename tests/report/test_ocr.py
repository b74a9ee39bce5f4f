"""Pictures of reports: what is read in them, what is left unread, what is refused."""

from __future__ import annotations

import io
import socket
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tasks.report import ocr, read
from tasks.report.form import form
from tasks.report.identities import check, force
from tasks.report.model import Cell, Place, Reading, Reject
from tasks.report.numbers import UNREAD
from tasks.report.ocr.ink import has_traces, ink_in, printed_lines, shape_of
from tasks.report.ocr.labels import nearest, settled
from tasks.report.ocr.network import NUMERIC, Said
from tasks.report.ocr.numbers import (
    Settled,
    Shape,
    alternatives,
    as_number,
    digit_width,
    fits,
    settle,
    with_slashes,
)
from tasks.report.ocr.page import read_picture, standing
from tasks.report.ocr.picture import colours, ink, open_pictures, upright
from tasks.report.ocr.rules import rules
from tasks.report.unread import accept
from tests.ocr_proof import differences
from tests.publisher.case import MAKERS
from tests.publisher.document import document
from tests.publisher.scan import Scan, scanned, scanned_pdf

PROBE = document(MAKERS["probe_consistent"]("2021", 1), seed=1)
OLD = document(MAKERS["consistent"]("2019", 3), seed=3)


@pytest.fixture(scope="module")
def offline() -> Any:
    """Whoever asks for the network fails."""

    def refuse(*_: object) -> None:
        raise AssertionError("the network was asked for")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        yield


@pytest.fixture(scope="module")
def old(offline: None) -> tuple[bytes, Reading]:
    """A form of 2019, tilted, sideways and packed as JPEG, as a PDF without a text layer."""
    scan = Scan(150, font="Times-Roman", tilt=0.8, jpeg=75, turned=90)
    data = scanned_pdf(scanned(OLD, scan, 3))
    return data, read(data)


def test_a_scan_below_seals_gives_every_number_in_its_place(offline: None) -> None:
    page = _page_of(scanned(PROBE, Scan(150, seal=True, jpeg=75)))
    reading = read(page)
    assert reading.outcome == "parsed", reading.reason
    assert differences(PROBE, reading) == []
    assert sum(cell.status == "unread" for cell in reading.cells) <= 2
    assert {cell.place.kind for cell in reading.cells if cell.place} == {"image"}
    assert (reading.report_year, reading.form) == (2023, "2021")


def _page_of(pictures: Sequence[bytes]) -> bytes:
    """The pictures as one TIFF of several pages."""
    pages = [Image.open(io.BytesIO(p)) for p in pictures]
    out = io.BytesIO()
    pages[0].save(out, "TIFF", save_all=True, append_images=pages[1:], compression="tiff_deflate")
    return out.getvalue()


def test_a_tilted_scan_on_its_side_is_read_without_a_wrong_value(
    old: tuple[bytes, Reading],
) -> None:
    _, reading = old
    assert reading.outcome == "parsed", reading.reason
    assert differences(OLD, reading) == []
    assert reading.issuing_unit == OLD.head.unit


def test_doubtful_cells_are_shown_in_frames(old: tuple[bytes, Reading]) -> None:
    data, reading = old
    places = [cell.place for cell in reading.cells if cell.place][:3]
    (png,) = ocr.marked(data, [], places)
    shown = np.asarray(Image.open(io.BytesIO(png)))
    red = (shown[:, :, 0] > 180) & (shown[:, :, 1] < 60)
    assert red.sum() > 300


def test_without_the_extra_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "installed", lambda: False)
    for data in (_drawn(), scanned_pdf([_drawn()])):
        reason = read(data).reason
        assert reason is not None
        assert reason.code == "needs_ocr"
        assert "pip install 'gongkai[ocr]'" in reason.message
    monkeypatch.setattr(ocr, "installed", lambda: True)
    reason = read(_drawn(), ocr=False).reason
    assert reason is not None
    assert reason.message.endswith(ocr.LATER)


def _drawn(turn: float = 0.0, lean: float = 0.0) -> bytes:
    """A grid of 4 x 5 cells without text."""
    image = Image.new("RGB", (900, 700), "white")
    draw = ImageDraw.Draw(image)
    for k in range(5):
        draw.line((100, 100 + 120 * k, 800, 100 + 120 * k), fill="black", width=2)
    for k in range(6):
        draw.line((100 + 140 * k, 100, 100 + 140 * k, 580), fill="black", width=2)
    if lean:
        image = image.transform(
            image.size,
            Image.Transform.PERSPECTIVE,
            (1 + lean, lean / 2, -30, 0, 1 + lean, -20, lean / 900, 0),
            Image.Resampling.BICUBIC,
            fillcolor="white",
        )
    image = image.rotate(turn, Image.Resampling.BICUBIC, fillcolor="white")
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(("turn", "lean"), [(0, 0), (2, 0), (-4.5, 0), (0, 0.06), (1, 0.05)])
def test_a_crooked_page_is_set_straight(turn: float, lean: float) -> None:
    (picture,) = open_pictures(_drawn(turn, lean))
    found = rules(ink(picture.grey))
    assert len({round(r.at) for r in found.across}) == 5
    assert len({round(r.at) for r in found.down}) == 6
    assert (len(found.across), len(found.down)) == (25, 24)  # every edge of every cell


@pytest.mark.parametrize("quality", [None, 75, 50])
def test_a_red_seal_is_paper_and_the_ink_below_it_is_not(quality: int | None) -> None:
    page = np.full((400, 600, 3), 255, np.uint8)
    page[100:300, 200:400] = (225, 40, 45)
    page[195:205, 150:450] = (0, 0, 0)  # a line through it
    page[195:205, 250:350] = (10, 2, 2)
    page[120:180:8, 198:398] = (5, 2, 2)  # and thin ones
    if quality:
        out = io.BytesIO()
        Image.fromarray(page).save(out, "JPEG", quality=quality)
        page = np.asarray(Image.open(out))
    dark = ink(upright(page).grey)
    assert not dark[210:330, 150:450].any()
    assert not dark[70:119, 150:450].any()
    assert dark[200, 160:440].all()
    assert dark[120:180:8, 203:393].all()


def test_a_page_is_turned_until_it_can_be_read() -> None:
    (page,) = open_pictures(scanned(OLD, Scan(150))[1])
    for quarters in range(4):
        assert (standing(page.turned(quarters)).grey == page.grey).all(), quarters


def test_the_way_a_camera_was_held_is_minded() -> None:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned to the right
    Image.open(io.BytesIO(_drawn())).save(out, "JPEG", exif=exif)
    (picture,) = open_pictures(out.getvalue())
    assert picture.size == (700, 900)


def test_sixteen_bits_are_as_many_greys() -> None:
    out = io.BytesIO()
    Image.fromarray(np.full((400, 400), 128 * 257, np.uint16)).save(out, "PNG")
    (rgb,) = colours(out.getvalue())
    assert (rgb == 128).all()


def test_a_picture_that_moves_or_takes_too_much_memory_is_refused() -> None:
    moving, large = io.BytesIO(), io.BytesIO()
    frames = [Image.new("L", (400, 400), grey) for grey in (0, 255)]
    frames[0].save(moving, "GIF", save_all=True, append_images=frames[1:])
    Image.new("P", (6001, 6000)).save(large, "PNG", transparency=0)
    for held, code in ((moving, "uncertain_picture"), (large, "too_large")):
        with pytest.raises(Reject) as caught:
            list(open_pictures(held.getvalue()))
        assert caught.value.rejection.code == code


def test_a_page_of_countless_lines_is_refused_before_any_is_read() -> None:
    page = np.full((2000, 2000, 3), 255, np.uint8)
    page.reshape(40, 50, 40, 50, 3)[:, 15:31, :, 20:30] = 0
    page[::50] = page[1::50] = page[:, ::50] = page[:, 1::50] = 0
    with pytest.raises(Reject, match="more than 1,500 lines"):
        read_picture(upright(page), 1)


def test_text_is_no_rule() -> None:
    image = Image.open(io.BytesIO(_drawn())).convert("RGB")
    draw = ImageDraw.Draw(image)
    for x in range(250, 370, 6):  # strokes along one line, half of it white
        draw.line((x, 160, x + 3, 160), fill="black", width=2)
    draw.line((310, 130, 310, 190), fill="black", width=3)  # a tall stroke in a cell
    out = io.BytesIO()
    image.save(out, "PNG")
    (picture,) = open_pictures(out.getvalue())
    found = rules(ink(picture.grey))
    assert (len(found.across), len(found.down)) == (25, 24)
    assert found.ink[130:190, 305:316].any()


@pytest.mark.parametrize(("thick", "is_slash"), [(3, True), (10, False)])
def test_a_smear_is_no_slash(thick: int, is_slash: bool) -> None:
    dark = np.zeros((30, 60), np.uint8)
    for y in range(8, 22):
        x = 40 - y // 2
        dark[y, x : x + thick] = 255
    found = ink_in(dark)
    (line,) = printed_lines(found, 14)
    assert shape_of(line, found, 14).is_slash is is_slash


def test_specks_beside_a_line_are_none_of_it() -> None:
    dark = np.zeros((40, 80), np.uint8)
    dark[15:27, 20:26] = dark[15:27, 34:40] = 255  # two figures
    dark[24:27, 29:32] = 255  # a point between them
    dark[4:7, 30:33] = dark[35:38, 60:63] = 255  # of a seal
    (line,) = printed_lines(ink_in(dark), 14)
    assert (line.left, line.top, line.right, line.bottom) == (20, 15, 40, 27)
    assert len(line.pieces) == 3
    dark[10:30] = 0
    assert printed_lines(ink_in(dark), 14) == []


@pytest.mark.parametrize(("shade", "traces"), [(255, False), (245, False), (205, True)])
def test_a_faded_number_is_no_blank(shade: int, traces: bool) -> None:
    grey = np.full((30, 80), 255, np.uint8) - np.arange(80, dtype=np.uint8) // 2  # in shadow
    grey[9:21, 30:33] = grey[9:21, 38:41] = grey[9:12, 30:41] = grey[18:21, 30:41] = shade - 20
    grey[4:7, 60:63] = 0  # a speck
    dark = np.zeros((30, 80), np.uint8)
    dark[4:7, 60:63] = 255
    assert has_traces(grey, ink_in(dark), 12) is traces


# --- numbers ------------------------------------------------------------------------------------


def _said(*steps: dict[str, float]) -> Said:
    """What a network says: a dictionary of characters a step; the rest is "no character"."""
    order = [alike[0] for alike in NUMERIC]
    table = np.zeros((len(steps), len(order) + 1), np.float32)
    for k, step in enumerate(steps):
        for character, p in step.items():
            table[k, order.index(character) + 1] = p
        table[k, 0] = 1 - sum(step.values())
    return Said(table.argmax(axis=1) * 0, table)


@pytest.mark.parametrize(
    ("steps", "text", "sure"),
    [
        ([{"1": 1.0}, {}, {"2": 1.0}], "12", 1.0),
        ([{"1": 1.0}, {"1": 1.0}, {}], "1", 1.0),
        ([{"1": 1.0}, {}, {"1": 1.0}], "11", 1.0),
        ([{"3": 0.6, "8": 0.4}, {}], "3", 0.6),
        ([{"3": 1.0}, {"5": 0.45}, {}], "3", 0.55),  # a digit may be missing
    ],
)
def test_a_reading_knows_how_likely_its_whole_text_is(
    steps: list[dict[str, float]], text: str, sure: float
) -> None:
    reading = as_number(_said(*steps))
    assert reading.text == text
    assert reading.sure == pytest.approx(sure, abs=1e-5)


def test_alternatives_come_likeliest_first() -> None:
    said = _said({"3": 0.6, "8": 0.4}, {}, {"0": 1.0})
    assert alternatives(said.numeric) == ["30", "80"]


@pytest.mark.parametrize(
    ("text", "shape", "unit", "may"),
    [
        ("12", Shape(17, 12, 2), 0.75, True),
        ("1", Shape(17, 12, 2), 0.75, False),  # one of two digits was dropped
        ("122", Shape(17, 12, 2), 0.75, False),
        ("125", Shape(34, 12, 3), 0.75, False),  # 12.5 without its point
        ("12.5", Shape(31, 12, 3), 0.75, True),
        ("12", Shape(17, 12, 2), None, True),
        ("12", Shape(17, 12, 1), None, False),  # touching, and nothing tells how wide digits are
        ("1", Shape(5, 12, 1, lean=0.25), 0.75, False),
        ("12", Shape(40, 12, 2, gap=25), 1.6, False),  # two numbers in one cell
        ("42", Shape(20.6, 12, 1), 0.75, False),  # a slim minus before it
        ("746", Shape(28, 12, 3, step=9), 0.75, True),
        ("746", Shape(28, 12, 3, step=13), 0.75, False),  # 7.46
        ("11", Shape(16, 12, 3), 0.75, False),  # 111
        ("1", Shape(4, 12, 1, rise=0.2), 0.75, False),  # a short slash
        ("7", Shape(7, 12, 1, rise=0.2), 0.75, True),
    ],
)
def test_the_width_of_the_ink_must_fit_the_text(
    text: str, shape: Shape, unit: float | None, may: bool
) -> None:
    assert fits(text, shape, unit) is may


def test_readings_that_differ_are_no_number() -> None:
    one, other = _said({"3": 1.0}, {}), _said({"8": 1.0}, {})
    shape = Shape(8, 12, 1)
    assert settle([one, one], shape, 0.75) == ("3", ("3",))
    assert settle([one, other], shape, 0.75) == (None, ("3", "8"))
    assert settle([one, one, other], shape, 0.75).text is None
    faint = _said({"1": 0.7}, {}, {"0": 0.8, "8": 0.2})  # a publisher's wrong 10 is no 0
    assert settle([faint, faint], Shape(17, 12, 2), 0.75) == (None, ("10",))
    for cut in (Shape(8, 12, 1, cut=True), Shape(8, 12, 1, flat=True, cut=True)):
        assert settle([one, one], cut, 0.75).text is None
    assert settle([one, one], Shape(8, 12, 1, flat=True), 0.75).text == "—"
    assert settle([one, one], Shape(8, 15, 1, lean=0.35), 0.75).text == "/"  # whatever was read
    assert digit_width([("35", Shape(17, 12, 2))] * 3) == pytest.approx(17 / 12 / 1.85)


def test_a_slash_taken_for_a_one_is_told_by_its_like() -> None:
    slash, one = Shape(7, 16, 1, lean=0.27), Shape(4, 16, 1)
    settled = [Settled("/", ()), Settled(None, ("1",)), Settled(None, ("1",))]
    shapes = [slash, Shape(8, 15, 1, lean=0.25), one]
    assert [s.text for s in with_slashes(settled, shapes)] == ["/", "/", None]
    assert with_slashes(settled[1:], shapes[1:]) == settled[1:]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("科研杌构", "科研机构"),
        ("3危及“三安全一稳疋”", "危及三安全一稳定"),
        ("尚末审结", "尚未审结"),
        ("5.要求行政机关确认戒重新出其已获取信息", "要求行政机关确认或重新出具已获取信息"),
        ("本年新口口数量", None),  # as like one column as the other
        ("行政处可", None),  # as like 行政许可 as 行政处罚
        ("其池", None),
        ("申请人逾期", None),  # the beginning of one of several
    ],
)
def test_a_misread_label_is_mended_where_one_alone_is_meant(text: str, label: str | None) -> None:
    assert nearest(text) == label


@pytest.mark.parametrize(
    ("one", "other", "label"),
    [
        ("本年收费金额（单位：万元）", "本年收费金额（单位：万元）", "本年收费金额单位万元"),
        ("木年收费金额（单位：万元）", "本年收费金额（单位：万元）", "本年收费金额单位万元"),
        # no unit is mended: the amount below it would be another one
        ("本年收费金额（单位：元）", "本年收费金额（单位：元）", "本年收费金额（单位：元）"),
        ("采购总金额（单位：万元）", "采购总金额（单位：万元）", "采购总金额（单位：万元）"),
        ("本年收费金额（单位：万元）", "本年收费金额（单位：元）", None),
        ("本年收费金额（单位：方元）", "本年收费金额（单位：方元）", None),
        ("本年收费金额（单位：）", "本年收费金额（单位：）", None),
        ("采购总金额", "采购总金额", "采购总金额"),
        ("采购总金颔", "采购总金额", "采购总金额"),
        ("采购总金额（单）", "采购总金额", None),
        ("行政事业性收赀", "行政事业性收赀", "行政事业性收费"),
    ],
)
def test_the_unit_of_amounts_is_read_twice_and_never_mended(
    one: str, other: str, label: str | None
) -> None:
    assert settled(one, other) == label


@pytest.mark.parametrize(("beside", "cut"), [((0, 7, 2, 20), True), ((0, 0, 2, 40), False)])
def test_a_digit_below_a_rule_makes_the_others_uncertain(
    beside: tuple[int, int, int, int], cut: bool
) -> None:
    dark = np.zeros((40, 60), np.uint8)
    left, top, right, bottom = beside
    dark[top:bottom, left:right] = 255  # left of a rule that was wiped away, or of a digit
    dark[8:20, 10:16] = dark[8:20, 18:24] = 255
    found = ink_in(dark)
    (line,) = printed_lines(found, 12)
    assert shape_of(line, found, 12).cut is cut
    assert shape_of(line, found, 12, room=1.0).cut


# --- acceptance ---------------------------------------------------------------------------------

FORM = form("2021")
PLACE = Place("image", 1, 1, 1, 1, (0.0, 0.0, 9.0, 9.0))
ROW = "requests.new_received"


@pytest.mark.parametrize(
    ("printed", "status"), [("12,345", "unread"), ("1.234", "unread"), ("1,234.5", "reported")]
)
def test_a_point_in_an_amount_may_be_a_comma(printed: str, status: str) -> None:
    value = Decimal(printed.replace(",", ""))
    cells = [
        Cell("proactive.fees.amount", value, printed, "reported", PLACE),
        Cell(f"{ROW}.total", Decimal(1234), "1,234", "reported", PLACE),
    ]
    amount, count = accept(FORM, cells, [], {})
    assert (amount.status, amount.value) == (status, None if status == "unread" else value)
    assert count.status == "reported"


def _judged(unsure: dict[str, tuple[str, ...]], **printed: int) -> dict[str, Cell]:
    """A report of the probe's figures in which some cells are unsure, others print another value
    (column of the row of new applications), and what acceptance makes of it."""
    values: dict[str, Decimal | None] = dict(PROBE.figures.values)
    values |= {f"{ROW}.{column}": Decimal(value) for column, value in printed.items()}
    values |= dict.fromkeys(unsure)
    forced = force(FORM, values)
    cells, looks = [], {}
    for number, code in enumerate(values):
        place = PLACE._replace(page=number, box=(float(number), 0.0, 9.0, 9.0))
        if code not in unsure:
            cells.append(Cell(code, values[code], f"{values[code]}", "reported", place))
            continue
        looks[number, place.box or (0.0, 0.0, 0.0, 0.0)] = unsure[code]
        if code in forced:
            cells.append(Cell(code, forced[code][0], UNREAD, "forced", place, forced[code][1]))
        else:
            cells.append(Cell(code, None, UNREAD, "mark", place))
    findings = check(FORM, {c.cell: c.value for c in cells})
    return {c.cell: c for c in accept(FORM, cells, findings, looks)}


def test_an_unsure_number_is_reported_where_the_identities_confirm_its_first_reading() -> None:
    code, truth = f"{ROW}.business", str(PROBE.figures[f"{ROW}.business"])
    cell = _judged({code: (truth, "7")})[code]
    assert (cell.value, cell.as_published, cell.status) == (Decimal(truth), truth, "reported")


def test_an_unsure_number_is_repaired_where_the_identities_leave_another_reading() -> None:
    code, truth = f"{ROW}.business", str(PROBE.figures[f"{ROW}.business"])
    cell = _judged({code: ("7", truth)})[code]
    assert (cell.value, cell.as_published, cell.status) == (Decimal(truth), "7", "repaired")
    assert cell.identity is not None


def test_a_value_that_the_picture_cannot_show_is_refused_though_it_is_the_only_one() -> None:
    with pytest.raises(Reject, match="1 number cannot be read") as caught:
        _judged({f"{ROW}.business": ("7", "11")})
    assert caught.value.rejection.code == "uncertain_picture"
    assert caught.value.rejection.place is not None


def test_certain_numbers_that_break_an_identity_are_refused() -> None:
    with pytest.raises(Reject, match="break 2 identities") as caught:
        _judged({}, business=7)
    assert len(caught.value.rejection.others) > 5


def test_two_unsure_numbers_that_could_trade_are_refused() -> None:
    review = "review_litigation.reconsideration"
    with pytest.raises(Reject, match="2 numbers"):
        _judged({f"{review}.upheld": ("5", "6"), f"{review}.other": ("5", "6")})


def test_without_identities_an_unsure_number_stays_unread() -> None:
    cell = _judged({"proactive.rules.issued": ("123", "128")})["proactive.rules.issued"]
    assert (cell.value, cell.as_published, cell.status) == (None, "12?", "unread")
