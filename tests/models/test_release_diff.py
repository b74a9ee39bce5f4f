"""Two releases told apart value by value, and the commands that make and compare them."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tasks import releases
from tasks.records import BadInput
from tasks.releases import compare, freeze
from tasks.store import Warehouse
from tests.conftest import Call
from tests.models.released import FEES, NOON, UPDATE, change, of
from tests.models.synthetic import FORM
from tests.models.world import GRANTED, GZL, HUACHUAN, LINAN

pytestmark = pytest.mark.slow


def differences(found: releases.Comparison) -> list[tuple[Any, ...]]:
    keys = ("kind", "unit_name", "report_year", "cell", "value_before", "value_after", "why")
    return [tuple(row[k] for k in keys) for row in found.rows.to_pylist()]


def test_two_states_are_told_apart_value_by_value(warehouse: Warehouse, tmp_path: Path) -> None:
    """Every kind of difference once, planted by hand."""
    freeze(warehouse, now=NOON)
    same = compare(warehouse, "2026-03-01", "current")
    assert (same.totals["changed"], same.rows.num_rows, same.summary) == (0, 0, [])
    received = "requests.new_received.total"
    other = "review_litigation.reconsideration.other"
    fin = f"url = '{LINAN}fin.html'"
    business = "requests.new_received.business"
    position = 1 + [row["cell"] for row in FORM["2021"]].index(other)
    change(
        warehouse,
        # a blank is filled; a number is lost; a number differs, and its text with it
        f'{UPDATE} "{received}" = 16 where {of(HUACHUAN + "blank.html")}',
        f'{UPDATE} "{GRANTED}" = null where {of(HUACHUAN + "2021.html")}',
        f'{UPDATE} "{business}" = 4 where {of(GZL + "2020.html")}',
        # a blank that turns out to be a mark: no value on either side
        f"""{UPDATE} status = list_transform(status, lambda s, i:
            case when i = {position} then 'mark' else s end)
            where {of(HUACHUAN + "blank.html")}""",
        # one report is superseded, another comes back in its first version
        f"update reconcile.report_labels set is_fact = false where {of(LINAN + 'slow.html')}",
        "update reports set superseded_by = 'x', superseded_because = 'a mirror counts' "
        f"where url = '{LINAN}slow.html'",
        f"""update reconcile.report_labels set is_fact = not is_fact
            where report_id in (select report_id from reports where {fin})""",
    )
    found = compare(warehouse, "2026-03-01", "current")
    read = "the same bytes, read otherwise"
    cells = differences(found)
    slow = [c for c in cells if c[1] == "临安区水利局"]
    assert [c for c in cells if c not in slow] == [
        ("changed", "公主岭市人民政府", 2020, business, 0, 4, read),
        ("changed", "临安区财政局", 2021, GRANTED, 7, 8, "a later version of the page"),
        ("withdrawn", "桦川县人民政府", 2021, GRANTED, 7, None, read),
        ("added", "桦川县财政局", 2021, received, None, 16, read),
        ("restated", "桦川县财政局", 2021, other, None, None, read),
    ]
    assert len(slow) == 200  # its zeros too: they are values
    assert {(c[0], c[6]) for c in slow} == {
        ("withdrawn", "its report is superseded: a mirror counts")
    }
    by_place = {(r["province"], r["report_year"]): r for r in found.summary}
    assert by_place["浙江省", 2021] == {
        "province": "浙江省",
        "report_year": 2021,
        "reports_added": 0,
        "reports_replaced": 1,
        "reports_withdrawn": 1,
        "added": 0,
        "changed": 1,
        "withdrawn": 200,
        "restated": 0,
    }
    assert found.totals == {
        "reports_added": 0,
        "reports_replaced": 1,
        "reports_withdrawn": 1,
        "added": 1,
        "changed": 2,
        "withdrawn": 201,
        "restated": 1,
    }
    assert (found.before.values, found.after.values) == (2194, 2194 + 1 - 201)

    path = tmp_path / "differences.csv"
    found.write_csv(path)
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 205
    one = next(line for line in lines if line["cell"] == business and line["kind"] == "changed")
    assert (one["value_before"], one["value_after"], one["url"]) == ("0", "4", GZL + "2020.html")
    with pytest.raises(BadInput, match="cannot be written"):
        found.write_csv(tmp_path / "nowhere" / "x.csv")

    # The other way round everything is the other way round.
    freeze(warehouse, now=datetime(2026, 4, 1, 4, tzinfo=UTC))
    back = compare(warehouse, "latest", "2026-03-01")
    swapped = {"added": "withdrawn", "withdrawn": "added"}
    assert sorted((swapped.get(c[0], c[0]), *c[1:4], c[5], c[4]) for c in differences(back)) == (
        sorted(c[:6] for c in cells)
    )
    assert {c[6] for c in differences(back) if c[1] == "临安区水利局"} == {
        "its report was superseded before"
    }


def test_a_repair_decided_later_is_restated_not_changed(warehouse: Warehouse) -> None:
    freeze(warehouse, now=NOON)
    change(
        warehouse,
        f"update reconcile.report_labels set edits = map {{'{FEES}': 30::decimal(18, 4)}} "
        f"where {of(HUACHUAN + 'edu.html')}",
    )
    found = compare(warehouse, "latest", "current")
    assert differences(found) == [
        ("restated", "桦川县教育局", 2021, FEES, 0, 0, "a correction or repair")
    ]
    row = found.rows.to_pylist()[0]
    assert (row["edited_before"], row["edited_after"]) == (0, 30)


def test_schemas_are_compared(warehouse: Warehouse) -> None:
    freeze(warehouse, now=NOON)
    change(
        warehouse,
        "alter table units add column motto varchar",
        "alter table runs alter column discovered type varchar",
        "alter table repairs drop column slip",
    )
    assert compare(warehouse, "latest", "current").schema_changes == [
        "repairs.slip is gone",
        "units.motto is new",
        "runs.discovered was BIGINT, is VARCHAR",
    ]


def test_the_command_line_makes_lists_checks_queries_and_compares(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    monkeypatch.setenv("GONGKAI_WAREHOUSE", str(warehouse.root))
    monkeypatch.delenv("GONGKAI_CONTACT", raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = call("release")
    assert (code, len(err.splitlines())) == (0, 1)
    assert "names no contact" in err
    name = releases.find(warehouse, "latest").name
    assert f"{name}\n" in out
    assert call("release", "--contact", "https://example.org/corrections")[0] == 0  # .2
    code, out, err = call("release", "--contact", "https://example.org/corrections")
    assert (code, out) == (2, "")
    assert f"release {name}.2 already holds exactly what is published" in err
    listed = call("release", "--list")[1]
    assert listed.count("2,196") == 2
    assert call("release", "--check", "latest")[:2][0] == 0
    assert call("sql", "--release", name, "select count(*) from runs")[1].count("2") == 1
    assert f"as of release {name}.2" in call("sql", "--as-of", "2100-01-01", "select 1")[2]
    assert "no value was added" in call("diff", name, "latest")[1]

    change(warehouse, f'{UPDATE} "{FEES}" = 77 where {of(HUACHUAN + "edu.html")}')
    code, out, _ = call("diff", name)
    assert code == 0
    assert f"{FEES}  0 → 77" in out
    assert "黑龙江省   2021" in out
    assert max(map(len, out.splitlines())) <= 80
    told = json.loads(call("diff", name, "--json")[1], parse_float=Decimal)
    assert told["totals"]["changed"] == 1
    assert told["cells"][0]["value_after"] == 77
    damaged = releases.find(warehouse, "latest").folder / "csv" / "runs.csv"
    damaged.chmod(0o644)
    damaged.write_text("nothing")
    code, out, err = call("release", "--check", "latest")
    assert (code, out) == (2, "csv/runs.csv: changed\n")
    assert "1 of its files is not as it was frozen" in err
