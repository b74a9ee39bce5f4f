"""kill -9 while fetching, while parsing and while publishing.

Whenever it comes, readers keep the last published night, the server goes with the run, and the next
run completes what was begun.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tests import nights
from tests.publisher.demo import demo
from tests.publisher.server import Server

pytestmark = pytest.mark.slow


def _names(warehouse: Path, pattern: str) -> set[str]:
    return {str(path) for path in warehouse.glob(pattern)}


def _facts(warehouse: Path) -> list[tuple[object, ...]]:
    with duckdb.connect(str(warehouse / "gongkai.duckdb"), read_only=True) as connection:
        return connection.execute(
            "select report_id, cell, value from national_fact order by all"
        ).fetchall()


def _kill_when(run: subprocess.Popen[str], happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not happened():
        assert run.poll() is None, run.stdout.read() if run.stdout else ""
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.kill(run.pid, signal.SIGKILL)
    run.wait(30)


def _server_is_gone(warehouse: Path) -> bool:
    for _ in range(150):
        if not [line for line in nights.left_running(warehouse) if "flows.server" in line]:
            return True
        time.sleep(0.2)
    return False


def test_a_killed_run_leaves_the_old_warehouse_and_the_next_completes(
    chain: nights.Chain, tmp_path: Path
) -> None:
    """Three runs are killed one after the other, each further on than the last; the fourth ends."""
    warehouse = chain.copy(chain.first, tmp_path / "w")
    before = _facts(warehouse)
    site = demo(seed=2)  # every page is another: there is much to fetch and to read
    sources = nights.write_sources(site, tmp_path / "sources.csv")
    points = {
        "fetch": lambda seen: bool(_names(warehouse, "runs/*/discovered.parquet") - seen),
        "parse": lambda seen: bool(_names(warehouse, "snapshots/part-*") - seen),
        "publish": lambda seen: bool(_names(warehouse, ".generation-*/*") - seen),
    }
    with Server(site.pages) as server:
        words = ("run", "--sources", str(sources), "--warehouse", str(warehouse))
        for point, happened in points.items():
            seen = _names(warehouse, "runs/*/discovered.parquet")
            seen |= _names(warehouse, "snapshots/part-*") | _names(warehouse, ".generation-*/*")
            finished = _names(warehouse, "runs/*/run.json")
            with nights.started(*words, resolve=server.resolve) as run:
                _kill_when(run, lambda happened=happened, seen=seen: happened(seen))  # type: ignore[misc]
                assert _facts(warehouse) == before, f"killed at {point}"
                if point != "publish":
                    assert _names(warehouse, "runs/*/run.json") == finished
                assert _server_is_gone(warehouse)
        ended = nights.gongkai(*words, resolve=server.resolve)
    assert ended.code == 0, ended.err
    assert "closes" in ended.out
    assert not list(warehouse.glob(".generation-*"))
    assert nights.left_running(warehouse) == []
    parsed = {url: t for url, t in site.truth.items() if t.outcome == "parsed" and t.figures}
    with duckdb.connect(str(warehouse / "gongkai.duckdb"), read_only=True) as connection:
        rows = connection.execute(
            "select url, report_id, cell, value from report_cells join reports using (report_id)"
        ).fetchall()
    versions: dict[tuple[str, str], dict[str, object]] = {}
    for url, report_id, cell, value in rows:
        versions.setdefault((url, report_id), {})[cell] = value
    for url, truth in parsed.items():
        assert truth.figures is not None
        where = truth.attachment or url
        assert truth.figures.values in [v for (page, _), v in versions.items() if page == where], (
            url
        )
    _dead_runs_are_marked(warehouse)


def _dead_runs_are_marked(warehouse: Path) -> None:
    import sqlite3

    with sqlite3.connect(f"file:{warehouse}/.prefect/prefect.db?mode=ro", uri=True) as db:
        states = db.execute(
            "select r.state_name from flow_run r join flow f on r.flow_id = f.id "
            "where f.name = 'nightly' order by r.start_time"
        ).fetchall()
    assert [name for (name,) in states].count("Crashed") == 3
    assert not [name for (name,) in states if name in ("Running", "Pending")]


def test_readers_and_a_second_writer_during_a_run(
    chain: nights.Chain, tmp_path: Path, api: str
) -> None:
    """`gongkai sql` answers while a run publishes; a second writer is told who holds the lock."""
    warehouse = chain.copy(chain.first, tmp_path / "w")
    where = ("--warehouse", str(warehouse))
    count = "select count(*) as n from reports"
    before = nights.gongkai("sql", *where, count)
    with nights.started("publish", *where, api=api) as run:
        deadline = time.monotonic() + 120
        while not list(warehouse.glob(".generation-*")):
            assert run.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        during = nights.gongkai("sql", *where, count)
        busy = nights.gongkai("publish", *where)
        assert run.poll() is None, "the run ended before the readers came"
        # ending it early is one more kill; what it held is free again
    assert during == before
    assert before.code == 0
    assert busy.code == 2
    assert len(busy.err.strip().splitlines()) == 1
    assert f"process {run.pid}" in busy.err
