"""One published warehouse for all tests of the models: a dbt build takes seconds."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tasks.publish import publish
from tasks.store import Warehouse
from tasks.units import Registry
from tests.conftest import shared_folder
from tests.models.released import warehouse_at
from tests.models.synthetic import Synthetic
from tests.models.world import SOURCES, fill


@pytest.fixture(scope="session")
def registry() -> Registry:
    """The divisions carried in sql/registry."""
    return Registry.read()


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database built from `world`, by the first worker that asks."""
    base = shared_folder(tmp_path_factory) / "world"
    base.mkdir(exist_ok=True)
    database = base / "gongkai.duckdb"
    with (base / "first").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not database.exists():
            world = Synthetic(base)
            fill(world)
            warehouse = world.write()
            with warehouse.lock("test"):
                publish(warehouse, sources=SOURCES)
    return database


@pytest.fixture
def db(published: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to it."""
    with duckdb.connect(str(published), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def prepared(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published world without the units of the registry that nobody reports for."""
    path = tmp_path_factory.mktemp("prepared") / "gongkai.duckdb"
    shutil.copy(published, path)
    with duckdb.connect(str(path)) as db:
        db.execute("delete from units where unit_id not in (select unit_id from coverage)")
    return path


@pytest.fixture
def warehouse(prepared: Path, tmp_path: Path) -> Warehouse:
    """A warehouse of one's own that publishes it."""
    return warehouse_at(tmp_path / "warehouse", prepared)
