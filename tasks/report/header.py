"""The metadata header of a page: labelled pairs, meta tags of the national site standard, dates.

Pairs stand in a table, a list or lines of text; one or several on a line; with spaces inside the
label and either colon. The labels are data (`header_fields.csv`).
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import cache

from tasks.report.form import _table
from tasks.report.model import Block, Paragraph, Source

_SPACE = r"[\s\u3000\xa0]*"
_COLON = "[:：]"
_DATE = re.compile(
    r"(?<!\d)((?:19|20)\d{2})\s*(?:[-/.]|年)\s*(\d{1,2})\s*(?:[-/.]|月)\s*(\d{1,2})(?!\d)\s*日?"
)
_CHINESE_DATE = re.compile(
    r"([二〇○零一三四五六七八九OＯ]{4})年([一二三四五六七八九十]{1,2})月([一二三四五六七八九十]{1,3})日"
)
_CHINESE_DIGITS = {c: str(i) for i, c in enumerate("〇一二三四五六七八九")} | {
    "零": "0",
    "○": "0",
    "O": "0",
    "Ｏ": "0",
}
_DATE_FIELDS = ("document_date", "published_date")
_META = {
    "sitename": "site_name",
    "sitedomain": "site_domain",
    "siteidcode": "site_id_code",
    "columnname": "column_name",
    "articletitle": "article_title",
    "pubdate": "published_date",
    "contentsource": "content_source",
}
_LONGEST_VALUE = 200

Pairs = dict[str, str]


@cache
def fields() -> dict[str, str]:
    """Header labels without spaces, to field names."""
    return {row["label"]: row["field"] for row in _table("header_fields.csv")}


@cache
def _label_pattern() -> re.Pattern[str]:
    """Any header label, spaces allowed between its characters, followed by a colon."""
    spelled = sorted(fields(), key=len, reverse=True)
    alternatives = "|".join(_SPACE.join(map(re.escape, label)) for label in spelled)
    return re.compile(rf"(?<![\u4e00-\u9fff])({alternatives}){_SPACE}{_COLON}")


def _bare(label: str) -> str:
    return re.sub(r"[\s\u3000\xa0:：【】\[\]]+", "", label)


def iso_date(text: str) -> str | None:
    """The first date in a text as YYYY-MM-DD, or None."""
    for match in _DATE.finditer(unicodedata.normalize("NFKC", text)):
        try:
            return date(int(match[1]), int(match[2]), int(match[3])).isoformat()
        except ValueError:
            continue
    if written := _CHINESE_DATE.search(text):
        year = "".join(_CHINESE_DIGITS[c] for c in written[1])
        try:
            return date(int(year), _small(written[2]), _small(written[3])).isoformat()
        except ValueError:
            return None
    return None


def _small(text: str) -> int:
    """A Chinese numeral from 1 to 31."""
    tens, ten, ones = text.partition("十")
    if not ten:
        return int("".join(_CHINESE_DIGITS[c] for c in text))
    high = int(_CHINESE_DIGITS[tens]) if tens else 1
    return 10 * high + (int(_CHINESE_DIGITS[ones]) if ones else 0)


def read_header(source: Source, before: int) -> dict[str, str]:
    """The fields of the header, from the blocks before index `before` and from the meta tags.

    Dates are ISO; what cannot be read as a date stays as printed.
    """
    pairs: Pairs = {}
    for block in source.blocks[:before]:
        _read_block(block, pairs)
    for name, field in _META.items():
        if value := source.meta.get(name):
            pairs.setdefault(field, value)
    for field in _DATE_FIELDS:
        if field in pairs:
            pairs[field] = iso_date(pairs[field]) or pairs[field]
    return pairs


def _read_block(block: Block, pairs: Pairs) -> None:
    if isinstance(block, Paragraph):
        _read_line(block.text, pairs)
        return
    texts = [cell.text.strip() for cell in block.cells]
    waiting: str | None = None
    for text in texts:
        field = fields().get(_bare(text))
        if field is not None:
            waiting = field
        elif waiting is not None:
            _keep(pairs, waiting, text)
            waiting = None
        else:
            _read_line(text, pairs)


def _read_line(text: str, pairs: Pairs) -> None:
    """All `label: value` pairs of one line; a value ends where the next label begins."""
    if ":" not in text and "：" not in text:
        return
    matches = list(_label_pattern().finditer(text))
    for i, match in enumerate(matches):
        end = matches[i + 1].start() if i + 1 < len(matches) else len(text)
        _keep(pairs, fields()[_bare(match[1])], text[match.end() : end])


def _keep(pairs: Pairs, field: str, value: str) -> None:
    value = re.sub(r"\s+", " ", value.replace("\xa0", " ").replace("\u3000", " ")).strip(" |;；")
    if value and len(value) <= _LONGEST_VALUE:
        pairs.setdefault(field, value)
