"""DOCX into blocks: what Word shows of the body, with changes accepted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from tasks.report import page_images, sniff
from tasks.report.docx_look import Looks
from tasks.report.docx_numbering import Numbering
from tasks.report.docx_package import Package, child, name, value
from tasks.report.model import (
    UNSURE,
    Block,
    Image,
    Paragraph,
    Place,
    Reject,
    Source,
    SourceCell,
    SourceRow,
)

MOST_BYTES = 64 << 20
MOST_PICTURES = 40 << 20  # bytes together
MOST_COLUMNS = 1000  # gridSpan="99999" widens nothing
MOST_CELLS = 20_000

# Wrappers without meaning here: what is in them counts.
_PASS = frozenset(
    ("sdt", "sdtContent", "customXml", "smartTag", "ins", "moveTo", "hyperlink", "fldSimple",
     "dir", "bdo", "ruby", "rubyBase")
)  # fmt: skip
# A formula that sets its parts above one another; what it says is not their digits in a row.
_SET = frozenset(f"m:{kind}" for kind in ("f", "sSup", "sSub", "sSubSup", "rad", "eqArr", "m"))
_EMU = 12700  # English Metric Units in a point
_LENGTH = re.compile(r"(width|height):\s*([\d.]+)\s*(pt|in|cm|mm|px)?")
_POINTS = {"pt": 1.0, "in": 72.0, "cm": 28.35, "mm": 2.835, "px": 0.75, "": 0.75}
_HEADING = re.compile(r"(heading|标题|title|subtitle|副标题)\s*\d*", re.IGNORECASE)


@dataclass(slots=True)
class _Cell:
    column: int
    colspan: int
    content: list[etree._Element]
    rowspan: int = 1


@dataclass(slots=True)
class _Reader:
    """Walks the body once. `line` numbers paragraphs, `table` the innermost tables."""

    headings: set[str]
    numbering: Numbering
    looks: Looks
    blocks: list[Block] = field(default_factory=list)
    line: int = 0
    table: int = 0
    images: list[Image] = field(default_factory=list)  # named by their references
    in_cell: bool = False
    foreign: bool = False  # holds its text as an embedded page

    def walk(self, parent: etree._Element) -> None:
        """The blocks of a body, a cell of a layout table, or a text box."""
        for element in _content(parent):
            if name(element) == "p":
                self.paragraph(element)
            elif name(element) == "tbl":
                self.rows(element)
            elif name(element) == "altChunk":
                self.foreign = True

    def paragraph(self, element: etree._Element) -> None:
        self.line += 1
        boxes: list[etree._Element] = []
        known = len(self.images)
        text = self.text(element, boxes).strip("\n")
        if text.strip():
            place = Place("docx", line=self.line)
            self.blocks.append(Paragraph(text, place, self.is_heading(element)))
        # its pictures stand after its text
        self.images[known:] = [i._replace(at=len(self.blocks)) for i in self.images[known:]]
        for box in boxes:
            self.walk(box)

    def is_heading(self, paragraph: etree._Element) -> bool:
        properties = child(paragraph, "pPr")
        level = value(child(properties, "outlineLvl"))
        if level is not None:
            return level.isdigit() and int(level) < 9
        return value(child(properties, "pStyle")) in self.headings

    def text(self, paragraph: etree._Element, boxes: list[etree._Element]) -> str:
        """A paragraph as shown, its automatic number included; its text boxes go to `boxes`."""
        out = [self.numbering.next(paragraph)]
        self._runs(paragraph, out, boxes)
        return "".join(out)

    def _runs(self, parent: etree._Element, out: list[str], boxes: list[etree._Element]) -> None:
        for element in parent:
            kind = name(element)
            if kind == "t" or kind == "m:t":
                out.append(element.text or "")
            elif kind == "r":
                look = self.looks.of(element)
                if look != "hidden":
                    before = len(out)
                    self._runs(element, out, boxes)
                    if look == "doubtful" and self.in_cell and "".join(out[before:]).strip():
                        out.insert(before, UNSURE)
            elif kind in ("tab", "ptab"):
                out.append("\t")
            elif kind in ("br", "cr"):
                out.append("\n")
            elif kind == "noBreakHyphen":
                out.append("-")
            elif kind == "sym":
                out.append(_symbol(value(element, "char")))
            elif kind in ("drawing", "pict", "object"):
                self._drawing(element, boxes)
                if self.in_cell and _is_inline_picture(element):
                    out.append(UNSURE)
            elif kind == "mc:AlternateContent":
                # both alternatives say the same: one of them is shown
                choice = child(element, "mc:Choice")
                if choice is None or not len(choice):
                    choice = child(element, "mc:Fallback")
                if choice is not None:
                    self._runs(choice, out, boxes)
            elif kind in _PASS or kind.startswith("m:"):
                if self.in_cell and kind in _SET:
                    out.append(UNSURE)
                self._runs(element, out, boxes)

    def _drawing(self, drawing: etree._Element, boxes: list[etree._Element]) -> None:
        """Text boxes and pictures of a drawing."""
        picture: str | None = None
        wide = high = 0.0
        for element in drawing.iter():
            kind = name(element)
            if kind == "txbxContent":
                inner = any(name(a) == "txbxContent" for a in element.iterancestors())
                if not inner and not _in_fallback(element, drawing):
                    boxes.append(element)
            elif kind in ("a:blip", "v:imagedata"):
                picture = value(element, "embed") or value(element, "id") or ""
            elif kind == "wp:extent":
                wide = _number(value(element, "cx")) / _EMU
                high = _number(value(element, "cy")) / _EMU
            elif kind == "v:shape":
                size = {m[1]: float(m[2]) * _POINTS[m[3] or ""]
                        for m in _LENGTH.finditer(value(element, "style") or "")}  # fmt: skip
                wide, high = size.get("width", wide), size.get("height", high)
        if picture is not None and wide >= 200 and high >= 60:
            self.images.append(Image(picture, len(self.blocks)))

    def rows(self, table: etree._Element) -> None:
        """A table's rows; a table that holds tables is layout, and what it says is paragraphs."""
        grid = _grid(table)
        if any(_holds_table(part) for row in grid for cell in row for part in cell.content):
            for row in grid:
                for cell in row:
                    for part in cell.content:
                        self.walk(part)
            return
        self.table += 1
        number = self.table
        boxes: list[etree._Element] = []
        for row_number, row in enumerate(grid, 1):
            cells = tuple(
                SourceCell(
                    self._cell_text(cell, boxes),
                    Place("docx", number, row_number, place),
                    cell.rowspan,
                    cell.colspan,
                )
                for place, cell in enumerate(row, 1)
            )
            if cells:
                self.blocks.append(SourceRow(cells, number))
        for box in boxes:
            self.walk(box)

    def _cell_text(self, cell: _Cell, boxes: list[etree._Element]) -> str:
        lines = []
        self.in_cell = True
        for part in cell.content:
            for element in _content(part):
                if name(element) == "p":
                    inside: list[etree._Element] = []
                    lines.append(self.text(element, inside))
                    # a text box laid into a cell says what the cell says, unless it holds a table
                    for box in inside:
                        if _holds_table(box):
                            boxes.append(box)
                        else:
                            lines += [self.text(p, boxes) for p in _content(box) if name(p) == "p"]
        self.in_cell = False
        return "\n".join(lines).strip("\n")


