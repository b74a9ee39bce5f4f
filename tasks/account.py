"""What was discovered, what became of each, and the check that both lists agree.

A run is finished when its `run.json` exists; it is written last and only when the accounting
closes. Everything is read back from disk for the check, so that a fault in between shows.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.files import read_table, write_bytes, write_table
from tasks.records import (
    OUTCOMES,
    AccountingError,
    Candidate,
    Counts,
    Discovered,
    Fetched,
    OutcomeName,
    OutcomeRow,
    ReadingSummary,
    RunKind,
    Stage,
)
from tasks.runs import finished_runs
from tasks.schemas import CANDIDATES_SCHEMA, DISCOVERED_SCHEMA, OUTCOMES_SCHEMA
from tasks.store import Warehouse

SKIPPED_CODES = {"robots", "circuit_open", "stopped"}
QUARANTINED_CODES = {"off_site_redirect", "not_official"}
GONE_CODES = {"http_404", "http_410"}
"""Of a page that was read before, they say that it was withdrawn."""
QUARANTINED_READINGS = {"spoofed"}
"""Documents whose own text shows that they must not be believed."""
REJECTED_CODES = {"empty_body"}
"""An empty document did come: it is refused, not missing."""
_NAMED = 5  # offending documents that a message names


def write_discovered(warehouse: Warehouse, run_id: str, documents: Iterable[Discovered]) -> int:
    """Write what the run discovered; a document that two listings name counts once (the first).

    Returns how many documents there are. Written before anything is fetched, so that a document
    lost on the way is missed.
    """
    unique: dict[str, Discovered] = {}
    for document in documents:
        unique.setdefault(document.document_id, document)
    rows = [unique[key] for key in sorted(unique)]
    names = [n for n in DISCOVERED_SCHEMA.names if n != "run_id"]
    columns: dict[str, list[object]] = {"run_id": [run_id] * len(rows)}
    columns |= {name: [getattr(row, name) for row in rows] for name in names}
    _write(warehouse, run_id, "discovered", pa.table(columns, schema=DISCOVERED_SCHEMA))
    return len(rows)


def write_candidates(warehouse: Warehouse, run_id: str, rows: Iterable[Candidate]) -> None:
    """Write the links of listings that looked like reports and were not taken, with the reasons."""
    ordered = sorted(set(rows), key=lambda row: tuple(value or "" for value in row))
    columns: dict[str, list[object]] = {"run_id": [run_id] * len(ordered)}
    columns |= {name: [getattr(row, name) for row in ordered] for name in Candidate._fields}
    _write(warehouse, run_id, "candidates", pa.table(columns, schema=CANDIDATES_SCHEMA))


def write_outcomes(
    warehouse: Warehouse,
    run_id: str,
    outcomes: Iterable[OutcomeRow],
    problems: Iterable[OutcomeRow] = (),
) -> None:
    """Write what became of each document, and the troubles that are no document's outcome."""
    for name, rows in (("outcomes", outcomes), ("problems", problems)):
        ordered = sorted(rows, key=lambda r: (r.document_id, r.stage, r.code or ""))
        columns: dict[str, list[object]] = {"run_id": [run_id] * len(ordered)}
        for column in OUTCOMES_SCHEMA.names[1:]:
            columns[column] = [getattr(row, column) for row in ordered]
        _write(warehouse, run_id, name, pa.table(columns, schema=OUTCOMES_SCHEMA))


def _write(warehouse: Warehouse, run_id: str, name: str, table: pa.Table) -> None:
    folder = warehouse.run_folder(run_id)
    folder.mkdir(parents=True, exist_ok=True)
    write_table(folder / f"{name}.parquet", table)


def close(
    warehouse: Warehouse,
    run_id: str,
    *,
    kind: RunKind,
    started_at: datetime,
    parser_version: str,
    finished_at: datetime | None = None,
    extra: Mapping[str, object] | None = None,
) -> Counts:
    """Check that each discovered document has one outcome and no other has; write `run.json`.

    `extra` adds fields to `run.json`. Raises AccountingError naming the first documents that
    break the sum; the run then stays unfinished and nothing of it may be published.
    """
    folder = warehouse.run_folder(run_id)
    discovered = _read(folder / "discovered.parquet", ["run_id", "document_id"])
    outcomes = _read(folder / "outcomes.parquet", ["run_id", "document_id", "outcome"])
    listed = Counter(row["document_id"] for row in discovered)
    ended = Counter(row["document_id"] for row in outcomes)
    twice = [d for d, n in listed.items() if n > 1]
    _refuse_any(run_id, "listed as discovered more than once", twice)
    _refuse_any(run_id, "discovered but without an outcome", sorted(listed.keys() - ended.keys()))
    _refuse_any(
        run_id, "with an outcome but never discovered", sorted(ended.keys() - listed.keys())
    )
    _refuse_any(run_id, "with more than one outcome", [d for d, n in ended.items() if n > 1])
    strange = [r["document_id"] for r in outcomes if r["outcome"] not in OUTCOMES]
    _refuse_any(run_id, "with an unknown outcome", strange)
    foreign = [r["document_id"] for r in discovered + outcomes if r["run_id"] != run_id]
    _refuse_any(run_id, "carrying another run's id", foreign)
    counts = Counts(len(discovered), **Counter(row["outcome"] for row in outcomes))
    if not counts.closes:  # cannot happen after the checks above; the promise is checked as such
        raise AccountingError(f"run {run_id}: the counts do not add up: {counts.as_dict()}")
    record = {
        **(extra or {}),
        "run_id": run_id,
        "kind": kind,
        "started_at": _iso(started_at),
        "finished_at": _iso(finished_at or datetime.now(UTC)),
        "demo": warehouse.is_demo,
        "parser_version": parser_version,
        "counts": counts.as_dict(),
    }
    text = json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True)
    write_bytes(folder / "run.json", (text + "\n").encode())
    return counts


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _read(path: Path, columns: list[str]) -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = pq.read_table(path, columns=columns).to_pylist()
    except (pa.ArrowException, OSError) as e:
        raise AccountingError(f"{path}: cannot be read, so the run cannot be closed ({e})") from e
    return rows


