"""Whose report is it? Evidence narrows candidates; what is left decides, and nothing is guessed.

The issuing unit's name gives the candidates: every organ of every division that it can mean. Each
piece of evidence (the registered source, the site's code, names on the page, words in the prose)
says which of them it allows. Hard evidence that allows none is a `conflict`; soft evidence that
allows none says nothing. One left is `resolved`, several are `ambiguous`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from tasks.records import Source
from tasks.units.evidence import evidence_of
from tasks.units.model import (
    SUBDISTRICT,
    ZONE_OFFICE,
    Clues,
    Grade,
    Resolution,
    Unit,
)
from tasks.units.names import clean
from tasks.units.registry import Registry
from tasks.urls import host_of, under

_STRENGTH: dict[Grade, int] = {"hard": 0, "context": 1, "soft": 2}
MOST_CANDIDATES = 20  # stored with an ambiguous report; 城关镇 alone has 82
_KINDS = ("县", "区", "市", "旗", "省", "州")
# What may stand in front of an organ that its own county's site names: "", 本, 县, 本县 …
_RELATIVE = {"": "", "本": ""} | {k: k for k in _KINDS} | {f"本{k}": k for k in _KINDS}


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
        source = self.sources.get(clues.source_id or "")
        for evidence in evidence_of(registry, clues, source, anchors, site, start):
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
        left = tuple(sorted(candidates))
        return Resolution(
            "ambiguous", None, None, left[:MOST_CANDIDATES], "; ".join(steps), possible=left
        )

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
        relative = self._relative(clean(name), anchors or site, clues.report_year)
        if relative:
            where = "the registered source" if anchors else "the site's code"
            return relative, f"“{name}” is an organ of the division of {where}"
        return set(), f"“{name}” reads as no organ of a known division"

    def _relative(self, text: str, anchors: set[str], year: int | None) -> set[Unit]:
        if len(anchors) != 1:
            return set()
        (anchor,) = anchors
        for start in range(len(text)):
            organ = self.registry.organs.get(text[start:])
            kind = _RELATIVE.get(text[:start])
            if organ in (None, SUBDISTRICT, ZONE_OFFICE) or kind is None:
                continue
            # 市教育局 on the site of what was a 市 and is a 区 now is the city's above it.
            if self.registry.version(anchor, year).name.endswith(kind):
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
            return self.registry.divisions_of_code(source.division_code)
        host = host_of(clues.official_url) if clues.official_url else None
        if host is None:
            return set()
        there = [s for s in self.sources.values() if under(host, s.host)]
        return {d for s in there for d in self.registry.divisions_of_code(s.division_code)}

    def _site_divisions(self, code: str | None) -> set[str]:
        # A ministry's begins with letters (bm22000001), and its digits are no division's.
        digits = re.match(r"\s*([0-9]{6})", unicodedata.normalize("NFKC", code or ""))
        return self.registry.divisions_of_code(digits[1]) if digits else set()
