"""`gongkai sql`: completion, statements, pager, and the example queries."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import select
import stat
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import duckdb
import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from rich.console import Console

from flows import prompt, shell
from tasks.records import BadInput
from tests import nights


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small file with the shape of a published one."""
    path = tmp_path_factory.mktemp("shell") / "gongkai.duckdb"
    with duckdb.connect(str(path)) as db:
        db.execute("create table reports as select 'r1' as report_id, '白泉镇' as issuing_unit")
        db.execute("create table runs as select range as discovered, 'n' as run_id from range(500)")
        db.execute(
            "create table measures as select 'requests.granted.total' as cell, "
            "'予以公开 ／ 总计' as label"
        )
        db.execute('create schema "中文"')
        db.execute('create view "中文"."报告" as select report_id as "报告标识" from main.reports')
    return path


@pytest.fixture(scope="module")
def completer(database: Path) -> prompt.SqlCompleter:
    with duckdb.connect(str(database), read_only=True) as db:
        return prompt.SqlCompleter(prompt.Names.of(db))


@pytest.mark.parametrize(
    ("typed", "offered", "not_offered"),
    [
        ("sel", ["select"], ["report_id"]),
        ("select * from re", ["reports"], ["report_id", "replace"]),
        ("select * from ", ["reports", "runs", "中文.报告"], ["select"]),
        ("select * from 中", ["中文.报告"], ["reports"]),
        ("select r", ["report_id", "run_id", "reports"], ["discovered"]),
        ("select * from runs where r", ["run_id"], ["report_id"]),
        ("select a.r from runs as a where a.r", ["a.run_id"], ["a.report_id"]),
        ("select * from x where cell = 'requests.gr", ["requests.granted.total"], ["group"]),
        ("select * from x where cell = '予以", ["requests.granted.total"], []),
        (".ta", [".tables"], ["tables"]),
    ],
)
def test_completion_offers_what_may_stand_there(
    completer: prompt.SqlCompleter, typed: str, offered: list[str], not_offered: list[str]
) -> None:
    event = CompleteEvent(text_inserted=True)
    found = [c.text for c in completer.get_completions(Document(typed), event)]
    assert [text for text in offered if text in found] == offered
    assert [text for text in not_offered if text in found] == []


def test_nothing_is_offered_where_nothing_was_begun(completer: prompt.SqlCompleter) -> None:
    typed = Document("select 1 ")
    assert list(completer.get_completions(typed, CompleteEvent(text_inserted=True))) == []
    asked = CompleteEvent(completion_requested=True)
    assert any(c.text == "from" for c in completer.get_completions(typed, asked))


def _gongkai_sql(
    database: Path, *words: str, piped: bytes = b""
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*nights.GONGKAI, "sql", "--warehouse", str(database.parent), *words],
        input=piped,
        env=nights.environment(),
        cwd=nights.CHECKOUT,
        capture_output=True,
        timeout=60,
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


def test_a_pipe_runs_statement_after_statement(database: Path) -> None:
    done = _gongkai_sql(
        database,
        piped=b"select 1 +\n 1 as two; -- and\nselect 'a;\n.b' as text; select 3 as three;\n"
        b".tables;\n.schema runs\ncreate temp table mine as select 'kept' as word;\n"
        b"pivot runs on run_id using count(*);\nselect word from mine;\n.quit\nselect 'never';",
    )
    assert done.returncode == 0, done.stderr
    wanted = ["two", "text", "three", "中文.报告", "discovered", "done", "500", "kept"]
    places = [done.stdout.index(word) for word in wanted]
    assert places == sorted(places)
    assert done.stdout.count("done") == 1
    assert "never" not in done.stdout


@pytest.mark.parametrize(
    ("piped", "told"),
    [
        ("select 1 as one;\n\nselec 2;\nselect 'never';", "from line 3: the query was refused: P"),
        ("select 1 as one;\nselect nothing;\nselect 'never'", "from line 2: the query was refused"),
        ("select 1 as one;\nselect 'open", "from line 2: the query was refused: Parser Error"),
        ("select 1 as one;\n.tabels\nselect 'never';", "from line 2: .tabels is no command"),
        ("select 1 as one;\ndrop table runs;", "read-only"),
    ],
)
def test_a_pipe_ends_at_what_is_refused(
    database: Path, piped: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with shell.open_read_only(database) as db, pytest.raises(BadInput) as refused:
        shell._pipe(db, io.StringIO(piped), Console())
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)
    printed = capsys.readouterr().out
    assert "one" in printed
    assert "never" not in printed


@pytest.mark.parametrize(
    ("coding", "told"),
    [("utf-8-sig", "from line 2: the query was refused: Pa"), ("gbk", "input is not UTF-8")],
)
def test_a_refusal_is_one_line_and_an_exit_code(database: Path, coding: str, told: str) -> None:
    done = _gongkai_sql(database, piped="select '白' as one;\nselec '泉';".encode(coding))
    assert done.returncode == 2
    assert f"gongkai: standard {'' if coding == 'gbk' else 'input, '}{told}" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert ("白" in done.stdout) is (coding != "gbk")


