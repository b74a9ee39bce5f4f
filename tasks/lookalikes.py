"""Hosts made to be taken for official ones: what they imitate, as evidence for a person.

Nothing is decided here. A host is official by its exact name and registration alone
(`tasks.sources.official_check`); this only says what a refused address pretends to be.
"""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Collection
from urllib.parse import urlsplit

# Letters of other scripts, and digits, that are drawn like Latin letters.
_DRAWN_ALIKE = str.maketrans(
    dict(
        zip(
            "аеорсухіјѕԛԝһ" + "ονυαρτικη" + "01ıɡ" + "。",
            "aeopcyxijsqwh" + "ovuaptikn" + "olig" + ".",
            strict=True,
        )
    )
)


def looks_like(url: str, registered: Collection[str]) -> str:
    """What an address that is not official pretends to be ("; …"), or "" when nothing."""
    try:
        parts = urlsplit(url.strip().replace("\\", "/"))
        name = (parts.hostname or "").rstrip(".")
        netloc = parts.netloc
    except ValueError:
        return ""
    if "@" in netloc and "gov.cn" in netloc.rpartition("@")[0]:
        return "; the official name before “@” is only a user name"
    shown = _shown(name)
    plain = _plain(shown)
    if plain != name and (plain in registered or plain.endswith(".gov.cn")):
        return f"; it is written {shown} to look like {plain}"
    if ".gov.cn." in f"{plain}.":
        imitated = plain[: plain.index(".gov.cn") + len(".gov.cn")]
        return f"; it only begins like {imitated}"
    if re.search(r"(?:^|[.-])g[o0]v[.-]?cn(?:[.-]|$)|[a-z0-9]gov\.cn$", plain):
        return "; its name imitates .gov.cn"
    return ""


def _shown(name: str) -> str:
    """A host name as a browser may show it: labels in Punycode become letters."""
    labels = []
    for label in name.split("."):
        if label.lower().startswith("xn--"):
            with contextlib.suppress(UnicodeError, ValueError):
                label = label[4:].encode("ascii").decode("punycode")
        labels.append(label)
    return ".".join(labels)


def _plain(name: str) -> str:
    """The Latin letters that a name is drawn like."""
    folded = unicodedata.normalize("NFKD", name).casefold()
    bare = "".join(c for c in folded if not unicodedata.combining(c))
    return bare.translate(_DRAWN_ALIKE)
