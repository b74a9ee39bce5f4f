"""The commands that fill, keep and watch a warehouse, as they are declared: options and help."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from flows.cli_options import DONE, AlertsOption, WarehouseOption, day_option, err, file_option, out
from tasks.records import BadInput
from tasks.store import Warehouse

app = typer.Typer()
command = partial(app.command, rich_help_panel="Run and keep a warehouse")


@command()
def run(
    sources: Annotated[
        Path | None,
        file_option(
            "--sources",
            "The sites to visit, a CSV like sql/seeds/sources.csv.  [default: that file]",
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


@command()
def serve(
    port: Annotated[
        int, typer.Option("--port", min=1, max=65535, help="Port of the UI, on this machine.")
    ] = 4200,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; 0.0.0.0 for every network.")
    ] = "127.0.0.1",
    sources: Annotated[
        Path | None, file_option("--sources", "The sites the nightly run visits.")
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


@command()
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


@command()
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
app.add_typer(sources_app, name="sources", rich_help_panel="Run and keep a warehouse")


@sources_app.command("add")
def sources_add(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="A listing of annual reports, or a site's page.")
    ],
    into: Annotated[
        Path | None,
        file_option(
            "--into", "Also append the rows to this sources file, with the status quarantine."
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


@command()
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
        file_option("--sources", "Which hosts are official, a CSV like sql/seeds/sources.csv."),
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


@command()
def replay(
    rejected: Annotated[
        bool, typer.Option("--rejected", help="Only documents that were rejected (the default).")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Every document.")] = False,
    since: Annotated[
        datetime | None, day_option("--since", "Documents archived since DATE (YYYY-MM-DD, UTC).")
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


@command()
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


@command()
def verify(warehouse: WarehouseOption = None) -> int:
    """Check every hash of the archive, and all that is at rest beside it. Changes nothing.

    Reads all bytes: each document against its SHA-256, each Parquet page against its checksum,
    references without bytes, readings against their archive part, the accounting of each run, and
    the published tables. One line for each damage says what, where and what to do; the exit code
    is then 3. May run beside a night.
    """
    from flows.commands import verify_warehouse

    return verify_warehouse(Warehouse.at(warehouse), out, err)


@command("export-warc")
def export_warc(
    target: Annotated[
        Path, typer.Argument(metavar="FILE", help="The file to write, such as archive.warc.gz.")
    ],
    since: Annotated[
        datetime | None, day_option("--since", "Only fetches since DATE (YYYY-MM-DD, UTC).")
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
