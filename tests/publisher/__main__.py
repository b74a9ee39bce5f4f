"""`python -m tests.publisher`: serves the demo site until it is interrupted."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path

from tests.publisher.demo import demo
from tests.publisher.server import Server
from tests.publisher.trouble import trouble


def main() -> None:
    """Parses the options, serves, and says where."""
    parser = argparse.ArgumentParser(prog="python -m tests.publisher", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--seed", type=int, default=1, help="other figures on the same pages")
    parser.add_argument("--change", action="store_true", help="the site as on the second night")
    parser.add_argument("--sources", type=Path, help="also write the sources file here")
    parser.add_argument("--trouble", action="store_true", help="the site where all goes wrong")
    options = parser.parse_args()
    site = trouble() if options.trouble else demo(options.seed, change=options.change)
    if options.sources:
        options.sources.write_text(site.sources_csv(), encoding="utf-8")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with Server(site.pages, port=options.port) as server:
        print(f"listening on {server.address}", flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
