"""An OFD (GB/T 33190) of a report, object by object: ruled tables that break over pages."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from xml.sax.saxutils import escape

from tests.publisher.document import HEADINGS, Document
from tests.publisher.prose import chinese_date
from tests.publisher.tables import Slot, Table, grid

WIDTH, HEIGHT, MARGIN = 210.0, 297.0, 20.0  # millimetres
NAMESPACE = "http://www.ofdspec.org/2016"
_COLUMNS = {
    4: [53.0, 35, 35, 35],
    10: [15.0, 20, 43, 12.6, 12.6, 12.6, 14, 14, 11.4, 12.6],
    15: [11.2] * 15,
}


@dataclass(slots=True)
class Writer:
    """The objects of each page. `scaled` writes them as programs do that convert from PDF: text
    through a CTM, borders as filled rectangles."""

    scaled: bool = False
    pages: list[list[str]] = field(default_factory=lambda: [[]])
    y: float = MARGIN

    def break_page(self) -> None:
        """Goes on at the head of a new page."""
        self.pages.append([])
        self.y = MARGIN

    def put(self, written: str) -> None:
        self.pages[-1].append(written.replace("<", "<ofd:").replace("<ofd:/", "</ofd:"))

    def text(self, x: float, y: float, size: float, text: str) -> None:
        """One line of text; `y` is its upper edge."""
        boundary = f"{x:g} {y:g} {wide(text) * size:g} {size * 1.2:g}"
        code = escape(text).replace(" ", "\\0020")
        unit, matrix, left, top = 1.0, "", 0.0, 0.0
        if self.scaled:  # points, from the page's own corner
            unit, left, top = 72 / 25.4, x, y
            matrix = f' CTM="{1 / unit:.6f} 0 0 {1 / unit:.6f} {-x:g} {-y:g}"'
        across = _deltas([wide(c) * size * unit for c in text[:-1]])
        self.put(
            f'<TextObject ID="1" Font="3" Size="{size * unit:.4f}" Boundary="{boundary}"{matrix}>'
            f'<TextCode X="{left * unit:.4f}" Y="{(top + size * 0.88) * unit:.4f}"{across}>{code}'
            "</TextCode></TextObject>"
        )

    def line(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """A rule."""
        if self.scaled:
            w, h = max(0.2, x1 - x0), max(0.2, y1 - y0)
            data = f"M 0 0 L {w:g} 0 L {w:g} {h:g} L 0 {h:g} C"
            self.put(
                f'<PathObject ID="1" Boundary="{x0:g} {y0:g} {w:g} {h:g}" Stroke="false" '
                f'Fill="true"><AbbreviatedData>{data}</AbbreviatedData></PathObject>'
            )
        else:
            data = f"M 0 0 L {x1 - x0:g} {y1 - y0:g}"
            self.put(
                f'<PathObject ID="1" Boundary="{x0:g} {y0:g} {x1 - x0:g} {y1 - y0:g}" '
                f'LineWidth="0.2"><AbbreviatedData>{data}</AbbreviatedData></PathObject>'
            )

    def paragraph(self, text: str, size: float = 4.2, indent: float = 0) -> None:
        """A paragraph over as many lines and pages as it needs."""
        for line in wrapped(text, (WIDTH - 2 * MARGIN) / size, indent):
            if self.y + size * 1.6 > HEIGHT - MARGIN:
                self.break_page()
            self.text(MARGIN, self.y, size, line)
            self.y += size * 1.6


def _deltas(steps: list[float]) -> str:
    """Steps between characters as the attribute that says them, repeated ones counted."""
    runs = [(f"{step:.4f}", len(list(run))) for step, run in groupby(steps)]
    words = [f"g {n} {step}" if n > 2 else " ".join([step] * n) for step, n in runs]
    return f' DeltaX="{" ".join(words)}"' if words else ""


def wide(text: str) -> float:
    """How wide a text is, in its size."""
    return sum(1.0 if c > "\u2000" else 0.5 for c in text)


def wrapped(text: str, width: float, indent: float = 0) -> Iterator[str]:
    """The lines of a text; digits stay together."""
    line = "\u3000" * int(indent)
    for part in text.split("\n"):
        for _, run in groupby(part, key=lambda c: c if c > "\u2000" else "word"):
            word = "".join(run)
            if line and wide(line + word) > width:
                yield line
                line = ""
            line += word
        yield line
        line = ""


def package(
    pages: list[list[str]], template: str = "", files: dict[str, bytes] | None = None
) -> bytes:
    """An OFD of pages of objects, `template` below each; `files` are added as they are."""
    uses = '<ofd:Template TemplateID="9" ZOrder="Background"/>' if template else ""
    head = (
        f'<ofd:Document xmlns:ofd="{NAMESPACE}"><ofd:CommonData><ofd:MaxUnitID>99</ofd:MaxUnitID>'
    )
    area = (
        f"<ofd:PageArea><ofd:PhysicalBox>0 0 {WIDTH:g} {HEIGHT:g}</ofd:PhysicalBox></ofd:PageArea>"
    )
    named = '<ofd:TemplatePage ID="9" BaseLoc="Tpls/Tpl_0/Content.xml"/>' if template else ""
    listed = "".join(
        f'<ofd:Page ID="{n}" BaseLoc="Pages/Page_{n}/Content.xml"/>' for n in range(len(pages))
    )
    resources = "".join(f"<ofd:{r}Res>{r}Res.xml</ofd:{r}Res>" for r in ("Public", "Document"))
    fonts = '<ofd:Fonts><ofd:Font ID="3" FontName="宋体" FamilyName="宋体"/></ofd:Fonts>'
    empty = f'<ofd:Res xmlns:ofd="{NAMESPACE}" BaseLoc="Res">{{}}</ofd:Res>'
    parts = {
        "OFD.xml": f'<ofd:OFD xmlns:ofd="{NAMESPACE}" Version="1.0" DocType="OFD"><ofd:DocBody>'
        "<ofd:DocInfo><ofd:Title>年报</ofd:Title></ofd:DocInfo>"
        "<ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>",
        "Doc_0/Document.xml": f"{head}{area}{resources}{named}</ofd:CommonData>"
        f"<ofd:Pages>{listed}</ofd:Pages></ofd:Document>",
        "Doc_0/PublicRes.xml": empty.format(fonts),
        "Doc_0/DocumentRes.xml": empty.format("<ofd:MultiMedias></ofd:MultiMedias>"),
    }
    drawn = {f"Pages/Page_{n}": (uses, "".join(page)) for n, page in enumerate(pages)}
    if template:
        drawn["Tpls/Tpl_0"] = ("", template)
    for name, (use, objects) in drawn.items():
        parts[f"Doc_0/{name}/Content.xml"] = (
            f'<ofd:Page xmlns:ofd="{NAMESPACE}">{use}<ofd:Content><ofd:Layer ID="2" Type="Body">'
            f"{objects}</ofd:Layer></ofd:Content></ofd:Page>"
        )
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        written = {name: text.encode() for name, text in parts.items()} | (files or {})
        for name, data in written.items():
            info = zipfile.ZipInfo(name, (2024, 1, 2, 3, 4, 6))
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def ofd(document: Document, *, scaled: bool = False) -> bytes:
    """The report as OFD; the same document gives the same bytes."""
    out = Writer(scaled)
    prose, head = document.prose, document.head
    out.paragraph(head.title, 6)
    for text in (*prose.lead, HEADINGS["overview"], *prose.overview):
        out.paragraph(text)
    for section in ("proactive", "requests", "review_litigation"):
        out.paragraph(HEADINGS[section])
        for table in document.tables:
            if table.section == section:
                ruled(out, table)
                out.y += 4
    for text in (HEADINGS["problems"], *prose.problems, HEADINGS["other"], *prose.other):
        out.paragraph(text)
    for line in (head.signer, head.signed and chinese_date(head.signed)):
        if line:
            out.paragraph(line)
    template = ""
    if scaled:  # a running head that every page takes from the template
        below = Writer()
        below.text(MARGIN, 8, 3, head.title)
        below.line(MARGIN, 12, WIDTH - MARGIN, 12)
        template = "".join(below.pages[0])
    return package(out.pages, template)


def ruled(out: Writer, table: Table) -> None:
    """A table with its rules, over as many pages as it needs."""
    lines = grid(table)
    columns = max(map(len, lines))
    known = max((n for n in _COLUMNS if n <= columns), default=4)
    steps = [*_COLUMNS[known], *[9.0] * columns][:columns]
    xs = [MARGIN + sum(steps[:k]) for k in range(columns + 1)]
    heights = [_height(lines, y, xs) for y in range(len(lines))]
    drawn: set[tuple[int, int]] = set()
    y = 0
    while y < len(lines):
        end, bottom = y, out.y
        while end < len(lines) and bottom + heights[end] <= HEIGHT - MARGIN:
            bottom += heights[end]
            end += 1
        if end == y:
            out.break_page()
            continue
        _part(out, lines, (y, end), xs, heights, drawn)
        y = end
        if y < len(lines):
            out.break_page()


def _part(
    out: Writer,
    lines: list[list[Slot]],
    rows: tuple[int, int],
    xs: list[float],
    heights: list[float],
    drawn: set[tuple[int, int]],
) -> None:
    """The rows of a table that stand on one page: each border once for every square beside it."""
    first, end = rows
    for y in range(first, end):
        line, top, bottom = lines[y], out.y, out.y + heights[y]
        for x, slot in enumerate(line):
            left, right = xs[x], xs[x + 1]
            above = lines[y - 1][x] if y > first and x < len(lines[y - 1]) else None
            if above is None or above.cell is not slot.cell:
                out.line(left, top, right, top)
            if x == 0 or line[x - 1].cell is not slot.cell:
                out.line(left, top, left, bottom)
                if id(slot.cell) not in {c for c, _ in drawn}:
                    drawn.add((id(slot.cell), y))
                    _label(out, slot, xs[x : x + slot.cell.colspan + 1])
            if x == len(line) - 1:
                out.line(right, top, right, bottom)
            if y == end - 1:
                out.line(left, bottom, right, bottom)
        out.y = bottom


def _label(out: Writer, slot: Slot, xs: list[float]) -> None:
    """A cell's text at the upper left of the cell, which is where it begins on this page."""
    size = _size(slot, xs[-1] - xs[0])
    for number, text in enumerate(wrapped(slot.cell.text, (xs[-1] - xs[0] - 1) / size)):
        if text:
            out.text(xs[0] + 0.5, out.y + 0.8 + number * size * 1.25, size, text)


def _size(slot: Slot, width: float) -> float:
    """Figures are set smaller rather than broken over lines, as people do."""
    if slot.cell.code is None:
        return 2.8
    return min(2.8, (width - 1) / max(1.0, wide(slot.cell.text)))


def _height(lines: list[list[Slot]], y: int, xs: list[float]) -> float:
    """A row as high as its highest cell."""
    height = 5.0
    for x, slot in enumerate(lines[y]):
        if slot.begins and slot.first_column:
            width = xs[x + slot.cell.colspan] - xs[x]
            size = _size(slot, width)
            count = len(list(wrapped(slot.cell.text, (width - 1) / size)))
            needed = 1.6 + count * size * 1.25
            height = max(height, needed if slot.cell.rowspan == 1 else 5.0)
    return height
