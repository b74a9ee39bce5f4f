"""Whose report is it? Evidence narrows candidates; what is left decides, and nothing is guessed.

The issuing unit's name gives the candidates: every organ of every division that it can mean. Each
piece of evidence (the registered source, the site's code, names on the page, words in the prose)
says which of them it allows. Hard evidence that allows none is a `conflict`; soft evidence that
allows none says nothing. One left is `resolved`, several are `ambiguous`.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.records import Source
from tasks.urls import host_of, under

SQL = Path(__file__).resolve().parent.parent / "sql"
GOVERNMENT = "gov"
GOVERNMENT_OFFICE = "gov_office"
ZONE_OFFICE = "devzone"
SUBDISTRICT = "subdistrict"

Grade = Literal["hard", "context", "soft"]
State = Literal["resolved", "ambiguous", "conflict", "unresolved"]
_STRENGTH: dict[Grade, int] = {"hard": 0, "context": 1, "soft": 2}
MOST_CANDIDATES = 20  # stored with an ambiguous report; 城关镇 alone has 82


class Division(NamedTuple):
    """One dated version of a division. `to_year` is the first year no longer in force."""

    division_id: str
    level: int
    kind: str
    code_nbs: str
    code_mca: str
    name: str
    parent_id: str
    from_year: int
    to_year: int

    def in_force(self, year: int) -> bool:
        """Whether this version held during (part of) `year`."""
        return self.from_year <= year < self.to_year


class Unit(NamedTuple):
    """An organ of a division: a candidate."""

    division_id: str
    organ_id: str

    @property
    def unit_id(self) -> str:
        """The opaque id; the models compute the same."""
        return hashlib.sha256(f"{self.division_id}|{self.organ_id}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Clues:
    """What one document says of its issuer, and where it was found."""

    issuing_unit: str | None
    report_year: int | None = None
    title: str | None = None
    source_id: str | None = None
    site_id_code: str | None = None
    site_name: str | None = None
    index_number: str | None = None
    context: tuple[str, ...] = ()  # breadcrumb, column, link text
    official_url: str | None = None  # where it was fetched, when that is an official page
    prose: str = ""


@dataclass(frozen=True, slots=True)
class Resolution:
    """The answer, with its reasons in plain words."""

    state: State
    unit: Unit | None = None
    grade: Grade | None = None
    candidates: tuple[Unit, ...] = ()
    explanation: str = ""


class Evidence(NamedTuple):
    """One piece: which candidates it allows. `describe` completes "… allows"."""

    grade: Grade
    what: str
    allows: Callable[[Unit], bool]


_NOISE = re.compile(r"[\s　·・•()（）\[\]【】《》“”\"'、,，.。:：]")
_TITLE_TAIL = re.compile(r"(?:关于)?(?:的)?(?:政府信息公开|信息公开|政务公开).*$")
_TITLE_YEAR = re.compile(r"(?:19|20)\d\d\s*年?(?:度)?(?:的)?")
_SHORT_TAILS = {1: "省市", 2: "市州盟", 3: "县区市旗"}
_PEOPLES = re.compile(
    r"(?:蒙古|回|藏|维吾尔|苗|彝|壮|布依|朝鲜|满|侗|瑶|白|土家|哈尼|哈萨克|傣|黎|傈僳|佤|畲|拉祜|水|东乡|"
    r"纳西|景颇|柯尔克孜|土|达斡尔|仫佬|羌|撒拉|毛南|仡佬|锡伯|塔吉克|怒|鄂温克|保安|裕固|独龙|各|"
    r"普米|阿昌|布朗|德昂|京|鄂伦春|赫哲|门巴|珞巴|基诺|高山|俄罗斯|塔塔尔|乌孜别克)族"
    r"|(?<=新疆)维吾尔|(?<=^)达斡尔(?=自治旗)"
)
_KINDS = ("县", "区", "市", "旗", "省", "州")
# What may stand in front of an organ that its own county's site names: "", 本, 县, 本县 …
_RELATIVE = {"": "", "本": ""} | {k: k for k in _KINDS} | {f"本{k}": k for k in _KINDS}
_SUPERIOR = re.compile(r"(?<![镇乡街道村])(县|区|旗)(?:委|政府|人民政府|直)")
_PREFECTURE = re.compile(r"(市|州|盟)(?:委|政府|人民政府)")
_LIST = re.compile(r"省[、,，]([市州盟])[、,，](县|区|旗)(?:委|政府)?")


def clean(text: str) -> str:
    """A name as it is compared: NFKC, no spaces, no punctuation."""
    return _NOISE.sub("", unicodedata.normalize("NFKC", text))


@lru_cache(maxsize=65536)
def short_names(division: Division) -> frozenset[str]:
    """The names a division goes by without its kind: 浙江, 杭州, 临安, 甘孜州."""
    name, level = division.name, division.level
    if level == 4 or division.kind == "functional":
        return frozenset()
    found: set[str] = set()
    plain = _PEOPLES.sub("", name)
    for tail in ("特别行政区", "自治区", "自治州", "自治县", "自治旗", "地区"):
        if plain.endswith(tail) and len(plain) - len(tail) >= 2:
            stem = plain[: -len(tail)]
            found |= {stem, stem + tail[-1]} - {stem + "区"}
            break
    else:
        if plain[-1] in _SHORT_TAILS[level] and len(plain) >= 3:
            found.add(plain[:-1])
    return frozenset(s for s in found if len(s) >= 2 and s != name)


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
        with gzip.open(sql / "registry/divisions.csv.gz", "rt", encoding="utf-8") as file:
            divisions = [
                Division(
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
                for row in csv.DictReader(file)
            ]
        with (sql / "seeds/organ_types.csv").open(encoding="utf-8") as file:
            organs = [
                (row["organ_id"], row["name"], [a for a in row["aliases"].split("|") if a])
                for row in csv.DictReader(file)
            ]
        return cls.of(divisions, organs)

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


def _quoted(units: Iterable[Unit], registry: Registry, year: int | None) -> str:
    return "、".join(sorted(registry.full_name(u, year) for u in units)[:6])


@dataclass(slots=True)
class Resolver:
    """Resolves documents against the registry and the reviewed sources."""

    registry: Registry
    sources: dict[str, Source]

    @classmethod
    def of(cls, registry: Registry, sources: Iterable[Source]) -> Resolver:
        """A resolver that knows these sources."""
        return cls(registry, {s.source_id: s for s in sources})

    def resolve(self, clues: Clues) -> Resolution:
        """Narrow the name's candidates by every piece of evidence, strongest first."""
        registry, year = self.registry, clues.report_year
        anchors = self._source_divisions(clues)
        site = self._site_divisions(clues.site_id_code)
        candidates, said = self._start(clues, anchors, site)
        if not candidates:
            return Resolution("unresolved", explanation=said)
        steps = [said]
        grade: Grade | None = None
        if len(candidates) == 1:
            grade = self._grade_of_name(clues.issuing_unit or "", next(iter(candidates)))
        start = frozenset(candidates)
        for evidence in self._evidence(clues, anchors, site, start):
            kept = {u for u in candidates if evidence.allows(u)}
            if not kept:
                if evidence.grade == "hard":
                    return Resolution(
                        "conflict",
                        candidates=tuple(sorted(candidates)[:MOST_CANDIDATES]),
                        explanation="; ".join([*steps, f"but {evidence.what} allows none of them"]),
                    )
                continue
            if len(kept) == 1 and (len(kept) < len(candidates) or grade is not None):
                alone = sum(evidence.allows(u) for u in start) == 1
                if grade is None or (alone and _STRENGTH[evidence.grade] < _STRENGTH[grade]):
                    grade = evidence.grade
                    steps.append(f"{evidence.what} leaves one")
            elif len(kept) < len(candidates):
                steps.append(f"{evidence.what} leaves {len(kept)}")
            candidates = kept
        if len(candidates) == 1:
            unit = next(iter(candidates))
            steps.append(registry.full_name(unit, year))
            return Resolution("resolved", unit, grade or "soft", (unit,), "; ".join(steps))
        steps.append(f"{len(candidates)} left: {_quoted(candidates, registry, year)}")
        kept_units = tuple(sorted(candidates)[:MOST_CANDIDATES])
        return Resolution("ambiguous", None, None, kept_units, "; ".join(steps))

    def _start(self, clues: Clues, anchors: set[str], site: set[str]) -> tuple[set[Unit], str]:
        """The candidates that the name gives, alone or relative to where it was published."""
        registry, name = self.registry, clues.issuing_unit
        if not name or not clean(name):
            source = self.sources.get(clues.source_id or "")
            if source is not None and source.unit_name:
                named = {
                    u
                    for u in registry.candidates(source.unit_name, clues.report_year)
                    if registry.within(u.division_id, anchors)
                }
                if len(named) == 1 and source.kind.startswith("unit"):
                    return named, f"no issuing unit; the source belongs to {source.unit_name}"
            return set(), "the document names no issuing unit"
        found = registry.candidates(name, clues.report_year)
        if found:
            return found, f"“{name}” can be {len(found)} unit{'s' if len(found) > 1 else ''}"
        relative = self._relative(clean(name), anchors or site)
        if relative:
            where = "the registered source" if anchors else "the site's code"
            return relative, f"“{name}” is an organ of the division of {where}"
        return set(), f"“{name}” reads as no organ of a known division"

    def _relative(self, text: str, anchors: set[str]) -> set[Unit]:
        if len(anchors) != 1:
            return set()
        (anchor,) = anchors
        for start in range(len(text)):
            organ = self.registry.organs.get(text[start:])
            kind = _RELATIVE.get(text[:start])
            if organ in (None, SUBDISTRICT, ZONE_OFFICE) or kind is None:
                continue
            if any(v.name.endswith(kind) for v in self.registry.versions[anchor]):
                return {Unit(anchor, str(organ))}
        return set()

    def _grade_of_name(self, name: str, unit: Unit) -> Grade:
        """A name with its ancestors is hard; so is a county's name nobody else ever bore."""
        division = self.registry.version(unit.division_id, None)
        before = clean(name)
        for own in sorted(self.registry.names[unit.division_id], key=len, reverse=True):
            if own in before:  # 吉林市 does not say that it lies in 吉林
                before = before.rpartition(own)[0]
                break
        if any(
            other in before
            for ancestor in self.registry.ancestors(unit.division_id)
            for other in self.registry.names[ancestor]
        ):
            return "hard"
        return "context" if division.level <= 3 else "soft"

    def _source_divisions(self, clues: Clues) -> set[str]:
        """Where the document was found; without a source of its own, the sources of its host."""
        source = self.sources.get(clues.source_id or "")
        if source is not None:
            return self._divisions_of_code(source.division_code)
        host = host_of(clues.official_url) if clues.official_url else None
        if host is None:
            return set()
        there = [s for s in self.sources.values() if under(host, s.host)]
        return {d for s in there for d in self._divisions_of_code(s.division_code)}

    def _site_divisions(self, code: str | None) -> set[str]:
        digits = re.sub(r"\D", "", unicodedata.normalize("NFKC", code or ""))
        return self._divisions_of_code(digits[:6]) if len(digits) >= 6 else set()

    def _divisions_of_code(self, code: str) -> set[str]:
        return self.registry.divisions_of_code(code)

    def _evidence(
        self, clues: Clues, anchors: set[str], site: set[str], start: frozenset[Unit]
    ) -> Iterable[Evidence]:
        registry = self.registry
        source = self.sources.get(clues.source_id or "")
        if source is not None and source.kind.startswith("unit") and source.unit_name:
            owners = {
                u
                for u in registry.candidates(source.unit_name, clues.report_year)
                if not anchors or registry.within(u.division_id, anchors)
            }
            if owners:
                yield Evidence(
                    "hard", f"the source registered for {source.unit_name}", owners.__contains__
                )
        if anchors:
            yield Evidence(
                "hard",
                f"the source registered for {self._names(anchors)}",
                lambda u: registry.within(u.division_id, anchors),
            )
        if clues.title:
            named = registry.candidates(_unit_in_title(clues.title), clues.report_year) & start
            if named and len(named) < len(start):
                yield Evidence("hard", f"the title “{clues.title}”", named.__contains__)
        if site:
            yield Evidence(
                "hard",
                f"the site's code {clues.site_id_code} ({self._names(site)})",
                lambda u: registry.within(u.division_id, site),
            )
        around = " ".join(t for t in (clues.site_name, clues.title, *clues.context) if t)
        yield from self._mentions("context", "the page around it names {}", around, start)
        yield from self._mentions("context", "the prose names {}", clues.prose, start)
        code = unified_division(clues.index_number or "")
        if code and (divisions := self._divisions_of_code(code)):
            yield Evidence(
                "soft",
                f"the unified code's {code}",
                lambda u: registry.within(u.division_id, divisions),
            )
        yield from self._superiors(clues.prose, clues.report_year)

    def _names(self, divisions: Iterable[str]) -> str:
        return "、".join(sorted({self.registry.version(d, None).name for d in divisions}))

    def _mentions(
        self, grade: Grade, what: str, text: str, start: frozenset[Unit]
    ) -> Iterable[Evidence]:
        """Candidates one of whose ancestors the text names, where it does not name all's."""
        if not text:
            return
        plain = unicodedata.normalize("NFKC", text)
        named: dict[Unit, set[str]] = {}
        for unit in start:
            hits = {n for d in self._context_of(unit) for n in self._mentioned(d, plain)}
            if hits:
                named[unit] = hits
        if named:
            names = "、".join(sorted({n for hits in named.values() for n in hits})[:4])
            yield Evidence(grade, what.format(names), named.__contains__)

    def _context_of(self, unit: Unit) -> set[str]:
        # The nearest ancestors tell candidates apart; a province alone names too much.
        return {
            a
            for a in self.registry.ancestors(unit.division_id)
            if self.registry.version(a, None).level >= 2
        }

    def _mentioned(self, division_id: str, text: str) -> set[str]:
        found = set()
        for version in self.registry.versions[division_id]:
            if len(version.name) >= 3 and version.name in text:
                found.add(version.name)
            for short in short_names(version):
                if any(
                    f"{parent}·{short}" in text
                    for p in self.registry.parents(division_id)
                    for parent in self.registry.names[p]
                ):
                    found.add(f"·{short}")
        return found

    def _superiors(self, prose: str, year: int | None) -> Iterable[Evidence]:
        """区委, 县政府, 旗委 … say what kind of division a township lies in."""
        registry = self.registry
        text = re.sub(r"\s", "", prose)
        listed = _LIST.findall(text)
        counties = set(_SUPERIOR.findall(text)) | {county for _, county in listed}
        prefectures = set(_PREFECTURE.findall(text)) | {prefecture for prefecture, _ in listed}
        if len(counties) != 1:
            return
        (kind,) = counties

        def in_kind(unit: Unit) -> bool:
            chain = registry.chain(unit.division_id, year)
            return chain[0].level != 4 or (len(chain) > 1 and chain[1].name.endswith(kind))

        yield Evidence("soft", f"the prose speaks of its {kind}委 or {kind}政府", in_kind)
        if len(prefectures) != 1:
            return
        (above,) = prefectures

        def in_prefecture(unit: Unit) -> bool:
            chain = registry.chain(unit.division_id, year)
            return chain[0].level != 4 or (len(chain) > 2 and chain[2].name.endswith(above))

        yield Evidence("soft", f"the prose speaks of its {above}委 or {above}政府", in_prefecture)


