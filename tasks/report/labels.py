"""Label texts and what they may mean.

A label is compared by its key: NFKC, without spaces and punctuation, without a leading
enumerator ("（一）", "1.", "三、"). The statutory labels come from the form, known variants from
`labels.csv`; a new variant is a row there. Exact keys are evidence of a position; a fragment or a
near miss only counts where order already says the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache, lru_cache
from typing import NamedTuple

from tasks.report.form import FORMS, _table, form
from tasks.report.model import Form

SECTIONS = ("proactive", "requests", "review_litigation")

_UNIT_NOTE = re.compile(r"\((?:单位:)?[件个项条次份]\)")
_NOT_LABEL = re.compile(r"[^\u3400-\u9fffA-Za-z0-9]+")
_NUMERALS = "一二三四五六七八九十0123456789"

_SAME = (("年度", "年"), ("其它", "其他"))  # ways of writing that mean the same everywhere

NEAR = 0.6  # share of characters in common from which a garbled label resembles a statutory one


class Meaning(NamedTuple):
    """What a label stands for: a row, a column or a group of `section`."""

    section: str
    kind: str  # row, column, group
    code: str


@lru_cache(maxsize=8192)
def key(text: str) -> str:
    """The comparable part of a label; "" for a text without letters, digits or ideographs."""
    full = _NOT_LABEL.sub("", _UNIT_NOTE.sub("", unicodedata.normalize("NFKC", text)))
    for written, meant in _SAME:
        full = full.replace(written, meant)
    return full.lstrip(_NUMERALS) or full


_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """The labels of one form: exact keys to meanings, and the keys of each row and column."""

    exact: dict[str, frozenset[Meaning]]
    codes: dict[tuple[str, str], dict[str, frozenset[str]]]  # (section, kind) -> key -> codes
    rows: dict[tuple[str, str], tuple[str, ...]]
    columns: dict[tuple[str, str], tuple[str, ...]]
    groups: dict[str, tuple[str, ...]]  # section -> keys of its group labels
    spelled: dict[str, str]  # section -> its group labels as the form spells them

    def meanings(self, label_key: str, section: str, kind: str) -> frozenset[str]:
        """Codes of `kind` in `section` that this exact key may stand for."""
        return self.codes[section, kind].get(label_key, _NOTHING)

    @lru_cache(maxsize=4096)  # noqa: B019 - there are two lexicons, and they live as long as we do
    def group_of(self, label_key: str, section: str) -> str | None:
        """The code of the group that a key names, exactly or short of a character or two."""
        for code in self.meanings(label_key, section, "group"):
            return code
        if len(label_key) < 3 or self.meanings(label_key, section, "column"):
            return None
        near = {
            code
            for g in self.groups[section]
            if likeness(label_key, g) >= 0.8
            for code in self.meanings(g, section, "group")
        }
        return next(iter(near)) if len(near) == 1 else None

    def group_fragment(self, label_key: str, section: str) -> bool:
        """Whether the key is a piece of one of the section's group labels."""
        return label_key in self.spelled[section] or any(
            label_key in group for group in self.groups[section]
        )


