"""The style sheets of a page: which of its elements they hide, move or write beside.

A sheet is read as a desktop screen applies it: rules for paper, for narrow screens and for what the
mouse does are passed over. Selectors are taken a little too wide (attributes, siblings and the rest
of what may stand behind a colon are not looked at), which can only raise doubt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from lxml import etree

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
_CLASSES: Callable[[Any], list[str]] = etree.XPath("//@class", smart_strings=False)  # type: ignore[assignment]
_IDS: Callable[[Any], list[str]] = etree.XPath("//@id", smart_strings=False)  # type: ignore[assignment]
_SIGNS = "-－−–—+＋/／.．,，、%％"


class _Compound(NamedTuple):
    """What a selector asks of one element."""

    tag: str
    names: frozenset[str]  # with their . or #

    def fits(self, tag: str, names: set[str]) -> bool:
        """Whether an element is one of these."""
        return self.tag in ("*", tag) and self.names <= names


class _Rule(NamedTuple):
    around: tuple[_Compound, ...]  # what its elements are in, the outermost first
    last: _Compound
    effect: Effect

    @property
    def names(self) -> frozenset[str]:
        return self.last.names.union(*(outer.names for outer in self.around))


class Rules(NamedTuple):
    """What the sheets of a page do."""

    rules: tuple[_Rule, ...]
    attributes: frozenset[str]  # that are written beside elements

    def on(self, root: Any) -> dict[Any, Effect]:
        """What the rules do to the elements of a tree; those are left out to which they do nothing.

        Goes down the tree once: how far the elements around one meet each rule decides, with its
        tag and its names, what is done to it, and most elements of a page have many like them.
        """
        known = {f".{name}" for value in _CLASSES(root) for name in value.split()}
        known |= {f"#{value}" for value in _IDS(root)}
        rules = [rule for rule in self.rules if rule.names <= known]
        met: dict[Any, tuple[int, ...]] = {}  # by element: of each rule, how many it is inside of
        steps: dict[tuple[Any, ...], tuple[tuple[int, ...], Effect]] = {}
        found = {}
        for element in root.iter() if rules else ():
            tag, classes, identity = element.tag, element.get("class"), element.get("id")
            before = met.get(element.getparent()) or (0,) * len(rules)
            key = before, tag, classes, identity
            if (step := steps.get(key)) is None:
                step = steps[key] = _step(rules, before, tag, classes, identity)
            met[element] = step[0]
            if step[1]:
                found[element] = step[1]
        return found


def _step(
    rules: list[_Rule], before: tuple[int, ...], tag: str, classes: str | None, identity: str | None
) -> tuple[tuple[int, ...], Effect]:
    """How far an element is inside of what each rule asks for, and what the rules do to it."""
    names = {f".{name}" for name in (classes or "").split()} | {f"#{identity}"}
    effect = Effect.NONE
    after = list(before)
    for number, (rule, depth) in enumerate(zip(rules, before, strict=True)):
        if depth < len(rule.around):
            after[number] += rule.around[depth].fits(tag, names)
        elif rule.last.fits(tag, names):
            effect |= rule.effect
    return tuple(after), effect


@lru_cache(maxsize=64)  # the pages of a site share their sheets
def rules(css: str) -> Rules:
    """The rules of style sheets that bear on what is seen where."""
    found: list[_Rule] = []
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
            found.append(_Rule(tuple(around), last, effect))
    return Rules(tuple(dict.fromkeys(found)), frozenset(attributes))


@lru_cache(maxsize=64)
def bears(sheet: bytes) -> bool:
    """Whether a sheet, in lower case, has rules that bear on what is seen where."""
    return any(r.effect & ~HARMLESS for r in rules(sheet.decode("utf-8", "replace")).rules)


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
