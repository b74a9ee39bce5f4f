"""`gongkai verify`: is what is at rest still what was written?

Every byte of the archive is read and held against its SHA-256, every Parquet page against its
checksum; references must lead to bytes, readings to the fetches they were read from, and each
finished run must close. Nothing is changed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from tasks import reports
from tasks.files import open_parquet
from tasks.objects import Place, Unreachable, listed
from tasks.publish import check_accounting
from tasks.records import AccountingError, BadInput, snapshot_id_of
from tasks.snapshot import aside, parts
from tasks.store import Warehouse

_RESTORE = (
    "restore it from a copy, or leave it: the next run sets it aside and fetches its pages again"
)
_READ_AGAIN = "`gongkai replay --all` makes it again"
_NAMED = 3  # examples that a line names


class Damage(NamedTuple):
    """One thing that is wrong: where (a path below the warehouse), what, and what to do."""

    where: str
    what: str
    what_to_do: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.what_to_do}"


@dataclass(slots=True)
class Verified:
    """What was checked, and what is wrong. `unread`: parts of the archive without a reading yet."""

    parts: int = 0
    fetches: int = 0
    documents: int = 0
    size: int = 0
    readings: int = 0
    runs: int = 0
    unread: int = 0
    damages: list[Damage] = field(default_factory=list)


def verify(warehouse: Warehouse, told: Callable[[int], None] = lambda _: None) -> Verified:
    """Check the whole warehouse. `told` is called with the number of fetches checked since.

    Readers and writers may go on: parts that appear meanwhile are not looked at. Raises BadInput
    when there is nothing to check.
    """
    if not parts(warehouse) and not aside(warehouse):
        raise BadInput(
            f"no archive at {warehouse.root} to check: `gongkai run` fills one, "
            "or choose another with --warehouse or GONGKAI_WAREHOUSE"
        )
    result = Verified()
    finished = sorted(warehouse.runs.glob("*/run.json"))  # before the parts: none is too new
    archive = _Archive(warehouse, result, told)
    archive.check()
    archive.check_accounted(finished)
    _check_runs(warehouse, result)
    _check_sources(warehouse, result)
    _check_published(warehouse, result)
    return result


class _Archive:
    """The parts and the readings made of them."""

    def __init__(self, warehouse: Warehouse, result: Verified, told: Callable[[int], None]) -> None:
        self.warehouse, self.root, self.reports = warehouse, warehouse.root, warehouse.reports
        self.result, self.told = result, told
        self._some_gone = False
        self.names = parts(warehouse)
        self.set_aside = aside(warehouse)
        self.held: set[str] = set()  # snapshots whose bytes are there and are right
        self.pointing: dict[Place, dict[str, str]] = defaultdict(dict)  # part → snapshot → URL

    def check(self) -> None:
        """All parts, then what points from one to another."""
        for path, why in self.set_aside.items():
            self.damage(path, f"was set aside ({why})", "put a good copy into snapshots/")
        for path in self._in_turn():
            rows = self.result.fetches
            try:
                self.part(path)
            except FileNotFoundError:
                self._some_gone = True
                continue
            except Unreachable:
                raise  # nothing is known of the part
            except (pa.ArrowException, OSError, BadInput) as e:
                what = f"cannot be read after {self.result.fetches - rows} rows: {_line(e)}"
                self.damage(path, what, _RESTORE)
            self.result.parts += 1
        for path, wanted in self.pointing.items():
            if lost := {s: url for s, url in wanted.items() if s not in self.held}:
                snapshot, url = min(lost.items())
                self.damage(
                    path,
                    f"{len(lost)} rows name bytes that no readable part holds "
                    f"(the first: {url}, snapshot {snapshot})",
                    "restore the part that held them; else the next run fetches them again",
                )
        archived = {path.name for path in [*self.names, *self.set_aside]}
        for path in listed(self.reports, "part-*.parquet"):
            if path.name not in archived:
                what = "its archive part is missing, so these readings cannot be made again"
                self.damage(path, what, f"restore snapshots/{path.name} from a copy")

    def _in_turn(self) -> Iterator[Place]:
        """The parts; of those that a run has put together meanwhile, the new one instead."""
        yield from list(self.names)
        while self._some_gone:
            self._some_gone = False
            fresh = [path for path in parts(self.warehouse) if path not in self.names]
            self.names += fresh
            yield from fresh

    def check_accounted(self, finished: list[Path]) -> None:
        """What finished runs say they archived is there: a part that is gone leaves no other trace.

        `finished`: the `run.json` of runs, in their order.
        """
        lost: dict[str, str] = {}  # snapshot → the first run and URL that name it
        for record in finished:
            try:
                with open_parquet(record.parent / "outcomes.parquet") as file:
                    table = file.read(columns=["snapshot_id", "url"])
            except (pa.ArrowException, OSError):
                continue  # the check of the runs says so
            named = set(pc.unique(table["snapshot_id"]).to_pylist()) - {None}
            if named <= self.held:
                continue
            for snapshot, url in zip(*(c.to_pylist() for c in table.columns), strict=True):
                if snapshot is not None and snapshot not in self.held:
                    lost.setdefault(snapshot, f"{url}, run {record.parent.name}")
        if lost:
            snapshot, first = next(iter(lost.items()))
            self.damage(
                self.root / "snapshots",
                f"finished runs account for {len(lost)} documents whose bytes no readable part "
                f"holds (the first: {first}, snapshot {snapshot})",
                "restore the parts that held them (their names begin with part- and the run)",
            )

    def part(self, path: Place) -> None:
        """One part, a row group at a time, and the readings made of it."""
        documents: list[tuple[str, str]] = []
        wrong: list[str] = []
        with open_parquet(path) as file:
            for group in range(file.num_row_groups):
                for row in file.read_row_group(group).to_pylist():
                    self.result.fetches += 1
                    if what := self.row(path, row):
                        wrong.append(f"{row['url']} ({what})")
                    elif row["bytes"] is not None:
                        documents.append((row["document_id"], row["snapshot_id"]))
                self.told(file.metadata.row_group(group).num_rows)
        if wrong:
            some = ", ".join(wrong[:_NAMED]) + (" …" if len(wrong) > _NAMED else "")
            self.damage(path, f"{len(wrong)} documents are not what was stored: {some}", _RESTORE)
        self.readings(path, documents, complete=not wrong)

    def row(self, path: Place, row: dict[str, object]) -> str | None:
        """What is wrong with one fetch, or None."""
        body, snapshot = row["bytes"], row["snapshot_id"]
        if body is None:
            if snapshot is not None:
                self.pointing[path][str(snapshot)] = str(row["url"])
            return None
        assert isinstance(body, bytes)
        if snapshot != snapshot_id_of(body):
            return f"the bytes do not match the hash {snapshot}"
        if row["size"] is not None and row["size"] != len(body):
            return f"{len(body)} bytes instead of {row['size']}"
        self.held.add(str(snapshot))
        self.result.documents += 1
        self.result.size += len(body)
        return None

    def readings(self, part: Place, documents: list[tuple[str, str]], *, complete: bool) -> None:
        """The readings of a part are of its documents, of all of them and of no other."""
        path = self.reports / part.name
        if not path.exists():
            self.result.unread += 1
            return
        try:
            with open_parquet(path) as file:
                same_columns = file.schema_arrow.equals(reports.SCHEMA)
                table = file.read(columns=["document_id", "snapshot_id"])
                for group in range(file.num_row_groups):
                    file.read_row_group(group)
        except (pa.ArrowException, OSError) as e:
            self.damage(path, f"cannot be read: {_line(e)}", _READ_AGAIN)
            return
        self.result.readings += table.num_rows
        read = list(zip(*(column.to_pylist() for column in table.columns), strict=True))
        if not same_columns:
            self.damage(path, "has the columns of another version", _READ_AGAIN)
        elif complete and sorted(read) != sorted(documents):
            what = f"has {len(read)} readings of the {len(documents)} documents of its archive part"
            self.damage(path, what, _READ_AGAIN)

    def damage(self, path: Place, what: str, what_to_do: str) -> None:
        """Note one damage."""
        where = str(path).removeprefix(f"{self.root}/")
        self.result.damages.append(Damage(where, what, what_to_do))


def _check_runs(warehouse: Warehouse, result: Verified) -> None:
    for record in sorted(warehouse.runs.glob("*/run.json")):
        result.runs += 1
        for what in _wrong_of_run(record):
            where = str(record.parent.relative_to(warehouse.root))
            remedy = (
                "restore it from a copy, or remove its run.json: the next run accounts for the "
                "documents again"
            )
            result.damages.append(Damage(where, what, remedy))
    if not any(d.where.startswith("runs") for d in result.damages):
        try:
            check_accounting(warehouse)
        except AccountingError as e:
            result.damages.append(Damage("runs", str(e), "restore the run's folder from a copy"))


def _wrong_of_run(record: Path) -> Iterator[str]:
    try:
        json.loads(record.read_text(encoding="utf-8"))
    except (ValueError, OSError) as e:
        yield f"run.json cannot be read: {_line(e)}"
    for name in ("discovered", "outcomes", "problems", "candidates"):
        path = record.parent / f"{name}.parquet"
        try:
            if path.exists() or name in ("discovered", "outcomes"):
                with open_parquet(path) as file:
                    file.read()
        except (pa.ArrowException, OSError) as e:
            yield f"{path.name} cannot be read: {_line(e)}"


def _check_sources(warehouse: Warehouse, result: Verified) -> None:
    path = warehouse.root / "sources.parquet"
    try:
        if path.exists():
            with open_parquet(path) as file:
                file.read()
    except (pa.ArrowException, OSError) as e:
        what = f"cannot be read: {_line(e)}"
        remedy = "restore it from a copy, or remove it and give the next run its --sources again"
        result.damages.append(Damage(path.name, what, remedy))


def _check_published(warehouse: Warehouse, result: Verified) -> None:
    if not warehouse.database.exists():
        return
    try:
        with duckdb.connect(str(warehouse.database), read_only=True) as connection:
            names = connection.execute(
                "select table_name from duckdb_tables() where schema_name = 'main'"
            ).fetchall()
            for (name,) in names:
                connection.execute(f'select count(columns(*)) from main."{name}"').fetchall()  # noqa: S608
    except duckdb.Error as e:
        what = f"cannot be read: {_line(e)}"
        result.damages.append(
            Damage(warehouse.database.name, what, "`gongkai publish` makes it again")
        )


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
