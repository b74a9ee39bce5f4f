"""The archive's ways in and out, its damage, and replay: what a person sees and what stays."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from tests import nights
from tests.publisher.demo import demo
from tests.publisher.server import Server

pytestmark = pytest.mark.slow

# A parser that reads one number more into one cell of one report, and no more than that.
OTHER_PARSER = """
from dataclasses import replace
from decimal import Decimal
from flows import cli
from tasks import parse
read = parse.read
def other(body, **given):
    reading = read(body, **given)
    if reading.issuing_unit != "悦来镇人民政府" or not reading.cells:
        return reading
    cell, *rest = reading.cells
    return replace(reading, cells=[cell._replace(value=Decimal(77)), *rest])
parse.read = other
cli.main()
"""


def _rows(warehouse: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(warehouse / "gongkai.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


FACTS = "select report_id, cell, value from national_fact order by all"


def _state(warehouse: Path) -> dict[str, bytes]:
    files = [
        *warehouse.glob("reports/part-*"),
        *warehouse.glob("runs/*/*"),
        *warehouse.glob("*.duckdb"),
    ]
    return {str(f): f.read_bytes() for f in files}


def test_replay_shows_what_changes_before_it_publishes(
    chain: nights.Chain, tmp_path: Path, api: str
) -> None:
    warehouse = chain.copy(chain.first, tmp_path / "w")
    before = _state(warehouse)
    words = ("replay", "--all", "--warehouse", str(warehouse))
    other = [sys.executable, "-c", OTHER_PARSER]
    held = nights.gongkai(*words, instead=other, api=api)
    assert held.code == 3, held.err
    assert "not published" in held.err
    assert "1 values changed" in held.out
    assert _state(warehouse) == before
    (changes,) = warehouse.glob("replays/*/changes.parquet")
    (change,) = [r for r in pq.read_table(changes).to_pylist() if r["change"] == "value_changed"]
    assert change["after"] == "77.0000"
    query = "select distinct value from report_cells where "
    query += f"cell = '{change['field']}' and report_id = '{change['report_id']}'"
    assert f"{_rows(warehouse, query)[0][0]:.4f}" == change["before"]
    shown = nights.gongkai(*words, "--dry-run", instead=other, api=api)
    assert shown.code == 0, shown.err
    assert "1 values changed" in shown.out
    assert _state(warehouse) == before
    published = nights.gongkai(*words, "--publish", instead=other, api=api)
    assert published.code == 0, published.err
    assert _rows(warehouse, query) == [(77,)]
    assert not list(warehouse.glob(".replay-*"))


def test_a_night_goes_on_over_a_damaged_part_and_a_copy_heals_it(
    chain: nights.Chain, tmp_path: Path, api: str
) -> None:
    warehouse = chain.copy(chain.first, tmp_path / "w")
    facts = _rows(warehouse, FACTS)
    (part,) = warehouse.glob("snapshots/part-*")
    whole = part.read_bytes()
    part.write_bytes(whole[: len(whole) // 2])
    site = demo()
    sources = nights.write_sources(site, tmp_path / "sources.csv")
    with Server(site.pages) as server:
        words = ("run", "--sources", str(sources), "--warehouse", str(warehouse))
        ended = nights.gongkai(*words, resolve=server.resolve, api=api)
        again = [r for r in server.requests if r.status == 304]
    assert ended.code == 0, ended.err
    assert "closes" in ended.out
    assert not again, "what is lost must be asked for without conditions"
    assert _rows(warehouse, FACTS) == facts
    (row,) = _rows(warehouse, "select code, message from failures where code = 'damaged_part'")
    assert part.name in row[1]
    where = ("--warehouse", str(warehouse))
    found = nights.gongkai("verify", *where)
    assert found.code == 3
    lines = [line for line in found.err.splitlines() if line.startswith("DAMAGED")]
    assert len(lines) == 1, found.err
    assert f"snapshots/damaged/{part.name}" in lines[0]
    part.write_bytes(whole)
    healed = nights.gongkai("verify", *where)
    assert (healed.code, healed.err) == (0, "")


def test_the_export_of_an_archive_makes_the_same_facts_and_a_local_document_none(
    chain: nights.Chain, tmp_path: Path, api: str
) -> None:
    site = demo(seed=2)
    url = next(u for u, t in site.truth.items() if t.outcome == "parsed" and not t.attachment)
    local = tmp_path / "pages" / "report.html"
    local.parent.mkdir()
    local.write_bytes(site.pages[url].body)
    target = tmp_path / "archive.warc.gz"
    done = nights.gongkai("export-warc", str(target), "--warehouse", str(chain.first))
    assert done.code == 0, done.err
    sources = nights.write_sources(demo(), tmp_path / "sources.csv")
    other = tmp_path / "other"
    words = ("ingest", str(target), str(local.parent), "--sources", str(sources))
    ended = nights.gongkai(*words, "--warehouse", str(other), api=api)
    assert ended.code == 0, ended.err
    assert "closes" in ended.out
    written = re.search(r"(\d+) documents, (\d+) revisits", done.out)
    assert written is not None, done.out
    records = int(written[1]) + int(written[2]) + 1  # and the one that describes the file
    assert f"WARC: {records} records" in ended.out
    values = (
        "select unit_id, report_year, scope, cell, value, status from national_fact order by all"
    )
    assert _rows(other, values) == _rows(chain.first, values)
    snapshots = "select snapshot_id from reports where official order by all"
    assert _rows(other, snapshots) == _rows(chain.first, snapshots)
    assert _rows(other, "select distinct origin from reports where official") == [("archived",)]
    imported = "select origin, report_year from reports where not official"
    assert _rows(other, imported) == [("imported", site.truth[url].year)]
    assert _rows(other, "select kind from runs") == [("ingest",)]
    assert nights.gongkai("verify", "--warehouse", str(other)).code == 0
