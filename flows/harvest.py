"""Flow `harvest`: from the sources file to the archive. The only part that uses the network.

One task per host, for its listings and then for its documents: one page would be far too small a
task. Hosts run side by side on threads; each sees one request at a time. Every fault of the network
is a record, and so is a fault of the program: the listing or document that brings it out is
recorded as failed and the night goes on.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from prefect import State, flow, task
from prefect.futures import PrefectFuture
from prefect.logging import get_run_logger
from prefect.states import Completed
from prefect.task_runners import ThreadPoolTaskRunner

from flows import progress, watched
from flows.stages import run_title
from tasks import account, snapshot
from tasks.discover import NOT_FOLLOWED, Listing, crawl
from tasks.fetch import Visitor, by_host
from tasks.gather import Gatherer
from tasks.politeness import Hosts, Settings
from tasks.records import Candidate, Discovered, DiskFull, Fetched, OutcomeRow, Source, Wanted
from tasks.resolve import resolve_from_env
from tasks.shrunk import shrunk
from tasks.sources import host_options, load_sources, official_check, to_visit
from tasks.store import Warehouse
from tasks.urls import canonical_url, host_of
from tasks.variants import merged

HOSTS_AT_ONCE = 16
PART_ROWS, PART_BYTES, PART_SECONDS = 500, 32_000_000, 30.0


@dataclass(slots=True)
class Harvested:
    """What a harvest found and fetched; the bodies are in the archive."""

    discovered: list[Discovered] = field(default_factory=list)
    fetched: list[Fetched] = field(default_factory=list)
    problems: list[OutcomeRow] = field(default_factory=list)
    rejected: list[Candidate] = field(default_factory=list)
    troubled: set[str] = field(default_factory=set)
    """The source_id of listings that had a problem."""

    def numbers(self) -> dict[str, int]:
        """What a person wants to know of the network side."""
        received = [f for f in self.fetched if f.error_code is None]
        return {
            "anew": sum(f.http_status != 304 for f in received),
            "not_modified": sum(f.http_status == 304 for f in received),
            "failed": len(self.fetched) - len(received),
        }


class Archive:
    """Takes fetches from many threads and writes them as parts, a few hundred rows each.

    A part is written half a minute after its first row, if it is not full before: a killed run
    loses no more, also when slow hosts fill the parts slowly. Close it, or use it in `with`.
    """

    def __init__(self, warehouse: Warehouse, run_id: str, known: snapshot.Known) -> None:
        self.known = known
        self.kept: list[Fetched] = []
        self._warehouse, self._run_id = warehouse, run_id
        self._lock = threading.Lock()
        self._waiting: list[Fetched] = []
        self._bytes = 0
        self._late: threading.Timer | None = None
        self._clocks: set[str | None] = set()
        self.full: DiskFull | None = None

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._wait(None)

    def add(self, *rows: Fetched) -> None:
        """Takes fetches that belong together; may write a part."""
        with self._lock:
            if rows and not self._waiting:
                self._wait(threading.Timer(PART_SECONDS, self._write_late))
            self._waiting += rows
            self._bytes += sum(len(row.body or b"") for row in rows)
            full = len(self._waiting) >= PART_ROWS or self._bytes >= PART_BYTES
            if full:
                self._write()

    def flush(self) -> None:
        """Writes what waits."""
        with self._lock:
            self._write()

    def _wait(self, late: threading.Timer | None) -> None:
        """Has the part written in time by `late` alone."""
        if self._late is not None:
            self._late.cancel()
        self._late = late
        if late is not None:
            late.daemon = True
            late.start()

    def _write_late(self) -> None:
        with self._lock:
            if self._late is threading.current_thread():  # else the part was written meanwhile
                with contextlib.suppress(DiskFull):  # which `full` tells the others
                    self._write()

    def _write(self) -> None:
        self._wait(None)
        if self._waiting:
            try:
                snapshot.append(self._warehouse, self._run_id, self._waiting, self.known.snapshots)
            except DiskFull as full:
                self.full = full  # the other hosts' tasks stop as well
                raise
            pa.default_memory_pool().release_unused()  # which is kept for each thread that wrote
            self.kept += map(self._outline, self._waiting)
            self._waiting, self._bytes = [], 0

    def _outline(self, row: Fetched) -> Fetched:
        """What the end of a run needs of a fetch; the rest is in the archive, and a night has many:
        half a kilobyte of each stays. One answer of a host tells its clock."""
        date = {}
        if (host := host_of(row.final_url)) not in self._clocks:
            date = {name: value for name, value in row.headers.items() if name.lower() == "date"}
            self._clocks |= {host} if date else set()
        return Fetched(
            row.document_id,
            row.document_id if row.url == row.document_id else row.url,
            row.url if row.final_url == row.url else row.final_url,
            row.fetched_at,
            official=row.official,
            parent_document_id=row.parent_document_id,
            http_status=row.http_status,
            headers=date or _NO_HEADERS,
            snapshot_id=row.snapshot_id,
            error_code=row.error_code,
            error_message=row.error_message,
        )


_NO_HEADERS: dict[str, str] = {}


class Visit:
    """What the tasks of one harvest share. A plain class, so that Prefect does not walk into it."""

    def __init__(self, sources: list[Source], archive: Archive, warehouse: Warehouse) -> None:
        self.official = official_check(sources)
        self.settings, self.resolve = Settings.from_env(), resolve_from_env()
        self.hosts = Hosts(host_options(sources), warehouse.stopped)
        self.archive = archive
        self.step = progress.Step("", None, "")

    def stopped(self) -> str | None:
        """Why the run sends no further request, or None."""
        full = self.archive.full
        return str(full) if full else self.hosts.stopped(self.settings)

    def visitor(self) -> Visitor:
        """A visitor for one host's task."""
        return Visitor(self.official, self.settings, self.resolve, hosts=self.hosts)

    def gatherer(self, visitor: Visitor) -> Gatherer:
        """Fetches documents with all that belongs to them."""
        return Gatherer(visitor.fetch, self.archive.known)


