"""The readings as Parquet: one row per document read, cells as published, nothing judged.

`reports/X` is a pure function of `snapshots/X` and of the reader (`PARSER_VERSION`): fixed order,
no wall clock. The columns are those of docs/architecture.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.files import open_parquet, read_table, write_schema, write_table
from tasks.objects import Place, arrow_source, listed
from tasks.records import ReadingSummary
from tasks.report.form import FORMS, form
from tasks.report.model import Reading
from tasks.store import Warehouse

_TEXT = pa.string()
_FINDING = pa.struct(
    [
        ("rule", _TEXT),
        ("identity", _TEXT),
        ("cells", pa.list_(_TEXT)),
        ("verdict", _TEXT),
        ("message", _TEXT),
    ]
)
_PROSE = pa.struct([("measure", _TEXT), ("value", pa.int64()), ("sentence", _TEXT)])
_FROM_ARCHIVE = (
    *("document_id", "parent_document_id", "source_id", "snapshot_id", "url", "final_url"),
    *("origin", "official", "fetched_at", "content_type", "link_title", "link_date"),
)
_METADATA = (
    *("title", "index_number", "disclosure_form", "disclosure_scope", "disclosure_period"),
    *("header_issuing_unit", "document_date", "published_date", "signed_date"),
    *("document_number", "site_id_code", "site_name", "column_name", "content_source"),
)
CELLS = tuple(dict.fromkeys(cell.code for name in FORMS for cell in form(name).cells))

_NAMES = (
    *("document_id", "parent_document_id", "source_id", "snapshot_id", "report_id", "url"),
    *("final_url", "origin", "official", "fetched_at", "content_type", "link_title", "link_date"),
    *("outcome", "reason_code", "reason_message", "reason_place", "issuing_unit", "report_year"),
    *("report_year_evidence", "form", "scope", "scope_evidence", "source_kind", *_METADATA),
    *("metadata_json", "findings", "prose_numbers", "sections", "attachments", "parser_version"),
)
_TYPES: dict[str, pa.DataType] = {
    "official": pa.bool_(),
    "fetched_at": pa.timestamp("us", tz="UTC"),
    "report_year": pa.int32(),
    "findings": pa.list_(_FINDING),
    "prose_numbers": pa.list_(_PROSE),
    "sections": pa.map_(_TEXT, _TEXT),
    "attachments": pa.list_(_TEXT),
}
_LISTS = ("as_published", "status", "place", "forced_by")
SCHEMA = pa.schema(
    [(name, _TYPES.get(name, _TEXT)) for name in _NAMES]
    + [(cell, pa.decimal128(18, 4)) for cell in CELLS]
    + [(name, pa.list_(_TEXT)) for name in _LISTS]
)
_ROW_GROUP = 512


def version_of(folder: Path) -> str:
    """The version of the reader in a folder: the package's, and a hash of all its files."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.suffix in (".py", ".csv")):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(path.read_bytes())
    return f"0.1.0+{digest.hexdigest()[:10]}"


PARSER_VERSION = version_of(Path(__file__).parent / "report")


def report_id(document_id: str, snapshot_id: str) -> str:
    """The name of a report version; independent of the parser, so that verdicts hang on to it."""
    return hashlib.sha256(f"{document_id}\n{snapshot_id}".encode()).hexdigest()[:32]


