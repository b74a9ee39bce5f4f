"""A clock that jumps is told; the order of fetches does not depend on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from tasks import account, snapshot
from tasks.clock import clock_wrong
from tasks.records import Fetched
from tasks.runs import new_run_id
from tasks.store import Warehouse
from tests.test_snapshot import NIGHT, page


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    made = Warehouse.at(tmp_path)
    made.ensure()
    return made


def visits(said: timedelta, hosts: int = 3) -> list[Fetched]:
    """Answers of hosts whose clock differs from ours by `said`."""
    found = []
    for number in range(hosts):
        row = page(f"{number}", b"x")
        headers = {"date": format_datetime(row.fetched_at + said, usegmt=True)}
        url = row.final_url.replace("www", f"h{number}")
        found.append(replace(row, headers=headers, final_url=url))
    return found


def test_the_sites_are_believed_when_several_agree(warehouse: Warehouse) -> None:
    assert clock_wrong(warehouse, NIGHT, visits(timedelta(minutes=5))) == []
    assert clock_wrong(warehouse, NIGHT, visits(timedelta(days=9), hosts=2)) == []
    odd = [*visits(timedelta(0), 5), *visits(timedelta(days=900), 1)]
    assert clock_wrong(warehouse, NIGHT, odd) == []
    no_date = {"date": "Mon, 01 Jan 2024 00:00:00 -9999999999999"}
    assert clock_wrong(warehouse, NIGHT, [replace(v, headers=no_date) for v in odd]) == []
    (row,) = clock_wrong(warehouse, NIGHT, visits(timedelta(days=-9)))
    assert row.code == "clock_wrong"
    assert "9 days ahead of most of the 3 sites" in str(row.message)
    (row,) = clock_wrong(warehouse, NIGHT, visits(timedelta(hours=3)))
    assert "3.0 hours behind" in str(row.message)


def test_a_run_before_its_time_is_told(warehouse: Warehouse) -> None:
    def night(moment: datetime) -> None:
        run_id = new_run_id("nightly", moment, warehouse)
        account.write_discovered(warehouse, run_id, [])
        account.write_outcomes(warehouse, run_id, [])
        account.close(warehouse, run_id, kind="nightly", started_at=moment, parser_version="x")

    night(NIGHT)
    assert clock_wrong(warehouse, NIGHT + timedelta(days=1), []) == []
    (row,) = clock_wrong(warehouse, NIGHT - timedelta(days=1), [])
    assert "behind a run before this one, which began at 2026-01-20 18:00" in str(row.message)


def test_the_last_state_is_of_the_last_run_whatever_the_clock_said(warehouse: Warehouse) -> None:
    ids: dict[str, str] = {}
    bodies = (b"one", b"two", b"three")
    for body, day in zip(bodies, (0, 3650, 1), strict=True):  # the second night's clock was wrong
        moment = NIGHT + timedelta(days=day)
        run_id = new_run_id("nightly", moment, warehouse)
        snapshot.append(warehouse, run_id, [page("1", body, day=day)], ids)
    state = snapshot.known(warehouse).states["http://www.a.gov.cn/1"]
    assert state.snapshot_id == snapshot.snapshot_id_of(b"three")
    names = [part.name for part in snapshot.parts(warehouse)]
    found = [snapshot.read_bytes(warehouse, s) for s in ids]
    assert len(names) == 3
    assert found == list(bodies)
