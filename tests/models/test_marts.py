"""The public tables of one small world (`world.py`), by exact values."""

from __future__ import annotations

import re
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import duckdb
import pytest

from tests.models.readme import README, analyses, ran
from tests.models.synthetic import FORM, IDENTITIES
from tests.models.world import BUSY, GRANTED, GZL, HUACHUAN, LINAN

pytestmark = pytest.mark.slow

Db = duckdb.DuckDBPyConnection


def rows(db: Db, sql: str, *values: object) -> list[tuple[Any, ...]]:
    return db.execute(sql, values).fetchall()


def findings(db: Db, url: str) -> list[tuple[Any, ...]]:
    """rule, identity, expected, found, verdict of the current version of a document."""
    return rows(
        db,
        """
        select findings.rule, identity, expected, found, verdict
        from findings join reports using (report_id)
        where reports.url = ? and is_current order by all
        """,
        url,
    )


COLUMNS = {
    "national_fact": "unit_id unit_name division_code province city county level resolution_grade "
    "report_year scope form cell section row_code column_code value edited_value as_published "
    "status report_id",
    "report_cells": "unit_id unit_name division_code province city county level resolution_grade "
    "report_year scope form cell section row_code column_code value edited_value as_published "
    "status report_id",
    "reports": "report_id document_id snapshot_id url origin official issuing_unit unit_id "
    "resolution resolution_grade candidates explanation report_year form scope is_current "
    "superseded_by index_number published_date parser_version",
    "learned_keys": "kind key unit_id times_seen first_seen last_seen contradictions usable",
    "units": "unit_id unit_name aliases code_nbs code_mca valid_from valid_to",
    "measures": "cell label meaning unit form series",
    "findings": "report_id rule identity cells expected found verdict explanation",
    "national_totals": "area_id area_name level report_year series method value lower_bound "
    "upper_bound units_expected units_covered share_covered",
    "repairs": "report_id cell as_published value rule witness status",
    "failures": "document_id url snapshot_id stage code message place first_seen last_seen times",
    "candidates": "source_id url link_title link_date reason listing_url seen_at",
    "coverage": "expected_by deadline published_date outcome late",
    "runs": "discovered parsed rejected duplicate unchanged quarantined skipped failed",
}


def test_schema_main_holds_the_public_tables_and_nothing_else(db: Db) -> None:
    found = rows(
        db,
        """
        select table_name, table_type from information_schema.tables where table_schema = 'main'
        """,
    )
    views = ("national_fact", "report_cells")
    assert dict(found) == dict.fromkeys(COLUMNS, "BASE TABLE") | dict.fromkeys(views, "VIEW")


def test_the_views_need_no_other_file_nor_name(published: Path, tmp_path: Path) -> None:
    shutil.copy(published, tmp_path / "renamed.duckdb")
    with duckdb.connect(str(tmp_path / "renamed.duckdb"), read_only=True) as copied:
        assert rows(copied, "select count(*) > 0 from national_fact") == [(True,)]


def test_the_long_tables_hold_each_cell_of_each_report_once(db: Db) -> None:
    for table, which in (("report_cells", "true"), ("national_fact", "is_current and official")):
        found = rows(
            db,
            f"""
            select form, report_id, count(*), count(distinct cell), count(status), count(section),
                bool_and(cell = section || '.' || row_code || '.' || column_code)
            from {table} group by all
            """,
        )
        assert {(f, *n) for f, _, *n in found} == {
            (f, *[len(FORM[f])] * 4, True) for f in {f for f, *_ in found}
        }
        expected = f"select report_id from reports where {which} and form is not null"
        if table == "national_fact":
            expected += " and resolution = 'resolved'"
        assert {r for _, r, *_ in found} == {r for (r,) in rows(db, expected)}


def test_the_long_tables_read_the_form_in_its_order(db: Db) -> None:
    wrong = """
        select count(*) from report_cells as cells join measures using (form, cell)
        where cells.position <> measures.position or place not like '% row ' || cells.position
        """
    assert rows(db, wrong) == [(0,)]


