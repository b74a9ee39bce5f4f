"""Stage parse: reads the documents of one archive part. No network; safe to repeat.

A part is read by a pool of spawned processes that know nothing of the orchestrator. A document
that fails the program itself becomes a rejection `fault`, never a missing row.
"""

from __future__ import annotations

import atexit
import os
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks import office, reports
from tasks.files import open_parquet
from tasks.objects import Place
from tasks.processes import spawned
from tasks.records import BadInput, snapshot_id_of
from tasks.report import read, sniff
from tasks.report.model import Reading, Reject, Rejection
from tasks.report.reader import NEEDS_OFFICE

TOOK_DOWN = Rejection("fault", "reading this document ended its process")
_BATCH = 64
_WORTH_A_POOL = 96  # documents; below, starting processes costs more than it saves

_one_at_a_time = threading.Lock()  # PDFium, and whoever starts a worker with several threads

Rows = list[dict[str, Any]]


def read_part(part: Place, *, in_pool: bool = True) -> pa.Table:
    """The readings of every document whose bytes lie in this archive part, in stored order.

    Not `in_pool`: in this process alone, which a document may then take down.

    Raises OSError, ArrowException or BadInput when the part is not what was written: a damaged
    number must not pass for a published one.
    """
    with open_parquet(part) as file:
        total = file.metadata.num_rows
        held = batches(file)
        if not in_pool or total < _WORTH_A_POOL or (os.cpu_count() or 1) < 2:
            tables = [read_rows(batch) for batch in held]
        else:
            tables = list(_read_in_pool(held))
    if not tables:
        return reports.SCHEMA.empty_table()
    return in_order(pa.concat_tables(tables))


def in_order(readings: pa.Table) -> pa.Table:
    """Readings in the order in which they are stored."""
    return readings.sort_by([("document_id", "ascending"), ("snapshot_id", "ascending")])


def read_into(part: Place, folder: Place, version: str) -> int:
    """Reads one part of the archive into a folder of readings, in this process alone.

    For processes that others started; `version` is the reader of who asks. Gives the number of
    documents. Raises what `read_part` does, and BadInput when the reader here is another.
    """
    if version != reports.PARSER_VERSION:
        raise BadInput(
            f"the reader here is {reports.PARSER_VERSION} and the run's is {version}: "
            "install the same gongkai on all machines"
        )
    with _one_at_a_time:
        table = read_part(part, in_pool=False)
    reports.write_into(folder, part.name, table)
    return int(table.num_rows)


def batches(file: pq.ParquetFile) -> Iterator[Rows]:
    """The rows of an archive part that hold bytes, checked against their hash."""
    for batch in file.iter_batches(batch_size=_BATCH):
        held = batch.filter(pc.is_valid(batch.column("bytes")))
        if held.num_rows:
            rows = held.to_pylist()
            for row in rows:
                if snapshot_id_of(row["bytes"]) != row["snapshot_id"]:
                    raise BadInput(f"the bytes of {row['url']} do not match their hash")
            yield rows


def _read_in_pool(batches: Iterator[Rows]) -> Iterator[pa.Table]:
    """Reads batches in the pool, few in flight at a time so that memory stays bounded."""
    waiting: list[tuple[Rows, Future[pa.Buffer]]] = []
    for batch in batches:
        waiting.append((batch, _pool().submit(_read_to_send, batch)))
        if len(waiting) >= 4 * _workers():
            yield _result(*waiting.pop(0))
    for batch, future in waiting:
        yield _result(batch, future)


def _read_to_send(rows: Rows) -> pa.Buffer:
    """Readings as Arrow's stream: to pickle a table of so many columns costs ten times as much."""
    table, sent = read_rows(rows), pa.BufferOutputStream()
    with pa.ipc.new_stream(sent, table.schema) as stream:
        stream.write_table(table)
    return sent.getvalue()


def _result(batch: Rows, future: Future[pa.Buffer]) -> pa.Table:
    """A batch's readings; when a document killed its process, the rest is read one by one."""
    try:
        return pa.ipc.open_stream(future.result()).read_all()
    except BrokenProcessPool:
        _pool.cache_clear()
        return pa.concat_tables([_alone(row) for row in batch])


def _alone(row: dict[str, Any]) -> pa.Table:
    """Reads one document in a process of its own, which it may take down."""
    with spawned(1) as pool:
        try:
            return pool.submit(read_rows, [row]).result()
        except BrokenProcessPool:
            return took_its_reader_down(row)


def took_its_reader_down(row: dict[str, Any]) -> pa.Table:
    """The reading of a document that ended the process that read it."""
    reading = Reading("rejected", TOOK_DOWN)
    return reports.table_of([reports.row_of(row, reading)])


def refusal_of(body: bytes, url: str, content_type: str | None) -> str | None:
    """The reason code with which a document is refused, or None when it is read.

    What a native library opens (PDF, Office) is read in another process, which it may take down.
    Old Word documents are not converted for this.
    """
    if sniff.kind(body) == "doc":
        return NEEDS_OFFICE[0]
    row = {"bytes": body, "url": url, "final_url": url, "content_type": content_type}
    if not body.startswith((b"%PDF", b"PK", b"\xd0\xcf\x11\xe0")):
        return _refusal(row)
    try:
        return _pool().submit(_refusal, row).result()
    except BrokenProcessPool:
        _pool.cache_clear()
        return "fault"


def _refusal(row: dict[str, Any]) -> str | None:
    reading = _read(row)
    return reading.reason.code if reading.reason else None


def read_document(
    body: bytes, *, url: str | None, content_type: str | None, ocr: bool = True
) -> Reading:
    """Reads one document of whatever kind; an old Word document by way of LibreOffice. Without
    `ocr`, pictures are refused."""
    try:
        readable = office.readable(body)
    except Reject as refusal:
        return Reading("rejected", refusal.rejection, source_kind="doc")
    reading = read(readable, url=url, content_type=content_type, ocr=ocr)
    if readable is not body:
        reading.source_kind = "doc"
    return reading


def dismiss() -> None:
    """End the processes that read: a run needs their memory no more. They start when asked."""
    if _pool.cache_info().currsize:
        _pool().shutdown()
        _pool.cache_clear()


def _workers() -> int:
    return max(1, os.cpu_count() or 1)


@cache
def _pool() -> ProcessPoolExecutor:
    pool = spawned(_workers())
    atexit.register(pool.shutdown, wait=False, cancel_futures=True)
    return pool


def read_rows(rows: Rows, *, ocr: bool = False) -> pa.Table:
    """The readings of archived documents; those that are pictures only with `ocr`."""
    return reports.table_of(reports.row_of(row, _read(row, ocr=ocr)) for row in rows)


def _read(row: dict[str, Any], *, ocr: bool = False) -> Reading:
    try:
        return read_document(
            row["bytes"],
            url=row["final_url"] or row["url"],
            content_type=row["content_type"],
            ocr=ocr,
        )
    except Exception as fault:  # noqa: BLE001 - one page must not take the night down
        where = traceback.extract_tb(fault.__traceback__)[-1]
        message = f"{type(fault).__name__}: {fault} ({Path(where.filename).name}:{where.lineno})"
        return Reading(
            "rejected", Rejection("fault", f"the reader failed on this document: {message}")
        )
