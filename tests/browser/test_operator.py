"""The operator's morning in a real browser, and `gongkai serve` from its start to its end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from flows.server import free_port, healthy
from tests import nights
from tests.browser.pictures import picture, taken
from tests.browser.planted import Planted, plant
from tests.publisher.server import Server
from tests.receivers import Received, receivers

pytestmark = [pytest.mark.slow, pytest.mark.browser]

PATIENCE = 30_000  # ms; the machine may be busy


@dataclass
class Served:
    """A warehouse under `gongkai serve`, and who is told of alerts."""

    base: str
    warehouse: Path
    process: subprocess.Popen[str]
    told: Received
    planted: list[Planted]
    ids: dict[str, str] = field(default_factory=dict)  # runs that tests started

    def api(self, path: str, **body: object) -> Any:
        """One request to the Prefect API."""
        request = urllib.request.Request(
            f"{self.base}/api{path}",
            data=json.dumps(body).encode() if body else None,
            headers={"content-type": "application/json"},
        )
        for _ in range(20):
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code != 503:  # SQLite is busy; Prefect's own clients try again too
                    raise
                time.sleep(1)
        raise AssertionError(f"{path}: the server was too busy for 20 s")

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
    site, planted = plant()
    sources = nights.write_sources(site, warehouse.parent / "sources.csv")
    wanted = [r for r in sources.read_text().splitlines() if "dinghai" in r or "linan-zjj" in r]
    header = sources.read_text().splitlines()[0]
    sources.write_text("\n".join([header, *wanted]) + "\n")
    words = ("serve", "--port", str(port), "--warehouse", str(warehouse))
    with Server(site.pages) as publisher, receivers() as told:
        _kill_a_run(warehouse, sources, publisher.resolve)
        told.alerts_toml(
            warehouse / "alerts.toml",
            f'ui_url = "http://127.0.0.1:{port}"',
            "[thresholds]",
            "failures_at_least = 3",
            "failures_times = 0.5",
        )
        options = ("--sources", str(sources))
        with nights.started(*words, *options, resolve=publisher.resolve) as process:
            base = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + 120
            while not healthy(f"{base}/api"):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.3)
            yield Served(base, warehouse, process, told, planted)


def _kill_a_run(warehouse: Path, sources: Path, resolve: str) -> None:
    """A run that is killed while it works, with the server it had started for itself."""
    before = set(warehouse.glob("runs/*"))
    words = ("run", "--sources", str(sources), "--warehouse", str(warehouse))
    with nights.started(*words, resolve=resolve) as run:
        deadline = time.monotonic() + 120
        while set(warehouse.glob("runs/*")) == before:
            assert run.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.kill(run.pid, signal.SIGKILL)
        run.wait(30)
        while [line for line in nights.left_running(warehouse) if "flows.server" in line]:
            assert time.monotonic() < deadline  # it ends by itself, its parent being gone
            time.sleep(0.2)


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
    """A picture of Prefect's own pages, which are as the locked version draws them."""
    if os.environ.get("GONGKAI_SCREENSHOTS") == "1":
        page.wait_for_timeout(1500)  # the timeline draws itself in
        taken(page, name)


def _whole(page: Page, name: str) -> None:
    """A picture of a page of ours from its top to its end."""
    before = page.viewport_size
    page.set_viewport_size({"width": 1400, "height": 1700})
    picture(page, name)
    if before:
        page.set_viewport_size(before)


def test_a_rejected_night_looks_different_from_a_clean_one(page: Page, served: Served) -> None:
    page.goto(f"{served.base}/runs")
    expect(page.get_by_text("CompletedWithRejections", exact=True).first).to_be_visible(
        timeout=PATIENCE
    )
    expect(page.get_by_text("Completed", exact=True).first).to_be_visible()
    names = {run["name"]: run["state_name"] for run in served.runs()}
    assert all(re.fullmatch(r"nightly \d{4}-\d\d-\d\d", name) for name in names)


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


def test_a_killed_run_is_marked_so(page: Page, served: Served) -> None:
    """Its server died with it; the next that starts on the warehouse tells what became of it."""
    page.goto(f"{served.base}/runs")
    expect(page.get_by_text("Crashed", exact=True).first).to_be_visible(timeout=PATIENCE)
    dead = [run for run in served.runs() if run["state_name"] == "Crashed"]
    assert len(dead) == 1
    page.goto(f"{served.base}/runs/flow-run/{dead[0]['id']}")
    expect(page.get_by_text("Crashed", exact=True).first).to_be_visible(timeout=PATIENCE)
    page.get_by_text("Details", exact=True).click()
    expect(page.get_by_text(re.compile("ended without a word")).first).to_be_visible(
        timeout=PATIENCE
    )
    _picture(page, "dead-run")
    still: list[dict[str, Any]] = served.api(
        "/flow_runs/filter", flow_runs={"state": {"type": {"any_": ["RUNNING"]}}}
    )
    assert still == []


