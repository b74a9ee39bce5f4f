"""An audit from the draw to the rate, on the small world: blind, reproducible, honest."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pyarrow as pa
import pytest

from tasks import audit
from tasks.audit import Audit
from tasks.files import write_table
from tasks.records import BadInput
from tasks.releases import freeze
from tasks.schemas import SNAPSHOTS_SCHEMA
from tasks.store import Warehouse
from tests.conftest import Call
from tests.models.world import HUACHUAN

pytestmark = pytest.mark.slow

PAGE = "<title>2021年报告</title>".encode("gb18030")
PAGE_ID = hashlib.sha256(PAGE).hexdigest()


@pytest.fixture
def warehouse(published: Path, tmp_path: Path) -> Warehouse:
    """The published world with a cell forced and a mark, and the bytes of one page."""
    warehouse = Warehouse.at(tmp_path / "warehouse")
    warehouse.ensure()
    shutil.copy(published, warehouse.database)
    with duckdb.connect(str(warehouse.database)) as db:
        db.execute(
            "update reports set snapshot_id = ? where url = ?", [PAGE_ID, f"{HUACHUAN}2021.html"]
        )
        db.execute(
            """
            update staging.stg_report_values set status = list_transform(
                status, lambda s, i: case i when 80 then 'forced' when 90 then 'mark' else s end
            ), "requests.refused_state_secret.research" = 0
            where report_id in (select report_id from reports where url = ?)
            """,
            [f"{HUACHUAN}edu.html"],
        )
    row = dict.fromkeys(SNAPSHOTS_SCHEMA.names) | {"snapshot_id": PAGE_ID, "bytes": PAGE}
    write_table(
        warehouse.snapshots / "part-x.parquet",
        pa.Table.from_pylist([row], schema=SNAPSHOTS_SCHEMA),
    )
    return warehouse


def answers(drawn: Audit) -> dict[int, str]:
    """What a careful person writes when every value is right."""
    told = {}
    for row in drawn.rows:
        text = row["as_published"]
        blank = row["status"] in ("blank", "forced") and not text
        told[row["row"]] = "/" if row["status"] == "mark" else "blank" if blank else text
    return told


def fill(path: Path, told: dict[int, str]) -> None:
    """As a person would: typed into the column `found` of the sheet."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.DictReader(file))
        for line in lines:
            line["found"] = told.get(int(line["row"]), "")
        with path.open("w", encoding="gb18030", newline="") as file:  # as Excel in China saves it
            writer = csv.DictWriter(file, lines[0])
            writer.writeheader()
            writer.writerows(lines)
        return
    book = openpyxl.load_workbook(path)
    sheet = book["cells"]
    for row in range(2, sheet.max_row + 1):
        number = sheet.cell(row, 1).value
        assert isinstance(number, int)
        text = told.get(number, "")
        sheet.cell(row, 2).value = int(text) if text.isdigit() and row % 2 else text or None
    book.save(path)


def test_a_draw_is_reproducible_stratified_and_without_repetition(warehouse: Warehouse) -> None:
    drawn = audit.draw(warehouse, 200, seed=11)
    assert len(drawn.rows) == drawn.facts["size"] == 200
    assert len({(r["report_id"], r["cell"]) for r in drawn.rows}) == 200
    sizes = {kind: s["drawn"] for kind, s in drawn.strata.items()}
    assert sizes["none"] == drawn.strata["none"]["population"] > 0
    assert sizes["number"] > sizes["zero"] > sizes["none"]
    for row in drawn.rows:
        kind = "none" if row["value"] is None else "zero" if row["value"] == 0 else "number"
        assert row["stratum"] == ("forced" if row["status"] == "forced" else kind)
    with duckdb.connect(str(warehouse.database), read_only=True) as db:
        everything = db.execute("select count(*) from national_fact").fetchall()
    assert [(sum(s["population"] for s in drawn.strata.values()),)] == everything
    assert audit.draw(warehouse, 200, seed=11).rows == drawn.rows
    assert audit.draw(warehouse, 200, seed=12).rows != drawn.rows
    assert audit.load(warehouse, drawn.id).rows == drawn.rows


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_the_sheet_says_where_to_look_and_not_what_is_there(
    warehouse: Warehouse, tmp_path: Path, kind: str
) -> None:
    with duckdb.connect(str(warehouse.database)) as db:  # numbers that nothing else says
        db.execute(
            """update staging.stg_report_values set "requests.granted.business" = 987654321,
            as_published = list_transform(as_published, lambda t: '987654321')"""
        )
    drawn = audit.draw(warehouse, 150, seed=1)
    assert any(row["value"] == 987654321 for row in drawn.rows)
    path = tmp_path / f"sheet.{kind}"
    assert audit.write(drawn, path, warehouse) == 1
    if kind == "csv":
        text = path.read_text(encoding="utf-8-sig")
        lines: list[dict[str, Any]] = list(csv.DictReader(text.splitlines()))
    else:
        book = openpyxl.load_workbook(path)
        rows = [[c.value for c in row] for row in book["cells"].iter_rows()]
        lines = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
        text = str(rows)
        assert book["cells"]["J2"].hyperlink is not None
    assert "98765" not in text
    assert "reported" not in text
    assert len(lines) == 150
    for line, row in zip(lines, drawn.rows, strict=True):
        assert line["page"] == row["url"]
        assert line["unit"] == row["unit_name"]
        assert line["label"] == row["label"]
        assert line["audit"] == drawn.id
        assert line["place"].startswith("html table 1 row ")
        assert not line["found"]
    copies = {line["archived"] for line in lines if line["page"] == f"{HUACHUAN}2021.html"}
    assert copies == {f"sheet.pages/{PAGE_ID[:16]}.html"}
    assert (tmp_path / copies.pop()).read_bytes() == PAGE
    with pytest.raises(BadInput, match="it exists, and may be filled in"):
        audit.write(drawn, path, warehouse)
    with pytest.raises(BadInput, match=r"ends in \.xlsx or \.csv"):
        audit.write(drawn, tmp_path / "sheet.ods", warehouse)


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_a_sheet_filled_without_fault_finds_none(
    warehouse: Warehouse, tmp_path: Path, kind: str
) -> None:
    drawn = audit.draw(warehouse, 120, seed=3)
    path = tmp_path / f"s.{kind}"
    audit.write(drawn, path, warehouse)
    empty = audit.score(warehouse, path)
    assert (empty.compared(), empty.count("unfilled")) == (0, 120)
    assert empty.overall is None
    assert empty.rate_of("number") is None
    assert empty.worst is not None
    assert empty.worst.value == pytest.approx(1)
    fill(path, answers(drawn))
    found = audit.score(warehouse, path)
    assert (found.count("right"), found.count("wrong"), found.complete) == (120, 0, True)
    assert found.overall is not None
    assert found.overall.value == found.overall.low == 0 < found.overall.high < 0.25
    assert found.worst == found.overall


