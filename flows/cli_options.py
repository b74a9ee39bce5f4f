"""What the declarations of the command line share: consoles, exit codes, common options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
