"""The columns of what runs write: fetches, and what was discovered and became of it."""

from __future__ import annotations

import pyarrow as pa

from tasks.records import Candidate

_TEXT = pa.string()
SNAPSHOTS_SCHEMA = pa.schema(
    [
        ("run_id", _TEXT),
        ("document_id", _TEXT),
        ("parent_document_id", _TEXT),
        ("source_id", _TEXT),
        ("url", _TEXT),
        ("final_url", _TEXT),
        ("origin", _TEXT),
        ("official", pa.bool_()),
        ("fetched_at", pa.timestamp("us", tz="UTC")),
        ("http_status", pa.int32()),
        ("content_type", _TEXT),
        ("etag", _TEXT),
        ("last_modified", _TEXT),
        ("headers", pa.map_(_TEXT, _TEXT)),
        ("snapshot_id", _TEXT),
        ("size", pa.int64()),
        ("bytes", pa.binary()),
        ("link_title", _TEXT),
        ("link_date", _TEXT),
        ("error_code", _TEXT),
        ("error_message", _TEXT),
    ]
)
DISCOVERED_SCHEMA = pa.schema(
    [
        (name, _TEXT)
        for name in (
            "run_id",
            "document_id",
            "url",
            "source_id",
            "listing_url",
            "link_title",
            "link_date",
        )
    ]
    + [("official", pa.bool_())]
)
CANDIDATES_SCHEMA = pa.schema([("run_id", _TEXT), *((name, _TEXT) for name in Candidate._fields)])
OUTCOMES_SCHEMA = pa.schema(
    [
        (name, _TEXT)
        for name in (
            "run_id",
            "document_id",
            "url",
            "outcome",
            "stage",
            "code",
            "message",
            "place",
            "snapshot_id",
            "duplicate_of",
        )
    ]
)
