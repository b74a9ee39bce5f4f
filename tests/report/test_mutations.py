"""Mutated pages: never a value other than the page prints, wherever the page still tells."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from random import Random

import pytest

from tests.publisher import figures as maker
from tests.publisher.form import FORMS, Form
from tests.report.marked import marked
from tests.report.mutants import BODIES, Fate, Mutant, fate, mutant, table
from tests.report.mutate import MUTATIONS, Mutation
from tests.report.shown import assign, shown

OPEN = {"drop_value"}
"""Mutations after which nothing on the page may tell a value: see docs/reading-proof.md."""


def fates(seed: int, count: int, *names: str) -> list[Fate]:
    return [fate(mutant(seed, n, names or tuple(MUTATIONS))) for n in range(count)]


@pytest.mark.parametrize("name", sorted(MUTATIONS))
def test_no_mutation_is_read_wrong(name: str) -> None:
    found = fates(11, 4, name)
    assert [f for f in found if f.outcome in ("wrong", "lost")] == []
    assert name in OPEN or not [f for f in found if f.outcome == "open"]


HARMLESS = ("wrong_rowspan", "wrong_colspan", "no_spans", "change_digit", "swap_values")


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_mutations_are_read(name: str) -> None:
    """Rejecting everything would make no error either."""
    found = fates(13, 5, name)
    assert sum(f.outcome == "read" for f in found) == 5, table(found)


# The oracle itself.


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("form", FORMS)
def test_an_unharmed_page_tells_every_figure(body: str, form: Form) -> None:
    known = maker.probe(form, 5)
    told = shown(marked(known, body, 5))
    assert {code: told.cells[code] for code in known.cells} == {
        code: {value} for code, value in known.values.items()
    }
    assert told.numbers == len(known.cells)  # a probe has no zeros


@pytest.mark.parametrize("name", sorted(MUTATIONS))
def test_every_mutation_changes_the_page(name: str) -> None:
    plain = marked(maker.probe("2021", 5), "clean", 5).page()
    pages = [Mutant("2021", 5, "probe", "clean", (name,) * n).page().page() for n in (1, 2, 3)]
    assert any(page != plain for page in pages)
    assert all(b"data-" not in page for page in pages)


def _mutated(change: Mutation) -> dict[str, set[Decimal | str | None]]:
    page = marked(maker.probe("2021", 5), "clean", 5)
    change(page, Random(1))
    return shown(page).cells


def test_the_oracle_follows_labels_and_order() -> None:
    names = ["a", "b", "c", "d"]
    assert assign(["a", "b", "c", "d"], names) == [0, 1, 2, 3]
    assert assign(["b", "a", "c", "d"], names) == [1, 0, 2, 3]
    assert assign(["a", "", "?", "d"], names) == [0, 1, 2, 3]
    assert assign(["d", "", "c", "a"], names) == [3, None, 2, 0]
    assert assign(["a", "b", "b", "c", "d"], names) == [0, 1, 1, 2, 3]
    assert assign(["a", "c", "d"], names) == [0, 2, 3]
    assert assign(["a", "", "", "c", "d"], names) == [0, None, None, 2, 3]


def test_the_oracle_sees_a_number_change_and_a_number_go() -> None:
    before = maker.probe("2021", 5).values
    changed = _mutated(MUTATIONS["change_digit"])
    assert sum(changed[c] != {v} for c, v in before.items()) == 1
    dropped = _mutated(MUTATIONS["drop_value"])
    assert 1 <= sum(len(values) > 1 for values in dropped.values()) <= 15


@pytest.mark.slow
def test_rates_over_a_few_thousand_mutants() -> None:
    found = fates(12, 3000)
    assert [f for f in found if f.outcome in ("wrong", "lost")] == []
    allowed = [f for f in found if f.outcome == "open" and OPEN & set(f.mutant.mutations)]
    counted = Counter(f.outcome for f in found)
    assert counted["open"] == len(allowed)
    assert counted["read"] > 1000, table(found)
    assert counted["rejected"] > 1000, table(found)