@pytest.mark.parametrize("table", COLUMNS)
def test_columns_others_rely_on(db: Db, table: str) -> None:
    there = {name for name, *_ in rows(db, f"describe {table}")}
    assert set(COLUMNS[table].split()) <= there


def test_values_are_decimal(db: Db) -> None:
    assert rows(db, "select distinct typeof(value), typeof(edited_value) from national_fact") == [
        ("DECIMAL(18,4)", "DECIMAL(18,4)")
    ]


def test_facts_are_what_the_report_says(db: Db) -> None:
    found = rows(
        db,
        """
        select cell, value, status, as_published from national_fact join reports using (report_id)
        where reports.url = ?
        """,
        HUACHUAN + "2021.html",
    )
    assert {cell: value for cell, value, *_ in found} == BUSY
    assert {status for *_, status, _ in found} == {"reported"}
    assert ("proactive.normative_documents.in_force", Decimal(40), "reported", "40") in found
    assert rows(
        db,
        """
        select distinct
            unit_name, division_code, division_code_system, province, city, county, level
        from national_fact where unit_name = '清凉峰镇人民政府'
        """,
    ) == [("清凉峰镇人民政府", "330112112", "nbs", "浙江省", "杭州市", "临安区", 4)]


def test_a_fact_is_official_resolved_current(db: Db) -> None:
    urls = "select distinct url from national_fact join reports using (report_id)"
    found = {url for (url,) in rows(db, urls)}
    assert found == {
        *(HUACHUAN + n for n in ("2021.html", "2022.html", "edu.html", "market.html")),
        *(HUACHUAN + n for n in ("blank.html", "review.html")),
        *(LINAN + n for n in ("qlf.html", "fin.html", "slow.html")),
        *(GZL + n for n in ("2019.html", "2020.html")),
    }
    every = rows(
        db,
        """
        select form, count(*), count(distinct report_id) from report_cells
        where report_id not in (select report_id from reports where url like 'probe:%')
        group by form order by form
        """,
    )
    assert every == [("2019", 2 * 198, 2), ("2021", 16 * 200, 16)]


def test_blank_stays_blank(db: Db) -> None:
    assert rows(
        db,
        """
        select cell, value, edited_value, status, as_published from national_fact
        join reports using (report_id) where reports.url = ? and value is null order by 1
        """,
        HUACHUAN + "blank.html",
    ) == [
        ("requests.new_received.total", None, None, "blank", ""),
        ("review_litigation.reconsideration.other", None, None, "blank", ""),
    ]


def test_identities(db: Db) -> None:
    assert findings(db, LINAN + "fin.html") == []
    assert findings(db, HUACHUAN + "market.html") == [
        ("outcome_total", "outcome_total.natural_person", Decimal(19), Decimal(9), "violated"),
        ("row_total", "row_total.granted", Decimal(20), Decimal(10), "violated"),
    ]
    assert findings(db, HUACHUAN + "blank.html") == [
        ("balance", "balance.total", None, Decimal(18), "cannot_tell"),
        ("review_total", "review_total.reconsideration", None, Decimal(2), "violated"),
        ("row_total", "row_total.new_received", Decimal(16), None, "cannot_tell"),
    ]
    assert findings(db, HUACHUAN + "review.html") == [
        ("review_total", "review_total.reconsideration", Decimal(2), Decimal(3), "violated")
    ]


@pytest.mark.parametrize(("form", "identity"), IDENTITIES)
def test_every_identity_sees_its_cells(db: Db, form: str, identity: str) -> None:
    """One cell one too many violates exactly the identities that read it."""
    changed = IDENTITIES[form, identity][0]
    expected = {name for (f, name), cells in IDENTITIES.items() if f == form and changed in cells}
    found = findings(db, f"probe:{form}:{identity}")
    assert {(name, verdict) for _, name, _, _, verdict in found} == {
        (name, "violated") for name in expected
    }


