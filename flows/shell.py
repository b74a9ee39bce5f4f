"""`gongkai sql`: the published warehouse, opened read-only, for one query or a small shell.

Every statement opens the file anew: within one process DuckDB keeps giving the old database until
all connections are closed, and a publish may have swapped a new one in meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from pathlib import Path
from typing import cast

import duckdb
from rich.console import Console

from tasks.records import BadInput

TABLES = """
    select table_name, estimated_size as rows, column_count as columns
    from duckdb_tables() where schema_name = 'main'
    union all
    select view_name, null, column_count
    from duckdb_views() where schema_name = 'main' and not internal
"""
HELP = "End a statement with ; — .tables lists the tables, .schema TABLE its columns, .quit ends."


def open_read_only(database: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection; BadInput when nothing was published yet."""
    if not database.exists():
        raise BadInput(
            f"no warehouse at {database.parent} yet: `gongkai run` makes one, "
            "or choose another with --warehouse or GONGKAI_WAREHOUSE"
        )
    try:
        return duckdb.connect(str(database), read_only=True)
    except duckdb.Error as error:
        raise BadInput(f"{database} cannot be opened: {_first_line(error)}") from error


def query(database: Path, sql: str, console: Console) -> None:
    """Runs one query and prints its rows as a table. BadInput when DuckDB refuses it."""
    with contextlib.closing(open_read_only(database)) as connection:
        _run(connection, sql, console)


def shell(database: Path, console: Console, title: str | None = None) -> None:
    """DuckDB's own shell when it is installed, else a prompt.

    With a `title` always the prompt: the database is there only as long as the caller is.
    """
    open_read_only(database).close()
    if title is None and (own := shutil.which("duckdb")) and sys.stdin.isatty():
        os.execv(own, [own, "-readonly", str(database)])  # noqa: S606 - replaces this process
    console.print(f"{title or database} (read-only). {HELP}", highlight=False)
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 - line editing and history for input()
    pending: list[str] = []
    while True:
        try:
            line = input("   ...> " if pending else "gongkai> ")
        except EOFError:
            break
        except KeyboardInterrupt:
            pending.clear()
            console.print()
            continue
        if not pending and line.strip() in (".quit", ".exit", "quit", "exit"):
            break
        if not pending and line.strip().startswith("."):
            line = _dot_command(line.split())
        pending.append(line)
        if line.rstrip().endswith(";"):
            with contextlib.suppress(KeyboardInterrupt):
                try:
                    query(database, "\n".join(pending), console)
                except BadInput as error:
                    console.print(f"[red]{error}", highlight=False, markup=False)
            pending.clear()


def _dot_command(words: list[str]) -> str:
    if words[0] == ".tables":
        return f"from ({TABLES}) order by 1;"
    if words[0] == ".schema" and len(words) == 2:
        return f"describe {words[1]};"
    return f"select '{HELP.replace(chr(39), '')}' as help;"


def _run(connection: duckdb.DuckDBPyConnection, sql: str, console: Console) -> None:
    try:
        # the stub forgets it: None for a statement that gives no rows
        relation = cast("duckdb.DuckDBPyRelation | None", connection.sql(sql))
        if relation is None:
            console.print("done", highlight=False)
        elif console.is_terminal:
            relation.show(max_width=console.width, max_rows=200)
        else:
            relation.show(max_width=100_000, max_rows=100_000)
    except duckdb.Error as error:
        raise BadInput(f"the query was refused: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
