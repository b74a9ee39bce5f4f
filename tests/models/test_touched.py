"""Which readings, reports and units a change touches, and when everything is made anew instead."""

from __future__ import annotations

import hashlib
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tasks import increment, judgements
from tasks.publish import query, run_table
from tasks.store import Warehouse
from tasks.units.listed import LISTED
from tasks.units.tables import EXPECTED, RESOLUTIONS
from tests.models.synthetic import Night, Synthetic
from tests.models.world import HUACHUAN, LINAN

KEY = "the same code and sources"
WIDE = "stg_report_values"


@pytest.fixture
def built(tmp_path: Path) -> Warehouse:
    """A warehouse of one night whose published file holds what `increment` asks of it."""
    world = Synthetic(tmp_path)
    night = world.night()
    for name in ("page", "other", "office", "far"):
        night.report(LINAN + name, None, 2021)
    night.report(LINAN + "page.pdf", None, 2020, parent_document_id=LINAN + "page")
    for n in range(30):
        night.report(f"{HUACHUAN}{n}", None, 2021)
    warehouse = world.write()
    with duckdb.connect(str(warehouse.database)) as db:
        db.register("runs", run_table(warehouse))
        db.register("listed", LISTED.empty_table())
        db.execute(
            f"""
            create schema staging;
            create schema reconcile;
            create table staging.stg_readings as
                select * from read_parquet('{warehouse.reports}/*.parquet', filename = true);
            create table staging.stg_resolutions as
                select report_id, null::varchar as unit_id, null::varchar as division_id,
                    null::varchar as organ_id, 'unresolved' as resolution,
                    []::struct(unit_id varchar, "name" varchar, code varchar)[] as candidates
                from staging.stg_readings;
            create table staging.stg_runs as from runs;
            create table staging.stg_listed as from listed;
            create table staging.stg_corrections (document_id varchar);
            create table staging.stg_verdicts (report_id varchar);
            create table reconcile.total_reports
                (report_id varchar, area_id varchar, report_year int);
            create table reconcile.total_units (area_id varchar, report_year int);
            """
        )
        for url, organ in (("other", "gov"), ("office", "gov_office"), ("far", "edu")):
            db.execute(
                """
                update staging.stg_resolutions
                set unit_id = 'u ' || $1, division_id = 'd', organ_id = $1
                where report_id = (select report_id from staging.stg_readings where url = $2)
                """,
                [organ, LINAN + url],
            )
        db.execute(
            "insert into reconcile.total_reports select report_id, 'd', 2021 "
            "from staging.stg_resolutions where organ_id = 'gov_office'"
        )
    increment.remember(warehouse.database, warehouse, KEY, full=True)
    return warehouse


def _plan(warehouse: Warehouse, folder: Path, key: str = KEY) -> increment.Increment:
    folder.mkdir()
    pq.write_table(run_table(warehouse), folder / "runs.parquet")
    return increment.plan(warehouse, folder, key, full=False)


def _second_night(warehouse: Warehouse, url: str, **more: object) -> Night:
    world = Synthetic(warehouse.root)
    world.nights = [Night("night-0", world.night().started)]
    night = world.night(after_days=7)
    night.report(url, None, 2021, body="later", **more)  # type: ignore[arg-type]
    world.write(night)
    return night


def _touched(warehouse: Warehouse, prepared: Path, unit: str | None = None) -> set[str]:
    """The documents of the touched reports, after the new reading was resolved to that organ."""
    (report,) = pq.read_table(prepared / "touched_readings.parquet")["report_id"].to_pylist()
    row = {"report_id": report}
    if unit:
        row |= {"unit_id": f"u {unit}", "division_id": "d", "organ_id": unit}
    pq.write_table(
        pa.Table.from_pylist([row], schema=RESOLUTIONS), prepared / "resolutions.parquet"
    )
    for name, schema in (
        ("corrections", judgements.CORRECTIONS),
        ("verdicts", judgements.HUMAN_VERDICTS),
        ("listed", LISTED),
        ("expected", EXPECTED),
    ):
        pq.write_table(schema.empty_table(), prepared / f"{name}.parquet")
    increment.join_resolutions(warehouse, prepared)
    found = query(
        warehouse,
        f"""
        select distinct url from read_parquet('{warehouse.reports}/*.parquet') as readings
        semi join read_parquet('{prepared}/touched_reports.parquet') as touched using (report_id)
        """,
    )
    return {str(url).removeprefix(LINAN) for url in found["url"].to_pylist()}


