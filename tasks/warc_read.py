"""WARC files as rows of the archive: Common Crawl and other crawls, gzipped or not, WET text too.

Each record is taken, or left out with a reason that is counted: `taken + left out = records`.
A file that ends early or is damaged gives what stands before the damage, and a problem that says
where it lies.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from warcio.archiveiterator import ArchiveIterator
from warcio.bufferedreaders import BufferedReader

from tasks.records import Fetched, Official, OutcomeRow, snapshot_id_of
from tasks.urls import canonical_url, host_of, is_government_host
from tasks.variants import spelling_key

MAX_BYTES = 20_000_000
EXTENSION = "Gongkai-"
"""Prefix of the fields that `export-warc` adds to a record, so that nothing is lost on the way."""
CRAWLER = "X-Crawler-"
"""Prefix of HTTP headers that no longer describe the stored payload, as Common Crawl has it."""
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_NOT_MODIFIED = "server-not-modified"
_WHOLE = (200, 203)
"""The statuses that come with a whole document; 206 is a part of one."""
_CLOCKS = timedelta(days=1)
"""How far a crawler's clock may be ahead."""
_REPORT_WORDS = tuple("信息公开".encode(name) for name in ("utf-8", "gb18030"))

Wanted = Callable[[bytes, str, str | None], str | None]
"""Why a document (bytes, URL, content type) is no candidate for a report, or None when it is."""


def is_warc(path: Path) -> bool:
    """Whether a file is a WARC (or ARC) file, by its first bytes and not by its name."""
    try:
        with path.open("rb") as file:
            head = Inflated(file).read(12)
    except OSError:
        return False
    return head.startswith((b"WARC/", b"filedesc://"))


@dataclass(slots=True)
class Tally:
    """What became of the records of some WARC files, and what was wrong with the files."""

    records: int = 0
    taken: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    problems: list[OutcomeRow] = field(default_factory=list)

    @property
    def closes(self) -> bool:
        """Whether each record was taken or left out."""
        return self.records == self.taken + sum(self.left_out.values())


class _LeftOut(Exception):  # noqa: N818 - becomes a count
    """Why a record is not taken."""


class _Damaged(_LeftOut):
    """What is wrong with a record that is not what was written."""


class _Revisit(NamedTuple):
    """A capture that says its content is that of another; resolved when all files are read."""

    row: Fetched
    digest: str
    same_page: bool


