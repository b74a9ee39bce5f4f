"""Totals of a planted hierarchy whose truth is known: every unit counts once, bounds hold."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tasks.publish import publish
from tasks.units import Registry, Unit
from tests.models.readme import analyses, ran
from tests.models.synthetic import Synthetic, figures, source

pytestmark = pytest.mark.slow

CITY = "舟山市"
COUNTIES = {"定海区": "C330902", "普陀区": "C330903", "岱山县": "C330921", "嵊泗县": "C330922"}
RECEIVED = "requests.new_received.total"
HANDLING = "requests.other_handling.total"
REVIEWS = "review_litigation.reconsideration.total"
BUREAUS = ("教育局", "财政局", "公安局")


class Planted:
    """Units with their true figures; what each area's units come to; and what was published."""

    def __init__(self, registry: Registry, year: int, seed: int) -> None:
        self.rng = random.Random(seed)
        self.year = year
        self.units: dict[str, list[tuple[str, int]]] = {}  # area → (unit, requests)
        for name, division in COUNTIES.items():
            townships = sorted(
                registry.full_name(Unit(d, "gov"), year)
                for d in registry.below(division) - {division}
                if registry.version(d, year).kind == "formal"
                and any(v.in_force(year) for v in registry.versions[d])
                and registry.version(d, year).parent_id == division
            )
            own = [f"{name}{b}" for b in BUREAUS] + [f"{name}人民政府"]
            self.units[name] = [(u, self.rng.randint(1, 50)) for u in own + townships]
        city = [f"{CITY}{b}" for b in BUREAUS] + [f"{CITY}人民政府"]
        self.units[CITY] = [(u, self.rng.randint(1, 50)) for u in city]

    def truth(self, area: str) -> int:
        """What all units of the area received, whether they published it or not."""
        areas = self.units if area == CITY else [area]
        return sum(n for a in areas for _, n in self.units[a])


def _values(requests: int, form: str) -> dict[str, Decimal | None]:
    # On the 2021 form 其他处理 is three rows; two of them make up this one's figure.
    third = requests // 3
    other = (
        {"other_handling__natural_person": third}
        if form == "2019"
        else {
            "other_no_correction__natural_person": third - third // 2,
            "other_other__natural_person": third // 2,
        }
    )
    return figures(
        form,
        new_received__natural_person=requests,
        granted__natural_person=requests - third,
        **other,
    )


def _fill(world: Synthetic, registry: Registry) -> dict[int, Planted]:
    night = world.night()
    planted = {}
    for year in (2021, 2022, 2023):
        p = planted[year] = Planted(registry, year, seed=year)
        for area, units in p.units.items():
            for n, (unit, requests) in enumerate(units):
                # 2021: everybody. 2022: gaps, and blanks. 2023: gaps that an area report closes.
                if year != 2021 and p.rng.random() < 0.3 and "人民政府" not in unit[-5:]:
                    continue
                form = "2019" if n % 4 == 0 else "2021"
                values = _values(requests, form)
                if year == 2022 and area == "岱山县" and n == 0:
                    values[RECEIVED] = None
                url = f"https://www.zhoushan.gov.cn/{year}/{area}/{n}"
                night.report(url, unit, year, values, form=form, source_id="zhoushan")
        areas = {2021: ["定海区"], 2022: ["定海区"], 2023: [CITY, "定海区", "普陀区"]}[year]
        for area in areas:
            url = f"https://www.zhoushan.gov.cn/{year}/{area}/area"
            unit = f"{area}人民政府"
            values = _values(p.truth(area), "2021")
            if (year, area) == (2023, "普陀区"):
                values[REVIEWS] = None
            night.report(url, unit, year, values, scope="area", source_id="zhoushan")
            if area == "定海区":  # the office says the same once more
                office = f"{area}人民政府办公室"
                night.report(url + "2", office, year, values, scope="area", source_id="zhoushan")
    return planted


@pytest.fixture(scope="module")
def built(
    tmp_path_factory: pytest.TempPathFactory, registry: Registry
) -> Iterator[tuple[duckdb.DuckDBPyConnection, dict[int, Planted]]]:
    world = Synthetic(tmp_path_factory.mktemp("totals"))
    planted = _fill(world, registry)
    warehouse = world.write()
    with warehouse.lock("test"):
        path: Path = publish(warehouse, sources=[source("zhoushan", "330900")]).database
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection, planted


Built = tuple[duckdb.DuckDBPyConnection, dict[int, Planted]]


def total(built: Built, area: str, year: int, series: str = RECEIVED) -> dict[str, Any]:
    found = built[0].execute(
        "select * from national_totals where area_name = ? and report_year = ? and series = ?",
        [area, year, series],
    )
    names = [d[0] for d in found.description or ()]
    rows = found.fetchall()
    assert len(rows) == 1
    return dict(zip(names, rows[0], strict=True))


