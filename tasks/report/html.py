"""HTML pages to blocks: paragraphs and the rows of the innermost tables, in page order.

Everything per character is left to libxml2: block boundaries are marked in the tree once, then
each cell, and the rest of the page, is one `string()`. A Word export has a span per character, so
anything that visits nodes from Python costs more than the parse.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lxml import etree

from tasks.report.model import Block, Link, Paragraph, Place, Reject, Source, SourceCell, SourceRow

# Private-use characters, removed from the page first: libxml2 takes no control characters.
_BREAK, _TABLE = "\uf8f0", "\uf8f1"
_BLOCKS = (
    *("p", "div", "br", "li", "ul", "ol", "dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6"),
    *("tr", "td", "th", "table", "section", "article", "header", "footer", "center", "hr", "pre"),
    *("blockquote", "form", "fieldset", "address", "nav", "main", "aside", "caption", "title"),
)
_SPACES = re.compile(r"[ \t\r\n\f\v]+")
_CONTROL = re.compile(rf"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff{_BREAK}{_TABLE}]")
_HIDDEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)
_DOCUMENT = re.compile(r"\.(pdf|docx?|xlsx?|wps|et|ofd|zip|rar|7z)(?:[?#]|$)", re.IGNORECASE)
_STRING: Callable[[Any], str] = etree.XPath("string()")  # type: ignore[assignment]
_NESTED = etree.XPath("boolean(.//table)")
_MOST_CELLS = 20_000
_FRAMES = {"iframe": "src", "embed": "src", "object": "data", "frame": "src"}

_Element = Any


def source(text: str) -> Source:
    """The blocks, title, meta tags and attachment links of a page."""
    root = _parse(text)
    found = Source("html", [])
    if root is None:
        return found
    _head(root, found)
    for tag in ("script", "style", "noscript", "head", "select"):
        for element in list(root.iter(tag)):
            _drop(element)
    _links(root, found)
    _mark_blocks(root)
    tables = _take_tables(root)
    found.blocks = _flow(_STRING(root), tables)
    found.complete = _complete(text.lower(), found.blocks)
    return found


def _parse(text: str) -> _Element | None:
    parser = etree.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True, no_network=True
    )
    clean = _CONTROL.sub("", text)
    if not clean.strip():
        return None
    try:
        return etree.fromstring(clean.encode("utf-8"), parser)
    except etree.XMLSyntaxError:
        return None


def _complete(lower: str, blocks: list[Block]) -> bool:
    """False for a page cut inside a cell, or one that stops right after a table row."""
    last = max(lower.rfind("<td"), lower.rfind("<th"))
    if last < 0:
        return True
    ends = ("</td", "</tr", "</table", "</body", "</html")
    if not any(lower.find(end, last) >= 0 for end in ends):
        return False
    closed = lower.find("</body", last) >= 0 or lower.find("</html", last) >= 0
    return closed or isinstance(blocks[-1] if blocks else None, Paragraph)


def _head(root: _Element, found: Source) -> None:
    for meta in root.iter("meta"):
        name = (meta.get("name") or "").strip().lower()
        content = (meta.get("content") or "").strip()
        if name and content:
            found.meta.setdefault(name, content)
    for title in root.iter("title"):
        found.title = " ".join(_STRING(title).split()) or None
        break
    for heading in root.iter("h1", "h2"):
        text = " ".join(_STRING(heading).split())
        if text:
            found.meta.setdefault("h1", text)
            break


def _drop(element: _Element) -> None:
    parent = element.getparent()
    if parent is None:
        return
    tail = element.tail
    if tail:
        before = element.getprevious()
        if before is None:
            parent.text = (parent.text or "") + tail
        else:
            before.tail = (before.tail or "") + tail
    parent.remove(element)


def _links(root: _Element, found: Source) -> None:
    for link in root.iter("a"):
        href = (link.get("href") or "").strip()
        if href and _DOCUMENT.search(href):
            found.links.append(Link(href, " ".join(_STRING(link).split())))
    for tag, attribute in _FRAMES.items():
        for frame in root.iter(tag):
            url = (frame.get(attribute) or "").strip()
            if url and not url.lower().startswith(("javascript:", "about:")):
                found.links.append(Link(url, "", tag))
    found.pictures = sum(1 for _ in root.iter("img"))


def _mark_blocks(root: _Element) -> None:
    for element in root.iter(*_BLOCKS):
        element.text = _BREAK + (element.text or "")
        element.tail = _BREAK + (element.tail or "")


def _take_tables(root: _Element) -> list[list[SourceRow]]:
    """Replaces each innermost table in the tree by its number, and gives their rows."""
    tables: list[list[SourceRow]] = []
    cells = 0
    for table in [t for t in root.iter("table") if not _NESTED(t)]:
        if _hidden(table):
            rows: list[SourceRow] = []
        else:
            rows = _rows(table, len(tables) + 1)
        cells += sum(len(row.cells) for row in rows)
        if cells > _MOST_CELLS:
            raise Reject("too_large", f"the page has more than {_MOST_CELLS:,} table cells")
        tables.append(rows)
        tail = table.tail
        table.clear()
        table.tail = tail
        table.text = f"{_BREAK}{_TABLE}{len(tables) - 1}{_BREAK}"
    return tables


def _hidden(element: _Element) -> bool:
    style = element.get("style")
    return bool(style and _HIDDEN.search(style)) or element.get("hidden") is not None


def _rows(table: _Element, number: int) -> list[SourceRow]:
    rows: list[SourceRow] = []
    cells: list[SourceCell] = []
    row = 0
    skipping = False
    for element in table.iter("tr", "td", "th"):
        if element.tag == "tr":
            if cells:
                rows.append(SourceRow(tuple(cells), number))
                cells = []
            row += 1
            skipping = _hidden(element)
            continue
        if skipping or _hidden(element):
            continue
        place = Place("html", number, row, len(cells) + 1)
        if element.getparent().tag in ("td", "th"):
            raise Reject("broken_table", "a table cell stands inside another one", place)
        cells.append(
            SourceCell(
                _cell_text(_STRING(element)),
                place,
                _span(element.get("rowspan")),
                _span(element.get("colspan")),
            )
        )
        if len(cells) > _MOST_CELLS:
            raise Reject("too_large", f"a table row has more than {_MOST_CELLS:,} cells", place)
    if cells:
        rows.append(SourceRow(tuple(cells), number))
    return rows


def _cell_text(raw: str) -> str:
    if _BREAK not in raw.strip(_BREAK + " \t\r\n\xa0"):
        return _SPACES.sub(" ", raw.replace(_BREAK, "")).strip()
    pieces = (_SPACES.sub(" ", piece).strip() for piece in raw.split(_BREAK))
    return "\n".join(piece for piece in pieces if piece)


def _span(value: str | None) -> int:
    if value is None:
        return 1
    digits = re.match(r"\s*(\d{1,6})", value)
    if digits is None:
        return 1
    return min(int(digits[1]), 1000) or 1


def _flow(text: str, tables: list[list[SourceRow]]) -> list[Block]:
    blocks: list[Block] = []
    number = 0
    for piece in text.split(_BREAK):
        if piece.startswith(_TABLE):
            blocks.extend(tables[int(piece[1:])])
            continue
        paragraph = _SPACES.sub(" ", piece).strip()
        if paragraph and paragraph != "\xa0":
            number += 1
            blocks.append(Paragraph(paragraph, Place("html", line=number)))
    return blocks
