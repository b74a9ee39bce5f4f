"""Draws cells of the national facts at random, by what they hold.

Most cells of most reports are zero, so an even draw would say next to nothing about numbers: four
strata are drawn from, each at random without replacement. The same facts, size and seed give the
same cells. What was drawn is kept as the key that a filled sheet is scored against.
"""

from __future__ import annotations

import bisect
import hashlib
import json
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from tasks import releases
from tasks.files import write_bytes, write_table
from tasks.records import BadInput
from tasks.store import Warehouse

# What a cell holds, which share of the sample it gets, and what that is in words.
SHARES = {"number": 60, "zero": 20, "forced": 10, "none": 10}
MEANINGS = {
    "number": "a number, not zero",
    "zero": "a zero",
    "forced": "nothing, but forced",
    "none": "no number",
}
CURRENT = "current"
_KIND = """
    case
        when value is null then 'none'
        when status = 'forced' then 'forced'
        when value = 0 then 'zero'
        else 'number'
    end
"""
# `label` is the row's and the column's words on the form; the value never leaves the key.
_CELLS = f"""
    with cells as (
        select facts.*, {_KIND} as stratum, measures.position, measures.label, measures.unit,
            row_number() over (partition by report_id, stratum order by measures.position) as rank
        from national_fact as facts
        inner join measures using (form, cell)
        where report_id in (select report_id from drawn)
    )
    select
        cells.stratum, reports.url, reports.snapshot_id, reports.source_kind,
        cells.unit_name, cells.report_year, cells.scope, cells.section, cells.label, cells.cell,
        cells.report_id, cells.unit, cells.value, cells.status, cells.as_published
    from cells
    inner join drawn using (report_id, stratum, rank)
    left join reports using (report_id)
    order by reports.url, cells.position
"""  # noqa: S608


@dataclass(frozen=True)
class Audit:
    """A sample. `rows` are in the order of the sheet; `strata`: population and size of each."""

    id: str
    facts: Mapping[str, Any]
    rows: list[dict[str, Any]]

    @property
    def strata(self) -> dict[str, dict[str, int]]:
        """Of each stratum, how many cells there are and how many were drawn."""
        return dict(self.facts["strata"])


def draw(
    warehouse: Warehouse, size: int, seed: int, release: str = CURRENT, now: datetime | None = None
) -> Audit:
    """Draws `size` cells (fewer when there are not so many) and keeps the key in the warehouse.

    `release` is the name of a release, or "current". Raises BadInput when there is nothing to
    draw from.
    """
    with (
        _facts(warehouse, release) as (path, name),
        duckdb.connect(str(path), read_only=True) as db,
    ):
        counts = _counts(db)
        population = {kind: sum(n for _, n in of) for kind, of in counts.items()}
        if not sum(population.values()):
            raise BadInput(f"{name}: national_fact has no rows to draw from")
        sizes = allocate(size, population)
        chosen = [c for kind in SHARES for c in _choose(kind, counts[kind], sizes[kind], seed)]
        db.register("drawn", pa.Table.from_pylist(chosen))
        rows = db.execute(_CELLS).to_arrow_table()
    day = (now or datetime.now(UTC)).date().isoformat()
    told = f"{seed} {size} {name} {rows.to_pylist()}"
    audit_id = f"{day}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"
    facts = {
        "audit": audit_id,
        "seed": seed,
        "size": rows.num_rows,
        "drawn_from": name,
        "strata": {kind: {"population": population[kind], "drawn": sizes[kind]} for kind in SHARES},
    }
    folder = home(warehouse) / audit_id
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_table(folder / "key.parquet", rows)
        write_bytes(folder / "audit.json", json.dumps(facts, indent=2).encode() + b"\n")
    except OSError as error:
        raise BadInput(f"{folder}: the key cannot be written ({error.strerror})") from error
    return Audit(audit_id, facts, _numbered(rows))


def _numbered(rows: pa.Table) -> list[dict[str, Any]]:
    return [{"row": number, **row} for number, row in enumerate(rows.to_pylist(), 1)]


def home(warehouse: Warehouse) -> Path:
    """Where the keys of a warehouse lie."""
    return warehouse.root / "audits"


def load(warehouse: Warehouse, audit_id: str) -> Audit:
    """The key of a sample drawn from this warehouse. BadInput when it is not here."""
    folder = home(warehouse) / audit_id
    try:
        if "/" in audit_id or audit_id.startswith("."):
            raise FileNotFoundError(audit_id)
        facts = json.loads((folder / "audit.json").read_text(encoding="utf-8"))
        return Audit(audit_id, facts, _numbered(pq.read_table(folder / "key.parquet")))
    except FileNotFoundError as error:
        raise BadInput(
            f"audit {audit_id}: {home(warehouse)} has no key to it; "
            "choose the warehouse it was drawn from with --warehouse"
        ) from error
    except (OSError, ValueError) as error:
        raise BadInput(f"audit {audit_id}: its key in {folder} cannot be read ({error})") from error


@contextmanager
def _facts(warehouse: Warehouse, release: str) -> Iterator[tuple[Path, str]]:
    if release != CURRENT:
        found = releases.find(warehouse, release)
        with releases.opened(found) as database:
            yield database, found.name
        return
    if not warehouse.database.exists():
        raise BadInput(f"warehouse {warehouse.root}: nothing is published yet; try `gongkai run`")
    yield warehouse.database, CURRENT


def _counts(db: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[str, int]]]:
    """Of each stratum, how many cells each report has, in the order of the reports."""
    found: dict[str, list[tuple[str, int]]] = {kind: [] for kind in SHARES}
    rows = db.execute(
        f"select {_KIND} as stratum, report_id, count(*) from national_fact group by all order by 2"  # noqa: S608
    )
    for kind, report, count in rows.fetchall():
        found[kind].append((report, count))
    return found


def allocate(size: int, population: Mapping[str, int]) -> dict[str, int]:
    """How many to draw from each stratum: the shares, at least one of each that there is.

    What a stratum cannot give goes to the others, so the sum is `size`, or the whole population.
    """
    sizes = dict.fromkeys(population, 0)
    left = min(size, sum(population.values()))
    while left:
        open_kinds = [k for k in SHARES if sizes[k] < population[k]]
        # The one furthest below its share; those that have nothing yet come first.
        kind = min(open_kinds, key=lambda k: (sizes[k] > 0, sizes[k] / SHARES[k]))
        sizes[kind] += 1
        left -= 1
    return sizes


def _choose(
    kind: str, counts: list[tuple[str, int]], size: int, seed: int
) -> Iterator[dict[str, Any]]:
    """`size` different cells of a stratum, each as its report and its rank there (from 1)."""
    ends = list(accumulate(n for _, n in counts))
    generator = random.Random(f"{seed} {kind}")  # noqa: S311 - reproducible on purpose
    for index in generator.sample(range(ends[-1] if ends else 0), size):
        at = bisect.bisect_right(ends, index)
        report, count = counts[at]
        yield {"report_id": report, "stratum": kind, "rank": index - (ends[at] - count) + 1}
