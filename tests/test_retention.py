"""The archive's small parts become few, and nothing that they hold changes."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks import retention, snapshot
from tasks.records import Fetched, snapshot_id_of
from tasks.store import Warehouse

NIGHT = datetime(2026, 1, 20, 18, tzinfo=UTC)


def page(number: int, body: bytes | None) -> Fetched:
    url = f"http://www.a.gov.cn/{number}"
    return Fetched(
        url,
        url,
        url,
        NIGHT + timedelta(seconds=number),
        body=body,
        snapshot_id=snapshot_id_of(body or b"old"),
    )


def rows(warehouse: Warehouse) -> list[dict[str, object]]:
    found = pa.concat_tables([pq.read_table(p) for p in snapshot.parts(warehouse)])
    return sorted(found.to_pylist(), key=lambda row: str((row["run_id"], row["fetched_at"])))


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    made = Warehouse.at(tmp_path)
    made.ensure()
    for number in range(8):
        body = b"%d" % number * 5000 if number % 3 else None
        snapshot.append(made, f"r{number // 5}", [page(number, body)], {})
    return made


def test_parts_of_a_run_that_nobody_read_become_one(warehouse: Warehouse) -> None:
    read = warehouse.root / "reports" / "part-r1-00000.parquet"
    read.touch()
    before, known = rows(warehouse), snapshot.known(warehouse)
    kept = (warehouse.snapshots / read.name).read_bytes()
    assert retention.merge(warehouse) == 4 + 1
    names = [p.name for p in snapshot.parts(warehouse)]
    assert names == ["part-r0-00005.parquet", read.name, "part-r1-00003.parquet"]
    assert (warehouse.snapshots / read.name).read_bytes() == kept
    assert rows(warehouse) == before
    after = snapshot.known(warehouse)
    assert (after.states, after.snapshots) == (known.states, known.snapshots)
    assert [r["fetched_at"] for r in pq.read_table(warehouse.snapshots / names[0]).to_pylist()] == [
        NIGHT + timedelta(seconds=n) for n in range(5)
    ]
    assert retention.merge(warehouse) == 0


def test_a_kill_in_between_leaves_nothing_twice(warehouse: Warehouse, tmp_path: Path) -> None:
    before = rows(warehouse)
    old = [p.name for p in snapshot.parts(warehouse)][:3]
    aside = Path(shutil.copytree(warehouse.root / "snapshots", tmp_path / "aside"))
    retention.merge(warehouse)
    for name in old:
        shutil.copy(aside / name, warehouse.root / "snapshots")
    assert len(rows(warehouse)) == len(before) + 3
    retention.merge(warehouse)
    assert rows(warehouse) == before


def test_parts_stay_within_their_size_and_damage_is_left(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows(warehouse)
    monkeypatch.setattr(retention, "PART_ROWS", 2)
    retention.merge(warehouse)
    assert max(map(snapshot.rows_in, snapshot.parts(warehouse))) <= 2
    monkeypatch.undo()
    monkeypatch.setattr(retention, "PART_BYTES", 12_000)
    assert 0 < retention.merge(warehouse) < 6
    assert rows(warehouse) == before
    part = snapshot.parts(warehouse)[0]
    part.write_bytes(part.read_bytes()[:-9])
    monkeypatch.undo()
    retention.merge(warehouse)
    assert part.exists()
