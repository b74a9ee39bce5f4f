"""What a page holds and a person does not see, or not so, taken out of its tree or marked in it.

What is surely hidden is taken out. What may be hidden (white on white, outside the screen, by a
rule of some screens), what is moved beside its neighbours, and what stands there that is no text is
neither read nor left out inside a table: a mark in the cell's text keeps it from being a number or
a blank.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lxml import etree

from tasks.report import visible
from tasks.report.model import UNSURE
from tasks.report.style_sheets import Rules
from tasks.report.visible import HARMLESS, HIDING, Effect

_FIGURE = re.compile(r"[\d零〇一二两三四五六七八九十百千万]")
_QUOTED_FIGURE = re.compile(r"\d|\A[-+—零〇一二两三四五六七八九十百千万]+\Z")
_STRING: Callable[[Any], str] = etree.XPath("string()")  # type: ignore[assignment]
# What shows something that is no text of the page, and what shows its text only to some.
_DRAWN = (
    *("input", "select", "textarea", "img", "canvas", "svg", "object", "embed", "iframe", "video"),
    *("audio", "meter", "progress", "math"),
)
_SHOWN_TO_SOME = ("noscript", "template", "dialog", "details", "datalist", "rp")
_SET_OFF = ("s", "del", "strike", "sup", "sub", "rt", "bdo")
_CELLS = ("td", "th")
_ENDING_ROWS = ("col", "colgroup", "caption", "thead")
_GROWING = (*_CELLS, "tr", "tbody", "thead", "tfoot", "table")  # whatever height they are given
_BEARING = ~HARMLESS
_UNSURE = Effect.MAY_HIDE | Effect.CRAMPS | Effect.FADES
_MOVING = Effect.MOVES | Effect.DRIFTS | Effect.MIRRORS

_Element = Any


def text(element: _Element) -> str:
    """The text below an element; most hold nothing else, and need no XPath."""
    return _STRING(element) if len(element) else element.text or ""


def mark(root: _Element) -> None:
    """Marks cells with controls, pictures or scripts that write, and with notes to their text; and
    the cells of rows that hold what ends a row."""
    for element in root.iter(*_DRAWN):
        if not _is_tiny(element) and _cell_around(element) is not None:
            element.tail = UNSURE + (element.tail or "")
    for element in root.iter("script", *_SHOWN_TO_SOME):
        inside = text(element)
        telling = "write" in inside if element.tag == "script" else _FIGURE.search(inside)
        if telling and _cell_around(element) is not None:
            element.tail = UNSURE + (element.tail or "")
    for element in root.iter(*_SET_OFF):
        if _cell_around(element) is not None and text(element).strip():
            _mark(element)
    for element in root.iter("ol"):  # whose items a browser numbers
        if any(not text(item).strip() for item in element) and _cell_around(element) is not None:
            _mark(element)
    for element in root.iter(*_ENDING_ROWS):  # in a browser what follows is a row of its own
        row = next(element.iterancestors("tr", "table"), None)
        if row is not None and row.tag == "tr":
            for cell in row.iter(*_CELLS):
                _mark(cell)


def take_out(root: _Element, rules: Rules | None, *, show_blocks: bool) -> bool:
    """Takes out what styles hide; gives whether a block with tables was among it.

    With `show_blocks` such blocks stay.
    """
    by_rules = rules.on(root) if rules else {}
    for element in root.iter("font"):
        if visible.is_white(element.get("color")) and not _on_ground(element, by_rules):
            _doubt(element, by_rules, seen=Effect.COLOURS)
    # A Word page has a style per word: looking at them from here is a fifth of what XPath takes.
    styled = [(e, *found) for e in root.iter() if any(found := _styles(e, by_rules))]
    blocks = False
    unsure: set[_Element] = set()
    for element, own, ruled in styled:
        both = own | ruled
        if not both & _BEARING:
            continue
        cell = _cell_of(element)
        if cell is not None and (
            both & (Effect.STRIKES | Effect.WRITES)
            or (ruled & Effect.QUOTES and rules and _quotes_figure(element, rules))
            or (both & _MOVING and _is_moved(element, cell, both))
        ):
            _mark(element)
        if not both & (HIDING | _UNSURE):
            continue
        holds_table = element.tag == "table" or element.find(".//table") is not None
        if not both & HIDING:
            # What hides a block with tables a script takes off again, or it hides a second copy.
            if not holds_table and (
                both & Effect.MAY_HIDE or (both & Effect.CRAMPS and element.tag not in _GROWING)
            ):
                _doubt(element)
            elif both & Effect.FADES and cell not in unsure and not _on_ground(element, by_rules):
                _doubt(element, by_rules, seen=Effect.COLOURS)
                if cell is not None and (element.text or "").startswith(UNSURE):
                    unsure.add(cell)  # spans in spans in it need no second look
            continue
        blocks |= holds_table
        contested = _is_contested(element, own, ruled)
        if holds_table and (show_blocks or contested):
            continue
        if contested:
            _doubt(element)
        elif element.tag in _CELLS and not both & Effect.HIDES:
            for child in list(element):
                element.remove(child)
            element.text = None  # it keeps its place and shows nothing
        else:
            drop(element)
    return blocks


def drop(element: _Element) -> None:
    """Takes an element out of its tree; what follows it stays."""
    parent = element.getparent()
    if parent is None:
        return
    tail = element.tail
    if tail:
        before = element.getprevious()
        if before is None:
            parent.text = (parent.text or "") + tail
        else:
            before.tail = (before.tail or "") + tail
    parent.remove(element)


def _styles(element: _Element, by_rules: dict[_Element, Effect]) -> tuple[Effect, Effect]:
    """What its own attributes and what the sheets do to an element."""
    style = element.get("style")
    own = visible.effects(style) if style else Effect.NONE
    ruled = by_rules.get(element, Effect.NONE)
    if element.get("hidden") is not None:
        ruled |= Effect.HIDES  # the browser's own sheet
    if element.get("dir") == "rtl":
        own |= Effect.MIRRORS
    return own, ruled


def _is_contested(element: _Element, own: Effect, ruled: Effect) -> bool:
    """Whether another style may show what one hides, or a part of it."""
    if own & Effect.HIDES:
        return False
    if (own | ruled) & Effect.SHOWS:
        return True
    if ruled & Effect.HIDES:
        return False
    return any(part.get("style") or part.get("class") for part in element.iterdescendants())


def _cell_of(element: _Element) -> _Element | None:
    """The innermost cell an element is or is in, unless a table is laid out in it."""
    while element is not None and element.tag not in _CELLS:
        element = element.getparent()
    return None if element is None or element.find(".//table") is not None else element


def _is_moved(element: _Element, cell: _Element, effect: Effect) -> bool:
    """Whether the figures of a cell may stand in another order than in the source."""
    if effect & Effect.MIRRORS and sum(map(bool, map(_FIGURE.search, element.itertext()))) > 1:
        return True
    inside = len(_FIGURE.findall(text(element)))
    if element is cell:
        return bool(effect & Effect.MOVES and inside)
    moved = effect & (Effect.MOVES | Effect.DRIFTS)
    return bool(moved and 0 < inside < len(_FIGURE.findall(text(cell))))


def _quotes_figure(element: _Element, rules: Rules) -> bool:
    return any(_QUOTED_FIGURE.search(element.get(name) or "") for name in rules.attributes)


def _mark(element: _Element) -> None:
    element.text = UNSURE + (element.text or "")


def _doubt(
    element: _Element, by_rules: dict[_Element, Effect] | None = None, *, seen: Effect = Effect.NONE
) -> None:
    """Marks the figures in cells that a person may not see.

    What has an effect of `seen` of its own is seen.
    """
    inside = element.tag in _CELLS or _cell_around(element) is not None
    for part in (element,) if inside else element.iter(*_CELLS):
        if part.find(".//table") is not None or not _FIGURE.search(text(part)):
            continue
        if not (seen and _all_have(seen, part, element, by_rules or {})):
            _mark(part)


def _all_have(
    effect: Effect, part: _Element, outer: _Element, by_rules: dict[_Element, Effect]
) -> bool:
    """Whether all figures in a part of an element have an effect from below that element."""
    for holder in part.iter():
        says = [holder.text or "", *(child.tail or "" for child in holder)]
        if not any(map(_FIGURE.search, says)):
            continue
        while holder is not outer and not any(e & effect for e in _styles(holder, by_rules)):
            holder = holder.getparent()
        if holder is outer:
            return False
    return True


def _cell_around(element: _Element) -> _Element | None:
    return next(element.iterancestors(*_CELLS), None)


def _is_tiny(element: _Element) -> bool:
    """Spacer pictures and hidden controls, which nobody sees."""
    if element.tag == "input":
        return str(element.get("type") or "").lower() == "hidden"
    return any((element.get(side) or "").strip() in ("0", "1") for side in ("width", "height"))


def _on_ground(element: _Element, by_rules: dict[_Element, Effect]) -> bool:
    """Whether white is seen here, because something around it is painted."""
    return any(
        any(effect & Effect.PAINTS for effect in _styles(around, by_rules))
        or (around.get("bgcolor") and not visible.is_white(around.get("bgcolor")))
        for around in (element, *element.iterancestors("span", "p", "td", "th", "tr", "table"))
    )
