"""The nights that the tests of the flows share, and the browser they are looked at with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests import nights
from tests.browser import chromium


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> nights.Chain:
    """Three nights in one warehouse; see `tests.nights`. GONGKAI_NIGHTS=DIR keeps them there."""
    if kept := os.environ.get("GONGKAI_NIGHTS"):
        return nights.chain(Path(kept))
    base = tmp_path_factory.getbasetemp()
    # with pytest-xdist every worker has a folder of its own below the one they share
    shared = base.parent if base.name.startswith("popen-") else base
    return nights.chain(shared / "nights")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, headless."""
    with chromium.started() as started:
        yield started
