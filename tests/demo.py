"""`make run`: one night against the bundled publisher, on this machine alone.

The first time the publisher serves the site as it is; when the demo warehouse exists already, it
serves the site of a later day, so that the second run shows what an ordinary night does: fetch what
changed and leave the rest.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from tests.publisher.demo import demo
from tests.publisher.server import Server

CHECKOUT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Serves the demo site for the length of one `gongkai run`; returns its exit code."""
    warehouse = Path(os.environ.get("GONGKAI_DEMO_WAREHOUSE") or CHECKOUT / "warehouse" / "demo")
    again = (warehouse / "gongkai.duckdb").exists()
    site = demo(change=again)
    warehouse.mkdir(parents=True, exist_ok=True)
    sources = warehouse / "sources.csv"
    sources.write_text(site.sources_csv(), encoding="utf-8")
    print(
        "The bundled publisher serves the site of a later day: some pages are new, some changed."
        if again
        else "The bundled publisher serves a small site of four counties on this machine.",
        flush=True,
    )
    with Server(site.pages) as server:
        environment = {**os.environ, "GONGKAI_RESOLVE": server.resolve}
        environment.setdefault("GONGKAI_DELAY", "0.05")  # real sites get a second of pause
        command = [sys.executable, "-m", "flows.cli", "run"]
        command += ["--sources", str(sources), "--warehouse", str(warehouse)]
        child = subprocess.Popen(command, cwd=CHECKOUT, env=environment)
        try:
            code = child.wait()
        except KeyboardInterrupt:
            code = child.wait(60)  # Ctrl-C reached it too: it stops its server and ends
    if not again and code == 0:
        print("\nRun `make run` again: the site will have changed, and only that is fetched.")
    return code


if __name__ == "__main__":
    assert threading.current_thread() is threading.main_thread()
    sys.exit(main())
