"""The metadata header: every label, in every shape that pages print it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.report import header, html, text
from tasks.report.header import iso_date, read_header
from tasks.report.model import Source

_FILE = Path(header.__file__).with_name("header_fields.csv")
LABELS = [
    (row["field"], row["label"])
    for row in csv.DictReader(_FILE.read_text(encoding="utf-8").splitlines())
]
DATES = ("document_date", "published_date")


def fields_of(source: Source) -> dict[str, str]:
    return read_header(source, len(source.blocks))


def page(body: str, head: str = "") -> dict[str, str]:
    whole = f"<html><head>{head}</head><body>{body}</body></html>"
    return fields_of(html.source(whole.encode()))


def value_for(field: str) -> tuple[str, str]:
    """A value as printed, and as it is kept."""
    return ("2024年1月9日", "2024-01-09") if field in DATES else ("甲乙〔2024〕3", "甲乙〔2024〕3")


SHAPES: dict[str, Callable[[str, str], str]] = {
    "line": lambda label, value: f"<p>{label}：{value}</p>",
    "half_colon": lambda label, value: f"<p>{label}: {value}</p>",
    "bold_label": lambda label, value: f"<p><b>{label}</b>：<span>{value}</span></p>",
    "colon_in_bold": lambda label, value: f"<p><b>{label}：</b>{value}</p>",
    "spaced": lambda label, value: f"<p>{' '.join(label)}：{value}</p>",
    "wide_spaced": lambda label, value: f"<p>{'　　'.join(label)}：{value}</p>",
    "nbsp": lambda label, value: f"<p>{'&nbsp;'.join(label)} ：{value}</p>",
    "cells": lambda label, value: f"<table><tr><td>{label}</td><td>{value}</td></tr></table>",
    "cells_colon": lambda label, v: f"<table><tr><th>{label}：</th><td>{v}</td></tr></table>",
    "cells_spaced": lambda label, v: (
        f"<table><tr><td>{'　'.join(label)}:</td><td> {v} </td></tr></table>"
    ),
    "brackets": lambda label, v: f"<table><tr><td>【{label}】</td><td>{v}</td></tr></table>",
    "one_cell": lambda label, v: f"<table><tr><td>{label}：{v}</td></tr></table>",
    "second_pair": lambda label, v: (
        f"<table><tr><td>页码</td><td>8</td><td>{label}</td><td>{v}</td></tr></table>"
    ),
    "list": lambda label, value: f"<ul><li>{label}：{value}</li></ul>",
    "list_spans": lambda label, v: f"<ul><li><span>{label}：</span><span>{v}</span></li></ul>",
    "definition_colon": lambda label, v: f"<dl><dd>{label}：{v}</dd></dl>",
}


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_every_label_in_every_shape(shape: str) -> None:
    for field, label in LABELS:
        printed, kept = value_for(field)
        assert page(SHAPES[shape](label, printed)) == {field: kept}, label


@pytest.mark.parametrize(("field", "label"), LABELS, ids=[label for _, label in LABELS])
def test_two_pairs_on_a_line(field: str, label: str) -> None:
    printed, kept = value_for(field)
    other = "索引号" if field != "index_number" else "文号"
    other_field = "index_number" if field != "index_number" else "document_number"
    for between in ("　　", " ", "&nbsp;&nbsp;", " | "):
        found = page(f"<p>{label}：{printed}{between}{other}：A1/2024-3</p>")
        assert found == {field: kept, other_field: "A1/2024-3"}
        found = page(f"<p>{other}：A1/2024-3{between}{label}：{printed}</p>")
        assert found == {field: kept, other_field: "A1/2024-3"}


def test_a_table_of_pairs() -> None:
    rows = [
        ("索 引 号", "11341702486344515H/202110-00013", "信息分类", "年度报告"),
        ("发布机构", "云溪镇人民政府", "发文日期", "2022-01-20 09:30"),
        ("名　　称", "云溪镇2021年政府信息公开工作年度报告", "文　　号", ""),
        ("关 键 词", "", "时 效", "有效"),
    ]
    cells = "".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in rows)
    assert page(f"<table>{cells}</table>") == {
        "index_number": "11341702486344515H/202110-00013",
        "topic": "年度报告",
        "issuing_unit": "云溪镇人民政府",
        "published_date": "2022-01-20",
        "title": "云溪镇2021年政府信息公开工作年度报告",
        "validity": "有效",
    }


def test_an_empty_value_is_no_value_and_the_first_value_stands() -> None:
    assert page("<p>文号：</p><p>索引号：a</p><p>索引号：b</p>") == {"index_number": "a"}
    assert page("<p>文号：　索引号：a</p>") == {"index_number": "a"}


def test_meta_tags_of_the_national_standard() -> None:
    tags = {
        "SiteName": "沭阳县人民政府",
        "SiteDomain": "www.shuyang.gov.cn",
        "SiteIDCode": "3213220037",
        "ColumnName": "政府信息公开年报",
        "ArticleTitle": "沭阳县2023年政府信息公开工作年度报告",
        "PubDate": "2024-01-18 15:02",
        "ContentSource": "县政府办",
    }
    head = "".join(f'<META NAME="{k}" CONTENT="{v}">' for k, v in tags.items())
    assert page("<p>正文</p>", head) == {
        "site_name": "沭阳县人民政府",
        "site_domain": "www.shuyang.gov.cn",
        "site_id_code": "3213220037",
        "column_name": "政府信息公开年报",
        "article_title": "沭阳县2023年政府信息公开工作年度报告",
        "published_date": "2024-01-18",
        "content_source": "县政府办",
    }
    printed = page("<p>发布日期：2024-01-20</p>", head)
    assert printed["published_date"] == "2024-01-20", "what the page prints comes first"


def test_text_lines() -> None:
    lines = "索引号: 014314799/2024-00002\n公开方式：主动公开  公开时限：长期公开\n一、总体情况\n"
    assert fields_of(text.source(lines)) == {
        "index_number": "014314799/2024-00002",
        "disclosure_form": "主动公开",
        "disclosure_period": "长期公开",
    }


@pytest.mark.parametrize(
    "line",
    [
        "本机关名称变更后，文号另行编制。",
        "请按以下标题填写",
        "联系人：张三 电话：0454-3890123",
        "单位名称：云溪镇",  # a label of its own that ends like one of ours
        "申报信息名称：甲",
    ],
)
def test_other_lines_are_no_header(line: str) -> None:
    assert page(f"<p>{line}</p>") == {}


@pytest.mark.parametrize(
    ("printed", "iso"),
    [
        ("2024-01-09", "2024-01-09"),
        ("2024-1-9 10:20:30", "2024-01-09"),
        ("2024/01/09", "2024-01-09"),
        ("2024.1.9", "2024-01-09"),
        ("2024年1月9日", "2024-01-09"),
        ("2024 年 1 月 9 日", "2024-01-09"),
        ("２０２４年１月９日", "2024-01-09"),
        ("二〇二四年一月九日", "2024-01-09"),
        ("二○二四年十二月三十一日", "2024-12-31"),
        ("二零二零年十月二十日", "2020-10-20"),
        ("1999-12-31", "1999-12-31"),
        ("2024-02-30", None),
        ("2024-13-01", None),
        ("20240109", None),
        ("长期", None),
        ("12024-01-09", None),
        ("二〇二四年十三月一日", None),
    ],
)
def test_dates(printed: str, iso: str | None) -> None:
    assert iso_date(printed) == iso


def test_what_is_no_date_stays_as_printed() -> None:
    assert page("<p>发布日期：见文末</p>") == {"published_date": "见文末"}


def test_pairs_without_colons_stand_between_spaces() -> None:
    assert page(
        "<p>索 引 号 11330106002/2024-10475 公开方式 主动公开</p>"
        "<p>成文日期 2024-01-16 发布机构 云溪镇</p><p>时间 紧，任务重</p>"
    ) == {
        "index_number": "11330106002/2024-10475",
        "disclosure_form": "主动公开",
        "document_date": "2024-01-16",
        "issuing_unit": "云溪镇",
    }


def test_a_label_is_no_value_of_the_one_before() -> None:
    assert page("<p>文 号: 文件分类: 综合政务 所属机构:</p>") == {"topic": "综合政务"}
    assert page("<p>来源:云溪镇作者: 点击:</p>") == {"content_source": "云溪镇"}
    assert page("<p>来源:云溪镇发布时间:2024-01-26 17:49:57访问量:字体</p>") == {
        "content_source": "云溪镇",
        "published_date": "2024-01-26",
    }


def test_a_site_is_no_issuing_unit() -> None:
    assert page("<p>发文机构：县政府网站</p><p>发布机构：县政府办公室</p>") == {
        "issuing_unit": "县政府办公室"
    }
