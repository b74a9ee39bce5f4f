"""What a mutated page prints in each statutory place, told without the reader.

A row is what its own label says, and where it has none, what the order of the others leaves it;
so are columns. The n-th number of a row stands under the n-th label of its header: wrong spans
move numbers on the screen, and still a person counts. Where a row has a number too few or too
many, the identities may leave one way to place them. What is left open is untold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from tests.publisher import form as statutory
from tests.publisher.form import Form
from tests.report.marked import Element, Marked, text_of

Printed = Decimal | str | None  # a number, nothing, or a text that is no number
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?\Z")
_MARKS = ("", "/", "—", "无")


@dataclass(slots=True)
class Shown:
    """For each cell what may be printed there: one thing where the page tells it."""

    form: Form
    cells: dict[str, set[Printed]] = field(default_factory=dict)
    numbers: int = 0  # printed in the statutory tables; a zero may be an erased label

    def told(self, code: str) -> bool:
        """Whether the page leaves one answer."""
        return len(self.cells.get(code, ())) == 1

    def add(self, code: str, printed: Printed) -> None:
        """One thing that may be printed in a cell."""
        self.cells.setdefault(code, set()).add(printed)


def shown(page: Marked) -> Shown:
    """What the page prints, cell by cell."""
    found = Shown(page.form)
    pending: list[tuple[list[str], list[Element]]] = []
    for table in page.tables:
        section = table.get("data-section")
        _section(found, section, list(table.iter("tr")), pending)
    values = page.cells("value")
    found.numbers = sum(1 for cell in values if printed(cell) not in (None, 0))
    for names, cells in pending:
        for code, candidates in _by_arithmetic(found, names, cells).items():
            found.cells.setdefault(code, set()).update(candidates)
    return found


def printed(cell: Element) -> Printed:
    """The number that a cell prints."""
    text = text_of(cell)
    if text in _MARKS:
        return None
    return Decimal(text) if _NUMBER.match(text) else text


def _section(
    found: Shown, section: str, rows: list[Element], pending: list[tuple[list[str], list[Element]]]
) -> None:
    codes = [c for c in statutory.cells(found.form) if c.section == section]
    if section == "review_litigation":
        _review(found, [c.code for c in codes], rows, pending)
        return
    labels = {c.row: bare(c.row_label) for c in codes}
    of_row = {r: [c for c in codes if c.row == r] for r in labels}
    filled = [row for row in rows if any(c.get("data-role") in ("value", "row") for c in row)]
    names = [labels[r] for r in of_row]
    header: list[Element] = []
    headers: dict[int, list[Element]] = {}
    if section == "requests":
        header = _applicants(rows)
    for row in rows:
        if section == "proactive" and not _values(row):
            cells = list(row.iter("td"))
            header = [c for c in cells if c.get("data-role") == "leaf"]
        headers[id(row)] = header
    given = assign([_label(row) for row in filled], names)
    told = set(given) - {None}
    for number, row_code in enumerate(of_row):
        columns = of_row[row_code]
        if number not in told:
            if None not in given:  # nothing is left that could be this row
                for cell in columns:
                    found.add(cell.code, None)
            continue
        for at, row in zip(given, filled, strict=True):
            if at == number:
                wanted = [(c.code, bare(c.column_label)) for c in columns]
                _place(found, wanted, headers[id(row)], _values(row), pending)


def _label(row: Element) -> str:
    labels = [c for c in row.iter("td") if c.get("data-role") == "row"]
    return text_of(labels[-1]) if labels else ""


def _values(row: Element) -> list[Element]:
    return [c for c in row.iter("td") if c.get("data-role") == "value"]


def bare(text: str) -> str:
    """A statutory label without space."""
    return "".join(text.split())


def _applicants(rows: list[Element]) -> list[Element]:
    """The leaves of the header of section 三 from left to right."""
    lines = [list(row.iter("td")) for row in rows if not _values(row)]
    whole = next((c for c in lines if any(x.get("data-role") == "organisations" for x in c)), [])
    inner = [c for line in lines if line is not whole for c in line if _leaf(c)]
    if not whole:
        return inner
    at = next(i for i, c in enumerate(whole) if c.get("data-role") == "organisations")
    return [*filter(_leaf, whole[:at]), *inner, *filter(_leaf, whole[at + 1 :])]


def _leaf(cell: Element) -> bool:
    return bool(cell.get("data-role") == "leaf")


def assign(labels: Sequence[str], names: Sequence[str]) -> list[int | None]:
    """Which name each label is: by its text, else by the place that order leaves it."""
    once = {n for n in names if labels.count(n) == 1}
    given: list[int | None] = [names.index(t) if t in once else None for t in labels]
    rest = [i for i, g in enumerate(given) if g is None]
    left = [n for n in range(len(names)) if n not in given]
    if len(rest) == len(left):
        ordered = dict(zip(rest, left, strict=True))
        for i, name in ordered.items():
            before = [g for g in given[:i] if g is not None]
            after = [g for g in given[i + 1 :] if g is not None]
            fits = all(g < name for g in before) and all(g > name for g in after)
            given[i] = name if fits else None
        return given
    return [  # said twice
        names.index(t) if g is None and t in names and labels.count(t) > 1 else g
        for t, g in zip(labels, given, strict=True)
    ]


def _place(
    found: Shown,
    wanted: list[tuple[str, str]],
    header: list[Element],
    values: list[Element],
    pending: list[tuple[list[str], list[Element]]],
) -> None:
    """The values of one row, by the labels of its header."""
    labels = [text_of(cell) for cell in header]
    names = [name for _, name in wanted]
    if not values:
        for code, _ in wanted:
            found.add(code, None)
        return
    if len(values) == len(labels):
        given = assign(labels, names)
        for at, value in zip(given, values, strict=True):
            if at is not None:
                found.add(wanted[at][0], printed(value))
        if None not in given:
            for at, (code, _) in enumerate(wanted):
                if at not in given:
                    found.add(code, None)
        return
    known = [names.index(t) for t in labels if t in names]
    if known == sorted(set(known)):
        if len(values) == len(names):
            for (code, _), value in zip(wanted, values, strict=True):
                found.add(code, printed(value))
        elif abs(len(values) - len(names)) == 1:
            pending.append(([code for code, _ in wanted], values))


def _review(
    found: Shown,
    codes: list[str],
    rows: list[Element],
    pending: list[tuple[list[str], list[Element]]],
) -> None:
    """Section 四: one row of fifteen under three blocks of five."""
    filled = [row for row in rows if _values(row)]
    if not filled:
        for code in codes:
            found.add(code, None)
        return
    leaves = [c for row in rows for c in row.iter("td") if c.get("data-role") == "leaf"]
    blocks = [text_of(c) for row in rows for c in row.iter("td") if c.get("data-role") == "block"]
    order = codes
    if blocks == ["复议后起诉", "未经复议直接起诉"]:
        order = [*codes[:5], *codes[10:], *codes[5:10]]
    of = statutory.label_of(found.form)
    for row in filled:
        values = _values(row)
        wanted = [(code, bare(of[code].column_label)) for code in order]
        if len(values) == len(leaves) == 15:
            for at in range(0, 15, 5):
                five = slice(at, at + 5)
                _place(found, wanted[five], leaves[five], values[five], [])
        elif len(values) in (14, 15, 16):
            ways = list(_embedded([text_of(c) for c in leaves], [n for _, n in wanted]))
            if len(values) == 15 and ways:
                for code, value in zip(order, values, strict=True):
                    found.add(code, printed(value))
            elif len(ways) == 1 and len(values) == len(leaves):
                under = dict(zip(ways[0], values, strict=True))
                for at, code in enumerate(order):
                    found.add(code, printed(under[at]) if at in under else None)
            elif len(leaves) == 15 and ways:
                pending.append((order, values))


def _embedded(labels: Sequence[str], names: Sequence[str]) -> Iterator[tuple[int, ...]]:
    """The ways in which the labels, in order, are some of the names; a few at most."""

    def go(i: int, at: int) -> Iterator[tuple[int, ...]]:
        if i == len(labels):
            yield ()
            return
        for n in range(at, len(names)):
            if names[n] == labels[i]:
                for rest in go(i + 1, n + 1):
                    yield (n, *rest)

    for count, way in enumerate(go(0, 0)):
        if count == 2:
            return
        yield way


def _by_arithmetic(
    found: Shown, names: list[str], values: list[Element]
) -> dict[str, set[Printed]]:
    """The ways to place a number too few or too many that break no identity."""
    texts = [printed(value) for value in values]
    ways: list[list[Printed]]
    if len(texts) < len(names):
        ways = [[*texts[:i], None, *texts[i:]] for i in range(len(names))]
    else:
        ways = [[*texts[:i], *texts[i + 1 :]] for i in range(len(texts))]
    known = {code: next(iter(s)) for code, s in found.cells.items() if len(s) == 1}
    tried = [(way, known | dict(zip(names, way, strict=True))) for way in ways]
    good = [way for way, values in tried if _may_hold(found.form, values, names)]
    cells: dict[str, set[Printed]] = {code: set() for code in names}
    for way in good or ways:
        for code, value in zip(names, way, strict=True):
            cells[code].add(value)
    return cells


def _may_hold(form: Form, values: dict[str, Printed], touched: list[str]) -> bool:
    for identity in statutory.identities(form):
        if not any(code in touched for code, _ in identity.terms):
            continue
        known, up, down = Decimal(0), False, False
        for code, weight in identity.terms:
            value = values.get(code)
            if isinstance(value, Decimal):
                known += weight * value
            else:
                up, down = up or weight > 0, down or weight < 0
        if (known > 0 and not down) or (known < 0 and not up):
            return False
    return True
