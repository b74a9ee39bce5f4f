"""WARC in and out: nothing is lost or invented, damage is named, and other tools agree.

Files to read are made with warcio's writer as crawlers write them; what `export` writes is read
with another library (fastwarc).
"""

from __future__ import annotations

import gzip
import io
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from fastwarc.warc import ArchiveIterator as OtherReader
from fastwarc.warc import WarcRecordType
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from tasks import snapshot
from tasks.ingest import rows_from_files
from tasks.records import BadInput, Fetched, snapshot_id_of
from tasks.store import Warehouse
from tasks.warc_read import WarcReader, is_warc
from tasks.warc_write import export

DATE = "2023-03-01T08:00:00Z"
MOMENT = datetime(2023, 3, 1, 8, tzinfo=UTC)
PAGE = "<html><p>政府信息公开工作年度报告</p></html>".encode()
URL = "http://www.a.gov.cn/nb/1.html"


def official(url: str) -> str | None:
    host = url.partition("://")[2].partition("/")[0]
    return None if host.endswith("a.gov.cn") else f"the host {host} is not registered"


def no_candidates(body: bytes, url: str, content_type: str | None) -> str | None:
    return None if "年度报告".encode() in body or b"%PDF" in body else "no annual report"


class Crawl:
    """A WARC file as a crawler writes it, in memory."""

    def __init__(self, *, gzipped: bool = True) -> None:
        self.file = io.BytesIO()
        self.writer = WARCWriter(self.file, gzip=gzipped, warc_version="WARC/1.0")

    def add(
        self,
        url: str = URL,
        body: bytes = PAGE,
        *,
        kind: str = "response",
        status: str = "200 OK",
        headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/html"),),
        content_type: str = "",
        **fields: str,
    ) -> Crawl:
        http = StatusAndHeaders(status, list(headers), "HTTP/1.1")
        fields = {"WARC-Date": DATE} | {k.replace("_", "-"): v for k, v in fields.items()}
        record = self.writer.create_warc_record(
            url,
            kind,
            payload=io.BytesIO(body),
            length=len(body),
            http_headers=http if kind in ("response", "revisit") else None,
            warc_headers_dict=fields,
            warc_content_type=content_type,
        )
        self.writer.write_record(record)
        return self

    def at(self, path: Path) -> Path:
        path.write_bytes(self.file.getvalue())
        return path


def reader(**stored: str) -> WarcReader:
    return WarcReader(official, no_candidates, {}, stored)


def read(*paths: Path, using: WarcReader | None = None) -> tuple[list[Fetched], WarcReader]:
    warc = using or reader()
    rows = list(rows_from_files(paths, official=official, warc=warc))
    assert warc.tally.closes
    return rows, warc


@pytest.mark.parametrize("form", ["a member for each record", "one member", "not gzipped"])
def test_a_response_keeps_its_address_time_status_headers_and_bytes(
    tmp_path: Path, form: str
) -> None:
    crawl = Crawl(gzipped=form == "a member for each record").add(
        headers=(("Content-Type", "text/html"), ("ETag", '"7"'), ("Set-Cookie", "secret")),
    )
    path = crawl.at(tmp_path / "x.bin")
    if form == "one member":
        path.write_bytes(gzip.compress(crawl.file.getvalue()))
    assert is_warc(path)  # by what is in it
    [row], warc = read(path)
    assert (row.url, row.document_id, row.origin, row.official) == (URL, URL, "archived", True)
    assert (row.fetched_at, row.http_status, row.etag) == (MOMENT, 200, '"7"')
    assert row.content_type == "text/html"
    assert row.headers == {"Content-Type": "text/html", "ETag": '"7"'}
    assert row.body == PAGE
    assert row.snapshot_id == sha256(PAGE).hexdigest()
    assert warc.tally.problems == []


def test_chunks_and_compression_of_the_answer_are_undone(tmp_path: Path) -> None:
    packed = gzip.compress(PAGE)
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed)
    wire = (("Transfer-Encoding", "chunked"), ("Content-Encoding", "gzip"))
    broken = (("Content-Encoding", "zstd-of-tomorrow"),)
    crawl = Crawl().add(body=chunked, headers=wire).add(URL + "?2", packed, headers=broken)
    [row, other], _ = read(crawl.at(tmp_path / "x.warc.gz"))
    assert row.body == PAGE
    assert (other.error_code, other.body) == ("broken_encoding", None)


