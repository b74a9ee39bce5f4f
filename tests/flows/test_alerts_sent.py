"""`gongkai alerts` against a real Prefect server, with receivers of our own on loopback."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests import nights
from tests.receivers import receivers

pytestmark = pytest.mark.slow

# What the end of a night that does not close looks like to the server.
_ENDS = """
from prefect import flow, get_client
from prefect.states import Completed, Failed, Running
@flow(name="nightly")
def nightly(): pass
with get_client(sync_client=True) as client:
    told = "3 documents discovered but without an outcome"
    failed = Failed(name="AccountingFailed", message=told)
    ends = [Completed(name="CompletedWithRejections"), failed]
    for state in ends:
        run = client.create_flow_run(nightly, name="nightly 2026-01-26", state=Running())
        client.set_flow_run_state(run.id, state, force=True)
from prefect.blocks.webhook import Webhook
Webhook(url="http://127.0.0.1:9/").save("gongkai-webhook-of-mine")
"""


def _blocks(api: str) -> list[str]:
    """The names of the server's blocks that may hold a recipient."""
    wanted = {"block_documents": {"name": {"like_": "gongkai-"}}}
    request = urllib.request.Request(
        f"{api}/block_documents/filter",
        json.dumps(wanted).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return [block["name"] for block in json.load(answer)]


def test_a_test_and_an_accounting_that_does_not_close_are_told(tmp_path: Path) -> None:
    warehouse = tmp_path / "w"
    warehouse.mkdir()
    where = ("--warehouse", str(warehouse))
    with nights.prefect(warehouse / ".prefect") as api, receivers() as told:
        nobody = nights.gongkai("alerts", "--test", *where, api=api)
        assert nobody.code == 2
        assert "names nobody" in nobody.err
        told.alerts_toml(warehouse / "alerts.toml", 'ui_url = "http://ops.example.org:4200"')
        sent = nights.gongkai("alerts", "--test", *where, api=api)
        assert sent.code == 0, sent.err
        assert "e-mail 值班 <ops@example.org>" in sent.out
        told.wait(lambda: len(told.posts) == 1 and len(told.mails) == 1)
        assert told.posts[0]["subject"] == "gongkai: A test of the alerts"
        subprocess.run(
            [sys.executable, "-c", _ENDS],
            env=nights.environment(PREFECT_API_URL=api, PREFECT_HOME=str(tmp_path / "client")),
            cwd=nights.CHECKOUT,
            check=True,
            timeout=120,
        )
        told.wait(lambda: len(told.posts) == 2 and len(told.mails) == 2)
        post, mail = told.posts[1], told.mails[1]
        assert post["subject"] == "gongkai: nightly 2026-01-26: AccountingFailed"
        assert post["message"] == "3 documents discovered but without an outcome"
        assert post["url"].startswith("http://ops.example.org:4200/runs/flow-run/")
        assert str(mail["subject"]) == post["subject"]
        assert post["message"] in mail.get_content()
        assert _blocks(api) == ["gongkai-email-1", "gongkai-webhook-1", "gongkai-webhook-of-mine"]
        (warehouse / "alerts.toml").write_text(f'[[webhook]]\nurl = "{told.hook}"')
        assert nights.gongkai("alerts", *where, api=api).code == 0
        assert _blocks(api) == ["gongkai-webhook-1", "gongkai-webhook-of-mine"]
        (warehouse / "alerts.toml").unlink()
        gone = nights.gongkai("alerts", *where, api=api)
        assert gone.code == 0
        assert "nobody" in gone.out
        assert "tell of" not in gone.out
        assert _blocks(api) == ["gongkai-webhook-of-mine"]
    without = nights.gongkai("alerts", *where)
    assert without.code == 2
    assert "gongkai serve" in without.err
