"""Errors planted in true reports: what the search for repairs finds of them.

`python -m tests.report.planted` prints the rates that docs/reconciliation.md quotes.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from time import process_time
from typing import NamedTuple

from tasks.report.form import StatutoryForm, form
from tasks.report.repair import Repair, localise, slip

Values = dict[str, Decimal | None]
APPLICANTS = (
    *("natural_person", "business", "research", "public_interest", "legal_service"),
    "other_org",
)
_FLOWS = ("new_received", "carried_in", "total_handled", "carried_out")


def true_report(rng: random.Random, the_form: StatutoryForm, busy: float = 0.3) -> Values:
    """Every cell of sections 三 and 四, true by all identities; `busy` of the leaves not zero."""
    values: Values = {c.code: Decimal(0) for c in the_form.cells}
    rows = [r.code for r in the_form.sections["requests"] if r.code not in _FLOWS]

    def some() -> int:
        return 1 + int(rng.lognormvariate(1.5, 1.3)) if rng.random() < busy else 0

    def total(cells: Sequence[str]) -> Decimal:
        return sum((values[c] or Decimal(0) for c in cells), Decimal(0))

    for column in APPLICANTS:
        for row in rows:
            values[f"requests.{row}.{column}"] = Decimal(some())
        handled = total([f"requests.{row}.{column}" for row in rows])
        left, brought = some(), min(some(), int(handled))
        values[f"requests.total_handled.{column}"] = handled
        values[f"requests.carried_out.{column}"] = Decimal(left)
        values[f"requests.carried_in.{column}"] = Decimal(brought)
        values[f"requests.new_received.{column}"] = handled + left - brought
    for line in the_form.sections["requests"]:
        *leaves, whole = [c.code for c in line.cells]
        values[whole] = total(leaves)
    for line in the_form.sections["review_litigation"]:
        *leaves, whole = [c.code for c in line.cells]
        for leaf in leaves:
            values[leaf] = Decimal(some())
        values[whole] = total(leaves)
    return values


def misread(rng: random.Random, value: int) -> int:
    """What a slip of eye or hand makes of a number."""
    text = str(value)
    wrong = {text[:i] + text[i + 1 :] for i in range(len(text))}
    wrong |= {text[: i + 1] + text[i:] for i in range(len(text))}
    wrong |= {text[:i] + d + text[i + 1 :] for i in range(len(text)) for d in "0123456789"}
    likely = sorted({int(t) for t in wrong if t} - {value})
    return rng.choice([n for n in likely if slip(n, value)] or [value + 1])


def anything(rng: random.Random, value: int) -> int:
    """Any other number of the usual size."""
    while (other := int(rng.lognormvariate(1.5, 1.3))) == value:
        pass
    return other


class Rates(NamedTuple):
    """What became of planted errors, and the CPU milliseconds a report."""

    counts: Counter[str]
    milliseconds: float


def plant(
    section: str,
    errors: int,
    error: Callable[[random.Random, int], int],
    *,
    reports: int = 200,
    blanks: float = 0.0,
    seed: int = 1,
) -> Rates:
    """Plants `errors` wrong cells of one section in each report and looks for the repair.

    `unseen`: every identity still holds. `right`, `wrong`: the one repair restores the truth, or
    does not. `ambiguous`: several repairs; `lost`: … without the true one; `open`: blanks leave the
    amount open. `none`: no repair.
    `blanks` is the share of the other cells that are left blank.
    """
    rng = random.Random(seed)
    counts: Counter[str] = Counter()
    spent = 0.0
    for _ in range(reports):
        the_form = form(rng.choice(("2019", "2021")))
        truth = true_report(rng, the_form)
        cells = [c.code for r in the_form.sections[section] for c in r.cells]
        chosen = rng.sample(cells, errors)
        page = dict(truth)
        for cell in cells:
            if blanks and cell not in chosen and rng.random() < blanks:
                page[cell] = None
        for cell in chosen:
            page[cell] = Decimal(error(rng, int(truth[cell] or 0)))
        began = process_time()
        found = localise(the_form, page)
        spent += process_time() - began
        counts[_outcome(found[0].answer, found[0].repairs, page, truth) if found else "unseen"] += 1
    return Rates(counts, spent / reports * 1000)


def _outcome(answer: str, repairs: Sequence[Repair], page: Values, truth: Values) -> str:
    wrong = {c for c, v in page.items() if v is not None and v != truth[c]}

    def true(repair: Repair) -> bool:
        return all(truth[c.cell] == c.after for c in repair.changes)

    def restores(repair: Repair) -> bool:
        return true(repair) and len(repair.changes) == len(wrong)

    if answer == "unique":
        if restores(repairs[0]):
            return "right"
        return "in part" if true(repairs[0]) else "wrong"
    if answer == "ambiguous" and not repairs:
        return "open"
    if answer == "ambiguous":
        return "ambiguous" if any(restores(r) for r in repairs) else "lost"
    return "none"


def swapped(the_form: StatutoryForm, *, rows: bool, reports: int = 100) -> int:
    """In how many reports an identity sees two rows, or two applicant columns, swapped."""
    rng = random.Random(1)
    seen = 0
    for _ in range(reports):
        values = true_report(rng, the_form, busy=0.9)
        page = dict(values)
        codes = [r.code for r in the_form.sections["requests"] if r.code not in _FLOWS]
        one, other = rng.sample(codes if rows else list(APPLICANTS), 2)
        for cell in the_form.cells:
            if cell.section != "requests" or (cell.row if rows else cell.column) != one:
                continue
            mate = f"requests.{other}.{cell.column}" if rows else f"requests.{cell.row}.{other}"
            page[cell.code], page[mate] = values[mate], values[cell.code]
        seen += bool(localise(the_form, page))
    return seen


CASES = [
    (section, errors, error, blanks)
    for section, most in (("requests", 3), ("review_litigation", 1), ("proactive", 1))
    for errors in range(1, most + 1)
    for error in (misread, anything)
    for blanks in ((0.0, 0.3) if section == "requests" else (0.0,))
]


def main() -> None:
    """Prints one line for each kind of error."""
    for section, errors, error, blanks in CASES:
        rates = plant(section, errors, error, blanks=blanks, reports=400 if errors < 3 else 100)
        told = ", ".join(f"{n} {what}" for what, n in rates.counts.most_common())
        print(
            f"{section:18} {errors} × {error.__name__:9} {blanks:.0%} blank: {told}; "
            f"{rates.milliseconds:.2f} ms a report"
        )


if __name__ == "__main__":
    main()
