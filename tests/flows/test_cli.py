"""The command line: exit codes, one line for what is wrong, and the JSON contract."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from flows import commands
from flows.exact_json import encode
from tests.conftest import Call, Result
from tests.publisher.demo import demo


@pytest.fixture
def gongkai(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """The command line in this process, on a warehouse of its own."""
    monkeypatch.setenv("GONGKAI_WAREHOUSE", str(tmp_path / "warehouse"))
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("GONGKAI_RESOLVE", "GONGKAI_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    return call


def _one_line(result: Result, *words: str) -> None:
    code, out, err = result
    assert code == 2, (out, err)
    assert len(err.strip().splitlines()) == 1, err
    assert "Traceback" not in err
    for word in words:
        assert word in err, (word, err)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), ["Missing command"]),
        (("nonsense",), ["nonsense"]),
        (("run", "--no-such-option"), ["--no-such-option", "gongkai run --help"]),
        (("run", "--sources", "/nowhere/sources.csv"), ["/nowhere/sources.csv", "not found"]),
        (("parse", "/nowhere/page.html"), ["/nowhere/page.html", "no such file"]),
        (("parse", "a" * 64), ["not in the archive"]),
        (("ingest", "/nowhere"), ["/nowhere"]),
        (("replay",), ["no archive", "gongkai run"]),
        (("replay", "--all", "--rejected"), ["exclude each other"]),
        (("replay", "--publish", "--dry-run"), ["exclude each other"]),
        (("replay", "--all", "--reason", "no_tables"), ["--reason", "--all"]),
        (("verify",), ["no archive", "gongkai run"]),
        (("export-warc", "x.warc.gz"), ["no archive", "gongkai run"]),
        (("export-warc",), ["Missing argument 'FILE'"]),
        (("ingest", ".", "--sources", "/nowhere/s.csv"), ["/nowhere/s.csv", "not found"]),
        (("replay", "--since", "yesterday"), ["--since", "yesterday"]),
        (("sql", "select 1"), ["no warehouse", "gongkai run"]),
        (("sql", "--release", "2026-01-01", "select 1"), ["2026-01-01", "holds none"]),
        (("sql", "--release", "x", "--as-of", "2026-01-01", "select 1"), ["exclude each other"]),
        (("release",), ["nothing is published yet", "gongkai run"]),
        (("release", "--contact", "somebody"), ["--contact", "mail address"]),
        (("release", "--check", "x", "--list"), ["exclude each other"]),
        (("diff", "2026-01-01"), ["2026-01-01", "gongkai release"]),
        (("diff",), ["Missing argument 'A'"]),
        (("audit",), ["how many cells"]),
        (("audit", "10"), ["nothing is published yet"]),
        (("audit", "--score", "/nowhere/sheet.xlsx"), ["/nowhere/sheet.xlsx", "cannot be read"]),
        (("serve", "--port", "0"), ["--port"]),
    ],
)
def test_wrong_usage_is_one_line_that_says_what(
    gongkai: Call, words: tuple[str, ...], told: list[str]
) -> None:
    _one_line(gongkai(*words), *told)


def test_a_malformed_sources_file_is_told_by_line_and_column(gongkai: Call, tmp_path: Path) -> None:
    sources = tmp_path / "sources.csv"
    sources.write_text(demo().sources_csv().replace("allowed", "perhaps", 1))
    _one_line(gongkai("run", "--sources", str(sources)), "line 2", "status", "perhaps")
    assert not (tmp_path / "warehouse" / ".prefect").exists(), "a server was started for nothing"


def test_wrong_settings_are_told_before_anything_starts(
    gongkai: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONGKAI_RESOLVE", "not a map")
    _one_line(gongkai("run"), "GONGKAI_RESOLVE", "not a map")
    monkeypatch.delenv("GONGKAI_RESOLVE")
    monkeypatch.setenv("GONGKAI_DELAY", "soon")
    _one_line(gongkai("run"), "GONGKAI_DELAY", "soon")


def test_a_prefect_server_that_does_not_answer_is_told(
    gongkai: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    _one_line(gongkai("publish"), "http://127.0.0.1:9/api", "gongkai serve")


def test_a_fault_of_the_program_is_one_line_and_a_log(
    gongkai: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object, **__: object) -> int:
        raise RuntimeError("the moon is full")

    (tmp_path / "warehouse").mkdir()
    monkeypatch.setattr(commands, "parse_document", broken)
    code, _, err = gongkai("parse", "x")
    assert code == 1
    assert len(err.strip().splitlines()) == 1
    assert "the moon is full" in err
    log = Path(err.strip().rpartition(" details in ")[2])
    assert "Traceback" in log.read_text()
    code, _, err = gongkai("--debug", "parse", "x")
    assert code == 1
    assert "Traceback" in err


def test_a_page_is_shown_and_given_as_exact_json(gongkai: Call, tmp_path: Path) -> None:
    site = demo()
    url, truth = next((u, t) for u, t in site.truth.items() if t.layout == "list" or t.figures)
    page = tmp_path / "page.html"
    page.write_bytes(site.pages[url].body)
    code, out, _ = gongkai("parse", str(page))
    assert code == 0
    assert truth.unit is not None
    for word in ("三、收到和处理政府信息公开申请情况", "自然人", truth.unit, str(truth.year)):
        assert word in out, word
    code, out, err = gongkai("parse", "--json", str(page))
    assert (code, err) == (0, "")
    read = json.loads(out, parse_float=Decimal)
    assert truth.figures is not None
    assert read["outcome"] == "parsed"
    assert read["form"] == truth.form
    assert {c["cell"]: c["value"] for c in read["cells"]} == truth.figures.values
    assert {c["cell"]: c["status"] for c in read["cells"]} == truth.figures.statuses
    for cell in read["cells"]:
        assert set(cell) == {"cell", "value", "as_published", "status", "place"}
        assert isinstance(cell["value"], int | Decimal | None)
    assert {"index_number", "title", "published_date"} <= set(read["metadata"])


def test_a_rejected_page_says_why_and_exits_with_3(gongkai: Call, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<html><title>通知</title><body><p>关于放假安排的通知</p></body></html>")
    code, out, _ = gongkai("parse", str(page))
    assert code == 3
    assert "rejected" in out
    code, out, _ = gongkai("parse", "--json", str(page))
    assert code == 3
    read = json.loads(out)
    assert read["outcome"] == "rejected"
    assert set(read["reason"]) == {"code", "message", "place"}
    assert read["cells"] == []


def test_sql_prints_a_table_and_refuses_to_write(gongkai: Call, tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse"
    warehouse.mkdir()
    with duckdb.connect(str(warehouse / "gongkai.duckdb")) as connection:
        connection.execute("create table runs as select 7 as discovered")
    code, out, _ = gongkai("sql", "select discovered from runs")
    assert code == 0
    assert "discovered" in out
    assert "7" in out
    _one_line(gongkai("sql", "select nothing from runs"), "nothing")
    _one_line(gongkai("sql", "drop table runs"), "read-only")
    (warehouse / "gongkai.duckdb").write_bytes(b"no database at all, only some text " * 200)
    _one_line(gongkai("sql", "select 1"), "cannot be opened")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("859"), "859"),
        (Decimal("859.0000"), "859"),
        (Decimal("25.1"), "25.1"),
        (Decimal("0.30"), "0.30"),
        (Decimal("1E+3"), "1000"),
        (Decimal("123456789012345678.0001"), "123456789012345678.0001"),
        (None, "null"),
        ('引号"和\n换行', '"引号\\"和\\n换行"'),
    ],
)
def test_json_values_are_exact(value: object, text: str) -> None:
    assert encode(value) == text


def test_every_command_has_help(gongkai: Call) -> None:
    code, out, _ = gongkai("--help")
    assert code == 0
    for word in ("GONGKAI_WAREHOUSE", "GONGKAI_RESOLVE", "Exit codes", "Examples"):
        assert word in out
    for command in (
        *("run", "parse", "ingest", "replay", "publish", "sql", "serve"),
        *("release", "diff", "audit"),
    ):
        assert command in out
        code, text, _ = gongkai(command, "--help")
        assert code == 0
        assert len(text) > 200