def row_of(fetch: dict[str, Any], reading: Reading) -> dict[str, Any]:
    """One row of `reports/`: what the archive knows of a document, and what was read in it."""
    reason = reading.reason
    base = fetch["final_url"] or fetch["url"]
    metadata = {**reading.metadata, "header_issuing_unit": reading.metadata.get("issuing_unit")}
    others = {
        k: v
        for k, v in metadata.items()
        if v is not None and k not in _METADATA and k != "issuing_unit"
    }
    row: dict[str, Any] = {name: fetch[name] for name in _FROM_ARCHIVE}
    row |= {name: metadata.get(name) for name in _METADATA}
    row |= {
        "report_id": report_id(fetch["document_id"], fetch["snapshot_id"]),
        "outcome": reading.outcome,
        "reason_code": reason.code if reason else None,
        "reason_message": reason.message if reason else None,
        "reason_place": reason.place.encode() if reason and reason.place else None,
        "issuing_unit": reading.issuing_unit,
        "report_year": reading.report_year,
        "report_year_evidence": reading.report_year_evidence,
        "form": reading.form,
        "scope": reading.scope,
        "scope_evidence": reading.scope_evidence,
        "source_kind": reading.source_kind,
        "metadata_json": json.dumps(others, ensure_ascii=False, sort_keys=True),
        "findings": [
            {
                "rule": f.rule,
                "identity": f.identity,
                "cells": list(f.cells),
                "verdict": f.verdict,
                "message": f.message,
            }
            for f in reading.findings
            if f.verdict != "holds"
        ],
        "prose_numbers": [n._asdict() for n in reading.prose_numbers],
        "sections": list(reading.sections.items()),
        "attachments": [_absolute(base, link) for link in reading.attachments],
        "parser_version": PARSER_VERSION,
    }
    if reading.cells:
        codes, values, *lists = zip(*reading.cells, strict=True)
        row |= zip(codes, values, strict=True)
        row |= zip(_LISTS, lists, strict=True)
        row["place"] = [place and place.encode() for place in row["place"]]
    return row


def _absolute(base: str, link: str) -> str:
    try:
        return urljoin(base, link)
    except ValueError:  # not a URL at all; as the page has it
        return link


def table_of(rows: Iterable[dict[str, Any]]) -> pa.Table:
    """Rows as a table in the stored order: by document, then snapshot."""
    ordered = sorted(rows, key=lambda row: (row["document_id"], row["snapshot_id"]))
    return pa.Table.from_pylist(ordered, schema=SCHEMA)


def write(warehouse: Warehouse, name: str, table: pa.Table) -> None:
    """Writes the readings of the archive part `name`, whole or not at all."""
    write_schema(warehouse.reports, SCHEMA)
    write_into(warehouse.reports, name, table)


def write_into(folder: Place, name: str, table: pa.Table) -> None:
    """Writes them into any folder, for instance to be looked at before they replace others."""
    write_table(folder / name, table, row_group_size=_ROW_GROUP)


def stored(folder: Place, name: str) -> pa.Table | None:
    """The readings of the archive part `name` in a folder; None when there are none to read."""
    try:
        with open_parquet(folder / name) as file:
            return file.read()
    except (pa.ArrowException, OSError):
        return None


def readable(warehouse: Warehouse, name: str) -> bool:
    """Whether the readings of an archive part are there and can be read; else they are made."""
    try:
        open_parquet(warehouse.reports / name).close()
    except (pa.ArrowException, OSError):
        return False
    return True


def lacking_columns(parts: Iterable[Place]) -> list[Place]:
    """The parts that an older reader wrote, without some column of today."""
    schemas = ((part, pq.read_schema(arrow_source(part))) for part in parts)
    return [part for part, schema in schemas if not set(SCHEMA.names) <= set(schema.names)]


def summaries(warehouse: Warehouse, wanted: Collection[str]) -> dict[str, ReadingSummary]:
    """What became of these snapshots (by id), from all readings at rest."""
    found: dict[str, ReadingSummary] = {}
    columns = ["snapshot_id", "outcome", "reason_code", "reason_message", "reason_place"]
    wanted_ids = pa.array(sorted(wanted), type=_TEXT)
    for path in listed(warehouse.reports, "part-*.parquet"):
        table = read_table(path, [*columns, "issuing_unit"])
        table = table.filter(pc.is_in(table["snapshot_id"], value_set=wanted_ids))
        for row in table.to_pylist():
            found[row["snapshot_id"]] = ReadingSummary(
                row["outcome"],
                row["reason_code"],
                row["reason_message"],
                row["reason_place"],
                row["issuing_unit"],
            )
    return found
