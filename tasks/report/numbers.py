"""What a cell of a statutory table says: a number, a mark, nothing, or something unreadable.

A cell that is not plainly one number is never guessed at: `read_value` raises `Unreadable`, and
the reader rejects the report with the text and the place.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import NamedTuple

UNREAD = "\ufdd0"
"""Stands for what could not be read in a picture: Unicode gives this code to no character."""

MARKS = frozenset(
    (
        UNREAD,
        *("/", "//", "\\", "-", "--", "---", "—", "——", "–", "−", "―", "─", "*", "×", "〃"),
        *("无", "暂无", "不涉及", "不适用", "…", "……", "...", "......", "N/A", "n/a"),
    )
)

UNPRINTED = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u202a\u202c\u2066\u2069"
"""What shows nothing and leaves digits in their order (what turns them round is not among it)."""
_SPACES = re.compile(rf"[\s{UNPRINTED}]+")
_PLAIN = re.compile(r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?\Z")
_COUNT_SUFFIX = re.compile(r"\(?(?:件次|人次|件|条|个|项|份|宗|次|起)\)?\Z")
_MONEY_SUFFIX = re.compile(r"\(?([十百千万亿]*元|万|亿)\)?\Z")
_MONEY = {
    "元": Decimal(1),
    "百元": Decimal(100),
    "千元": Decimal(1000),
    "万元": Decimal(10_000),
    "万": Decimal(10_000),
    "十万元": Decimal(100_000),
    "百万元": Decimal(1_000_000),
    "千万元": Decimal(10_000_000),
    "亿元": Decimal(100_000_000),
    "亿": Decimal(100_000_000),
}
_UP, _DOWN = r"\+|新增加?|增加?|↑", r"[-−‐‑‒–—]{1,2}|减少?|负|↓"
_SIGNED = re.compile(rf"(?:(?P<up>{_UP})|(?P<down>{_DOWN}))?:?(?P<body>.+)\Z")
_CHINESE = re.compile(r"[零〇一二两三四五六七八九十百千万]+\Z")
_NUMERIC = re.compile(
    rf"(?:(?:{_UP}|{_DOWN}):?)?(?:[\d,.]*\d[\d,.]*|[零〇一二两三四五六七八九十百千万]+)"
    r"\(?(?:件次|人次|[件条个项份宗次起]|[十百千万亿]*元|[万亿])?\)?\Z"
)
_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_POWERS = {"十": 10, "百": 100, "千": 1000}
_MAX_DIGITS = 13  # DECIMAL(18,4) holds fourteen; a count of ten billion is no count


class Unreadable(ValueError):  # noqa: N818 - becomes a rejection, not an error
    """There is text in the cell, and it is not plainly one number or a known mark."""


class Value(NamedTuple):
    """A cell's content. `number` is None for a blank (`mark` False) and for a mark (`mark` True).

    `doubtful` numbers (digits on two lines, a lone 一 that may be a dash) stand only when every
    identity they are in confirms them. `spaced` numbers ("5 17") may be two cells run together:
    they stand where their row misses none, or where the identities confirm them.
    """

    number: Decimal | None
    mark: bool = False
    doubtful: bool = False
    spaced: bool = False


BLANK = Value(None)
MARK = Value(None, mark=True)
# The numbers that most cells print, read once; the same in every unit.
SMALL = {str(i): Value(Decimal(i)) for i in range(1000)}


def read_value(text: str, unit: str) -> Value:
    """The value of a cell's text in `unit` (of the statutory form).

    Amounts printed in another unit (元 in a 万元 column) are converted. Raises `Unreadable`.
    """
    if (known := SMALL.get(text)) is not None:
        return known
    compact = unicodedata.normalize("NFKC", _SPACES.sub("", text))
    if not compact:
        return BLANK
    if compact in MARKS:
        return MARK
    if not text.isascii() and any(map(_is_annotation, text)):
        raise Unreadable(f"“{text.strip()}” carries a note or a circled number")
    return _number(compact, unit, text)


def looks_numeric(text: str) -> bool:
    """Whether a cell holds one number, with a sign or a unit at most, and nothing of a label."""
    compact = unicodedata.normalize("NFKC", _SPACES.sub("", text))
    return bool(_NUMERIC.match(compact)) and any(map(str.isdigit, compact))


def looks_numeral(text: str) -> bool:
    """Whether a cell could be a number in Chinese numerals (a lone one may be a piece of label)."""
    compact = unicodedata.normalize("NFKC", _SPACES.sub("", text))
    return bool(_NUMERIC.match(compact)) and not any(map(str.isdigit, compact))


def _is_annotation(char: str) -> bool:
    """Superscripts, circled and bracketed digits: NFKC would make digits of the number of them."""
    if char.isascii() or "\uff10" <= char <= "\uff19":
        return False
    if not any(c.isdigit() for c in unicodedata.normalize("NFKC", char)):
        return False
    return unicodedata.decomposition(char).startswith("<") and "<wide>" not in (
        unicodedata.decomposition(char)
    )


def _value(number: Decimal, text: str, compact: str) -> Value:
    """The number with the doubts that its setting raises.

    "1 3" is 13; whether that fits is for the cells around it to say.
    """
    pieces = [p for p in unicodedata.normalize("NFKC", text).split() if any(map(str.isdigit, p))]
    if len(pieces) < 2:
        return Value(number, doubtful=compact == "一")
    lines = sum(1 for line in text.split("\n") if any(map(str.isdigit, line)))
    return Value(number, doubtful=lines > 1, spaced=True)


def _number(compact: str, unit: str, text: str) -> Value:
    body, factor = _without_unit(compact, unit)
    sign = 1
    if unit == "signed_count":
        match = _SIGNED.match(body)
        assert match is not None
        sign, body = (-1 if match["down"] else 1), match["body"]
    if _PLAIN.match(body):
        digits = body.replace(",", "")
        whole = digits.partition(".")[0]
        if len(whole) > _MAX_DIGITS:
            raise Unreadable(f"“{compact}” has too many digits to be one number")
        if len(whole) > 1 and whole[0] == "0" and _SPACES.search(text.strip()):
            raise Unreadable(f"“{compact}” may be several numbers run together")
        number = Decimal(digits) * sign * factor
    elif _CHINESE.match(body):
        number = Decimal(_chinese(body)) * sign * factor
    else:
        raise Unreadable(f"“{compact}” is neither a number nor a known mark")
    if unit in ("count", "signed_count"):
        if number != number.to_integral_value():
            raise Unreadable(f"“{compact}” is not a whole number, and the form asks for a count")
        return _value(number.to_integral_value(), text, compact)
    if number != round(number, 4):
        raise Unreadable(f"“{compact}” has more decimals than an amount can")
    return _value(number, text, compact)


def _without_unit(compact: str, unit: str) -> tuple[str, Decimal]:
    """Strips a printed unit; the factor that brings the number into the form's unit."""
    if unit not in ("cny", "10k_cny"):
        return _COUNT_SUFFIX.sub("", compact), Decimal(1)
    match = _MONEY_SUFFIX.search(compact)
    if match is None:
        return compact, Decimal(1)
    if match[1] not in _MONEY:
        raise Unreadable(f"“{compact}” is in a unit of money that is not known")
    wanted = _MONEY["万元" if unit == "10k_cny" else "元"]
    return compact[: match.start()], _MONEY[match[1]] / wanted


