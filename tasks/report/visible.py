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


_WHITE = (
    r"(?:white|transparent|#f[a-f]{2}f?|#(?:f[a-f]){3}(?:[0-9a-f]{2})?|#[0-9a-f]{6}00"
    r"|rgba?\(25\d,25\d,25\d(?:,[\d.]+)?\)|rgba\(\d+,\d+,\d+,0?\.?0*\))(?![\w-])"
)
# Of a style in lower case without spaces.
_EFFECTS = {
    Effect.HIDES: ("display:none", "mso-hide:all"),
    Effect.BLANKS: ("(?:content-)?visibility:hidden", r"font-size:0(?![.\d])"),
    Effect.MAY_HIDE: (
        r"opacity:0(?![.\d])", "visibility:collapse", r"font-size:[01](?:p[xt])?(?![.\d\w%])",
        "vertical-align:su[bp]", "unicode-bidi:[a-z-]*override", "writing-mode:(?!horizontal)",
        r"(?:left|top|text-indent):-\d{3}", r"letter-spacing:-(?:\d\d|[\d.]+em)",
        r"clip:rect\(0", r"clip-path:inset\((?:50|100)%", r"filter:[^;]{0,200}opacity\(0",
        "-webkit-text-fill-color:transparent", "-webkit-text-security:(?!none)",
        r"transform:[^;]{0,200}(?:(?:rotate|skew|matrix)\w*\((?!0)|scale\w*\((?:0\)|[^)]{0,200}-))",
        "rotate:[^;]{0,200}[1-9]", r"scale:(?:0(?![.\d])|[^;]{0,200}-)",
    ),
    Effect.SHOWS: ("display:(?!none|inherit|initial|unset|revert)", "visibility:visible"),
    Effect.FADES: (f"color:{_WHITE}",),
    Effect.PAINTS: (
        f"background(?:-color|-image)?:(?!{_WHITE}(?:[;!]|$)|none|inherit|initial|unset)",
    ),
    Effect.STRIKES: ("text-decoration(?:-line)?:[^;]{0,200}line-through",),
    Effect.MOVES: (
        "float:(?:right|inline-end)", "order:-?[1-9]", "position:(?:absolute|fixed)", "inset:",
        "transform:[^;]{0,200}translate", "translate:[^;]{0,200}[1-9]", "margin-(?:left|right):-",
        "grid-(?:area|column|row)[a-z-]*:",
    ),
    Effect.DRIFTS: ("float:(?:left|inline-start)",),
    Effect.MIRRORS: ("direction:rtl", "flex-(?:direction|flow):[^;]{0,200}reverse", "wrap-reverse"),
}  # fmt: skip
_PATTERNS = {
    effect: re.compile(rf"(?<![\w-])(?:{'|'.join(patterns)})")
    for effect, patterns in _EFFECTS.items()
}
_NO_ROOM = re.compile(r"(?<![\w-])(?:max-)?(?:width|height):0(?:p[xt])?(?![.\d\w%])")
_ASIDE = re.compile(r"(?<![\w-])(?:left|right):-?[.\d]*[1-9]")
_WHITE_ALONE = re.compile(rf"{_WHITE}\Z")
# Each effect on its own text needs one of these; to look for them costs least.
_HINTS = (
    *(b"none", b"hid", b"size:0", b"size:1", b"opacity", b"collapse", b"align:su", b"override"),
    *(b"writing", b":-", b"clip", b"transparent", b"security", b"transform", b"rotate", b"scale"),
    *(b"color:white", b"color:#f", b"00;", b"rgb", b"through", b"float", b"position", b"inset"),
    *(b"translate", b"grid-", b"rtl", b"reverse", b"order:1", b"order:2", b"/*", b"&#"),
)
_ELSEWISE = re.compile(rb"""style\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+)""")
_WHITE_FONT = re.compile(rb"<font[^<>]*?\scolor\s*=\s*[\"']?\s*(?:white|#?fff)")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_REMEMBERED = 1000  # characters; longer styles hold pictures, and are rare
HIDING = Effect.HIDES | Effect.BLANKS
HARMLESS = Effect.SHOWS | Effect.PAINTS


def _remembering(work: Callable[[_Style], _Said]) -> Callable[[_Style], _Said]:
    remembered = lru_cache(maxsize=16384)(work)

    @wraps(work)
    def told(style: _Style) -> _Said:
        return remembered(style) if len(style) <= _REMEMBERED else work(style)

    return told


@_remembering
def effects(style: str) -> Effect:
    """What a style does to its text; `WRITES` and `QUOTES` are for style sheets to say."""
    compact = "".join(_COMMENT.sub("", style).split()).lower()
    found = Effect.NONE
    for effect, pattern in _PATTERNS.items():
        if pattern.search(compact):
            found |= effect
    if "overflow:hidden" in compact and _NO_ROOM.search(compact):
        found |= Effect.MAY_HIDE
    if "position:relative" in compact and _ASIDE.search(compact):
        found |= Effect.MOVES
    return found


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
