"""Old Word: what becomes of each way a conversion can end, and, where it is installed, LibreOffice
itself, with what it must not do."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tasks import office, parse
from tasks.report import sniff
from tasks.report.model import Reading

GOLDEN = Path(__file__).parent / "golden"
DOCX = GOLDEN / "probe_docx.docx"
RTF = b"{\\rtf1\\ansi x}"

LIBREOFFICE = office.program()


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What a conversion writes is below the test's own folder."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    office._profile.cache_clear()
    office._converted.cache_clear()
    yield tmp_path
    office._profile.cache_clear()


@pytest.fixture
def soffice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A program that is called as LibreOffice is; the test writes what it does."""
    script = tmp_path / "bin" / "soffice"
    script.parent.mkdir()
    monkeypatch.setenv("GONGKAI_SOFFICE", str(script))
    yield script


def does(script: Path, what: str) -> None:
    """`$out` is the folder for its output, `$@` all its arguments."""
    script.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" > {script}.called\n'
        'while [ "$1" != --outdir ]; do shift; done; out=$2\n' + what
    )
    script.chmod(0o755)


def read(data: bytes) -> Reading:
    return parse.read_document(data, url=None, content_type=None)


def refused(data: bytes = RTF) -> tuple[str, str]:
    reason = read(data).reason
    assert reason is not None
    return reason.code, reason.message


def as_golden(reading: Reading) -> bool:
    """Whether every cell is as in the report that the document was made from."""
    wanted = json.loads(DOCX.with_suffix(".json").read_text(encoding="utf-8"))["cells"]
    found = {
        c.cell: [None if c.value is None else format(c.value, "f"), c.as_published, c.status]
        for c in reading.cells
    }
    return reading.source_kind == "doc" and found == wanted


def test_what_it_writes_is_read(soffice: Path, folders: Path) -> None:
    does(soffice, f'cp {DOCX} "$out/document.docx"; echo converted')
    assert as_golden(read(RTF))
    called = Path(f"{soffice}.called").read_text().splitlines()
    assert {"--headless", "--norestore", "--infilter=Rich Text Format"} <= set(called)
    profile = next(a for a in called if a.startswith("-env:UserInstallation=file://"))
    settings = Path(profile.partition("file://")[2], "user/registrymodifications.xcu").read_text()
    assert '"DisableMacrosExecution" oor:op="fuse"><value>true<' in settings
    left = [p.name for p in folders.iterdir()]
    assert not [n for n in left if n.startswith("gongkai-office-") and "profile" not in n]


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("echo 'source file could not be loaded'; exit 0", "could not be loaded"),
        ("exit 0", "wrote nothing"),
        ("exit 77", "wrote nothing"),
        ('echo garbage > "$out/document.docx"', "no DOCX"),
        ('echo "%PDF-1.7" > "$out/document.docx"', "no DOCX"),
        ("kill -SEGV $$", "wrote nothing"),
    ],
)
def test_its_word_is_not_taken(soffice: Path, what: str, said: str) -> None:
    does(soffice, what)
    code, message = refused()
    assert code == "office_failed"
    assert said in message


def test_one_that_hangs_is_ended_with_all_that_it_started(
    soffice: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office, "LONGEST", 1.0)
    does(soffice, f"sleep 300 & echo $! > {soffice}.child; wait")
    began = time.monotonic()
    assert refused() == (
        "office_failed",
        "LibreOffice could not convert the document: it took longer than 1 s",
    )
    assert time.monotonic() - began < 20
    child = int(Path(f"{soffice}.child").read_text())
    for _ in range(50):
        if not Path(f"/proc/{child}").exists() or "Z" in _state(child):
            break
        time.sleep(0.1)
    else:
        pytest.fail("what the converter started lives on")
    does(soffice, f'cp {DOCX} "$out/document.docx"')
    assert as_golden(read(RTF))  # with a new profile


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def test_without_it_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONGKAI_SOFFICE", "")
    code, message = refused()
    assert code == "needs_office"
    assert "apt-get install --no-install-recommends libreoffice-writer-nogui" in message
    assert read(DOCX.read_bytes()).outcome == "parsed"  # a DOCX, whatever it is called


def test_a_damaged_container_is_not_handed_on(soffice: Path) -> None:
    does(soffice, f'cp {DOCX} "$out/document.docx"')
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(800) + "WordDocument".encode("utf-16-le")
    assert refused(old)[0] == "broken_file"
    assert not Path(f"{soffice}.called").exists()


# --- LibreOffice itself -------------------------------------------------------------------------


class _Heard(BaseHTTPRequestHandler):
    """Notes every request, and has nothing."""

    def do_GET(self) -> None:
        self.server.heard.append(self.path)  # type: ignore[attr-defined]
        self.send_error(404)

    do_HEAD = do_OPTIONS = do_PROPFIND = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def libreoffice() -> str:
    """The program itself; CI has it."""
    if LIBREOFFICE is None:
        missing = "apt-get install --no-install-recommends libreoffice-writer-nogui"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    return LIBREOFFICE


def converted(program: str, given: Path, reads_as: str, to: str) -> bytes:
    """A file by LibreOffice as anybody would call it, with its own settings."""
    home = given.parent / "home"
    subprocess.run(
        [program, "--headless", f"-env:UserInstallation={home.as_uri()}",
         *([f"--infilter={reads_as}"] if reads_as else []),
         "--convert-to", to, "--outdir", str(given.parent), str(given)],
        check=True, capture_output=True, timeout=120, env={**os.environ, "HOME": str(home)},
    )  # fmt: skip
    return given.with_suffix("." + to.partition(":")[0]).read_bytes()


@pytest.mark.slow
def test_what_libreoffice_writes_is_read_exactly(libreoffice: str, tmp_path: Path) -> None:
    """A report as old Word, RTF and Word 2003's XML; a .wps holds what a .doc holds."""
    copy = tmp_path / "report.docx"
    copy.write_bytes(DOCX.read_bytes())
    for kind in ("rtf:Rich Text Format", "xml:MS Word 2003 XML", "doc:MS Word 97"):
        old = converted(libreoffice, copy, "", kind)
        assert sniff.kind(old) == "doc"
        assert as_golden(read(old)), kind
    assert refused(old[: len(old) * 2 // 3])[0] in ("broken_file", "unsupported")


@pytest.mark.slow
def test_libreoffice_asks_nobody(libreoffice: str, tmp_path: Path) -> None:
    """A document that links a picture on a server here."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Heard) as server:
        server.heard = []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = tmp_path / "linked.html"
        picture = f"http://127.0.0.1:{server.server_address[1]}/x.png"
        page.write_text(f'<p>a</p><img src="{picture}" width="100" height="50"><p>b</p>')
        linked = converted(libreoffice, page, "HTML (StarWriter)", "doc:MS Word 97")
        heard = server.heard  # type: ignore[attr-defined]
        assert heard  # left to its own settings it asks
        heard.clear()
        assert read(linked).reason is not None
        assert sniff.kind(office.readable(linked)) == "docx"
        assert not heard
        server.shutdown()
