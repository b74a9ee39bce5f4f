"""All smallest repairs are found, and only a lone one is called unique."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from itertools import combinations, product

import pytest

from tasks.report.form import FORMS, Identity, form
from tasks.report.model import Form
from tasks.report.repair import localise, localise_part, parts, slip
from tests.report.planted import (
    Values,
    anything,
    misread,
    plant,
    swapped,
    true_report,
)

GRANTED = "requests.granted.natural_person"


def numbers(**cells: int | None) -> Values:
    return {c: None if v is None else Decimal(v) for c, v in cells.items()}


def table(*sums: str) -> list[Identity]:
    """Identities from "a b = t"."""
    found = []
    for text in sums:
        left, right = text.split(" = ")
        terms = [(c, 1) for c in left.split()] + [(c, -1) for c in right.split()]
        found.append(Identity("sum", text, tuple(terms), tuple(c for c, _ in terms)))
    return found


SMALL = table("a b = r", "c d = s", "a c = t", "b d = u")


def by_trying(values: Values, most: int) -> tuple[int, set[tuple[tuple[str, int], ...]]]:
    """The smallest repairs among all changes to numbers up to `most`."""
    for size in range(len(values) + 1):
        found = set()
        for cells in combinations(sorted(values), size):
            for after in product(range(most + 1), repeat=size):
                mended = {**values, **{c: Decimal(v) for c, v in zip(cells, after, strict=True)}}
                if any(mended[c] == values[c] for c in cells):
                    continue
                if all(sum(k * (mended[c] or 0) for c, k in i.terms) == 0 for i in SMALL):
                    found.add(tuple(zip(cells, after, strict=True)))
        if found:
            return size, found
    raise AssertionError("zeros always do")


@pytest.mark.parametrize("seed", range(60))
def test_the_search_finds_what_trying_everything_finds(seed: int) -> None:
    rng = random.Random(seed)
    values = {c: Decimal(rng.randint(0, 4)) for c in "abcd"}
    for i in SMALL:
        *leaves, total = i.cells
        values[total] = sum((values[c] for c in leaves), Decimal(0))
    for cell in rng.sample("abcdrstu", rng.randint(1, 2)):
        values[cell] = Decimal(rng.randint(0, 9))
    found = localise_part(SMALL, dict(values))
    size, expected = by_trying(dict(values), most=22)
    if size == 0:
        assert found is None
        return
    assert found is not None
    told = {tuple((c.cell, c.after) for c in r.changes) for r in found.repairs}
    if size > 3:
        assert found.answer != "unique"
    elif found.open_amount:  # a family of repairs: what is listed is right, and none is chosen
        assert found.answer == "ambiguous"
        assert told <= expected
    else:
        assert told == expected
        assert (found.answer == "unique") == (len(expected) == 1)


def test_one_wrong_cell_is_named() -> None:
    values = true_report(random.Random(5), form("2021"))
    values[GRANTED] = (values[GRANTED] or Decimal(0)) + 10
    (found,) = localise(form("2021"), values)
    (repair,) = found.repairs
    assert found.answer == "unique"
    assert [c.cell for c in repair.changes] == [GRANTED]
    assert set(found.violated) == {"row_total.granted", "outcome_total.natural_person"}


def test_a_sum_by_itself_names_nobody_and_likely_slips_come_first() -> None:
    values = numbers(a=12, b=5, r=62)
    found = localise_part(table("a b = r"), values)
    assert found is not None and found.answer == "ambiguous"
    told = [(c.cell, c.after, c.slip) for r in found.repairs for c in r.changes]
    assert told == [("b", 50, "a digit dropped"), ("a", 57, None), ("r", 17, None)]
    assert [r.weight for r in found.repairs] == [4, 5, 5]


def test_a_negative_number_is_no_repair() -> None:
    found = localise_part(table("a b = r"), numbers(a=1, b=2, r=0))
    assert found is not None and found.answer == "unique"  # neither part can fall by three
    assert found.repairs[0].changes[0][:3] == ("r", 0, 3)


def test_blanks_cost_nothing_and_leave_amounts_open() -> None:
    found = localise_part(table("a b = r"), numbers(a=5, b=None, r=2))
    assert found is not None
    assert (found.answer, found.open_amount, found.repairs) == ("ambiguous", True, ())
    assert localise_part(table("a b = r"), numbers(a=1, b=None, r=2)) is None


def test_a_repair_only_needs_its_own_cells() -> None:
    values = numbers(a=1, b=4, c=2, d=3, r=5, s=16, t=5)
    found = localise_part(table("a b = r", "b c = s", "c d = t"), values)
    assert found is not None and found.answer == "unique"
    assert [c[:3] for c in found.repairs[0].changes] == [("s", 16, 6)]


@pytest.mark.parametrize(
    ("printed", "meant", "why"),
    [
        (82, 821, "a digit dropped"),
        (21, 821, "a digit dropped"),
        (8211, 821, "a digit doubled"),
        (812, 821, "neighbours swapped"),
        (827, 821, "a digit confused"),
        (829, 821, None),
        (128, 821, None),
        (8213, 821, None),
    ],
)
def test_likely_misreadings(printed: int, meant: int, why: str | None) -> None:
    assert slip(printed, meant) == why


@pytest.mark.parametrize("name", FORMS)
def test_the_parts_of_a_form(name: Form) -> None:
    sizes = sorted(len(p) for p in parts(name))
    assert sizes == [1, 1, 1, {"2019": 37, "2021": 39}[name]]


@pytest.mark.parametrize("error", [misread, anything])
def test_planted_errors_are_mended_and_never_wrongly(
    error: Callable[[random.Random, int], int],
) -> None:
    one = plant("requests", 1, error, reports=100).counts
    assert one == {"right": 100}
    two = plant("requests", 2, error, reports=100).counts
    assert two["right"] >= 97
    assert two["wrong"] == two["unseen"] == two["lost"] == 0
    with_blanks = plant("requests", 2, error, reports=60, blanks=0.3).counts
    assert with_blanks["wrong"] == 0


def test_what_no_identity_can_see() -> None:
    assert plant("proactive", 1, anything, reports=50).counts == {"unseen": 50}
    for the_form in map(form, FORMS):
        assert swapped(the_form, rows=True) == 0
        assert swapped(the_form, rows=False) == 0


@pytest.mark.parametrize("name", FORMS)
def test_the_identifiability_map(name: Form) -> None:
    """Which single cells an error can be pinned to, as docs/reconciliation.md has it."""
    signs: dict[str, dict[str, int]] = {c.code: {} for c in form(name).cells}
    for identity in form(name).identities:
        for cell, k in identity.terms:
            signs[cell][identity.name] = k
    unseen = [c for c, s in signs.items() if not s]
    alike: dict[frozenset[tuple[str, int]], list[str]] = {}
    for cell, found in signs.items():
        if found:
            sign = found[min(found)]  # two cells are alike when a change of one can be the other's
            key = frozenset((i, k * sign) for i, k in found.items())
            alike.setdefault(key, []).append(cell)
    alone = [cells[0] for cells in alike.values() if len(cells) == 1]
    together = [cells for cells in alike.values() if len(cells) > 1]
    assert all(c.startswith("proactive.") for c in unseen)
    assert {len(cells) for cells in together} == {5}
    assert all(c.startswith("review_litigation.") for cells in together for c in cells)
    assert (len(unseen), len(alone), len(together)) == {
        "2019": (22, 161, 3),
        "2021": (10, 175, 3),
    }[name]