def test_what_is_no_candidate_is_left_out_and_counted(tmp_path: Path) -> None:
    crawl = Crawl()
    crawl.writer.write_record(crawl.writer.create_warcinfo_record("x", {"software": "test"}))
    crawl.add().add("dns:www.a.gov.cn", b"20230301", kind="resource", content_type="text/dns")
    crawl.add(URL, b"GET / HTTP/1.1\r\n\r\n", kind="metadata")
    crawl.add("http://www.a.gov.cn/old.html", b"", status="301 Moved")
    crawl.add("http://www.a.gov.cn/gone.html", PAGE, status="404 Not Found")
    crawl.add("http://www.a.gov.cn/news.html", b"<html>news</html>")
    crawl.add("http://www.example.com/", b"<html>the rest of the web</html>")
    crawl.add("http://www.a.gov.cn/part.html", PAGE, WARC_Segment_Number="1")
    rows, warc = read(crawl.at(tmp_path / "x.warc.gz"))
    assert [row.url for row in rows] == [URL]
    assert warc.tally.records == 9
    assert warc.tally.left_out == {
        "warcinfo record": 1,
        "no web address": 1,
        "metadata record": 1,
        "http status 301": 1,
        "http status 404": 1,
        "no annual report": 1,
        "outside .gov.cn": 1,
        "segmented record": 1,
    }


def test_a_report_on_another_host_is_quarantined_without_its_bytes(tmp_path: Path) -> None:
    spoof = "http://www.a.gov.cn.evil.com/nb/1.html"
    [row], _ = read(Crawl().add(spoof).at(tmp_path / "x.warc"))
    assert (row.error_code, row.body, row.official) == ("not_official", None, False)
    assert "a.gov.cn.evil.com" in str(row.error_message)
    unknown = "http://www.b.gov.cn/nb/1.html"
    [row], _ = read(Crawl().add(unknown).at(tmp_path / "y.warc"))
    assert (row.error_code, row.body, row.official) == (None, PAGE, False)


def test_text_extracts_are_taken_when_the_page_itself_is_not_there(tmp_path: Path) -> None:
    text = "某某镇2022年政府信息公开工作年度报告\n".encode()
    extract = Crawl().add(body=text, kind="conversion", content_type="text/plain")
    [row], _ = read(extract.at(tmp_path / "x.warc.wet.gz"))
    assert (row.content_type, row.http_status, row.body) == ("text/plain", None, text)
    both = Crawl().add().add(body=text, kind="conversion", content_type="text/plain")
    [row], warc = read(both.at(tmp_path / "y.warc.gz"))
    assert row.body == PAGE
    assert warc.tally.left_out["text of a page that is archived itself"] == 1


def test_revisits_name_the_snapshot_they_repeat(tmp_path: Path) -> None:
    digest = "sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ"
    profile = "http://netpreserve.org/warc/1.0/revisit/"
    same, later = "http://www.a.gov.cn/copy.html", "2024-03-01T08:00:00Z"
    known = sha256(b"in the archive").hexdigest()
    crawl = Crawl()
    # before its original, as happens when files are named in another order
    crawl.add(
        same,
        b"",
        kind="revisit",
        WARC_Profile=profile + "identical-payload-digest",
        WARC_Payload_Digest=digest,
        WARC_Date=later,
    )
    crawl.add(WARC_Payload_Digest=digest, WARC_Block_Digest="sha9:unknown")
    crawl.add(
        URL,
        b"",
        kind="revisit",
        status="304 Not Modified",
        WARC_Profile=profile + "server-not-modified",
        WARC_Date=later,
    )
    crawl.add(
        same,
        b"",
        kind="revisit",
        WARC_Profile=profile + "identical-payload-digest",
        WARC_Payload_Digest=f"sha256:{known}",
        WARC_Date=later,
    )
    crawl.add(
        same,
        b"",
        kind="revisit",
        WARC_Profile=profile + "identical-payload-digest",
        WARC_Payload_Digest="sha1:AAAA",
    )
    rows, warc = read(crawl.at(tmp_path / "x.warc.gz"), using=reader(**{known: same}))
    page = snapshot_id_of(PAGE)
    assert [(r.url, r.snapshot_id, r.body, r.http_status) for r in rows] == [
        (URL, page, PAGE, 200),
        (same, page, None, 200),
        (URL, page, None, 304),
        (same, known, None, 200),
    ]
    assert warc.tally.left_out == {"revisit of a capture that is not here": 1}


