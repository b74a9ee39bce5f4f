"""Text that others have extracted from a report: tables as lines, in one of seven layouts.

Pipe rows (`a | b | c |`, `|a||b||c|`), tab rows, one cell per line with a tab before each cell and
a blank line after each row, columns aligned by spaces, rows of words one space apart, and between
the headings one cell per line, bare or parted from the next by a bar.
The layout is told from the whole document; recognition then sees rows like those of any table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise, takewhile
from math import gcd

from tasks.report.form import FORMS
from tasks.report.headings import heading_of
from tasks.report.labels import key, lexicon
from tasks.report.lines import Line, mark, vote
from tasks.report.model import Block, Paragraph, Place, Reject, Source, SourceCell, SourceRow
from tasks.report.stacked import rejoined

_COLUMNS = re.compile(r" {2,}|\u3000{2,}")
_RUNS = {"tabs": re.compile(r"\t+"), "pipes": re.compile(r"\|+")}
_RULE = re.compile(r"[|:\-\s]*-{3}[|:\-\s]*\Z")  # the line below a header in Markdown
_LINE = re.compile(r"[-—–_=─]{2,}\Z")  # a rule drawn across bare text
_ABOVE_999 = re.compile(r"[1-9]\d{3,8}")
_SENTENCE = re.compile(r".{2,}[。；;：:]\Z")  # no cell of the form ends so
_ALONE = re.compile(r"[\d,.]+\Z")
_BELOW_1000 = re.compile(r"[1-9]\d{0,2}")
_THREE_DIGITS = re.compile(r"\d{3}")
_END_OF_NUMBER = re.compile(r"0\d+")  # no figure is printed so
_MOST_LINES = 50_000
_LONGEST_LINE = 1_000_000  # some extractors leave a whole report on one line
_ENOUGH = 10  # lines that tell a layout
_LONGEST_ROW = 400  # characters of a row of words
_MOST_PAGES = 100  # no report has more; a larger number alone is no page's
_TABLE_SECTIONS = ("proactive", "requests", "review_litigation")


def source(text: str) -> Source:
    """The blocks of an extracted text, one `Place` per line."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(lines) > _MOST_LINES:
        raise Reject("too_large", f"the text has more than {_MOST_LINES:,} lines")
    if max(map(len, lines)) > _LONGEST_LINE:
        raise Reject("too_large", f"the text has a line of more than {_LONGEST_LINE:,} characters")
    layout = _layout(lines)
    if layout == "cells":
        blocks = _cells_by_tab(lines)
    elif layout == "bare":
        blocks = _bare(enumerate(lines, 1))
    elif layout == "barred":
        blocks = _bare(_barred(lines))
    elif layout == "words":
        blocks = _rows_by_word(lines)
    else:
        blocks = _rows_by_line(lines, layout)
    blocks = rejoined(blocks)
    found = Source("text", blocks)
    found.shows_columns = layout not in ("spaces", "words", "bare", "barred")
    if layout in ("words", "bare", "barred"):
        _refuse_broken_numbers(blocks)
    else:
        _refuse_torn_numbers(blocks, lines)
    # The last figures of a text that simply stops may be cut in the middle of a number.
    behind = list(takewhile(lambda b: isinstance(b, Paragraph) or not _of_table(b), blocks[::-1]))
    has_table = len(behind) < len(blocks)
    found.complete = not has_table or any(isinstance(b, Paragraph) for b in behind)
    return found


def _of_table(row: SourceRow) -> bool:
    return len(row.cells) > 1 or Line(row).filled


def _refuse_broken_numbers(blocks: list[Block]) -> None:
    """Refuses rows of section 二 in which a number may be broken: "3 608", or before a zero.

    Where a blank cell leaves nothing, the halves of a broken number can fill its place; the row
    looks full, and no sum can tell. A text that prints a whole number above 999 groups none.
    """
    rows = [block.cells for block in blocks if isinstance(block, SourceRow)]
    whole = any(_ABOVE_999.fullmatch(cell.text) for row in rows for cell in row)
    section: str | None = None
    for block in blocks:
        if isinstance(block, Paragraph):
            section = heading_of(block.text) or section
            continue
        if section != "proactive":
            continue
        for left, right in pairwise(block.cells):
            thousands = _BELOW_1000.fullmatch(left.text) and _THREE_DIGITS.fullmatch(right.text)
            if _END_OF_NUMBER.fullmatch(right.text) or (thousands and not whole):
                raise Reject(
                    "unplaced_number",
                    f"“{left.text} {right.text}” may be two figures or one broken at the space",
                    right.place,
                )


