"""Every fault of a host becomes a record with a plain reason, and limits are kept."""

import gzip
import socket
import time
import zlib
from dataclasses import replace

import pytest

from tasks.codes import codes
from tasks.fetch import Pace, Visitor
from tasks.records import Wanted, snapshot_id_of
from tasks.resolve import NO_MAP, parse_resolve
from tests.web import QUICK, URL, Answer, Handler, Web, closing, official, page, reset


def endless(h: Handler) -> None:
    """A body far over the limit, of unknown length; ends when the client has had enough."""
    h.send(200, b"", Transfer_Encoding="chunked")
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    for _ in range(800):
        h.wfile.write(chunk)


def test_a_page_arrives_with_its_headers_and_official_names(web: Web) -> None:
    web.server.answers["/page"] = page("正文".encode(), Content_Type="text/html", ETag='"1"')
    wanted = Wanted("id", URL, "s", "parent", "title", "2024-01-01")
    row = web.visitor(replace(QUICK, contact="me@example.org")).fetch(wanted)
    assert row.error_code is None
    assert (row.http_status, row.body, row.size) == (200, "正文".encode(), 6)
    assert row.snapshot_id == snapshot_id_of("正文".encode())
    assert (row.url, row.final_url, row.official) == (URL, URL, True)
    assert (row.content_type, row.etag) == ("text/html", '"1"')
    assert (row.document_id, row.source_id, row.parent_document_id) == ("id", "s", "parent")
    host, _, _, headers = web.server.asked[-1]
    assert host == "www.a.gov.cn"
    assert "gongkai/" in headers["User-Agent"]
    assert "me@example.org" in headers["User-Agent"]


@pytest.mark.parametrize(
    ("answer", "code", "requests"),
    [
        (page(b"gone", 404), "http_404", 1),
        (page(b"no", 403), "http_403", 1),
        (page(b"down", 503), "http_503", 2),
        (page(b""), "empty_body", 1),
        (page(b" \r\n"), "empty_body", 1),
        (page(b"not gzip at all", Content_Encoding="gzip"), "broken_encoding", 1),
        (page(gzip.compress(b"x" * 999)[:-12], Content_Encoding="gzip"), "broken_encoding", 1),
        (page(b"x", Content_Encoding="br"), "broken_encoding", 1),
        (closing(page(b"half", Content_Length="1000")), "truncated", 2),
        (
            closing(lambda h: h.send(200, b"ff\r\nhalf", Transfer_Encoding="chunked")),
            "truncated",
            2,
        ),
        (reset, "unreachable", 2),
        (lambda h: time.sleep(0.6), "timeout", 2),
        (page(b"", Content_Length="50000000"), "too_large", 1),
        (endless, "too_large", 1),
        (page(gzip.compress(bytes(5_000_000)), Content_Encoding="gzip"), "too_large", 1),
        (page(b"", 302, Location="/page"), "too_many_redirects", 6),
        (page(b"", 302), "http_302", 1),
        (page(b"", 302, Location="http://www.evil.com/page"), "off_site_redirect", 1),
        (page(b"", 302, Location="file:///etc/passwd"), "off_site_redirect", 1),
        (page(b"", 304), "http_304", 1),
        (page(b"half", 206, Content_Range="bytes 0-3/1000"), "http_206", 1),
        (page(b"", 302, Location="http://[/page"), "unreachable", 1),
    ],
)
def test_faults_become_records(web: Web, answer: Answer, code: str, requests: int) -> None:
    web.server.answers["/page"] = answer
    visitor = web.visitor(replace(QUICK, max_bytes=2_000_000, max_decoded_bytes=4_000_000))
    started = time.monotonic()
    row = visitor.get(URL)
    assert row.error_code == code
    assert row.error_message
    assert "\n" not in row.error_message
    assert row.body is None
    assert row.snapshot_id is None
    assert len(web.server.paths()) == requests
    assert time.monotonic() - started < 3
    assert code in codes() or code.startswith("http_")


def dripping(before: bytes, drop: bytes, after: bytes) -> Answer:
    """Never waits as long as the read limit, and never ends by itself."""

    def answer(h: Handler) -> None:
        h.wfile.write(before)
        for _ in range(50):
            h.wfile.write(drop)
            time.sleep(0.1)
        h.wfile.write(after)

    return answer


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n2"


@pytest.mark.parametrize(
    "answer",
    [
        dripping(OK + b"Content-Length: 1000\r\n\r\n", b"x", b""),
        dripping(OK + b"Content-Length: 2\r\nX: ", b"x", b"\r\n\r\nhi"),
        dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n", OK + b"Content-Length: 2\r\n\r\nhi"),
        dripping(CHUNKED + b";x=", b"x", b"\r\nhi\r\n0\r\n\r\n"),
        dripping(CHUNKED + b"\r\nhi\r\n0\r\n", b"X: y\r\n", b"\r\n"),
    ],
    ids=["body", "header", "continue", "chunk extension", "trailer"],
)
def test_what_drips_does_not_escape_the_total_time(web: Web, answer: Answer) -> None:
    web.server.answers["/page"] = answer
    started = time.monotonic()
    row = web.visitor(replace(QUICK, retries=0, total_timeout=0.5)).get(URL)
    assert row.error_code == "timeout", row.error_message
    assert 0.5 <= time.monotonic() - started < 1.5
    web.server.answers["/page"] = page(b"well")
    assert web.visitors[-1].get(URL).body == b"well"


