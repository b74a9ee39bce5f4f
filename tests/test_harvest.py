"""A fault of the program costs the listing or the document that brings it out, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from prefect.logging import disable_run_logger

from flows import harvest
from tasks import snapshot
from tasks.discover import Listing
from tasks.gather import Gatherer
from tasks.records import DiskFull, Fetched, Source, Wanted
from tasks.snapshot import Known
from tasks.store import Warehouse
from tests.test_snapshot import page

HOST = "www.a.gov.cn"
SOURCES = [
    Source(name, "330112", HOST, f"http://{HOST}/{name}/", "x", "x", "allowed", "", "")
    for name in ("a", "b")
]


@pytest.fixture
def visit(tmp_path: Path) -> Iterator[harvest.Visit]:
    warehouse = Warehouse.at(tmp_path)
    warehouse.ensure()
    with disable_run_logger():
        yield harvest.Visit(SOURCES, harvest.Archive(warehouse, "run", Known()), warehouse)


def test_the_other_listings_of_a_host_are_read(
    visit: harvest.Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crawl(source: Source, *_: object, **__: object) -> Listing:
        if source.source_id == "a":
            raise ValueError("Invalid IPv6 URL")
        return Listing(pages=7)

    monkeypatch.setattr(harvest, "crawl", crawl)
    failed, read = harvest.list_host.fn(HOST, SOURCES, visit)
    assert read.pages == 7
    (problem,) = failed.problems
    assert (problem.code, problem.url) == ("program_fault", SOURCES[0].listing_url)
    assert "Invalid IPv6 URL" in str(problem.message)


def test_the_other_documents_of_a_host_are_fetched(
    visit: harvest.Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def document(_: Gatherer, wanted: Wanted) -> Iterator[Fetched]:
        yield replace(page(wanted.document_id, b"x"), document_id=wanted.document_id)
        if wanted.document_id == "1":
            raise ValueError("Invalid IPv6 URL")

    monkeypatch.setattr(Gatherer, "document", document)
    batch = [Wanted(name, f"http://{HOST}/{name}") for name in "012"]
    assert harvest.fetch_pages.fn(HOST, batch, visit) == 3
    visit.archive.flush()
    got = [(row.document_id, row.error_code) for row in visit.archive.kept]
    assert got == [("0", None), ("1", "program_fault"), ("2", None)]


def test_a_part_that_fills_slowly_is_written_in_time(
    visit: harvest.Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harvest, "PART_SECONDS", 0.1)
    with visit.archive as archive:
        for name in ("a", "b"):
            archive.add(page(name, name.encode()))
            for _ in range(100):
                if archive.kept and archive.kept[-1].url.endswith(name):
                    break
                time.sleep(0.05)
            assert archive.kept[-1].url.endswith(name)  # nothing was added after it
    assert len(snapshot.parts(visit.archive._warehouse)) == 2


def test_a_disk_that_is_full_in_the_meantime_stops_the_run(
    visit: harvest.Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise DiskFull("no space left on the device")

    monkeypatch.setattr(harvest, "PART_SECONDS", 0.05)
    monkeypatch.setattr(snapshot, "append", full)
    with visit.archive as archive:
        archive.add(page("a", b"a"))
        for _ in range(100):
            if visit.stopped():
                break
            time.sleep(0.05)
    assert visit.stopped() == "no space left on the device"
    assert archive.kept == []
