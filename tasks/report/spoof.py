"""Signs that a document is a spoofed copy of a report, or a hacked page.

Copies of official reports are published to sell something or to game search engines: with betting
words, with pinyin after the characters, with characters swapped for their traditional forms, with
the publisher's own address replaced. None of that occurs in a report of an organ of the mainland.
A clean copy shows none of it: the host a document was fetched from decides first, always.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from importlib.resources import files

from tasks.report.model import Paragraph, Place, Source

_WEAK_NEEDED = 4  # a police station may report on three of them
_TRADITIONAL_NEEDED = 4
_PINYIN_NEEDED = 2
_RUN = 3  # characters in a row with their syllables
_TONES = "āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ"
_TONED = re.compile(rf"[\u4e00-\u9fff][(（\[]?[a-zü]*[{_TONES}][a-zü{_TONES}]*")
_SYLLABLE = (
    r"(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?"
    r"(?:iang|iong|uang|ueng|ang|eng|ing|ong|iao|ian|uai|uan|ai|ei|ui|ao|ou|iu|ie|ue|er|an|en|in|un"
    r"|ia|ua|uo|[aeiouü])"
)
_UNTONED = re.compile(rf"(?:[\u4e00-\u9fff][(（\[]?{_SYLLABLE}[)）\]]?(?![a-z])){{{_RUN},}}")
# What costs little to look for, and without which the patterns above find nothing.
_TONE = re.compile("[à-ǜ]")  # all of them lie there; a range is found soonest
_LATIN = re.compile(r"[a-zü]{1,6}(?=[)）\]]?[\u4e00-\u9fff])")
_DOTTED = re.compile(r"\.(?<=[A-Za-z0-9]\.)[A-Za-z]")  # begins with the dot: found at once
_SWITCHES = re.compile(
    "繁體(?:中文|版)?|簡體(?:中文|版)?|無障礙(?:瀏覽|閱讀)?|長者(?:助手|模式|版)?"
)
_ADDRESS = r"(?:https?://)?((?:[a-z0-9-]{1,63}\.)+[a-z]{2,10})(?![a-z0-9.-]*@)"
_OWN_ADDRESS = re.compile(
    r"(?:本报告(?:的)?(?:电子版|全文)|(?:本|我)(?:机关|单位|政府|厅|局|委|办|镇|乡|街道|县|区|市)"
    rf"(?:的)?(?:政府|门户|官方)?网站)[^。；;@]{{0,60}}?(?<![\w.@-]){_ADDRESS}",
    re.IGNORECASE,
)


@cache
def _words() -> tuple[re.Pattern[str], frozenset[str]]:
    """All betting words as one pattern for text in lower case, and those of which one is enough."""
    text = files("tasks.report").joinpath("spoof_words.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    longest_first = sorted((r["word"] for r in rows), key=len, reverse=True)
    strong = frozenset(r["word"] for r in rows if r["weight"] == "strong")
    return re.compile("|".join(map(re.escape, longest_first))), strong


def evidence(source: Source) -> tuple[str, Place | None] | None:
    """What shows that a document is not what an organ published, and where; None when nothing does.

    Looks at the title and at all running text; what is wrong in a table the reader finds.
    """
    texts: list[tuple[str, Place | None]] = [(source.title or "", None)]
    texts += [(block.text, block.place) for block in source.blocks if isinstance(block, Paragraph)]
    whole = "\n".join([text for text, _ in texts])
    # A character misread in a picture looks like one that somebody swapped.
    printed = "\n".join([text for text, place in texts if not place or place.kind != "image"])
    found = _betting(whole) or _pinyin(printed) or _traditional(printed) or _address(printed)
    if found is None:
        return None
    said, mark = found
    return said, next((place for text, place in texts if mark in text), None)


def _betting(text: str) -> tuple[str, str] | None:
    pattern, strong = _words()
    found = list(dict.fromkeys(pattern.findall(text.lower())))
    hard = [word for word in found if word in strong]
    if not hard and len(found) < _WEAK_NEEDED:
        return None
    shown = hard or found
    first = re.search(re.escape(shown[0]), text, re.IGNORECASE)
    return f"betting words stand in it: {'、'.join(shown[:5])}", first[0] if first else ""


def _pinyin(text: str) -> tuple[str, str] | None:
    toned = _TONED.findall(text) if _TONE.search(text) else []
    if len(toned) >= _PINYIN_NEEDED:
        return f"pinyin was inserted after characters: “{toned[0]}”, “{toned[1]}”", toned[0]
    run = _UNTONED.search(text) if len(_LATIN.findall(text)) >= _RUN else None
    return (f"pinyin was inserted after characters: “{run[0][:40]}”", run[0]) if run else None


def _traditional(text: str) -> tuple[str, str] | None:
    if len(set(_traditional_forms().findall(text))) < _TRADITIONAL_NEEDED:
        return None
    odd = list(dict.fromkeys(_traditional_forms().findall(_SWITCHES.sub("", text))))
    if len(odd) < _TRADITIONAL_NEEDED:
        return None
    return f"characters stand in their traditional forms: {''.join(odd[:8])}", odd[0]


@cache
def _traditional_forms() -> re.Pattern[str]:
    """The characters written on Taiwan and not on the mainland: in Big5, not in GB 2312."""
    ideographs = "".join(map(chr, range(0x4E00, 0xA000)))
    big5 = ideographs.encode("big5", "ignore").decode("big5")
    gb2312 = set(ideographs.encode("gb2312", "ignore").decode("gb2312"))
    return re.compile(f"[{''.join([c for c in big5 if c not in gb2312])}]")


def _address(text: str) -> tuple[str, str] | None:
    if not _DOTTED.search(text):
        return None
    for match in _OWN_ADDRESS.finditer(text):
        host = match[1].lower()
        if not host.endswith(".gov.cn") and host != "gov.cn":
            return f"it names {host} as the publisher's own site", match[1]
    return None
