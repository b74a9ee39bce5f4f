"""Which cells of an XLSX a person sees otherwise than their value says.

Sources: ECMA-376 part 1, 18.8.30 (number formats, with those that have a number and no code) and
18.8.22 (fonts).
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from lxml import etree

from tasks.report.docx_package import child, is_on, value

# What a format may hold beside digits without changing which number is read.
_LITERAL = re.compile(
    r'"[^"%]*"|\\.|_.|\*.|\[(?:[A-Za-z]+|Color ?\d+|\$[^\]]*|DBNum1)\]|[ ()+\-¥￥$]'
)
_PLAIN = re.compile(r"General|G/通用格式|@|[#0?,]*[#0?](?:\.([0#?]+))?")
_BUILT_IN = {0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 37: "#,##0", 38: "#,##0",
             39: "#,##0.00", 40: "#,##0.00", 41: "#,##0", 42: "#,##0", 43: "#,##0.00",
             44: "#,##0.00", 49: "@"}  # fmt: skip
_WHITE = ("1", "9")  # of the indexed colours
_LEFT_OPEN = ("64", "65")


class Style(NamedTuple):
    """How a cell is shown."""

    code: str
    set_off: bool  # struck out, raised or lowered, or white on nothing

    def doubtful(self, written: str, *, number: bool) -> bool:
        """Whether a person reads something else than what is written in the file."""
        return self.set_off or (number and not _shows(self.code, written))


PLAIN = Style("General", set_off=False)


def styles(root: etree._Element | None) -> list[Style]:
    """The styles of a workbook, as its cells number them."""
    codes = dict(_BUILT_IN)
    for part in _children(child(root, "s:numFmts")):
        codes[int(value(part, "numFmtId") or 0)] = value(part, "formatCode") or ""
    fonts = [
        (_set_off(font), _colour(child(font, "s:color")))
        for font in _children(child(root, "s:fonts"))
    ]
    fills = [child(fill, "s:patternFill") for fill in _children(child(root, "s:fills"))]
    found = []
    for part in _children(child(root, "s:cellXfs")):
        code = codes.get(_index(part, "numFmtId"), "")
        font, fill = _index(part, "fontId"), _index(part, "fillId")
        off, colour = fonts[font] if font < len(fonts) else (False, "")
        ground = _ground(fills[fill] if fill < len(fills) else None)
        found.append(Style(code, off or (colour != "" and colour == ground)))
    return found


def _children(part: etree._Element | None) -> list[etree._Element]:
    return list(part) if part is not None else []


def _index(part: etree._Element, name: str) -> int:
    written = value(part, name) or "0"
    return int(written) if written.isdigit() else 0


def _set_off(font: etree._Element) -> bool:
    return is_on(child(font, "s:strike")) or (
        (value(child(font, "s:vertAlign")) or "baseline") != "baseline"
    )


def _colour(colour: etree._Element | None) -> str:
    """A colour by one name (white is named in four ways), or nothing where it is left to Excel."""
    rgb, theme, indexed, tint = (
        value(colour, part) or "" for part in ("rgb", "theme", "indexed", "tint")
    )
    if rgb.upper().endswith("FFFFFF") or indexed in _WHITE or (theme == "0" and not tint):
        return "white"
    if indexed in _LEFT_OPEN:
        return ""
    return " ".join(filter(None, (rgb[-6:].upper(), theme, indexed, tint)))


def _ground(fill: etree._Element | None) -> str:
    """The colour behind a cell; none for a pattern."""
    pattern = value(fill, "patternType") or "none"
    if pattern == "none":
        return "white"
    return _colour(child(fill, "s:fgColor")) if pattern == "solid" else ""


def _shows(code: str, written: str) -> bool:
    """Whether a format shows a number as it is, apart from separators and words around it."""
    try:
        number = Decimal(written)
    except InvalidOperation:
        return True  # no number; what it is, others say
    sections = code.split(";")
    at = (1 if number < 0 else 2 if number == 0 else 0) if len(sections) > 1 else 0
    if at == 1 and not re.search(r"[-(]", sections[1]):
        return False  # its sign is a colour, or nothing
    bare = _LITERAL.sub("", sections[at if at < len(sections) else 0])
    if not bare and at == 2:
        return bool(sections[2].strip())  # zero as a dash or a word, not as nothing at all
    plain = _PLAIN.fullmatch(bare)
    if plain is None or bare.endswith(","):
        return False
    if bare in ("General", "G/通用格式", "@"):
        return True
    places = len(plain[1] or "")
    return number == round(number, places)
