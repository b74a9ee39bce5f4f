"""HTML pages to their blocks, title, meta tags and links; what a page hides is taken out first.

Everything per character is left to libxml2, and the tree is written again once to be cut into
blocks (`markup`): a Word export has a span per word, so anything that visits its nodes from Python
costs more than the parse.
"""

from __future__ import annotations

import base64
import re
from typing import Any

from lxml import etree

from tasks.report import markup, page_images, style_sheets, unseen, visible
from tasks.report.model import Block, Image, Link, Paragraph, Reject, Source

_RESERVED_PREFIX = markup.RESERVED[0].encode()[:1]
_CONTROLS = bytes(c for c in range(32) if c not in (9, 10, 13))
# Word gives every word a span and a style: half of such a page, and half of what parsing it costs.
_STYLES = re.compile(rb' (?:style|class|lang|v?align|dir)="([^"<>]*)"(?=[ />\r\n])')
_LARGE = 400_000  # bytes; smaller pages cannot hold what is looked for in larger ones
_ENDLESS_TAG = re.compile(rb"<[^<>]{100000}")
_SHEET = re.compile(rb"<style\b[^>]{0,1000}>(.*?)(?:</style|\Z)", re.DOTALL)
_END_TAG = re.compile(rb"</(?:[bB][oO][dD][yY]|[hH][tT][mM][lL])\s*>")
_DOCUMENT = re.compile(r"\.(pdf|docx?|xlsx?|wps|rtf|et|ofd|zip|rar|7z)(?:[?#]|$)", re.IGNORECASE)
_PARSER = etree.HTMLParser(
    encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True, no_network=True
)
_INLINE = re.compile(rb"""src\s*=\s*["']data:image/[\w.+-]+;base64,([\w+/=\s]+)["']""")
_NOT_SHOWN = (
    *("script", "style", "noscript", "template", "head", "select", "noframes", "noembed"),
)
_FRAMES = {"iframe": "src", "embed": "src", "object": "data", "frame": "src"}

_Element = Any


def source(page: bytes, *, show_blocks: bool = False) -> Source:
    """The blocks, title, meta tags and attachment links of a page in UTF-8.

    What the page hides in its own styles is left out; with `show_blocks` only inside tables (some
    systems hide the article until a script shows it).
    """
    inline: list[bytes] = []
    page, plain, styles = _cleaned(page, inline)
    if len(page) > _LARGE and _ENDLESS_TAG.search(page):
        raise Reject("too_large", "the page has a tag of more than 100 KB")
    plain, lowered = _without_spans(plain)
    styled = b"style" in lowered
    ruled = styled and any(map(style_sheets.bears, _SHEET.findall(lowered)))
    hides = ruled or visible.suspicious(lowered, styles, elsewhere=styled)
    if hides:
        page = page.translate(None, _CONTROLS)  # its styles may hold some too
        lowered = page.lower()
    else:
        page = plain
    root = _parse(_without_early_end(page, lowered))
    found = Source("html", [])
    if root is None:
        return found
    _look_around(root, found)
    unseen.mark(root)
    sheets = [_sheet(style) for style in root.iter("style")] if ruled else []
    for element in list(root.iter(*_NOT_SHOWN)):
        unseen.drop(element)
    if hides:
        rules = style_sheets.rules(*sheets) if ruled else None
        found.hidden = unseen.take_out(root, rules, show_blocks=show_blocks)
    _place_images(root, found, inline)
    found.blocks = markup.blocks(root, found.images)
    found.complete = _complete(lowered, found.blocks)
    return found


def _sheet(style: _Element) -> str:
    media, css = style.get("media"), style.text or ""
    return f"@media {media}{{{css}}}" if media else css


def _cleaned(page: bytes, inline: list[bytes]) -> tuple[bytes, bytes, set[bytes]]:
    """A page without what libxml2 or `markup` cannot take, the same without its styles, and those.

    Pictures that stand in the page go to `inline`. Most pages have nothing of all this, and to look
    for it in the shorter text costs half.
    """
    parts = _STYLES.split(page)
    plain = b"".join(parts[::2])
    styles = set(parts[1::2])
    del parts  # what comes next takes its place in the processor's memory
    controls = any(map(plain.__contains__, _CONTROLS))
    reserved = _RESERVED_PREFIX in plain
    pictures = b";base64," in plain
    if not (controls or reserved or pictures):
        return page, plain, styles
    if controls:
        page = page.translate(None, _CONTROLS)
    if reserved:
        for character in markup.RESERVED:
            page = page.replace(character.encode(), b"")
    if pictures:
        page = _INLINE.sub(lambda m: _inlined(m[1], inline), page)
    parts = _STYLES.split(page)
    return page, b"".join(parts[::2]), set(parts[1::2])


def _without_spans(page: bytes) -> tuple[bytes, bytes]:
    """The page without spans that say nothing, and in lower case; as it is where one says more."""
    bare = page.replace(b"<span>", b"")
    lowered = bare.lower()
    if b"<span" in lowered:
        return page, page.lower()
    return bare.replace(b"</span>", b""), lowered


def _without_early_end(page: bytes, lowered: bytes) -> bytes:
    """Pages pasted into pages end twice; libxml2 stops at the first end, browsers do not."""
    ends = [at for tag in (b"</body", b"</html") if (at := lowered.find(tag)) >= 0]
    if not ends or not _END_TAG.sub(b"", page[min(ends) :]).strip():
        return page
    return _END_TAG.sub(b"", page)


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
            found.title = found.title or " ".join(unseen.text(element).split()) or None
        elif heading is None:
            heading = " ".join(unseen.text(element).split()) or None
    if heading:
        found.meta.setdefault("h1", heading)


def _link(link: _Element, found: Source) -> None:
    href = (link.get("href") or "").strip()
    text = "".join(unseen.text(link).split())
    if "公开" in text:
        found.menu.add(text)
    if href and _DOCUMENT.search(href):
        found.links.append(Link(href, text))


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