def _wanted(document: Discovered) -> Wanted:
    return Wanted(
        document.document_id,
        document.url,
        source_id=document.source_id,
        link_title=document.link_title,
        link_date=document.link_date,
    )


@task(name="list", task_run_name="list {host}", retries=0, persist_result=False)
def list_host(host: str, sources: list[Source], visit: Visit) -> list[Listing]:
    """Reads the listings of one host and finds the annual reports they name."""
    found: list[Listing] = []
    with visit.visitor() as visitor:
        for source in sources:
            if visit.stopped():
                break  # one line for the whole run says so
            try:
                listing = crawl(source, visitor.get, visit.official, post=visitor.post)
            except Exception as e:  # noqa: BLE001 - the others go on
                get_run_logger().exception("%s: the listing could not be read", source.source_id)
                listing = Listing(problems=[_faulty_listing(source, _program_fault(repr(e)))])
            get_run_logger().info(
                "%s: %d reports on %d pages, %d problems",
                source.source_id,
                len(listing.documents),
                listing.pages,
                len(listing.problems),
            )
            found.append(listing)
            visit.step.advance(1, host)
    return found


@task(name="fetch", task_run_name="fetch {host}", retries=0, persist_result=False)
def fetch_pages(host: str, batch: list[Wanted], visit: Visit) -> int:
    """Fetches one host's documents, each with all that belongs to it."""
    with visit.visitor() as visitor:
        gatherer = visit.gatherer(visitor)
        for wanted in batch:
            try:
                rows = [*gatherer.document(gatherer.with_state(wanted))]
            except Exception as e:  # noqa: BLE001 - the others go on
                get_run_logger().exception("%s could not be fetched", wanted.url)
                rows = [_faulty_fetch(wanted, _program_fault(repr(e)))]
            # Together: a page without its attachments would pass for one that has none.
            visit.archive.add(*rows)
            visit.step.advance(1, host)
    return len(batch)


