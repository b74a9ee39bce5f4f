"""The command line `gongkai`. Thin: options, messages and exit codes; the work is elsewhere."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import traceback
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from flows import cli_analyse, cli_operate
from flows.cli_options import DONE, FAULT, INTERRUPTED, USAGE, err
from tasks.records import BadInput
from tasks.store import Warehouse

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

The file `cluster.toml` of the warehouse folder moves the archive to an object store and the reading
to a Dask cluster; docs/scale.md

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
app.add_typer(cli_operate.app)
app.add_typer(cli_analyse.app)


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


def main() -> None:
    """The entry point: turns what went wrong into one line and an exit code."""
    gc.set_threshold(50_000, 20, 10)  # what is imported and the registry stay; see run_dbt
    try:
        code = app(standalone_mode=False)
        if code == INTERRUPTED:  # how typer tells of Ctrl-C
            raise KeyboardInterrupt
    except TyperException as error:
        code = _usage(error)
    except BadInput as error:
        _say(f"gongkai: {error}")
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


def _say(line: str) -> None:
    err.print(line, style="red", highlight=False, markup=False, soft_wrap=True)


def _usage(error: Any) -> int:
    message = getattr(error, "format_message", lambda: str(error))().rstrip(".")
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "gongkai"
    _say(f"{command}: {message}; see `{command} --help`")
    return USAGE


def _fault(error: Exception) -> int:
    trace = "".join(traceback.format_exception(error))
    if os.environ.get("GONGKAI_DEBUG"):
        err.print(trace, highlight=False, markup=False, soft_wrap=True)
    log = _write_log(trace)
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    _say(f"gongkai: {type(error).__name__}: {first}; a fault of the program, details in {log}")
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
