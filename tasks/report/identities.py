"""Identities 1-4 (勾稽关系) of one document: what they say of its cells, and what they force.

A blank or a mark becomes a number only when the identities, over non-negative integers, leave
exactly one value for it. Two sound inferences are repeated until nothing changes: elimination
(the identities as linear equations over the unknown cells, in reduced row echelon form) and
bounds (each unknown lies between what the other terms of an equation leave it). Identities that
the page itself breaks prove nothing: no identity that touches a cell of a broken one forces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction

from tasks.report.form import Identity, StatutoryForm
from tasks.report.model import Finding, Verdict

Values = Mapping[str, Decimal | None]

_MOST_ROUNDS = 200
_new = tuple.__new__  # 42 findings a report: the named tuple's own constructor costs twice as much
_Equation = tuple[dict[str, Fraction], Fraction, str]  # unknowns, right side, identity's name


def verdict(identity: Identity, values: Values) -> Verdict:
    """What the values say of one identity.

    With unknown terms it is `violated` only when no non-negative numbers could mend it.
    """
    known = Decimal(0)
    can_rise = can_fall = False
    for cell, coefficient in identity.terms:
        value = values[cell]
        if value is None:
            can_rise |= coefficient > 0
            can_fall |= coefficient < 0
        elif value:
            known = known + value if coefficient == 1 else known + coefficient * value
    if not (can_rise or can_fall):
        return "holds" if known == 0 else "violated"
    if (known > 0 and not can_fall) or (known < 0 and not can_rise):
        return "violated"
    return "cannot_tell"


def check(form: StatutoryForm, values: Values) -> list[Finding]:
    """One finding per identity of the form, in the form's order."""
    found = []
    for identity in form.identities:
        result = verdict(identity, values)
        message = result if result == "holds" else _message(identity, values, result)
        found.append(_new(Finding, (identity.rule, identity.name, identity.cells, result, message)))
    return found


def _message(identity: Identity, values: Values, result: Verdict) -> str:
    left = [(c, values[c]) for c, k in identity.terms if k > 0]
    right = [(c, values[c]) for c, k in identity.terms if k < 0]

    def side(terms: list[tuple[str, Decimal | None]]) -> str:
        shown = " + ".join("?" if v is None else f"{v:f}" for _, v in terms if v is None or v != 0)
        return shown or "0"

    if result == "cannot_tell":
        blanks = ", ".join(c for c, v in left + right if v is None)
        return f"cannot be told: nothing is given for {blanks}"
    sum_left = sum((v for _, v in left if v is not None), Decimal(0))
    sum_right = sum((v for _, v in right if v is not None), Decimal(0))
    return f"{side(left)} = {sum_left:f}, but {side(right)} = {sum_right:f}"


def force(form: StatutoryForm, values: Values) -> dict[str, tuple[Decimal, str]]:
    """The cells without a number that the identities determine: value and identity's name."""
    if all(v is not None for v in values.values()):
        return {}
    broken = {
        cell
        for identity in form.identities
        if verdict(identity, values) == "violated"
        for cell, _ in identity.terms
    }
    usable = [
        i
        for i in form.identities
        if any(values[c] is None for c, _ in i.terms) and not any(c in broken for c, _ in i.terms)
    ]
    forced: dict[str, tuple[Decimal, str]] = {}
    for component in _components(usable, values):
        found = _force_component(component, values)
        if found is not None:
            forced |= found
    return forced


def solvable(identities: Iterable[Identity], values: Values) -> bool:
    """Whether non-negative integers for the cells without a number could make all of them hold.

    False is certain; True is as far as elimination and bounds can tell.
    """
    with_unknown = []
    for identity in identities:
        if verdict(identity, values) == "violated":
            return False
        if any(values[c] is None for c, _ in identity.terms):
            with_unknown.append(identity)
    return all(
        _force_component(component, values) is not None
        for component in _components(with_unknown, values)
    )


def _components(identities: list[Identity], values: Values) -> list[list[Identity]]:
    """Identities grouped by shared unknown cells; each group is solved, or contradicts, alone."""
    groups: list[tuple[set[str], list[Identity]]] = []
    for identity in identities:
        cells = {c for c, _ in identity.terms if values[c] is None}
        members = [identity]
        rest = []
        for group in groups:
            if group[0] & cells:
                cells |= group[0]
                members = group[1] + members
            else:
                rest.append(group)
        groups = [*rest, (cells, members)]
    return [members for _, members in groups]


