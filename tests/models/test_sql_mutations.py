"""No small mistake in the SQL of the nine identities goes unseen.

The models' compiled SQL runs on the rows of `identity_cases`; what must come out was decided by
hand. Every mutant of it (`mutate_sql`) gives something else, fails, or is in
equivalent_mutants.csv with the reason why it cannot matter. The identities themselves are data:
each cell of each of them is tried in test_marts.py and below.
"""

from __future__ import annotations

import csv
import subprocess
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from tasks import publish as publishing
from tasks.publish import SQL
from tasks.store import Warehouse
from tests.models import identity_cases as cases
from tests.models import sum_cases
from tests.models.identity_cases import Case, Row
from tests.models.mutate_sql import mutants
from tests.models.sum_cases import Identities
from tests.models.synthetic import FORM, figures

pytestmark = pytest.mark.slow

EQUIVALENT = Path(__file__).with_name("equivalent_mutants.csv")
MODELS = ("check_identities", "check_years", "check_prose", "check_hierarchy", "check_report_year")
# The SQL is the same text for every identity of a form; a few stand for all.
CHOSEN = {
    ("2019", "row_total.granted"),
    ("2019", "review_total.reconsideration"),
    ("2021", "balance.total"),
    ("2021", "outcome_total.natural_person"),
}
CELLS = (
    *("requests.new_received.total", "requests.carried_in.total", "requests.carried_out.total"),
    *("requests.other_handling.total", "requests.other_other.total"),  # of one form each
)


def read_identities(path: Path) -> Identities:
    found: dict[tuple[str, str], tuple[list[str], list[str]]] = {}
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            sides = found.setdefault((row["form"], row["identity"]), ([], []))
            sides[row["coefficient"] != "1"].append(row["cell"])
    return found


def _shorten(seeds: Path) -> None:
    """Forms of three or four cells and two identities each, the longest cut to a few terms."""
    seeds.mkdir(parents=True)
    for name in ("identities", "statutory_form"):
        with (SQL / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        if name == "identities":
            rows = [r for r in rows if (r["form"], r["identity"]) in CHOSEN]
            many = [r for r in rows if r["identity"].startswith("outcome_total")]
            rows = [r for r in rows if r not in many[2:-2]]
        else:
            rows = [r for r in rows if r["cell"] in CELLS]
        with (seeds / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)


def _compile(root: Path, sql: Path, *models: str) -> dict[str, str]:
    """The SQL that dbt makes of the models, over the form and identities in `sql`."""
    root.mkdir(exist_ok=True)
    environment = publishing.dbt_environment(Warehouse.at(root), root) | {"GONGKAI_SQL": str(sql)}
    done = subprocess.run(
        [*publishing.dbt_command(root, "compile"), "--select", *models],
        env=environment,
        cwd=SQL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    compiled = root / "target" / "compiled" / "gongkai" / "models" / "reconcile"
    return {m: (compiled / f"{m}.sql").read_text(encoding="utf-8") for m in models}


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], Identities]:
    """The compiled models over the shortened form, and its identities."""
    root = tmp_path_factory.mktemp("compiled")
    _shorten(root / "sql" / "seeds")
    compiled = _compile(root / "dbt", root / "sql", *MODELS)
    return compiled, read_identities(root / "sql" / "seeds" / "identities.csv")


