"""`make bench-national SIZE=n`: n pages from their bytes to the tables, on this machine.

Two runs over pages of mixed layouts, sizes and faults, as the bundled publisher writes them, from
units all over the registry: the first finds all of them new, the second 60 % of them as they were,
and the others changed. Each run ingests, archives, reads, accounts for and publishes; then the
whole archive is read again. Costs are CPU seconds of the processes of each stage (rendering the
pages apart); of a large archive its first 10,000 pages are read alone before and after the whole,
so that what grows with the size shows beside what the machine is doing.

`--night 5000`: a run of `gongkai ingest` over as many new pages on top of it, by the clock, and
over one page more. The second page of a warehouse of its own is what orchestration and tools cost:
Prefect, dbt with its tests, the registry, a site, of next to nothing.

What is measured of a size becomes its row of docs/national.csv, which docs/images/national.svg
draws. Ends with 1 when a bound is missed (`--report`: only prints).
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import itertools
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console
from rich.table import Table

from tasks import account, parse, reports, retention, snapshot, warc_write
from tasks import publish as publishing
from tasks.objects import Place
from tasks.records import Discovered, Fetched, Source
from tasks.runs import new_run_id
from tasks.store import Warehouse
from tasks.units import Registry
from tests import nights
from tests.bench_models import cpu, peak
from tests.publisher import figures as maker
from tests.publisher import layouts
from tests.publisher.document import Document, document
from tests.publisher.encodings import ENCODINGS
from tests.publisher.faults import FAULTS
from tests.publisher.form import FORMS
from tests.publisher.layouts.wrappers import WRAPPERS

CHECKOUT = Path(__file__).resolve().parents[1]
MEASURED = CHECKOUT / "docs" / "national.csv"
CHART = CHECKOUT / "docs" / "images" / "national.svg"
SMALL = 10_000
UNCHANGED = 0.6
FAULTY = 0.04
FIGURES = 400  # sets of figures; working one out costs more than rendering a page of it
BODIES = {
    # What sites print: plain tables in half of all pages, one in seven straight from Word.
    **dict.fromkeys(("clean", "headed", "ancient"), 18.0),
    "word": 14.0,
    **{name: 2.0 for name in layouts.BODIES if name not in ("clean", "headed", "ancient", "word")},
}
_PAGE_FAULTS = sorted(
    name for name, fault in FAULTS.items() if name != "none" and not name.startswith(("row", "col"))
)
STARTED = datetime(2026, 1, 20, 18, tzinfo=UTC)


@cache
def _figures(number: int) -> Any:
    return maker.consistent(FORMS[number % len(FORMS)], number)


@cache
def _units() -> list[tuple[str, str]]:
    """County code and name of a government below it, of every county and township in force."""
    registry = Registry.read()
    found = []
    for division_id, versions in sorted(registry.versions.items()):
        now = versions[-1]
        code = now.code_nbs or now.code_mca
        if now.kind == "formal" and now.level in (3, 4) and code:
            found.append((code[:6], registry.version(division_id, None).name))
    return found


def page(number: int, edition: int) -> tuple[str, str, bytes]:
    """Host's division code, title and bytes of a page in its first or second edition."""
    rng = Random(f"national {number} {edition}")
    units = _units()
    code, name = units[number * 7919 % len(units)]
    whole = document(_figures(rng.randrange(FIGURES)), f"{name}人民政府", 2021 + number % 4, number)
    fault = FAULTS[rng.choice(_PAGE_FAULTS) if rng.random() < FAULTY else "none"]
    (body,) = rng.choices(list(BODIES), list(BODIES.values()))
    try:
        text = _rendered(fault.on(whole, number), body, rng)
        text = fault.on_page(text, number)
    except (IndexError, ValueError):  # a fault that this document has no place for
        text = _rendered(whole, body, rng)
    encode = ENCODINGS[rng.choice(list(ENCODINGS))]
    return code, f"{name}{whole.head.year}年政府信息公开工作年度报告", encode(text)


def _rendered(whole: Document, body: str, rng: Random) -> str:
    return layouts.html(whole, body, rng.choice(list(WRAPPERS)))


def pages(size: int, run: int, first: int = 0) -> Iterator[Fetched]:
    """The fetches of the first or the second run, from a page on."""
    for number in range(first, size):
        changed = run == 0 or Random(f"changed {number}").random() >= UNCHANGED
        code, title, body = page(number, run if changed else 0)
        url = f"https://www.h{code}.gov.cn/{number}.html"
        yield Fetched(
            document_id=url,
            url=url,
            final_url=url,
            fetched_at=STARTED + timedelta(days=run, milliseconds=number),
            official=True,
            source_id=f"h{code}",
            http_status=200,
            content_type="text/html",
            headers={"Content-Type": "text/html", "Server": "nginx"},
            snapshot_id=snapshot.snapshot_id_of(body),
            size=len(body),
            body=body,
            link_title=title,
            link_date="2026-01-20",
        )


