"""A publish that makes anew only what changed gives what a full rebuild gives, row for row."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tasks.publish import Published, publish, query
from tasks.store import Warehouse
from tests.models.synthetic import Night, Synthetic, figures, unified
from tests.models.test_judgements import correction, write
from tests.models.world import BUSY, DINGHAI, GRANTED, GZL, HUACHUAN, IMPORTED, LINAN, SOURCES, fill


def differing(one: Path, other: Path) -> dict[str, tuple[int, int]]:
    """Tables that do not hold the same rows: how many only the one, only the other has."""
    found = {}
    with duckdb.connect() as db:
        db.execute(f"attach '{one}' as one (read_only); attach '{other}' as other (read_only)")
        tables = db.execute(
            """
            select table_schema, table_name from information_schema.tables
            where table_catalog = 'one' and table_type = 'BASE TABLE' and table_schema <> 'built'
            """
        ).fetchall()
        assert len(tables) > 30
        for schema, table in tables:
            mine, theirs = f'one."{schema}"."{table}"', f'other."{schema}"."{table}"'
            (extra,) = db.execute(
                f"""
                select
                    (select count(*) from (from {mine} except all from {theirs})),
                    (select count(*) from (from {theirs} except all from {mine}))
                """
            ).fetchall()
            if extra != (0, 0):
                found[table] = extra
    return found


def _publish(warehouse: Warehouse, *, full: bool = False) -> Published:
    with warehouse.lock("test"):
        return publish(warehouse, sources=SOURCES, full=full)


INDEX = unified("11999999486344515") + "/2022-1"


def _second_week(night: Night) -> None:
    """New versions, copies, units, years; a document no longer official; nobody's document.

    Two pages of 白泉镇 teach whose index number it is that a text of the first night has.
    """
    for year in (2022, 2023):
        url = f"{DINGHAI}{year}.html"
        night.report(url, "白泉镇", year, source_id="dinghai", index_number=INDEX)
    for url, change in (("fin.html", 9), ("fresh.html", 4)):
        night.report(
            LINAN + url,
            "临安区财政局",
            2021,
            BUSY | {GRANTED: Decimal(change)},
            body="third",
            source_id="linan",
        )
    night.report(HUACHUAN + "edu22.html", "桦川县教育局", 2022, BUSY, source_id="huachuan")
    night.report(
        HUACHUAN + "office.html",
        "桦川县人民政府办公室",
        2021,
        figures(),
        scope="area",
        source_id="huachuan",
    )
    night.report(HUACHUAN + "red.html", "桦川县红十字会", 2021, figures(), source_id="huachuan")
    night.report(
        HUACHUAN + "audit.html", "桦川县审计局", 2021, BUSY, source_id="huachuan",
        published_date="2022-03-01",
    )  # fmt: skip
    night.report(
        GZL + "2021.html", "公主岭市人民政府", 2021, BUSY, scope="area", source_id="gongzhuling"
    )
    # Addresses that held another year's report before; the one with its numbers mends the year.
    for url, unit, scope, granted in (
        ("2021.html", "桦川县人民政府", "area", BUSY[GRANTED]),
        ("blank.html", "桦川县财政局", "own", Decimal(5)),
    ):
        values = BUSY | {GRANTED: granted}
        night.report(
            HUACHUAN + url, unit, 2022, values, scope=scope, body="2022", source_id="huachuan"
        )
    night.report("probe:new", None, 2021, BUSY, **IMPORTED)
    night.report(
        LINAN + "qlf.html", "清凉峰镇", 2021, BUSY, body="moved", source_id="linan", official=False
    )
    night.outcome("https://copy.example.com/y", "quarantined", code="not_official")


def _read_again(night: Night) -> None:
    """Another reader: a report less, one rejected, one of another unit, one of another year."""
    lost = ("probe:new", DINGHAI + "2023.html")
    night.reports = [r for r in night.reports if r["document_id"] not in lost]
    for reading in night.reports:
        match reading["document_id"].rpartition("/")[2]:
            case "audit.html":
                reading["issuing_unit"] = "桦川县司法局"
            case "edu22.html":
                reading["report_year"] = 2020
            case "red.html":
                kept = {"document_id", "snapshot_id", "report_id", "url", "origin", "official"}
                kept |= {"final_url", "fetched_at", "source_id", "parser_version"}
                for name in set(reading) - kept:
                    del reading[name]
                reading |= {"outcome": "rejected", "reason_code": "unknown_label"}
            case "fresh.html":
                reading["requests.granted.natural_person"] = Decimal(70)


@pytest.mark.slow
def test_increments_equal_a_full_rebuild(tmp_path: Path) -> None:
    world = Synthetic(tmp_path)
    fill(world)
    world.nights[0].report("file:asked", "白泉镇", 2020, index_number=INDEX, **IMPORTED)
    warehouse = world.write()
    assert _publish(warehouse).why_full == "nothing is published yet"
    assert _asked(warehouse) == ("ambiguous", None)

    # New documents, new versions, and a correction and a verdict of old ones.
    third = world.night(after_days=14)
    _second_week(third)
    world.write(third)
    write(tmp_path, "corrections", correction())
    (finding,) = query(
        warehouse,
        f"select report_id, rule, identity from findings join reports using (report_id) "
        f"where url = '{HUACHUAN}market.html' and identity = 'row_total.granted'",
    ).to_pylist()
    said = {"verdict": "confirmed", "reason": "seen", "evidence": "the page", "decided_by": "me"}
    write(tmp_path, "verdicts", finding | said | {"decided_on": "2026-01-01"})
    assert _publish(warehouse).why_full == ""
    replaced = query(
        warehouse,
        "select report_year, is_current, superseded_because like '%another year%' as mended "
        f"from reports where url in ('{HUACHUAN}2021.html', '{HUACHUAN}blank.html') order by all",
    )
    assert [tuple(row.values()) for row in replaced.to_pylist()] == [
        (2021, False, True),
        (2021, True, None),
        (2022, False, False),  # another document holds that year's
        (2022, True, None),
    ]
    told = query(warehouse, "select count(*) as n from findings where human_verdict is not null")
    assert told.to_pylist() == [{"n": 1}]
    assert _asked(warehouse) == ("resolved", "learned")

    # The same bytes read otherwise; old pages seen again; the judgements taken back.
    _read_again(third)
    fourth = world.night(after_days=21)
    for url in ("fin.html", "qlf.html"):
        first = next(s for s in world.nights[0].snapshots if s["document_id"] == LINAN + url)
        fourth.snapshots.append(
            first | {"run_id": fourth.run_id, "bytes": None, "fetched_at": fourth.started}
        )
        fourth.outcome(LINAN + url, "unchanged")
    world.write(fourth)
    part = warehouse.reports / f"part-{third.run_id}-00000.parquet"
    again = Synthetic(tmp_path / "again")
    again.nights.append(third)
    again.write()
    part.write_bytes((again.warehouse.reports / part.name).read_bytes())
    write(tmp_path, "corrections", correction(HUACHUAN + "audit.html"))
    (tmp_path / "verdicts.csv").unlink()
    assert _publish(warehouse).why_full == ""
    assert _asked(warehouse) == ("ambiguous", None)
    shutil.copy(warehouse.database, tmp_path / "incremental.duckdb")

    assert _publish(warehouse, full=True).why_full == "asked for"
    assert differing(tmp_path / "incremental.duckdb", warehouse.database) == {}
    states = "select resolution, is_current, count(*) from reports group by all"
    assert len(query(warehouse, states)) > 3


def _asked(warehouse: Warehouse) -> tuple[str, str | None]:
    sql = "select resolution, resolution_grade from reports where url = 'file:asked'"
    (found,) = query(warehouse, sql).to_pylist()
    return found["resolution"], found["resolution_grade"]
