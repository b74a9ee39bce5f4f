"""What a person reads on the terminal when a run has ended."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.exact_json import number
from flows.operator import Failure
from tasks.alerts import Alert
from tasks.compare import Difference
from tasks.records import OUTCOMES, Counts
from tasks.store import Warehouse

FAILURES_SHOWN, FACTS_SHOWN = 12, 12
FACTS = """
    select unit_name, labels.report_year,
           "requests.new_received.total" as received,
           "requests.carried_in.total" as carried_in,
           "requests.total_handled.total" as handled,
           "requests.carried_out.total" as carried_out
    from reconcile.report_labels as labels join staging.stg_report_values using (report_id)
    where is_fact and labels.scope = 'own'
    order by received desc nulls last, unit_name, labels.report_year limit ?
"""
EXAMPLE = (
    "select unit_name, report_year, value from national_fact "
    "where cell = 'requests.new_received.total' order by value desc limit 10"
)


def show_run(
    console: Console,
    counts: Counts,
    harvested: dict[str, int],
    failures: list[Failure],
    notes: Sequence[str] = (),
) -> None:
    """The totals of a run, whether they close, and what did not make it."""
    equation = Text(f"\ndiscovered {counts.discovered}\n ", "bold")
    for sign, name in zip("=" + "+" * 6, OUTCOMES, strict=True):
        n = getattr(counts, name)
        style = "" if n == 0 else "bold red" if name in ("rejected", "failed") else "bold"
        if name == "quarantined" and console.width < 120:
            equation.append("\n ")
        equation.append(f" {sign} ", "dim").append(f"{n} {name}", style if n else "dim")
    closes = "   ✓ closes" if counts.closes else "   ✗ does not close"
    console.print(equation.append(closes, "green" if counts.closes else "bold red"))
    if harvested:
        console.print(
            f"fetched anew: {harvested['anew']}; not modified (304): "
            f"{harvested['not_modified']}; unchanged since the last run: {counts.unchanged}",
            highlight=False,
        )
    for note in notes:
        console.print(note, highlight=False, markup=False)
    if failures:
        console.print(_failures(failures))


def show_alerts(console: Console, alerts: list[Alert]) -> None:
    """What was out of the ordinary."""
    for alert in alerts:
        line = Text.assemble((f"{alert.kind}  ", "bold red"), alert.message)
        console.print(line, soft_wrap=True)


def _failures(failures: list[Failure]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title="What did not make it", title_justify="left")
    table.add_column("", no_wrap=True)
    table.add_column("page", overflow="fold")
    table.add_column("reason", overflow="fold")
    for failure in failures[:FAILURES_SHOWN]:
        style = "red" if failure.outcome in ("rejected", "failed") else "yellow"
        page = Text(failure.title or failure.url, style=f"link {failure.url}")
        reason = Text(failure.reason)
        if failure.place:
            reason.append(f" ({failure.place})", "dim")
        if not failure.new:
            reason.append(" (known)", "dim")
        table.add_row(Text(failure.outcome, style), page, reason)
    if len(failures) > FAILURES_SHOWN:
        table.caption = f"and {len(failures) - FAILURES_SHOWN} more: gongkai sql 'from failures'"
    return table


def show_difference(console: Console, difference: Difference, changes: Path) -> None:
    """What reading again changes, and where each change is listed."""
    console.print("\nWhat reading again changes", style="bold")
    for line in difference.lines("  "):
        console.print(line, highlight=False, markup=False)
    if difference.rows:
        console.print(f"  each one: {changes}", highlight=False, markup=False, soft_wrap=True)


def show_facts(console: Console, warehouse: Warehouse) -> None:
    """A few rows of the reconciled table, as a look at what was published."""
    with contextlib.closing(duckdb.connect(str(warehouse.database), read_only=True)) as db:
        rows: list[tuple[Any, ...]] = db.execute(FACTS, [FACTS_SHOWN]).fetchall()
        units, reports = db.execute(
            "select count(distinct unit_id), count(*) from reconcile.report_labels where is_fact"
        ).fetchall()[0]
    if not rows:
        console.print("national_fact: no rows; only official pages of resolved units are in it")
        return
    table = Table(
        box=box.SIMPLE_HEAD,
        title=f"national_fact: {units} units, {reports} reports; those with the most requests",
        title_justify="left",
        caption="requests: received + carried in = handled + carried out to the next year",
        caption_justify="left",
    )
    table.add_column("unit", overflow="fold")
    for name in ("year", "新收", "上年结转", "办理总计", "结转下年度"):
        table.add_column(name, justify="right")
    table.add_column("balance")
    for unit, year, received, carried_in, handled, carried_out in rows:
        numbers = (received, carried_in, handled, carried_out)
        verdict = Text("cannot tell", "dim")
        if None not in numbers:
            holds = received + carried_in == handled + carried_out
            verdict = Text("holds", "green") if holds else Text("violated", "bold red")
        table.add_row(unit, str(year), *(_plain(n) for n in numbers), verdict)
    console.print(table)


def _plain(value: Any) -> str:
    return "–" if value is None else number(Decimal(value))


def show_ways_on(
    console: Console, warehouse: Warehouse, command: str, option: str, site_trouble: str | None
) -> None:
    """Where the result is, the page to look at, one query to try, and how to open the UI."""
    console.print("\nPublished  ", end="", style="bold")
    console.print(str(warehouse.database), highlight=False, soft_wrap=True)
    if site_trouble:
        console.print("The site   ", end="", style="bold")
        console.print(
            f"stays as it was: {site_trouble}", style="red", highlight=False, soft_wrap=True
        )
    elif warehouse.site.exists():
        console.print("Look at it ", end="", style="bold")
        console.print((warehouse.site / "index.html").as_uri(), highlight=False, soft_wrap=True)
    console.print("Query it   ", end="", style="bold")
    console.print(
        f'{command} sql{option} "{EXAMPLE}"', highlight=False, markup=False, soft_wrap=True
    )
    console.print("Watch it   ", end="", style="bold")
    console.print(
        f"{command} serve{option}   (the Prefect UI, http://127.0.0.1:4200: runs, failures)",
        highlight=False,
        soft_wrap=True,
    )
