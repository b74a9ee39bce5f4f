"""What people decided survives every rebuild, and shows when it is no longer true."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tasks import judgements
from tasks.publish import publish, query
from tasks.records import BadInput
from tasks.store import Warehouse
from tests.models.synthetic import Synthetic, source
from tests.models.world import BUSY, GRANTED

PAGE = "https://www.huachuan.gov.cn/edu.html"
WHO = {"reason": "a slip", "evidence": "https://x.gov.cn/", "decided_by": "me"}
WHO |= {"decided_on": "2026-01-01"}
FEES = "proactive.fees.amount"


def write(folder: Path, name: str, *rows: dict[str, Any]) -> None:
    schema = judgements.CORRECTIONS if name == "corrections" else judgements.HUMAN_VERDICTS
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, schema.names)
        writer.writeheader()
        writer.writerows(rows)


def correction(document: str = PAGE, cell: str = FEES, **more: Any) -> dict[str, Any]:
    known = {"document_id": document, "cell": cell, "published_value": "3", "value": "30"}
    return known | WHO | more


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([correction(cell="proactive.fees.sum")], "line 2: 'proactive.fees.sum' is no cell"),
        ([correction(value="many")], "line 2, column value: 'many' is not a number"),
        ([correction(value="3.0")], "line 2: the correction changes nothing"),
        ([correction(reason=" ")], "line 2: reason must not be empty"),
        ([correction(), correction(value="5")], "line 3: the same document_id, cell as"),
    ],
)
def test_a_correction_that_is_not_complete_is_refused(
    tmp_path: Path, rows: list[dict[str, Any]], message: str
) -> None:
    write(tmp_path, "corrections", *rows)
    with pytest.raises(BadInput, match=message):
        judgements.corrections(tmp_path)


def test_a_verdict_is_one_of_three(tmp_path: Path) -> None:
    known = {"report_id": "r", "rule": "copies", "identity": "copies", "verdict": "wrong"}
    write(tmp_path, "verdicts", known | WHO)
    with pytest.raises(BadInput, match="allowed: confirmed, dismissed, explained"):
        judgements.verdicts(tmp_path)
    (tmp_path / "verdicts.csv").write_text("report_id,rule\n", encoding="utf-8")
    with pytest.raises(BadInput, match="line 1: the columns must be report_id,rule,identity"):
        judgements.verdicts(tmp_path)


def test_the_projects_own_files_are_read() -> None:
    judgements.corrections(judgements.SEEDS)
    judgements.verdicts(judgements.SEEDS)


def _publish(warehouse: Warehouse) -> None:
    with warehouse.lock():
        publish(warehouse, sources=[source("huachuan", "230826")])


@pytest.mark.slow
def test_judgements_hold_until_the_source_changes(tmp_path: Path) -> None:
    world = Synthetic(tmp_path)
    wrong = BUSY | {GRANTED: Decimal(17)}
    name = "桦川县教育局"
    first = world.night()
    report = first.report(PAGE, name, 2021, wrong, source_id="huachuan")
    # Found to be no mistake of the page: then there is nothing to propose.
    other = first.report(PAGE + "2", "桦川县财政局", 2021, wrong, source_id="huachuan")
    third = first.report(PAGE + "3", "桦川县民政局", 2021, wrong, source_id="huachuan")
    warehouse = world.write()
    write(
        tmp_path,
        "corrections",
        correction(),
        correction(cell=GRANTED, published_value="17", value="8"),
        correction(document="https://www.huachuan.gov.cn/nowhere"),
    )
    known = {"report_id": report, "rule": "row_total", "identity": "row_total.granted"}
    said = [
        known | {"report_id": r, "verdict": v} | WHO
        for r, v in ((report, "confirmed"), (other, "dismissed"), (third, "explained"))
    ]
    write(tmp_path, "verdicts", *said)
    _publish(warehouse)

    changed = "select cell, value, edited_value from national_fact where value <> edited_value"
    assert query(warehouse, changed + " order by 1").to_pylist() == [
        {"cell": FEES, "value": Decimal(3), "edited_value": Decimal(30)},
        {"cell": GRANTED, "value": Decimal(17), "edited_value": Decimal(8)},  # not the proposed 7
    ]
    status = query(warehouse, "select distinct status, rule from repairs").to_pylist()
    assert status == [{"status": "corrected", "rule": "by_hand"}]
    codes = "select code, place from failures where stage = 'publish' order by 1, 2"
    unmatched = {"code": "correction_unmatched", "place": FEES}
    assert query(warehouse, codes).to_pylist() == [unmatched]
    judged = "select identity, human_verdict, decided_by from findings where human_verdict <> ''"
    judged += " order by human_verdict"
    verdicts = [
        {"identity": "row_total.granted", "human_verdict": v, "decided_by": "me"}
        for v in ("confirmed", "dismissed", "explained")
    ]
    assert query(warehouse, judged).to_pylist() == verdicts

    # The page is mended: the corrections fail and say so; the verdict stays with what it judged.
    mended = world.night(after_days=3)
    mended.report(PAGE, name, 2021, BUSY, body="mended", source_id="huachuan")
    mended.reports[-1][FEES] = Decimal(4)
    _publish(world.write())
    assert query(warehouse, changed).to_pylist() == []
    assert query(warehouse, codes).to_pylist() == [
        {"code": "correction_outdated", "place": FEES},
        {"code": "correction_outdated", "place": GRANTED},
        unmatched,
    ]
    assert query(warehouse, judged).to_pylist() == verdicts
