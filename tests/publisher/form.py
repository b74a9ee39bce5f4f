"""The statutory form and its identities, read from the two CSV files and nothing else."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

Form = Literal["2019", "2021"]
FORMS: tuple[Form, ...] = ("2019", "2021")
APPLICANTS = (
    "natural_person",
    "business",
    "research",
    "public_interest",
    "legal_service",
    "other_org",
)
COLUMNS = (*APPLICANTS, "total")

_FOLDER = Path(__file__).resolve().parents[2] / "tasks" / "report"


class FormCell(NamedTuple):
    """One row of `statutory_form.csv`."""

    code: str
    section: str
    row: str
    column: str
    group: str
    row_label: str
    column_label: str
    clause: str
    unit: str


class Identity(NamedTuple):
    """Σ coefficient × cell = 0."""

    rule: str
    name: str
    terms: tuple[tuple[str, int], ...]


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (_FOLDER / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


@cache
def cells(form: Form) -> tuple[FormCell, ...]:
    """Every cell of a form in statutory order."""
    return tuple(
        FormCell(
            row["cell"],
            row["section"],
            row["row_code"],
            row["column_code"],
            row["group_label"],
            row["row_label"],
            row["column_label"],
            row["clause"],
            row["unit"],
        )
        for row in _rows("statutory_form.csv")
        if row["form"] == form
    )


@cache
def identities(form: Form) -> tuple[Identity, ...]:
    """Identities 1-4 of a form, in the order of `identities.csv`."""
    terms: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for row in _rows("identities.csv"):
        if row["form"] == form:
            key = (row["rule"], row["identity"])
            terms.setdefault(key, []).append((row["cell"], int(row["coefficient"])))
    return tuple(Identity(rule, name, tuple(t)) for (rule, name), t in terms.items())


@cache
def request_rows(form: Form) -> tuple[str, ...]:
    """Row codes of section 三, in statutory order."""
    return tuple(dict.fromkeys(c.row for c in cells(form) if c.section == "requests"))


@cache
def outcome_rows(form: Form) -> tuple[str, ...]:
    """The rows of section 三 that add up to （七）总计."""
    around = {"new_received", "carried_in", "total_handled", "carried_out"}
    return tuple(row for row in request_rows(form) if row not in around)


@cache
def label_of(form: Form) -> dict[str, FormCell]:
    """Cells by their code."""
    return {cell.code: cell for cell in cells(form)}