def _refuse_any(run_id: str, what: str, documents: Sequence[str]) -> None:
    if documents:
        first = ", ".join(sorted(documents)[:_NAMED])
        more = f" and {len(documents) - _NAMED} more" if len(documents) > _NAMED else ""
        raise AccountingError(f"run {run_id}: {len(documents)} documents {what}: {first}{more}")


def accounted(warehouse: Warehouse) -> dict[str, str]:
    """The snapshot of each document (pages and attachments) that a finished run accounted for last.

    Only such bytes may be called `unchanged`: those of an interrupted run have no outcome yet. What
    a visit found goes before what was imported, however late: an old capture is no change.
    """
    last = "arg_max(snapshot_id, (kind <> 'ingest', n))"
    return dict(_accounted(warehouse, f"select document_id, {last} from rows group by all"))  # noqa: S608


def accounted_ever(warehouse: Warehouse) -> set[tuple[str, str]]:
    """Every document with every snapshot of it that a finished run accounted for."""
    return set(_accounted(warehouse, "select distinct document_id, snapshot_id from rows"))


def _accounted(warehouse: Warehouse, query: str) -> list[tuple[str, str]]:
    """A query over `rows`: document, snapshot, and the kind and place in time of their run."""
    runs = finished_runs(warehouse)
    files = [warehouse.run_folder(run["run_id"]) / "outcomes.parquet" for run in runs]
    tables = [pq.read_table(f, columns=["run_id", "document_id", "snapshot_id"]) for f in files]
    for part in warehouse.snapshots.glob("part-*.parquet"):
        try:
            # Attachments have no outcome of their own; their run's end accounts for them.
            columns = ["run_id", "document_id", "snapshot_id", "parent_document_id"]
            table = read_table(part, columns)
        except (pa.ArrowException, OSError):
            continue  # the archive names its damaged parts; here they only make pages look new
        children = table.filter(pc.field("parent_document_id").is_valid())
        tables.append(children.drop_columns(["parent_document_id"]))
    if not tables or not runs:
        return []
    order = {
        "run_id": [run["run_id"] for run in runs],
        "kind": [str(run.get("kind", "")) for run in runs],
        "n": list(range(len(runs))),
    }
    with duckdb.connect() as db:
        db.register("seen", pa.concat_tables(tables))
        db.register("finished", pa.table(order))
        found: list[tuple[str, str]] = db.execute(
            "with rows as (select * from seen join finished using (run_id) "  # noqa: S608
            f"where snapshot_id is not null) {query}"
        ).fetchall()
    return found


def classify(
    discovered: Iterable[Discovered],
    fetched: Iterable[Fetched],
    readings: Mapping[str, ReadingSummary],
    accounted_before: Mapping[str, str],
    owners: Mapping[str, str],
) -> tuple[list[OutcomeRow], list[OutcomeRow]]:
    """What became of each discovered document, and the problems of attachments.

    `fetched`: this run's fetches, pages and attachments (bodies are not looked at). `readings` by
    snapshot_id, for every snapshot of `fetched` that the archive has read. `accounted_before`:
    `accounted(...)` from before this run. `owners`: `known(...).snapshots` after the run's bytes
    were archived. A document that was neither fetched nor refused gets no outcome, and one whose
    bytes nobody read gets none either: `close` then names it.
    """
    pages: dict[str, Fetched] = {}
    children: dict[str, list[Fetched]] = defaultdict(list)
    for row in fetched:
        if row.parent_document_id is None:
            pages[row.document_id] = row
        else:
            children[row.parent_document_id].append(row)
    judge = _Judge(readings, accounted_before, owners)
    outcomes: list[OutcomeRow] = []
    problems: list[OutcomeRow] = []
    done: set[str] = set()
    for document in discovered:
        if document.document_id in done:
            continue
        done.add(document.document_id)
        if not document.official:
            message = document.refusal or "the host is not a registered official host"
            outcomes.append(_row(document, "quarantined", "discover", "not_official", message))
            continue
        page = pages.get(document.document_id)
        outcome = judge.page(document, page, children[document.document_id]) if page else None
        if outcome is not None:
            outcomes.append(outcome)
        problems.extend(judge.problems(children[document.document_id]))
    return outcomes, problems


