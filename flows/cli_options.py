"""What the declarations of the command line share: consoles, exit codes, common options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

DONE, FAULT, USAGE, REJECTED, INTERRUPTED = 0, 1, 2, 3, 130

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


def file_option(name: str, meaning: str) -> Any:
    """An option that names a file."""
    return typer.Option(name, metavar="FILE", help=meaning, show_default=False)


def day_option(name: str, meaning: str) -> Any:
    """An option that takes a day."""
    return typer.Option(name, formats=["%Y-%m-%d"], metavar="DATE", help=meaning)


AlertsOption = Annotated[
    Path | None,
    file_option(
        "--alerts",
        "Whom to tell when a night is out of the ordinary.  "
        "[default: alerts.toml of the warehouse]",
    ),
]
