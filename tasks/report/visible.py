"""What a style does to the text it styles, as far as it bears on which figures are seen where."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import IntFlag
from functools import lru_cache, wraps
from typing import TypeVar

_Style = TypeVar("_Style", str, bytes)
_Said = TypeVar("_Said")


class Effect(IntFlag):
    """What a style does to its text."""

    NONE = 0
    HIDES = 1  # surely
    MAY_HIDE = 2  # out of sight, with no room at all, set as a note, turned, or backwards
    SHOWS = 4  # so that what another style says is not sure
    FADES = 8  # white
    PAINTS = 16  # a ground on which white is seen
    STRIKES = 32
    MOVES = 64  # away from where it stands in the source
    DRIFTS = 128  # to the left: a row whose cells all do keeps their order
    MIRRORS = 256  # the order of what is in it
    WRITES = 512  # a text of its own beside it
    QUOTES = 1024  # attributes beside it
    BLANKS = 2048  # surely, but its room stays, and what is in it may be shown again
    COLOURS = 4096  # in a colour that is seen, whatever is around it
    CRAMPS = 8192  # leaves it no room; cells, which grow with what is in them, take theirs


_WHITE = (
    r"(?:(?:floral|ghost)?white|snow|ivory|mintcream|transparent|#f[a-f]{2}f?|#[0-9a-f]{3}0"
    r"|#(?:f[a-f]){3}(?:[0-9a-f]{2})?|#[0-9a-f]{6}00|rgba?\(25\d,?25\d,?25\d(?:[,/][\d.%]+)?\)"
    r"|rgba?\(100%,?100%,?100%\)|(?:rgb|hsl)a?\((?:(?:[^(),/]*,){3}|[^()/]*/)0?\.?0*%?\)"
    r"|hsla?\([^()]*,100%\))(?![\w-])"
)
# Of a style in lower case without spaces.
_EFFECTS = {
    Effect.HIDES: ("display:none", "mso-hide:all"),
    Effect.BLANKS: ("(?:content-)?visibility:hidden", r"font-size:0(?![.\d])"),
    Effect.MAY_HIDE: (
        r"opacity:-?(?:0+(?:\.0\d*)?|\.0\d*)(?![.\d])", r"opacity:-", "visibility:collapse",
        r"font-size:(?:[01]|0*\.\d+)(?:p[xt])?(?![.\d\w%])", r"font:[a-z]*[01](?:p[xt]|/)",
        r"(?:display|visibility|opacity|font-size):calc\(", r"(?:display|visibility):var\(",
        r"zoom:0*\.[01]",
        "vertical-align:su[bp]", "unicode-bidi:[a-z-]*override", "writing-mode:(?!horizontal)",
        r"(?:left|top|text-indent):-\d{3}", r"margin-(?:left|top):-\d{4}",
        r"letter-spacing:-(?:[5-9]|\d\d|(?:0?\.[4-9]|[1-9])[\d.]*em)",
        r"clip:rect\(0", r"clip-path:inset\((?:50|100)%", r"filter:[^;]{0,200}opacity\(0",
        "-webkit-text-fill-color:transparent", "-webkit-text-security:(?!none)",
        r"transform:[^;]{0,200}(?:(?:rotate|skew|matrix)\w*\((?!0)|scale\w*\((?:0\)|[^)]{0,200}-))",
        "rotate:[^;]{0,200}[1-9]", r"scale:(?:0(?![.\d])|[^;]{0,200}-)",
    ),
    Effect.SHOWS: ("display:(?!none|inherit|initial|unset|revert)", "visibility:visible"),
    Effect.FADES: (f"(?:-webkit-text-fill-)?color:{_WHITE}",),
    Effect.COLOURS: (f"color:(?!{_WHITE}|inherit|initial|unset|revert|currentcolor|var)",),
    Effect.PAINTS: (
        f"background(?:-color|-image)?:(?!{_WHITE}(?:[;!]|$)|none|inherit|initial|unset)",
    ),
    Effect.STRIKES: ("text-decoration(?:-line)?:[^;]{0,200}line-through",),
    Effect.MOVES: (
        "float:(?:right|inline-end)", "order:-?[1-9]", "position:(?:absolute|fixed)", "inset:",
        "transform:[^;]{0,200}translate", "translate:[^;]{0,200}[1-9]",
        "grid-(?:area|column|row)[a-z-]*:", r"margin(?:-[a-z-]+)?:[^;]{0,200}-[\d.]",
    ),
    Effect.DRIFTS: ("float:(?:left|inline-start)",),
    Effect.MIRRORS: ("direction:rtl", "flex-(?:direction|flow):[^;]{0,200}reverse", "wrap-reverse"),
}  # fmt: skip
_PATTERNS = {
    effect: re.compile(rf"(?<![\w-])(?:{'|'.join(patterns)})")
    for effect, patterns in _EFFECTS.items()
}
_CUT_OFF = re.compile(r"(?<![\w-])overflow(?:-[xy])?:(?:hidden|clip|auto|scroll)")
_NO_ROOM = re.compile(
    r"(?<![\w-])(?:max-)?(?:width|height|(?:inline|block)-size):0?(?:\.\d+)?(?:[a-z]{2,3})?(?![.\d\w%])"
)
_ASIDE = re.compile(
    r"(?<![\w-])(?:(?:left|right|inset-[a-z-]+):-?[.\d]*[1-9]|(?:top|bottom):-?\d{2})"
)
_DISPLAY = re.compile(r"(?<![\w-])display:(\w+)")
_COLOUR = re.compile(r"(?<![\w-])color:(?!inherit|initial|unset|revert|var)([^;!]+)")
_GROUND = re.compile(r"(?<![\w-])background(?:-color)?:([^;!]+)")
_WHITE_ALONE = re.compile(rf"{_WHITE}\Z")
# Each effect on its own text needs one of these; to look for them costs least.
_HINTS = (
    *(b"none", b"hid", b"size:0", b"size:1", b"opacity", b"collapse", b"align:su", b"override"),
    *(b"writing", b":-", b"clip", b"transparent", b"security", b"transform", b"rotate", b"scale"),
    *(b"color:white", b"color:#f", b"00;", b"rgb", b"through", b"float", b"position", b"inset"),
    *(b"translate", b"grid-", b"rtl", b"reverse", b"order:1", b"order:2", b"/*", b"&#", b"\\"),
    *(b"size:.", b"font:0", b"font:1", b"zoom", b"overflow", b"var(", b"calc(", b"snow", b"ivory"),
    *(b"hsl", b"mint", b"ground:black", b"ground:#000", b"ground-color:black", b"#0000"),
)
_ELSEWISE = re.compile(rb"""style\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+)""")
_WHITE_FONT = re.compile(rb"<font[^<>]*?\scolor\s*=\s*[\"']?\s*(?:white|#?fff)")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.))", re.DOTALL)
_REMEMBERED = 1000  # characters; longer styles hold pictures, and are rare
HIDING = Effect.HIDES | Effect.BLANKS
HARMLESS = Effect.SHOWS | Effect.PAINTS | Effect.COLOURS


def _remembering(work: Callable[[_Style], _Said]) -> Callable[[_Style], _Said]:
    remembered = lru_cache(maxsize=16384)(work)

    @wraps(work)
    def told(style: _Style) -> _Said:
        return remembered(style) if len(style) <= _REMEMBERED else work(style)

    return told


@_remembering
def effects(style: str) -> Effect:
    """What a style does to its text; `WRITES` and `QUOTES` are for style sheets to say."""
    if "\\" in style:
        style = unescaped(style)
    compact = "".join(_COMMENT.sub("", style).split()).lower()
    found = Effect.NONE
    for effect, pattern in _PATTERNS.items():
        if pattern.search(compact):
            found |= effect
    if _CUT_OFF.search(compact) and _NO_ROOM.search(compact):
        found |= Effect.CRAMPS
    if found & Effect.HIDES and found & Effect.SHOWS:
        last = _DISPLAY.findall(compact)[-1:]
        found &= ~Effect.HIDES if last not in (["none"], []) else ~Effect.SHOWS
    colour, ground = _COLOUR.search(compact), _GROUND.search(compact)
    if colour and ground and colour[1] == ground[1]:
        found |= Effect.MAY_HIDE
    if "position:relative" in compact and _ASIDE.search(compact):
        found |= Effect.MOVES
    return found


def unescaped(text: str) -> str:
    """A text of a style sheet with its escapes resolved."""
    return _ESCAPE.sub(lambda m: chr(min(int(m[1], 16), 0x10FFFF)) if m[1] else m[2], text)


def is_white(colour: str | None) -> bool:
    """Whether a colour attribute's value is white."""
    compact = "".join((colour or "").split()).lower()
    return bool(_WHITE_ALONE.match(compact) or _WHITE_ALONE.match("#" + compact))


def suspicious(page: bytes, styles: Iterable[bytes], *, elsewhere: bool) -> bool:
    """Whether what a page's elements say of themselves hides, strikes or moves a text, or may.

    `page` is in lower case; `styles` are its attributes style and dir, `elsewhere` says that it may
    hold more of them.
    """
    if b"hidden" in page or any(map(_matters, styles)):
        return True
    if b"<font" in page and _WHITE_FONT.search(page):
        return True
    return elsewhere and any(map(_matters, set(_ELSEWISE.findall(page))))


@_remembering
def _matters(style: bytes) -> bool:
    compact = b"".join(style.split()).lower() + b";"
    if not any(hint in compact for hint in _HINTS):
        return False
    told = style.decode("utf-8", "replace").strip("\"'")
    return told.lower() == "rtl" or "&#" in told or bool(effects(told) & ~HARMLESS)
