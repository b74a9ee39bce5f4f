"""The command line `gongkai`. Thin: options, messages and exit codes; the work is elsewhere."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.exceptions import TyperException

from tasks.records import BadInput
from tasks.store import Warehouse

DONE, FAULT, USAGE, REJECTED, INTERRUPTED = 0, 1, 2, 3, 130

HELP = """Harvests, archives, reads and reconciles the annual government-information disclosure
reports (政府信息公开工作年度报告) of China's administrative organs.

Every command works on one warehouse folder: --warehouse DIR, else GONGKAI_WAREHOUSE, else
warehouse/ of the checkout.
"""
EPILOG = """**Examples**

`gongkai run` — one night: harvest, parse, publish

`gongkai parse report.html` — what is understood of one document

`gongkai sql "select * from runs"` — the published tables, read-only

`gongkai serve` — the Prefect UI and the nightly schedule

**Environment**

`GONGKAI_WAREHOUSE` — the warehouse folder

`GONGKAI_RESOLVE` — HOST[:PORT]=ADDR:PORT,… (\\* for every host): sends requests for official names
to a local publisher; for demos and tests, marks the warehouse as a demo

`GONGKAI_CONTACT` — a mail address or URL that the visited sites see in the User-Agent

`GONGKAI_DELAY` — seconds between two requests to one host, at least (1)

`GONGKAI_KEEP_DAYS` — days that runs stay in the UI, and visits that found nothing new in the
archive (90)

`GONGKAI_SOFFICE` — the LibreOffice that reads old Word, if not the one on PATH; empty: none

`GONGKAI_DEBUG` — 1 shows tracebacks, as --debug does

`PREFECT_API_URL` — the Prefect server to run under; without it `run` starts one of its own

**Exit codes**

