"""A night over a site on which everything goes wrong: each trouble is a row, the run goes on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests import nights
from tests.publisher.oddities import _ENGLISH
from tests.publisher.server import Resource, Server
from tests.publisher.site import Site, Source
from tests.publisher.trouble import CODE, trouble

pytestmark = pytest.mark.slow
UNREACHABLE = "down.yaodu.gov.cn"

# A night that waits a twentieth of the time before it asks again; test_fetch.py has the pauses.
IMPATIENT = """
from dataclasses import replace
from flows import cli
from tasks.politeness import Settings
given = Settings.from_env
Settings.from_env = lambda: replace(given(), backoff=0.05)
cli.main()
"""
INSTEAD = [sys.executable, "-c", IMPATIENT]


def _site() -> Site:
    site = trouble()
    english = next(u for u, t in site.truth.items() if t.why == "gone")
    site.pages[english] = Resource(_ENGLISH)
    listing = f"http://{UNREACHABLE}/nb/index.html"
    site.sources.append(
        Source("down", CODE, UNREACHABLE, listing, "county_listing", "尧都区人民政府")
    )
    return site


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory, api: str) -> tuple[Path, nights.Ended]:
    warehouse, site = tmp_path_factory.mktemp("bad") / "warehouse", _site()
    sources = nights.write_sources(site, warehouse.with_suffix(".csv"))
    with Server(site.pages) as server:
        return warehouse, nights.gongkai(
            *("run", "--sources", str(sources), "--warehouse", str(warehouse)),
            resolve=f"{UNREACHABLE}=127.0.0.1:9,{server.resolve}",  # nobody listens on discard
            instead=INSTEAD,
            api=api,
        )


def _rows(warehouse: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(warehouse / "gongkai.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_the_run_goes_on_and_closes(night: tuple[Path, nights.Ended]) -> None:
    warehouse, ended = night
    assert ended.code == 0, ended.err
    assert "closes" in ended.out
    (run,) = _rows(
        warehouse,
        "select discovered, parsed, rejected, duplicate, unchanged, quarantined, skipped, failed "
        "from runs",
    )
    assert run[0] == sum(run[1:])
    assert run[1] >= 1
    assert _rows(warehouse, "select count(*) from national_fact")[0][0] > 0


@pytest.mark.parametrize(
    ("page", "code"),
    [
        ("missing", "http_404"),
        ("error", "http_500"),
        ("empty", "empty_body"),
        ("broken_gzip", "broken_encoding"),
        ("gzip_bomb", "too_large"),
        ("huge", "too_large"),
        ("huge_unannounced", "too_large"),
        ("gone", "not_chinese"),
        ("redirect_away", "off_site_redirect"),
        ("redirect_loop", "too_many_redirects"),
        ("redirect_endless", "too_many_redirects"),
        ("reset", "unreachable"),
        ("truncated", "truncated"),
        ("longer", "truncated"),
        ("shorter", "cut_off"),
    ],
)
def test_each_bad_page_is_a_failure_with_a_clear_message(
    night: tuple[Path, nights.Ended], page: str, code: str
) -> None:
    found = _rows(night[0], f"select code, message from failures where url like '%/nb/{page}.html'")
    assert [row[0] for row in found] == [code], found
    assert len(found[0][1]) > 10


@pytest.mark.parametrize(
    ("listing", "code"),
    [
        ("/loop/", "listing_loops"),
        ("/endless/", "listing_loops"),
        ("/nothing/", "http_404"),
        ("closed.yaodu", "robots"),
        (UNREACHABLE, "unreachable"),
    ],
)
def test_each_bad_listing_is_a_failure(
    night: tuple[Path, nights.Ended], listing: str, code: str
) -> None:
    found = _rows(night[0], f"select code from failures where url like '%{listing}%'")
    assert (code,) in found, found


def test_what_comes_right_in_the_end_is_no_failure(night: tuple[Path, nights.Ended]) -> None:
    outcomes = "select url, outcome from read_parquet('{}/runs/*/outcomes.parquet')"
    found = dict(_rows(night[0], outcomes.format(night[0])))
    for page in ("slow", "burst"):
        (outcome,) = [o for url, o in found.items() if url.endswith(f"/nb/{page}.html")]
        assert outcome == "parsed", page
