"""Faults that were found once: values lost or misplaced without an alarm."""

from __future__ import annotations

import re

import pytest

from tasks.report import read
from tasks.report.numbers import Unreadable, read_value
from tasks.report.whose import years_in
from tests.fuzz import Trial, judge
from tests.publisher.case import case
from tests.report.mutants import Mutant, fate

MADE = case("2021", 3)
PAGE = MADE.page.decode()


def first_row_of(heading: str, row: str) -> bytes:
    at = PAGE.find("<tr", PAGE.find("<table", PAGE.find(heading)))
    return (PAGE[:at] + row + PAGE[at:]).encode()


@pytest.mark.parametrize("heading", ["二、主动公开", "三、收到"])
@pytest.mark.parametrize(
    "row", ["<tr><td>12</td></tr>", "<tr><td>其他特殊情形</td><td>12</td><td>7</td></tr>"]
)
def test_numbers_before_the_first_known_row_have_no_place(heading: str, row: str) -> None:
    assert read(first_row_of(heading, row)).outcome == "rejected"


@pytest.mark.parametrize("text", ["0O", "0l", "2648O", "0约", "3?"])
def test_a_spoiled_amount_is_not_a_blank(text: str) -> None:
    page = re.sub(r"(<td>行政处罚</td><td colspan=\"3\">)\d+", rf"\g<1>{text}", PAGE)
    assert page != PAGE
    assert read(page.encode()).outcome == "rejected"


@pytest.mark.parametrize("text", ["0O", "0l", "0约"])
def test_a_spoiled_number_in_a_blank_row_is_not_a_blank(text: str) -> None:
    page = re.sub(
        r"(<td>3\.其他</td>)(<td>\d+</td>){7}", r"\1" + "<td></td>" * 6 + f"<td>{text}</td>", PAGE
    )
    assert page != PAGE
    assert read(page.encode()).outcome == "rejected"


@pytest.mark.parametrize(
    "mutant",
    [
        Mutant("2021", 480798, "undecided", "erased_zero", ("swap_columns",)),
        Mutant("2021", 617955, "scattered", "erased_blank", ("swap_columns",)),
        Mutant("2019", 20103, "probe_consistent", "word_erased", ("swap_next_rows", "swap_labels")),
        Mutant("2021", 442925, "zeros_left_out", "word", ("spoil_digit", "blank_value")),
    ],
    ids=lambda m: f"{m.seed}",
)
def test_mutants(mutant: Mutant) -> None:
    assert fate(mutant).outcome in ("read", "rejected"), fate(mutant).detail


@pytest.mark.parametrize(
    "trial",
    [
        Trial("2021", 857295, "undecided", "text/pdf_text", "none", "mixed"),
        Trial("2021", 394147, "undecided", "text/pdf_text", "no_spans", "full_thousands"),
    ],
    ids=lambda t: f"{t.seed}",
)
def test_trials(trial: Trial) -> None:
    assert judge(trial).outcome in ("read", "rejected"), judge(trial).detail


@pytest.mark.parametrize("text", ["12²", "3①", "5⁽¹⁾", "一百二", "一千五", "一万二"])
def test_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        read_value(text, "count")


def test_a_well_formed_numeral() -> None:
    assert read_value("一万零三", "count").number == 10003


@pytest.mark.parametrize("text", ["共发布信息2036条", "邮编2023001", "编号20231234"])
def test_years(text: str) -> None:
    assert years_in(text) == []


def test_missing_rows_name_a_place() -> None:
    reason = read(case("2021", 3, fault="dropped_row").page).reason
    assert reason is not None
    assert reason.place is not None


def test_a_group_s_title_is_not_the_row_that_is_missing_below_it() -> None:
    granted = re.compile(
        r'(<td rowspan="22">[^<]*</td>)<td colspan="2">（一）予以公开</td>(<td>\d+</td>){7}'
    )
    page, count = granted.subn(r"\g<1>" + "<td></td>" * 7, PAGE)
    reason = read(page.encode()).reason
    assert count == 1
    assert reason is not None
    assert reason.code == "missing_rows"


def test_a_clause_down_the_side_does_not_make_room_for_a_cell_too_many() -> None:
    """The row has as many cells as its header's line, but the clause is one of that line's."""
    page = PAGE.replace('<tr><td colspan="4">第二十条第（一）项</td></tr>\n<tr>', "<tr>", 1)
    page = page.replace("<td>信息内容", '<td rowspan="3">第二十条第（一）项</td><td>信息内容', 1)
    assert read(page.encode()).outcome == "parsed"
    assert read(page.replace("规章</td>", "规章</td><td></td>").encode()).outcome == "rejected"


def test_blanks_lost_at_the_end_of_a_line_do_not_shift_its_numbers() -> None:
    """Tabs stripped from both ends of lines: what is left of a row does not tell where it began."""
    lines = []
    for row in re.findall(r"<h3>.*?</h3>|<tr>.*?</tr>", case("2021", 0).page.decode(), re.DOTALL):
        cells = re.findall(r"<(?:td|h3)[^>]*>(.*?)</(?:td|h3)>", row)
        values = cells[-7:] if len(cells) in (8, 9, 10) and "项" not in cells[0] else []
        labels = cells[: len(cells) - len(values)]
        blank = [""] * (3 - len(labels)) if values else []
        inside = bool(re.match(r"\d", labels[0]))
        if labels[0].startswith("四、结转"):
            values[-1] = ""
        row_cells = [*blank, *labels] if inside else [*labels, *blank]
        lines.append("\t".join([*row_cells, *values]).strip())
    text = "\n".join(["2023年政府信息公开工作年度报告", *lines, "以上。"])
    reason = read(text.encode()).reason
    assert reason is not None
    assert (reason.code, "四、结转" in reason.message) == ("unplaced_number", True)


@pytest.mark.parametrize(
    "trial",
    [
        # Seven figures follow the blank; the seven do not add up, for one belongs to no column.
        Trial("2019", 128760, "scattered", "per_clause/lines/gbk_late", "extra_number", "plain"),
        # “0 | 6 |  | 12” below three labels: the blank is the third column's, the 12 is of none.
        Trial("2021", 494436, "undecided", "text/pipes", "extra_number", "worded"),
        # The same in a row that is set one place to the right of its header, or to the left.
        Trial("2021", 570732, "undecided", "text/pdf_text", "extra_number", "worded"),
        Trial("2021", 131345, "undecided", "text/pdf_text", "extra_number", "gapped"),
        Trial("2021", 617866, "undecided", "text/pdf_text", "extra_number", "gapped"),
        Trial("2021", 64169, "zeros_left_out", "pdf_cut", "extra_number", "full_width"),
        Trial("2021", 278182, "zeros_left_out", "pdf_cut", "extra_number", "worded"),
    ],
)
def test_a_figure_too_many_beside_a_blank_is_refused(trial: Trial) -> None:
    made = trial.case()
    reading = read(made.page, content_type=made.content_type)
    assert reading.reason is not None
    assert reading.reason.code in ("competing_readings", "unplaced_number")
