"""`gongkai sql`: the published warehouse, opened read-only, for one query or a shell.

At the prompt every statement opens the file anew: within one process DuckDB keeps giving the old
database until all connections are closed, and a publish may have swapped a new one in meanwhile.
What comes from a pipe is one piece of work, and reads one night.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
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
_COMMENTS = re.compile(r"(?:\s|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*", re.DOTALL)
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


def query(database: Path, text: str, console: Console) -> None:
    """Runs the statements of `text`, or one command of the shell, and prints each result.

    BadInput when DuckDB refuses one; those before it were run, unless the text cannot be parsed.
    """
    if not text.strip("; \n"):
        raise BadInput('the query is empty: give one, for instance "select * from reports limit 9"')
    with contextlib.closing(open_read_only(database)) as connection:
        _answer(connection, text, console)


def shell(database: Path, console: Console, title: str | None = None) -> None:
    """DuckDB's own shell when it is installed, else a prompt; statements from a pipe are run.

    With a `title` always the prompt: the database is there only as long as the caller is. BadInput
    for the first statement of a pipe that is refused.
    """
    if sys.stdin is None:
        raise BadInput('standard input is closed: give a query, as in gongkai sql "select 1"')
    if not sys.stdin.isatty():
        with (
            contextlib.closing(open_read_only(database)) as connection,
            open(sys.stdin.fileno(), encoding="utf-8-sig", closefd=False) as lines,  # any locale
        ):
            _pipe(connection, lines, console)
        return
    open_read_only(database).close()
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
        if _ends(text):
            break
        with contextlib.suppress(KeyboardInterrupt):
            try:
                with contextlib.closing(open_read_only(database)) as connection:
                    _answer(connection, text, console)
            except BadInput as error:
                console.print(str(error), style="red", highlight=False, markup=False)


def _pipe(connection: duckdb.DuckDBPyConnection, lines: Iterable[str], console: Console) -> None:
    """Answers one statement or command after another until the end or `.quit`."""
    try:
        for number, text in _statements(lines):
            if _ends(text):
                return
            try:
                _answer(connection, text, console)
            except BadInput as error:
                raise BadInput(f"standard input, from line {number}: {error}") from error
    except UnicodeDecodeError as error:
        raise BadInput("standard input is not UTF-8; save the file as UTF-8") from error


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


def _statements(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """The number of its first line, and the text, of what can be answered by itself.

    That is a line with a command where a statement may begin, else lines up to one at whose end a
    statement ends.
    """
    pending, first = "", 0
    for number, line in enumerate(lines, 1):
        if not pending.strip():
            pending, first = "", number
        pending += line
        begins = first == number
        if (begins and (line.lstrip().startswith(".") or _ends(line))) or (
            ";" in line and _is_whole(pending)
        ):
            yield first, pending.strip()
            pending = ""
    if pending.strip():
        yield first, pending.strip()


def _is_whole(text: str) -> bool:
    """Whether nothing but comments follows the last semicolon that ends a statement."""
    written = text.encode()  # offsets are in bytes
    ends = [place for place, _ in duckdb.tokenize(text) if written[place : place + 1] == b";"]
    return bool(ends) and _COMMENTS.fullmatch(written[ends[-1] + 1 :].decode()) is not None


def _ends(text: str) -> bool:
    """Whether a line asks to leave."""
    return text.strip("; \n") in (".quit", ".exit", "quit", "exit")


def _answer(connection: duckdb.DuckDBPyConnection, text: str, console: Console) -> None:
    """Answers statements or a command of the shell; BadInput says what is wrong with it."""
    if text.lstrip().startswith("."):
        _command(connection, text.strip("; \n").split(), console)
    else:
        _run(connection, text, console)


def _command(connection: duckdb.DuckDBPyConnection, words: list[str], console: Console) -> None:
    examples = list(example_queries())
    if words[0] == ".tables":
        _run(connection, TABLES, console)
    elif words[0] == ".schema" and len(words) == 2:
        _run(connection, f"describe {words[1]}", console)
    elif words[0] == ".examples":
        for number, (title, _) in enumerate(examples, 1):
            console.print(f"{number:>3}  {title}", highlight=False, markup=False)
        console.print(".example N shows and runs one of them", style="dim")
    elif words[0] == ".example" and len(words) == 2:
        if not words[1].isdecimal() or not 1 <= int(words[1]) <= len(examples):
            raise BadInput(f".example {words[1]}: there are {len(examples)}; .examples lists them")
        title, sql = examples[int(words[1]) - 1]
        console.print(f"-- {title}\n{sql}", style="dim", highlight=False, markup=False)
        _run(connection, sql, console)
    elif words[0] == ".help":
        console.print(HELP, highlight=False, markup=False)
    else:
        raise BadInput(f"{' '.join(words)} is no command. {HELP}")


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
        for statement in duckdb.extract_statements(sql):
            # the stub forgets it: None for a statement that gives no rows
            relation = cast("duckdb.DuckDBPyRelation | None", connection.sql(statement))
            if relation is not None:
                _show(relation, console)
            elif statement.query:  # DuckDB itself adds some without a text, before a pivot
                console.print("done", highlight=False)
    except duckdb.Error as error:
        raise BadInput(f"the query was refused: {_first_line(error)}") from error


def _show(relation: duckdb.DuckDBPyRelation, console: Console) -> None:
    if not console.is_terminal:
        relation.show(max_width=100_000, max_rows=100_000)
        return
    from flows import prompt

    prompt.page(
        lambda: relation.show(max_width=1_000, max_rows=MOST_ROWS), console.width, console.height
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