def test_every_answer_is_judged_for_what_it_is(warehouse: Warehouse, tmp_path: Path) -> None:
    drawn = audit.draw(warehouse, 150, seed=4)
    path = tmp_path / "s.xlsx"
    audit.write(drawn, path, warehouse)
    of: dict[str, list[int]] = {}
    for row in drawn.rows:
        of.setdefault(row["stratum"] if row["status"] != "mark" else "mark", []).append(row["row"])
    rows = {row["row"]: row for row in drawn.rows}
    number, zero, forced = of["number"], of["zero"], of["forced"]
    blank = of["none"]
    told = answers(drawn)
    value = rows[number[0]]["value"]
    told |= {
        number[0]: f"{value:f}".rstrip("0").rstrip(".") + "件",  # with the unit: right
        number[1]: "１，２３４",  # another number, in full width
        number[2]: "blank",
        number[3]: "—",
        number[4]: "illegible",
        number[5]: "打不开",
        number[6]: "",
        zero[0]: "7",
        zero[1]: "空白",
        forced[0]: "0",  # the page has it after all, and it is what was forced
        blank[0]: "5",
        blank[1]: "/",  # no value either way; the mark was taken for a blank
    }
    del told[number[7]]
    fill(path, told)
    found = audit.score(warehouse, path)
    judged = {r["row"]: (r["outcome"], r["remark"]) for r in found.rows}
    assert {r: j for r, j in judged.items() if j != ("right", "")} == {
        number[1]: ("wrong", "another number"),
        number[2]: ("wrong", "a number where the page has none"),
        number[3]: ("wrong", "a number where the page has none"),
        number[4]: ("undecided", "illegible"),
        number[5]: ("undecided", "打不开"),
        number[6]: ("unfilled", ""),
        number[7]: ("unfilled", ""),
        zero[0]: ("wrong", "another number"),
        zero[1]: ("wrong", "a number where the page has none"),
        blank[0]: ("wrong", "no number where the page has one"),
        blank[1]: ("right", "read as blank"),
    }
    assert found.compared("number") == len(number) - 4
    rate = found.rate_of("number")
    assert rate is not None
    assert rate.value == 3 / (len(number) - 4)
    strata = drawn.strata
    everything = sum(s["population"] for s in strata.values())
    by_hand = (
        strata["number"]["population"] * 3 / (len(number) - 4)
        + strata["zero"]["population"] * 2 / len(zero)
        + strata["none"]["population"] * 1 / strata["none"]["drawn"]
    ) / everything
    assert found.overall is not None
    assert found.overall.value == pytest.approx(by_hand)
    assert found.overall.low < by_hand < found.overall.high
    assert found.worst is not None
    assert found.worst.value > by_hand
    assert not found.complete


