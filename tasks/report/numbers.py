"""What a cell of a statutory table says: a number, a mark, nothing, or something unreadable.

A cell that is not plainly one number is never guessed at: `read_value` raises `Unreadable`, and
the reader rejects the report with the text and the place.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import NamedTuple

MARKS = frozenset(
    (
        *("/", "//", "\\", "-", "--", "---", "—", "——", "–", "−", "―", "─", "*", "×", "〃"),
        *("无", "暂无", "不涉及", "不适用", "…", "……", "...", "......", "N/A", "n/a"),
    )
)

_SPACES = re.compile(r"[\s\u200b\u200c\u200d\u2060\ufeff\u00ad]+")
_PLAIN = re.compile(r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?\Z")
_COUNT_SUFFIX = re.compile(r"(?:件次|件|条|个|项|份|宗|次|人次|起)\Z")
_MONEY_SUFFIX = re.compile(r"\(?(万元|元)\)?\Z")
_SIGNED = re.compile(r"(\+|-|−|增加?|减少?)?(.+)\Z")
_CHINESE = re.compile(r"[零〇一二两三四五六七八九十百千万]+\Z")
_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_POWERS = {"十": 10, "百": 100, "千": 1000}
_MAX_DIGITS = 13  # DECIMAL(18,4) holds fourteen; a count of ten billion is no count


class Unreadable(ValueError):  # noqa: N818 - becomes a rejection, not an error
    """There is text in the cell, and it is not plainly one number or a known mark."""


class Value(NamedTuple):
    """A cell's content. `number` is None for a blank (`mark` False) and for a mark (`mark` True).

    `doubtful` numbers (digits on two lines, a lone 一 that may be a dash) stand only when every
    identity they are in confirms them.
    """

    number: Decimal | None
    mark: bool = False
    doubtful: bool = False


BLANK = Value(None)
MARK = Value(None, mark=True)
_SMALL = {str(i): Value(Decimal(i)) for i in range(1000)}


def read_value(text: str, unit: str) -> Value:
    """The value of a cell's text in `unit` (of the statutory form).

    Amounts printed in another unit (元 in a 万元 column) are converted. Raises `Unreadable`.
    """
    if (known := _SMALL.get(text)) is not None:
        return known
    lines = text.split("\n")
    compact = unicodedata.normalize("NFKC", _SPACES.sub("", text))
    if not compact:
        return BLANK
    if compact in MARKS:
        return MARK
    split_lines = sum(1 for line in lines if any(c.isdigit() for c in line)) > 1
    spaced = split_lines or bool(re.search(r"\d\s+\d", unicodedata.normalize("NFKC", text)))
    number = _number(compact, unit, spaced=spaced)
    return Value(number, doubtful=split_lines or compact == "一")


def looks_numeric(text: str) -> bool:
    """Whether a cell holds digits and nothing that a label would hold (units aside)."""
    compact = unicodedata.normalize("NFKC", _SPACES.sub("", text))
    return bool(compact) and bool(
        re.fullmatch(r"[增减加少+\-−]*[\d,.]+[件条个项份宗次起万元()]*", compact)
    )


def _number(compact: str, unit: str, *, spaced: bool) -> Decimal:
    body, factor = _without_unit(compact, unit)
    sign = 1
    if unit == "signed_count":
        match = _SIGNED.match(body)
        assert match is not None
        if match[1]:
            sign = 1 if match[1][0] in "+增" else -1
            body = match[2]
    if _PLAIN.match(body):
        digits = body.replace(",", "")
        whole = digits.partition(".")[0]
        if len(whole) > _MAX_DIGITS:
            raise Unreadable(f"“{compact}” has too many digits to be one number")
        if spaced and len(whole) > 1 and whole[0] == "0":
            raise Unreadable(f"“{compact}” may be several numbers run together")
        number = Decimal(digits) * sign * factor
    elif _CHINESE.match(body):
        number = Decimal(_chinese(body)) * sign * factor
    else:
        raise Unreadable(f"“{compact}” is neither a number nor a known mark")
    if unit in ("count", "signed_count"):
        if number != number.to_integral_value():
            raise Unreadable(f"“{compact}” is not a whole number, and the form asks for a count")
        return number.to_integral_value()
    if number != round(number, 4):
        raise Unreadable(f"“{compact}” has more decimals than an amount can")
    return number


def _without_unit(compact: str, unit: str) -> tuple[str, Decimal]:
    """Strips a printed unit; the factor that brings the number into the form's unit."""
    one = Decimal(1)
    if unit in ("cny", "10k_cny"):
        match = _MONEY_SUFFIX.search(compact)
        if match is None:
            return compact, one
        printed = Decimal(10000) if match[1] == "万元" else one
        wanted = Decimal(10000) if unit == "10k_cny" else one
        return compact[: match.start()], printed / wanted
    return _COUNT_SUFFIX.sub("", compact), one


def _chinese(text: str) -> int:
    """A Chinese numeral below 100 million; raises `Unreadable` when it is not well formed."""
    head, wan, tail = text.partition("万")
    if wan:
        return _below_wan(head) * 10000 + (_below_wan(tail) if tail else 0)
    return _below_wan(text)


def _below_wan(text: str) -> int:
    if not any(c in _POWERS for c in text):
        if len(text) != 1:
            raise Unreadable(f"“{text}” is not a well-formed numeral")
        return _DIGITS[text]
    total, digit, last = 0, None, 10000
    for char in text:
        if char in _POWERS:
            power = _POWERS[char]
            if power >= last or (digit is None and not (power == 10 and total == 0)):
                raise Unreadable(f"“{text}” is not a well-formed numeral")
            total += (1 if digit is None else digit) * power
            digit, last = None, power
        elif char in "零〇":
            digit = None
        elif char in _DIGITS:
            if digit is not None:
                raise Unreadable(f"“{text}” is not a well-formed numeral")
            digit = _DIGITS[char]
        else:
            raise Unreadable(f"“{text}” is not a well-formed numeral")
    return total + (digit or 0)
