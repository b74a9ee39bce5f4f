"""Text that extractors make of a page's tables: cells apart by tabs, spaces or line breaks."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.report import read
from tests.publisher.case import MAKERS, case
from tests.publisher.document import Document
from tests.publisher.form import FORMS, Form
from tests.publisher.layouts.text import assembled
from tests.publisher.shapes import broken_labels
from tests.publisher.tables import Table
from tests.report.test_properties import STEADY

Row = Callable[[list[str], int], str]  # of cells, in a table of so many columns


def apart(between: str) -> Row:
    return lambda cells, width: between.join(cells)


ROWS: dict[str, Row] = {
    "one tab": apart("\t"),
    "two tabs": apart("\t\t"),
    "one space": apart(" "),
    "lines": apart("\n"),
    "two bars": lambda cells, width: f"|{'||'.join(cells)}|",
    "bars before": lambda cells, width: "\n".join(f"|{cell}" for cell in cells),
    "bars behind": lambda cells, width: (
        "".join(f"{cell} |\n" for cell in cells) + "|" * (width - len(cells))
    ),
    "bars between": lambda cells, width: (
        "\n|\n".join(cells) + "\n|\n|" + "|" * (width - len(cells))
    ),
    "bars around": lambda cells, width: (
        "| " + "".join(f"\n {cell}  | " for cell in cells) + "|" * (width - len(cells))
    ),
}
KEEPING_BLANKS = ("one tab", "two tabs", "two bars")
KEEPING_LINES = ("bars behind", "bars between", "bars around")
WITHOUT_BLANKS = ("consistent", "probe_consistent", "slashes")


def text_of(document: Document, rows: str) -> str:
    """The report with its rows as `rows` says; a cell's own lines by a space where it has one.

    But where tabs or two bars part them, a blank cell leaves nothing.
    """

    def row(cells: list[str], width: int) -> str:
        kept = cells if rows in KEEPING_BLANKS else [cell for cell in cells if cell]
        lines = kept if rows in KEEPING_LINES else [" ".join(c.split("\n")) for c in kept]
        return ROWS[rows](lines, width)

    def table(model: Table) -> str:
        return "\n".join(row([cell.text for cell in cells], model.width) for cells in model.rows)

    return assembled(document, table)


@given(
    form=st.sampled_from(FORMS),
    seed=st.integers(0, 10**6),
    figures=st.sampled_from(list(MAKERS)),
    rows=st.sampled_from(list(ROWS)),
    broken=st.booleans(),
)
def test_no_value_is_misread(form: Form, seed: int, figures: str, rows: str, broken: bool) -> None:
    document = case(form, seed, figures=figures).document
    shaped = document.reshaped(broken_labels) if broken else document
    reading = read(text_of(shaped, rows).encode())
    truth = document.figures.cells
    wrong = [
        (c.cell, c.value, truth[c.cell].value)
        for c in reading.cells
        if c.value is not None and c.value != truth[c.cell].value
    ]
    assert not wrong


test_no_value_is_misread = STEADY(test_no_value_is_misread)


@pytest.mark.parametrize("broken", [False, True], ids=["whole labels", "labels on two lines"])
@pytest.mark.parametrize("figures", WITHOUT_BLANKS)
@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("form", FORMS)
def test_a_text_that_tells_every_figure_is_read(
    form: Form, rows: str, figures: str, broken: bool
) -> None:
    document = case(form, 7, figures=figures).document
    shaped = document.reshaped(broken_labels) if broken else document
    reading = read(text_of(shaped, rows).encode())
    assert reading.outcome == "parsed", reading.reason
    assert {c.cell: c.value for c in reading.cells} == {
        code: figure.value for code, figure in document.figures.cells.items()
    }


def test_a_page_number_among_bare_cells_is_refused() -> None:
    document = case("2021", 7, figures="consistent").document
    text = text_of(document, "lines").replace("二、主动公开", "3\n二、主动公开", 1)
    reading = read(text.encode())
    assert reading.reason is not None
    assert reading.reason.code == "unplaced_number"


@pytest.mark.parametrize(("rows", "between"), [("one space", " "), ("lines", "\n")])
def test_a_number_broken_beside_a_blank_is_refused(rows: str, between: str) -> None:
    """The row has as many figures as columns, and they are not those of its columns."""
    document = case("2021", 7, figures="consistent").document
    text = text_of(document, rows)
    full = between.join(["规章", "0", "0", "0"])
    assert full in text
    outcomes = {}
    for printed in ("3 608 9", "36 08 9", "9 3 608", "3 60 9"):
        page = text.replace(full, between.join(["规章", *printed.split()]))
        reading = read(page.encode())
        outcomes[printed] = reading.reason.code if reading.reason else reading.outcome
    refused = dict.fromkeys(("3 608 9", "36 08 9", "9 3 608"), "unplaced_number")
    assert outcomes == {**refused, "3 60 9": "parsed"}
    # A text that prints thousands whole does not group them.
    fee = between.join(["行政事业性收费", "0"])
    page = text.replace(full, between.join(["规章", "3", "608", "9"]))
    page = page.replace(fee, fee[:-1] + "4608")
    assert read(page.encode()).outcome == "parsed"


def test_a_visit_count_above_the_report_is_no_page_number() -> None:
    document = case("2021", 7, figures="consistent").document
    reading = read(("浏览次数：\n1284\n" + text_of(document, "lines")).encode())
    assert reading.outcome == "parsed", reading.reason


def test_a_number_behind_a_blank_first_place_is_refused() -> None:
    """What stands there may belong to no column; a row whose blanks follow its values is read."""
    page = case("2021", 7, figures="consistent", layout="text/pipes").page.decode()
    row = next(line for line in page.split("\n") if line.startswith("行政处罚 |"))
    label, value, *rest = row.split("|")
    assert read(page.encode()).outcome == "parsed"
    moved = "|".join([label, " ", value, *rest[1:]])
    reading = read(page.replace(row, moved).encode())
    assert reading.reason is not None
    assert reading.reason.code == "competing_readings"


def stacked(document: Document) -> str:
    """Rows of bars; the lines of broken labels stand above one another, each line a row of bars."""

    def table(model: Table) -> str:
        out = []
        for row in model.rows:
            cells = [cell.text.split("\n") for cell in row]
            for n in range(max(map(len, cells))):
                out.append(" | ".join(lines[n] for lines in cells if n < len(lines)) + " |")
        return "\n".join(out)

    return assembled(document, table)


def broken_rows(document: Document) -> str:
    """Rows of tabs that end where a label is broken: 商业, and on the next line 企业 and so on."""
    return assembled(
        document,
        lambda model: "\n".join("\t\t".join(cell.text for cell in row) for row in model.rows),
    )


@pytest.mark.parametrize("text", [stacked, broken_rows])
@pytest.mark.parametrize("form", FORMS)
def test_labels_broken_over_the_lines_of_a_text_are_put_together(
    form: Form, text: Callable[[Document], str]
) -> None:
    document = case(form, 7, figures="probe").document.reshaped(broken_labels)
    reading = read(unicodedata.normalize("NFKC", text(document)).encode())
    assert reading.outcome == "parsed", reading.reason
    truth = document.figures.cells
    assert {c.cell: c.value for c in reading.cells} == {k: f.value for k, f in truth.items()}


@pytest.mark.parametrize("rows", ["lines", "bars behind"])
def test_a_sentence_above_a_table_is_no_label_of_it(rows: str) -> None:
    document = case("2021", 7, figures="consistent").document
    text = text_of(document, rows)
    for heading in ("二、主动公开政府信息情况", "三、收到和处理政府信息公开申请情况"):
        assert heading in text
        text = text.replace(heading, f"{heading}\n本年制发文件8件，见下表：")
    reading = read(text.encode())
    assert reading.outcome == "parsed", reading.reason


def test_a_number_torn_from_its_row_is_refused() -> None:
    """757 as 7 and 57, on lines of their own: the row below would read 57."""
    document = case("2021", 7, figures="probe").document
    rows = document.tables[-1].rows[-1]
    text = text_of(document, "two tabs")
    row = "\t\t".join(cell.text for cell in rows)
    assert row in text
    assert rows[0].text[0] != "0"
    for torn in (f"{row[0]}\n{row[1:]}", f"{row[:-1]}\n{row[-1]}"):
        reading = read(text.replace(row, torn).encode())
        assert reading.reason is not None
        assert reading.reason.code == "unplaced_number"


def test_a_text_may_keep_the_rows_of_one_table_and_part_the_cells_of_another() -> None:
    document = case("2019", 7, figures="consistent").document

    def table(model: Table) -> str:
        row = ROWS["bars behind"] if model.section == "requests" else apart(" | ")
        texts = [[cell.text for cell in cells] for cells in model.rows]
        return "\n".join(row(cells, model.width) + " |" for cells in texts)

    reading = read(assembled(document, table).encode())
    assert reading.outcome == "parsed", reading.reason
    truth = document.figures.cells
    assert {c.cell: c.value for c in reading.cells} == {k: f.value for k, f in truth.items()}