def test_amounts_are_compared_in_their_unit(warehouse: Warehouse, tmp_path: Path) -> None:
    """收费 is in 万元 on the 2021 form; a page may print 元."""
    with duckdb.connect(str(warehouse.database)) as db:
        db.execute('update staging.stg_report_values set "proactive.fees.amount" = 2.5')
    drawn = audit.draw(warehouse, 2_000, seed=4)
    fees = [r["row"] for r in drawn.rows if r["cell"] == "proactive.fees.amount"]
    path = tmp_path / "s.csv"
    audit.write(drawn, path, warehouse)
    fill(path, dict(zip(fees, ("25000元", "2.5", "2.5万元", "25000"), strict=False)))
    found = {r["row"]: r["outcome"] for r in audit.score(warehouse, path).rows}
    assert [found[f] for f in fees[:4]] == ["right", "right", "right", "wrong"]


def test_a_sheet_that_cannot_be_scored_says_where(warehouse: Warehouse, tmp_path: Path) -> None:
    drawn = audit.draw(warehouse, 5, seed=5)
    path = tmp_path / "s.csv"
    audit.write(drawn, path, warehouse)
    good = path.read_text(encoding="utf-8-sig").splitlines()

    def refused(lines: list[str], message: str) -> None:
        path.write_text("\n".join(lines), encoding="utf-8")
        with pytest.raises(BadInput, match=message) as caught:
            audit.score(warehouse, path)
        assert "\n" not in str(caught.value)

    def found(text: str) -> list[str]:
        return [good[0], good[1].replace("1,,", f"1,{text},", 1), *good[2:]]

    refused(found("12?"), "row 1, column found: '12\\?' is neither a number nor a mark")
    refused(found("many"), "row 1, column found: 'many'")
    refused(["a,b", "1,2"], "line 1: no column row, found, audit")
    refused([*good, good[1]], "line 7: row 1 stands here twice")
    refused([*good, good[1].replace("1,", "99,", 1)], "row 99 is not in audit")
    refused([*good, good[1].replace("1,", "one,", 1)], "line 7, column row: 'one'")
    refused([g.replace(drawn.id, "2020-01-01-abc") for g in good], "no key to it")
    refused([*good[:2], good[2].replace(drawn.id, "")], "every row must have the same id")
    with pytest.raises(BadInput, match="cannot be read"):
        audit.score(warehouse, tmp_path / "nowhere.xlsx")
    # A row that was deleted is not right: it is not compared.
    path.write_text("\n".join([good[0], *found("0")[1:3]]), encoding="utf-8")
    assert audit.score(warehouse, path).count("unfilled") == 4


def test_a_sample_outlives_the_next_night(warehouse: Warehouse, tmp_path: Path) -> None:
    """A sheet is scored against what was published when it was drawn."""
    drawn = audit.draw(warehouse, 20, seed=6)
    path = tmp_path / "s.csv"
    audit.write(drawn, path, warehouse)
    fill(path, answers(drawn))
    with duckdb.connect(str(warehouse.database)) as db:
        db.execute("delete from staging.stg_report_values")
    assert audit.score(warehouse, path).count("right") == 20


def test_a_release_is_audited_as_it_was_frozen(warehouse: Warehouse) -> None:
    release = freeze(warehouse).name
    before = audit.draw(warehouse, 30, seed=8)
    with duckdb.connect(str(warehouse.database)) as db:
        db.execute('update staging.stg_report_values set "requests.granted.business" = 31415')
    drawn = audit.draw(warehouse, 30, seed=8, release="latest")
    assert drawn.rows == before.rows
    assert drawn.facts["drawn_from"] == release
    assert audit.draw(warehouse, 30, seed=8).rows != before.rows


def test_the_command_line_draws_and_scores(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    monkeypatch.setenv("GONGKAI_WAREHOUSE", str(warehouse.root))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    for words, told in (
        ((), "give how many cells to draw, or --score SHEET"),
        (("3", "--score", "x.csv"), "give how many cells to draw, or --score SHEET"),
        (("0",), "N"),
        (("3", "--release", "2020-01-01"), "holds none yet"),
    ):
        code, _, err = call("audit", *words)
        assert (code, len(err.strip().splitlines())) == (2, 1)
        assert told in err
    code, out, _ = call("audit", "30", "--seed", "9", "--sheet", "s.xlsx")
    assert code == 0
    assert "Seed    9" in out
    assert "1 of " in out
    drawn = audit.draw(warehouse, 30, seed=9)
    typed = answers(drawn)
    wrong = next(r for r in drawn.rows if r["stratum"] == "number")
    del typed[next(r["row"] for r in drawn.rows if r["stratum"] == "zero")]
    fill(tmp_path / "s.xlsx", typed | {wrong["row"]: "31415"})
    code, out, _ = call("audit", "--score", "s.xlsx")
    assert code == 0
    assert "Not complete: of 30 rows 1 are not filled in" in out
    assert "the page 31415" in out
    assert wrong["url"] in out
    code, out, _ = call("audit", "--score", "s.xlsx", "--json")
    scored = json.loads(out, parse_float=Decimal)
    assert scored["unfilled"] == 1
    assert [r["row"] for r in scored["rows"] if r["outcome"] == "wrong"] == [wrong["row"]]
    assert 0 < scored["rates"]["number"]["low"] < scored["rates"]["number"]["high"] < 1
