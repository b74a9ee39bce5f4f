"""Processes beside this one: for work that holds the interpreter's lock, or that may crash."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any


def spawned(
    count: int | None = None, begin: Callable[..., None] | None = None, *given: Any
) -> ProcessPoolExecutor:
    """A pool of `count` processes, else one for each core; each calls `begin` with what is given.

    They are fresh ones, which share no lock and no open file with the caller, and they end with it
    however it ends. A fresh process takes a second to start.
    """
    return ProcessPoolExecutor(
        count or len(os.sched_getaffinity(0)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(begin, given),
    )


def _begin(begin: Callable[..., None] | None, given: tuple[Any, ...]) -> None:
    threading.Thread(target=_end_with_the_caller, daemon=True).start()
    if begin is not None:
        begin(*given)


def _end_with_the_caller() -> None:
    """A caller that is killed tells nobody to end, and who waits for work would wait for ever."""
    caller = multiprocessing.parent_process()
    if caller is not None:
        caller.join()
        os._exit(1)