def sources() -> list[Source]:
    """A source for each county: its host."""
    codes = sorted({code for code, _ in _units()})
    about = ("county_listing", "", "allowed", "2026-01-01", "")
    return [
        Source(f"h{code}", code, host, f"https://{host}/", *about)
        for code in codes
        for host in [f"www.h{code}.gov.cn"]
    ]


# Steps, each in a process of its own; each prints one JSON object.


def _spent() -> float:
    """CPU of this process and of the readers that it started, which end here."""
    if parse._pool.cache_info().currsize:
        parse._pool().shutdown()
        parse._pool.cache_clear()
    return cpu(resource.RUSAGE_SELF) + cpu(resource.RUSAGE_CHILDREN)


def visit(root: Path, size: int, run: int) -> dict[str, Any]:
    """One run up to its accounts; CPU seconds of the stages."""
    from flows.stages import settle  # not above: each reader would import Prefect

    warehouse = Warehouse.at(root)
    with warehouse.lock("bench"):
        run_id = new_run_id("nightly", STARTED + timedelta(days=run), warehouse)
        before, known = account.accounted(warehouse), snapshot.known(warehouse)
        rendering, began = 0.0, _spent()
        fetched: list[Fetched] = []
        given = pages(size, run)
        while True:
            start = cpu(resource.RUSAGE_SELF)
            some = list(itertools.islice(given, 500))
            rendering += cpu(resource.RUSAGE_SELF) - start
            if not some:
                break
            snapshot.append(warehouse, run_id, some, known.snapshots)
            fetched += [dataclasses.replace(row, body=None) for row in some]
        retention.merge(warehouse)
        archived = _spent()
        read = sum(_read(part, warehouse.reports) for part in _unread(warehouse))
        parsed = _spent()
        discovered = [
            Discovered(f.document_id, f.url, f.source_id or "", "", f.link_title or "", None, True)
            for f in fetched
        ]
        account.write_discovered(warehouse, run_id, discovered)
        settled = settle(
            warehouse, run_id, "nightly", STARTED + timedelta(days=run), discovered, fetched, before
        )
        return {
            "archive": archived - began - rendering,
            "parse": parsed - archived,
            "account": _spent() - parsed,
            "rendering": rendering,
            "read": read,
            "counts": settled.counts.as_dict(),
            "peak": peak(),
        }


def _unread(warehouse: Warehouse) -> list[Place]:
    read = {path.name for path in warehouse.reports.glob("part-*.parquet")}
    return [path for path in snapshot.parts(warehouse) if path.name not in read]


def _read(part: Place, folder: Place) -> int:
    table = parse.read_part(part)
    reports.write_into(folder, part.name, table)
    return len(table)


def publish(root: Path) -> dict[str, Any]:
    """One publish, as a night does it."""
    warehouse = Warehouse.at(root)
    began, used = time.monotonic(), _spent()
    with warehouse.lock("bench"):
        done = publishing.publish(warehouse, sources=sources())
    return {
        "publish": _spent() - used,
        "wall": time.monotonic() - began,
        "why": done.why_full,
        "facts": done.rows["national_fact"],
        "peak": peak(),
    }


def reread(root: Path, size: int) -> dict[str, Any]:
    """The archive once more into a folder aside, from its first part on until so many pages."""
    warehouse = Warehouse.at(root)
    aside = root / ".again"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    began, read = _spent(), 0
    for part in snapshot.parts(warehouse):
        if read < size:
            read += _read(part, aside)
    used = _spent() - began
    for part in aside.glob("part-*"):
        assert part.read_bytes() == (warehouse.reports / part.name).read_bytes(), part
    return {"cpu": used, "pages": read, "peak": peak()}


def crawl(root: Path, count: int, start: int) -> dict[str, Any]:
    """A WARC file of that many pages that no run has seen."""
    warehouse = Warehouse.at(root / f"crawl-{start}")
    with warehouse.lock("bench"):
        written = snapshot.append(warehouse, "crawl", pages(start + count, 0, start))
    target = root / f"{start}.warc.gz"
    warc_write.export(written, target)
    return {"file": str(target)}


STEPS: dict[str, Callable[..., dict[str, Any]]] = {
    "visit": visit,
    "publish": publish,
    "reread": reread,
    "crawl": crawl,
}


