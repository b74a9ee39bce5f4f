"""Spoofed copies and hacked pages are refused with the evidence; honest reports never are."""

from __future__ import annotations

import re

import pytest

from tasks.report import read
from tasks.report.model import Paragraph, Place, Source
from tasks.report.spoof import evidence
from tests.publisher import figures, layouts
from tests.publisher.document import document

HTML = layouts.publish(
    document(figures.consistent("2021", 3), "白杨县云溪镇", 2023, 3), "clean/table/utf8"
).body.decode()
assert "总体情况" in HTML


def reason(html: str) -> tuple[str, str]:
    reading = read(html.encode())
    assert reading.outcome == "rejected"
    assert reading.cells == []
    assert reading.reason is not None
    return reading.reason.code, reading.reason.message


def put(text: str, *, before: str = "<h3>五、") -> str:
    assert before in HTML
    return HTML.replace(before, f"<p>{text}</p>{before}")


def test_the_page_itself_is_read() -> None:
    assert read(HTML.encode()).outcome == "parsed"


@pytest.mark.parametrize(
    ("page", "evidence"),
    [
        (put("澳门新葡京官网注册送彩金"), "澳门新葡京"),
        (put('<a href="http://x.com/">BET365</a>体育'), "bet365"),
        (HTML.replace("白杨县云溪镇", "必威体育"), "必威体育"),
        (put("本平台提供下注、赔率、荷官、滚球服务"), "下注、赔率、荷官、滚球"),
        (HTML.replace("信息", "信息(xìnxī)"), "pinyin"),
        (HTML.replace("政府信息公开", "政zhèng府fǔ信xìn息xī公gōng开kāi"), "pinyin"),
        (HTML.replace("政府信息公开", "政zheng府fu信xin息xi公gong开kai"), "pinyin"),
        (HTML.replace("政府信息公开", "政(zheng)府(fu)信(xin)息(xi)公开"), "pinyin"),
        (
            HTML.translate(str.maketrans("开总体报动请办结", "開總體報動請辦結")),
            "traditional",
        ),
        (put("本报告电子版可在白杨县人民政府网站（www.8888yule.com）下载"), "8888yule.com"),
        (put("欢迎登录我县政府网站http://baiyang.example.net/查阅"), "baiyang.example.net"),
    ],
)
def test_a_spoofed_copy_is_refused_with_the_evidence(page: str, evidence: str) -> None:
    code, message = reason(page)
    assert code == "spoofed"
    assert evidence in message


def test_the_place_is_named() -> None:
    reading = read(put("澳门新葡京").encode())
    assert reading.reason is not None
    assert reading.reason.place is not None


@pytest.mark.parametrize(
    "text",
    [
        "开展打击网络赌博专项行动，查处老虎机3台",
        "福利彩票公益金使用情况和体彩投注网点已经公开",
        "检查娱乐城、棋牌娱乐室、电子游艺厅12家；打击六合彩、百家乐、地下赌场",
        "网站支持繁體版、無障礙瀏覽",
        "负责人朱镕、李昇、王堃、陈喆",
        "微信公众号（weixin）和微博（weibo）、APP各1个",
        "邮箱：baiyang@163.com，联系本单位网站管理员 admin@qq.com",
        "本报告电子版可以从白杨县人民政府网站（http://www.baiyang.gov.cn）下载",
        "中国政府网www.gov.cn、政务服务网 www.zwfw.example.com 均可查询",
        "通过“i云溪”小程序、www网站、QQ群发布信息",
        "GDP、PDF、Excel等格式，A类b类c类d类信息",
    ],
)
def test_honest_words_are_no_evidence(text: str) -> None:
    reading = read(put(text).encode())
    assert reading.outcome == "parsed", reading.reason


def test_what_is_misread_in_a_picture_accuses_nobody() -> None:
    for kind, accused in (("pdf", True), ("image", False)):
        lines = ["設業並權會計", "回è", "衣è"]
        blocks = [Paragraph(text, Place(kind, page=1)) for text in lines]
        assert (evidence(Source(kind, list(blocks))) is not None) == accused
    betting = Paragraph("真人娱乐 百家乐 首存", Place("image", page=1))
    assert evidence(Source("image", [betting])) is not None


def test_a_page_that_is_no_report_is_named_for_what_it_is() -> None:
    assert (
        reason("<html><body><p>" + "真人娱乐 百家乐 首存 " * 30 + "</p></body></html>")[0]
        == "spoofed"
    )


def test_no_honest_layout_is_accused() -> None:
    for number in range(0, 60, 3):
        page = document(figures.consistent("2019", number), seed=number)
        for layout in (layouts.rotation(number), "clean/table/utf8"):
            reading = read(layouts.publish(page, layout).body)
            code = reading.reason.code if reading.reason else None
            assert code != "spoofed", (layout, reading.reason)
    assert re.search("[一-龥]", HTML)
