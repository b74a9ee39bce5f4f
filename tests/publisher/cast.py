"""Who publishes on the demo site: counties, their hosts, their units. The hosts are inventions."""

from __future__ import annotations

from typing import Literal, NamedTuple

UnitKind = Literal["area", "office", "department", "township"]


class Unit(NamedTuple):
    """An organ with its folder; `division` differs from the county's for townships."""

    kind: UnitKind
    name: str
    signer: str
    slug: str
    division: str
    years: tuple[int, ...]


class County(NamedTuple):
    """One county-level site."""

    code: str
    name: str
    host: str
    site_id: str
    listing: str
    per_page: int
    units: tuple[Unit, ...]


def _county(
    code: str,
    name: str,
    host: str,
    serial: str,
    listing: str,
    per_page: int,
    departments: dict[str, str],
    townships: dict[str, str],
    years: range,
) -> County:
    span = tuple(years)
    units = [
        Unit("area", name, f"{name}人民政府", "xzf", code, span[-2:]),
        Unit("office", f"{name}人民政府办公室", f"{name}人民政府办公室", "zfb", code, span),
    ]
    units += [
        Unit("department", f"{name}{organ}", f"{name}{organ}", slug, code, span[-3:])
        for slug, organ in departments.items()
    ]
    units += [
        Unit(
            "township", f"{name}{town}", f"{town}{_seat(town)}", f"t{division[-3:]}", division, span
        )
        for division, town in townships.items()
    ]
    return County(code, name, host, code + serial, listing, per_page, tuple(units))


def _seat(town: str) -> str:
    return "办事处" if town.endswith("街道") else "人民政府"


COUNTIES: tuple[County, ...] = (
    _county(
        "230826",
        "桦川县",
        "www.huachuan.gov.cn",
        "0003",
        "list",
        9,
        {"jyj": "教育局", "czj": "财政局"},
        {"230826104": "悦来镇", "230826103": "苏家店镇", "230826201": "东河乡"},
        range(2021, 2025),
    ),
    _county(
        "330112",
        "临安区",
        "www.linan.gov.cn",
        "0011",
        "rows",
        12,
        {"zjj": "住房和城乡建设局"},
        {"330112112": "清凉峰镇", "330112104": "於潜镇", "330112005": "锦南街道"},
        range(2020, 2024),
    ),
    _county(
        "330902",
        "定海区",
        "www.dinghai.gov.cn",
        "0002",
        "short",
        10,
        {"wjj": "卫生健康局"},
        {"330902104": "白泉镇", "330902100": "金塘镇"},
        range(2019, 2023),
    ),
    _county(
        "530322",
        "陆良县",
        "www.luliang.gov.cn",
        "0005",
        "scripted",
        11,
        {"mzj": "民政局"},
        {"530322103": "三岔河镇", "530322102": "板桥镇"},
        range(2019, 2023),
    ),
)
