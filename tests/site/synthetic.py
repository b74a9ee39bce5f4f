"""A published database of any size for the site: the real registry, made-up reports.

The tables are those of a database that dbt built (so a column that a model loses is missed here as
well); their rows are made in SQL from hashes, so the same size gives the same rows. The reports'
values lie wide, one row per report, behind a view `report_cells`, as in a real warehouse.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

FIRST_YEAR, YEARS = 2022, 4
READ = 0.87  # report versions for each unit and year
ORGANS = ("教育局", "民政局", "财政局", "水利局", "司法局", "审计局", "农业农村局", "卫生健康局")

# What a page would say if it could: every place where outside text is shown gets some of it.
HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>\"'&{{7*7}}"


def fill(database: Path, reports: int) -> None:
    """Replace the reports of `database` by about `reports` made-up ones over `YEARS` years."""
    with duckdb.connect(str(database)) as db:
        columns = {
            name: [row[0] for row in db.sql(f"describe {name}").fetchall()]
            for name in ("report_cells", "units")
        }
        _units(db, round(reports / READ) // YEARS)
        _coverage(db)
        _reports(db)
        _values(db, columns["report_cells"])
        _findings(db)
        _failures(db)
        _totals(db)
        _runs(db)
        db.execute("checkpoint")


def _roll(key: str, salt: str, below: int) -> str:
    """A number from 0 up to `below` that hangs on a key alone."""
    return f"(hash({key} || '{salt}') % {below})::integer"


def _units(db: duckdb.DuckDBPyConnection, wanted: int) -> None:
    """Departments for each county, then as many units as wanted, spread over whole counties."""
    organs = ", ".join(f"'{o}'" for o in ORGANS)
    db.execute(
        f"""
        insert into units by name
        select
            substr(sha256(division_id || office), 1, 16) as unit_id, 1 as version, division_id,
            office as organ, division_name || office as unit_name, division_name,
            full_name || office as full_name, [division_name || office] as aliases,
            level, kind, code_nbs, code_mca, parent_division_id, unit_id as parent_unit_id,
            province, city, county
        from units, (select unnest([{organs}]) as office) as offices
        where organ = 'gov' and level between 1 and 3 and valid_to is null
          and kind <> 'nbs-only'
        """
    )
    db.execute(
        """
        create temp table chosen as
        with now as (
            select *, if(level = 4, parent_division_id, division_id) as area
            from units where valid_to is null and kind <> 'nbs-only'
            qualify row_number() over (partition by unit_id order by version desc) = 1
        ),
        areas as (
            select area, count(*) as n,
                   sum(count(*)) over (order by hash(area), area) as running
            from now group by area
        )
        select now.* from now join areas using (area) where running - n < ?
        """,
        [wanted],
    )


def _coverage(db: duckdb.DuckDBPyConnection) -> None:
    key = "unit_id || report_year"
    db.execute("delete from coverage")
    db.execute(
        f"""
        insert into coverage by name
        select
            unit_id, unit_name, province, city, county, level, report_year,
            'it is expected' as expected_by,
            case when level < 4 and organ = 'gov' then make_date(report_year + 1, 3, 31)
                 when level < 4 then make_date(report_year + 1, 1, 31) end as deadline,
            case when dice < 85 and {_roll(key, "dated", 8)} > 0
                then make_date(report_year + 1, 1, 5) + {_roll(key, "day", 45)} end
                as published_date,
            if(published_date is null, null, 'the page''s header') as published_evidence,
            case when dice < 85 then 'parsed' when dice < 90 then 'rejected'
                 when dice < 92 then 'listed' when dice < 98 then 'missing'
                 else 'ambiguous' end as outcome,
            if(outcome = 'listed', 'timeout', null) as reason,
            if(outcome = 'listed', 'http://www.x.gov.cn/' || {key}, null) as url,
            published_date > deadline as late,
            if(dice < 85, substr(sha256({key}), 1, 32), null) as report_id
        from chosen, range({FIRST_YEAR}, {FIRST_YEAR + YEARS}) as years(year),
            lateral (select year::integer as report_year,
                            {_roll("unit_id || year", "outcome", 100)} as dice)
        """
    )


def _reports(db: duckdb.DuckDBPyConnection) -> None:
    hostile = HOSTILE.replace("'", "''")
    db.execute("delete from reports")
    db.execute(
        f"""
        insert into reports by name
        select
            report_id, sha256(report_id) as snapshot_id,
            case {_roll("report_id", "url", 500)}
                when 0 then 'javascript:alert(3)//' || report_id
                else 'http://www.x' || coalesce(code_nbs, 'x') || '.gov.cn/' || report_id || '.html'
            end as url, url as document_id,
            'fetched' as origin, true as official, unit_name as issuing_unit, unit_id,
            'resolved' as resolution, 'hard' as resolution_grade,
            [] as candidates, 'the source leaves one' as explanation, report_year,
            if({_roll("report_id", "form", 12)} = 0, '2019', '2021') as form,
            if(chosen.organ = 'gov' and level < 4, 'area', 'own') as scope, true as is_current,
            unit_name || report_year || '年政府信息公开工作年度报告'
                || if({_roll("report_id", "x", 50)} = 0, '{hostile}', '') as title,
            published_date, 'html' as source_kind,
            make_timestamptz(2026, 1, 26, 18, 0, 0, 'UTC') as fetched_at,
            fetched_at as last_fetched_at, 'synthetic' as parser_version
        from coverage join (select unit_id, organ, code_nbs from chosen) as chosen using (unit_id)
        where report_id is not null
        """
    )
    # an earlier version of some, and some that nobody can tell the unit of
    db.execute(
        f"""
        insert into reports by name
        select * replace (
            substr(sha256('old' || report_id), 1, 32) as report_id, false as is_current,
            'fetched later' as superseded_because, report_id as superseded_by)
        from reports where {_roll("report_id", "old", 40)} = 0
        """
    )
    db.execute(
        f"""
        update reports set unit_id = null, resolution = 'ambiguous', resolution_grade = null,
            issuing_unit = '太平镇人民政府{hostile}',
            candidates = [{{'unit_id': unit_id, 'name': issuing_unit, 'code': null}}],
            explanation = '“太平镇人民政府” can be 4 units'
        where {_roll("report_id", "lost", 300)} = 0 and is_current
        """
    )
    db.execute(
        "update coverage set report_id = null, outcome = 'ambiguous' "
        "where report_id in (select report_id from reports where unit_id is null)"
    )


def _values(db: duckdb.DuckDBPyConnection, columns: list[str]) -> None:
    hostile = HOSTILE.replace("'", "''")
    db.execute("drop view if exists report_cells")
    db.execute(
        f"""
        create table synthetic_values as
        with form_cells as (
            select form, list(cell order by position) as cells, count(*)::integer as n
            from measures group by form
        )
        select
            report_id, form, cells, range(1, n + 1)::smallint[] as positions,
            [if(hash(report_id || i) % 3 > 0, 0,
                (hash(report_id || i) % 97)::integer)::decimal(18, 4) for i in range(n)] as vals,
            [case when hash(report_id || i) % 61 = 0 then ''
                  when hash(report_id || i) % 67 = 0 then '/'
                  when hash(report_id || i) % 4001 = 0 then '{hostile}'
                  when hash(report_id || i) % 3 > 0 then '0'
                  else (hash(report_id || i) % 97)::integer::varchar end
             for i in range(n)] as texts,
            ['html table ' || (if(i < 10, 1, if(i < 185, 2, 3))) || ' row ' || (3 + i // 7)
                || ' cell ' || (2 + i % 7) for i in range(n)] as places
        from reports join form_cells using (form)
        """
    )
    derived = {
        "section": "split_part(cell, '.', 1)",
        "row_code": "split_part(cell, '.', 2)",
        "column_code": "split_part(cell, '.', 3)",
        "status": "case text when '' then 'blank' when '/' then 'mark' else 'reported' end",
        "value": "if(text in ('', '/'), null, val)",
        "edited_value": "if(text in ('', '/'), null, val)",
        "as_published": "text",
        "forced_by": "null::varchar",
    }
    taken = {"cell", "position", "place"}
    labels = {"unit_name", "division_code", "division_code_system", "province", "city", "county"}
    shown = [
        f"{derived[c]} as {c}"
        if c in derived
        else f"null::varchar as {c}"
        if c in labels
        else "null::integer as level"
        if c == "level"
        else c
        for c in columns
    ]
    db.execute(
        f"""
        create view report_cells as
        select {", ".join(shown)}
        from (
            select {
            ", ".join(
                f"reports.{c}"
                for c in columns
                if c not in derived and c not in taken and c not in labels and c != "level"
            )
        },
                   unnest(cells) as cell, unnest(positions) as position,
                   unnest(vals) as val, unnest(texts) as text, unnest(places) as place
            from synthetic_values join reports using (report_id)
        ) as rows
        """
    )


def _findings(db: duckdb.DuckDBPyConnection) -> None:
    for table in ("findings", "repairs"):
        db.execute(f"delete from {table}")
    rules = {
        "row_total": "row_total.granted",
        "outcome_total": "outcome_total.total",
        "balance": "balance.total",
        "carried_over": "carried_over.total",
        "hierarchy": "hierarchy.requests.new_received.total",
        "prose": "prose.requests.new_received.total",
        "in_force": "in_force.normative_documents",
        "year": "year.title",
    }
    for n, (rule, identity) in enumerate(rules.items()):
        db.execute(
            f"""
            insert into findings by name
            select report_id, '{rule}' as rule, '{identity}' as identity,
                ['requests.granted.natural_person', 'requests.granted.total'] as cells,
                {_roll("report_id", "e", 90)} as expected,
                {_roll("report_id", "f", 90)} as found,
                if({_roll("report_id", "v", 3)} = 0, 'cannot_tell', 'violated') as verdict,
                'the parts give one thing, the report says another' as explanation
            from reports where {_roll("report_id", f"find{n}", 30)} = 0
            """
        )
    db.execute(
        f"""
        insert into repairs by name
        select report_id, 'requests.granted.total' as cell, found::integer::varchar as as_published,
            found as published_value, expected as value, 'fewest_cells' as rule,
            1 as cells_changed, identity as witness, 'proposed' as status
        from findings where rule = 'row_total' and {_roll("report_id", "repair", 2)} = 0
        """
    )


def _failures(db: duckdb.DuckDBPyConnection) -> None:
    hostile = HOSTILE.replace("'", "''")
    codes = ["no_tables", "needs_ocr", "extra_rows", "unknown_label", "http_404", "not_official"]
    db.execute("delete from failures")
    db.execute(
        f"""
        insert into failures by name
        select
            'http://www.x.gov.cn/' || unit_id || report_year as document_id, document_id as url,
            sha256(document_id) as snapshot_id,
            case n when 4 then 'failed' when 5 then 'quarantined' else 'rejected' end as outcome,
            case n when 4 then 'fetch' when 5 then 'discover' else 'parse' end as stage,
            {codes!r}[n + 1] as code,
            'what stands there: {hostile}' as message, 'html table 2 row 7 cell 3' as place,
            unit_name as issuing_unit,
            make_timestamptz(2026, 1, 20, 18, 0, 0, 'UTC') as first_seen,
            make_timestamptz(2026, 1, 26, 18, 0, 0, 'UTC') as last_seen, 3 as times
        from coverage, lateral (select {_roll("unit_id || report_year", "code", 6)} as n)
        where outcome = 'rejected'
        """
    )


def _totals(db: duckdb.DuckDBPyConnection) -> None:
    db.execute("delete from national_totals")
    db.execute(
        f"""
        insert into national_totals by name
        with areas as (
            select 'CN' as area_id, '全国' as area_name, 0 as level, null as province
            union
            select distinct division_id, division_name, level, province
            from units where level <= 3 and valid_to is null
        ),
        years as (select unnest(range({FIRST_YEAR}, {FIRST_YEAR + YEARS}))::integer as report_year),
        series as (
            select distinct series from measures where series like 'requests.%.total'
        )
        select
            area_id, area_name, province, level, report_year, series, 'units' as method,
            10 * {_roll("area_id || series || report_year", "t", 500)} as value,
            value as lower_bound, 60000 as units_expected,
            if(level = 0, 50000, 12 + {_roll("area_id", "c", 30)}) as units_covered,
            least(1, units_covered / 60) as share_covered, units_covered as reports_counted,
            2 as reports_blank
        from areas, years, series
        """
    )


def _runs(db: duckdb.DuckDBPyConnection) -> None:
    db.execute("delete from runs")
    db.execute(
        """
        insert into runs by name
        select '20260126T180000Z-nightly-0000' as run_id, 'nightly' as kind,
            make_timestamptz(2026, 1, 26, 18, 0, 0, 'UTC') as started_at,
            make_timestamptz(2026, 1, 26, 19, 0, 0, 'UTC') as finished_at,
            true as demo, 'synthetic' as parser_version, n as discovered, n as parsed,
            0 as rejected, 0 as duplicate, 0 as unchanged, 0 as quarantined, 0 as skipped,
            0 as failed
        from (select count(*) as n from reports)
        """
    )
