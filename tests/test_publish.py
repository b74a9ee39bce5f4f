"""Publishing: a whole new generation or yesterday's, never something in between."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
import yaml

from tasks import increment, repairs, reports, run_dbt
from tasks import publish as publishing
from tasks.publish import (
    SQL,
    PublishError,
    check_accounting,
    publish,
    query,
    remember_sources,
)
from tasks.records import AccountingError, BadInput
from tasks.store import Warehouse
from tests.models.synthetic import Synthetic, figures, source

HERE = Path(__file__).resolve().parent.parent


def small(root: Path) -> Synthetic:
    """One report of 桦川县."""
    world = Synthetic(root)
    world.night().report("https://www.huachuan.gov.cn/1", "桦川县人民政府", 2021, scope="area")
    return world


def test_accounting_that_closes_says_nothing(tmp_path: Path) -> None:
    check_accounting(small(tmp_path).write())


@pytest.mark.parametrize(
    "fault", ["no outcome", "two outcomes", "undiscovered", "discovered twice"]
)
def test_accounting_that_does_not_close_publishes_nothing(tmp_path: Path, fault: str) -> None:
    world = small(tmp_path)
    night = world.nights[0]
    if fault == "no outcome":
        night.outcomes.pop()
    elif fault == "two outcomes":
        night.outcomes.append(night.outcomes[0] | {"outcome": "rejected"})
    elif fault == "undiscovered":
        night.discovered.pop()
    else:
        night.discovered.append(night.discovered[0])
    warehouse = world.write()
    with warehouse.lock(), pytest.raises(AccountingError, match="night-1 does not close"):
        publish(warehouse)
    assert not warehouse.database.exists()
    assert not list(warehouse.root.glob(".generation-*"))


def test_an_interrupted_run_is_not_accounted(tmp_path: Path) -> None:
    world = small(tmp_path)
    world.nights[0].outcomes.pop()
    warehouse = world.write()
    (warehouse.run_folder("night-1") / "run.json").unlink()
    check_accounting(warehouse)


def test_a_finished_run_without_its_lists_is_refused(tmp_path: Path) -> None:
    warehouse = small(tmp_path).write()
    (warehouse.run_folder("night-1") / "outcomes.parquet").unlink()
    with pytest.raises(AccountingError, match=r"outcomes\.parquet is missing"):
        check_accounting(warehouse)


def test_repairs_are_searched_for_in_a_few_files_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = "requests.granted.natural_person"
    world = Synthetic(tmp_path)
    for year in (2021, 2022):
        url = f"https://www.huachuan.gov.cn/{year}"
        world.night().report(url, "桦川县人民政府", year, figures() | {wrong: Decimal(3)})
    parts = increment.parts_of(world.write().reports)
    whole = repairs.localised(parts)
    assert len(set(whole["report_id"].to_pylist())) == 2
    monkeypatch.setattr(repairs, "_FILES", 1)
    assert repairs.localised(parts).equals(whole)
    assert repairs.localised([]).num_rows == 0


def test_sources_given_once_are_remembered(tmp_path: Path) -> None:
    warehouse = Warehouse.at(tmp_path)
    mine = source("huachuan", "230826")
    assert mine in remember_sources(warehouse, [mine])
    assert mine in remember_sources(warehouse, None)
    changed = mine._replace(status="blocked")
    assert changed in remember_sources(warehouse, [changed])
    assert mine not in remember_sources(warehouse, None)


def test_query_reads_only(tmp_path: Path) -> None:
    warehouse = Warehouse.at(tmp_path)
    with pytest.raises(BadInput, match="nothing is published yet"):
        query(warehouse, "select 1")
    with duckdb.connect(str(warehouse.database)) as connection:
        connection.execute("create table t as select 42 as n")
    assert query(warehouse, "select n from t").to_pylist() == [{"n": 42}]
    for wrong in ("insert into t values (1)", "select nothing from t", "selec"):
        with pytest.raises(BadInput, match="the query was refused"):
            query(warehouse, wrong)


def test_the_project_is_parsed_anew_when_anything_of_it_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = run_dbt.parsed_project()
    assert run_dbt.parsed_project() == kept
    assert kept.is_relative_to(SQL)
    copy = tmp_path / "sql"
    for folder in ("models", "macros", "seeds", "tests"):
        shutil.copytree(SQL / folder, copy / folder)
    monkeypatch.setattr(run_dbt, "PROJECT", copy)
    names = {kept.name, run_dbt.parsed_project().name}
    for changed in ("models/marts/reports.sql", "macros/form.sql", "models/marts/runs.yml"):
        with (copy / changed).open("a") as file:
            file.write("\n")
        names.add(run_dbt.parsed_project().name)
    (copy / "seeds" / "identities.csv").rename(copy / "seeds" / "other.csv")
    names.add(run_dbt.parsed_project().name)
    monkeypatch.setattr(run_dbt, "version", lambda name: f"another {name}")
    names.add(run_dbt.parsed_project().name)
    assert len(names) == 7


@pytest.fixture(scope="module")
def yesterday(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A published warehouse of one report."""
    warehouse = small(tmp_path_factory.mktemp("yesterday")).write()
    with warehouse.lock():
        publish(warehouse)
    return warehouse


def _copy(yesterday: Warehouse, to: Path) -> Warehouse:
    shutil.copytree(yesterday.root, to, dirs_exist_ok=True)
    return Warehouse.at(to)


def _reports(warehouse: Warehouse) -> int:
    found = query(warehouse, "select count(*) as n from reports").to_pylist()
    return int(found[0]["n"])


