"""Files of an object store (the S3 protocol), through the part of pathlib's interface used here.

A folder of the warehouse may lie in a bucket instead of on this machine. An object appears whole
when its upload ends and is replaced whole; nothing can be renamed, so whatever is not to be seen
yet is written under another prefix and copied. Credentials come from the environment
(`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, or the machine's role), never from an address.

That the store does not answer is no damage of a file: it raises `Unreachable` and not OSError.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
from fsspec.implementations.arrow import ArrowFSWrapper
from pyarrow import fs as arrow

from tasks.records import BadInput

_SCHEME = "s3://"


class Unreachable(BadInput):
    """The object store does not answer or refuses; what is at rest is as it was."""


class Told(NamedTuple):
    """What a listing says of an object, by the names of `os.stat_result`."""

    st_size: int
    st_mtime_ns: int


@dataclass(frozen=True, order=True, slots=True)
class ObjectPath:
    """An object or a prefix; what pathlib also has means the same.

    `key`: bucket and name. `options`: of the store, as in its address after the "?"
    (`endpoint_override`, `scheme`, `region`). `told`: what the listing that found it said.
    """

    key: str
    options: str = ""
    told: Told | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, url: str) -> ObjectPath:
        """The place that an address (`s3://bucket/prefix?options`) names. BadInput when none."""
        where, _, options = url.partition("?")
        key = where.removeprefix(_SCHEME).strip("/")
        if not where.startswith(_SCHEME) or not key or "@" in where:
            raise BadInput(
                f"{url!r} is no place in an object store; write s3://BUCKET/PREFIX, and give the "
                "credentials in the environment"
            )
        return cls(key, options)

    @property
    def url(self) -> str:
        """The address with the options: `of` gives the same place again, on any machine."""
        return str(self) + (f"?{self.options}" if self.options else "")

    def __str__(self) -> str:
        """The address by which DuckDB names it."""
        return _SCHEME + self.key

    def __truediv__(self, name: str) -> ObjectPath:
        return ObjectPath(f"{self.key}/{name}", self.options)

    @property
    def name(self) -> str:
        return PurePosixPath(self.key).name

    @property
    def stem(self) -> str:
        return PurePosixPath(self.key).stem

    @property
    def parent(self) -> ObjectPath:
        return ObjectPath(str(PurePosixPath(self.key).parent), self.options)

    def with_suffix(self, suffix: str) -> ObjectPath:
        return ObjectPath(str(PurePosixPath(self.key).with_suffix(suffix)), self.options)

    def as_uri(self) -> str:
        return str(self)

    def mkdir(self, **_: bool) -> None:
        """Nothing to do: a prefix is there when an object has it."""

    def glob(self, pattern: str) -> Iterator[ObjectPath]:
        """The objects directly below this prefix whose name matches, with what the listing says."""
        with self._answering():
            found = _store(self.options).get_file_info(
                arrow.FileSelector(self.key, allow_not_found=True)
            )
        for info in found:
            if info.is_file and fnmatchcase(info.base_name, pattern):
                told = Told(info.size, info.mtime_ns or 0)
                yield ObjectPath(info.path, self.options, told)

    def exists(self) -> bool:
        with self._answering():
            return bool(_store(self.options).get_file_info(self.key).is_file)

    def stat(self) -> Told:
        if self.told is not None:
            return self.told
        with self._answering():
            info = _store(self.options).get_file_info(self.key)
        if not info.is_file:
            raise FileNotFoundError(str(self))
        return Told(info.size, info.mtime_ns or 0)

    def open_random(self) -> pa.NativeFile:
        """The object for reading a range at a time."""
        with self._answering():
            return pa.PythonFile(_Reading(self), mode="r")

    def read_bytes(self) -> bytes:
        with self._answering(), _store(self.options).open_input_file(self.key) as file:
            return bytes(file.read())

    def read_text(self, encoding: str = "utf-8") -> str:
        return self.read_bytes().decode(encoding)

    def write_bytes(self, data: bytes | bytearray) -> None:
        """Put bytes there; they appear, or take the place of others, whole when this returns."""
        with self._answering():
            # Not a `with`: leaving it on an error would complete the half of an upload.
            stream = _store(self.options).open_output_stream(self.key)
            stream.write(data)
            stream.close()

    def replace(self, target: ObjectPath) -> None:
        """Move it within the store: first the copy appears, then this one goes."""
        with self._answering():
            store = _store(self.options)
            store.copy_file(self.key, target.key)
            store.delete_file(self.key)

    def unlink(self, missing_ok: bool = False) -> None:
        if missing_ok and not self.exists():
            return
        with self._answering():
            _store(self.options).delete_file(self.key)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as e:
            raise Unreachable(
                f"{self}: the object store does not give or take it "
                f"({' '.join(str(e).split())[:200]}); nothing at rest is lost: try again later"
            ) from None  # whoever looks at the cause takes an OSError for damage


class _Reading(io.RawIOBase):
    """What Arrow reads of an object, so that an outage shows as `Unreachable`."""

    def __init__(self, path: ObjectPath) -> None:
        self._path = path
        self._file = _store(path.options).open_input_file(path.key)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return int(self._file.tell())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._file.seek(offset, whence))

    def read(self, size: int = -1) -> bytes:
        with self._path._answering():
            return bytes(self._file.read(None if size < 0 else size))

    def close(self) -> None:
        self._file.close()
        super().close()


class _ForDuckDB(ArrowFSWrapper):  # type: ignore[misc]
    protocol = "s3"


@cache
def _store(options: str) -> arrow.FileSystem:
    return arrow.FileSystem.from_uri(f"{_SCHEME}any" + (f"?{options}" if options else ""))[0]


Place = Path | ObjectPath
"""A file or a folder on this machine or in an object store."""


def place(name: str) -> Place:
    """The place that a path or an address names."""
    return ObjectPath.of(name) if name.startswith(_SCHEME) else Path(name)


def listed(folder: Place, pattern: str) -> list[Place]:
    """The files of a folder whose names match, in the order of their names."""
    return sorted([*folder.glob(pattern)], key=lambda path: path.name)


def let_read(connection: duckdb.DuckDBPyConnection, of: Place) -> None:
    """Have a connection read `s3://…` names from the store that `of` is in."""
    if isinstance(of, ObjectPath) and not connection.filesystem_is_registered("s3"):
        connection.register_filesystem(_ForDuckDB(_store(of.options)))


def arrow_source(of: Place) -> Any:
    """What pyarrow.parquet reads it from."""
    return of.open_random() if isinstance(of, ObjectPath) else of
