"""Which line is which statutory row, and which cell of a line is which value.

The statutory order is known. A label that is read exactly anchors its line; lines between two
anchors are the statutory rows between them, and only when there are exactly as many. A garbled
or shortened label must resemble the row that order gives it. Nothing is placed otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from itertools import pairwise

from tasks.report.form import FormRow
from tasks.report.labels import NEAR, Lexicon, key, likeness
from tasks.report.lines import Line
from tasks.report.model import Place, Reject


class Row:
    """A data line: its label cells told apart from its value cells.

    `codes` are the statutory rows, `groups` the groups (by key), that its labels name; `loose` are
    the label cells that are neither. `values` are the cells after the labels, `kinds` what they
    are, and `empty` says that nothing is printed in them.
    """

    __slots__ = ("codes", "empty", "groups", "kinds", "label_end", "line", "loose", "values")

    def __init__(
        self,
        line: Line,
        label_end: int,
        codes: AbstractSet[str] = frozenset(),
        groups: AbstractSet[str] = frozenset(),
        loose: Sequence[tuple[int, str]] = (),
    ) -> None:
        self.line = line
        self.label_end = label_end
        self.codes = codes
        self.groups = groups
        self.loose = loose
        self.values = line.cells[label_end:]
        self.kinds = line.kinds[label_end:]
        self.empty = not self.kinds.strip("bt")

    def regular(self, count: int) -> bool:
        """Whether the row is read from left to right, whatever its numbers are."""
        return len(self.values) == count and "n" not in self.line.kinds[: self.label_end]

    def from_value(self, first: int) -> Row:
        """The same row with the values before `first` taken for labels."""
        return Row(self.line, self.label_end + first, self.codes, self.groups, self.loose)

    @property
    def place(self) -> Place:
        """Where the row begins."""
        return self.line.cells[0].place

    def text(self) -> str:
        """The row as a person would quote it."""
        return " | ".join(c.text.strip().replace("\n", "") for c in self.line.cells)[:120]


def data_row(line: Line, lex: Lexicon, section: str) -> Row:
    """Splits a line into labels and values; rejects text among the values."""
    texts = line.texts
    if not texts:
        return Row(line, 0)
    first, last = texts[0][0], texts[-1][0]
    if last:
        _refuse_numbers_among(line, first, last)
    codes, groups, loose = _named(texts, lex, section)
    return Row(line, last + 1, codes, groups, loose)


def _refuse_numbers_among(line: Line, first: int, last: int) -> None:
    """Rejects a row that has numbers before or between its labels."""
    for i, kind in enumerate(line.kinds[:last]):
        between = first < i
        if (between and kind in "nc") or (not between and kind == "n" and not _zero(line, i)):
            stray = line.cells[last if between else i]
            raise Reject(
                "unreadable_number" if between else "unplaced_number",
                f"“{stray.text.strip()[:60]}” stands where the table has "
                f"{'numbers' if between else 'labels'}: {Row(line, 0).text()}",
                stray.place,
            )


@lru_cache(maxsize=8192)
def _named(
    texts: tuple[tuple[int, str], ...], lex: Lexicon, section: str
) -> tuple[AbstractSet[str], AbstractSet[str], tuple[tuple[int, str], ...]]:
    """The statutory rows and groups that labels name, and the labels that are neither."""
    codes: AbstractSet[str] = frozenset()
    groups: AbstractSet[str] = frozenset()
    loose: list[tuple[int, str]] = []
    for i, label in texts:
        if named := lex.meanings(label, section, "row"):
            codes = codes | named
        elif group := lex.group_of(label, section):
            groups = groups | {group}
        else:
            loose.append((i, label))
    if not codes and loose:
        joined = "".join(label for _, label in loose)
        if named := lex.meanings(joined, section, "row"):
            codes, loose = named, []
        elif named := lex.meanings(joined, section, "group"):
            groups, loose = groups | named, []
    return codes, groups, tuple(loose)


def _zero(line: Line, i: int) -> bool:
    return line.cells[i].text.strip() == "0"


def joined(rows: list[Row], lex: Lexicon, section: str) -> list[Row]:
    """Joins a row that a page or line break cut in two: its label goes on in the next line."""
    out: list[Row] = []
    for row in rows:
        before = out[-1] if out else None
        if (
            before is not None
            and before.loose
            and row.loose
            and not before.codes
            and not row.codes
            and (before.empty or row.empty)
        ):
            codes = lex.meanings(before.loose[-1][1] + row.loose[-1][1], section, "row")
            if len(codes) == 1:
                kept = row if before.empty and not row.empty else before
                loose = [*before.loose[:-1], *row.loose[:-1]]
                groups = before.groups | row.groups
                out[-1] = Row(kept.line, kept.label_end, codes, groups, loose)
                continue
        out.append(row)
    return out


def assign(rows: list[Row], form_rows: tuple[FormRow, ...], lex: Lexicon) -> dict[str, Row]:
    """Every statutory row's line, by label and order. Rejects when not exactly one fits."""
    section = form_rows[0].cells[0].section
    order = {row.code: i for i, row in enumerate(form_rows)}
    anchors: list[tuple[int, int]] = []  # (index of line, index of statutory row)
    for i, row in enumerate(rows):
        if len(row.codes) > 1:
            raise Reject(
                "competing_readings", f"one row carries two labels: {row.text()}", row.place
            )
        if row.codes:
            anchors.append((i, order[next(iter(row.codes))]))
    seen = Counter([j for _, j in anchors])
    for i, j in anchors if len(seen) < len(anchors) else ():
        if seen[j] > 1:
            raise Reject(
                "competing_readings",
                f"the row “{form_rows[j].label}” stands there {seen[j]} times",
                rows[i].place,
            )
    placed: dict[int, Row] = {}

    def fragments(row: Row) -> bool:
        return all(lex.group_fragment(label, section) for _, label in row.loose)

    if all(a[1] < b[1] for a, b in pairwise(anchors)):
        ends = [(-1, -1), *anchors, (len(rows), len(form_rows))]
        for (i, j), (next_i, next_j) in pairwise(ends):
            if next_i - i > 1 or next_j - j > 1:
                near = rows[next_i if next_i < len(rows) else max(i, 0)].place if rows else None
                missing = list(range(j + 1, next_j))
                _fill_gap(rows[i + 1 : next_i], missing, form_rows, placed, near, fragments)
            if next_i < len(rows):
                placed[next_j] = rows[next_i]
    elif len(anchors) == len(form_rows) and all(r.codes or r.empty for r in rows):
        placed = {
            j: rows[i] for i, j in anchors
        }  # every label is clear: the page has its own order
    else:
        raise Reject(
            "competing_readings",
            "rows stand in another order than the form's, and not all their labels are clear",
            rows[0].place,
        )
    for j, row in placed.items():
        _confirm(row, form_rows[j], lex, section)
    return {form_rows[j].code: placed[j] for j in sorted(placed)}


