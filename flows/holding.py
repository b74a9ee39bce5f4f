"""One writer at a time, and what the one before left behind.

A run takes the warehouse's lock and notes its Prefect run id beside it. When the next run gets the
lock and the note is still there, the run that wrote it is dead (the kernel drops the lock with the
process), so it is marked Crashed in the UI instead of "Running" for ever.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterParentFlowRunId,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.exceptions import PrefectException
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Crashed

from flows.server import home_of
from tasks import snapshot
from tasks.files import write_bytes
from tasks.records import Busy
from tasks.store import Warehouse

NOTE = "running"
WAIT_SECONDS = 30.0
DEAD = "The process of this run ended without a word (killed, or the machine went down)."
log = logging.getLogger(__name__)


@contextlib.contextmanager
def holding(warehouse: Warehouse, purpose: str, patience: float = 0) -> Iterator[None]:
    """Holds the warehouse for writing, from inside a flow run.

    Raises Busy when another run still does after `patience` seconds. Parts of the archive that
    cannot be read are set aside first, so that they stop no run.
    """
    with _lock(warehouse, purpose, patience):
        for part in snapshot.set_aside_damaged(warehouse):
            log.warning("a damaged part of the archive was set aside: %s", part)
        note = home_of(warehouse.root) / NOTE
        note.parent.mkdir(parents=True, exist_ok=True)
        _bury(note)
        write_bytes(note, str(flow_run.id or "").encode())
        try:
            yield
        finally:
            note.unlink(missing_ok=True)


@contextlib.contextmanager
def _lock(warehouse: Warehouse, purpose: str, patience: float) -> Iterator[None]:
    deadline = time.monotonic() + patience
    with contextlib.ExitStack() as stack:
        while True:
            try:
                stack.enter_context(warehouse.lock(purpose))
                break
            except Busy as busy:
                if time.monotonic() >= deadline:
                    raise
                get_run_logger().info("waiting: %s", busy)
                time.sleep(min(WAIT_SECONDS, max(0.0, deadline - time.monotonic())))
        yield


def bury_dead(warehouse: Warehouse) -> UUID | None:
    """Marks a run that died as crashed, unless a run is alive and writing; gives its id."""
    dead = None
    with contextlib.suppress(Busy), warehouse.lock("serve"):
        note = home_of(warehouse.root) / NOTE
        dead = _bury(note)
        note.unlink(missing_ok=True)
    return dead


def _bury(note: Path) -> UUID | None:
    """Marks the run that the note names as crashed, with its subflows and task runs."""
    try:
        dead = UUID(note.read_text().strip())
    except (OSError, ValueError):
        return None
    with contextlib.suppress(PrefectException, OSError), get_client(sync_client=True) as client:
        runs = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[dead])
            )
        )
        for run_id in [dead, *(run.id for run in runs)]:
            _mark(client, run_id)
        log.info("the run %s had died; it is marked as crashed", dead)
        return dead
    return None


def _mark(client: SyncPrefectClient, run_id: UUID) -> None:
    running = TaskRunFilterState(type=TaskRunFilterStateType(any_=[StateType.RUNNING]))
    for run in client.read_task_runs(
        flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run_id])),
        task_run_filter=TaskRunFilter(state=running),
    ):
        client.set_task_run_state(run.id, Crashed(message=DEAD), force=True)
    found = client.read_flow_run(run_id)
    if found.state is None or not found.state.is_final():
        client.set_flow_run_state(run_id, Crashed(message=DEAD), force=True)
