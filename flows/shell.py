"""`gongkai sql`: the published warehouse, opened read-only, for one query or a shell.

Every statement opens the file anew: within one process DuckDB keeps giving the old database until
all connections are closed, and a publish may have swapped a new one in meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import duckdb
from rich.console import Console

from tasks.records import BadInput

TABLES = (
    "select case schema_name when 'main' then '' else schema_name || '.' end || table_name "
    "as name, count(*) as columns from duckdb_columns() where not internal and schema_name in "
    "('main', '中文') group by schema_name, table_name order by schema_name = '中文', name"
)
HELP = (
    "End a statement with ; — .tables lists the tables, .schema TABLE its columns, .examples some "
    "queries (.example N runs one), .quit ends."
)
EXAMPLES = Path(__file__).resolve().parent.parent / "docs" / "queries.md"
OLDEST_SHELL = (1, 5)  # an older DuckDB cannot open the file
MOST_ROWS = 10_000  # that a terminal is shown


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
    """DuckDB's own shell when it is installed, else a prompt; statements from a pipe are run.

    With a `title` always the prompt: the database is there only as long as the caller is.
    """
    open_read_only(database).close()
    if not sys.stdin.isatty():
        for statement in _statements(sys.stdin):
            _answer(database, statement, console)
        return
    if title is None and (own := _own_shell()):
        os.execv(own, [own, "-readonly", str(database)])  # noqa: S606 - replaces this process
    from flows import prompt

    with contextlib.closing(open_read_only(database)) as connection:
        names = prompt.Names.of(connection)
    console.print(HELP, style="dim", highlight=False)
    session = prompt.session(title or str(database), names)
    while True:
        try:
            text = session.prompt("gongkai> ").strip()
        except EOFError:
            break
        except KeyboardInterrupt:
            continue
        if text in (".quit", ".exit", "quit", "exit", "quit;", "exit;"):
            break
        with contextlib.suppress(KeyboardInterrupt):
            _answer(database, text, console)


def _own_shell() -> str | None:
    """The path of DuckDB's own shell, when it can open what this version writes."""
    found = shutil.which("duckdb")
    if found is None:
        return None
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        said = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=10)
        version = re.search(r"v(\d+)\.(\d+)", said.stdout)
        if version and (int(version[1]), int(version[2])) >= OLDEST_SHELL:
            return found
    return None


def _statements(lines: Iterator[str] | object) -> Iterator[str]:
    """Statements from lines: each ends with ";", a line that begins with "." is one of its own."""
    pending: list[str] = []
    for line in cast("Iterator[str]", lines):
        pending.append(line.rstrip("\n"))
        if line.rstrip().endswith(";") or (len(pending) == 1 and line.lstrip().startswith(".")):
            yield "\n".join(pending)
            pending.clear()
    if any(line.strip() for line in pending):
        yield "\n".join(pending)


def _answer(database: Path, text: str, console: Console) -> None:
    """Runs one statement or command of the shell; what is wrong with it is told, and no more."""
    try:
        if text.startswith("."):
            _command(database, text.split(), console)
        elif text.strip("; \n"):
            query(database, text, console)
    except BadInput as error:
        console.print(str(error), style="red", highlight=False, markup=False)


def _command(database: Path, words: list[str], console: Console) -> None:
    examples = list(example_queries())
    if words[0] == ".tables":
        query(database, TABLES, console)
    elif words[0] == ".schema" and len(words) == 2:
        query(database, f"describe {words[1]}", console)
    elif words[0] == ".examples":
        for number, (title, _) in enumerate(examples, 1):
            console.print(f"{number:>3}  {title}", highlight=False, markup=False)
        console.print(".example N shows and runs one of them", style="dim")
    elif words[0] == ".example" and len(words) == 2:
        if not words[1].isdecimal() or not 1 <= int(words[1]) <= len(examples):
            raise BadInput(f".example {words[1]}: there are {len(examples)}; .examples lists them")
        title, sql = examples[int(words[1]) - 1]
        console.print(f"-- {title}\n{sql}", style="dim", highlight=False, markup=False)
        query(database, sql, console)
    else:
        console.print(HELP, highlight=False, markup=False)


def example_queries() -> Iterator[tuple[str, str]]:
    """Title and text of each query in docs/queries.md."""
    if not EXAMPLES.exists():
        return
    title = ""
    for match in re.finditer(
        r"^#+ (?P<title>[^\n]+)$|^```sql\n(?P<sql>.*?)^```$",
        EXAMPLES.read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    ):
        if match["sql"]:
            yield title, match["sql"].strip()
        else:
            title = match["title"]


def _run(connection: duckdb.DuckDBPyConnection, sql: str, console: Console) -> None:
    try:
        # the stub forgets it: None for a statement that gives no rows
        relation = cast("duckdb.DuckDBPyRelation | None", connection.sql(sql))
        if relation is None:
            console.print("done", highlight=False)
        elif console.is_terminal:
            from flows import prompt

            prompt.page(
                lambda: relation.show(max_width=1_000, max_rows=MOST_ROWS),
                console.width,
                console.height,
            )
        else:
            relation.show(max_width=100_000, max_rows=100_000)
    except duckdb.Error as error:
        raise BadInput(f"the query was refused: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
