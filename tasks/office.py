"""Old Word (.doc, .wps, RTF, Word 2003 XML) as DOCX, by LibreOffice where it is installed.

LibreOffice is a large program that reads what strangers wrote: it gets a profile of its own with
macros off and no way to the network, a few seconds, a bound on what it writes, and its word is not
taken. It says 0 also when it has written nothing.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path
from threading import Lock

from tasks.report import sheet_ole, sniff
from tasks.report.model import Reject
from tasks.report.reader import NEEDS_OFFICE

LONGEST = 60.0  # seconds of the clock; a report takes two
MOST_OUTPUT = 64 << 20
MOST_MEMORY = 4 << 30
_LIMITED = (  # the program ends also when nobody is left to end it
    f"ulimit -c 0; ulimit -t {LONGEST:.0f}; ulimit -v {MOST_MEMORY >> 10}; "
    f'ulimit -f {MOST_OUTPUT >> 8}; exec "$@"'
)
_LOCK = Lock()  # one profile, one LibreOffice
_PROGRAM = "GONGKAI_SOFFICE"
_OUTPUT = "docx:MS Word 2007 XML"
# What LibreOffice may take a document for. Left to itself it reads any damaged file as plain text.
_INPUT = {
    b"\xd0\xcf\x11\xe0": (".doc", "MS Word 97"),
    b"{\\rtf": (".rtf", "Rich Text Format"),
    b"<?xml": (".xml", "MS Word 2003 XML"),
}
_SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry"
 xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
{}</oor:items>
"""
_ITEM = (
    '<item oor:path="/org.openoffice.{}"><prop oor:name="{}" oor:op="fuse">'
    "<value>{}</value></prop></item>\n"
)
_PROTOCOLS = ("HTTP", "HTTPS", "FTP")
_WANTED = (
    ("Office.Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("Office.Common/Security/Scripting", "MacroSecurityLevel", "3"),
    ("Office.Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    ("Office.Common/Security/Scripting", "DisableActiveContent", "true"),
    ("Office.Writer/Content/Update", "Link", "0"),
    # a proxy where nobody listens: what a document links stays where it is
    ("Inet/Settings", "ooInetProxyType", "2"),
    ("Inet/Settings", "ooInetNoProxy", ""),
    *(("Inet/Settings", f"ooInet{kind}ProxyName", "127.0.0.1") for kind in _PROTOCOLS),
    *(("Inet/Settings", f"ooInet{kind}ProxyPort", "9") for kind in _PROTOCOLS),
)


def program() -> str | None:
    """Where LibreOffice is: GONGKAI_SOFFICE (empty: nowhere), else what PATH holds."""
    named = os.environ.get(_PROGRAM)
    if named is not None:
        return named or None
    return shutil.which("soffice") or shutil.which("libreoffice")


def readable(data: bytes) -> bytes:
    """The document in a form that the reader knows: an old Word document as DOCX, others as given.

    Raises Reject: needs_office without LibreOffice, broken_file for a damaged container,
    office_failed when nothing came of the conversion.
    """
    return data if sniff.kind(data) != "doc" else _converted(data)


@lru_cache(maxsize=1)  # who shows a document reads it twice
def _converted(data: bytes) -> bytes:
    office = program()
    if office is None:
        raise Reject(*NEEDS_OFFICE)
    suffix, reads_as = next(how for mark, how in _INPUT.items() if data.lstrip().startswith(mark))
    if suffix == ".doc":
        sheet_ole.verify(data)
    with tempfile.TemporaryDirectory(prefix="gongkai-office-") as folder:
        given = Path(folder, f"document{suffix}")
        given.write_bytes(data)
        with _LOCK:
            said = _run(office, reads_as, given)
        written = given.with_suffix(".docx")
        if not written.is_file():
            raise _failed(f"it wrote nothing ({said[-200:].strip() or 'and said nothing'})")
        if written.stat().st_size > MOST_OUTPUT:
            raise _failed("it wrote too much")
        converted = written.read_bytes()
    if sniff.kind(converted) != "docx":
        raise _failed("what it wrote is no DOCX")
    return converted


def _failed(why: str) -> Reject:
    return Reject("office_failed", f"LibreOffice could not convert the document: {why}")


def _run(office: str, reads_as: str, given: Path) -> str:
    """Converts beside the given file; what the program printed. Nothing it started lives on."""
    command = [
        *(office, "--headless", "--norestore", "--nolockcheck", "--nodefault", "--nologo"),
        *(f"-env:UserInstallation={_profile().as_uri()}", f"--infilter={reads_as}"),
        *("--convert-to", _OUTPUT, "--outdir", str(given.parent), str(given)),
    ]
    own = {"HOME": str(_profile()), "TMPDIR": str(given.parent), "LANG": "C.UTF-8"}
    process = subprocess.Popen(
        ["/bin/sh", "-c", _LIMITED, "sh", *command],
        cwd=given.parent,
        env={"PATH": os.environ.get("PATH", os.defpath), **own},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=LONGEST)
    except subprocess.TimeoutExpired:
        _forget_profile()  # it may be half written
        raise _failed(f"it took longer than {LONGEST:.0f} s") from None
    finally:
        _end_group(process)
    return said[-2000:].decode(errors="replace")


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Ends the program with all that it started; `soffice` is a script around others."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


@cache
def _profile() -> Path:
    """This process's own profile: two LibreOffices with one would wait for each other."""
    folder = Path(tempfile.mkdtemp(prefix="gongkai-office-profile-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    user = folder / "user"
    user.mkdir()
    items = "".join(_ITEM.format(*wanted) for wanted in _WANTED)
    (user / "registrymodifications.xcu").write_text(_SETTINGS.format(items), encoding="utf-8")
    return folder


def _forget_profile() -> None:
    shutil.rmtree(_profile(), ignore_errors=True)
    _profile.cache_clear()
