"""What the readers of the three statutory sections give, and what they share."""

from __future__ import annotations

from dataclasses import dataclass, field

from tasks.report.column_order import compatible
from tasks.report.labels import Lexicon
from tasks.report.lines import Line
from tasks.report.model import Reject, SourceCell

Header = list[tuple[SourceCell, str]]
ENOUGH = 3  # labels of a block of five from which, side by side, the lost ones can be told


@dataclass(slots=True)
class Placed:
    """The cells of one section, the amounts' printed unit, and how sure the columns are."""

    cells: dict[str, SourceCell | None] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)  # cell code -> 元 or 万元, as printed
    header_complete: bool = True
    unsure_rows: set[str] = field(default_factory=set)  # placed only as other rows are
    regular: bool = True  # whether labels and order placed every cell, and no number had a say


def labelled(line: Line) -> Header:
    """The cells of a line that hold text, each with its key."""
    return [(line.cells[i], label) for i, label in line.texts]


def without_trailing_notes(lines: list[Line]) -> list[Line]:
    """Drops text-only rows after the last row that holds values."""
    end = len(lines)
    while end and not lines[end - 1].filled and len(lines[end - 1].cells) == 1:
        end -= 1
    return lines[:end]


def names_column(label: str, lex: Lexicon, section: str) -> bool:
    """Whether a label names a column or a group of columns, or could be what is left of one."""
    if lex.meanings(label, section, "column") or lex.meanings(label, section, "group"):
        return True
    return any(compatible(label, section, code, lex) for s, code in lex.columns if s == section)


def unclear(what: str, line: Line) -> Reject:
    """The refusal of a header that can be read in several ways."""
    return Reject("competing_readings", f"the header {what}", line.cells[0].place)
