"""Stage pictures: reads the scans and pictures that `tasks.parse` has left, one after the other.

They take seconds a page and some 400 MB, so they get one process of their own after everything
else is read. No network; safe to repeat: what is left over is found again by its refusal.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tasks import parse
from tasks.files import open_parquet
from tasks.objects import Place
from tasks.processes import spawned
from tasks.report import ocr, page_images, sniff
from tasks.report.model import Reading
from tasks.report.reader import open_source

Key = tuple[str, str]  # document_id, snapshot_id


def waiting(readings: Place) -> int:
    """How many documents of a part of the readings have pictures that nobody has looked at."""
    if not ocr.installed():
        return 0
    with open_parquet(readings) as file:
        names = ["document_id", "snapshot_id", "reason_code", "reason_message"]
        return len(_keys(file.read(names)))


def _keys(readings: pa.Table) -> set[Key]:
    late = pc.ends_with(readings["reason_message"], ocr.LATER)
    left = readings.filter(pc.and_(pc.equal(readings["reason_code"], "needs_ocr"), late))
    columns = (left[name].to_pylist() for name in ("document_id", "snapshot_id"))
    return set(zip(*columns, strict=True))


def look_at(
    part: Place, readings: pa.Table, enough: Callable[[], bool] = lambda: False
) -> pa.Table:
    """The readings of an archive part with those of its pictures, in stored order.

    Before each document `enough` is asked whether time is up; what is left keeps its refusal.
    """
    if not ocr.installed() or not (wanted := _keys(readings)):
        return readings
    read: dict[Key, pa.Table] = {}
    reader = _Reader()
    try:
        with open_parquet(part) as file:
            for row in (row for rows in parse.batches(file) for row in rows):
                key = (row["document_id"], row["snapshot_id"])
                if key in wanted and key not in read and not enough():
                    read[key] = reader.read(row)
    finally:
        reader.close()
    keys = zip(*(readings[n].to_pylist() for n in ("document_id", "snapshot_id")), strict=True)
    kept = readings.filter(pa.array([key not in read for key in keys], pa.bool_()))
    return parse.in_order(pa.concat_tables([kept, *read.values()]))


class Examined(NamedTuple):
    """A document with pictures as read for a person, and its doubtful cells as PNGs."""

    reading: Reading
    doubtful: list[bytes]


def examine(body: bytes, content_type: str | None) -> Examined:
    """Reads one document with its pictures, in a process that ends with it."""
    with spawned(1) as pool:
        try:
            return pool.submit(_examine, body, content_type).result()
        except BrokenProcessPool:
            return Examined(Reading("rejected", parse.TOOK_DOWN), [])


def _examine(body: bytes, content_type: str | None) -> Examined:
    reading = parse.read_document(body, url=None, content_type=content_type)
    reason = reading.reason
    if reason is None or reason.place is None or reason.place.kind != "image":
        return Examined(reading, [])
    kind = sniff.kind(body)
    held = [body] if kind == "image" else []
    if kind not in ("image", "pdf"):
        source = open_source(body, kind, content_type, ocr=False)
        held = [image.data for image in page_images.held(source) if image.data]
        if not held:
            return Examined(reading, [])
    return Examined(reading, ocr.marked(body, held, [reason.place, *reason.others]))


class _Reader:
    """One process that reads documents with their pictures; a document may take it down."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    def read(self, row: dict[str, Any]) -> pa.Table:
        self._pool = self._pool or spawned(1)
        try:
            return self._pool.submit(parse.read_rows, [row], ocr=True).result()
        except BrokenProcessPool:
            self.close()
            return parse.took_its_reader_down(row)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None