@lru_cache(maxsize=4096)
def _unit_in_title(title: str) -> str:
    text = _TITLE_TAIL.sub("", _TITLE_YEAR.sub("", unicodedata.normalize("NFKC", title)))
    return clean(text)


_UNIFIED = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def unified_division(index_number: str) -> str | None:
    """Digits 3 to 8 of a unified social credit code (GB 32100) whose check digit is right."""
    match = re.match(r"[0-9A-Z]{18}(?![0-9A-Z])", index_number.strip().upper())
    if not match:
        return None
    code = match.group()
    if any(c not in _UNIFIED for c in code) or not code[2:8].isdigit():
        return None
    total = sum(_UNIFIED.index(c) * pow(3, i, 31) for i, c in enumerate(code[:17]))
    return code[2:8] if _UNIFIED[-total % 31] == code[17] else None


CANDIDATE = pa.struct([("unit_id", pa.string()), ("name", pa.string()), ("code", pa.string())])
RESOLUTIONS = pa.schema(
    [
        ("report_id", pa.string()),
        ("unit_id", pa.string()),
        ("division_id", pa.string()),
        ("organ_id", pa.string()),
        ("resolution", pa.string()),
        ("resolution_grade", pa.string()),
        ("candidates", pa.list_(CANDIDATE)),
        ("explanation", pa.string()),
        ("report_year", pa.int32()),
    ]
)
EXPECTED = pa.schema(
    [
        (name, pa.string())
        for name in (
            "unit_id",
            "division_id",
            "organ_id",
            "source_id",
            "source_division_id",
            "expected_by",
        )
    ]
)
_READ = [
    "report_id",
    "issuing_unit",
    "report_year",
    "title",
    "source_id",
    "site_id_code",
    "site_name",
    "index_number",
    "column_name",
    "content_source",
    "link_title",
    "sections",
    "official",
    "final_url",
]


