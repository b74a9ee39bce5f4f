"""Writes the registry carried in `sql/` from the merged reference data: `registry.py FOLDER`.

The folder holds `divisions.csv.gz`, `organ_types.csv` and `provenance.json`. The data is checked
and written the same byte for byte each time; its licences are in sql/registry/NOTICE.
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
from pathlib import Path

SQL = Path(__file__).resolve().parent.parent / "sql"
COLUMNS = (
    *("unit_id", "level", "kind", "code_nbs", "code_mca", "name", "parent_id"),
    *("valid_from_year", "valid_to_year", "last_seen_year", "sources"),
)
ORGAN_COLUMNS = ("organ_id", "name", "group", "aliases")


def divisions(folder: Path) -> list[dict[str, str]]:
    """The dated divisions; ValueError names the first row that breaks an assumption.

    A place without townships (金门县, some zones) stands once more below itself in the statistical
    codes. That row is no township and is left out: the name would be two places'.
    """
    with gzip.open(folder / "divisions.csv.gz", "rt", encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise ValueError(f"divisions.csv.gz: columns are {reader.fieldnames}, not {COLUMNS}")
        rows = list(reader)
    known = {row["unit_id"] for row in rows}
    for number, row in enumerate(rows, 2):
        codes = (row["code_nbs"], row["code_mca"])
        years = (row["valid_from_year"], row["valid_to_year"])
        if row["level"] not in "1234" or not row["name"]:
            raise ValueError(f"divisions.csv.gz, line {number}: level or name is wrong: {row}")
        if row["parent_id"] and row["parent_id"] not in known:
            raise ValueError(f"divisions.csv.gz, line {number}: no parent {row['parent_id']}")
        if not all(c.isdigit() for c in (*codes, *years) if c) or not any(codes):
            raise ValueError(f"divisions.csv.gz, line {number}: code or year is wrong: {row}")
    names = {(row["unit_id"], row["name"]) for row in rows}
    return [
        row
        for row in rows
        if row["kind"] != "nbs-only" or (row["parent_id"], row["name"]) not in names
    ]


def organs(folder: Path) -> list[dict[str, str]]:
    """The kinds of organ; ValueError when one is listed twice."""
    with (folder / "organ_types.csv").open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != ORGAN_COLUMNS:
            raise ValueError(f"organ_types.csv: columns are {reader.fieldnames}")
        rows = list(reader)
    if len({row["organ_id"] for row in rows}) != len(rows):
        raise ValueError("organ_types.csv: an organ_id is listed twice")
    return rows


def as_csv(rows: list[dict[str, str]], columns: tuple[str, ...]) -> bytes:
    """Rows as CSV with plain line ends."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def main(folder: Path) -> None:
    """Check and write both files."""
    packed = gzip.compress(as_csv(divisions(folder), COLUMNS), compresslevel=9, mtime=0)
    (SQL / "registry" / "divisions.csv.gz").write_bytes(packed)
    (SQL / "seeds" / "organ_types.csv").write_bytes(as_csv(organs(folder), ORGAN_COLUMNS))
    provenance = (folder / "provenance.json").read_bytes()
    (SQL / "registry" / "provenance.json").write_bytes(provenance)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
