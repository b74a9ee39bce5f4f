"""One writer, whole files, no leftovers, and demo and official documents never mix."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from tasks.files import atomic, write_bytes, write_table
from tasks.records import BadInput, Busy
from tasks.runs import finished_runs, new_run_id
from tasks.schemas import SNAPSHOTS_SCHEMA
from tasks.store import Warehouse


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse.at(tmp_path / "w")


def test_the_folder_is_chosen_by_argument_then_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONGKAI_WAREHOUSE", str(tmp_path / "env"))
    assert Warehouse.at().root == tmp_path / "env"
    assert Warehouse.at(tmp_path / "arg").root == tmp_path / "arg"
    monkeypatch.chdir(tmp_path)
    assert Warehouse.at("x").root == tmp_path / "x"
    monkeypatch.delenv("GONGKAI_WAREHOUSE")
    assert Warehouse.at().root == Path(__file__).resolve().parent.parent / "warehouse"


def test_readers_see_the_columns_before_the_first_part(warehouse: Warehouse) -> None:
    warehouse.ensure()
    warehouse.ensure()
    assert duckdb.read_parquet(f"{warehouse.snapshots}/*.parquet").columns == SNAPSHOTS_SCHEMA.names
    for name in ("discovered", "outcomes", "problems"):
        assert duckdb.read_parquet(f"{warehouse.runs}/**/*{name}.parquet").columns[0] == "run_id"


def test_a_damaged_or_old_schema_file_is_written_anew(warehouse: Warehouse) -> None:
    warehouse.ensure()
    schema = warehouse.snapshots / "schema.parquet"
    schema.write_bytes(b"PAR1")
    warehouse.ensure()
    assert duckdb.read_parquet(str(schema)).columns == SNAPSHOTS_SCHEMA.names


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInput, match="cannot be written"):
        Warehouse.at(tmp_path / "file").ensure()


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    with pytest.raises(RuntimeError, match="killed"), atomic(path) as temporary:
        temporary.write_bytes(b"half")
        # Neither under its name nor where DuckDB's "*.parquet" would find it.
        assert temporary.name.startswith(".")
        assert temporary.suffix != ".parquet"
        raise RuntimeError("killed")
    assert list(tmp_path.iterdir()) == []
    write_bytes(path, b"one")
    write_bytes(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


def test_a_second_writer_is_told_who_holds_the_lock(warehouse: Warehouse) -> None:
    with warehouse.lock("nightly"), pytest.raises(Busy, match="nightly") as busy, warehouse.lock():
        pass
    assert f"since {datetime.now(UTC):%Y-}" in str(busy.value)
    assert "process" in str(busy.value)
    with warehouse.lock():
        pass


def test_a_killed_writer_leaves_no_lock_and_its_leftovers_go(warehouse: Warehouse) -> None:
    code = """
import os, sys
from tasks.files import atomic
from tasks.store import Warehouse
w = Warehouse.at(sys.argv[1])
lock = w.lock(); lock.__enter__()
(w.root / ".generation-1").mkdir(); (w.root / ".generation-1" / "x").write_text("x")
(w.runs / "r1").mkdir()
folders = (w.root, w.snapshots, w.reports, w.runs / "r1")
blocks = [atomic(folder / "part-1.parquet") for folder in folders]
[block.__enter__().write_text("half") for block in blocks]
print("ready", flush=True); sys.stdin.readline(); os._exit(0)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(warehouse.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        with pytest.raises(Busy, match=str(process.pid)), warehouse.lock():
            pass
        assert list(warehouse.snapshots.glob(".*"))  # not the holder: nothing is touched
        process.kill()
    (warehouse.root / ".keep").write_text("not ours")
    with warehouse.lock():
        names = [p.name for p in warehouse.root.rglob(".*")]
        assert names == [".keep"]


def test_demo_and_official_documents_never_mix(tmp_path: Path) -> None:
    demo = Warehouse.at(tmp_path / "demo")
    demo.ensure()
    assert not demo.demo_marker.exists()
    demo.claim(demo=True)
    demo.claim(demo=True)
    assert demo.is_demo
    with pytest.raises(BadInput, match="is a demo"):
        demo.claim(demo=False)
    real = Warehouse.at(tmp_path / "real")
    real.ensure()
    real.claim(demo=False)
    write_table(real.snapshots / "part-r1-00000.parquet", SNAPSHOTS_SCHEMA.empty_table())
    with pytest.raises(BadInput, match="holds real documents"):
        real.claim(demo=True)
    assert not real.is_demo


def test_only_runs_with_a_run_json_are_finished(warehouse: Warehouse) -> None:
    warehouse.ensure()
    for name, started in (("b", "2026-01-01"), ("a", "2026-01-02"), ("c", None)):
        folder = warehouse.run_folder(name)
        folder.mkdir()
        if started:
            write_bytes(folder / "run.json", json.dumps({"started_at": started}).encode())
    assert [run["run_id"] for run in finished_runs(warehouse)] == ["a", "b"]
    write_bytes(warehouse.run_folder("a") / "run.json", b"{")
    with pytest.raises(BadInput, match=r"run\.json"):
        finished_runs(warehouse)


def test_run_ids_sort_by_start_and_stay_in_their_folder(warehouse: Warehouse) -> None:
    first = new_run_id("nightly", datetime(2026, 1, 1, 23, 0, tzinfo=UTC))
    assert first.startswith("20260101T230000Z-nightly-")
    assert first < new_run_id("nightly", datetime(2026, 1, 2, tzinfo=UTC))
    warehouse.ensure()
    (warehouse.runs / "20360101T000000Z-nightly-ffff").mkdir()  # the clock was wrong that night
    second = new_run_id("nightly", datetime(2026, 1, 3, tzinfo=UTC), warehouse)
    assert second.startswith("20360101T000001Z-nightly-")
    for wrong in ("", "../x", ".x"):
        with pytest.raises(ValueError, match="not a run id"):
            warehouse.run_folder(wrong)
