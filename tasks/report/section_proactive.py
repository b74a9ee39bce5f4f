"""Section 二, 主动公开政府信息情况: blocks of a few rows, each under a header of its own."""

from __future__ import annotations

import re
import unicodedata

from tasks.report import columns
from tasks.report.align import Row, assign, data_row
from tasks.report.column_order import order
from tasks.report.columns import GridOf
from tasks.report.form import FormRow, StatutoryForm
from tasks.report.labels import Lexicon, lexicon
from tasks.report.lines import Copy, Line
from tasks.report.model import Reject
from tasks.report.placed import (
    Header,
    Placed,
    labelled,
    names_column,
    unclear,
    without_trailing_notes,
)


def proactive(copy: Copy, form: StatutoryForm, grid_of: GridOf) -> Placed:
    """Section 二: blocks of a few rows, each under a header of its own."""
    lex = lexicon(form.name)
    form_rows = form.sections["proactive"]
    rows: list[Row] = []
    header_of: dict[int, tuple[Header, Line | None]] = {}
    header: Header = []
    header_line: Line | None = None
    fresh = True
    for line in without_trailing_notes(copy.lines):
        if not line.texts and not line.filled:
            continue
        if not line.filled and _is_header(line, lex, "proactive"):
            labels = [
                (cell, label)
                for cell, label in labelled(line)
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
    for header, head in {id(head): (names, head) for names, head in header_of.values()}.values():
        _refuse_beside_header([r for r in rows if header_of[id(r)][1] is head], header, head)
    placed = Placed()
    for code, row in assign(rows, form_rows, lex).items():
        form_row = next(r for r in form_rows if r.code == code)
        _proactive_row(row, form_row, *header_of[id(row)], lex, grid_of, placed)
    _refuse_other_unit(copy.caption, form, placed)
    return placed


def _refuse_other_unit(caption: str, form: StatutoryForm, placed: Placed) -> None:
    """Rejects amounts whose unit the caption gives otherwise than their label or the form."""
    captioned = _money(caption)
    for code, cell in placed.cells.items() if captioned else ():
        unit = {"cny": "元", "10k_cny": "万元"}.get(form.cell(code).unit)
        if unit is None or placed.units.get(code, unit) in captioned or cell is None:
            continue
        placed.regular = False  # of a zero it does not matter
        own = _money(cell.text) or {placed.units.get(code, unit)}
        printed = unicodedata.normalize("NFKC", cell.text)
        if not own & captioned and re.search("[1-9]", printed):
            raise Reject(
                "competing_readings",
                f"“{cell.text.strip()}” is in {'、'.join(own)} by its label or the form, and in "
                f"{'、'.join(sorted(captioned))} by the caption “{caption}”",
                cell.place,
            )


def _is_header(line: Line, lex: Lexicon, section: str) -> bool:
    """Whether a row without values is a header: its labels name columns or groups, and no row."""
    keys = [label for _, label in line.texts]
    rows = any(lex.meanings(k, section, "row") for k in keys)
    return not rows and any(names_column(k, lex, section) for k in keys)


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
        ordered, complete = order(header, names, "proactive", lex, start)
    placed.regular &= bool(row.codes) and row.regular(len(names))
    row = columns.without_erased_label(row, len(names))
    roomy = False
    if header_line is not None:  # the header's row has as much room behind the label of its rows
        begin, labelled = columns.begins(header, header_line)
        roomy = len(row.values) < len(header_line.cells) - begin + labelled
    columns.refuse_merged(row, len(names), grid_of)
    values = columns.simple(row, len(names), roomy=roomy)
    if complete and (values is None or len(row.values) != len(names)):
        under = columns.under_header(row, header, header_line, grid_of)
        crossed = values is not None and columns.crosses(row, values, header, header_line)
        if crossed or (values and under is not None and not columns.same(values, under)):
            raise unclear("and the cells below it can be read in two ways", row.line)
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


def _refuse_beside_header(rows: list[Row], header: Header, header_line: Line | None) -> None:
    """Refuses a number that stands where their header is blank, beside a row that keeps to it.

    No sum of this section tells whether blanks among numbers are the layout's, or the number is
    one too many; a row whose numbers all stand below labels says that the layout has none there.
    """
    strays = [
        not row.empty
        and any(
            cell.text.strip() and not head.text.strip()
            for pairs in columns.below(row, header, header_line)
            for head, cell in pairs
        )
        for row in rows
    ]
    kept = [not row.empty and not stray for row, stray in zip(rows, strays, strict=True)]
    if any(strays) and any(kept):
        row = rows[strays.index(True)]
        raise unclear("has no label above a number among blank cells", row.line)


def _money(label: str) -> set[str]:
    """The units of money that a label states, each as one word (千元 is not 元)."""
    joined = re.sub(r"\s+", "", unicodedata.normalize("NFKC", label))
    return set(re.findall(r"(?<!\d)(?<![十百千万亿])[十百千万亿]*元", joined))
