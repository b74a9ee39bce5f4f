"""What a recogniser made of a statutory label, put right where only one label can be meant."""

from __future__ import annotations

from functools import cache, lru_cache

from tasks.report.form import FORMS
from tasks.report.labels import Meaning, key, lexicon, likeness

ALIKE = 0.6  # share of characters from which a text may be a label
APART = 0.2  # by which the most similar label of another meaning must be less alike


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
