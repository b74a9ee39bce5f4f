"""The commands that read documents and what is published, as they are declared."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from flows.cli_options import DONE, WarehouseOption, day_option, err, file_option, out
from tasks.records import BadInput
from tasks.store import Warehouse

app = typer.Typer()
command = partial(app.command, rich_help_panel="Read and query")


@command()
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
        Path | None, file_option("--save", "Also write the bytes that were read here.")
    ] = None,
    warehouse: WarehouseOption = None,
) -> int:
    """Read one document and print what was understood.

    HTML, Word, PDF, OFD, sheets and text; scans and pictures with the extra `ocr`. Exit code 3 when
    it is rejected; the reason and the place are printed. Nothing is archived. A snapshot id (64 hex
    digits, as the Prefect UI and the table `failures` show it) is read from the archive of the
    warehouse.
    """
    from flows.commands import parse_document

    return parse_document(Warehouse.at(warehouse), document, out, as_json=as_json, save=save)


@command()
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
        day_option("--as-of", "The tables of the newest release of that day or before."),
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


@command()
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


@command()
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
    csv: Annotated[Path | None, file_option("--csv", "Also write every cell to this file.")] = None,
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


@command()
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
        Path | None, file_option("--sheet", "The sheet to write, .xlsx or .csv.")
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
