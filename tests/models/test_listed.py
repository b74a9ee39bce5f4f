"""A report that a listing names and nobody could fetch: whose it is, where the listing says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tasks import increment
from tasks.units import Registry, Resolver, Unit
from tasks.units.listed import listed
from tests.models.synthetic import FIRST_NIGHT, Night, Synthetic, source

SOURCES = [
    source("linan", "330112"),
    source("dinghai", "330902", "unit_listing", "定海区白泉镇人民政府"),
]
PAGE = "https://www.linan.gov.cn/a.html"
EDU = Unit("C330112", "edu").unit_id


def found(tmp_path: Path, registry: Registry, *nights: Night) -> list[dict[str, Any]]:
    world = Synthetic(tmp_path)
    warehouse = world.write(*nights)
    with increment.connect() as connection:
        folders = [warehouse.run_folder(night.run_id) for night in nights]
        resolver = Resolver.of(registry, SOURCES)
        rows: list[dict[str, Any]] = listed(connection, resolver, folders).to_pylist()
        return rows


def night(
    number: int = 1, outcome: str = "failed", title: str | None = "教育局2021年年报", **more: Any
) -> Night:
    made = Night(f"night-{number}", FIRST_NIGHT)
    known = {"source_id": "linan", "code": "timeout", "stage": "fetch"} | more
    made.outcome(PAGE, outcome, link_title=title, link_date="2022-01-20", **known)
    return made


@pytest.mark.parametrize(
    ("title", "more", "unit"),
    [
        ("临安区教育局 2021年政府信息公开工作年度报告", {}, EDU),
        ("区教育局2021年度政府信息公开年度报告", {"code": "robots"}, EDU),
        ("2021年政府信息公开工作年度报告", {"source_id": "dinghai"}, "白泉镇"),
        ("临安区教育局政府信息公开工作年度报告", {}, None),  # for which year?
        ("2021年政府信息公开工作年度报告", {}, None),  # whose?
        ("临安区教育局某某科2021年政府信息公开工作年度报告", {}, None),
        ("定海区教育局2021年政府信息公开工作年度报告", {}, None),  # on another district's listing
        (None, {}, None),
    ],
)
def test_the_title_says_whose_and_of_which_year(
    tmp_path: Path, registry: Registry, title: str | None, more: dict[str, Any], unit: str | None
) -> None:
    rows = found(tmp_path, registry, night(title=title, **more))
    if unit is None:
        assert rows == []
        return
    (row,) = rows
    if unit == "白泉镇":
        (named,) = registry.candidates("定海区白泉镇人民政府", 2021)
        unit = named.unit_id
    assert (row["unit_id"], row["report_year"], row["url"]) == (unit, 2021, PAGE)
    assert (row["link_date"], row["code"]) == ("2022-01-20", more.get("code", "timeout"))


@pytest.mark.parametrize(
    ("last", "listed_still"),
    [
        *(("failed", True), ("skipped", True), ("parsed", False), ("unchanged", False)),
        *(("rejected", False), ("quarantined", False), ("duplicate", False)),
    ],
)
def test_the_last_night_has_the_last_word(
    tmp_path: Path, registry: Registry, last: str, listed_still: bool
) -> None:
    title = "临安区教育局2021年政府信息公开工作年度报告"
    rows = found(tmp_path, registry, night(1, title=title), night(2, last, title))
    assert len(rows) == listed_still


def test_no_night_lists_nothing(tmp_path: Path, registry: Registry) -> None:
    assert found(tmp_path, registry) == []
