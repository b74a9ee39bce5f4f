"""PDF pages drawn line by line, and what was read as the specification it was drawn from."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from tasks.report.model import Paragraph, Source, SourceRow

SONG = "STSong-Light"
pdfmetrics.registerFont(UnicodeCIDFont(SONG))

Spec = dict[tuple[int, int], tuple[str, int, int]]  # (row, column): text, rowspan, colspan


def make(*draw: Callable[[Canvas], None], **options: Any) -> bytes:
    """A PDF with one page per function; the origin is the page's bottom left corner."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=options.pop("pagesize", (595, 842)), **options)
    for page in draw:
        canvas.setFont(SONG, 10)
        page(canvas)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def filled(rows: int, columns: int, start: int = 100) -> Spec:
    """A table of distinct numbers."""
    return {
        (r, c): (str(start + r * columns + c), 1, 1) for r in range(rows) for c in range(columns)
    }


def table(
    canvas: Canvas,
    spec: Spec,
    top: float = 780,
    left: float = 50,
    width: float = 50,
    height: float = 20,
    style: str = "line",
    omit: str = "",
) -> None:
    """Draws cells with their borders. `omit`: sides of the whole table without a rule (tblr)."""
    rows = max(r + rs for (r, _), (_, rs, _) in spec.items())
    columns = max(c + cs for (_, c), (_, _, cs) in spec.items())
    rectangles: list[tuple[float, float, float, float]] = []
    for (r, c), (text, rs, cs) in spec.items():
        x0, x1 = left + c * width, left + (c + cs) * width
        y1, y0 = top - r * height, top - (r + rs) * height
        for number, line in enumerate(text.split("\n")):
            canvas.drawString(x0 + 3, y1 - 14 - number * 11, line)
        sides = {
            "t": (x0, y1, x1, y1, r == 0),
            "b": (x0, y0, x1, y0, r + rs == rows),
            "l": (x0, y0, x0, y1, c == 0),
            "r": (x1, y0, x1, y1, c + cs == columns),
        }
        if style == "frame":
            canvas.rect(x0, y0, x1 - x0, y1 - y0)
            continue
        for side, (ax, ay, bx, by, outer) in sides.items():
            if outer and side in omit:
                continue
            if style == "line":
                canvas.line(ax, ay, bx, by)
            else:
                rectangles.append((ax, ay, max(0.5, bx - ax), max(0.5, by - ay)))
    if style == "rects":
        for rectangle in rectangles:
            canvas.rect(*rectangle, stroke=0, fill=1)
    elif style == "one path":
        path = canvas.beginPath()
        for rectangle in rectangles:
            path.rect(*rectangle)
        canvas.drawPath(path, stroke=0, fill=1)


def rows_of(source: Source, number: int = 1) -> list[SourceRow]:
    return [b for b in source.blocks if isinstance(b, SourceRow) and b.table == number]


def spec_of(rows: list[SourceRow]) -> Spec:
    """What was read, as the specification it should have been drawn from."""
    taken: set[tuple[int, int]] = set()
    out: Spec = {}
    for r, row in enumerate(rows):
        c = 0
        for cell in row.cells:
            while (r, c) in taken:
                c += 1
            out[r, c] = (cell.text, cell.rowspan, cell.colspan)
            taken |= {(r + i, c + j) for i in range(cell.rowspan) for j in range(cell.colspan)}
    return out


def texts(source: Source) -> list[str]:
    return [b.text for b in source.blocks if isinstance(b, Paragraph)]
