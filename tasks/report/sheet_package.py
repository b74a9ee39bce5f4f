"""What python-calamine does not tell of an XLSX: how large a sheet unfolds, what a person sees.

calamine unfolds a sheet from its first to its last cell in memory: two cells in opposite corners
are 17 thousand million. It reads a formula that was never computed, and an error, as an empty cell,
and it does not say which rows and columns are hidden. A number must not turn into a blank, nor a
hidden number into a published one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lxml import etree

from tasks.report.docx_package import Package, value
from tasks.report.model import UNSURE, Place, Reject
from tasks.report.sheet_formats import PLAIN, Style, styles

MOST_SQUARES = 500_000
LAST_COLUMN = 16_384
_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")


@dataclass(slots=True)
class SheetFacts:
    """Rows and columns count from 0."""

    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    texts: dict[tuple[int, int], str] = field(default_factory=dict)  # in place of calamine's


def facts(package: Package) -> dict[str, SheetFacts]:
    """What to know of each sheet, by its name, before calamine reads it."""
    workbook = package.part("xl/workbook.xml")
    if workbook is None:
        raise Reject("unsupported", "the workbook is not in XML (XLSB), or there is none")
    package.verify(name for name in package.names() if name.startswith("xl/"))
    targets = {
        identity: path
        for identity, _, path in package.relations("xl/_rels/workbook.xml.rels", "xl")
    }
    shown = styles(package.part("xl/styles.xml"))
    found: dict[str, SheetFacts] = {}
    squares = 0
    for element in workbook.iter():
        if _local(element) != "sheet":
            continue
        root = package.part(targets.get(value(element, "id") or "", ""))
        number = len(found) + 1
        if root is not None:
            sheet, unfolded = _facts(root, shown)
            squares += unfolded
            if squares > MOST_SQUARES:
                raise Reject("too_large", "the sheets are too large", Place("sheet", number))
            found[value(element, "name") or ""] = sheet
    return found


def _facts(root: etree._Element, shown: list[Style]) -> tuple[SheetFacts, int]:
    sheet = SheetFacts()
    top = bottom = right = -1
    row = column = -1
    for element in root.iter():
        kind = _local(element)
        if kind == "row":
            row = _int(value(element, "r"), row + 2) - 1
            column = -1
            if value(element, "hidden") in ("1", "true"):
                sheet.hidden_rows.add(row)
        elif kind == "c":
            row, column = _position(value(element, "r"), row, column + 1)
            top = row if top < 0 else min(top, row)
            bottom, right = max(bottom, row), max(right, column)
            text = _unread(element)
            text = _doubtful(element, shown) if text is None else text
            if text is not None:
                sheet.texts[row, column] = text
        elif kind == "col" and value(element, "hidden") in ("1", "true"):
            first, last = _int(value(element, "min"), 1), _int(value(element, "max"), 1)
            sheet.hidden_columns.update(range(first - 1, min(last, LAST_COLUMN)))
    return sheet, (bottom + 1) * (right + 1)


def _unread(cell: etree._Element) -> str | None:
    """The text of a cell that calamine takes for empty although it shows something."""
    children = {_local(element): element.text or "" for element in cell}
    shown = children.get("v", "").strip()
    if value(cell, "t") == "e":
        return shown or "#ERROR"
    if "f" in children and not shown and "is" not in children and value(cell, "t") != "str":
        return "=" + children["f"]  # never computed: what a person would see is not known
    return None


def _doubtful(cell: etree._Element, shown: list[Style]) -> str | None:
    """The text of a cell that shows something else than its value, marked."""
    number = _int(value(cell, "s"), 0)
    style = shown[number] if number < len(shown) else PLAIN
    written = next((e.text or "" for e in cell if _local(e) in ("v", "is")), "").strip()
    is_number = value(cell, "t") in (None, "n")
    if (written or not is_number) and style.doubtful(written, number=is_number):
        return UNSURE + (written if is_number else "")
    return None


def _position(reference: str | None, row: int, column: int) -> tuple[int, int]:
    match = _REFERENCE.fullmatch(reference or "")
    if not match:
        return max(row, 0), column
    number = 0
    for letter in match[1]:
        number = number * 26 + ord(letter) - 64
    return int(match[2]) - 1, number - 1


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _int(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 8 else default