def resolutions(resolver: Resolver, parts: Iterable[Path]) -> pa.Table:
    """Resolve every reading of the given parts of `reports/`, once per report_id."""
    seen: set[str] = set()
    rows: list[dict[str, object]] = []
    for part in parts:
        for batch in pq.ParquetFile(part).iter_batches(columns=_READ):
            for reading in batch.to_pylist():
                if reading["report_id"] in seen:
                    continue
                seen.add(reading["report_id"])
                rows.append(_resolved(resolver, reading))
    rows.sort(key=lambda row: str(row["report_id"]))
    return pa.Table.from_pylist(rows, schema=RESOLUTIONS)


def _resolved(resolver: Resolver, reading: dict[str, Any]) -> dict[str, object]:
    year = reading["report_year"]
    around = (reading["column_name"], reading["content_source"], reading["link_title"])
    found = resolver.resolve(
        Clues(
            issuing_unit=reading["issuing_unit"],
            report_year=year,
            title=reading["title"] or reading["link_title"],
            source_id=reading["source_id"],
            site_id_code=reading["site_id_code"],
            site_name=reading["site_name"],
            index_number=reading["index_number"],
            context=tuple(t for t in around if t),
            official_url=reading["final_url"] if reading["official"] else None,
            prose="\n".join(text for _, text in reading["sections"] or () if text),
        )
    )
    registry = resolver.registry
    return {
        "report_id": reading["report_id"],
        "unit_id": found.unit.unit_id if found.unit else None,
        "division_id": found.unit.division_id if found.unit else None,
        "organ_id": found.unit.organ_id if found.unit else None,
        "resolution": found.state,
        "resolution_grade": found.grade,
        "candidates": [
            {
                "unit_id": unit.unit_id,
                "name": registry.full_name(unit, year),
                "code": registry.version(unit.division_id, year).code_nbs or None,
            }
            for unit in found.candidates
        ],
        "explanation": found.explanation,
        "report_year": year,
    }


def expected_units(registry: Registry, sources: Iterable[Source]) -> pa.Table:
    """Who must publish: governments of the sources' divisions and below, and registered units."""
    rows: list[dict[str, str]] = []
    for source in sources:
        for anchor in sorted(registry.divisions_of_code(source.division_code)):
            units: dict[Unit, str] = {}
            if source.kind.startswith("unit"):
                for unit in registry.candidates(source.unit_name, None):
                    if registry.within(unit.division_id, {anchor}):
                        units[unit] = f"the source {source.source_id} is registered for it"
            else:
                name = registry.version(anchor, None).name
                for division_id in registry.below(anchor):
                    if registry.versions[division_id][0].kind == "formal":
                        where = f"the government of a division in {name}, which has a source"
                        units[Unit(division_id, GOVERNMENT)] = where
            rows += [
                {
                    "unit_id": unit.unit_id,
                    "division_id": unit.division_id,
                    "organ_id": unit.organ_id,
                    "source_id": source.source_id,
                    "source_division_id": anchor,
                    "expected_by": why,
                }
                for unit, why in sorted(units.items())
            ]
    return pa.Table.from_pylist(rows, schema=EXPECTED)