def _refuse_torn_numbers(blocks: list[Block], lines: list[str]) -> None:
    """Refuses a number alone on the line next to a row that begins or ends in one beside it: the
    two may be one, torn where its cell ended a line."""
    for above, below in pairwise(blocks):
        if isinstance(above, SourceRow) == isinstance(below, SourceRow):
            continue
        row, alone = (above, below) if isinstance(above, SourceRow) else (below, above)
        assert isinstance(row, SourceRow) and isinstance(alone, Paragraph)
        beside = row.cells[-1 if row is above else 0]
        if beside.place.line is None or _ALONE.match(alone.text) is None:
            continue
        ended = row is above and lines[beside.place.line - 1].rstrip().endswith("|")
        near = abs((alone.place.line or 0) - beside.place.line) == 1
        if near and not ended and mark(beside.text).kind == "n":
            raise Reject(
                "unplaced_number",
                f"“{alone.text}” stands alone beside “{beside.text}”, and may be a part of it",
                alone.place,
            )


def _layout(lines: list[str]) -> str:
    barred = [raw for raw in lines if "|" in raw]
    texts = [[part for part in raw.split("|") if part.strip()] for raw in barred]
    # Rows of cells; where the cells of a row stand on lines of their own, most bars do not.
    full = sum(len(parts) > 1 for parts in texts)
    lone = sum(len(parts) == 1 and mark(parts[0].strip()).kind in "nm" for parts in texts)
    if full < _ENOUGH <= len(barred) / 4 or lone >= 4 * _ENOUGH:
        return "barred"
    pipes = sum(1 for raw in barred if raw.count("|") >= 2)
    tabs = sum(1 for raw in lines if raw.count("\t") >= 2)
    cells = sum(1 for raw in lines if raw.startswith("\t") and raw.count("\t") == 1)
    spaced = sum(1 for raw in lines if len(_COLUMNS.findall(raw.strip())) >= 3)
    best = max((pipes, "pipes"), (tabs, "tabs"), (cells / 4, "cells"), (spaced, "spaces"))
    if best[0] < _ENOUGH:
        rows = (raw.strip() for raw in lines if len(raw) <= _LONGEST_ROW and raw[-1:].isascii())
        best = sum(_is_row_of_words(row.split(" ")) for row in rows), "words"
    return best[1] if best[0] >= _ENOUGH else "bare"


def _paragraph(raw: str, number: int) -> Paragraph:
    return Paragraph(raw.strip(), Place("text", line=number))


def _rows_by_line(lines: list[str], layout: str) -> list[Block]:
    """Tables with one row per line, cells apart by a separator."""
    blocks: list[Block] = []
    table = 0
    inside = False
    # A bar before every row is the table's border; before one row it ends a blank first cell.
    piped = [raw for raw in lines if raw.count("|") >= 2]
    bordered = sum(raw.lstrip().startswith("|") for raw in piped) * 5 >= len(piped) * 4
    between = _between(lines, layout) if layout in _RUNS else ""
    for number, raw in enumerate(lines, 1):
        if not raw.strip() or (layout == "pipes" and _RULE.match(raw)):
            continue
        if layout == "pipes":
            inner = raw.strip().removesuffix("|")
            cells = (inner.removeprefix("|") if bordered else inner).split(between)
            is_row = "|" in raw
        elif layout == "tabs":
            cells = raw.split(between)
            is_row = "\t" in raw
        else:
            cells = _COLUMNS.split(raw.strip())
            is_row = len(cells) > 1
        if not is_row or heading_of(raw.strip()) is not None:
            blocks.append(_paragraph(raw, number))
            inside = False
            continue
        table += not inside
        inside = True
        row = tuple(
            SourceCell(cell.strip(), Place("text", table=table, cell=i, line=number))
            for i, cell in enumerate(cells, 1)
        )
        blocks.append(SourceRow(row, table))
    return blocks


def _between(lines: list[str], layout: str) -> str:
    """What parts two cells: one tab or bar, or as many as all runs of them between texts have."""
    between = "\t" if layout == "tabs" else "|"
    runs = (len(run) for raw in lines for run in _RUNS[layout].findall(raw.strip().strip(between)))
    return between * (gcd(*runs) or 1)


def _rows_by_word(lines: list[str]) -> list[Block]:
    """Tables with one row per line, cells apart by one space: blank cells are lost in it.

    A line below one of the tables' headings is a row: the words before its values are one label,
    a line without values is a label per word.
    """
    blocks: list[Block] = []
    table = 0
    section: str | None = None
    for number, raw in enumerate(lines, 1):
        heading = heading_of(raw.strip())
        if heading is not None:
            section = heading
            table += heading in _TABLE_SECTIONS
        words = raw.split()
        if heading is not None or section not in _TABLE_SECTIONS or not words:
            if words:
                blocks.append(_paragraph(raw, number))
            continue
        values = _values_at_end(words)
        labels = words[: len(words) - len(values)]
        if values and labels:
            labels = ["".join(labels)]
        row = [
            SourceCell(text, Place("text", table=table, cell=i, line=number))
            for i, text in enumerate([*labels, *values], 1)
        ]
        blocks.append(SourceRow(tuple(row), table))
    return blocks


def _is_row_of_words(words: list[str]) -> bool:
    """Whether a line ends in values after a label, so that "3 452" in a cell is none."""
    values = len(_values_at_end(words))
    return 3 <= values < len(words)


def _values_at_end(words: list[str]) -> list[str]:
    """The numbers and marks that end a line."""
    begins = len(words)
    while begins and words[begins - 1] and mark(words[begins - 1]).kind in "nm":
        begins -= 1
    return words[begins:]


