"""Random figures × form × layout × fault × style: read back identical, or rejected."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tasks.report import read
from tests import fuzz
from tests.fuzz import BLANKS, STYLES, Trial, judge
from tests.publisher import layouts
from tests.publisher.case import MAKERS, fits
from tests.publisher.encodings import ENCODINGS
from tests.publisher.faults import FAULTS
from tests.publisher.form import FORMS
from tests.publisher.layouts.text import TEXTS
from tests.publisher.layouts.wrappers import WRAPPERS

STEADY = settings(
    derandomize=True,  # the same examples everywhere: what CI finds, a laptop finds
    database=None,
    deadline=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
PAGES = st.builds(
    "/".join,
    st.tuples(*(st.sampled_from(list(kind)) for kind in (layouts.BODIES, WRAPPERS, ENCODINGS))),
)
TEXT = st.sampled_from([f"text/{form}" for form in TEXTS])
FILES = st.sampled_from(list(layouts.FILES))


def trials(layout: st.SearchStrategy[str]) -> st.SearchStrategy[Trial]:
    """Any case in these layouts that leaves something to tell the damage by."""
    any_fault = st.sampled_from(list(FAULTS)) | st.just("none")
    return st.builds(
        Trial,
        form=st.sampled_from(FORMS),
        seed=st.integers(0, 10**6),
        figures=st.sampled_from(list(MAKERS)),
        layout=layout,
        fault=any_fault,
        style=st.sampled_from(STYLES),
    ).filter(
        lambda t: (
            fits(t.form, t.layout, t.fault)
            and not (
                t.layout == "text/pipes" and t.fault == "dropped_number" and t.figures in BLANKS
            )
        )
    )


def check(trial: Trial) -> None:
    """Fails with the arguments that make the case again."""
    result = judge(trial)
    assert result.outcome in ("read", "rejected"), f"{result.outcome}: {trial}: {result.detail}"


@settings(STEADY, max_examples=100)
@given(trials(PAGES))
def test_pages_are_read_back_or_rejected(trial: Trial) -> None:
    check(trial)


@settings(STEADY, max_examples=50)
@given(trials(TEXT))
def test_texts_are_read_back_or_rejected(trial: Trial) -> None:
    check(trial)


@pytest.mark.slow
@settings(STEADY, max_examples=60)
@given(trials(FILES))
def test_files_are_read_back_or_rejected(trial: Trial) -> None:
    check(trial)


@pytest.mark.slow
def test_the_first_cases_of_make_fuzz() -> None:
    results = list(fuzz.run(seed=1, numbers=range(1500), jobs=1))
    failed = [r for r in results if r.outcome in fuzz.FAILED]
    assert not failed, failed[0]
    total, shown = fuzz.tables(results)
    assert total["read"] > total["rejected"] > 300  # neither is all that happens
    assert shown.count("\n| ") > 80


def test_a_wrong_reading_is_told_from_a_right_one() -> None:
    """The judge itself: a fault in the page that the figures do not know must show."""
    trial = Trial("2021", 3, "probe", "clean/table/utf8", "none", "plain")
    made = trial.case()
    printed = made.document.figures.cells["requests.granted.total"].printed
    page = made.page.decode().replace(f"<td>{printed}</td>", "<td>4999</td>")
    reading = read(page.encode())
    said = list(fuzz.differences(made, reading, dropped=False))
    assert len(said) == 1
    assert said[0].startswith("requests.granted.total")
