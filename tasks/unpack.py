"""What a zip holds, in memory and within limits; nothing is written and no name is trusted.

RAR and 7z are not opened: what reads them is either not free or far heavier than the few reports
that come so. They are archived, and refused by the reader under their own name.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from typing import NamedTuple
from urllib.parse import quote

from tasks.report import sniff

MOST_MEMBERS = 100
MOST_BYTES = 60_000_000
"""All members together, unpacked."""
_INSIDE = "!/"
_UTF8 = 0x800
"""The flag of a member whose name says that it is UTF-8."""
_READ = re.compile(r"\.(?:pdf|docx?|xlsx?|ofd|s?html?|txt|wps|rtf)$", re.IGNORECASE)
_NO_FILE = re.compile(r"(?:^|/)(?:__MACOSX/|\.[^./]|~\$)")


class Member(NamedTuple):
    """One document of an archive. `url` names it below the archive's own address."""

    name: str
    url: str
    body: bytes


class Refused(Exception):  # noqa: N818 - becomes a record of the archive
    """Why an archive is not opened: damaged, encrypted, too large, a bomb."""


def is_archive(body: bytes) -> bool:
    """Whether some bytes are a zip of documents (office files are zips too, and are not)."""
    return body.startswith((b"PK\x03\x04", b"PK\x05\x06")) and sniff.kind(body) == "zip"


def is_member(document_id: str) -> bool:
    """Whether a document came out of an archive, so that its address cannot be requested."""
    return _INSIDE in document_id


def members(body: bytes, url: str) -> list[Member]:
    """The documents in a zip, in stored order; other files and archives inside are left out.

    Raises Refused. Names are labels: they are cleaned of everything that points elsewhere.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            if why := sniff.unsafe(archive):
                raise Refused(why)
            chosen = [m for m in archive.infolist() if _is_document(m)]
            if len(chosen) > MOST_MEMBERS:
                raise Refused(f"the archive holds {len(chosen)} documents")
            return _unpacked(archive, chosen, url)
    except (
        *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, EOFError),
        *(ValueError, OverflowError, NotImplementedError, OSError, RuntimeError),
    ) as e:
        said = str(e).strip() or type(e).__name__
        raise Refused(f"the archive cannot be opened: {said[:200]}") from e


def _is_document(member: zipfile.ZipInfo) -> bool:
    name = _named(member).replace("\\", "/")
    return bool(_READ.search(name)) and not _NO_FILE.search(name) and not member.is_dir()


def _unpacked(archive: zipfile.ZipFile, chosen: list[zipfile.ZipInfo], url: str) -> list[Member]:
    found: list[Member] = []
    left = MOST_BYTES
    taken: set[str] = set()
    for number, member in enumerate(chosen, 1):
        with archive.open(member) as file:
            # The directory may lie about sizes: what is read counts.
            body = file.read(left + 1)
        left -= len(body)
        if left < 0:
            raise Refused(f"the archive unpacks to more than {MOST_BYTES} bytes")
        name = _cleaned(_named(member))
        if name in taken:
            name = f"{number}/{name}"
        taken.add(name)
        found.append(Member(name, f"{url.partition('#')[0]}{_INSIDE}{quote(name)}", body))
    return found


def _named(member: zipfile.ZipInfo) -> str:
    """A member's name. One that does not say it is UTF-8 may be that all the same, or was written
    on a Chinese system."""
    if member.flag_bits & _UTF8:
        return member.filename
    raw = member.filename.encode("cp437")  # as which zipfile reads it; any byte has a sign there
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("gb18030", "replace")


def _cleaned(name: str) -> str:
    """A member's name with nothing in it that leads out of the archive."""
    steps = [s for s in re.split(r"[/\\]+", name) if s not in ("", ".", "..")]
    text = "/".join(steps)
    return "".join(c if c.isprintable() and c not in ":?*#!" else "_" for c in text) or "_"
