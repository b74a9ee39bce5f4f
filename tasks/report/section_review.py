"""Section 四, 行政复议、行政诉讼情况: three blocks of five, in one row or in one row each.

Where the rows have labels of their own, `section_review_rows` reads them.
"""

from __future__ import annotations

from tasks.report import columns
from tasks.report.align import Row, data_row
from tasks.report.column_order import order
from tasks.report.columns import GridOf
from tasks.report.form import StatutoryForm
from tasks.report.labels import Lexicon, lexicon
from tasks.report.lines import Copy, Line
from tasks.report.model import Reject
from tasks.report.pieces import together
from tasks.report.placed import ENOUGH, Header, Placed, labelled, without_trailing_notes
from tasks.report.section_review_rows import by_rows, rows_name_themselves


def review_litigation(copy: Copy, form: StatutoryForm, grid_of: GridOf) -> Placed:
    """Section 四: three blocks of five side by side, in one row, or in one row each."""
    lex = lexicon(form.name)
    form_rows = form.sections["review_litigation"]
    five = [cell.column for cell in form_rows[0].cells]
    codes = [cell.code for row in form_rows for cell in row.cells]
    lines = without_trailing_notes(copy.lines)
    if rows_name_themselves(lines, lex):
        return Placed(by_rows(lines, lex, codes))
    parts: list[tuple[list[Line], Row]] = []
    header: list[Line] = []
    for line in lines:
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
        ordered, complete = _five_by_five(leaves, five, count, lex)
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
            placed.cells[f"review_litigation.{block}.{ordered[i]}"] = value
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
    labels = [pair for line in header for pair in labelled(line)]
    named = [(pair, lex.group_of(pair[1], "review_litigation")) for pair in labels]
    blocks = [code for _, code in named if code is not None and code != "note"]
    leaves = [pair for pair, code in named if code is None]
    if len(leaves) > 15 and len(header) > 1:
        # Labels cut over two lines by text extraction: a later line that has all fifteen is whole.
        for line in reversed(header):
            own = [(c, k) for c, k in labelled(line) if (c, k) in leaves]
            if len(own) == 15:
                return own, blocks
    return leaves, blocks


def _five_by_five(
    leaves: Header, five: list[str], count: int, lex: Lexicon
) -> tuple[list[str], bool]:
    """The columns of each block of five, in the order of the header's labels."""
    ordered: list[str] = []
    complete = len(leaves) == count
    if complete:
        for start in range(0, count, 5):
            block, full = order(leaves[start : start + 5], five, "review_litigation", lex)
            ordered += block
            complete &= full
        return ordered, complete
    expected = five * (count // 5)
    if 0 < len(leaves) < ENOUGH * (count // 5):
        where = leaves[0][0].place
        raise Reject("competing_readings", "the header has lost most of its labels", where)
    if leaves:
        order(leaves, expected, "review_litigation", lex)
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
