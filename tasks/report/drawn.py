"""What one page shows, whatever drew it: its characters, its ruling lines, its large pictures.

All coordinates are points from the top left corner of the page as a reader sees it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from tasks.report.model import Place, Reject

THIN = 4.0  # a rectangle at most this thick is a rule; pdfium's bounds add the stroke's width
SHORTEST = 4.0  # rules are longer than this; shorter are the corner squares of Word's borders
OUTLINES = 60  # drawn shapes that, on a page without text, mean text turned into curves

# A text layer made with a font's radical glyphs says U+2F8F where the page shows 行.
_RADICAL = re.compile("[\u2e80-\u2eff\u2f00-\u2fdf\uf900-\ufaff\U0002f800-\U0002fa1f]")
# Unicode's EquivalentUnifiedIdeograph for whole characters of the Radicals Supplement: NFKC maps
# only two of that block, but ⻚ ⻓ ⻔ ⻅ are what Chromium and Noto CJK put in text layers.
_SUPPLEMENT = dict(
    zip(
        "⺁⺈⺌⺍⺒⺓⺔⺕⺗⺙⺛⺜⺝⺞⺠⺢⺤⺦⺧⺩⺪⺫⺬⺮⺶⺷⺹⺺⺻⺼⺽⻁⻂⻃⻄⻅⻆⻉⻋⻏⻑⻒⻓⻔⻖⻗⻘⻙⻚⻛⻜⻝⻟⻢⻣⻤⻥⻦⻧⻨⻩⻪⻫⻬⻭⻮⻯⻰⻱⻲",
        "厂刀小小巳幺彑彐㣺攵旡日月歺民氺爫丬牛王疋目示竹羊羊耂肀聿月臼虎衤覀西见角贝车阝長镸长门阝雨青韦页风飞食飠马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙龜亀",
        strict=True,
    )
)


class Glyph(NamedTuple):
    """One visible character and the box it advances over."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float


class Rule(NamedTuple):
    """A straight line: `at` is its y (or x, when it runs down), from `start` to `end`."""

    at: float
    start: float
    end: float


@dataclass(slots=True)
class Budget:
    """What one document may cost; a page read in part would be a table with rules missing."""

    kind: str  # what places name
    objects: int = 300_000
    segments: int = 300_000
    characters: int = 500_000

    def spend(self, kind: str, amount: int, page: int) -> None:
        left = getattr(self, kind) - amount
        setattr(self, kind, left)
        if left < 0:
            message = f"the document has too many {kind}"
            raise Reject("too_large", message, Place(self.kind, page=page))


Box = tuple[float, float, float, float]
Affine = tuple[float, float, float, float, float, float]


@dataclass(slots=True)
class PageContent:
    """What a page shows, before anyone asks what it means."""

    number: int
    width: float
    height: float
    glyphs: list[Glyph] = field(default_factory=list)
    across: list[Rule] = field(default_factory=list)
    down: list[Rule] = field(default_factory=list)
    pictures: int = 0
    recognised: bool = False  # from how it looks, not from what drew it
    turned: int = 0  # quarter turns to the left after which its picture was read
    looks: dict[Box, tuple[str, ...]] = field(default_factory=dict)  # see `Source.looks`


def unify(text: str) -> str:
    """Kangxi and other radicals, and compatibility ideographs, as the characters they show.

    Nothing else changes: a full-width digit is published as a full-width digit.
    """
    if not _RADICAL.search(text):
        return text
    return _RADICAL.sub(
        lambda m: _SUPPLEMENT.get(m[0]) or unicodedata.normalize("NFKC", m[0]), text
    )


def around(m: Affine, x0: float, y0: float, x1: float, y1: float) -> Box:
    """The box around a mapped rectangle."""
    a, b, c, d, e, f = m
    xs = (a * x0 + c * y0 + e, a * x1 + c * y1 + e, a * x0 + c * y1 + e, a * x1 + c * y0 + e)
    ys = (b * x0 + d * y0 + f, b * x1 + d * y1 + f, b * x0 + d * y1 + f, b * x1 + d * y0 + f)
    return min(xs), min(ys), max(xs), max(ys)


def times(inner: Affine, outer: Affine) -> Affine:
    """First `inner`, then `outer`."""
    a, b, c, d, e, f = inner
    p, q, r, s, t, u = outer
    return (
        a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t,
        e * q + f * s + u,
    )  # fmt: skip


class Drawn:
    """Collects what the objects of a page draw."""

    def __init__(self, content: PageContent, budget: Budget) -> None:
        self.content = content
        self.budget = budget
        self.shapes = self.pictures = 0
        self.picture_area = 0.0
        self.hidden_text = False

    def line(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Takes a box as a rule when it is thin and long enough."""
        wide, high = x1 - x0, y1 - y0
        if high <= THIN and wide > SHORTEST and wide > high:
            self.content.across.append(Rule((y0 + y1) / 2, x0, x1))
        elif wide <= THIN and high > SHORTEST:
            self.content.down.append(Rule((x0 + x1) / 2, y0, y1))

    def picture(self, box: tuple[float, ...]) -> None:
        """Counts a picture that could hold a table; a hairline picture is a rule."""
        page = self.content
        wide = min(box[2], page.width) - max(box[0], 0)
        high = min(box[3], page.height) - max(box[1], 0)
        if wide <= 0 or high <= 0:
            return
        self.picture_area += wide * high
        if min(wide, high) <= THIN:
            self.line(box[0], box[1], box[2], box[3])
        elif wide >= 0.35 * page.width and high >= 60:
            self.pictures += 1

    def shape(self, points: list[tuple[float, float]], *, stroked: bool) -> None:
        """Takes the rules out of a path's points: a thin shape, or the sides of a stroked one."""
        if len(points) < 2:
            return
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        box = (min(xs), min(ys), max(xs), max(ys))
        if min(box[2] - box[0], box[3] - box[1]) <= THIN:
            self.line(*box)
        elif stroked:
            for (x0, y0), (x1, y1) in pairwise(points):
                if min(abs(x0 - x1), abs(y0 - y1)) <= 1:
                    self.line(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))

    def count_pictures(self) -> None:
        """Says, when all is drawn, how many pictures of the page could hold a table."""
        page = self.content
        if not page.glyphs and self.shapes >= OUTLINES and not self.pictures:
            page.pictures = 1
        # A scan may lie on the page in strips: together they are one picture.
        elif self.pictures or self.picture_area > 0.25 * page.width * page.height:
            page.pictures = max(1, self.pictures)
