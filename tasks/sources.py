"""The sources file: which sites are visited, and whose pages may be believed."""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

from tasks.lookalikes import looks_like
from tasks.politeness import PLAIN, HostOptions
from tasks.records import BadInput, Official, Source
from tasks.urls import host_of, is_government_host, under

DEFAULT_SOURCES = Path(__file__).resolve().parent.parent / "sql" / "seeds" / "sources.csv"
COLUMNS = Source._fields
REQUIRED = tuple(name for name in COLUMNS if name not in Source._field_defaults)
TLS = ("", "legacy")
MOST_DELAY = 3600.0
STATUSES = ("allowed", "quarantine", "blocked")
_DIVISION = re.compile(r"\d{6}(\d{3})?(\d{3})?")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def load_sources(path: str | Path | None = None) -> list[Source]:
    """Read and check a sources file (UTF-8 CSV; the seed of the project by default).

    Raises BadInput with the file, line, column and what is allowed, for the first thing wrong.
    """
    file = Path(path) if path is not None else DEFAULT_SOURCES
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError as e:
        raise BadInput(f"sources file {file}: not found; give an existing CSV file") from e
    except UnicodeDecodeError as e:
        raise BadInput(f"sources file {file}: not UTF-8 at byte {e.start}; save it as UTF-8") from e
    except OSError as e:
        raise BadInput(f"sources file {file}: cannot be read ({e.strerror})") from e
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        header = reader.fieldnames or []
        if missing := [name for name in REQUIRED if name not in header]:
            raise BadInput(
                f"sources file {file}, line 1: column {', '.join(missing)} is missing; "
                f"the columns are {','.join(REQUIRED)}"
            )
        found: list[Source] = []
        lines: dict[str, int] = {}
        for row in reader:
            where = f"sources file {file}, line {reader.line_num}"
            if None in row or any(row[name] is None for name in header):
                raise BadInput(f"{where}: has not the {len(header)} fields that line 1 names")
            source = Source(**{name: row[name].strip() for name in COLUMNS if name in header})
            if problem := _problem(source):
                raise BadInput(f"{where}, column {problem}")
            if source.source_id in lines:
                raise BadInput(
                    f"{where}, column source_id: {source.source_id!r} is already on line "
                    f"{lines[source.source_id]}; every source needs its own"
                )
            lines[source.source_id] = reader.line_num
            found.append(source)
    except csv.Error as e:
        raise BadInput(f"sources file {file}, line {reader.line_num}: not valid CSV ({e})") from e
    if not found:
        raise BadInput(f"sources file {file}: has no rows; add at least one source")
    return found


def _problem(source: Source) -> str | None:
    """The first wrong column with what is allowed there, or None."""
    if not _ID.fullmatch(source.source_id):
        return (
            f"source_id: {source.source_id!r} is not an id; use letters, digits, '-', '_' and '.'"
        )
    if source.division_code and not _DIVISION.fullmatch(source.division_code):
        return f"division_code: {source.division_code!r} is not a code of 6, 9 or 12 digits"
    if source.status not in STATUSES:
        return f"status: {source.status!r} is unknown; allowed are {', '.join(STATUSES)}"
    host = source.host
    if host_of(f"http://{host}/") != host:
        return f"host: {host!r} is not a plain host name in lower case, such as www.example.gov.cn"
    if not is_government_host(host):
        return f"host: {host!r} is not under .gov.cn; only official hosts can be sources"
    listing = host_of(source.listing_url)
    if listing is None:
        return f"listing_url: {source.listing_url!r} is not an http or https address"
    if not under(listing, host):
        return f"listing_url: {source.listing_url!r} is not on the host {host!r} of its row"
    if source.reviewed_on:
        try:
            date.fromisoformat(source.reviewed_on)
        except ValueError:
            return f"reviewed_on: {source.reviewed_on!r} is not a date; write YYYY-MM-DD"
    return _problem_of_options(source)


