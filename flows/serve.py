"""`gongkai serve`: the Prefect server with its UI, the nightly schedule and the alerts."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from flows import alerting, server, session
from tasks.records import BadInput
from tasks.sources import load_sources
from tasks.store import Warehouse

CRON, TIMEZONE = "0 2 * * *", "Asia/Shanghai"


def serve_forever(
    warehouse: Warehouse,
    sources: Path | None,
    alerts: Path | None,
    host: str,
    port: int,
    out: Console,
) -> None:
    """Serves until it is interrupted; server and runner end with it."""
    load_sources(sources)
    settings = alerting.load(warehouse, alerts)
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
        try:
            told = _apply(warehouse, settings, api)
            out.print(f"Alerts to    {told}", highlight=False, soft_wrap=True)
            out.print("Ctrl-C ends it.", style="dim")
            _serve_deployments(warehouse, sources, alerts)
        except KeyboardInterrupt:
            out.print("Stopping …", style="dim")


def _apply(warehouse: Warehouse, settings: alerting.AlertSettings, api: str) -> str:
    """Brings the server's automations up to date and marks a run that died; says who is told."""
    from flows import automations
    from flows.holding import DEAD, bury_dead

    automations.apply(settings, api.removesuffix("/api"))
    automations.await_events(warehouse)  # else nobody would be told of a dead run
    if dead := bury_dead(warehouse):
        automations.raise_died(dead, DEAD, warehouse)
    return ", ".join(settings.recipients) or f"nobody; {warehouse.root / alerting.FILE} names them"


def _serve_deployments(warehouse: Warehouse, sources: Path | None, alerts: Path | None) -> None:
    from prefect import serve
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.schedules import Cron
    from prefect.types.entrypoint import EntrypointType

    from flows.nightly import nightly
    from flows.replay import replay

    root = str(warehouse.root)
    by_name = EntrypointType.MODULE_PATH  # as a file it would be a module that no worker knows
    deployments: list[Any] = [
        nightly.to_deployment(
            name="nightly",
            schedule=Cron(CRON, timezone=TIMEZONE),
            # two nights never overlap: the second is cancelled, with the reason
            concurrency_limit=ConcurrencyLimitConfig(
                limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW
            ),
            parameters={
                "warehouse": root,
                "sources": str(sources.resolve()) if sources else None,
                "alerts": str(alerts.resolve()) if alerts else None,
            },
            tags=["gongkai"],
            entrypoint_type=by_name,
            description="Harvest, parse and publish, every night.",
        ),
        replay.to_deployment(
            name="replay",
            parameters={"warehouse": root},
            tags=["gongkai"],
            entrypoint_type=by_name,
            description="Read documents of the archive again, for instance those that were "
            "refused for one reason after a change of the reader; then publish.",
        ),
    ]
    serve(
        *deployments,
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
