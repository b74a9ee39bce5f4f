"""One copy of a statutory section -> the source cell of every cell of the form.

Each function gives {cell code: source cell, or None where nothing is printed} and whether the
header told every column. They reject, naming the place, when a number would have no place.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from tasks.report import columns
from tasks.report.align import Row, assign, data_row, joined
from tasks.report.columns import GridOf
from tasks.report.form import FormRow, StatutoryForm
from tasks.report.labels import Lexicon, key, lexicon
from tasks.report.lines import Copy, Line
from tasks.report.model import Reject, SourceCell
from tasks.report.numbers import Unreadable, read_value
from tasks.report.pieces import together

Header = list[tuple[SourceCell, str]]
_ENOUGH = 3  # labels of a block of five from which, side by side, the lost ones can be told


@dataclass(slots=True)
class Placed:
    """The cells of one section, the amounts' printed unit, and how sure the columns are."""

    cells: dict[str, SourceCell | None] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)  # cell code -> 元 or 万元, as printed
    header_complete: bool = True
    unsure_rows: set[str] = field(default_factory=set)  # placed only as other rows are
    regular: bool = True  # whether labels and order placed every cell, and no number had a say


def _labels(line: Line) -> Header:
    return [(line.cells[i], label) for i, label in line.texts]


def _without_trailing_notes(lines: list[Line]) -> list[Line]:
    """Drops text-only rows after the last row that holds values."""
    end = len(lines)
    while end and not lines[end - 1].filled and len(lines[end - 1].cells) == 1:
        end -= 1
    return lines[:end]


# --- 二、主动公开政府信息情况 -----------------------------------------------------------------


def proactive(copy: Copy, form: StatutoryForm, grid_of: GridOf) -> Placed:
    """Section 二: blocks of a few rows, each under a header of its own."""
    lex = lexicon(form.name)
    form_rows = form.sections["proactive"]
    rows: list[Row] = []
    header_of: dict[int, tuple[Header, Line | None]] = {}
    header: Header = []
    header_line: Line | None = None
    fresh = True
    for line in _without_trailing_notes(copy.lines):
        if not line.texts and not line.filled:
            continue
        if not line.filled and _is_header(line, lex, "proactive"):
            labels = [
                (cell, label)
                for cell, label in _labels(line)
                if not lex.meanings(label, "proactive", "group")
            ]
            header = labels if fresh or not labels else [*header, *labels]
            header_line = line if labels else None
            if not labels:
                header = []
            fresh = False
            continue
        row = data_row(line, lex, "proactive")
        rows.append(row)
        header_of[id(row)] = (header, header_line)
        fresh = True
    placed = Placed()
    for code, row in assign(rows, form_rows, lex).items():
        form_row = next(r for r in form_rows if r.code == code)
        _proactive_row(row, form_row, *header_of[id(row)], lex, grid_of, placed)
    return placed


def _is_header(line: Line, lex: Lexicon, section: str) -> bool:
    """Whether a row without values is a header: its labels name columns or groups, and no row."""
    keys = [label for _, label in line.texts]
    rows = any(lex.meanings(k, section, "row") for k in keys)
    return not rows and any(_heads(k, lex, section) for k in keys)


def _heads(label: str, lex: Lexicon, section: str) -> bool:
    if lex.meanings(label, section, "column") or lex.meanings(label, section, "group"):
        return True
    return any(
        columns.compatible(label, section, code, lex) for s, code in lex.columns if s == section
    )


def _proactive_row(
    row: Row,
    form_row: FormRow,
    header: Header,
    header_line: Line | None,
    lex: Lexicon,
    grid_of: GridOf,
    placed: Placed,
) -> None:
    names = [cell.column for cell in form_row.cells]
    ordered, complete = names, False
    if header:
        start = header_line.cells[header_line.texts[0][0]] if header_line is not None else None
        start = None if start is header[0][0] else start
        ordered, complete = columns.order(header, names, "proactive", lex, start)
    placed.regular &= bool(row.codes) and row.regular(len(names))
    row = columns.without_erased_label(row, len(names))
    roomy = False
    if header_line is not None:  # the header's row has as much room behind its first label
        roomy = len(row.values) < len(header_line.cells) - header_line.texts[0][0]
    columns.refuse_merged(row, len(names), grid_of)
    values = columns.simple(row, len(names), roomy=roomy)
    if complete and (values is None or len(row.values) != len(names)):
        under = columns.under_header(row, header, header_line, grid_of)
        crossed = values is not None and columns.crosses(row, values, header, header_line)
        if crossed or (values and under is not None and not columns.same(values, under)):
            raise _unclear("and the cells below it can be read in two ways", row.line)
        values = under if values is None else values
    if values is None:
        raise Reject(
            "unplaced_number",
            f"the row “{form_row.label}” has {len(names)} columns in the form; "
            f"the page has: {row.text()}",
            row.place,
        )
    by_column = dict(zip(ordered, values, strict=True))
    heads = dict(zip(ordered, (c.text for c, _ in header), strict=True)) if complete else {}
    for cell in form_row.cells:
        placed.cells[cell.code] = by_column[cell.column]
        if cell.unit in ("cny", "10k_cny"):
            label = heads.get(cell.column, "") + "".join(
                c.text for c in row.line.cells[: row.label_end]
            )
            stated = _money(label)
            if len(stated) > 1 and by_column[cell.column] is not None and not row.empty:
                raise Reject(
                    "competing_readings",
                    f"the amount could be in {' or '.join(sorted(stated))}: {row.text()}",
                    row.place,
                )
            if stated:
                placed.units[cell.code] = stated.pop()


