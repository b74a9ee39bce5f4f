"""URLs: one name per document, and which hosts are official by their name alone."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from w3lib.url import canonicalize_url

_HOST = re.compile(
    r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)
_TRACKING = re.compile(r"utm_\w+|spm|scm|gclid|fbclid|isappinstalled|share_token|hmsr|hmpl")
# WeChat adds from=… with these values; any other `from` may be part of the address.
_WECHAT_FROM = {"from=timeline", "from=singlemessage", "from=groupmessage"}
_SESSION = re.compile(r";jsessionid=[^/?#;]*", re.IGNORECASE)


def canonical_url(url: str) -> str:
    """The one name of a document under all spellings of its URL: its `document_id`.

    http and https are one document (written http), default ports, user names, fragments, session
    and tracking parameters go, the query is sorted, the host is lower case; `www` stays. The
    result is a fixed point of this function. Raises ValueError for what is not a web address.
    """
    text = url.strip()
    parts = urlsplit(text)
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname or "\\" in text:
        raise ValueError(f"not a web address: {url[:200]!r}")
    port = "" if parts.port in (None, 80, 443) else f":{parts.port}"
    host = parts.hostname.rstrip(".")
    if not host:
        raise ValueError(f"not a web address: {url[:200]!r}")
    if ":" in host:
        host = f"[{host}]"
    query = "&".join(
        item
        for item in parts.query.split("&")
        if item
        and not _TRACKING.fullmatch(item.partition("=")[0].lower())
        and item.lower() not in _WECHAT_FROM
    )
    path = _SESSION.sub("", parts.path) or "/"
    plain = f"http://{host}{port}{path}" + (f"?{query}" if query else "")
    return str(canonicalize_url(plain))


def host_of(url: str) -> str | None:
    """The host a client would really contact, in lower case, or None when the URL plays tricks.

    Tricks: not http(s), a user name before "@", a backslash or white space, non-ASCII letters
    (look-alikes) or anything but a plain host name.
    """
    if any(c.isspace() or c == "\\" or not c.isprintable() for c in url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme.lower() not in ("http", "https") or "@" in parts.netloc:
        return None
    host = (parts.hostname or "").removesuffix(".")
    # urlsplit lower-cases by Unicode rules, which folds the Kelvin sign into "k".
    if not parts.netloc.isascii() or not _HOST.fullmatch(host):
        return None
    return host


def is_government_host(host: str) -> bool:
    """Whether a plain host name lies under `.gov.cn`, on a label boundary."""
    return host.endswith(".gov.cn")


def under(host: str, registered: str) -> bool:
    """Whether `host` is `registered` or lies below it, on a label boundary."""
    return host == registered or host.endswith("." + registered)
