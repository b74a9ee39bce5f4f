"""From the blocks of a source to the cells of one statutory form, or a rejection.

Each form whose labels appear is tried; exactly one must fit. A section that stands on the page
more than once (desktop and mobile copies) must say the same each time.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from tasks.report import section_proactive, section_requests, section_review
from tasks.report.columns import GridOf
from tasks.report.counting import leave_out
from tasks.report.form import FORMS, StatutoryForm, form
from tasks.report.identities import check, force, verdict
from tasks.report.labels import SECTIONS, telltale
from tasks.report.lines import Copy, copies
from tasks.report.model import (
    Cell,
    Finding,
    Form,
    Place,
    Reject,
    Source,
    SourceCell,
    SourceRow,
    Status,
)
from tasks.report.numbers import BLANK, SMALL, Unreadable, Value, read_value
from tasks.report.placed import Placed
from tasks.report.skeleton import recall, remember, skeleton
from tasks.report.spans import Grid

_MOST_COPIES = 6
_new = tuple.__new__
_NOWHERE: tuple[str, Place | None, int, int] = ("", None, 1, 1)  # for a cell the page has not
_READERS: dict[str, Callable[[Copy, StatutoryForm, GridOf], Placed]] = {
    "proactive": section_proactive.proactive,
    "requests": section_requests.requests,
    "review_litigation": section_review.review_litigation,
}


def recognise(source: Source) -> tuple[Form, list[Cell], list[Finding]]:
    """The form, every cell of it in order, and what identities 1-4 say. Raises `Reject`."""
    alike = skeleton(source) if source.kind == "html" else None
    if alike is not None and (known := recall(alike)) is not None:
        placed = known.apply(alike.rows)
        return known.form, *_settled(form(known.form), placed)
    found = copies(source.blocks)
    if any(len(group) > _MOST_COPIES for group in found.values()):
        raise Reject("too_large", f"the document holds its tables more than {_MOST_COPIES} times")
    missing = [s for s in SECTIONS if s not in found]
    if missing:
        raise Missing(missing, bool(found))
    for copy in (copy for group in found.values() for copy in group):
        leave_out(copy)
    grid_of = _grids(source)
    names = _forms_shown(found)
    readings: list[tuple[Form, list[Cell], list[Finding]]] = []
    refusals: list[Reject] = []
    for name in names:
        try:
            placed = _place(form(name), found, grid_of, source.shows_columns)
            if source.looks:
                _require_labels(form(name), placed)
            readings.append((name, *_settled(form(name), placed)))
        except Reject as refusal:
            refusals.append(refusal)
    if len(readings) == 1:
        single = all(len(c) == 1 and not c[0].counted for c in found.values())
        if alike is not None and len(names) == 1 and single:
            remember(alike, names[0], placed)
        return readings[0]
    if readings:
        raise Reject("competing_readings", "the tables fit both the 2019 and the 2021 form")
    raise refusals[0]


class Missing(Exception):  # noqa: N818 - becomes a rejection where the whole source is known
    """Statutory sections without a table. `some`: others are there."""

    def __init__(self, sections: list[str], some: bool) -> None:
        super().__init__(", ".join(sections))
        self.sections, self.some = sections, some


def _grids(source: Source) -> GridOf:
    rows: dict[int, list[SourceRow]] = {}
    for block in source.blocks:
        if isinstance(block, SourceRow):
            rows.setdefault(block.table, []).append(block)
    built: dict[int, Grid] = {}

    def grid_of(table: int) -> Grid:
        if table not in built:
            built[table] = Grid(rows[table], source.shows_columns)
        return built[table]

    return grid_of


def _forms_shown(found: dict[str, list[Copy]]) -> tuple[Form, ...]:
    """The forms whose own labels stand on the page, most labels first; both when none does."""
    labels = {k for group in found.values() for copy in group for k in copy.seen}
    counts = {name: len(labels & telltale(name)) for name in FORMS}
    shown = sorted((n for n in FORMS if counts[n]), key=lambda n: -counts[n])
    return tuple(shown) or FORMS


def _place(
    statutory: StatutoryForm, found: dict[str, list[Copy]], grid_of: GridOf, shows_columns: bool
) -> dict[str, Placed]:
    """Each section's cells, from its first copy; the others must say the same."""
    placed: dict[str, Placed] = {}
    for section in SECTIONS:
        first, *others = [_READERS[section](copy, statutory, grid_of) for copy in found[section]]
        values = _values(first, statutory) if others else {}
        for other in others:
            again = _values(other, statutory)
            for code, value in values.items():
                if value[:2] != again[code][:2]:
                    cell = other.cells[code] or first.cells[code]
                    raise Reject(
                        "competing_readings",
                        f"the page holds the table twice and the copies differ in {code}",
                        cell.place if cell else None,
                    )
        # Where only order is left, sums must not speak against it.
        first.header_complete &= shows_columns
        placed[section] = first
    return placed


def _require_labels(statutory: StatutoryForm, placed: dict[str, Placed]) -> None:
    """Refuses what labels alone do not place: in a picture a number may be misread, and a sum that
    holds says nothing of rows or columns that changed places."""
    for section, p in placed.items():
        places = [c.place for c in map(p.cells.get, _codes(statutory, section)) if c is not None]
        shown = [(q.page or 0, q.box[1], q.box[0]) for q in places if q.box is not None]
        named = p.regular and p.header_complete and not p.unsure_rows
        if not named or shown != sorted(shown):
            raise Reject(
                "uncertain_picture",
                "the labels read in the picture do not name every row and column in the form's "
                f"order ({section})",
                _somewhere(p.cells),
            )


