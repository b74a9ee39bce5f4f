"""Mutated pages and what becomes of them, against what they print (`tests.report.shown`)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Literal

from tasks.report import read
from tests.publisher.case import MAKERS
from tests.publisher.figures import Figures
from tests.publisher.form import FORMS, Form
from tests.report.marked import Marked, marked
from tests.report.mutate import MUTATIONS
from tests.report.shown import Shown, shown

Outcome = Literal["read", "rejected", "wrong", "lost", "open"]
OUTCOMES: tuple[Outcome, ...] = ("read", "rejected", "wrong", "lost", "open")
BODIES = ("clean", "word", "erased_zero", "erased_blank", "word_erased")


@lru_cache(maxsize=1)
def _known(figures: str, form: Form, seed: int) -> Figures:
    return MAKERS[figures](form, seed)


@dataclass(frozen=True, slots=True)
class Mutant:
    """The arguments of one mutated page."""

    form: Form
    seed: int
    figures: str
    body: str
    mutations: tuple[str, ...]

    def known(self) -> Figures:
        """What the page says before it is mutated."""
        return _known(self.figures, self.form, self.seed)

    def page(self) -> Marked:
        """The page, mutated."""
        made = marked(self.known(), self.body, self.seed)
        for number, name in enumerate(self.mutations):
            MUTATIONS[name](made, Random(f"{name} {number} {self.seed}"))
        return made


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a mutant.

    wrong: a value other than the page prints in that place; lost: every value is right, and a
    number that the page prints is in none (a zero may be an erased label); open: a value differs
    from that of the page before it was mutated, where nothing on the mutated page tells which is
    right.
    """

    mutant: Mutant
    outcome: Outcome
    detail: str = ""


def mutant(seed: int, number: int, names: Sequence[str] = tuple(MUTATIONS)) -> Mutant:
    """The n-th mutant of a run: mostly one mutation, sometimes two."""
    rng = Random(f"mutant {seed} {number}")
    chosen = tuple(rng.choice(list(names)) for _ in range(1 if rng.random() < 0.75 else 2))
    return Mutant(
        rng.choice(FORMS),
        rng.randrange(1_000_000),
        rng.choice(list(MAKERS)),
        rng.choice(BODIES),
        chosen,
    )


def fate(of: Mutant) -> Fate:
    """Reads a mutant and compares it with what it prints."""
    made = of.page()
    truth: Shown = shown(made)
    reading = read(made.page())
    if reading.outcome == "rejected":
        return Fate(of, "rejected", str(reading.reason))
    before = of.known().values
    wrong, undecided = [], []
    for cell in reading.cells:
        said = f"{cell.cell}: {cell.value} ({cell.status})"
        if not truth.told(cell.cell):
            if cell.value != before[cell.cell]:
                undecided.append(f"{said}, before {before[cell.cell]}")
            continue
        (want,) = truth.cells[cell.cell]
        empty = want is None and (cell.value is None or cell.status == "forced")
        if cell.value != want and not empty:
            wrong.append(f"{said}, the page prints {want}")
    if wrong:
        return Fate(of, "wrong", f"{len(wrong)} cells: {'; '.join(wrong[:3])}")
    if undecided:
        return Fate(of, "open", f"{len(undecided)} cells: {'; '.join(undecided[:3])}")
    published = sum(cell.status == "reported" and cell.value != 0 for cell in reading.cells)
    if published < truth.numbers:
        return Fate(
            of, "lost", f"{truth.numbers} numbers but zeros are printed, {published} are read"
        )
    return Fate(of, "read")


def table(fates: Iterable[Fate]) -> str:
    """The outcomes by mutation as a Markdown table."""
    rows: dict[str, Counter[Outcome]] = defaultdict(Counter)
    for one in fates:
        names = one.mutant.mutations
        rows[names[0] if len(names) == 1 else "two at once"][one.outcome] += 1
    rows["**all**"] = sum(rows.values(), Counter[Outcome]())
    lines = [f"| mutation | pages | {' | '.join(OUTCOMES)} |", "| --- |" + " ---: |" * 6]
    for name, outcomes in sorted(rows.items()):
        cells = " | ".join(f"{outcomes[o]:,}" for o in OUTCOMES)
        lines.append(f"| {name} | {outcomes.total():,} | {cells} |")
    return "\n".join(lines)
