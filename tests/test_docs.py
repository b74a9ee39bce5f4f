"""The documentation is checked against the code."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from tasks.chinese import column_name, table_name
from tasks.releases.tables import SCHEMA_VERSION, TABLES, meanings

ROOT = Path(__file__).resolve().parents[1]


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["data_dictionary.md", "cli.md", "failures.md"])
def test_generated_page_is_current(name: str) -> None:
    page = _generator().PAGES[name]()
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == page, "run `make docs`"


@pytest.mark.parametrize(
    "page", ["README.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
)
def test_links_lead_somewhere(page: str) -> None:
    path = ROOT / page
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), f"{page} links to {target}"


def test_every_public_table_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for model in (ROOT / "sql" / "models" / "marts").glob("*.sql"):
        assert f"| `{model.stem}` |" in readme


# What the columns of a release hash to, by schema version.
SCHEMAS = {"1.0": "07f79a10d7d8ae3a"}


def test_the_schema_version_tells_of_every_column() -> None:
    columns = {t.name: sorted(meanings(t.name)[1]) for t in TABLES}
    found = hashlib.sha256(repr(sorted(columns.items())).encode()).hexdigest()[:16]
    assert SCHEMAS[SCHEMA_VERSION] == found, (
        "the columns of a release changed: once a release was made, raise SCHEMA_VERSION in "
        f"tasks/releases/tables.py and tell of it in docs/releases.md; put {found} here"
    )
    history = (ROOT / "docs" / "releases.md").read_text(encoding="utf-8")
    assert f"| {SCHEMA_VERSION} |" in history


def test_every_public_table_and_column_has_a_chinese_name_of_its_own() -> None:
    for path in (ROOT / "sql" / "models" / "marts").glob("*.yml"):
        for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]:
            table = model["name"]
            names = [column_name(table, c["name"]) for c in model["columns"]]
            missing = [
                c["name"] for c, name in zip(model["columns"], names, strict=True) if not name
            ]
            assert missing == [], f"give {table} names in sql/chinese_names.csv"
            assert table_name(table), f"give {table} a name in sql/chinese_names.csv"
            assert len(set(names)) == len(names), f"two columns of {table} share a name"


def test_every_rule_of_the_findings_has_a_formula_and_an_example() -> None:
    model = yaml.safe_load((ROOT / "sql/models/marts/findings.yml").read_text("utf-8"))["models"][0]
    (rule,) = [c for c in model["columns"] if c["name"] == "rule"]
    text = (ROOT / "docs/reconciliation.md").read_text("utf-8")
    for name in rule["data_tests"][0]["accepted_values"]["arguments"]["values"]:
        assert re.search(rf"^\| [1-9–] \| `{name}` \| [^|]+ \| [^|]+ \|$", text, re.MULTILINE), name
        assert re.search(rf"^\| `{name}` \| [^|]+ \| [^|]+ \| [^|]+ \|$", text, re.MULTILINE), name


def test_the_head_of_prefect_yaml_sets_every_variable_that_it_reads() -> None:
    head, _, body = (ROOT / "prefect.yaml").read_text(encoding="utf-8").partition("\nname:")
    read = set(re.findall(r"\{\{\s*\$(\w+)", body))
    (export,) = re.findall(r"^# +export (.+)$", head, re.MULTILINE)
    assert "GONGKAI_CHECKOUT" in read
    assert read <= set(re.findall(r"(\w+)=\S", export))
