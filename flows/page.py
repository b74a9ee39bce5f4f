"""One archived document as a page for people: what it is, why it was refused, where, and all of it
as the reader sees it. No script, nothing from elsewhere; it prints, and works light and dark."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from flows.exact_json import number
from flows.show import METADATA_LABELS, SCOPES, SECTIONS, UNITS, form_rows
from tasks import office, parse, pictures
from tasks.report import ocr, sniff
from tasks.report.model import Block, Cell, Paragraph, Place, Reading, Reject, SourceRow
from tasks.report.reader import open_source, reasons
from tasks.snapshot import Fetch
from tasks.store import Warehouse

_MOST_ROWS = 5_000  # of the document as the reader sees it


@dataclass(frozen=True, slots=True)
class ShownCell:
    """A cell of the document, and whether it is the place of the rejection."""

    text: str
    rowspan: int
    colspan: int
    marked: bool


@cache
def _templates() -> Environment:
    folder = Path(__file__).parent / "templates"
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def message(text: str) -> str:
    """A page that says one thing."""
    return _templates().get_template("message.html").render(text=text)


def render(body: bytes, snapshot_id: str, fetch: Fetch | None, warehouse: Warehouse) -> str:
    """The page of one snapshot."""
    content_type = fetch.content_type if fetch else None
    reading, doubtful = _read(body, content_type)
    reason = reading.reason
    advice = reasons().get(reason.code) if reason else None
    parts, marked = _document(body, reading, content_type)
    title = reading.metadata.get("title") or (fetch.link_title if fetch else None)
    return (
        _templates()
        .get_template("snapshot.html")
        .render(
            title=title or "A document without a title",
            reading=reading,
            reason=reason,
            place=reason.place.encode() if reason and reason.place else None,
            advice=advice,
            fetch=fetch,
            snapshot_id=snapshot_id,
            size=len(body),
            warehouse=str(warehouse.root),
            demo=warehouse.is_demo,
            scope=SCOPES.get(reading.scope or "", reading.scope),
            metadata=_metadata(reading),
            sections=list(_sections(reading)),
            findings=[f for f in reading.findings if f.verdict != "holds"],
            held=sum(f.verdict == "holds" for f in reading.findings),
            parts=parts,
            marked=marked,
            doubtful=[base64.b64encode(picture).decode() for picture in doubtful],
        )
    )


def _read(body: bytes, content_type: str | None) -> tuple[Reading, list[bytes]]:
    """The reading of a document, and pictures of its doubtful cells."""
    reading = parse.read_document(body, url=None, content_type=content_type, ocr=False)
    if reading.reason and reading.reason.message.endswith(ocr.LATER):
        return pictures.examine(body, content_type)
    return reading, []


def _metadata(reading: Reading) -> list[tuple[str, str]]:
    known = ((METADATA_LABELS.get(k, k), v) for k, v in reading.metadata.items() if k != "title")
    return [(label, value) for label, value in known if value]


def _document(
    body: bytes, reading: Reading, content_type: str | None
) -> tuple[list[tuple[str, Any]], bool]:
    """The document's paragraphs and tables in order, and whether the place was found in them."""
    try:
        body = office.readable(body)
        source = open_source(body, sniff.kind(body), content_type, ocr=False)
    except Reject:
        return [], False
    # of a page that hides its tables the reader may have counted others than are shown here
    place = reading.reason.place if reading.reason and not source.hidden else None
    parts: list[tuple[str, Any]] = []
    found = False
    for table, blocks in groupby(source.blocks[:_MOST_ROWS], key=_table_of):
        if table is None:
            for block in blocks:
                assert isinstance(block, Paragraph)
                marked = _is_place(block.place, place)
                found |= marked
                parts.append(("heading" if block.heading else "text", (block.text, marked)))
            continue
        rows = [_row(block, place) for block in blocks if isinstance(block, SourceRow)]
        found |= any(cell.marked for row in rows for cell in row)
        parts.append(("table", (table, rows)))
    return parts, found


def _table_of(block: Block) -> int | None:
    return block.table if isinstance(block, SourceRow) else None


def _row(row: SourceRow, place: Place | None) -> list[ShownCell]:
    return [
        ShownCell(cell.text, cell.rowspan, cell.colspan, _is_place(cell.place, place))
        for cell in row.cells
    ]


def _is_place(here: Place, place: Place | None) -> bool:
    """Whether `here` lies in `place`, which may name a whole row, table or page."""
    if place is None or here.kind != place.kind:
        return False
    wanted = [
        (getattr(place, name), getattr(here, name))
        for name in ("table", "row", "cell", "page", "line")
        if getattr(place, name) is not None
    ]
    return bool(wanted) and all(a == b for a, b in wanted)


def _sections(reading: Reading) -> Iterator[tuple[str, list[str], list[tuple[str, list[Any]]]]]:
    """The tables of the form as understood: title, column labels, rows of label and cells."""
    if reading.form is None or not reading.cells:
        return
    cells = {cell.cell: cell for cell in reading.cells}
    for section, title in SECTIONS.items():
        rows = [row for row in form_rows(reading.form) if row["section"] == section]
        columns = list(dict.fromkeys((r["column_code"], r["column_label"]) for r in rows))
        by_place = {(r["row_code"], r["column_code"]): r for r in rows}
        lines = []
        for code, row in {r["row_code"]: r for r in rows}.items():
            group = row["group_label"]
            label = f"{group} ／ {row['row_label']}" if group else row["row_label"]
            shown = []
            for column, _ in columns:
                own = by_place.get((code, column))
                shown.append(_value(cells.get(own["cell"]), own["unit"]) if own else None)
            lines.append((label, shown))
        yield title, [label for _, label in columns], lines


def _value(cell: Cell | None, unit: str) -> dict[str, str]:
    """A value as the page shows it: number, text as published where it differs, status, place."""
    if cell is None:
        return {"text": "–", "published": "", "status": "blank", "place": ""}
    published = cell.as_published.strip()
    value = number(cell.value) if cell.value is not None else published or "␣"
    return {
        "text": f"{value} {UNITS.get(unit, '')}".strip(),
        "published": published if cell.value is not None and published != value else "",
        "status": cell.status,
        "place": cell.place.encode() if cell.place else "",
    }
