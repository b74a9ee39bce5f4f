"""`verify` finds each kind of damage, says where, and is content with what is whole."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks import account, parse, reports, snapshot
from tasks.records import BadInput, Fetched, OutcomeRow, snapshot_id_of
from tasks.store import Warehouse
from tasks.verify import verify
from tests.models.synthetic import Synthetic
from tests.publisher.demo import demo
from tests.test_snapshot import page

PART = "part-r1-00000.parquet"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with six pages, read, and a second night that points back at them."""
    warehouse = Warehouse.at(tmp_path_factory.mktemp("whole"))
    warehouse.ensure()
    site = demo()
    bodies = [site.pages[u].body for u, t in site.truth.items() if t.outcome == "parsed"][:6]
    ids: dict[str, str] = {}
    rows: list[Fetched] = [page(f"{n}", body) for n, body in enumerate(bodies)]
    snapshot.append(warehouse, "r1", rows, ids)
    again = page("0", None, day=1, status=304, snapshot_id=snapshot_id_of(bodies[0]))
    snapshot.append(warehouse, "r2", [again], ids)
    for part in snapshot.parts(warehouse):
        reports.write(warehouse, part.name, parse.read_part(part))
    return warehouse.root


@pytest.fixture
def warehouse(whole: Path, tmp_path: Path) -> Warehouse:
    return Warehouse.at(shutil.copytree(whole, tmp_path / "w"))


def _rewritten(path: Path, change: Callable[[dict[str, object]], dict[str, object]]) -> None:
    table = pq.read_table(path)
    rows = [change(row) for row in table.to_pylist()]
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path, row_group_size=64)


def test_a_whole_warehouse_has_no_damage(warehouse: Warehouse) -> None:
    told: list[int] = []
    found = verify(warehouse, told.append)
    assert found.damages == []
    assert (found.parts, found.fetches, found.documents, found.readings) == (2, 7, 6, 6)
    assert sum(told) == 7
    with pytest.raises(BadInput, match="no archive"):
        verify(Warehouse.at(warehouse.root / "nothing"))


def _cut(w: Warehouse) -> None:
    path = w.snapshots / PART
    path.write_bytes(path.read_bytes()[:-7])


def _flip(w: Warehouse) -> None:
    path = w.snapshots / PART
    data = bytearray(path.read_bytes())
    column = pq.ParquetFile(path).metadata.row_group(0).column(16)  # bytes
    data[column.data_page_offset + column.total_compressed_size // 2] ^= 1
    path.write_bytes(data)


def _other_bytes(w: Warehouse) -> None:
    """A wrong digit that no checksum of Parquet can find, since the file was written whole."""
    pages = iter(range(99))

    def change(row: dict[str, object]) -> dict[str, object]:
        body = row["bytes"]
        assert isinstance(body, bytes)
        return row | ({"bytes": body.replace(b"1", b"7")} if next(pages) == 2 else {})

    _rewritten(w.root / "snapshots" / PART, change)


def _lost(w: Warehouse) -> None:
    (w.snapshots / PART).unlink()


def _readings_cut(w: Warehouse) -> None:
    path = w.reports / PART
    path.write_bytes(path.read_bytes()[:5000])


def _readings_fewer(w: Warehouse) -> None:
    path = w.reports / PART
    pq.write_table(pq.read_table(path).slice(1), path)


def _published(w: Warehouse) -> None:
    w.database.write_bytes(b"not a database")


@pytest.mark.parametrize(
    ("break_it", "where", "what"),
    [
        (_cut, f"snapshots/{PART}", "cannot be read"),
        (_flip, f"snapshots/{PART}", "cannot be read"),
        (_other_bytes, f"snapshots/{PART}", "1 documents are not what was stored: http"),
        (_lost, "snapshots/part-r2-00000.parquet", "1 rows name bytes that no readable part holds"),
        (_lost, f"reports/{PART}", "its archive part is missing"),
        (_readings_cut, f"reports/{PART}", "cannot be read"),
        (_readings_fewer, f"reports/{PART}", "has 5 readings of the 6 documents"),
        (_published, "gongkai.duckdb", "cannot be read"),
    ],
)
def test_each_damage_is_one_line(
    warehouse: Warehouse, break_it: Callable[[Warehouse], None], where: str, what: str
) -> None:
    break_it(warehouse)
    lines = [str(damage) for damage in verify(warehouse).damages]
    assert any(line.startswith(f"{where}: {what}") for line in lines), lines
    assert all("\n" not in line and "; " in line for line in lines)


def test_runs_are_checked_too(tmp_path: Path) -> None:
    world = Synthetic(tmp_path)
    world.night().report("https://www.huachuan.gov.cn/1", "桦川县人民政府", 2021, scope="area")
    warehouse = world.write()
    folder = warehouse.run_folder("night-1")
    assert not [d for d in verify(warehouse).damages if d.where.startswith("runs")]
    outcomes = pq.read_table(folder / "outcomes.parquet")
    pq.write_table(outcomes.slice(1), folder / "outcomes.parquet")
    (damage,) = [d for d in verify(warehouse).damages if d.where == "runs"]
    assert damage.what.startswith("run night-1 does not close")
    (folder / "run.json").write_text("{")
    assert any(d.where == "runs/night-1" for d in verify(warehouse).damages)


def test_a_part_that_is_gone_is_missed_by_the_run_that_wrote_it(tmp_path: Path) -> None:
    warehouse = Warehouse.at(tmp_path)
    warehouse.ensure()
    rows = [page(f"{n}", b"<p>%d</p>" % n) for n in range(4)]
    ids: dict[str, str] = {}
    for half in (rows[:2], rows[2:]):
        snapshot.append(warehouse, "r1", half, ids)
    folder = warehouse.run_folder("r1")
    fates = [
        OutcomeRow(r.document_id, r.url, "parsed", "parse", snapshot_id=r.snapshot_id) for r in rows
    ]
    account.write_outcomes(warehouse, "r1", fates)
    (folder / "run.json").write_text("{}")
    (snapshots := warehouse.snapshots / "part-r1-00001.parquet").unlink()
    told = [d for d in verify(warehouse).damages if d.where == "snapshots"]
    assert [d.what.partition(" (")[0] for d in told] == [
        "finished runs account for 2 documents whose bytes no readable part holds"
    ]
    assert f"{rows[2].url}, run r1" in told[0].what
    snapshot.append(warehouse, "r1", rows[2:], ids := {})
    assert snapshots.exists()
    assert len(ids) == 2
    assert not [d for d in verify(warehouse).damages if d.where == "snapshots"]


@pytest.mark.parametrize("name", ["sources.parquet", "runs/night-1/candidates.parquet"])
def test_smaller_tables_are_read_too(tmp_path: Path, name: str) -> None:
    world = Synthetic(tmp_path)
    world.night().report("https://www.huachuan.gov.cn/1", "桦川县人民政府", 2021, scope="area")
    warehouse = world.write()
    (warehouse.root / name).write_bytes(b"PAR1 nothing PAR1")
    told = [str(d) for d in verify(warehouse).damages]
    assert [line for line in told if name.rpartition("/")[2] in line], told


def test_a_part_set_aside_is_told_until_it_is_back(warehouse: Warehouse) -> None:
    path = warehouse.snapshots / PART
    data = path.read_bytes()
    _cut(warehouse)
    snapshot.set_aside_damaged(warehouse)
    first = verify(warehouse).damages[0]
    assert first.where == f"snapshots/damaged/{PART}"
    path.write_bytes(data)
    assert verify(warehouse).damages == []