def _fill_gap(
    rows: list[Row],
    missing: list[int],
    form_rows: tuple[FormRow, ...],
    placed: dict[int, Row],
    near: Place | None,
    fragments: Callable[[Row], bool],
) -> None:
    """Gives the unlabelled lines between two anchors the statutory rows between them."""
    rows = [row for row in rows if not _titles(row, len(form_rows[0].cells))]
    if len(rows) > len(missing):
        # Spacer lines, and pieces of a group label written down the side, hold nothing.
        filled = [r for r in rows if not r.empty]
        unknown = next((r for r in rows if r.empty and r.loose and not fragments(r)), None)
        if unknown is not None:
            text = unknown.text()
            raise Reject("unknown_label", f"a row the form does not have: {text}", unknown.place)
        bare = [r for r in rows if r.empty and not r.loose and not (r.groups and r.values)]
        if len(filled) == len(missing):
            rows = filled
        elif len(rows) - len(bare) == len(missing):
            rows = [r for r in rows if r not in bare]
        elif not missing and filled:
            raise Reject(
                "unknown_label",
                f"a row the form does not have: {filled[0].text()}",
                filled[0].place,
            )
        elif not missing:
            rows = []
    if len(rows) != len(missing):
        wanted = "、".join(form_rows[j].label for j in missing[:4]) or "none"
        found = rows[0].text() if rows else "none"
        raise Reject(
            "missing_rows" if len(rows) < len(missing) else "extra_rows",
            f"{len(rows)} rows stand where the form has {len(missing)} ({wanted}); found: {found}",
            rows[0].place if rows else near,
        )
    placed.update(zip(missing, rows, strict=True))


def _titles(row: Row, columns: int) -> bool:
    """Whether a row is a group's title above its rows: no label of its own, no room for one."""
    named = row.groups and not row.codes and not row.loose
    return bool(named) and row.empty and len(row.values) <= columns


def _confirm(row: Row, form_row: FormRow, lex: Lexicon, section: str) -> None:
    """Checks that what is left of a row's labels agrees with the statutory row it was given."""
    for group in row.groups:
        if all(group != key(own) for own in form_row.groups):
            raise Reject(
                "competing_readings",
                f"by order this is “{form_row.label}”, but it stands under another heading: "
                f"{row.text()}",
                row.place,
            )
    if not row.loose:
        return
    parts = [label for _, label in row.loose]
    if not row.codes and _resembles("".join(parts), form_row.code, section, lex):
        return
    for i, label in row.loose:
        if len(label) <= 2 and any(c.isdigit() for c in row.line.cells[i].text):
            cell = row.line.cells[i]
            text = cell.text.strip()[:80]
            raise Reject("unreadable_number", f"“{text}” is neither number nor label", cell.place)
        garbled = not row.codes and _resembles(label, form_row.code, section, lex)
        # Beside a clear label one stray ideograph is a scrap of a broken cell, no label.
        scrap = bool(row.codes) and len(label) == 1
        if not (garbled or scrap or lex.group_fragment(label, section)):
            cell = row.line.cells[i]
            raise Reject(
                "unknown_label",
                f"“{cell.text.strip()[:80]}” is no label of the form "
                f"(by order the row is “{form_row.label}”)",
                cell.place,
            )


def _resembles(label: str, code: str, section: str, lex: Lexicon) -> bool:
    """Whether a garbled label is like this row's, and no other row's is more like it."""
    own = max(likeness(label, w) for w in lex.rows[section, code])
    return own >= NEAR and not any(
        likeness(label, w) > own for (s, _), keys in lex.rows.items() if s == section for w in keys
    )
