"""A site that changes, withdraws and forgets: old versions stay and say so, nothing is deleted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests import nights
from tests.publisher.demo import demo
from tests.publisher.server import NOT_FOUND, Server

pytestmark = pytest.mark.slow
HOST = "www.dinghai.gov.cn"


def _rows(warehouse: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(warehouse / "gongkai.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_withdrawn_changed_and_no_longer_listed(
    chain: nights.Chain, tmp_path: Path, api: str
) -> None:
    warehouse = chain.copy(chain.first, tmp_path / "w")
    site = demo()
    reports = [
        url
        for url, truth in site.truth.items()
        if truth.outcome == "parsed" and HOST in url and not truth.attachment
    ]
    withdrawn, changed = reports[0], reports[1]
    old = site.pages[changed].body
    site.pages[withdrawn] = NOT_FOUND
    site.pages[changed] = replace(site.pages[changed], body=old + b"\n<!-- republished -->")
    source = next(s for s in site.sources if s.host == HOST and s.kind == "county_listing")
    kept = [url.rsplit("/", 1)[1] for url in (withdrawn, changed)]
    for url, page in site.pages.items():
        if HOST not in url or b'class="item"' not in page.body:
            continue
        lines = page.body.decode().splitlines()
        left = [x for x in lines if 'class="item"' not in x or any(name in x for name in kept)]
        site.pages[url] = replace(page, body="\n".join(left).encode())
    facts = "select report_id, cell, value from national_fact order by all"
    before = _rows(warehouse, facts)
    sources = nights.write_sources(site, tmp_path / "sources.csv", only=HOST)
    with Server(site.pages) as server:
        words = ("run", "--sources", str(sources), "--warehouse", str(warehouse))
        ended = nights.gongkai(*words, resolve=server.resolve, api=api)
    assert ended.code == 0, ended.err
    assert "closes" in ended.out
    assert "the listing names" in " ".join(ended.out.split())
    alarm = _rows(warehouse, "select url, message from failures where code = 'listing_shrunk'")
    assert [url for url, _ in alarm] == [source.listing_url]
    gone = _rows(warehouse, "select url, outcome from failures where code = 'withdrawn'")
    assert gone == [(withdrawn, "failed")]
    states = "select withdrawn_since is not null, is_current, superseded_because from reports "
    assert _rows(warehouse, f"{states} where url = '{withdrawn}'") == [(True, True, None)]
    versions = _rows(warehouse, f"{states} where url = '{changed}' order by fetched_at")
    assert versions == [
        (False, False, "a later version of the document was fetched"),
        (False, True, None),
    ]
    after = _rows(warehouse, facts)
    renewed = {
        r for (r,) in _rows(warehouse, f"select report_id from reports where url = '{changed}'")
    }
    assert [r for r in after if r[0] not in renewed] == [r for r in before if r[0] not in renewed]
    assert len(after) == len(before)
