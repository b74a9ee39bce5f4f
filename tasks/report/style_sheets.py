"""The style sheets of a page: which of its elements they hide, move or write beside.

A sheet is read as a desktop screen applies it: rules for paper, for narrow screens and for what the
mouse does are passed over. Selectors are taken a little too wide (attributes, siblings and the rest
of what may stand behind a colon are not looked at), which can only raise doubt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from tasks.report.visible import HARMLESS, HIDING, Effect, effects

# Each is found in one go through a sheet, however it is broken.
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.DOTALL)
_ADDRESS = re.compile(r"url\([^)]*")  # which may hold a whole font
_MARK = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|[{};]")
_DEEPEST = 3  # brackets in brackets of a selector
_DEEPEST_RULE = 50
_LONGEST = 2000  # characters of a selector or of the style of a rule
_NARROW = re.compile(
    r"max-(?:device-)?width\s*:\s*\d{1,3}(?![\d.])|print|orientation\s*:\s*portrait"
)
_BRACKETS = re.compile(r"\[[^\]]*\]|\([^()]*\)")
_TO_THE_MOUSE = re.compile(r"(?<!\\):(?:hover|focus|active|target|visited|checked)")
_PSEUDO_ELEMENT = re.compile(r"(?<!\\)(?:::?(before|after|first-letter|first-line)\b|::[\w-]+)")
_PSEUDO_CLASS = re.compile(r"(?<!\\):[\w-]+")
_SIBLING = re.compile(r"[\w.#*\\-]*\s*[+~]\s*")
_WITHIN = re.compile(r"\s*[>\s]\s*")
_COMPOUND = re.compile(r"([a-zA-Z][\w-]*|\*)?((?:[.#](?:[\w-]|\\.)+)*)\Z")
_NAME = re.compile(r"[.#](?:[\w-]|\\.)+")
_CONTENT = re.compile(r"(?<![\w-])content\s*:\s*((?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^;])*)")
_STRING = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'")
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.))", re.DOTALL)
_ATTRIBUTE = re.compile(r"attr\(\s*([\w-]+)")
_SIGNS = "-－−–—+＋/／.．,，、%％"


class _Compound(NamedTuple):
    """What a selector asks of one element."""

    tag: str
    names: frozenset[str]  # with their . or #

    def fits(self, element: Any) -> bool:
        """Whether an element is one of these."""
        return self.tag in ("*", element.tag) and self.names <= _names(element)


class Rules(NamedTuple):
    """What the rules of the sheets do, by the last name or tag of their selectors."""

    by_last: dict[str, list[tuple[_Compound, tuple[_Compound, ...], Effect]]]
    attributes: frozenset[str]  # that are written beside elements

    def of(self, element: Any) -> Effect:
        """What the sheets do to an element of the page."""
        found = Effect.NONE
        for key in (*_names(element), element.tag, "*"):
            for itself, around, effect in self.by_last.get(key, ()):
                if effect & ~found and itself.fits(element) and _inside(element, around):
                    found |= effect
        return found


def _names(element: Any) -> set[str]:
    names = {f".{name}" for name in (element.get("class") or "").split()}
    return names | {f"#{element.get('id')}"}


def _inside(element: Any, around: tuple[_Compound, ...]) -> bool:
    """Whether ancestors of an element fit these, the nearest first."""
    ancestors = element.iterancestors()
    return all(any(wanted.fits(a) for a in ancestors) for wanted in around)


@lru_cache(maxsize=64)  # the pages of a site share their sheets
def rules(css: str) -> Rules:
    """The rules of style sheets that bear on what is seen where."""
    by_last: dict[str, list[tuple[_Compound, tuple[_Compound, ...], Effect]]] = {}
    attributes: set[str] = set()
    for media, selectors, style in _blocks(_ADDRESS.sub("url(", _COMMENT.sub("", css))):
        if _NARROW.search(media):
            continue
        own = effects(style)
        if own & Effect.HIDES:
            own &= ~Effect.SHOWS
        for selector in _without_brackets(selectors).split(","):
            effect, compounds = _told(selector.strip(), style, own, sure=not media)
            if not effect or not compounds:
                continue
            if effect & Effect.QUOTES:
                attributes |= {name.lower() for name in _ATTRIBUTE.findall(style)}
            *around, last = compounds
            key = min(last.names, default=last.tag)
            by_last.setdefault(key, []).append((last, tuple(reversed(around)), effect))
    return Rules(by_last, frozenset(attributes))


@lru_cache(maxsize=64)
def bears(sheet: bytes) -> bool:
    """Whether a sheet, in lower case, has rules that bear on what is seen where."""
    told = rules(sheet.decode("utf-8", "replace")).by_last.values()
    return any(effect & ~HARMLESS for ruled in told for _, _, effect in ruled)


def _blocks(css: str) -> Iterator[tuple[str, str, str]]:
    """The rules of a sheet: the media they are for (none for all), selectors, and style."""
    around: list[tuple[str, int]] = []  # what was opened, and where its content begins
    media: list[str] = []
    last = 0
    for mark in _MARK.finditer(css):
        if mark[0] == "{":
            if len(around) > _DEEPEST_RULE:
                return  # what follows is nothing that a browser would apply
            around.append((css[last : mark.start()].strip(), mark.end()))
            if around[-1][0].startswith("@media"):
                media.append(around[-1][0])
        elif mark[0] == "}" and around:
            opened, begins = around.pop()
            if opened.startswith("@media"):
                media.pop()
            elif not opened.startswith("@") and len(opened) <= _LONGEST:
                style = css[begins : min(mark.start(), begins + _LONGEST)]
                yield " ".join(media), opened, style
        if mark[0] in "{};":
            last = mark.end()


def _told(selector: str, style: str, own: Effect, *, sure: bool) -> tuple[Effect, list[_Compound]]:
    """What a rule does, and the elements it asks for, from the outermost to the one it is about."""
    if _TO_THE_MOUSE.search(selector):
        return Effect.NONE, []
    pseudo = _PSEUDO_ELEMENT.search(selector)
    if pseudo and pseudo[1] in ("before", "after"):
        own = Effect.NONE if own & HIDING else _written(style)
    elif pseudo and pseudo[1] is None:
        return Effect.NONE, []
    plain = _PSEUDO_CLASS.sub("", _PSEUDO_ELEMENT.sub("", selector))
    if own & HIDING and not (sure and plain == selector and _NAME.fullmatch(plain)):
        own = own & ~HIDING | Effect.MAY_HIDE
    compounds = []
    for part in _WITHIN.split(_SIBLING.sub("", plain.replace("&", "*"))):
        if (found := _COMPOUND.match(part or "*")) is None:
            return Effect.NONE, []
        names = frozenset(name.replace("\\", "") for name in _NAME.findall(found[2]))
        compounds.append(_Compound((found[1] or "*").lower(), names))
    return own, compounds


def _without_brackets(selectors: str) -> str:
    for _ in range(_DEEPEST):
        selectors = _BRACKETS.sub("", selectors)
    return selectors


def _written(style: str) -> Effect:
    """What a rule writes before or after its elements, as far as it can be taken for a figure."""
    content = _CONTENT.search(style)
    if content is None:
        return Effect.NONE
    told = "".join(_unescaped(a or b) for a, b in _STRING.findall(content[1]))
    rest = _STRING.sub("", content[1])
    found = Effect.NONE
    if _counts(told) or "counter" in rest or "url(" in rest or "var(" in rest:
        found |= Effect.WRITES
    if _ATTRIBUTE.search(rest):
        found |= Effect.QUOTES
    return found


def _counts(text: str) -> bool:
    """Whether a text written beside a figure may be read as part of it."""
    return any(c.isalnum() or c in _SIGNS for c in text)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda m: chr(min(int(m[1], 16), 0x10FFFF)) if m[1] else m[2], text)
