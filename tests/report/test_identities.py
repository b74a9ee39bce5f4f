"""The identities against brute force: what they force is all that is possible."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.report.form import Identity, StatutoryForm, form
from tasks.report.identities import check, force, verdict
from tasks.report.model import Form
from tests.publisher import figures as maker
from tests.publisher.blanks import scattered, undecided, zeros_left_out
from tests.publisher.form import FORMS
from tests.report.test_properties import STEADY

Values = dict[str, Decimal | None]
_TOP = 9  # the largest number that brute force tries; no forced one is larger


def small(identities: list[Identity]) -> StatutoryForm:
    """A form of nothing but identities."""
    return StatutoryForm("2021", (), (), {}, tuple(identities))


def identity(name: str, *terms: tuple[str, int]) -> Identity:
    return Identity("rule", name, terms, tuple(cell for cell, _ in terms))


@st.composite
def grids(draw: st.DrawFn) -> tuple[StatutoryForm, Values]:
    """A table of rows and columns with totals, true figures, some of them blank."""
    height, width = draw(st.sampled_from([(1, 2), (2, 2), (1, 3), (2, 1), (3, 1)]))
    rng = Random(draw(st.integers(0, 10**6)))
    truth: dict[str, int] = {}
    for r, c in product(range(height), range(width)):
        truth[f"{r}{c}"] = rng.choice((0, 0, 1))
    identities = []
    for r in range(height):
        terms = [(f"{r}{number}", 1) for number in range(width)]
        truth[f"{r}t"] = sum(truth[c] for c, _ in terms)
        identities.append(identity(f"row {r}", *terms, (f"{r}t", -1)))
    for column in [*map(str, range(width)), "t"]:
        terms = [(f"{r}{column}", 1) for r in range(height)]
        truth[f"t{column}"] = sum(truth[x] for x, _ in terms)
        identities.append(identity(f"column {column}", *terms, (f"t{column}", -1)))
    blanks = draw(st.sets(st.sampled_from(sorted(truth)), min_size=1, max_size=4))
    values: Values = {c: None if c in blanks else Decimal(v) for c, v in truth.items()}
    wrong = draw(st.none() | st.sampled_from(sorted(truth)))
    if wrong is not None and draw(st.booleans()) and values[wrong] is not None:
        values[wrong] = Decimal(truth[wrong] + 1)
    return small(draw(st.permutations(identities))), values


@st.composite
def systems(draw: st.DrawFn) -> tuple[StatutoryForm, Values]:
    """Any few equations over a handful of cells, with or without a solution."""
    cells = [f"c{n}" for n in range(draw(st.integers(2, 5)))]
    identities = []
    for n in range(draw(st.integers(1, 3))):
        members = draw(st.lists(st.sampled_from(cells), min_size=2, max_size=3, unique=True))
        signs = draw(st.lists(st.sampled_from((1, -1)), min_size=4, max_size=4))
        identities.append(identity(f"i{n}", *zip(members, signs, strict=False)))
    number = st.none() | st.integers(0, 2).map(Decimal)
    return small(identities), {c: draw(number) for c in cells}


def solutions(identities: list[Identity], values: Values) -> list[dict[str, int]]:
    """Every way to fill in the blanks of these identities, up to the largest number tried."""
    unknown = sorted({c for i in identities for c, _ in i.terms if values[c] is None})
    found = []
    for numbers in product(range(_TOP + 1), repeat=len(unknown)):
        filled = dict(zip(unknown, numbers, strict=True))
        if all(
            sum(k * (filled[c] if (v := values[c]) is None else v) for c, k in i.terms) == 0
            for i in identities
        ):
            found.append(filled)
    return found


def usable(statutory: StatutoryForm, values: Values) -> list[Identity]:
    """The identities that no broken one touches."""
    broken = {c for i in statutory.identities if not solutions([i], values) for c, _ in i.terms}
    return [i for i in statutory.identities if not any(c in broken for c, _ in i.terms)]


def connected(cell: str, identities: list[Identity], values: Values) -> list[Identity]:
    """The identities that bear on a cell, directly or through other blanks."""
    reached, members = {cell}, list[Identity]()
    while True:
        more = [i for i in identities if i not in members and reached & {c for c, _ in i.terms}]
        if not more:
            return members
        members += more
        reached |= {c for i in more for c, _ in i.terms if values[c] is None}


def check_forced(statutory: StatutoryForm, values: Values) -> None:
    forced = force(statutory, values)
    trusted = usable(statutory, values)
    names = {i.name for i in statutory.identities}
    for cell, (value, name) in forced.items():
        assert values[cell] is None, "only what is not printed is forced"
        assert name in names
        possible = {s[cell] for s in solutions(connected(cell, trusted, values), values)}
        assert possible <= {int(value)}, f"{cell}: {value} forced, {possible} possible"
        assert possible, f"{cell}: {value} forced by identities that cannot hold together"


@settings(STEADY, max_examples=120)
@given(grids())
def test_what_a_table_forces_is_all_that_is_possible(case: tuple[StatutoryForm, Values]) -> None:
    check_forced(*case)


@settings(STEADY, max_examples=200)
@given(systems())
def test_what_any_system_forces_is_all_that_is_possible(
    case: tuple[StatutoryForm, Values],
) -> None:
    check_forced(*case)


@settings(STEADY, max_examples=200)
@given(systems())
def test_verdicts_are_what_brute_force_says(case: tuple[StatutoryForm, Values]) -> None:
    statutory, values = case
    for one in statutory.identities:
        blank = any(values[c] is None for c, _ in one.terms)
        possible = bool(solutions([one], values))
        expected = "violated" if not possible else "cannot_tell" if blank else "holds"
        assert verdict(one, values) == expected


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("seed", range(12))
def test_on_the_statutory_form_only_the_truth_is_forced(name: Form, seed: int) -> None:
    truth = maker.consistent(name, seed).values
    rng = Random(seed)
    blank = set(rng.sample(sorted(truth), k=rng.choice((3, 20, 80, 160))))
    values = {c: None if c in blank else v for c, v in truth.items()}
    forced = force(form(name), values)
    assert {c: v for c, (v, _) in forced.items()} == {c: truth[c] for c in forced}
    assert not any(f.verdict == "violated" for f in check(form(name), values))


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("seed", range(6))
def test_known_blanks_are_forced_or_stay_open(name: Form, seed: int) -> None:
    plain = maker.consistent(name, seed)
    for known in (zeros_left_out(plain), scattered(plain, seed), undecided(plain, seed)):
        bare = {c: f.value if f.kind == "number" else None for c, f in known.cells.items()}
        forced = {c: v for c, (v, _) in force(form(name), bare).items()}
        assert forced == {c: f.value for c, f in known.cells.items() if f.status == "forced"}


def _row(*numbers: int | None) -> Values:
    return {f"c{n}": None if v is None else Decimal(v) for n, v in enumerate(numbers)}


ROW = identity("row", *((f"c{n}", 1) for n in range(6)), ("c6", -1))


def test_the_blanks_of_shanghai_2019_are_forced() -> None:
    values = _row(821, 35, None, None, 2, 1, 859)
    assert force(small([ROW]), values) == {
        "c2": (Decimal(0), "row"),
        "c3": (Decimal(0), "row"),
    }
    assert force(small([ROW]), _row(821, 35, 0, 0, 2, 1, None))["c6"] == (Decimal(859), "row")


def test_what_is_open_or_broken_is_not_forced() -> None:
    assert force(small([ROW]), _row(821, 35, None, None, 2, 1, 860)) == {}
    assert force(small([ROW]), _row(821, 35, None, None, 2, 1, 858)) == {}
    assert force(small([ROW]), _row(1, None, 0, 0, 0, 0, None)) == {}
    assert force(small([ROW]), _row(1, 0, 0, 0, 0, 0, 1)) == {}


def test_a_broken_identity_takes_its_neighbours_along() -> None:
    column = identity("column", ("c0", 1), ("d0", 1), ("e0", -1))
    values = _row(5, 0, 0, 0, 0, 0, 9) | {"d0": None, "e0": Decimal(7)}
    assert verdict(ROW, values) == "violated"
    assert force(small([ROW, column]), values) == {}


def test_verdicts_say_what_the_numbers_are() -> None:
    said = {
        f.verdict: f.message
        for values in (_row(1, 1, 0, 0, 0, 0, 2), _row(1, 1, 0, 0, 0, 0, 3), _row(*[None] * 7))
        for f in check(small([ROW]), values)
    }
    assert said["holds"] == "holds"
    assert said["violated"] == "1 + 1 = 2, but 3 = 3"
    assert said["cannot_tell"].startswith("cannot be told: nothing is given for c0, c1")
    assert verdict(ROW, _row(3, None, 0, 0, 0, 0, 2)) == "violated"
    assert verdict(ROW, _row(2, None, 0, 0, 0, 0, 2)) == "cannot_tell"