def test_across_years(db: Db) -> None:
    assert findings(db, HUACHUAN + "2022.html") == [
        ("carried_over", "carried_over.natural_person", Decimal(5), Decimal(9), "violated"),
        ("carried_over", "carried_over.total", Decimal(5), Decimal(9), "violated"),
    ]
    # 公主岭 went to another prefecture in between, so nothing can be said.
    assert {(r, v) for r, _, _, _, v in findings(db, GZL + "2020.html")} == {
        ("carried_over", "cannot_tell")
    }


def test_splits_and_mergers_make_two_years_incomparable(db: Db) -> None:
    """2021: 江干区 and 下城区 went up in others, 余杭区 lost 临平区; 2020: 公主岭 moved."""

    def scopes(division: str, year: int) -> set[str]:
        sql = "select scope from reconcile.division_changes where division_id = ? and year = ?"
        return {scope for (scope,) in rows(db, sql, division, year)}

    for division in ("C330102", "C330105", "C330110", "C330113"):
        assert scopes(division, 2021) == {"own", "area"}
        assert scopes(division, 2022) == set()
    for prefecture in ("K220300", "K220100"):  # 四平, 长春: their own office is what it was
        assert scopes(prefecture, 2020) == {"area"}
    assert scopes("K330100", 2021) == set()  # all of it within 杭州


def test_prose_and_title(db: Db) -> None:
    assert findings(db, GZL + "2019.html") == [
        ("prose", "prose.requests.new_received.total", Decimal(5), Decimal(3), "violated"),
        ("year", "year.title", Decimal(2019), Decimal(2018), "violated"),
    ]


def test_an_area_is_no_less_than_its_units(db: Db) -> None:
    found = findings(db, HUACHUAN + "2021.html")
    received = "hierarchy.requests.new_received.total"
    assert ("hierarchy", received, Decimal(62), Decimal(16), "violated") in found
    assert {r for r, *_ in found} == {"hierarchy"}


def test_repairs_are_proposed_only_where_unique(db: Db) -> None:
    found = rows(
        db,
        """
        select cell, repairs.as_published, value, rule, witness, status
        from repairs join reports using (report_id) where reports.url in (?, ?)
        """,
        HUACHUAN + "market.html",
        HUACHUAN + "review.html",
    )
    witness = "outcome_total.natural_person, row_total.granted"
    granted = "requests.granted.natural_person"
    assert found == [(granted, "17", Decimal(7), "fewest_cells", witness, "proposed")]
    fact = "select value, edited_value from national_fact where cell = ? and unit_name = ?"
    assert rows(db, fact, granted, "桦川县市场监督管理局") == [(Decimal(17), Decimal(7))]
    assert rows(db, fact, granted, "桦川县人民政府")[0] == (Decimal(7), Decimal(7))
    changed = "select count(*) from national_fact where value is distinct from edited_value"
    assert rows(db, changed) == [(1,)]


def test_a_repair_of_two_cells_and_one_that_is_not_certain(db: Db) -> None:
    found = rows(
        db,
        """
        select cell, published_value, value, slip, cells_changed, witness
        from repairs join reports using (report_id) where url = 'probe:two wrong' order by cell desc
        """,
    )
    row, own = "row_total.granted", "outcome_total."
    assert found == [
        (GRANTED, 70, 7, None, 2, f"{own}natural_person, {row}"),
        ("requests.granted.business", 33, 3, "a digit doubled", 2, f"{own}business, {row}"),
    ]
    explained = rows(
        db,
        "select findings.explanation from findings join reports using (report_id) where url = ?",
        HUACHUAN + "review.html",
    )
    assert explained == [
        (
            "the parts give 2, the report says 3; 5 smallest changes would mend it: "
            "review_litigation.reconsideration.corrected 0 → 1; "
            "review_litigation.reconsideration.other 0 → 1; "
            "review_litigation.reconsideration.pending 0 → 1; "
            "review_litigation.reconsideration.total 3 → 2; "
            "review_litigation.reconsideration.upheld 2 → 3",
        )
    ]


