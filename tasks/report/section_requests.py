"""Section 三, 收到和处理政府信息公开申请情况: one table of applicants by outcome."""

from __future__ import annotations

from tasks.report import columns
from tasks.report.align import assign, data_row, joined
from tasks.report.column_order import likeness_to, order
from tasks.report.columns import GridOf
from tasks.report.form import StatutoryForm
from tasks.report.labels import Lexicon, key, lexicon
from tasks.report.lines import Copy, Line
from tasks.report.model import Reject, SourceCell
from tasks.report.numbers import Unreadable, read_value
from tasks.report.pieces import together
from tasks.report.placed import (
    ENOUGH,
    Header,
    Placed,
    labelled,
    names_column,
    unclear,
    without_trailing_notes,
)


def requests(copy: Copy, form: StatutoryForm, grid_of: GridOf) -> Placed:
    """Section 三: one table of applicants by outcome."""
    lex = lexicon(form.name)
    form_rows = form.sections["requests"]
    lines = without_trailing_notes(copy.lines)
    headers: list[list[Line]] = [[]]  # the header, and its repetitions on later pages
    body: list[Line] = []
    in_header = True
    for line in lines:
        if _is_request_header(line, lex, begun=bool(body)):
            if not in_header:
                headers.append([])
            if not any(line.texts == known.texts for known in headers[-1]):
                headers[-1].append(line)  # a header right below itself says nothing new
            in_header = True
        elif line.texts or line.filled or body:
            body.append(line)
            in_header = False
    names = [cell.column for cell in form_rows[0].cells]
    ordered, complete = _applicants(headers[0], names, lex)
    for again in headers[1:]:
        if _applicants(again, names, lex)[0] != ordered:
            raise unclear("is repeated in another order", again[0])
    rows = joined([data_row(line, lex, "requests") for line in body], lex, "requests")
    assigned = assign(rows, form_rows, lex)

    def adds_up(row_values: columns.Values) -> bool:
        return _keeps_total(dict(zip(ordered, row_values, strict=True)))

    in_order = columns.without_erased_cells(list(assigned.values()), len(names), grid_of)
    values, by_others = columns.place_all(in_order, len(names), grid_of, adds_up)
    placed = Placed(header_complete=complete)
    placed.regular = all(row.codes and row.regular(len(names)) for row in assigned.values())
    placed.unsure_rows = {c for c, unsure in zip(assigned, by_others, strict=True) if unsure}
    for code, row_values in zip(assigned, values, strict=True):
        for column, value in zip(ordered, row_values, strict=True):
            placed.cells[f"requests.{code}.{column}"] = value
    return placed


def _keeps_total(row: dict[str, SourceCell | None]) -> bool:
    """Whether a row's parts can add up to its total; marks may stand for any number."""
    try:
        read = {c: read_value(v.text if v else "", "count").number for c, v in row.items()}
    except Unreadable:
        return False
    total = read.pop("total")
    parts = [n for n in read.values() if n is not None]
    if total is None:
        return True
    return sum(parts) == total if len(parts) == len(read) else sum(parts) <= total


def _is_request_header(line: Line, lex: Lexicon, *, begun: bool) -> bool:
    if line.filled:
        return False
    keys = [label for _, label in line.texts]
    heads = sum(1 for k in keys if names_column(k, lex, "requests"))
    if begun:  # the header repeated on a later page names several columns, or titles them
        named = {lex.group_of(k, "requests") for k in keys}
        return heads == len(keys) and (heads >= 3 or bool(named & {"note", "applicants"}))
    row_only = any(
        lex.meanings(k, "requests", "row") and not lex.meanings(k, "requests", "column")
        for k in keys
    )
    outcome_group = key("三、本年度办理结果") in keys
    return bool(keys) and not row_only and not outcome_group


def _applicants(lines: list[Line], names: list[str], lex: Lexicon) -> tuple[list[str], bool]:
    """The order of the applicant columns; the five kinds of organisation stand as one group.

    The header may give them a row of their own below “法人或其他组织”, or one row with the outer
    columns. An outer column stands before or after the group as it does in the line that it
    shares with the group's label or its members; where it shares none, only order tells.
    """
    first, *inner_names, last = names
    inner: Header = []
    stray: Header = []
    sides: dict[str, list[bool]] = {first: [], last: []}  # whether before the group
    outer_order: list[str] = []
    for line in lines:
        titled = False  # the line holds the group's label 法人或其他组织
        members: list[int] = []
        group_at: list[int] = []
        outer: list[tuple[int, str]] = []
        for at, (cell, label) in enumerate(labelled(line)):
            named = lex.group_of(label, "requests")
            if named:
                if named == "organisations":
                    titled = True
                    group_at.append(at)
                continue
            fit = {n: likeness_to(label, "requests", n, lex) for n in names}
            best = max(names, key=lambda n: fit[n])
            if not fit[best]:
                stray.append((cell, label))
            elif best in sides:
                outer.append((at, best))
            else:
                members.append(at)
                inner.append((cell, label))
        if titled and members:
            raise unclear("has a kind of organisation beside their common label", line)
        if members and outer and (len(outer) == 1 or outer_order):
            raise unclear("has its outer columns in different lines", line)
        group_at += members
        for at, name in outer:
            if name in outer_order:
                raise unclear("names an outer column twice", line)
            outer_order.append(name)
            if group_at:
                if min(group_at) < at < max(group_at):
                    raise unclear("has an outer column among the organisations", line)
                sides[name].append(at < min(group_at))
    if not inner and not outer_order:
        return names, False
    if len(inner) > len(inner_names):
        inner = together(inner, inner_names, "requests", lex) or inner
    if 0 < len(inner) < ENOUGH:
        raise unclear("has lost most labels of the organisations", lines[0])
    inner_order, complete = order(inner, inner_names, "requests", lex)
    complete &= all(sides.values())
    for cell, label in stray:
        # A scrap of one ideograph names nothing; beside a complete header it is noise.
        scrap = complete and len(label) == 1
        if not scrap and not lex.group_fragment(label, "requests"):
            text = cell.text.strip().replace("\n", "")[:80]
            raise Reject("unknown_label", f"“{text}” is no column of the form", cell.place)
    before = {first: all(sides[first]), last: bool(sides[last]) and all(sides[last])}
    if not complete and (not before[first] or before[last]):
        raise unclear("does not tell the order of its outer columns", lines[0])
    left = [n for n in outer_order if before[n]] if complete else [first]
    right = [n for n in outer_order if not before[n]] if complete else [last]
    return [*left, *inner_order, *right], complete
