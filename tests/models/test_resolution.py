"""Whose report it is: evidence narrows, and what is not certain is said so."""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path

import pytest

from tasks.report import read
from tasks.units import Clues, Registry, Resolution, Resolver
from tasks.units.evidence import unified_division
from tests.models.synthetic import source

SOURCES = [
    source("linan", "330112"),
    source("hangzhou", "330100"),
    source("dinghai", "330902", "unit_listing", "定海区白泉镇人民政府"),
]


@pytest.fixture(scope="module")
def resolver(registry: Registry) -> Resolver:
    return Resolver.of(registry, SOURCES)


def codes(resolver: Resolver, found: Resolution) -> list[str]:
    """The six digits of the county of each candidate."""
    registry = resolver.registry
    return sorted(registry.version(u.division_id, 2021).code_nbs[:6] for u in found.candidates)


# The seeds' own sentences stay outside the repository; these say the same in other words.
SEEDS = [
    ("桦川县人民政府", "全县各单位围绕县委、县政府中心工作", "resolved", "context", ["230826"]),
    ("清凉峰镇", "公开平台有“杭州·临安”门户", "resolved", "context", ["330112"]),
    ("白泉镇", "本镇在区委、区政府领导下", "resolved", "soft", ["330902"]),
    ("吴村镇", "在区委、区政府的领导下,通过区政府门户", "ambiguous", None, ["141002", "361103"]),
    (
        "三岔河镇人民政府",
        "按照省、市、县政府要求,为省政府、市政府和县政府服务",
        "ambiguous",
        None,
        ["430721", "520330", "530322", "530921"],
    ),
]


@pytest.mark.parametrize(("unit", "prose", "state", "grade", "counties"), SEEDS)
def test_the_five_seeds(
    resolver: Resolver, unit: str, prose: str, state: str, grade: str | None, counties: list[str]
) -> None:
    found = resolver.resolve(Clues(unit, 2021, prose=prose))
    assert (found.state, found.grade, codes(resolver, found)) == (state, grade, counties)
    assert (found.unit is not None) == (state == "resolved")


def test_a_county_that_the_statistics_list_as_its_own_township_is_one_place(
    resolver: Resolver,
) -> None:
    found = resolver.resolve(Clues("金门县人民政府", 2021))
    assert (found.state, codes(resolver, found)) == ("resolved", ["350527"])


SEEDS_FOLDER = Path(__file__).resolve().parents[3] / "shared" / "seeds"
OF_THE_SEEDS = {
    "000_6263d62ac3f9694b": ("resolved", ["330902"]),
    "001_9b1ebd4af0696446": ("ambiguous", ["430721", "520330", "530322", "530921"]),
    "002_b6a5a2f03b247e6e": ("resolved", ["230826"]),
    "003_5b3a022b866a733a": ("ambiguous", ["141002", "361103"]),
    "004_9a8304ec5e0937a6": ("resolved", ["330112"]),
}


@pytest.mark.skipif(
    not SEEDS_FOLDER.exists() and os.environ.get("CI") != "true", reason="no seeds here"
)
@pytest.mark.parametrize("seed", OF_THE_SEEDS)
def test_the_seeds_as_they_are_read(resolver: Resolver, seed: str) -> None:
    reading = read((SEEDS_FOLDER / f"{seed}.txt").read_bytes())
    clues = Clues(
        reading.issuing_unit,
        reading.report_year,
        title=reading.metadata.get("title"),
        index_number=reading.metadata.get("index_number"),
        prose="\n".join(reading.sections.values()),
    )
    found = resolver.resolve(clues)
    assert (found.state, codes(resolver, found)) == OF_THE_SEEDS[seed]


@pytest.mark.parametrize(
    "name",
    [
        "清凉峰镇",
        "清凉峰镇人民政府",
        "清凉峰镇政府",
        "临安区清凉峰镇",
        "临安市清凉峰镇人民政府",
        "杭州市临安区清凉峰镇",
        "浙江省杭州市临安区清凉峰镇人民政府",
        "杭州市临安区 清凉峰镇 人民政府",
    ],
)
def test_variants_of_a_name_are_one_unit(resolver: Resolver, name: str) -> None:
    found = resolver.resolve(Clues(name, 2021))
    plain = resolver.resolve(Clues("清凉峰镇", 2021))
    assert found.unit == plain.unit
    assert found.unit is not None


def test_a_changed_division_keeps_its_unit(resolver: Resolver) -> None:
    assert resolver.resolve(Clues("临安市人民政府", 2015)).unit == (
        resolver.resolve(Clues("临安区人民政府", 2021)).unit
    )
    early = resolver.resolve(Clues("公主岭市人民政府", 2018, site_id_code="2203810001"))
    late = resolver.resolve(Clues("公主岭市人民政府", 2022, site_id_code="2201840001"))
    assert early.state == late.state == "resolved"
    assert early.unit == late.unit


@pytest.mark.parametrize(
    ("name", "organ"),
    [
        ("临安区教育局", "edu"),
        ("杭州市临安区教育局", "edu"),
        ("临安区人民政府办公室", "gov_office"),
        ("临安区政府办", "gov_office"),
        ("临安区市场监管局", "market"),
    ],
)
def test_departments_by_their_longest_suffix(resolver: Resolver, name: str, organ: str) -> None:
    found = resolver.resolve(Clues(name, 2021))
    assert found.unit is not None
    assert (found.unit.division_id, found.unit.organ_id) == ("C330112", organ)


