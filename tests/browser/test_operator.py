"""The operator's morning in a real browser, and `gongkai serve` from its start to its end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from flows.server import free_port, healthy
from tests import nights
from tests.publisher.demo import demo
from tests.publisher.server import Server

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(420)]

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 30_000  # ms; the machine may be busy


@dataclass
class Served:
    """A warehouse under `gongkai serve`."""

    base: str
    warehouse: Path
    process: subprocess.Popen[str]

    def api(self, path: str, **body: object) -> Any:
        """One request to the Prefect API."""
        request = urllib.request.Request(
            f"{self.base}/api{path}",
            data=json.dumps(body).encode() if body else None,
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def runs(self) -> list[dict[str, Any]]:
        """The nightly runs, oldest first."""
        flows = {"name": {"any_": ["nightly"]}}
        found: list[dict[str, Any]] = self.api(
            "/flow_runs/filter", flows=flows, sort="START_TIME_ASC"
        )
        return [run for run in found if run["start_time"]]


@pytest.fixture(scope="module")
def served(chain: nights.Chain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    warehouse = chain.copy(chain.last, tmp_path_factory.mktemp("served") / "w")
    port = free_port()
    site = demo(change=True)
    sources = nights.write_sources(site, warehouse.parent / "sources.csv", only="dinghai")
    words = ("serve", "--port", str(port), "--warehouse", str(warehouse))
    with (
        Server(site.pages) as publisher,
        nights.started(*words, "--sources", str(sources), resolve=publisher.resolve) as process,
    ):
        base = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 120
        while not healthy(f"{base}/api"):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.3)
        yield Served(base, warehouse, process)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert Path(CHROMIUM).exists(), "no Chromium: `make browser` installs it"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser, served: Served) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, locale="en-GB")
    context.set_default_timeout(PATIENCE)
    opened = context.new_page()
    outside: list[str] = []
    opened.on("request", lambda r: outside.append(r.url) if served.base not in r.url else None)
    yield opened
    context.close()
    assert not [url for url in outside if url.startswith("http")], "the UI asked another host"


def _picture(page: Page, name: str) -> None:
    if os.environ.get("GONGKAI_SCREENSHOTS") == "1":
        folder = nights.CHECKOUT / "docs" / "images"
        folder.mkdir(parents=True, exist_ok=True)
        page.wait_for_timeout(1500)  # the timeline draws itself in
        page.screenshot(path=folder / f"{name}.png")


def test_a_rejected_night_looks_different_from_a_clean_one(page: Page, served: Served) -> None:
    page.goto(f"{served.base}/runs")
    expect(page.get_by_text("CompletedWithRejections", exact=True).first).to_be_visible(
        timeout=PATIENCE
    )
    expect(page.get_by_text("Completed", exact=True).first).to_be_visible()
    names = {run["name"]: run["state_name"] for run in served.runs()}
    assert all(re.fullmatch(r"nightly \d{4}-\d\d-\d\d", name) for name in names)
    page.get_by_text("Hide subflows").click()
    _picture(page, "runs")


def test_the_rejected_documents_are_listed_with_reason_unit_link_and_snapshot(
    page: Page, served: Served
) -> None:
    night = served.runs()[0]
    page.goto(f"{served.base}/runs/flow-run/{night['id']}")
    page.get_by_text("Task Runs", exact=True).click()
    rejected = page.get_by_text(re.compile("^rejected no_tables: .*年度报告$"))
    expect(rejected.first).to_be_visible(timeout=PATIENCE)
    _picture(page, "night")
    page.get_by_text("Artifacts", exact=True).click()
    page.get_by_text("every document that was rejected, failed or quarantined").click()
    rows = page.locator("tr", has_text="rejected").filter(has_text="no_tables")
    expect(rows.first).to_be_visible(timeout=PATIENCE)
    text = rows.first.inner_text()
    assert re.search(r"[\u4e00-\u9fff]{3,}", text), "no unit"
    assert "without the tables" in text, "no reason in plain words"
    snapshot = re.search(r"\b[0-9a-f]{64}\b", text)
    assert snapshot is not None, "no snapshot"
    link = rows.first.locator("a[href*='.gov.cn']")
    assert str(link.first.get_attribute("href")).startswith("http://www.")
    assert page.locator("tr", has_text="quarantined").count() >= 1
    assert page.locator("tr", has_text="404").count() >= 1
    _picture(page, "failures")
    shown = nights.gongkai("parse", snapshot[0], "--warehouse", str(served.warehouse))
    assert shown.code == 3
    assert "no_tables" in shown.out


def test_the_totals_of_the_night_are_there_and_close(page: Page, served: Served) -> None:
    night = served.runs()[0]
    page.goto(f"{served.base}/runs/flow-run/{night['id']}")
    page.get_by_text("Artifacts", exact=True).click()
    page.get_by_text("totals, and whether they close").click()
    expect(page.get_by_text("the sum closes")).to_be_visible(timeout=PATIENCE)
    rows: list[list[str]] = page.locator("tr").evaluate_all(
        "rows => rows.map(r => [...r.cells].map(c => c.innerText.trim()))"
    )
    shown = {row[0]: row[1] for row in rows if len(row) == 3}
    first = min(served.warehouse.glob("runs/*/run.json"))
    counts = json.loads(first.read_text())["counts"]
    total = counts.pop("discovered")
    assert shown.pop("sum") == str(total) == str(sum(counts.values()))
    assert {name: shown[name] for name in counts} == {k: str(n) for k, n in counts.items()}
    _picture(page, "totals")


def test_a_failure_opens_with_all_one_needs(page: Page, served: Served) -> None:
    night = served.runs()[0]
    page.goto(f"{served.base}/runs/flow-run/{night['id']}")
    page.get_by_text("Task Runs", exact=True).click()
    page.get_by_text(re.compile("^rejected no_tables: .*年度报告$")).first.click()
    page.wait_for_url("**/task-run/**")
    expect(page.get_by_text("the headings of a report stand there").first).to_be_visible(
        timeout=PATIENCE
    )  # its log opens first
    page.get_by_text("Artifacts", exact=True).click()
    page.get_by_text("without the tables").first.click()
    for words in ("Unit:", "Page:", "Place:", "Snapshot:", "gongkai parse"):
        expect(page.get_by_text(words).first).to_be_visible(timeout=PATIENCE)
    _picture(page, "failure")


def test_the_schedule_is_there_and_two_nights_never_overlap(served: Served) -> None:
    found: list[dict[str, Any]] = []
    for _ in range(100):  # the runner registers its deployment a moment after the server is up
        found = served.api("/deployments/filter", limit=10)
        if found:
            break
        time.sleep(0.3)
    (deployment,) = found
    assert deployment["name"] == "nightly"
    (schedule,) = deployment["schedules"]
    assert schedule["active"]
    assert schedule["schedule"]["cron"] == "0 2 * * *"
    assert schedule["schedule"]["timezone"] == "Asia/Shanghai"
    assert deployment["global_concurrency_limit"]["limit"] == 1
    assert deployment["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    assert deployment["parameters"]["warehouse"] == str(served.warehouse)
    assert "sources" in deployment["parameter_openapi_schema"]["properties"]


def test_a_night_started_from_the_ui_runs_and_a_second_is_cancelled(served: Served) -> None:
    (deployment,) = served.api("/deployments/filter", deployments={"tags": {"all_": ["gongkai"]}})
    path = f"/deployments/{deployment['id']}/create_flow_run"
    scheduled = {"state": {"type": "SCHEDULED"}}
    first = served.api(path, **scheduled)["id"]
    _wait_for(served, first, {"RUNNING"})
    second = served.api(path, **scheduled)["id"]
    cancelled = _wait_for(served, second, {"CANCELLED"})
    assert "concurrency" in str(cancelled["state"]["message"]).lower()
    ended = _wait_for(served, first, {"COMPLETED"})
    assert ended["state"]["message"].endswith("17 discovered")


def _wait_for(served: Served, run_id: str, kinds: set[str]) -> dict[str, Any]:
    deadline = time.monotonic() + 150
    while True:
        run: dict[str, Any] = served.api(f"/flow_runs/{run_id}")
        if run["state_type"] in kinds:
            return run
        assert run["state_type"] not in {"FAILED", "CRASHED"}, run["state"]
        assert time.monotonic() < deadline, run["state"]
        time.sleep(0.3)


def test_prefect_yaml_makes_the_same_deployment(served: Served) -> None:
    prefect = [sys.executable, "-m", "prefect", "--no-prompt"]
    settings = nights.environment(
        PREFECT_API_URL=f"{served.base}/api",
        PREFECT_HOME=str(served.warehouse.parent / "client"),
        GONGKAI_CHECKOUT=str(nights.CHECKOUT),
    )
    for words in (["work-pool", "create", "gongkai", "--type", "process"], ["deploy", "--all"]):
        done = subprocess.run(
            [*prefect, *words],
            cwd=nights.CHECKOUT,
            env=settings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    pooled = [d for d in served.api("/deployments/filter", limit=10) if d["work_pool_name"]]
    (deployment,) = pooled
    (schedule,) = deployment["schedules"]
    assert schedule["schedule"] | {"cron": "0 2 * * *"} == schedule["schedule"]
    assert schedule["schedule"]["timezone"] == "Asia/Shanghai"
    assert deployment["global_concurrency_limit"]["limit"] == 1
    assert deployment["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"


def test_serve_refuses_a_second_and_ends_without_orphans(served: Served) -> None:
    """The last of this file: it ends the server."""
    where = ("--warehouse", str(served.warehouse))
    second = nights.gongkai("serve", "--port", str(free_port()), *where)
    assert second.code == 2
    assert served.base in second.err
    assert len(second.err.strip().splitlines()) == 1
    served.process.send_signal(signal.SIGTERM)
    served.process.wait(60)
    for _ in range(50):
        if not (left := nights.left_running(served.warehouse)):
            break
        time.sleep(0.2)
    assert left == []
    assert not healthy(f"{served.base}/api")
