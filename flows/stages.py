"""The offline half that every kind of run ends with: parse what is unread, account, publish."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from prefect import task
from prefect.logging import get_run_logger

from flows import elsewhere, watched
from flows.operator import TROUBLE, Failure
from tasks import account, parse, pictures, reports, retention, snapshot
from tasks.alerts import Alert
from tasks.files import leaf, write_schema
from tasks.objects import Place, arrow_source
from tasks.records import Counts, Discovered, Fetched, OutcomeRow, RunKind
from tasks.runs import finished_runs
from tasks.store import Warehouse

CHINA = ZoneInfo("Asia/Shanghai")


@dataclass(slots=True)
class Night:
    """What a finished run hands to whoever started it in the same process."""

    run_id: str
    counts: Counts
    failures: list[Failure] = field(default_factory=list)
    harvested: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)  # lines for the end of the run
    alerts: list[Alert] = field(default_factory=list)


def run_title(kind: str, now: datetime | None = None) -> str:
    """How a run is called in the UI: its kind and the day in China."""
    return f"{kind} {(now or datetime.now(UTC)).astimezone(CHINA):%Y-%m-%d}"


def parse_unread(warehouse: Warehouse, picture_seconds: float = math.inf) -> int:
    """Reads every part of the archive that has no reading yet, also those of a killed run; first
    each run's many small parts become a few. Then, for so many seconds, scans and pictures that
    have waited."""
    retention.merge(warehouse)
    unread = [p for p in snapshot.parts(warehouse) if not reports.readable(warehouse, p.name)]
    read = parse_parts(warehouse, unread)
    look_at_pictures(warehouse, picture_seconds)
    return read


def look_at_pictures(warehouse: Warehouse, seconds: float) -> None:
    """Reads the scans and pictures that wait, one after the other, until the time is up."""
    waiting = {
        part.name: n
        for part in snapshot.parts(warehouse)
        if reports.readable(warehouse, part.name)
        and (n := pictures.waiting(warehouse.reports / part.name))
    }
    if not waiting:
        return
    until = time.monotonic() + seconds
    with watched.step("Pictures", sum(waiting.values()), "documents") as step:
        for name, n in waiting.items():
            read_pictures.with_options(task_run_name=f"pictures of {name}, {n} documents")(
                str(warehouse.root), name, until
            )
            step.advance(n)


@task(name="pictures", retries=0, persist_result=False)
def read_pictures(warehouse: str, name: str, until: float) -> None:
    """Reads the pictures of one part of the archive that is otherwise read."""
    place = Warehouse(Path(warehouse))
    before = reports.stored(place.reports, name)
    if before is None or time.monotonic() > until:
        return
    after = pictures.look_at(place.snapshots / name, before, lambda: time.monotonic() > until)
    reports.write(place, name, after)
    parsed = [t["outcome"].to_pylist().count("parsed") for t in (before, after)]
    get_run_logger().info("%s: %s reports read in pictures", name, parsed[1] - parsed[0])


def parse_parts(warehouse: Warehouse, parts: list[Place]) -> int:
    """Reads these parts of the archive, one task for each; gives how many documents were read."""
    total = sum(map(documents_in, parts))
    with watched.step("Parsing", total, "documents") as step:
        write_schema(warehouse.reports, reports.SCHEMA)
        left = elsewhere.read(warehouse, parts, warehouse.reports, step)
        for number, part in enumerate(left, 1):
            name = f"parse batch {number} of {len(left)}, {documents_in(part)} documents"
            step.advance(
                parse_part.with_options(task_run_name=name)(str(warehouse.root), part.name)
            )
    parse.dismiss()
    return step.done


@task(name="parse", retries=0, persist_result=False)
def parse_part(warehouse: str, name: str) -> int:
    """Reads one part of the archive into the readings' part of the same name. Never retried: a
    document that is not understood is a row, and a fault of the program stays one."""
    place = Warehouse(Path(warehouse))
    try:
        table = parse.read_part(place.snapshots / name)
    except snapshot.DAMAGE as damage:
        aside = snapshot.set_aside(place, place.snapshots / name, damage)
        get_run_logger().error("%s is damaged and was set aside: %s", name, aside)
        return 0
    reports.write(place, name, table)
    parsed = table["outcome"].to_pylist().count("parsed")
    get_run_logger().info("%s: %s of %s documents parsed", name, parsed, len(table))
    return len(table)


def documents_in(part: Place) -> int:
    """How many rows of an archive part hold bytes, that is, are read."""
    with pq.ParquetFile(arrow_source(part)) as file:
        column = leaf(file, "bytes")
        groups = [file.metadata.row_group(i) for i in range(file.num_row_groups)]
        return sum(group.num_rows - group.column(column).statistics.null_count for group in groups)


@dataclass(slots=True)
class Settled:
    """A closed run: its sum, what became of each document, and the issuer of each snapshot read."""

    counts: Counts
    outcomes: list[OutcomeRow]
    problems: list[OutcomeRow]
    issuers: dict[str, str]


def settle(
    warehouse: Warehouse,
    run_id: str,
    kind: RunKind,
    started_at: datetime,
    discovered: list[Discovered],
    fetched: list[Fetched],
    accounted_before: Mapping[str, str],
    other_problems: Iterable[OutcomeRow] = (),
    extra: Mapping[str, object] | None = None,
) -> Settled:
    """Gives each discovered document its outcome, and closes the run. AccountingError if it does
    not close; the run then stays unfinished and nothing may be published."""
    owners = snapshot.known(warehouse).snapshots
    wanted = {row.snapshot_id for row in fetched if row.snapshot_id}
    # quarantine refuses a document; one that was imported is unofficial and refused by nobody
    judged = [d if d.refusal else replace(d, official=True) for d in discovered]
    readings = reports.summaries(warehouse, wanted)
    outcomes, problems = account.classify(judged, fetched, readings, accounted_before, owners)
    problems += [*other_problems, *_set_aside(warehouse)]
    account.write_outcomes(warehouse, run_id, outcomes, problems)
    counts = account.close(
        warehouse,
        run_id,
        kind=kind,
        started_at=started_at,
        parser_version=reports.PARSER_VERSION,
        extra=extra,
    )
    issuers = {
        snapshot_id: reading.unit for snapshot_id, reading in readings.items() if reading.unit
    }
    return Settled(counts, outcomes, problems, issuers)


def _set_aside(warehouse: Warehouse) -> list[OutcomeRow]:
    """A problem for each part of the archive that is damaged, in every run until it is healed."""
    found = []
    for path, why in snapshot.aside(warehouse).items():
        uri = path.as_uri()
        message = f"the archive part {path.name} is damaged ({why}) and was set aside in {path}"
        found.append(OutcomeRow(uri, uri, "failed", "fetch", "damaged_part", message))
    return found


def seen_before(warehouse: Warehouse) -> set[tuple[str, str | None]]:
    """Document and reason of every failure that a finished run has already shown."""
    seen: set[tuple[str, str | None]] = set()
    for run in finished_runs(warehouse):
        for name in ("outcomes", "problems"):
            file = warehouse.run_folder(str(run["run_id"])) / f"{name}.parquet"
            if not file.exists():
                continue
            table = pq.read_table(file, columns=["document_id", "code", "outcome"])
            if name == "outcomes":
                table = table.filter(pc.is_in(table["outcome"], value_set=pa.array(TROUBLE)))
            rows = zip(table["document_id"].to_pylist(), table["code"].to_pylist(), strict=True)
            seen.update(rows)
    return seen
