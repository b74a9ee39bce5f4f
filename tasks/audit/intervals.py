"""Confidence intervals for an error rate: exact for one sample, careful for a weighted one.

Clopper and Pearson (Biometrika 26, 1934): the bounds are quantiles of beta distributions. For a
stratified sample the same with the effective sample size, as Korn and Graubard (Survey Methodology
24, 1998) propose; that size is never more than the weights alone allow (Kish), which is what counts
where no error was found.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


class Rate(NamedTuple):
    """An estimated share and the bounds of its interval, all from 0 to 1."""

    value: float
    low: float
    high: float


class Stratum(NamedTuple):
    """`wrong` of `compared`, drawn from `population`."""

    wrong: int
    compared: int
    population: int


def exact(wrong: float, compared: float, level: float = 0.95) -> Rate:
    """Clopper and Pearson's interval for `wrong` of `compared` (> 0; fractions are allowed)."""
    if not 0 <= wrong <= compared or compared <= 0:
        raise ValueError(f"{wrong} of {compared}")
    tail = (1 - level) / 2
    low = 0.0 if wrong == 0 else _beta_quantile(tail, wrong, compared - wrong + 1)
    high = 1.0 if wrong == compared else _beta_quantile(1 - tail, wrong + 1, compared - wrong)
    return Rate(wrong / compared, low, high)


def weighted(strata: Sequence[Stratum], level: float = 0.95) -> Rate | None:
    """The rate in the whole population; None when a stratum of it was not compared at all."""
    there = [s for s in strata if s.population > 0]
    total = sum(s.population for s in there)
    if not there or any(s.compared == 0 for s in there):
        return None
    shares = [s.population / total for s in there]
    rates = [s.wrong / s.compared for s in there]
    rate = sum(w * r for w, r in zip(shares, rates, strict=True))
    size = 1 / sum(w * w / s.compared for w, s in zip(shares, there, strict=True))
    variance = sum(
        w * w * r * (1 - r) / s.compared for w, r, s in zip(shares, rates, there, strict=True)
    )
    if variance > 0:
        size = min(size, rate * (1 - rate) / variance)
    return exact(rate * size, size, level)


def _beta_quantile(p: float, a: float, b: float) -> float:
    """Where the regularised incomplete beta function reaches p; by bisection."""
    low, high = 0.0, 1.0
    for _ in range(100):
        middle = (low + high) / 2
        if beta_cdf(middle, a, b) < p:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def beta_cdf(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b)."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    # The continued fraction converges fast on the side of the mean where x lies.
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    """1/(1+ d1/(1+ d2/(1+ …))) of DLMF 8.17.22, by Lentz's method."""
    tiny = 1e-300
    value, c, d = tiny, tiny, 0.0
    for n in range(10_000):
        m = n // 2
        if n == 0:
            term = 1.0
        elif n % 2 == 0:
            term = m * (b - m) * x / ((a + n - 1) * (a + n))
        else:
            term = -(a + m) * (a + b + m) * x / ((a + n - 1) * (a + n))
        d = 1 / (1 + term * d or tiny)
        c = 1 + term / c or tiny
        value *= c * d
        if abs(c * d - 1) < 1e-15:
            return value
    raise ArithmeticError(f"the beta function does not converge at {x}, {a}, {b}")
