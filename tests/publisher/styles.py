"""Other ways to print the same numbers; the value stays, the text on the page changes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from random import Random

from tests.publisher import form as statutory
from tests.publisher.figures import Figures

NumberStyle = Callable[[str, Decimal, str], str]  # printed, value, unit of the cell

_FULL = str.maketrans("0123456789.-+", "０１２３４５６７８９．－＋")


def plain(text: str, value: Decimal, unit: str) -> str:
    """As it is."""
    return text


def full_width(text: str, value: Decimal, unit: str) -> str:
    """１２"""
    return text.translate(_FULL)


def thousands(text: str, value: Decimal, unit: str) -> str:
    """1,234"""
    return f"{value:,}"


def full_thousands(text: str, value: Decimal, unit: str) -> str:
    """1，234"""
    return f"{value:,}".replace(",", "，")


def gapped(text: str, value: Decimal, unit: str) -> str:
    """ "1 3" is 13."""
    return f"{text[:1]} {text[1:]}" if len(text) > 1 and text[0].isdigit() else text


def worded(text: str, value: Decimal, unit: str) -> str:
    """增3, 减2, and amounts with their unit."""
    if unit == "signed_count" and value:
        return f"{'增' if value > 0 else '减'}{abs(value)}"
    return f"{text}元" if unit == "cny" else f"{text}万元" if unit == "10k_cny" else text


def signed(text: str, value: Decimal, unit: str) -> str:
    """+3 where a change is printed."""
    return f"+{text}" if unit == "signed_count" and value > 0 else text


def counted(text: str, value: Decimal, unit: str) -> str:
    """Counts with a measure word: 3件."""
    return f"{text}件" if unit == "count" and value else text


NUMBER_STYLES: dict[str, NumberStyle] = {
    f.__name__: f
    for f in (plain, full_width, thousands, full_thousands, gapped, worded, signed, counted)
}


def printed_as(figures: Figures, style: str) -> Figures:
    """Every number of a report in one style; blanks and marks stay."""
    return _printed(figures, lambda code: style)


def mixed(figures: Figures, seed: int) -> Figures:
    """Every number in a style of its own, as reports compiled by many hands have them."""
    rng = Random(f"styles {seed}")
    names = ["plain", "plain", "full_width", "thousands", "full_thousands", "worded"]
    return _printed(figures, lambda code: rng.choice(names))


def _printed(figures: Figures, choose: Callable[[str], str]) -> Figures:
    units = {cell.code: cell.unit for cell in statutory.cells(figures.form)}
    texts: dict[str, str] = {}
    for code, figure in figures.cells.items():
        if figure.kind == "number" and figure.value is not None:
            change = NUMBER_STYLES[choose(code)]
            texts[code] = change(figure.printed, figure.value, units[code])
    from tests.publisher.figures import restyled

    return restyled(figures, texts)
