"""What people decided: corrections of published numbers, and verdicts on findings.

Two CSV files of the project (`sql/seeds/corrections.csv`, `verdicts.csv`) and, beside the archive,
two of the warehouse with the same names. They are read at every publish, so they survive every
rebuild; what they say of a page that has changed since is not applied and shows in `failures`.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks.records import BadInput
from tasks.report.form import FORMS, form

SEEDS = Path(__file__).resolve().parent.parent / "sql" / "seeds"
VERDICTS = ("confirmed", "dismissed", "explained")
_TEXT = pa.string()
CORRECTIONS = pa.schema(
    [
        ("document_id", _TEXT),
        ("cell", _TEXT),
        ("published_value", pa.decimal128(18, 4)),
        ("value", pa.decimal128(18, 4)),
        ("reason", _TEXT),
        ("evidence", _TEXT),
        ("decided_by", _TEXT),
        ("decided_on", _TEXT),
    ]
)
HUMAN_VERDICTS = pa.schema(
    [
        ("report_id", _TEXT),
        ("rule", _TEXT),
        ("identity", _TEXT),
        ("verdict", _TEXT),
        ("reason", _TEXT),
        ("evidence", _TEXT),
        ("decided_by", _TEXT),
        ("decided_on", _TEXT),
    ]
)
_OPTIONAL = ("published_value",)  # nothing: the page gives no number there
_CELLS = frozenset(c.code for name in FORMS for c in form(name).cells)


def corrections(*folders: Path) -> pa.Table:
    """Every correction by hand: match (document, cell, number published), override, reason."""
    return _table("corrections.csv", folders, CORRECTIONS, ("document_id", "cell"), _correction)


def verdicts(*folders: Path) -> pa.Table:
    """Every human verdict on a finding."""
    return _table(
        "verdicts.csv", folders, HUMAN_VERDICTS, ("report_id", "rule", "identity"), _verdict
    )


def _table(
    name: str,
    folders: Iterable[Path],
    schema: pa.Schema,
    key: tuple[str, ...],
    typed: Callable[[dict[str, str], str], dict[str, Any]],
) -> pa.Table:
    rows: list[dict[str, Any]] = []
    seen: dict[tuple[str, ...], str] = {}
    for path in (folder / name for folder in folders):
        if not path.exists():
            continue
        for row, where in _rows(path, schema.names):
            again = tuple(row[k] for k in key)
            if again in seen:
                raise BadInput(f"{where}: the same {', '.join(key)} as {seen[again]}")
            seen[again] = where
            rows.append(row | typed(row, where))
    return pa.Table.from_pylist(rows, schema=schema)


def _rows(path: Path, columns: list[str]) -> Iterable[tuple[dict[str, str], str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        try:
            if list(reader.fieldnames or ()) != columns:
                raise BadInput(f"{path}, line 1: the columns must be {','.join(columns)}")
            for row in reader:
                where = f"{path}, line {reader.line_num}"
                if None in row or None in row.values():
                    raise BadInput(f"{where}: has not the {len(columns)} fields of line 1")
                row = {k: v.strip() for k, v in row.items()}
                if empty := [c for c in columns if not row[c] and c not in _OPTIONAL]:
                    raise BadInput(f"{where}: {', '.join(empty)} must not be empty")
                yield row, where
        except (csv.Error, UnicodeDecodeError) as e:
            raise BadInput(f"{path}: not a CSV file in UTF-8 ({e})") from e


def _correction(row: dict[str, str], where: str) -> dict[str, Any]:
    if row["cell"] not in _CELLS:
        raise BadInput(f"{where}: {row['cell']!r} is no cell of the statutory form (see measures)")
    numbers = {n: _number(row[n], where, n) for n in ("published_value", "value")}
    if numbers["published_value"] == numbers["value"]:
        raise BadInput(f"{where}: the correction changes nothing")
    return numbers


def _verdict(row: dict[str, str], where: str) -> dict[str, Any]:
    if row["verdict"] not in VERDICTS:
        raise BadInput(f"{where}: verdict {row['verdict']!r}; allowed: {', '.join(VERDICTS)}")
    return {}


def _number(text: str, where: str, column: str) -> Decimal | None:
    if not text:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite() or abs(number) >= 10**14 or number != round(number, 4):
        raise BadInput(f"{where}, column {column}: {text!r} is not a number")
    return number
