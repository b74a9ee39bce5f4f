"""Freezes the published tables into a release, whole or not at all.

Everything is written into a hidden folder beside the releases, put on disk, and renamed. A release
that exists is never written to: the rename refuses a name that is taken.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from tasks.files import sync_folder
from tasks.records import BadInput
from tasks.releases import package
from tasks.releases.shelf import MEMORY, SUMS, Release, digest, releases, shelf
from tasks.releases.tables import LEFT_OUT, SCHEMA_VERSION, TABLES, Table, as_csv
from tasks.store import Warehouse

CHINA = timezone(timedelta(hours=8))  # the days of a release are those of the reports
SPREADSHEET_ROWS = 1_048_575  # longer tables open in no spreadsheet, so their CSV is compressed
_ASIDE = ".new-"


def freeze(
    warehouse: Warehouse,
    *,
    contact: str = "",
    now: datetime | None = None,
    plain_rows: int = SPREADSHEET_ROWS,
) -> Release:
    """A new release of what is published now, named for the day in China.

    `contact` is where readers send corrections (mail address or URL). A second release of a day is
    named DAY.2 and so on. Raises BadInput when nothing is published, `contact` is neither, the
    newest release of the day already holds exactly this, or the folder cannot be written.
    """
    if contact and not re.fullmatch(r"https?://[\x21-\x7e]+|(mailto:)?[^@\s]+@[^@\s]+", contact):
        raise BadInput(f"--contact {contact!r}: give a mail address, or a URL with https://")
    moment = (now or datetime.now(UTC)).astimezone(CHINA)
    if not warehouse.database.exists():
        raise BadInput(f"warehouse {warehouse.root}: nothing is published yet; try `gongkai run`")
    home = shelf(warehouse)
    with _writing(home):
        for left in home.glob(f"{_ASIDE}*"):  # of a killed one: we alone hold the lock
            shutil.rmtree(left, ignore_errors=True)
        aside = home / f"{_ASIDE}{secrets.token_hex(6)}"
        aside.mkdir()
        try:
            name = _next_name(warehouse, moment)
            facts = _facts(warehouse, name, moment, contact)
            facts["tables"] = _write_tables(warehouse, aside, facts, plain_rows)
            _refuse_repetition(warehouse, name, facts)
            package.write(aside, facts)
            _seal(aside)
            aside.rename(home / name)  # refused by the system when that name is there
            sync_folder(home)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise
    return Release(home / name)


@contextlib.contextmanager
def _writing(home: Path) -> Iterator[None]:
    """One release at a time; nightly runs are not kept waiting, nor do they keep one waiting."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        fd = os.open(home / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise BadInput(
            f"{home}: cannot be written ({error.strerror}); "
            "choose another warehouse with --warehouse"
        ) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise BadInput(f"{home}: another release is being made; wait until it is done") from error
    finally:
        os.close(fd)


def _next_name(warehouse: Warehouse, moment: datetime) -> str:
    day = moment.date().isoformat()
    taken = {r.name for r in releases(warehouse)}
    number = 1
    while (name := day if number == 1 else f"{day}.{number}") in taken:
        number += 1
    return name


def _facts(warehouse: Warehouse, name: str, moment: datetime, contact: str) -> dict[str, Any]:
    """What `release.json` says beside the tables."""
    published = datetime.fromtimestamp(warehouse.database.stat().st_mtime, CHINA)
    return {
        "release": name,
        "frozen_at": moment.isoformat(timespec="seconds"),
        "published_at": published.isoformat(timespec="seconds"),
        "schema_version": SCHEMA_VERSION,
        "demo": warehouse.is_demo,
        "contact": contact,
        "licence": package.LICENCE,
        "made_with": {"gongkai": version("gongkai"), "commit": _commit()},
        "left_out": LEFT_OUT,
    }


def _commit() -> str | None:
    """The commit of the checkout this runs from, "-dirty" when changed; None outside of one."""
    here = Path(__file__).resolve().parent
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or None if done.returncode == 0 else None


def _write_tables(
    warehouse: Warehouse, aside: Path, facts: dict[str, Any], plain_rows: int
) -> list[dict[str, Any]]:
    """Every table as Parquet and CSV. One connection: all of one night, whatever is published."""
    for folder in ("parquet", "csv"):
        (aside / folder).mkdir()
    spill = aside / ".spill"
    written = []
    limits: dict[str, Any] = {"temp_directory": str(spill), "memory_limit": MEMORY}
    with duckdb.connect(str(warehouse.database), read_only=True, config=limits) as db:
        facts["data_until"], facts["readers"] = _origin(db)
        for table in TABLES:
            written.append(_write_table(db, table, aside, plain_rows))
    shutil.rmtree(spill, ignore_errors=True)
    return written


def _origin(db: duckdb.DuckDBPyConnection) -> tuple[str | None, list[str]]:
    until = db.execute("select max(finished_at at time zone 'UTC') from runs").fetchall()[0][0]
    readers = db.execute("select distinct parser_version from reports order by 1").fetchall()
    return (until.replace(tzinfo=UTC).isoformat() if until else None), [r for (r,) in readers]


def _write_table(
    db: duckdb.DuckDBPyConnection, table: Table, aside: Path, plain_rows: int
) -> dict[str, Any]:
    parquet = aside / "parquet" / f"{table.name}.parquet"
    db.execute(f"copy ({table.rows}) to {_quoted(parquet)} (format parquet, compression zstd)")
    source = f"read_parquet({_quoted(parquet)})"
    columns = db.execute(f"describe from {source}").fetchall()
    rows = db.execute(f"select count(*) from {source}").fetchall()[0][0]  # noqa: S608
    plain = rows <= plain_rows
    csv = aside / "csv" / f"{table.name}.csv{'' if plain else '.gz'}"
    shown = ", ".join(as_csv(name, kind) for name, kind, *_ in columns)
    db.execute(
        f"copy (select {shown} from {source}) to {_quoted(csv)} "  # noqa: S608
        f"(format csv, header, compression {'none' if plain else 'gzip'})"
    )
    return {
        "name": table.name,
        "rows": rows,
        "columns": [{"name": name, "type": kind} for name, kind, *_ in columns],
        "parquet": _file(aside, parquet),
        "csv": _file(aside, csv),
    }


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _file(folder: Path, path: Path) -> dict[str, Any]:
    return {
        "path": path.relative_to(folder).as_posix(),
        "bytes": path.stat().st_size,
        "sha256": digest(path),
    }


def _refuse_repetition(warehouse: Warehouse, name: str, facts: dict[str, Any]) -> None:
    earlier = releases(warehouse)
    if not earlier or earlier[-1].name.partition(".")[0] != name.partition(".")[0]:
        return
    same = ("contact", "licence", "schema_version", "demo", "tables")
    if all(earlier[-1].facts.get(k) == facts[k] for k in same):
        raise BadInput(
            f"release {earlier[-1].name} already holds exactly what is published; "
            "nothing new to freeze today"
        )


def _seal(aside: Path) -> None:
    """The list of hashes; every file read-only and on disk."""
    files = sorted(p for p in aside.rglob("*") if p.is_file())
    sums = "".join(f"{digest(p)}  {p.relative_to(aside).as_posix()}\n" for p in files)
    (aside / SUMS).write_text(sums, encoding="utf-8")
    for path in (*files, aside / SUMS):
        path.chmod(0o444)
        with path.open("rb") as file:
            os.fsync(file.fileno())
    for folder in (*(p for p in aside.iterdir() if p.is_dir()), aside):
        sync_folder(folder)
