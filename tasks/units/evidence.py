"""What a document says about its issuer, piece by piece, strongest first."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from tasks.records import Source
from tasks.units.keys import unified_code
from tasks.units.model import Clues, Evidence, Grade, Unit
from tasks.units.names import short_names, unit_in_title
from tasks.units.registry import Registry

_SUPERIOR = re.compile(r"(?<![镇乡街道村])(县|区|旗)(?:委|政府|人民政府|直)")
_PREFECTURE = re.compile(r"(市|州|盟)(?:委|政府|人民政府)")
_LIST = re.compile(r"省[、,，]([市州盟])[、,，](县|区|旗)(?:委|政府)?")


def evidence_of(
    registry: Registry,
    clues: Clues,
    source: Source | None,
    anchors: set[str],
    site: set[str],
    start: frozenset[Unit],
) -> Iterable[Evidence]:
    """Each piece in order. `anchors` are the source's divisions, `site` the site's code's."""
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
            f"the source registered for {_names(registry, anchors)}",
            lambda u: registry.within(u.division_id, anchors),
        )
    if clues.title:
        named = registry.candidates(unit_in_title(clues.title), clues.report_year) & start
        if named and len(named) < len(start):
            yield Evidence("hard", f"the title “{clues.title}”", named.__contains__)
    if site:
        yield Evidence(
            "hard",
            f"the site's code {clues.site_id_code} ({_names(registry, site)})",
            lambda u: registry.within(u.division_id, site),
        )
    around = " ".join(t for t in (clues.site_name, clues.title, *clues.context) if t)
    yield from _mentions(registry, "context", "the page around it names {}", around, start)
    yield from _mentions(registry, "context", "the prose names {}", clues.prose, start)
    code = unified_division(clues.index_number or "")
    if code and (divisions := registry.divisions_of_code(code)):
        yield Evidence(
            "soft",
            f"the unified code's {code}",
            lambda u: registry.within(u.division_id, divisions),
        )
    yield from _superiors(registry, clues.prose, clues.report_year)


def _names(registry: Registry, divisions: Iterable[str]) -> str:
    return "、".join(sorted({registry.version(d, None).name for d in divisions}))


def _mentions(
    registry: Registry, grade: Grade, what: str, text: str, start: frozenset[Unit]
) -> Iterable[Evidence]:
    """Candidates one of whose ancestors the text names, where it does not name all's."""
    if not text:
        return
    plain = unicodedata.normalize("NFKC", text)
    named: dict[Unit, set[str]] = {}
    for unit in start:
        hits = {n for d in _context_of(registry, unit) for n in _mentioned(registry, d, plain)}
        if hits:
            named[unit] = hits
    if named:
        names = "、".join(sorted({n for hits in named.values() for n in hits})[:4])
        yield Evidence(grade, what.format(names), named.__contains__)


def _context_of(registry: Registry, unit: Unit) -> set[str]:
    # The nearest ancestors tell candidates apart; a province alone names too much.
    return {a for a in registry.ancestors(unit.division_id) if registry.version(a, None).level >= 2}


def _mentioned(registry: Registry, division_id: str, text: str) -> set[str]:
    found = set()
    for version in registry.versions[division_id]:
        if len(version.name) >= 3 and version.name in text:
            found.add(version.name)
        for short in short_names(version):
            if any(
                f"{parent}·{short}" in text
                for p in registry.parents(division_id)
                for parent in registry.names[p]
            ):
                found.add(f"·{short}")
    return found


def _superiors(registry: Registry, prose: str, year: int | None) -> Iterable[Evidence]:
    """区委, 县政府, 旗委 … say what kind of division a township lies in."""
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


def unified_division(index_number: str) -> str | None:
    """Digits 3 to 8 of the unified code that the index number begins with."""
    code = unified_code(index_number)
    return code[2:8] if code and code[2:8].isdigit() else None
