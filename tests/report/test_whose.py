"""Whose report, which year, which scope: titles, signatures and wordings as they are published."""

from __future__ import annotations

import pytest

from tasks.report import html
from tasks.report.model import Paragraph, Place, Source
from tasks.report.prose import closing
from tasks.report.title import find_title, is_report_title, unit_of_title
from tasks.report.whose import find_signature, report_year, scope, years_in

TITLES = {
    "云溪镇2023年政府信息公开工作年度报告": ("云溪镇", 2023),
    "2023年云溪镇政府信息公开工作年度报告": ("云溪镇", 2023),
    "云溪镇2023年度政府信息公开工作年度报告": ("云溪镇", 2023),
    "云溪镇人民政府2023年政府信息公开年度报告": ("云溪镇人民政府", 2023),
    "白杨县教育局2020年政府信息公开年报": ("白杨县教育局", 2020),
    "白杨县司法局关于2022年政府信息公开工作的年度报告": ("白杨县司法局", 2022),
    "上海市人民政府办公厅2019年政府信息公开工作年度报告": ("上海市人民政府办公厅", 2019),
    "白杨县水务局2021年度信息公开年度报告": ("白杨县水务局", 2021),
    "白杨县人民政府2022年政府信息公开工作报告": ("白杨县人民政府", 2022),
    "云溪镇2025年度政务信息公开工作报告": ("云溪镇", 2025),
    "二〇二三年云溪镇政府信息公开工作年度报告": ("云溪镇", 2023),
    "云溪镇二○一九年政府信息公开工作年度报告": ("云溪镇", 2019),
    "云溪镇二零二零年度政府信息公开工作年度报告": ("云溪镇", 2020),
}


@pytest.mark.parametrize("title", TITLES)
def test_titles(title: str) -> None:
    unit, year = TITLES[title]
    assert is_report_title(title)
    assert unit_of_title(title) == unit
    assert report_year(title, "", [])[0] == year


@pytest.mark.parametrize(
    "text",
    [
        "关于做好2023年政府信息公开工作年度报告编制发布工作的通知",
        "政府信息公开指南",
        "根据条例，现公布云溪镇2023年政府信息公开工作年度报告。",
        "2024年政务公开工作要点",
        "关于发布政府信息公开工作年度报告的公告",
        "政府信息公开工作年度报告编制办法",
        "政府信息公开工作年度报告" + "的说明" * 30,
    ],
)
def test_no_titles(text: str) -> None:
    assert not is_report_title(text)


def _page(body: str, title: str = "", head: str = "") -> Source:
    text = f"<html><head><title>{title}</title>{head}</head><body>{body}</body></html>"
    return html.source(text.encode())


TITLE = "云溪镇2023年政府信息公开工作年度报告"


@pytest.mark.parametrize(
    ("source", "header"),
    [
        (_page(""), {"article_title": TITLE}),
        (_page(""), {"title": f" {TITLE} "}),
        (_page(f"<h1>{TITLE}</h1><h2>一、总体情况</h2>"), {}),
        (_page("<p>云溪镇2023年</p><p>政府信息公开工作年度报告</p>"), {}),
        (_page("<p>云溪镇</p><p>2023年</p><p>政府信息公开工作年度报告</p>"), {}),
        (_page("<p>云 溪 镇 2023 年 政府信息公开工作年度报告</p>"), {}),
        (_page("<p>首页 | 公开</p>", f"{TITLE}_云溪镇人民政府"), {}),
        (_page("<p>首页 | 公开</p>", f"{TITLE} - 白杨县人民政府"), {}),
        (_page("<p>首页 | 公开</p>", f"白杨县人民政府 | {TITLE}"), {}),
        (_page(f"<p>{TITLE}</p>"), {"title": "关于年度报告的通知"}),
    ],
)
def test_the_title_is_found(source: Source, header: dict[str, str]) -> None:
    found = find_title(source, header, len(source.blocks))
    assert found is not None
    assert found.text == TITLE


def test_no_title_is_made_up() -> None:
    source = _page("<p>云溪镇概况</p><p>本镇位于江边。</p><h2>一、总体情况</h2>", "云溪镇")
    assert find_title(source, {}, len(source.blocks)) is None
    late = _page(f"<h2>一、总体情况</h2><p>{TITLE}</p>")
    assert find_title(late, {}, 0) is None


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("2023年，2022年底", [2023, 2022]),
        ("２０２３年度", [2023]),
        ("二〇二三年和二零一九年", [2023, 2019]),
        ("二○二〇年", [2020]),
        ("二OO九年", []),
        ("电话0454-3890123，邮编152023", []),
        ("第12023号", []),
        ("1998年", []),
        ("", []),
    ],
)
def test_years(text: str, years: list[int]) -> None:
    assert years_in(text) == years


