"""The archive as a WARC file that other tools read (WARC 1.1, one gzip member for each record).

Fetches become `response` records, local documents `resource` records; a fetch whose bytes an
earlier one holds becomes a `revisit`. The payload digest is the snapshot_id. What WARC has no
field for (source, parent page, link title) goes into fields of our own.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from tasks.files import atomic, read_table
from tasks.objects import Place, arrow_source
from tasks.records import BadInput
from tasks.warc_read import CRAWLER, EXTENSION, document_id_of

_REVISIT = "http://netpreserve.org/warc/1.1/revisit/"
_ENCODED = {"content-encoding", "transfer-encoding", "content-length"}
_FIELDS = {
    "Source": "source_id",
    "Parent": "parent_document_id",
    "Title": "link_title",
    "Date": "link_date",
}
_NAME_SIGNS = "!#$&'*+-.^_`|~"  # beside letters and digits
_BATCH = 64


@dataclass(slots=True)
class Exported:
    """How many records of each kind were written; `empty`: fetches without content, left out."""

    documents: int = 0
    revisits: int = 0
    empty: int = 0
    damaged: int = 0


def export(parts: list[Place], target: Path, since: datetime | None = None) -> Exported:
    """Write the fetches of these archive parts (since a moment) to one WARC file, whole or not.

    Bytes that do not match their hash are left out and counted. Raises BadInput when a part cannot
    be read or the file cannot be written.
    """
    result = Exported()
    originals = _originals(parts)
    try:
        with atomic(target) as temporary, temporary.open("wb") as file:
            writer = WARCWriter(file, gzip=target.suffix == ".gz", warc_version="WARC/1.1")
            about = {"software": "gongkai", "format": "WARC file version 1.1"}
            writer.write_record(writer.create_warcinfo_record(target.name, about))
            for part in parts:
                for row in _rows(part):
                    if since is None or row["fetched_at"] >= since:
                        _write(writer, row, originals, result)
    except FileNotFoundError as e:
        raise BadInput(f"{target}: its folder does not exist; create it first") from e
    except PermissionError as e:
        raise BadInput(f"{target}: cannot be written ({e.strerror}); choose another place") from e
    return result


def _rows(part: Place) -> Iterator[dict[str, Any]]:
    with pq.ParquetFile(arrow_source(part)) as file:
        for batch in file.iter_batches(batch_size=_BATCH):
            yield from batch.to_pylist()


def _originals(parts: list[Place]) -> dict[str, tuple[str, datetime]]:
    """URL and time of the fetch that holds the bytes of each snapshot."""
    found: dict[str, tuple[str, datetime]] = {}
    names = ["snapshot_id", "url", "fetched_at"]
    for part in parts:
        try:
            table = read_table(part, names, pa.compute.field("bytes").is_valid())
        except (pa.ArrowException, OSError) as e:
            raise BadInput(f"archive part {part} cannot be read ({e}); see gongkai verify") from e
        for snapshot, url, moment in zip(*(table[name].to_pylist() for name in names), strict=True):
            found.setdefault(snapshot, (url, moment))
    return found


def _write(
    writer: Any,
    row: Mapping[str, Any],
    originals: Mapping[str, tuple[str, datetime]],
    result: Exported,
) -> None:
    snapshot, body = row["snapshot_id"], row["bytes"]
    if snapshot is None or (body is None and snapshot not in originals):
        result.empty += 1
        return
    if body is not None and hashlib.sha256(body).hexdigest() != snapshot:
        result.damaged += 1
        return
    uri = row["final_url"] or row["url"]
    head = {
        "WARC-Date": _date(row["fetched_at"]),
        "WARC-Record-ID": _record_id(row),
        "WARC-Payload-Digest": f"sha256:{snapshot}",
    }
    head |= {
        f"{EXTENSION}{name}": " ".join(str(row[column]).split())
        for name, column in _FIELDS.items()
        if row[column]
    }
    if row["url"] != uri:
        head[f"{EXTENSION}Url"] = row["url"]
    if row["document_id"] != document_id_of(row["url"]):
        head[f"{EXTENSION}Document"] = row["document_id"]
    if body is None:
        url, moment = originals[snapshot]
        same = row["http_status"] == 304
        head["WARC-Profile"] = _REVISIT + (
            "server-not-modified" if same else "identical-payload-digest"
        )
        head["WARC-Refers-To-Target-URI"] = url
        head["WARC-Refers-To-Date"] = _date(moment)
        http = _http_headers(row, 0) if row["http_status"] else None
        record = writer.create_warc_record(
            uri, "revisit", warc_headers_dict=head, http_headers=http
        )
        result.revisits += 1
    elif row["http_status"] is None:
        record = writer.create_warc_record(
            uri,
            "resource",
            payload=io.BytesIO(body),
            length=len(body),
            warc_content_type=row["content_type"] or "application/octet-stream",
            warc_headers_dict=head,
        )
        result.documents += 1
    else:
        record = writer.create_warc_record(
            uri,
            "response",
            payload=io.BytesIO(body),
            length=len(body),
            warc_headers_dict=head,
            http_headers=_http_headers(row, len(body)),
        )
        result.documents += 1
    writer.write_record(record)


def _http_headers(row: Mapping[str, Any], length: int) -> StatusAndHeaders:
    """The answer's headers; those that describe its way over the wire are renamed, since the
    archive keeps the bytes as they were before."""
    status = row["http_status"]
    known = {s.value: s.phrase for s in HTTPStatus}
    headers = []
    for name, value in row["headers"] or ():
        plain = quote(name, safe=_NAME_SIGNS)
        renamed = f"{CRAWLER}{plain}" if plain.lower() in _ENCODED else plain
        headers.append((renamed, " ".join((value or "").split())))
    if row["content_type"] and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", row["content_type"]))
    if not any(name.lower() == f"{CRAWLER}content-length".lower() for name, _ in headers):
        headers.append((f"{CRAWLER}Content-Length", ""))  # the server gave none
    headers.append(("Content-Length", str(length)))
    return StatusAndHeaders(f"{status} {known.get(status, '')}".strip(), headers, "HTTP/1.1")


def _date(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _record_id(row: Mapping[str, Any]) -> str:
    """The same for the same fetch, so that two exports agree."""
    key = f"{row['run_id']}\n{row['document_id']}\n{row['fetched_at'].isoformat()}"
    return f"<urn:uuid:{UUID(bytes=hashlib.sha256(key.encode()).digest()[:16], version=4)}>"
