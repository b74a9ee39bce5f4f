"""Keeps the warehouse from growing by what says nothing new. No bytes of a document are deleted.

After the visits of a run its many small parts become a few, before anything is read from them.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.files import leaf, open_parquet, sync_folder, write_table
from tasks.objects import Place, arrow_source, listed
from tasks.snapshot import (
    DAMAGE,
    PART_BYTES,
    PART_ROWS,
    ROW_GROUP,
    next_part,
    parts,
    rows_in,
    run_of,
)
from tasks.store import Warehouse


def merge(warehouse: Warehouse) -> int:
    """Put the parts of each run that nothing was read from yet together; gives how many are gone.

    The rows stay in their order. The new part is on disk before the old ones go; what a kill in
    between leaves twice, the next merge takes once.
    """
    read = {p.name for p in listed(warehouse.reports, "part-*.parquet")}
    unread = [p for p in parts(warehouse) if p.name not in read]
    gone = 0
    for group in _groups(unread):
        try:
            whole = _once(pa.concat_tables([_table(path) for path in group]))
        except DAMAGE:
            continue  # reading the part says so, and sets it aside
        write_table(next_part(warehouse, run_of(group[0])), whole, row_group_size=ROW_GROUP)
        for path in group:
            path.unlink()
        sync_folder(warehouse.snapshots)
        gone += len(group) - 1
    return gone


def _groups(found: list[Place]) -> Iterator[list[Place]]:
    """Neighbours of one run that are together no larger than a part may be; two at least."""
    group: list[Place] = []
    size = rows = 0
    for path in found:
        try:
            grown, more = _bodies(path), rows_in(path)
        except DAMAGE:
            continue
        full = size + grown > PART_BYTES or rows + more > PART_ROWS
        if group and (run_of(path) != run_of(group[0]) or full):
            if len(group) > 1:
                yield group
            group, size, rows = [], 0, 0
        group.append(path)
        size, rows = size + grown, rows + more
    if len(group) > 1:
        yield group


def _bodies(part: Place) -> int:
    """Bytes of the bodies that a part holds, before compression."""
    with pq.ParquetFile(arrow_source(part)) as file:
        groups = [file.metadata.row_group(i) for i in range(file.num_row_groups)]
        return sum(group.column(leaf(file, "bytes")).total_uncompressed_size for group in groups)


def _table(part: Place) -> pa.Table:
    with open_parquet(part) as file:
        return file.read()


def _once(fetches: pa.Table) -> pa.Table:
    """Without fetches that are there twice."""
    names = ["run_id", "document_id", "url", "fetched_at"]
    numbered = fetches.select(names).append_column("n", pa.array(range(len(fetches))))
    first = numbered.group_by(names).aggregate([("n", "min")])["n_min"]
    return fetches if len(first) == len(fetches) else fetches.take(first.sort())
