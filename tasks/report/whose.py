"""Whose report it is, for which year and scope: title, signature, issuing unit, with evidence."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import NamedTuple

from tasks.report.header import iso_date
from tasks.report.headings import heading_of
from tasks.report.model import Paragraph, Scope, Source, SourceRow

_SPACES = re.compile(r"[\s\u3000\xa0]+")
_REPORT = re.compile(
    r"(?:政府信息|政务|信息)公开(?:工作)?(?:情况)?(?:的)?(?:年度)?(?:工作)?(?:年度)?(?:报告|年报)"
)
_YEAR = re.compile(r"(?<!\d)(20[0-4]\d)\s*(?:年度|年)?")
_CHINESE_YEAR = re.compile(
    r"二[〇○零OＯ0]([一二三四五六七八九])([〇○零一二三四五六七八九OＯ0])\s*年"
)
_DIGIT = {c: i for i, c in enumerate("〇一二三四五六七八九")} | {
    "零": 0,
    "○": 0,
    "O": 0,
    "Ｏ": 0,
    "0": 0,
}
_SENTENCE = re.compile(r"[，。；！？,;!?]")
_UNIT_END = re.compile(
    r"(?:人民政府|政府|办公厅|办公室|委员会|管委会|街道办事处|街道|办事处|局|厅|委|办|镇|乡|苏木|中心|分局|支队|大队|院|部|处|"
    r"开发区|新区|园区|合作区|公司|银行|法院|县|市|区|旗|州|盟|省|自治区)\Z"
)
_TITLE_LINES = 4
_LONGEST_TITLE = 80


class Title(NamedTuple):
    """A report's title without spaces, and which block it begins at (None: none of them)."""

    text: str
    at: int | None


def compact(text: str) -> str:
    """A text without any white space."""
    return _SPACES.sub("", text)


def is_report_title(text: str) -> bool:
    """Whether a text names an annual report, and is not a sentence about one."""
    return (
        len(text) <= _LONGEST_TITLE
        and bool(_REPORT.search(text))
        and not _SENTENCE.search(text)
        and not re.search(r"(?:通知|公告|要求|办法|规定|方案|函)(?:$|[)）》])", text)
    )


def find_title(source: Source, header: dict[str, str], before: int) -> Title | None:
    """The report's title: from the page's own statement, else the body's first lines."""
    for stated in (header.get("article_title"), header.get("title")):
        if stated and is_report_title(compact(stated)):
            return Title(compact(stated), None)
    lines = [
        (i, block.text)
        for i, block in enumerate(source.blocks[:before])
        if isinstance(block, Paragraph)
    ]
    for position, (index, _) in enumerate(lines):
        joined = ""
        for _, text in lines[position : position + _TITLE_LINES]:
            if heading_of(text) is not None:
                break
            joined += compact(text)
            if len(joined) > _LONGEST_TITLE:
                break
            if is_report_title(joined) and _ends_as_title(joined):
                return Title(joined, index)
    for stated in (source.meta.get("h1"), source.title):
        for part in re.split(r"\s*[_|]\s*|\s+[-–—]+\s+|-{1,2}", stated or ""):
            if part and is_report_title(compact(part)):
                return Title(compact(part), None)
    return None


def _ends_as_title(text: str) -> bool:
    named = list(_REPORT.finditer(text))
    if not named:
        return False
    rest = text[named[-1].end() :]
    return not rest or bool(re.fullmatch(r"[（(].{1,20}[)）]|[(（]?20\d\d年?度?[)）]?", rest))


def years_in(text: str) -> list[int]:
    """The years a text names, in order."""
    found = [(m.start(), int(m[1])) for m in _YEAR.finditer(unicodedata.normalize("NFKC", text))]
    found += [
        (m.start(), 2000 + 10 * _DIGIT[m[1]] + _DIGIT[m[2]]) for m in _CHINESE_YEAR.finditer(text)
    ]
    return [year for _, year in sorted(found)]


