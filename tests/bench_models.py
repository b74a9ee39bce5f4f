"""`make bench-models SIZE=n`: what the models cost on a nation of synthetic readings.

A full rebuild against a plain scan of the same Parquet, its peak memory, then two increments of
half a percent (reports of one year from three provinces; reports of any unit and year) against a
full rebuild, which all tables must equal row for row. Every step is a process of its own.

Times are CPU seconds, so that another program on the machine does not count. Of dbt's process the
cost on an empty warehouse is taken off: the start-up of the tools. Whose each reading is comes with
the nation (`--resolve` lets the program find it, 0.5 ms a reading).
"""

from __future__ import annotations

import argparse
import json
import pickle
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from tasks import publish as publishing
from tasks.increment import connect
from tasks.report.form import FORMS, form
from tasks.store import Warehouse
from tests.models import nation

SMALL = 20_000
SHARE = 200  # an increment is one in so many


def cpu(who: int) -> float:
    """User and system seconds so far of this process (RUSAGE_SELF) or of ended children."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def peak() -> float:
    """The largest memory so far of this process or of any child, MB."""
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(w).ru_maxrss for w in whose) / 1024


# Steps, each in a process of its own; each prints one JSON object.


def generate(root: Path, size: int) -> dict[str, Any]:
    """The nation, but for what is held back."""
    made = nation.build(root, size, more=max(20, size // SHARE))
    pq.write_table(made.resolutions, root / ".resolutions.parquet")
    (root / ".sources").write_bytes(pickle.dumps(made.sources))
    return {"reports": made.reports}


def add(root: Path, which: str) -> dict[str, Any]:
    """What was held back."""
    return {"reports": nation.add(Warehouse.at(root), which)}


def scan(root: Path, what: str) -> dict[str, Any]:
    """Read the values, or every column, of all readings."""
    cells = {c.code for name in FORMS for c in form(name).cells}
    with connect(spill=root) as connection:
        source = f"read_parquet('{root}/reports/part-*.parquet')"
        names = [n for n, *_ in connection.execute(f"describe from {source}").fetchall()]
        columns = ", ".join(
            f'max("{n}")' if n in cells else f'count("{n}")'
            for n in names
            if n in cells or what == "everything"
        )
        began = cpu(resource.RUSAGE_SELF)
        connection.execute(f"select {columns} from {source}").fetchall()
        return {"cpu": cpu(resource.RUSAGE_SELF) - began}


def publish(root: Path, how: str, resolve: bool) -> dict[str, Any]:
    """One publish, "full" or what changed. dbt's process apart from what Python does before it."""
    warehouse = Warehouse.at(root)
    file = root / ".sources"
    sources = pickle.loads(file.read_bytes()) if file.exists() else []
    publishing.NOT_BUILT = ("unit_test", "test")
    if not resolve and (root / ".resolutions.parquet").exists():
        publishing.resolutions = _known(root)  # type: ignore[attr-defined]
    began = monotonic()
    with warehouse.lock("bench"):
        done = publishing.publish(warehouse, sources=sources, full=how == "full")
    return {
        "why": done.why_full,
        "wall": monotonic() - began,
        "models": cpu(resource.RUSAGE_CHILDREN),
        "before": cpu(resource.RUSAGE_SELF),
        "peak": peak(),
        "megabytes": warehouse.database.stat().st_size / 2**20,
    }


def _known(root: Path) -> Any:
    def resolutions(
        _resolver: object,
        parts: Sequence[Path],
        *,
        only: Collection[str] | None = None,
        repeats: object = None,
    ) -> Iterator[pa.Table]:
        whole = pq.read_table(root / ".resolutions.parquet")
        if only is None:
            ids = pa.chunked_array(
                [c for p in parts for c in pq.read_table(p, columns=["report_id"])[0].chunks]
            )
        else:
            ids = pa.array(sorted(only), pa.string())
        yield whole.filter(pc.is_in(whole["report_id"], value_set=ids))

    return resolutions


def compare(root: Path) -> dict[str, Any]:
    """The incremental generation, kept aside, against the full one."""
    different = {}
    with connect(spill=root) as db:
        db.execute(f"attach '{root}/incremental.duckdb' as one (read_only)")
        db.execute(f"attach '{root}/gongkai.duckdb' as other (read_only)")
        tables = db.execute(
            """
            select table_schema, table_name from information_schema.tables
            where table_catalog = 'one' and table_type = 'BASE TABLE' and table_schema <> 'built'
            """
        ).fetchall()
        for schema, table in tables:
            one, other = f'one."{schema}"."{table}"', f'other."{schema}"."{table}"'
            (rows,) = db.execute(
                f"""
                select
                    (select count(*) from (from {one})), (select count(*) from (from {other})),
                    (select bit_xor(hash(t)) from {one} as t) is not distinct from
                        (select bit_xor(hash(t)) from {other} as t),
                    (select sum(hash(t)) from {one} as t) is not distinct from
                        (select sum(hash(t)) from {other} as t)
                """
            ).fetchall()
            if rows[0] != rows[1] or not rows[2] or not rows[3]:
                different[table] = rows[:2]
    return {"tables": len(tables), "different": different}