def test_resolution(db: Db) -> None:
    found = rows(db, "select url, resolution, resolution_grade, len(candidates) from reports")
    by_url = {url: tuple(rest) for url, *rest in found}
    assert by_url["file:baiquan"] == ("resolved", "soft", 1)
    assert by_url["file:wucun"] == ("ambiguous", None, 2)
    assert by_url["file:sanchahe"] == ("ambiguous", None, 4)
    assert by_url[LINAN + "stolen.html"] == ("conflict", None, 1)
    assert by_url[LINAN + "branch.html"] == ("unresolved", None, 0)
    assert by_url[HUACHUAN + "market.html"] == ("resolved", "hard", 1)
    unit = "select distinct unit_id from reports where url like ?"
    assert len(rows(db, unit, GZL + "%")) == 1


def test_units_are_dated(db: Db) -> None:
    assert rows(
        db,
        """
        select unit_name, code_nbs, valid_from, valid_to, province || city || county from units
        where division_id = 'C330112' and organ = 'gov' order by version
        """,
    ) == [
        ("临安市人民政府", "330185", None, 2016, "浙江省杭州市临安市"),
        ("临安区人民政府", "330112", 2017, None, "浙江省杭州市临安区"),
    ]
    assert rows(
        db,
        """
        select report_year, division_code, city from national_fact
        where unit_name = '公主岭市人民政府' group by all order by 1
        """,
    ) == [(2019, "220381", "四平市"), (2020, "220184", "长春市")]


def test_versions_and_copies(db: Db) -> None:
    chain = """
        select old.is_current, new.is_current, new.url from reports as old
        join reports as new on new.report_id = old.superseded_by where old.url = ?
        """
    assert rows(db, chain, LINAN + "fin.html") == [(False, True, LINAN + "fin.html")]
    assert rows(db, chain, LINAN + "qlf.pdf") == [(False, True, LINAN + "qlf.html")]
    assert [(r, e, f) for r, _, e, f, _ in findings(db, LINAN + "qlf.html")] == [
        ("copies", Decimal(4), Decimal(3))
    ]


def test_failures_are_what_is_wrong_now(db: Db) -> None:
    assert rows(
        db,
        "select url, outcome, stage, code, times, last_seen > first_seen from failures order by 1",
    ) == [
        ("https://copy.example.com/x", "quarantined", "discover", "not_official", 2, True),
        (GZL + "2018.html", "rejected", "parse", "pre_2019_report", 1, False),
        (HUACHUAN + "gone.html", "failed", "fetch", "http_404", 2, True),
        (HUACHUAN + "water.html", "rejected", "parse", "unknown_label", 2, True),
        ("https://www.linan.gov.cn/list/2", "failed", "discover", "http_500", 1, False),
    ]


def test_coverage(db: Db) -> None:
    def of(unit: str) -> list[tuple[Any, ...]]:
        return rows(
            db,
            """
            select report_year, outcome, deadline::varchar, published_date::varchar, late
            from coverage where unit_name = ? order by 1
            """,
            unit,
        )

    assert of("桦川县人民政府") == [
        (2021, "parsed", "2022-03-31", "2022-03-30", False),
        (2022, "parsed", "2023-03-31", "2023-04-02", True),
    ]
    assert of("清凉峰镇人民政府") == [(2021, "parsed", None, None, None)]
    assert of("临安区人民政府") == [(2021, "missing", "2022-03-31", None, None)]
    assert of("公主岭市人民政府")[0] == (2019, "parsed", "2020-03-31", None, None)
    assert rows(db, "select min(report_year) from coverage") == [(2019,)]
    late = "select count(*) from coverage where outcome = 'missing' and late is not null"
    assert rows(db, late) == [(0,)]


