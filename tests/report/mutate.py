"""Damage to the tree of a rendered page: cells, rows, columns, spans, labels and digits.

Each mutation changes the page as an editor, a template or an extraction does by mistake; what the
page prints afterwards is for `tests.report.shown` to tell.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from random import Random

from tests.report.marked import Element, Marked, text_of

Mutation = Callable[[Marked, Random], None]


def _write(cell: Element, text: str) -> None:
    """Prints another text in a cell, in a paragraph where it had one."""
    inside = cell if len(cell) == 0 else next(iter(cell.iter("p")), cell)
    for child in list(cell):
        if child is not inside:
            cell.remove(child)
    for child in list(inside):
        inside.remove(child)
    inside.text = text


def _trade(one: Element, two: Element) -> None:
    """Two cells trade what they print; their spans and roles stay."""
    contents = [(cell.text, list(cell)) for cell in (one, two)]
    for cell, (text, children) in zip((two, one), contents, strict=True):
        for child in list(cell):
            cell.remove(child)
        cell.text = text
        cell.extend(children)


def _exchange(one: Element, two: Element) -> None:
    """Two elements trade their places in the tree."""
    mark = one.makeelement("td")
    two.getparent().replace(two, mark)
    one.getparent().replace(one, two)
    mark.getparent().replace(mark, one)


def _row_of(cell: Element) -> Element:
    return cell.getparent()


def _double(element: Element) -> None:
    element.addnext(deepcopy(element))


def drop_value(page: Marked, rng: Random) -> None:
    cell = rng.choice(page.cells("value"))
    _row_of(cell).remove(cell)


def double_value(page: Marked, rng: Random) -> None:
    _double(rng.choice(page.cells("value")))


def swap_values(page: Marked, rng: Random) -> None:
    _trade(*rng.sample(page.cells("value"), 2))


def drop_label(page: Marked, rng: Random) -> None:
    cell = rng.choice(page.cells("row", "leaf", "group", "clause", "title"))
    _row_of(cell).remove(cell)


def double_label(page: Marked, rng: Random) -> None:
    _double(rng.choice(page.cells("row", "leaf", "group", "title")))


def drop_row(page: Marked, rng: Random) -> None:
    row = rng.choice(page.rows())
    row.getparent().remove(row)


def double_row(page: Marked, rng: Random) -> None:
    _double(rng.choice(page.rows()))


def swap_rows(page: Marked, rng: Random) -> None:
    _exchange(*rng.sample(list(rng.choice(page.tables).iter("tr")), 2))


def swap_next_rows(page: Marked, rng: Random) -> None:
    rows = list(rng.choice(page.tables).iter("tr"))
    if len(rows) > 1:
        at = rng.randrange(len(rows) - 1)
        _exchange(rows[at], rows[at + 1])


def _column(page: Marked, rng: Random) -> list[Element]:
    """The cells of one column of a block: its leaf and what stands under it."""
    leaf = rng.choice(page.cells("leaf"))
    table = next(leaf.iterancestors("table"))
    block, at = leaf.get("data-for").split(":")
    cells = [leaf]
    clause = 0
    for row in table.iter("tr"):
        clause += any(c.get("data-role") == "clause" for c in row)
        values = [c for c in row if c.get("data-role") == "value"]
        if clause == int(block) and int(at) < len(values):
            cells.append(values[int(at)])
    return cells


def drop_column(page: Marked, rng: Random) -> None:
    for cell in _column(page, rng):
        _row_of(cell).remove(cell)


def double_column(page: Marked, rng: Random) -> None:
    for cell in _column(page, rng):
        _double(cell)


def swap_columns(page: Marked, rng: Random) -> None:
    one = _column(page, rng)
    others = [_column(page, rng) for _ in range(20)]
    for two in others:
        if len(two) == len(one) and two[0] is not one[0]:
            for a, b in zip(one, two, strict=True):
                _exchange(a, b)
            return


def _span(attribute: str, *by: int) -> Mutation:
    def change(page: Marked, rng: Random) -> None:
        cells = page.cells("value", "row", "leaf", "group", "title", "organisations", "clause")
        cell = rng.choice([c for c in cells if c.get(attribute)] if rng.random() < 0.7 else cells)
        cell.set(attribute, str(max(0, int(cell.get(attribute, "1")) + rng.choice(by))))

    return change


def no_spans(page: Marked, rng: Random) -> None:
    for cell in page.cells("row", "leaf", "group", "title", "organisations"):
        for attribute in ("rowspan", "colspan"):
            if cell.get(attribute) and rng.random() < 0.7:
                del cell.attrib[attribute]


def _labels(page: Marked) -> list[Element]:
    return page.cells("row", "leaf", "group", "title", "organisations", "block")


def erase_label(page: Marked, rng: Random) -> None:
    _write(rng.choice(_labels(page)), rng.choice(("", "0")))


def erase_labels(page: Marked, rng: Random) -> None:
    for cell in rng.sample(page.cells("row", "leaf"), rng.randint(2, 6)):
        _write(cell, "")


def swap_labels(page: Marked, rng: Random) -> None:
    role = rng.choice(("row", "leaf", "leaf", "block", "group"))
    cells = page.cells(role)
    if len(cells) > 1:
        one = rng.choice(cells)
        _trade(one, rng.choice([c for c in cells if c is not one]))


def copy_label(page: Marked, rng: Random) -> None:
    one, two = rng.sample(page.cells(rng.choice(("row", "leaf"))), 2)
    _write(two, text_of(one))


def garble_label(page: Marked, rng: Random) -> None:
    cell = rng.choice(_labels(page))
    text = text_of(cell)
    at = rng.randrange(max(1, len(text)))
    _write(cell, text[:at] + rng.choice(("", "某", "〇")) + text[at + 1 :])


def change_digit(page: Marked, rng: Random) -> None:
    cell = rng.choice(page.cells("value"))
    text = text_of(cell)
    at = rng.randrange(max(1, len(text)))
    _write(cell, text[:at] + rng.choice("0123456789") + text[at + 1 :])


def add_digit(page: Marked, rng: Random) -> None:
    cell = rng.choice(page.cells("value"))
    _write(cell, text_of(cell).lstrip("0") + rng.choice("0123456789"))


def spoil_digit(page: Marked, rng: Random) -> None:
    cell = rng.choice(page.cells("value"))
    _write(cell, text_of(cell) + rng.choice(("O", "l", "?", "约", ".5.", "1/2", "至3")))


def blank_value(page: Marked, rng: Random) -> None:
    _write(rng.choice(page.cells("value")), rng.choice(("", "/", "—", "无")))


MUTATIONS: dict[str, Mutation] = {
    **{
        f.__name__: f
        for f in (
            *(drop_value, double_value, swap_values, drop_label, double_label),
            *(drop_row, double_row, swap_rows, swap_next_rows),
            *(drop_column, double_column, swap_columns),
            *(no_spans, erase_label, erase_labels, swap_labels, copy_label, garble_label),
            *(change_digit, add_digit, spoil_digit, blank_value),
        )
    },
    "wrong_rowspan": _span("rowspan", -1, 1, 2),
    "wrong_colspan": _span("colspan", -1, 1, 2),
}
