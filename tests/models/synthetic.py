"""Warehouses of known content: Parquet as the stages write it, from figures a test chooses."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks.files import write_bytes, write_table
from tasks.records import Source
from tasks.report.index_number import unified_code_checks
from tasks.reports import SCHEMA
from tasks.schemas import CANDIDATES_SCHEMA, DISCOVERED_SCHEMA, OUTCOMES_SCHEMA, SNAPSHOTS_SCHEMA
from tasks.store import Warehouse
from tests.publisher.form import APPLICANTS

FORM_FILE = Path(__file__).resolve().parents[2] / "tasks/report/statutory_form.csv"
FIRST_NIGHT = datetime(2022, 4, 2, 18, 0, tzinfo=UTC)


def _form() -> dict[str, list[dict[str, str]]]:
    rows: dict[str, list[dict[str, str]]] = {"2019": [], "2021": []}
    with FORM_FILE.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows[row["form"]].append(row)
    return rows


def _identities() -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    with (FORM_FILE.parent / "identities.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found.setdefault((row["form"], row["identity"]), []).append(row["cell"])
    return found


FORM = _form()
IDENTITIES = _identities()  # (form, identity) → its cells


def figures(form: str = "2021", **leaves: int) -> dict[str, Decimal | None]:
    """Every cell of a form, true by identities 1 to 4.

    `leaves` are `row__column` of sections 三 (applicants) and 四 (results), or of 二 by itself;
    totals, （七） and 结转下年度 follow from them.
    """
    values: dict[str, Decimal | None] = {r["cell"]: Decimal(0) for r in FORM[form]}
    cells = {(r["row_code"], r["column_code"]): r["cell"] for r in FORM[form]}
    for name, leaf in leaves.items():
        row, column = name.split("__")
        values[cells[row, column]] = Decimal(leaf)

    def value(row: str, column: str) -> Decimal:
        return values[cells[row, column]] or Decimal(0)

    rows = list(dict.fromkeys(r["row_code"] for r in FORM[form] if r["section"] == "requests"))
    plain = {"new_received", "carried_in", "total_handled", "carried_out"}
    for column in APPLICANTS:
        handled = sum((value(r, column) for r in rows if r not in plain), Decimal(0))
        values[cells["total_handled", column]] = handled
        left = value("new_received", column) + value("carried_in", column) - handled
        values[cells["carried_out", column]] = left
    for row in rows:
        values[cells[row, "total"]] = sum((value(row, c) for c in APPLICANTS), Decimal(0))
    for row in ("reconsideration", "litigation_direct", "litigation_after_review"):
        results = ("upheld", "corrected", "other", "pending")
        values[cells[row, "total"]] = sum((value(row, c) for c in results), Decimal(0))
    return values


@dataclass
class Night:
    """One finished run: what it discovered and what became of each."""

    run_id: str
    started: datetime
    discovered: list[dict[str, Any]] = field(default_factory=list)
    outcomes: list[dict[str, Any]] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)
    candidates: list[dict[str, Any]] = field(default_factory=list)
    snapshots: list[dict[str, Any]] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)

    def outcome(self, url: str, outcome: str, **more: Any) -> None:
        """A discovered document and its outcome, without a reading."""
        self.discovered.append(
            {
                "run_id": self.run_id,
                "document_id": url,
                "url": url,
                "source_id": more.pop("source_id", None),
                **{n: more.pop(n, None) for n in ("listing_url", "link_title", "link_date")},
                "official": outcome != "quarantined",
            }
        )
        row = {
            "run_id": self.run_id,
            "document_id": url,
            "url": url,
            "outcome": outcome,
            "stage": "parse",
        }
        self.outcomes.append(row | more)

    def problem(self, url: str, outcome: str, **more: Any) -> None:
        """Trouble that is no discovered document's outcome."""
        row = {"run_id": self.run_id, "document_id": url, "url": url, "outcome": outcome}
        self.problems.append(row | {"stage": "discover"} | more)

    def candidate(self, url: str, source_id: str, reason: str) -> None:
        """A link that was not taken."""
        row = {"run_id": self.run_id, "source_id": source_id, "url": url, "reason": reason}
        self.candidates.append(row | {"listing_url": "http://l/", "link_title": "年报"})

    def report(
        self,
        url: str,
        unit: str | None,
        year: int | None,
        values: Mapping[str, Decimal | None] | None = None,
        *,
        form: str = "2021",
        scope: str = "own",
        body: str = "",
        outcome: str = "parsed",
        statuses: Mapping[str, str] | None = None,
        discovered: bool = True,
        fetched: datetime | None = None,
        sections: Mapping[str, str] | None = None,
        **more: Any,
    ) -> str:
        """A fetched document with its reading; gives its report_id."""
        values = figures(form) if values is None else values
        snapshot = hashlib.sha256(f"{url} {body}".encode()).hexdigest()
        report_id = hashlib.sha256(f"{url}\n{snapshot}".encode()).hexdigest()[:32]
        at = fetched or self.started
        common = {
            "document_id": url,
            "url": url,
            "final_url": url,
            "origin": "fetched",
            "official": True,
            "fetched_at": at,
            "snapshot_id": snapshot,
        }
        common |= {
            k: more[k]
            for k in (
                "source_id",
                "parent_document_id",
                "origin",
                "official",
                "link_title",
                "link_date",
            )
            if k in more
        }
        self.snapshots.append(
            common | {"run_id": self.run_id, "bytes": body.encode(), "http_status": 200}
        )
        reading: dict[str, Any] = common | {
            "report_id": report_id,
            "outcome": outcome,
            "issuing_unit": unit,
            "report_year": year,
            "sections": list((sections or {}).items()),
            "parser_version": "test",
            "source_kind": "html",
        }
        if outcome == "parsed":
            cells = [r["cell"] for r in FORM[form]]
            told = statuses or {}
            reading |= {
                "form": form,
                "scope": scope,
                "as_published": [_printed(values[c]) for c in cells],
                "status": [
                    told.get(c, "blank" if values[c] is None else "reported") for c in cells
                ],
                "place": [f"html table 1 row {i}" for i, _ in enumerate(cells, 1)],
                "forced_by": [None for _ in cells],
            }
            reading |= {c: values[c] for c in cells}
        self.reports.append(reading | more)
        if discovered:
            self.outcome(
                url,
                outcome,
                source_id=more.get("source_id"),
                snapshot_id=snapshot,
                code=more.get("reason_code"),
                message=more.get("reason_message"),
            )
        return report_id


