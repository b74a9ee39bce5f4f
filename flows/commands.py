"""What the commands do, between the options of `flows.cli` and the flows."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rich.console import Console

from flows import alerting, progress, server, session, show
from flows.exact_json import encode, reading_object
from tasks import parse, snapshot, verify, warc_write
from tasks.files import write_bytes
from tasks.objects import Place
from tasks.politeness import Settings
from tasks.records import BadInput
from tasks.resolve import resolve_from_env
from tasks.sources import load_sources
from tasks.store import DEFAULT_ROOT, Warehouse

if TYPE_CHECKING:
    from prefect import State

    from flows.stages import Night

DONE, REJECTED = 0, 3
_HEX = frozenset("0123456789abcdef")


def parse_document(
    warehouse: Warehouse, document: str, out: Console, *, as_json: bool, save: Path | None
) -> int:
    """Reads one document and prints the reading; 0 when parsed, 3 when rejected."""
    body, url, content_type = _bytes_of(warehouse, document)
    if save is not None:
        try:
            save.write_bytes(body)
        except OSError as error:
            raise BadInput(f"--save {save}: cannot be written ({error.strerror})") from error
    reading = parse.read_document(body, url=url, content_type=content_type)
    if as_json:
        sys.stdout.write(encode(reading_object(reading)) + "\n")
    else:
        show.show(reading, out)
    return DONE if reading.outcome == "parsed" else REJECTED


def _bytes_of(warehouse: Warehouse, document: str) -> tuple[bytes, str | None, str | None]:
    """The bytes of a file, a URL or an archived snapshot, with URL and content type if known."""
    if urlsplit(document).scheme in ("http", "https"):
        from flows.harvest import get_one

        page = get_one(document)
        if page.body is None:
            raise BadInput(f"{document}: {page.error_message or 'nothing was received'}")
        return page.body, page.final_url, page.content_type
    if len(document) == 64 and set(document) <= _HEX and not Path(document).exists():
        try:
            return snapshot.read_bytes(warehouse, document), None, None
        except KeyError as error:
            raise BadInput(
                f"snapshot {document}: not in the archive of {warehouse.root}; "
                "choose the warehouse with --warehouse or GONGKAI_WAREHOUSE"
            ) from error
    try:
        return Path(document).read_bytes(), None, None
    except FileNotFoundError as error:
        raise BadInput(f"{document}: no such file; give a file, a URL or a snapshot id") from error
    except OSError as error:
        raise BadInput(f"{document}: cannot be read ({error.strerror})") from error


def run_night(warehouse: Warehouse, sources: Path | None, out: Console, err: Console) -> int:
    """One nightly run under a Prefect server, with progress and a summary."""
    load_sources(sources)  # what is wrong in the input is told before anything is started
    settings = Settings.from_env()
    if not resolve_from_env() and not settings.contact:
        err.print(
            "No contact is given: set GONGKAI_CONTACT to a mail address or URL, so that the sites "
            "know whom to ask about these visits",
            style="yellow",
            highlight=False,
        )

    def night() -> tuple[State[Any], Night | None]:
        from flows import nightly

        path = str(sources.resolve()) if sources else None
        state = nightly.nightly(path, str(warehouse.root), return_state=True)
        return state, nightly.last

    return _session(warehouse, "run", night, out, err)


def ingest_documents(
    warehouse: Warehouse,
    paths: list[Path],
    base_url: str | None,
    out: Console,
    err: Console,
    *,
    everything: bool = False,
    sources: Path | None = None,
) -> int:
    """Local documents and WARC files into the archive, read and published."""
    for path in paths:
        if not path.exists():
            raise BadInput(f"{path}: no such file or folder")
    if sources is not None:
        load_sources(sources)

    def work() -> tuple[State[Any], Night | None]:
        from flows import ingest

        files = [str(path.resolve()) for path in paths]
        given = str(sources.resolve()) if sources else None
        root = str(warehouse.root)
        state = ingest.ingest(files, base_url, root, everything, given, return_state=True)
        return state, ingest.last

    return _session(warehouse, "ingest", work, out, err)


def replay_archive(
    warehouse: Warehouse,
    selection: str,
    since: date | None,
    out: Console,
    err: Console,
    *,
    reason: str = "any",
    adopt: str = "additions",
) -> int:
    """Parses again from the archive, shows what changes and publishes; 3 when that was held."""
    session.check_writable(warehouse, "replay")
    _parts(warehouse)
    held = False

    def work() -> tuple[State[Any], Night | None]:
        nonlocal held
        from flows import replay, summary

        state = replay.replay(
            selection, since, reason, str(warehouse.root), adopt, return_state=True
        )
        done = replay.last
        if done is not None:
            summary.show_difference(out, done.difference, done.changes)
        held = state.name == "HeldForReview"
        return state, done.night if done else None

    code = _session(warehouse, "replay", work, out, err)
    if not held:
        return code
    err.print(
        "gongkai: not published: reports that were read before would change. Look at the changes, "
        "then give --publish",
        style="red",
        highlight=False,
        soft_wrap=True,
    )
    return REJECTED


def verify_warehouse(warehouse: Warehouse, out: Console, err: Console) -> int:
    """Checks every hash and prints what is wrong; 0 when all is well, else 3."""
    total = sum(map(snapshot.rows_in, snapshot.parts(warehouse)))
    with progress.shown(out), progress.current().step("Verifying", total, "fetches") as step:
        found = verify.verify(warehouse, step.advance)
    for damage in found.damages:
        err.print(f"DAMAGED {damage}", style="red", highlight=False, markup=False, soft_wrap=True)
    checked = (
        f"{found.parts} parts with {found.fetches} fetches, {found.documents} documents "
        f"({found.size / 1e6:.1f} MB) and their hashes, {found.readings} readings, "
        f"{found.runs} runs"
    )
    unread = f"; {found.unread} parts are not read yet, the next run reads them"
    out.print(f"Checked: {checked}" + unread * bool(found.unread), highlight=False)
    if not found.damages:
        out.print("All is as it was written.", style="green")
        return DONE
    err.print(f"{len(found.damages)} damages; nothing was changed", style="red", highlight=False)
    return REJECTED


def export_warc(warehouse: Warehouse, target: Path, since: date | None, out: Console) -> int:
    """Writes the archive as one WARC file. Raises BadInput when damaged bytes were left out."""
    parts = _parts(warehouse)
    moment = datetime(since.year, since.month, since.day, tzinfo=UTC) if since else None
    done = warc_write.export(parts, target, moment)
    out.print(
        f"{target}: {done.documents} documents, {done.revisits} revisits; "
        f"{done.empty} fetches without content are not in it",
        highlight=False,
        soft_wrap=True,
    )
    if done.damaged:
        raise BadInput(
            f"{done.damaged} documents do not match their hash and are not in {target}; "
            "see gongkai verify"
        )
    return DONE


def _parts(warehouse: Warehouse) -> list[Place]:
    """The parts of an archive that has some."""
    if parts := snapshot.parts(warehouse):
        return parts
    raise BadInput(
        f"no archive at {warehouse.root} yet: `gongkai run` fills one, "
        "or choose another with --warehouse or GONGKAI_WAREHOUSE"
    )


def stop_fetching(warehouse: Warehouse, reason: str, out: Console) -> int:
    """No run on this warehouse sends a further request until `resume_fetching`."""
    warehouse.root.mkdir(parents=True, exist_ok=True)
    write_bytes(warehouse.stop_file, (reason + "\n").encode())
    out.print(
        f"Stopped: no run on {warehouse.root} sends a further request. A run under way accounts "
        "for what it has and publishes it; what was not fetched is skipped, and waits for the next "
        "night.\n`gongkai stop --off` lets runs fetch again.",
        highlight=False,
        soft_wrap=True,
    )
    return DONE


def resume_fetching(warehouse: Warehouse, out: Console) -> int:
    """Lets runs fetch again."""
    was = warehouse.stopped()
    warehouse.stop_file.unlink(missing_ok=True)
    said = f"Runs fetch again ({was} before)." if was else "Nothing was stopped."
    out.print(said, highlight=False, soft_wrap=True)
    return DONE


def publish_warehouse(warehouse: Warehouse, out: Console, err: Console, *, full: bool) -> int:
    """Brings the models up to date and swaps the warehouse in."""

    def work() -> tuple[State[Any], Night | None]:
        from flows import publish

        return publish.publish(str(warehouse.root), full, return_state=True), None

    return _session(warehouse, "publish", work, out, err)


def apply_alerts(warehouse: Warehouse, file: Path | None, out: Console, *, test: bool) -> int:
    """Makes a running server's automations those of the alerts file; maybe sends a test."""
    settings = alerting.load(warehouse, file)
    home = server.home_of(warehouse.root)
    api = os.environ.get("PREFECT_API_URL") or server.announced(home)
    if not api or not server.healthy(api, seconds=10):
        raise BadInput(
            f"no Prefect server runs for warehouse {warehouse.root}: start `gongkai serve`, which "
            "applies the alerts by itself, or set PREFECT_API_URL"
        )
    os.environ.update(server.environment(home) | {"PREFECT_API_URL": api})
    from flows import automations

    for name in automations.apply(settings, api.removesuffix("/api")):
        out.print(f"applied  {name}", highlight=False)
    told = ", ".join(settings.recipients)
    if test and not told:
        raise BadInput(
            f"--test: {file or warehouse.root / alerting.FILE} names nobody; add [[webhook]] or "
            "[[email]], see docs/operating.md"
        )
    if test:
        automations.send_test(warehouse)
    word = "a test was sent to" if test else "alerts go to"
    out.print(f"{word}  {told or 'nobody'}", highlight=False, soft_wrap=True)
    return DONE


