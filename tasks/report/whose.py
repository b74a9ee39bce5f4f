"""Whose report it is, for which year and scope: signature, years and scope, with evidence."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import NamedTuple

from tasks.report.header import iso_date
from tasks.report.model import Scope
from tasks.report.title import compact, is_report_title, is_unit

_BARE_YEAR = re.compile(r"(?<!\d)(20[0-4]\d)(?!\d)")
_YEAR = re.compile(r"(?<!\d)(20[0-4]\d)\s*年")
_CHINESE_YEAR = re.compile(
    r"二[〇○零OＯ0]([一二三四五六七八九])([〇○零一二三四五六七八九OＯ0])(?=年|\Z)"
)
_DIGIT = {c: i for i, c in enumerate("〇一二三四五六七八九")} | dict.fromkeys("零○OＯ0", 0)
_BRACKETED_DATE = re.compile(r"[（(]\s*20\d\d年\d{1,2}月.*?[)）]")


def years_in(text: str, *, bare: bool = False) -> list[int]:
    """The years a text names, in order; with `bare` also those without 年 (in titles)."""
    folded = unicodedata.normalize("NFKC", text)
    pattern = _BARE_YEAR if bare else _YEAR
    found = [(m.start(), int(m[1])) for m in pattern.finditer(folded)]
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
        named = years_in(_BRACKETED_DATE.sub("", title), bare=True)
        if len(set(named)) == 1:
            return named[0], f"title: {title}"
        if named:
            return None, f"the title names several years: {title}"
    counted = Counter(years_in(prose))
    if not counted:
        return None, None
    most = max(counted.values())
    leaders = sorted(year for year, times in counted.items() if times == most)
    published = sorted({int(d[:4]) for d in dates if d and re.match(r"\d{4}-", d)})
    if published and published[0] - 1 in leaders:
        year = published[0] - 1
        return year, f"prose: {year} is named {most} times, the page is of {published[0]}"
    if len(leaders) > 1:
        return None, f"the prose names {leaders[0]} and {leaders[1]} equally often"
    if published:
        return None, f"the prose says {leaders[0]}, the page is of {published[0]}"
    return leaders[0], f"prose: {leaders[0]} is named {most} times"


# Below these stand other pages' titles and dates.
_FOOT = re.compile(
    r"上一[篇条]|下一[篇条]|相关(?:阅读|链接|文章|文件|新闻)|版权|主办|承办|网站标识|打印本页|分享"
)


class Signature(NamedTuple):
    """The unit and date that close a report."""

    unit: str | None
    date: str | None


def find_signature(texts: list[str]) -> Signature:
    """The unit and date below the last section: on one line or on two, in either order.

    `texts` are what follows the section's heading. The first pair counts: below it pages list
    other reports, with their dates.
    """
    lines = [compact(t) for t in texts]
    end = next((i for i, t in enumerate(lines) if len(t) <= 60 and _FOOT.search(t)), len(lines))
    lines = lines[:end]
    for i, line in enumerate(lines):
        if len(line) > 60 or ":" in line or "：" in line or is_report_title(line):
            continue
        signed = iso_date(line)
        if signed is None:
            continue
        rest = _DATE.sub("", unicodedata.normalize("NFKC", line)).strip("()（）")
        if is_unit(rest):
            return Signature(rest, signed)
        if not rest:
            around = lines[max(0, i - 1) : i] + lines[i + 1 : i + 2]
            unit = next((t for t in around if is_unit(t) and not is_report_title(t)), None)
            return Signature(unit, signed)
    return Signature(None, None)


def may_be_same(one: str, other: str) -> bool:
    """Whether two names can be of one unit: one holds the other, office and government aside."""
    plain = re.compile(r"人民政府|政府|[（(].*?[)）]")
    short = [_OFFICE.sub("", plain.sub("", name)) for name in (one, other)]
    return not all(short) or short[0].endswith(short[1]) or short[1].endswith(short[0])


_DATE = re.compile(r"(?:20\d\d|[二〇○零一三四五六七八九OＯ0]{4})\s*[-/.年].*\Z|\A.*?\d+日(?=.)")
_TOWNSHIP = re.compile(
    r"(?:镇|乡|街道|街道办事处|办事处|苏木|民族乡)(?:人民政府|党政综合办公室|党政办公室|党政办)?\Z"
)
_GOVERNMENT = re.compile(
    r"(?:省|市|县|区|旗|州|盟|自治区|自治州|自治县)(?:人民政府)?(?:办公厅|办公室)?\Z"
)
_OFFICE = re.compile(r"(?:办公厅|办公室)\Z")
_LONG_ENOUGH = 20_000  # characters of prose; the scope is said at the beginning
_COVERS = r"(?:各级|各)?[^。，]{0,12}?(?:单位|部门|机关|乡镇|政府)"
_AREA = (
    re.compile(
        r"(?:综合|汇总|根据)[^。]{0,80}?(?:各?县|各?市|各?区|乡镇|街道|部门)[^。]{0,60}?(?:编制|汇总|组成)"
    ),
    re.compile(r"涵盖[^。]{0,60}?(?:部门|乡镇|街道|单位)"),
    re.compile(r"(?:包含|包括|范围)[^。]{0,30}?(?:各部门|各县|各区|县区|县（市、区）|各乡镇|下辖)"),
    re.compile(
        rf"(?<!召开)(?<!组织)(?<!对)(?<!向)全[省市县区旗州]{_COVERS}"
        r"(?=[^。]{0,60}(?:公开|收到|受理|发布|汇总|统计))"
    ),
)


def scope(unit: str | None, prose: str) -> tuple[Scope, str]:
    """Own agency or whole area, with the evidence. The issuer's level beats the wording."""
    name = unit or ""
    if _TOWNSHIP.search(name):
        return "own", f"issued by a township or subdistrict: {name}"
    if not _GOVERNMENT.search(name):
        return "own", f"issued by an organ of its own: {name}" if name else "no issuer is named"
    for pattern in _AREA:
        if match := pattern.search(prose, 0, _LONG_ENOUGH):
            return "area", f"prose: {match[0][:80]}"
    if _OFFICE.search(name):
        return "own", f"issued by an office, and no wording covers the area: {name}"
    return "own", f"no wording covers the area of {name}"