def _step(*words: object) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench_models", "--step", *map(str, words)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    said: dict[str, Any] = json.loads(done.stdout)
    Console(stderr=True).print(" ".join(map(str, words[1:2])), words[0], said)
    return said


def measure(root: Path, size: int, *, resolve: bool) -> bool:
    """All steps, one table. True when every bound is kept."""
    how = "resolve" if resolve else "known"
    with tempfile.TemporaryDirectory() as empty:
        started = _step("publish", empty, "full", how)["models"]
        again = _step("publish", empty, "increment", how)["models"]
    reports = _step("generate", root, size)["reports"]
    values, everything = (
        _step("scan", root, "values")["cpu"],
        _step("scan", root, "everything")["cpu"],
    )
    first = _step("publish", root, "full", how)
    bounds: list[tuple[str, str, str, bool]] = []
    full = first["models"] - started
    increments = {}
    for which in nation.HELD[1:]:
        count = _step("add", root, which)["reports"]
        told = _step("publish", root, "increment", how)
        assert told["why"] == "", told["why"]
        increments[which] = (count, told)
    shutil.copy(root / "gongkai.duckdb", root / "incremental.duckdb")
    last = _step("publish", root, "full", how)
    same = _step("compare", root)
    whole = last["models"] - started
    table = Table("what", "measured", "bound", "", title=f"{reports:,} readings (CPU seconds)")

    def row(what: str, measured: str, bound: str = "", kept: bool | None = None) -> None:
        if kept is not None:
            bounds.append((what, measured, bound, kept))
        table.add_row(what, measured, bound, {True: "ok", False: "MISSED", None: ""}[kept])

    row("plain scan of the values · of every column", f"{values:.1f} · {everything:.1f} s")
    row("full rebuild: models", f"{full:.1f} s ({first['wall']:.0f} s wall in all)")
    row(
        "full rebuild / scan of the values", f"{full / values:.1f} ×", "≤ 25 ×", full <= 25 * values
    )
    row("full rebuild / scan of every column", f"{full / everything:.1f} ×")
    most = max(step["peak"] for step in (first, last, *(t for _, t in increments.values())))
    row("peak memory of any process", f"{most:.0f} MB", "< 3000 MB", most < 3000)
    for which, bound in (("provinces", 0.10), ("scattered", 0.25)):
        count, told = increments[which]
        spent = told["models"] - again
        row(
            f"+{count:,} {which}: models / full rebuild",
            f"{spent:.1f} s, {spent / whole:.1%} ({told['wall']:.0f} s wall in all)",
            f"≤ {bound:.0%}",
            spent <= bound * whole,
        )
    row(
        "tables that differ from a full rebuild",
        f"{len(same['different'])} of {same['tables']} {same['different'] or ''}",
        "0",
        not same["different"],
    )
    before = [first, *(t for _, t in increments.values())]
    row(
        "before the models, in Python: full · increments",
        " · ".join(f"{step['before']:.0f}" for step in before) + " s",
    )
    row("start-up of the tools: full · increment", f"{started:.1f} · {again:.1f} s")
    row("database", f"{last['megabytes']:.0f} MB")
    Console().print(table)
    return all(kept for *_, kept in bounds)


def main() -> int:
    """Runs one step, or all."""
    if sys.argv[1:2] == ["--step"]:
        name, root, *more = sys.argv[2:]
        work = {
            "generate": lambda: generate(Path(root), int(more[0])),
            "add": lambda: add(Path(root), more[0]),
            "scan": lambda: scan(Path(root), more[0]),
            "publish": lambda: publish(Path(root), more[0], more[1] == "resolve"),
            "compare": lambda: compare(Path(root)),
        }
        json.dump(work[name](), sys.stdout)
        return 0
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--size", type=int, default=SMALL)
    options.add_argument("--resolve", action="store_true")
    options.add_argument("--report", action="store_true", help="only print; exit code 0")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="gongkai-models-") as folder:
        kept = measure(Path(folder), chosen.size, resolve=chosen.resolve)
    return 0 if kept or chosen.report else 1


if __name__ == "__main__":
    sys.exit(main())
