"""Does this machine's clock agree with the sites that were visited, and with the runs before?"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from statistics import median

from tasks.records import Fetched, OutcomeRow
from tasks.runs import finished_runs
from tasks.store import Warehouse
from tasks.urls import host_of

TOLERANCE = timedelta(hours=1)
"""Sites keep their clocks badly; the median of several is trusted this far."""
_HOSTS = 3  # that must agree before they are believed


def clock_wrong(
    warehouse: Warehouse, started_at: datetime, fetched: Iterable[Fetched]
) -> list[OutcomeRow]:
    """A problem `clock_wrong` when the clock differs from that of most sites, or runs backwards."""
    offsets: dict[str, float] = {}  # seconds that this clock is ahead of a host's
    for row in fetched:
        said = _date(next((v for k, v in row.headers.items() if k.lower() == "date"), None))
        host = host_of(row.final_url)
        if said is not None and host is not None:
            offsets.setdefault(host, (row.fetched_at - said).total_seconds())
    found: list[str] = []
    if (
        len(offsets) >= _HOSTS
        and abs(offset := median(offsets.values())) > TOLERANCE.total_seconds()
    ):
        found.append(f"is {_words(offset)} of most of the {len(offsets)} sites visited")
    earlier = [_moment(run.get("started_at")) for run in finished_runs(warehouse)]
    last = max((m for m in earlier if m is not None), default=None)
    if last is not None and started_at < last - TOLERANCE:
        found.append(f"is behind a run before this one, which began at {last:%Y-%m-%d %H:%M} UTC")
    if not found:
        return []
    message = (
        f"this machine's clock ({started_at:%Y-%m-%d %H:%M} UTC) {' and '.join(found)}; "
        "times in the archive of the runs concerned are wrong, their order is not"
    )
    return [OutcomeRow("clock", "clock", "failed", "fetch", "clock_wrong", message)]


def _words(seconds: float) -> str:
    side = "ahead" if seconds > 0 else "behind"
    hours = abs(seconds) / 3600
    return f"{hours / 24:.0f} days {side}" if hours > 48 else f"{hours:.1f} hours {side}"


def _date(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None