def _money(label: str) -> set[str]:
    """The units of money that a label states, each as one word (千元 is not 元)."""
    joined = re.sub(r"\s+", "", unicodedata.normalize("NFKC", label))
    return set(re.findall(r"(?<!\d)(?<![十百千万亿])[十百千万亿]*元", joined))


# --- 三、收到和处理政府信息公开申请情况 ---------------------------------------------------------


def requests(copy: Copy, form: StatutoryForm, grid_of: GridOf) -> Placed:
    """Section 三: one table of applicants by outcome."""
    lex = lexicon(form.name)
    form_rows = form.sections["requests"]
    lines = _without_trailing_notes(copy.lines)
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
            raise _unclear("is repeated in another order", again[0])
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
    heads = sum(1 for k in keys if _heads(k, lex, "requests"))
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
        for at, (cell, label) in enumerate(_labels(line)):
            named = lex.group_of(label, "requests")
            if named:
                if named == "organisations":
                    titled = True
                    group_at.append(at)
                continue
            fit = {n: columns.likeness_to(label, "requests", n, lex) for n in names}
            best = max(names, key=lambda n: fit[n])
            if not fit[best]:
                stray.append((cell, label))
            elif best in sides:
                outer.append((at, best))
            else:
                members.append(at)
                inner.append((cell, label))
        if titled and members:
            raise _unclear("has a kind of organisation beside their common label", line)
        if members and outer and (len(outer) == 1 or outer_order):
            raise _unclear("has its outer columns in different lines", line)
        group_at += members
        for at, name in outer:
            if name in outer_order:
                raise _unclear("names an outer column twice", line)
            outer_order.append(name)
            if group_at:
                if min(group_at) < at < max(group_at):
                    raise _unclear("has an outer column among the organisations", line)
                sides[name].append(at < min(group_at))
    if not inner and not outer_order:
        return names, False
    if len(inner) > len(inner_names):
        inner = together(inner, inner_names, "requests", lex) or inner
    if 0 < len(inner) < _ENOUGH:
        raise _unclear("has lost most labels of the organisations", lines[0])
    inner_order, complete = columns.order(inner, inner_names, "requests", lex)
    complete &= all(sides.values())
    for cell, label in stray:
        # A scrap of one ideograph names nothing; beside a complete header it is noise.
        scrap = complete and len(label) == 1
        if not scrap and not lex.group_fragment(label, "requests"):
            text = cell.text.strip().replace("\n", "")[:80]
            raise Reject("unknown_label", f"“{text}” is no column of the form", cell.place)
    before = {first: all(sides[first]), last: bool(sides[last]) and all(sides[last])}
    if not complete and (not before[first] or before[last]):
        raise _unclear("does not tell the order of its outer columns", lines[0])
    left = [n for n in outer_order if before[n]] if complete else [first]
    right = [n for n in outer_order if not before[n]] if complete else [last]
    return [*left, *inner_order, *right], complete


def _unclear(what: str, line: Line) -> Reject:
    return Reject("competing_readings", f"the header {what}", line.cells[0].place)


# --- 四、行政复议、行政诉讼情况 -----------------------------------------------------------------


