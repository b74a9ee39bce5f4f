"""The runs of a warehouse: how they are named, and which have finished."""

from __future__ import annotations

import contextlib
import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from tasks.records import BadInput
from tasks.store import Warehouse

_STAMP = "%Y%m%dT%H%M%SZ"


def new_run_id(kind: str, now: datetime | None = None, warehouse: Warehouse | None = None) -> str:
    """A run's name: sorts by start, and does not collide within a second.

    Names of one warehouse sort in the order in which the runs were, whatever the clock says: after
    a run that the clock puts into the future, the next is named for the second after it.
    """
    moment = (now or datetime.now(UTC)).astimezone(UTC)
    if warehouse is not None and (last := _last_start(warehouse)) is not None and moment <= last:
        moment = last + timedelta(seconds=1)
    return f"{moment:{_STAMP}}-{kind}-{secrets.token_hex(2)}"


def _last_start(warehouse: Warehouse) -> datetime | None:
    """The second that the newest run is named for, also when it was interrupted."""
    runs = [path.name for path in warehouse.runs.glob("*Z-*")]
    runs += [path.name.removeprefix("part-") for path in warehouse.snapshots.glob("part-*Z-*")]
    for name in sorted(runs, reverse=True):
        with contextlib.suppress(ValueError):
            return datetime.strptime(name.partition("-")[0], _STAMP).replace(tzinfo=UTC)
    return None


def finished_runs(warehouse: Warehouse) -> list[dict[str, Any]]:
    """The `run.json` of every finished run, in the order of their names, that is, in which they
    were. A folder without it was interrupted.

    Raises BadInput naming a `run.json` that cannot be read.
    """
    found: list[dict[str, Any]] = []
    for path in sorted(warehouse.runs.glob("*/run.json")):
        try:
            run = json.loads(path.read_text(encoding="utf-8"))
            found.append({**run, "run_id": path.parent.name})
        except (ValueError, OSError) as e:
            raise BadInput(
                f"{path}: cannot be read ({e}); remove this file to have the run's documents "
                "accounted for again"
            ) from e
    return sorted(found, key=lambda run: str(run["run_id"]))
