"""The publisher is the truth that readings are compared with, so it is itself tested."""

from __future__ import annotations

import html
import io
import re
import subprocess
import sys
import unicodedata
import urllib.error
import urllib.request
import zipfile
from email.message import Message
from functools import cache
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pypdfium2
import pytest
from openpyxl import load_workbook

from tests.publisher import blanks, figures, form, layouts, shapes, styles, tables
from tests.publisher.case import case, fits
from tests.publisher.demo import demo
from tests.publisher.document import Document, document
from tests.publisher.encodings import ENCODINGS
from tests.publisher.faults import FAULTS
from tests.publisher.figures import Figures
from tests.publisher.form import FORMS, Form
from tests.publisher.server import Server
from tests.publisher.site import Site
from tests.publisher.trouble import trouble

both = pytest.mark.parametrize("which", FORMS)


@cache
def _site() -> Site:
    return demo()


def _probe(which: Form) -> Document:
    return document(figures.probe(which, 3))


def _get(server: Server, url: str, **headers: str) -> tuple[int, bytes, Message]:
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    request = urllib.request.Request(
        f"http://{server.address}{path}",
        headers={"Host": parts.netloc, **{k.replace("_", "-"): v for k, v in headers.items()}},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), error.headers


def _text(page: bytes, suffix: str) -> str:
    """What a page shows, in a form that numbers can be looked up in."""
    if suffix == "pdf":
        pages = pypdfium2.PdfDocument(page)
        text = "\n".join(p.get_textpage().get_text_range() for p in pages)
        return unicodedata.normalize("NFKC", text)
    if suffix == "docx":
        xml = zipfile.ZipFile(io.BytesIO(page)).read("word/document.xml").decode()
        return re.sub(r"<[^>]*>", "", xml.replace("</w:p>", "\n"))
    if suffix == "xlsx":
        book = load_workbook(io.BytesIO(page))
        rows = (row for sheet in book.worksheets for row in sheet.iter_rows(values_only=True))
        return "\n".join(str(cell) for row in rows for cell in row if cell is not None)
    if suffix == "ofd":
        archive = zipfile.ZipFile(io.BytesIO(page))
        xml = "".join(archive.read(name).decode() for name in archive.namelist())
        return "\n".join(re.findall(r"<ofd:TextCode[^>]*>([^<]*)<", xml)).replace("\\0020", " ")
    text = page.decode()
    if suffix == "html":
        text = re.sub(r"</(td|th)>", "\n", text, flags=re.IGNORECASE)
        text = html.unescape(re.sub(r"<[^>]*>", "", text))
    return text


@both
def test_random_figures_obey_every_identity_also_across_years(which: Form) -> None:
    for seed in range(60):
        one = figures.consistent(which, seed)
        two = figures.consistent("2021", seed + 1, previous=one)
        assert not [*one.violated(), *two.violated()]
        for column in form.COLUMNS:
            before = one.values[f"requests.carried_out.{column}"]
            assert two.values[f"requests.carried_in.{column}"] == before
        kept = two.values["proactive.rules.in_force"]
        three = figures.consistent("2021", seed + 2, previous=two)
        change = three["proactive.rules.issued"] - three["proactive.rules.repealed"]
        assert kept is not None
        assert three.values["proactive.rules.in_force"] == kept + change


@both
def test_figures_are_the_same_on_every_run(which: Form) -> None:
    assert figures.consistent(which, 5) == figures.consistent(which, 5)
    assert figures.consistent(which, 5) != figures.consistent(which, 6)


@both
@pytest.mark.parametrize("make", [figures.probe, figures.probe_consistent])
def test_no_two_numbers_of_a_probe_are_alike(which: Form, make: object) -> None:
    assert callable(make)
    probe: Figures = make(which, 1)
    assert len(set(probe.printed.values())) == len(probe.cells) == len(form.cells(which))
    if make is figures.probe_consistent:
        assert not list(probe.violated())