def test_nothing_changed_touches_nothing(built: Warehouse, tmp_path: Path) -> None:
    assert _plan(built, tmp_path / "prepared") == increment.Increment("", [])


def test_an_attachment_goes_with_its_page(built: Warehouse, tmp_path: Path) -> None:
    _second_night(built, LINAN + "page")
    planned = _plan(built, tmp_path / "prepared")
    assert (planned.why_full, len(planned.parts)) == ("", 1)
    assert _touched(built, tmp_path / "prepared") == {"page", "page.pdf"}


def test_a_unit_goes_with_its_reports_and_a_government_with_its_office(
    built: Warehouse, tmp_path: Path
) -> None:
    _second_night(built, LINAN + "new")
    _plan(built, tmp_path / "prepared")
    assert _touched(built, tmp_path / "prepared", "gov") == {"new", "other", "office"}
    before = pq.read_table(tmp_path / "prepared/before_total_reports.parquet").to_pylist()
    assert [(row["area_id"], row["report_year"]) for row in before] == [("d", 2021)]
    units = pq.read_table(tmp_path / "prepared/touched_units.parquet")["unit_id"].to_pylist()
    assert units == ["u gov", "u gov_office"]


def test_what_joins_is_followed_to_the_end(built: Warehouse, tmp_path: Path) -> None:
    """A new version of a department's page that is now by the government brings both along."""
    _second_night(built, LINAN + "far")
    _plan(built, tmp_path / "prepared")
    assert _touched(built, tmp_path / "prepared", "gov") == {"far", "other", "office"}


def test_a_page_seen_again_is_touched(built: Warehouse, tmp_path: Path) -> None:
    night = _second_night(built, LINAN + "new")
    night.snapshots.append(night.snapshots[0] | {"document_id": LINAN + "office"})
    Synthetic(built.root).write(night)
    _plan(built, tmp_path / "prepared")
    assert _touched(built, tmp_path / "prepared") == {"new", "other", "office"}


def test_runs_with_another_account_are_touched(built: Warehouse, tmp_path: Path) -> None:
    first = next(built.runs.glob("*/outcomes.parquet"))
    night = _second_night(built, LINAN + "new")
    _plan(built, tmp_path / "one")
    assert _column(tmp_path / "one/touched_runs.parquet") == {night.run_id}
    accounts = {
        Path(name).parent.name for name in _column(tmp_path / "one/touched_accounts.parquet")
    }
    assert accounts == {night.run_id}
    (part,) = built.snapshots.glob(f"part-{night.run_id}-*")
    assert _column(tmp_path / "one/touched_fetches.parquet") == {str(part)}
    pq.write_table(pq.read_table(first).slice(1), first)  # as folding leaves it
    _plan(built, tmp_path / "two")
    assert _column(tmp_path / "two/touched_runs.parquet") == {first.parent.name, night.run_id}


