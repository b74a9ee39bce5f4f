"""A year of nights over the same pages: what they repeat goes, what they found stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from flows.stages import seen_before
from tasks import account, fold, snapshot
from tasks.publish import check_accounting
from tasks.records import Candidate, Discovered, Fetched, OutcomeRow, ReadingSummary, snapshot_id_of
from tasks.runs import new_run_id
from tasks.store import Warehouse
from tasks.verify import verify

FIRST = datetime(2026, 1, 1, 18, tzinfo=UTC)
PAGES = 12
FOLDED_ON = (50, 200, 364)
BACK_FROM = 50  # the night from which a page is away for a while
CHANGED, BACK, GONE, UNLISTED = 3, 4, 5, 6  # pages that are not always the same


def body(page: int, night: int) -> bytes | None:
    """What a page holds on a night: None when it answers 404."""
    if page == CHANGED:
        return b"page %d, edition %d" % (page, night // 100)
    if (page == GONE and night >= 120) or (page == BACK and BACK_FROM <= night < 90):
        return None
    return b"page %d" % page


def night(warehouse: Warehouse, number: int, before: dict[str, str], held: dict[str, str]) -> None:
    """One night, as the flow runs it, without its publishing; `before` and `held` go from night to
    night as `accounted` and `known` would have it."""
    started = FIRST + timedelta(days=number)
    run_id = new_run_id("nightly", started, warehouse)
    pages = [p for p in range(PAGES) if p != UNLISTED or number < 40]
    fetched = []
    for page in pages:
        url, found = f"http://www.a.gov.cn/{page}", body(page, number)
        fetched.append(
            Fetched(
                *(url, url, url, started + timedelta(seconds=page)),
                official=True,
                http_status=404 if found is None else 200,
                body=found,
                size=None if found is None else len(found),
                snapshot_id=None if found is None else snapshot_id_of(found),
                error_code="http_404" if found is None else None,
            )
        )
    snapshot.append(warehouse, run_id, fetched, held)
    listed = [
        Discovered(f.url, f.url, "a", "http://www.a.gov.cn/", "", None, True) for f in fetched
    ]
    account.write_discovered(warehouse, run_id, listed)
    account.write_candidates(warehouse, run_id, [Candidate("a", "l", f"c{number}", "", "", "")])
    read = {f.snapshot_id: ReadingSummary("parsed") for f in fetched if f.snapshot_id}
    outcomes, _ = account.classify(listed, fetched, read, before, held)
    trouble = OutcomeRow("l", "l", "failed", "discover", "http_500", "no listing")
    account.write_outcomes(warehouse, run_id, outcomes, [trouble] if number == 7 else [])
    account.close(
        warehouse,
        run_id,
        kind="nightly",
        started_at=started,
        finished_at=started,
        parser_version="1",
    )
    before |= {f.url: f.snapshot_id for f in fetched if f.snapshot_id}


def told(warehouse: Warehouse) -> Iterator[object]:
    """All that the program and the models take from the archive and the accounts."""
    known = snapshot.known(warehouse)
    yield known.states
    yield known.snapshots
    yield account.accounted(warehouse)
    yield account.accounted_ever(warehouse)
    yield seen_before(warehouse)
    with duckdb.connect() as db:
        db.execute(
            f"""
            create view fetches as
            select * from read_parquet('{warehouse.snapshots}/*.parquet', union_by_name = true);
            create view outcomes as
            select * from read_parquet('{warehouse.runs}/**/*outcomes.parquet');
            create view discovered as
            select * from read_parquet('{warehouse.runs}/**/*discovered.parquet');
            """
        )
        for query in (
            "select document_id, snapshot_id, min(fetched_at), max(fetched_at) from fetches",
            "select snapshot_id, bytes from fetches where bytes is not null",
            """select document_id, min(fetched_at) from fetches where error_code is not null
            and fetched_at > (select max(o.fetched_at) from fetches as o
            where o.document_id = fetches.document_id and o.snapshot_id is not null)""",
            "select document_id, max(run_id), min(run_id) from outcomes",
            "select * from outcomes where outcome in ('parsed', 'rejected', 'failed')",
            """select document_id, max(run_id) from outcomes where outcome = 'unchanged'""",
            "select listing_url, source_id, max(run_id) from discovered",
        ):
            grouped = "group by all" if "max(" in query or "min(" in query else ""
            yield db.execute(f"{query} {grouped} order by all").fetchall()


def size(warehouse: Warehouse) -> tuple[int, int]:
    """Rows of the archive, and of the accounts."""
    patterns = (f"{warehouse.snapshots}/*.parquet", f"{warehouse.runs}/**/*outcomes.parquet")
    with duckdb.connect() as db:
        counts = [db.read_parquet(p).count("run_id").fetchall()[0][0] for p in patterns]
    return counts[0], counts[1]


def test_a_year_of_nights_stays_bounded_and_says_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.fsync", lambda _: None)
    warehouse = Warehouse.at(tmp_path)
    warehouse.ensure()
    before: dict[str, str] = {}
    held: dict[str, str] = {}
    sizes, folded = [], 0
    for number in range(365):
        night(warehouse, number, before, held)
        if number not in FOLDED_ON:
            continue
        said = list(told(warehouse)) if number == 200 else None
        found = fold.fold(warehouse, 15, FIRST + timedelta(days=number + 1))
        assert said is None or list(told(warehouse)) == said
        folded += found.nights
        sizes.append(size(warehouse))
    assert folded == 365 - 30
    nights = (365 - folded) * (PAGES - 1)
    assert max(fetches for fetches, _ in sizes) < nights + 5 * PAGES
    # Failures stay row by row.
    failed = 40 + (365 - 120)
    assert max(outcomes for _, outcomes in sizes) < nights + 5 * PAGES + failed
    check_accounting(warehouse)
    assert [str(d) for d in verify(warehouse).damages] == []