def test_a_wrong_sum_breaks_the_identities_of_its_cell() -> None:
    good = figures.consistent("2021", 1)
    bad = figures.wrong_sum(good, "requests.granted.total")
    assert set(bad.violated()) == {"row_total.granted", "outcome_total.total"}


@both
def test_blanks_are_forced_exactly_where_they_should_be(which: Form) -> None:
    for seed in range(10):
        one = figures.consistent(which, seed)
        for blanked in (blanks.zeros_left_out(one), blanks.scattered(one, seed, "/")):
            assert blanked.values == one.values
            assert {"reported", "forced"} >= set(blanked.statuses.values())
        open_ends = blanks.undecided(one, seed, "—")
        marks = [c for c, figure in open_ends.cells.items() if figure.status == "mark"]
        assert len(marks) == 7
        assert all(open_ends.values[code] is None for code in marks)


@both
def test_tables_hold_every_cell_once_in_statutory_order(which: Form) -> None:
    probe = _probe(which)
    for name, shape in shapes.SHAPES.items():
        codes = [cell.code for cell in tables.figure_cells(shape(probe.tables))]
        assert codes == [cell.code for cell in form.cells(which)], name
    for table in probe.tables:
        assert {len(row) for row in tables.grid(table)} == {table.width}


@both
@pytest.mark.parametrize("layout", layouts.all_layouts())
def test_every_layout_prints_every_number(which: Form, layout: str) -> None:
    probe = _probe(which)
    page, _, suffix = layouts.publish(probe, layout)
    if layout.split("/")[-1] in ENCODINGS and "gb" in layout.split("/")[-1]:
        page = page.decode("gb18030").encode()
    shown = _text(page, suffix)
    if "copies" not in layout:
        for code, printed in probe.figures.printed.items():
            assert re.search(rf"(?<![\d.]){re.escape(printed)}(?![\d.])", shown), code
    assert layouts.publish(probe, layout).body == layouts.publish(probe, layout).body


def test_a_word_page_is_about_as_large_as_real_ones() -> None:
    page = layouts.html(document(figures.consistent("2021", 1)), "word")
    assert 70_000 < len(page.encode()) < 110_000


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encodings_can_be_decoded_as_what_they_are(encoding: str) -> None:
    body = ENCODINGS[encoding](layouts.html(_probe("2021")))
    text = body.decode("gb18030" if encoding.startswith("gb") else "utf-8-sig")
    assert "三、收到和处理政府信息公开申请情况" in text
    if encoding == "gb18030_as_gb2312":
        assert "镕" in text
        with pytest.raises(UnicodeDecodeError):
            body.decode("gb2312")
    if encoding == "gbk_late":
        assert body.index(b"charset") > 5_000


@pytest.mark.parametrize("style", styles.NUMBER_STYLES)
def test_number_styles_change_the_text_and_not_the_value(style: str) -> None:
    probe = figures.probe("2019", 1)
    other = styles.printed_as(probe, style)
    assert other.values == probe.values
    assert (other.printed == probe.printed) == (style == "plain")


@both
@pytest.mark.parametrize("fault", FAULTS)
def test_faults_that_can_be_read_lose_no_figure(which: Form, fault: str) -> None:
    probe = _probe(which)
    there = [cell.code for cell in form.cells(which)]
    for seed in range(8):
        damaged = FAULTS[fault].on(probe, seed)
        page = FAULTS[fault].on_page(layouts.html(damaged), seed)
        codes = [cell.code for cell in tables.figure_cells(damaged.tables)]
        if not FAULTS[fault].destroys:
            assert set(codes) == set(there) and len(codes) == len(there)
        if fault != "none":
            assert page != layouts.html(probe)


def test_the_prose_agrees_with_the_figures() -> None:
    some = document(figures.consistent("2021", 3))
    text = "".join(some.prose.overview)
    assert f"申请{some.figures['requests.new_received.total']}件" in text
    none = document(figures.consistent("2021", 3, size="zero"))
    assert "未收到政府信息公开申请" in "".join(none.prose.overview)


