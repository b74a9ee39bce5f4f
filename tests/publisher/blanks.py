"""Blanks and marks whose meaning is known: some forced by the identities, some not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random

from tests.publisher import form as statutory
from tests.publisher.figures import Figure, Figures
from tests.publisher.form import APPLICANTS

Bounds = dict[str, tuple[Decimal, Decimal | None]]


def forced_values(figures: Figures) -> dict[str, Decimal]:
    """Cells without a number that the identities fix, over integers from 0 up.

    Narrows bounds until nothing moves. What it finds is forced; the makers below leave nothing
    undecided that it misses, because every other blank has a second solution by construction.
    """
    bounds: Bounds = {
        code: (figure.value, figure.value)
        if figure.kind == "number" and figure.value is not None
        else (Decimal(0), None)
        for code, figure in figures.cells.items()
    }
    open_ones = [
        identity.terms
        for identity in statutory.identities(figures.form)
        if any(_is_open(bounds, code) for code, _ in identity.terms)
    ]
    moved = True
    while moved:
        moved = False
        for terms in open_ones:
            moved = _narrow(bounds, terms) or moved
    return {
        code: low
        for code, (low, high) in bounds.items()
        if figures.cells[code].kind != "number" and low == high
    }


def _narrow(bounds: Bounds, terms: tuple[tuple[str, int], ...]) -> bool:
    """Tightens every open cell of one identity by the others; says whether any moved."""
    moved = False
    for code, weight in terms:
        if not _is_open(bounds, code):
            continue
        others = [(bounds[c], w) for c, w in terms if c != code]
        lows = [b[0] * w if w > 0 else _times(b[1], w) for b, w in others]
        highs = [_times(b[1], w) if w > 0 else b[0] * w for b, w in others]
        least = None if None in lows else sum((x for x in lows if x is not None), Decimal(0))
        most = None if None in highs else sum((x for x in highs if x is not None), Decimal(0))
        new_low, new_high = (most, least) if weight > 0 else (least, most)
        if weight > 0:
            new_low = None if new_low is None else -new_low
            new_high = None if new_high is None else -new_high
        low, high = bounds[code]
        if new_low is not None and new_low > low:
            low, moved = new_low, True
        if new_high is not None and (high is None or new_high < high):
            high, moved = new_high, True
        bounds[code] = (low, high)
    return moved


def _is_open(bounds: Bounds, code: str) -> bool:
    low, high = bounds[code]
    return low != high


def _times(value: Decimal | None, weight: int) -> Decimal | None:
    return None if value is None else value * weight


def blanked(figures: Figures, codes: list[str], text: str = "") -> Figures:
    """The figures with these cells empty, or showing a mark; statuses and values follow."""
    kind = "blank" if not text.strip() else "mark"
    bare = figures.with_cells(
        {code: Figure(text, None, kind, kind) for code in codes}  # type: ignore[arg-type]
    )
    forced = forced_values(bare)
    for code, value in forced.items():
        truth = figures.cells[code].value
        assert truth is None or truth == value, f"{code}: {value} forced, {truth} was true"
    return bare.with_cells(
        {code: replace(bare.cells[code], value=v, status="forced") for code, v in forced.items()}
    )


def zeros_left_out(figures: Figures, text: str = "") -> Figures:
    """Every zero of section 三 but its totals left out: all are forced, as in 三岔河镇's report."""
    codes = [
        code
        for code, figure in figures.cells.items()
        if code.startswith("requests.") and not code.endswith(".total") and figure.value == 0
    ]
    return blanked(figures, codes, text)


def scattered(figures: Figures, seed: int, text: str = "") -> Figures:
    """One cell in each of some rows left out: each is forced by its row."""
    rng = Random(f"scattered {seed}")
    rows = statutory.request_rows(figures.form)
    chosen = rng.sample(rows, k=rng.randint(1, len(rows)))
    columns = (*APPLICANTS, "total")
    return blanked(figures, [f"requests.{row}.{rng.choice(columns)}" for row in chosen], text)


def undecided(figures: Figures, seed: int, text: str = "") -> Figures:
    """Cells that no identity fixes: four corners of a rectangle that can trade one, a pair in 四,
    and a cell of section 二. The figures are raised where the trade needs something to give.
    """
    rng = Random(f"undecided {seed}")
    one, two = rng.sample(statutory.outcome_rows(figures.form), 2)
    left, right = rng.sample(APPLICANTS, 2)
    corners = [f"requests.{row}.{column}" for row in (one, two) for column in (left, right)]
    figures = _raised(figures, [corners[1], corners[2]])
    pair = ["review_litigation.reconsideration.upheld", "review_litigation.reconsideration.pending"]
    figures = figures.with_value(pair[0], figures[pair[0]] + 1)
    whole = "review_litigation.reconsideration.total"
    figures = figures.with_value(whole, figures[whole] + 1)
    alone = rng.choice([c.code for c in statutory.cells(figures.form) if c.section == "proactive"])
    return blanked(figures, [*corners, *pair, alone], text)


def _raised(figures: Figures, codes: list[str]) -> Figures:
    """One more request in each cell, granted or refused, so that all sums still hold."""
    for code in codes:
        row, column = code.split(".")[1:]
        for cell in {
            code,
            f"requests.{row}.total",
            f"requests.total_handled.{column}",
            "requests.total_handled.total",
            f"requests.new_received.{column}",
            "requests.new_received.total",
        }:
            figures = figures.with_value(cell, figures[cell] + 1)
    return figures
