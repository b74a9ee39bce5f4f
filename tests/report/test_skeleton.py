"""A page that takes the placement of an earlier one is read as if it were the first."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tasks.report import html, read, skeleton
from tasks.report.model import Reading
from tests.publisher import layouts
from tests.publisher.case import MAKERS, case, fits
from tests.publisher.faults import FAULTS
from tests.publisher.form import FORMS, Form
from tests.report.test_properties import STEADY


def first(page: bytes) -> Reading:
    """The page read by a reader that has seen no other."""
    skeleton.forget()
    return read(page)


@given(
    form=st.sampled_from(FORMS),
    seeds=st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)),
    figures=st.tuples(st.sampled_from(list(MAKERS)), st.sampled_from(list(MAKERS))),
    body=st.sampled_from(list(layouts.BODIES)),
    fault=st.sampled_from(list(FAULTS)),
)
@pytest.mark.slow
def test_the_second_page_of_a_kind(
    form: Form, seeds: tuple[int, int], figures: tuple[str, str], body: str, fault: str
) -> None:
    layout = f"{body}/table/utf8"
    assume(fits(form, layout, fault))
    pages = [
        case(form, seed, figures=made, layout=layout, fault=fault).page
        for seed, made in zip(seeds, figures, strict=True)
    ]
    alone = [first(page) for page in pages]
    skeleton.forget()
    assert [read(page) for page in pages] == alone


test_the_second_page_of_a_kind = STEADY(test_the_second_page_of_a_kind)


def recalled(page: bytes) -> bool:
    return skeleton.recall(skeleton.skeleton(html.source(page))) is not None


def test_other_numbers_make_no_other_skeleton() -> None:
    one, two = (case("2021", seed, figures="probe_consistent").page for seed in (1, 2))
    skeleton.forget()
    read(one)
    assert one != two
    assert recalled(two)


@pytest.mark.parametrize(
    ("old", "new"),
    [("行政许可", "行政处罚"), ("（一）予以公开", "")],
    ids=["another label", "a lost label"],
)
def test_another_label_makes_another_skeleton(old: str, new: str) -> None:
    page = case("2021", 1).page
    assert old.encode() in page
    skeleton.forget()
    read(page)
    assert not recalled(page.replace(old.encode(), new.encode(), 1))


def test_a_row_without_its_label_is_placed_anew_each_time() -> None:
    page = case("2021", 1, layout="erased_blank/table/utf8").page
    skeleton.forget()
    assert read(page).outcome == "parsed"
    assert not recalled(page)
