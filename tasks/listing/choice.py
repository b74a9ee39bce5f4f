"""Which links of a listing are annual reports, and which lead to a part of the listing.

Decided by the title, the column it stands in and the address; where that leaves it open the link
is taken and the page decides: the reader refuses what is no report. What is not taken keeps its
reason.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from tasks.listing.html import Link, compact
from tasks.listing.paging import same_but_for
from tasks.listing.systems import is_article, is_column

ANNUAL = re.compile("年度报告|年报|年度工作报告|年度总结报告|年度情况报告")
_YEAR = re.compile("(?:19|20)\\d\\d|[一二]九九.|二[〇○0零][〇○0零一二三四五六七八九]{2}")
_OTHER_ANNUAL = re.compile(
    "法治|网站|决算|预算|财政|统计|审计|环境|质量|监管|社会责任|财务|依法行政"
)
_EXPLAINS = re.compile("解读|图解|读懂")
_CANDIDATE = re.compile("信息公开|政务公开|年报|年度报告|工作报告")
_CHANNEL = re.compile("(?:法定|政府)*(?:信息|政务)公开(?:专?栏目?|专题|平台|目录|网)?")
_BARE = re.compile(
    "(?:法定主动公开内容)?(?:政府)?(?:信息|政务)公开(?:工作)?(?:年度报告|年报)(?:列表|栏目)?"
)
_YEAR_ALONE = re.compile(
    r"(?:19|20)\d\d年?(?:度)?(?:政府)?(?:(?:信息|政务)公开)?(?:工作)?(?:年度)?(?:报告|年报)?"
)
_UNIT_ALONE = re.compile(
    r"[\u3400-\u9fff（）()·、]{2,40}?(?:人民政府|政府|办公室|办公厅|委员会|办事处|管委会|街道|中心"
    r"|局|厅|委|办|镇|乡|院|署|站|队|苏木|农场|林场|开发区)(?:[（(]?(?:19|20)\d\d年?度?[)）]?)?"
)
_PLACES = frozenset(
    {"area", "areacode", "areaid", "region", "regioncode", "xzqh", "xzqhdm", "unit", "unitid"}
    | {"dept", "deptid", "deptcode", "org", "orgid", "orgcode", "department", "year", "nd", "nf"}
)
"""Query parameters that pick a place, a unit or a year."""


def is_annual_column(column: str) -> bool:
    """Whether a page's name says that it lists annual disclosure reports."""
    text = compact(column)
    return bool(ANNUAL.search(text)) and ("信息公开" in text or "政务公开" in text)


def why_not_a_report(
    title: str,
    column: str = "",
    *,
    dated: bool = False,
    url: str = "",
    pattern: re.Pattern[str] | None = None,
) -> str | None:
    """Why a link does not announce an annual report ("" when it is no candidate at all).

    None means it does. `column`: how the listing names itself; `dated`: whether the line has a
    date; `pattern`: the source's own rule, which then decides alone. A notice about reports is
    taken: it may carry one, and the reader decides.
    """
    text = compact(title)
    if pattern is not None:
        if pattern.search(title) or pattern.search(url):
            return None
        return "does not match the source's pattern" if _CANDIDATE.search(text) else ""
    if _CHANNEL.fullmatch(text):
        return ""
    if not _CANDIDATE.search(text):
        return _by_column(text, column, dated, url)
    if _EXPLAINS.search(text):
        return "explains a report and is none"
    about = "信息公开" in text or "政务公开" in text
    annual = bool(ANNUAL.search(text)) or ("报告" in text and bool(_YEAR.search(text)))
    if _BARE.fullmatch(text) and not dated:
        return "names the column: neither year, unit nor date"
    if about and annual:
        return None
    if about:
        return "is about disclosure, and no annual report"
    if not ANNUAL.search(text):
        return "is a report of another kind"
    if _OTHER_ANNUAL.search(text) or "信息公开" not in compact(column):
        return "is an annual report of another kind"
    return None


def _by_column(text: str, column: str, dated: bool, url: str) -> str | None:
    """A title without a word of reports: the column may say what its entries are."""
    if not dated or not is_article(url) or not is_annual_column(column):
        return ""
    if _YEAR_ALONE.fullmatch(text) or _UNIT_ALONE.fullmatch(text):
        return None
    return "stands among annual reports, and its title names neither a report, a unit nor a year"


def is_part(link: Link, column: str, listing_url: str, *, units: bool) -> bool:
    """Whether a link leads to a part of the listing: one year of it or, with `units`, one unit.

    Only from a column of annual reports, to an address that looks like a list and not like a
    document, below the listing or differing from it in the place, unit or year it asks for.
    """
    if link.date is not None or not is_annual_column(column) or is_article(link.url):
        return False
    text = compact(link.title)
    year = bool(_YEAR_ALONE.fullmatch(text))
    unit = units and bool(_UNIT_ALONE.fullmatch(text) or _named_part(text))
    if same_but_for(link.url, listing_url, _PLACES):
        return year or units
    if not is_column(link.url):
        return False
    return (year and _near(link.url, listing_url)) or (unit and _below(link.url, listing_url))


def _named_part(text: str) -> bool:
    """A unit's own column: its name and the column's ("教育局政府信息公开年报")."""
    head = ANNUAL.split(text)[0].removesuffix("工作")
    for word in ("信息公开", "政务公开"):
        head = head.removesuffix(word).removesuffix("政府")
    return head != text and bool(_UNIT_ALONE.fullmatch(head))


def _below(url: str, listing_url: str) -> bool:
    here, there = urlsplit(url), urlsplit(listing_url)
    folder = there.path.rpartition("/")[0] + "/"
    below = here.path.startswith(folder) and here.path != there.path and folder != "/"
    return here.netloc.lower() == there.netloc.lower() and below


def _near(url: str, listing_url: str) -> bool:
    """A year's column lies below the listing, beside it, or is numbered like it (/col/colN/)."""
    here, there = urlsplit(url), urlsplit(listing_url)
    if here.netloc.lower() != there.netloc.lower() or url == listing_url:
        return False
    upper = there.path.rpartition("/")[0].rpartition("/")[0] + "/"
    return here.path.startswith(upper)
