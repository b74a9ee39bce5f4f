"""What a person sees while a run is going on: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

LINE_SECONDS = 10.0


def told(step: Step, seconds: float) -> str:
    """How far a step is after some seconds: amount, rate, and what is left at that rate."""
    if not step.total:
        return f"{duration(seconds)} so far"
    rate = step.done / seconds if seconds else 0.0
    left = f", {duration((step.total - step.done) / rate)} left" if rate else ""
    return f"{step.done:,} of {step.total:,} {step.unit}, {rate:,.1f} a second{left}"


def finished(step: Step, seconds: float) -> str:
    """What a step has done, in how long."""
    amount = f"{step.done:,} {step.unit}" if step.unit else "done"
    rate = f", {step.done / seconds:,.1f} a second" if step.total and seconds >= 1 else ""
    return f"{amount} in {duration(seconds)}{rate}"


def duration(seconds: float) -> str:
    """A span of time as one says it: 4.2 s, 38 s, 12 min, 3 h 05 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"


class Step:
    """One stage under way. `advance` may be called from any thread."""

    def __init__(self, title: str, total: int | None, unit: str) -> None:
        self.title, self.total, self.unit = title, total, unit
        self.done, self.note = 0, ""
        self._lock = threading.Lock()

    def advance(self, n: int = 1, note: str = "") -> None:
        """`n` more are done; `note` says what the last was."""
        with self._lock:
            self.done += n
            self.note = note
            self._moved()

    def _moved(self) -> None:
        """Shows the new state; silent here."""


class Quiet:
    """Shows nothing: a run under `gongkai serve` or a worker, where the Prefect UI shows it."""

    @contextmanager
    def step(self, title: str, total: int | None = None, unit: str = "") -> Iterator[Step]:
        """A stage of `total` things to do (None when nobody can know)."""
        yield Step(title, total, unit)


class _Line(Step):
    def __init__(self, title: str, total: int | None, unit: str, console: Console) -> None:
        super().__init__(title, total, unit)
        self._console, self._start = console, time.monotonic()
        self._last = self._start

    def _moved(self) -> None:
        now = time.monotonic()
        if now - self._last >= LINE_SECONDS:
            self._last = now
            self._console.print(f"  {self.title}: {told(self, now - self._start)}")

    def finish(self) -> None:
        """One line that says what was done and how long it took."""
        self._console.print(f"{self.title}: {finished(self, time.monotonic() - self._start)}")


class Lines(Quiet):
    """A line when a stage ends, and one every ten seconds while it runs."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def step(self, title: str, total: int | None = None, unit: str = "") -> Iterator[Step]:
        """A stage of `total` things to do (None when nobody can know)."""
        line = _Line(title, total, unit, self._console)
        yield line
        line.finish()


class _Bar(Step):
    def __init__(self, title: str, total: int | None, unit: str, bars: Progress) -> None:
        super().__init__(title, total, unit)
        self._bars = bars
        self.task: TaskID = bars.add_task(title, total=total, unit=unit, note="")

    def _moved(self) -> None:
        self._bars.update(self.task, completed=self.done, note=self.note[:40])


class Bars(Quiet):
    """Bars that stay when a stage is done. Use inside `live()`."""

    def __init__(self, console: Console) -> None:
        self._bars = Progress(
            SpinnerColumn(finished_text="✓"),
            TextColumn("{task.description:<20}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[note]}", style="dim"),
            console=console,
        )

    @contextmanager
    def step(self, title: str, total: int | None = None, unit: str = "") -> Iterator[Step]:
        """A stage of `total` things to do (None when nobody can know)."""
        bar = _Bar(title, total, unit, self._bars)
        yield bar
        self._bars.update(bar.task, total=max(bar.done, 1), completed=max(bar.done, 1), note="")

    @contextmanager
    def live(self) -> Iterator[None]:
        """Draws the bars for the length of the block."""
        with self._bars:
            yield


_current = Quiet()


def current() -> Quiet:
    """Where the running command wants its progress shown."""
    return _current


@contextmanager
def shown(console: Console) -> Iterator[None]:
    """Shows the progress of what runs in this process on `console` for the length of the block.

    A module variable and not a context variable: Prefect runs tasks on threads of its own.
    """
    global _current
    before = _current
    try:
        if console.is_terminal:
            bars = Bars(console)
            _current = bars
            with bars.live():
                yield
        else:
            _current = Lines(console)
            yield
    finally:
        _current = before
