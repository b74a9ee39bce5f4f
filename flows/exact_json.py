"""The JSON object of `gongkai parse --json`: see docs/reading.md; numbers are exact."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal

from tasks.report.model import Reading

METADATA = (
    "index_number",
    "disclosure_form",
    "disclosure_scope",
    "disclosure_period",
    "issuing_unit",
    "document_date",
    "published_date",
    "signed_date",
    "document_number",
    "site_id_code",
    "title",
)


def reading_object(reading: Reading) -> dict[str, object]:
    """A reading as the object that `--json` prints; keys that the page lacks are null."""
    reason = reading.reason
    return {
        "outcome": reading.outcome,
        "reason": None
        if reason is None
        else {
            "code": reason.code,
            "message": reason.message,
            "place": reason.place.as_json() if reason.place else None,
        },
        "metadata": dict.fromkeys(METADATA) | reading.metadata,
        "issuing_unit": reading.issuing_unit,
        "report_year": reading.report_year,
        "form": reading.form,
        "scope": reading.scope,
        "cells": [
            {
                "cell": cell.cell,
                "value": cell.value,
                "as_published": cell.as_published,
                "status": cell.status,
                "place": cell.place.as_json() if cell.place else None,
            }
            for cell in reading.cells
        ],
        "findings": [finding._asdict() for finding in reading.findings],
    }


def encode(value: object, indent: int = 0) -> str:
    """JSON text with decimals as exact literals, which the json module cannot write.

    Small flat objects stay on one line, so that 200 cells are 200 lines.
    """
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, Mapping):
        parts = [f"{json.dumps(str(k))}: {encode(v, indent + 1)}" for k, v in value.items()]
        return _lines("{", parts, "}", indent, flat=indent > 1)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return _lines("[", [encode(v, indent + 1) for v in value], "]", indent, flat=indent > 1)
    return json.dumps(value, ensure_ascii=False)


def number(value: Decimal) -> str:
    """A decimal as a JSON literal: integers without a point, never an exponent."""
    return str(int(value)) if value == value.to_integral_value() else f"{value:f}"


def _lines(start: str, parts: list[str], end: str, indent: int, *, flat: bool) -> str:
    if flat or not parts:
        return start + ", ".join(parts) + end
    pad = "  " * (indent + 1)
    return start + "\n" + ",\n".join(pad + part for part in parts) + "\n" + "  " * indent + end
