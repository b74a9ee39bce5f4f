"""Labels that a text broke over its lines, put together again.

A narrow cell sets its label on two or three lines. Where a text keeps these lines, the row itself
ends within the cell (“商业” and below it “企业 | 科研”), or the lines of a row's cells stand above
one another (“商业 | 科研 | 其他” and below it “企业 | 机构”).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from tasks.report.labels import key, sections_of_labels
from tasks.report.lines import mark
from tasks.report.model import Block, SourceCell, SourceRow

_MOST_CELLS = 30  # of a row; no statutory table is as wide
_LONGEST = 40  # characters of a label's beginning


def rejoined(blocks: list[Block]) -> list[Block]:
    """The blocks; what only goes on with labels of the row above is one row with it."""
    out: list[Block] = []
    for block in blocks:
        whole = (_whole(out[-1], block) or _gone_on(out[-1], block)) if out else None
        if whole is None:
            out.append(block)
        else:
            out[-1] = whole
    return out


def _gone_on(above: Block, below: Block) -> SourceRow | None:
    """Both as one row, where the first cell below goes on with the last label above."""
    last = above.cells[-1].text if isinstance(above, SourceRow) else above.text
    if key(last) not in _beginnings():
        return None
    tables = [block.table for block in (above, below) if isinstance(block, SourceRow)]
    *before, begun = _cells(above)
    first, *behind = _cells(below)
    text = _joined(last, first.text) if tables else None
    return SourceRow((*before, SourceCell(text, *begun[1:]), *behind), tables[-1]) if text else None


def _cells(block: Block) -> tuple[SourceCell, ...]:
    return block.cells if isinstance(block, SourceRow) else (SourceCell(block.text, block.place),)


def _whole(above: Block, below: Block) -> SourceRow | None:
    """Both rows as one, where there is one way of giving each text below to a label above that it
    goes on with, in their order, and no label above stays broken off."""
    if not isinstance(above, SourceRow) or not isinstance(below, SourceRow):
        return None
    pieces = [cell.text for cell in below.cells if cell.text]
    if above.table != below.table or not pieces or mark(pieces[-1]).kind != "t":
        return None
    if len(above.cells) > _MOST_CELLS:
        return None
    ways: dict[int, list[str] | None] = {0: []}  # by pieces used; None where there are several
    for cell in above.cells:
        found: dict[int, list[str] | None] = {}
        for used, way in ways.items():
            for text, more in _readings(cell.text, pieces[used : used + 1]):
                several = way is None or used + more in found
                found[used + more] = None if several else [*(way or ()), text]
        ways = found
    whole = ways.get(len(pieces))
    if whole is None:
        return None
    cells = zip(above.cells, whole, strict=True)
    return SourceRow(tuple(SourceCell(text, *cell[1:]) for cell, text in cells), above.table)


def _readings(text: str, piece: list[str]) -> Iterator[tuple[str, int]]:
    """What a cell may read, and how many of the pieces it takes: with the next, or as it is."""
    joined = _joined(text, piece[0]) if piece else None
    if joined:
        yield joined, 1
    label = key(text)
    if label not in _beginnings() or label in sections_of_labels():
        yield text, 0


def _joined(label: str, piece: str) -> str | None:
    """A label with what may go on with it; None when that makes no label, nor begins one."""
    if len(label) > _LONGEST or key(label) not in _beginnings() or mark(piece).kind != "t":
        return None
    joined = f"{label}\n{piece}"
    known = sections_of_labels()
    if key(joined) in known:
        return None if key(label) in known and key(piece) in known else joined
    return joined if key(joined) in _beginnings() and key(piece) not in known else None


@cache
def _beginnings() -> frozenset[str]:
    """The proper beginnings of the labels of both forms."""
    return frozenset(label[:n] for label in sections_of_labels() for n in range(1, len(label)))
