"""The Prefect server that belongs to one warehouse, started by our own commands.

Prefect's ephemeral server loses states when the process ends (measured: 367 of 1,000 task runs
recorded), so `gongkai run` starts a real one on a free loopback port when none is given. The server
is a child that watches its standard input: when its parent dies, however it dies, the pipe closes
and the server goes too. Nothing is ever left behind, and nothing is ended by name.

This module imports prefect nowhere: settings count only when they are in the environment before
prefect is imported.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.keep import keep_days

if TYPE_CHECKING:
    from starlette.applications import Starlette

START_SECONDS = 180  # 14–18 s of CPU the first time, on a machine that may be busy
STOP_SECONDS = 25

SETTINGS = {
    "PREFECT_SERVER_UI_API_URL": "/api",  # else a server on another port shows an empty UI
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "200",
    # The server deletes runs older than GONGKAI_KEEP_DAYS with their logs, artifacts and task runs:
    # when it starts, and every hour.
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",  # a run without heartbeats is marked as crashed
    "PREFECT_CLIENT_RETRY_EXTRA_CODES": "500",  # outlasts a database that is away for half a minute
    "PREFECT_CLI_PROMPT": "false",
    "DO_NOT_TRACK": "1",
}


class ServerError(Exception):
    """The server could not be started or reached; the message is for people."""


def home_of(warehouse: Path) -> Path:
    """Where the server of a warehouse keeps its database: inside it, so an empty HOME works."""
    return warehouse / ".prefect"


def environment(home: Path) -> dict[str, str]:
    """The settings that the server and its clients share. What the user set already wins."""
    days = {"PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(keep_days() * 86_400)}
    ours = {**SETTINGS, **days, "PREFECT_HOME": str(home)}
    return {name: os.environ.get(name, value) for name, value in ours.items()}


def healthy(api_url: str, seconds: float = 2.0) -> bool:
    """Whether a Prefect API answers at `api_url`."""
    if not api_url.startswith(("http://", "https://")):
        return False
    # loopback must not go through a proxy that the machine may have configured
    opener = urllib.request.build_opener(
        *([urllib.request.ProxyHandler({})] if "//127.0.0.1:" in api_url else [])
    )
    try:
        with opener.open(api_url.rstrip("/") + "/health", timeout=seconds) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError, ValueError):
        return False


def announced(home: Path) -> str | None:
    """The API of a server that already runs on this home (`gongkai serve`), if it answers."""
    try:
        url = json.loads((home / "server.json").read_text())["api_url"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return str(url) if healthy(str(url)) else None


def free_port() -> int:
    """A loopback port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(home: Path, *, host: str = "127.0.0.1", port: int | None = None) -> Iterator[str]:
    """A server on `home` for the length of the block; gives the URL of its API."""
    home.mkdir(parents=True, exist_ok=True)
    log = home / "server.log"
    child: subprocess.Popen[bytes] | None = None
    for attempt in range(3):
        chosen = port or free_port()
        url = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{chosen}/api"  # noqa: S104
        child = _spawn(home, host, chosen, log)
        try:
            _wait(child, url, log)
            break
        except ServerError:
            _stop(child)
            # a free port may be taken between the look and the bind; a port asked for stays so
            if port is not None or attempt == 2:
                raise
        except BaseException:
            _stop(child)
            raise
    assert child is not None
    note = home / "server.json"
    note.write_text(json.dumps({"api_url": url, "pid": child.pid}))
    try:
        yield url
    finally:
        note.unlink(missing_ok=True)
        _stop(child)


def _spawn(home: Path, host: str, port: int, log: Path) -> subprocess.Popen[bytes]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_API_")}
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "flows.server", str(home), host, str(port)],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=out,
            cwd=Path(__file__).resolve().parent.parent,
            env={**inherited, **environment(home)},
            # Ctrl-C in the terminal must reach the run first; it then stops the server itself
            start_new_session=True,
        )


def _wait(child: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise ServerError(f"the Prefect server ended while starting; see {log}")
        if healthy(url):
            return
        time.sleep(0.2)
    raise ServerError(f"the Prefect server did not answer within {START_SECONDS} s; see {log}")


def _stop(child: subprocess.Popen[bytes]) -> None:
    """Ask, wait a bounded time, then insist. Only ever our own child."""
    if child.stdin is not None:
        with contextlib.suppress(OSError):
            child.stdin.close()  # the watcher inside turns this into a graceful stop
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait(10)


@cache
def _our_pages(root: Path) -> Starlette:
    """Made when the first is asked for: a night that nobody looks at need not load the reader."""
    from flows.viewer import viewer
    from tasks.store import Warehouse

    return viewer(Warehouse(root))


def _serve_until_orphaned(home: str, host: str, port: str) -> None:
    """The child: the Prefect server and our own pages, ended when standard input closes."""
    import signal
    import threading

    def watch() -> None:
        while os.read(0, 1):  # not sys.stdin: its lock would abort the interpreter's own ending
            pass
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(STOP_SECONDS - 5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="watch-parent").start()
    gc.disable()  # what is imported stays: looking for cycles in it costs a tenth of the start
    import uvicorn
    from prefect.server.api.server import create_app
    from starlette.routing import Mount

    import flows.email_block  # noqa: F401 - the server sends with it
    from flows.paths import PREFIX

    async def ours(scope: Any, receive: Any, send: Any) -> None:
        pages = await asyncio.to_thread(_our_pages, Path(home).parent)
        await pages(scope, receive, send)

    served = create_app(final=True)
    # before the others: the UI answers every path that is left
    served.router.routes.insert(0, Mount(PREFIX, ours))
    gc.freeze()
    gc.enable()
    uvicorn.run(served, host=host, port=int(port), log_level="warning", timeout_keep_alive=5)


if __name__ == "__main__":
    _serve_until_orphaned(*sys.argv[1:4])
