"""Spellings of an address are one document only with evidence, and keep their first name."""

from __future__ import annotations

import pytest

from tasks.records import Discovered, State
from tasks.urls import canonical_url
from tasks.variants import merged, spelling_key

PAGE = "http://www.linan.gov.cn/nb/t20240120_1.html"
TITLE = "清凉峰镇2023年政府信息公开工作年度报告"


def found(
    url: str, title: str = TITLE, date: str | None = "2024-01-20", *, official: bool = True
) -> Discovered:
    return Discovered(canonical_url(url), url, "s", "http://l/", title, date, official)


def known(url: str, title: str = TITLE) -> dict[str, State]:
    name = canonical_url(url)
    return {name: State(name, url, None, "s", None, None, "0" * 64, None, None, title)}


@pytest.mark.parametrize(
    "url",
    [
        "https://www.linan.gov.cn/nb/t20240120_1.html",
        "http://linan.gov.cn/nb/t20240120_1.html",
        "https://www.linan.gov.cn:443/nb/t20240120_1.html?utm_source=x",
        "http://m.linan.gov.cn/nb/t20240120_1.html",
        "https://wap.linan.gov.cn/wap/nb/t20240120_1.html",
        "http://www.linan.gov.cn/mobile/nb/t20240120_1.html#top",
    ],
)
def test_spellings_with_the_same_title_are_one_document(url: str) -> None:
    assert spelling_key(url) == spelling_key(PAGE)
    other = found(url, date=None)
    for given in ([found(PAGE), other], [other, found(PAGE)]):
        kept, left = merged(given, {})
        same_name = canonical_url(url) == canonical_url(PAGE)
        assert len(kept) == 1
        assert kept[0].document_id in (
            canonical_url(PAGE),
            canonical_url("http://linan.gov.cn/nb/t20240120_1.html"),
        )
        if not same_name:
            assert [c.reason for c in left] == [f"is the same document as {kept[0].url}"]


@pytest.mark.parametrize(
    ("url", "title", "date"),
    [
        ("http://m.linan.gov.cn/nb/t20240120_1.html", "另一镇2023年政府信息公开工作年度报告", None),
        ("http://m.linan.gov.cn/nb/t20240120_1.html", TITLE, "2023-01-20"),
        ("http://m.linan.gov.cn/nb/t20240120_2.html", TITLE, None),
        ("http://xxgk.linan.gov.cn/nb/t20240120_1.html", TITLE, None),
        ("http://www.linan.gov.cn/nb/m/t20240120_1.html", TITLE, None),
        ("http://www.linan.gov.cn:8081/nb/t20240120_1.html", TITLE, None),
        ("http://m.gov.cn/nb/t20240120_1.html", TITLE, None),
        ("http://www.linan.gov.cn/nb/t20240120_1.html?id=2", TITLE, None),
    ],
)
def test_what_is_not_the_same_stays_apart(url: str, title: str, date: str | None) -> None:
    kept, left = merged([found(PAGE), found(url, title, date)], {})
    assert {d.document_id for d in kept} == {canonical_url(PAGE), canonical_url(url)}
    assert left == []


def test_a_title_that_says_nothing_is_no_evidence() -> None:
    kept, _ = merged([found(PAGE, "2023年"), found(PAGE.replace("www", "m"), "2023年")], {})
    assert len(kept) == 2


def test_the_official_and_the_full_page_are_preferred() -> None:
    mobile, foreign = PAGE.replace("www", "m"), PAGE.replace("www.", "")
    kept, left = merged([found(mobile), found(PAGE), found(foreign, official=False)], {})
    assert [d.url for d in kept] == [PAGE]
    assert {c.url for c in left} == {mobile, foreign}


def test_a_document_keeps_the_name_it_was_archived_under() -> None:
    old = "http://linan.gov.cn/nb/t20240120_1.html"
    (kept,), _ = merged([found(PAGE)], known(old))
    assert (kept.document_id, kept.url) == (canonical_url(old), PAGE)
    (kept,), _ = merged([found(PAGE)], known(old, "别的标题：信息公开年度报告"))
    assert kept.document_id == canonical_url(PAGE)
    (kept,), _ = merged([found(PAGE)], known(old) | known(PAGE))
    assert kept.document_id == canonical_url(PAGE)
    (kept,), _ = merged([found(PAGE), found(old)], known(old))
    assert kept.document_id == canonical_url(old)


def test_no_document_is_lost_or_named_twice() -> None:
    old = "http://linan.gov.cn/nb/t20240120_1.html"
    given = [
        found(PAGE),
        found(PAGE.replace("www", "m"), date="2022-01-01"),
        found("http://x.gov.cn/"),
    ]
    kept, left = merged(given, known(old))
    assert len({d.document_id for d in kept}) == len(kept) == 3
    assert left == []
