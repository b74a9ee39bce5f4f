"""Index numbers of published pages, split and verified."""

from __future__ import annotations

import pytest

from tasks.report.index_number import organisation_code_checks, split, unified_code_checks


@pytest.mark.parametrize(
    ("text", "code", "system", "checks", "year", "serial"),
    [
        ("002509054/2022-00455", "002509054", "gb11714", True, 2022, "00455"),
        ("014314799/2024-00002", "014314799", "gb11714", True, 2024, "00002"),
        ("002509055/2022-00455", "002509055", "gb11714", False, 2022, "00455"),
        ("0142768-8/2022-00185", "0142768-8", "other", None, 2022, "00185"),
        ("12620600MB0523338C/2025-04735", "12620600MB0523338C", "gb32100", True, 2025, "04735"),
        ("11341702486344515H/202110-00013", "11341702486344515H", "gb32100", True, 2021, "00013"),
        ("6107280000/2024-001005", "6107280000", "division", None, 2024, "001005"),
        ("kysrmzf/2026-00017", "kysrmzf", "letters", None, 2026, "00017"),
        ("20191202-189769", None, "date", None, 2019, "189769"),
        (" 002509054 ／ 2022－00455 ", "002509054", "gb11714", True, 2022, "00455"),
    ],
)
def test_split(
    text: str, code: str | None, system: str, checks: bool | None, year: int, serial: str
) -> None:
    parts = split(text)
    assert parts == (code, system, checks, year, serial)


@pytest.mark.parametrize("text", ["", "主动公开", "2022-00455", "政办发〔2022〕3号", "x/22-1"])
def test_other_texts_are_not_split(text: str) -> None:
    assert split(text) is None


def test_one_wrong_character_breaks_the_check() -> None:
    assert organisation_code_checks("002509054")
    assert not any(organisation_code_checks(f"00250905{d}") for d in "0123567X")
    assert unified_code_checks("12620600MB0523338C")
    assert not unified_code_checks("12620600MB0523339C")