def _step(name: str, root: Path, *numbers: int) -> dict[str, Any]:
    words = [sys.executable, "-m", "tests.bench_national", "--step", name, str(root)]
    done = subprocess.run(
        [*words, *map(str, numbers)], stdout=subprocess.PIPE, text=True, check=True
    )
    said: dict[str, Any] = json.loads(done.stdout)
    Console(stderr=True).print(name, *numbers, said)
    return said


# What is made of them.


def measure(root: Path, size: int) -> dict[str, float]:
    """Two runs and a re-reading of the whole archive: the row of docs/national.csv."""
    stages: dict[str, float] = {}
    peaks = []
    for run in (0, 1):
        visited = _step("visit", root, size, run)
        counts = visited["counts"]
        told = sum(n for name, n in counts.items() if name != "discovered")
        assert counts["discovered"] == told == size, counts
        if run:
            assert abs(counts["unchanged"] / size - UNCHANGED) < 0.1, counts
        published = _step("publish", root)
        peaks += [visited["peak"], published["peak"]]
        stages[f"publish_{run}"] = published["publish"]
        for name in ("archive", "parse", "account"):
            stages[name] = stages.get(name, 0.0) + visited[name]
    small = [_step("reread", root, SMALL)] if size > SMALL else []
    again = _step("reread", root, sys.maxsize)
    small += [_step("reread", root, SMALL)] if size > SMALL else [again]
    peaks.append(again["peak"])
    warehouse = Warehouse.at(root)

    def size_of(folder: Place) -> int:
        return sum(path.stat().st_size for path in folder.glob("part-*.parquet"))

    return {
        "pages": size,
        "archived": again["pages"],
        "archive_ms": 1000 * stages["archive"] / (2 * size),
        "parse_ms": 1000 * stages["parse"] / again["pages"],
        "account_ms": 1000 * stages["account"] / (2 * size),
        "publish_s": stages["publish_0"],
        "publish_again_s": stages["publish_1"],
        "reread_ms": 1000 * again["cpu"] / again["pages"],
        "reread_small_ms": 1000 * sum(s["cpu"] for s in small) / sum(s["pages"] for s in small),
        "peak_mb": max(peaks),
        "archive_bytes": size_of(warehouse.snapshots) / again["pages"],
        "readings_bytes": size_of(warehouse.reports) / again["pages"],
        "database_bytes": warehouse.database.stat().st_size / again["pages"],
    }


def night(root: Path, count: int, size: int) -> dict[str, float]:
    """`gongkai ingest` of new pages and of a single one: by the clock, and CPU of all processes."""
    found: dict[str, float] = {}
    beside = root / "beside"
    for what, where, number, start in (
        # What the runs above left for a night to do once: pictures, the first site.
        ("before", root, 1, size),
        ("night", root, count, size + 1),
        ("one", root, 1, size + 1 + count),
        ("first", beside, 1, 0),
        ("tools", beside, 1, 1),
    ):
        file = _step("crawl", root, number, start)["file"]
        began, used = time.monotonic(), cpu(resource.RUSAGE_CHILDREN)
        words = ("ingest", file, "--everything", "--warehouse", str(where))
        ended = nights.gongkai(*words, seconds=3600)
        assert ended.code == 0, ended.out + ended.err
        found[f"{what}_wall"] = time.monotonic() - began
        found[f"{what}_cpu"] = cpu(resource.RUSAGE_CHILDREN) - used
    return found


def remember(row: dict[str, float]) -> list[dict[str, float]]:
    """Put a size's row into docs/national.csv, in the place of the one before, and draw it."""
    rows = {float(row["pages"]): {name: round(value, 2) for name, value in row.items()}}
    if MEASURED.exists():
        with MEASURED.open(encoding="utf-8", newline="") as file:
            for old in csv.DictReader(file):
                rows.setdefault(float(old["pages"]), {n: float(v) for n, v in old.items()})
    ordered = [rows[pages] for pages in sorted(rows)]
    with MEASURED.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        writer.writeheader()
        writer.writerows({n: f"{v:g}" for n, v in one.items()} for one in ordered)
    draw(ordered)
    return ordered


