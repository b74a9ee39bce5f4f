"""Which columns a header's labels name, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from tasks.report.labels import NEAR, Lexicon, likeness
from tasks.report.model import Reject, SourceCell


@lru_cache(maxsize=8192)
def likeness_to(label: str, section: str, column: str, lex: Lexicon) -> float:
    """How like a label is to a column's: 1 when exactly, 0 when it is not a form of it at all."""
    if column in lex.meanings(label, section, "column"):
        return 1.0
    wanted = lex.columns[section, column]
    # Two labels run together in one cell (上一年项目数量 本年增/减) are the one like the other.
    if any(len(w) > 3 and w in label for w in wanted):
        return 0.95
    best = max(likeness(label, w) for w in wanted)
    return min(best, 0.95) if best >= NEAR else 0.0


def compatible(label: str, section: str, column: str, lex: Lexicon) -> bool:
    """Whether a label may be a form of the column's."""
    return likeness_to(label, section, column, lex) > 0


def order(
    labels: Sequence[tuple[SourceCell, str]],
    columns: Sequence[str],
    section: str,
    lex: Lexicon,
    start: SourceCell | None = None,
) -> tuple[list[str], bool]:
    """The columns in the order that the header labels give, and whether every label was there.

    A label stands for the column it is most like; where order alone gives it a column, no other
    may be more like it. `start` is the cell before the first column, where the header shows it.
    Rejects labels that fit no column, and orders that labels leave open.
    """
    if len(labels) == len(columns) and all(
        label == c or likeness_to(label, section, c, lex) == 1.0
        for (_, label), c in zip(labels, columns, strict=True)
    ):
        return list(columns), True
    fit = [[likeness_to(label, section, c, lex) for c in columns] for _, label in labels]
    for (cell, _), row in zip(labels, fit, strict=True):
        if not any(row):
            text = cell.text.strip().replace("\n", "")[:80]
            raise Reject("unknown_label", f"“{text}” is no column of the form", cell.place)
    if len(labels) == len(columns):
        if all(row[i] == max(row) for i, row in enumerate(fit)):
            return list(columns), True
        best = [row.index(max(row)) for row in fit]
        clear = all(row.count(max(row)) == 1 for row in fit)
        if clear and len(set(best)) == len(columns):
            return [columns[j] for j in best], True
        raise _open(labels)
    at = -1
    before = start
    for (cell, _), row in zip(labels, fit, strict=True):
        later = [j for j in range(at + 1, len(columns)) if row[j] == max(row)]
        if not later:
            raise _open(labels)
        step, at = later[0] - at, later[0]
        # A lost label leaves its cell; labels side by side stand for columns side by side.
        if before is not None and _same_row(before, cell) and _apart(before, cell) != step:
            raise _open(labels)
        before = cell
    return list(columns), False


def _same_row(a: SourceCell, b: SourceCell) -> bool:
    return (a.place.table, a.place.row, a.place.line) == (b.place.table, b.place.row, b.place.line)


def _apart(a: SourceCell, b: SourceCell) -> int:
    return (b.place.cell or 0) - (a.place.cell or 0)


def _open(labels: Sequence[tuple[SourceCell, str]]) -> Reject:
    shown = "、".join(c.text.strip().replace("\n", "") for c, _ in labels)[:200]
    return Reject(
        "competing_readings",
        f"the header does not tell the order of the columns: {shown}",
        labels[0][0].place,
    )
