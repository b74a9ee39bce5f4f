"""A site that changes, withdraws and forgets, and a clock that jumps: old versions stay and say so.

One county is visited by a night whose clock is ten years ahead; then it and another, both changed,
by a night with the right time.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tasks.store import Warehouse
from tasks.verify import verify
from tests import nights
from tests.publisher.demo import demo
from tests.publisher.server import NOT_FOUND, Server
from tests.publisher.site import Site

pytestmark = pytest.mark.slow
HOST = "www.dinghai.gov.cn"
AHEAD = "www.linan.gov.cn"  # visited with the wrong clock
FACTS = "select report_id, cell, value from national_fact order by all"

# A night on a machine whose clock is ten years ahead; nothing is published.
TEN_YEARS_ON = """
from datetime import datetime, timedelta
from flows import cli, ending, harvest, nightly
from tasks import account, fetch, runs, store
class Shifted(datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.now(tz) + timedelta(days=3650)
for module in (harvest, nightly, account, fetch, runs, store):
    module.datetime = Shifted
ending.publish_held = lambda *given, **named: None
cli.main()
"""


def _rows(warehouse: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(warehouse / "gongkai.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def _reports(site: Site, host: str) -> list[str]:
    return [
        url
        for url, truth in site.truth.items()
        if truth.outcome == "parsed" and host in url and not truth.attachment
    ]


@dataclass(frozen=True, slots=True)
class Changed:
    """What the two nights left, and what had changed."""

    warehouse: Path
    before: list[tuple[Any, ...]]  # the facts before them
    ended: nights.Ended
    listing: str  # it has lost all entries but two
    withdrawn: str
    republished: str
    twice: str  # changed for the first night, and again for the second
    first: bytes  # what it was at first


@pytest.fixture(scope="module")
def changed(chain: nights.Chain, tmp_path_factory: pytest.TempPathFactory, api: str) -> Changed:
    folder = tmp_path_factory.mktemp("changed")
    warehouse = chain.copy(chain.first, folder / "w")
    site = demo()
    withdrawn, republished = _reports(site, HOST)[:2]
    twice = _reports(site, AHEAD)[0]
    first, old = site.pages[twice].body, site.pages[republished].body
    site.pages[withdrawn] = NOT_FOUND
    site.pages[republished] = replace(site.pages[republished], body=old + b"\n<!-- again -->")
    listing = next(s.listing_url for s in site.sources if s.host == HOST and "county" in s.kind)
    kept = [url.rsplit("/", 1)[1] for url in (withdrawn, republished)]
    for url, page in site.pages.items():
        if HOST not in url or b'class="item"' not in page.body:
            continue
        lines = page.body.decode().splitlines()
        left = [x for x in lines if 'class="item"' not in x or any(name in x for name in kept)]
        site.pages[url] = replace(page, body="\n".join(left).encode())
    before = _rows(warehouse, FACTS)
    one = nights.write_sources(site, folder / "one.csv", only=AHEAD)
    site.sources = [source for source in site.sources if source.host in (HOST, AHEAD)]
    both = nights.write_sources(site, folder / "both.csv")
    words = ("run", "--warehouse", str(warehouse), "--sources")
    with Server(site.pages) as server:
        server.pages[twice] = replace(server.pages[twice], body=first + b"<!-- 2 -->")
        jumped = [sys.executable, "-c", TEN_YEARS_ON]
        ahead = nights.gongkai(*words, str(one), resolve=server.resolve, api=api, instead=jumped)
        assert ahead.code == 0, ahead.err
        server.pages[twice] = replace(server.pages[twice], body=first + b"<!-- 3 -->")
        ended = nights.gongkai(*words, str(both), resolve=server.resolve, api=api)
    return Changed(warehouse, before, ended, listing, withdrawn, republished, twice, first)


def test_withdrawn_changed_and_no_longer_listed(changed: Changed) -> None:
    warehouse, ended = changed.warehouse, changed.ended
    assert ended.code == 0, ended.err
    assert "closes" in ended.out
    assert "the listing names" in " ".join(ended.out.split())
    alarm = _rows(warehouse, "select url from failures where code = 'listing_shrunk'")
    assert alarm == [(changed.listing,)]
    gone = _rows(warehouse, "select url, outcome from failures where code = 'withdrawn'")
    assert gone == [(changed.withdrawn, "failed")]
    states = "select withdrawn_since is not null, is_current, superseded_because from reports "
    assert _rows(warehouse, f"{states} where url = '{changed.withdrawn}'") == [(True, True, None)]
    versions = f"{states} where url = '{changed.republished}' order by fetched_at"
    assert _rows(warehouse, versions) == [
        (False, False, "a later version of the document was fetched"),
        (False, True, None),
    ]
    after, renewed = _rows(warehouse, FACTS), set()
    for url in (changed.republished, changed.twice):
        renewed |= set(_rows(warehouse, f"select report_id from reports where url = '{url}'"))
    others = [[row for row in rows if row[:1] not in renewed] for rows in (after, changed.before)]
    assert others[0] == others[1]
    assert len(after) == len(changed.before)


def test_after_a_clock_that_jumped_the_newest_version_still_counts(changed: Changed) -> None:
    versions = f"select snapshot_id, is_current from reports where url = '{changed.twice}'"
    found = dict(_rows(changed.warehouse, versions))
    expected = {sha256(changed.first + extra).hexdigest() for extra in (b"", b"<!-- 2 -->")}
    assert {s for s, current in found.items() if not current} == expected
    assert found[sha256(changed.first + b"<!-- 3 -->").hexdigest()]
    alarm = _rows(changed.warehouse, "select message from failures where code = 'clock_wrong'")
    assert "behind a run before this one" in alarm[0][0]
    assert verify(Warehouse.at(changed.warehouse)).damages == []
