"""Who we say we are, and how long a host may ask us to wait."""

import pytest

from tasks.http_body import retry_after
from tasks.politeness import Settings
from tasks.records import BadInput


def test_retry_after_is_a_number_or_a_date() -> None:
    assert retry_after("7") == 7
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert retry_after("soon") is None
    assert retry_after("Mon, 01 Jan 2024 00:00:00 -9999999999999") is None
    assert retry_after(None) is None


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONGKAI_CONTACT", "me@example.org")
    monkeypatch.setenv("GONGKAI_DELAY", "2.5")
    assert Settings.from_env().delay == 2.5
    assert "me@example.org" in Settings.from_env().user_agent
    for name, value in (("GONGKAI_CONTACT", "我"), ("GONGKAI_DELAY", "-1"), ("GONGKAI_DELAY", "x")):
        monkeypatch.setenv("GONGKAI_CONTACT", "")
        monkeypatch.setenv(name, value)
        with pytest.raises(BadInput, match=name):
            Settings.from_env()
