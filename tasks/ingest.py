"""Local documents and WARC files as rows of the archive (`gongkai ingest`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from tasks.records import BadInput, Fetched, Official, snapshot_id_of
from tasks.urls import canonical_url
from tasks.warc_read import MAX_BYTES, WarcReader, is_warc

# Kinds of document that the reader knows, by the names files have.
_SUFFIXES = {
    ".html": "text/html",
    ".htm": "text/html",
    ".shtml": "text/html",
    ".jsp": "text/html",
    ".mht": "message/rfc822",
    ".txt": "text/plain",
    ".pdf": "application/pdf",
    ".doc": "application/msword",
    ".wps": "application/msword",
    ".rtf": "application/rtf",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xls": "application/vnd.ms-excel",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".ofd": "application/ofd",
}
# What a saved page brings along for its looks; no report comes as one of these.
_LOOKS = {".css", ".js", ".ico", ".svg", ".woff", ".woff2", ".ttf", ".map"}


def rows_from_files(
    paths: Iterable[str | Path],
    base_url: str | None = None,
    official: Official | None = None,
    now: datetime | None = None,
    max_bytes: int = MAX_BYTES,
    warc: WarcReader | None = None,
) -> Iterator[Fetched]:
    """Local documents as fetches of origin `imported`, one at a time; WARC files as `warc` reads
    them, with the addresses and times that they name.

    A folder is read with all below it, except hidden files and what pages load for their looks.
    With `base_url`, the URL of a file is `base_url` and its path below the folder (for a single
    file and a `base_url` that does not end in "/": `base_url` itself); without it a `file:` URL,
    which is never official. An empty, unreadable or too large file becomes a row with an error.
    Raises BadInput for a path that does not exist, a wrong `base_url`, or a WARC file when there is
    no `warc`.
    """
    chosen = [Path(p) for p in paths]
    for path in chosen:
        if not path.exists():
            raise BadInput(f"{path}: no such file or folder")
    files = [pair for path in chosen for pair in _files(path)]
    crawls = {file for file, _ in files if is_warc(file)}
    if crawls and warc is None:
        raise BadInput(f"{min(crawls)}: is a WARC file, and only documents are read here")
    if base_url is not None:
        try:
            canonical_url(base_url)
        except ValueError as e:
            raise BadInput(f"--base-url: {e}; write https://HOST/PATH/") from e
    moment = now or datetime.now(UTC)
    single = len(files) == 1 and len(chosen) == 1 and chosen[0].is_file()
    for file, relative in files:
        if warc is not None and file in crawls:
            yield from warc.rows(file)
            continue
        if base_url is None:
            url = document_id = file.resolve().as_uri()
        else:
            whole = single and not base_url.endswith("/")
            url = base_url if whole else f"{base_url.rstrip('/')}/{quote(relative)}"
            document_id = canonical_url(url)
        yield _imported(file, url, document_id, official, moment, max_bytes)
    if warc is not None:
        yield from warc.revisits()


def _files(path: Path) -> list[tuple[Path, str]]:
    """Files to import with their path below what was named, in a fixed order."""
    if not path.is_dir():
        return [(path, path.name)]
    found: list[tuple[Path, str]] = []
    for file in sorted(path.rglob("*")):
        relative = file.relative_to(path)
        hidden = any(part.startswith(".") for part in relative.parts)
        if file.is_file() and not hidden and file.suffix.lower() not in _LOOKS:
            found.append((file, relative.as_posix()))
    return found


def _imported(
    file: Path,
    url: str,
    document_id: str,
    official: Official | None,
    moment: datetime,
    max_bytes: int,
) -> Fetched:
    believed = official is not None and official(url) is None
    row = Fetched(document_id, url, url, moment, origin="imported", official=believed)
    row = replace(row, content_type=_SUFFIXES.get(file.suffix.lower()), link_title=file.stem)
    try:
        size = file.stat().st_size
        body = file.read_bytes() if size <= max_bytes else b""
    except OSError as e:
        message = f"the file cannot be read: {e.strerror}"
        return replace(row, error_code="unreadable_file", error_message=message)
    if size > max_bytes:
        message = f"the file has {size} bytes, the limit is {max_bytes}"
        return replace(row, error_code="too_large", error_message=message)
    if not body.strip():
        return replace(row, error_code="empty_body", error_message="the file is empty")
    return replace(row, body=body, size=len(body), snapshot_id=snapshot_id_of(body))
