"""Known figures of one report: what is printed in every cell and what it means.

The makers are deterministic in their seed. They know the truth by construction, so that a test can
compare a reading with it without trusting any reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random
from typing import Literal

from tests.publisher import form as statutory
from tests.publisher.form import APPLICANTS, COLUMNS, Form

Kind = Literal["number", "blank", "mark"]
Status = Literal["reported", "forced", "blank", "mark"]
Size = Literal["zero", "small", "busy"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One cell: the text printed, the value a reader must come to, and why."""

    printed: str
    value: Decimal | None
    kind: Kind = "number"
    status: Status = "reported"


@dataclass(frozen=True, slots=True)
class Figures:
    """Every cell of one form."""

    form: Form
    cells: dict[str, Figure]

    @property
    def printed(self) -> dict[str, str]:
        """The texts as the page prints them."""
        return {code: figure.printed for code, figure in self.cells.items()}

    @property
    def values(self) -> dict[str, Decimal | None]:
        """The values a reader must come to: forced blanks included, other blanks null."""
        return {code: figure.value for code, figure in self.cells.items()}

    @property
    def statuses(self) -> dict[str, Status]:
        """The status a reader must give each cell."""
        return {code: figure.status for code, figure in self.cells.items()}

    def __getitem__(self, code: str) -> int:
        """The value of a cell as an integer, for sentences; an unknown value counts as 0."""
        return int(self.cells[code].value or 0)

    def with_value(self, code: str, value: Decimal | int) -> Figures:
        """A copy in which one cell prints another number; identities may break."""
        return self.with_cells({code: number(value)})

    def with_cells(self, cells: dict[str, Figure]) -> Figures:
        """A copy with some cells replaced."""
        return Figures(self.form, {**self.cells, **cells})

    def violated(self) -> Iterator[str]:
        """Names of the identities that the values break; one with a null is passed over."""
        values = self.values
        for identity in statutory.identities(self.form):
            terms = [(values[code], weight) for code, weight in identity.terms]
            known = [value * weight for value, weight in terms if value is not None]
            if len(known) == len(terms) and sum(known) != 0:
                yield identity.name


def number(value: Decimal | int) -> Figure:
    """A plainly printed number."""
    return Figure(f"{value}", Decimal(value))


def _counts(form: Form, rng: Random, size: Size) -> dict[str, Decimal]:
    """Sections 二 without its amounts, and 四: mostly zeros, some large."""
    chance = {"zero": 0.0, "small": 0.3, "busy": 0.8}[size]
    top = {"zero": 0, "small": 12, "busy": 6000}[size]
    values: dict[str, Decimal] = {}
    for cell in statutory.cells(form):
        if cell.section == "requests":
            continue
        value = rng.randint(1, top) if rng.random() < chance else 0
        if cell.section == "review_litigation":
            value = value % 40 if rng.random() < chance / 2 else 0
        if cell.unit == "signed_count":
            value = rng.choice((-1, 1)) * (value % 30)
        values[cell.code] = Decimal(value)
        if cell.unit == "cny" and value:
            values[cell.code] = Decimal(value * 1000 + rng.randint(0, 999))
        if cell.unit == "10k_cny" and value:
            values[cell.code] = Decimal(rng.randint(1, top * 10_000)).scaleb(-4).normalize() + 0
    if form == "2021":  # what was issued this year is still in force
        for row in ("rules", "normative_documents"):
            values[f"proactive.{row}.in_force"] += values[f"proactive.{row}.issued"]
    _complete_review(values)
    return values


def _complete_review(values: dict[str, Decimal]) -> None:
    """Fills the three totals of section 四."""
    for block in ("reconsideration", "litigation_direct", "litigation_after_review"):
        parts = ("upheld", "corrected", "other", "pending")
        values[f"review_litigation.{block}.total"] = sum(
            (values[f"review_litigation.{block}.{part}"] for part in parts), Decimal(0)
        )


def _complete_requests(form: Form, values: dict[str, Decimal]) -> None:
    """Fills （七）, 一 and every 总计 from outcomes, 四 and 二."""
    outcomes = statutory.outcome_rows(form)
    for column in APPLICANTS:
        handled = sum((values[f"requests.{row}.{column}"] for row in outcomes), Decimal(0))
        out = values[f"requests.carried_out.{column}"]
        carried = values[f"requests.carried_in.{column}"]
        if handled + out < carried:  # more came over than was handled: grant the rest
            values[f"requests.granted.{column}"] += carried - handled - out
            handled = carried - out
        values[f"requests.total_handled.{column}"] = handled
        values[f"requests.new_received.{column}"] = handled + out - carried
    for row in statutory.request_rows(form):
        values[f"requests.{row}.total"] = sum(
            (values[f"requests.{row}.{column}"] for column in APPLICANTS), Decimal(0)
        )


def _in_order(form: Form, values: dict[str, Decimal]) -> Figures:
    return Figures(form, {c.code: number(values[c.code]) for c in statutory.cells(form)})


