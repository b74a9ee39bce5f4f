"""One published warehouse for all tests of the models: a dbt build takes seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tasks.units import Registry
from tasks.warehouse import publish
from tests.models.synthetic import Synthetic
from tests.models.world import SOURCES, fill


@pytest.fixture(scope="session")
def registry() -> Registry:
    """The divisions carried in sql/registry."""
    return Registry.read()


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database built from `world`."""
    world = Synthetic(tmp_path_factory.mktemp("warehouse"))
    fill(world)
    warehouse = world.write()
    with warehouse.lock("test"):
        return publish(warehouse, sources=SOURCES).database


@pytest.fixture
def db(published: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to it."""
    with duckdb.connect(str(published), read_only=True) as connection:
        yield connection
