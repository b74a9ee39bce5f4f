"""The reference data of `sql/`, indexed: divisions over time, organs, and what a name can mean."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tasks.units.model import (
    GOVERNMENT,
    GOVERNMENT_OFFICE,
    SUBDISTRICT,
    ZONE_OFFICE,
    Division,
    Unit,
)
from tasks.units.names import clean, short_names

SQL = Path(__file__).resolve().parent.parent.parent / "sql"


def divisions_of(sql: Path = SQL) -> Iterator[Division]:
    """Every version of every division in the registry carried in `sql/`."""
    with gzip.open(sql / "registry/divisions.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield Division(
                row["unit_id"],
                int(row["level"]),
                row["kind"],
                row["code_nbs"],
                row["code_mca"],
                row["name"],
                row["parent_id"],
                int(row["valid_from_year"] or 0),
                int(row["valid_to_year"] or 9999),
            )


@dataclass(slots=True)
class Registry:
    """The reference data, indexed for look-up by name and by code."""

    versions: dict[str, list[Division]]
    organs: dict[str, str]  # alias → organ_id
    organ_names: dict[str, str]
    province_names: dict[str, str] = field(default_factory=dict)  # 厅 where counties have a 局
    by_name: dict[str, set[str]] = field(default_factory=dict)
    by_code: dict[str, set[str]] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=dict)
    _children: dict[str, set[str]] = field(default_factory=dict)
    _ancestors: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, divisions: Iterable[Division], organs: Iterable[tuple[str, str, Sequence[str]]]
    ) -> Registry:
        """Index divisions and (organ_id, name, aliases)."""
        versions: dict[str, list[Division]] = defaultdict(list)
        for division in divisions:
            versions[division.division_id].append(division)
        aliases: dict[str, str] = {}
        organ_names: dict[str, str] = {}
        province_names: dict[str, str] = {}
        for organ_id, name, others in organs:
            organ_names[organ_id] = name
            for alias in others:
                if alias.endswith("厅"):
                    province_names.setdefault(organ_id, alias)
            for alias in (name, *others):
                aliases.setdefault(clean(alias), organ_id)
        registry = cls(dict(versions), aliases, organ_names, province_names)
        by_name: dict[str, set[str]] = defaultdict(set)
        by_code: dict[str, set[str]] = defaultdict(set)
        for division_id, dated in versions.items():
            own: set[str] = set()
            for version in dated:
                own |= {clean(version.name)} | short_names(version)
                for code in (version.code_nbs, version.code_mca):
                    if code:
                        by_code[code].add(division_id)
            registry.names[division_id] = own
            for name in own:
                by_name[name].add(division_id)
        children: dict[str, set[str]] = defaultdict(set)
        for division_id, dated in versions.items():
            for version in dated:
                children[version.parent_id].add(division_id)
        registry.by_name, registry.by_code = dict(by_name), dict(by_code)
        registry._children = dict(children)
        return registry

    @classmethod
    def read(cls, sql: Path = SQL) -> Registry:
        """The registry carried in `sql/`."""
        with (sql / "seeds/organ_types.csv").open(encoding="utf-8") as file:
            organs = [
                (row["organ_id"], row["name"], [a for a in row["aliases"].split("|") if a])
                for row in csv.DictReader(file)
            ]
        return cls.of(divisions_of(sql), organs)

    def version(self, division_id: str, year: int | None) -> Division:
        """The version in force in `year` or the year after (when it reported), else the last."""
        dated = self.versions[division_id]
        if year is not None:
            for moment in (year, year + 1):
                for version in dated:
                    if version.in_force(moment):
                        return version
        return max(dated, key=lambda v: (v.to_year, v.from_year))

    def parents(self, division_id: str) -> set[str]:
        """The divisions that any version lay in."""
        return {v.parent_id for v in self.versions[division_id] if v.parent_id}

    def ancestors(self, division_id: str) -> set[str]:
        """All divisions above, over time."""
        known = self._ancestors.get(division_id)
        if known is None:
            known = set()
            todo = self.parents(division_id)
            while todo:
                known |= todo
                todo = {p for d in todo for p in self.parents(d)} - known
            self._ancestors[division_id] = known
        return known

    def within(self, division_id: str, anchors: set[str]) -> bool:
        """Whether the division is one of `anchors` or lies in one."""
        return division_id in anchors or bool(anchors & self.ancestors(division_id))

    def chain(self, division_id: str, year: int | None = None) -> list[Division]:
        """The division and those above it, nearest first."""
        found = [self.version(division_id, year)]
        while (parent := found[-1].parent_id) and parent in self.versions:
            found.append(self.version(parent, year))
        return found

    def full_name(self, unit: Unit, year: int | None = None) -> str:
        """The unit with its divisions: 浙江省舟山市定海区白泉镇人民政府."""
        chain = self.chain(unit.division_id, year)
        return "".join(d.name for d in reversed(chain)) + self.organ_tail(unit, chain[0])

    def organ_tail(self, unit: Unit, division: Division) -> str:
        """What follows the division's name in the unit's name."""
        if unit.organ_id != GOVERNMENT:
            plain = self.organ_names.get(unit.organ_id, unit.organ_id)
            province = division.level == 1 and not division.name.endswith("市")
            if province or (division.level == 1 and unit.organ_id == GOVERNMENT_OFFICE):
                return self.province_names.get(unit.organ_id, plain)
            return plain
        if division.kind == "functional":
            return "管理委员会"
        if division.kind == "nbs-only":
            return ""
        return "办事处" if division.name.endswith("街道") else "人民政府"

    def divisions_of_code(self, code: str) -> set[str]:
        """The divisions that bore the code in any year, in either system (6, 9 or 12 digits)."""
        digits = code.strip()
        if len(digits) == 12 and digits.endswith("000"):
            digits = digits[:9]
        return self.by_code.get(digits, set())

    def below(self, division_id: str) -> set[str]:
        """The division and all divisions that ever lay in it."""
        found, todo = {division_id}, [division_id]
        while todo:
            new = self._children.get(todo.pop(), set()) - found
            found |= new
            todo.extend(new)
        return found

    def alive(self, division_id: str, year: int | None) -> bool:
        """Whether any version held in `year` or when its report was due."""
        return year is None or any(
            v.in_force(year) or v.in_force(year + 1) for v in self.versions[division_id]
        )

    def divisions_named(self, text: str) -> set[str]:
        """Divisions that `text`, read whole as a chain of divisions, can name."""
        found: set[str] = set()
        for start in range(max(0, len(text) - 24), len(text) - 1):
            name, rest = text[start:], text[:start]
            for division_id in self.by_name.get(name, ()):
                # A township's name must stand alone or below names of its own ancestors.
                if not rest or self._consumes(rest, division_id):
                    found.add(division_id)
        return found

    def _consumes(self, rest: str, division_id: str) -> bool:
        if not rest:
            return True
        for ancestor in self.ancestors(division_id):
            for name in self.names[ancestor]:
                if rest.endswith(name) and self._consumes(rest[: -len(name)], ancestor):
                    return True
        return False

    def candidates(self, name: str, year: int | None) -> set[Unit]:
        """Every unit that the name can mean in that year; organs by their longest suffix.

        The rest in front of the organ must read completely as divisions, so a nested organ
        (…生态环境局临安分局) is nobody's, never its parent's.
        """
        text = clean(name)
        found: set[Unit] = set()
        for start in range(len(text)):
            organ = self.organs.get(text[start:])
            if organ is None:
                continue
            rest = text[:start]
            if organ == SUBDISTRICT:
                rest, organ = rest + "街道", GOVERNMENT
            found = (
                {self._organ_of(d, organ) for d in self.divisions_named(rest)} if rest else set()
            )
            if found:
                break
        if not found:
            found = {Unit(d, GOVERNMENT) for d in self.divisions_named(text) if self._full(d, text)}
        living = {u for u in found if self.alive(u.division_id, year)}
        current = {u for u in living if self._named_so(u.division_id, text, year)}
        return current or living

    def _organ_of(self, division_id: str, organ: str) -> Unit:
        # The committee that runs a zone is the government of the zone.
        zone = organ == ZONE_OFFICE and self.versions[division_id][0].kind == "functional"
        return Unit(division_id, GOVERNMENT if zone else organ)

    def _full(self, division_id: str, text: str) -> bool:
        # Without an organ only a full name stands for its government: 临安 alone is a place.
        return any(text.endswith(clean(v.name)) for v in self.versions[division_id])

    def _named_so(self, division_id: str, text: str, year: int | None) -> bool:
        if year is None:
            return True
        return any(
            clean(v.name) in text
            for v in self.versions[division_id]
            if v.in_force(year) or v.in_force(year + 1)
        )
