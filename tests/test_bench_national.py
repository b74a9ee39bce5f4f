"""The bench of national scale in small: its runs close, and its pages are what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import bench_national as bench

SIZE = 60


def test_two_runs_close_and_the_archive_reads_as_before(tmp_path: Path) -> None:
    first, second = (bench.visit(tmp_path, SIZE, run)["counts"] for run in (0, 1))
    assert first["discovered"] == first["parsed"] + first["rejected"] == SIZE
    assert first["parsed"] > 0.9 * SIZE
    assert 0.4 * SIZE < second["unchanged"] < 0.8 * SIZE
    assert second["discovered"] == SIZE == sum(second.values()) - SIZE
    again = bench.reread(tmp_path, 10 * SIZE)
    assert again["pages"] == SIZE + second["parsed"] + second["rejected"]
    stored = sorted((tmp_path / "reports").glob("part-*"))
    assert len(stored) == 2
    assert sorted(p.name for p in (tmp_path / ".again").iterdir()) == [p.name for p in stored]
    stored[0].write_bytes(stored[1].read_bytes())
    with pytest.raises(AssertionError):
        bench.reread(tmp_path, SIZE)


def test_a_size_takes_the_place_of_its_row_and_the_chart_shows_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "MEASURED", tmp_path / "n.csv")
    monkeypatch.setattr(bench, "CHART", tmp_path / "n.svg")
    names = ("reread_ms", "publish_s", "archive_ms", "account_ms")
    for size, cost in ((1000.0, 5.0), (10_000.0, 4.0), (1000.0, 3.0)):
        rows = bench.remember({"pages": size} | dict.fromkeys(names, cost))
    assert [(row["pages"], row["reread_ms"]) for row in rows] == [(1000, 3), (10_000, 4)]
    assert "10,000" in (tmp_path / "n.svg").read_text("utf-8")
