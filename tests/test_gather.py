"""What belongs to one document comes with it: further pages, attachments, what archives hold."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from tasks.fetch import Pace, Settings, Visitor
from tasks.gather import Gatherer
from tasks.listing.article import further_pages
from tasks.records import Fetched, State, Wanted
from tasks.report import pages, read
from tasks.resolve import parse_resolve
from tasks.snapshot import Known
from tasks.urls import canonical_url
from tests.publisher import figures, layouts
from tests.publisher.document import document
from tests.publisher.server import Resource, Server
from tests.publisher.several import name, spread

HOST = "http://www.huachuan.gov.cn"
URL = f"{HOST}/zwgk/nb/t20240120_7.html"
FIGURES = figures.probe_consistent("2021", 4)
REPORT = document(FIGURES, seed=4)
HTML = layouts.publish(REPORT, "clean/table/utf8").body.decode()
VALUES = {c: f.value for c, f in FIGURES.cells.items()}


@dataclass
class Web:
    server: Server
    known: Known = field(default_factory=Known)

    def gather(self, url: str = URL) -> list[Fetched]:
        settings = Settings(delay=0, backoff=0.01, retries=0)
        resolve = parse_resolve(self.server.resolve)
        with Visitor(lambda _: None, settings, resolve, Pace()) as visitor:
            gatherer = Gatherer(visitor.fetch, self.known)
            wanted = gatherer.with_state(Wanted(canonical_url(url), url, "s"))
            return list(gatherer.document(wanted))

    def remember(self, rows: list[Fetched]) -> None:
        """What the archive would know the next night."""
        self.known = Known()
        for row in rows:
            if row.snapshot_id:
                self.known.snapshots[row.snapshot_id] = row.document_id
            self.known.states[row.document_id] = State(
                row.document_id,
                row.url,
                row.parent_document_id,
                row.source_id,
                row.etag,
                row.last_modified,
                row.snapshot_id,
                row.content_type,
                row.error_code,
            )


@pytest.fixture
def web() -> Iterator[Web]:
    with Server({f"{HOST}/robots.txt": Resource(b"", "text/plain", 404)}) as server:
        yield Web(server)


def values(row: Fetched) -> dict[str, object]:
    assert row.body is not None
    reading = read(row.body, content_type=row.content_type)
    assert reading.outcome == "parsed", reading.reason
    return {c.cell: c.value for c in reading.cells}


@pytest.mark.parametrize("script", [False, True])
def test_an_article_over_several_pages_is_one_document(web: Web, script: bool) -> None:
    made = spread(HTML, URL, script=script)
    for n, text in enumerate(made):
        web.server.pages[name(URL, n)] = Resource(text.encode())
    (row,) = web.gather()
    assert row.body is not None
    assert [part.body.decode() for part in pages.split(row.body)] == made
    assert values(row) == VALUES
    assert (row.url, row.etag, row.last_modified) == (URL, None, None)
    assert row.headers == {"Content-Type": row.content_type} == {"Content-Type": "multipart/mixed"}
    # The next night asks for all of them again, and the same pages are the same document.
    web.remember([row])
    (again,) = web.gather()
    assert again.snapshot_id == row.snapshot_id
    paths = [r.path for r in web.server.requests if r.path != "/robots.txt"]
    assert len(paths) == 2 * len(made)


def test_half_an_article_is_no_document(web: Web) -> None:
    for n, text in enumerate(spread(HTML, URL)):
        web.server.pages[name(URL, n)] = Resource(text.encode())
    web.server.pages[name(URL, 2)] = Resource(b"", status=500)
    (row,) = web.gather()
    assert (row.body, row.snapshot_id, row.error_code) == (None, None, "http_500")
    assert name(URL, 2) in str(row.error_message)
    assert "page 3" in str(row.error_message)


def test_pages_that_name_only_the_next_are_followed(web: Web) -> None:
    made = spread(HTML, URL)
    for n, text in enumerate(made):
        kept = [line for line in text.split("<a ") if f">{n + 2}</a>" not in line]
        only_next = "<a ".join(kept)
        web.server.pages[name(URL, n)] = Resource(only_next.encode())
    (row,) = web.gather()
    assert values(row) == VALUES


def test_what_is_no_further_page() -> None:
    link = '<a href="{}">{}</a>'
    for href, text in (
        ("t20240120_8.html", "下一页"),  # another article
        ("t20240120_7_1.html", "下一篇"),
        ("t20240120_7_1.pdf", "2"),
        ("../t20240120_7_1.html", "2"),
        ("http://www.evil.com/zwgk/nb/t20240120_7_1.html", "2"),
        ("t20240120_7.html?page=1", "1"),
        ("t20240120_7.html?id=2", "2"),
        ("t20240120_7_1.html", "附件1"),
    ):
        assert further_pages(link.format(href, text).encode(), URL, URL) == [], href
    assert further_pages(link.format("t20240120_7_1.html", "2").encode(), URL, URL)
    assert further_pages(link.format("?page=2", "下一页").encode(), URL, URL) == [f"{URL}?page=2"]
    pdf = b"%PDF-1.7\n" + link.format("t20240120_7_1.html", "2").encode()
    assert further_pages(pdf, URL, URL) == []
    listing = b'<script>createPageHTML(5, 0, "index", "html");</script>'
    assert further_pages(listing, URL, URL) == []


def attached(href: str) -> Resource:
    return Resource(
        f'<html><body><h1>{REPORT.head.title}</h1><p>附件：<a href="{href}">{href}</a></p>'
        f"<p>{'全文见附件。' * 20}</p></body></html>".encode()
    )


def packed(members: dict[str, bytes], **options: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, body in members.items():
            archive.writestr(path, body)
    return file.getvalue()


def test_what_a_zip_holds_belongs_to_the_page(web: Web) -> None:
    docx = layouts.publish(REPORT, "docx").body
    body = packed(
        {
            "年报/2023年.docx": docx,
            "年报/说明.txt": "填表说明".encode(),
            "../../etc/passwd.pdf": b"%PDF-1.4 nothing",
            "C:\\x\\evil.html": b"<p>x</p>",
            "__MACOSX/._2023.docx": b"x",
            "logo.png": b"x",
            "inner.zip": b"PK",
        }
    )
    web.server.pages |= {URL: attached("a.zip"), f"{HOST}/zwgk/nb/a.zip": Resource(body, "x/zip")}
    page, archive, *members = web.gather()
    assert page.document_id == canonical_url(URL)
    assert archive.body == body
    below = f"{HOST}/zwgk/nb/a.zip!/"
    assert all(m.document_id.startswith(below) for m in members)
    assert [m.link_title for m in members] == [
        "年报/2023年.docx",
        "年报/说明.txt",
        "etc/passwd.pdf",
        "C_/x/evil.html",
    ]
    assert {r.parent_document_id for r in (archive, *members)} == {page.document_id}
    assert all(m.final_url == m.url and m.http_status is None for m in members)
    assert members[0].body == docx
    assert values(members[0]) == VALUES
    # The next night nothing has changed, and nothing inside the archive is asked for.
    web.remember([page, archive, *members])
    before = len(web.server.requests)
    again = web.gather()
    assert [r.http_status for r in again] == [304] * 6
    assert [r.snapshot_id for r in again[2:]] == [m.snapshot_id for m in members]
    assert len(web.server.requests) == before + 3  # robots.txt, the page, the archive


def test_names_of_a_zip_made_on_a_chinese_system_are_read(web: Web) -> None:
    body = packed({"AAAA.docx": b"x"})
    body = body.replace(b"AAAA", "年报".encode("gb18030"))
    web.server.pages |= {URL: attached("a.zip"), f"{HOST}/zwgk/nb/a.zip": Resource(body, "x/zip")}
    assert web.gather()[2].link_title == "年报.docx"


def test_names_of_a_zip_in_utf8_that_do_not_say_so_are_read(web: Web) -> None:
    body = packed({"AAAAAA.docx": b"x", "BBBB.docx": b"y", "a\xe9.docx": b"z"})
    body = body.replace(b"AAAAAA", "年报".encode()).replace(b"BBBB", b"\xff\xfe\x00\x81"[:2] * 2)
    web.server.pages |= {URL: attached("a.zip"), f"{HOST}/zwgk/nb/a.zip": Resource(body, "x/zip")}
    first, broken, flagged = web.gather()[2:]
    assert first.link_title == "年报.docx"
    assert "\ufffd" in str(broken.link_title)
    assert flagged.link_title == "a\xe9.docx"


def test_attachments_beyond_the_limit_are_told_and_not_asked_for(web: Web) -> None:
    names = [f"{n}.pdf" for n in range(13)]
    body = b"".join(attached(name).body for name in names)
    web.server.pages[URL] = Resource(body)
    page, *fetched, told = web.gather()
    assert [row.error_code for row in fetched] == ["http_404"] * 10
    assert (told.url, told.error_code) == (f"{HOST}/zwgk/nb/10.pdf", "too_many_attachments")
    assert "links 13 documents; the limit is 10" in str(told.error_message)
    assert told.parent_document_id == page.document_id
    web.remember([page, *fetched, told])
    web.server.requests.clear()
    web.gather()
    assert not [r.path for r in web.server.requests if r.path.endswith("/10.pdf")]


@pytest.mark.parametrize("suffix", ["wps", "txt"])
def test_reports_as_wps_or_text_are_attachments(web: Web, suffix: str) -> None:
    link = f"{HOST}/zwgk/nb/a.{suffix}"
    web.server.pages |= {URL: attached(f"a.{suffix}"), link: Resource(b"x", "x/x")}
    assert [row.url for row in web.gather()] == [URL, link]


PICTURE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x03\x84\0\0\x01\x90"  # 900 x 400


def pictured() -> bytes:
    """The report with a picture in the place of each table, and what else a page shows."""
    tables = re.findall(r"<table[^>]*>(?:(?!<table).)*?</table>", HTML, re.DOTALL)
    body = HTML
    for n, table in enumerate(t for t in tables if re.search("行政强制|科研机构|行政复议", t)):
        body = body.replace(table, f'<p><img src="W{n}.png" width="900"></p>')
    return body.replace("</body>", '<img src="/images/logo.png"></body>').encode()


def test_pictures_of_tables_are_archived_with_their_page(web: Web) -> None:
    web.server.pages[URL] = Resource(pictured())
    for n in range(3):
        web.server.pages[f"{HOST}/zwgk/nb/W{n}.png"] = Resource(PICTURE + bytes([n]), "image/png")
    (row,) = web.gather()
    assert row.body is not None
    assert [part.body for part in pages.split(row.body)] == [
        pictured(), *(PICTURE + bytes([n]) for n in range(3))
    ]  # fmt: skip
    assert (row.url, row.content_type) == (URL, "multipart/mixed")
    assert row.etag == web.server.pages[URL].etag
    reason = read(row.body, ocr=False).reason
    assert reason is not None
    assert reason.code == "needs_ocr"
    # The next night the server says that the page is as it was.
    web.remember([row])
    web.server.requests.clear()
    (again,) = web.gather()
    assert (again.http_status, again.snapshot_id) == (304, row.snapshot_id)
    paths = [r.path for r in web.server.requests if r.path != "/robots.txt"]
    assert paths == ["/zwgk/nb/t20240120_7.html"]


def test_a_picture_that_fails_is_a_failure_of_its_own_and_is_tried_again(web: Web) -> None:
    web.server.pages[URL] = Resource(pictured())
    folder = f"{HOST}/zwgk/nb"
    web.server.pages[f"{folder}/W0.png"] = Resource(PICTURE, "image/png")
    web.server.pages[f"{folder}/W1.png"] = Resource(b"<html>404</html>", "image/png")
    page, wrong, gone = web.gather()
    assert page.body is not None
    assert [part.body for part in pages.split(page.body)] == [pictured(), PICTURE]
    assert (wrong.url, wrong.error_code, wrong.body) == (f"{folder}/W1.png", "no_picture", None)
    assert (gone.url, gone.error_code) == (f"{folder}/W2.png", "http_404")
    assert {row.parent_document_id for row in (wrong, gone)} == {page.document_id}
    # The page is asked for unconditionally until all of its pictures are there.
    assert page.etag is None
    web.remember([page, wrong, gone])
    web.server.pages[f"{folder}/W1.png"] = Resource(PICTURE + b"1", "image/png")
    web.server.pages[f"{folder}/W2.png"] = Resource(PICTURE + b"2", "image/png")
    (whole,) = web.gather()
    assert whole.body is not None
    assert len(pages.split(whole.body)) == 4
    web.remember([whole, wrong, gone])
    assert [row.http_status for row in web.gather()] == [304]


def test_pages_whose_tables_are_text_are_not_looked_through_for_pictures(web: Web) -> None:
    shown = HTML.replace("</table>", '</table><p><img src="W0.png" width="900"></p>')
    web.server.pages[URL] = Resource(shown.encode())
    (row,) = web.gather()
    assert row.body == shown.encode()
    assert values(row) == VALUES


def bomb() -> bytes:
    return packed({"a.html": b" " * 30_000_000})


def lying_bomb() -> bytes:
    """Its directory says that little is packed in it."""
    body = packed({"a.html": b" " * 80_000_000})
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        size = archive.infolist()[0].file_size
    return body.replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little"))


def encrypted() -> bytes:
    body = bytearray(packed({"a.docx": b"x" * 100}))
    body[body.index(b"PK\x01\x02") + 8] |= 1
    body[body.index(b"PK\x03\x04") + 6] |= 1
    return bytes(body)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (bomb, "times its size"),
        (lying_bomb, "cannot be opened"),
        (encrypted, "encrypted"),
        (lambda: packed({"a.docx": b"x" * 999})[:-30], "cannot be opened"),
        (lambda: packed({f"{n}.pdf": b"x" for n in range(101)}), "101 documents"),
    ],
)
def test_an_archive_that_is_not_safe_is_refused_and_the_page_stays(
    web: Web, make: Callable[[], bytes], says: str
) -> None:
    web.server.pages |= {URL: attached("a.zip"), f"{HOST}/zwgk/nb/a.zip": Resource(make(), "x")}
    page, archive, refused = web.gather()
    assert page.error_code is None
    assert archive.error_code is None
    assert (refused.error_code, refused.body) == ("archive_refused", None)
    assert says in str(refused.error_message)
    assert refused.parent_document_id == page.document_id


def test_an_attachment_that_fails_is_a_failure_of_its_own(web: Web) -> None:
    docx = layouts.publish(REPORT, "docx").body
    two = attached("gone.pdf").body + attached("b.docx").body
    web.server.pages |= {URL: Resource(two), f"{HOST}/zwgk/nb/b.docx": Resource(docx, "x")}
    page, gone, report = web.gather()
    assert page.error_code is None
    assert (gone.error_code, gone.parent_document_id) == ("http_404", page.document_id)
    assert values(report) == VALUES


def test_a_listing_may_lead_straight_to_an_archive(web: Web) -> None:
    docx = layouts.publish(REPORT, "docx").body
    web.server.pages[f"{HOST}/a.zip"] = Resource(packed({"r.docx": docx}), "x/zip")
    page, report = web.gather(f"{HOST}/a.zip")
    assert report.parent_document_id == page.document_id
    assert values(report) == VALUES
    web.remember([page, report])
    again = web.gather(f"{HOST}/a.zip")
    assert [r.http_status for r in again] == [304, 304]
    assert again[1].snapshot_id == report.snapshot_id
