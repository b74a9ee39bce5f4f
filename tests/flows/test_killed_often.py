"""kill -9 at twenty random moments of a night, one after the other: nothing archived is lost.

The runs are forked from one process that has loaded everything, so that a kill costs a second; the
moments are drawn with a fixed seed over the length that a whole run has on this machine, and a run
that was faster than its moment is started again.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

import psutil  # type: ignore[import-untyped]
import pytest

from tasks import snapshot
from tasks.objects import Place
from tasks.publish import check_accounting
from tasks.runs import finished_runs
from tasks.store import Warehouse
from tasks.verify import verify
from tests import nights
from tests.publisher.demo import demo
from tests.publisher.server import Resource, Server
from tests.publisher.site import Site

pytestmark = pytest.mark.slow
KILLS = 20
HOSTS = ("www.linan.gov.cn", "www.dinghai.gov.cn", "www.luliang.gov.cn")  # a run is to be short
BATCH = 10  # rows of a part, so that the night of this small site has several
IN_FLIGHT = 16  # hosts at once

# Runs `gongkai …` once for each line, in a child. Publishing is left out (test_killed.py kills it),
# so that the moments fall on fetching, archiving, parsing and accounting.
FORKS = f"""
import os, sys
from flows import cli, commands, ending, harvest, nightly, summary
harvest.PART_ROWS = {BATCH}
ending.publish_held = lambda *given, **named: None
nightly.raise_alerts = lambda *given, **named: None
for line in sys.stdin:
    child = os.fork()
    if not child:
        sys.stdin.close()
        os.setpgrp()
        sys.argv = ["gongkai", *line.split()]
        try:
            cli.main()
        except SystemExit as end:
            os._exit(end.code or 0)  # the threads that pyarrow had before the fork are not here
    print(child, flush=True)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


class Forks:
    """The process that the runs are forked from."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def start(self, *words: str) -> int:
        """Start a run; gives its process id."""
        assert self.process.stdin is not None
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        return self._number()

    def ended(self) -> int:
        """Wait for the run; its exit code, negative for a signal."""
        return self._number()

    def _number(self) -> int:
        assert self.process.stdout is not None
        while line := self.process.stdout.readline():
            if line.strip().lstrip("-").isdecimal():
                return int(line)
        raise AssertionError("the process that runs are forked from has ended")


@contextmanager
def forks(resolve: str, api: str, log: Path) -> Iterator[Forks]:
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-c", FORKS],
            cwd=nights.CHECKOUT,
            env=nights.environment(resolve, PREFECT_API_URL=api),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            yield Forks(process)
        finally:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()


def _holds_the_lock(warehouse: Warehouse, pid: int) -> bool:
    try:
        return bool(json.loads(warehouse.lock_file.read_text())["pid"] == pid)
    except (OSError, ValueError):
        return False


def _edited(site: Site, number: int) -> dict[str, Resource]:
    """Every page of the site as it is after an edit: there is all to fetch and to read."""
    mark = b"\n<!-- edit %d -->" % number
    return {
        url: replace(page, body=page.body + mark)
        if url in site.truth and b"<html" in page.body[:500].lower()
        else page
        for url, page in site.pages.items()
    }


def _rows(parts: set[Place]) -> int:
    return sum(map(snapshot.rows_in, parts))


def test_twenty_kills_lose_nothing_and_the_next_run_completes(
    chain: nights.Chain, tmp_path: Path, api: str
) -> None:
    warehouse = Warehouse.at(chain.copy(chain.first, tmp_path / "w"))
    site = demo()
    site.sources = [source for source in site.sources if source.host in HOSTS]
    sources = nights.write_sources(site, tmp_path / "sources.csv")
    words = ("run", "--sources", str(sources), "--warehouse", str(warehouse.root))
    rng = Random(20)
    held = set(snapshot.known(warehouse).snapshots)
    documents = {u for u in site.pages if u in site.truth or "/W0" in u}
    with (
        Server(site.pages) as server,
        forks(server.resolve, api, tmp_path / "log") as run,
    ):
        killed, length = 0, math.inf  # the first run is not killed: it tells how long one is
        for number in range(2 * KILLS):
            server.pages = _edited(site, number)
            server.requests.clear()
            parts = set(snapshot.parts(warehouse))
            pid = run.start(*words)
            deadline = time.monotonic() + 60
            while not _holds_the_lock(warehouse, pid):
                assert time.monotonic() < deadline, (tmp_path / "log").read_text()
                time.sleep(0.002)
            began = time.monotonic()
            if number:
                time.sleep(rng.uniform(0, length))
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            code = run.ended()
            if code != -signal.SIGKILL:
                assert code == 0, (tmp_path / "log").read_text()
                length = min(length, time.monotonic() - began)
                continue
            killed += 1
            sent = [
                r
                for r in server.requests
                if f"http://{r.host}{r.path}" in documents and r.status == 200
            ]
            lost = len(sent) - _rows(set(snapshot.parts(warehouse)) - parts)
            assert lost <= BATCH + IN_FLIGHT, f"kill {killed}: {lost} fetches lost"
            now = set(snapshot.known(warehouse).snapshots)
            assert held <= now, f"kill {killed} lost what was archived"
            held = now
            assert verify(warehouse).damages == [], f"kill {killed}"
            if killed == KILLS:
                break
        assert killed == KILLS
        finished = len(finished_runs(warehouse))
        run.start(*words)
        assert run.ended() == 0, (tmp_path / "log").read_text()
    assert len(finished_runs(warehouse)) == finished + 1
    check_accounting(warehouse)
    assert verify(warehouse).damages == []
    assert held <= set(snapshot.known(warehouse).snapshots)
    assert not [p for p in warehouse.root.rglob(".*") if p.name.startswith((".tmp", ".gen"))]
