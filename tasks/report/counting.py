"""A first column that counts rows (序号), and a row below the header that counts columns (栏次).

Only what is numbered 1, 2, 3 is taken for one, and only before a row's first label, where no figure
of the form stands.
"""

from __future__ import annotations

from tasks.report.lines import Copy, Line

_TITLES = {"序号", "编号", "行号", "行次", "栏次", "列次"}


def leave_out(copy: Copy) -> None:
    """Takes such a column and such a row out of a copy of a section."""
    lines = [line for line in copy.lines if not _counts_columns(line)]
    copy.counted = len(lines) < len(copy.lines)
    if _counts_rows(lines):
        lines = [_without_count(line) for line in lines]
        copy.counted = True
    copy.lines = lines


def _counts_columns(line: Line) -> bool:
    if len(line.labels) != 1 or line.labels[0] not in _TITLES:
        return False
    numbers = [
        c.text.strip() for c, kind in zip(line.cells, line.kinds, strict=True) if kind == "n"
    ]
    return bool(numbers) and numbers == [str(i + 1) for i in range(len(numbers))]


def _counts_rows(lines: list[Line]) -> bool:
    """Whether every row with figures begins with the number after the last row's, or with 1."""
    last = 0
    for line in lines:
        if not line.filled:
            continue
        number = line.cells[0].text.strip() if line.kinds.startswith("nt") else ""
        if number not in (str(last + 1), "1"):
            return False
        last = int(number)
    return last > 0


def _without_count(line: Line) -> Line:
    titled = line.kinds.startswith("t") and line.labels[0] in _TITLES and len(line.cells) > 1
    return line.without_first() if line.filled or titled else line
