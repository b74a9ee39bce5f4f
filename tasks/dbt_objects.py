"""Has dbt's connection read the archive where it lies, also in an object store."""

from __future__ import annotations

import os

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin

from tasks.objects import let_read, place


class Plugin(BasePlugin):
    """Named in `sql/profiles.yml`; `GONGKAI_STORE` is the address of the store, empty for none."""

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Called once, when the connection is made."""
        let_read(conn, place(os.environ.get("GONGKAI_STORE", "")))
