"""What a cell says: every form a number comes in, every mark, and what is never guessed at."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.report.numbers import BLANK, MARK, MARKS, Unreadable, Value, looks_numeric, read_value
from tests.publisher.styles import NUMBER_STYLES
from tests.report.test_properties import STEADY


def number(value: int | str, *, doubtful: bool = False) -> Value:
    return Value(Decimal(value), doubtful=doubtful)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("12", 12),
        (" 12\t", 12),
        ("\u300012\xa0", 12),
        ("\u200b12\ufeff", 12),
        ("１２", 12),
        ("1２", 12),
        ("1,234", 1234),
        ("1，234", 1234),
        ("１，２３４", 1234),
        ("1,234,567", 1234567),
        ("1 3", 13),
        ("1\u30003", 13),
        ("1 2 3", 123),
        ("3件", 3),
        ("3 件", 3),
        ("12件次", 12),
        ("3人次", 3),
        ("5 宗", 5),
        ("3.0", 3),
        ("十二", 12),
        ("十", 10),
        ("二十", 20),
        ("两", 2),
        ("零", 0),
        ("〇", 0),
        ("一百零三", 103),
        ("三百二十一", 321),
        ("一万二千", 12000),
        ("十二件", 12),
        ("9999999999999", 9999999999999),
    ],
)
def test_counts(text: str, value: int) -> None:
    assert read_value(text, "count").number == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("+3", 3),
        ("＋3", 3),
        ("-2", -2),
        ("--2", -2),
        ("——2", -2),
        ("－2", -2),
        ("−2", -2),
        ("增3", 3),
        ("减2", -2),
        ("增加3", 3),
        ("减少2", -2),
        ("增 3", 3),
        ("减12项", -12),
        ("增1,200", 1200),
        ("０", 0),
        ("-0", 0),
        ("3", 3),
    ],
)
def test_changes_are_signed(text: str, value: int) -> None:
    assert read_value(text, "signed_count") == number(value)


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("251000元", "cny", "251000"),
        ("251,000.50元", "cny", "251000.50"),
        ("25.1万元", "cny", "251000"),
        ("251000（元）", "cny", "251000"),
        ("251000", "cny", "251000"),
        ("46.2697", "10k_cny", "46.2697"),
        ("46.2697万元", "10k_cny", "46.2697"),
        ("４６．２６９７", "10k_cny", "46.2697"),
        ("462697元", "10k_cny", "46.2697"),
        ("0.00", "10k_cny", "0"),
        ("1 234.5", "10k_cny", "1234.5"),
    ],
)
def test_amounts_come_in_the_unit_of_the_form(text: str, unit: str, value: str) -> None:
    assert read_value(text, unit).number == number(value).number


@pytest.mark.parametrize("unit", ["count", "signed_count", "cny", "10k_cny"])
def test_blank_mark_and_zero_stay_apart(unit: str) -> None:
    for blank in ("", " ", "\u3000", "\xa0", "\n", "\u200b"):
        assert read_value(blank, unit) == BLANK
    for mark in ("/", "—", "－", "-", "——", "无", " 无 ", "／", *MARKS):
        assert read_value(mark, unit) == MARK
    assert read_value("0", unit) == number(0)
    assert BLANK != MARK != number(0)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "O",
            "1O",
            "l2",
            "3约",
            "约3",
            "3/4",
            "3-5",
            "3至5",
            "3?",
            "？",
            "3*",
            "#REF!",
            "NaN",
            "1e5",
        ),
        *("12,34", "1,23", "1,2345", "1234,567", ",123", "1,", "1..2", "1.2.3", ".5", "5.", "1。5"),
        *(
            "1'234",
            "1、2",
            "1;2",
            "12(3)",
            "(12)",
            "[1]",
            "1%",
            "１０％",
            "½",
            "3㎡",
            "0x10",
            "1e5",
        ),
        *("1.5", "0.1", "-3", "+3", "增3", "251000元", "3万元"),
        *(
            "二三",
            "二零二三",
            "十十",
            "百",
            "万",
            "一百千",
            "三十百",
            "零五",
            "一零",
            "十二三",
            "第三",
        ),
        *("12345678901234", "9" * 100, "0 1", "0 0", "0 0 0", "00\n1"),
        *("第三", "见附件", "详见附表", "3件5", "三、", "Infinity", "３．５．１", "1,234 567,8"),
    ],
)
def test_what_is_not_plainly_one_count_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        read_value(text, "count")


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        *(("1.5", "signed_count"), ("增-3", "signed_count"), ("增", "signed_count")),
        *(("减少", "signed_count"), ("+-2", "signed_count"), ("负增3", "signed_count")),
        *(("1.23456", "10k_cny"), ("1元", "count"), ("3件", "cny"), ("12美元", "cny")),
        *(("0.5元", "10k_cny"), ("元", "cny"), ("万元", "10k_cny"), ("1.2.3", "10k_cny")),
        *(("-5", "cny"), ("增5", "10k_cny")),
    ],
)
def test_what_is_not_plainly_one_amount_or_change_is_refused(text: str, unit: str) -> None:
    with pytest.raises(Unreadable):
        read_value(text, unit)


def test_digits_on_two_lines_and_a_lone_one_are_doubtful() -> None:
    split = read_value("1\n3", "count")
    assert split.number == 13
    assert split.doubtful
    assert read_value("一", "count") == number(1, doubtful=True)
    assert not read_value("13\n件", "count").doubtful


@STEADY
@given(st.integers(0, 10**9), st.sampled_from(sorted(NUMBER_STYLES)))
def test_every_style_gives_its_number_back(value: int, style: str) -> None:
    change = NUMBER_STYLES[style]
    for unit in ("count", "signed_count", "cny", "10k_cny"):
        for signed in (value, -value) if unit == "signed_count" else (value,):
            text = change(str(signed), Decimal(signed), unit)
            assert read_value(text, unit).number == signed, text


@STEADY
@given(st.text(max_size=12), st.sampled_from(["count", "signed_count", "cny", "10k_cny"]))
def test_any_text_is_read_or_refused(text: str, unit: str) -> None:
    try:
        value = read_value(text, unit)
    except Unreadable:
        return
    assert (value.number is None) or value.number == round(value.number, 4)
    assert not (value.number is not None and value.mark)


@STEADY
@given(st.text("0123456789０１２３,，. 件条元万增减+-/—无OlI约至 \n", max_size=9))
def test_a_number_never_has_digits_that_are_not_printed(text: str) -> None:
    try:
        value = read_value(text, "count").number
    except Unreadable:
        return
    if value is not None:
        printed = "".join(str(int(c)) for c in text if c.isdigit())
        assert value == Decimal(printed) or "." in text


@pytest.mark.parametrize(
    ("text", "numeric"),
    [
        ("12", True),
        ("1，234", True),
        ("-2", True),
        ("增3", True),
        ("251000元", True),
        ("3件", True),
        ("", False),
        ("规章", False),
        ("1.属于国家秘密", False),
        ("第3项", False),
    ],
)
def test_a_cell_of_digits_is_told_from_a_label(text: str, numeric: bool) -> None:
    assert looks_numeric(text) is numeric
