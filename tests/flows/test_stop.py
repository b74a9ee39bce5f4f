"""`gongkai stop`: a run under way sends no further request and ends with its accounts closed."""

from __future__ import annotations

import json
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import duckdb
import pytest

from tests import nights
from tests.publisher.demo import demo
from tests.publisher.server import Server

pytestmark = pytest.mark.slow


def test_a_stopped_run_accounts_for_what_it_has_and_publishes_it(tmp_path: Path, api: str) -> None:
    site = demo()
    host = "www.dinghai.gov.cn"
    urls = sorted(u for u, t in site.truth.items() if host in u and t.outcome == "parsed")
    last_asked, rest = urls[4], urls[5:]
    warehouse = tmp_path / "w"

    def stopping(handler: BaseHTTPRequestHandler) -> None:
        ended = nights.gongkai("stop", "--reason", "an exercise", "--warehouse", str(warehouse))
        assert ended.code == 0, ended.err
        page = site.pages[last_asked]
        handler.send_response(200)
        handler.send_header("Content-Type", str(page.content_type))
        handler.send_header("Content-Length", str(len(page.body)))
        handler.end_headers()
        handler.wfile.write(page.body)

    pages = site.pages | {last_asked: replace(site.pages[last_asked], behave=stopping)}
    sources = nights.write_sources(site, tmp_path / "sources.csv", only="dinghai")
    with Server(pages) as server:
        words = ("run", "--sources", str(sources), "--warehouse", str(warehouse))
        ended = nights.gongkai(*words, resolve=server.resolve, api=api)
        asked = [r.path for r in server.requests_of(host)]
    assert ended.code == 0, ended.err
    assert "an exercise" in ended.out
    assert asked[-1] == last_asked.removeprefix(f"http://{host}")
    run = json.loads(next(warehouse.glob("runs/*/run.json")).read_text())
    assert run["counts"]["skipped"] >= len(rest) > 3
    assert run["counts"]["parsed"] == 5
    with duckdb.connect(str(warehouse / "gongkai.duckdb"), read_only=True) as db:
        told = db.execute("select code, message from failures where code = 'stopped'").fetchall()
        assert told == [("stopped", "told to stop (`gongkai stop`): an exercise")]
        assert db.execute("select count(*) > 0 from national_fact").fetchall() == [(True,)]
    ended = nights.gongkai("stop", "--off", "--warehouse", str(warehouse))
    assert "an exercise" in ended.out
    assert not (warehouse / "stop").exists()
