"""A full disk: one clear line, nothing lost, and the next run completes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest

from tasks import snapshot
from tasks.store import Warehouse
from tasks.verify import verify
from tests import nights
from tests.publisher.demo import demo
from tests.publisher.server import Server

pytestmark = pytest.mark.slow

# A run none of whose files may grow beyond half a megabyte.
LIMITED = """
import resource
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, most))
from flows import cli
cli.main()
"""


def _rows(warehouse: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(warehouse / "gongkai.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 400 MB; a plain folder where nobody may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", str(place)]
    if subprocess.run(words, capture_output=True).returncode != 0:
        yield place
        return
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_told_in_one_line_and_loses_nothing(
    chain: nights.Chain, small_disk: Path, tmp_path: Path, api: str
) -> None:
    root = small_disk / "w"
    shutil.copytree(chain.first, root, ignore=shutil.ignore_patterns(".prefect", "logs"))
    warehouse = Warehouse.at(root)
    facts = "select report_id, cell, value from national_fact order by all"
    before, held = _rows(root, facts), set(snapshot.known(warehouse).snapshots)
    site = demo(seed=2)
    noise = Random(1)
    for (
        url,
        page,
    ) in site.pages.items():  # bytes that do not compress: the disk fills while fetching
        if url in site.truth and page.content_type and "html" in page.content_type:
            body = page.body + b"\n<!-- " + noise.randbytes(150_000).hex().encode() + b" -->"
            site.pages[url] = replace(page, body=body)
    sources = nights.write_sources(site, tmp_path / "sources.csv")
    words = ("run", "--sources", str(sources), "--warehouse", str(root))
    filler = small_disk / "filler"
    how, said = nights.GONGKAI, "no space left on the device"
    with filler.open("wb") as file:
        if small_disk.is_mount():
            free = shutil.disk_usage(small_disk).free
            os.posix_fallocate(file.fileno(), 0, free - 3_000_000)
        else:  # files that may not grow fail the writer at the same places
            how, said = [sys.executable, "-c", LIMITED], "no file may grow so large here"
    with Server(site.pages) as server:
        ended = nights.gongkai(*words, resolve=server.resolve, api=api, instead=how)
        assert ended.code == 2, ended.err
        lines = [line for line in ended.err.splitlines() if not line.startswith("DEMO")]
        assert len(lines) == 1, ended.err
        assert said in lines[0]
        assert _rows(root, facts) == before
        assert held <= set(snapshot.known(warehouse).snapshots)
        assert verify(warehouse).damages == []
        filler.unlink()
        how = nights.UNPUBLISHED
        again = nights.gongkai(*words, resolve=server.resolve, api=api, instead=how)
    assert again.code == 0, again.err
    assert "closes" in again.out
    assert held <= set(snapshot.known(warehouse).snapshots)
    assert verify(warehouse).damages == []
