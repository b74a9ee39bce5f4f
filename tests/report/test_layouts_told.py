"""Layouts in which labels say more than the form's own: rows of section 四 that name themselves,
columns and rows that only count, and comparisons beside the statutory tables.
"""

from __future__ import annotations

import re

import pytest

from tasks.report import read
from tests.publisher.case import case

MADE = case("2021", 3, figures="probe")
PAGE = MADE.page.decode()
TRUTH = {code: cell.value for code, cell in MADE.document.figures.cells.items()}
BLOCKS = {
    "reconsideration": "行政复议",
    "litigation_direct": "未经复议直接起诉",
    "litigation_after_review": "复议后起诉",
}
FIVE = {
    "upheld": "结果维持",
    "corrected": "结果纠正",
    "other": "其他结果",
    "pending": "尚未审结",
    "total": "总计",
}
Table = list[list[str]]


def figure(block: str, column: str) -> str:
    return str(TRUTH[f"review_litigation.{block}.{column}"])


def listed() -> Table:
    """A heading for each block, and a row for each outcome below it."""
    rows: Table = []
    for block, name in BLOCKS.items():
        rows += [[name], *([label, figure(block, column)] for column, label in FIVE.items())]
    return rows


def beside() -> Table:
    """The block's name in the first of its rows, as with a rowspan of any length."""
    rows = [[label, figure(block, c)] for block in BLOCKS for c, label in FIVE.items()]
    for at, name in zip((0, 5, 10), BLOCKS.values(), strict=True):
        rows[at] = [*(["行政诉讼"] if at == 5 else []), name, *rows[at]]
    return rows


def by_block() -> Table:
    rows = [[name, *(figure(block, c) for c in FIVE)] for block, name in BLOCKS.items()]
    rows[1] = ["行政诉讼", *rows[1]]
    return [["类别", *FIVE.values()], *rows]


def by_outcome() -> Table:
    rows = [[label, *(figure(block, c) for block in BLOCKS)] for c, label in FIVE.items()]
    return [["", "行政复议", "行政诉讼"], ["未经复议直接起诉", "复议后起诉"], *rows]


LAYOUTS = [listed, beside, by_block, by_outcome]


def page_with(table: Table) -> bytes:
    """The page with this table for section 四."""
    at = PAGE.index("<table", PAGE.index("四、政府信息公开行政复议"))
    rows = ["".join(f"<td>{text}</td>" for text in row) for row in table]
    html = "<table>" + "".join(f"<tr>{row}</tr>" for row in rows)
    return (PAGE[:at] + html + PAGE[PAGE.index("</table>", at) :]).encode()


def values(page: bytes) -> dict[str, object]:
    reading = read(page)
    assert reading.outcome == "parsed", reading.reason
    return {cell.cell: cell.value for cell in reading.cells}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_rows_of_section_four_that_name_themselves(layout: object) -> None:
    assert callable(layout)
    assert values(page_with(layout())) == TRUTH


def test_a_garbled_outcome_is_told_by_what_it_is_like() -> None:
    table = [[text.replace("尚未审结", "尚未结") for text in row] for row in listed()]
    assert values(page_with(table)) == TRUTH


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_no_longer_names_its_place_is_refused(layout: object) -> None:
    """Any one label gone or doubled, any one figure moved or doubled: refused, or read rightly."""
    assert callable(layout)
    count = refused = 0
    for row in range(len(layout())):
        for at in range(min(2, len(layout()[row]))):
            for change in ([], [""], ["复议后起诉"], ["总计", "总计"]):
                table = layout()
                blank = table[row][at].isdigit() and change == [""]  # and it is read as one
                if blank or change == [table[row][at]]:
                    continue
                table[row][at : at + 1] = change
                reading = read(page_with(table))
                count += 1
                refused += reading.outcome == "rejected"
                wrong = [c for c in reading.cells if c.value not in (None, TRUTH[c.cell])]
                assert not wrong, (table[row], wrong)
    assert refused > count * 0.8


def numbered(html: str, title: str) -> str:
    """Every table of sections 二 and 三 with a first column that counts its rows."""
    out = []
    for table in re.split(r"(?=<table)", html):
        rows = re.split(r"(?=<tr>)", table)
        ran = 0
        for i, row in enumerate(rows):
            if re.search(r"<td[^>]*>\d[\d.]*</td>", row):
                ran += 1
                rows[i] = row.replace("<tr>", f"<tr><td>{ran}</td>")
            elif "信息内容" in row or "本列数据" in row:
                rows[i] = row.replace("<tr>", f"<tr><td>{title}</td>")
        out.append("".join(rows))
    return "".join(out)


@pytest.mark.parametrize("title", ["序号", "行次"])
def test_a_column_that_counts_rows_is_left_out(title: str) -> None:
    begins, ends = PAGE.index("二、主动公开"), PAGE.index("四、政府信息公开行政复议")
    inside = numbered(PAGE[begins:ends], title)
    assert inside.count(title) == 5
    assert values((PAGE[:begins] + inside + PAGE[ends:]).encode()) == TRUTH
    gap = inside.replace("<td>5</td>", "<td>6</td>", 1)
    assert read((PAGE[:begins] + gap + PAGE[ends:]).encode()).outcome == "rejected"


def test_a_row_that_counts_columns_is_left_out() -> None:
    first = PAGE.rindex("<tr>", 0, PAGE.index("一、本年新收"))
    count = "".join(f"<td>{i}</td>" for i in range(1, 8))
    row = f'<tr><td colspan="3">栏次</td>{count}</tr>'
    assert values((PAGE[:first] + row + PAGE[first:]).encode()) == TRUTH


def test_a_comparison_below_another_heading_is_no_copy() -> None:
    rows = ("本年新收政府信息公开申请数量", "予以公开", "结转下年度继续办理")
    table = "".join(f"<tr><td>{row}</td><td>5</td><td>9</td></tr>" for row in rows)
    at = PAGE.index("五、存在的")
    at = PAGE.index("<p", at)
    assert values(f"{PAGE[:at]}<table>{table}</table>{PAGE[at:]}".encode()) == TRUTH
