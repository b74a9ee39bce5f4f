"""An archive in an object store: the same bytes, whole or not at all, never taken for another's."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tasks import fold, parse, reports, retention, snapshot
from tasks.cluster import Cluster, cluster_of
from tasks.files import atomic, open_parquet, write_bytes
from tasks.objects import ObjectPath, Unreachable, listed
from tasks.records import BadInput
from tasks.store import Warehouse
from tasks.verify import verify
from tests import stores, test_fold
from tests.publisher.demo import demo
from tests.test_snapshot import page


@pytest.fixture(scope="module")
def options() -> Iterator[str]:
    with stores.store() as found:
        yield found


def _filled(root: Path) -> Warehouse:
    """Pages of the demo site archived and read, in two parts; one was put together from two."""
    warehouse = Warehouse.at(root)
    warehouse.ensure()
    site = demo()
    bodies = [site.pages[u].body for u, t in site.truth.items() if t.outcome == "parsed"][:8]
    rows = [page(f"{n}", body) for n, body in enumerate(bodies)]
    for run, some in (("r1", rows[:5]), ("r2", rows[5:7]), ("r2", rows[7:])):
        snapshot.append(warehouse, run, some)
    assert retention.merge(warehouse) == 1
    for part in snapshot.parts(warehouse):
        reports.write(warehouse, part.name, parse.read_part(part))
    return warehouse


def _bytes(warehouse: Warehouse) -> dict[str, bytes]:
    return {
        f"{folder.name}/{path.name}": path.read_bytes()
        for folder in (warehouse.snapshots, warehouse.reports)
        for path in listed(folder, "*.parquet")
    }


def test_the_archive_is_byte_for_byte_the_same(tmp_path: Path, options: str) -> None:
    here = _filled(tmp_path / "here")
    stores.cluster_file(tmp_path / "there", options)
    there = _filled(tmp_path / "there")
    assert len(_bytes(here)) == 6
    assert _bytes(there) == _bytes(here)
    assert not list(there.root.rglob("part-*"))
    assert verify(there).damages == []
    [first, _] = snapshot.parts(there)
    aside = there.aside("r")
    assert parse.read_into(first, aside, reports.PARSER_VERSION) == 5
    assert (aside / first.name).read_bytes() == (here.reports / first.name).read_bytes()
    with pytest.raises(BadInput, match="same gongkai"):
        parse.read_into(first, aside, "another")


def test_nights_are_folded_alike(
    tmp_path: Path, options: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        test_fold, "new_run_id", lambda kind, at, _: f"{at:%Y%m%dT%H%M%SZ}-{kind}-0"
    )
    monkeypatch.setattr(fold, "_LAST", 1)
    monkeypatch.setattr(fold, "AT_ONCE", 1)
    stores.cluster_file(tmp_path / "there", options)
    folded = []
    for warehouse in map(Warehouse.at, (tmp_path / "here", tmp_path / "there")):
        warehouse.ensure()
        before: dict[str, str] = {}
        held: dict[str, str] = {}
        for number in range(test_fold.BACK_FROM - 4, test_fold.BACK_FROM + 4):
            test_fold.night(warehouse, number, before, held)
        full = _bytes(warehouse)
        done = fold.fold(warehouse, 1, test_fold.FIRST + timedelta(days=number + 3))
        left = _bytes(warehouse)
        assert done.nights > 4
        assert left.keys() < full.keys()  # a part of which nothing is left
        assert any(left[name] != full[name] for name in left)  # and one with some rows fewer
        assert verify(warehouse).damages == []
        folded.append((done, left))
    assert folded[0] == folded[1]


def test_one_setting_moves_the_archive(tmp_path: Path, options: str) -> None:
    warehouse = _filled(tmp_path / "w")
    before = _bytes(warehouse)
    with warehouse.lock():
        pass
    storage = stores.cluster_file(warehouse.root, options)
    with warehouse.lock():
        assert _bytes(warehouse) == before
    assert isinstance(warehouse.snapshots, ObjectPath)
    kept = warehouse.root / "snapshots-before-cluster" / "part-r1-00000.parquet"
    assert kept.read_bytes() == before["snapshots/part-r1-00000.parquet"]
    file = warehouse.root / "cluster.toml"
    for wrong in ("", f'storage = "{storage.replace("archive", "archvie")}"'):
        file.write_text(wrong)
        with pytest.raises(BadInput, match="keeps its archive at s3://gongkai/archive"):
            warehouse.ensure()
    file.write_text(f'storage = "{storage}"')
    warehouse.ensure()
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(file, other)
    with pytest.raises(BadInput, match="another warehouse"):
        Warehouse.at(other).ensure()


def test_an_object_appears_whole_or_not_at_all(tmp_path: Path, options: str) -> None:
    place = ObjectPath.of(stores.cluster_file(tmp_path, options)) / "x"
    with pytest.raises(RuntimeError, match="killed"), atomic(place) as temporary:
        temporary.write_bytes(b"half")
        raise RuntimeError("killed")
    assert not place.exists()
    assert not temporary.exists()
    write_bytes(place, b"one")
    write_bytes(place, b"two")
    assert place.read_bytes() == b"two"
    assert [found.name for found in place.parent.glob("*")] == ["x"]


def test_a_store_that_is_away_is_no_damage(tmp_path: Path) -> None:
    with stores.store() as options:
        stores.cluster_file(tmp_path / "w", options)
        warehouse = _filled(tmp_path / "w")
        part = open_parquet(snapshot.parts(warehouse)[0])
    with pytest.raises(Unreachable, match="nothing at rest is lost") as error:
        part.read()
    with pytest.raises(Unreachable):
        snapshot.set_aside_damaged(warehouse)
    assert not isinstance(error.value.__cause__, OSError)  # which would pass for damage


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("storage = 3", "not understood"),
        ('bucket = "x"', "storage, dask, prefect"),
        ('storage = "gs://x"', "write s3://BUCKET/PREFIX"),
        ('storage = "s3://key:secret@x/y"', "credentials in the environment"),
        ('dask = "tcp://x:8786"', "needs storage"),
        ('storage = "s3://x/y"\ndask = "x:8786"', "tcp://HOST:8786"),
        ("storage", "cannot be read"),
    ],
)
def test_a_wrong_cluster_file_is_told_in_one_line(tmp_path: Path, said: str, told: str) -> None:
    (tmp_path / "cluster.toml").write_text(said)
    with pytest.raises(BadInput, match=told) as error:
        cluster_of(tmp_path)
    assert str(tmp_path / "cluster.toml") in str(error.value)
    assert "\n" not in str(error.value)


def test_without_a_cluster_file_everything_is_here(tmp_path: Path) -> None:
    assert cluster_of(tmp_path) == Cluster(None, None, None)
    assert Warehouse.at(tmp_path).snapshots == tmp_path / "snapshots"
