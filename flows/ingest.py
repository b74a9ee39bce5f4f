"""Flow `ingest`: local documents and WARC files into the archive, then parse, account and publish.

Offline. A WARC file holds whatever a crawler met: what is no candidate for a report is left out,
counted by reason, and named at the end of the run.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import State, flow, task

from flows.ending import Run, end, not_published
from flows.holding import holding
from flows.stages import Night, parse_unread, run_title, seen_before
from tasks import account, parse, snapshot
from tasks import ingest as local
from tasks.publish import remember_sources
from tasks.records import AccountingError, Discovered, Fetched
from tasks.runs import new_run_id
from tasks.sources import load_sources, official_check
from tasks.store import Warehouse
from tasks.warc_read import Tally, WarcReader

NO_REPORT = {"empty", "not_chinese", "not_report", "error_page"}
"""Refusals of the reader that say a page of a crawl is no candidate at all."""
last: Night | None = None  # for the command line, which runs the flow in its own process


@task(name="archive files", retries=0, persist_result=False)
def archive(
    warehouse: str,
    run_id: str,
    paths: list[str],
    base_url: str | None,
    sources: str | None,
    everything: bool,
) -> tuple[list[Fetched], Tally]:
    """Adds the documents to the archive; gives their rows without the bytes, oldest first, and
    what became of the records of WARC files."""
    place = Warehouse(Path(warehouse))
    known = snapshot.known(place)
    given = load_sources(sources) if sources else None
    official = official_check(remember_sources(place, given))
    latest = {document: state.snapshot_id for document, state in known.states.items()}
    wanted = _anything if everything else _why_no_report
    warc = WarcReader(official, wanted, latest, known.snapshots)
    kept: list[Fetched] = []

    def keeping() -> Any:
        now = datetime.now(UTC)
        for row in local.rows_from_files(paths, base_url, official, now, warc=warc):
            kept.append(replace(row, body=None))
            yield row

    snapshot.append(place, run_id, keeping(), known.snapshots)
    return sorted(kept, key=lambda row: row.fetched_at), warc.tally


def _anything(_body: bytes, _url: str, _content_type: str | None) -> str | None:
    return None


def _why_no_report(body: bytes, url: str, content_type: str | None) -> str | None:
    code = parse.refusal_of(body, url, content_type)
    return f"no annual report ({code})" if code in NO_REPORT else None


@flow(name="ingest", flow_run_name=lambda: run_title("ingest"), retries=0)
def ingest(
    paths: list[str],
    base_url: str | None = None,
    warehouse: str | None = None,
    everything: bool = False,
    sources: str | None = None,
) -> State[Any]:
    """Takes local documents and WARC files into the archive, reads them and publishes.

    Args:
        paths: Files, or folders of files.
        base_url: Where local documents stand on the web; without it they never become national
            facts. WARC files name their own addresses.
        warehouse: The warehouse folder; without it GONGKAI_WAREHOUSE, else that of the checkout.
        everything: Of WARC files, also the pages that are no annual reports.
        sources: The sources file that says which hosts are official; without it, the project's and
            those that this warehouse was filled from.
    """
    global last
    last = None
    place = Warehouse.at(warehouse)
    with holding(place, "ingest"):
        started_at = datetime.now(UTC)
        run_id = new_run_id("ingest", started_at, place)
        known_failures = seen_before(place)
        fetched, tally = archive(str(place.root), run_id, paths, base_url, sources, everything)
        here = {row.document_id for row in fetched}
        fetched = [
            row if row.parent_document_id in here else replace(row, parent_document_id=None)
            for row in fetched
        ]
        discovered = [_discovered(row) for row in fetched if row.parent_document_id is None]
        account.write_discovered(place, run_id, discovered)
        parse_unread(place)
        ever = account.accounted_ever(place)
        before = {
            row.document_id: row.snapshot_id
            for row in fetched
            if row.snapshot_id and (row.document_id, row.snapshot_id) in ever
        }
        if not tally.closes:
            return not_published(
                AccountingError(
                    f"run {run_id}: of {tally.records} WARC records {tally.taken} were taken and "
                    f"{sum(tally.left_out.values())} left out"
                )
            )
        run = Run(
            place,
            run_id,
            "ingest",
            run_title("ingest", started_at),
            started_at,
            known_failures,
            discovered,
            fetched,
            before,
            tally.problems,
            _told(tally),
            sources,
        )
        ended, last = end(run)
        if last is not None:
            last.notes = _notes(tally)
    return ended


def _told(tally: Tally) -> dict[str, object]:
    """What `run.json` keeps of the WARC records."""
    if not tally.records:
        return {}
    left_out = dict(sorted(tally.left_out.items()))
    return {"warc": {"records": tally.records, "taken": tally.taken, "left_out": left_out}}


def _notes(tally: Tally) -> list[str]:
    """The WARC records in one line, when there were any."""
    if not tally.records:
        return []
    left_out = ", ".join(f"{n} {reason}" for reason, n in tally.left_out.most_common())
    note = f"WARC: {tally.records} records = {tally.taken} taken"
    return [
        f"{note} + {sum(tally.left_out.values())} left out" + (f" ({left_out})" * bool(left_out))
    ]


def _discovered(row: Fetched) -> Discovered:
    return Discovered(
        row.document_id,
        row.url,
        row.source_id or "",
        "",
        row.link_title or "",
        row.link_date,
        row.official,
    )
