"""`gongkai sql`: completion, statements, pager, and the example queries."""

from __future__ import annotations

import fcntl
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

from flows import prompt, shell
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


def test_a_pipe_runs_statement_after_statement(database: Path) -> None:
    text = "select 1 +\n 1 as two;\n.tables\nselect nothing;\nselect 'end' as last"
    done = subprocess.run(
        [*nights.GONGKAI, "sql", "--warehouse", str(database.parent)],
        input=text,
        env=nights.environment(),
        cwd=nights.CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "two" in done.stdout
    assert "中文.报告" in done.stdout
    assert "the query was refused" in done.stdout
    assert done.stdout.index("refused") < done.stdout.index("end")


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