@pytest.mark.slow
def test_an_empty_warehouse_publishes_empty_tables(tmp_path: Path) -> None:
    warehouse = Warehouse.at(tmp_path)
    with warehouse.lock():
        published = publish(warehouse, sources=[])
    assert published.rows["national_fact"] == published.rows["runs"] == 0
    assert published.rows["measures"] == 398
    assert sorted(p.name for p in tmp_path.glob(".*")) == []


@pytest.mark.slow
def test_a_failed_build_keeps_yesterdays_and_says_why(yesterday: Warehouse, tmp_path: Path) -> None:
    warehouse = _copy(yesterday, tmp_path)
    before = warehouse.database.read_bytes()
    world = Synthetic(tmp_path)
    bad = world.night()
    bad.run_id = "night-2"
    bad.report("https://www.huachuan.gov.cn/2", "桦川县人民政府", 2022, scope="nonsense")
    world.write()
    with warehouse.lock(), pytest.raises(PublishError, match="scope") as caught:
        publish(warehouse)
    assert "\n" not in str(caught.value)
    log = Path(str(caught.value).rsplit("log: ", 1)[1])
    assert log.exists()
    assert warehouse.database.read_bytes() == before


@pytest.mark.slow
def test_killed_while_dbt_runs_a_reader_keeps_its_night_and_the_next_sees_the_new(
    yesterday: Warehouse, tmp_path: Path
) -> None:
    warehouse = _copy(yesterday, tmp_path)
    world = Synthetic(tmp_path)
    world.nights.append(world.night())
    world.nights = [world.nights[0]]
    world.nights[0].run_id = "night-2"
    world.nights[0].report("https://www.huachuan.gov.cn/2", "桦川县人民政府", 2022, scope="area")
    world.write()
    (part,) = warehouse.reports.glob("part-night-2-*")  # as a reader wrote it that knew less
    pq.write_table(pq.read_table(part).drop_columns(["signed_date"]), part)
    assert reports.lacking_columns(increment.parts_of(warehouse.reports)) == [part]
    code = "import sys; from tasks import publish as w; from tasks.store import Warehouse\n"
    code += "with (x := Warehouse.at(sys.argv[1])).lock(): w.publish(x)"
    killed = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=HERE, start_new_session=True
    )
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob(".generation-*/gongkai.duckdb")):
        assert time.monotonic() < deadline
        assert killed.poll() is None
        time.sleep(0.05)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert _reports(warehouse) == 1
    reader = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1], read_only=True);"
    reader += "print(c.sql('select count(*) from reports').fetchone()[0], flush=True);"
    reader += "sys.stdin.readline(); print(c.sql('select count(*) from reports').fetchone()[0])"
    with subprocess.Popen(
        [sys.executable, "-c", reader, str(warehouse.database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n"
        with warehouse.lock():
            publish(warehouse)
        out, _ = process.communicate("go\n")
    assert out == "1\n"
    assert _reports(warehouse) == 2
    assert not list(tmp_path.glob(".generation-*"))


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["building", "sealed"])
def test_killed_at_any_moment_leaves_yesterdays(
    yesterday: Warehouse, tmp_path: Path, moment: str
) -> None:
    warehouse = _copy(yesterday, tmp_path)
    before = warehouse.database.read_bytes()
    stop = "_swap" if moment == "sealed" else "_seal"
    code = f"""
import sys, time
from tasks import publish as w
from tasks.store import Warehouse
warehouse = Warehouse.at(sys.argv[1])
def wait(*_):
    print("here", flush=True)
    time.sleep(600)
w.{stop} = wait
if {moment!r} == "building":
    w._build = wait
else:  # what is sealed is yesterday's once more
    w.prepare, w._build = lambda *_, **__: ("", "the same"), lambda *_: None
with warehouse.lock():
    print("begun", flush=True)
    w.publish(warehouse)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=HERE,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    assert process.stdout.readline() == "here\n"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert warehouse.database.read_bytes() == before
    assert _reports(warehouse) == 1
    assert list(tmp_path.glob(".generation-*"))
    with warehouse.lock():  # the next writer clears what was left
        assert not list(tmp_path.glob(".generation-*"))


@pytest.mark.slow
def test_the_models_unit_tests_pass(yesterday: Warehouse, tmp_path: Path) -> None:
    """dbt's own unit tests, against a copy of a published database for its columns."""
    shutil.copy(yesterday.database, tmp_path / "gongkai.duckdb")
    environment = publishing.dbt_environment(yesterday, tmp_path)
    done = subprocess.run(
        [
            *publishing.dbt_command(tmp_path, "test"),
            "--select",
            "test_type:unit",
        ],
        env=environment,
        cwd=SQL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_models_that_spill_to_disk_keep_their_settings(tmp_path: Path) -> None:
    # dbt gives `settings` again with each cursor, and DuckDB takes no other folder once it spilled.
    written = (SQL / "profiles.yml").read_text(encoding="utf-8")
    output = yaml.safe_load(written)["gongkai"]["outputs"]["generation"]
    options = {
        name: value.replace("{{ env_var('GONGKAI_BUILD_DB') }}", str(tmp_path / "db"))
        for name, value in output["config_options"].items()
    }
    with duckdb.connect(str(tmp_path / "db"), config=options) as connection:
        connection.execute("set memory_limit = '40MB'; set threads = 1")
        connection.execute("create temp table many as from range(8_000_000) order by hash(range)")
        assert list(tmp_path.glob("db.tmp/*")), "nothing was spilled"
        for name, value in output["settings"].items():
            connection.execute(f"set {name} = '{value}'")
