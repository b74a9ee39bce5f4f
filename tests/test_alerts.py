"""When a night is out of the ordinary, and what an alerts file may say."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from flows import alerting
from tasks.alerts import Thresholds, alerts
from tasks.files import write_table
from tasks.records import BadInput
from tasks.schemas import DISCOVERED_SCHEMA
from tasks.store import Warehouse
from tests import nights

MAIL = "[[email]]\nhost = 'x'\nsender = 'a@b'\n"


def _night(
    warehouse: Warehouse, day: int, listed: dict[str, int], failures: int = 0, kind: str = "nightly"
) -> str:
    """A finished run: how many documents each source named, and how many failed."""
    run_id = f"202601{day:02d}T180000Z-{kind}-0000"
    folder = warehouse.run_folder(run_id)
    folder.mkdir(parents=True)
    sources = [source for source, n in listed.items() for _ in range(n)]
    rows: dict[str, list[str | None]] = {
        name: [None] * len(sources) for name in DISCOVERED_SCHEMA.names
    }
    rows["run_id"] = [run_id] * len(sources)
    rows["document_id"] = [f"http://x/{i}" for i in range(len(sources))]
    rows["source_id"] = [*sources]
    write_table(folder / "discovered.parquet", pa.table(rows, schema=DISCOVERED_SCHEMA))
    record = {
        "kind": kind,
        "started_at": f"2026-01-{day:02d}T18:00:00Z",
        "counts": {"rejected": failures, "failed": 0},
    }
    (folder / "run.json").write_text(json.dumps(record))
    return run_id


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    place = Warehouse(tmp_path / "w")
    place.ensure()
    return place


def test_a_first_night_and_an_ordinary_one_raise_nothing(warehouse: Warehouse) -> None:
    first = _night(warehouse, 1, {"a": 50, "b": 10}, failures=400)
    assert alerts(warehouse, first, ["a", "b"]) == []
    second = _night(warehouse, 2, {"a": 49, "b": 11}, failures=12)
    assert alerts(warehouse, second, ["a", "b"]) == []


@pytest.mark.parametrize(("failures", "told"), [(24, False), (25, True), (9, False)])
def test_a_jump_is_told_against_the_median_of_the_nights_before(
    warehouse: Warehouse, failures: int, told: bool
) -> None:
    for day, before in enumerate([12, 400, 12], 1):
        _night(warehouse, day, {"a": 50}, failures=before)
    night = _night(warehouse, 9, {"a": 50}, failures=failures)
    found = alerts(warehouse, night, ["a"])
    assert [a.kind for a in found] == (["failures-jumped"] if told else [])
    if told:
        assert "25 documents" in found[0].message
        assert "median of the last 3 nights is 12" in found[0].message


def test_few_failures_are_no_jump_however_few_there_were(warehouse: Warehouse) -> None:
    _night(warehouse, 1, {"a": 50}, failures=0)
    night = _night(warehouse, 2, {"a": 50}, failures=9)
    assert alerts(warehouse, night, ["a"]) == []
    assert alerts(warehouse, night, ["a"], Thresholds(failures_at_least=5)) != []


def test_a_silent_source_is_told_every_night_until_it_is_taken_off(warehouse: Warehouse) -> None:
    _night(warehouse, 1, {"a": 50, "b": 10})
    for day in (2, 3):
        night = _night(warehouse, day, {"a": 50})
        (found,) = alerts(warehouse, night, ["a", "b", "never-spoke"])
        assert found.kind == "source-silent"
        assert found.message == ("1 source named no report tonight: b (10 reports on 2026-01-01)")
    assert alerts(warehouse, night, ["a"]) == []


def test_a_listing_that_lost_entries_is_told_while_the_longer_one_is_compared_with(
    warehouse: Warehouse,
) -> None:
    _night(warehouse, 1, {"a": 50, "b": 4})
    for day in (2, 3):
        night = _night(warehouse, day, {"a": 40, "b": 2})
        (found,) = alerts(warehouse, night, ["a", "b"])
        assert found.kind == "listing-shrank"
        assert found.message == "1 source lost entries of their listing: a (50 → 40)"
    assert alerts(warehouse, night, ["a", "b"], Thresholds(nights=1)) == []


def test_a_listing_that_shrinks_slowly_is_told(warehouse: Warehouse) -> None:
    told = {}
    for day, entries in enumerate(range(50, 38, -1), 1):
        night = _night(warehouse, day, {"a": entries})
        told[entries] = [alert.message for alert in alerts(warehouse, night, ["a"])]
    assert {entries for entries, messages in told.items() if messages} == {40, 39}
    assert told[39] == ["1 source lost entries of their listing: a (50 → 39)"]


def test_a_replay_in_between_is_no_night(warehouse: Warehouse) -> None:
    _night(warehouse, 1, {"a": 50})
    replay = _night(warehouse, 2, {"a": 1}, kind="replay")
    night = _night(warehouse, 3, {"a": 50})
    assert alerts(warehouse, night, ["a"]) == []
    with pytest.raises(ValueError, match="no finished night"):
        alerts(warehouse, replay, ["a"])


def test_without_a_file_nobody_is_told(warehouse: Warehouse) -> None:
    settings = alerting.load(warehouse)
    assert settings.recipients == []
    assert settings.thresholds == Thresholds()
    with pytest.raises(BadInput, match="cannot be read"):
        alerting.load(warehouse, warehouse.root / "other.toml")


def test_a_whole_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_TOKEN", "s3cret")
    monkeypatch.setenv("SMTP_PASSWORD", "p@ss word")
    settings = alerting.parse(
        """
        ui_url = "http://ops.example.org:4200"
        missing_night_hours = 26
        [thresholds]
        shrank_by = 0.5
        [[webhook]]
        url = "https://hooks.example.org/x"
        format = "dingtalk"
        headers = { Authorization = "env:HOOK_TOKEN" }
        [[email]]
        host = "smtp.example.org"
        sender = "gongkai@example.org"
        to = "ops@example.org"
        user = "gongkai"
        password = "env:SMTP_PASSWORD"
        """,
        "alerts.toml",
    )
    assert settings.missing_night_hours == 26
    assert settings.thresholds == Thresholds(shrank_by=0.5)
    assert settings.webhooks[0].headers == {"Authorization": "s3cret"}
    assert (
        settings.emails[0]
        .apprise_url()
        .startswith("mailtos://gongkai:p%40ss%20word@smtp.example.org:587?")
    )
    assert settings.recipients == ["webhook hooks.example.org", "e-mail ops@example.org"]


def test_recipients_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUTY", "值班 <duty@example.org>")
    settings = alerting.parse(MAIL + "to = ['env:DUTY', 'ops@example.org']", "alerts.toml")
    assert settings.emails[0].to == ("值班 <duty@example.org>", "ops@example.org")


def test_a_wrong_file_is_refused_before_a_server_is_looked_for(warehouse: Warehouse) -> None:
    (warehouse.root / "alerts.toml").write_text(MAIL + "to = [1]")
    refused = nights.gongkai("alerts", "--warehouse", str(warehouse.root))
    assert refused.code == 2
    assert "alerts.toml, [[email]] 1, to, 1: must be a text" in refused.err
    assert len(refused.err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[thresholds", "not TOML"),
        ("colour = 1", "colour is unknown"),
        ("thresholds = 3", "must be a table"),
        ("[thresholds]\nnights = -1", "[thresholds], nights: must be 1 or more"),
        ("[thresholds]\nnights = 0", "nights: must be 1 or more"),
        ("[thresholds]\nnights = 'many'", "[thresholds], nights: must be a whole number"),
        ("[thresholds]\nnights = 1.5", "[thresholds], nights: must be a whole number"),
        ("[thresholds]\nfailures_times = inf", "failures_times: must be a number of times"),
        ("[thresholds]\nshrank_by = 20", "shrank_by: must be a share between 0 and 1"),
        ("[thresholds]\nshrank_by = 1", "shrank_by: must be a share between 0 and 1"),
        ("[thresholds]\nshrank_by = 0", "shrank_by: must be a share between 0 and 1"),
        ("[thresholds]\nshrank_by = nan", "shrank_by: must be a share between 0 and 1"),
        ("[thresholds]\nshrank_at_least = 0", "shrank_at_least: must be 1 or more entries"),
        ("missing_night_hours = nan", "missing_night_hours: must be from 1 to 8760 hours"),
        ("missing_night_hours = inf", "missing_night_hours: must be from 1 to 8760 hours"),
        ("missing_night_hours = 0", "missing_night_hours: must be from 1 to 8760 hours"),
        ("missing_night_hours = -3", "missing_night_hours: must be from 1 to 8760 hours"),
        ("ui_url = 'ops:4200'", "ui_url must begin with http"),
        ("ui_url = 'http://'", "and name a host"),
        ("[webhook]\nurl = 'http://x'", "[[webhook]] with two brackets"),
        ("[[webhook]]\nformat = 'slack'", "'url' must be given"),
        ("[[webhook]]\nurl = 'ftp://x'", "url must begin with http"),
        ("[[webhook]]\nurl = 'https:///path'", "[[webhook]] 1: url must begin with http"),
        ("[[webhook]]\nurl = 'https://:80/'", "and name a host"),
        ("[[webhook]]\nurl = 'http://x:port/'", "and name a host"),
        ("[[webhook]]\nurl = 'http://[x/'", "and name a host"),
        ("[[webhook]]\nurl = { a = 'b' }", "[[webhook]] 1, url: must be a text"),
        ("[[webhook]]\nurl = 'http://x'\nheaders = 'a: b'", "headers: must be a table"),
        ("[[webhook]]\nurl = 'http://x'\nheaders = { a = 1 }", "headers, a: must be a text"),
        ('[[webhook]]\nurl = "http://x"\nheaders = { a = "b\\n" }', "must be one line"),
        ("[[webhook]]\nurl = 'http://x'\nformat = 'fax'", "format must be one of json"),
        ("[[webhook]]\nurl = 'env:NOT_THERE'", "the environment has no NOT_THERE"),
        ("[[email]]\nhost = 'x'\nsender = 'a@b'\nto = 'me'", "must be e-mail addresses"),
        (MAIL + "to = [1]", "[[email]] 1, to, 1: must be a text"),
        (MAIL + "to = 1", "[[email]] 1, to: must be a list"),
        (MAIL + "to = []", "must be e-mail addresses"),
        (MAIL + "to = ['a@b', '@']", "must be e-mail addresses"),
        (MAIL + "to = ['env:NOT_THERE']", "to, 1: the environment has no NOT_THERE"),
        (MAIL + "to = 'a@b'\nport = 0", "port: must be a port from 1 to 65535"),
        ("[[email]]\nhost = ''\nsender = 'a@b'\nto = 'a@b'", "host must be the name"),
        ("[[email]]\nhost = 'x:25'\nsender = 'a@b'\nto = 'a@b'", "host must be the name"),
        ("[[email]]\nhost = 'x'\nsender = 'a@b'\nto = 'a@b'\nsecurity = 'vpn'", "starttls"),
    ],
)
def test_what_is_wrong_is_told_in_one_line_with_its_place(text: str, words: str) -> None:
    with pytest.raises(BadInput) as told:
        alerting.parse(text, "my.toml")
    assert words in str(told.value)
    assert "my.toml" in str(told.value)
    assert "\n" not in str(told.value)