def test_an_impossible_moment_or_status_costs_its_record_alone(tmp_path: Path) -> None:
    crawl = Crawl().add(URL + "?1", WARC_Date="0001-01-01T00:00:00+08:00")
    crawl.add(URL + "?2", WARC_Date="2999-01-01T00:00:00Z")
    crawl.add(URL + "?3", status="99999999999 OK").add(URL + "?4", status="7 OK").add()
    rows, warc = read(crawl.at(tmp_path / "x.warc.gz"))
    assert [row.url for row in rows] == [URL]
    assert warc.tally.left_out == {"damaged record": 4}
    told = [str(problem.message) for problem in warc.tally.problems]
    assert [problem.code for problem in warc.tally.problems] == ["damaged_warc"] * 4
    for number, message in enumerate(told, 1):
        assert message.startswith(f"x.warc.gz, record {number}: {URL}?{number} has no valid")


def test_half_a_document_is_left_out(tmp_path: Path) -> None:
    crawl = Crawl().add(status="206 Partial Content").add(URL + "?2", status="203 Copied")
    rows, warc = read(crawl.at(tmp_path / "x.warc.gz"))
    assert [row.url for row in rows] == [URL + "?2"]
    assert warc.tally.left_out == {"http status 206": 1}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("404 Not Found", "http status 404"),
        ("304 Not Modified", "revisit of a capture that is not here"),
    ],
)
def test_a_revisit_cannot_lend_a_page_the_bytes_of_another(
    tmp_path: Path, status: str, reason: str
) -> None:
    crawl = Crawl().add()
    crawl.add(
        URL + "?other",
        b"",
        kind="revisit",
        status=status,
        WARC_Profile="http://netpreserve.org/warc/1.0/revisit/server-not-modified",
        WARC_Refers_To_Target_URI=URL,
        WARC_Date="2024-03-01T08:00:00Z",
    )
    rows, warc = read(crawl.at(tmp_path / "x.warc.gz"))
    assert [row.url for row in rows] == [URL]
    assert warc.tally.left_out == {reason: 1}


def _three() -> bytes:
    crawl = Crawl()
    for n in range(3):
        crawl.add(f"{URL}?{n}", PAGE + b"<!-- %d -->" % n * 500)
    return crawl.file.getvalue()


@pytest.mark.parametrize("cut", [1, 9, 40, 120, 300, 700])
def test_a_file_cut_short_gives_what_stands_before(tmp_path: Path, cut: int) -> None:
    data = _three()
    path = tmp_path / "x.warc.gz"
    path.write_bytes(data[:-cut])
    rows, warc = read(path)
    whole = [PAGE + b"<!-- %d -->" % n * 500 for n in range(3)]
    assert [row.body for row in rows] == whole[: len(rows)]
    assert len(rows) >= (2 if cut < 300 else 0)
    assert warc.tally.problems, "a cut file must be told"
    assert all(
        p.code == "damaged_warc" and "x.warc.gz" in str(p.message) for p in warc.tally.problems
    )