class Inflated:
    """A file's bytes, gunzipped when they are gzipped, up to the first damage, which it notes.

    One gzip member for each record or for the whole file are alike.
    """

    def __init__(self, file: BinaryIO) -> None:
        head = file.read(4)
        file.seek(0)
        self.damage: str | None = None
        if head == _ZSTD:
            self.damage = "it is compressed with zstd, which is not read; recompress it with gzip"
        self._file = file
        self._inner: Any = gzip.GzipFile(fileobj=file) if head.startswith(_GZIP) else file
        self._told = 0

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; none at the end, and none after damage."""
        if self.damage:
            return b""
        try:
            # read1: what stands before the damage is not lost with it
            data: bytes = self._inner.read1(size if size > 0 else 65_536)
        except (EOFError, gzip.BadGzipFile, zlib.error, OSError) as e:
            self.damage = f"{e} (at byte {self._file.tell()} of the file)"
            return b""
        self._told += len(data)
        return data

    def tell(self) -> int:
        """How many bytes were read."""
        return self._told


class WarcReader:
    """Reads WARC files one after the other; ask for the `revisits` when all are read.

    `official` says whether a URL may be believed. `wanted` decides which documents are candidates;
    what is none is left out. `stored` (snapshot_id by document of the archive, and the snapshots
    that it holds) resolves revisits of captures that lie in no file.
    """

    def __init__(
        self,
        official: Official,
        wanted: Wanted,
        latest: Mapping[str, str | None],
        stored: Mapping[str, str],
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.tally = Tally()
        self._official, self._wanted, self._max_bytes = official, wanted, max_bytes
        self._latest, self._stored = latest, stored
        self._revisits: list[_Revisit] = []
        self._digests: dict[str, str] = {}
        self._captures: dict[str, list[tuple[datetime, str]]] = {}
        self._originals: set[str] = set()

    def rows(self, path: Path) -> Iterator[Fetched]:
        """The documents of one file, in its order; problems are noted in the tally."""
        with path.open("rb") as file:
            stream = Inflated(file)
            number = 0
            for record in _records(stream):
                number += 1
                self.tally.records += 1
                try:
                    row = self._row(record)
                except _Damaged as e:
                    self._problem(path, number, str(e))
                    self.tally.left_out["damaged record"] += 1
                except _LeftOut as e:
                    self.tally.left_out[str(e)] += 1
                else:
                    if row is not None:
                        self.tally.taken += 1
                        yield row
            if stream.damage:
                self._problem(path, number, f"nothing was read after it: {stream.damage}")
            elif number == 0:
                self._problem(path, 0, "it holds no record")

    def revisits(self) -> Iterator[Fetched]:
        """Captures that repeat a content, as rows without bytes that name its snapshot."""
        for revisit in self._revisits:
            snapshot = self._target(revisit)
            if snapshot is None:
                self.tally.left_out["revisit of a capture that is not here"] += 1
            else:
                self.tally.taken += 1
                yield replace(revisit.row, snapshot_id=snapshot)
        self._revisits = []

    def _row(self, record: Any) -> Fetched | None:
        """The record as a row; None when it is put off (a revisit). Raises _LeftOut."""
        kind = record.rec_type
        head = record.rec_headers.get_header
        if kind not in ("response", "resource", "conversion", "revisit"):
            raise _LeftOut(f"{kind or 'unknown'} record")
        final_url = head("WARC-Target-URI") or ""
        url = head(f"{EXTENSION}Url") or final_url
        document_id = document_id_of(url)
        if document_id is None:
            raise _LeftOut("no web address")
        moment = _moment(head("WARC-Date"))
        if moment is None:
            raise _Damaged(f"{url} has no valid WARC-Date")
        if head("WARC-Segment-Number"):
            raise _LeftOut("segmented record")
        status, headers = _http(record)
        if status is not None and not 100 <= status <= 599:
            raise _Damaged(f"{url} has no valid http status ({str(status)[:20]})")
        http = kind in ("response", "revisit")
        row = Fetched(
            document_id=_named(head(f"{EXTENSION}Document"), url) or document_id,
            url=url,
            final_url=final_url,
            fetched_at=moment,
            origin="imported" if url.startswith("file:") else "archived",
            official=self._official(url) is None and self._official(final_url) is None,
            source_id=head(f"{EXTENSION}Source"),
            parent_document_id=self._parent(head(f"{EXTENSION}Parent"), url),
            http_status=status,
            content_type=_header(headers, "Content-Type") if http else head("Content-Type"),
            etag=_header(headers, "ETag"),
            last_modified=_header(headers, "Last-Modified"),
            headers=headers,
            link_title=head(f"{EXTENSION}Title"),
            link_date=head(f"{EXTENSION}Date"),
        )
        same_page = kind == "revisit" and _NOT_MODIFIED in (head("WARC-Profile") or "")
        if status is not None and status not in (*_WHOLE, *([304] if same_page else [])):
            raise _LeftOut(f"http status {status}")
        if kind == "revisit":
            self._put_off(row, record, same_page)
            return None
        return self._with_body(row, record)

    def _parent(self, page: str | None, url: str) -> str | None:
        """The page of an attachment; one of its own host, or both are official."""
        parent = document_id_of(page) if page else None
        if parent is None or host_of(parent) == host_of(url) is not None:
            return parent
        return parent if self._official(parent) is None and self._official(url) is None else None

    def _put_off(self, row: Fetched, record: Any, same_page: bool) -> None:
        head = record.rec_headers.get_header
        refers_to = head("WARC-Refers-To-Target-URI")
        # "Not modified" speaks of the page itself; of another page only a digest can.
        same_page &= not refers_to or document_id_of(refers_to) == row.document_id
        self._revisits.append(_Revisit(row, head("WARC-Payload-Digest") or "", same_page))

    def _with_body(self, row: Fetched, record: Any) -> Fetched:
        head = record.rec_headers.get_header
        expected = record.payload_length if record.http_headers else record.length
        if expected is not None and expected > self._max_bytes:
            return self._failed(row, "too_large", f"{expected} bytes; limit {self._max_bytes}")
        raw = _read(record.raw_stream, self._max_bytes + 1)
        if expected is not None and expected >= 0 and len(raw) < expected:
            why = f"{row.url} has {len(raw)} of its {expected} bytes"
            raise _Damaged(why)
        wrong = [p for p in record.digest_checker.problems if "failed" in p]
        if head("WARC-Block-Digest"):
            # Crawlers differ in what the payload is; the block is the same bytes for all.
            wrong = [p for p in wrong if p.startswith("block")]
        if wrong:
            raise _Damaged(f"{row.url}: {wrong[0]}")
        body, broken = _decoded(record, raw, self._max_bytes)
        if broken:
            return self._failed(row, "broken_encoding", broken)
        if not body.strip():
            return self._failed(row, "empty_body", "the record has no content")
        return self._candidate(row, record, body)

    def _candidate(self, row: Fetched, record: Any, body: bytes) -> Fetched:
        host = host_of(row.url)
        government = host is not None and is_government_host(host)
        if not government and host is not None and not any(w in body for w in _REPORT_WORDS):
            raise _LeftOut("outside .gov.cn")  # most of a crawl of the whole web
        if why := self._wanted(body, row.url, row.content_type):
            raise _LeftOut(why)
        if cut := record.rec_headers.get_header("WARC-Truncated"):
            return self._failed(row, "truncated", f"the crawl kept only a part of it ({cut})")
        if not government and host is not None:
            refusal = self._official(row.url) or "not an official host"
            return replace(row, error_code="not_official", error_message=refusal)
        snapshot = snapshot_id_of(body)
        if record.rec_type == "conversion":
            if self._latest.get(row.document_id) or row.document_id in self._originals:
                raise _LeftOut("text of a page that is archived itself")
        else:
            self._originals.add(row.document_id)
        if digest := record.rec_headers.get_header("WARC-Payload-Digest"):
            self._digests[digest] = snapshot
        self._captures.setdefault(row.document_id, []).append((row.fetched_at, snapshot))
        return replace(row, body=body, size=len(body), snapshot_id=snapshot)

    def _target(self, revisit: _Revisit) -> str | None:
        if found := self._digests.get(revisit.digest):
            return found
        named = revisit.digest.removeprefix("sha256:")
        if named in self._stored:
            return named
        if not revisit.same_page:
            return None
        earlier = [
            capture
            for capture in self._captures.get(revisit.row.document_id, [])
            if capture[0] <= revisit.row.fetched_at
        ]
        return max(earlier)[1] if earlier else self._latest.get(revisit.row.document_id)

    def _failed(self, row: Fetched, code: str, message: str) -> Fetched:
        """A document that is there and cannot be had: only of official hosts is that a failure."""
        if not row.official:
            raise _LeftOut(f"{code}, not of an official host")
        return replace(row, error_code=code, error_message=message)

    def _problem(self, path: Path, number: int, message: str) -> None:
        uri = path.resolve().as_uri()
        where = f"{path.name}, record {number}: "
        self.tally.problems.append(
            OutcomeRow(f"{uri}#{number}", uri, "failed", "fetch", "damaged_warc", where + message)
        )


def _records(stream: Inflated) -> Iterator[Any]:
    """The records of a file as warcio reads them; what it stumbles over is noted as damage."""
    records = iter(ArchiveIterator(stream, arc2warc=True, check_digests=True))
    while True:
        try:
            record = next(records)
        except StopIteration:
            return
        except Exception as e:  # noqa: BLE001 - on damaged headers warcio raises whatever comes
            stream.damage = stream.damage or f"a record has no valid head ({_line(e)})"
            return
        yield record


def _read(stream: Any, limit: int) -> bytes:
    parts = io.BytesIO()
    while parts.tell() < limit and (chunk := stream.read(min(65_536, limit - parts.tell()))):
        parts.write(chunk)
    return parts.getvalue()


def _decoded(record: Any, raw: bytes, limit: int) -> tuple[bytes, str | None]:
    """The payload without transfer and content encoding, and what is wrong with it."""
    record.raw_stream = io.BytesIO(raw)
    if record.http_headers:
        encoding = (record.http_headers.get_header("Content-Encoding") or "").strip().lower()
        known = {*BufferedReader.get_supported_decompressors(), "", "identity"}
        if encoding not in known:
            return b"", f"the content is encoded as {encoding[:40]!r}, which is not read"
    try:
        body = _read(record.content_stream(), 2 * limit + 1)
    except (zlib.error, EOFError, ValueError, OSError) as e:
        return b"", f"the content cannot be decoded: {_line(e)}"
    if len(body) > 2 * limit:
        return b"", f"the content unpacks to more than {2 * limit} bytes"
    return body, None


def _http(record: Any) -> tuple[int | None, dict[str, str]]:
    """Status and headers of the answer, as the server gave them."""
    if record.http_headers is None:
        return None, {}
    try:
        status: int | None = int(record.http_headers.get_statuscode())
    except (TypeError, ValueError):
        status = None
    told = {k: v for k, v in record.http_headers.headers if k.lower() != "set-cookie"}
    instead = {k[len(CRAWLER) :]: v for k, v in told.items() if k.startswith(CRAWLER)}
    renamed = {name.lower() for name in instead}
    headers = {
        k: v for k, v in told.items() if not k.startswith(CRAWLER) and k.lower() not in renamed
    }
    return status, headers | {k: v for k, v in instead.items() if v}


def _header(headers: Mapping[str, str], name: str) -> str | None:
    return next((v for k, v in headers.items() if k.lower() == name.lower()), None)


def document_id_of(url: str) -> str | None:
    """The name of a document by its address alone; None when that is no address."""
    if url.startswith("file:"):
        return url
    try:
        return canonical_url(url)
    except ValueError:
        return None


def _named(name: str | None, url: str) -> str | None:
    """The name under which a document was archived; only a spelling of its own address can be."""
    try:
        return name if name and spelling_key(name) == spelling_key(url) else None
    except ValueError:
        return None


def _moment(text: str | None) -> datetime | None:
    """When a record was captured; None when it says no moment, or one that is still to come."""
    try:
        moment = datetime.fromisoformat(text or "")
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment <= datetime.now(UTC) + _CLOCKS else None


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text[:200] or type(error).__name__