def _printed(value: Decimal | None) -> str:
    return "" if value is None else f"{value.normalize():f}"


class Synthetic:
    """A warehouse folder filled night by night."""

    def __init__(self, root: Path) -> None:
        self.warehouse = Warehouse.at(root)
        self.warehouse.ensure()
        self.nights: list[Night] = []

    def night(self, after_days: int = 0) -> Night:
        """A new run, that many days after the first."""
        number = len(self.nights) + 1
        night = Night(f"night-{number}", FIRST_NIGHT + timedelta(days=after_days))
        self.nights.append(night)
        return night

    def write(self, *nights: Night) -> Warehouse:
        """Everything, or only these nights, as the stages leave it."""
        w = self.warehouse
        for night in nights or self.nights:
            part = f"part-{night.run_id}-00000.parquet"
            _write(w.root / "snapshots" / part, night.snapshots, SNAPSHOTS_SCHEMA)
            _write(w.root / "reports" / part, night.reports, SCHEMA)
            folder = w.run_folder(night.run_id)
            folder.mkdir(exist_ok=True)
            _write(folder / "discovered.parquet", night.discovered, DISCOVERED_SCHEMA)
            _write(folder / "candidates.parquet", night.candidates, CANDIDATES_SCHEMA)
            _write(folder / "outcomes.parquet", night.outcomes, OUTCOMES_SCHEMA)
            _write(folder / "problems.parquet", night.problems, OUTCOMES_SCHEMA)
            run = {
                "run_id": night.run_id,
                "kind": "nightly",
                "started_at": night.started.isoformat(),
                "finished_at": (night.started + timedelta(hours=1)).isoformat(),
                "demo": False,
                "parser_version": "test",
                "counts": {},
            }
            write_bytes(folder / "run.json", json.dumps(run).encode())
        return w


def _write(path: Path, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    write_table(path, pa.Table.from_pylist(rows, schema=schema))


def unified(begin: str) -> str:
    """A unified code (GB 32100) of these seventeen characters and the check digit."""
    return next(
        begin + c for c in "0123456789ABCDEFGHJKLMNPQRTUWXY" if unified_code_checks(begin + c)
    )


def source(source_id: str, code: str, kind: str = "county_listing", unit: str = "") -> Source:
    """A reviewed source of the division with that code."""
    host = f"www.{source_id}.gov.cn"
    return Source(
        source_id, code, host, f"https://{host}/list/", kind, unit, "allowed", "2026-01-01", ""
    )
