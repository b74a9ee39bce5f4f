"""The statutory tables as rows of cells, between figures and layouts.

Layouts print this model and faults change it, so that each composes with all. A cell that holds a
figure carries the figure's code: whatever happens to the table, the truth moves with the cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby

from tests.publisher import form as statutory
from tests.publisher.figures import Figures
from tests.publisher.form import FormCell

BALANCE_NOTE = "（本列数据的勾稽关系为：第一项加第二项之和，等于第三项加第四项之和）"


@dataclass(frozen=True, slots=True)
class TableCell:
    """One cell as the source lists it; `code` is set where a figure stands."""

    text: str
    rowspan: int = 1
    colspan: int = 1
    code: str | None = None


Row = list[TableCell]


@dataclass(frozen=True, slots=True)
class Table:
    """One printed table; `section` says under which heading it stands ("all": under none)."""

    section: str
    rows: list[Row] = field(default_factory=list)

    def mapped(self, change: Callable[[TableCell], TableCell]) -> Table:
        """A copy with every cell changed."""
        return Table(self.section, [[change(cell) for cell in row] for row in self.rows])

    @property
    def width(self) -> int:
        """Columns of the widest row, spans from above not counted."""
        return max(sum(cell.colspan for cell in row) for row in self.rows)


def figure_cells(tables: list[Table]) -> Iterator[TableCell]:
    """The cells that hold figures, in reading order."""
    for table in tables:
        for row in table.rows:
            yield from (cell for cell in row if cell.code is not None)


def official(figures: Figures) -> list[Table]:
    """The three tables as the notices of the State Council's office print them."""
    return [_proactive(figures), _requests(figures), _review(figures)]


def _value(figures: Figures, cell: FormCell, colspan: int = 1) -> TableCell:
    return TableCell(figures.cells[cell.code].printed, 1, colspan, cell.code)


def _proactive(figures: Figures) -> Table:
    """Section 二: four columns; blocks by clause; short blocks widen their last columns."""
    rows: list[Row] = []
    cells = [c for c in statutory.cells(figures.form) if c.section == "proactive"]
    for clause, of_clause in groupby(cells, key=lambda c: c.clause):
        block = [list(row) for _, row in groupby(of_clause, key=lambda c: c.row)]
        rows.append([TableCell(clause, 1, 4)])
        spans = {1: (3,), 2: (1, 2), 3: (1, 1, 1)}[len(block[0])]
        labels = [
            TableCell(cell.column_label, 1, span)
            for cell, span in zip(block[0], spans, strict=True)
        ]
        rows.append([TableCell("信息内容"), *labels])
        for row in block:
            values = [_value(figures, cell, span) for cell, span in zip(row, spans, strict=True)]
            rows.append([TableCell(row[0].row_label), *values])
    return Table("proactive", rows)


def _requests(figures: Figures) -> Table:
    """Section 三: three label columns, seven of figures, three header rows."""
    kinds = ("商业企业", "科研机构", "社会公益组织", "法律服务机构", "其他")
    rows: list[Row] = [
        [TableCell(BALANCE_NOTE, 3, 3), TableCell("申请人情况", 1, 7)],
        [TableCell("自然人", 2), TableCell("法人或其他组织", 1, 5), TableCell("总计", 2)],
        [TableCell(kind) for kind in kinds],
    ]
    cells = [c for c in statutory.cells(figures.form) if c.section == "requests"]
    lines = [list(line) for _, line in groupby(cells, key=lambda c: c.row)]
    results = sum(1 for line in lines if line[0].group)
    groups = [line[0].group for line in lines]
    for number, line in enumerate(lines):
        first = line[0]
        outer, _, inner = first.group.partition("／")
        labels: Row = []
        if outer and outer not in groups[number - 1]:
            labels.append(TableCell(outer, results))
        if inner and first.group != groups[number - 1]:
            labels.append(TableCell(inner, groups.count(first.group)))
        labels.append(TableCell(first.row_label, 1, 1 if inner else 2 if outer else 3))
        rows.append([*labels, *(_value(figures, cell) for cell in line)])
    return Table("requests", rows)


def _review(figures: Figures) -> Table:
    """Section 四: three header rows over one row of fifteen figures."""
    results = ("结果维持", "结果纠正", "其他结果", "尚未审结", "总计")
    cells = [c for c in statutory.cells(figures.form) if c.section == "review_litigation"]
    return Table(
        "review_litigation",
        [
            [TableCell("行政复议", 1, 5), TableCell("行政诉讼", 1, 10)],
            [
                *(TableCell(result, 2) for result in results),
                TableCell("未经复议直接起诉", 1, 5),
                TableCell("复议后起诉", 1, 5),
            ],
            [TableCell(result) for _ in range(2) for result in results],
            [_value(figures, cell) for cell in cells],
        ],
    )


@dataclass(frozen=True, slots=True)
class Slot:
    """One position of the span-expanded grid: the cell there, and whether it begins there."""

    cell: TableCell
    begins: bool
    first_column: bool


def grid(table: Table) -> list[list[Slot]]:
    """The rows with spans expanded as a browser lays them out; short rows stay short."""
    rows: list[list[Slot]] = []
    hanging: dict[int, tuple[TableCell, int, bool]] = {}
    for row in table.rows:
        line: list[Slot] = []
        waiting = list(row)
        while waiting or len(line) in hanging:
            column = len(line)
            if column in hanging:
                cell, left, first = hanging.pop(column)
                line.append(Slot(cell, False, first))
                if left > 1:
                    hanging[column] = (cell, left - 1, first)
                continue
            cell = waiting.pop(0)
            for offset in range(cell.colspan):
                line.append(Slot(cell, offset == 0, offset == 0))
                if cell.rowspan > 1:
                    hanging[column + offset] = (cell, cell.rowspan - 1, offset == 0)
        rows.append(line)
    return rows


def relabelled(tables: list[Table], change: Callable[[str], str]) -> list[Table]:
    """A copy whose labels read otherwise; figures stay."""

    def relabel(cell: TableCell) -> TableCell:
        return cell if cell.code else replace(cell, text=change(cell.text))

    return [table.mapped(relabel) for table in tables]
