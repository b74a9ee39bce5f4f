"""Table rows as evidence: what each cell is, and which rows make up which statutory section.

A page may hold its three statutory tables in three tables, in one, in pieces, nested in layout
tables, or twice. Rows are therefore taken as one stream and cut by their labels into copies of
sections; a table that shows no statutory label is none of ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from tasks.report.headings import heading_of
from tasks.report.labels import key, section_of, section_of_label
from tasks.report.model import Block, Paragraph, SourceRow
from tasks.report.numbers import MARKS, UNPRINTED, looks_numeral, looks_numeric

_ASCII_NUMBER = re.compile(r"\d{1,9}\Z")
# What gives the unit of a table's amounts outside its labels: “（单位：件、万元）”.
_STATES_UNIT = re.compile(r"单\s*位.{0,12}元")
_FEW_REQUESTS = 20  # lines that no copy of section 三 does without
_CAPTION = 40  # no caption has more characters
_PROSE = 60  # a cell with more characters than this and no label is prose in a layout table


class Mark(NamedTuple):
    """One cell of a line: b(lank), n(umber), m(ark), t(ext), c(hinese numeral) or x (noise)."""

    kind: str
    key: str


_BLANK, _NUMBER, _MARK, _NOISE = Mark("b", ""), Mark("n", ""), Mark("m", ""), Mark("x", "")


class Line:
    """One table row with what each of its cells is."""

    __slots__ = ("cells", "filled", "kinds", "labels", "table", "texts")

    def __init__(self, row: SourceRow) -> None:
        marks = [mark(cell[0]) for cell in row[0]]
        self.cells, self.table = row
        self.kinds = kinds = "".join([m[0] for m in marks])  # e.g. "tnnnnnnn"
        self.filled = "n" in kinds or "m" in kinds  # a number or a mark
        # The keys of the cells that hold text, and with their positions.
        end = kinds.rfind("t") + 1
        self.texts = tuple([(i, m[1]) for i, m in enumerate(marks[:end]) if m[0] == "t"])
        self.labels = tuple([label for _, label in self.texts])

    def without_first(self) -> Line:
        """The same row without its first cell."""
        return Line(SourceRow(self.cells[1:], self.table))


@dataclass(slots=True)
class Copy:
    """One occurrence of a statutory section: its lines in page order."""

    section: str
    lines: list[Line] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    ended: bool = False  # the section's last row has been seen
    caption: str = ""  # what is said above it, or in it, of the unit of amounts
    counted: bool = False  # whether a column or row that only counts was left out


@lru_cache(maxsize=16384)
def mark(text: str) -> Mark:
    """What one cell is."""
    if _ASCII_NUMBER.match(text):
        return _NUMBER
    stripped = text.strip()
    if not stripped:
        return _BLANK
    if stripped in MARKS:
        return _MARK
    if looks_numeric(stripped):
        return _NUMBER
    label = key(stripped)
    if not label:
        return _BLANK if not stripped.strip(UNPRINTED + "\xa0\u3000 ") else _NOISE
    if looks_numeral(stripped):
        return Mark("c", label)
    return Mark("t", label)


# Labels that only the first rows, and only the last row, of a section carry.
_FIRST = {
    "proactive": {key("第二十条第（一）项"), key("规章")},
    "requests": {key("一、本年新收政府信息公开申请数量")},
    "review_litigation": {key("行政复议")},
}
_LAST = {
    "proactive": {key("行政事业性收费")},
    "requests": {key("四、结转下年度继续办理")},
}


def copies(blocks: list[Block]) -> dict[str, list[Copy]]:
    """The occurrences of each statutory section, in page order.

    On a page with all three statutory headings only what stands below one of them counts, and
    whole copies elsewhere: reports compare years and places in tables of their own, with the same
    words, below other headings.
    """
    # Rows, captions, and None where a heading parts them; below a statutory heading or not.
    rows: dict[bool, list[SourceRow | str | None]] = {True: [], False: []}
    every: list[SourceRow | str | None] = []
    headings: set[str] = set()
    below = False
    for block in blocks:
        if isinstance(block, Paragraph):
            row, heading = None, heading_of(block.text)
        else:
            row, heading = block, row_heading(block)
        if heading is not None:
            headings.add(heading)
            below = heading in _FIRST
            for stream in (every, rows[True], rows[False]):
                stream.append(None)
        elif (part := row or caption(block)) is not None:
            every.append(part)
            rows[below].append(part)
    if headings >= set(_FIRST) and len(found := _copies(rows[True])) == len(_FIRST):
        for section, others in _copies(rows[False]).items():
            found[section] += [c for c in others if _is_whole(c)]
    else:
        found = _copies(every)
    return found


def _is_whole(copy: Copy) -> bool:
    """Whether a copy is more than some rows of its section in a comparison."""
    few = copy.section == "requests" and len(copy.lines) < _FEW_REQUESTS
    return copy.ended and not few and bool(copy.seen & _FIRST[copy.section])


def row_heading(row: SourceRow) -> str | None:
    """The section that a row of one text is the heading of."""
    first, *others = row.cells
    heading = heading_of(first.text.strip())
    if heading is None or any(cell.text for cell in others):
        return None
    return heading


def caption(block: Block) -> str | None:
    """A paragraph, or a row of one text, that gives the unit of amounts."""
    if isinstance(block, Paragraph):
        said = block.text
    else:
        texts = [cell.text for cell in block.cells if cell.text]
        said = texts[0] if len(texts) == 1 else ""
    return said.strip() if "元" in said and _is_caption(said) else None


def _is_caption(text: str) -> bool:
    said = text.strip()
    if len(said) > _CAPTION or _STATES_UNIT.search(said) is None:
        return False
    return section_of(key(said)) is None


def _copies(stream: list[SourceRow | str | None]) -> dict[str, list[Copy]]:
    """The copies that a stream of rows makes, None where a heading parts them."""
    found: dict[str, list[Copy]] = {}
    current: Copy | None = None
    waiting: list[Line] = []  # rows with values above the first known row of their table
    above = ""  # captions above the next copy
    for row in stream:
        if row is None:
            current, waiting, above = None, [], ""
            continue
        said = row if isinstance(row, str) else caption(row)
        if said is not None and current is not None:
            current.caption += said
        elif said is not None:
            above += said
        if isinstance(row, str):
            continue
        here = Line(row)
        if waiting and waiting[-1].table != here.table:
            waiting = []
        texts = here.labels
        section = vote(texts) if texts else None
        if section is not None:
            if current is None or current.section != section or _restarts(current, here):
                current = _reopen(found, section, here)
                current.caption, above = current.caption + above, ""
            for before in waiting:
                _add(current, before)
            waiting = []
            _add(current, here)
        elif not texts and current is not None and _continues(current, here):
            _add(current, here)
        elif texts and current is not None and current.lines[-1].table == here.table:
            if here.filled or not current.ended:
                _add(current, here)
        else:
            if texts:
                current = None
            if here.filled:
                waiting.append(here)
    return found


@lru_cache(maxsize=8192)
def vote(texts: tuple[str, ...]) -> str | None:
    """The section that a row's labels name; None when none of them does, or they disagree."""
    known = section_of_label()
    votes: dict[str, int] = {}
    for label in texts:
        if (section := known.get(label)) is not None:
            votes[section] = votes.get(section, 0) + 1
    if not votes:
        for label in [*texts, "".join(texts)] if len(texts) > 1 else texts:
            if len(label) <= _PROSE and (near := section_of(label)) is not None:
                votes[near] = votes.get(near, 0) + 1
    if not votes:
        return None
    if len(votes) == 1:
        return next(iter(votes))
    best = max(votes.values())
    leaders = [s for s, n in votes.items() if n == best]
    return leaders[0] if len(leaders) == 1 else None


def _continues(current: Copy, here: Line) -> bool:
    """Whether a row without labels belongs to the section above it."""
    if current.lines[-1].table == here.table:
        return True
    return not current.ended and here.filled


def _restarts(current: Copy, here: Line) -> bool:
    """Whether this row begins another copy of the section it belongs to."""
    again = current.seen.intersection(here.labels)
    if again & _FIRST[current.section]:
        # A header repeated on the next page of a table is no new copy; its first row is.
        return current.ended or here.filled
    return current.section == "requests" and current.ended and not here.filled and bool(again)


def _reopen(found: dict[str, list[Copy]], section: str, here: Line) -> Copy:
    """The open copy that this row goes on with, or a new one."""
    known = found.setdefault(section, [])
    if known and not _restarts(known[-1], here):
        return known[-1]
    known.append(Copy(section))
    return known[-1]


def _add(copy: Copy, here: Line) -> None:
    copy.lines.append(here)
    copy.seen.update(here.labels)
    if copy.section == "review_litigation":
        copy.ended |= here.filled
    else:
        copy.ended |= not _LAST[copy.section].isdisjoint(here.labels)
