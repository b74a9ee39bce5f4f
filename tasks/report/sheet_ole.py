"""What must hold of an XLS before python-calamine may read it.

calamine follows the sector chains of the OLE2 container without looking for rings: one changed byte
makes it allocate until the process is aborted, which no `except` catches. It also unfolds a sheet
from its first to its last cell. So both are walked here first; that costs a millisecond.
"""

from __future__ import annotations

import struct

from tasks.report.model import Reject
from tasks.report.sheet_package import MOST_SQUARES

_FREE = 0xFFFFFFFB  # this and above are no sectors
_END = 0xFFFFFFFE
_SMALL = 4096  # streams below this lie in the mini stream
_BOF = 0x809
_STRINGS = 0xFC
_CELLS = {  # records of one cell or of cells beside each other, all beginning with row and column
    0x06, 0x7E, 0xBD, 0xBE, 0xD6, 0xFD, 0x201, 0x203, 0x204, 0x205, 0x206, 0x27E,
}  # fmt: skip
_MULTIPLE = {0xBD, 0xBE}  # these end with their last column


def verify(data: bytes) -> None:
    """Raises `Reject` with `broken_file` or `too_large` when the file is not safe to read."""
    try:
        _Container(data).verify()
    except (struct.error, IndexError):
        raise _broken("it ends in the middle") from None


def _broken(why: str) -> Reject:
    return Reject("broken_file", f"the file's container is damaged: {why}")


class _Container:
    def __init__(self, data: bytes) -> None:
        self.data = data
        shift, small_shift = struct.unpack_from("<HH", data, 30)
        if shift not in (9, 12) or small_shift != 6:
            raise _broken("unknown sector size")
        self.size = 1 << shift
        self.sectors = max(0, -(-(len(data) - self.size) // self.size))
        self.table = self._sector_table()

    def _sector(self, number: int) -> bytes:
        if number >= self.sectors:
            raise _broken("a sector lies outside the file")
        begin = (number + 1) * self.size
        return self.data[begin : begin + self.size].ljust(self.size, b"\0")

    def _numbers(self, sector: int) -> tuple[int, ...]:
        return struct.unpack(f"<{self.size // 4}I", self._sector(sector))

    def _sector_table(self) -> list[int]:
        """The table that says which sector follows which."""
        parts = list(struct.unpack_from("<109I", self.data, 76))
        following = struct.unpack_from("<I", self.data, 68)[0]
        seen: set[int] = set()
        while following < _FREE:
            if following in seen:
                raise _broken("a ring of sectors")
            seen.add(following)
            *more, following = self._numbers(following)
            parts += more
        table: list[int] = []
        for part in parts:
            if part < _FREE:
                table.extend(self._numbers(part))
                if len(table) > 4 * self.sectors + 4 * self.size:
                    raise _broken("its table is larger than the file")
        return table

    def chain(self, start: int, table: list[int]) -> list[int]:
        """The sectors from `start` to the end of their chain."""
        found: list[int] = []
        seen: set[int] = set()
        while start != _END:
            if start >= len(table):
                raise _broken("a chain of sectors leads nowhere")
            if start in seen:
                raise _broken("a ring of sectors")
            seen.add(start)
            found.append(start)
            start = table[start]
        return found

    def stream(self, start: int) -> bytes:
        return b"".join(self._sector(number) for number in self.chain(start, self.table))

    def verify(self) -> None:
        """Walks every chain that a reader may follow, and the records of the workbook."""
        directory = self.stream(struct.unpack_from("<I", self.data, 48)[0])
        mini_start, mini_count = struct.unpack_from("<II", self.data, 60)
        raw = self.stream(mini_start) if mini_count or mini_start < _FREE else b""
        mini_table = list(struct.unpack(f"<{len(raw) // 4}I", raw))
        mini = b""
        for at in range(0, len(directory) - 127, 128):
            kind = directory[at + 66]
            start, size = struct.unpack_from("<II", directory, at + 116)
            length = min(struct.unpack_from("<H", directory, at + 64)[0], 64)
            name = directory[at : at + max(0, length - 2)].decode("utf-16-le", "replace")
            if kind == 5:
                mini = self.stream(start) if start < _FREE else b""
            elif kind == 2 and size:
                if size < _SMALL:
                    pieces = self.chain(start, mini_table)
                    stream = b"".join(mini[64 * k : 64 * k + 64] for k in pieces)
                else:
                    stream = self.stream(start)
                if size > len(stream):
                    raise _broken("a stream is shorter than it says")
                if name.lower() in ("workbook", "book"):
                    _verify_records(stream[:size])


def _verify_records(stream: bytes) -> None:
    """Adds up how large the sheets unfold; a record may not reach past the stream."""
    at = squares = bottom = right = 0
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        body = at + 4
        at = body + length
        if at > len(stream):
            raise _broken("a record is cut off")
        if kind == _BOF:
            squares += bottom * right
            bottom = right = 0
        elif kind in _CELLS and length >= 6:
            row, column = struct.unpack_from("<HH", stream, body)
            if kind in _MULTIPLE:
                column = struct.unpack_from("<H", stream, at - 2)[0]
            bottom, right = max(bottom, row + 1), max(right, column + 1)
        elif kind == _STRINGS and length >= 8:
            if struct.unpack_from("<I", stream, body + 4)[0] > len(stream):
                raise _broken("more strings than bytes")
        elif kind == 0 and length == 0:
            break  # padding
    if squares + bottom * right > MOST_SQUARES:
        raise Reject("too_large", "the sheets are too large")