def source(data: bytes) -> Source:
    """The blocks of a DOCX in reading order. Raises `Reject` with `broken_file`, `encrypted`,
    `too_large` or `unsupported`."""
    if len(data) > MOST_BYTES:
        raise Reject("too_large", f"the DOCX is larger than {MOST_BYTES >> 20} MB")
    package = Package(data)
    path, root = package.main()
    body = child(root, "body")
    if body is None:
        raise Reject("broken_file", "the document has no body")
    if body.xpath(f"count(//*[local-name() = 'tc']) > {MOST_CELLS}"):
        raise Reject("too_large", f"the tables have more than {MOST_CELLS} cells")
    styles = package.beside(path, "/styles")
    numbering = Numbering(package.beside(path, "/numbering"), styles)
    reader = _Reader(_heading_styles(styles), numbering, Looks(styles))
    reader.walk(body)
    if reader.foreign and not reader.blocks:
        raise Reject("unsupported", "the DOCX holds its text as an embedded page (altChunk)")
    out = Source("docx", reader.blocks, pictures=len(reader.images))
    out.images = _with_data(reader.images[: page_images.MOST], package, path)
    core = package.part("docProps/core.xml")
    title = child(core, "dc:title")
    if title is not None and (text := (title.text or "").strip()):
        out.meta["title"] = text
    return out


