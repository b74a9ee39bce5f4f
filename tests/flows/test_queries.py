"""The example queries of the documentation, run on the nights of the demo."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from flows.shell import example_queries
from tests import nights

pytestmark = pytest.mark.slow


def test_every_example_answers_also_on_a_copy_under_another_name(
    chain: nights.Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copy(chain.last / "gongkai.duckdb", tmp_path / "tonight.duckdb")
    monkeypatch.chdir(tmp_path)
    empty = []
    with duckdb.connect(str(copy), read_only=True) as db:
        for title, sql in example_queries():
            relation = db.sql(sql)
            if relation is not None and not relation.fetchall():
                empty.append(title)
    assert empty == []
    assert len(Path("requests.csv").read_text().splitlines()) > 100


def test_the_chinese_views_say_what_the_tables_say(chain: nights.Chain) -> None:
    with duckdb.connect(str(chain.last / "gongkai.duckdb"), read_only=True) as db:
        same = db.execute(
            "select count(*), sum(value), count(*) filter (指标名称 is null or 计量单位 is null) "
            "from national_fact full join 中文.全国事实 as zh "
            "on zh.报告标识 = report_id and zh.指标代码 = cell "
            "and zh.数值 is not distinct from value"
        ).fetchall()[0]
        facts = db.execute("select count(*), sum(value) from national_fact").fetchall()[0]
        views = db.execute(
            "select view_name from duckdb_views() where schema_name = '中文' order by 1"
        ).fetchall()
    assert same == (*facts, 0)
    assert facts[0] > 10_000
    assert len(views) == len(set(views)) >= 11


def test_the_prompt_of_python_in_the_documentation_works(
    chain: nights.Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "warehouse").mkdir()
    (tmp_path / "warehouse" / "gongkai.duckdb").symlink_to(chain.last / "gongkai.duckdb")
    page = (nights.CHECKOUT / "docs" / "queries.md").read_text(encoding="utf-8")
    code = page.partition("```python\n")[2].partition("```")[0]
    assert "read_only=True" in code
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "docs/queries.md", "exec"), {})
