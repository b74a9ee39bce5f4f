"""Golden pages: every layout, fault and number style, with figures that are known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tasks.report import read

FOLDER = Path(__file__).resolve().parents[1] / "golden"
PAGES = sorted(
    p for p in FOLDER.iterdir() if p.suffix not in (".json", ".py", ".pyc") and p.is_file()
)


def test_there_are_enough_golden_pages() -> None:
    assert len(PAGES) >= 40
    assert {p.stem for p in PAGES} == {p.stem for p in FOLDER.glob("*.json")}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_golden_page(page: Path) -> None:
    wanted = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    reading = read(page.read_bytes())
    assert reading.outcome == wanted["outcome"], reading.reason
    assert reading.form == wanted["form"]
    assert reading.report_year == wanted["report_year"]
    assert reading.scope == wanted["scope"]
    found = {
        c.cell: [
            None if c.value is None else format(c.value, "f"),
            c.as_published.replace("\n", ""),
            c.status,
        ]
        for c in reading.cells
    }
    differ = {
        code: (found.get(code), want)
        for code, want in wanted["cells"].items()
        if not _same(found.get(code), want)
    }
    assert not differ
    assert found.keys() == wanted["cells"].keys()
    assert all(c.place is not None for c in reading.cells if c.as_published)


def _same(found: list[str | None] | None, want: list[str | None]) -> bool:
    if found is None or found[2] != want[2] or (found[0] is None) != (want[0] is None):
        return False
    same_value = found[0] is None or float(found[0]) == float(want[0] or 0)
    return same_value and (found[1] or "").strip() == (want[1] or "").strip()
