"""The two statutory forms as data: every cell, its labels, its unit, and the identities.

Source: the forms annexed to 国办公开办函〔2019〕60号 (report years 2019-2020) and 〔2021〕30号
(from 2021), as `statutory_form.csv` and `identities.csv`.
Nothing else in the reader knows a cell code.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from tasks.report.model import Form

FORMS: tuple[Form, ...] = ("2019", "2021")


@dataclass(frozen=True, slots=True)
class FormCell:
    """One cell of a form. `unit` is count, signed_count, cny (元) or 10k_cny (万元)."""

    code: str
    section: str
    row: str
    column: str
    groups: tuple[str, ...]
    row_label: str
    column_label: str
    clause: str
    unit: str


@dataclass(frozen=True, slots=True)
class FormRow:
    """One row of a form's section, its cells in statutory column order."""

    code: str
    label: str
    groups: tuple[str, ...]
    clause: str
    cells: tuple[FormCell, ...]


@dataclass(frozen=True, slots=True)
class Identity:
    """Σ coefficient x cell = 0, one of identities 1-4 (勾稽关系)."""

    rule: str
    name: str
    terms: tuple[tuple[str, int], ...]
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StatutoryForm:
    """A form: its cells and their codes in statutory order, its rows by section, its identities."""

    name: Form
    cells: tuple[FormCell, ...]
    codes: tuple[str, ...]
    sections: dict[str, tuple[FormRow, ...]]
    identities: tuple[Identity, ...]

    def cell(self, code: str) -> FormCell:
        """The cell with this dotted code; KeyError when the form has none."""
        return _cells_by_code(self.name)[code]


def _table(name: str) -> list[dict[str, str]]:
    text = files("tasks.report").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def form(name: Form) -> StatutoryForm:
    """The statutory form of that name."""
    cells = tuple(
        FormCell(
            code=r["cell"],
            section=r["section"],
            row=r["row_code"],
            column=r["column_code"],
            groups=tuple(g for g in r["group_label"].split("／") if g),
            row_label=r["row_label"],
            column_label=r["column_label"],
            clause=r["clause"],
            unit=r["unit"],
        )
        for r in _table("statutory_form.csv")
        if r["form"] == name
    )
    sections: dict[str, dict[str, list[FormCell]]] = {}
    for cell in cells:
        sections.setdefault(cell.section, {}).setdefault(cell.row, []).append(cell)
    terms: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for r in _table("identities.csv"):
        if r["form"] == name:
            key = (r["rule"], r["identity"])
            terms.setdefault(key, []).append((r["cell"], int(r["coefficient"])))
    return StatutoryForm(
        name=name,
        cells=cells,
        codes=tuple(cell.code for cell in cells),
        sections={
            section: tuple(
                FormRow(code, group[0].row_label, group[0].groups, group[0].clause, tuple(group))
                for code, group in rows.items()
            )
            for section, rows in sections.items()
        },
        identities=tuple(
            Identity(rule, n, tuple(ts), tuple(c for c, _ in ts)) for (rule, n), ts in terms.items()
        ),
    )


@cache
def _cells_by_code(name: Form) -> dict[str, FormCell]:
    return {cell.code: cell for cell in form(name).cells}
