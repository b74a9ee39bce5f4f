"""The nights that the tests of the flows share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import nights


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> nights.Chain:
    """Three nights in one warehouse; see `tests.nights`. GONGKAI_NIGHTS=DIR keeps them there."""
    if kept := os.environ.get("GONGKAI_NIGHTS"):
        return nights.chain(Path(kept))
    base = tmp_path_factory.getbasetemp()
    # with pytest-xdist every worker has a folder of its own below the one they share
    shared = base.parent if base.name.startswith("popen-") else base
    return nights.chain(shared / "nights")


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One Prefect server for the runs of a worker, since each start costs ten seconds."""
    with nights.prefect(tmp_path_factory.mktemp("prefect")) as url:
        yield url
