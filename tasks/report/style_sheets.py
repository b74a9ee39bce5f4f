"""The style sheets of a page: which of its elements they hide, move or write beside.

A sheet is read as a desktop screen applies it: rules for paper, for narrow screens and for what the
mouse does are passed over. Selectors are taken a little too wide (siblings and the rest of
what may stand behind a colon are not looked at), which can only raise doubt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from lxml import etree

from tasks.report.visible import HARMLESS, HIDING, Effect, effects, unescaped

# Each is found in one go through a sheet, however it is broken.
_QUOTED = r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'"
_COMMENT = re.compile(rf"({_QUOTED})|/\*.*?(?:\*/|\Z)|<!--|-->", re.DOTALL)
_ADDRESS = re.compile(r"url\([^)]*")  # which may hold a whole font
_MARK = re.compile(rf"{_QUOTED}|\\.|[{{}};]", re.DOTALL)
_INNER = re.compile(r"[^;{}]*\{[^{}]*\}?")  # a rule in a rule
_DEEPEST = 3  # brackets in brackets of a selector
_DEEPEST_RULE = 50
_LONGEST = 2000  # characters of a selector or of the style of a rule
_GROUP = re.compile(r"@(?:media|supports|layer|container|scope|document|-moz-document|starting)")
# Of a desktop screen, 1280 dots wide at least, none of these is said.
_ELSEWHERE = re.compile(
    r"max-(?:device-)?width\s*:\s*(?:\d{1,3}|1[01]\d\d|12[0-7]\d)(?!\d)|print|speech"
    r"|orientation\s*:\s*portrait|prefers-color-scheme\s*:\s*dark|high-contrast"
)
_BRACKETS = re.compile(r"\([^()]*\)")
_ASKED = re.compile(
    rf"\[\s*([\w|:\\-]+)\s*(?:([~^$*|]?=)\s*({_QUOTED}|[^\]\s]*)\s*[is]?\s*)?\]", re.IGNORECASE
)
_TO_THE_MOUSE = re.compile(r"(?<!\\):(?:hover|focus|active|target|visited|checked)")
_PSEUDO_ELEMENT = re.compile(r"(?<!\\)(?:::?(before|after|first-letter|first-line)\b|::[\w-]+)")
_PSEUDO_CLASS = re.compile(r"(?<!\\):[\w-]+")
_SIBLING = re.compile(r"[\w.#@*\\-]*\s*[+~]\s*")
_WITHIN = re.compile(r"\s*[>\s]\s*")
_COMPOUND = re.compile(r"([a-zA-Z][\w-]*|\*)?((?:[.#@](?:[\w-]|\\.)+)*)\Z")
_NAME = re.compile(r"[.#@](?:[\w-]|\\.)+")  # @ and a number for what is asked of an attribute
_CONTENT = re.compile(r"(?<![\w-])content\s*:\s*((?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^;])*)")
_UNSEEN = re.compile(r"(?<![\w-])opacity\s*:\s*0(?![.\d])")
_STRING = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'")
_ATTRIBUTE = re.compile(r"attr\(\s*([\w-]+)")
_CLASSES: Callable[[Any], list[str]] = etree.XPath("//@class", smart_strings=False)  # type: ignore[assignment]
_IDS: Callable[[Any], list[str]] = etree.XPath("//@id", smart_strings=False)  # type: ignore[assignment]
_SIGNS = "-－−–—+＋/／.．,，、%％"

_Asked = tuple[str, str, str]  # attribute, sign and value; no sign for any value


class _Compound(NamedTuple):
    """What a selector asks of one element."""

    tag: str
    names: frozenset[str]  # with their . or #
    asked: tuple[_Asked, ...] = ()

    def fits(self, tag: str, names: set[str], said: dict[str, str | None]) -> bool:
        """Whether an element is one of these."""
        fits = self.tag in ("*", tag) and self.names <= names
        return fits and all(_says(said[name], sign, value) for name, sign, value in self.asked)


class _Rule(NamedTuple):
    around: tuple[_Compound, ...]  # what its elements are in, the outermost first
    last: _Compound
    effect: Effect

    @property
    def names(self) -> frozenset[str]:
        return self.last.names.union(*(outer.names for outer in self.around))

    @property
    def attributes(self) -> set[str]:
        return {name for part in (*self.around, self.last) for name, _, _ in part.asked}


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
        asked = sorted({name for rule in rules for name in rule.attributes})
        met: dict[Any, tuple[int, ...]] = {}  # by element: of each rule, how many it is inside of
        steps: dict[tuple[Any, ...], tuple[tuple[int, ...], Effect]] = {}
        found = {}
        for element in root.iter() if rules else ():
            tag, classes, identity = element.tag, element.get("class"), element.get("id")
            before = met.get(element.getparent()) or (0,) * len(rules)
            said = tuple(map(element.get, asked)) if asked else ()
            key = before, tag, classes, identity, said
            if (step := steps.get(key)) is None:
                names = {f".{name}" for name in (classes or "").split()} | {f"#{identity}"}
                attributes = dict(zip(asked, said, strict=True))
                step = steps[key] = _step(rules, before, tag, names, attributes)
            met[element] = step[0]
            if step[1]:
                found[element] = step[1]
        return found


def _says(said: str | None, sign: str, asked: str) -> bool:
    """Whether an attribute says what a selector asks."""
    if said is None or not sign:
        return said is not None
    said, asked = said.lower(), asked.lower()
    if sign in ("^=", "|="):
        return said.startswith(asked)
    if sign == "$=":
        return said.endswith(asked)
    return asked in said if sign == "*=" else asked in (said, *said.split())


def _step(
    rules: list[_Rule],
    before: tuple[int, ...],
    tag: str,
    names: set[str],
    said: dict[str, str | None],
) -> tuple[tuple[int, ...], Effect]:
    """How far an element is inside of what each rule asks for, and what the rules do to it."""
    effect = Effect.NONE
    after = list(before)
    for number, (rule, depth) in enumerate(zip(rules, before, strict=True)):
        if depth < len(rule.around):
            after[number] += rule.around[depth].fits(tag, names, said)
        elif rule.last.fits(tag, names, said):
            effect |= rule.effect
    return tuple(after), effect


@lru_cache(maxsize=64)  # the pages of a site share their sheets
def rules(*sheets: str) -> Rules:
    """The rules of style sheets that bear on what is seen where."""
    found: list[_Rule] = []
    attributes: set[str] = set()
    for selectors, style, sure in (rule for sheet in sheets for rule in _blocks(sheet)):
        own = effects(style)
        asked: list[_Asked] = []
        for selector in _without_brackets(selectors, asked).split(","):
            effect, compounds = _told(selector.strip(), style, own, asked, sure=sure)
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


class _Open(NamedTuple):
    """A block that has begun."""

    selectors: str  # of the rule it is, or is in; none outside of rules
    begins: int
    sure: bool  # applies whatever the browser can and however wide the window is
    read: bool


def _blocks(sheet: str) -> Iterator[tuple[str, str, bool]]:
    """The rules of a sheet: selectors, style, and whether nothing else decides if they apply."""
    css = _ADDRESS.sub("url(", _COMMENT.sub(r"\1", sheet))
    around = [_Open("", 0, sure=True, read=True)]
    last = 0
    for mark in _MARK.finditer(css):
        if mark[0] == "{":
            if len(around) > _DEEPEST_RULE:
                return  # what follows is nothing that a browser would apply
            prelude = css[last : mark.start()].strip()[: _LONGEST + 1]
            around.append(_opened(prelude, mark.end(), around[-1]))
        elif mark[0] == "}":
            if len(around) == 1:
                continue  # it spoils the rule that follows
            block = around.pop()
            if block.read and 0 < len(block.selectors) <= _LONGEST:
                style = css[block.begins : min(mark.start(), block.begins + _LONGEST)]
                yield block.selectors, _INNER.sub("", style), block.sure
        if mark[0] in "{};":
            last = mark.end()
    for block in around:  # where a sheet ends all is closed
        if block.read and 0 < len(block.selectors) <= _LONGEST:
            style = css[block.begins : block.begins + _LONGEST]
            yield block.selectors, _INNER.sub("", style), block.sure


def _opened(prelude: str, begins: int, around: _Open) -> _Open:
    selectors, _, sure, read = around
    if prelude.startswith("@"):
        known = prelude.lower()
        applies = not known.startswith("@media") or _applies(known)
        return _Open(selectors, begins, False, read and applies and bool(_GROUP.match(known)))
    if selectors:
        prelude = prelude.replace("&", selectors if "," not in selectors else "*")
    return _Open(prelude, begins, sure and not selectors, read)


def _applies(query: str) -> bool:
    """Whether a desktop screen may be what a list of media asks for."""
    return any("not" in part or not _ELSEWHERE.search(part) for part in query.split(","))


def _told(
    selector: str, style: str, own: Effect, asked: list[_Asked], *, sure: bool
) -> tuple[Effect, list[_Compound]]:
    """What a rule does, and the elements it asks for, from the outermost to the one it is about."""
    if _TO_THE_MOUSE.search(selector):
        return Effect.NONE, []
    pseudo = _PSEUDO_ELEMENT.search(selector)
    if pseudo and pseudo[1] in ("before", "after"):
        hidden = own & HIDING or _UNSEEN.search(style)
        own = Effect.NONE if hidden else _written(style)
    elif pseudo and pseudo[1] is None:
        return Effect.NONE, []
    plain = _PSEUDO_CLASS.sub("", _PSEUDO_ELEMENT.sub("", selector))
    if own & HIDING and not (sure and plain == selector and _NAME.fullmatch(plain)):
        own = own & ~HIDING | Effect.MAY_HIDE
    compounds = []
    parts = _WITHIN.split(_SIBLING.sub("", plain.replace("&", "*")))
    for part in parts:
        if (found := _COMPOUND.match(part or "*")) is None:
            return Effect.NONE, []
        said = _NAME.findall(found[2])
        names = frozenset(unescaped(name) for name in said if name[0] != "@")
        attributes = tuple(asked[int(name[1:])] for name in said if name[0] == "@")
        tag = (found[1] or "*").lower()
        if tag != "tbody" or said:  # which a browser puts in where the page has none
            compounds.append(_Compound(tag, names, attributes))
        elif part is parts[-1]:
            compounds.append(_Compound("table", names, attributes))
    return own, compounds


def _without_brackets(selectors: str, asked: list[_Asked]) -> str:
    """Selectors without what they except or count; what they ask of attributes goes to `asked`."""

    def put(told: re.Match[str]) -> str:
        asked.append((told[1].lower(), told[2] or "", (told[3] or "").strip("\"'")))
        return f"@{len(asked) - 1}"

    for _ in range(_DEEPEST):
        selectors = _BRACKETS.sub("", selectors)
    return _ASKED.sub(put, selectors.replace("@", "")) if "[" in selectors else selectors


def _written(style: str) -> Effect:
    """What a rule writes before or after its elements, as far as it can be taken for a figure."""
    content = _CONTENT.search(style)
    if content is None:
        return Effect.NONE
    told = "".join(unescaped(a or b) for a, b in _STRING.findall(content[1]))
    rest = _STRING.sub("", content[1])
    found = Effect.NONE
    if _counts(told) or any(map(rest.__contains__, ("counter", "url(", "var(", "open-quote"))):
        found |= Effect.WRITES
    if _ATTRIBUTE.search(rest):
        found |= Effect.QUOTES
    return found


def _counts(text: str) -> bool:
    """Whether a text written beside a figure may be read as part of it."""
    return any(c.isalnum() or c in _SIGNS for c in text)
