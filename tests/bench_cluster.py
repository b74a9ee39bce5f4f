"""How much faster two Dask workers read than one: `python -m tests.bench_cluster [parts]`.

Parse-bound work: parts of 250 pages of the publisher, read again from an object store on loopback
by 1 and by 2 workers, each a process, with nothing else in between (no models). The clock is what
counts here, so the machine must be idle; the processor time of the workers is told beside it.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]
from distributed import Client

from tasks import parse, snapshot
from tasks.objects import ObjectPath
from tasks.reports import PARSER_VERSION
from tasks.store import Warehouse
from tests import clusters, stores
from tests.publisher.demo import demo
from tests.test_snapshot import page

PAGES = 250


def main(parts: int) -> None:
    """Prints a line for each number of workers."""
    site = demo()
    bodies = [
        site.pages[url].body
        for url, truth in site.truth.items()
        if truth.outcome == "parsed" and site.pages[url].body.lstrip()[:1] == b"<"
    ]
    with (
        tempfile.TemporaryDirectory() as folder,
        stores.store() as options,
        clusters.cluster(prefect=False) as cluster,
    ):
        stores.cluster_file(Path(folder), options)
        warehouse = Warehouse.at(folder)
        warehouse.ensure()
        for part in range(parts):
            rows = (
                page(f"{part}-{n}", bodies[n % len(bodies)] + f"<!-- {part} {n} -->".encode())
                for n in range(PAGES)
            )
            snapshot.append(warehouse, f"r{part:04d}", rows, {})
        held = [p for p in snapshot.parts(warehouse) if isinstance(p, ObjectPath)]
        aside = warehouse.aside("bench")
        assert isinstance(aside, ObjectPath)
        alone = 0.0
        with Client(cluster.dask, set_as_default=False) as client:  # type: ignore[no-untyped-call]
            for workers in (1, 2):
                cluster.worker(f"worker-{workers}")
                warm = client.map(_read, held[:workers], aside=aside, key=f"warm-{workers}")
                client.gather(warm)
                processor, clock = _processor(cluster), time.perf_counter()
                done = client.gather(client.map(_read, held, aside=aside, key=f"read-{workers}"))
                clock = time.perf_counter() - clock
                processor = _processor(cluster) - processor
                alone = alone or clock
                print(
                    f"{workers} workers: {sum(done):,} documents in {clock:.1f} s, "
                    f"{sum(done) / clock:,.0f} a second, {1000 * processor / sum(done):.1f} ms of "
                    f"processor a document; {alone / clock:.2f} times one worker"
                )


def _read(part: ObjectPath, aside: ObjectPath) -> int:
    return parse.read_into(part, aside, PARSER_VERSION)


def _processor(cluster: clusters.Cluster) -> float:
    used = 0.0
    for name, child in cluster.processes.items():
        if name.startswith("worker"):
            process = psutil.Process(child.pid)
            for one in (process, *process.children(recursive=True)):
                used += sum(one.cpu_times()[:2])
    return used


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
