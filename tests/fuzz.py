"""Random figures × form × layout × fault × style, rendered and read back: `make fuzz`.

`--mutations N` mutates rendered pages instead (`tests.report.mutants`).

Every case follows from its number and the run's seed, and prints as the `Trial` that makes it
again. A case goes wrong when a value differs from what the page prints, when a page that still
tells every figure is refused, or when one that lost something is read.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

from tasks.report import read
from tasks.report.model import Reading
from tests.publisher import layouts, styles
from tests.publisher.case import MAKERS, Case, case, fits
from tests.publisher.encodings import ENCODINGS
from tests.publisher.faults import FAULTS
from tests.publisher.figures import Figures
from tests.publisher.form import FORMS, Form
from tests.publisher.layouts.text import TEXTS
from tests.publisher.layouts.wrappers import WRAPPERS
from tests.report import mutants

Outcome = Literal["read", "rejected", "wrong", "refused", "accepted"]
OUTCOMES: tuple[Outcome, ...] = ("read", "rejected", "wrong", "refused", "accepted")
FAILED: frozenset[Outcome] = frozenset(("wrong", "refused", "accepted"))
STYLES = (*styles.NUMBER_STYLES, "mixed")
BLANKS = {"zeros_left_out", "slashes", "scattered", "undecided"}
DOC = Path(__file__).resolve().parents[1] / "docs" / "reading-proof.md"
_SHOWN = 20  # failures printed in full


@dataclass(frozen=True, slots=True)
class Trial:
    """The arguments of one case."""

    form: Form
    seed: int
    figures: str
    layout: str
    fault: str
    style: str

    def case(self) -> Case:
        """The page, what it prints, and what must become of it."""
        known: str | Figures = self.figures
        style = self.style
        if style == "mixed":
            known = styles.mixed(MAKERS[self.figures](self.form, self.seed), self.seed)
            style = "plain"
        return case(
            self.form,
            self.seed,
            figures=known,
            layout=self.layout,
            fault=self.fault,
            number_style=style,
        )


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a trial; `detail` says where it went wrong, or why it was rejected."""

    trial: Trial
    outcome: Outcome
    detail: str = ""


def judge(trial: Trial) -> Result:
    """Renders, reads and compares one case."""
    made = trial.case()
    reading = read(made.page, content_type=made.content_type)
    if reading.outcome == "rejected":
        assert reading.reason is not None
        outcome: Outcome = "refused" if made.expect == "read" else "rejected"
        return Result(trial, outcome, f"{reading.reason.code}: {reading.reason.message}")
    differ = list(differences(made, reading, trial.fault == "dropped_number"))
    if differ:
        return Result(trial, "wrong", f"{len(differ)} cells: " + "; ".join(differ[:3]))
    if made.expect == "reject":
        return Result(trial, "accepted", "read as if whole")
    return Result(trial, "read")


def differences(made: Case, reading: Reading, dropped: bool) -> Iterator[str]:
    """Cells that are not read as they are printed.

    Where one number was dropped, its cell may be read as the blank that it is now, and blanks that
    it would have forced may stay open.
    """
    spare = int(dropped)
    found = {c.cell: c for c in reading.cells}
    for code, figure in made.document.figures.cells.items():
        cell = found.pop(code, None)
        if cell is None:
            yield f"{code}: missing"
            continue
        got = (cell.value, cell.as_published.replace("\n", "").strip(), cell.status)
        want = (figure.value, figure.printed.replace("\n", "").strip(), figure.status)
        if got == want:
            continue
        if dropped and cell.value in (None, figure.value) and got[1] in ("", want[1]):
            spare -= got[1] != want[1]
            if spare >= 0:
                continue
        yield f"{code}: {got}, not {want}"
    yield from (f"{code}: no cell of the form" for code in found)


def layout(rng: Random) -> str:
    """A layout; bodies most often, each with any wrapper and encoding."""
    chance = rng.random()
    if chance < 0.03:  # rendering a PDF costs more than reading it
        return rng.choice([name for name in layouts.FILES if name.startswith("pdf")])
    if chance < 0.08:
        return rng.choice([name for name in layouts.FILES if not name.startswith("pdf")])
    if chance < 0.25:
        return f"text/{rng.choice(list(TEXTS))}"
    parts = (rng.choice(list(kind)) for kind in (layouts.BODIES, WRAPPERS, ENCODINGS))
    return "/".join(parts)


def trial(seed: int, number: int) -> Trial:
    """The n-th trial of a run."""
    rng = Random(f"trial {seed} {number}")
    while True:
        form = rng.choice(FORMS)
        chosen = layout(rng)
        fault = "none" if rng.random() < 0.25 else rng.choice(list(FAULTS))
        figures, style = rng.choice(list(MAKERS)), rng.choice(STYLES)
        # rows of pipes are filled up with blanks: a dropped cell looks like a blank at the end
        filled_up = chosen == "text/pipes" and fault == "dropped_number" and figures in BLANKS
        if fits(form, chosen, fault) and not filled_up:
            return Trial(form, rng.randrange(1_000_000), figures, chosen, fault, style)


def _batch(work: tuple[int, tuple[int, ...]]) -> list[Result]:
    seed, numbers = work
    results = []
    for number in numbers:
        tried = trial(seed, number)
        try:
            results.append(judge(tried))
        except Exception as error:  # noqa: BLE001 - an exception is a finding with its arguments
            results.append(Result(tried, "wrong", f"raised {error!r}"))
    return results


