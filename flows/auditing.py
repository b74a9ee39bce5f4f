"""What `gongkai audit` does and shows."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.commands import as_typed
from flows.exact_json import encode, number
from tasks import audit
from tasks.audit import Score
from tasks.audit.draw import MEANINGS, SHARES
from tasks.audit.intervals import Rate
from tasks.store import Warehouse

DONE = 0
WRONG_SHOWN = 20


def draw_sample(
    warehouse: Warehouse,
    size: int,
    seed: int | None,
    release: str,
    sheet: Path | None,
    out: Console,
) -> int:
    """Draws the cells, writes the sheet, and says how to go on."""
    chosen = secrets.randbelow(1_000_000) if seed is None else seed
    drawn = audit.draw(warehouse, size, chosen, release)
    path = sheet or Path(f"audit-{drawn.id}.xlsx")
    pages = audit.write(drawn, path, warehouse)
    command, option = as_typed(warehouse)
    out.print(_drawn(drawn))
    _line(out, "Sheet", str(path))
    wanted = len({row["snapshot_id"] for row in drawn.rows})
    where = f", in {path.stem}.pages" if pages else "; the others have their address only"
    _line(out, "Pages", f"{pages} of {wanted} from the archive{where}")
    _line(out, "Seed", f"{chosen} (--seed {chosen} draws the same cells from the same facts)")
    _line(out, "Then", f"fill in the column `found`, and {command} audit{option} --score {path}")
    if len(drawn.rows) < size:
        _line(out, "Note", f"there are only {len(drawn.rows)} cells; all of them were drawn")
    return DONE


def _line(out: Console, name: str, text: str) -> None:
    out.print(Text(f"{name:<8}", "bold"), end="")
    out.print(text, highlight=False, markup=False, soft_wrap=True)


def _drawn(drawn: audit.Audit) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=f"Audit {drawn.id}", title_justify="left")
    table.add_column("the cell holds", overflow="fold")
    table.add_column("cells", justify="right")
    table.add_column("drawn", justify="right")
    for kind, sizes in drawn.strata.items():
        if not sizes["population"]:
            continue
        table.add_row(MEANINGS[kind], f"{sizes['population']:,}", f"{sizes['drawn']:,}")
    return table


def show_score(warehouse: Warehouse, sheet: Path, out: Console, *, as_json: bool) -> int:
    """The rates of a filled sheet, and each wrong cell."""
    found = audit.score(warehouse, sheet)
    if as_json:
        sys.stdout.write(encode(_as_object(found)) + "\n")
        return DONE
    out.print(_strata(found))
    _line(out, "Numbers", f"that are not zero: {_told(found.rate_of('number'))}")
    _line(out, "Cells", f"of all kinds, weighted: {_told(found.overall)}")
    if not found.complete:
        unfilled, undecided = found.count("unfilled"), found.count("undecided")
        out.print(
            f"\nNot complete: of {len(found.rows)} rows {unfilled} are not filled in and "
            f"{undecided} could not be decided. They count neither as right nor as wrong.\n"
            f"Were they all wrong: {_told(found.worst)}.",
            style="yellow",
            highlight=False,
        )
    for outcome, title in (("wrong", "Wrong"), ("right", "Right, with a remark")):
        rows = [r for r in found.rows if r["outcome"] == outcome and r["remark"]]
        if rows:
            _list(out, title, rows)
    return DONE


def _strata(found: Score) -> Table:
    drawn = found.facts["strata"]
    table = Table(
        box=box.SIMPLE_HEAD,
        title=f"Audit {found.audit}",
        title_justify="left",
        show_footer=True,
    )
    table.add_column("the cell holds", "all", overflow="fold")
    total = sum(s["population"] for s in drawn.values())
    table.add_column("cells", f"{total:,}", justify="right", no_wrap=True)
    for name, outcome in (("right", "right"), ("wrong", "wrong"), ("open", "")):
        count = found.count(outcome) if outcome else _open(found)
        style = "red" if name == "wrong" else ""
        table.add_column(name, f"{count:,}", justify="right", style=style, no_wrap=True)
    table.add_column("rate, 95 % interval", _rate(found.overall), justify="right", no_wrap=True)
    for kind in (k for k in SHARES if drawn[k]["population"]):
        table.add_row(
            MEANINGS[kind],
            f"{drawn[kind]['population']:,}",
            str(found.count("right", kind)),
            str(found.count("wrong", kind)),
            str(_open(found, kind)),
            _rate(found.rate_of(kind)),
        )
    return table


def _open(found: Score, kind: str | None = None) -> int:
    return found.count("unfilled", kind) + found.count("undecided", kind)


def _rate(rate: Rate | None) -> str:
    if rate is None:
        return "cannot tell"
    return f"{rate.value:.2%} ({rate.low:.2%}–{rate.high:.2%})"


def _told(rate: Rate | None) -> str:
    if rate is None:
        return "cannot tell, too little was compared"
    return f"{rate.value:.2%} wrong (95 % interval {rate.low:.2%}–{rate.high:.2%})"


def _list(out: Console, title: str, rows: list[dict[str, Any]]) -> None:
    out.print(Text(f"\n{title}", "bold"))
    for row in rows[:WRONG_SHOWN]:
        value = "none" if row["value"] is None else number(row["value"])
        whose = f"{row['unit_name']} {row['report_year']} {row['scope']}"
        out.print(f"  row {row['row']}: {whose}, {row['cell']}", highlight=False, markup=False)
        out.print(
            f"    {row['remark']}: gongkai {value} ({row['status']}), the page {row['found']}",
            highlight=False,
            markup=False,
        )
        out.print(f"    {row['url']}", style="dim", highlight=False, markup=False, soft_wrap=True)
    if (left := len(rows) - WRONG_SHOWN) > 0:
        out.print(f"  and {left} more: --json tells them all", style="dim")


def _as_object(found: Score) -> dict[str, Any]:
    def rate(value: Rate | None) -> dict[str, float] | None:
        return value._asdict() if value else None

    return {
        **found.facts,
        "complete": found.complete,
        "unfilled": found.count("unfilled"),
        "undecided": found.count("undecided"),
        "rates": {
            **{kind: rate(found.rate_of(kind)) for kind in SHARES},
            "all": rate(found.overall),
            "all_if_open_rows_were_wrong": rate(found.worst),
        },
        "rows": found.rows,
    }
