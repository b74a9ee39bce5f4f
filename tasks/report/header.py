"""The metadata header of a page: labelled pairs, meta tags of the national site standard, dates.

Pairs stand in a table, a list or lines of text; one or several on a line; with spaces inside the
label and either colon. The labels are data (`header_fields.csv`).
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import cache, lru_cache

from tasks.report.form import _table
from tasks.report.model import Block, Paragraph, Source
from tasks.report.title import compact, is_report_title

_SPACE = r"[\s\u3000\xa0]*"
_COLON = "[:：]"
_DATE = re.compile(
    r"(?<!\d)((?:19|20)\d{2})\s*(?:[-/.]|年)\s*(\d{1,2})\s*(?:[-/.]|月)\s*(\d{1,2})(?!\d)\s*日?"
)
_CHINESE_DATE = re.compile(
    r"([二〇○零一三四五六七八九OＯ0]{4})年([元一二三四五六七八九十]{1,2})月([一二三四五六七八九十]{1,3})日"
)
_CHINESE_DIGITS = {c: str(i) for i, c in enumerate("〇一二三四五六七八九")} | {
    "零": "0",
    "○": "0",
    "O": "0",
    "Ｏ": "0",
    "0": "0",
    "元": "1",
}
# A line of the page's own below the title: 2023-01-18 10:15 来源：…
_STAMP = re.compile(
    r"\s*(20\d\d\s*[-年/.]\s*\d{1,2}\s*[-月/.]\s*\d{1,2}日?)[\s\u3000]*"
    r"(?:\d{1,2}:\d{2}(?::\d{2})?[\s\u3000]*)?(?:来源|浏览|作者|字号|点击|访问|信息来源|【|\Z)"
)
_IDEOGRAPH = re.compile(r"[\u4e00-\u9fff]")
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
_LONGEST_LABEL = 30
_SITE = re.compile(r"网站?\Z")  # where it was published, and no organ
_LONG_LABEL = 4  # characters of one that ends no other word
_LONGEST_LINE = 500  # characters of a line that may hold pairs; longer ones are prose

Pairs = dict[str, str]


@cache
def fields() -> dict[str, str]:
    """Header labels without spaces, to field names."""
    return {row["label"]: row["field"] for row in _table("header_fields.csv")}


@cache
def _label_pattern() -> re.Pattern[str]:
    """Any header label, spaces allowed between its characters, followed by a colon."""
    return re.compile(rf"({_any_label()}){_SPACE}{_COLON}")


@cache
def _spaced_pattern() -> re.Pattern[str]:
    """Any header label with white space on both sides."""
    return re.compile(rf"(?<!\S)({_any_label()})(?!\S)")


def _any_label() -> str:
    spelled = sorted(fields(), key=len, reverse=True)
    return "|".join(_SPACE.join(map(re.escape, label)) for label in spelled)


def _labels_of(text: str) -> list[re.Match[str]]:
    """The labels of a line's pairs: before colons, or in a line without any between spaces.

    A word may end as a short label does (数据来源); behind a pair a long label needs no space.
    """
    found: list[re.Match[str]] = []
    for match in _label_pattern().finditer(text) if ":" in text or "：" in text else ():
        word = _IDEOGRAPH.match(text[match.start() - 1 : match.start()])
        if not word or (found and len(_bare(match[1])) >= _LONG_LABEL):
            found.append(match)
    if found or len(text.split(None, 1)) < 2 or len(text) > _LONGEST_VALUE:
        return found
    spaced = list(_spaced_pattern().finditer(text))
    if spaced and not spaced[0].start() and (spaced[1:] or len(_bare(spaced[0][1])) >= 3):
        return spaced
    return []


@lru_cache(maxsize=8192)
def _field(text: str) -> str | None:
    """The field that a text is the label of."""
    return fields().get(_bare(text)) if len(text) <= _LONGEST_LABEL else None


def _bare(label: str) -> str:
    return re.sub(r"[\s\u3000\xa0:：【】\[\]]+", "", label)


@lru_cache(maxsize=4096)
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
    reader = _Reader()
    for block in source.blocks[:before]:
        reader.take(block)
    pairs = reader.pairs
    if "published_date" not in pairs:
        for block in source.blocks[:before]:
            if isinstance(block, Paragraph) and (stamp := _STAMP.match(block.text)):
                pairs["published_date"] = stamp[1]
                break
    for name, field in _META.items():
        if value := source.meta.get(name):
            pairs.setdefault(field, value)
    for field in _DATE_FIELDS:
        if field in pairs:
            spelled = re.sub(r"\A(20\d\d)(\d\d)(\d\d)\Z", r"\1-\2-\3", pairs[field])
            pairs[field] = iso_date(spelled) or pairs[field]
    return pairs


# What follows a value on its line: another label, a bracket, the page's own tools.
_RUN_ON = re.compile(
    r"[\s|｜]+(?=[\u4e00-\u9fff]{2,6}\s*[:：])|【|\s(?=字号|字体|打印|分享|浏览)"
    r"|(?=(?:作者|点击|(?:浏览|访问|阅读|点击)(?:次数|量|数))\s*[:：])"
)
_TOOLS = re.compile(r"打印|分享|字号|字体|收藏|关闭|[。；：:【】]")


def _fits(field: str, text: str) -> bool:
    """Whether the line below a label without a value can be its value."""
    if len(text) > 40 or _TOOLS.search(text) or is_report_title(compact(text)):
        return False
    if field in _DATE_FIELDS:
        return iso_date(text) is not None
    if field == "document_number":
        return "号" in text
    if field == "index_number":
        return bool(re.search(r"[0-9A-Za-z]", text))
    return True


class _Reader:
    """Takes the blocks of a header in turn; a label may stand in one and its value in the next."""

    def __init__(self) -> None:
        self.pairs: Pairs = {}
        self._waiting: str | None = None  # a label at the end of a line, whose value comes next
        self._columns: list[str] = []  # a row of labels only, whose values are the next row

    def take(self, block: Block) -> None:
        """Reads one paragraph or row."""
        if isinstance(block, Paragraph):
            self._columns = []
            self._line(block.text)
            return
        texts = [cell.text.strip() for cell in block.cells]
        named = [_field(text) for text in texts]
        if self._columns and len(texts) == len(self._columns) and not any(named):
            for field, text in zip(self._columns, texts, strict=True):
                self._keep(field, text)
        self._columns = [f for f in named if f] if len(texts) > 1 and all(named) else []
        if self._columns:
            return
        label: str | None = None
        for text, name in zip(texts, named, strict=True):
            if name is not None:
                label = name
            elif label is not None:
                self._keep(label, text)
                label = None
            else:
                self._line(text)

    def _line(self, text: str) -> None:
        """All `label: value` pairs of one line; a value ends where the next label begins."""
        waiting, self._waiting = self._waiting, None
        text = text.strip()
        matches = _labels_of(text) if len(text) <= _LONGEST_LINE else []
        if waiting is not None and not matches and _fits(waiting, text):
            self._keep(waiting, text)
            return
        for i, match in enumerate(matches):
            end = matches[i + 1].start() if i + 1 < len(matches) else len(text)
            field, value = fields()[_bare(match[1])], text[match.end() : end]
            value = _RUN_ON.split(value, maxsplit=1)[0]
            if value.strip():
                self._keep(field, value)
            elif i + 1 == len(matches):
                self._waiting = field

    def _keep(self, field: str, value: str) -> None:
        value = " ".join(value.split()).strip(" |;；")
        if field == "issuing_unit" and _SITE.search(value):
            return
        if value and len(value) <= _LONGEST_VALUE:
            self.pairs.setdefault(field, value)