def _with_data(images: list[Image], package: Package, main: str) -> list[Image]:
    """The pictures with their bytes, as far as they are pictures of dots and not too many."""
    paths = package.related(main) if images else {}
    found = []
    left = MOST_PICTURES
    for image in images:
        data = package.read(paths.get(image.url, "")) or b""
        left -= len(data)
        usable = left >= 0 and sniff.kind(data) == "image"
        found.append(image._replace(data=data if usable else None))
    return found


def _grid(table: etree._Element) -> list[list[_Cell]]:
    """The cells that begin in each row, with rowspans complete."""
    above: dict[int, _Cell] = {}
    grid: list[list[_Cell]] = []
    for row in _content(table):
        properties = child(row, "trPr")
        if name(row) != "tr" or child(properties, "del") is not None:
            continue
        begun: list[_Cell] = []
        here: dict[int, _Cell] = {}
        column = _count(value(child(properties, "gridBefore")), 0)
        if column:
            begun.append(_Cell(0, column, []))  # the row begins further right
        for element in _content(row):
            if name(element) != "tc":
                continue
            column = _add_cell(element, column, begun, here, above)
        grid.append(begun)
        above = here
    return grid


def _add_cell(
    element: etree._Element,
    column: int,
    begun: list[_Cell],
    here: dict[int, _Cell],
    above: dict[int, _Cell],
) -> int:
    """Adds one w:tc at its column and returns the column after it."""
    properties = child(element, "tcPr")
    span = _count(value(child(properties, "gridSpan")), 1) or 1
    across = child(properties, "hMerge")
    if across is not None and value(across) != "restart" and begun:
        begun[-1].colspan += span
        return column + span
    down = child(properties, "vMerge")
    start = above.get(column)
    if down is not None and value(down) != "restart" and start and start.colspan == span:
        start.rowspan += 1  # what stands in a continued cell is not shown
        here[column] = start
    else:
        cell = _Cell(column, span, [element])
        begun.append(cell)
        if down is not None:
            here[column] = cell
    return column + span


def _content(parent: etree._Element) -> Iterator[etree._Element]:
    """The children, with those of wrappers in their place; what is deleted is left out."""
    for element in parent:
        kind = name(element)
        if kind == "mc:AlternateContent":
            choice = child(element, "mc:Choice")
            if choice is None:
                choice = child(element, "mc:Fallback")
            if choice is not None:
                yield from _content(choice)
        elif kind in _PASS:
            yield from _content(element)
        elif kind not in ("del", "moveFrom"):
            yield element


def _holds_table(cell: etree._Element) -> bool:
    return any(name(element) == "tbl" for element in cell.iter())


def _is_inline_picture(drawing: etree._Element) -> bool:
    """Whether a picture stands in the line like a character; a seal lies over it instead."""
    shown = [name(element) for element in drawing.iter()]
    return "wp:inline" in shown and "a:blip" in shown


def _in_fallback(element: etree._Element, top: etree._Element) -> bool:
    for ancestor in element.iterancestors():
        if ancestor is top:
            return False
        if name(ancestor) == "mc:Fallback":
            return True
    return False


def _heading_styles(styles: etree._Element | None) -> set[str]:
    """The ids of paragraph styles that are headings, by name, level, or what they build on."""
    found: set[str] = set()
    based: dict[str, str] = {}
    for style in styles if styles is not None else ():
        identity = value(style, "styleId")
        if name(style) != "style" or identity is None:
            continue
        level = value(child(style, "pPr", "outlineLvl"))
        if _HEADING.fullmatch(value(child(style, "name")) or "") or (level and level != "9"):
            found.add(identity)
        if parent := value(child(style, "basedOn")):
            based[identity] = parent
    for identity in based:
        step, seen = identity, set[str]()
        while step in based and step not in seen and step not in found:
            seen.add(step)
            step = based[step]
        if step in found:
            found.add(identity)
    return found


def _symbol(code: str | None) -> str:
    try:
        return chr(int(code or "", 16))
    except (ValueError, OverflowError):
        return UNSURE


def _count(text: str | None, default: int) -> int:
    number = _number(text) if text else default
    return int(min(max(number, 0), MOST_COLUMNS))


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
