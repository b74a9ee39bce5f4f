"""The warehouse folder: where each thing lies, and one writer at a time.

Readers may look at any moment: a file exists complete or not at all (`tasks.files`). What a
killed run leaves behind are names that begin with "."; the next writer removes them once it holds
the lock.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tasks.cluster import Cluster, cluster_of
from tasks.files import TEMPORARY, remove_folder, write_bytes, write_schema
from tasks.objects import Place
from tasks.records import BadInput, Busy
from tasks.schemas import CANDIDATES_SCHEMA, DISCOVERED_SCHEMA, OUTCOMES_SCHEMA, SNAPSHOTS_SCHEMA

DEFAULT_ROOT = Path(__file__).resolve().parent.parent / "warehouse"
REPLAYED = ".replayed"
"""Prefix in an object store for readings that are not adopted yet."""


@dataclass(frozen=True, slots=True)
class Warehouse:
    """The places inside one warehouse folder. `root` is absolute."""

    root: Path

    @classmethod
    def at(cls, path: str | Path | None = None) -> Warehouse:
        """The warehouse at `path`, else `GONGKAI_WAREHOUSE`, else `warehouse/` of the checkout."""
        chosen = path or os.environ.get("GONGKAI_WAREHOUSE") or DEFAULT_ROOT
        return cls(Path(chosen).expanduser().resolve())

    @property
    def cluster(self) -> Cluster:
        """What is on other machines, as `cluster.toml` says."""
        return cluster_of(self.root)

    @property
    def stored(self) -> Place:
        """Where the archive and its readings lie: this folder, or a place in an object store."""
        return self.cluster.storage or self.root

    @property
    def snapshots(self) -> Place:
        """The archive's parts."""
        return self.stored / "snapshots"

    @property
    def reports(self) -> Place:
        """The readings' parts."""
        return self.stored / "reports"

    def aside(self, run_id: str) -> Place:
        """Where a replay keeps its readings until they are adopted (not created here)."""
        stored = self.stored
        here = isinstance(stored, Path)
        return stored / f".replay-{run_id}" if here else stored / REPLAYED

    @property
    def runs(self) -> Path:
        """One folder per run."""
        return self.root / "runs"

    @property
    def database(self) -> Path:
        """The published generation."""
        return self.root / "gongkai.duckdb"

    @property
    def site(self) -> Path:
        """The pages that show the published generation."""
        return self.root / "site"

    @property
    def demo_marker(self) -> Path:
        """Exists when the warehouse was filled from a local publisher."""
        return self.root / "demo"

    @property
    def lock_file(self) -> Path:
        """Held by the one run that writes; its text says who."""
        return self.root / "lock"

    @property
    def stop_file(self) -> Path:
        """While it exists no run sends a request; its text says why."""
        return self.root / "stop"

    def stopped(self) -> str | None:
        """Why no request may be sent, or None."""
        try:
            reason = self.stop_file.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None
        except OSError as e:  # what cannot be read still stops
            reason = str(e.strerror)
        said = " ".join(reason.split())[:200]
        return "told to stop (`gongkai stop`)" + (f": {said}" if said else "")

    @property
    def is_demo(self) -> bool:
        """Whether the documents come from a local publisher (`GONGKAI_RESOLVE`)."""
        return self.demo_marker.exists()

    def run_folder(self, run_id: str) -> Path:
        """The folder of one run (not created here)."""
        if not run_id or "/" in run_id or run_id.startswith("."):
            raise ValueError(f"not a run id: {run_id!r}")
        return self.runs / run_id

    def ensure(self) -> None:
        """Create the folders, and the files without rows that give readers the columns.

        A glob that matches nothing is an error in DuckDB: `snapshots/*.parquet` and
        `runs/**/*outcomes.parquet` (likewise discovered, candidates and problems) always match
        these. The readings' own schema is written by `tasks.reports` with `write_schema`.
        Raises BadInput when the folder cannot be written, and when its archive is not where it was.
        """
        try:
            self.runs.mkdir(parents=True, exist_ok=True)
            self._check_place()
            for folder in (self.snapshots, self.reports):
                folder.mkdir(parents=True, exist_ok=True)
            write_schema(self.snapshots, SNAPSHOTS_SCHEMA)
            write_schema(self.runs, DISCOVERED_SCHEMA, "schema-discovered.parquet")
            write_schema(self.runs, CANDIDATES_SCHEMA, "schema-candidates.parquet")
            write_schema(self.runs, OUTCOMES_SCHEMA, "schema-outcomes.parquet")
            write_schema(self.runs, OUTCOMES_SCHEMA, "schema-problems.parquet")
        except (PermissionError, FileExistsError, NotADirectoryError) as e:
            raise BadInput(
                f"warehouse {self.root}: cannot be written ({e.strerror}: {e.filename}); "
                "choose another folder with --warehouse or GONGKAI_WAREHOUSE"
            ) from e

    def claim(self, demo: bool) -> None:
        """Before a run writes fetched pages: demo and official documents never mix.

        A warehouse with documents keeps its character; an empty one takes it from `demo`.
        Raises BadInput on the wrong one, with what to do.
        """
        if self.is_demo and not demo:
            raise BadInput(
                f"warehouse {self.root} is a demo, filled from a local publisher, and "
                "GONGKAI_RESOLVE is not set: choose another folder with --warehouse, or set it"
            )
        if demo and not self.is_demo:
            if any(self.snapshots.glob("part-*.parquet")):
                raise BadInput(
                    f"warehouse {self.root} holds real documents and GONGKAI_RESOLVE is set: "
                    "unset it, or choose another folder with --warehouse"
                )
            self.root.mkdir(parents=True, exist_ok=True)
            write_bytes(self.demo_marker, b"Filled from a local publisher (GONGKAI_RESOLVE).\n")

    @contextmanager
    def lock(self, purpose: str = "run") -> Iterator[None]:
        """Hold the warehouse for writing, and clear what a killed run left.

        The kernel drops the lock when the process ends, however it ends. Raises Busy when another
        writer holds it. Readers need no lock.
        """
        self.ensure()
        fd = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as e:
                raise Busy(
                    f"warehouse {self.root} is being written by {_holder(fd)}; "
                    "wait until it ends, or stop it"
                ) from e
            who = {
                "pid": os.getpid(),
                "host": socket.gethostname(),
                "purpose": purpose,
                "since": datetime.now(UTC).isoformat(timespec="seconds"),
            }
            os.ftruncate(fd, 0)
            os.pwrite(fd, json.dumps(who).encode(), 0)
            self._clear_leftovers()
            self._move_in()
            yield
        finally:
            # The file stays: removing it would let two writers lock two different files.
            os.close(fd)

    def _clear_leftovers(self) -> None:
        for pattern in (f"{TEMPORARY}*", ".generation-*", ".replay-*"):
            for path in self.root.glob(pattern):
                _remove(path)
        stored = self.stored
        folders = [p for p in self.runs.iterdir() if p.is_dir()] + [self.runs]
        if isinstance(stored, Path):
            folders += [stored / "snapshots", stored / "reports"]
        else:
            remove_folder(stored / REPLAYED)
        for folder in folders:
            for path in folder.glob(".*"):
                _remove(path)

    def _check_place(self) -> None:
        """The archive is where it was, and an object store keeps that of one warehouse alone.

        Otherwise a mistyped or missing `cluster.toml` would pass for an empty archive.
        """
        storage = self.cluster.storage
        note = self.root / "storage"
        noted = note.read_text(encoding="utf-8").split() if note.exists() else []
        if noted and noted[0] != str(storage):
            raise BadInput(
                f"warehouse {self.root} keeps its archive at {noted[0]}, and cluster.toml names "
                f"{storage or 'no storage'}: correct it; after copying the archive to the new "
                f"place, remove {note}"
            )
        if storage is None:
            return
        owner = storage / "warehouse-id"
        theirs = owner.read_text() if owner.exists() else None
        mine = noted[1] if noted else secrets.token_hex(8)
        if theirs not in (None, mine):
            raise BadInput(
                f"{storage} holds the archive of another warehouse than {self.root}: choose "
                "another prefix; if it is this one's, restore the file `storage` of the folder"
            )
        if not noted:
            write_bytes(note, f"{storage}\n{mine}\n".encode())
        if theirs is None:
            write_bytes(owner, mine.encode())

    def _move_in(self) -> None:
        """What the folder held before its archive moved to an object store goes there too."""
        if isinstance(self.stored, Path):
            return
        for folder in (self.snapshots, self.reports):
            before = self.root / folder.name
            for path in sorted(p for p in before.rglob("[!.]*") if p.is_file()):
                there = folder / path.relative_to(before).as_posix()
                if not there.exists() or there.stat().st_size != path.stat().st_size:
                    write_bytes(there, path.read_bytes())
            if before.exists():
                before.rename(before.with_name(f"{before.name}-before-cluster"))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _holder(fd: int) -> str:
    try:
        who = json.loads(os.pread(fd, 4096, 0))
        return (
            f"process {who['pid']} on {who['host']} ({who['purpose']}), "
            f"since {who['since'].replace('+00:00', 'Z')}"
        )
    except (ValueError, KeyError):
        return "another process"  # it has the lock and has not yet written its name
