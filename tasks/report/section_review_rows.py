"""Section 四 where every row of figures says what it is.

A row is one of the five outcomes (below its block's heading, or across the three blocks), or one of
the three blocks (below a header of the five outcomes). Each figure has one place, and spans are not
asked: a row's figures are the cells behind its last label.
"""

from __future__ import annotations

from tasks.report.column_order import likeness_to
from tasks.report.labels import Lexicon
from tasks.report.lines import Line
from tasks.report.model import Reject, SourceCell

_SECTION = "review_litigation"
_BLOCKS = {
    "review": "reconsideration",
    "litigation_direct": "litigation_direct",
    "litigation_after_review": "litigation_after_review",
}
_FIVE = 5


def rows_name_themselves(lines: list[Line], lex: Lexicon) -> bool:
    """Whether several rows have figures, and each of them is named by a label."""
    filled = [line for line in lines if line.filled]
    return len(filled) > 1 and all(any(_named(line, lex)[:2]) for line in filled)


def by_rows(lines: list[Line], lex: Lexicon, codes: list[str]) -> dict[str, SourceCell | None]:
    """The source cell of every code. Rejects what has no label, no place or another's place."""
    cells: dict[str, SourceCell | None] = {}
    block: str | None = None  # that the rows below stand in
    across: list[str] = []  # blocks, or outcomes, that a header names side by side

    def put(of: str, column: str, cell: SourceCell | None, line: Line) -> None:
        code = f"{_SECTION}.{of}.{column}"
        if code in cells:
            raise _open(f"gives {code} twice", line)
        cells[code] = cell

    for line in lines:
        blocks, columns, unknown = _named(line, lex)
        if unknown:
            text = unknown[0].text.strip()[:80]
            raise Reject("unknown_label", f"“{text}” is no label of section 四", unknown[0].place)
        begins = line.texts[-1][0] + 1 if line.texts else 0
        values, kinds = line.cells[begins:], line.kinds[begins:]
        if "n" in line.kinds[:begins] or "c" in line.kinds or "x" in line.kinds:
            raise _open("has figures among its labels", line)
        if len(columns) > 1:
            if line.filled or blocks or len(set(columns)) != _FIVE or len(columns) != _FIVE:
                raise _open("does not name the five outcomes once each", line)
            across = columns
        elif columns and across and across[0] in _BLOCKS.values():
            if len(across) != len(_BLOCKS) or len(values) != len(across) or blocks:
                raise _open("has another number of cells than there are blocks", line)
            for of, value in zip(across, values, strict=True):
                put(of, columns[0], value, line)
        elif columns:
            block = _one(blocks, line) if blocks else block
            last = lex.group_of(line.texts[-1][1], _SECTION)
            if block is None or last is not None or not values or kinds[1:].strip("b"):
                raise _open("stands below no block, or has not one figure behind its label", line)
            put(block, columns[0], values[0], line)
        elif line.filled or (blocks and len(values) == len(across) == _FIVE):
            if len(across) != _FIVE or len(values) != _FIVE:
                raise _open("does not have a cell for each of the five outcomes", line)
            for column, value in zip(across, values, strict=True):
                put(_one(blocks, line), column, value, line)
        elif len(blocks) > 1:  # a header of blocks, in one line or in two
            across = [*(a for a in across if a in _BLOCKS.values()), *_leaves(blocks)]
            if across != list(_BLOCKS.values())[: len(across)] or "litigation" in blocks[:1]:
                raise _open("names the blocks in another order than the form", line)
        elif blocks:
            block = next(iter(_leaves(blocks)), None)
            across = []
    if missing := [code for code in codes if code not in cells]:
        raise Reject(
            "missing_rows",
            f"the table of reviews and litigation has no place for {missing[0]}",
            lines[-1].cells[0].place,
        )
    return cells


def _named(line: Line, lex: Lexicon) -> tuple[list[str], list[str], list[SourceCell]]:
    """The blocks and the outcomes that a line's labels name, and the labels that name neither."""
    blocks: list[str] = []
    columns: list[str] = []
    unknown: list[SourceCell] = []
    for at, label in line.texts:
        if (group := lex.group_of(label, _SECTION)) is None:
            # A garbled label may be like one outcome: every outcome of a block stands there once.
            fit = {c: likeness_to(label, _SECTION, c, lex) for s, c in lex.columns if s == _SECTION}
            best = [c for c, likeness in fit.items() if likeness == max(fit.values()) > 0]
            if len(best) == 1:
                columns += best
            else:
                unknown.append(line.cells[at])
        elif group != "note":
            blocks.append(group)
    return blocks, columns, unknown


def _leaves(blocks: list[str]) -> list[str]:
    return [_BLOCKS[b] for b in blocks if b in _BLOCKS]


def _one(blocks: list[str], line: Line) -> str:
    """The block that a row names; 行政诉讼 may stand before either of its two."""
    leaves = _leaves(blocks)
    if len(leaves) != 1 or ("litigation" in blocks and leaves == ["reconsideration"]):
        raise _open("names no single block", line)
    return leaves[0]


def _open(what: str, line: Line) -> Reject:
    said = " | ".join(c.text.strip().replace("\n", "") for c in line.cells)[:120]
    return Reject("competing_readings", f"a row of section 四 {what}: {said}", line.cells[0].place)