def test_listings_lead_to_every_document_and_to_nothing_else() -> None:
    site = _site()
    found: set[str] = set()
    for source in site.sources:
        if source.status != "allowed":
            continue
        seen: set[str] = set()
        waiting = [source.listing_url]
        while waiting:
            url = waiting.pop()
            seen.add(url)
            page = site.pages[url].body.decode()
            scripted = re.search(r"createPageHTML\((\d+)", page)
            numbers = range(1, int(scripted[1])) if scripted else ()
            links = re.findall(r"href=[\"']([^\"']+)", page)
            for href in [*links, *(f"index_{n}.html" for n in numbers)]:
                target = urljoin(url, html.unescape(href))
                if target in site.truth:
                    found.add(target)
                elif "list.html" in href or "index_" in href:
                    waiting += [] if target in seen else [target]
    assert found == set(site.truth)
    assert 60 <= len(found) <= 100


def test_the_second_night_changes_few_pages() -> None:
    first, second = _site(), demo(change=True)
    changed = {u for u, page in second.pages.items() if page != first.pages.get(u)}
    assert {second.truth[u].why for u in changed if u in second.truth} == {"corrected", "new"}
    assert len(second.truth) == len(first.truth) + 1


def test_the_server_serves_hosts_pages_files_and_304() -> None:
    site = _site()
    with Server(site.pages) as server:
        listing = site.sources[0].listing_url
        status, body, _ = _get(server, listing)
        assert (status, "政府信息公开年报" in body.decode()) == (200, True)
        status, first, headers = _get(server, next(iter(site.truth)))
        assert (status, first) == (200, site.pages[next(iter(site.truth))].body)
        for condition in (
            {"If_None_Match": headers["ETag"]},
            {"If_Modified_Since": headers["Last-Modified"]},
        ):
            assert _get(server, next(iter(site.truth)), **condition)[:2] == (304, b"")
        file = next(t.attachment for t in site.truth.values() if (t.attachment or "")[-3:] == "pdf")
        assert _get(server, str(file))[1].startswith(b"%PDF")
        assert _get(server, "http://www.nobody.gov.cn/")[0] == 404
        assert b"Disallow" in _get(server, f"http://{site.sources[0].host}/robots.txt")[1]
        assert len(server.requests_of(site.sources[0].host)) == 5
        assert all(r.headers["Host"] == r.host for r in server.requests)


def test_trouble_is_as_bad_as_it_says() -> None:
    site = trouble()
    base = "http://www.yaodu.gov.cn"
    with Server(site.pages) as server:
        assert _get(server, f"{base}/nb/error.html")[0] == 500
        assert len(_get(server, f"{base}/nb/huge.html")[1]) == 50_000_000
        with pytest.raises(OSError):
            _get(server, f"{base}/nb/reset.html")
        with pytest.raises(Exception, match="IncompleteRead"):
            _get(server, f"{base}/nb/truncated.html")
        assert b"index_8.html" in _get(server, f"{base}/endless/index_7.html")[1]
        assert b"b.html" in _get(server, f"{base}/loop/a.html")[1]


def test_the_command_says_where_it_listens(tmp_path: Path) -> None:
    sources = tmp_path / "sources.csv"
    command = [sys.executable, "-m", "tests.publisher", "--port", "0", "--sources", str(sources)]
    root = Path(__file__).parents[1]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        try:
            assert process.stdout is not None
            assert re.fullmatch(r"listening on 127\.0\.0\.1:\d+\n", process.stdout.readline())
            assert sources.read_text() == _site().sources_csv()
        finally:
            process.terminate()
    assert process.returncode == 0


def test_every_fault_can_be_done_to_every_layout_that_it_fits() -> None:
    done = 0
    for number, layout in enumerate(layouts.all_layouts()):
        for step, fault in enumerate(FAULTS):
            which: Form = FORMS[step % 2]
            if (number + step) % 4 == 0 and fits(which, layout, fault):
                done += bool(case(which, number, figures="probe", layout=layout, fault=fault).page)
    assert done > 200