def _row(
    of: Discovered | Fetched,
    outcome: OutcomeName,
    stage: Stage,
    code: str | None = None,
    message: str | None = None,
    place: str | None = None,
    snapshot_id: str | None = None,
    duplicate_of: str | None = None,
) -> OutcomeRow:
    return OutcomeRow(
        of.document_id, of.url, outcome, stage, code, message, place, snapshot_id, duplicate_of
    )


class _Judge:
    def __init__(
        self,
        readings: Mapping[str, ReadingSummary],
        accounted_before: Mapping[str, str],
        owners: Mapping[str, str],
    ) -> None:
        self.readings = readings
        self.before = accounted_before
        self.owners = owners

    def one(self, row: Fetched) -> OutcomeRow | None:
        """What one fetch comes to by itself; None when its bytes were not read."""
        snapshot = row.snapshot_id
        if row.error_code is not None or snapshot is None:
            outcome: OutcomeName = "failed"
            if row.error_code in SKIPPED_CODES:
                outcome = "skipped"
            elif row.error_code in QUARANTINED_CODES:
                outcome = "quarantined"
            elif row.error_code in REJECTED_CODES:
                outcome = "rejected"
            message = row.error_message or "the fetch gave no document and no reason"
            code = row.error_code or "no_body"
            if code in GONE_CODES and row.document_id in self.before:
                code = "withdrawn"
                message += "; it was read before, and what was read stays"
            return _row(row, outcome, "fetch", code, message)
        if self.before.get(row.document_id) == snapshot:
            return _row(row, "unchanged", "fetch", snapshot_id=snapshot)
        owner = self.owners.get(snapshot, row.document_id)
        if owner != row.document_id:
            return _row(row, "duplicate", "fetch", snapshot_id=snapshot, duplicate_of=owner)
        return self.read(row)

    def read(self, row: Fetched) -> OutcomeRow | None:
        """The outcome that the reading of a fetch gives, whoever else has the same bytes."""
        reading = self.readings.get(row.snapshot_id or "")
        if reading is None:
            return None
        believed = reading.code not in QUARANTINED_READINGS
        return _row(
            row,
            reading.outcome if believed else "quarantined",
            "parse",
            reading.code,
            reading.message,
            place=reading.place,
            snapshot_id=row.snapshot_id,
        )

    def page(
        self, document: Discovered, page: Fetched, children: Sequence[Fetched]
    ) -> OutcomeRow | None:
        """The outcome of a page with its attachments: parsed when it or one of them was."""
        own = self.one(page)
        if own is None or page.error_code is not None or own.outcome in ("parsed", "quarantined"):
            return own
        itself = self.read(page)
        if own.outcome != "rejected" and itself is not None and itself.outcome == "parsed":
            return (
                own  # the report is on the page, unchanged or a duplicate: attachments add nothing
            )
        here = {child.document_id for child in children}
        refusal: OutcomeRow | None = None
        unchanged_report = False
        duplicate_of: str | None = None
        for child in children:
            fate, reading = self.one(child), self.read(child)
            if fate is None or reading is None:
                continue
            if reading.outcome in ("rejected", "quarantined"):
                # That an archive is one says nothing where what it holds was refused for a reason.
                first = refusal is None or refusal.code == "unsupported"
                if first and (fate.outcome != "unchanged" or own.outcome == "rejected"):
                    refusal = reading
            elif fate.outcome == "duplicate" and fate.duplicate_of not in here:
                duplicate_of = duplicate_of or fate.duplicate_of
            elif fate.outcome == "unchanged":
                unchanged_report = True
            else:
                return _row(document, "parsed", "parse", snapshot_id=page.snapshot_id)
        if own.outcome == "duplicate":
            return own
        if unchanged_report:
            # The attachment is the report: a page that changed around it is still parsed.
            if own.outcome == "unchanged":
                return own
            return _row(document, "parsed", "parse", snapshot_id=page.snapshot_id)
        if duplicate_of is not None and own.outcome == "rejected":
            return _row(
                document,
                "duplicate",
                "fetch",
                snapshot_id=page.snapshot_id,
                duplicate_of=duplicate_of,
            )
        if refusal is not None:
            of_page = f"{own.message}; " if own.message else ""
            message = f"{of_page}in the attachment {refusal.url}: {refusal.message}"
            return replace(
                own,
                outcome=refusal.outcome,
                stage="parse",
                code=refusal.code,
                place=refusal.place,
                message=message,
            )
        return own

    def problems(self, children: Sequence[Fetched]) -> list[OutcomeRow]:
        """Attachments that could not be had: failures of their own, not part of the sum."""
        judged = [self.one(child) for child in children if child.error_code is not None]
        return [row for row in judged if row is not None]
