"""What a recogniser made of a statutory label, put right where only one label can be meant."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

from tasks.report.form import FORMS
from tasks.report.labels import Meaning, key, lexicon, likeness

ALIKE = 0.6  # share of characters from which a text may be a label
APART = 0.2  # by which the most similar label of another meaning must be less alike
_LONGEST = 40  # characters of a label
_MONEY = re.compile("[元额]")
_UNIT = re.compile(r"(?<![^\W\d_位额])[十百千万亿]*元")  # 方元 may be 万元


def names_money(label: str) -> bool:
    """Whether a label may give the unit of amounts."""
    return bool(_MONEY.search(label))


def settled(one: str, other: str) -> str | None:
    """What a label is that was read twice; None where it is not certain in which unit amounts
    below it are: a misread unit would make the number another one."""
    label = nearest(other) or nearest(one)
    if len(one) > _LONGEST or not any(map(names_money, (one, other, label or ""))):
        return label or one
    stated = unit(one)
    if stated is None or stated != unit(other):
        return None
    return label if label and unit(label) == stated else one


def unit(label: str) -> str | None:
    """The unit of money that a label states, "" for a known one without; None if uncertain."""
    plain = unicodedata.normalize("NFKC", label).replace(" ", "")
    stated = _UNIT.findall(plain)
    meant = nearest(label)
    bare = meant is not None and "元" not in meant and len(key(label)) <= len(meant)
    return "".join(stated) if len(stated) == plain.count("元") and (stated or bare) else None


@lru_cache(maxsize=4096)
def nearest(text: str) -> str | None:
    """The key of the label that a recognised text is; None where it could be none or several."""
    own = key(text)
    labels = _labels()
    if own in labels:
        return own
    if len(own) < 4:
        return None  # two or three characters are too like each other
    ranked = sorted(((_share(own, label), label) for label in labels), reverse=True)
    best, label = ranked[0]
    second = next(share for share, other in ranked if labels[other] != labels[label])
    return label if best >= ALIKE and best - second >= APART else None


@cache
def _labels() -> dict[str, frozenset[Meaning]]:
    """The keys of all labels of both forms, and what each means in either."""
    found: dict[str, frozenset[Meaning]] = {}
    for name in FORMS:
        for label, meanings in lexicon(name).exact.items():
            found[label] = found.get(label, frozenset()) | meanings
    return found


def _share(own: str, label: str) -> float:
    """How alike they are; a piece of a longer label is no whole one."""
    if abs(len(own) - len(label)) > max(1, len(label) // 5):
        return 0.0
    return likeness(own, label) if own not in label else len(own) / len(label)