def consistent(
    form: Form, seed: int, *, size: Size | None = None, previous: Figures | None = None
) -> Figures:
    """Random figures that obey every identity, also those across years when `previous` is given."""
    rng = Random(f"consistent {form} {seed}")
    sizes: list[Size] = ["zero", "small", "small", "small", "busy"]
    scale: Size = rng.choice(sizes) if size is None else size
    values = _counts(form, rng, scale)
    chance = {"zero": 0.0, "small": 0.06, "busy": 0.35}[scale]
    top = {"zero": 0, "small": 4, "busy": 60}[scale]
    rows = (*statutory.outcome_rows(form), "carried_out", "carried_in")
    for row in rows:
        for column in APPLICANTS:
            likely = chance * (4 if column == "natural_person" else 1)
            value = rng.randint(1, top) if rng.random() < likely else 0
            values[f"requests.{row}.{column}"] = Decimal(value)
    if scale == "busy":
        values["requests.granted.natural_person"] = Decimal(rng.randint(200, 9000))
    if previous is not None:
        _carry_over(form, values, previous)
    _complete_requests(form, values)
    return _in_order(form, values)


def _carry_over(form: Form, values: dict[str, Decimal], previous: Figures) -> None:
    """Identities 5 and 6: what one year left behind is where the next begins."""
    before = {code: value or Decimal(0) for code, value in previous.values.items()}
    for column in APPLICANTS:
        carried = before[f"requests.carried_out.{column}"]
        values[f"requests.carried_in.{column}"] = carried
    if form == previous.form == "2021":
        for row in ("rules", "normative_documents"):
            kept = before[f"proactive.{row}.in_force"]
            repealed = min(values[f"proactive.{row}.repealed"], kept)
            values[f"proactive.{row}.repealed"] = repealed
            values[f"proactive.{row}.in_force"] = (
                kept + values[f"proactive.{row}.issued"] - repealed
            )
    if form == previous.form == "2019":
        for row in ("licences", "other_services", "penalties", "coercion", "fees"):
            items = before[f"proactive.{row}.items_last_year"] + before[f"proactive.{row}.change"]
            values[f"proactive.{row}.items_last_year"] = max(items, Decimal(0))


def probe(form: Form, seed: int) -> Figures:
    """Every number differs from every other, so that a misplaced cell shows; sums do not hold.

    No value is one that labels, years or dates of the page could bring in by accident.
    """
    rng = Random(f"probe {form} {seed}")
    cells = statutory.cells(form)
    numbers = rng.sample([n for n in range(33, 4000) if not 1990 <= n <= 2040], len(cells))
    values: dict[str, Decimal] = {}
    for cell, value in zip(cells, numbers, strict=True):
        values[cell.code] = Decimal(value)
        if cell.unit == "signed_count":
            values[cell.code] *= rng.choice((-1, 1))
        if cell.unit == "cny":
            values[cell.code] = Decimal(value * 1000 + rng.randint(1, 999))
        if cell.unit == "10k_cny":
            values[cell.code] += Decimal(rng.randint(1, 9999)) / 10_000
    return _in_order(form, values)


def probe_consistent(form: Form, seed: int) -> Figures:
    """Every number differs and every identity holds."""
    for attempt in range(200):
        rng = Random(f"probe_consistent {form} {seed} {attempt}")
        values: dict[str, Decimal] = {
            code: value or Decimal(0)
            for code, value in probe(form, rng.getrandbits(32)).values.items()
        }
        _complete_review(values)
        for row in (*statutory.outcome_rows(form), "carried_out", "carried_in"):
            for column in APPLICANTS:
                values[f"requests.{row}.{column}"] = Decimal(rng.randint(33, 9000))
        _complete_requests(form, values)
        if len({abs(value) for value in values.values()}) == len(values):
            return _in_order(form, values)
    raise AssertionError("no probe found")


def total(parts: Sequence[Figures]) -> Figures:
    """The figures of a whole area: cell by cell the sum of its units'."""
    sums: dict[str, Decimal] = {}
    for code in parts[0].cells:
        sums[code] = sum((part.values[code] or Decimal(0) for part in parts), Decimal(0))
    return _in_order(parts[0].form, sums)


def wrong_sum(figures: Figures, code: str, by: int = 1) -> Figures:
    """The figures with one cell off, as units publish them."""
    value = figures.cells[code].value
    assert value is not None
    return figures.with_value(code, value + by)


def totals(form: Form) -> Iterable[str]:
    """Codes of the cells that are sums of others in their row, or of their block."""
    return (c.code for c in statutory.cells(form) if c.column in ("total",))


def with_marks(figures: Figures, codes: Iterable[str], mark: str = "/") -> Figures:
    """Cells without an identity print a mark instead of a number."""
    free = {c.code for c in statutory.cells(figures.form) if c.section == "proactive"}
    codes = list(codes)
    assert free.issuperset(codes), "only cells that no identity forces"
    return figures.with_cells({code: Figure(mark, None, "mark", "mark") for code in codes})


def column_codes(form: Form, column: str) -> list[str]:
    """The codes of one column of section 三, top to bottom."""
    assert column in COLUMNS
    return [f"requests.{row}.{column}" for row in statutory.request_rows(form)]


def restyled(figures: Figures, texts: dict[str, str]) -> Figures:
    """The same values printed otherwise."""
    return figures.with_cells(
        {code: replace(figures.cells[code], printed=text) for code, text in texts.items()}
    )