def test_departments_are_expected_once_they_have_reported(db: Db) -> None:
    found = rows(
        db,
        """
        select report_year, outcome, expected_by, deadline::varchar, late from coverage
        where unit_name = '桦川县教育局' order by 1
        """,
    )
    since = "it has reported since 2021"
    assert found == [
        (2021, "parsed", since, "2022-01-31", True),
        (2022, "missing", since, "2023-01-31", None),
    ]
    # A rejected report was published all the same; 水务局 is 水利局 by another name.
    water = "select outcome from coverage where unit_name = '桦川县水利局' order by report_year"
    assert rows(db, water) == [("rejected",), ("missing",)]


def test_a_report_that_is_listed_was_published_though_nobody_could_fetch_it(db: Db) -> None:
    assert rows(
        db,
        """
        select outcome, reason, url, published_date::varchar, published_evidence, late, report_id
        from coverage where unit_name = '桦川县财政局' order by report_year
        """,
    ) == [
        ("parsed", None, HUACHUAN + "blank.html", None, None, None, ANY),
        ("listed", "http_404", HUACHUAN + "gone.html", "2023-02-03", "the listing", True, None),
    ]
    # A page that was read is not listed only, whatever became of a later fetch.
    assert rows(db, "select count(*) from coverage where outcome = 'listed'") == [(1,)]


def test_a_report_that_is_republished_was_published_when_it_first_came_out(db: Db) -> None:
    assert rows(
        db,
        """
        select coverage.published_date::varchar, published_evidence, late, is_current,
               reports.published_date::varchar
        from coverage join reports using (report_id)
        where unit_name = '临安区财政局' and coverage.report_year = 2021
        """,
    ) == [("2022-01-25", "the listing", False, True, "2022-04-05")]


def test_a_date_before_the_end_of_the_year_reported_on_is_no_evidence(db: Db) -> None:
    assert rows(
        db,
        """
        select outcome, published_date, late from coverage
        where unit_name = '临安区水利局' and report_year = 2021
        """,
    ) == [("parsed", None, None)]


def test_runs_close(db: Db) -> None:
    assert rows(
        db, "select run_id, discovered, parsed, rejected, unchanged, quarantined, failed from runs"
    ) == [
        ("night-1", 17, 12, 1, 0, 1, 3),
        ("night-2", 6, 2, 1, 1, 1, 1),
    ]


def test_candidates_are_those_of_the_last_look_at_each_listing(db: Db) -> None:
    found = rows(db, "select source_id, url, reason from candidates")
    assert found == [("huachuan", HUACHUAN + "law.html", "is a law (night-2)")]


def test_measures_are_the_form(db: Db) -> None:
    found = rows(db, "select form, cell from measures order by form, position")
    assert found == [(form, r["cell"]) for form in FORM for r in FORM[form]]
    series = dict(rows(db, "select row_code, series from measures where column_code = 'total'"))
    assert {series[r] for r in ("other_handling", "other_no_correction", "other_other")} == {
        "requests.other_handling.total"
    }
    apart = rows(db, "select count(distinct series) from measures where row_code = 'rules'")
    assert apart == [(6,)]
    assert rows(db, "select count(*) from measures where meaning is null or label = ''") == [(0,)]


def test_the_readmes_analysis_of_reviews(db: Db) -> None:
    """Seven own reports; one block of 复议 has a blank, another does not add up."""
    by_procedure = analyses()[2]
    assert ran(db, by_procedure) == by_procedure
    reconsideration = dict(zip(by_procedure.columns, by_procedure.rows[2], strict=True))
    assert reconsideration == {
        "procedure": "reconsideration",
        "decided": "8",  # two upheld in each of four; 教育局 has none
        "corrected": "0.0",
        "reports": "5",
        "left_out": "2",
    }


def test_every_query_of_the_readme_runs(db: Db) -> None:
    queries = re.findall(r"```sql\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(queries) == 4
    for query in queries:
        assert db.execute(query).description
