"""Nights of `gongkai run` against the bundled publisher, made once and shared by the slow tests.

One chain in one warehouse: the first night, a second night on the changed site, and a clean night
of one county without oddities. Test workers share it through a lock file, since a night costs half
a minute; a test that changes a warehouse takes a copy.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from tests.publisher.demo import demo
from tests.publisher.server import Server
from tests.publisher.site import Site

CHECKOUT = Path(__file__).resolve().parent.parent
GONGKAI = [sys.executable, "-m", "flows.cli"]
# A run whose tables nobody looks at: dbt costs more than all the rest of it.
UNPUBLISHED = [
    sys.executable,
    "-c",
    "from flows import cli, ending; ending.publish_held = lambda *_, **__: None; cli.main()",
]
RUN_SECONDS = 600  # the machine may be busy


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


def environment(resolve: str | None = None, **more: str) -> dict[str, str]:
    """A clean environment with an empty HOME, and the local publisher if one is given."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("GONGKAI_", "PREFECT_"))}
    kept |= {"PREFECT_RUNNER_POLL_FREQUENCY": "1"}  # looks for a run that the UI asked for
    kept |= {"GONGKAI_DELAY": "0", "HOME": "/nonexistent", "COLUMNS": "100", "TERM": "dumb"}
    if resolve:
        kept["GONGKAI_RESOLVE"] = resolve
    return kept | more


def gongkai(
    *words: str,
    resolve: str | None = None,
    seconds: float = RUN_SECONDS,
    instead: Sequence[str] = GONGKAI,
    api: str | None = None,
) -> Ended:
    """Runs the command line as a person would, in its own process (or `instead`, in its place);
    under the Prefect server at `api`, or one of its own."""
    done = subprocess.run(
        [*instead, *words],
        cwd=CHECKOUT,
        env=environment(resolve, **({"PREFECT_API_URL": api} if api else {})),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@contextmanager
def started(
    *words: str, resolve: str | None = None, api: str | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A command under way; whatever happens, it and what it started are gone afterwards."""
    child = subprocess.Popen(
        [*GONGKAI, *words],
        cwd=CHECKOUT,
        env=environment(resolve, **({"PREFECT_API_URL": api} if api else {})),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield child
    finally:
        family = [p for p in _family(child.pid) if p.is_running()]
        for process in family:
            process.kill()
        child.wait(30)
        if child.stdout:
            child.stdout.close()


def _family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


@contextmanager
def prefect(home: Path) -> Iterator[str]:
    """A Prefect server for several runs; each start costs ten seconds."""
    code = "import sys; from pathlib import Path; from flows import server\n"
    code += (
        "with server.running(Path(sys.argv[1])) as url: print(url, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(home)],
        cwd=CHECKOUT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.communicate(timeout=60)


def aged(home: Path, nights: int) -> None:
    """Puts so many copies of the runs in a Prefect database before them, each a day older."""
    own = {
        "flow_run": ("start_time", "end_time", "expected_start_time"),
        "task_run": ("start_time", "end_time", "expected_start_time"),
        "flow_run_state": ("timestamp",),
        "task_run_state": ("timestamp",),
        "log": ("timestamp",),
        "artifact": (),
    }
    names = {"id", "flow_run_id", "task_run_id", "parent_task_run_id", "state_id"}
    with closing(sqlite3.connect(home / "prefect.db")) as db:
        for table, times in own.items():
            columns = [row[1] for row in db.execute(f"pragma table_info({table})")]
            db.execute(f"create temp table kept as select * from {table}")
            older = {c: f"datetime({c}, '-' || ?1 || ' days')" for c in (*times, "created")}
            older |= {c: f"printf('%08x', ?1) || substr({c}, 9)" for c in columns if c in names}
            said = ", ".join(older.get(c, c) for c in columns)
            for days in range(1, nights + 1):
                db.execute(f"insert or ignore into {table} select {said} from kept", (days,))
            db.execute("drop table kept")
        db.commit()


def flow_runs(api: str, flow: str, *, newest: int) -> list[dict[str, Any]]:
    """The newest runs of a flow that a Prefect server knows, the last first."""
    wanted = {"flows": {"name": {"any_": [flow]}}, "sort": "START_TIME_DESC", "limit": newest}
    request = urllib.request.Request(
        f"{api}/flow_runs/filter",
        data=json.dumps(wanted).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: list[dict[str, Any]] = json.load(answer)
    return found


def left_running(warehouse: Path) -> list[str]:
    """Processes that still work for this warehouse: they name it, or have it in their settings."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            home = process.environ().get("PREFECT_HOME", "")
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
        if process.pid != os.getpid() and (
            home.startswith(str(warehouse)) or any(str(warehouse) in word for word in words)
        ):
            found.append(f"{process.pid} {' '.join(words)}")
    return found


def write_sources(site: Site, path: Path, *, only: str | None = None) -> Path:
    """The sources file of a site; `only` keeps the rows of one host."""
    rows = site.sources_csv().splitlines()
    kept = [rows[0], *(row for row in rows[1:] if only is None or only in row)]
    path.write_text("\n".join(kept) + "\n", encoding="utf-8")
    return path


def run(
    warehouse: Path,
    site: Site,
    *,
    only: str | None = None,
    instead: Sequence[str] = GONGKAI,
    api: str | None = None,
) -> Ended:
    """One night against a site."""
    sources = write_sources(site, warehouse.with_suffix(".csv"), only=only)
    with Server(site.pages) as server:
        words = ("run", "--sources", str(sources), "--warehouse", str(warehouse))
        return gongkai(*words, resolve=server.resolve, instead=instead, api=api)


@dataclass(frozen=True, slots=True)
class Chain:
    """The shared nights. Read them; change only a copy."""

    first: Path  # the warehouse after the first night
    last: Path  # the same after all three
    ended: dict[str, Ended]  # first, second, clean

    def copy(self, of: Path, to: Path) -> Path:
        """A warehouse of one's own."""
        return Path(shutil.copytree(of, to))


def chain(base: Path) -> Chain:
    """The nights below `base`, made by the first worker that asks."""
    base.mkdir(parents=True, exist_ok=True)
    first, last, told = base / "first", base / "last", base / "told.json"
    with (base / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not told.exists():
            ended = {"first": run(last, demo())}
            shutil.copytree(last, first)
            with prefect(last / ".prefect") as api:  # the first has started one of its own
                ended["second"] = run(last, demo(change=True), api=api)
                ended["clean"] = run(last, demo(change=True), only="dinghai", api=api)
            told.write_text(
                json.dumps({k: [v.code, v.out, v.err] for k, v in ended.items()}), "utf-8"
            )
    stored = json.loads(told.read_text("utf-8"))
    return Chain(first, last, {k: Ended(*v) for k, v in stored.items()})