0 done or parsed · 3 the document was rejected, verify found damage, or replay was not published ·
2 wrong usage or bad input · 1 a fault of the program · 130 interrupted
"""

app = typer.Typer(
    help=HELP,
    epilog=EPILOG,
    rich_markup_mode="markdown",
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
out = Console()
err = Console(stderr=True)

WarehouseOption = Annotated[
    Path | None,
    typer.Option(
        "--warehouse",
        metavar="DIR",
        envvar="GONGKAI_WAREHOUSE",
        help="The warehouse folder.  [default: warehouse/ of the checkout]",
        show_default=False,
    ),
]

AlertsOption = Annotated[
    Path | None,
    typer.Option(
        "--alerts",
        metavar="FILE",
        help="Whom to tell when a night is out of the ordinary.  "
        "[default: alerts.toml of the warehouse]",
        show_default=False,
    ),
]


def _set_debug(value: bool) -> bool:
    if value:
        os.environ["GONGKAI_DEBUG"] = "1"
    return value


@app.callback()
def options(
    debug: Annotated[
        bool,
        typer.Option("--debug", callback=_set_debug, help="Show tracebacks of program faults."),
    ] = False,
) -> None:
    """The options before the command."""


@app.command()
def run(
    sources: Annotated[
        Path | None,
        typer.Option(
            "--sources",
            metavar="FILE",
            help="The sites to visit, a CSV like sql/seeds/sources.csv.  [default: that file]",
            show_default=False,
        ),
    ] = None,
    warehouse: WarehouseOption = None,
) -> int:
    """Run one night: harvest, parse, publish.

    Visits the listing pages of the sources, archives what is new, reads it, and swaps the
    reconciled tables in. Rejected documents do not make it fail: they are counted, listed here
    and in the Prefect UI, and kept in the table `failures`.
    """
    from flows.commands import run_night

    return run_night(Warehouse.at(warehouse), sources, out, err)


@app.command()
def parse(
    document: Annotated[
        str,
        typer.Argument(
            metavar="FILE_OR_URL", help="A document to read, or the id of an archived snapshot."
        ),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead, numbers exact.")
    ] = False,
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="FILE", help="Also write the bytes that were read here."),
    ] = None,
    warehouse: WarehouseOption = None,
) -> int:
    """Read one document and print what was understood.

    HTML, Word exports, text, PDF and sheets. Exit code 3 when it is rejected; the reason and the
    place are printed. Nothing is archived. A snapshot id (64 hex digits, as the Prefect UI and the
    table `failures` show it) is read from the archive of the warehouse.
    """
    from flows.commands import parse_document

    return parse_document(Warehouse.at(warehouse), document, out, as_json=as_json, save=save)


@app.command()
def ingest(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH…", help="Documents, WARC files, or folders of them."),
    ],
    base_url: Annotated[
        str | None,
        typer.Option(
            "--base-url",
            metavar="URL",
            help="Where the documents stand on the web: URL + path below the folder.",
        ),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option("--everything", help="Of WARC files, also pages that are no annual report."),
    ] = False,
    sources: Annotated[
        Path | None,
        typer.Option(
            "--sources",
            metavar="FILE",
            help="Which hosts are official, a CSV like sql/seeds/sources.csv.",
        ),
    ] = None,
    warehouse: WarehouseOption = None,
) -> int:
    """Take local documents and WARC files into the archive, read them, and publish.

    Without --base-url local documents are in `reports` and `report_cells`, and not in
    `national_fact`, which holds official pages only.

    WARC files (Common Crawl and others, gzipped or not, also WET text) bring the address, the time,
    the status and the headers of each page along. What is no annual report of a .gov.cn site is
    left out; the end of the run says how much, and why. A damaged file gives what stands before the
    damage.
    """
    from flows.commands import ingest_documents

    place = Warehouse.at(warehouse)
    return ingest_documents(
        place, paths, base_url, out, err, everything=everything, sources=sources
    )


@app.command()
def replay(
    rejected: Annotated[
        bool, typer.Option("--rejected", help="Only documents that were rejected (the default).")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Every document.")] = False,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--since",
            formats=["%Y-%m-%d"],
            metavar="DATE",
            help="Documents archived since DATE (YYYY-MM-DD, UTC).",
        ),
    ] = None,
    reason: Annotated[
        str | None,
        typer.Option("--reason", metavar="CODE", help="Only documents rejected for this reason."),
    ] = None,
    publish: Annotated[
        bool,
        typer.Option("--publish", help="Publish also when reports that were read before change."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would change.")
    ] = False,
    warehouse: WarehouseOption = None,
) -> int:
    """Parse again from the archive, without the network; show what changes; publish.

    The new readings are written aside and compared: outcomes by reason, values added, changed and
    lost by cell. When every report that was read before reads as before, they are published;
    otherwise nothing is, the exit code is 3, and --publish after a look does it. The same archive
    and the same code give the same bytes.
    """
    from flows.commands import replay_archive

    if rejected + everything + (since is not None) > 1:
        raise BadInput("replay: --rejected, --all and --since exclude each other; give one")
    if reason is not None and (everything or since is not None):
        raise BadInput("replay: --reason is for rejected documents; leave --all and --since away")
    if publish and dry_run:
        raise BadInput("replay: --publish and --dry-run exclude each other; give one")
    selection = "all" if everything else "since" if since else "rejected"
    day = since.date() if since else None
    adopt = "nothing" if dry_run else "everything" if publish else "additions"
    place = Warehouse.at(warehouse)
    return replay_archive(place, selection, day, out, err, reason=reason or "any", adopt=adopt)


@app.command()
def verify(warehouse: WarehouseOption = None) -> int:
    """Check every hash of the archive, and all that is at rest beside it. Changes nothing.

    Reads all bytes: each document against its SHA-256, each Parquet page against its checksum,
    references without bytes, readings against their archive part, the accounting of each run, and
    the published tables. One line for each damage says what, where and what to do; the exit code
    is then 3. May run beside a night.
    """
    from flows.commands import verify_warehouse

    return verify_warehouse(Warehouse.at(warehouse), out, err)


@app.command("export-warc")
def export_warc(
    target: Annotated[
        Path, typer.Argument(metavar="FILE", help="The file to write, such as archive.warc.gz.")
    ],
    since: Annotated[
        datetime | None,
        typer.Option(
            "--since",
            formats=["%Y-%m-%d"],
            metavar="DATE",
            help="Only fetches since DATE (YYYY-MM-DD, UTC).",
        ),
    ] = None,
    warehouse: WarehouseOption = None,
) -> int:
    """Write the archive as a WARC file that other tools read (WARC 1.1; gzipped when FILE ends
    in .gz).

    Documents are response records (local ones resource records) with their headers, times and
    SHA-256; fetches that brought the same bytes again are revisit records. `gongkai ingest` takes
    the file back, with --everything whole.
    """
    from flows.commands import export_warc as export

    day = since.date() if since else None
    return export(Warehouse.at(warehouse), target, day, out)


@app.command()
def publish(
    full: Annotated[
        bool, typer.Option("--full", help="Make everything anew, not only what changed.")
    ] = False,
    warehouse: WarehouseOption = None,
) -> int:
    """Bring the models up to the archive's readings, swap the warehouse in, write its site.

    Only what changed since the last publish is made anew, with the same result as a full rebuild.
    After a change of the code, the sources or the folder everything is, without being asked.
    """
    from flows.commands import publish_warehouse

    return publish_warehouse(Warehouse.at(warehouse), out, err, full=full)


@app.command()
def stop(
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Shown wherever the stop is.")
    ] = "",
    off: Annotated[bool, typer.Option("--off", help="Let runs fetch again.")] = False,
    warehouse: WarehouseOption = None,
) -> int:
    """Stop all fetching, at once and until `--off`.

    A run under way sends no further request, accounts for what it has, and publishes it; what was
    not fetched is skipped. Later runs fetch nothing either, until the stop is taken off.
    """
    from flows.commands import resume_fetching, stop_fetching

    place = Warehouse.at(warehouse)
    return resume_fetching(place, out) if off else stop_fetching(place, reason, out)


sources_app = typer.Typer(
    help="The sites that are visited and believed: look at a site, propose rows for review.",
    rich_markup_mode="markdown",
)
app.add_typer(sources_app, name="sources")


@sources_app.command("add")
def sources_add(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="A listing of annual reports, or a site's page.")
    ],
    into: Annotated[
        Path | None,
        typer.Option(
            "--into",
            metavar="FILE",
            help="Also append the rows to this sources file, with the status quarantine.",
        ),
    ] = None,
    accept: Annotated[
        bool,
        typer.Option(
            "--accept", help="With --into: as allowed, reviewed today. Only after looking at them."
        ),
    ] = False,
) -> int:
    """Inspect a site and propose rows for the sources file, for a person to accept.

    Tells the site's name, its SiteIDCode, the division, the content system, and the listings of
    annual reports that the page is or names, with what a look at each showed. A few pages are
    requested, politely and with robots.txt obeyed; nothing is archived. docs/add_a_source.md says
    what to check before a row is allowed.
    """
    from flows.add_source import add_source

    if accept and into is None:
        raise BadInput("sources add: --accept needs --into FILE")
    return add_source(url, into, accept, err)


@app.command()
def sql(
    query: Annotated[
        str | None,
        typer.Argument(
            metavar="QUERY", help="A query, or several with ; between; without it, a shell."
        ),
    ] = None,
    release: Annotated[
        str | None,
        typer.Option(
            "--release", metavar="NAME", help="The tables of a release; `latest` is the newest."
        ),
    ] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            "--as-of",
            formats=["%Y-%m-%d"],
            metavar="DATE",
            help="The tables of the newest release of that day or before.",
        ),
    ] = None,
    warehouse: WarehouseOption = None,
) -> int:
    """Query the published tables, read-only; without QUERY, open a shell.

    Works at any moment, also while a run is going on: readers see the last published night.

    Example: gongkai sql "select unit_name, report_year, value from national_fact
    where cell = 'requests.new_received.total' order by value desc limit 10"
    """
    from flows import releasing, shell

    chosen = Warehouse.at(warehouse)
    if release is not None or as_of is not None:
        day = as_of.date() if as_of else None
        return releasing.query(chosen, release, day, query, out, err)
    if query is None:
        shell.shell(chosen.database, out)
    else:
        shell.query(chosen.database, query, out)
    return DONE


@app.command()
def release(
    contact: Annotated[
        str,
        typer.Option(
            "--contact",
            metavar="ADDRESS",
            envvar="GONGKAI_CONTACT",
            help="Where readers send corrections: a mail address or URL.",
        ),
    ] = "",
    list_: Annotated[bool, typer.Option("--list", help="List the releases instead.")] = False,
    check: Annotated[
        str | None,
        typer.Option(
            "--check", metavar="NAME", help="Compare the files of a release with its hashes."
        ),
    ] = None,
    warehouse: WarehouseOption = None,
) -> int:
    """Freeze what is published into an immutable release, named for the day.

    A folder of its own under releases/: the tables as Parquet and CSV, a Frictionless data package
    with the meaning of every column, the citation, the licence, and the SHA-256 of every file. It
    is never overwritten: a further release of the day is DAY.2. `gongkai sql --release NAME`
    queries it, `gongkai diff` tells two apart.
    """
    from flows import releasing

    if list_ and check is not None:
        raise BadInput("release: --list and --check exclude each other; give one")
    chosen = Warehouse.at(warehouse)
    if list_:
        return releasing.show_releases(chosen, out)
    if check is not None:
        return releasing.check_release(chosen, check, out)
    return releasing.make_release(chosen, contact, out, err)


@app.command()
def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="A release (or `latest`).")],
    after: Annotated[
        str, typer.Argument(metavar="B", help="Another, or `current`: what is published now.")
    ] = "current",
    rows: Annotated[
        int, typer.Option("--rows", min=0, metavar="N", help="How many cells to list.")
    ] = 20,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object with every cell instead.")
    ] = False,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Also write every cell to this file."),
    ] = None,
    warehouse: WarehouseOption = None,
) -> int:
    """Compare two releases: which values were added, changed or withdrawn, and why.

    By unit, report year, scope and cell. A value is a number. `restated`: the same number (or none
    on both sides) with another status, text as published or edited value. The schemas are compared
    too.
    """
    from flows import releasing

    chosen = Warehouse.at(warehouse)
    return releasing.show_difference(chosen, before, after, out, rows, as_json=as_json, csv=csv)


@app.command()
def serve(
    port: Annotated[
        int, typer.Option("--port", min=1, max=65535, help="Port of the UI, on this machine.")
    ] = 4200,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; 0.0.0.0 for every network.")
    ] = "127.0.0.1",
    sources: Annotated[
        Path | None,
        typer.Option("--sources", metavar="FILE", help="The sites the nightly run visits."),
    ] = None,
    alerts: AlertsOption = None,
    warehouse: WarehouseOption = None,
) -> int:
    """Start the Prefect server with its UI and the nightly schedule (02:00 Asia/Shanghai).

    Runs made by `gongkai run` on the same warehouse are there to see. alerts.toml says who is told
    when a night is out of the ordinary. Ctrl-C ends it.
    """
    from flows.serve import serve_forever

    serve_forever(Warehouse.at(warehouse), sources, alerts, host, port, out)
    return DONE


@app.command()
def audit(
    size: Annotated[
        int | None, typer.Argument(metavar="N", min=1, help="How many cells to draw.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", help="Draw the same cells again from the same facts."),
    ] = None,
    release: Annotated[
        str, typer.Option("--release", metavar="NAME", help="Draw from a release.")
    ] = "current",
    sheet: Annotated[
        Path | None,
        typer.Option(
            "--sheet", metavar="FILE", help="The sheet to write, .xlsx or .csv.", show_default=False
        ),
    ] = None,
    score: Annotated[
        Path | None,
        typer.Option("--score", metavar="SHEET", help="Score a filled sheet instead."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the score as JSON.")] = False,
    warehouse: WarehouseOption = None,
) -> int:
    """Draw a random sample of cells for a blind comparison with their pages, or score it.

    `gongkai audit 100` writes a sheet that says where to look and not what gongkai read, with the
    archived pages beside it. A person fills in what the pages print; `gongkai audit --score SHEET`
    gives the rate of wrong values with its 95 % interval. Rows that are not filled in are never
    counted as right.
    """
    from flows import auditing

    chosen = Warehouse.at(warehouse)
    if (size is None) == (score is None):
        raise BadInput("audit: give how many cells to draw, or --score SHEET")
    if score is not None:
        return auditing.show_score(chosen, score, out, as_json=as_json)
    assert size is not None
    return auditing.draw_sample(chosen, size, seed, release, sheet, out)


@app.command()
def alerts(
    test: Annotated[
        bool, typer.Option("--test", help="Send a test to everybody who would be told.")
    ] = False,
    file: AlertsOption = None,
    warehouse: WarehouseOption = None,
) -> int:
    """Bring the alerts of the running Prefect server up to date with alerts.toml.

    `gongkai serve` does it when it starts. The server is the one that serves this warehouse, else
    PREFECT_API_URL. docs/operating.md explains the file.
    """
    from flows.commands import apply_alerts

    return apply_alerts(Warehouse.at(warehouse), file, out, test=test)


def main() -> None:
    """The entry point: turns what went wrong into one line and an exit code."""
    try:
        code = app(standalone_mode=False)
        if code == INTERRUPTED:  # how typer tells of Ctrl-C
            raise KeyboardInterrupt
    except TyperException as error:
        code = _usage(error)
    except BadInput as error:
        err.print(f"gongkai: {error}", style="red", highlight=False, markup=False, soft_wrap=True)
        code = USAGE
    except (KeyboardInterrupt, typer.Abort):
        err.print("gongkai: interrupted; what was published before is as it was", highlight=False)
        code = INTERRUPTED
    except BrokenPipeError:  # `gongkai sql … | head`
        sys.stderr.close()
        code = DONE
    except Exception as error:  # noqa: BLE001 - the last one to look at it
        code = _fault(error)
    sys.exit(code if isinstance(code, int) else DONE)


def _usage(error: Any) -> int:
    message = getattr(error, "format_message", lambda: str(error))().rstrip(".")
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "gongkai"
    err.print(
        f"{command}: {message}; see `{command} --help`",
        style="red",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    return USAGE


def _fault(error: Exception) -> int:
    trace = "".join(traceback.format_exception(error))
    if os.environ.get("GONGKAI_DEBUG"):
        err.print(trace, highlight=False, markup=False, soft_wrap=True)
    log = _write_log(trace)
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    err.print(
        f"gongkai: {type(error).__name__}: {first}; a fault of the program, details in {log}",
        style="red",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    return FAULT


def _write_log(trace: str) -> Path:
    """Adds a traceback to the log of the warehouse in use, or to a file beside it all."""
    from flows.session import log_file

    path = log_file(Warehouse.at(_warehouse_in_use()))
    if not path.parent.parent.is_dir():
        path = Path(tempfile.gettempdir()) / "gongkai.log"
    try:
        path.parent.mkdir(exist_ok=True)
        with path.open("a", encoding="utf-8") as log:
            log.write(f"{datetime.now().astimezone().isoformat(timespec='seconds')}\n{trace}\n")
    except OSError:
        return Path("(no log could be written; run again with --debug)")
    return path


def _warehouse_in_use() -> str | None:
    """The --warehouse of this command line; the parsed one is gone when a fault is reported."""
    for before, word in zip(sys.argv, sys.argv[1:], strict=False):
        if before == "--warehouse":
            return word
        if word.startswith("--warehouse="):
            return word.partition("=")[2]
    return None


if __name__ == "__main__":
    main()
