"""`make soak`: 20,000 pages over 500 hosts on loopback, one in twenty at fault, in one night.

A process of its own serves the hosts and measures how they are treated: never two requests of one
host at a time, never more in a second than the delay allows. The night is `gongkai run`
without its publishing (the models have a bench of their own). Ends with 1 when a promise is broken:
the limits of the hosts, the memory, the accounting, or an outcome.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path

import duckdb
import psutil  # type: ignore[import-untyped]
from rich.console import Console
from rich.table import Table

from tests import nights
from tests.publisher import figures as maker
from tests.publisher import layouts, listing, misbehave
from tests.publisher.document import document
from tests.publisher.server import NOT_FOUND, Request, Resource, Server
from tests.publisher.site import Site, Source

DELAY = 0.05  # seconds between requests to a host; a night in the field takes a second
MEMORY_MB = 600
PER_HOST = 40
FAULTS = ("error_once", "reset_once", "missing", "truncated", "slow")  # each 1 % of the pages
_TEMPLATES = 24
_UNPUBLISHED = """
from flows import cli, commands, ending
ending.publish_held = lambda *given, **named: None
commands._show_end = lambda *given, **named: None
cli.main()
"""


def host_name(number: int) -> str:
    """The name of a host."""
    return f"h{number:04d}.soak.gov.cn"


def fault_of(number: int, page: int) -> str | None:
    """What is the matter with a page: one in twenty, spread over all hosts."""
    place = (number * PER_HOST + page) * 7919 % 100
    return FAULTS[place] if place < len(FAULTS) else None


class Pages(dict[str, Resource]):
    """The pages of all hosts, made when they are asked for."""

    def __init__(self, hosts: int, per_host: int) -> None:
        super().__init__()
        self.hosts, self.per_host = hosts, per_host
        self.templates = []
        for seed in range(_TEMPLATES):
            figures = maker.probe_consistent("2021", seed)
            page = document(figures, f"尧都区第{seed}镇", 2022, seed)
            self.templates.append(layouts.publish(page, "clean/table/utf8").body)
        self.asked: Counter[str] = Counter()

    def get(self, url: str, default: Resource | None = None) -> Resource | None:  # type: ignore[override]
        """The page at a URL."""
        host, _, path = url.removeprefix("http://").partition("/")
        if not host.endswith(".soak.gov.cn") or not host[1:5].isdecimal():
            return default
        number = int(host[1:5])
        if path == "nb/index.html":
            return self._listing(number)
        name = path.removeprefix("nb/").removesuffix(".html")
        if not name.isdecimal() or int(name) >= self.per_host:
            return default
        return self._page(url, number, int(name))

    def _listing(self, number: int) -> Resource:
        entries = [
            listing.Entry(f"{n}.html", f"尧都区第{n}镇2022年政府信息公开工作年度报告", "2023-01-20")
            for n in range(self.per_host)
        ]
        (text,) = listing.pages(entries, "list", "尧都区", "政府信息公开年报", 1000).values()
        return Resource(text.encode())

    def _page(self, url: str, number: int, page: int) -> Resource:
        self.asked[url] += 1
        body = self.templates[page % _TEMPLATES] + b"\n<!-- %d %d -->" % (number, page)
        whole = Resource(body, "text/html; charset=utf-8")
        fault = fault_of(number, page)
        first = self.asked[url] == 1
        if fault == "missing":
            return NOT_FOUND
        if fault == "error_once" and first:
            return replace(whole, status=500)
        if fault == "reset_once" and first:
            return misbehave.answering(misbehave.reset)
        if fault == "truncated":
            return misbehave.answering(misbehave.truncated(body))
        if fault == "slow":
            return misbehave.answering(misbehave.slow(body, 0.5))
        return whole


def treatment(requests: list[Request]) -> tuple[int, int]:
    """The most requests that one host had at a time, and the most that began within a second."""
    by_host: dict[str, list[Request]] = defaultdict(list)
    for request in requests:
        by_host[request.host].append(request)
    at_once = in_a_second = 0
    for given in by_host.values():
        given.sort(key=lambda r: r.started)
        open_until: list[float] = []
        recent: deque[float] = deque()
        for request in given:
            open_until = [end for end in open_until if end > request.started]
            open_until.append(request.finished or float("inf"))
            at_once = max(at_once, len(open_until))
            recent.append(request.started)
            while recent[0] <= request.started - 1:
                recent.popleft()
            in_a_second = max(in_a_second, len(recent))
    return at_once, in_a_second


def _serve(pipe: Connection, hosts: int, per_host: int) -> None:
    with Server(Pages(hosts, per_host)) as server:
        pipe.send(server.resolve)
        pipe.recv()
        pipe.send((len(server.requests), *treatment(server.requests)))


@dataclass(slots=True)
class Soaked:
    """What a soak measured."""

    hosts: int
    pages: int
    seconds: float = 0.0
    cpu: float = 0.0
    memory: float = 0.0  # MB of the run and its readers together, at most; shared pages once
    requests: int = 0
    most_at_once: int = 0
    most_in_a_second: int = 0
    code: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    archived: int = 0

    def broken(self) -> list[str]:
        """The promises that were not kept."""
        faults = Counter(
            fault_of(h, p) for h in range(self.hosts) for p in range(self.pages // self.hosts)
        )
        failed = faults["missing"] + faults["truncated"]
        wrong = []
        if self.code != 0:
            wrong.append(f"the run ended with {self.code}")
        if self.counts.get("discovered") != self.pages:
            wrong.append(f"{self.counts.get('discovered')} of {self.pages} pages discovered")
        if self.counts.get("failed") != failed:
            wrong.append(f"{self.counts.get('failed')} failed instead of {failed}")
        if self.counts.get("parsed") != self.pages - failed:
            wrong.append(f"{self.counts.get('parsed')} parsed instead of {self.pages - failed}")
        if self.archived != self.pages - failed:
            wrong.append(f"{self.archived} documents archived instead of {self.pages - failed}")
        if self.most_at_once != 1:
            wrong.append(f"a host had {self.most_at_once} requests at a time")
        if self.most_in_a_second > 1 / DELAY + 1:
            wrong.append(f"a host had {self.most_in_a_second} requests within a second")
        if self.memory > MEMORY_MB:
            wrong.append(f"{self.memory:.0f} MB of memory")
        return wrong


def soak(hosts: int, per_host: int, folder: Path, api: str) -> Soaked:
    """Run one night against `hosts` hosts of `per_host` pages each, below `folder`.

    `api`: the Prefect server to run under.
    """
    result = Soaked(hosts, hosts * per_host)
    site = Site()
    for number in range(hosts):
        host = host_name(number)
        url = f"http://{host}/nb/index.html"
        site.sources.append(Source(host, "141002", host, url, "county_listing", "尧都区人民政府"))
    sources, warehouse = folder / "sources.csv", folder / "w"
    sources.write_text(site.sources_csv(), encoding="utf-8")
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=_serve, args=(theirs, hosts, per_host))
    server.start()
    try:
        settings = {"GONGKAI_DELAY": str(DELAY), "PREFECT_API_URL": api}
        environment = nights.environment(ours.recv(), **settings)
        words = ["run", "--sources", str(sources), "--warehouse", str(warehouse)]
        began = time.monotonic()
        with (folder / "log").open("w") as log:
            run = subprocess.Popen(
                [sys.executable, "-c", _UNPUBLISHED, *words],
                cwd=nights.CHECKOUT,
                env=environment,
                stdout=log,
                stderr=log,
            )
            watch = threading.Thread(target=_watch, args=(run, result))
            watch.start()
            result.code = run.wait()
            watch.join()
        result.seconds = time.monotonic() - began
        ours.send("end")
        result.requests, result.most_at_once, result.most_in_a_second = ours.recv()
    finally:
        server.kill()
        server.join()
    for record in warehouse.glob("runs/*/run.json"):
        result.counts = json.loads(record.read_text())["counts"]
    parts = f"{warehouse}/snapshots/*.parquet"
    query = "select count(distinct snapshot_id) from read_parquet(?) where bytes is not null"
    (result.archived,) = duckdb.execute(query, [parts]).fetchall()[0]
    return result


def _watch(run: subprocess.Popen[bytes], result: Soaked) -> None:
    """Memory and CPU time of the run and its readers; not of the Prefect server."""
    cpu: dict[int, float] = {}
    while run.poll() is None:
        memory = 0.0
        try:
            family = [psutil.Process(run.pid), *psutil.Process(run.pid).children(recursive=True)]
        except psutil.NoSuchProcess:
            break
        for process in family:
            try:
                if any("flows.server" in word for word in process.cmdline()):
                    continue
                memory += process.memory_full_info().pss / 1e6
                times = process.cpu_times()
                cpu[process.pid] = times.user + times.system
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
        result.memory = max(result.memory, memory)
        time.sleep(0.5)
    result.cpu = sum(cpu.values())


def table(result: Soaked) -> Table:
    """The figures as they are printed."""
    shown = Table("what", "figure", title=f"Soak: {result.pages} pages over {result.hosts} hosts")
    per_page = result.cpu / result.pages * 1000
    for what, figure in (
        ("wall time", f"{result.seconds:.0f} s"),
        ("pages a second", f"{result.pages / result.seconds:.1f}"),
        ("CPU a page", f"{per_page:.1f} ms (fetching, archiving, reading, accounting)"),
        ("memory at most", f"{result.memory:.0f} MB (limit {MEMORY_MB})"),
        ("requests", f"{result.requests}"),
        ("requests to one host at a time", f"{result.most_at_once}"),
        ("requests to one host in a second", f"{result.most_in_a_second} (limit {1 / DELAY:.0f})"),
        ("counts", ", ".join(f"{n} {name}" for name, n in result.counts.items() if n)),
    ):
        shown.add_row(what, figure)
    return shown


def main() -> int:
    """Soaks, prints the figures, and says which promises were not kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--hosts", type=int, default=500)
    parser.add_argument("--pages", type=int, default=PER_HOST, help="pages of each host")
    options = parser.parse_args()
    console = Console(width=int(os.environ.get("COLUMNS", "100")))
    with tempfile.TemporaryDirectory(prefix="gongkai-soak-") as folder:
        with nights.prefect(Path(folder) / "prefect") as api:
            result = soak(options.hosts, options.pages, Path(folder), api)
        console.print(table(result))
        broken = result.broken()
        if result.code:
            console.print((Path(folder) / "log").read_text()[-2000:])
    for line in broken:
        console.print(f"NOT KEPT: {line}", style="red")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