def test_coverage_of_units_that_somebody_may_speak_for_is_touched(
    built: Warehouse, tmp_path: Path
) -> None:
    _second_night(built, LINAN + "new", source_id="linan")
    prepared = tmp_path / "prepared"
    _plan(built, prepared)
    _touched(built, prepared, "gov")
    office = hashlib.sha256(b"d|gov").hexdigest()[:16]  # the government that an office speaks for
    assert _column(prepared / "touched_coverage.parquet") == {"u gov", "u gov_office", office}
    rows = [{"unit_id": "u listed", "report_year": 2021}]
    pq.write_table(pa.Table.from_pylist(rows, schema=LISTED), prepared / "listed.parquet")
    row = {"source_division_id": "d", "organ_id": "gov", "division_id": "d"}
    expected = [
        row | {"unit_id": "u of the source", "source_id": "linan"},
        row | {"unit_id": "u of another", "source_id": "else", "source_division_id": "e"},
    ]
    pq.write_table(pa.Table.from_pylist(expected, schema=EXPECTED), prepared / "expected.parquet")
    increment.join_resolutions(built, prepared)  # linan has its first report of a year
    more = _column(prepared / "touched_coverage.parquet") - {"u gov", "u gov_office", office}
    assert more == {"u listed", "u of the source"}


def _column(path: Path) -> set[str]:
    return set(pq.read_table(path)[0].to_pylist())


def test_a_reading_taken_away_touches_those_it_was_with(built: Warehouse, tmp_path: Path) -> None:
    (part,) = built.reports.glob("part-*.parquet")
    table = pq.read_table(part)
    pq.write_table(table.filter(pc.not_equal(table["url"], LINAN + "far")), part)
    planned = _plan(built, tmp_path / "prepared")
    assert "of 34 readings changed" in planned.why_full  # one part holds them all


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("key", "the code, the sources or the place changed"),
        ("archive", "a part of the archive was changed or taken away"),
        ("state", "the published generation does not say what it was built from"),
        ("file", "nothing is published yet"),
        ("grown", "the database has grown by deleted rows"),
    ],
)
def test_everything_is_made_anew_when_nothing_else_is_sound(
    built: Warehouse, tmp_path: Path, change: str, why: str
) -> None:
    if change == "archive":
        (part,) = built.snapshots.glob("part-*.parquet")
        pq.write_table(pq.read_table(part).slice(1), part)
    elif change == "file":
        built.database.unlink()
    elif change in ("state", "grown"):
        with duckdb.connect(str(built.database)) as db:
            db.execute(
                "drop table built.state"
                if change == "state"
                else "update built.state set full_size = 1"
            )
    key = "another" if change == "key" else KEY
    assert _plan(built, tmp_path / "prepared", key).why_full == why


@pytest.mark.parametrize(("rows_of_a_group", "left"), [(100, 1), (7, 4)])
def test_row_groups_are_merged_while_none_of_wide_rows_is_full(
    built: Warehouse, monkeypatch: pytest.MonkeyPatch, rows_of_a_group: int, left: int
) -> None:
    for new in (f"create table {WIDE} as", *[f"insert into {WIDE}"] * 3):
        with increment.connect(built.database) as db:
            db.execute(f"use staging; {new} from range(2)")
    monkeypatch.setattr(increment, "ROW_GROUP", rows_of_a_group)
    increment.remember(built.database, built, KEY, full=False)
    found = f"select count(distinct row_group_id) as n from pragma_storage_info('staging.{WIDE}')"
    assert query(built, found).to_pylist() == [{"n": left}]


def test_the_key_is_of_code_and_sources(built: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = pa.table({"source_id": ["a"]})
    key = increment.key_of(built, sources)
    assert key == increment.key_of(built, sources)
    assert key != increment.key_of(built, pa.table({"source_id": ["b"]}))
    assert key != increment.key_of(Warehouse(built.root / "moved"), sources)
    monkeypatch.setattr(increment, "_SQL", built.root)
    assert key != increment.key_of(built, sources)


def test_a_reading_that_stands_twice_counts_once(tmp_path: Path) -> None:
    world = Synthetic(tmp_path)
    for night in (world.night(), world.night(after_days=1)):
        night.report(LINAN + "same", None, 2021)
    warehouse = world.write()
    _plan(warehouse, tmp_path / "prepared")
    (repeat,) = pq.read_table(tmp_path / "prepared/repeats.parquet").to_pylist()
    assert repeat["filename"].endswith("part-night-2-00000.parquet")
