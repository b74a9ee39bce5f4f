"""The tables that dbt reads of units: whose each reading is, and who is expected to report."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.objects import Place, arrow_source
from tasks.processes import spawned
from tasks.records import Source
from tasks.units.keys import keys_of
from tasks.units.model import GOVERNMENT, Clues, Unit
from tasks.units.registry import Registry
from tasks.units.resolve import Resolver

CANDIDATE = pa.struct([("unit_id", pa.string()), ("name", pa.string()), ("code", pa.string())])
_KEY = pa.struct([("kind", pa.string()), ("key", pa.string())])
_OWN = pa.struct([("candidates", pa.list_(CANDIDATE)), ("explanation", pa.string())])
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
        # Every unit that an ambiguous reading can be of, `candidates` being cut short.
        ("possible", pa.list_(pa.string())),
        ("keys", pa.list_(_KEY)),
        ("own", _OWN),  # where learned keys resolved it: what it said by itself
    ]
)
# What a reading's own evidence says, and what `learned` asks of it besides.
OWN = pa.schema(
    [
        *[f for f in RESOLUTIONS if f.name != "own"],
        ("document_id", pa.string()),
        ("parent_document_id", pa.string()),
        ("official", pa.bool_()),
        ("fetched_at", pa.timestamp("us", tz="UTC")),
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
    "document_id",
    "parent_document_id",
    "fetched_at",
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


_WORTH_A_POOL = 20_000  # readings; below, starting processes costs more than it saves
_NONE: frozenset[int] = frozenset()


def resolutions(
    resolver: Resolver,
    parts: Sequence[Place],
    *,
    only: Collection[str] | None = None,
    repeats: Mapping[str, Collection[int]] | None = None,
) -> Iterator[pa.Table]:
    """Resolve the readings of the given parts of `reports/` by their own evidence: tables of OWN.

    `only` these report_ids; not the rows (by part and row number) that repeat another reading.
    """
    skips = [(repeats or {}).get(str(part), _NONE) for part in parts]
    many = sum(pq.read_metadata(arrow_source(part)).num_rows for part in parts) >= _WORTH_A_POOL
    if only is not None or not many or (os.cpu_count() or 1) < 2:
        yield from (_of_part(resolver, *job, only) for job in zip(parts, skips, strict=True))
        return
    with spawned(None, _begin, resolver) as pool:
        yield from pool.map(_in_process, parts, skips, chunksize=4)


_process: list[Resolver] = []  # the one of this worker


def _begin(resolver: Resolver) -> None:
    _process.append(resolver)


def _in_process(part: Place, skip: Collection[int]) -> pa.Table:
    return _of_part(_process[0], part, skip, None)


def _of_part(
    resolver: Resolver, part: Place, skip: Collection[int], only: Collection[str] | None
) -> pa.Table:
    rows: list[dict[str, object]] = []
    number = 0
    with pq.ParquetFile(arrow_source(part)) as file:
        for batch in file.iter_batches(columns=_READ):
            for reading in batch.to_pylist():
                if number not in skip and (only is None or reading["report_id"] in only):
                    rows.append(_resolved(resolver, reading))
                number += 1
    rows.sort(key=lambda row: str(row["report_id"]))
    return pa.Table.from_pylist(rows, schema=OWN)


def _resolved(resolver: Resolver, reading: dict[str, Any]) -> dict[str, object]:
    year = reading["report_year"]
    around = (reading["column_name"], reading["content_source"], reading["link_title"])
    clues = Clues(
        issuing_unit=reading["issuing_unit"],
        report_year=year,
        title=reading["title"] or reading["link_title"],
        source_id=reading["source_id"],
        site_id_code=reading["site_id_code"],
        site_name=reading["site_name"],
        index_number=reading["index_number"],
        context=tuple(t for t in around if t),
        account=reading["content_source"],
        official_url=reading["final_url"] if reading["official"] else None,
        prose="\n".join(text for _, text in reading["sections"] or () if text),
    )
    found = resolver.resolve(clues)
    registry = resolver.registry
    # A page that names nobody is no witness against a key; others count when official.
    named = reading["issuing_unit"] or found.unit
    keys = keys_of(clues) if named and (reading["official"] or found.possible) else []
    return {
        **{n: reading[n] for n in ("document_id", "parent_document_id", "official", "fetched_at")},
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
        "possible": [unit.unit_id for unit in found.possible] or None,
        "keys": [key._asdict() for key in keys] or None,
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
