"""What a person sees while a run goes on: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from flows import progress
from flows.progress import Step, duration, finished, told


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (4.24, "4.2 s"),
        (38.4, "38 s"),
        (720.0, "12 min"),
        (5999.0, "1 h 40 min"),
        (11_100.0, "3 h 05 min"),
    ],
)
def test_a_span_of_time_as_one_says_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_step_tells_amount_rate_and_what_is_left() -> None:
    step = Step("Parsing", 3000, "documents")
    assert told(step, 2.0) == "0 of 3,000 documents, 0.0 a second"
    step.advance(1000)
    assert told(step, 20.0) == "1,000 of 3,000 documents, 50.0 a second, 40 s left"
    step.advance(2000)
    assert finished(step, 60.0) == "3,000 documents in 60 s, 50.0 a second"
    assert told(Step("Publishing", None, "tables"), 12.0) == "12 s so far"


@pytest.mark.parametrize("terminal", [True, False])
def test_bars_on_a_terminal_and_lines_elsewhere(terminal: bool) -> None:
    written = io.StringIO()
    console = Console(file=written, force_terminal=terminal, width=120)
    with progress.shown(console), progress.current().step("Parsing", 40, "documents") as step:
        step.advance(40, "batch 1")
    text = written.getvalue()
    assert ("\x1b[" in text) == terminal
    if terminal:
        assert "━" in text
        assert "40/40" in text
        assert "✓" in text
    else:
        assert text == "Parsing: 40 documents in 0.0 s\n"
    assert isinstance(progress.current(), progress.Quiet)
