"""Word's automatic numbers: "一、" before a heading is often not in its text."""

from __future__ import annotations

import re

from lxml import etree

from tasks.report.docx_package import child, name, value

_CHINESE = "〇一二三四五六七八九"
_PLACEHOLDER = re.compile(r"%([1-9])")


class Numbering:
    """The counters of a document's lists, advanced paragraph by paragraph."""

    def __init__(self, part: etree._Element | None, styles: etree._Element | None) -> None:
        abstract: dict[str, dict[int, tuple[str, str, int]]] = {}
        self._levels: dict[str, dict[int, tuple[str, str, int]]] = {}
        self._list_of: dict[str, str] = {}  # several lists may share one abstract list's counters
        self._counters: dict[str, dict[int, int]] = {}
        self._by_style: dict[str, tuple[str, int]] = {}
        for element in part if part is not None else ():
            if name(element) == "abstractNum":
                abstract[value(element, "abstractNumId") or ""] = _levels(element)
        for element in part if part is not None else ():
            if name(element) == "num":
                identity = value(element, "numId") or ""
                base = value(child(element, "abstractNumId")) or ""
                levels = dict(abstract.get(base, {}))
                restarts = False
                for override in element:
                    if name(override) != "lvlOverride":
                        continue
                    level = _int(value(override, "ilvl"))
                    start = value(child(override, "startOverride"))
                    if start is not None and level in levels:
                        levels[level] = (*levels[level][:2], _int(start))
                        restarts = True
                self._levels[identity] = levels
                self._list_of[identity] = identity if restarts else f"abstract {base}"
        for style in styles if styles is not None else ():
            number = child(style, "pPr", "numPr")
            if number is not None and (list_id := value(child(number, "numId"))):
                self._by_style[value(style, "styleId") or ""] = (
                    list_id,
                    _int(value(child(number, "ilvl"))),
                )

    def next(self, paragraph: etree._Element) -> str:
        """The automatic number of the next paragraph, or nothing."""
        if not self._levels:
            return ""
        properties = child(paragraph, "pPr")
        number = child(properties, "numPr")
        style = self._by_style.get(value(child(properties, "pStyle")) or "")
        list_id, level = style or ("", 0)
        if number is not None:
            list_id = value(child(number, "numId")) or list_id
            level = (
                _int(value(child(number, "ilvl"))) if child(number, "ilvl") is not None else level
            )
        levels = self._levels.get(list_id)
        if not levels or level not in levels:  # numId 0 switches a style's numbers off
            return ""
        counters = self._counters.setdefault(self._list_of[list_id], {})
        form, text, start = levels[level]
        counters[level] = counters.get(level, start - 1) + 1
        for deeper in [k for k in counters if k > level]:
            del counters[deeper]
        if form in ("none", "bullet"):
            return ""

        def shown(match: re.Match[str]) -> str:
            k = int(match[1]) - 1
            if k not in levels:
                return ""
            return written(counters.get(k, levels[k][2]), levels[k][0])

        return _PLACEHOLDER.sub(shown, text)


def written(number: int, form: str) -> str:
    """A number as a list shows it; decimal for the forms that reports do not use."""
    if form in ("chineseCounting", "chineseCountingThousand", "japaneseCounting",
                "taiwaneseCounting", "taiwaneseCountingThousand"):  # fmt: skip
        return chinese(number)
    if form == "decimalEnclosedCircle" and 1 <= number <= 20:
        return chr(0x2460 + number - 1)
    if form == "decimalFullWidth":
        return "".join(chr(ord(digit) + 0xFEE0) for digit in str(number))
    if form in ("upperLetter", "lowerLetter") and 1 <= number <= 26:
        return chr((65 if form == "upperLetter" else 97) + number - 1)
    return str(number)


def chinese(number: int) -> str:
    """1 to 99 as 一 … 九十九; larger ones digit by digit."""
    if not 1 <= number <= 99:
        return "".join(_CHINESE[int(digit)] for digit in str(abs(number)))
    tens, ones = divmod(number, 10)
    if not tens:
        return _CHINESE[ones]
    return ("" if tens == 1 else _CHINESE[tens]) + "十" + (_CHINESE[ones] if ones else "")


def _levels(abstract: etree._Element) -> dict[int, tuple[str, str, int]]:
    """By level: the form of its number, the text around it, where it starts."""
    return {
        _int(value(level, "ilvl")): (
            value(child(level, "numFmt")) or "decimal",
            value(child(level, "lvlText")) or "",
            _int(value(child(level, "start")) or "1"),
        )
        for level in abstract
        if name(level) == "lvl"
    }


def _int(text: str | None) -> int:
    try:
        return max(0, min(int(text or 0), 10_000))
    except ValueError:
        return 0
