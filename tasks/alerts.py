"""What an operator should be told of a night: judged from the runs on disk, sent by others.

A failure more or less is ordinary. What is not: many more than on other nights, a source that
names no report any more, a listing that has lost entries. All of it is compared with the nights
before, so a first night raises nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal, NamedTuple

import pyarrow.parquet as pq

from tasks.runs import finished_runs
from tasks.store import Warehouse

AlertKind = Literal["failures-jumped", "source-silent", "listing-shrank"]
_NAMED = 12  # sources that one message names


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a night is out of the ordinary."""

    nights: int = 14  # how many earlier nights are compared with
    failures_times: float = 2.0  # rejected and failed documents, against the median night
    failures_at_least: int = 10
    shrank_by: float = 0.2  # the share of a listing's entries that is missing
    shrank_at_least: int = 3  # entries


class Alert(NamedTuple):
    """One thing to be told, in a sentence or a few lines."""

    kind: AlertKind
    message: str


class _Night(NamedTuple):
    day: str  # when it began, UTC
    failures: int
    listed: Mapping[str, int]  # source_id → documents it named


def alerts(
    warehouse: Warehouse,
    run_id: str,
    visited: Collection[str],
    thresholds: Thresholds | None = None,
) -> list[Alert]:
    """What is out of the ordinary in a finished night, against the nights before it.

    `visited` are the ids of the sources that the night was to visit: one that was taken off the
    list is not silent.
    """
    limits = thresholds or Thresholds()
    nights = [r for r in finished_runs(warehouse) if r["kind"] == "nightly"]
    place = next((i for i, run in enumerate(nights) if run["run_id"] == run_id), None)
    if place is None:
        raise ValueError(f"{run_id} is no finished night")
    earlier = [_night(warehouse, r) for r in nights[max(0, place - limits.nights) : place]]
    if not earlier:
        return []
    tonight = _night(warehouse, nights[place])
    return [
        *_jump(tonight, earlier, limits),
        *_silent(tonight, earlier, visited),
        *_shrunk(tonight, earlier, visited, limits),
    ]


def _night(warehouse: Warehouse, run: Mapping[str, Any]) -> _Night:
    file = warehouse.run_folder(str(run["run_id"])) / "discovered.parquet"
    listed = Counter(pq.read_table(file, columns=["source_id"]).column(0).to_pylist())
    counts = run["counts"]
    return _Night(str(run["started_at"])[:10], counts["rejected"] + counts["failed"], listed)


def _jump(tonight: _Night, earlier: list[_Night], limits: Thresholds) -> Iterator[Alert]:
    usual = median(night.failures for night in earlier)
    if tonight.failures >= limits.failures_at_least and (
        tonight.failures > usual * limits.failures_times
    ):
        yield Alert(
            "failures-jumped",
            f"{tonight.failures} documents were rejected or could not be fetched; the median of "
            f"the last {len(earlier)} nights is {usual:g}",
        )


def _silent(tonight: _Night, earlier: list[_Night], visited: Collection[str]) -> Iterator[Alert]:
    silent = []
    for source in sorted(set(visited)):
        spoke = [night for night in earlier if night.listed.get(source)]
        if spoke and not tonight.listed.get(source):
            last = spoke[-1]
            silent.append(f"{source} ({last.listed[source]} reports on {last.day})")
    if silent:
        yield Alert("source-silent", _names("named no report tonight", silent))


def _shrunk(
    tonight: _Night, earlier: list[_Night], visited: Collection[str], limits: Thresholds
) -> Iterator[Alert]:
    shrunk = []
    for source in sorted(set(visited)):
        now = tonight.listed.get(source, 0)
        # not the last night alone: a listing that loses a little every night loses much in the end
        before = max(night.listed.get(source, 0) for night in earlier)
        lost = before - now
        if now and lost >= limits.shrank_at_least and lost >= before * limits.shrank_by:
            shrunk.append(f"{source} ({before} → {now})")
    if shrunk:
        yield Alert("listing-shrank", _names("lost entries of their listing", shrunk))


def _names(what: str, sources: list[str]) -> str:
    shown = ", ".join(sources[:_NAMED])
    more = f" and {len(sources) - _NAMED} more" if len(sources) > _NAMED else ""
    count = "1 source" if len(sources) == 1 else f"{len(sources)} sources"
    return f"{count} {what}: {shown}{more}"