def _codes(statutory: StatutoryForm, section: str) -> list[str]:
    return [cell.code for row in statutory.sections[section] for cell in row.cells]


def _settled(
    statutory: StatutoryForm, placed: dict[str, Placed]
) -> tuple[list[Cell], list[Finding]]:
    """The values of cells that have been placed, confirmed where they are in doubt."""
    values: dict[str, Value] = {}
    for section in placed.values():
        values |= _values(section, statutory)
    numbers = {code: value[0] for code, value in values.items()}
    _confirm(statutory, placed, values, numbers)
    return _cells(statutory, placed, values, numbers)


def _values(placed: Placed, statutory: StatutoryForm) -> dict[str, Value]:
    out: dict[str, Value] = {}
    for code, cell in placed.cells.items():
        # Most cells of most reports print a small number: they cost one look-up.
        known = SMALL.get(cell[0]) if cell is not None else BLANK
        out[code] = _value(code, cell, placed, statutory) if known is None else known
    for code in placed.units:
        out[code] = _value(code, placed.cells[code], placed, statutory)
    return out


def _value(code: str, cell: SourceCell | None, placed: Placed, statutory: StatutoryForm) -> Value:
    unit = statutory.cell(code).unit
    text = cell.text if cell is not None else ""
    place = cell.place if cell is not None else None
    try:
        printed = placed.units.get(code)
        value = read_value(text, unit)
        if printed and value.number is not None and not any(c in text for c in "元万亿"):
            value = read_value(text + printed, unit)
    except Unreadable as trouble:
        raise Reject("unreadable_number", f"{trouble}; it stands for {code}", place) from None
    if value.number is not None and value.number < 0 and unit != "signed_count":
        said = f"“{text.strip()}” is below zero, and {code} cannot be"
        raise Reject("unreadable_number", said, place)
    return value


def _confirm(
    statutory: StatutoryForm,
    placed: dict[str, Placed],
    values: dict[str, Value],
    numbers: dict[str, Decimal | None],
) -> None:
    """Doubtful numbers, and columns that no label names, stand only if the identities agree."""
    doubtful = [code for code, value in values.items() if value[2]]
    if True in [value[3] for value in values.values()]:
        doubtful += _spaced_beside_blanks(statutory, values)
    if not doubtful and all(p.header_complete and not p.unsure_rows for p in placed.values()):
        return
    verdicts = {i.name: verdict(i, numbers) for i in statutory.identities}
    for code in doubtful:
        touching = [i.name for i in statutory.identities if any(c == code for c, _ in i.terms)]
        if not touching or any(verdicts[name] != "holds" for name in touching):
            cell = placed[statutory.cell(code).section].cells[code]
            text = cell.text.strip().replace("\n", "⏎") if cell else ""
            raise Reject(
                "unreadable_number",
                f"“{text}” could be read in several ways and no identity confirms one ({code})",
                cell.place if cell else None,
            )
    for row in sorted(placed["requests"].unsure_rows):
        for identity in statutory.identities:
            cells = [c for c, _ in identity.terms if c.startswith(f"requests.{row}.")]
            if cells and verdicts[identity.name] == "violated":
                source_cell = next(
                    (p for c in cells if (p := placed["requests"].cells[c]) is not None), None
                )
                raise Reject(
                    "competing_readings",
                    f"the cells of the row {row} can be placed in several ways, and as its "
                    f"neighbours are placed {identity.name} does not hold",
                    source_cell.place if source_cell else None,
                )
    rules = {"requests": "row_total", "review_litigation": "review_total"}
    for section, rule in rules.items():
        if placed[section].header_complete:
            continue
        broken = [
            i.name
            for i in statutory.identities
            if i.rule == rule and verdicts[i.name] == "violated"
        ]
        if broken:
            raise Reject(
                "competing_readings",
                f"the header of the table has lost labels, and by order {broken[0]} does not hold",
                _somewhere(placed[section].cells),
            )


def _spaced_beside_blanks(statutory: StatutoryForm, values: dict[str, Value]) -> list[str]:
    """Numbers set with a gap beside a blank cell, whose number may have run into them."""
    found = []
    for rows in statutory.sections.values():
        for row in rows:
            cells = [values[c.code] for c in row.cells]
            for i, cell in enumerate(row.cells):
                beside = cells[max(0, i - 1) : i] + cells[i + 1 : i + 2]
                if cells[i].spaced and any(v.number is None and not v.mark for v in beside):
                    found.append(cell.code)
    return found


def _somewhere(cells: dict[str, SourceCell | None]) -> Place | None:
    return next((c.place for c in cells.values() if c is not None), None)


def _cells(
    statutory: StatutoryForm,
    placed: dict[str, Placed],
    values: dict[str, Value],
    numbers: dict[str, Decimal | None],
) -> tuple[list[Cell], list[Finding]]:
    # `None in numbers.values()` would ask each Decimal whether it equals None, which is slow.
    unknown = [code for code, number in numbers.items() if number is None]
    forced = force(statutory, numbers) if unknown else {}
    printed = {code: cell for section in placed.values() for code, cell in section.cells.items()}
    cells: list[Cell] = []
    for code in statutory.codes:
        text, place, _, _ = printed[code] or _NOWHERE
        number, marked, _, _ = values[code]
        status: Status = "reported"
        identity = None
        if number is None:
            status = "mark" if marked else "blank"
            if code in forced:
                status, (number, identity) = "forced", forced[code]
        # Two hundred a report: the named tuple's own constructor would double this loop's time.
        cells.append(_new(Cell, (code, number, text.strip(), status, place, identity)))
    if forced:
        numbers = {c.cell: c.value for c in cells}
    return cells, check(statutory, numbers)
