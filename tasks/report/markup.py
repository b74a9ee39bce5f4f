"""The markup of a parsed page to blocks: paragraphs and the rows of the innermost tables.

What libxml2 has parsed and written again is regular: every tag is closed or says that it is empty,
and `<` and `>` stand nowhere else. So it is cut at its tags as text. A Word page has a tag per
word, and whatever visits its nodes from Python costs more than the parse; the markup of most cells
is one that stood in another cell before.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import unescape

from lxml import etree

from tasks.report.model import Block, Image, Paragraph, Place, Reject, SourceCell, SourceRow

BREAK, IMAGE = RESERVED = tuple(map(chr, range(0x10FFF0, 0x10FFF2)))
"""Private-use characters: where a line ends, and around the number of a picture. They are taken out
of a page first. Their first byte is one that Chinese text does not have: to look for it costs
nothing."""
_AROUND = BREAK + " \t\r\n\f\v\xa0"
_BLOCKS = "|".join(
    (
        *("p", "div", "br", "li", "ul", "ol", "dl", "dt", "dd", "h[1-6]", "table", "t[dhr]"),
        *("section", "article", "header", "footer", "center", "hr", "pre", "blockquote", "form"),
        *("fieldset", "address", "nav", "main", "aside", "caption", "title"),
    )
)
_INLINE = re.compile(rf"<(?!/?(?:{_BLOCKS})[ />])[^>]*>")
_TAG = re.compile(r"<[^>]*>")
_TABLE = re.compile(r"<table(?=[ />])")
_TABLE_END = "</table>"
_INSIDE = re.compile(r"<t[rdh](?=[ />])")
_ROW = re.compile(r"<tr(?=[ />])")
_AFTER_NAME = (" ", ">", "/")
_CELL = re.compile(r"<t[dh](?=[ />])")
_CELL_END = re.compile(r"</t[dh]>")
_SPAN = re.compile(r'(?<![\w-])(row|col)span="\s*(\d{1,6})')
_MOST_SPANNED = 1000
_MOST_CELLS = 20_000
_SPACES = re.compile(r"[\t\r\n\f\v][ \t\r\n\f\v]*| [ \t\r\n\f\v]+")
_IMAGES = re.compile(rf"{IMAGE}(\d+){IMAGE}")

_ESCAPED = {"&#13;": "\r", "&#xFFFD;": "\ufffd"}

_new = tuple.__new__


def blocks(root: Any, images: list[Image]) -> list[Block]:
    """The blocks of a page's tree. `images` are told before which block they stand.

    Raises Reject for a page with too many cells, and for text between the cells of a row.
    """
    page = _written(root)
    longest = _MOST_CELLS * len("<td></td>")  # which no shorter page with too many cells has
    if len(page) > longest and page.count("</td>") + page.count("</th>") > _MOST_CELLS:
        raise Reject("too_large", f"the page has more than {_MOST_CELLS:,} table cells")
    before, *parts = _TABLE.split(page)
    found: list[Block] = []
    paragraphs = _flow(before, found, 0, images)
    number = 0
    for part in parts:
        inside, end, after = part.partition(_TABLE_END)
        if not end:  # another begins in it: a layout table
            paragraphs = _flow("<table" + inside, found, paragraphs, images)
            continue
        number += 1
        first = _INSIDE.search(inside)
        begin = first.start() if first else len(inside)
        paragraphs = _flow("<table" + inside[:begin], found, paragraphs, images)
        outside = _rows(inside[begin:], number, found, images)
        paragraphs = _flow(outside + after, found, paragraphs, images)
    return found


def _written(root: Any) -> str:
    for table in root.iter("table"):
        table.text = " " + (table.text or "")  # so that an empty one has an end tag too
    page: str = etree.tostring(root, encoding="unicode")
    if page.count("<") != page.count(">"):
        # `<br<td>` is no cell, but an element of a strange name
        for element in root.iter():
            if "<" in element.tag:
                element.tag = "span"
        page = etree.tostring(root, encoding="unicode")
    return page


def _flow(markup: str, found: list[Block], paragraphs: int, images: list[Image]) -> int:
    """Adds the paragraphs of markup outside the innermost tables; gives how many there are now."""
    for piece in _TAG.split(_INLINE.sub("", markup)):
        paragraph = piece.strip()
        if images and IMAGE in paragraph:  # it stands after the text of its line
            shown = _IMAGES.sub("", paragraph).strip()
            _note(paragraph, images, len(found) + bool(shown))
            paragraph = shown
        if paragraph:
            paragraphs += 1
            place = _new(Place, ("html", None, None, None, None, None, paragraphs))
            if "&" in paragraph:
                paragraph = _plain(paragraph)
            if "  " in paragraph or not paragraph.isprintable():
                paragraph = _SPACES.sub(" ", paragraph)
            found.append(_new(Paragraph, (paragraph, place, False)))
    return paragraphs


def _rows(markup: str, number: int, found: list[Block], images: list[Image]) -> str:
    """Adds the rows of a table; gives the markup that stands in it outside of any row.

    Cells outside of rows are a row of their own, as in a browser.
    """
    outside = []
    row = 0
    for line in _ROW.split(markup):
        if images and IMAGE in line:
            _note(line, images, len(found) + bool(_CELL.search(line)))
            line = _IMAGES.sub("", line)
        begins = line.startswith(_AFTER_NAME)
        for part in line.split("</tr>"):
            if not begins and (not part or part.isspace()):
                continue
            begin, *raw = _CELL.split(part)
            if begins:
                begin = begin.partition(">")[2]
            row += begins or bool(raw)
            if _shows_text(begin):
                if raw or begins:
                    raise _belongs_nowhere(begin)
                outside.append(begin)
            if raw:
                # The named tuples' own constructors would be a fifth of this module's time.
                cells = zip(map(_cell, raw), _places(number, row, len(raw)), strict=True)
                shown = [_new(SourceCell, (c[0], place, c[1], c[2])) for c, place in cells]
                found.append(_new(SourceRow, (tuple(shown), number)))
            begins = False
    return "".join(outside)


def _note(text: str, images: list[Image], at: int) -> None:
    """Notes that the pictures in a text stand after `at` blocks."""
    for number in _IMAGES.findall(text):
        images[int(number)] = images[int(number)]._replace(at=at)


@lru_cache(maxsize=4096)
def _places(table: int, row: int, count: int) -> tuple[Place, ...]:
    """The places of a row's cells; the same in every document."""
    return tuple(Place("html", table, row, at) for at in range(1, count + 1))


