"""How Word shows a run of text: hidden, or set off from the number beside it."""

from __future__ import annotations

from typing import Literal

from lxml import etree

from tasks.report.docx_package import child, is_on, name, value

Look = Literal["shown", "hidden", "doubtful"]
_RAISED = 6  # half points; less is a correction of the line
_SMALLEST = 4  # half points
_HIGHLIGHTS = {"black": "000000", "white": "FFFFFF"}
_DEEPEST = 20  # styles built on styles


class Looks:
    """The looks that a document's styles give to its runs."""

    def __init__(self, styles: etree._Element | None) -> None:
        self._styles = {
            value(style, "styleId") or "": style
            for style in (styles if styles is not None else ())
            if name(style) == "style"
        }

    def of(self, run: etree._Element) -> Look:
        """Whether a run is shown, hidden, or so that nobody would read it as part of a number:
        struck out, raised or lowered, too small to see, or in the colour of its ground."""
        properties = child(run, "rPr")
        paragraph = next(run.iterancestors("{*}p"), None)
        own = child(paragraph, "pPr")
        sources = [
            properties,
            *self._of_style(value(child(properties, "rStyle"))),
            *self._of_style(value(child(own, "pStyle"))),
        ]
        if is_on(_first(sources, "vanish")):
            return "hidden"
        struck = is_on(_first(sources, "strike")) or is_on(_first(sources, "dstrike"))
        aligned = value(_first(sources, "vertAlign")) or "baseline"
        raised = value(_first(sources, "position")) or "0"
        off = aligned != "baseline" or abs(_int(raised)) >= _RAISED
        size = value(_first(sources, "sz"))
        tiny = size is not None and _int(size) <= _SMALLEST
        if struck or off or tiny or _is_of_ground(run, sources):
            return "doubtful"
        return "shown"

    def _of_style(self, identity: str | None) -> list[etree._Element | None]:
        """The run properties of a style and of those it is built on, the nearest first."""
        found: list[etree._Element | None] = []
        while identity in self._styles and len(found) < _DEEPEST:
            style = self._styles[identity]
            found.append(child(style, "rPr"))
            identity = value(child(style, "basedOn"))
        return found


def _first(sources: list[etree._Element | None], kind: str) -> etree._Element | None:
    return next((found for s in sources if (found := child(s, kind)) is not None), None)


def _is_of_ground(run: etree._Element, sources: list[etree._Element | None]) -> bool:
    """Whether a run's colour is that of what is behind it."""
    colour = (value(_first(sources, "color")) or "auto").upper()
    if colour == "AUTO":
        return False
    ground = _ground(run, sources)
    return colour == ground or (_is_white(colour) and _is_white(ground or "FFFFFF"))


def _is_white(colour: str) -> bool:
    return len(colour) == 6 and all(pair >= "F0" for pair in (colour[:2], colour[2:4], colour[4:]))


def _ground(run: etree._Element, sources: list[etree._Element | None]) -> str | None:
    """The colour behind a run, as far as it is told; the style of a table may paint one."""
    for kind in ("highlight", "shd"):
        if ground := _paint(_first(sources, kind)):
            return ground
    for around in run.iterancestors("{*}p", "{*}tc", "{*}tbl"):
        properties = child(around, f"{name(around)}Pr")
        if ground := _paint(child(properties, "shd")):
            return ground
        if child(properties, "tblStyle") is not None:
            return "of the style"
    return None


def _paint(shading: etree._Element | None) -> str | None:
    """The colour of a shading or a highlight; none where it only says that there is none."""
    if shading is None:
        return None
    said = value(shading)
    if name(shading) == "highlight":
        return None if said == "none" else _HIGHLIGHTS.get(said or "", said)
    if said not in (None, "clear", "nil"):
        return "a pattern"
    fill = (value(shading, "fill") or "auto").upper()
    return None if fill == "AUTO" else fill


def _int(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return 0
