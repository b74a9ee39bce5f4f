"""`gongkai sources add`: what a look at a site on loopback proposes, and what it refuses."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows import cli
from tasks.propose import Proposal, propose
from tasks.records import BadInput
from tasks.sources import load_sources
from tasks.units import Registry
from tests.publisher.demo import demo
from tests.publisher.server import Resource, Server
from tests.publisher.systems import published

HOST = "http://www.huachuan.gov.cn"
HEAD = (
    '<html><head><meta charset="utf-8"><title>{title}</title><meta name="SiteName" '
    'content="桦川县人民政府"><meta name="SiteIDCode" content="2308260003"></head><body>{body}'
    "</body></html>"
)
TITLES = [f"桦川县{u}2023年政府信息公开工作年度报告" for u in ("教育局", "悦来镇", "东河乡")]


@pytest.fixture(scope="module")
def pages() -> dict[str, Resource]:
    return demo().pages


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.read()


@pytest.fixture
def server(
    monkeypatch: pytest.MonkeyPatch, pages: dict[str, Resource], registry: Registry
) -> Iterator[Server]:
    monkeypatch.setattr(Registry, "read", lambda: registry)
    with Server(dict(pages)) as running:
        monkeypatch.setenv("GONGKAI_RESOLVE", running.resolve)
        monkeypatch.setenv("GONGKAI_DELAY", "0")
        yield running


def look(url: str, server: Server) -> Proposal:
    from tasks.fetch import Pace, Settings, Visitor
    from tasks.resolve import parse_resolve

    settings = Settings(delay=0, retries=0)
    with Visitor(lambda _: None, settings, parse_resolve(server.resolve), Pace()) as visitor:
        return propose(url, visitor.get, Registry.read())


def test_a_listing_becomes_a_row_with_what_it_rests_on(server: Server) -> None:
    found = look(f"{HOST}/zwgk/nb/index.html", server)
    (row,) = found.rows
    assert row[:8] == (
        "huachuan",
        "230826",
        "www.huachuan.gov.cn",
        f"{HOST}/zwgk/nb/index.html",
        "county_listing",
        "桦川县人民政府",
        "quarantine",
        "",
    )
    assert "TRS" in row.notes
    assert found.division_name == "黑龙江省佳木斯市桦川县"
    assert len(found.columns[0].documents) > 10


def test_the_front_page_leads_to_the_columns_it_names(server: Server) -> None:
    listing, _ = published("hanweb", TITLES)
    empty = "<h1>政府信息公开年报</h1>"
    body = (
        '<a href="/col/col114/index.html">政府信息公开年报</a>'
        '<a href="/col/col115/">财政年度报告</a><a href="/col/col116/">新闻</a>'
        '<a href="http://www.evil.com/nb/">政府信息公开年报</a>'
    )
    server.pages |= {HOST + path: answer for path, answer in listing.items()}
    server.pages[f"{HOST}/"] = Resource(HEAD.format(title="首页", body=body).encode())
    server.pages[f"{HOST}/col/col115/"] = Resource(HEAD.format(title="x", body=empty).encode())
    found = look(f"{HOST}/", server)
    assert [c.url for c in found.columns] == [
        f"{HOST}/col/col114/index.html",
        f"{HOST}/col/col115/",
    ]
    assert [(r.listing_url, r.kind) for r in found.rows] == [
        (f"{HOST}/col/col114/index.html", "county_listing")
    ]
    assert found.columns[1].problem
    assert found.site_id_code == "2308260003"
    assert found.division_code == "230826"
    assert any("SiteIDCode 2308260003 and the site's name" in line for line in found.evidence)


def test_a_column_of_one_unit_is_a_unit_listing(server: Server) -> None:
    titles = [f"桦川县教育局{year}年政府信息公开工作年度报告" for year in (2021, 2022, 2023)]
    listing, _ = published("boda", titles)
    server.pages |= {HOST + path: answer for path, answer in listing.items()}
    (row,) = look(f"{HOST}/zwgk/nb.htm", server).rows
    assert (row.kind, row.unit_name) == ("unit_listing", "桦川县教育局")


def test_the_records_behind_a_page_of_a_platform_are_found(server: Server) -> None:
    listing, _ = published("gkmlpt", TITLES)
    server.pages |= {HOST + path: answer for path, answer in listing.items()}
    page = HEAD.format(title="政府信息公开", body="<script>_CONFIG={SID: '200025'}</script>")
    server.pages[f"{HOST}/gkmlpt/index"] = Resource(page.encode())
    (row,) = look(f"{HOST}/gkmlpt/index#505", server).rows
    assert row.listing_url == f"{HOST}/gkmlpt/api/all/505?page=1&sid=200025"


def test_a_code_and_a_name_that_disagree_are_told(server: Server) -> None:
    page = HEAD.format(title="政府信息公开年报", body="").replace("2308260003", "3301120011")
    server.pages[f"{HOST}/x/"] = Resource(page.encode())
    found = look(f"{HOST}/x/", server)
    assert any("names another division" in line for line in found.evidence)
    assert found.rows == []


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://www.huachuan.gov.cn.evil.com/", "not under .gov.cn"),
        ("ftp://www.huachuan.gov.cn/", "not an http or https address"),
        (f"{HOST}/gone.html", "404"),
        (f"{HOST}/away.html", "not under .gov.cn"),
    ],
)
def test_what_cannot_be_a_source_is_refused_in_one_line(
    url: str, says: str, server: Server
) -> None:
    server.pages[f"{HOST}/away.html"] = Resource(
        b"", status=302, headers={"Location": "http://www.evil.com/"}
    )
    server.pages["http://www.evil.com/"] = Resource(b"<p>x</p>")
    with pytest.raises(BadInput) as refused:
        look(url, server)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["gongkai", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return int(str(end.value.code))


def test_the_command_prints_rows_and_appends_them_for_review(
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    url = f"{HOST}/zwgk/nb/index.html"
    assert run(monkeypatch, "sources", "add", url) == 0
    printed = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["source_id"] for row in printed] == ["huachuan"]
    file = tmp_path / "sources.csv"
    assert run(monkeypatch, "sources", "add", url, "--into", str(file)) == 0
    (row,) = load_sources(file)
    assert (row.status, row.reviewed_on) == ("quarantine", "")
    # again: it is there already, and nothing is added
    assert run(monkeypatch, "sources", "add", url, "--into", str(file)) == 3
    assert len(load_sources(file)) == 1
    linan = "http://www.linan.gov.cn/zwgk/nb/list.html"
    assert run(monkeypatch, "sources", "add", linan, "--into", str(file), "--accept") == 0
    assert [(s.source_id, s.status) for s in load_sources(file)] == [
        ("huachuan", "quarantine"),
        ("linan", "allowed"),
    ]
    assert load_sources(file)[1].reviewed_on
    assert run(monkeypatch, "sources", "add", linan, "--accept") == 2
