"""The title of a report among all that a page says of itself.

Menus, breadcrumbs and lists of other reports carry the same words. Every text that names an
annual report is a candidate; the year, the unit and a second witness on the page speak for it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from tasks.report.headings import heading_of
from tasks.report.model import Block, Paragraph, Source

REPORT = re.compile(
    r"(?:政府信息|政务信息|政务|信息)公开(?:工作)?(?:情况)?(?:20\d\d年?度?)?(?:年度|年)?(?:工作)?(?:情况)?的?"
    r"(?:年度)?(?:工作)?(?:总结)?(?:报告|年报)"
)
YEAR = re.compile(
    r"(?<!\d)20[0-4]\d(?!\d)|二[〇○零OＯ0][一二三四五六七八九][〇○零一二三四五六七八九OＯ0]"
)
SENTENCE = re.compile(r"[，。；！？,;!?]")
_NOT_TITLE = re.compile(
    r"[>＞»:：|｜]|当前位置|您的位置|首页|来源|发布时间|点击|字号|索引号|(?:主题|组配|信息)分类|发布机构|成文日期"
)
_NOTICE = re.compile(
    r"(?:通知|公告|要求|办法|规定|方案|函|格式|模板|解读)(?:$|[)）》])|关于(?:印发|做好|报送|编制)"
)
_QUOTED = re.compile(r"《([^《》]+)》")
_PARTED = re.compile(r"\s*[_|]\s*|\s+[-–—]+\s+|-{1,2}")
_UNIT_END = re.compile(
    r"(?:人民政府|政府|办公厅|办公室|委员会|管委会|街道办事处|街道|办事处|局|厅|委|办|镇|乡|苏木|中心|分局|支队|大队|"
    r"院|部|处|开发区|新区|园区|示范区|合作区|公司|银行|法院|县|市|区|旗|州|盟|省|会|社|馆|台|站|所|队|联|校|学)\Z"
)
_EVENT = re.compile(r"召开|举行|举办|开展|组织|调研|会议|部署会|推进会|培训")
_LONGEST = 80
_LONGEST_LINE = 45
_WIDE_DIGITS = {0xFF10 + i: str(i) for i in range(10)}
_NEAR = 60  # paragraphs before the first heading among which a title is looked for
_PARTS = 3  # lines that a title may be set on


class Title(NamedTuple):
    """A report's title without spaces."""

    text: str


def compact(text: str) -> str:
    """A text without any white space."""
    return "".join(text.split()).replace("\u200b", "").replace("\ufeff", "")


def folded(text: str) -> str:
    """The text with its full-width digits as plain ones."""
    return text.translate(_WIDE_DIGITS)


@lru_cache(maxsize=2048)
def is_report_title(text: str) -> bool:
    """Whether a text without spaces names an annual report, and is not a sentence about one."""
    return (
        len(text) <= _LONGEST
        and len(REPORT.findall(text)) == 1
        and not SENTENCE.search(text)
        and not _NOT_TITLE.search(text)
        and not _NOTICE.search(text)
        and _ends_as_title(text)
    )


def _ends_as_title(text: str) -> bool:
    match = REPORT.search(text)
    assert match is not None
    rest = text[match.end() :]
    return not rest or bool(
        re.fullmatch(r"[》】]?(?:[（(].{1,20}[)）]|[(（]?20\d\d年?度?[)）]?)?", rest)
    )


@lru_cache(maxsize=2048)
def is_unit(text: str) -> bool:
    """Whether a short text ends as the name of an organ or a place does."""
    name = re.sub(r"[（(][^（()）]*[)）]\Z", "", text)
    named = 2 < len(name) <= 40 and not SENTENCE.search(name) and not _EVENT.search(name)
    return named and bool(_UNIT_END.search(name))


@lru_cache(maxsize=2048)
def unit_of_title(title: str) -> str | None:
    """The unit that a title names: what is left without year and the words for the report."""
    rest = REPORT.split(folded(title))[0]
    rest = re.sub(r"[【\[].*?[】\]]", "", rest)
    rest = YEAR.sub("\x00", rest)
    rest = re.sub(r"\x00(?:年度|年)?", "", rest)
    rest = re.sub(r"(?:法治政府建设|依法行政|政务公开)(?:工作)?(?:与|和|及|暨|、)?\Z", "", rest)
    rest = re.sub(r"\A关于|(?:关于|的)\Z|[（(]\s*[)）]", "", rest).strip("—-－：:《》“”\"' ·|")
    return rest or None


def _line(block: Block) -> str:
    """The text of a paragraph, or of a row in which only one cell says anything."""
    if isinstance(block, Paragraph):
        return block.text
    texts = [cell.text for cell in block.cells if cell.text.strip()]
    return texts[0] if len(texts) == 1 else ""


@lru_cache(maxsize=2048)
def _named(text: str) -> tuple[str, int] | None:
    """The report's title that a text is or quotes, and what its year and unit speak for it."""
    if "公开" not in text or ("报告" not in text and "年报" not in text):
        return None
    if text.startswith("《") and text.endswith("》"):
        text = text[1:-1]
    if (quoted := _QUOTED.search(text)) and not is_report_title(text):
        text = quoted[1]  # 关于公布《…年度报告》的公告
    if not is_report_title(text):
        return None
    unit = unit_of_title(text)
    return text, 4 * bool(YEAR.search(folded(text))) + 4 * bool(unit and is_unit(unit))


def find_title(source: Source, header: dict[str, str], before: int) -> Title | None:
    """The report's title, or None when nothing on the page is one."""
    stated = [header.get("article_title"), header.get("title"), source.meta.get("h1")]
    stated += _PARTED.split(source.title or "")
    candidates: dict[str, int] = {}

    def weigh(said: str, points_of_place: int) -> None:
        if (found := _named(said)) is None:
            return
        text, points = found
        points += points_of_place - 4 * (text in source.menu and points_of_place < 2)
        if points > 2:
            candidates[text] = max(points, candidates.get(text, 0) + 1)

    for text in stated:
        if text:
            weigh(compact(text), 2)
    near = source.blocks[max(0, before - 4 * _NEAR) : before]
    lines = [text for b in near if (text := compact(_line(b)))][-_NEAR:]
    for i, line in enumerate(lines):
        joined = ""
        for part in lines[i : i + _PARTS]:
            if len(part) > _LONGEST_LINE or heading_of(part) is not None:
                break
            joined += part
            # A whole title takes no line before it; a menu above it would.
            weigh(joined, 1 if joined == line else 0)
            if is_report_title(part):
                break
    if not candidates:
        return None
    best = max(candidates.values())
    return Title([text for text, points in candidates.items() if points == best][-1])
