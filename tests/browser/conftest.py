"""The browser that pages are looked at with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests import nights
from tests.browser import chromium
from tests.browser.sites import DESK, Site, Watched, opened, served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, headless."""
    with chromium.started() as started:
        yield started


@pytest.fixture(scope="module")
def demo(chain: nights.Chain) -> Iterator[Site]:
    """The site that the last of the shared nights wrote."""
    with served(chain.last / "site", chain.last / "gongkai.duckdb") as site:
        yield site


@pytest.fixture
def desk(browser: Browser, demo: Site) -> Iterator[Watched]:
    """The demo's site on a desk; nothing may go wrong."""
    context = browser.new_context(viewport=DESK, locale="zh-CN", color_scheme="light")
    watched = opened(context, demo.base)
    yield watched
    context.close()
    assert watched.trouble == []
