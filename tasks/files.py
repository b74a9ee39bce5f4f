"""Files that appear whole, in a folder or in an object store: written aside, synced, moved."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.objects import ObjectPath, Place, arrow_source
from tasks.records import DiskFull

TEMPORARY = ".tmp-"
_FULL = {
    errno.ENOSPC: ("no space left on the device", "free some"),
    errno.EDQUOT: ("no space left in this user's quota", "free some"),
    errno.EFBIG: ("no file may grow so large here", "raise the limit (ulimit -f)"),
}


@contextmanager
def atomic(path: Place) -> Iterator[Path]:
    """Give a temporary path in the folder of `path`; move it into place when the block succeeds.

    What is to be an object is written on this machine first and uploaded whole.

    The file and its folder are on disk (fsync) before and after the move; when the block raises,
    nothing appears and the temporary file goes. Raises DiskFull when there is no space.
    """
    # Not ending in .parquet: DuckDB's "*.parquet" also matches names that begin with ".".
    folder = path.parent if isinstance(path, Path) else Path(tempfile.gettempdir())
    temporary = folder / f"{TEMPORARY}{path.name}-{secrets.token_hex(4)}"
    try:
        yield temporary
        if isinstance(path, ObjectPath):
            path.write_bytes(temporary.read_bytes())
            return
        fd = os.open(temporary, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
        temporary.replace(path)
        sync_folder(folder)
    except OSError as e:
        if e.errno not in _FULL:
            raise
        said, mend = _FULL[e.errno]
        raise DiskFull(
            f"{folder}: {said} while {path.name} was written; {mend} and run again. "
            "Nothing that was archived or published is lost"
        ) from e
    finally:
        temporary.unlink(missing_ok=True)


def move(path: Place, target: Place) -> None:
    """Move a file within this machine or within its object store, over one that is there."""
    if isinstance(path, ObjectPath):
        assert isinstance(target, ObjectPath)
        path.replace(target)
    else:
        assert isinstance(target, Path)
        path.replace(target)


def sync_folder(folder: Place) -> None:
    """Put the names in `folder` on disk, so that a rename survives a power cut."""
    if isinstance(folder, ObjectPath):
        return
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_bytes(path: Place, data: bytes) -> None:
    """Write a whole file atomically."""
    with atomic(path) as temporary:
        temporary.write_bytes(data)


def write_table(path: Place, table: pa.Table, row_group_size: int | None = None) -> None:
    """Write a Parquet file (zstd, a checksum on each page) atomically. The same table gives the
    same bytes."""
    with atomic(path) as temporary:
        pq.write_table(
            table,
            temporary,
            compression="zstd",
            row_group_size=row_group_size,
            write_page_checksum=True,
        )


def write_tables(path: Path, tables: Iterable[pa.Table], schema: pa.Schema) -> None:
    """Write tables of one schema below each other as `write_table` does, without holding them."""
    with (
        atomic(path) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd", write_page_checksum=True) as file,
    ):
        for table in tables:
            file.write_table(table)


def open_parquet(path: Place) -> pq.ParquetFile:
    """Open a Parquet file so that reading a page that is not what was written raises (OSError)."""
    return pq.ParquetFile(arrow_source(path), page_checksum_verification=True)


def read_table(path: Place, columns: list[str], filters: Any = None) -> pa.Table:
    """Columns of a Parquet file; `filters` as `pyarrow.parquet.read_table` takes them."""
    return pq.read_table(arrow_source(path), columns=columns, filters=filters)


def leaf(file: pq.ParquetFile, name: str) -> int:
    """The place of a plain column in a file's row groups, where a map before it takes two."""
    schema = file.metadata.schema
    return next(i for i in range(len(schema)) if schema.column(i).path == name)


def write_schema(folder: Place, schema: pa.Schema, name: str = "schema.parquet") -> None:
    """Leave a file without rows that gives readers the columns; rewritten when they changed."""
    path = folder / name
    if path.exists():
        try:
            if pq.read_schema(arrow_source(path)).equals(schema):
                return
        except (pa.ArrowInvalid, OSError):
            pass  # damaged: written anew
    write_table(path, schema.empty_table())


def remove_folder(folder: Place) -> None:
    """Remove a folder of files that is no longer needed."""
    if isinstance(folder, Path):
        shutil.rmtree(folder)
    else:
        for path in folder.glob("*"):
            path.unlink(missing_ok=True)