def _problem_of_options(source: Source) -> str | None:
    try:
        re.compile(source.pattern)
    except re.error as e:
        return f"pattern: {source.pattern!r} is not a regular expression ({e})"
    if source.delay:
        try:
            delay = float(source.delay)
        except ValueError:
            delay = -1.0
        if not 0 <= delay <= MOST_DELAY:
            return f"delay: {source.delay!r} is not a number of seconds from 0 to {MOST_DELAY:g}"
    if source.tls not in TLS:
        return f"tls: {source.tls!r} is unknown; leave it empty, or write legacy for an old server"
    return None


def append(path: Path, rows: Iterable[Source]) -> int:
    """Add rows to a sources file, made with its header when it does not exist; all or nothing.

    Raises BadInput when the file as it would be is not a valid sources file. Gives the rows added.
    """
    known = load_sources(path) if path.exists() else []
    header = list(REQUIRED)
    if path.exists():
        first = path.read_text(encoding="utf-8-sig").splitlines()[0]
        header = next(csv.reader([first]))
    text = io.StringIO()
    writer = csv.DictWriter(text, header, lineterminator="\n", extrasaction="ignore", restval="")
    if not path.exists():
        writer.writeheader()
    elif not path.read_bytes().endswith(b"\n"):
        text.write("\n")
    ids = {source.source_id for source in known}
    added = 0
    for row in rows:
        if problem := _problem(row):
            raise BadInput(f"the proposed row {row.source_id}, column {problem}")
        if row.source_id in ids:
            raise BadInput(f"sources file {path}: the source_id {row.source_id!r} is already there")
        ids.add(row.source_id)
        writer.writerow(row._asdict())
        added += 1
    try:
        with path.open("a", encoding="utf-8", newline="") as file:
            file.write(text.getvalue())
    except OSError as e:
        raise BadInput(f"sources file {path}: cannot be written ({e.strerror})") from e
    return added


def to_visit(sources: Iterable[Source]) -> dict[str, list[Source]]:
    """The sources to harvest (status `allowed`) by the host of their listing, in file order.

    One caller handles one host, so that a host is visited by one request at a time.
    """
    hosts: dict[str, list[Source]] = defaultdict(list)
    for source in sources:
        if source.status == "allowed":
            hosts[host_of(source.listing_url) or source.host].append(source)
    return dict(hosts)


def official_check(sources: Iterable[Source]) -> Official:
    """A function that says why a URL is not official (one sentence), or None when it is.

    Official: the host lies under `.gov.cn` on a label boundary, and it or a parent of it is
    registered as `allowed`; a blocked or quarantined host below an allowed one is not.
    """
    status: dict[str, str] = {}
    for source in sources:
        # Of two rows for one host the stricter wins only when it is blocked: a site may have one
        # reviewed column beside one to be reviewed.
        known = status.get(source.host)
        if known is None or source.status == "blocked" or known == "quarantine":
            status[source.host] = "blocked" if known == "blocked" else source.status

    def why_not(url: str) -> str | None:
        host = host_of(url)
        if host is None:
            return f"the address {url[:200]!r} is not a plain http(s) address of one host" + (
                looks_like(url, status)
            )
        if not is_government_host(host):
            return f"the host {host} is not under .gov.cn" + looks_like(url, status)
        name = host
        while name.count(".") >= 2:  # x.gov.cn is the shortest name that can be registered
            if name in status:
                if status[name] == "allowed":
                    return None
                return f"the host {name} is marked {status[name]} in the sources file"
            name = name.partition(".")[2]
        return f"the host {host} is not registered in the sources file"

    return why_not


def host_options(sources: Iterable[Source]) -> Callable[[str], HostOptions]:
    """How to treat a host: as the sources on it, or on the host above it, say.

    Of several rows for one host the longest delay counts, and one that asks for old TLS.
    """
    known: dict[str, HostOptions] = {}
    for source in sources:
        before = known.get(source.host, PLAIN)
        delay = max(before.delay, float(source.delay or 0))
        known[source.host] = HostOptions(delay, before.legacy_tls or source.tls == "legacy")

    def options(host: str) -> HostOptions:
        name = host
        while name:
            if name in known:
                return known[name]
            name = name.partition(".")[2]
        return PLAIN

    return options


def official(url: str, sources: Iterable[Source]) -> str | None:
    """Why `url` is not official, or None; for many URLs keep one `official_check`."""
    return official_check(sources)(url)