def _force_component(
    identities: list[Identity], values: Values
) -> dict[str, tuple[Decimal, str]] | None:
    """What one group of identities determines; None when it has no non-negative solution."""
    equations: list[_Equation] = []
    for identity in identities:
        unknown = {c: Fraction(k) for c, k in identity.terms if values[c] is None}
        known = sum(
            (Fraction(v) * k for c, k in identity.terms if (v := values[c]) is not None),
            Fraction(0),
        )
        equations.append((unknown, -known, identity.name))
    ranges = _Ranges({cell for unknown, _, _ in equations for cell in unknown})
    if not ranges.narrow(equations):
        return None
    if len(ranges.forced) < len(ranges.low):
        # Bounds settle most pages at once; elimination is for those where equations interlock.
        open_equations = [ranges.reduced(e) for e in equations]
        eliminated = _eliminated([e for e in open_equations if e[0]])
        if eliminated is None or not ranges.narrow(eliminated + equations):
            return None
    for unknown, right, _ in equations:
        if all(c in ranges.forced for c in unknown) and right != sum(
            (k * ranges.low[c] for c, k in unknown.items()), Fraction(0)
        ):
            return None
    return ranges.forced


class _Ranges:
    """What is known of each unknown cell: a lower bound, an upper bound or none, or its value."""

    def __init__(self, cells: set[str]) -> None:
        self.low: dict[str, Fraction] = {cell: Fraction(0) for cell in cells}
        self.high: dict[str, Fraction | None] = dict.fromkeys(cells)
        self.forced: dict[str, tuple[Decimal, str]] = {}

    def narrow(self, equations: list[_Equation]) -> bool:
        """Narrows every range by every equation until nothing changes; False on contradiction."""
        for _ in range(_MOST_ROUNDS):
            changed = False
            for unknown, right, name in equations:
                if all(cell in self.forced for cell in unknown):
                    continue
                for cell, k in unknown.items():
                    least, most = _bounds(cell, k, unknown, right, self.low, self.high)
                    low, high = self.low[cell], self.high[cell]
                    if least is not None:
                        low = max(low, _ceil(least))
                    if most is not None:
                        high = _floor(most) if high is None else min(high, _floor(most))
                    if high is not None and low > high:
                        return False
                    if (low, high) != (self.low[cell], self.high[cell]):
                        self.low[cell], self.high[cell] = low, high
                        changed = True
                        if low == high:
                            self.forced[cell] = (Decimal(int(low)), name)
            if not changed:
                return True
        return False  # bounds that climb for ever: no solution is found this way

    def reduced(self, equation: _Equation) -> _Equation:
        """An equation with the cells already determined moved to its right side."""
        unknown, right, name = equation
        left = {c: k for c, k in unknown.items() if c not in self.forced}
        settled = sum(
            (k * self.low[c] for c, k in unknown.items() if c in self.forced), Fraction(0)
        )
        return left, right - settled, name


def _bounds(
    cell: str,
    k: Fraction,
    unknown: dict[str, Fraction],
    right: Fraction,
    low: dict[str, Fraction],
    high: dict[str, Fraction | None],
) -> tuple[Fraction | None, Fraction | None]:
    """The range that an equation leaves one cell, given the ranges of its other unknowns."""
    least: Fraction | None = right
    most: Fraction | None = right
    for other, c in unknown.items():
        if other == cell:
            continue
        top = high[other]
        at_low, at_high = c * low[other], None if top is None else c * top
        small, large = (at_low, at_high) if c > 0 else (at_high, at_low)
        most = None if most is None or small is None else most - small
        least = None if least is None or large is None else least - large
    if k < 0:
        least, most = most, least
    return (None if least is None else least / k, None if most is None else most / k)


def _eliminated(
    equations: list[_Equation],
) -> list[_Equation] | None:
    """The equations in reduced row echelon form, each under the name of the one it began as.

    None when they contradict each other.
    """
    rows = [(dict(u), r, n) for u, r, n in equations]
    done: list[_Equation] = []
    while rows:
        unknown, right, name = rows.pop()
        if not unknown:
            if right != 0:
                return None
            continue
        pivot = min(unknown)
        k = unknown[pivot]
        unknown = {c: v / k for c, v in unknown.items()}
        right /= k
        for group in (rows, done):
            for i, (other, other_right, other_name) in enumerate(group):
                factor = other.get(pivot)
                if factor:
                    merged = {
                        c: v
                        for c in other.keys() | unknown.keys()
                        if (v := other.get(c, Fraction(0)) - factor * unknown.get(c, Fraction(0)))
                    }
                    group[i] = (merged, other_right - factor * right, other_name)
        done.append((unknown, right, name))
    return [row for row in done if row[0]]


def _ceil(value: Fraction) -> Fraction:
    return Fraction(-((-value.numerator) // value.denominator))


def _floor(value: Fraction) -> Fraction:
    return Fraction(value.numerator // value.denominator)