@pytest.mark.parametrize(
    "name", ["杭州市生态环境局临安分局", "公主岭市公安局交通警察大队", "某某集团有限公司", "教育局"]
)
def test_nested_organs_and_strangers_are_nobodys(resolver: Resolver, name: str) -> None:
    assert resolver.resolve(Clues(name, 2021)).state == "unresolved"


def test_an_organ_without_its_county_is_the_registered_listings(resolver: Resolver) -> None:
    found = resolver.resolve(Clues("市场监督管理局", 2021, source_id="linan"))
    assert found.unit is not None
    assert (found.unit.division_id, found.grade) == ("C330112", "hard")


def test_a_kind_that_the_division_is_no_more_is_another_division(resolver: Resolver) -> None:
    """On the site of 临安区, a city until 2017, 市教育局 is 杭州's now."""
    then = resolver.resolve(Clues("市教育局", 2015, source_id="linan"))
    assert then.unit == resolver.resolve(Clues("区教育局", 2021, source_id="linan")).unit
    assert then.unit is not None
    assert resolver.resolve(Clues("市教育局", 2021, source_id="linan")).state == "unresolved"


def test_the_digits_in_a_ministrys_site_code_are_no_division(resolver: Resolver) -> None:
    assert resolver.resolve(Clues("教育厅", 2021, site_id_code="bm22000001")).state == "unresolved"
    found = resolver.resolve(Clues("白泉镇", 2021, site_id_code="bm33000001"))
    assert found.state == "ambiguous"


def test_a_registered_host_speaks_for_its_division(resolver: Resolver) -> None:
    """For a document that came without a source, such as an ingested page of an official site."""
    page = "https://www.dinghai.gov.cn/a.html"
    assert resolver.resolve(Clues("白泉镇", 2021, official_url=page)).grade == "hard"
    assert resolver.resolve(Clues("清凉峰镇", 2021, official_url=page)).state == "conflict"
    other = "https://www.dinghai.gov.cn.evil.com/a.html"
    assert resolver.resolve(Clues("白泉镇", 2021, official_url=other)).state == "ambiguous"


def test_the_registered_source_decides(resolver: Resolver) -> None:
    found = resolver.resolve(Clues("白泉镇", 2021, source_id="dinghai"))
    assert (found.state, found.grade) == ("resolved", "hard")
    assert resolver.resolve(Clues("清凉峰镇", 2021, source_id="linan")).grade == "hard"


@pytest.mark.parametrize(
    "clues",
    [
        Clues("清凉峰镇", 2021, site_id_code="3309020001"),
        Clues("清凉峰镇", 2021, source_id="dinghai"),
        Clues("临安区教育局", 2021, source_id="linan", site_id_code="3309020001"),
        Clues("教育局", 2021, source_id="linan", site_id_code="3309020001"),
    ],
)
def test_contradiction_is_a_conflict(resolver: Resolver, clues: Clues) -> None:
    found = resolver.resolve(clues)
    assert (found.state, found.unit) == ("conflict", None)
    assert "allows none" in found.explanation


def test_the_site_code_of_any_year_counts(resolver: Resolver) -> None:
    for code in ("3301850001", "3301120001", "3301000007"):
        found = resolver.resolve(Clues("清凉峰镇", 2021, site_id_code=code))
        assert (found.state, found.grade) == ("resolved", "hard")


def test_more_true_evidence_never_widens(resolver: Resolver) -> None:
    """Every combination of true evidence of 定海区白泉镇 keeps it, and never has more left."""
    pieces = [
        {"title": "定海区白泉镇2021年政府信息公开工作年度报告"},
        {"site_id_code": "3309020012"},
        {"site_name": "舟山市定海区人民政府"},
        {"prose": "在区委、区政府领导下"},
        {"source_id": "dinghai"},
    ]
    left: dict[tuple[bool, ...], set[object]] = {}
    for chosen in product((False, True), repeat=len(pieces)):
        clues: dict[str, str] = {}
        for piece, taken in zip(pieces, chosen, strict=True):
            clues |= piece if taken else {}
        found = resolver.resolve(Clues("白泉镇", 2021, **clues))  # type: ignore[arg-type]
        left[chosen] = set(found.candidates)
        assert found.state in ("resolved", "ambiguous")
    for fewer, more in product(left, repeat=2):
        if all(b or not a for a, b in zip(fewer, more, strict=True)):
            assert left[more] <= left[fewer]


def test_a_namesake_on_the_page_around_narrows(resolver: Resolver) -> None:
    found = resolver.resolve(Clues("白泉镇", 2021, site_name="东辽县人民政府"))
    assert codes(resolver, found) == ["220422"]
    assert found.grade == "context"


@pytest.mark.parametrize(
    ("name", "grade"), [("吉林市人民政府", "context"), ("吉林省吉林市人民政府", "hard")]
)
def test_a_name_is_qualified_by_what_stands_before_it(
    resolver: Resolver, name: str, grade: str
) -> None:
    found = resolver.resolve(Clues(name, 2021))
    assert (found.grade, codes(resolver, found)) == (grade, ["220200"])


def test_a_province_has_a_ting(resolver: Resolver) -> None:
    for name in ("海南省教育厅", "上海市人民政府办公厅", "临安区教育局"):
        found = resolver.resolve(Clues(name, 2021))
        assert found.unit is not None
        assert resolver.registry.full_name(found.unit, 2021).endswith(name)


def test_unified_codes_are_checked_before_they_are_believed() -> None:
    assert unified_division("11341702486344515H/202110-00013") == "341702"
    assert unified_division("11341702486344516H/202110-00013") is None
    assert unified_division("002509054/2022-00455") is None
