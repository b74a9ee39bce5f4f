"""What a page's styles say about whether a person sees a text.

What is surely hidden is left out of a page. What may be hidden (white on white, outside the screen,
or by a rule that only a browser can apply) is neither read nor left out inside a table: there the
reader marks it, so that a number beside it is not taken for another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all"
    r"|font-size\s*:\s*0(?![.\d])",
    re.IGNORECASE,
)
_WHITE = (
    r"(?:white|transparent|#f[a-f]{2}f?|#(?:f[a-f]){3}(?:[0-9a-f]{2})?|#[0-9a-f]{6}00"
    r"|rgba?\(25\d,25\d,25\d(?:,[\d.]+)?\)|rgba\(\d+,\d+,\d+,0?\.?0*\))(?![\w-])"
)
# Of a style in lower case without spaces.
_FADED = re.compile(rf"(?<![\w-])color:{_WHITE}")
_AWAY = re.compile(
    r"(?<![\w-])(?:opacity:0(?![.\d])|visibility:collapse|font-size:[01](?:p[xt])?(?![.\d\w%])"
    r"|vertical-align:su[bp]|unicode-bidi:[a-z-]*override"  # a note, or set backwards
    r"|(?:left|top|text-indent):-\d{3}|clip:rect\(0|clip-path:inset\((?:50|100)%|[^;]*scale\(0\))"
)
_NO_ROOM = re.compile(r"(?<![\w-])(?:max-)?(?:width|height):0(?:p[xt])?(?![.\d\w%])")
_PAINTED = re.compile(rf"background(?:-color|-image)?:(?!{_WHITE}|none|inherit|initial)")
_WHITE_ALONE = re.compile(rf"{_WHITE}\Z")
# Ways of hiding, as the styles of a page in lower case show them.
_MAYBE = re.compile(
    rb"(?<![\w-])(?:color\s*:\s*(?:white|#f[a-f]|#[0-9a-f]{6}00|transparent|rgba?\(\s*25)|visibility\s*:\s*collapse"
    rb"|opacity\s*:\s*0(?!\.\d)|(?:left|top|text-indent)\s*:\s*-\d{3}|font-size\s*:\s*1p|clip"
    rb"|vertical-align\s*:\s*su|override|color\s*:\s*rgba"
    rb"|(?:max-)?(?:width|height)\s*:\s*0\s*(?:p[xt]|[;}]|\Z)|transform\s*:[^;]*scale)"
)
# What must stand where text is hidden or struck: one of these, and both of a pair.
_HINTS = (
    *((b"mso-hide",), (b"line-through",), (b"font-size:0",), (b"font-size: 0",)),
    *((b"hidden",), (b"display", b"none")),
)
_WHITE_FONT = re.compile(rb"<font[^<>]*?\scolor\s*=\s*[\"']?\s*(?:white|#?fff)")
_SHEET = re.compile(rb"<style\b.*?(?:</style|\Z)", re.DOTALL)
_MEDIA = re.compile(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_RULE = re.compile(r"([^{};]+)\{([^{}]*)\}")
_LAST_NAME = re.compile(r"([.#][\w-]+)[^.#\s>+~]*\Z")
_MOST_RULES = 50


@lru_cache(maxsize=4096)
def may_hide(style: str) -> bool:
    """Whether a style may keep its text from being read on with what stands around it: out of
    sight, with no room at all, set as a note, or backwards."""
    compact = _compact(style)
    no_room = "overflow:hidden" in compact and _NO_ROOM.search(compact)
    return bool(no_room or _AWAY.search(compact))


@lru_cache(maxsize=4096)
def fades(style: str) -> bool:
    """Whether a style makes its text white."""
    return bool(_FADED.search(_compact(style)))


@lru_cache(maxsize=4096)
def paints(style: str) -> bool:
    """Whether a style gives a ground on which white is seen."""
    return bool(_PAINTED.search(_compact(style)))


def is_white(colour: str | None) -> bool:
    """Whether a colour attribute's value is white."""
    compact = _compact(colour or "")
    return bool(_WHITE_ALONE.match(compact) or _WHITE_ALONE.match("#" + compact))


def _compact(style: str) -> str:
    return "".join(style.split()).lower()


def rules(css: str) -> tuple[list[str], list[str]]:
    """The classes and ids that a style sheet surely hides on every screen, and those that it may.

    It may where the rule is for some places or screens only, or hides in another way.
    """
    if "{" not in css:
        return [], []
    css = _COMMENT.sub("", css)
    everywhere = _MEDIA.sub("", css)
    sure: dict[str, None] = {}
    maybe: dict[str, None] = {}
    for sheet in (everywhere, css):
        for selectors, style in _RULE.findall(sheet):
            if not (HIDDEN.search(style) or may_hide(style) or fades(style)):
                continue
            for selector in map(str.strip, selectors.split(",")):
                if (name := _LAST_NAME.search(selector)) is None:
                    continue
                plain = name[1] == selector and sheet is everywhere
                (sure if plain and HIDDEN.search(style) else maybe)[name[1]] = None
    return list(sure)[:_MOST_RULES], [name for name in maybe if name not in sure][:_MOST_RULES]


def suspicious(page: bytes, styles: Iterable[bytes]) -> bool:
    """Whether a page hides or strikes text, or may; `page` in lower case.

    `styles` are the values of its style attributes as far as `page` does not hold them.
    """
    if b"hidden" in page or any(map(_known_to_hide, styles)):
        return True
    if b"<style" in page and any(map(_hides, _SHEET.findall(page))):
        return True
    if b"<font" in page and _WHITE_FONT.search(page):
        return True
    return (b"style=" in page or b"style =" in page) and _hides(page)


def _hides(style: bytes) -> bool:
    return any(all(word in style for word in hint) for hint in _HINTS) or bool(_MAYBE.search(style))


@lru_cache(maxsize=16384)
def _known_to_hide(style: bytes) -> bool:
    return _hides(style.lower())
