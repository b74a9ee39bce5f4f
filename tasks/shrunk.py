"""Listings that suddenly name far fewer reports than they did: an alarm, never a deletion."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import pyarrow.parquet as pq

from tasks.records import Discovered, OutcomeRow, Source
from tasks.runs import finished_runs
from tasks.store import Warehouse
from tasks.urls import canonical_url

NIGHTS = 7
"""Finished nights that a listing is held against; after as many the new length is the usual one."""
WORTH_TELLING = 4
"""Entries that a listing must have had: of two, one is half."""
_NAMED = 3


def shrunk(
    warehouse: Warehouse,
    discovered: Sequence[Discovered],
    sources: Iterable[Source],
    troubled: Collection[str],
) -> list[OutcomeRow]:
    """A problem `listing_shrunk` for each visited source that names half of its reports or fewer.

    Compared with the longest of the last nights. `troubled`: the source_id of listings that had
    another problem tonight; they are left to that problem.
    """
    tonight: dict[str, set[str]] = {}
    for document in discovered:
        tonight.setdefault(document.source_id, set()).add(document.document_id)
    longest = _longest(warehouse)
    found = []
    for source in sources:
        here = tonight.get(source.source_id, set())
        before, day = longest.get(source.source_id, (set(), ""))
        if source.status != "allowed" or source.source_id in troubled:
            continue
        if len(before) < WORTH_TELLING or 2 * len(here) > len(before):
            continue
        gone = sorted(before - here)
        some = ", ".join(gone[:_NAMED]) + (", …" if len(gone) > _NAMED else "")
        message = (
            f"the listing names {len(here)} reports, on {day} it named {len(before)}; what is "
            f"archived stays and counts; no longer listed: {some}"
        )
        url = source.listing_url
        found.append(
            OutcomeRow(canonical_url(url), url, "failed", "discover", "listing_shrunk", message)
        )
    return found


def _longest(warehouse: Warehouse) -> dict[str, tuple[set[str], str]]:
    """The most documents that each source named in one of the last nights, and the day of it."""
    nights = [run for run in finished_runs(warehouse) if run.get("kind") == "nightly"]
    longest: dict[str, tuple[set[str], str]] = {}
    for run in nights[-NIGHTS:]:
        path = warehouse.run_folder(run["run_id"]) / "discovered.parquet"
        table = pq.read_table(path, columns=["source_id", "document_id"])
        named: dict[str, set[str]] = {}
        for source_id, document_id in zip(*(c.to_pylist() for c in table.columns), strict=True):
            named.setdefault(source_id, set()).add(document_id)
        for source_id, documents in named.items():
            if source_id not in longest or len(documents) >= len(longest[source_id][0]):
                longest[source_id] = (documents, str(run.get("started_at", ""))[:10])
    return longest
