"""Flow `replay`: parse again from the archive, without the network; show what changes; publish.

The new readings are written aside and held against those at rest. They take their place, and are
published, only when every report that was read before reads as before (what was refused and is read
now is added), or when a person who has seen the changes says so.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import duckdb
from prefect import State, flow, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.logging import get_run_logger
from prefect.states import Completed
from pydantic import Field

from flows import elsewhere, watched
from flows.ending import Run, end
from flows.holding import holding
from flows.stages import Night, documents_in, parse_unread, run_title, seen_before
from tasks import account, parse, pictures, reports, snapshot
from tasks.compare import Difference, compare
from tasks.files import move, remove_folder, sync_folder, write_bytes, write_table
from tasks.objects import Place, let_read, listed
from tasks.records import BadInput, Discovered, Fetched
from tasks.report.reader import reasons
from tasks.runs import new_run_id
from tasks.store import Warehouse

Selection = Literal["rejected", "all", "since"]
ANY = "any"
# a text to the type checker, a list to choose from in the UI
Reason = Annotated[str, Field(json_schema_extra={"enum": [ANY, *reasons()]})]
Adopt = Literal["additions", "everything", "nothing"]
KEPT = 20  # replays whose changes stay to be looked at
SHOWN = 500  # changes that the artifact lists


@dataclass(slots=True)
class Replayed:
    """What a replay found; `night` is None when its readings were not published."""

    difference: Difference
    changes: Path
    night: Night | None = None


last: Replayed | None = None  # for the command line, which runs the flow in its own process

# The newest received version of every document, as the archive has it, without the bytes.
_CURRENT = """
    select document_id, arg_max(
        snapshots,
        (origin = 'fetched', if(origin = 'fetched', run_id, ''), fetched_at, run_id)) as newest
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
    and (? = ? or reason_code = ?)
    and document_id not in (
        select parent_document_id from read_parquet(?)
        where outcome = 'parsed' and parent_document_id is not null)
