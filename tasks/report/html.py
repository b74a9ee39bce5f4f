"""HTML pages to their blocks, title, meta tags and links; what a page hides is taken out first.

Everything per character is left to libxml2, and the tree is written again once to be cut into
blocks (`markup`): a Word export has a span per word, so anything that visits its nodes from Python
costs more than the parse.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from lxml import etree

from tasks.report import markup, page_images, visible
from tasks.report.model import Block, Image, Link, Paragraph, Reject, Source

_RESERVED_PREFIX = markup.RESERVED[0].encode()[:1]
_CONTROLS = [bytes([c]) for c in range(32) if c not in (9, 10, 13)]
_FIGURE = re.compile(r"[\d零〇一二两三四五六七八九十百千万]")
_STRUCK = re.compile(r"line-through", re.IGNORECASE)
# Stands in a cell's text for what a person sees there and this reader does not, or for text that
# a person would not read as part of a number: such a cell is never a number and never blank.
_UNSEEN = "\ufffd"
# Word gives every word a style: half of such a page, and half of what parsing it costs.
_STYLES = re.compile(rb' (?:style|class)="([^"<>]*)"(?=[ />\r\n])')
_LARGE = 400_000  # bytes; smaller pages cannot hold what is looked for in larger ones
_ENDLESS_TAG = re.compile(rb"<[^<>]{100000}")
_END_TAG = re.compile(rb"</(?:[bB][oO][dD][yY]|[hH][tT][mM][lL])\s*>")
_DOCUMENT = re.compile(r"\.(pdf|docx?|xlsx?|wps|rtf|et|ofd|zip|rar|7z)(?:[?#]|$)", re.IGNORECASE)
_STRING: Callable[[Any], str] = etree.XPath("string()")  # type: ignore[assignment]
_PARSER = etree.HTMLParser(
    encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True, no_network=True
)
_INLINE = re.compile(rb"""src\s*=\s*["']data:image/[\w.+-]+;base64,([\w+/=\s]+)["']""")
_FRAMES = {"iframe": "src", "embed": "src", "object": "data", "frame": "src"}

_Element = Any


def source(page: bytes, *, show_blocks: bool = False) -> Source:
    """The blocks, title, meta tags and attachment links of a page in UTF-8.

    What the page hides in its own styles is left out; with `show_blocks` only inside tables (some
    systems hide the article until a script shows it).
    """
    # Most pages hold none: looking for each costs a third of what translating costs.
    if controls := b"".join([control for control in _CONTROLS if control in page]):
        page = page.translate(None, controls)
    if _RESERVED_PREFIX in page:
        for reserved in markup.RESERVED:
            page = page.replace(reserved.encode(), b"")
    inline: list[bytes] = []
    if b";base64," in page:
        page = _INLINE.sub(lambda m: _inlined(m[1], inline), page)
    if len(page) > _LARGE and _ENDLESS_TAG.search(page):
        raise Reject("too_large", "the page has a tag of more than 100 KB")
    parts = _STYLES.split(page)
    plain = b" ".join(parts[::2])
    lowered = plain.lower()
    styles = set(parts[1::2])
    hides = visible.suspicious(lowered, styles)
    if hides:
        lowered = page.lower()
    else:
        page = plain
    root = _parse(_without_early_end(page, lowered))
    found = Source("html", [])
    if root is None:
        return found
    _look_around(root, found)
    _mark_unseen(root)
    sheets = "\n".join([style.text or "" for style in root.iter("style")]) if hides else ""
    for element in list(root.iter("script", "style", "noscript", "template", "head", "select")):
        _drop(element)
    if hides:
        found.hidden = _drop_hidden(root, sheets, show_blocks)
    _place_images(root, found, inline)
    found.blocks = markup.blocks(root, found.images)
    found.complete = _complete(lowered, found.blocks)
    return found


def _without_early_end(page: bytes, lowered: bytes) -> bytes:
    """Pages pasted into pages end twice; libxml2 stops at the first end, browsers do not."""
    ends = [at for tag in (b"</body", b"</html") if (at := lowered.find(tag)) >= 0]
    if not ends or not _END_TAG.sub(b"", page[min(ends) :]).strip():
        return page
    return _END_TAG.sub(b"", page)


def _mark_unseen(root: _Element) -> None:
    """Marks cells with controls, pictures or scripts that write, and with notes to their text."""
    for element in root.iter("input", "select", "textarea", "img", "canvas", "svg", "object"):
        if not _is_tiny(element) and _in_cell(element):
            element.tail = _UNSEEN + (element.tail or "")
    for element in root.iter("script"):
        if "write" in (element.text or "") and _in_cell(element):
            element.tail = _UNSEEN + (element.tail or "")
    for element in root.iter("s", "del", "strike", "sup", "sub", "rt", "bdo"):
        if _in_cell(element):
            element.text = _UNSEEN + (element.text or "")


def _in_cell(element: _Element) -> bool:
    return next(element.iterancestors("td", "th"), None) is not None


def _is_tiny(element: _Element) -> bool:
    """Spacer pictures and hidden controls, which nobody sees."""
    if element.tag == "input":
        return str(element.get("type") or "").lower() == "hidden"
    return any((element.get(side) or "").strip() in ("0", "1") for side in ("width", "height"))


def _drop_hidden(root: _Element, sheets: str, show_blocks: bool) -> bool:
    """Takes what is hidden out of the tree; gives whether a block with tables was among it."""
    blocks = False
    sure, maybe = visible.rules(sheets)
    for element in _of_rules(root, maybe):
        _doubt(element)
    for element in _of_rules(root, sure):
        element.set("hidden", "")
    for element in root.iter("font"):
        if visible.is_white(element.get("color")) and not _on_ground(element):
            _doubt(element)
    # A Word page has a style per word: looking at them from here is a fifth of what XPath takes.
    styled = [(e, style) for e in root.iter() if (style := e.get("style")) and _matters(style)]
    styled += [(e, e.get("style") or "") for e in root.iterfind(".//*[@hidden]")]
    for element, style in styled:
        if _STRUCK.search(style) and _in_cell(element):
            element.text = _UNSEEN + (element.text or "")
        if element.get("hidden") is None and not visible.HIDDEN.search(style):
            if visible.may_hide(style) or (visible.fades(style) and not _on_ground(element)):
                _doubt(element)
            continue
        holds_table = element.tag == "table" or element.find(".//table") is not None
        blocks |= holds_table
        if holds_table and show_blocks:
            continue
        if element.tag in ("td", "th") and "visibility" in style.lower():
            for child in list(element):
                element.remove(child)
            element.text = None  # it keeps its place and shows nothing
        else:
            _drop(element)
    return blocks


def _of_rules(root: _Element, names: list[str]) -> list[_Element]:
    """The elements that have one of these classes (.name) or ids (#name)."""
    found = []
    for rule in names:
        kind, name = ("class" if rule[0] == "." else "id"), rule[1:]
        found += root.xpath(f"//*[contains(concat(' ', @{kind}, ' '), ' {name} ')]")
    return found


def _doubt(element: _Element) -> None:
    """Marks the figures in cells that a person may not see."""
    inside = element.tag in ("td", "th") or _in_cell(element)
    for part in (element,) if inside else element.iter("td", "th"):
        if part.find(".//table") is None and _FIGURE.search(_text(part)):
            part.text = _UNSEEN + (part.text or "")


def _on_ground(element: _Element) -> bool:
    """Whether white is seen here, because something around it is painted."""
    return any(
        visible.paints(around.get("style") or "")
        or (around.get("bgcolor") and not visible.is_white(around.get("bgcolor")))
        for around in (element, *element.iterancestors("span", "p", "td", "th", "tr", "table"))
    )


@lru_cache(maxsize=4096)
def _matters(style: str) -> bool:
    """Whether a style hides what it styles, or may, or strikes it through."""
    return bool(
        visible.HIDDEN.search(style)
        or _STRUCK.search(style)
        or visible.may_hide(style)
        or visible.fades(style)
    )


def _parse(page: bytes) -> _Element | None:
    if not page.strip():
        return None
    try:
        return etree.fromstring(page, _PARSER)
    except etree.XMLSyntaxError:
        return None


def _complete(page: bytes, blocks: list[Block]) -> bool:
    """False for a page cut inside a cell, or one that stops right after a table row.

    `page` is in lower case.
    """
    last = page.rfind(b"<td")
    last = max(last, page.rfind(b"<th", max(last, 0)))
    if last < 0:
        return True
    rest = page[last:]
    if not any(end in rest for end in (b"</td", b"</tr", b"</table", b"</body", b"</html")):
        return False
    closed = b"</body" in rest or b"</html" in rest
    return closed or isinstance(blocks[-1] if blocks else None, Paragraph)


def _look_around(root: _Element, found: Source) -> None:
    """What the page says of itself beside its text: title, meta tags, links."""
    heading = None
    for element in root.iter("meta", "title", "h1", "h2", "a", "base", *_FRAMES):
        tag = element.tag
        if tag == "a":
            _link(element, found)
        elif tag == "base":
            found.base = found.base or (element.get("href") or "").strip() or None
        elif tag == "meta":
            name = (element.get("name") or "").strip().lower()
            content = (element.get("content") or "").strip()
            if name and content:
                found.meta.setdefault(name, content)
        elif tag in _FRAMES:
            url = (element.get(_FRAMES[tag]) or "").strip()
            if url and not url.lower().startswith(("javascript:", "about:")):
                found.links.append(Link(url, "", tag))
        elif tag == "title":
            found.title = found.title or " ".join(_text(element).split()) or None
        elif heading is None:
            heading = " ".join(_text(element).split()) or None
    if heading:
        found.meta.setdefault("h1", heading)


def _text(element: _Element) -> str:
    """The text below an element; most hold nothing else, and need no XPath."""
    return _STRING(element) if len(element) else element.text or ""


def _link(link: _Element, found: Source) -> None:
    href = (link.get("href") or "").strip()
    text = "".join(_text(link).split())
    if "公开" in text:
        found.menu.add(text)
    if href and _DOCUMENT.search(href):
        found.links.append(Link(href, text))


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


def _inlined(written: bytes, inline: list[bytes]) -> bytes:
    """Takes a picture out of the page that holds it, which leaves its number there."""
    inline.append(written)
    return b'src="data:%d"' % (len(inline) - 1)


def _place_images(root: _Element, found: Source, inline: list[bytes]) -> None:
    """Notes the pictures that may hold a table, and writes their number where they stand."""
    for element in root.iter("img"):
        url = page_images.address(element)
        if url is not None and len(found.images) < page_images.MOST:
            element.tail = f"{markup.IMAGE}{len(found.images)}{markup.IMAGE}" + (element.tail or "")
            kind, _, number = url.partition(":")
            known = kind == "data" and number.isdecimal() and int(number) < len(inline)
            found.images.append(Image(url, data=_decoded(inline[int(number)]) if known else None))
    found.pictures = len(found.images)


def _decoded(written: bytes) -> bytes | None:
    try:
        return base64.b64decode(written)
    except ValueError:
        return None
