"""Web archives (MHTML): a page with its pictures in one MIME message, as Word and WPS save it.

Often named .doc. The message becomes what `pages` reads: the page, and the pictures it shows by
their address or their Content-ID.
"""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from email.message import Message

from tasks.report.model import Reject
from tasks.report.pages import MOST_PAGES, Part

MOST_BYTES = 64 << 20
_BROKEN = Reject("broken_file", "the web archive holds no page")


def parts(data: bytes) -> list[Part]:
    """The page of a web archive and what comes with it. Raises Reject."""
    if len(data) > MOST_BYTES:
        raise Reject("too_large", f"the web archive is larger than {MOST_BYTES >> 20} MB")
    try:
        message = email.message_from_bytes(data, policy=email.policy.compat32)
        found = list(_leaves(message))
    except (RecursionError, ValueError, LookupError):
        raise _BROKEN from None
    pages = [p for p in found if p.content_type and p.content_type.startswith("text/html")]
    pictures = [p for p in found if p.is_picture]
    if not pages:
        raise _BROKEN
    return [pages[0], *pictures[:MOST_PAGES]]  # further pages are frames and running heads


def _leaves(message: Message) -> Iterator[Part]:
    for part in message.walk():
        if part.is_multipart():
            continue
        body = part.get_payload(decode=True)
        if not isinstance(body, bytes):
            continue
        kind = part.get_content_type()
        if charset := part.get_param("charset"):
            kind += f"; charset={charset}"
        identity = str(part.get("Content-ID") or "").strip().strip("<>")
        location = str(part.get("Content-Location") or "").strip()
        yield Part(location or f"cid:{identity}", kind, body)
        if identity and location:
            yield Part(f"cid:{identity}", kind, body)
