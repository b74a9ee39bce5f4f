"""The six section headings of a report, however they are written."""

from __future__ import annotations

from difflib import SequenceMatcher
from functools import cache, lru_cache

from tasks.report.labels import key

HEADINGS = {
    "overview": ("总体情况", "概述", "基本情况"),
    "proactive": ("主动公开政府信息情况", "主动公开政府信息的情况"),
    "requests": (
        "收到和处理政府信息公开申请情况",
        "收到和处理政府信息公开申请的情况",
    ),
    "review_litigation": (
        "政府信息公开行政复议行政诉讼情况",
        "因政府信息公开工作被申请行政复议提起行政诉讼情况",
        "政府信息公开行政复议和行政诉讼情况",
    ),
    "problems": (
        "存在的主要问题及改进情况",
        "存在的主要问题及改进措施",
        "存在的主要问题及整改措施",
        "政府信息公开工作存在的主要问题及改进情况",
        "存在的问题及改进情况",
        "存在问题及改进措施",
        "主要问题及改进情况",
    ),
    "other_matters": ("其他需要报告的事项", "其他需要报告事项", "需要报告的其他事项"),
}

_LONGEST = 40
_ALIKE = 0.85  # share of characters in common from which a text is a wording of a heading


@lru_cache(maxsize=32768)  # more than a document may have lines: each is looked at four times
def heading_of(text: str) -> str | None:
    """The section that a short text is the heading of, or None."""
    if len(text) > _LONGEST or len(text) < 4:
        return None
    label = key(text)
    if len(label) < 4:
        return None
    known = _keys()
    if (section := known.get(label)) is not None:
        return section
    if len(label) < 8:
        return None
    best, where = 0.0, None
    for wording in _near_in_length(len(label)):
        # At most the characters that stand in the wording too can be in common; to count them
        # costs a hundredth of the comparison, and a page may have 10,000 lines.
        enough = _ALIKE * (len(label) + len(wording)) / 2
        if sum(map(wording.__contains__, label)) < enough:
            continue
        ratio = SequenceMatcher(None, label, wording, autojunk=False).ratio()
        if ratio > best:
            best, where = ratio, known[wording]
    return where if best >= _ALIKE else None


@cache
def _near_in_length(length: int) -> tuple[str, ...]:
    """The wordings that a label of this length can be alike."""
    return tuple(w for w in _keys() if 2 * min(length, len(w)) >= _ALIKE * (length + len(w)))


@cache
def _keys() -> dict[str, str]:
    """The comparable form of every wording, with its section."""
    return {key(w): section for section, wordings in HEADINGS.items() for w in wordings}
