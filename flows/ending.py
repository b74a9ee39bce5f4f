"""How a night, a replay and an ingest end: account for what came, publish, show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from prefect import State
from prefect.artifacts import create_markdown_artifact
from prefect.states import Failed

from flows.operator import closing_state, failures_of, show_night
from flows.publish import publish_held
from flows.stages import Night, settle
from tasks.alerts import Alert
from tasks.publish import remember_sources
from tasks.records import AccountingError, Discovered, Fetched, OutcomeRow, RunKind, Source
from tasks.store import Warehouse


@dataclass(slots=True)
class Run:
    """A run that has all its documents, read and at rest, and is to be ended."""

    place: Warehouse
    run_id: str
    kind: RunKind
    title: str
    started_at: datetime
    seen: set[tuple[str, str | None]]  # failures that earlier runs have shown
    discovered: list[Discovered]
    fetched: list[Fetched]
    before: Mapping[str, str] = field(default_factory=dict)  # accounted for by earlier runs
    problems: Sequence[OutcomeRow] = ()
    extra: Mapping[str, object] | None = None  # for run.json
    sources: str | None = None  # the file that says which hosts are official
    visited: Sequence[Source] | None = None  # the reviewed sources; else those of the warehouse


def end(run: Run, unusual: Callable[[], list[Alert]] = list) -> tuple[State[Any], Night | None]:
    """Closes a run, publishes and shows it; the state it ends in, and what the caller is told.

    `unusual` is asked for what is out of the ordinary once the tables are out. When the accounting
    does not close nothing is published, and there is no `Night`.
    """
    place, root = run.place, str(run.place.root)
    try:
        settled = settle(
            place,
            run.run_id,
            run.kind,
            run.started_at,
            run.discovered,
            run.fetched,
            run.before,
            run.problems,
            run.extra,
        )
    except AccountingError as error:
        return not_published(error), None
    failures = failures_of(
        settled.outcomes,
        settled.problems,
        run.discovered,
        remember_sources(place, None) if run.visited is None else run.visited,
        run.seen,
        settled.issuers,
    )
    publish_held(root, run.sources)
    alerts = unusual()
    show_night(run.title, run.run_id, root, place.is_demo, settled.counts, failures, alerts)
    night = Night(run.run_id, settled.counts, failures, alerts=alerts)
    return closing_state(settled.counts, failures), night


def not_published(error: AccountingError) -> State[Any]:
    """The end of a run whose accounting does not close: an alarm, and yesterday's tables stay."""
    create_markdown_artifact(
        f"# The accounting does not close\n\n{error}\n\nNothing was published; readers keep the "
        "tables of the last good run. What was fetched is archived, and the next run accounts "
        "for it.",
        key="night",
        description="The accounting does not close",
    )
    return Failed(name="AccountingFailed", message=str(error), data=error)