def test_a_flipped_bit_is_found_gzipped_or_not(tmp_path: Path) -> None:
    data = bytearray(_three())
    data[len(data) // 2] ^= 4
    path = tmp_path / "x.warc.gz"
    path.write_bytes(data)
    rows, warc = read(path)
    assert {row.body for row in rows} <= {PAGE + b"<!-- %d -->" % n * 500 for n in range(3)}
    assert warc.tally.problems
    plain = Crawl(gzipped=False).add().add(URL + "?2").file.getvalue()
    path.write_bytes(plain.replace("年度报告".encode(), "半度报告".encode(), 1))
    rows, warc = read(path)
    assert [row.url for row in rows] == [URL + "?2"]
    assert [p.code for p in warc.tally.problems] == ["damaged_warc"]
    assert warc.tally.left_out == {"damaged record": 1}


def test_what_the_crawl_cut_off_or_is_too_large_is_a_failure(tmp_path: Path) -> None:
    crawl = Crawl().add(WARC_Truncated="length").add(URL + "?2", PAGE + b" " * 3000)
    warc = WarcReader(official, no_candidates, {}, {}, max_bytes=2000)
    rows, _ = read(crawl.at(tmp_path / "x.warc.gz"), using=warc)
    assert [(row.error_code, row.body) for row in rows] == [
        ("truncated", None),
        ("too_large", None),
    ]


def test_files_that_are_no_warc_are_documents_and_an_empty_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes(PAGE)
    (tmp_path / "b.warc.gz").write_bytes(b"")
    Crawl().add().at(tmp_path / "c.warc.gz")
    rows, _ = read(tmp_path)
    assert [(row.origin, row.error_code) for row in rows] == [
        ("imported", None),
        ("imported", "empty_body"),
        ("archived", None),
    ]
    with pytest.raises(BadInput, match=r"c\.warc\.gz: is a WARC file"):
        list(rows_from_files([tmp_path]))


def _fetched(url: str, body: bytes | None, day: int = 1, **more: Any) -> Fetched:
    return Fetched(
        document_id=url,
        url=url,
        final_url=more.pop("final_url", url),
        fetched_at=datetime(2025, 1, day, 18, 0, 0, 123456, tzinfo=UTC),
        official=True,
        http_status=more.pop("http_status", 200),
        content_type="text/html; charset=gb2312",
        headers={"Content-Type": "text/html; charset=gb2312", "Server": "中文"},
        body=body,
        size=None if body is None else len(body),
        snapshot_id=more.pop("snapshot_id", None if body is None else snapshot_id_of(body)),
        **more,
    )


@pytest.fixture
def archive(tmp_path: Path) -> Warehouse:
    """Two pages, an attachment, a second night with a 304, a copy and a failure, a local file."""
    warehouse = Warehouse.at(tmp_path / "w")
    warehouse.ensure()
    ids: dict[str, str] = {}
    encoded = {"Content-Encoding": "gzip", "Content-Length": "5", "Content-Type": "text/html"}
    pdf = b"%PDF-1.4 \x00\xff"
    first = [
        _fetched(URL, PAGE, link_title="某镇2024年年报", source_id="a"),
        _fetched(URL + "?2", PAGE + b"2", final_url="http://x.a.gov.cn/2"),
        _fetched("http://www.a.gov.cn/1.pdf", pdf, parent_document_id=URL),
    ]
    first[1] = replace(first[1], headers=encoded)
    second = [
        _fetched(URL, None, 2, http_status=304, snapshot_id=snapshot_id_of(PAGE)),
        _fetched("http://www.a.gov.cn/copy.html", PAGE, 2),
        _fetched(URL + "?4", None, 2, http_status=404, error_code="http_404"),
        replace(
            _fetched("file:///reports/3.html", PAGE + b"3", 2, http_status=None),
            origin="imported",
            headers={},
            official=False,
        ),
    ]
    snapshot.append(warehouse, "20250101T180000Z-nightly-0000", first, ids)
    snapshot.append(warehouse, "20250102T180000Z-nightly-0000", second, ids)
    return warehouse


def test_another_library_reads_what_is_exported(archive: Warehouse, tmp_path: Path) -> None:
    target = tmp_path / "out.warc.gz"
    done = export(snapshot.parts(archive), target)
    assert (done.documents, done.revisits, done.empty, done.damaged) == (4, 2, 1, 0)
    found = []
    with target.open("rb") as stream:
        for record in OtherReader(stream, parse_http=False):
            assert record.verify_block_digest(), record.headers.get("WARC-Target-URI")
            record.parse_http()
            digest = record.headers.get("WARC-Payload-Digest")
            body = record.reader.read()
            if record.record_type in (WarcRecordType.response, WarcRecordType.resource):
                assert digest == f"sha256:{sha256(body).hexdigest()}"
            found.append((str(record.record_type).rpartition(".")[2], body))
    assert found[1:] == [
        ("response", PAGE),
        ("response", PAGE + b"2"),
        ("response", b"%PDF-1.4 \x00\xff"),
        ("revisit", b""),
        ("revisit", b""),
        ("resource", PAGE + b"3"),
    ]


def test_the_archive_comes_back_from_its_own_export(archive: Warehouse, tmp_path: Path) -> None:
    target = tmp_path / "out.warc.gz"
    export(snapshot.parts(archive), target)
    warc = WarcReader(official, lambda *_: None, {}, {})
    rows, _ = read(target, using=warc)
    assert warc.tally.problems == []
    other = Warehouse.at(tmp_path / "other")
    other.ensure()
    snapshot.append(other, "20260101T000000Z-ingest-0000", rows, {})
    kept = {s: snapshot.read_bytes(archive, s) for s in snapshot.known(archive).snapshots}
    assert {s: snapshot.read_bytes(other, s) for s in snapshot.known(other).snapshots} == kept
    by_url = {(row.url, row.http_status): row for row in rows}
    first = by_url[URL, 200]
    assert (first.link_title, first.source_id) == ("某镇2024年年报", "a")
    assert first.fetched_at == datetime(2025, 1, 1, 18, 0, 0, 123456, tzinfo=UTC)
    assert first.content_type == "text/html; charset=gb2312"
    assert by_url[URL, 304].snapshot_id == snapshot_id_of(PAGE)
    second = by_url[URL + "?2", 200]
    assert second.final_url == "http://x.a.gov.cn/2"
    assert second.headers["Content-Encoding"] == "gzip"
    assert second.body == PAGE + b"2"
    assert by_url["http://www.a.gov.cn/1.pdf", 200].parent_document_id == URL
    assert by_url["file:///reports/3.html", None].origin == "imported"


def test_names_parents_and_headers_come_back_from_an_export(tmp_path: Path) -> None:
    member = "http://www.a.gov.cn/f.zip!/%E5%B9%B4%20%281%29.html"
    rows = [
        replace(_fetched(URL.replace("www.", ""), PAGE), document_id=URL),  # another spelling
        _fetched("http://files.a.gov.cn/1.pdf", b"%PDF-1", parent_document_id=URL),
        replace(
            _fetched(member, PAGE + b"z", parent_document_id=URL, http_status=None),
            headers={},
            content_type=None,
        ),
        replace(_fetched("http://www.a.gov.cn/%E5%B9%B4.html", PAGE + b"3")),
    ]
    rows[3] = replace(rows[3], url="http://www.a.gov.cn/年.html", headers={"Content-Length": "99"})
    warehouse = Warehouse.at(tmp_path / "w")
    warehouse.ensure()
    snapshot.append(warehouse, "20250101T180000Z-nightly-0000", rows, {})
    export(snapshot.parts(warehouse), tmp_path / "out.warc")
    warc = WarcReader(official, lambda *_: None, {}, {})
    back, _ = read(tmp_path / "out.warc", using=warc)

    def told(row: Fetched) -> tuple[object, ...]:
        type_ = {"Content-Type": row.content_type} if row.content_type else {}
        headers = {k: v for k, v in row.headers.items() if k != "Server"}
        return row.document_id, row.url, row.parent_document_id, type_ | headers, row.snapshot_id

    assert [told(row) for row in back[:2]] == [told(row) for row in rows[:2]]
    assert told(back[2])[:3] == told(rows[2])[:3]  # whose type a resource record must have
    assert told(back[3]) == told(rows[3])


def test_a_file_cannot_name_a_document_of_another_address(tmp_path: Path) -> None:
    crawl = Crawl().add(Gongkai_Document="http://www.a.gov.cn/nb/2.html")
    crawl.add(URL + "?a=2", Gongkai_Parent="http://www.b.gov.cn/")
    rows, _ = read(crawl.at(tmp_path / "x.warc.gz"))
    assert [row.document_id for row in rows] == [URL, URL + "?a=2"]
    assert [row.parent_document_id for row in rows] == [None, None]


def test_two_exports_of_one_archive_hold_the_same_records(
    archive: Warehouse, tmp_path: Path
) -> None:
    ids = []
    for name in ("a.warc", "b.warc"):
        export(snapshot.parts(archive), tmp_path / name)
        with (tmp_path / name).open("rb") as stream:
            ids.append([r.record_id for r in OtherReader(stream)][1:])
    assert ids[0] == ids[1]
    assert len(ids[0]) == len(set(ids[0])) == 6
    since = export(
        snapshot.parts(archive), tmp_path / "c.warc.gz", since=datetime(2025, 1, 2, tzinfo=UTC)
    )
    assert (since.documents, since.revisits) == (1, 2)
    with pytest.raises(BadInput, match="folder does not exist"):
        export(snapshot.parts(archive), tmp_path / "none" / "x.warc.gz")
