"""Where our own pages stand beside the Prefect UI: paths alone, the same on every port and name."""

from __future__ import annotations

from urllib.parse import quote

PREFIX = "/gongkai"


def snapshot_path(snapshot_id: str) -> str:
    """The page that shows a snapshot."""
    return f"{PREFIX}/snapshots/{snapshot_id}"


def replay_path(code: str) -> str:
    """What leads to the form for reading the documents of one reason again."""
    return f"{PREFIX}/replay?reason={quote(code)}"
