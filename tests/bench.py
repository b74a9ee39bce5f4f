"""`make bench`: what reading and archiving cost on this machine, beside the bounds set for it.

CPU time of one process; the pages are those of the bundled publisher.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import process_time

from rich.console import Console
from rich.table import Table

from tasks import parse, reports, snapshot
from tasks.records import Fetched
from tasks.report import read
from tasks.store import Warehouse
from tests.publisher.demo import demo
from tests.report.planted import CASES, plant

COPIES = 5


def cpu_seconds(work: Callable[[], object], times: int = 3) -> float:
    """The least CPU time of a few tries: the others were disturbed."""

    def once() -> float:
        began = process_time()
        work()
        return process_time() - began

    return min(once() for _ in range(times))


def main() -> int:
    """Measures and prints one table."""
    site = demo()
    chosen = [t for t in site.truth.values() if t.outcome == "parsed" and not t.attachment]
    bodies: dict[str, list[bytes]] = {}
    for truth in chosen:
        bodies.setdefault((truth.layout or "?").partition("/")[0], []).append(
            site.pages[truth.url].body
        )
    table = Table("work", "documents", "KB each", "cost", title="CPU time, one process")
    for layout, pages in sorted(bodies.items()):
        size = sum(map(len, pages)) / len(pages) / 1000
        seconds = cpu_seconds(lambda pages=pages: [read(page) for page in pages])  # type: ignore[misc]
        cost = f"{seconds / len(pages) * 1000:.2f} ms a document"
        table.add_row(f"read, layout {layout}", str(len(pages)), f"{size:.0f}", cost)
    with tempfile.TemporaryDirectory(prefix="gongkai-bench-") as folder:
        _archive(
            table, Warehouse(Path(folder)), [page for pages in bodies.values() for page in pages]
        )
    Console().print(table)
    Console().print(_repairs())
    return 0


def _repairs() -> Table:
    """What the search for repairs makes of planted errors, and what it costs."""
    table = Table("errors planted", "reports", "outcome", "cost", title="Repairs (CPU time)")
    for section, errors, error, blanks in CASES:
        rates = plant(section, errors, error, blanks=blanks, reports=100)
        told = ", ".join(f"{n} {what}" for what, n in rates.counts.most_common())
        table.add_row(
            f"{errors} × {error.__name__} in {section}, {blanks:.0%} blank",
            "100",
            told,
            f"{rates.milliseconds:.2f} ms a report",
        )
    return table


def _archive(table: Table, warehouse: Warehouse, pages: list[bytes]) -> None:
    warehouse.ensure()
    rows = [_fetched(n, page) for n, page in enumerate(pages * COPIES)]
    known: dict[str, str] = {}
    began = process_time()
    (part,) = snapshot.append(warehouse, "bench", rows, known)
    _rate(table, "archive write", len(rows), process_time() - began)
    _rate(table, "archive state", len(rows), cpu_seconds(lambda: snapshot.known(warehouse)))
    began = process_time()
    readings = parse.read_part(part)
    reports.write(warehouse, part.name, readings)
    _rate(table, "write readings (parent process)", len(readings), process_time() - began)


def _fetched(number: int, page: bytes) -> Fetched:
    body = page + b"\n<!-- %d -->" % number  # every snapshot is another
    url = f"http://www.bench.gov.cn/{number}.html"
    return Fetched(
        document_id=url,
        url=url,
        final_url=url,
        fetched_at=datetime(2026, 1, 26, tzinfo=UTC),
        official=True,
        http_status=200,
        content_type="text/html",
        snapshot_id=snapshot.snapshot_id_of(body),
        size=len(body),
        body=body,
    )


def _rate(table: Table, work: str, documents: int, seconds: float) -> None:
    table.add_row(work, str(documents), "", f"{documents / max(seconds, 1e-6):,.0f} a second")


if __name__ == "__main__":
    sys.exit(main())