"""


@flow(name="replay", flow_run_name=lambda: run_title("replay"), retries=0)
def replay(
    selection: Selection = "rejected",
    since: date | None = None,
    reason: Reason = ANY,
    warehouse: str | None = None,
    adopt: Adopt = "additions",
) -> State[Any]:
    """Reads documents again that are in the archive, for instance after a change of the parser.

    What a new parser makes of them is shown first, by outcome, cell and reason, in the Artifacts
    tab; HeldForReview means that reports read before would change, and nothing was published.

    Args:
        selection: rejected: those that were rejected; all: every one; since: those archived since.
        since: With selection since: the first day (UTC).
        reason: With selection rejected: only those refused for this reason; any: for whatever.
        warehouse: The warehouse folder; without it GONGKAI_WAREHOUSE, else that of the checkout.
        adopt: additions: publish when reports read before stay as they are; everything: publish
            also when they change; nothing: only show what would change.
    """
    global last
    last = None
    if reason not in (ANY, *reasons()):
        raise BadInput(f"replay: reason {reason!r} is unknown; docs/failures.md lists them")
    place = Warehouse.at(warehouse)
    with holding(place, "replay"):
        started_at = datetime.now(UTC)
        run_id = new_run_id("replay", started_at, place)
        known_failures = seen_before(place)
        parse_unread(place)
        holders = _holders(place, since if selection == "since" else None)
        if selection == "rejected":
            rejected = _rejected(place, reason)
            holders = {k: v for k, v in holders.items() if k in rejected}
        aside = place.aside(run_id)
        aside.mkdir()
        difference = _read_again(place, sorted(set(holders.values()), key=str), aside)
        changes = _keep(place, run_id, difference)
        _show(difference, changes)
        last = Replayed(difference, changes)
        if adopt == "nothing" or (adopt == "additions" and not difference.only_adds):
            remove_folder(aside)
            return _held(difference, adopt)
        discovered, fetched = _as_run(place, set(holders))
        account.write_discovered(place, run_id, discovered)
        _adopt(place, aside)
        what = reason if selection == "rejected" and reason != ANY else selection
        title = run_title(f"replay ({what})", started_at)
        run = Run(place, run_id, "replay", title, started_at, known_failures, discovered, fetched)
        ended, last.night = end(run)
    return ended


def _read_again(warehouse: Warehouse, parts: list[Place], aside: Place) -> Difference:
    """Reads parts of the archive into the folder `aside`; gives what differs from those at rest."""
    whole = Difference()
    with watched.step("Reading again", sum(map(documents_in, parts)), "documents") as step:
        left = {part.name for part in elsewhere.read(warehouse, parts, aside, step)}
        for part in parts:
            named = read_part_again.with_options(task_run_name=f"replay {part.stem}")
            whole += named(str(warehouse.root), part.name, aside)
            step.advance(documents_in(part) if part.name in left else 0)
    return whole


@task(name="read again", retries=0, persist_result=False)
def read_part_again(warehouse: str, name: str, aside: Place) -> Difference:
    """Reads one part of the archive aside, or takes what a worker of the cluster has put there. A
    damaged part keeps the readings it has."""
    place = Warehouse(Path(warehouse))
    part = place.snapshots / name
    try:
        by_worker = reports.stored(aside, name)
        read = parse.read_part(part) if by_worker is None else by_worker
        table = pictures.look_at(part, read)
    except snapshot.DAMAGE as damage:
        get_run_logger().error("%s is damaged (%s); its readings stay", name, damage)
        return Difference(damaged=[name])
    if table is not by_worker:
        reports.write_into(aside, name, table)
    return compare(reports.stored(place.reports, name), table)


def _adopt(warehouse: Warehouse, aside: Place) -> None:
    """The readings in `aside` take the place of those at rest, part by part."""
    for path in listed(aside, "part-*.parquet"):
        move(path, warehouse.reports / path.name)
    sync_folder(warehouse.reports)
    remove_folder(aside)


def _keep(warehouse: Warehouse, run_id: str, difference: Difference) -> Path:
    """Writes the changes where they can be looked at after the run; those of old replays go."""
    folder = warehouse.root / "replays" / run_id
    folder.mkdir(parents=True)
    path = folder / "changes.parquet"
    write_table(path, difference.table())
    told = {
        "parser_version": reports.PARSER_VERSION,
        "documents": difference.documents,
        "same": difference.same,
        "outcomes": [[*pair, n] for pair, n in sorted(difference.outcomes.items())],
        "values_added": sum(difference.added.values()),
        "values_changed": sum(difference.changed.values()),
        "values_lost": sum(difference.lost.values()),
        "read_before_and_changed": difference.stood,
    }
    text = json.dumps(told, ensure_ascii=False, indent=1)
    write_bytes(folder / "summary.json", f"{text}\n".encode())
    for old in sorted(folder.parent.iterdir())[:-KEPT]:
        shutil.rmtree(old)
    return path


def _held(difference: Difference, adopt: Adopt) -> State[Any]:
    n = difference.stood
    what = f"{n} of {difference.documents} documents that were read before would change"
    if adopt == "nothing":
        return Completed(name="OnlyShown", message=f"{what}; nothing was published, as asked")
    message = (
        f"{what}; nothing was published. Look at the changes, then replay with adopt=everything"
    )
    return Completed(name="HeldForReview", message=message)


def _show(difference: Difference, changes: Path) -> None:
    """The changes in the Artifacts tab, before anything is published."""
    lines = ["# What reading again changes", "", *difference.lines("- "), "", f"All: `{changes}`"]
    create_markdown_artifact("\n".join(lines), key="replay", description="What changes")
    if difference.rows:
        rows = difference.table().slice(0, SHOWN).to_pylist()
        create_table_artifact(rows, key="replay-changes", description=f"The first {SHOWN} changes")


def _holders(warehouse: Warehouse, since: date | None) -> dict[str, Place]:
    """The part that holds the bytes of each snapshot (archived since a day)."""
    moment = datetime(since.year, since.month, since.day, tzinfo=UTC) if since else None
    named = {str(part): part for part in snapshot.parts(warehouse)}
    with duckdb.connect() as db:
        let_read(db, warehouse.stored)
        rows = db.execute(_HOLDING, [list(named), moment, moment]).fetchall()
    return {snapshot_id: named[name] for name, snapshot_id in rows}


def _rejected(warehouse: Warehouse, reason: str) -> set[str]:
    with duckdb.connect() as db:
        let_read(db, warehouse.stored)
        parts = [str(p) for p in listed(warehouse.reports, "part-*.parquet")]
        if not parts:
            return set()
        rows = db.execute(_REJECTED, [parts, reason, ANY, reason, parts]).fetchall()
    return {row[0] for row in rows}


def _as_run(
    warehouse: Warehouse, snapshots: Collection[str]
) -> tuple[list[Discovered], list[Fetched]]:
    """The documents whose current version, or that of an attachment, is among the snapshots."""
    with duckdb.connect() as db:
        let_read(db, warehouse.stored)
        parts = [str(part) for part in snapshot.parts(warehouse)]
        found = db.execute(_CURRENT, [parts]).fetchall()
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
