"""For how long what a run leaves besides documents and readings is kept as it was."""

from __future__ import annotations

import os

from tasks.records import BadInput

KEEP_DAYS = 90
LEAST = 15  # alerts compare with two weeks


def keep_days() -> int:
    """Days that runs stay in the Prefect server, and visits and outcomes in full in the archive:
    `GONGKAI_KEEP_DAYS`. BadInput when it is no such number."""
    text = os.environ.get("GONGKAI_KEEP_DAYS", str(KEEP_DAYS))
    if not text.isdecimal() or not LEAST <= int(text) <= 36_500:
        raise BadInput(f"GONGKAI_KEEP_DAYS: {text!r} is not a number of days from {LEAST} to 36500")
    return int(text)
