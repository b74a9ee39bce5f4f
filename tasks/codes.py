"""What each failure code of the network side means, and what a person can do about it."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Code(NamedTuple):
    """A code of stage discover or fetch, as `failures.csv` describes it."""

    code: str
    meaning: str
    what_to_do: str


@cache
def codes() -> dict[str, Code]:
    """Every code of the stages discover and fetch (`failures.csv`).

    `http_<status>` stands for all HTTP statuses.
    """
    text = (Path(__file__).parent / "failures.csv").read_text(encoding="utf-8")
    return {row["code"]: Code(**row) for row in csv.DictReader(text.splitlines())}
