"""A page written by hand or by a good editor: plain tables with the official spans."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from tests.publisher.document import HEADINGS, Document
from tests.publisher.prose import chinese_date
from tests.publisher.tables import Table, TableCell


def spans(cell: TableCell) -> str:
    """The span attributes of a cell, if it has any."""
    text = f' rowspan="{cell.rowspan}"' if cell.rowspan != 1 else ""
    return text + (f' colspan="{cell.colspan}"' if cell.colspan != 1 else "")


def lines(text: str) -> str:
    """Escaped text with its line breaks kept."""
    return escape(text, quote=False).replace("\n", "<br>")


def paragraph(text: str) -> str:
    """A paragraph."""
    return f"<p>{lines(text)}</p>\n"


def heading(text: str) -> str:
    """A section heading."""
    return f"<h3>{lines(text)}</h3>\n"


def table(model: Table) -> str:
    """A ruled table."""
    rows = "\n".join(
        "<tr>" + "".join(f"<td{spans(c)}>{lines(c.text)}</td>" for c in row) + "</tr>"
        for row in model.rows
    )
    return f'<table border="1" cellspacing="0">\n{rows}\n</table>\n'


@dataclass(frozen=True, slots=True)
class Style:
    """How one kind of page writes the three things a report is made of."""

    paragraph: Callable[[str], str] = paragraph
    heading: Callable[[str], str] = heading
    table: Callable[[Table], str] = table
    title: Callable[[str], str] = lambda text: f"<h1>{lines(text)}</h1>\n"


def body(document: Document, style: Style | None = None) -> str:
    """The report in reading order, written in one style."""
    style = style or Style()
    parts = [style.title(document.head.title)]
    parts += map(style.paragraph, document.prose.lead)
    parts.append(style.heading(HEADINGS["overview"]))
    parts += map(style.paragraph, document.prose.overview)
    parts += [style.table(t) for t in document.tables if t.section == "all"]
    joined = any(t.section == "all" for t in document.tables)
    for section in ("proactive", "requests", "review_litigation"):
        if not joined:
            parts.append(style.heading(HEADINGS[section]))
        parts += [style.table(t) for t in document.tables if t.section == section]
    parts.append(style.heading(HEADINGS["problems"]))
    parts += map(style.paragraph, document.prose.problems)
    parts.append(style.heading(HEADINGS["other"]))
    parts += map(style.paragraph, document.prose.other)
    if document.head.signer:
        parts.append(style.paragraph(document.head.signer))
    if document.head.signed:
        parts.append(style.paragraph(chinese_date(document.head.signed)))
    return "".join(parts)
