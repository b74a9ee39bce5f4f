"""What a command needs around a flow: the warehouse, a Prefect server, a log file, loud notices.

Prefect reads its settings when it is imported, so nothing here imports it; the commands import
their flows inside `prefect_session`.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from flows import server
from tasks.records import BadInput
from tasks.store import Warehouse

LOG_BYTES, LOG_COUNT = 5_000_000, 3


def demo_resolve() -> str | None:
    """The value of GONGKAI_RESOLVE, when requests go to a local publisher."""
    return os.environ.get("GONGKAI_RESOLVE") or None


def announce_demo(console: Console) -> None:
    """Says loudly that official names are sent to a local publisher."""
    if resolve := demo_resolve():
        console.print(
            f"DEMO  GONGKAI_RESOLVE={resolve}: requests for official sites go there.\n"
            "DEMO  What is fetched is not what they publish; the warehouse is marked so.",
            style="bold black on yellow",
            highlight=False,
        )


def log_file(warehouse: Warehouse) -> Path:
    """Where the commands on this warehouse write their log."""
    return warehouse.root / "logs" / "gongkai.log"


def log_to(path: Path) -> None:
    """Everything that libraries and flows log goes to `path`, a few megabytes at most."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(
        path, maxBytes=LOG_BYTES, backupCount=LOG_COUNT, encoding="utf-8", delay=True
    )
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(levelname)-7s %(process)d %(name)s: %(message)s")
    )
    logging.getLogger().addHandler(handler)


def check_writable(warehouse: Warehouse, purpose: str) -> None:
    """Raises BadInput early, before a server is started: busy, not writable, or the wrong kind.

    Only a night fetches, so only a night can mix pages of a local publisher with official ones.
    """
    with warehouse.lock(purpose):
        if purpose == "run":
            warehouse.claim(demo_resolve() is not None)


@contextmanager
def prefect_session(warehouse: Warehouse, console: Console) -> Iterator[str]:
    """A Prefect API for the length of the block, and the settings that lead this process to it.

    In this order: PREFECT_API_URL of the user, `prefect` of cluster.toml, a server that `gongkai
    serve` runs on this warehouse, else a server of our own that ends with the block.
    """
    home = server.home_of(warehouse.root)
    told = os.environ.get("PREFECT_API_URL") or warehouse.cluster.prefect
    given = told or server.announced(home)
    os.environ.update(server.environment(home))
    # The terminal belongs to the progress display; the log file and the UI have every line.
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    if given:
        if not server.healthy(given, seconds=10):
            raise BadInput(
                f"{given}: no Prefect server answers there; start it (`gongkai serve`), or unset "
                "PREFECT_API_URL (in cluster.toml: prefect) to have one started"
            )
        os.environ["PREFECT_API_URL"] = given
        yield given
        return
    console.print("Starting a Prefect server for this run …", style="dim")
    with server.running(home) as url:
        os.environ["PREFECT_API_URL"] = url
        try:
            yield url
        finally:
            _drain()
            del os.environ["PREFECT_API_URL"]


def _drain() -> None:
    """Waits, within bounds, until the server has what this process has to tell it."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=5)
    EventsWorker.drain_all(timeout=15)
