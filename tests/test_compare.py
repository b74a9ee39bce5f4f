"""The report of what a new parser changes: each kind of change is counted, named and listed."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tasks import parse, reports, snapshot
from tasks.compare import Difference, compare
from tasks.store import Warehouse
from tests.publisher.demo import demo
from tests.test_snapshot import page

CELL = "requests.new_received.total"


@pytest.fixture(scope="module")
def readings(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    """Five reports read, and one page refused."""
    warehouse = Warehouse.at(tmp_path_factory.mktemp("w"))
    warehouse.ensure()
    site = demo()
    bodies = [site.pages[u].body for u, t in site.truth.items() if t.outcome == "parsed"]
    rows = [page(f"{n}", body) for n, body in enumerate(bodies[:5])]
    rows.append(page("5", b"<html>no report at all, in English</html>"))
    [part] = snapshot.append(warehouse, "r1", rows)
    return parse.read_part(part)


def changed(readings: pa.Table, number: int, **values: Any) -> pa.Table:
    rows = readings.to_pylist()
    rows[number] |= values
    return pa.Table.from_pylist(rows, schema=reports.SCHEMA)


def kinds(difference: Difference) -> list[tuple[str, str, str | None, str | None]]:
    rows = difference.table().to_pylist()
    return [(r["change"], r["field"], r["before"], r["after"]) for r in rows]


@pytest.mark.parametrize("file", ["reader.py", "labels.csv", "ocr/page.py"])
def test_every_file_of_the_reader_tells_its_version(tmp_path: Path, file: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text("1")
    before = reports.version_of(tmp_path)
    path.write_text("2")
    assert reports.version_of(tmp_path) != before


def test_the_same_readings_differ_in_nothing(readings: pa.Table) -> None:
    found = compare(readings, changed(readings, 0, parser_version="9.9"))
    assert (found.documents, found.same, found.only_adds) == (6, 6, True)
    assert kinds(found) == []


def test_a_value_changed_lost_or_added_is_named(readings: pa.Table) -> None:
    was = readings[CELL][0].as_py()
    found = compare(readings, changed(readings, 0, **{CELL: was + 1}))
    assert kinds(found) == [("value_changed", CELL, str(was), str(was + 1))]
    assert (found.changed[CELL], found.same, found.stood, found.only_adds) == (1, 5, 1, False)
    found = compare(readings, changed(readings, 0, **{CELL: None}))
    assert kinds(found) == [("value_lost", CELL, str(was), None)]
    assert not found.only_adds
    found = compare(changed(readings, 0, **{CELL: None}), readings)
    assert kinds(found) == [("value_added", CELL, None, str(was))]
    assert not found.only_adds  # a blank that was published is no blank any more


def test_a_report_refused_or_read_anew_counts_its_values(readings: pa.Table) -> None:
    blank: dict[str, Any] = dict.fromkeys(reports.CELLS)
    blank |= dict.fromkeys(("as_published", "status", "place", "forced_by"))
    refused = changed(
        readings, 1, outcome="rejected", reason_code="unknown_label", form=None, **blank
    )
    n = sum(readings[cell][1].as_py() is not None for cell in reports.CELLS)
    worse = compare(readings, refused)
    assert worse.outcomes == {("parsed", "rejected: unknown_label"): 1}
    assert sum(worse.lost.values()) == n > 50
    assert [row[0] for row in kinds(worse)] == ["refused"]
    assert not worse.only_adds
    better = compare(refused, readings)
    assert better.outcomes == {("rejected: unknown_label", "parsed"): 1}
    assert sum(better.added.values()) == n
    assert [row[0] for row in kinds(better)] == ["read"]
    assert better.only_adds
    other = compare(refused, changed(refused, 1, reason_code="extra_rows"))
    assert kinds(other)[0][0] == "reason"
    assert other.only_adds


def test_other_fields_and_cells_are_told(readings: pa.Table) -> None:
    found = compare(readings, changed(readings, 2, issuing_unit="某某镇"))
    assert found.fields == {"issuing_unit": 1}
    assert kinds(found)[0][:2] == ("field", "issuing_unit")
    status = readings["status"][2].as_py()
    found = compare(readings, changed(readings, 2, status=["mark", *status[1:]]))
    assert found.cells == 1
    assert kinds(found)[0][1].endswith(" status")
    assert not found.only_adds


def test_a_document_without_a_reading_before_is_new(readings: pa.Table) -> None:
    found = compare(readings.slice(1), readings)
    assert found.outcomes == {("not read", "parsed"): 1}
    assert found.same == 5
    assert found.only_adds
    assert compare(None, readings).documents == 6


def test_an_older_table_with_fewer_columns_can_be_compared(readings: pa.Table) -> None:
    found = compare(readings.drop_columns(["title"]), readings)
    assert found.fields["title"] > 0
    assert not found.changed


def test_differences_add_up_and_are_told_in_lines(readings: pa.Table) -> None:
    whole = Difference()
    whole += compare(readings, changed(readings, 0, **{CELL: Decimal(7)}))
    whole += compare(readings, changed(readings, 5, reason_code="empty"))
    lines = whole.lines()
    assert lines[0] == "12 documents read again, 10 read as before"
    assert f"1 values changed: {CELL} 1" in lines
    assert any("→ rejected: empty" in line for line in lines)
