"""The parts of a cluster on loopback, each a process of its own that a test may kill.

PostgreSQL and Redis are Debian's; a test that needs them and does not find them fails in CI and is
skipped elsewhere (`make services` installs them).
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from flows.server import free_port, healthy
from tests.nights import CHECKOUT, environment

BIN = Path(sys.executable).parent
_SERVER = (
    "import sys; from pathlib import Path; from flows import server\n"
    "with server.running(Path(sys.argv[1]), port=int(sys.argv[2])): sys.stdin.read()"
)


def _postgres() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found or shutil.which("redis-server") is None:
        what = "PostgreSQL and Redis are missing: make services"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(what)
    return found[-1].parent


@dataclass
class Cluster:
    """What runs. `processes` by name; `settings`: what the clients of its Prefect server need."""

    home: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _starts: dict[str, Callable[[], subprocess.Popen[bytes]]] = field(default_factory=dict)
    _ready: dict[str, Callable[[], bool]] = field(default_factory=dict)
    api: str = ""
    dask: str = ""

    def start(
        self,
        name: str,
        words: list[str],
        ready: Callable[[], bool],
        env: Mapping[str, str] | None = None,
        user: str | None = None,
    ) -> None:
        """Starts a process and waits until it is ready; `again` does the same after a kill."""

        def begin() -> subprocess.Popen[bytes]:
            with (self.home / f"{name}.log").open("ab") as log:
                return subprocess.Popen(
                    words,
                    cwd=CHECKOUT,
                    env=environment(PYTHONPATH=str(CHECKOUT)) | dict(env or {}),
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    user=user,
                )

        self._starts[name], self._ready[name] = begin, ready
        self.again(name)

    def again(self, name: str) -> None:
        """Starts what was killed."""
        deadline = time.monotonic() + 120
        while True:
            child = self.processes[name] = self._starts[name]()
            while child.poll() is None:
                if self._ready[name]():
                    return
                assert time.monotonic() < deadline, self.log(name)
                time.sleep(0.05)
            # PostgreSQL waits for the orphans of the one that was killed
            assert time.monotonic() < deadline, self.log(name)
            time.sleep(0.2)

    def kill(self, name: str) -> None:
        """kill -9, with everything it started."""
        child = self.processes.pop(name)
        with suppress(psutil.NoSuchProcess):  # it has ended by itself
            family = [psutil.Process(child.pid)]
            family += family[0].children(recursive=True)
            for process in family:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGKILL)
        child.wait(30)
        if child.stdin:
            child.stdin.close()

    def end(self) -> None:
        """Kills what runs."""
        for name in [*self.processes]:
            self.kill(name)

    def log(self, name: str) -> str:
        """What a process said last."""
        return (self.home / f"{name}.log").read_text("utf-8", "replace")[-3000:]

    def worker(self, name: str) -> None:
        """Starts a Dask worker with a nanny, as docs/scale.md does."""
        words = [str(BIN / "dask"), "worker", self.dask, "--nthreads", "1", "--nworkers", "1"]
        words += ["--no-dashboard", "--name", name, "--local-directory", str(self.home / name)]
        self.start(name, words, lambda: "Registered to" in self.log(name))

    def scheduler(self) -> None:
        """Starts the Dask scheduler."""
        port = free_port()
        self.dask = f"tcp://127.0.0.1:{port}"
        words = [str(BIN / "dask"), "scheduler", "--host", "127.0.0.1", "--port", str(port)]
        words += ["--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
        self.start("scheduler", words, lambda: _listens(port))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def server_settings(database: int, redis: int) -> dict[str, str]:
    """The settings that docs/scale.md gives the Prefect server, for ports on loopback."""
    page = (CHECKOUT / "docs" / "scale.md").read_text(encoding="utf-8")
    block = page.partition("```sh prefect-server\n")[2].partition("```")[0]
    block = block.replace("DATABASE:5432", f"127.0.0.1:{database}")
    block = block.replace("REDIS:6379", f"127.0.0.1:{redis}").replace("=6379", f"={redis}")
    block = block.replace("=REDIS", "=127.0.0.1")
    words = block.replace("export ", "").split()
    return dict(word.split("=", 1) for word in words)


@contextmanager
def cluster(*, prefect: bool = True) -> Iterator[Cluster]:
    """PostgreSQL, Redis and a Prefect server on them (unless not wanted), a Dask scheduler."""
    with tempfile.TemporaryDirectory(prefix="gongkai-cluster-") as folder, ExitStack() as stack:
        made = Cluster(Path(folder))
        stack.callback(made.end)
        made.scheduler()
        if prefect:
            _prefect(made)
        yield made


def _prefect(made: Cluster) -> None:
    binaries = _postgres()
    user = "postgres" if os.getuid() == 0 else None
    data = made.home / "postgres"
    data.mkdir()
    if user:
        owner = pwd.getpwnam(user)
        made.home.chmod(0o755)
        os.chown(data, owner.pw_uid, owner.pw_gid)
    database, redis, api = free_port(), free_port(), free_port()
    init = [str(binaries / "initdb"), "-D", str(data), "-A", "trust", "-U", "gongkai", "-N"]
    subprocess.run(init, check=True, capture_output=True, user=user, cwd=data)
    words = [str(binaries / "postgres"), "-D", str(data), "-p", str(database), "-k", str(data)]
    words += ["-c", "listen_addresses=127.0.0.1"]
    isready = [str(binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(database)]
    made.start("postgres", words, lambda: subprocess.run(isready).returncode == 0, user=user)
    create = [str(binaries / "createdb"), "-h", "127.0.0.1", "-p", str(database), "-U", "gongkai"]
    subprocess.run([*create, "gongkai"], check=True)
    words = ["redis-server", "--bind", "127.0.0.1", "--port", str(redis), "--save", ""]
    made.start("redis", [*words, "--dir", str(made.home)], lambda: _listens(redis))
    made.api = f"http://127.0.0.1:{api}/api"
    words = [sys.executable, "-c", _SERVER, str(made.home / "prefect"), str(api)]
    made.start("prefect", words, lambda: healthy(made.api), server_settings(database, redis))