def test_the_schedule_is_there_and_two_nights_never_overlap(served: Served) -> None:
    found: list[dict[str, Any]] = []
    for _ in range(100):  # the runner registers its deployment a moment after the server is up
        found = served.api("/deployments/filter", limit=10, sort="NAME_ASC")
        if len(found) == 2:
            break
        time.sleep(0.3)
    deployment, replay = found
    assert [deployment["name"], replay["name"]] == ["nightly", "replay"]
    for parameter in ("sources", "warehouse", "alerts"):
        assert deployment["parameter_openapi_schema"]["properties"][parameter]["description"]
    assert "no_tables" in replay["parameter_openapi_schema"]["properties"]["reason"]["enum"]
    assert deployment["tags"] == replay["tags"] == ["gongkai"]
    (schedule,) = deployment["schedules"]
    assert schedule["active"]
    assert schedule["schedule"]["cron"] == "0 2 * * *"
    assert schedule["schedule"]["timezone"] == "Asia/Shanghai"
    assert deployment["global_concurrency_limit"]["limit"] == 1
    assert deployment["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    assert deployment["parameters"]["warehouse"] == str(served.warehouse)


def test_a_night_started_from_the_ui_runs_and_a_second_is_cancelled(
    page: Page, served: Served
) -> None:
    deployment = served.api("/deployments/name/nightly/nightly")
    page.goto(f"{served.base}/deployments/deployment/{deployment['id']}/run")
    page.get_by_role("button", name="Submit").click()
    first = _newest(served, deployment["id"])
    _wait_for(served, first, {"RUNNING"})
    path = f"/deployments/{deployment['id']}/create_flow_run"
    second = served.api(path, state={"type": "SCHEDULED"})["id"]
    cancelled = _wait_for(served, second, {"CANCELLED"})
    assert "concurrency" in str(cancelled["state"]["message"]).lower()
    ended = _wait_for(served, first, {"COMPLETED"})
    assert ended["state"]["message"].endswith("10 discovered")
    served.ids["night"] = first


def _newest(served: Served, deployment_id: str) -> str:
    """The run that was made last of a deployment, apart from those of its schedule."""
    deadline = time.monotonic() + 60
    while True:
        found = served.api(
            "/flow_runs/filter",
            flow_runs={"deployment_id": {"any_": [deployment_id]}},
            sort="ID_DESC",
        )
        if by_hand := [run for run in found if not run["auto_scheduled"]]:
            return str(by_hand[0]["id"])
        assert time.monotonic() < deadline
        time.sleep(0.3)


def test_its_progress_is_there_to_see(page: Page, served: Served) -> None:
    page.goto(f"{served.base}/artifacts/key/progress-parsing")
    expect(page.get_by_text(re.compile("Parsing: .* documents in .* s")).first).to_be_visible(
        timeout=PATIENCE
    )
    runs = served.api("/task_runs/filter", flow_runs={"id": {"any_": [served.ids["night"]]}})
    assert any(re.match(r"parse batch 1 of \d+, \d+ documents", run["name"]) for run in runs)


def test_an_operator_finds_three_planted_failures_from_the_ui_alone(
    page: Page, served: Served
) -> None:
    """From the list of runs by clicking; only the UI says what is wrong and where."""
    page.goto(f"{served.base}/runs")
    page.get_by_text("Hide subflows").click()
    page.locator(f"a[href='/runs/flow-run/{served.ids['night']}']").first.click()
    page.get_by_text("Artifacts", exact=True).click()
    page.get_by_text("totals, and whether they close").click()
    expect(page.get_by_text("Out of the ordinary")).to_be_visible(timeout=PATIENCE)
    alerts = page.locator("li").all_inner_texts()
    assert any("failures-jumped" in a for a in alerts)
    assert any("source-silent" in a and "linan-zjj (" in a for a in alerts)
    assert any("listing-shrank" in a and "dinghai (17 → 10)" in a for a in alerts)
    by_reason = _table(page, "By reason")
    assert by_reason["rejected", "unknown_label"][:3] == ["1", "1", "0"]
    assert by_reason["rejected", "cut_off"][:3] == ["1", "1", "0"]
    by_province = _table(page, "By province")
    assert any(key[0] == "浙江省" and key[1] == "3" for key in by_province)
    _whole(page, "night-page")
    for planted in served.planted:
        row = page.locator("tr", has=page.locator(f"a[href='{planted.url}']"))
        with page.context.expect_page() as opened:
            row.get_by_role("link", name="open").click()
        document = opened.value
        expect(document.locator(".badge")).to_contain_text(planted.code, timeout=PATIENCE)
        expect(document.locator("dl").first).to_contain_text(planted.unit)
        assert document.get_by_role("link", name="The live page").get_attribute("href") == (
            planted.url
        )
        marked = [text.strip() for text in document.locator(".place").all_inner_texts()]
        assert marked == ([planted.culprit] if planted.culprit else [])
        expect(document.get_by_text("What to do:")).to_be_visible()
        with document.context.expect_page() as raw:
            document.get_by_role("link", name="The document as received").click(
                modifiers=["Control"]
            )
        expect(raw.value.get_by_text("总体情况").first).to_be_visible(timeout=PATIENCE)
        if planted.code == "unknown_label":
            _whole(document, "snapshot")
        raw.value.close()
        document.close()


def _table(page: Page, heading: str) -> dict[tuple[str, str], list[str]]:
    """The rows of the table below a heading: their first two cells, and the others."""
    table = page.locator(f"xpath=//h2[normalize-space()='{heading}']/following::table[1]")
    rows: list[list[str]] = table.locator("tbody tr").evaluate_all(
        "rows => rows.map(r => [...r.cells].map(c => c.innerText.trim()))"
    )
    return {(row[0], row[1]): row[2:] for row in rows}


def test_those_of_one_reason_are_read_again_from_the_page(page: Page, served: Served) -> None:
    page.goto(f"{served.base}/runs/flow-run/{served.ids['night']}")
    page.get_by_text("Artifacts", exact=True).click()
    page.get_by_text("totals, and whether they close").click()
    row = page.locator("tr", has_text="unknown_label").filter(has_text="read them again")
    with page.context.expect_page() as opened:
        row.get_by_role("link", name="read them again").click()
    form = opened.value
    expect(form.get_by_text("unknown_label")).to_be_visible(timeout=PATIENCE)
    _picture(form, "replay")
    form.get_by_role("button", name="Submit").click()
    deployment = served.api("/deployments/name/replay/replay")
    ended = _wait_for(served, _newest(served, deployment["id"]), {"COMPLETED"})
    assert re.fullmatch(r"replay \d{4}-\d\d-\d\d", ended["name"])
    assert ended["parameters"]["reason"] == "unknown_label"
    assert ended["state"]["message"].endswith("; 1 discovered")


def test_alerts_reach_the_web_hook_and_the_mailbox(served: Served) -> None:
    """Sent by Prefect's own automations when the night ended (and when the dead run was marked)."""
    subjects = {
        "gongkai: Many more failures than on other nights",
        "gongkai: A source has gone silent",
        "gongkai: A listing has shrunk",
    }
    told = served.told
    told.wait(lambda: subjects <= {post["subject"] for post in told.posts})
    told.wait(lambda: subjects <= {str(mail["subject"]) for mail in told.mails})
    (shrunk,) = [p for p in told.posts if p["subject"] == "gongkai: A listing has shrunk"]
    assert "dinghai (17 → 10)" in shrunk["message"]
    assert shrunk["url"] == f"{served.base}/runs/flow-run/{served.ids['night']}"
    (mail,) = [m for m in told.mails if m["subject"] == "gongkai: A listing has shrunk"]
    assert "dinghai (17 → 10)" in mail.get_content()
    assert "ops@example.org" in str(mail["to"])
    (died,) = [p for p in told.posts if p["subject"] == "gongkai: A run has died"]
    assert "ended without a word" in died["message"]
    (dead,) = [run["id"] for run in served.runs() if run["state_name"] == "Crashed"]
    assert died["url"] == f"{served.base}/runs/flow-run/{dead}"


def _wait_for(served: Served, run_id: str, kinds: set[str]) -> dict[str, Any]:
    deadline = time.monotonic() + 400
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
    found = served.api("/deployments/filter", limit=10, sort="NAME_ASC")
    deployment, replay = [d for d in found if d["work_pool_name"]]
    assert replay["name"] == "replay"
    (schedule,) = deployment["schedules"]
    assert schedule["schedule"] | {"cron": "0 2 * * *"} == schedule["schedule"]
    assert schedule["schedule"]["timezone"] == "Asia/Shanghai"
    assert deployment["global_concurrency_limit"]["limit"] == 1
    assert deployment["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"


def test_serve_refuses_a_second_and_ends_without_orphans(served: Served) -> None:
    """The last of this file: it ends the server."""
    # a night that ended under a name of its own is not taken for dead when its heartbeats stop
    assert [run["state_name"] for run in served.runs()].count("Crashed") == 1
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
