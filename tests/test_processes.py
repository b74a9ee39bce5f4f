"""Processes that were started for work never outlive who started them."""

from __future__ import annotations

import subprocess
import sys

import psutil  # type: ignore[import-untyped]

from tests import nights

READING = (
    "import os, time\n"
    "from tasks import parse\n"
    "readers = parse._pool()\n"
    "[future.result() for future in [readers.submit(os.getpid) for _ in range(8)]]\n"
    "print('waiting', flush=True)\n"
    "time.sleep(100)\n"
)


def test_readers_end_with_a_run_that_is_killed() -> None:
    """kill -9: nobody tells the readers that no more work comes."""
    caller = subprocess.Popen(
        [sys.executable, "-c", READING], cwd=nights.CHECKOUT, stdout=subprocess.PIPE
    )
    assert caller.stdout is not None
    assert caller.stdout.readline() == b"waiting\n"
    readers = psutil.Process(caller.pid).children(recursive=True)
    assert len(readers) >= 2
    caller.kill()
    caller.wait(30)
    caller.stdout.close()
    _, alive = psutil.wait_procs(readers, timeout=30)
    for process in alive:
        process.kill()
    assert not alive
