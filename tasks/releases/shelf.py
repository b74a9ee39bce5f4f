"""The releases of a warehouse: which there are, opening one for queries, checking one.

A release is a folder of its own; it works wherever it is copied to.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from tasks.records import BadInput
from tasks.store import Warehouse

MEMORY = "2GB"  # of DuckDB; beyond it sorts go to disk
SUMS = "SHA256SUMS"
FACTS = "release.json"


def shelf(warehouse: Warehouse) -> Path:
    """Where the releases of a warehouse lie."""
    return warehouse.root / "releases"


@dataclass(frozen=True)
class Release:
    """One release, by its folder."""

    folder: Path

    @property
    def name(self) -> str:
        """Its day, with .2, .3 … for further ones of that day."""
        return self.folder.name

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What its `release.json` says. BadInput when that cannot be read."""
        try:
            facts: dict[str, Any] = json.loads((self.folder / FACTS).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BadInput(
                f"release {self.folder}: {FACTS} cannot be read ({error}); restore it from a copy"
            ) from error
        return facts

    @property
    def fingerprint(self) -> str:
        """SHA-256 of its list of hashes: to be quoted beside its name."""
        return hashlib.sha256((self.folder / SUMS).read_bytes()).hexdigest()

    def rows(self, table: str) -> int:
        """How many rows a table of it has."""
        return int(next(t["rows"] for t in self.facts["tables"] if t["name"] == table))

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(p.stat().st_size for p in self.folder.rglob("*") if p.is_file())


def releases(warehouse: Warehouse) -> list[Release]:
    """Oldest first."""
    found = [Release(p) for p in shelf(warehouse).glob("[0-9]*") if (p / SUMS).exists()]
    return sorted(found, key=lambda r: _order(r.name))


def _order(name: str) -> tuple[str, int]:
    day, _, number = name.partition(".")
    return day, int(number) if number.isdigit() else 1


def find(warehouse: Warehouse, name: str) -> Release:
    """A release by its name, the path of its folder, or `latest`; BadInput when there is none."""
    known = releases(warehouse)
    if name == "latest" and known:
        return known[-1]
    for release in known:
        if release.name == name:
            return release
    if "/" in name and (Path(name) / FACTS).exists():
        return Release(Path(name).resolve())
    if not known:
        raise BadInput(
            f"release {name}: {shelf(warehouse)} holds none yet; `gongkai release` makes one"
        )
    shown = ", ".join(r.name for r in known[-5:])
    raise BadInput(f"release {name}: there is none of that name; the newest are {shown}")


def as_of(warehouse: Warehouse, day: date) -> Release:
    """The newest release of that day or before it. BadInput when there is none."""
    upto = [r for r in releases(warehouse) if r.name[:10] <= day.isoformat()]
    if not upto:
        first = next((r.name for r in releases(warehouse)), None)
        there = f"the first is {first}" if first else "there are none yet"
        raise BadInput(f"no release of {day} or before; {there}")
    return upto[-1]


@contextlib.contextmanager
def opened(release: Release) -> Iterator[Path]:
    """A read-only database of views on the files of a release, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="gongkai-") as folder:
        database = Path(folder) / "release.duckdb"
        with duckdb.connect(str(database)) as db:
            for table in release.facts["tables"]:
                path = str(release.folder / table["parquet"]["path"]).replace("'", "''")
                try:
                    db.execute(f"create view {table['name']} as from read_parquet('{path}')")
                except duckdb.Error as error:
                    raise BadInput(
                        f"release {release.name}: {table['parquet']['path']} cannot be read; "
                        f"`gongkai release --check {release.name}` says what is wrong with it"
                    ) from error
        yield database


def check(release: Release) -> list[str]:
    """What is not as it was frozen, one line for each file; none when all is well."""
    listed = _sums(release)
    there = {
        p.relative_to(release.folder).as_posix(): p
        for p in release.folder.rglob("*")
        if p.is_file() or p.is_symlink()
    }
    wrong = []
    for name, expected in listed.items():
        if name not in there:
            wrong.append(f"{name}: missing")
        else:
            try:
                if digest(there[name]) != expected:
                    wrong.append(f"{name}: changed")
            except OSError as error:
                wrong.append(f"{name}: cannot be read ({error.strerror})")
    wrong += [
        f"{name}: not of this release" for name in sorted(there.keys() - listed.keys() - {SUMS})
    ]
    return wrong


def _sums(release: Release) -> dict[str, str]:
    listed = {}
    for number, line in enumerate(_lines(release), 1):
        value, _, name = line.partition("  ")
        if len(value) != 64 or not name:
            raise BadInput(
                f"release {release.name}: {SUMS} line {number} is no hash and name; "
                "restore the file from a copy"
            )
        listed[name] = value
    return listed


def _lines(release: Release) -> list[str]:
    try:
        return (release.folder / SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise BadInput(f"release {release.name}: {SUMS} cannot be read ({error})") from error


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
