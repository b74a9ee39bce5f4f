"""A whole nation of synthetic readings, as Parquet of the stages, by the million.

Everything is computed by DuckDB from hashes, so one number of reports gives one nation. It has the
skew of the real one: half the reports are townships' with almost no requests, a few offices have
thousands; two forms; whole-area reports; and the troubles that the models are for: broken
identities, blanks that are forced and blanks that are not, copies, superseding versions, rejected
documents, units that no evidence tells apart, years that do not continue.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.records import Source
from tasks.report.form import StatutoryForm, form
from tasks.reports import CELLS, SCHEMA
from tasks.schemas import DISCOVERED_SCHEMA, OUTCOMES_SCHEMA, SNAPSHOTS_SCHEMA
from tasks.store import Warehouse
from tasks.units.tables import OWN

SQL = Path(__file__).resolve().parents[2] / "sql"
FIRST, LAST = 2019, 2025
PART = 500  # readings in a part, as the harvest writes them
CHUNK = 40  # parts computed at a time
NIGHT = datetime(2020, 1, 20, 18, 0, tzinfo=UTC)
APPLICANTS = (
    *("natural_person", "business", "research", "public_interest"),
    *("legal_service", "other_org"),
)
TOTALS = ("new_received", "carried_in", "total_handled", "carried_out")
BROKEN = (  # one cell of a broken report is ten too many
    *("requests.granted.natural_person", "requests.granted.total"),
    *("requests.new_received.total", "requests.carried_out.natural_person"),
    *("requests.total_handled.business", "requests.refused_process.natural_person"),
    *("review_litigation.reconsideration.total", "review_litigation.litigation_direct.upheld"),
)
THREE_PROVINCES = ("33", "51", "23")
_ONCE = "qualify row_number() over (partition by document_id order by fetched_at, snapshot_id) = 1"
HELD = ("", "provinces", "scattered")


@dataclass(frozen=True, slots=True)
class Nation:
    """The warehouse that was filled, and the sources that its units are found by."""

    warehouse: Warehouse
    sources: list[Source]
    resolutions: pa.Table  # what each reading says by itself, those held back too
    reports: int


def build(root: Path, reports: int, *, more: int = 0) -> Nation:
    """Fill a warehouse with about that many readings.

    Twice `more` of them are held back for `add`.
    """
    warehouse = Warehouse.at(root)
    warehouse.ensure()
    with _connect(warehouse) as connection:
        _plan(connection, reports, more)
        found = connection.execute("select * from resolutions order by report_id").to_arrow_table()
        count = _write(connection, warehouse, 0)
        sources = [
            Source(
                f"p{code}",
                f"{code}0000",
                f"www.p{code}.gov.cn",
                "",
                "county_listing",
                "",
                "allowed",
                "2026-01-01",
                "",
            )
            for (code,) in connection.execute(
                "select distinct province from units order by 1"
            ).fetchall()
        ]
    return Nation(warehouse, sources, found.cast(OWN), count)


def add(warehouse: Warehouse, which: str) -> int:
    """Write readings that were held back as a last night; gives how many.

    "provinces": reports of the last year in three provinces; "scattered": of any unit and year.
    """
    with _connect(warehouse) as connection:
        return _write(connection, warehouse, HELD.index(which))


def _connect(warehouse: Warehouse) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(str(warehouse.root / ".nation.duckdb"))
    connection.execute("set memory_limit = '2GB'; set TimeZone = 'UTC'")
    return connection


def _plan(connection: duckdb.DuckDBPyConnection, reports: int, more: int) -> None:
    """Which unit reports in which year, in which document, and what is wrong with it: thin rows."""
    connection.execute(
        f"""
        create macro chance(a, b) as (hash(a, b) % 1000000) / 1000000.0;
        create table divisions as
        select unit_id as division_id, level::int as level, name, parent_id,
            substr(coalesce(code_nbs, code_mca), 1, 2) as province
        from read_csv('{SQL}/registry/divisions.csv.gz', all_varchar = true, header = true)
        where kind = 'formal' and valid_to_year is null
            and substr(coalesce(code_nbs, code_mca), 1, 2) not in ('71', '81', '82');
        create table chosen as
        with sizes as (
            select seats.division_id, seats.level, 36 + count(towns.division_id) as units
            from divisions as seats
            left join divisions as towns on towns.parent_id = seats.division_id and towns.level = 4
            where seats.level <= 3
            group by all
        )
        select division_id from sizes
        qualify sum(units) over (order by level > 1, hash(division_id)) <= {reports} / 6.9 + 60;
        create table units as
        select row_number() over (order by province, level, division_id, organ_id) as unit_no, *
        from (
            select division_id, 'gov' as organ_id, level, province, name,
                name || '人民政府' as issuing_unit
            from divisions
            where division_id in (from chosen) or (level = 4 and parent_id in (from chosen))
            union all
            select divisions.division_id, organs.organ_id, level, province, divisions.name,
                divisions.name || organs.name
            from divisions
            cross join read_csv('{SQL}/seeds/organ_types.csv', header = true) as organs
            where division_id in (from chosen) and organs.organ_id <> 'gov'
                and chance(division_id, organs.organ_id) < 0.5
        );
        create table readings as
        with due as (
            select units.*, y.year, hash(unit_no, y.year) as h
            from units cross join range({FIRST}, {LAST + 1}) as y(year)
            where chance(unit_no, y.year) < 0.94
        ),
        copies as (
            select *, 0 as copy, 1 as version from due
            union all
            select *, 1, 1 from due where h % 1000 < 30
            union all
            select *, 0, 2 from due where h % 1000 between 980 and 999
        )
        select row_number() over () as n, *,
            'https://www.p' || province || '.gov.cn/' || division_id || '/' || organ_id || '-'
                || year || case when copy = 1 then '.pdf' else '.html' end as document_id,
            case when copy = 1 then 'https://www.p' || province || '.gov.cn/' || division_id || '/'
                || organ_id || '-' || year || '.html' end as parent_document_id,
            sha256(document_id || version) as snapshot_id,
            substr(sha256(document_id || chr(10) || snapshot_id), 1, 32) as report_id,
            case when year <= 2020 or (level = 4 and year <= 2022 and unit_no % 9 = 0)
                then '2019' else '2021' end as form,
            case when organ_id = 'gov' and level <= 3 then 'area' else 'own' end as scope,
            -- how many requests: a township none or one, an office hundreds
            floor((-ln(chance(unit_no, 'size') + 1e-6)) ** 2
                * [800, 90, 12, 0.6][level] * case when organ_id = 'gov' then 6 else 1 end)::int
                as size,
            case when chance(n, 'blank') < 0.02 then 1 when chance(n, 'blank') < 0.10 then 2
                else 0 end as blanks,  -- 1: zeros are left blank; 2: and forced by the identities
            case when chance(n, 'broken') < 0.04 then (hash(n, 'which') % {len(BROKEN)})::int + 1
                else 0 end as broken,
            case when chance(n, 'rejected') < 0.02 then 'rejected' else 'parsed' end as outcome,
            case when chance(n, 'unit') < 0.02 then 'ambiguous'
                when chance(n, 'unit') < 0.03 then 'unresolved' else 'resolved' end as resolution,
            (h % 60)::int as layout,
            0 as held
        from copies;
        """
    )
    provinces = ", ".join(f"'{p}'" for p in THREE_PROVINCES)
    for held, which in enumerate((f"year = {LAST} and province in ({provinces})", "true"), 1):
        connection.execute(
            f"""
            update readings set held = {held} where n in (
                select n from readings where held = 0 and {which}
                order by hash(n, 'held {held}') limit {more}
            )
            """
        )
    connection.execute(
        f"""
        create table parts as
        select *, (row_number() over in_order - 1) // {PART} as part
        from readings
        window in_order as (order by held, year, version, province, hash(division_id), n)
        order by part;
        drop table readings;
        create table layouts as
        select l.layout, f.form,
            list('html table ' || (1 + l.layout % 5 + (f.position::int > 60)::int) || ' row '
                || (2 + l.layout % 3 + f.position::int // 8) || ' cell ' || f.position
                order by f.position::int) as places
        from range(60) as l(layout)
        cross join
            read_csv('{SQL}/seeds/statutory_form.csv', header = true, all_varchar = true) as f
        group by all;
        create view resolutions as
        with known as (
            select *, substr(sha256(division_id || '|' || organ_id), 1, 16) as unit_id from parts
        )
        select report_id,
            case when resolution = 'resolved' then unit_id end as unit_id,
            case when resolution = 'resolved' then division_id end as division_id,
            case when resolution = 'resolved' then organ_id end as organ_id,
            resolution,
            case when resolution = 'resolved' then ['hard', 'context', 'soft'][1 + (h % 3)::int] end
                as resolution_grade,
            case when resolution = 'unresolved' then [] else
                [{{'unit_id': unit_id, 'name': issuing_unit, 'code': province || '0000'}}]
                end as candidates,
            '“' || issuing_unit || '” can be 1 unit; ' || issuing_unit as explanation,
            year::int as report_year,
            case when resolution = 'ambiguous' then [unit_id] end as possible,
            [{{'kind': 'host_path', 'key': regexp_replace(document_id, '.*//|[^/]*$', '', 'g')}},
             {{'kind': 'account', 'key': province || ' ' || issuing_unit}},
             {{'kind': 'unified_code', 'key': unit_id}}] as keys,
            document_id, parent_document_id, true as official,
            -- as _write and _readings have it
            timestamptz '{NIGHT.isoformat()}'
                + to_days(((part - first) // {CHUNK} * {CHUNK} + first) // {CHUNK} + 1000 * held)
                + to_seconds(n % 7000) as fetched_at
        from known
        join (select held, min(part) as first from parts group by held) using (held);
        """
    )


def _write(connection: duckdb.DuckDBPyConnection, warehouse: Warehouse, held: int) -> int:
    """The parts of the readings, and the fetches and runs they came by."""
    first, last, count = connection.execute(
        "select min(part), max(part), count(*) from parts where held = ?", [held]
    ).fetchall()[0]
    if not count:
        return 0
    for begin in range(first, last + 1, CHUNK):
        which = f"part between {begin} and {begin + CHUNK - 1} and held = {held}"
        night = f"night-{begin:05d}-{held}"
        started = NIGHT + timedelta(days=begin // CHUNK + 1000 * held)
        rows = connection.execute(_readings(which, started)).to_arrow_table()
        for number, offset in enumerate(range(0, len(rows), PART)):
            path = warehouse.root / "reports" / f"part-{night}-{number:05d}.parquet"
            _store(rows.slice(offset, PART), SCHEMA, path)
        _run(connection, rows, warehouse, night, started)
    return int(count)


def _store(table: pa.Table, schema: pa.Schema, path: Path) -> None:
    columns = [
        pa.nulls(len(table), f.type) if c.null_count == len(table) else c.cast(f.type)
        for f, c in zip(schema, table.columns, strict=True)
    ]
    stored = pa.Table.from_arrays(columns, schema=schema)
    pq.write_table(stored, path, compression="zstd", row_group_size=512)


def _run(
    connection: duckdb.DuckDBPyConnection,
    rows: pa.Table,
    warehouse: Warehouse,
    night: str,
    started: datetime,
) -> None:
    connection.register("night", rows)
    folder = warehouse.run_folder(night)
    folder.mkdir()
    fill = {
        warehouse.root / "snapshots" / f"part-{night}-00000.parquet": SNAPSHOTS_SCHEMA,
        folder / "discovered.parquet": DISCOVERED_SCHEMA,
        folder / "outcomes.parquet": OUTCOMES_SCHEMA,
    }
    for path, schema in fill.items():
        known = {
            *("document_id", "url", "final_url", "origin", "official", "fetched_at", "snapshot_id"),
            *("parent_document_id", "source_id", "link_title", "outcome"),
        }
        columns = [
            name if name in known else f"{said} as {name}"
            for name, said in (
                (
                    f.name,
                    {
                        "run_id": f"'{night}'",
                        "stage": "'parse'",
                        "code": "reason_code",
                        "message": "reason_message",
                        "http_status": "200",
                    }.get(f.name, "null"),
                )
                for f in schema
            )
        ]
        # A run accounts for a document once, whatever versions of it there are.
        once = "" if schema is SNAPSHOTS_SCHEMA else _ONCE
        rows = connection.execute(f"select {', '.join(columns)} from night {once}").to_arrow_table()
        _store(rows, schema, path)
    _store(OUTCOMES_SCHEMA.empty_table(), OUTCOMES_SCHEMA, folder / "problems.parquet")
    run = {
        "run_id": night,
        "kind": "nightly",
        "started_at": started.isoformat(),
        "finished_at": (started + timedelta(hours=2)).isoformat(),
        "demo": False,
        "parser_version": "nation",
        "counts": {},
    }
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")


def _readings(which: str, started: datetime) -> str:
    """The SQL of whole readings: every cell of either form, and what was on the page."""
    values = {name: _values(form(name)) for name in ("2019", "2021")}
    wide = ", ".join(
        "case form {} end::decimal(18, 4) as {}".format(
            " ".join(
                f"when '{name}' then {values[name][cell]}"
                for name in values
                if cell in values[name]
            ),
            _quoted(cell),
        )
        for cell in CELLS
    )
    published = " ".join(
        "when '{}' then [{}]".format(
            name, ", ".join(f"{_quoted(c.code)}::bigint" for c in form(name).cells)
        )
        for name in values
    )
    one = (
        "case form "
        + " ".join(
            f"when '{name}' then list_resize(['reported'], {len(form(name).cells)}, 'reported')"
            for name in values
        )
        + " end"
    )
    none = one.replace("'reported'", "null::varchar")
    blank = ", ".join(
        f"case when blanks = 1 and {_quoted(c)} = 0 then null else {_quoted(c)} end as {_quoted(c)}"
        for c in CELLS
    )
    known = {
        "outcome": "outcome",
        "form": "form",
        "issuing_unit": "issuing_unit",
        "report_year": "year::int",
        "scope": "scope",
        **{n: n for n in ("document_id", "parent_document_id", "snapshot_id", "report_id")},
        "url": "document_id",
        "final_url": "document_id",
        "origin": "'fetched'",
        "official": "true",
        "source_id": "'p' || province",
        "fetched_at": f"timestamptz '{started.isoformat()}' + to_seconds(n % 7000)",
        "content_type": "'text/html'",
        "link_title": "issuing_unit || year || '年政府信息公开工作年度报告'",
        "title": "issuing_unit || (year - (n % 997 = 0)::int) || '年政府信息公开工作年度报告'",
        "published_date": """case when n % 3 > 0
                then (make_date((year + 1)::int, 1, 5) + (h % 100)::int)::varchar end""",
        "source_kind": "case copy when 1 then 'pdf' else 'html' end",
        "report_year_evidence": "'title'",
        "scope_evidence": "'the issuer is one unit'",
        "reason_code": "case when outcome = 'rejected' then 'unknown_label' end",
        "reason_message": "case when outcome = 'rejected' then '“合计2” is unknown' end",
        "metadata_json": "'{}'",
        "parser_version": "'nation'",
        "sections": "map {'一': '在县委、县政府领导下，' || issuing_unit || '贯彻条例。'}",
        "prose_numbers": """case when outcome = 'parsed' and n % 5 < 3 then
                [{'measure': 'requests.new_received.total',
                  'value': coalesce("requests.new_received.total", 0)::bigint + (n % 41 = 0)::int,
                  'sentence': '收到申请件'}] end""",
    }
    cleared = {"form", "scope", *CELLS}  # what a rejected document does not have
    columns = []
    for field in SCHEMA:
        name = field.name
        if name in CELLS:
            columns.append(_quoted(name))
        elif name in ("as_published", "status", "place", "forced_by"):
            columns.append(f"case when outcome = 'parsed' then {name} end as {name}")
        else:
            said = known.get(name, "null")
            if name in cleared:
                said = f"case when outcome = 'parsed' then {said} end"
            columns.append(f"{said} as {name}")
    return f"""
        with leaves as (
            select *, {_leaves()} from parts where {which}
        ),
        whole as (select *, {wide} from leaves),
        printed as (
            select * exclude (layout), layouts.places as place,
                case form {published} end as printed
            from whole join layouts using (layout, form)
        ),
        marked as (
            select * replace ({blank}),
                case blanks when 0 then list_transform(printed, lambda v: v::varchar)
                    else list_transform(printed, lambda v:
                        case v when 0 then '' else v::varchar end)
                end as as_published,
                case blanks when 0 then {one}
                    else list_transform(printed, lambda v:
                        case when v <> 0 then 'reported'
                            when blanks = 1 then 'blank' else 'forced' end)
                end as status,
                case blanks when 2
                    then list_transform(printed, lambda v:
                        case v when 0 then 'row_total.granted' end)
                    else {none}
                end as forced_by
            from printed
        )
        select {", ".join(columns)}
        from (select * replace ({_only_parsed()}) from marked)
        order by part, document_id, snapshot_id
    """


def _only_parsed() -> str:
    return ", ".join(
        f"case when outcome = 'parsed' then {_quoted(c)} end as {_quoted(c)}" for c in CELLS
    )


def _quoted(name: str) -> str:
    return f'"{name}"'


def _leaves() -> str:
    """What is carried over, the same from both sides of the new year."""
    out = "floor(size * chance(unit_no, {year}) * 0.1)::int"
    before = f"(case when year = {FIRST} then 0 else {out.format(year='year - 1')} end)"
    return (
        f"{out.format(year='year')} as left_over,"
        f" {before} + (hash(n, 'carried') % 50 = 0 and year > {FIRST})::int as came_over"
    )


def _values(the_form: StatutoryForm) -> dict[str, str]:
    """SQL of each cell. 三 and 四 follow from their leaves; 二 goes on from year to year."""
    cells = {(c.row, c.column): c.code for c in the_form.cells}
    rows = list(dict.fromkeys(c.row for c in the_form.cells if c.section == "requests"))
    handled = [r for r in rows if r not in TOTALS]
    found: dict[str, str] = {}
    for (row, column), code in cells.items():
        if code.startswith("proactive."):
            found[code] = _proactive(row, column)
    for column in APPLICANTS:
        first = column == "natural_person"
        for row in handled:
            rare = 30 if column in ("natural_person", "business") else 400
            often = 3 if row in ("granted", "unavailable_not_held") else rare
            leaf = (
                f"(case when hash(n, '{row}{column}') % {often} = 0"
                f" then size * (hash('{row}', n, '{column}') % 100) // 90 else 0 end)"
            )
            if first and row == "granted":
                leaf = f"({leaf} + came_over)"
            found[cells[row, column]] = leaf
        total = " + ".join(found[cells[row, column]] for row in handled)
        found[cells["total_handled", column]] = f"({total})"
        carried = ("left_over", "came_over") if first else ("0", "0")
        found[cells["carried_out", column]], found[cells["carried_in", column]] = carried
        found[cells["new_received", column]] = f"({total} + {carried[0]} - {carried[1]})"
    for row in rows:
        found[cells[row, "total"]] = (
            "(" + " + ".join(found[cells[row, c]] for c in APPLICANTS) + ")"
        )
    for row in ("reconsideration", "litigation_direct", "litigation_after_review"):
        parts = ("upheld", "corrected", "other", "pending")
        for part in parts:
            found[cells[row, part]] = (
                f"(case when hash(n, '{row}{part}') % 40 = 0 then size // 30 else 0 end)"
            )
        found[cells[row, "total"]] = "(" + " + ".join(found[cells[row, p]] for p in parts) + ")"
    for number, code in enumerate(BROKEN, 1):
        found[code] = f"({found[code]} + case when broken = {number} then 10 else 0 end)"
    return found


def _proactive(row: str, column: str) -> str:
    yearly = f"(hash(unit_no, '{row}') % 4)::int"
    begun = f"((hash('{row}', unit_no) % 40)::int + {yearly} * (year - {FIRST}))"
    if column in ("in_force", "items_last_year"):
        return begun if column == "items_last_year" else f"({begun} + {yearly})"
    return {
        "issued": f"({yearly} + (hash(n, '{row}') % 2)::int)",
        "repealed": f"((hash(n, '{row}') % 2)::int)",
        "change": yearly,
    }.get(column, f"((hash(n, '{row}{column}') % 100)::int * size // 100)")
