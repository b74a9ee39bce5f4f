"""Scores a filled sheet: how many values are not what the page prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.audit import sheet
from tasks.audit.draw import SHARES, load
from tasks.audit.intervals import Rate, Stratum, exact, weighted
from tasks.records import BadInput
from tasks.report.numbers import BLANK, Unreadable, read_value
from tasks.store import Warehouse

OUTCOMES = ("right", "wrong", "undecided", "unfilled")
_BLANK = {sheet.BLANK, "空", "空白"}
_UNDECIDED = {sheet.ILLEGIBLE, sheet.GONE, "看不清", "打不开"}


@dataclass(frozen=True)
class Score:
    """What came of a sheet.

    `rows`: the key's rows with `found`, `outcome` and `remark`. `rate` is that of numbers that are
    not zero; `overall` of all cells, weighted; `worst` of all drawn cells if what was not compared
    were wrong. None where nothing was compared.
    """

    audit: str
    facts: Mapping[str, Any]
    rows: list[dict[str, Any]]

    def count(self, outcome: str, stratum: str | None = None) -> int:
        """Rows of an outcome, in one stratum or all."""
        return sum(r["outcome"] == outcome and stratum in (None, r["stratum"]) for r in self.rows)

    def compared(self, stratum: str | None = None) -> int:
        """Rows that were found right or wrong."""
        return self.count("right", stratum) + self.count("wrong", stratum)

    def rate_of(self, stratum: str) -> Rate | None:
        """The exact rate of one stratum; None where nothing of it was compared."""
        compared = self.compared(stratum)
        return exact(self.count("wrong", stratum), compared) if compared else None

    @property
    def overall(self) -> Rate | None:
        """Of all cells, each stratum by its size; None while a stratum has nothing compared."""
        strata = self.facts["strata"]
        return weighted(
            [
                Stratum(self.count("wrong", k), self.compared(k), strata[k]["population"])
                for k in SHARES
            ]
        )

    @property
    def worst(self) -> Rate | None:
        """As `overall`, if every row that was not compared were wrong."""
        strata = self.facts["strata"]
        return weighted(
            [
                Stratum(
                    strata[k]["drawn"] - self.count("right", k),
                    strata[k]["drawn"],
                    strata[k]["population"],
                )
                for k in SHARES
            ]
        )

    @property
    def complete(self) -> bool:
        """Whether every row was decided."""
        return not self.count("unfilled") and not self.count("undecided")


def score(warehouse: Warehouse, path: Path) -> Score:
    """Compares a filled sheet with its key. BadInput for what is no answer, by row."""
    audit_id, filled = sheet.read(path)
    audit = load(warehouse, audit_id)
    known = {row["row"] for row in audit.rows}
    if strange := sorted(filled.keys() - known):
        raise BadInput(f"{path}: row {strange[0]} is not in audit {audit_id}")
    rows = [_judged(path, row, filled.get(row["row"], "")) for row in audit.rows]
    return Score(audit_id, audit.facts, rows)


def _judged(path: Path, row: Mapping[str, Any], found: str) -> dict[str, Any]:
    outcome, remark = _outcome(path, row, found)
    return {**row, "found": found, "outcome": outcome, "remark": remark}


def _outcome(path: Path, row: Mapping[str, Any], found: str) -> tuple[str, str]:
    """right, wrong, undecided or unfilled; and what is worth a remark."""
    said = found.lower()
    if not said:
        return "unfilled", ""
    if said in _UNDECIDED:
        return "undecided", said
    try:
        value = BLANK if said in _BLANK else read_value(found, row["unit"])
    except Unreadable as error:
        raise BadInput(
            f"{path}, row {row['row']}, column found: {found!r} is neither a number nor a mark, "
            f"{sheet.BLANK}, {sheet.ILLEGIBLE} or {sheet.GONE}"
        ) from error
    status = row["status"]
    if value.number is None:
        if status in ("reported", "repaired"):
            return "wrong", "a number where the page has none"
        other = status in ("blank", "mark") and value.mark != (status == "mark")
        return "right", f"read as {status}" if other else ""
    if row["value"] is None:
        if status == "unread":
            return "right", "no value was claimed"
        return "wrong", "no number where the page has one"
    return ("right", "") if value.number == row["value"] else ("wrong", "another number")
