"""`gongkai sources add`: what a look at a site shows, and the rows it proposes."""

from __future__ import annotations

import csv
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tasks.fetch import Visitor
from tasks.politeness import Hosts, Settings
from tasks.propose import Column, Proposal, propose
from tasks.records import Source
from tasks.resolve import resolve_from_env
from tasks.sources import REQUIRED, append, host_options, load_sources
from tasks.units import Registry
from tasks.urls import host_of, is_government_host

DONE, REJECTED = 0, 3
_TITLES = 3  # of each listing, shown as a sample


def add_source(url: str, into: Path | None, accept: bool, err: Console) -> int:
    """Looks at the site, shows what it found, and prints or appends the rows.

    What people read goes to `err`, so that the rows alone are on the standard output. 0 when there
    is a row to propose, 3 when the site showed no listing of reports.
    """
    known = load_sources(into) if into is not None and into.exists() else load_sources()
    hosts = Hosts(host_options(known))
    with Visitor(_government, Settings.from_env(), resolve_from_env(), hosts=hosts) as visitor:
        found = propose(url, visitor.get, Registry.read(), known, visitor.post)
    _show(found, err)
    if not found.rows:
        err.print("\nNo row to propose: see docs/add_a_source.md for what else can be tried.")
        return REJECTED
    rows = found.rows
    if accept:
        today = datetime.now(UTC).date().isoformat()
        rows = [row._replace(status="allowed", reviewed_on=today) for row in rows]
    if into is None:
        err.print("\nRows for the sources file, to be reviewed (docs/add_a_source.md):\n")
        _print_csv(rows)
        return DONE
    append(into, rows)
    state = "allowed: the next run visits them" if accept else "in quarantine until reviewed"
    err.print(f"\n{len(rows)} rows appended to {into}, {state}.", highlight=False, soft_wrap=True)
    return DONE


def _government(url: str) -> str | None:
    host = host_of(url)
    if host is not None and is_government_host(host):
        return None
    return f"the host {host} is not under .gov.cn"


def _show(found: Proposal, out: Console) -> None:
    facts = Table(box=None, show_header=False, pad_edge=False)
    facts.add_column(style="bold", no_wrap=True)
    facts.add_column(overflow="fold")
    division = f"{found.division_code} {found.division_name}".strip()
    for name, value in (
        ("host", found.host),
        ("site", found.site_name),
        ("SiteIDCode", found.site_id_code),
        ("division", division),
        ("system", found.system or "none that is known"),
    ):
        facts.add_row(name, Text(value) if value else Text("not found", "yellow"))
    for line in found.evidence:
        facts.add_row("", Text(line, "dim"))
    out.print(facts)
    table = Table(box=box.SIMPLE_HEAD, title="Listings", title_justify="left")
    table.add_column("reports", justify="right")
    table.add_column("units", justify="right")
    table.add_column("listing and its first reports", overflow="fold")
    for column in found.columns:
        table.add_row(str(len(column.documents)), str(len(column.units)), _sample(column))
    out.print(table)


def _sample(column: Column) -> Text:
    text = Text(column.title[:80] or column.url, "bold").append(f"\n{column.url}", "not bold")
    for document in column.documents[:_TITLES]:
        text.append(f"\n  {document.link_date or '          '} {document.link_title}", "not bold")
    if column.problem:
        text.append(f"\n  {column.problem}", "not bold yellow")
    return text


def _print_csv(rows: list[Source]) -> None:
    """To the standard output as it stands in the file, so that it can be piped there."""
    writer = csv.DictWriter(sys.stdout, list(REQUIRED), lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for row in rows:
        writer.writerow(row._asdict())
