"""What a year of nights leaves behind: the Prefect database and the warehouse stay bounded."""

from __future__ import annotations

import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tasks.keep import KEEP_DAYS
from tests import nights

NIGHTS = 365


TABLES = ("flow_run", "task_run", "log", "artifact")


def _counts(home: Path) -> dict[str, int]:
    with closing(sqlite3.connect(f"file:{home}/prefect.db?mode=ro", uri=True)) as db:
        return {t: db.execute(f"select count(*) from {t}").fetchone()[0] for t in TABLES}


@pytest.mark.slow
def test_the_prefect_database_keeps_the_last_nights_of_a_year(
    chain: nights.Chain, tmp_path: Path
) -> None:
    shutil.copy(chain.first / ".prefect" / "prefect.db", tmp_path)
    night = _counts(tmp_path)
    nights.aged(tmp_path, NIGHTS)
    now = _counts(tmp_path)
    assert now == {table: (NIGHTS + 1) * n for table, n in night.items()}
    most = {table: (KEEP_DAYS + 2) * n for table, n in night.items()}
    with nights.prefect(tmp_path):  # deletes as it starts
        deadline = time.monotonic() + 120
        while any(now[t] > most[t] for t in TABLES) and time.monotonic() < deadline:
            time.sleep(1)
            now = _counts(tmp_path)
    for table in TABLES:
        assert (KEEP_DAYS - 1) * night[table] <= now[table] <= most[table], (table, now, night)