def _session(
    warehouse: Warehouse,
    purpose: str,
    work: Callable[[], tuple[State[Any], Night | None]],
    out: Console,
    err: Console,
) -> int:
    """Runs a flow in this process under a Prefect server and shows how it ended.

    A failed flow raises what made it fail, so that the command line tells it in one line.
    """
    if purpose == "run":
        session.announce_demo(err)
    session.check_writable(warehouse, purpose)
    session.log_to(session.log_file(warehouse))
    with session.prefect_session(warehouse, out):
        with progress.shown(out):
            state, night = work()
        if not state.is_completed():
            error = state.result(raise_on_failure=False)
            raise error if isinstance(error, Exception) else RuntimeError(state.message)
    if warehouse.database.exists():
        _show_end(warehouse, night, out)
    return DONE


def _show_end(warehouse: Warehouse, night: Night | None, out: Console) -> None:
    from flows import publish, summary

    if night is not None:
        summary.show_run(out, night.counts, night.harvested, night.failures, night.notes)
        summary.show_alerts(out, night.alerts)
    summary.show_facts(out, warehouse)
    summary.show_ways_on(out, warehouse, *as_typed(warehouse), publish.site_trouble)


def as_typed(warehouse: Warehouse) -> tuple[str, str]:
    """`gongkai` and its --warehouse option as one can type them here.

    Without an activated environment the command is not on the PATH.
    """
    command = "gongkai" if shutil.which("gongkai") else _short(Path(sys.prefix) / "bin" / "gongkai")
    chosen = warehouse.root != DEFAULT_ROOT
    return command, f" --warehouse {shlex.quote(_short(warehouse.root))}" if chosen else ""


def _short(path: Path) -> str:
    """A path as one would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
