"""What `gongkai release`, `gongkai diff` and `gongkai sql --release` do and show."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows import shell
from flows.commands import as_typed
from flows.exact_json import encode, number
from tasks import releases
from tasks.records import BadInput
from tasks.releases import Comparison, Release
from tasks.releases.compare import KINDS
from tasks.store import Warehouse

DONE = 0
_STYLES = {"added": "green", "changed": "yellow", "withdrawn": "red", "restated": "cyan"}


def make_release(warehouse: Warehouse, contact: str, out: Console, err: Console) -> int:
    """Freezes what is published and says what was made."""
    with out.status("Freezing the published tables …"):
        made = releases.freeze(warehouse, contact=contact)
    if not contact:
        err.print(
            "gongkai: the release names no contact for corrections; "
            "give --contact or set GONGKAI_CONTACT next time",
            style="yellow",
            highlight=False,
            soft_wrap=True,
        )
    _line(out, "Release", f"{made.name}{' (a demo)' if made.facts['demo'] else ''}")
    _line(out, "Folder", str(made.folder))
    _line(out, "Holds", _holds(made))
    _line(out, "Fingerprint", made.fingerprint)
    command, option = as_typed(warehouse)
    example = '"select count(*) from national_fact"'
    _line(out, "Query it", f"{command} sql{option} --release {made.name} {example}")
    _line(out, "Check it", f"{command} release{option} --check {made.name}")
    return DONE


def _holds(made: Release) -> str:
    facts, reports = made.rows("national_fact"), made.rows("reports")
    return (
        f"{facts:,} cells of {reports:,} reports; {len(made.facts['tables'])} tables, "
        f"schema {made.facts['schema_version']}, {_size(made.size)}"
    )


def _line(out: Console, name: str, text: str) -> None:
    out.print(Text(f"{name:<12}", "bold"), end="")
    out.print(text, highlight=False, markup=False, soft_wrap=True)


def _size(count: int) -> str:
    value = float(count)
    for unit in ("bytes", "KB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def show_releases(warehouse: Warehouse, out: Console) -> int:
    """The releases of a warehouse, oldest first."""
    found = releases.releases(warehouse)
    if not found:
        out.print(f"no releases in {warehouse.root} yet; `gongkai release` makes one")
        return DONE
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("release", no_wrap=True)
    for name in ("cells", "reports", "schema", "size"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("fingerprint", no_wrap=True)
    table.add_column("")
    for one in found:
        table.add_row(
            one.name,
            f"{one.rows('national_fact'):,}",
            f"{one.rows('reports'):,}",
            str(one.facts["schema_version"]),
            _size(one.size),
            one.fingerprint[:16],
            "demo" if one.facts["demo"] else "",
        )
    out.print(table)
    return DONE


def check_release(warehouse: Warehouse, name: str, out: Console) -> int:
    """Compares every file with its hash. BadInput when one is not as it was frozen."""
    chosen = releases.find(warehouse, name)
    wrong = releases.check(chosen)
    for line in wrong:
        out.print(line, style="red", highlight=False, markup=False, soft_wrap=True)
    if wrong:
        raise BadInput(
            f"release {chosen.name}: {len(wrong)} of its files "
            f"{'is not as it was' if len(wrong) == 1 else 'are not as they were'} frozen; "
            "restore the release from a copy"
        )
    files = 2 * len(chosen.facts["tables"])
    out.print(
        f"release {chosen.name} is as it was frozen: {files} data files and what stands beside "
        f"them, fingerprint {chosen.fingerprint}",
        highlight=False,
        soft_wrap=True,
    )
    return DONE


def query(
    warehouse: Warehouse,
    name: str | None,
    as_of: date | None,
    sql: str | None,
    out: Console,
    err: Console,
) -> int:
    """One query, or a prompt, on the tables of a release."""
    if name is not None and as_of is not None:
        raise BadInput("sql: --release and --as-of exclude each other; give one")
    if as_of is not None:
        chosen = releases.as_of(warehouse, as_of)
        err.print(f"as of release {chosen.name}", style="dim", highlight=False)
    else:
        assert name is not None
        chosen = releases.find(warehouse, name)
    with releases.opened(chosen) as database:
        if sql is None:
            shell.shell(database, out, title=f"release {chosen.name}")
        else:
            shell.query(database, sql, out)
    return DONE


def show_difference(
    warehouse: Warehouse,
    before: str,
    after: str,
    out: Console,
    rows: int,
    *,
    as_json: bool,
    csv: Path | None,
) -> int:
    """Two states of the facts against each other, for people or as JSON."""
    found = releases.compare(warehouse, before, after)
    if csv is not None:
        found.write_csv(csv)
    if as_json:
        sys.stdout.write(encode(_as_object(found)) + "\n")
        return DONE
    for letter, side in (("A", found.before), ("B", found.after)):
        _line(
            out,
            letter,
            f"{side.name}: {side.values:,} values of {side.reports:,} reports, "
            f"schema {side.schema_version}",
        )
    for change in found.schema_changes:
        _line(out, "Schema", change)
    if not any(found.totals.values()):
        out.print("\nno value was added, changed or withdrawn")
        return DONE
    out.print(_summary(found))
    if rows and found.rows.num_rows:
        for line in _cells(found, rows):
            out.print(line, highlight=False)
    if csv is not None:
        _line(out, "Written", f"{csv}: {found.rows.num_rows:,} cells")
    return DONE


def _as_object(found: Comparison) -> dict[str, Any]:
    return {
        **{
            letter: {
                "name": side.name,
                "schema_version": side.schema_version,
                "values": side.values,
                "reports": side.reports,
            }
            for letter, side in (("a", found.before), ("b", found.after))
        },
        "schema_changes": found.schema_changes,
        "totals": found.totals,
        "summary": found.summary,
        "cells": found.rows.to_pylist(),
    }


def _summary(found: Comparison) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD,
        show_footer=True,
        caption="reports: + new, ~ replaced by another version, − gone. restated: the same value, "
        "with another status, text or edited value",
        caption_justify="left",
    )
    totals = found.totals
    table.add_column("province", footer="all", overflow="fold")
    table.add_column("year", justify="right")
    table.add_column("reports", justify="right", footer=_reports(totals), no_wrap=True)
    for kind in KINDS:
        shown = f"{totals[kind]:,}"
        table.add_column(kind, justify="right", style=_STYLES[kind], footer=shown, no_wrap=True)
    for row in found.summary:
        counts = (f"{row[k]:,}" if row[k] else "" for k in KINDS)
        table.add_row(row["province"] or "–", str(row["report_year"]), _reports(row), *counts)
    return table


def _reports(row: Mapping[str, Any]) -> str:
    signs = (("+", "added"), ("~", "replaced"), ("−", "withdrawn"))
    told = [f"{sign}{row['reports_' + n]:,}" for sign, n in signs if row["reports_" + n]]
    return " ".join(told)


def _cells(found: Comparison, rows: int) -> Iterator[Text]:
    """The first differing cells, below the report each belongs to."""
    shown = found.rows.slice(0, rows).to_pylist()
    width = max(len(row["cell"]) for row in shown)
    heading = None
    for row in shown:
        why = row["why"]
        whose = f"{row['unit_name']} {row['report_year']} {row['scope']}"
        if heading != (whose, why):
            heading = (whose, why)
            yield Text.assemble("\n", (whose, "bold"), (f" · {why}", "dim"))
        kind = (f"  {row['kind']:<10}", _STYLES[row["kind"]])
        yield Text.assemble(kind, f"{row['cell']:<{width}}  ", _change(row))
    if left := found.rows.num_rows - len(shown):
        yield Text(f"\nand {left:,} more cells: --rows N lists more, --csv FILE writes all", "dim")


def _change(row: Mapping[str, Any]) -> str:
    before, after = (_shown(row, side) for side in ("before", "after"))
    if row["kind"] == "restated" and row["edited_before"] != row["edited_after"]:
        edited = (_plain(row["edited_before"]), _plain(row["edited_after"]))
        return f"{after}, edited {edited[0]} → {edited[1]}"
    return f"{before} → {after}"


def _shown(row: Mapping[str, Any], side: str) -> str:
    """A value; where there is none, or that alone is the difference, the status and the text."""
    value, status = row[f"value_{side}"], row[f"status_{side}"]
    if status is None:
        return "–"
    if value is None or row["kind"] == "restated":
        text = row[f"as_published_{side}"]
        return f"{_plain(value)} ({status}{f' “{text}”' if text else ''})"
    return _plain(value)


def _plain(value: Decimal | None) -> str:
    return "–" if value is None else number(value)
