"""The main job end to end: counts, values, what is fetched again, and what is left running."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from tests import nights
from tests.publisher.demo import demo
from tests.publisher.server import Server

pytestmark = pytest.mark.slow


def _rows(database: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def _runs(warehouse: Path) -> list[dict[str, object]]:
    found = [json.loads(p.read_text()) for p in sorted(warehouse.glob("runs/*/run.json"))]
    return sorted(found, key=lambda run: str(run["started_at"]))


def test_the_first_night_gives_every_document_the_outcome_it_must_have(chain: nights.Chain) -> None:
    ended = chain.ended["first"]
    assert ended.code == 0, ended.err
    truth = {url: t.outcome for url, t in demo().truth.items()}
    outcomes = f"select url, outcome from read_parquet('{chain.first}/runs/*/outcomes.parquet')"
    assert sorted(_rows(chain.first / "gongkai.duckdb", outcomes)) == sorted(truth.items())
    counts = _runs(chain.first)[0]["counts"]
    assert isinstance(counts, dict)
    assert counts["discovered"] == len(truth)
    assert {k: v for k, v in counts.items() if v and k != "discovered"} == Counter(truth.values())


def test_the_values_are_those_the_publisher_printed(chain: nights.Chain) -> None:
    truths = {u: t for u, t in demo().truth.items() if t.outcome == "parsed" and t.figures}
    cells = _rows(
        chain.first / "gongkai.duckdb",
        "select url, cell, value, status from report_cells join reports using (report_id)",
    )
    found: dict[str, dict[str, tuple[object, object]]] = {}
    for url, cell, value, status in cells:
        found.setdefault(str(url), {})[str(cell)] = (value, status)
    compared = 0
    for url, truth in truths.items():
        assert truth.figures is not None
        read = found[truth.attachment or url]
        expected = {c: (f.value, f.status) for c, f in truth.figures.cells.items()}
        assert read == expected, url
        compared += len(expected)
    assert compared > 10_000


def test_national_facts_hold_official_resolved_current_reports_only(chain: nights.Chain) -> None:
    database = chain.last / "gongkai.duckdb"
    assert _rows(database, "select count(*) > 0 from national_fact") == [(True,)]
    strays = """
        select count(*) from national_fact f join reports r using (report_id)
        where not r.is_current or r.resolution <> 'resolved' or not r.official
    """
    assert _rows(database, strays) == [(0,)]
    twice = """
        select count(*) from (select 1 from national_fact
        group by unit_id, report_year, scope, cell having count(*) > 1)
    """
    assert _rows(database, twice) == [(0,)]


def test_the_end_of_a_run_says_what_a_newcomer_needs(chain: nights.Chain) -> None:
    out = chain.ended["first"].out
    assert "closes" in out
    assert "does not close" not in out
    for word in ("parsed", "rejected", "duplicate", "unchanged", "national_fact", "gongkai serve"):
        assert word in out, word
    assert f"{chain.last}/gongkai.duckdb" in out
    assert "DEMO" in chain.ended["first"].err


def test_the_second_night_fetches_only_what_changed(chain: nights.Chain) -> None:
    assert chain.ended["second"].code == 0, chain.ended["second"].err
    first, second = (run["counts"] for run in _runs(chain.last)[:2])
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    before, after = demo(), demo(change=True)
    changed = [
        url
        for url, truth in after.truth.items()
        if truth.outcome == "parsed"
        and (url not in before.pages or before.pages[url].body != after.pages[url].body)
    ]
    assert second["parsed"] == len(changed) > 0
    assert second["unchanged"] >= first["parsed"] - len(changed)
    assert "not modified (304)" in chain.ended["second"].out
    for path in (chain.last / "snapshots").glob("part-*.parquet"):
        assert path.stat().st_size > 0


def test_a_clean_night_and_one_with_rejections_end_in_states_of_different_names(
    chain: nights.Chain,
) -> None:
    with sqlite3.connect(f"file:{chain.last}/.prefect/prefect.db?mode=ro", uri=True) as db:
        rows = db.execute(
            "select r.name, r.state_name, r.state_type from flow_run r join flow f "
            "on r.flow_id = f.id where f.name = 'nightly' order by r.start_time"
        ).fetchall()
    assert [state for _, state, _ in rows] == [
        "CompletedWithRejections",
        "CompletedWithRejections",
        "Completed",
    ]
    assert all(name.startswith("nightly 20") for name, _, _ in rows)


def test_nothing_is_left_running(chain: nights.Chain) -> None:
    assert nights.left_running(chain.last) == []
    assert not (chain.last / ".prefect" / "server.json").exists()
    assert not list(chain.last.glob(".generation-*"))


def test_replay_of_the_whole_archive_gives_the_same_bytes(
    chain: nights.Chain, tmp_path: Path, api: str
) -> None:
    warehouse = chain.copy(chain.first, tmp_path / "w")
    parts = sorted((warehouse / "reports").glob("part-*"))
    before = [p.read_bytes() for p in parts]
    old = [p.stat().st_ino for p in parts]
    words = ("replay", "--all", "--warehouse", str(warehouse))
    ended = nights.gongkai(*words, instead=nights.UNPUBLISHED, api=api)
    assert ended.code == 0, ended.err
    assert [p.stat().st_ino for p in parts] != old, "the readings were not written anew"
    assert [p.read_bytes() for p in parts] == before
    replayed = _runs(warehouse)[-1]
    assert replayed["kind"] == "replay"
    counts = replayed["counts"]
    assert isinstance(counts, dict)
    # a duplicate was archived under its other name; what was never received cannot be read again
    assert counts["parsed"] == sum(t.outcome == "parsed" for t in demo().truth.values())
    assert counts["unchanged"] == counts["failed"] == 0


LOSES_A_DOCUMENT = """
from flows import cli
from tasks import account
classify = account.classify
def lossy(*given):
    outcomes, problems = classify(*given)
    return outcomes[1:], problems
account.classify = lossy
cli.main()
"""


def test_when_the_accounting_does_not_close_nothing_is_published(
    chain: nights.Chain, tmp_path: Path, api: str
) -> None:
    warehouse = chain.copy(chain.first, tmp_path / "w")
    before = (warehouse / "gongkai.duckdb").stat()
    site = demo(change=True)
    sources = nights.write_sources(site, tmp_path / "sources.csv", only="dinghai")
    with Server(site.pages) as server:
        ended = nights.gongkai(
            *("run", "--sources", str(sources), "--warehouse", str(warehouse)),
            resolve=server.resolve,
            instead=[sys.executable, "-c", LOSES_A_DOCUMENT],
            api=api,
        )
    assert ended.code == 1
    assert "without an outcome" in ended.err
    assert "Traceback" not in ended.err
    after = (warehouse / "gongkai.duckdb").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    (newest,) = nights.flow_runs(api, "nightly", newest=1)
    assert (newest["state_name"], newest["state_type"]) == ("AccountingFailed", "FAILED")
    assert newest["parameters"]["warehouse"] == str(warehouse)