def report_year(
    title: str | None, prose: str, dates: list[str | None]
) -> tuple[int | None, str | None]:
    """The year a report is about, with the evidence; None when nothing tells it.

    The title decides. Without one, the year its prose names most must be the year before the
    page's dates (where there are any): publication follows the year reported.
    """
    if title:
        named = years_in(title)
        if len(set(named)) == 1:
            return named[0], f"title: {title}"
        if named:
            return None, f"the title names several years: {title}"
    counted = Counter(years_in(prose))
    if not counted:
        return None, None
    (year, times), *others = counted.most_common(2)
    if others and others[0][1] == times:
        return None, f"the prose names {year} and {others[0][0]} equally often"
    published = sorted({int(d[:4]) for d in dates if d and re.match(r"\d{4}-", d)})
    if published and published[0] != year + 1:
        return None, f"the prose says {year}, the page is of {published[0]}"
    return year, f"prose: {year} is named {times} times" + (
        f", the page is of {published[0]}" if published else ""
    )


class Signature(NamedTuple):
    """The unit and date that close a report."""

    unit: str | None
    date: str | None


def find_signature(blocks: list[Paragraph | SourceRow]) -> Signature:
    """The signature below the last section: “unit date” on one line, or on two."""
    tail = [b.text.strip() for b in blocks if isinstance(b, Paragraph)][-12:]
    for i in range(len(tail) - 1, -1, -1):
        line = compact(tail[i])
        signed = iso_date(line)
        if signed is None or len(line) > 60:
            continue
        rest = re.sub(r"(?:20\d\d|[二〇○零一三四五六七八九OＯ]{4})(?:[-/.年]).*\Z", "", line)
        if rest and _is_unit(rest):
            return Signature(rest, signed)
        if not rest:
            above = compact(tail[i - 1]) if i else ""
            return Signature(above if _is_unit(above) else None, signed)
    return Signature(None, None)


def _is_unit(text: str) -> bool:
    return 2 < len(text) <= 40 and not _SENTENCE.search(text) and bool(_UNIT_END.search(text))


def unit_of_title(title: str) -> str | None:
    """The unit that a title names: what is left without year and the words for the report."""
    rest = _REPORT.split(title)[0]
    rest = re.sub(
        r"(?:20\d\d|二[〇○零OＯ0][一二三四五六七八九][〇○零一二三四五六七八九OＯ0])年?度?", "", rest
    )
    rest = re.sub(r"^[关于]{2}|(?:关于|的)\Z|[（(]\s*[)）]", "", rest).strip("—-－：:《》“”\"' ·|")
    return rest or None


_TOWNSHIP = re.compile(
    r"(?:镇|乡|街道|街道办事处|办事处|苏木|民族乡)(?:人民政府|党政综合办公室|党政办公室|党政办)?\Z"
)
_GOVERNMENT = re.compile(
    r"(?:省|市|县|区|旗|州|盟|自治区|自治州|自治县)(?:人民政府)?(?:办公厅|办公室)?\Z"
)
_OFFICE = re.compile(r"(?:办公厅|办公室)\Z")
_AREA = (
    re.compile(
        r"(?:综合|汇总|根据)[^。]{0,80}?(?:各?县|各?市|各?区|乡镇|街道|部门)[^。]{0,60}?(?:编制|汇总|组成)"
    ),
    re.compile(r"涵盖[^。]{0,60}?(?:部门|乡镇|街道|单位)"),
    re.compile(r"全[省市县区旗州](?:各级|各)?[^。，]{0,12}?(?:单位|部门|机关|乡镇|政府)"),
)


def scope(unit: str | None, prose: str) -> tuple[Scope, str]:
    """Own agency or whole area, with the evidence. The issuer's level beats the wording."""
    name = unit or ""
    if _TOWNSHIP.search(name):
        return "own", f"issued by a township or subdistrict: {name}"
    if not _GOVERNMENT.search(name):
        return "own", f"issued by an organ of its own: {name}" if name else "no issuer is named"
    for pattern in _AREA:
        if match := pattern.search(prose):
            return "area", f"prose: {match[0][:80]}"
    if _OFFICE.search(name):
        return "own", f"issued by an office, and no wording covers the area: {name}"
    return "own", f"no wording covers the area of {name}"
