"""The arithmetic of an audit: intervals against exact tails, shares, the draw."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import pairwise
from math import comb

import pytest

from tasks.audit.draw import SHARES, _choose, allocate
from tasks.audit.intervals import Stratum, beta_cdf, exact, weighted


def tail(n: int, at_least: int, p: float) -> float:
    """P(X ≥ at_least) of a binomial, in exact fractions."""
    share = Fraction(p)
    return float(
        sum(comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(at_least, n + 1))
    )


@pytest.mark.parametrize("n", [1, 2, 7, 30, 120])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_the_interval_is_where_the_binomial_tails_are(n: int, level: float) -> None:
    """Clopper and Pearson's definition, independent of the beta function that computes it."""
    for wrong in {0, 1, n // 3, n - 1, n}:
        rate = exact(wrong, n, level)
        alpha = (1 - level) / 2
        assert rate.low <= rate.value == wrong / n <= rate.high
        assert rate.low == 0 if wrong == 0 else abs(tail(n, wrong, rate.low) - alpha) < 1e-9
        if wrong == n:
            assert rate.high == 1
        else:
            assert abs(1 - tail(n, wrong + 1, rate.high) - alpha) < 1e-9


@pytest.mark.parametrize(
    ("wrong", "n", "low", "high"),
    [  # as tables of exact binomial limits give them
        (0, 100, 0.0, 0.0362),
        (0, 10, 0.0, 0.3085),
        (1, 10, 0.0025, 0.4450),
        (5, 10, 0.1871, 0.8129),
        (2, 60, 0.0041, 0.1153),
        (10, 10, 0.6915, 1.0),
    ],
)
def test_known_limits(wrong: int, n: int, low: float, high: float) -> None:
    rate = exact(wrong, n)
    assert (round(rate.low, 4), round(rate.high, 4)) == (low, high)


def test_the_beta_function_at_its_simple_points() -> None:
    for x in (0.0, 0.001, 0.3, 0.5, 0.999, 1.0):
        assert beta_cdf(x, 1, 1) == pytest.approx(x, abs=1e-14)
        assert beta_cdf(x, 3, 1) == pytest.approx(x**3, abs=1e-14)
        assert beta_cdf(x, 2.5, 7.5) == pytest.approx(1 - beta_cdf(1 - x, 7.5, 2.5), abs=1e-12)
    assert beta_cdf(0.5, 400, 400) == pytest.approx(0.5, abs=1e-9)


@pytest.mark.parametrize(("wrong", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_what_is_no_sample_is_refused(wrong: int, n: int) -> None:
    with pytest.raises(ValueError, match=f"{wrong} of {n}"):
        exact(wrong, n)


def test_one_stratum_weighs_as_itself() -> None:
    for wrong in (0, 3, 40):
        one = weighted([Stratum(wrong, 40, 10_000)])
        assert one is not None
        assert one == pytest.approx(exact(wrong, 40))


def test_a_large_stratum_with_few_compared_keeps_the_interval_wide() -> None:
    """No error in 20 of 95,000 zeros proves little, however many numbers were looked at."""
    rate = weighted([Stratum(2, 600, 5_000), Stratum(0, 20, 95_000)])
    assert rate is not None
    assert rate.value == pytest.approx(0.05 * 2 / 600)
    assert rate.high > 0.95 * exact(0, 20).high * 0.9
    assert weighted([Stratum(0, 0, 5_000), Stratum(0, 20, 95_000)]) is None
    assert weighted([Stratum(0, 0, 0), Stratum(0, 20, 95_000)]) == pytest.approx(exact(0, 20))
    assert weighted([]) is None


def test_the_sample_is_shared_out() -> None:
    plenty = dict.fromkeys(SHARES, 1_000)
    assert allocate(100, plenty) == SHARES
    assert allocate(4, plenty) == dict.fromkeys(SHARES, 1)
    assert allocate(3, plenty)["none"] == 0
    few = plenty | {"forced": 2, "none": 0}
    shared = allocate(100, few)
    assert (shared["forced"], shared["none"], sum(shared.values())) == (2, 0, 100)
    assert shared["number"] == 73 or shared["number"] == 74
    assert allocate(10_000, few) == few
    sizes = [sum(allocate(n, few).values()) for n in range(0, 200, 7)]
    assert sizes == list(range(0, 200, 7))
    for kind in SHARES:
        grows = [allocate(n, few)[kind] for n in range(200)]
        assert all(a <= b for a, b in pairwise(grows))


def choose(kind: str, counts: list[tuple[str, int]], size: int, seed: int) -> list[tuple[str, int]]:
    return [(c["report_id"], c["rank"]) for c in _choose(kind, counts, size, seed)]


def test_every_cell_can_be_drawn_and_is_drawn_evenly() -> None:
    counts = [("a", 3), ("b", 1), ("c", 6)]
    cells = {(r, k) for r, n in counts for k in range(1, n + 1)}
    assert set(choose("zero", counts, 10, seed=1)) == cells
    drawn = Counter(c for seed in range(4_000) for c in choose("zero", counts, 3, seed))
    assert set(drawn) == cells
    assert all(1_050 < n < 1_350 for n in drawn.values())  # 1,200 expected, sd 29
    assert choose("zero", counts, 4, 5) == choose("zero", counts, 4, 5)
    assert choose("zero", counts, 4, 5) != choose("none", counts, 4, 5)
    assert choose("none", [], 0, 5) == []
