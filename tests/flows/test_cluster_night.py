"""A night on a cluster of real parts, three of which are killed in it.

The Prefect server is on PostgreSQL and Redis, a Prefect worker runs the night, two Dask workers
read the documents, the archive is in an object store. What comes out is what one machine makes.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import requests

from tasks import parse, reports, snapshot
from tasks.files import open_parquet, write_table
from tasks.objects import ObjectPath, listed
from tasks.runs import finished_runs
from tasks.schemas import SNAPSHOTS_SCHEMA
from tasks.store import Warehouse
from tasks.verify import verify
from tests import clusters, nights, stores
from tests.publisher.demo import demo
from tests.publisher.server import Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ROWS = 6  # of the first night in each part: enough parts to be killed between


def test_a_night_on_a_cluster_is_the_night_of_one_machine(
    chain: nights.Chain, tmp_path: Path
) -> None:
    warehouse = Warehouse.at(chain.copy(chain.first, tmp_path / "w"))
    _unread(warehouse)
    site = demo(change=True)
    sources = nights.write_sources(site, tmp_path / "sources.csv")
    with (
        stores.store() as options,
        clusters.cluster() as cluster,
        Server(site.pages) as server,
    ):
        cluster.worker("worker-1")
        cluster.worker("worker-2")
        stores.cluster_file(warehouse.root, options, dask=cluster.dask)
        night = _Night(cluster, warehouse, server.resolve)
        run_id = night.start({"sources": str(sources), "warehouse": str(warehouse.root)})
        night.when(lambda: len(listed(warehouse.reports, "part-*")) >= 2)
        cluster.kill("worker-1")
        night.when(lambda: len(listed(warehouse.reports, "part-*")) >= 3)
        cluster.kill("scheduler")
        cluster.kill("postgres")
        cluster.again("postgres")
        night.wait()
        assert night.state(run_id) == "CompletedWithRejections", night.said()
        assert not (cluster.home / "prefect" / "prefect.db").exists()
        here, parts = night.read_here()
        assert 1 <= here <= parts - 2, night.said()
        _closes(warehouse)
        _same_bytes(warehouse, tmp_path)
        assert _facts(warehouse.root) == _facts(chain.last)


def _unread(warehouse: Warehouse) -> None:
    """Leaves the archive of the first night in small parts without readings. Named for runs of
    their own: the parts of one run would be put together."""
    [part] = snapshot.parts(warehouse)
    table = open_parquet(Path(str(part))).read()
    stem = part.stem.rpartition("-")[0]
    for number, start in enumerate(range(0, len(table), ROWS)):
        write_table(
            warehouse.snapshots / f"{stem}-{number:02d}-00000.parquet",
            table.slice(start, ROWS),
            row_group_size=snapshot.ROW_GROUP,
        )
    Path(str(part)).unlink()
    shutil.rmtree(warehouse.root / "reports")


class _Night:
    """The deployment `nightly` of prefect.yaml, run by a Prefect worker."""

    def __init__(self, cluster: clusters.Cluster, warehouse: Warehouse, resolve: str) -> None:
        self.cluster = cluster
        more = {"GONGKAI_WAREHOUSE": str(warehouse.root), "GONGKAI_CHECKOUT": str(nights.CHECKOUT)}
        more |= {"PREFECT_API_URL": cluster.api, "PREFECT_HOME": str(cluster.home / "client")}
        more |= {"PREFECT_CLIENT_RETRY_EXTRA_CODES": "500"}  # docs/scale.md
        more |= {"PREFECT_CLI_PROMPT": "false", "PYTHONPATH": str(nights.CHECKOUT)}
        self.environment = nights.environment(resolve, **more)

    def start(self, parameters: dict[str, str]) -> str:
        """Deploys, asks for a run, and has a worker take it; gives the run's id."""
        self.api("work_pools/", name="gongkai", type="process")
        words = [str(clusters.BIN / "prefect"), "deploy", "--name", "nightly"]
        subprocess.run(
            words, cwd=nights.CHECKOUT, env=self.environment, check=True, capture_output=True
        )
        [deployment] = self.api("deployments/filter")
        run = self.api(f"deployments/{deployment['id']}/create_flow_run", parameters=parameters)
        words = [str(clusters.BIN / "prefect"), "worker", "start", "--pool", "gongkai"]
        words += ["--run-once", "--limit", "1"]
        self.worker = subprocess.Popen(
            words,
            cwd=nights.CHECKOUT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=(self.cluster.home / "night.log").open("wb"),
            stderr=subprocess.STDOUT,
        )
        self.cluster.processes["night"] = self.worker
        return str(run["id"])

    def api(self, path: str, **body: Any) -> Any:
        answer = requests.post(f"{self.cluster.api}/{path}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def when(self, happened: Callable[[], bool]) -> None:
        """Waits for a moment of the night."""
        deadline = time.monotonic() + 400
        while not happened():
            assert self.worker.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)  # each look asks the object store

    def wait(self) -> None:
        self.worker.wait(300)

    def said(self) -> str:
        return (self.cluster.home / "night.log").read_text("utf-8", "replace")

    def state(self, run_id: str) -> str:
        answer = requests.get(f"{self.cluster.api}/flow_runs/{run_id}", timeout=60)
        return str(answer.json()["state_name"])

    def read_here(self) -> tuple[int, int]:
        """Of how many parts how many were left by the workers."""
        said = re.search(r"(\d+) of (\d+) parts are read on this machine", self.said())
        assert said is not None, self.said()
        return int(said[1]), int(said[2])


def _closes(warehouse: Warehouse) -> None:
    """The sum of every run closes, nothing is damaged, and no bytes are stored or counted twice."""
    assert verify(warehouse).damages == []
    runs = finished_runs(warehouse)
    assert len(runs) == 2
    for run in runs:
        counts = dict(run["counts"])
        assert counts.pop("discovered") == sum(counts.values())
    columns = ["run_id", "document_id", "snapshot_id", "bytes"]
    table = pa.concat_tables(
        [open_parquet(part).read(columns=columns) for part in snapshot.parts(warehouse)]
    )
    rows = table.to_pylist()
    assert max(Counter((row["run_id"], row["document_id"]) for row in rows).values()) == 1
    assert max(Counter(row["snapshot_id"] for row in rows if row["bytes"]).values()) == 1


def _same_bytes(warehouse: Warehouse, tmp_path: Path) -> None:
    """Each part of the archive, read on this machine alone, gives the very bytes in the store."""
    here = tmp_path / "here"
    here.mkdir()
    for part in snapshot.parts(warehouse):
        reports.write_into(here, part.name, parse.read_part(part))
        there = (warehouse.reports / part.name).read_bytes()
        assert there == (here / part.name).read_bytes(), part.name
    assert isinstance(warehouse.reports, ObjectPath)
    assert open_parquet(part).schema_arrow.equals(SNAPSHOTS_SCHEMA)


def _facts(root: Path) -> list[tuple[object, ...]]:
    with duckdb.connect(str(root / "gongkai.duckdb"), read_only=True) as connection:
        return connection.execute(
            "select report_id, cell, value, status, as_published, unit_id from national_fact "
            "order by all"
        ).fetchall()
