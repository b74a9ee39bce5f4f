"""A small soak: what `make soak` promises for 500 hosts holds for a few."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.publisher.server import Request
from tests.soak import FAULTS, fault_of, soak, treatment


@pytest.mark.slow
def test_hosts_are_treated_as_asked_and_every_fault_has_its_outcome(
    tmp_path: Path, api: str
) -> None:
    result = soak(5, 40, tmp_path, api)
    assert result.broken() == [], (tmp_path / "log").read_text()[-2000:]
    assert {fault_of(host, page) for host in range(5) for page in range(40)} == {None, *FAULTS}


def _request(host: str, started: float, finished: float) -> Request:
    return Request(host, "/", started, {}, finished, 200)


def test_the_measure_sees_what_is_not_allowed() -> None:
    fair = [_request("a", n, n + 0.5) for n in range(5)]
    assert treatment(fair) == (1, 1)
    assert treatment([*fair, _request("b", 1.2, 1.4)]) == (1, 1)  # another host
    assert treatment([*fair, _request("a", 1.2, 1.4)]) == (2, 2)
    hasty = [_request("a", n / 10, n / 10 + 0.01) for n in range(12)]
    assert treatment(hasty) == (1, 10)
