"""Flow `replay`: parse again from the archive, without the network, then publish."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

import duckdb
from prefect import State, flow

from flows.holding import holding
from flows.nightly import not_published
from flows.operator import closing_state, failures_of, show_night
from flows.publish import publish_held
from flows.stages import Night, parse_parts, parse_unread, run_title, seen_before, settle
from tasks import account, snapshot
from tasks.records import AccountingError, Discovered, Fetched
from tasks.store import Warehouse, new_run_id

Selection = Literal["rejected", "all", "since"]
last: Night | None = None  # for the command line, which runs the flow in its own process

# The newest received version of every document, as the archive has it, without the bytes.
_CURRENT = """
    select document_id, arg_max(snapshots, (fetched_at, run_id)) as newest
    from (select * exclude (bytes) from read_parquet(?)) as snapshots
    where snapshot_id is not null group by document_id order by document_id
"""
_HOLDING = """
    select distinct filename, snapshot_id from read_parquet(?, filename = true)
    where bytes is not null and (fetched_at >= ? or ? is null)
"""

# A page whose attachment was read counts as parsed, whatever it says itself.
_REJECTED = """
    select distinct snapshot_id from read_parquet(?) where outcome = 'rejected'
    and document_id not in (
        select parent_document_id from read_parquet(?)
        where outcome = 'parsed' and parent_document_id is not null)
"""


@flow(name="replay", flow_run_name=lambda: run_title("replay"), retries=0)
def replay(
    selection: Selection = "rejected", since: date | None = None, warehouse: str | None = None
) -> State[Any]:
    """Reads documents again that are in the archive, for instance after a change of the parser.

    Args:
        selection: rejected: those that were rejected; all: every one; since: those archived since.
        since: With selection since: the first day (UTC).
        warehouse: The warehouse folder; without it GONGKAI_WAREHOUSE, else that of the checkout.
    """
    global last
    last = None
    place = Warehouse.at(warehouse)
    with holding(place, "replay"):
        started_at = datetime.now(UTC)
        run_id = new_run_id("replay", started_at)
        known_failures = seen_before(place)
        parse_unread(place)
        holders = _holders(place, since if selection == "since" else None)
        if selection == "rejected":
            rejected = _rejected(place)
            holders = {k: v for k, v in holders.items() if k in rejected}
        discovered, fetched = _as_run(place, set(holders))
        account.write_discovered(place, run_id, discovered)
        parse_parts(place, sorted(set(holders.values())))
        try:
            settled = settle(place, run_id, "replay", started_at, discovered, fetched, {})
        except AccountingError as error:
            return not_published(error)
        failures = failures_of(
            settled.outcomes, settled.problems, discovered, [], known_failures, settled.issuers
        )
        publish_held(str(place.root))
        title = run_title(f"replay ({selection})", started_at)
        show_night(title, run_id, str(place.root), place.is_demo, settled.counts, failures)
        last = Night(run_id, settled.counts, failures)
    return closing_state(settled.counts, failures)


def _parts(warehouse: Warehouse) -> list[str]:
    return [str(part) for part in snapshot.parts(warehouse)]


def _holders(warehouse: Warehouse, since: date | None) -> dict[str, Path]:
    """The part that holds the bytes of each snapshot (archived since a day)."""
    moment = datetime(since.year, since.month, since.day, tzinfo=UTC) if since else None
    with duckdb.connect() as db:
        rows = db.execute(_HOLDING, [_parts(warehouse), moment, moment]).fetchall()
    return {snapshot_id: Path(name) for name, snapshot_id in rows}


def _rejected(warehouse: Warehouse) -> set[str]:
    with duckdb.connect() as db:
        parts = [str(p) for p in sorted(warehouse.reports.glob("part-*.parquet"))]
        rows = db.execute(_REJECTED, [parts, parts]).fetchall()
    return {row[0] for row in rows}


def _as_run(
    warehouse: Warehouse, snapshots: Collection[str]
) -> tuple[list[Discovered], list[Fetched]]:
    """The documents whose current version, or that of an attachment, is among the snapshots."""
    with duckdb.connect() as db:
        found = db.execute(_CURRENT, [_parts(warehouse)]).fetchall()
    current: dict[str, dict[str, Any]] = dict(found)
    chosen: set[str] = set()
    for document_id, row in current.items():
        if row["snapshot_id"] in snapshots:
            parent = row["parent_document_id"]
            chosen.add(parent if parent in current else document_id)
    discovered = [_discovered(current[document_id]) for document_id in sorted(chosen)]
    fetched = [
        _fetched(row, parent=row["parent_document_id"] if document_id not in chosen else None)
        for document_id, row in current.items()
        if document_id in chosen or row["parent_document_id"] in chosen
    ]
    return discovered, fetched


def _discovered(row: dict[str, Any]) -> Discovered:
    return Discovered(
        document_id=row["document_id"],
        url=row["url"],
        source_id=row["source_id"] or "",
        listing_url="",
        link_title=row["link_title"] or "",
        link_date=row["link_date"],
        official=row["official"],
    )


def _fetched(row: dict[str, Any], parent: str | None) -> Fetched:
    return Fetched(
        document_id=row["document_id"],
        url=row["url"],
        final_url=row["final_url"],
        fetched_at=row["fetched_at"],
        origin=row["origin"],
        official=row["official"],
        source_id=row["source_id"],
        parent_document_id=parent,
        snapshot_id=row["snapshot_id"],
        content_type=row["content_type"],
    )