def test_a_query_may_be_several_statements_or_a_command(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = _gongkai_sql(database, "select 1 as one; select 2 as two")
    assert both.returncode == 0
    assert both.stdout.index("one") < both.stdout.index("two")
    shell.query(database, ".tables", Console())
    assert "中文.报告" in capsys.readouterr().out
    with pytest.raises(BadInput, match="the query is empty"):
        shell.query(database, " ;", Console())


def test_without_standard_input_a_query_is_asked_for(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(BadInput, match="standard input is closed: give a query"):
        shell.shell(database, Console())


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("select 1;\nselect 2", [(1, "select 1;"), (2, "select 2")]),
        ("select '中;\n'; -- a ;\n", [(1, "select '中;\n'; -- a ;")]),
        ("\n-- a;\nselect 1;", [(2, "-- a;\nselect 1;")]),
        ("select 1; /* a\n.b; */\n.tables", [(1, "select 1; /* a\n.b; */"), (3, ".tables")]),
        ("select 1 as a\n.tables;\nquit", [(1, "select 1 as a\n.tables;"), (3, "quit")]),
    ],
)
def test_statements_end_where_duckdb_ends_them(text: str, wanted: list[tuple[int, str]]) -> None:
    assert list(shell._statements(io.StringIO(text))) == wanted


def test_the_pager_gets_what_does_not_fit(
    database: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    seen = tmp_path / "seen.txt"
    monkeypatch.setenv("PAGER", f"cat > {seen}")
    with duckdb.connect(str(database), read_only=True) as db:
        few, many = db.sql("select 1 as one"), db.sql("select * from runs order by 1")
        prompt.page(lambda: few.show(), 80, 24)
        assert not seen.exists()
        assert "one" in capfd.readouterr().out
        prompt.page(lambda: many.show(max_rows=1000), 80, 24)
    assert "499" in seen.read_text()
    assert capfd.readouterr().out == ""


def test_the_prompt_completes_answers_and_ends(database: Path, tmp_path: Path) -> None:
    """On a terminal of its own, typed as a person types."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    settings = nights.environment(
        XDG_STATE_HOME=str(tmp_path), TERM="xterm", PAGER="cat", LINES="30"
    )
    settings["PATH"] = os.pathsep.join(
        p for p in settings["PATH"].split(os.pathsep) if not (Path(p) / "duckdb").exists()
    )
    child = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "sql", "--warehouse", str(database.parent)],
        cwd=nights.CHECKOUT,
        env=settings,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        close_fds=True,
    )
    os.close(follower)
    try:
        screen = _read(leader, "gongkai>")
        os.write(leader, b"select iss")
        screen += _read(leader, "issuing_unit")  # the menu
        os.write(leader, b"\t from reports;\r")
        screen += _read(leader, "白泉镇")
        os.write(leader, b".quit\r")
        assert child.wait(20) == 0
    finally:
        child.kill()
        child.wait(10)
        os.close(leader)
    assert "select issuing_unit from reports;" in (tmp_path / "gongkai" / "sql_history").read_text()
    assert "read-only" in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen)


def _read(leader: int, awaited: str) -> str:
    """What the terminal shows until `awaited` stands there; answers its question for the cursor."""
    text, deadline = "", time.monotonic() + 40
    while awaited not in text:
        assert time.monotonic() < deadline, text[-2000:]
        if select.select([leader], [], [], 0.2)[0]:
            piece = os.read(leader, 65536).decode("utf-8", "replace")
            if "\x1b[6n" in piece:
                os.write(leader, b"\x1b[1;1R")
            text += piece
    return text


@pytest.mark.parametrize(
    ("version", "used"), [("v1.5.5", True), ("v2.0.0", True), ("v1.2.0", False)]
)
def test_duckdbs_own_shell_is_taken_when_it_can_open_the_file(
    version: str, used: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "duckdb"
    own.write_text(f"#!/bin/sh\necho '{version} (Variegata) 1234567890'\n")
    own.chmod(own.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert shell._own_shell() == (str(own) if used else None)


def test_the_examples_are_found() -> None:
    examples = list(shell.example_queries())
    assert len(examples) >= 15
    assert len({title for title, _ in examples}) == len(examples)
    assert sum("中文" in sql for _, sql in examples) >= 3


def test_no_example_counts_a_finding_that_a_person_dismissed() -> None:
    asked = [
        sql
        for _, sql in shell.example_queries()
        if ("findings" in sql or "核查结果" in sql) and "'violated'" in sql
    ]
    assert len(asked) >= 2
    for sql in asked:
        assert "is distinct from 'dismissed'" in sql