def test_an_office_that_speaks_for_its_government_alone_is_not_missing(built: Built) -> None:
    office = "'定海区人民政府办公室'"
    named = built[0].sql(f"from reports where issuing_unit = {office} and is_current")
    assert named.fetchall()
    assert built[0].sql(f"from coverage where unit_name = {office}").fetchall() == []


def test_every_unit_of_the_plan_was_resolved(built: Built) -> None:
    wrong = built[0].sql("select issuing_unit, explanation from reports where unit_id is null")
    assert wrong.fetchall() == []


@pytest.mark.parametrize("area", [CITY, *COUNTIES])
def test_with_everybody_there_the_truth_comes_out(built: Built, area: str) -> None:
    truth = built[1][2021].truth(area)
    found = total(built, area, 2021)
    assert found["value"] == found["lower_bound"] == found["upper_bound"] == truth
    assert found["share_covered"] == 1
    assert found["method"] == ("area_report" if area == "定海区" else "units")
    # 其他处理 is a third of each report's figure, on either form.
    plan = built[1][2021]
    thirds = {a: sum(n // 3 for _, n in units) for a, units in plan.units.items()}
    thirds["定海区"] = plan.truth("定海区") // 3  # here the area's report counts
    expected = sum(thirds.values()) if area == CITY else thirds[area]
    assert total(built, area, 2021, HANDLING)["value"] == expected


@pytest.mark.parametrize("area", [CITY, *COUNTIES])
@pytest.mark.parametrize("year", [2021, 2022, 2023])
def test_the_truth_lies_between_the_bounds(built: Built, area: str, year: int) -> None:
    truth = built[1][year].truth(area)
    found = total(built, area, year)
    assert found["lower_bound"] <= truth
    assert found["upper_bound"] is None or found["upper_bound"] >= truth
    assert 0 < found["share_covered"] <= 1


def test_gaps_are_counted_and_bounded_from_above(built: Built) -> None:
    gaps = total(built, "岱山县", 2022)
    assert gaps["share_covered"] < 1
    assert gaps["reports_blank"] == 1
    assert gaps["upper_bound"] is None  # nobody speaks for the whole
    closed = total(built, "岱山县", 2023)
    assert closed["share_covered"] < 1
    assert closed["upper_bound"] >= built[1][2023].truth("岱山县") > closed["lower_bound"]
    city = total(built, CITY, 2023)
    assert (city["method"], city["value"]) == ("area_report", built[1][2023].truth(CITY))


def test_an_areas_report_covers_nobody_where_it_is_blank(built: Built) -> None:
    blank = total(built, "普陀区", 2023, REVIEWS)
    assert (blank["method"], blank["reports_blank"], blank["upper_bound"]) == ("units", 1, 0)
    speak = built[0].execute(
        "select count(*) from national_fact where report_year = 2023 and county = '普陀区' "
        "and scope = 'own' and cell = ?", [REVIEWS],
    ).fetchall()  # fmt: skip
    assert speak == [(blank["units_covered"],)]
    assert blank["units_covered"] < blank["units_expected"]
    assert total(built, "普陀区", 2023)["share_covered"] == 1


def test_provinces_and_the_country_add_up(built: Built) -> None:
    for year in built[1]:
        assert total(built, "浙江省", year)["value"] == total(built, "全国", year)["value"]
        assert total(built, "浙江省", year)["value"] == total(built, CITY, year)["value"]
        assert total(built, "全国", year)["share_covered"] < 0.01


def test_hierarchy_is_never_said_to_hold_for_want_of_data(built: Built) -> None:
    found = built[0].execute(
        """
        select reports.issuing_unit, report_year, verdict, expected, found from findings
        join reports using (report_id) where rule = 'hierarchy' and identity = ?
        order by report_year, issuing_unit
        """,
        [f"hierarchy.{RECEIVED}"],
    )
    told = [(unit, year, verdict) for unit, year, verdict, *_ in found.fetchall()]
    assert ("定海区人民政府", 2021, "cannot_tell") not in told  # everybody is there, and it agrees
    assert ("定海区人民政府", 2022, "cannot_tell") in told
    assert (f"{CITY}人民政府", 2023, "cannot_tell") in told
    assert {verdict for *_, verdict in told} == {"cannot_tell"}


def test_the_readmes_analyses_of_totals_and_outcomes(built: Built) -> None:
    by_county, by_outcome, _ = analyses()
    assert ran(built[0], by_county) == by_county
    assert ran(built[0], by_outcome) == by_outcome
    # By hand: where every unit or the area's report speaks, the county received what it received.
    gaps = {("岱山县", 2022), ("普陀区", 2022), ("岱山县", 2023)}
    for county, year, received, *_ in by_county.rows:
        truth = built[1][int(year)].truth(county)
        if (county, int(year)) in gaps:
            assert int(received) < truth
        else:
            assert int(received) == truth
    # 其他处理 is a third of each own report, rounded down, on one row or on three.
    plan = built[1][2021]
    thirds = sum(n // 3 for units in plan.units.values() for _, n in units)
    assert by_outcome.rows[1][:3] == ["2021", "其他处理", str(thirds)]
