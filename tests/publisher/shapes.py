"""Other ways to draw the same tables; each keeps every figure, and a reader must read each."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from tests.publisher.document import HEADINGS
from tests.publisher.tables import Row, Table, TableCell, relabelled

Shape = Callable[[list[Table]], list[Table]]

_SUBLABEL = re.compile(r"^\d\.")
_BREAKS = {
    "商业企业": "商业\n企业",
    "科研机构": "科研\n机构",
    "社会公益组织": "社会\n公益\n组织",
    "法律服务机构": "法律\n服务\n机构",
    "结果维持": "结果\n维持",
    "结果纠正": "结果\n纠正",
    "其他结果": "其他\n结果",
    "尚未审结": "尚未\n审结",
    "（三）不予公开": "（三）不\n予公开",
    "（五）不予处理": "（五）不\n予处理",
    "三、本年度办理结果": "三、本\n年度办理结果",
}
_SHORT = {
    "现行有效件数": "现行有效件",
    "结果纠正": "结果",
    "其他结果": "其他",
    "尚未审结": "尚未",
    "本年处理决定数量": "处理决定数量",
}
_HALF = str.maketrans("（）：，“”", '():,""')


def broken_labels(tables: list[Table]) -> list[Table]:
    """Narrow cells break their labels over lines."""
    return relabelled(tables, lambda text: _BREAKS.get(text, text))


def spaced_labels(tables: list[Table]) -> list[Table]:
    """The same breaks, turned into spaces by an extraction or an editor."""
    return relabelled(tables, lambda text: _BREAKS.get(text, text).replace("\n", " "))


def half_width(tables: list[Table]) -> list[Table]:
    """Half-width brackets, colons and quotation marks in labels."""
    return relabelled(tables, lambda text: text.translate(_HALF))


def shortened(tables: list[Table]) -> list[Table]:
    """Header labels that lost characters; the last characters of section 四 are gone."""
    return relabelled(tables, lambda text: _SHORT.get(text, text))


def erased(tables: list[Table], text: str = "0") -> list[Table]:
    """The sub-labels of （三）-（六） read "0": eight zeros are a label and seven figures."""
    return relabelled(tables, lambda label: text if _SUBLABEL.match(label) else label)


def split(tables: list[Table]) -> list[Table]:
    """Section 三 in two tables, cut where （四） begins; the second has no header."""
    return [part for table in tables for part in _cut(table)]


def _cut(table: Table) -> list[Table]:
    at = next((n for n, row in enumerate(table.rows) if _starts(row, "（四）", "(四)")), None)
    if table.section != "requests" or at is None:
        return [table]
    head = [[_clip(cell, at - n) for cell in row] for n, row in enumerate(table.rows[:at])]
    rest = [list(row) for row in table.rows[at:]]
    over = [
        replace(cell, rowspan=n + cell.rowspan - at)
        for n, row in enumerate(table.rows[:at])
        for cell in row
        if n + cell.rowspan > at
    ]
    rest[0][:0] = over  # 三、 reaches over the cut, and is printed again
    return [Table(table.section, head), Table(table.section, rest)]


def _starts(row: Row, *texts: str) -> bool:
    return any(cell.text.startswith(texts) for cell in row)


def _clip(cell: TableCell, rows: int) -> TableCell:
    return replace(cell, rowspan=min(cell.rowspan, rows))


def joined(tables: list[Table]) -> list[Table]:
    """One table holds all three sections, their headings being rows of it."""
    width = max((table.width for table in tables), default=0)
    rows: list[Row] = []
    for table in tables:
        rows.append([TableCell(HEADINGS[table.section], 1, width)])
        rows += table.rows
    return [Table("all", rows)] if rows else []


def per_clause(tables: list[Table]) -> list[Table]:
    """Section 二 in one table for each clause."""
    result: list[Table] = []
    for table in tables:
        if table.section != "proactive":
            result.append(table)
            continue
        for row in table.rows:
            if _starts(row, "第二十条"):
                result.append(Table(table.section))
            result[-1].rows.append(row)
    return result


def trailing_row(tables: list[Table]) -> list[Table]:
    """An empty last row, as careless editors leave it."""
    result = []
    for table in tables:
        empty: Row = [TableCell("", 1, table.width)]
        result.append(Table(table.section, [*table.rows, empty]))
    return result


SHAPES: dict[str, Shape] = {
    "official": lambda tables: tables,
    "broken_labels": broken_labels,
    "spaced_labels": spaced_labels,
    "half_width": half_width,
    "shortened": shortened,
    "erased_zero": erased,
    "erased_blank": lambda tables: erased(tables, ""),
    "split": split,
    "joined": joined,
    "per_clause": per_clause,
    "trailing_row": trailing_row,
}
