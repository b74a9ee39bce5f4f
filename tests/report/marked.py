"""A rendered page as a tree whose statutory cells are marked with what they were made as.

Mutations change the tree, `tests.report.shown` says what it then prints, and `page` takes the
marks off again: the reader never sees them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lxml import html

from tests.publisher import layouts
from tests.publisher.document import document
from tests.publisher.figures import Figures
from tests.publisher.form import Form
from tests.publisher.tables import TableCell

Element = Any  # lxml-stubs know html elements only in part
_MARKS = ("data-role", "data-code", "data-section", "data-for")
_ROLES = {
    "申请人情况": "title",
    "信息内容": "title",
    "行政复议": "title",
    "行政诉讼": "title",
    "法人或其他组织": "organisations",
    "未经复议直接起诉": "block",
    "复议后起诉": "block",
}
_OUTER = {0: 0, 1: 6}  # the header's first two leaves in source order are the outer columns


@dataclass(slots=True)
class Marked:
    """The tree of one page; `tables` are its three statutory tables."""

    form: Form
    root: Element
    tables: list[Element]

    def rows(self) -> list[Element]:
        """The rows of the statutory tables."""
        return [row for table in self.tables for row in table.iter("tr")]

    def cells(self, *roles: str) -> list[Element]:
        """The cells with one of these roles: value, row, leaf, group or clause."""
        found = (cell for table in self.tables for cell in table.iter("td"))
        return [cell for cell in found if cell.get("data-role") in roles]

    def page(self) -> bytes:
        """The page without the marks."""
        copy = html.fromstring(html.tostring(self.root, encoding="unicode"))
        for element in copy.iter("td", "table"):
            for name in _MARKS:
                if name in element.attrib:
                    del element.attrib[name]
        text: str = html.tostring(copy, encoding="unicode", doctype="<!DOCTYPE html>")
        return text.encode()


def text_of(cell: Element) -> str:
    """What a cell prints, without any space."""
    return "".join("".join(cell.itertext()).split())


def marked(figures: Figures, body: str, seed: int) -> Marked:
    """The page of these figures in one body, each statutory cell with its role."""
    whole = document(figures, seed=seed)
    root = html.fromstring(layouts.html(whole, body, "bare"))
    tables = list(root.iter("table"))[-3:]
    for table, model in zip(tables, whole.tables, strict=True):
        table.set("data-section", model.section)
        block = leaves = 0
        for tr, row in zip(table.iter("tr"), model.rows, strict=True):
            filled = any(cell.code for cell in row)
            for element, cell in zip(tr.iter("td"), row, strict=True):
                role = _role(model.section, cell, row, filled)
                element.set("data-role", role)
                if role == "clause":  # a clause begins another block
                    block, leaves = block + 1, 0
                elif role == "leaf":
                    at = leaves
                    if model.section == "requests":
                        at = _OUTER.get(leaves, leaves - 1)
                    element.set("data-for", f"{block}:{at}")
                    leaves += 1
                elif cell.code:
                    element.set("data-code", cell.code)
    return Marked(figures.form, root, tables)


def _role(section: str, cell: TableCell, row: list[TableCell], filled: bool) -> str:
    if cell.code:
        return "value"
    if filled:
        return "row" if cell is [c for c in row if not c.code][-1] else "group"
    if section == "proactive" and len(row) == 1:
        return "clause"
    return "title" if "勾稽关系" in cell.text else _ROLES.get(cell.text, "leaf")
