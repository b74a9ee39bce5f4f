"""An article that a site spreads over several pages and pictures, as one document.

`join` packs them, byte for byte as they were received, into one MIME multipart body; the archive
keeps that as the document. `source` reads it back as one page: what all pages share at their
beginning and end (menus, the head of the article, the footer) counts once, and the pager goes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple

from tasks.report import html, sniff
from tasks.report.decode import to_utf8
from tasks.report.model import Block, Image, Paragraph, Reject, Source, SourceRow
from tasks.report.page_images import absolute

CONTENT_TYPE = "multipart/mixed"
MOST_PAGES = 40
_HEAD = re.compile(
    re.escape(sniff.PAGES) + rb"(\d{1,2})\r\n"
    rb'Content-Type: multipart/mixed; boundary="([\w=]{1,70})"\r\n\r\n'
)
_PART = re.compile(
    rb"--([\w=]{1,70})\r\nContent-Location: ([^\r\n]*)\r\nContent-Type: ([^\r\n]*)\r\n"
    rb"Content-Length: (\d{1,9})\r\n\r\n"
)
_PAGER = re.compile(
    r"(?:首页|上一?页|前一?页|下一?页|后一?页|尾页|末页|第|共|页|转到|跳转|GO|go|[\d\s|/<>‹›«»…\[\]【】.：:])+"
)


class Part(NamedTuple):
    """One page or picture of an article: its address, its content type, its bytes."""

    url: str
    content_type: str | None
    body: bytes

    @property
    def is_picture(self) -> bool:
        return sniff.kind(self.body) == "image"


def join(pages: Sequence[tuple[str, str | None, bytes]]) -> bytes:
    """The parts of one article as one body; always the same bytes."""
    digest = hashlib.sha256(b"\n".join(hashlib.sha256(p[2]).digest() for p in pages))
    boundary = f"=_{digest.hexdigest()[:40]}"
    parts = [
        sniff.PAGES
        + f'{len(pages)}\r\nContent-Type: {CONTENT_TYPE}; boundary="{boundary}"\r\n\r\n'.encode()
    ]
    for url, content_type, body in pages:
        kind = re.sub(r"[^\x20-\x7e]", "", content_type or "text/html")
        head = (
            f"--{boundary}\r\nContent-Location: {re.sub(r'[^!-~]', '', url)}\r\n"
            f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        parts += [head.encode(), body, b"\r\n"]
    return b"".join([*parts, f"--{boundary}--\r\n".encode()])


def split(data: bytes) -> list[Part]:
    """The parts of an article. Reject (broken_file) when the bytes were changed."""
    head = _HEAD.match(data)
    found: list[Part] = []
    if head is not None:
        at = head.end()
        while part := _PART.match(data, at):
            end = part.end() + int(part[4])
            if part[1] != head[2] or data[end : end + 2] != b"\r\n":
                break
            url, kind = (part[k].decode("ascii", errors="replace") for k in (2, 3))
            found.append(Part(url, kind, data[part.end() : end]))
            at = end + 2
        if len(found) == int(head[1]) and data[at:] == b"--" + head[2] + b"--\r\n":
            return found
    raise Reject("broken_file", "the pages of the article cannot be told apart")


def source(data: bytes, *, show_blocks: bool = False) -> Source:
    """The pages of one article as one source; places name the page, from 1."""
    return assembled(split(data), show_blocks=show_blocks)


def assembled(parts: Sequence[Part], *, show_blocks: bool = False) -> Source:
    """Pages in their order as one source, with the pictures that came along in their places."""
    pictures = {part.url: part.body for part in parts if part.is_picture}
    pages = []
    for part in parts:
        if part.url in pictures:
            continue
        page = html.source(to_utf8(part.body, part.content_type), show_blocks=show_blocks)
        for k, image in enumerate(page.images):
            url = absolute(image.url, page.base, part.url)
            page.images[k] = image._replace(url=url, data=image.data or pictures.get(url))
        pages.append(page)
    if not pages:
        raise Reject("broken_file", "the article has no page")
    whole = pages[0]
    texts = [[_text(block) for block in page.blocks] for page in pages]
    before = _shared(texts)
    after = min(_shared([t[::-1] for t in texts]), min(map(len, texts)) - before)
    blocks: list[Block] = []
    images: list[Image] = []
    tables = 0
    for number, page in enumerate(pages, 1):
        first = 0 if number == 1 else before
        last = len(page.blocks) - (after if number < len(pages) else 0)
        for at in range(first, last + 1):
            images += [i._replace(at=len(blocks)) for i in page.images if i.at == at]
            if at < last and not _is_pager(block := page.blocks[at]):
                blocks.append(_numbered(block, number, tables))
        tables += max((b.table for b in page.blocks if isinstance(b, SourceRow)), default=0)
    whole.blocks, whole.images, whole.pictures = blocks, images, len(images)
    for page in pages[1:]:
        whole.links += [link for link in page.links if link not in whole.links]
        whole.menu |= page.menu
        whole.hidden |= page.hidden
        whole.complete &= page.complete
    return whole


def _shared(texts: list[list[str]]) -> int:
    """How many blocks all pages have alike at their beginning."""
    return sum(1 for _ in takewhile(lambda row: len(set(row)) == 1, zip(*texts, strict=False)))


def _text(block: Block) -> str:
    if isinstance(block, SourceRow):
        return "\t".join(cell.text for cell in block.cells)
    return block.text


def _is_pager(block: Block) -> bool:
    return isinstance(block, Paragraph) and bool(_PAGER.fullmatch(block.text.strip()))


def _numbered(block: Block, page: int, tables: int) -> Block:
    if isinstance(block, SourceRow):
        cells = tuple(c._replace(place=c.place._replace(page=page)) for c in block.cells)
        return SourceRow(cells, block.table + tables)
    return block._replace(place=block.place._replace(page=page))