@cache
def lexicon(name: Form) -> Lexicon:
    """The labels of one form with their known variants."""
    exact: dict[str, set[Meaning]] = {}
    rows: dict[tuple[str, str], dict[str, None]] = {}
    columns: dict[tuple[str, str], dict[str, None]] = {}
    groups: dict[str, dict[str, None]] = {s: {} for s in SECTIONS}

    def add(label: str, meaning: Meaning) -> None:
        exact.setdefault(label, set()).add(meaning)
        if meaning.kind == "row":
            rows.setdefault((meaning.section, meaning.code), {})[label] = None
        elif meaning.kind == "column":
            columns.setdefault((meaning.section, meaning.code), {})[label] = None
        else:
            groups[meaning.section][label] = None

    for section, form_rows in form(name).sections.items():
        for row in form_rows:
            if section != "review_litigation":  # its rows stand side by side, as column groups
                add(key(row.label), Meaning(section, "row", row.code))
                for start in range(len(row.groups)):
                    fused = "".join(key(g) for g in row.groups[start:]) + key(row.label)
                    add(fused, Meaning(section, "row", row.code))
                for group in row.groups:
                    add(key(group), Meaning(section, "group", key(group)))
            for cell in row.cells:
                add(key(cell.column_label), Meaning(section, "column", cell.column))
    for variant in _table("labels.csv"):
        section, kind, code = variant["section"], variant["kind"], variant["code"]
        known = rows if kind == "row" else columns
        if kind == "group" or (section, code) in known:
            add(key(variant["text"]), Meaning(section, kind, code))
    codes: dict[tuple[str, str], dict[str, frozenset[str]]] = {
        (section, kind): {} for section in SECTIONS for kind in ("row", "column", "group")
    }
    for label, meanings in exact.items():
        for m in meanings:
            named = codes[m.section, m.kind]
            named[label] = named.get(label, _NOTHING) | {m.code}
    return Lexicon(
        codes=codes,
        exact={k: frozenset(v) for k, v in exact.items()},
        rows={k: tuple(v) for k, v in rows.items()},
        columns={k: tuple(v) for k, v in columns.items()},
        spelled={
            section: "|".join(
                dict.fromkeys(_NOT_LABEL.sub("", g) for row in form_rows for g in row.groups)
            )
            for section, form_rows in form(name).sections.items()
        },
        groups={k: tuple(v) for k, v in groups.items()},
    )


@cache
def sections_of_labels() -> dict[str, frozenset[str]]:
    """Every exact key of either form with the sections it occurs in."""
    found: dict[str, set[str]] = {}
    for name in FORMS:
        for label, meanings in lexicon(name).exact.items():
            found.setdefault(label, set()).update(m.section for m in meanings)
    return {label: frozenset(sections) for label, sections in found.items()}


@cache
def section_of_label() -> dict[str, str]:
    """The exact keys that stand in one section only, with that section."""
    return {k: next(iter(s)) for k, s in sections_of_labels().items() if len(s) == 1}


@cache
def telltale(name: Form) -> frozenset[str]:
    """Statutory labels of this form that the other form has nowhere."""
    other: Form = "2019" if name == "2021" else "2021"
    mine, theirs = lexicon(name).exact, lexicon(other).exact
    return frozenset(label for label in mine if label not in theirs)


@lru_cache(maxsize=8192)
def likeness(label_key: str, statutory: str) -> float:
    """How much of a label a garbled or shortened text still shows, from 0 to 1."""
    if label_key == statutory:
        return 1.0
    if len(label_key) >= 2 and label_key in statutory:
        return NEAR + 0.3 * len(label_key) / len(statutory)
    return SequenceMatcher(None, label_key, statutory, autojunk=False).ratio()


@lru_cache(maxsize=4096)
def section_of(label_key: str) -> str | None:
    """The one section a label belongs to; None when it could stand in several or in none."""
    if found := sections_of_labels().get(label_key):
        return next(iter(found)) if len(found) == 1 else None
    if len(label_key) < 3:
        return None
    best: dict[str, float] = {}
    for label in _alike(label_key):
        # A short piece of a long label (政府信息公开) stands in many texts that are no label.
        piece = label_key in label
        if piece and 2 * len(label_key) <= len(label):
            continue
        # No text is so like one of another length; this bound spares most comparisons.
        if not piece and 2 * min(len(label_key), len(label)) < 0.7 * (len(label_key) + len(label)):
            continue
        if (score := likeness(label_key, label)) >= 0.7:
            for section in sections_of_labels()[label]:
                best[section] = max(best.get(section, 0.0), score)
    return next(iter(best)) if len(best) == 1 else None


def _pairs(label_key: str) -> set[str]:
    return {label_key[i : i + 2] for i in range(len(label_key) - 1)}


@cache
def _labels_by_pair() -> dict[str, list[str]]:
    """Which statutory labels hold each pair of neighbouring characters."""
    found: dict[str, list[str]] = {}
    for label in sections_of_labels():
        for pair in _pairs(label):
            found.setdefault(pair, []).append(label)
    return found


def _alike(label_key: str) -> list[str]:
    """The labels that share enough neighbouring characters with a text to be worth comparing."""
    by_pair = _labels_by_pair()
    shared = Counter(label for pair in _pairs(label_key) for label in by_pair.get(pair, ()))
    length = len(label_key)
    return [label for label, n in shared.items() if 3 * n >= min(length, len(label)) - 1]
