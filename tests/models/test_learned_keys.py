"""Keys are learned from hard evidence on official pages alone, and narrow only while undisputed."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tasks import increment, objects
from tasks.files import write_tables
from tasks.units import Clues, Registry, Resolver
from tasks.units.keys import Key, keys_of
from tasks.units.learned import learn
from tasks.units.tables import OWN, resolutions
from tests.models.synthetic import FIRST_NIGHT, Night, Synthetic, source, unified
from tests.models.world import IMPORTED

SOURCES = [
    source("dinghai", "330902", "unit_listing", "定海区白泉镇人民政府"),
    source("zhejiang", "330000"),
    source("jilin", "220000"),
]
DINGHAI, ZHEJIANG = "https://www.dinghai.gov.cn/", "https://www.zhejiang.gov.cn/"
ANYWHERE = "https://www.gov.cn/"  # official, and no source's
# 999999 is nobody's division, so the code says nothing but whose it was before.
CODE = unified("11999999486344515")
INDEX = f"{CODE}/2022-00001"
Rows = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def resolver(registry: Registry) -> Resolver:
    return Resolver.of(registry, SOURCES)


@pytest.fixture
def learned(resolver: Resolver, tmp_path: Path) -> Callable[..., tuple[Rows, Rows]]:
    """What nights teach: the keys by their text, and the resolutions by address."""

    def after(*nights: Night) -> tuple[Rows, Rows]:
        world = Synthetic(tmp_path / str(len(list(tmp_path.iterdir()))))
        warehouse = world.write(*nights)
        parts = objects.listed(warehouse.reports, "part-*.parquet")
        folder = warehouse.root
        write_tables(folder / "own.parquet", resolutions(resolver, parts), OWN)
        with increment.connect() as connection:
            fetches = objects.listed(warehouse.snapshots, "part-*.parquet")
            learn(connection, folder, resolver.registry, fetches, some=False)
        keys = pq.read_table(folder / "learned_keys.parquet").to_pylist()
        found = pq.read_table(folder / "resolutions.parquet").to_pylist()
        urls = {r["report_id"]: r["document_id"] for n in nights for r in n.reports}
        assert len(found) == len(urls)
        return {k["key"]: k for k in keys}, {urls[r["report_id"]]: r for r in found}

    return after


def night(number: int = 1) -> Night:
    return Night(f"night-{number}", FIRST_NIGHT + timedelta(days=number))


def teach(at: Night, *years: int, **more: Any) -> None:
    """Reports of 定海区白泉镇 on its own listing: hard evidence."""
    known: dict[str, Any] = {"source_id": "dinghai", "index_number": INDEX} | more
    for year in years:
        at.report(f"{DINGHAI}bq/ndbg/{year}.html", "白泉镇", year, **known)


def ask(at: Night, year: int | None = 2020, url: str = "file:asked", **more: Any) -> None:
    """An imported text: 白泉镇 by its name alone is one of several."""
    at.report(url, "白泉镇", year, **IMPORTED | {"index_number": INDEX} | more)


def test_the_keys_of_a_page() -> None:
    page = Clues(
        "白泉镇",
        index_number=f" {CODE.lower()}/2022-00001",
        site_id_code="３３０９０２００１２",
        official_url="https://www.zs.gov.cn/dh/bq/202201/t20220120_1.html?a=1",
        account="白泉镇 人民政府",
    )
    assert keys_of(page) == [
        Key("unified_code", CODE),
        Key("site_id_code", "3309020012"),
        Key("host_path", "www.zs.gov.cn/dh/bq/"),
        Key("account", "www.zs.gov.cn 白泉镇人民政府"),
    ]
    plain = Clues("白泉镇", index_number="002509054/2022-1", site_id_code="33", account="白泉镇")
    assert keys_of(plain) == []
    assert keys_of(Clues("白泉镇", official_url="https://www.zs.gov.cn/2022/1.html")) == []


def test_a_key_that_hard_evidence_taught_twice_decides(learned: Any) -> None:
    one = night()
    teach(one, 2021, 2022)
    ask(one)
    keys, found = learned(one)
    assert keys.keys() == {CODE, "www.dinghai.gov.cn/bq/ndbg/"}
    assert (keys[CODE]["times_seen"], keys[CODE]["usable"]) == (2, True)
    assert keys[CODE]["first_seen"] == one.started
    asked = found["file:asked"]
    assert (asked["resolution"], asked["resolution_grade"]) == ("resolved", "learned")
    assert asked["unit_id"] == found[f"{DINGHAI}bq/ndbg/2021.html"]["unit_id"]
    assert [c["unit_id"] for c in asked["candidates"]] == [asked["unit_id"]]
    assert f"舟山市定海区白泉镇人民政府 has the unified code {CODE} on" in asked["explanation"]


@pytest.mark.parametrize(
    "why",
    [
        "seen once",
        "one page and its attachment",
        "not hard",
        "not official",
        "withdrawn",
        "another unit's page has it",
        "another unit's page has it, by weak evidence",
        "an organ that nobody knows has it",
        "a page in conflict has it",
        "a page that may be another's has it",
        "the year has a report by better evidence",
        "two texts for one year",
        "no year",
    ],
)
def test_a_key_in_doubt_decides_nothing(learned: Any, why: str) -> None:
    one, two = night(), night(2)
    many = 1 if why in ("seen once", "one page and its attachment") else 2
    if why not in ("not hard", "not official"):
        teach(one, *range(2021, 2021 + many))
    ask(one, None if why == "no year" else 2020)
    elsewhere = f"{ZHEJIANG}x.html"
    official: dict[str, Any] = {"source_id": "zhejiang", "index_number": INDEX}
    match why:
        case "one page and its attachment":
            page = f"{DINGHAI}bq/ndbg/2021.html"
            more: dict[str, Any] = {
                "parent_document_id": page,
                "source_id": "dinghai",
                "index_number": INDEX,
            }
            one.report(page + ".pdf", "白泉镇", 2021, **more)
        case "not hard":
            prose: dict[str, str] = {"一": "白泉镇在区委、区政府领导下"}
            for year in (2021, 2022):
                ask(one, year, f"{ANYWHERE}{year}", sections=prose, official=True)
        case "not official":
            teach(one, 2021, 2022, official=False)
        case "withdrawn":
            gone = f"{DINGHAI}bq/ndbg/2022.html"
            two.snapshots.append(
                {"run_id": two.run_id, "document_id": gone, "url": gone, "origin": "fetched"}
                | {"error_code": "http_404", "fetched_at": two.started, "official": True}
            )
        case "another unit's page has it":
            one.report(elsewhere, "临安区清凉峰镇", 2021, **official)
        case "another unit's page has it, by weak evidence":
            one.report(f"{ANYWHERE}x.html", "临安区人民政府", 2021, index_number=INDEX)
        case "an organ that nobody knows has it":
            one.report(elsewhere, "定海区白泉镇渔业站", 2021, **official)
        case "a page in conflict has it":
            one.report(elsewhere, "白泉镇", 2019, **official, site_id_code="2204220001")
        case "a page that may be another's has it":
            one.report(elsewhere, "太平镇", 2019, **official | {"source_id": "jilin"})
        case "the year has a report by better evidence":
            one.report(f"{DINGHAI}elsewhere/2020.html", "白泉镇", 2020, source_id="dinghai")
        case "two texts for one year":
            ask(one, url="file:other")
    _, found = learned(one, two)
    assert found["file:asked"]["resolution"] == "ambiguous"
    assert len(found["file:asked"]["candidates"]) > 1
    assert found["file:asked"]["own"] is None


def test_what_a_key_resolved_teaches_nothing(learned: Any) -> None:
    """Two official pages that only the code resolves name an account, and nobody learns it."""
    one = night()
    teach(one, 2021, 2022)
    for year in (2018, 2019):
        code: dict[str, Any] = {"index_number": INDEX, "content_source": "白泉镇"}
        one.report(f"{ANYWHERE}bq/{year}.html", "白泉镇", year, **code)
    one.report(f"{ANYWHERE}x/2020.html", "白泉镇", 2020, content_source="白泉镇")
    keys, found = learned(one)
    assert keys.keys() == {CODE, "www.dinghai.gov.cn/bq/ndbg/"}
    grades = [found[f"{ANYWHERE}bq/{year}.html"]["resolution_grade"] for year in (2018, 2019)]
    assert grades == ["learned", "learned"]
    assert found[f"{ANYWHERE}x/2020.html"]["resolution"] == "ambiguous"


def test_two_keys_that_disagree_decide_nothing(learned: Any) -> None:
    one = night()
    teach(one, 2021, 2022)
    for year in (2021, 2022):
        code: dict[str, Any] = {"site_id_code": "ABCDEFGHIJ"}
        one.report(f"{ZHEJIANG}dl/{year}", "东辽县白泉镇人民政府", year, source_id="jilin", **code)
    ask(one, site_id_code="ABCDEFGHIJ")
    keys, found = learned(one)
    assert keys["ABCDEFGHIJ"]["usable"]
    assert keys[CODE]["usable"]
    assert found["file:asked"]["resolution"] == "ambiguous"


def test_order_does_not_matter(learned: Any) -> None:
    def filled() -> Night:
        one = night()
        teach(one, 2021, 2022)
        ask(one)
        ask(one, 2018, "file:other")
        one.report(f"{ZHEJIANG}1", "临安区清凉峰镇", 2021, source_id="zhejiang")
        return one

    expected = learned(filled())
    for seed in range(3):
        mixed = filled()
        random.Random(seed).shuffle(mixed.reports)
        assert learned(mixed) == expected


def test_more_true_evidence_never_widens(learned: Any) -> None:
    """Every combination of true evidence of one text, keys among it."""
    pieces: list[dict[str, Any]] = [
        {"index_number": INDEX},
        {"title": "定海区白泉镇2020年政府信息公开工作年度报告"},
        {"site_id_code": "3309020012"},
        {"sections": {"一": "在区委、区政府领导下"}},
    ]
    left: dict[frozenset[int], set[str]] = {}
    for size in range(len(pieces) + 1):
        for chosen in combinations(range(len(pieces)), size):
            one = night()
            teach(one, 2021, 2022)
            clues: dict[str, Any] = {"index_number": None}
            for n in chosen:
                clues |= pieces[n]
            ask(one, **clues)
            asked = learned(one)[1]["file:asked"]
            assert asked["resolution"] in ("resolved", "ambiguous")
            left[frozenset(chosen)] = {c["unit_id"] for c in asked["candidates"]}
    for fewer in left:
        for more in left:
            if fewer <= more:
                assert left[more] <= left[fewer]
    assert len(left[frozenset()]) > 1


def test_all_candidates_are_weighed_not_only_those_shown(learned: Any, registry: Registry) -> None:
    """城关镇 is the name of more townships than are kept beside an ambiguous report."""
    hidden = sorted(registry.candidates("城关镇", 2021))[-1]
    one = night()
    for year in (2021, 2022):
        name = registry.full_name(hidden, year)
        one.report(f"{ANYWHERE}c/{year}", name, year, index_number=INDEX)
    ask(one)
    one.reports[-1]["issuing_unit"] = "城关镇"
    _, found = learned(one)
    assert found["file:asked"]["unit_id"] == hidden.unit_id
    shown = {c["unit_id"] for c in found["file:asked"]["own"]["candidates"]}
    assert len(shown) == 20
    assert hidden.unit_id not in shown


def test_nothing_read_teaches_nothing(learned: Any) -> None:
    assert learned(night()) == ({}, {})