def _chinese(text: str) -> int:
    """A Chinese numeral below 100 million. Only well-formed ones: 一百二 is said for 120, but
    written it may be 102; raises `Unreadable` for it."""
    plain = text.replace("〇", "零").replace("两", "二")
    value = total = digit = 0
    for char in plain:
        if char == "万":
            value, total, digit = (total + digit) * 10_000, 0, 0
        elif char in _POWERS:
            total += max(digit, 1) * _POWERS[char]
            digit = 0
        else:
            digit = _DIGITS[char]
    value += total + digit
    written = _written(value)
    if plain not in (written, f"一{written}" if written[0] == "十" else written):
        raise Unreadable(f"“{text}” is not a well-formed numeral")
    return value


def _written(value: int) -> str:
    """The one well-formed Chinese numeral of a number below 100 million."""
    if value >= 10_000:
        low = value % 10_000
        gap = "零" if 0 < low < 1000 else ""
        tail = _below_wan(low) if low else ""
        if 10 <= low < 20:
            tail = "一" + tail
        return _written(value // 10_000) + "万" + gap + tail
    return _below_wan(value)


def _below_wan(value: int) -> str:
    if value == 0:
        return "零"
    out, gap = "", False
    for power, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = value // power % 10
        if digit:
            out += ("零" if gap else "") + "零一二三四五六七八九"[digit] + name
            gap = False
        else:
            gap = bool(out)
    return out.removeprefix("一") if 10 <= value < 20 else out