def _cells_by_tab(lines: list[str]) -> list[Block]:
    """One cell per line, each begun by a tab; lines without one go on with the cell."""
    blocks: list[Block] = []
    table = 0
    row_cells: list[SourceCell] = []
    cell: tuple[int, list[str]] | None = None  # line it began on, its lines
    ended = False

    def close_cell() -> None:
        nonlocal cell
        if cell is not None:
            number, parts = cell
            place = Place("text", table=table, cell=len(row_cells) + 1, line=number)
            row_cells.append(SourceCell("\n".join(parts).strip(), place))
            cell = None

    def close_row() -> None:
        close_cell()
        if row_cells:
            blocks.append(SourceRow(tuple(row_cells), table))
            row_cells.clear()

    inside = False
    for number, raw in enumerate(lines, 1):
        if raw.startswith("\t"):
            if not inside:
                table, inside = table + 1, True
            if ended:
                close_row()
            close_cell()
            cell, ended = (number, [raw.strip()]), False
        elif not raw.strip():
            ended = inside
        else:
            empty = cell is not None and not any(cell[1])
            goes_on = inside and cell is not None and (not ended or empty)
            if goes_on and empty and mark(raw.strip()).kind in "nmc":
                raise Reject(
                    "unplaced_number",
                    f"“{raw.strip()}” stands on a line of its own between the cells",
                    Place("text", line=number),
                )
            if goes_on and heading_of(raw.strip()) is None:
                assert cell is not None
                cell[1].append(raw.strip())
                ended = False
            else:
                close_row()
                inside = ended = False
                blocks.append(_paragraph(raw, number))
    close_row()
    return blocks


def _barred(lines: list[str]) -> Iterator[tuple[int, str]]:
    """One cell per line, parted from the next by a bar before it, behind it or on a line between:
    the cells and headings with the lines they begin on. What stands between two bars is one cell.

    A row that is short of the widest is filled up with bars, like one that ends in blank cells.
    """
    section: str | None = None
    begun, parts = 0, list[str]()
    for number, raw in enumerate(lines, 1):
        heading = heading_of(raw.strip())
        section = heading or section
        alone = heading is not None or section not in _TABLE_SECTIONS or _is_sentence(raw.strip())
        for i, part in enumerate([raw] if alone else raw.split("|")):
            if parts and (i or alone):
                yield begun, "\n".join(parts)
                parts = []
            if alone:
                yield number, raw
            elif part.strip():
                begun = begun if parts else number
                parts.append(part.strip())
    if parts:
        yield begun, "\n".join(parts)


def _is_sentence(text: str) -> bool:
    """Whether a line among bare cells is said about a table, and no cell of it."""
    if _SENTENCE.match(text) is None:
        return False
    kind, label = mark(text)
    return kind == "t" and vote((label,)) is None


def _bare(cells: Iterable[tuple[int, str]]) -> list[Block]:
    """Cells in reading order with the line of each, and nothing that parts the rows: between the
    table headings a label after a value begins one. Blank cells are lost in such a text, so only
    full rows can be read.

    Of the labels before values, those from the last row label on belong to the row; what stands
    before is header, and becomes rows of its own.
    """
    blocks: list[Block] = []
    table = 0
    section: str | None = None
    labels: list[SourceCell] = []
    values: list[SourceCell] = []

    def close() -> None:
        nonlocal labels, values
        begins = _row_label(labels, section or "") if values else len(labels)
        blocks.extend(SourceRow((cell,), table) for cell in labels[:begins])
        if values:
            blocks.append(SourceRow((*labels[begins:], *values), table))
        labels, values = [], []

    for number, raw in cells:
        text = raw.strip()
        if not text or _LINE.match(text):
            continue
        heading = heading_of(text)
        if heading is not None:
            close()
            section = heading
            table += heading in _TABLE_SECTIONS
        if heading is not None or section not in _TABLE_SECTIONS:
            if text.isdigit() and int(text[:9]) <= _MOST_PAGES:
                raise Reject(
                    "unplaced_number",
                    f"“{text}” stands alone between paragraphs, like a page number; among bare "
                    "cells one could not be told from a value",
                    Place("text", line=number),
                )
            blocks.append(_paragraph(raw, number))
            continue
        if _is_sentence(text):
            close()
            blocks.append(_paragraph(raw, number))
            continue
        cell = SourceCell(text, Place("text", table=table, line=number))
        if mark(text).kind in "nmc":
            values.append(cell)
        else:
            if values:
                close()
            labels.append(cell)
    close()
    return blocks


def _row_label(labels: list[SourceCell], section: str) -> int:
    """Where the row label begins among the labels before values; their number when nowhere."""
    row_keys = {k for name in FORMS for k in lexicon(name).codes[section, "row"]}
    for pieces in (1, 2, 3):  # a label may be wrapped over lines
        begins = len(labels) - pieces
        if begins >= 0 and key("".join(c.text for c in labels[begins:])) in row_keys:
            return begins
    return len(labels)
