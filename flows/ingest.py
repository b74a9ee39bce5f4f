"""Flow `ingest`: local documents into the archive, then parse, account and publish. Offline."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import State, flow, task

from flows.holding import holding
from flows.nightly import not_published
from flows.operator import closing_state, failures_of, show_night
from flows.publish import publish_held
from flows.stages import Night, parse_unread, run_title, seen_before, settle
from tasks import account, snapshot
from tasks import ingest as local
from tasks.records import AccountingError, Discovered, Fetched
from tasks.sources import load_sources, official_check
from tasks.store import Warehouse, new_run_id

last: Night | None = None  # for the command line, which runs the flow in its own process


@task(name="archive files", retries=0, persist_result=False)
def archive(warehouse: str, run_id: str, paths: list[str], base_url: str | None) -> list[Fetched]:
    """Adds the documents to the archive; gives their rows without the bytes."""
    place = Warehouse(Path(warehouse))
    known = snapshot.known(place, skip=snapshot.damaged(place)).snapshots
    kept: list[Fetched] = []

    def keeping() -> Any:
        official = official_check(load_sources())
        for row in local.rows_from_files(paths, base_url, official, datetime.now(UTC)):
            kept.append(replace(row, body=None))
            yield row

    snapshot.append(place, run_id, keeping(), known)
    return kept


@flow(name="ingest", flow_run_name=lambda: run_title("ingest"), retries=0)
def ingest(
    paths: list[str], base_url: str | None = None, warehouse: str | None = None
) -> State[Any]:
    """Takes local documents into the archive, reads them and publishes.

    Args:
        paths: Files, or folders of files.
        base_url: Where they stand on the web; without it they never become national facts.
        warehouse: The warehouse folder; without it GONGKAI_WAREHOUSE, else that of the checkout.
    """
    global last
    last = None
    place = Warehouse.at(warehouse)
    with holding(place, "ingest"):
        started_at = datetime.now(UTC)
        run_id = new_run_id("ingest", started_at)
        known_failures = seen_before(place)
        before = account.accounted(place)
        fetched = archive(str(place.root), run_id, paths, base_url)
        discovered = [_discovered(row) for row in fetched]
        account.write_discovered(place, run_id, discovered)
        parse_unread(place)
        try:
            settled = settle(place, run_id, "ingest", started_at, discovered, fetched, before)
        except AccountingError as error:
            return not_published(error)
        failures = failures_of(
            settled.outcomes, settled.problems, discovered, [], known_failures, settled.issuers
        )
        publish_held(str(place.root))
        title = run_title("ingest", started_at)
        show_night(title, run_id, str(place.root), place.is_demo, settled.counts, failures)
        last = Night(run_id, settled.counts, failures)
    return closing_state(settled.counts, failures)


def _discovered(row: Fetched) -> Discovered:
    return Discovered(
        row.document_id, row.url, row.source_id or "", "", row.link_title or "", None, row.official
    )