def review_litigation(copy: Copy, form: StatutoryForm, grid_of: GridOf) -> Placed:
    """Section 四: three blocks of five side by side, in one row, or in one row each."""
    lex = lexicon(form.name)
    form_rows = form.sections["review_litigation"]
    five = [cell.column for cell in form_rows[0].cells]
    codes = [cell.code for row in form_rows for cell in row.cells]
    parts: list[tuple[list[Line], Row]] = []
    header: list[Line] = []
    for line in _without_trailing_notes(copy.lines):
        if line.filled:
            parts.append((header, data_row(line, lex, "review_litigation")))
            header = []
        elif line.texts:
            header.append(line)
        elif header and line is copy.lines[-1]:
            parts.append((header, data_row(line, lex, "review_litigation")))
    if not parts:
        raise Reject(
            "missing_rows",
            "the table of reviews and litigation has no row of values",
            copy.lines[-1].cells[0].place,
        )
    placed = Placed()
    done = 0
    for header, row in parts:
        if row.loose or row.codes:
            cell = row.line.cells[row.label_end - 1]
            raise Reject(
                "unknown_label", f"“{cell.text.strip()[:80]}” stands before values", cell.place
            )
        leaves, blocks = _leaves(header, lex)
        count = 15 if len(parts) == 1 else len(leaves)
        if len(leaves) > count:
            leaves = together(leaves, five * (count // 5), "review_litigation", lex) or leaves
        if count % 5 or done + count > len(codes) or count == 0:
            raise Reject(
                "competing_readings",
                f"a row of values stands under {len(leaves)} labels: {row.text()}",
                row.place,
            )
        order, complete = _five_by_five(leaves, five, count, lex)
        expected = [r.code for r in form_rows][done // 5 : (done + count) // 5]
        _check_blocks(blocks, [r.code for r in form_rows], expected, row)
        roomy = any(len(h.cells) >= len(row.line.cells) for h in header)
        values = columns.simple(row, count, roomy=roomy)
        placed.regular &= row.regular(count)
        if row.empty and not complete:
            raise Reject("missing_rows", "no row of values stands below the header", row.place)
        if values is None and complete:
            whole = next((h for h in header if len(h.texts) >= count), None)
            values = columns.under_header(row, leaves, whole, grid_of)
        if values is None:
            raise Reject(
                "unplaced_number",
                f"{len(row.values)} cells stand where the form has {count}: {row.text()}",
                row.place,
            )
        for i, value in enumerate(values):
            block = form_rows[(done + i) // 5].code
            placed.cells[f"review_litigation.{block}.{order[i]}"] = value
        placed.header_complete &= complete
        done += count
    if done != len(codes):
        raise Reject(
            "missing_rows",
            f"the table of reviews and litigation gives {done} of {len(codes)} figures",
            parts[-1][1].place,
        )
    return placed


def _leaves(header: list[Line], lex: Lexicon) -> tuple[Header, list[str]]:
    """The column labels in reading order, and the block headings."""
    labels = [pair for line in header for pair in _labels(line)]
    named = [(pair, lex.group_of(pair[1], "review_litigation")) for pair in labels]
    blocks = [code for _, code in named if code is not None]
    leaves = [pair for pair, code in named if code is None]
    if len(leaves) > 15 and len(header) > 1:
        # Labels cut over two lines by text extraction: a later line that has all fifteen is whole.
        for line in reversed(header):
            own = [(c, k) for c, k in _labels(line) if (c, k) in leaves]
            if len(own) == 15:
                return own, blocks
    return leaves, blocks


def _five_by_five(
    leaves: Header, five: list[str], count: int, lex: Lexicon
) -> tuple[list[str], bool]:
    """The columns of each block of five, in the order of the header's labels."""
    order: list[str] = []
    complete = len(leaves) == count
    if complete:
        for start in range(0, count, 5):
            block, full = columns.order(leaves[start : start + 5], five, "review_litigation", lex)
            order += block
            complete &= full
        return order, complete
    expected = five * (count // 5)
    if 0 < len(leaves) < _ENOUGH * (count // 5):
        where = leaves[0][0].place
        raise Reject("competing_readings", "the header has lost most of its labels", where)
    if leaves:
        columns.order(leaves, expected, "review_litigation", lex)
    return expected, False


def _check_blocks(blocks: list[str], known: list[str], expected: list[str], row: Row) -> None:
    """The headings of the blocks, as far as they stand there, must be in the form's order."""
    rank = {"review": 0, "litigation": 1, "litigation_direct": 2, "litigation_after_review": 3}
    alias = {"reconsideration": "review"}
    named = [rank[b] for b in blocks]
    wanted = {rank[alias.get(b, b)] for b in expected}
    if named != sorted(set(named)) or not set(named) <= wanted | {1}:
        raise Reject(
            "competing_readings",
            "the blocks of section 四 stand in another order than the form's",
            row.place,
        )
