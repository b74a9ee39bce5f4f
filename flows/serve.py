"""`gongkai serve`: the Prefect server with its UI and the nightly schedule, in one command."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path
from types import FrameType

from rich.console import Console

from flows import server, session
from tasks.records import BadInput
from tasks.sources import load_sources
from tasks.store import Warehouse

CRON, TIMEZONE = "0 2 * * *", "Asia/Shanghai"


def serve_forever(
    warehouse: Warehouse, sources: Path | None, host: str, port: int, out: Console
) -> None:
    """Serves until it is interrupted; server and runner end with it."""
    load_sources(sources)
    warehouse.ensure()
    home = server.home_of(warehouse.root)
    if running := server.announced(home):
        raise BadInput(
            f"warehouse {warehouse.root} has a Prefect server already: "
            f"{running.removesuffix('/api')} (see who runs it: {home / 'server.json'})"
        )
    _check_port(host, port)
    session.announce_demo(out)
    session.log_to(session.log_file(warehouse))
    # SIGTERM (systemd, docker stop) ends it the way Ctrl-C does, with everything it started
    signal.signal(signal.SIGTERM, _interrupt)
    out.print("Starting the Prefect server …", style="dim")
    with server.running(home, host=host, port=port) as api:
        os.environ.update(server.environment(home))
        os.environ["PREFECT_API_URL"] = api
        os.environ["GONGKAI_WAREHOUSE"] = str(warehouse.root)
        out.print(f"Prefect UI   {api.removesuffix('/api')}", highlight=False, soft_wrap=True)
        out.print(f"Schedule     nightly at 02:00 {TIMEZONE}", highlight=False)
        out.print(f"Warehouse    {warehouse.root}", highlight=False, soft_wrap=True)
        out.print("Ctrl-C ends it.", style="dim")
        try:
            _serve_nightly(warehouse, sources)
        except KeyboardInterrupt:
            out.print("Stopping …", style="dim")


def _serve_nightly(warehouse: Warehouse, sources: Path | None) -> None:
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.schedules import Cron

    from flows.nightly import nightly

    nightly.serve(
        name="nightly",
        schedule=Cron(CRON, timezone=TIMEZONE),
        # two nights never overlap: the second is cancelled, with the reason
        global_limit=ConcurrencyLimitConfig(
            limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW
        ),
        parameters={
            "warehouse": str(warehouse.root),
            "sources": str(sources.resolve()) if sources else None,
        },
        tags=["gongkai"],
        description="Harvest, parse and publish, every night.",
        pause_on_shutdown=False,  # else the schedule would stay off after every restart
        print_starting_message=False,
    )


def _check_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise BadInput(
                f"--port {port}: cannot listen on {host} ({error.strerror}); "
                "choose another port with --port"
            ) from error


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
