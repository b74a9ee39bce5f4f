"""Reading on the workers of a Dask cluster. What they leave unread is read on this machine.

A worker takes a part of the archive from the object store and puts the readings back; through the
scheduler go names only. That a part is read twice, because a worker was given up too early, does no
harm: both readings are the same bytes. So nothing that ends here, a worker or the scheduler, ends
the run.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any

from prefect import task
from prefect.logging import get_run_logger

from flows.progress import Step
from tasks import parse, reports
from tasks.objects import ObjectPath, Place
from tasks.records import BadInput
from tasks.store import Warehouse

CONNECT_SECONDS = 10
PATIENCE = 60.0  # seconds without any worker after which the rest is read here
_LOOK, _COUNT = 0.2, 5.0  # seconds between looks at the futures, and at the number of workers


@task(name="parse", retries=0, persist_result=False)
def read_part(part: str, into: str, version: str) -> int:
    """On a worker: reads one part of the archive; gives how many documents it holds."""
    return parse.read_into(ObjectPath.of(part), ObjectPath.of(into), version)


def read(warehouse: Warehouse, parts: Sequence[Place], into: Place, step: Step) -> list[Place]:
    """Has these parts of the archive read into the folder `into`, when there is a cluster.

    Gives the parts that are left to be read here: all, when there is none or it does not answer;
    else those that no worker could read. BadInput when the extra `cluster` is not installed.
    """
    address = warehouse.cluster.dask
    if address is None or not parts:
        return list(parts)
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError as e:
        raise BadInput(
            f"{warehouse.root / 'cluster.toml'} names a Dask scheduler, and prefect-dask is not "
            "installed: pip install 'gongkai[cluster]'"
        ) from e
    log = get_run_logger()
    left = {part.name: part for part in parts}
    with contextlib.ExitStack() as stack:
        # Settings of the client alone; set_as_default would change them for the process.
        runner = DaskTaskRunner(address=address, client_kwargs={"timeout": CONNECT_SECONDS})
        try:
            stack.enter_context(runner)
            client = runner.client
        except OSError as e:
            log.warning("no Dask scheduler answers at %s (%s): read on this machine", address, e)
            return list(parts)
        futures = {}
        for part in parts:
            assert isinstance(part, ObjectPath)  # cluster.toml with dask names a storage
            assert isinstance(into, ObjectPath)
            named = read_part.with_options(task_run_name=f"parse {part.stem}")
            what = {"part": part.url, "into": into.url, "version": reports.PARSER_VERSION}
            futures[part.name] = runner.submit(named, what)
        for name in _done(client, {n: f.wrapped_future for n, f in futures.items()}):
            state = _state(futures[name])
            if state is not None and state.is_completed():
                del left[name]
                step.advance(state.result())
            else:
                log.warning("%s was not read by the cluster: %s", name, state)
    for name in [*left]:  # a worker that was lost may have read its part before
        if (readings := reports.stored(into, name)) is not None:
            del left[name]
            step.advance(len(readings))
    if left:
        log.warning("%s of %s parts are read on this machine", len(left), len(parts))
    return list(left.values())


def _state(future: Any) -> Any:
    """The Prefect state that a worker gave back; None when it gave none."""
    if future.wrapped_future.status != "finished":
        return None
    future.wait()
    return future.state


def _done(client: Any, futures: dict[str, Any]) -> Iterator[str]:
    """The names of the futures as they end, well or not; ends early when nobody works on them."""
    waiting = dict(futures)
    seen = counted = time.monotonic()
    while waiting:
        ended = [name for name, future in waiting.items() if future.status != "pending"]
        for name in ended:
            yield name
            del waiting[name]
        now = time.monotonic()
        if now - counted >= _COUNT:
            counted = now
            with contextlib.suppress(OSError, TimeoutError):
                if client.scheduler_info(n_workers=-1).get("workers"):  # none: reconnecting
                    seen = time.monotonic()
            if now - seen > PATIENCE:
                return
        if not ended:
            time.sleep(_LOOK)