@flow(
    name="harvest",
    flow_run_name=lambda: run_title("harvest"),
    task_runner=ThreadPoolTaskRunner(max_workers=HOSTS_AT_ONCE),  # type: ignore[arg-type]
    retries=0,
)
def harvest(warehouse: str, run_id: str, sources: str | None = None) -> State[Any]:
    """Visits the sources, and archives every document that is new or changed.

    Args:
        warehouse: The warehouse folder; the caller holds its lock.
        run_id: The run that this belongs to.
        sources: The sources file.
    """
    place = Warehouse(Path(warehouse))
    reviewed = load_sources(sources)
    known = snapshot.known(place)
    result = Harvested()
    with Archive(place, run_id, known) as archive:
        visit = Visit(reviewed, archive, place)
        _discover(reviewed, visit, result)
        if not visit.stopped():  # a run told to stop has not read all listings
            result.problems += shrunk(place, result.discovered, reviewed, result.troubled)
        account.write_discovered(place, run_id, result.discovered)
        account.write_candidates(place, run_id, result.rejected)
        _fetch(visit, result)
        if why := visit.stopped():
            result.problems.append(OutcomeRow("stop", "stop", "skipped", "fetch", "stopped", why))
        result.fetched = archive.kept
    n = result.numbers()
    message = f"{n['anew']} received, {n['not_modified']} not modified, {n['failed']} failed"
    return Completed(message=message, data=result)


def _discover(sources: list[Source], visit: Visit, result: Harvested) -> None:
    hosts = to_visit(sources)
    total = sum(map(len, hosts.values()))
    with watched.step("Listings", total, "listings") as step:
        visit.step = step
        futures = {
            host: list_host.submit(host, listings, visit) for host, listings in hosts.items()
        }
        documents: dict[str, Discovered] = {}
        for host, future in futures.items():
            # As many as were read; a run that is told to stop leaves the last ones.
            for source, listing in zip(hosts[host], _outcome(future, []), strict=False):
                # What is never followed is the same every night: it hides no entries that are gone.
                if any(p.code != NOT_FOLLOWED for p in listing.problems):
                    result.troubled.add(source.source_id)
                result.problems += listing.problems
                result.rejected += listing.rejected
                for document in listing.documents:
                    documents.setdefault(document.document_id, document)
            if reason := _fault(future):
                for source in hosts[host]:
                    result.troubled.add(source.source_id)
                    result.problems.append(_faulty_listing(source, reason))
    result.discovered, spellings = merged(documents.values(), visit.archive.known.states)
    result.rejected += spellings


def _fetch(visit: Visit, result: Harvested) -> None:
    archive = visit.archive
    official = [d for d in result.discovered if d.official]
    with watched.step("Fetching", len(official), "documents") as step:
        visit.step = step
        batches = by_host(map(_wanted, official))
        futures = {host: fetch_pages.submit(host, batch, visit) for host, batch in batches.items()}
        faults = {host: _fault(future) for host, future in futures.items()}
    if archive.full:
        raise archive.full
    archive.flush()
    done = {row.document_id for row in archive.kept if row.parent_document_id is None}
    for host, reason in faults.items():
        for wanted in batches[host] if reason else []:
            if wanted.document_id not in done:
                archive.add(_faulty_fetch(wanted, str(reason)))
    archive.flush()


def _outcome(future: PrefectFuture[Any], otherwise: Any) -> Any:
    future.wait()
    return future.result() if future.state.is_completed() else otherwise


def _fault(future: PrefectFuture[Any]) -> str | None:
    """Why a host's task did not complete, or None when it did."""
    future.wait()
    if future.state.is_completed():
        return None
    return _program_fault(str(future.state.message or future.state.name))


def _program_fault(what: str) -> str:
    return f"a fault of the program: {' '.join(what.split())[:300]}"


def _faulty_listing(source: Source, reason: str) -> OutcomeRow:
    url = source.listing_url
    return OutcomeRow(canonical_url(url), url, "failed", "discover", "program_fault", reason)


def _faulty_fetch(wanted: Wanted, reason: str) -> Fetched:
    return Fetched(
        wanted.document_id,
        wanted.url,
        wanted.url,
        datetime.now(UTC),
        official=True,
        source_id=wanted.source_id,
        link_title=wanted.link_title,
        link_date=wanted.link_date,
        error_code="program_fault",
        error_message=reason,
    )


def get_one(url: str) -> Fetched:
    """Fetches one page for `gongkai parse URL`; any public host, nothing is archived."""

    def anything(_: str) -> None:
        return None

    with Visitor(anything, Settings.from_env(), resolve_from_env()) as visitor:
        gatherer = Gatherer(visitor.fetch, snapshot.Known())
        return gatherer.with_pictures(gatherer.whole(Wanted(canonical_url(url), url)))[0]
