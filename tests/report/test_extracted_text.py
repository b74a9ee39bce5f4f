"""Text that extractors make of a page's tables: cells apart by tabs, spaces or line breaks."""

from __future__ import annotations

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

SEPARATORS = {"one tab": "\t", "two tabs": "\t\t", "one space": " ", "lines": "\n"}
WITHOUT_BLANKS = ("consistent", "probe_consistent", "slashes")


def text_of(document: Document, between: str) -> str:
    """The report with a line per row, its cells apart by `between`; a cell's own lines by a space.

    Where cells are apart by spaces or lines, a blank cell leaves nothing.
    """

    def row(cells: list[str]) -> str:
        shown = [" ".join(cell.split("\n")) for cell in cells]
        return between.join(shown if "\t" in between else [cell for cell in shown if cell])

    def table(model: Table) -> str:
        return "\n".join(row([cell.text for cell in cells]) for cells in model.rows)

    return assembled(document, table)


@given(
    form=st.sampled_from(FORMS),
    seed=st.integers(0, 10**6),
    figures=st.sampled_from(list(MAKERS)),
    between=st.sampled_from(list(SEPARATORS)),
    broken=st.booleans(),
)
def test_no_value_is_misread(
    form: Form, seed: int, figures: str, between: str, broken: bool
) -> None:
    document = case(form, seed, figures=figures).document
    shaped = document.reshaped(broken_labels) if broken else document
    reading = read(text_of(shaped, SEPARATORS[between]).encode())
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
@pytest.mark.parametrize("between", SEPARATORS)
@pytest.mark.parametrize("form", FORMS)
def test_a_text_that_tells_every_figure_is_read(
    form: Form, between: str, figures: str, broken: bool
) -> None:
    document = case(form, 7, figures=figures).document
    shaped = document.reshaped(broken_labels) if broken else document
    reading = read(text_of(shaped, SEPARATORS[between]).encode())
    assert reading.outcome == "parsed", reading.reason
    assert {c.cell: c.value for c in reading.cells} == {
        code: figure.value for code, figure in document.figures.cells.items()
    }


def test_a_page_number_among_bare_cells_is_refused() -> None:
    document = case("2021", 7, figures="consistent").document
    text = text_of(document, "\n").replace("二、主动公开", "3\n二、主动公开", 1)
    reading = read(text.encode())
    assert reading.reason is not None
    assert reading.reason.code == "unplaced_number"


@pytest.mark.parametrize("between", [" ", "\n"], ids=["one space", "lines"])
def test_a_number_broken_beside_a_blank_is_refused(between: str) -> None:
    """The row has as many figures as columns, and they are not those of its columns."""
    document = case("2021", 7, figures="consistent").document
    text = text_of(document, between)
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
    reading = read(("浏览次数：\n1284\n" + text_of(document, "\n")).encode())
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