@pytest.mark.parametrize(
    ("title", "prose", "dates", "year"),
    [
        (TITLE, "2019年2019年", ["2020-01-01"], 2023),
        ("云溪镇2022年政府信息公开工作年度报告（2023年）", "", [], None),
        (None, "2023年，我镇……2023年底", ["2024-01-10"], 2023),
        (None, "2023年，我镇……2023年底", [], 2023),
        (None, "2023年，我镇", ["2026-01-10"], None),
        (None, "2023年，2022年", ["2024-01-10"], 2023),
        (None, "2023年，2022年", [], None),
        (None, "", ["2024-01-10"], None),
        ("云溪镇政府信息公开工作年度报告", "2023年", [None, "2024-01-10", None], 2023),
        (None, "2023年", ["见文末"], 2023),
    ],
)
def test_the_report_year_and_its_evidence(
    title: str | None, prose: str, dates: list[str | None], year: int | None
) -> None:
    found, evidence = report_year(title, prose, dates)
    assert found == year
    if year is not None or title:
        assert evidence


def _tail(*lines: str) -> list[Paragraph]:
    return [Paragraph(line, Place("html", line=n)) for n, line in enumerate(lines, 1)]


@pytest.mark.parametrize(
    ("lines", "unit", "date"),
    [
        (("我镇没有其他事项。", "云溪镇人民政府", "2024年1月9日"), "云溪镇人民政府", "2024-01-09"),
        (("云溪镇人民政府 2024年1月9日",), "云溪镇人民政府", "2024-01-09"),
        (("白杨县教育局", "二〇二四年一月九日"), "白杨县教育局", "2024-01-09"),
        (("白杨县 教育局", "2024 年 1 月 9 日"), "白杨县教育局", "2024-01-09"),
        (("白杨县发展和改革委员会2024-01-09",), "白杨县发展和改革委员会", "2024-01-09"),
        (("没有需要报告的其他事项。", "2024年1月9日"), None, "2024-01-09"),
        (("无。", "云溪镇人民政府"), None, None),
        (
            ("云溪镇人民政府", "2024年1月9日", "版权所有", "电话"),
            "云溪镇人民政府",
            "2024-01-09",
        ),
        ((), None, None),
    ],
)
def test_signatures(lines: tuple[str, ...], unit: str | None, date: str | None) -> None:
    signature = find_signature(closing(list(_tail(*lines))))
    assert (signature.unit, signature.date) == (unit, date)


AREA = "本报告综合各乡镇人民政府和县政府各部门的年度报告编制而成。"


@pytest.mark.parametrize(
    ("unit", "prose", "expected"),
    [
        ("白杨县人民政府", AREA, "area"),
        ("白杨县人民政府办公室", AREA, "area"),
        ("白杨县", "报告涵盖各县、区政府和市政府各工作部门。", "area"),
        ("白杨县人民政府", "全县政府信息公开责任单位共发布信息。", "area"),
        (
            "临江市人民政府办公厅",
            "根据各县（市、区）和市级各部门报告汇总编制。",
            "area",
        ),
        ("白杨县人民政府办公室", "本机关共发布信息12条。", "own"),
        ("白杨县人民政府", "本机关共发布信息12条。", "own"),
        ("云溪镇人民政府", "我县各乡镇和部门。" + AREA, "own"),
        ("云溪街道办事处", AREA, "own"),
        ("云溪镇党政综合办公室", AREA, "own"),
        ("白杨县教育局", "综合全县各学校和部门编制而成。", "own"),
        (None, AREA, "own"),
    ],
)
def test_scope(unit: str | None, prose: str, expected: str) -> None:
    found, evidence = scope(unit, prose)
    assert found == expected
    assert evidence


def test_pairs_above_a_report_are_no_part_of_its_title() -> None:
    place = Place("text", line=1)
    lines = ["成文日期 2024-01-16 发布机构 云溪镇", "组配分类 政府信息公开年报"]
    assert find_title(Source("text", [Paragraph(line, place) for line in lines]), {}, 2) is None
