"""A born-digital PDF of a report: ruled tables that break over pages, a CID font, no font file."""

from __future__ import annotations

import io
from collections.abc import Callable

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer
from reportlab.platypus import Table as RuledTable

from tests.publisher.document import HEADINGS, Document
from tests.publisher.prose import chinese_date
from tests.publisher.tables import Table, TableCell, grid

FONT = "STSong-Light"
KANGXI = str.maketrans("行自人年工一二三大小文方日月金", "⾏⾃⼈年⼯⼀⼆三⼤⼩⽂⽅⽇⽉⾦")
_TEXT = ParagraphStyle("text", fontName=FONT, fontSize=11, leading=18, wordWrap="CJK")
_HEAD = ParagraphStyle("head", parent=_TEXT, fontSize=13, leading=22, spaceBefore=6)
_TITLE = ParagraphStyle("title", parent=_TEXT, fontSize=16, leading=26, alignment=1)
_CELL = ParagraphStyle("cell", parent=_TEXT, fontSize=7.5, leading=10, alignment=1)
_WIDTHS = {
    4: [150.0, 100, 100, 100],
    10: [42.0, 56, 122, 36, 36, 36, 40, 40, 32, 36],
    15: [32.0] * 15,
}


def pdf(
    document: Document,
    *,
    kangxi: bool = False,
    push: float = 0,
    cut_rows: bool = False,
    open_bottom: bool = False,
    repeat_header: bool = False,
    figure_font: str = FONT,
) -> bytes:
    """The report as PDF.

    `kangxi` puts radicals into the text, as some fonts' text layers have. `push` moves the tables
    down by so many points, and with them the place where they break over pages. `cut_rows` lets a
    page end in the middle of a row, `open_bottom` leaves the last rule of a table out,
    `repeat_header` prints a table's header again after a break. `figure_font` sets the figures.
    """
    if FONT not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(UnicodeCIDFont(FONT))

    def text(plain: str) -> str:
        escaped = plain.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<br/>")
        return escaped.translate(KANGXI) if kangxi else escaped

    story: list[Flowable] = [Paragraph(text(document.head.title), _TITLE), Spacer(1, 10)]

    def write(heading: str, paragraphs: list[str]) -> None:
        story.append(Paragraph(text(heading), _HEAD))
        story.extend(Paragraph(text(p), _TEXT) for p in paragraphs)

    story.extend(Paragraph(text(p), _TEXT) for p in document.prose.lead)
    write(HEADINGS["overview"], document.prose.overview)
    story.append(Spacer(1, push))
    for section in ("proactive", "requests", "review_litigation"):
        write(HEADINGS[section], [])
        for table in document.tables:
            if table.section == section:
                story.append(_ruled(table, text, cut_rows, open_bottom, repeat_header, figure_font))
    write(HEADINGS["problems"], document.prose.problems)
    write(HEADINGS["other"], document.prose.other)
    signed = document.head.signed
    for line in (document.head.signer, signed and chinese_date(signed)):
        if line:
            story.append(Paragraph(text(line), _TEXT))
    target = io.BytesIO()
    template = SimpleDocTemplate(
        target,
        pagesize=A4,
        leftMargin=55,
        rightMargin=55,
        topMargin=60,
        bottomMargin=60,
        title=document.head.title,
        invariant=1,  # no clock and no random id, so that the same figures give the same bytes
    )
    try:
        template.build(story)
    except UnboundLocalError:  # reportlab 4 cannot cut a row without a single filled cell
        return pdf(
            document,
            kangxi=kangxi,
            push=push,
            open_bottom=open_bottom,
            repeat_header=repeat_header,
            figure_font=figure_font,
        )
    return target.getvalue()


def _widths(columns: int) -> list[float]:
    """Column widths; columns that a form does not have are narrow ones at the end."""
    known = max((n for n in _WIDTHS if n <= columns), default=4)
    return [*_WIDTHS[known], *[24.0] * columns][:columns]


def _fitting(cell: TableCell, font: str) -> ParagraphStyle:
    """Figures are set smaller rather than broken over lines, as people do."""
    if cell.code is None:
        return _CELL
    own = font if cell.text.isascii() else FONT
    wide = sum(1.0 if char > "\u2000" else 0.55 for char in cell.text)
    size = min(_CELL.fontSize, 26 / max(wide, 0.1))
    return ParagraphStyle("figure", parent=_CELL, fontName=own, fontSize=size)


def _ruled(
    table: Table,
    text_of: Callable[[str], str],
    cut_rows: bool,
    open_bottom: bool,
    repeat_header: bool,
    figure_font: str,
) -> RuledTable:
    lines = grid(table)
    width = max(map(len, lines))
    data: list[list[object]] = []
    style: list[tuple[object, ...]] = [
        ("INNERGRID", (0, 0), (-1, -1), 0.6, colors.black),
        ("LINEABOVE", (0, 0), (-1, 0), 0.6, colors.black),
        ("LINEBEFORE", (0, 0), (0, -1), 0.6, colors.black),
        ("LINEAFTER", (-1, 0), (-1, -1), 0.6, colors.black),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 2),
    ]
    if not open_bottom:
        style.append(("LINEBELOW", (0, -1), (-1, -1), 0.6, colors.black))
    for y, line in enumerate(lines):
        row: list[object] = [""] * width
        for x, slot in enumerate(line):
            if slot.begins:
                row[x] = Paragraph(text_of(slot.cell.text), _fitting(slot.cell, figure_font))
                end = (x + slot.cell.colspan - 1, min(y + slot.cell.rowspan, len(lines)) - 1)
                if end != (x, y):
                    style.append(("SPAN", (x, y), end))
        data.append(row)
    first_figures = next(n for n, row in enumerate(table.rows) if any(c.code for c in row))
    ruled = RuledTable(
        data,
        colWidths=_widths(width),
        splitInRow=int(cut_rows),
        repeatRows=first_figures if repeat_header else 0,
    )
    ruled.setStyle(style)
    return ruled