def run(seed: int, numbers: Iterable[int], jobs: int) -> Iterator[Result]:
    """The results of these trials, in order."""
    ordered = list(numbers)
    work = [(seed, tuple(ordered[at : at + 50])) for at in range(0, len(ordered), 50)]
    if jobs == 1:
        for part in work:
            yield from _batch(part)
        return
    with ProcessPoolExecutor(jobs) as pool:
        for results in pool.map(_batch, work):
            yield from results


_BY: dict[str, Callable[[Trial], str]] = {
    "body": lambda t: t.layout if t.layout.count("/") < 2 else t.layout.split("/")[0],
    "wrapper": lambda t: t.layout.split("/")[1] if t.layout.count("/") == 2 else "-",
    "encoding": lambda t: t.layout.split("/")[2] if t.layout.count("/") == 2 else "-",
    "fault": lambda t: t.fault,
    "figures": lambda t: t.figures,
    "number style": lambda t: t.style,
    "form": lambda t: t.form,
}


def tables(results: Iterable[Result]) -> tuple[Counter[Outcome], str]:
    """The outcomes in all, and as Markdown tables by every part of a trial."""
    counted: dict[str, dict[str, Counter[Outcome]]] = {k: defaultdict(Counter) for k in _BY}
    total: Counter[Outcome] = Counter()
    for result in results:
        total[result.outcome] += 1
        for name, of in _BY.items():
            counted[name][of(result.trial)][result.outcome] += 1
    parts = []
    for name, rows in counted.items():
        lines = [f"| {name} | cases | {' | '.join(OUTCOMES)} |", "| --- |" + " ---: |" * 6]
        for row, outcomes in sorted(rows.items()):
            cells = " | ".join(f"{outcomes[o]:,}" for o in OUTCOMES)
            lines.append(f"| {row} | {outcomes.total():,} | {cells} |")
        parts.append("\n".join(lines))
    return total, "\n\n".join(parts)


def summary(total: Counter[Outcome], seed: int) -> str:
    """The outcomes of a run in two sentences."""
    cases = total.total()
    short = "" if cases >= 100_000 else " (fewer than the 100,000 of a whole `make fuzz`)"
    share = {o: f"{total[o]:,} ({100 * total[o] / max(1, cases):.2f} %)" for o in OUTCOMES}
    return (
        f"{cases:,} cases from seed {seed}{short}: {share['read']} read back identical, "
        f"{share['rejected']} rejected where that was allowed. "
        f"Wrong values: {total['wrong']:,}. Refused although every figure was told: "
        f"{total['refused']:,}. Read although something was gone: {total['accepted']:,}."
    )


def write_section(name: str, text: str) -> None:
    """Replaces what stands between the markers of one section of docs/reading-proof.md."""
    old = DOC.read_text(encoding="utf-8")
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    assert pattern.search(old), f"no section {name} in {DOC}"
    DOC.write_text(pattern.sub(lambda m: f"{m[1]}{text}\n{m[2]}", old), encoding="utf-8")


def _fates(work: tuple[int, tuple[int, ...]]) -> list[mutants.Fate]:
    seed, numbers = work
    return [mutants.fate(mutants.mutant(seed, number)) for number in numbers]


def mutate(count: int, seed: int, jobs: int, *, write: bool) -> int:
    """Runs mutants, prints their rates, and says with 1 that one was read wrong."""
    parts = [tuple(range(at, min(at + 50, count))) for at in range(0, count, 50)]
    with ProcessPoolExecutor(jobs) as pool:
        fates = [f for part in pool.map(_fates, [(seed, p) for p in parts]) for f in part]
    failed = [f for f in fates if f.outcome in ("wrong", "lost")]
    for one in failed[:_SHOWN]:
        print(f"{one.outcome}: {one.mutant}\n    {one.detail}")
    said = f"{count:,} mutants from seed {seed}: {len(failed):,} wrong or lost."
    print(f"\n{mutants.table(fates)}\n\n{said}")
    if write:
        write_section("mutations", f"{said}\n\n{mutants.table(fates)}")
    return 1 if failed else 0


def main() -> int:
    """Runs the trials, prints the rates, and says with 1 that something went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--minutes", type=float, help="stop after this time")
    parser.add_argument("--write-docs", action="store_true")
    parser.add_argument("--mutations", type=int, help="mutate this many pages instead")
    args = parser.parse_args()
    if args.mutations:
        return mutate(args.mutations, args.seed, args.jobs, write=args.write_docs)
    began = time.monotonic()
    results: list[Result] = []
    failures = 0
    for first in range(0, args.cases, 5_000):
        for result in run(args.seed, range(first, min(first + 5_000, args.cases)), args.jobs):
            results.append(result)
            if result.outcome in FAILED:
                failures += 1
                if failures <= _SHOWN:
                    print(f"{result.outcome}: {result.trial}\n    {result.detail}", flush=True)
        spent = (time.monotonic() - began) / 60
        print(f"{len(results):,} cases, {failures} failed, {spent:.1f} minutes", flush=True)
        if args.minutes and spent > args.minutes:
            break
    total, shown = tables(results)
    said = summary(total, args.seed)
    print(f"\n{shown}\n\n{said}")
    if args.write_docs:
        write_section("fuzz", f"{said}\n\n{shown}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
