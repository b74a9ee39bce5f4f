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


@lru_cache(maxsize=4096)
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
    characters = set(label)
    best, where = 0.0, None
    for wording, section in known.items():
        if 3 * len(characters & set(wording)) < len(label):
            continue
        ratio = SequenceMatcher(None, label, wording, autojunk=False).ratio()
        if ratio > best:
            best, where = ratio, section
    return where if best >= 0.85 else None


@cache
def _keys() -> dict[str, str]:
    """The comparable form of every wording, with its section."""
    return {key(w): section for section, wordings in HEADINGS.items() for w in wordings}
