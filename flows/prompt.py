"""The prompt of `gongkai sql` where DuckDB's own shell is not installed.

Completes keywords, tables, columns of the tables that the statement names, and the codes of the
form's cells inside quotes; keeps a history; long and wide results go to a pager.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import AnyFormattedText
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import PygmentsLexer
from pygments.lexers.sql import PostgresLexer

KEYWORDS = (
    "select from where group by order by having limit distinct all as on using with case when then "
    "else end and or not in is null like ilike between union except intersect join left full inner "
    "cross semi anti asc desc nulls last first over partition by qualify filter exists true false "
    "pivot unpivot sample describe summarize explain show count sum avg min max median round "
    "coalesce nullif cast try_cast exclude replace columns unnest"
)
_WORD = re.compile(r"[\w.]*$")
_QUOTED = re.compile(r"'([^']*)$")
_NAMED = re.compile(r"\b(?:from|join|update|describe|summarize)\s+([\w.\"]+)", re.IGNORECASE)
_AFTER_TABLE = re.compile(r"\b(?:from|join|describe|summarize)\s+[\w.\"]*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Names:
    """What a database offers for completion."""

    tables: dict[str, list[tuple[str, str]]]  # name as one types it → its columns and their types
    cells: dict[str, str]  # code of the form → its label

    @classmethod
    def of(cls, connection: duckdb.DuckDBPyConnection) -> Names:
        """Reads them from the catalog and the table `measures`."""
        tables: dict[str, list[tuple[str, str]]] = {}
        for schema, table, column, kind in connection.execute(
            "select schema_name, table_name, column_name, data_type from duckdb_columns() "
            "where not internal and schema_name in ('main', '中文') order by 1, 2, column_index"
        ).fetchall():
            name = table if schema == "main" else f"{schema}.{table}"
            tables.setdefault(name, []).append((column, kind))
        cells: dict[str, str] = {}
        with contextlib.suppress(duckdb.Error):
            found = connection.execute("select cell, any_value(label) from measures group by cell")
            cells = dict(sorted(found.fetchall()))
        return cls(tables, cells)


class SqlCompleter(Completer):
    """Suggests what may come next in a statement."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def get_completions(self, document: Document, event: CompleteEvent) -> Iterable[Completion]:
        """The completions at the cursor; the nearest kind of name first."""
        before = document.text_before_cursor
        if before.count("'") % 2:
            quoted = _QUOTED.search(before)
            yield from self._cells(quoted[1] if quoted else "")
            return
        found = _WORD.search(before)
        word = found[0] if found else ""
        if not word and not event.completion_requested and not _AFTER_TABLE.search(before):
            return
        suggested: set[str] = set()
        for text, meta in self._candidates(before, document.text, word):
            if text.lower().startswith(word.lower()) and text not in suggested and text != word:
                suggested.add(text)
                yield Completion(text, -len(word), display_meta=meta)

    def _cells(self, begun: str) -> Iterator[Completion]:
        for code, label in self._names.cells.items():
            if code.startswith(begun) or (begun and begun in label):
                yield Completion(code, -len(begun), display_meta=label)

    def _candidates(self, before: str, text: str, word: str) -> Iterator[tuple[str, str]]:
        tables = self._names.tables
        if _AFTER_TABLE.search(before):
            yield from ((name, f"{len(columns)} columns") for name, columns in tables.items())
            return
        if before.lstrip().startswith("."):
            yield from ((name, "") for name in (".tables", ".schema", ".examples", ".quit"))
            return
        if "." in word:  # alias.column
            prefix = word.rpartition(".")[0]
            yield from ((f"{prefix}.{column}", kind) for column, kind in self._columns(text))
            yield from ((name, "table") for name in tables)
            return
        yield from self._columns(text)
        yield from ((name, "keyword") for name in dict.fromkeys(KEYWORDS.split()))
        yield from ((name, "table") for name in tables)

    def _columns(self, text: str) -> Iterator[tuple[str, str]]:
        """Columns of the tables that the statement names, else of all of them."""
        named = [name.strip('"') for name in _NAMED.findall(text)]
        known = [name for name in named if name in self._names.tables]
        for name in known or self._names.tables:
            yield from self._names.tables[name]


def session(title: str, names: Names) -> PromptSession[str]:
    """A prompt that ends a statement at ";" and continues it on further lines before."""
    bindings = KeyBindings()
    prompt: PromptSession[str] = PromptSession(
        completer=SqlCompleter(names),
        complete_while_typing=True,
        lexer=PygmentsLexer(PostgresLexer),
        history=_history(),
        auto_suggest=AutoSuggestFromHistory(),
        key_bindings=bindings,
        multiline=True,
        prompt_continuation=_continuation,
        bottom_toolbar=f" {title}  read-only · ; ends a statement · Tab completes · .examples",
        reserve_space_for_menu=8,
    )

    @Condition
    def complete() -> bool:
        text = prompt.default_buffer.document.text.strip()
        return not text or text.endswith(";") or text.startswith(".") or text in ("quit", "exit")

    @bindings.add("enter", filter=complete)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    return prompt


def _continuation(width: int, line_number: int, wrapped: int) -> AnyFormattedText:
    return "…".rjust(max(0, width - 1)) + " "


def _history() -> History:
    """Kept among the user's state; in memory where there is no home to write to."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path("~/.local/state").expanduser())
    file = state / "gongkai" / "sql_history"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(file))


def page(show: Callable[[], None], width: int, height: int) -> None:
    """Shows what `show` prints: directly when it fits the screen, else in a pager.

    The pager is $PAGER, else `less` that keeps long lines whole; without either it is printed.
    """
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        show()
    printed = text.getvalue()
    lines = printed.splitlines()
    fits = len(lines) < height and all(len(line) <= width for line in lines)
    pager = os.environ.get("PAGER") or ("less" if shutil.which("less") else "")
    if fits or not pager:
        print(printed, end="")  # noqa: T201 - the result of a query goes to standard output
        return
    settings = {"LESS": "-SRFX", "LESSCHARSET": "utf-8"} | dict(os.environ)
    with contextlib.suppress(BrokenPipeError):
        subprocess.run(pager, shell=True, input=printed, text=True, env=settings, check=False)  # noqa: S602 - $PAGER is a command line by custom
