"""Which cells of a report are wrong: error localisation after Fellegi and Holt.

Where identities 1 to 4 do not hold, the fewest cells are looked for whose change to non-negative
integers makes all of them hold. **All** such smallest repairs are enumerated: with several, none
may be chosen. Identities that share no cell are separate problems and are solved apart.

The search eliminates. In some identity that does not hold, at least one cell must change; each is
tried in turn as the unknown that this identity determines, and substituted in the others. Cells
without a published number (blank, marks, forced values) are unknown from the start and cost
nothing. What remains when every identity holds is a set of cells with exactly one solution.
A smaller set whose only solution is negative or a fraction may become possible with a further cell
by a free amount, so it makes every larger repair ambiguous.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Literal, NamedTuple

from tasks.report.form import Identity, StatutoryForm
from tasks.report.form import form as form_of
from tasks.report.identities import solvable, verdict
from tasks.report.model import Form

MOST_CELLS = 3  # changed in one repair; beyond, a report is not mended but wrong
MISREADING = 4  # weight of a change that a slip of eye or hand explains …
OTHER = 5  # … and of any other: three of these weigh less than four misreadings
_CONFUSED = frozenset(
    frozenset(pair) for pair in ("06", "08", "09", "17", "27", "14", "35", "38", "56", "68", "89")
)

Answer = Literal["unique", "ambiguous", "none"]


class Change(NamedTuple):
    """One cell of a repair. `slip` names the misreading that explains it, if one does."""

    cell: str
    before: int
    after: int
    slip: str | None


class Repair(NamedTuple):
    """One smallest change that makes every identity of its part hold."""

    changes: tuple[Change, ...]

    @property
    def weight(self) -> int:
        """Less for likely misreadings."""
        return sum(MISREADING if change.slip else OTHER for change in self.changes)


class Localised(NamedTuple):
    """What is wrong in one part of the form: identities joined by shared cells.

    `unique`: `repairs` holds the one smallest repair. `ambiguous`: `repairs` holds all of them,
    lightest first; with `open_amount` there are more, by amounts that no identity fixes. `none`: no
    change of at most MOST_CELLS cells is enough.
    """

    answer: Answer
    repairs: tuple[Repair, ...]
    violated: tuple[str, ...]
    open_amount: bool = False


def localise(form: StatutoryForm, values: Mapping[str, Decimal | None]) -> list[Localised]:
    """One answer for each part of the form in which an identity is violated.

    `values` are the published numbers; None where there is none (also where one was forced).
    """
    found = []
    for part in parts(form.name):
        answer = localise_part([form.identities[i] for i in part], values)
        if answer is not None:
            found.append(answer)
    return found


def localise_part(
    identities: Sequence[Identity], values: Mapping[str, Decimal | None]
) -> Localised | None:
    """What is wrong among these identities; None when none of them is violated."""
    violated = tuple(i.name for i in identities if verdict(i, values) == "violated")
    return _Part(identities, values, violated).localise() if violated else None


@cache
def parts(name: Form) -> tuple[tuple[int, ...], ...]:
    """The identities of a form by number, those joined by shared cells together."""
    groups: list[tuple[set[str], list[int]]] = []
    for number, identity in enumerate(form_of(name).identities):
        joined = [g for g in groups if not g[0].isdisjoint(identity.cells)]
        groups = [g for g in groups if g not in joined]
        cells = set(identity.cells).union(*(g[0] for g in joined))
        groups.append((cells, sorted([*(n for g in joined for n in g[1]), number])))
    return tuple(sorted(tuple(numbers) for _, numbers in groups))


def slip(printed: int, meant: int) -> str | None:
    """The likely misreading by which `meant` became `printed`."""
    a, b = str(printed), str(meant)
    if len(b) == len(a) + 1 and any(b[:i] + b[i + 1 :] == a for i in range(len(b))):
        return "a digit dropped"
    if len(a) == len(b) + 1 and any(b[: i + 1] + b[i:] == a for i in range(len(b))):
        return "a digit doubled"
    if len(a) == len(b):
        differ = [i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y]
        if len(differ) == 1 and frozenset((a[differ[0]], b[differ[0]])) in _CONFUSED:
            return "a digit confused"
        if any(
            differ == [i, j] and (a[i], a[j]) == (b[j], b[i]) for i, j in pairwise(range(len(a)))
        ):
            return "neighbours swapped"
    return None


class _Row(NamedTuple):
    """Σ coefficient x change = right."""

    terms: dict[str, int]
    right: int


class _Part:
    """The search in one part of the form."""

    def __init__(
        self,
        identities: Sequence[Identity],
        values: Mapping[str, Decimal | None],
        violated: tuple[str, ...],
    ) -> None:
        self.identities = identities
        self.values = values
        self.violated = violated
        self.blanks = any(values[c] is None for i in identities for c in i.cells)
        self.blocked = False  # a set of cells was enough but for its signs

    def localise(self) -> Localised:
        cells = {c for i in self.identities for c in i.cells}
        if any(v != int(v) for c in cells if (v := self.values[c]) is not None):
            return Localised("none", (), self.violated)
        rows = self._without_blanks()
        for size in range(MOST_CELLS + 1):
            blocked = self.blocked  # by fewer cells
            found = sorted(self._repairs(rows, size), key=lambda r: (r.weight, r.changes))
            if found:
                alone = len(found) == 1 and not blocked
                answer: Answer = "unique" if alone else "ambiguous"
                return Localised(answer, tuple(found), self.violated, blocked)
        # Signs alone were in the way: some cell more would do, by one of many amounts.
        return Localised("ambiguous" if self.blocked else "none", (), self.violated, self.blocked)

    def _without_blanks(self) -> list[_Row]:
        """The identities as equations between changes, the unknown cells eliminated."""
        rows = []
        unknown: list[str] = []
        for identity in self.identities:
            right = 0
            for cell, k in identity.terms:
                value = self.values[cell]
                if value is None:
                    unknown.append(cell)
                else:
                    right -= k * int(value)
            rows.append(_Row(dict(identity.terms), right))
        for cell in dict.fromkeys(unknown):
            pivot = min(
                (r for r in rows if cell in r.terms), key=lambda r: len(r.terms), default=None
            )
            if pivot is not None:
                rows = _eliminated(rows, pivot, cell)
        return rows

    def _repairs(self, rows: list[_Row], size: int) -> Iterator[Repair]:
        for solved in _sets(rows, size, frozenset()):
            repair = self._solution(solved)
            if repair is not None:
                yield repair

    def _solution(self, solved: Sequence[tuple[str, _Row]]) -> Repair | None:
        """The one solution for these cells, if it is one of non-negative integers."""
        changes: dict[str, Fraction] = {}
        for cell, row in reversed(solved):
            others = sum((k * changes[c] for c, k in row.terms.items() if c in changes), 0)
            changes[cell] = Fraction(row.right - others) / row.terms[cell]
        if not all(changes.values()):
            return None  # fewer cells do
        mended = dict(self.values)
        found = []
        for cell in sorted(changes):
            change, value = changes[cell], self.values[cell]
            assert value is not None
            before = int(value)
            after = before + change
            if after.denominator != 1 or after < 0:
                self.blocked = True
                return None
            mended[cell] = Decimal(int(after))
            found.append(Change(cell, before, int(after), slip(before, int(after))))
        if self.blanks and not solvable(self.identities, mended):
            self.blocked = True
            return None
        return Repair(tuple(found))


def _eliminated(rows: Iterable[_Row], pivot: _Row, cell: str) -> list[_Row]:
    """The other rows with `cell` substituted by what `pivot` says of it."""
    k = pivot.terms[cell]
    kept = []
    for row in rows:
        if row is pivot:
            continue
        factor = row.terms.get(cell)
        if factor is None:
            kept.append(row)
            continue
        # Coefficients are 1 and -1 nearly always, so nothing needs to be divided out.
        terms = {c: v * k for c, v in row.terms.items()} if k != 1 else dict(row.terms)
        for c, v in pivot.terms.items():
            left = terms.get(c, 0) - factor * v
            if left:
                terms[c] = left
            else:
                terms.pop(c, None)
        kept.append(_Row(terms, row.right * k - factor * pivot.right))
    return kept


def _sets(
    rows: list[_Row], size: int, excluded: frozenset[str]
) -> Iterator[tuple[tuple[str, _Row], ...]]:
    """Every independent set of `size` cells that can make all rows hold, each set once.

    A set comes as its cells, each with the row that determines it from the cells after it.
    """
    broken = [row for row in rows if row.right]
    if not broken:
        if size == 0:
            yield ()
        return
    if size == 0:
        return
    tried = min(broken, key=lambda row: len(row.terms))
    if size == 1:
        for cell, k in tried.terms.items():
            # Alone it must stand in every row that does not hold, by one amount, and in no other.
            if cell not in excluded and all(
                row.terms.get(cell, 0) * tried.right == row.right * k for row in rows
            ):
                yield ((cell, tried),)
        return
    for cell in sorted(tried.terms):
        if cell in excluded:
            continue
        for rest in _sets(_eliminated(rows, tried, cell), size - 1, excluded):
            yield ((cell, tried), *rest)
        excluded |= {cell}
