"""A page saved from Word: a span for every character, `<o:p>` for every blank, 90 KB in all."""

from __future__ import annotations

from html import escape
from itertools import groupby

from tests.publisher.document import Document
from tests.publisher.layouts import clean
from tests.publisher.shapes import broken_labels
from tests.publisher.tables import Table, TableCell

_ASCII = '<span lang="EN-US" style="font-size:10.5pt;font-family:宋体">'
_CJK = '<span style="font-size:10.5pt;font-family:宋体">'
_BLANK = f"{_ASCII}<o:p>&nbsp;</o:p></span>"
_CELL = '<p class="MsoNormal" align="center" style="text-align:center;line-height:14.0pt">'


def _characters(text: str) -> str:
    return "".join(
        f"{_ASCII if char.isascii() else _CJK}{escape(char, quote=False)}</span>" for char in text
    )


def cell(model: TableCell) -> str:
    """A cell: a paragraph for every line, figures character by character, blanks as Word's."""
    paragraphs = []
    for line in model.text.split("\n"):
        inner = _characters(line) if model.code else f"{_CJK}{escape(line, quote=False)}</span>"
        paragraphs.append(f"{_CELL}{inner if line else _BLANK}</p>")
    width = 46 * model.colspan
    return (
        f'<td{clean.spans(model)} valign="center" width="{width}" '
        f'style="width:{width}.0pt;border:solid windowtext 1.0pt;padding:0cm 5.4pt">'
        f"{''.join(paragraphs)}</td>"
    )


def table(model: Table) -> str:
    """A table as Word saves it."""
    rows = "\n".join(
        f'<tr style="mso-yfti-irow:{n};height:20.0pt">{"".join(map(cell, row))}</tr>'
        for n, row in enumerate(model.rows)
    )
    return (
        '<div align="center"><table class="MsoTableGrid" border="1" cellspacing="0" '
        f'style="border-collapse:collapse;mso-yfti-tbllook:1184"><tbody>\n{rows}\n'
        "</tbody></table></div>\n"
    )


def paragraph(text: str) -> str:
    """Indented prose, one span for each run of like characters."""
    if not text:
        return f'<p class="MsoNormal">{_BLANK}</p>\n'
    runs = "".join(
        f"{_ASCII if ascii_run else _CJK}{escape(''.join(run), quote=False)}</span>"
        for ascii_run, run in groupby(text, key=str.isascii)
    )
    return f'<p class="MsoNormal" style="text-indent:32.0pt">{runs}</p>\n'


def heading(text: str) -> str:
    """A heading that only its weight tells from prose."""
    inner = escape(text, quote=False)
    return f'<p class="MsoNormal" style="text-indent:32.0pt"><b>{_CJK}{inner}</span></b></p>\n'


def title(text: str) -> str:
    """A centred title broken over two paragraphs."""
    at = text.find("政府信息公开")
    return "".join(
        f'<p class="MsoNormal" align="center"><b>{_CJK}{escape(part)}</span></b></p>\n'
        for part in (text[:at], text[at:])
        if part
    )


STYLE = clean.Style(paragraph, heading, table, title)


def body(document: Document) -> str:
    """The report as Word exports it, labels broken over paragraphs."""
    inner = clean.body(document.reshaped(broken_labels), STYLE)
    return f'<div class="WordSection1" style="layout-grid:15.6pt">\n{inner}</div>\n'
