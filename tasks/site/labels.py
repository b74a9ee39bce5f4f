"""How the statutory form, its identities and the places in a source are called in each language."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tasks.report.form import FORMS, FormRow, form
from tasks.report.model import Form
from tasks.site.words import Words

_BREAKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Labels:
    """Names of rows, columns and cells of the two forms in one language."""

    rows: dict[str, str]
    columns: dict[str, str]
    cells: dict[tuple[str, str], str]  # by form and cell

    @classmethod
    def of(cls, language: str, meanings: Iterable[tuple[str, str, str]]) -> Labels:
        """`meanings` are (form, cell, meaning in English) of the table `measures`."""
        english = {(f, cell): _BREAKS.sub(" ", text) for f, cell, text in meanings}
        rows: dict[str, str] = {}
        columns: dict[str, str] = {}
        cells: dict[tuple[str, str], str] = {}
        for name in FORMS:
            for cell in form(name).cells:
                row, column = cell.row_label, cell.column_label
                if language == "en" and (name, cell.code) in english:
                    # `measures` writes "meaning of the row: meaning of the column"
                    row, _, column = english[name, cell.code].partition(": ")
                rows[cell.row] = row
                columns[cell.column] = column or row
                cells[name, cell.code] = f"{row} · {column}" if column else row
        return cls(rows, columns, cells)

    def cell(self, code: str) -> str:
        """What a dotted code counts; the code itself when no form has it."""
        for name in reversed(FORMS):
            if (name, code) in self.cells:
                return self.cells[name, code]
        return code

    def identity(self, rule: str, identity: str, t: Words) -> str:
        """A check in a few words: its kind, and the row, column or cell that it is of."""
        kind = t.or_code("rule", rule)
        of = identity.partition(".")[2]
        if not of or rule == "copies":
            return kind
        if "." in of:
            return f"{kind} · {self.cell(of)}"
        what = t.of.get(f"check.{identity}") or self.rows.get(of) or self.columns.get(of) or of
        return f"{kind} · {what}"


def layout(name: Form, labels: Labels, t: Words) -> list[dict[str, Any]]:
    """The sections of a form as blocks of rows that share their columns, for the page to draw."""
    positions = {cell.code: n for n, cell in enumerate(form(name).cells)}
    sections = []
    for code, rows in form(name).sections.items():
        blocks: list[dict[str, Any]] = []
        for row in rows:
            columns = [labels.columns[cell.column] for cell in row.cells]
            if not blocks or blocks[-1]["columns"] != columns:
                blocks.append({"columns": columns, "rows": []})
            blocks[-1]["rows"].append(
                {
                    "label": labels.rows[row.code],
                    "group": _group(row) if t.language == "zh" else "",
                    "cells": [[positions[cell.code], cell.code, cell.unit] for cell in row.cells],
                }
            )
        sections.append({"title": t(f"section.{code}"), "blocks": blocks})
    return sections


def _group(row: FormRow) -> str:
    return " ".join(row.groups)