def draw(rows: list[dict[str, float]]) -> None:
    """CPU per page of each stage over the sizes, as SVG."""
    from reportlab.graphics import renderSVG
    from reportlab.graphics.charts.lineplots import LinePlot
    from reportlab.graphics.shapes import Drawing, String
    from reportlab.graphics.widgets.markers import makeMarker
    from reportlab.lib import colors

    series = {
        "reading the whole archive again": [r["reread_ms"] for r in rows],
        "publishing all": [1000 * r["publish_s"] / r["pages"] for r in rows],
        "archiving": [r["archive_ms"] for r in rows],
        "accounting": [r["account_ms"] for r in rows],
    }
    inks = [colors.HexColor(code) for code in ("#1b6ca8", "#c8553d", "#588157", "#6d597a")]
    drawing = Drawing(640, 320)
    plot = LinePlot()
    plot.x, plot.y, plot.width, plot.height = 60, 50, 360, 230
    sizes = [r["pages"] for r in rows]
    plot.data = [list(zip(range(len(rows)), values, strict=True)) for values in series.values()]
    plot.xValueAxis.valueSteps = list(range(len(rows)))
    plot.xValueAxis.labelTextFormat = lambda place: f"{sizes[round(place)]:,.0f}"
    plot.xValueAxis.valueMin, plot.xValueAxis.valueMax = -0.2, len(rows) - 0.8
    plot.yValueAxis.valueMin = 0
    plot.yValueAxis.valueMax = 1.1 * max(value for values in series.values() for value in values)
    plot.yValueAxis.visibleGrid = True
    plot.yValueAxis.gridStrokeColor = colors.HexColor("#dddddd")
    drawing.add(plot)
    drawing.add(String(60, 298, "CPU per page, ms", fontSize=12))
    drawing.add(String(240, 12, "pages", fontSize=12, textAnchor="middle"))
    for number, (name, values) in enumerate(series.items()):
        plot.lines[number].strokeColor = inks[number]
        plot.lines[number].strokeWidth = 2
        plot.lines[number].symbol = makeMarker("FilledCircle", size=6)
        y = 260 - 22 * number
        drawing.add(
            String(436, y, f"{name}: {values[-1]:.2g}", fontSize=11, fillColor=inks[number])
        )
    CHART.parent.mkdir(exist_ok=True)
    renderSVG.drawToFile(drawing, str(CHART))


def main() -> int:
    """Runs one step, or all."""
    if sys.argv[1:2] == ["--step"]:
        name, root, *numbers = sys.argv[2:]
        json.dump(STEPS[name](Path(root), *map(int, numbers)), sys.stdout)
        return 0
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--size", type=int, default=SMALL)
    options.add_argument("--night", type=int, default=0, help="also a night of so many new pages")
    options.add_argument("--keep", action="store_true", help="into docs/national.csv and the chart")
    options.add_argument("--report", action="store_true", help="only print; exit code 0")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="gongkai-national-") as folder:
        row = measure(Path(folder), chosen.size)
        told = night(Path(folder), chosen.night, chosen.size) if chosen.night else {}
    if chosen.keep:
        remember(row)
    kept = _show(row, told)
    return 0 if kept or chosen.report else 1


def _show(row: dict[str, float], told: dict[str, float]) -> bool:
    table = Table("what", "measured", "bound", "", title=f"{row['pages']:,.0f} pages, CPU time")
    ended = []

    def bound(what: str, measured: float, most: float, unit: str) -> None:
        ended.append(measured <= most)
        said = "ok" if ended[-1] else "MISSED"
        table.add_row(what, f"{measured:,.2f} {unit}", f"≤ {most:,g} {unit}", said)

    for name in ("archive", "parse", "account"):
        each = row[f"{name}_ms"]
        table.add_row(name, f"{each:.2f} ms a page · {1000 / each:,.0f} pages a CPU second")
    for name in ("publish", "publish_again"):
        each = row[f"{name}_s"]
        table.add_row(name, f"{each:.0f} s · {row['pages'] / each:,.0f} pages a CPU second")
    for name in ("readings", "database"):
        table.add_row(f"{name}", f"{row[f'{name}_bytes']:,.0f} bytes a report")
    bound("the whole archive read again", row["reread_ms"], 4, "ms a page")
    if row["pages"] > SMALL:
        times = row["reread_ms"] / row["reread_small_ms"]
        bound(f"… against {SMALL:,} pages of it, before and after", times, 1.15, "x")
    bound("peak memory of any process", row["peak_mb"], 3000, "MB")
    bound("archive", row["archive_bytes"] / 1000, 25, "KB a page")
    if told:
        bound("a night of new pages, by the clock", told["night_wall"], 180, "s")
        bound("orchestration and tools (one page, small warehouse)", told["tools_cpu"], 40, "s")
        table.add_row("one page more on top of all", f"{told['one_cpu']:.0f} s of CPU")
        table.add_row("the night in all", f"{told['night_cpu']:.0f} s of CPU")
    Console().print(table)
    return all(ended)


if __name__ == "__main__":
    sys.exit(main())
