"""The five real reports, exactly. Their sentences are not ours, so they lie beside the checkout."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tasks.report import read

SEEDS = Path(__file__).resolve().parents[3] / "shared" / "seeds"
NAMES = (
    "000_6263d62ac3f9694b",
    "001_9b1ebd4af0696446",
    "002_b6a5a2f03b247e6e",
    "003_5b3a022b866a733a",
    "004_9a8304ec5e0937a6",
)


@pytest.fixture(params=NAMES)
def seed(request: pytest.FixtureRequest) -> tuple[bytes, dict[str, Any]]:
    page = SEEDS / f"{request.param}.txt"
    if not page.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{page} is missing, and in CI it must not be")
        pytest.skip(f"{page} is not beside this checkout")
    expected = SEEDS / "expected" / f"{request.param}.json"
    return page.read_bytes(), json.loads(expected.read_text(encoding="utf-8"), parse_float=str)


def test_seed_is_exact(seed: tuple[bytes, dict[str, Any]]) -> None:
    data, wanted = seed
    reading = read(data)
    assert reading.outcome == wanted["outcome"], reading.reason
    assert reading.issuing_unit == wanted["issuing_unit"]
    assert reading.report_year == wanted["report_year"]
    assert reading.form == wanted["form"]
    assert reading.scope == wanted["scope"]
    for field, value in wanted["metadata"].items():
        assert reading.metadata[field] == value, field
    found = {
        c.cell: (None if c.value is None else str(c.value), c.as_published, c.status)
        for c in reading.cells
    }
    expected = {
        code: (None if e["value"] is None else str(e["value"]), e["as_published"], e["status"])
        for code, e in wanted["cells"].items()
    }
    assert found == expected


def test_every_forced_value_names_its_identity(seed: tuple[bytes, dict[str, Any]]) -> None:
    reading = read(seed[0])
    assert all(c.identity for c in reading.cells if c.status == "forced")
    assert not any(c.identity for c in reading.cells if c.status != "forced")
