"""A built site where a browser can look at it, and all that goes wrong on its pages."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
from playwright.sync_api import BrowserContext, Dialog, Page, ViewportSize, expect

expect.set_options(timeout=30_000)  # the machine may be busy
DESK: ViewportSize = {"width": 1280, "height": 900}


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing on the terminal of the tests."""


@dataclass(frozen=True, slots=True)
class Site:
    """A built site, its database, and where it is served."""

    folder: Path
    database: Path
    base: str

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """A query on the published tables."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql, list(values)).fetchall()

    def area_of(self, name: str) -> str:
        """The page of an area."""
        ((area,),) = self.rows(
            "select distinct division_id from units where division_name = ? and level <= 3 "
            "and organ = 'gov' and valid_to is null",
            name,
        )
        return f"area/{area}.html"


@contextmanager
def served(folder: Path, database: Path) -> Iterator[Site]:
    """A site on loopback for the length of the block."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Site(folder, database, f"http://127.0.0.1:{server.server_port}/")
        server.shutdown()
        thread.join(10)


@dataclass
class Watched:
    """A page, and all that went wrong on it."""

    page: Page
    base: str
    trouble: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Note errors, dialogs, and requests that fail or leave the site."""
        page, note = self.page, self.trouble.append
        page.on("console", lambda m: note(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: note(f"uncaught: {e}"))
        page.on("dialog", self._dialog)
        # What a page asked for when it was left or closed is given up by the browser itself.
        page.on(
            "requestfailed",
            lambda r: None if r.failure == "net::ERR_ABORTED" else note(f"failed: {r.url}"),
        )
        page.on("response", lambda r: note(f"{r.status} {r.url}") if r.status >= 400 else None)
        page.on("request", lambda r: None if self._own(r.url) else note(f"asks for {r.url}"))

    def _dialog(self, dialog: Dialog) -> None:
        self.trouble.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _own(self, url: str) -> bool:
        return url.startswith((self.base, "data:")) or (
            self.base.startswith("file:") and url.startswith("file:")
        )


def opened(context: BrowserContext, base: str) -> Watched:
    """A new page of a browser that is watched from the start."""
    context.set_default_timeout(20_000)
    watched = Watched(context.new_page(), base)
    watched.watch()
    return watched