@lru_cache(maxsize=16384)
def _cell(markup: str) -> tuple[str, int, int]:
    """A cell's text, rows and columns, from its attributes on.

    Raises Reject for text between it and the next cell.
    """
    attributes, _, content = markup.partition(">")
    inner, after = "", content
    if not attributes.endswith("/"):
        inner, *ended = _CELL_END.split(content, maxsplit=1)
        after = "".join(ended)
    if _shows_text(after):  # what prints nothing is no part of a cell
        raise _belongs_nowhere(after)
    if "<" in inner:
        inner = _TAG.sub(BREAK, _INLINE.sub("", inner))
    inner = _SPACES.sub(" ", _plain(inner).strip(_AROUND))
    if BREAK in inner:
        inner = "\n".join(filter(None, map(str.strip, inner.split(BREAK))))
    spans = {side: min(int(size), _MOST_SPANNED) or 1 for side, size in _SPAN.findall(attributes)}
    return inner.strip(), spans.get("row", 1), spans.get("col", 1)


def _shows_text(markup: str) -> bool:
    return bool(markup) and not markup.isspace() and any(map(str.isalnum, _shown(markup)))


def _belongs_nowhere(markup: str) -> Reject:
    said = f"“{_shown(markup).strip()[:40]}” stands between the cells of a table"
    return Reject("broken_table", said)


def _shown(markup: str) -> str:
    return _plain(_TAG.sub("", markup))


def _plain(text: str) -> str:
    return unescape(text, _ESCAPED) if "&" in text else text
