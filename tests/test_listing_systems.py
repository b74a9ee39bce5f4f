"""The listings of the common content systems are followed to their end, over loopback."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urljoin

import pytest

from tasks.discover import crawl
from tasks.fetch import Pace, Settings, Visitor
from tasks.listing.systems import is_article, is_column, system_of
from tasks.records import Source
from tasks.resolve import parse_resolve
from tasks.urls import canonical_url
from tests.publisher.server import Resource, Server
from tests.publisher.systems import SYSTEMS, published

HOST = "http://www.huachuan.gov.cn"
UNITS = ["悦来镇人民政府", "苏家店镇人民政府", "东河乡人民政府", "教育局"]
SHORT = [f"{unit}{year}年" for year in range(2021, 2025) for unit in UNITS]
LONG = [f"桦川县{title}度政府信息公开工作年度报告" for title in SHORT]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server({f"{HOST}/robots.txt": Resource(b"", "text/plain", 404)}) as running:
        yield running


def source(path: str, kind: str = "county_listing") -> Source:
    host = HOST.removeprefix("http://")
    return Source("h", "230826", host, HOST + path, kind, "桦川县人民政府", "allowed", "", "")


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_entry_of_a_listing_is_found_once_with_title_and_date(
    system: str, server: Server
) -> None:
    # where the column says what its entries are, they are called by unit and year alone
    titles = SHORT if system in ("yearly", "by_area") else LONG
    answers, entries = published(system, titles)
    server.pages |= {HOST + path: answer for path, answer in answers.items()}
    start = next(iter(answers))
    settings = Settings(delay=0, backoff=0.01, retries=0)
    resolve = parse_resolve(server.resolve)
    with Visitor(lambda url: None, settings, resolve, Pace()) as visitor:
        found = crawl(source(start), visitor.get, lambda url: None, post=visitor.post)
    base = HOST + {"selected": "/xxgk/", "yearly": "/zwgk/nb/nb2024/"}.get(system, start)
    expected = {canonical_url(urljoin(base, e.href)): (e.title, e.date) for e in entries}
    got = {d.document_id: (d.link_title, d.link_date) for d in found.documents}
    assert got == expected
    assert len(found.documents) == len(entries) == 16
    assert found.problems == []
    asked = [r for r in server.requests if r.path != "/robots.txt"]
    if system == "hanweb_posted":  # which is asked politely first
        asked = [r for r in asked if r.path == start or " " in r.path]
    assert len(asked) == len({r.path for r in asked}) <= len(answers) + 1
    assert {r.status for r in asked} == {200}


def test_addresses_tell_documents_from_lists() -> None:
    for system, (_, address) in SYSTEMS.items():
        assert is_article(urljoin(HOST + "/zwgk/nb/", address.format(n=77))), system
    for path in (
        *("/col/col114/index.html", "/col/col114/", "/zwgk/nb/", "/zwgk/nb/index.html"),
        *(
            "/xzf/c100289/list.shtml",
            "/zwgk/nb.htm",
            "/list.jsp?urltype=tree.TreeTempUrl&wbtreeid=1",
        ),
        "/xxgkAnnualReport.jsp?area=230826",
    ):
        assert not is_article(HOST + path), path
        assert is_column(HOST + path), path


def test_a_system_is_told_by_its_page_or_address() -> None:
    names = {
        name: system_of(answers[next(iter(answers))].body.decode(), HOST + next(iter(answers)))
        for name in SYSTEMS
        for answers, _ in [published(name, LONG)]
    }
    assert (names["hanweb"] or "").startswith("Hanweb")
    assert (names["trs"] or "").startswith("TRS")
    assert (names["ucap"] or "").startswith("UCAP")
    assert (names["ucap_json"] or "").startswith("UCAP")
    assert (names["boda"] or "").startswith("博达")
    assert "gkmlpt" in str(SYSTEMS["gkmlpt"]) and (names["gkmlpt"] or "").startswith("广东")
    assert names["selected"] is None


def test_a_unit_listing_does_not_wander_to_other_units(server: Server) -> None:
    answers, _ = published("by_area", SHORT)
    server.pages |= {HOST + path: answer for path, answer in answers.items()}
    settings = Settings(delay=0, retries=0)
    with Visitor(lambda url: None, settings, parse_resolve(server.resolve), Pace()) as visitor:
        one = list(answers)[1]
        found = crawl(source(one, "unit_listing"), visitor.get, lambda url: None)
    assert len(found.documents) == 4
    assert found.pages == 1


def test_a_post_that_no_one_can_send_is_told(server: Server) -> None:
    answers, _ = published("script_posted", LONG)
    page = answers["/nb/"]
    server.pages |= {HOST + path: answer for path, answer in answers.items()}
    server.pages[f"{HOST}/nb/"] = Resource(page.body.replace(b"siteId: siteId", b"key: token()"))
    settings = Settings(delay=0, retries=0)
    with Visitor(lambda url: None, settings, parse_resolve(server.resolve), Pace()) as visitor:
        found = crawl(source("/nb/"), visitor.get, lambda url: None, post=visitor.post)
    problems = {p.code: p.message for p in found.problems}
    assert set(problems) == {"listing_not_followed"}
    assert "a POST to http://www.huachuan.gov.cn/api/list, whose key" in str(problems.values())
    assert [r.path for r in server.requests] == ["/robots.txt", "/nb/"]
