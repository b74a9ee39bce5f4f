"""`make bench`: what the site costs. `python -m tests.bench_site 100000` for the full size.

A database that dbt builds from an empty archive is filled with made-up reports over the real
registry; building its site is timed.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from pathlib import Path
from time import monotonic

from rich.console import Console

from tasks import publish as publishing
from tasks.site import build
from tasks.store import Warehouse
from tests.site.synthetic import fill

REPORTS = 5_000


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def main() -> None:
    """Prints the time, the processor time, the memory and the size of a site."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else REPORTS
    with tempfile.TemporaryDirectory() as folder:
        place = Warehouse(Path(folder) / "w")
        place.ensure()
        publishing.publish(place)
        fill(place.database, wanted)
        began, used = monotonic(), _cpu()
        built = build(place.database, Path(folder) / "site")
        seconds, processor = monotonic() - began, _cpu() - used
        most = max(
            resource.getrusage(who).ru_maxrss
            for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        Console().print(
            f"site of {wanted:,} reports: {seconds:.0f} s ({processor:.0f} s of processor), "
            f"{built.files:,} files, {built.size / 1e6:,.0f} MB, "
            f"at most {most / 1024:,.0f} MB of memory in one process",
            highlight=False,
        )


if __name__ == "__main__":
    main()
