"""A listing that loses half of its entries is an alarm for a week; other changes are none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tasks import account
from tasks.records import Discovered, OutcomeRow, Source
from tasks.shrunk import NIGHTS, shrunk
from tasks.store import Warehouse

HOST = "www.a.gov.cn"
LISTING = f"http://{HOST}/nb/index.html"
START = datetime(2026, 1, 1, 18, tzinfo=UTC)


def source(name: str = "a", **more: str) -> Source:
    given = dict.fromkeys(Source._fields, "") | {"source_id": name, "host": HOST}
    return Source(**(given | {"listing_url": LISTING, "status": "allowed"} | more))


def named(numbers: range, name: str = "a") -> list[Discovered]:
    urls = [f"http://{HOST}/nb/{n}.html" for n in numbers]
    return [Discovered(u, u, name, LISTING, "年报", None, True) for u in urls]


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    made = Warehouse.at(tmp_path)
    made.ensure()
    return made


def night(warehouse: Warehouse, number: int, documents: list[Discovered]) -> None:
    run_id = f"run-{number:02d}"
    account.write_discovered(warehouse, run_id, documents)
    rows = [OutcomeRow(d.document_id, d.url, "unchanged", "fetch") for d in documents]
    account.write_outcomes(warehouse, run_id, rows)
    moment = START + timedelta(days=number)
    account.close(warehouse, run_id, kind="nightly", started_at=moment, parser_version="x")


def test_half_of_the_entries_is_told_with_what_is_gone(warehouse: Warehouse) -> None:
    night(warehouse, 0, named(range(10)))
    assert shrunk(warehouse, named(range(6)), [source()], set()) == []
    (row,) = shrunk(warehouse, named(range(5)), [source()], set())
    assert (row.code, row.url, row.stage) == ("listing_shrunk", LISTING, "discover")
    assert "names 5 reports, on 2026-01-01 it named 10" in str(row.message)
    assert f"http://{HOST}/nb/5.html" in str(row.message)
    assert shrunk(warehouse, [], [source()], set())[0].code == "listing_shrunk"


def test_what_explains_it_or_was_never_long_is_no_alarm(warehouse: Warehouse) -> None:
    night(warehouse, 0, named(range(10)) + named(range(20, 23), "b"))
    assert shrunk(warehouse, named(range(5)), [source()], {"a"}) == []
    assert shrunk(warehouse, named(range(5)), [source(status="blocked")], set()) == []
    both = [source(), source("b"), source("new")]
    assert shrunk(warehouse, named(range(10)), both, set()) == []  # b had three


def test_after_a_week_the_shorter_listing_is_the_usual_one(warehouse: Warehouse) -> None:
    night(warehouse, 0, named(range(10)))
    for number in range(1, NIGHTS + 1):
        assert shrunk(warehouse, named(range(4)), [source()], set()), number
        night(warehouse, number, named(range(4)))
    assert shrunk(warehouse, named(range(4)), [source()], set()) == []


def test_trouble_with_another_listing_of_the_host_does_not_hide_it(warehouse: Warehouse) -> None:
    night(warehouse, 0, named(range(10)))
    (row,) = shrunk(warehouse, named(range(2)), [source(), source("b")], {"b"})
    assert row.code == "listing_shrunk"