class Bench:
    """A database of nothing but the rows of a case, in tables shaped like the published ones."""

    def __init__(self, published: Path, case: Case) -> None:
        self.expected = case.expected
        self.db = duckdb.connect()
        self.db.execute("attach ':memory:' as gongkai")
        self.db.execute(f"attach '{published}' as published (read_only)")
        shapes: dict[str, dict[str, str]] = defaultdict(dict)  # also of views
        schemas = {}
        for schema, name, column, kind in self.db.execute(
            "select schema_name, table_name, column_name, data_type from duckdb_columns() "
            "where database_name = 'published' order by column_index"
        ).fetchall():
            shapes[name][column] = kind
            schemas[name] = schema
        for schema in set(schemas.values()):
            self.db.execute(f"create schema if not exists gongkai.{schema}")
        for name, rows in case.tables.items():
            place = f"{schemas[name]}.{name}"
            shape = ", ".join(f'"{column}" {kind}' for column, kind in shapes[name].items())
            self.db.execute(f"create table gongkai.{place} ({shape})")
            columns = dict.fromkeys(c for row in rows for c in row)
            given = pa.Table.from_pylist([dict.fromkeys(columns) | row for row in rows])
            self.db.register("given", given)
            self.db.execute(f"insert into gongkai.{place} by name from given")
            self.db.unregister("given")
        self.db.execute("detach published")
        self.db.execute("use gongkai")
        self.db.execute("set threads = 1")

    def run(self, sql: str) -> list[str]:
        """The rows of a query in an order of their own."""
        cursor = self.db.execute(sql)
        names = [d[0] for d in cursor.description or ()]
        return sorted(
            repr([(n, _plain(v)) for n, v in zip(names, row, strict=True)])
            for row in cursor.fetchall()
        )

    def found(self, sql: str) -> list[dict[str, Any]]:
        """The columns that the case speaks of."""
        cursor = self.db.execute(sql)
        names = [d[0] for d in cursor.description or ()]
        wanted = self.expected[0].keys()
        rows = [dict(zip(names, map(_plain, row), strict=True)) for row in cursor.fetchall()]
        return [{k: row[k] for k in wanted} for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal) and value == value.to_integral():
        return int(value)
    return value


def in_order(rows: Any) -> list[Any]:
    return sorted(rows, key=repr)


def case_of(model: str, identities: Identities) -> Case:
    if model == "check_identities":
        return sum_cases.identities(identities)
    makers: Mapping[str, Any] = {
        "check_years": cases.years,
        "check_prose": cases.prose,
        "check_hierarchy": cases.hierarchy,
        "check_report_year": cases.report_year,
    }
    made: Case = makers[model]()
    return made


def equivalents(model: str) -> dict[str, str]:
    with EQUIVALENT.open(encoding="utf-8") as file:
        return {r["mutant"]: r["reason"] for r in csv.DictReader(file) if r["model"] == model}


@pytest.mark.parametrize("model", MODELS)
def test_a_model_says_what_was_decided_by_hand(
    model: str, short: tuple[dict[str, str], Identities], published: Path
) -> None:
    compiled, identities = short
    bench = Bench(published, case_of(model, identities))
    assert in_order(bench.found(compiled[model])) == in_order(bench.expected)
    assert {"violated", "cannot_tell"} <= {
        r.get("verdict", "cannot_tell" if r.get("wrong") is None else "violated")
        for r in bench.expected
    }


@pytest.mark.parametrize("model", MODELS)
def test_no_mutant_of_a_model_survives(
    model: str, short: tuple[dict[str, str], Identities], published: Path
) -> None:
    compiled, identities = short
    bench = Bench(published, case_of(model, identities))
    right = bench.run(compiled[model])
    known = equivalents(model)
    killed, survived = set(), []
    for mutant in mutants(compiled[model]):
        try:
            alike = bench.run(mutant.sql) == right
        except duckdb.Error:
            continue  # no query, or one that fails where everybody sees it
        if alike:
            survived.append(mutant.name)
        else:
            killed.add(mutant.name)
    assert len(killed) > 30
    assert [m for m in survived if m not in known] == [], "add a case that tells it from the model"
    assert [m for m in known if m not in survived] == [], "killed, or no mutant any more: remove"
    assert all(len(reason) > 20 for reason in known.values())


def _everywhere(form: str) -> Row:
    """A true report in which every cell has a number of its own, or nearly."""
    leaves = {
        f"{row['row_code']}__{row['column_code']}": number
        for number, row in enumerate(FORM[form], 1)
        if row["column_code"] != "total"
        and row["row_code"] not in ("total_handled", "carried_out")
        and row["section"] != "proactive"
    }
    leaves |= {name: 9_000 + n for name, n in leaves.items() if name.startswith("new_received")}
    return {cell: int(value or 0) for cell, value in figures(form, **leaves).items()}


def test_every_cell_of_every_identity_is_seen_by_the_whole_model(
    tmp_path: Path, published: Path
) -> None:
    """Too large, too small, blank, alone: each cell, in all identities of its form."""
    data = read_identities(SQL / "seeds" / "identities.csv")
    assert len(data) == 82
    case = sum_cases.identities(data, {form: _everywhere(form) for form in ("2019", "2021")})
    sql = _compile(tmp_path / "dbt", SQL, "check_identities")["check_identities"]
    bench = Bench(published, case)
    assert in_order(bench.found(sql)) == in_order(bench.expected)
