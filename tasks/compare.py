"""What a new version of the reader makes of documents that an older one has read.

Two tables of readings of the same archive part, before and after: which documents changed their
outcome and why, which values were added, changed or lost, and what else reads differently.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tasks.report.form import form
from tasks.reports import CELLS, SCHEMA

_KEY = ("document_id", "snapshot_id")
_LISTS = ("as_published", "status", "place", "forced_by")
_FROM_ARCHIVE = {
    *("document_id", "parent_document_id", "source_id", "snapshot_id", "report_id", "url"),
    *("final_url", "origin", "official", "fetched_at", "content_type", "link_title", "link_date"),
}
_FIELDS = tuple(
    name
    for name in SCHEMA.names
    if name not in _FROM_ARCHIVE | {"parser_version", "outcome", *CELLS, *_LISTS}
)
_TEXT = pa.string()
MOST_ROWS = 500_000  # changes that are kept one by one; all are counted
_NAMED = 8  # cells that a line names
CHANGES = pa.schema(
    [
        (name, _TEXT)
        for name in ("report_id", "document_id", "url", "change", "field", "before", "after")
    ]
)
"""One row per change. `change`: read (refused before), refused (read before), reason (refused for
another reason), new (no reading before), value_added, value_changed, value_lost, cell (status, text
or place of a cell), field (anything else). `field`: the cell or column; before, after: as text."""


@dataclass(slots=True)
class Difference:
    """What changed between two readings of the same documents."""

    documents: int = 0
    same: int = 0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)  # (before, after)
    added: Counter[str] = field(default_factory=Counter)  # values by cell
    changed: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    cells: int = 0  # cells with the same value and another status, text or place
    stood: int = 0  # documents that were read before and read otherwise now, or no more
    rows: list[dict[str, str | None]] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)  # parts that could not be read again

    def __iadd__(self, other: Difference) -> Difference:
        """Adds the difference of another part."""
        self.documents += other.documents
        self.same += other.same
        self.cells += other.cells
        self.stood += other.stood
        for name in ("outcomes", "added", "changed", "lost", "fields"):
            getattr(self, name).update(getattr(other, name))
        self.rows += other.rows[: max(0, MOST_ROWS - len(self.rows))]
        self.damaged += other.damaged
        return self

    @property
    def only_adds(self) -> bool:
        """Whether every report that was read before reads as before."""
        return self.stood == 0

    def lines(self, bullet: str = "") -> list[str]:
        """The difference in plain words, most important first."""
        told = [f"{self.documents} documents read again, {self.same} read as before"]
        for (before, after), n in self.outcomes.most_common():
            told.append(f"{n} documents: {before} → {after}")
        for what, counts in (
            ("changed", self.changed),
            ("lost", self.lost),
            ("added", self.added),
        ):
            if counts:
                most = ", ".join(f"{cell} {n}" for cell, n in counts.most_common(_NAMED))
                more = ", …" if len(counts) > _NAMED else ""
                told.append(f"{sum(counts.values())} values {what}: {most}{more}")
        if self.cells:
            told.append(f"{self.cells} cells keep their value with another text, status or place")
        for name, n in self.fields.most_common():
            told.append(f"{n} documents: {name} reads otherwise")
        for name in self.damaged:
            told.append(f"{name} is damaged and was not read again; see gongkai verify")
        return [bullet + line for line in told]

    def table(self) -> pa.Table:
        """The changes as a table, in a fixed order."""
        ordered = sorted(self.rows, key=lambda r: (r["document_id"] or "", r["field"] or ""))
        return pa.Table.from_pylist(ordered, schema=CHANGES)


def compare(before: pa.Table | None, after: pa.Table) -> Difference:
    """The difference between two readings of one archive part (`before`: None if there is none)."""
    result = Difference(documents=after.num_rows)
    before = SCHEMA.empty_table() if before is None else _conformed(before)
    old, new, fresh = _aligned(before, after)
    for row in fresh.select([*_KEY, "report_id", "url", "outcome", "reason_code"]).to_pylist():
        result.outcomes["not read", _outcome(row)] += 1
        _note(result, row, "new", "outcome", None, _outcome(row))
    for n, cell in _values(fresh):
        result.added[cell] += n
    _compare_aligned(result, old, new)
    return result


def _conformed(table: pa.Table) -> pa.Table:
    """A table of an older version with the columns of today."""
    if table.schema.equals(SCHEMA):
        return table
    columns = {
        column.name: table[column.name].cast(column.type)
        if column.name in table.schema.names
        else pa.nulls(table.num_rows, column.type)
        for column in SCHEMA
    }
    return pa.table(columns, schema=SCHEMA)


def _aligned(before: pa.Table, after: pa.Table) -> tuple[pa.Table, pa.Table, pa.Table]:
    """The rows of both that are of one document, in one order, and those only `after` has."""
    if all(before[name].equals(after[name]) for name in _KEY):
        return before, after, after.slice(after.num_rows)
    places = {key: n for n, key in enumerate(_keys(before))}
    found = [places.get(key) for key in _keys(after)]
    both = pa.array([n is not None for n in found])
    old = before.take(pa.array([n for n in found if n is not None], pa.int64()))
    return old, after.filter(both), after.filter(pc.invert(both))


def _keys(table: pa.Table) -> Iterator[tuple[str, str]]:
    return zip(table[_KEY[0]].to_pylist(), table[_KEY[1]].to_pylist(), strict=True)


def _values(table: pa.Table) -> Iterator[tuple[int, str]]:
    for cell in CELLS:
        if n := len(table) - table[cell].null_count:
            yield n, cell


def _compare_aligned(result: Difference, old: pa.Table, new: pa.Table) -> None:
    names = ["report_id", *_KEY, "url", "outcome", "reason_code", "form"]
    befores, afters = old.select(names).to_pylist(), new.select(names).to_pylist()
    touched: set[int] = set()
    for n, (was, now) in enumerate(zip(befores, afters, strict=True)):
        if _outcome(was) != _outcome(now):
            touched.add(n)
            result.outcomes[_outcome(was), _outcome(now)] += 1
            change = {"parsed": "refused"}.get(was["outcome"], "reason")
            change = "read" if now["outcome"] == "parsed" else change
            _note(result, now, change, "outcome", _outcome(was), _outcome(now))
    both = [n for n in range(len(afters)) if befores[n]["outcome"] == afters[n]["outcome"]]
    whole = set(both)
    for cell in CELLS:
        for n, was, now in _differing_values(old[cell], new[cell]):
            touched.add(n)
            kind = "added" if was is None else "lost" if now is None else "changed"
            getattr(result, kind)[cell] += 1
            if n in whole:
                _note(result, afters[n], f"value_{kind}", cell, _text(was), _text(now))
    for name in _FIELDS:
        if old[name].equals(new[name]):
            continue
        was_all, now_all = old[name].to_pylist(), new[name].to_pylist()
        for n in both:
            if was_all[n] != now_all[n]:
                touched.add(n)
                result.fields[name] += 1
                _note(result, afters[n], "field", name, _text(was_all[n]), _text(now_all[n]))
    touched |= _compare_cells(result, old, new, afters, whole)
    result.stood += sum(befores[n]["outcome"] == "parsed" for n in touched)
    result.same += len(afters) - len(touched)


def _differing_values(old: pa.ChunkedArray, new: pa.ChunkedArray) -> Iterator[tuple[int, Any, Any]]:
    if old.equals(new):
        return
    was_all, now_all = old.to_pylist(), new.to_pylist()
    for n, (was, now) in enumerate(zip(was_all, now_all, strict=True)):
        if was != now:
            yield n, was, now


def _compare_cells(
    result: Difference, old: pa.Table, new: pa.Table, rows: list[dict[str, Any]], whole: set[int]
) -> set[int]:
    """Cells whose text, status, place or identity differs; gives the rows they are in."""
    touched: set[int] = set()
    forms = old["form"].to_pylist()
    seen: set[tuple[int, int]] = set()
    for name in _LISTS:
        if old[name].equals(new[name]):
            continue
        was_all, now_all = old[name].to_pylist(), new[name].to_pylist()
        for n in whole:
            was, now = was_all[n] or [], now_all[n] or []
            if was == now:
                continue
            touched.add(n)
            if rows[n]["form"] != forms[n] or len(was) != len(now):
                continue  # the form is told as a field, its values as values
            cells = form(rows[n]["form"]).cells
            for place, (a, b) in enumerate(zip(was, now, strict=True)):
                if a != b:
                    seen.add((n, place))
                    _note(result, rows[n], "cell", f"{cells[place].code} {name}", a, b)
    result.cells += len(seen)
    return touched


def _outcome(row: dict[str, Any]) -> str:
    return "parsed" if row["outcome"] == "parsed" else f"rejected: {row['reason_code']}"


def _text(value: Any) -> str | None:
    return None if value is None else str(value)[:500]


def _note(
    result: Difference,
    row: dict[str, Any],
    change: str,
    name: str,
    before: str | None,
    after: str | None,
) -> None:
    result.rows.append(
        {
            "report_id": row["report_id"],
            "document_id": row["document_id"],
            "url": row["url"],
            "change": change,
            "field": name,
            "before": before,
            "after": after,
        }
    )