def test_encodings_are_undone(web: Web) -> None:
    raw = zlib.compressobj(wbits=-15)
    web.server.answers |= {
        "/gzip": page(gzip.compress(b"a") + gzip.compress(b"b") + b"\0", Content_Encoding="gzip"),
        "/deflate": page(zlib.compress(b"ab"), Content_Encoding="deflate"),
        "/bare": page(raw.compress(b"ab") + raw.flush(), Content_Encoding="Deflate"),
        "/chunked": lambda h: h.send(
            200, b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n", Transfer_Encoding="chunked"
        ),
    }
    visitor = web.visitor()
    for path in web.server.answers:
        assert visitor.get(f"http://www.a.gov.cn{path}").body == b"ab"


def test_known_pages_are_asked_for_conditionally(web: Web) -> None:
    def conditional(h: Handler) -> None:
        if h.headers["If-None-Match"] == '"1"' and h.headers["If-Modified-Since"] == "then":
            h.send(304, b"")
        else:
            h.send(200, b"new", ETag='"2"')

    web.server.answers["/page"] = conditional
    old = Wanted("id", URL, etag='"1"', last_modified="then", snapshot_id="f" * 64)
    visitor = web.visitor()
    same = visitor.fetch(old)
    assert (same.http_status, same.body, same.error_code) == (304, None, None)
    assert (same.snapshot_id, same.etag, same.last_modified) == ("f" * 64, '"1"', "then")
    # Without stored bytes the validators must not be used: a 304 would leave nothing.
    assert visitor.fetch(replace(old, snapshot_id=None)).body == b"new"


def test_a_burst_of_500_is_waited_out_and_retry_after_is_honoured(web: Web) -> None:
    def recovering(h: Handler) -> None:
        if len(web.server.paths()) < 3:
            h.send(503, b"", Retry_After="0")
        else:
            h.send(200, b"back")

    web.server.answers["/page"] = recovering
    assert web.visitor(replace(QUICK, retries=2)).get(URL).body == b"back"
    web.server.answers["/busy"] = page(b"", 429, Retry_After="3600")
    row = web.visitor(replace(QUICK, retries=5)).get("http://www.a.gov.cn/busy")
    assert row.error_code == "http_429"
    assert web.server.paths().count("/busy") == 1


def test_redirects_inside_the_official_hosts_are_followed(web: Web) -> None:
    web.server.answers["/page"] = page(b"", 301, Location="https://m.b.gov.cn/new#x")
    web.server.answers["/new"] = page(b"here")
    row = web.visitor().get(URL)
    assert (row.body, row.final_url, row.url) == (b"here", "https://m.b.gov.cn/new", URL)
    hosts = [host for host, path, *_ in web.server.asked if path == "/robots.txt"]
    assert hosts == ["www.a.gov.cn", "m.b.gov.cn"]


def test_a_host_that_is_not_official_is_never_asked(web: Web) -> None:
    row = web.visitor().get("http://www.a.gov.cn.evil.com/page")
    assert (row.error_code, row.official) == ("not_official", False)
    assert web.server.asked == []


def test_a_host_that_does_not_exist_or_listens_is_unreachable(web: Web) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Visitor(official, QUICK, parse_resolve(f"*=127.0.0.1:{port}"), Pace()) as visitor:
        row = visitor.get(URL)
    assert row.error_code == "unreachable"
    assert "refused" in str(row.error_message)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_names_that_resolve_inside_are_refused(
    web: Web, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    def inside(host: str, port: int, **_: object) -> list[object]:
        return [(2, 1, 6, "", ("8.8.8.8", port)), (2, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", inside)
    port = web.server.server_port
    with Visitor(lambda url: None, QUICK, NO_MAP, Pace()) as visitor:
        row = visitor.get(f"{scheme}://www.a.gov.cn:{port}/page")
    assert row.error_code == "private_address"
    assert web.server.asked == []


def test_the_address_that_was_checked_is_the_one_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name that is public when asked first and inside when asked again gains nothing."""
    answers = iter(["8.8.8.8"] + ["127.0.0.1"] * 9)
    asked: list[str] = []

    def rebinding(host: str, port: int, **_: object) -> list[object]:
        asked.append(host)
        return [(2, 1, 6, "", (next(answers), port))]

    connected: list[str] = []

    def refuse(address: tuple[str, int], *_: object, **__: object) -> None:
        connected.append(address[0])
        raise ConnectionRefusedError("not in a test")

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr("urllib3.util.connection.create_connection", refuse)
    with Visitor(lambda url: None, replace(QUICK, retries=0), NO_MAP, Pace()) as visitor:
        first = visitor.get("http://www.a.gov.cn/page")
        second = visitor.get("http://www.a.gov.cn/page")
    assert connected == ["8.8.8.8"]
    assert first.error_code == "unreachable"
    assert second.error_code in ("private_address", "unreachable")
    assert set(asked) == {"www.a.gov.cn"}


def test_a_redirect_to_an_inner_address_is_refused(web: Web) -> None:
    port = web.server.server_port
    web.server.answers["/page"] = page(b"", 302, Location=f"http://127.0.0.1:{port}/inner")
    resolve = parse_resolve(f"www.a.gov.cn=127.0.0.1:{port}")
    with Visitor(lambda url: None, QUICK, resolve, Pace()) as visitor:
        assert visitor.get("http://www.a.gov.cn/page").error_code == "private_address"
    assert web.server.paths() == ["/page"]
