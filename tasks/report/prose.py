"""The prose of a report: its sections as text, and the figures its sentences give (identity 7)."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from tasks.report.headings import heading_of
from tasks.report.model import Block, Paragraph, ProseNumber, SourceRow

_SENTENCE = re.compile(r"[^。；;！!\n]+")
_UNIT = r"(?:件次|件|条|份|宗|次|起|人次)"
_SAYS_HOW_MANY = re.compile(r"\d|[未无]|没有")
_CLOSING = 80  # blocks after the last section among which the signature is looked for
_NUMBER = r"(\d[\d,，]*)"


class _Rule(NamedTuple):
    measure: str  # a cell of the form
    pattern: re.Pattern[str]
    none: re.Pattern[str]  # a wording that says there were none


def _rule(measure: str, words: str, none: str) -> _Rule:
    number = re.compile(rf"{words}[^\d。；，,、]{{0,24}}?{_NUMBER}\s*{_UNIT}")
    return _Rule(measure, number, re.compile(none))


_APPLIED = r"(?:依申请公开|政府信息公开申请|信息公开申请|公开申请)"
_RULES = (
    _Rule(
        "requests.new_received.total",
        re.compile(
            rf"(?:收到|受理|新收|接收|接到)[^\d。；，,]{{0,12}}?(?:{_APPLIED}[^\d。；，,]{{0,12}}?{_NUMBER}\s*{_UNIT}"
            rf"|{_NUMBER}\s*{_UNIT}[^。；，,]{{0,8}}?{_APPLIED})"
        ),
        re.compile(rf"(?:未|没有|无)(?:收到|受理|接到)[^。；，]{{0,16}}{_APPLIED}"),
    ),
    _rule("requests.carried_in.total", r"上年(?:度)?结转", r"(?:未|无|没有)上年(?:度)?结转"),
    _rule(
        "requests.total_handled.total",
        r"(?:答复|办结|办理答复)",
        r"(?!)",
    ),
    _rule(
        "requests.carried_out.total",
        r"结转(?:至)?下(?:一)?年度?",
        r"(?:无|没有)结转(?:至)?下(?:一)?年",
    ),
    _rule(
        "review_litigation.reconsideration.total",
        r"行政复议(?:案件)?",
        r"(?:未|没有|无)[^。；，]{0,24}行政复议",
    ),
)


class Prose(NamedTuple):
    """Where the statutory part begins among the blocks, and the text of each section."""

    begins: int
    sections: dict[str, str]


def split(blocks: list[Block]) -> Prose:
    """The report's sections by their headings; text before the first is `preamble`."""
    preamble: list[str] = []
    sections: dict[str, list[str]] = {}
    lines = preamble
    begins, in_tables = len(blocks), False
    for i, block in enumerate(blocks):
        if isinstance(block, SourceRow):
            in_tables |= len(block.cells) >= 7
            if len(block.cells) != 1 or not block.cells[0].text:
                continue
            text = block.cells[0].text
        else:
            text = block.text
        heading = heading_of(text)
        if heading is None:
            lines.append(text)
            continue
        # A table of contents names the sections first; the report begins at the last 一.
        again = heading == "overview" and not in_tables
        begins = i if again else min(begins, i)
        lines = sections.setdefault(heading, [])
    if preamble:
        sections = {"preamble": preamble, **sections}
    return Prose(begins, {name: "\n".join(lines) for name, lines in sections.items()})


def numbers(sections: dict[str, str]) -> list[ProseNumber]:
    """The figures of the tables that section 一 states in words, each with its sentence.

    Only plain statements are taken; a sentence that gives one measure two numbers gives none.
    """
    text = unicodedata.normalize("NFKC", sections.get("overview", ""))
    found: list[ProseNumber] = []
    for sentence in _SENTENCE.findall(text):
        if not _SAYS_HOW_MANY.search(sentence):
            continue
        for rule in _RULES:
            said = {
                int(re.sub(r"[,，]", "", group))
                for match in rule.pattern.finditer(sentence)
                for group in match.groups()
                if group
            }
            if rule.none.search(sentence):
                said.add(0)
            if len(said) == 1:
                found.append(ProseNumber(rule.measure, said.pop(), sentence.strip()[:200]))
    return found


def closing(blocks: list[Block]) -> list[str]:
    """The short texts below the heading of the last section, else below the last full table row.

    Rows of one or two cells count: pages set signatures in tables.
    """
    begins = len(blocks)
    while begins and not (type(blocks[begins - 1]) is SourceRow and len(blocks[begins - 1][0]) > 2):
        begins -= 1
    for i, block in enumerate(blocks[begins:], begins):
        text = block.text if isinstance(block, Paragraph) else block.cells[0].text
        if heading_of(text) == "other_matters":
            begins = i + 1
            break
    texts: list[str] = []
    for block in blocks[begins : begins + _CLOSING]:
        cells = [block.text] if isinstance(block, Paragraph) else [c.text for c in block.cells]
        texts += [t for t in cells if t.strip()]
    return texts
