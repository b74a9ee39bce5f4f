"""How Word shows a run of text: hidden, or set off from the number beside it."""

from __future__ import annotations

from typing import Literal

from lxml import etree

from tasks.report.docx_package import child, is_on, name, value

Look = Literal["shown", "hidden", "doubtful"]
_RAISED = 6  # half points; less is a correction of the line
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
        struck out, raised or lowered, or white where nothing is shaded."""
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
        if struck or off or (_is_white(_first(sources, "color")) and not _shaded(run, sources)):
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


def _is_white(colour: etree._Element | None) -> bool:
    told = (value(colour) or "").upper()
    return len(told) == 6 and all(pair >= "F0" for pair in (told[:2], told[2:4], told[4:]))


def _shaded(run: etree._Element, sources: list[etree._Element | None]) -> bool:
    """Whether something that a run is in may paint a ground; the style of a table may."""
    if any(child(s, "shd") is not None or child(s, "highlight") is not None for s in sources):
        return True
    for around in run.iterancestors("{*}p", "{*}tc", "{*}tbl"):
        properties = child(around, f"{name(around)}Pr")
        if child(properties, "shd") is not None or child(properties, "tblStyle") is not None:
            return True
    return False


def _int(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return 0
