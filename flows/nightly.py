"""Flow `nightly`: harvest (network), then parse, account and publish (offline)."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from prefect import State, flow, task
from prefect.logging import get_run_logger
from prefect.runtime import deployment

from flows import alerting
from flows.automations import raise_alerts
from flows.ending import Run, end
from flows.harvest import Harvested, harvest
from flows.holding import holding
from flows.stages import Night, parse_unread, run_title, seen_before
from tasks import account
from tasks.alerts import Alert
from tasks.alerts import alerts as unusual_of
from tasks.clock import clock_wrong
from tasks.fold import fold
from tasks.keep import keep_days
from tasks.runs import new_run_id
from tasks.sources import load_sources, to_visit
from tasks.store import Warehouse

PATIENCE = 3 * 3600.0  # seconds that a scheduled night waits for a replay or an ingest to end
PICTURE_SECONDS = 3600.0  # of a night for scans; what is left waits for the next, or for a replay
last: Night | None = None  # for the command line, which runs the flow in its own process


@flow(name="nightly", flow_run_name=lambda: run_title("nightly"), retries=0)
def nightly(
    sources: str | None = None, warehouse: str | None = None, alerts: str | None = None
) -> State[Any]:
    """One night: visits the sources, archives what is new, reads it, publishes the tables.

    Ends as Completed on a clean night, as CompletedWithRejections (…WithFailures, …WithQuarantine)
    when documents did not make it, and as Failed, with nothing published, when the accounting does
    not close. The Artifacts tab has the totals and every document that did not make it. What is out
    of the ordinary against the nights before is told as alerts.toml says.

    Args:
        sources: The sources file, a CSV like sql/seeds/sources.csv, which is the default.
        warehouse: The warehouse folder; without it GONGKAI_WAREHOUSE, else that of the checkout.
        alerts: The alerts file with the thresholds; without it alerts.toml of the warehouse.
    """
    global last
    last = None
    place = Warehouse.at(warehouse)
    reviewed = load_sources(sources)  # before the lock: a wrong file changes nothing
    visited = {source.source_id for group in to_visit(reviewed).values() for source in group}
    thresholds = alerting.load(place, Path(alerts) if alerts else None).thresholds
    with holding(place, "nightly", patience=PATIENCE if deployment.id else 0):
        place.claim(bool(os.environ.get("GONGKAI_RESOLVE")))
        started_at = datetime.now(UTC)
        run_id = new_run_id("nightly", started_at, place)
        known_failures = seen_before(place)
        before = account.accounted(place)
        state = harvest(str(place.root), run_id, sources, return_state=True)
        harvested = cast(Harvested, state.result())
        parse_unread(place, PICTURE_SECONDS)
        problems = [*harvested.problems, *clock_wrong(place, started_at, harvested.fetched)]
        title = run_title("nightly", started_at)

        def unusual() -> list[Alert]:
            found = unusual_of(place, run_id, visited, thresholds)
            raise_alerts(found, place, title)
            return found

        run = Run(
            place,
            run_id,
            "nightly",
            title,
            started_at,
            known_failures,
            harvested.discovered,
            harvested.fetched,
            before,
            problems,
            sources=sources,
            visited=reviewed,
        )
        ended, last = end(run, unusual)
        if last is not None:
            last.harvested = harvested.numbers()
            fold_old(str(place.root), return_state=True)
    return ended


@task(name="fold old nights", retries=0, persist_result=False)
def fold_old(warehouse: str) -> int:
    """What nights of long ago repeat goes; no document's bytes do. Gives how many were folded."""
    folded = fold(Warehouse(Path(warehouse)), keep_days())
    if folded.nights:
        get_run_logger().info("%d nights folded: %d outcomes, %d visits went", *folded)
    return folded.nights
