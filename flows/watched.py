"""The progress of a stage in the Prefect UI: a bar among the run's artifacts, and lines in its log.

The terminal, if there is one, shows the same; see `flows.progress`.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.exceptions import PrefectException
from prefect.logging import get_run_logger

from flows import progress

ARTIFACT_SECONDS, LOG_SECONDS = 5.0, 30.0


class _Watched(progress.Step):
    """Forwards to the terminal's step and tells the server now and then. From any thread."""

    def __init__(self, shown: progress.Step) -> None:
        super().__init__(shown.title, shown.total, shown.unit)
        self._shown = shown
        self._log = get_run_logger()
        self._artifact: UUID | None = None
        self._told = self._logged = self._start = time.monotonic()
        if self.total:
            created = create_progress_artifact(
                0.0,
                key=re.sub("[^a-z]+", "-", f"progress {self.title}".lower()),
                description=f"{self.title}: {self.total:,} {self.unit} to do",
            )
            assert isinstance(created, UUID)  # and no coroutine: nothing here runs in a loop
            self._artifact = created

    def advance(self, n: int = 1, note: str = "") -> None:
        self._shown.advance(n, note)
        super().advance(n, note)

    def _moved(self) -> None:
        now = time.monotonic()
        if now - self._told >= ARTIFACT_SECONDS:
            self._told = now
            self._tell(progress.told(self, now - self._start))
        if now - self._logged >= LOG_SECONDS:
            self._logged = now
            self._log.info("%s: %s", self.title, progress.told(self, now - self._start))

    def finish(self) -> None:
        seconds = time.monotonic() - self._start
        words = progress.finished(self, seconds)
        self._log.info("%s: %s", self.title, words)
        self._tell(words, finished=True)

    def _tell(self, words: str, *, finished: bool = False) -> None:
        if self._artifact is None:
            return
        share = 100.0 if finished else min(99.0, 100 * self.done / (self.total or 1))
        # what is shown of the work must not stop the work
        with contextlib.suppress(PrefectException, OSError):
            update_progress_artifact(self._artifact, share, f"{self.title}: {words}")


@contextmanager
def step(title: str, total: int | None = None, unit: str = "") -> Iterator[progress.Step]:
    """A stage of `total` things to do, from inside a flow run."""
    with progress.current().step(title, total, unit) as shown:
        watched = _Watched(shown)
        yield watched
        watched.finish()
