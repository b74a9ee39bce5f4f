"""The archive: one row per fetch, bytes once. Parts are added and never changed.

`snapshots/part-<run_id>-<NNNNN>.parquet`, 64-row groups, zstd. Everything downstream can be
rebuilt from here without the network.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.files import leaf, move, open_parquet, read_table, sync_folder, write_bytes, write_table
from tasks.ingest import rows_from_files
from tasks.objects import Place, Unreachable, arrow_source, listed
from tasks.records import BadInput, Fetched, State, snapshot_id_of
from tasks.schemas import SNAPSHOTS_SCHEMA
from tasks.store import Warehouse

__all__ = [
    "Fetch",
    "Known",
    "append",
    "aside",
    "fetch_of",
    "known",
    "parts",
    "read_bytes",
    "rows_from_files",
    "set_aside",
    "set_aside_damaged",
    "snapshot_id_of",
]

ROW_GROUP = 64
DAMAGED = "damaged"
"""Folder below `snapshots/` for parts that cannot be read."""
DAMAGE = (pa.ArrowException, OSError, BadInput)
"""What reading a damaged part raises."""
PART_BYTES = 64_000_000
"""Bodies (bytes, before compression) that one part holds at most; it bounds memory."""
PART_ROWS = 1_000
"""Fetches that one part holds at most: a part is read whole, and a reading takes 40 KB."""

_PLAIN = {"document_id", "url", "final_url", "origin", "official", "fetched_at", "source_id"}
_PLAIN |= {"parent_document_id", "http_status", "content_type", "etag", "last_modified"}
_PLAIN |= {"snapshot_id", "size", "link_title", "link_date", "error_code", "error_message"}
_STATE_COLUMNS = [*State._fields, "run_id", "fetched_at", "http_status", "origin"]


@dataclass(slots=True)
class Known:
    """What the archive holds, without the bytes.

    `states`: the last state of each document. `snapshots`: every snapshot_id whose bytes are
    stored, with the document_id of the row that holds them (that row's reading speaks for them).
    """

    states: dict[str, State] = field(default_factory=dict)
    snapshots: dict[str, str] = field(default_factory=dict)

    def children(self, document_id: str) -> list[State]:
        """The attachments known of a page, failed ones too, by document_id."""
        by_parent = self._by_parent
        if by_parent is None:
            by_parent = {}
            for state in self.states.values():
                if state.parent_document_id:
                    by_parent.setdefault(state.parent_document_id, []).append(state)
            self._by_parent = by_parent  # only when complete: threads of several hosts ask
        return by_parent.get(document_id, [])

    _by_parent: dict[str, list[State]] | None = field(default=None, repr=False)


def parts(warehouse: Warehouse) -> list[Place]:
    """The archive's parts in the order of their names."""
    return listed(warehouse.snapshots, "part-*.parquet")


def rows_in(part: Place) -> int:
    """How many fetches a part holds; 0 when it cannot be read."""
    try:
        return int(pq.read_metadata(arrow_source(part)).num_rows)
    except (pa.ArrowException, OSError):
        return 0


def append(
    warehouse: Warehouse,
    run_id: str,
    rows: Iterable[Fetched],
    known_ids: dict[str, str] | None = None,
) -> list[Place]:
    """Add fetches to the archive, in their order; returns the parts written.

    `known_ids` is `known(...).snapshots`: bytes it names are not stored again, and new ones are
    added to it once they are on disk, so that one mapping serves a whole run. Call it with the
    warehouse locked and from one thread at a time; a kill loses at most the part being written.
    """
    owners = known_ids if known_ids is not None else known(warehouse).snapshots
    written: list[Place] = []
    batch: list[Fetched] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += len(row.body or b"")
        if size >= PART_BYTES or len(batch) >= PART_ROWS:
            written.append(_write_part(warehouse, run_id, batch, owners))
            batch, size = [], 0
    if batch:
        written.append(_write_part(warehouse, run_id, batch, owners))
    return written


def _write_part(
    warehouse: Warehouse, run_id: str, rows: list[Fetched], owners: dict[str, str]
) -> Place:
    columns: dict[str, list[object]] = {name: [] for name in SNAPSHOTS_SCHEMA.names}
    new: dict[str, str] = {}
    for row in rows:
        for name in _PLAIN:
            columns[name].append(getattr(row, name))
        columns["run_id"].append(run_id)
        columns["headers"].append(sorted(row.headers.items()))
        fresh = (
            row.body is not None
            and row.snapshot_id is not None
            and row.snapshot_id not in owners
            and row.snapshot_id not in new
        )
        columns["bytes"].append(row.body if fresh else None)
        if fresh and row.snapshot_id is not None:
            new[row.snapshot_id] = row.document_id
    table = pa.table(columns, schema=SNAPSHOTS_SCHEMA)
    path = next_part(warehouse, run_id)
    write_table(path, table, row_group_size=ROW_GROUP)
    owners.update(new)
    return path


def run_of(part: Place) -> str:
    """The run that wrote a part."""
    return part.stem.removeprefix("part-").rpartition("-")[0]


def next_part(warehouse: Warehouse, run_id: str) -> Place:
    """Where a run's next part is to stand."""
    taken = [int(p.stem.rpartition("-")[2]) for p in warehouse.snapshots.glob(f"part-{run_id}-*")]
    return warehouse.snapshots / f"part-{run_id}-{max(taken, default=-1) + 1:05d}.parquet"


def set_aside_damaged(warehouse: Warehouse) -> list[Place]:
    """Move the parts that cannot be read to `snapshots/damaged/`; gives their new places.

    Whatever reads the archive can then go on without them, and a good copy put into `snapshots/`
    heals it. All columns but the bodies are read here; `gongkai verify` also checks the hashes.
    """
    columns = [name for name in SNAPSHOTS_SCHEMA.names if name != "bytes"]
    moved: list[Place] = []
    for path in parts(warehouse):
        try:
            with _open(path) as file:
                for group in range(file.num_row_groups):
                    file.read_row_group(group, columns=columns)
        except (pa.ArrowException, OSError, BadInput) as e:
            if isinstance(e, BadInput) and e.__cause__ is None:
                raise  # readable, and of another version of the program
            moved.append(set_aside(warehouse, path, e))
    return moved


def set_aside(warehouse: Warehouse, path: Place, why: Exception) -> Place:
    """Move one damaged part to `snapshots/damaged/`, with a note of the reason beside it.

    Raises BadInput when it is no damage but a part that this user may not read, or that the store
    does not give.
    """
    if isinstance(why, Unreachable):
        raise why
    if isinstance(why.__cause__ or why, PermissionError):
        raise BadInput(f"archive part {path} may not be read; correct its rights") from why
    folder = warehouse.snapshots / DAMAGED
    folder.mkdir(exist_ok=True)
    place = folder / path.name
    reason = str(why.__cause__ or why).strip().splitlines()[0][:200]
    write_bytes(place.with_suffix(".txt"), f"{reason}\n".encode())
    move(path, place)
    sync_folder(folder)
    sync_folder(path.parent)
    return place


def aside(warehouse: Warehouse) -> dict[Place, str]:
    """The parts that were set aside, with the reason, until a good one is back in its place."""
    found: dict[Place, str] = {}
    for path in listed(warehouse.snapshots / DAMAGED, "part-*.parquet"):
        note = path.with_suffix(".txt")
        if not (warehouse.snapshots / path.name).exists():
            found[path] = note.read_text("utf-8").strip() if note.exists() else "no reason noted"
    return found


def _open(path: Place) -> pq.ParquetFile:
    try:
        file = open_parquet(path)
    except (pa.ArrowException, OSError) as e:
        raise BadInput(_damage(path, e)) from e
    if missing := set(SNAPSHOTS_SCHEMA.names) - set(file.schema_arrow.names):
        raise BadInput(_damage(path, f"column {', '.join(sorted(missing))} is missing"))
    return file


def _damage(path: Place, why: object) -> str:
    return (
        f"archive part {path} is damaged ({str(why).strip().splitlines()[0][:200]}); restore it "
        "from a copy; without one, the next run sets it aside and fetches its documents again"
    )


def known(warehouse: Warehouse) -> Known:
    """The last state of every document and every stored snapshot, read without the bodies.

    Raises BadInput naming the first damaged part; after `set_aside_damaged` the lost bytes count
    as not archived, and are stored again when they are fetched.
    """
    tables = [states_of(path) for path in parts(warehouse)]
    if not tables:
        return Known()
    result = Known()
    with duckdb.connect() as db:
        db.register("fetches", pa.concat_tables(tables))
        one: dict[Any, Any] = {}  # each text is kept once, for all that say it
        for rows in _some(db.execute(_LAST_STATES)):
            for row in rows:
                state = State(*(one.setdefault(text, text) for text in row))
                result.states[state.document_id] = state
        for rows in _some(db.execute(_STORED)):
            result.snapshots.update((one.setdefault(s, s), one.setdefault(d, d)) for s, d in rows)
    return result


def _some(found: duckdb.DuckDBPyConnection) -> Iterator[list[Any]]:
    """The rows of a query, some at a time."""
    while rows := found.fetchmany(10_000):
        yield rows


# A failed fetch says nothing of the page: validators come from the newest row with a snapshot,
# the failure from the newest row of all. Structs, because arg_max passes over null arguments. The
# names of runs sort in true order, which a clock that jumps does not.
_LAST_STATES = """
    with ranked as (
        select *, origin = 'fetched' as visited,
               (visited, if(visited, run_id, ''), fetched_at, run_id) as age
        from fetches),
    last as (
        select document_id,
               arg_max(ranked, (snapshot_id is not null, age)) as good,
               arg_max(ranked, age) as newest
        from ranked group by document_id)
    select document_id, good.url, good.parent_document_id, good.source_id, good.etag,
           good.last_modified, good.snapshot_id, good.content_type, newest.error_code,
           good.link_title
    from last order by document_id
"""
_STORED = """
    select snapshot_id, arg_min(document_id, (fetched_at, run_id, document_id))
    from fetches where stored group by snapshot_id order by snapshot_id
"""


def states_of(path: Place) -> pa.Table:
    """The state columns of one part, and `stored`: whether the row holds the bytes."""
    try:
        with _open(path) as file:
            table = file.read(columns=_STATE_COLUMNS)
            stored: list[bool] = []
            for group in range(file.num_row_groups):
                stored.extend(_stored(file, group, table, len(stored)))
    except (pa.ArrowException, OSError) as e:
        raise BadInput(_damage(path, e)) from e
    return table.append_column("stored", pa.array(stored, pa.bool_()))


def _stored(file: pq.ParquetFile, group: int, table: pa.Table, start: int) -> list[bool]:
    """Which rows of a group hold bytes; the bodies are only read where the counts leave it open."""
    metadata = file.metadata.row_group(group)
    column = metadata.column(leaf(file, "bytes"))
    rows = table.slice(start, metadata.num_rows)
    could = [
        snapshot is not None and status != 304
        for snapshot, status in zip(
            rows.column("snapshot_id").to_pylist(),
            rows.column("http_status").to_pylist(),
            strict=True,
        )
    ]
    statistics = column.statistics
    if statistics is not None and statistics.has_null_count:
        holding = metadata.num_rows - statistics.null_count
        if holding == 0:
            return [False] * len(could)
        if holding == sum(could):
            return could
    bodies = file.read_row_group(group, columns=["bytes"]).column("bytes")
    return [bool(v) for v in pc.is_valid(bodies).to_pylist()]


def read_bytes(warehouse: Warehouse, snapshot_id: str) -> bytes:
    """The bytes of one snapshot, checked against their name.

    Raises KeyError when no readable part holds them and BadInput when they are not what was
    stored. Damaged parts elsewhere do not matter.
    """
    for path in parts(warehouse):
        try:
            with _open(path) as file:
                for group in range(file.num_row_groups):
                    ids = file.read_row_group(group, columns=["snapshot_id"]).column(0)
                    index = pc.index(ids, snapshot_id).as_py()
                    if index < 0:
                        continue
                    both = file.read_row_group(group, columns=["snapshot_id", "bytes"])
                    for row in both.to_pylist():
                        if row["snapshot_id"] == snapshot_id and row["bytes"] is not None:
                            return _checked(path, snapshot_id, row["bytes"])
        except (pa.ArrowException, OSError):
            continue
        except BadInput as e:
            if isinstance(e.__cause__, (pa.ArrowException, OSError)):
                continue
            raise
    raise KeyError(f"snapshot {snapshot_id} is in no readable part of {warehouse.snapshots}")


class Fetch(NamedTuple):
    """How and when the bytes of a snapshot were received."""

    url: str
    fetched_at: datetime
    origin: str
    http_status: int | None
    content_type: str | None
    link_title: str | None


def fetch_of(warehouse: Warehouse, snapshot_id: str) -> Fetch | None:
    """The first fetch that gave the snapshot; None when no readable part of the archive has it."""
    columns = [*Fetch._fields, "snapshot_id"]
    first: Fetch | None = None
    for path in parts(warehouse):
        try:
            table = read_table(path, columns, [("snapshot_id", "=", snapshot_id)])
        except (pa.ArrowException, OSError):
            continue
        for row in table.to_pylist():
            found = Fetch(**{name: row[name] for name in Fetch._fields})
            if first is None or found.fetched_at < first.fetched_at:
                first = found
    return first


def _checked(path: Place, snapshot_id: str, body: bytes) -> bytes:
    if snapshot_id_of(body) != snapshot_id:
        raise BadInput(_damage(path, f"the bytes of {snapshot_id} do not match their hash"))
    return body
