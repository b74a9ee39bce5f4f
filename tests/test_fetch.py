"""Every fault of a host becomes a record with a plain reason; manners and limits are kept."""

import gzip
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import pytest

from tasks.codes import codes
from tasks.fetch import Pace, Settings, Visitor, by_host
from tasks.politeness import HostOptions, Hosts
from tasks.records import Wanted, snapshot_id_of
from tasks.resolve import NO_MAP, parse_resolve

Answer = Callable[["Handler"], None]
QUICK = Settings(
    delay=0, backoff=0.01, retries=1, connect_timeout=1, read_timeout=0.3, total_timeout=1
)


def missing(h: "Handler") -> None:
    h.send(404, b"none")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Publisher"

    def do_GET(self) -> None:
        host = self.headers["Host"]
        self.server.asked.append((host, self.path, time.monotonic(), dict(self.headers.items())))
        self.server.answers.get(self.path, missing)(self)

    def send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers and "Transfer_Encoding" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Publisher(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, str, float, dict[str, str]]] = []

    def handle_error(self, *_: object) -> None:
        pass  # clients that hang up early are the point here

    def paths(self) -> list[str]:
        return [path for _, path, *_ in self.asked if path != "/robots.txt"]


@dataclass
class Web:
    server: Publisher
    visitors: list[Visitor] = field(default_factory=list)

    def visitor(
        self, settings: Settings = QUICK, pace: Pace | None = None, hosts: Hosts | None = None
    ) -> Visitor:
        resolve = parse_resolve(f"*=127.0.0.1:{self.server.server_port}")
        made = Visitor(official, settings, resolve, pace or Pace(), hosts or Hosts())
        self.visitors.append(made)
        return made


def official(url: str) -> str | None:
    return None if url.partition("://")[2].partition("/")[0].endswith(".gov.cn") else "not official"


@pytest.fixture
def web() -> Iterator[Web]:
    server = Publisher()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    made = Web(server)
    yield made
    for visitor in made.visitors:
        visitor.close()
    server.shutdown()
    server.server_close()


def page(body: bytes, status: int = 200, **headers: str) -> Answer:
    return lambda h: h.send(status, body, **headers)


def reset(h: Handler) -> None:
    h.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    h.connection.close()
    h.close_connection = True


def closing(answer: Answer) -> Answer:
    def close_after(h: Handler) -> None:
        answer(h)
        h.close_connection = True

    return close_after


def endless(h: Handler) -> None:
    """A body far over the limit, of unknown length; ends when the client has had enough."""
    h.send(200, b"", Transfer_Encoding="chunked")
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    for _ in range(800):
        h.wfile.write(chunk)


URL = "https://www.a.gov.cn/page"


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


def test_robots_are_obeyed(web: Web) -> None:
    robots = b"User-agent: *\nDisallow: /no/\nCrawl-delay: 0.2\n"
    web.server.answers |= {"/robots.txt": page(robots), "/page": page(b"x"), "/no/1": page(b"x")}
    visitor = web.visitor()
    assert visitor.get("http://www.a.gov.cn/no/1").error_code == "robots"
    assert visitor.get("http://www.a.gov.cn/page").body == b"x"
    assert visitor.get("http://www.a.gov.cn/page").body == b"x"
    assert web.server.paths() == ["/page", "/page"]
    times = [t for _, path, t, _ in web.server.asked if path == "/page"]
    assert times[1] - times[0] >= 0.2
    web.server.answers["/robots.txt"] = page(b"User-agent: gongkai\nCrawl-delay: 9999\n")
    assert "9999 s" in str(web.visitor().get(URL).error_message)
    web.server.answers["/robots.txt"] = page(b"", 500)
    assert web.visitor().get(URL).error_code == "robots"
    web.server.answers["/robots.txt"] = page(b"", 403)
    assert web.visitor().get(URL).body == b"x"
    asked = len(web.server.paths())
    for unread in (
        page(b"", 302, Location="http://www.evil.com/robots.txt"),
        page(b"", Content_Length="50000000"),
        page(b"User-agent: *\n", 206),
    ):
        web.server.answers["/robots.txt"] = unread
        assert web.visitor().get(URL).error_code == "robots"
    assert len(web.server.paths()) == asked


def test_a_run_told_to_stop_sends_no_request_that_waited_for_its_turn(web: Web) -> None:
    told: list[str] = []
    web.server.answers |= {"/robots.txt": page(b"", 404), "/page": page(b"x")}
    visitor = web.visitor(
        replace(QUICK, delay=0.5), hosts=Hosts(stop=lambda: told[0] if told else None)
    )
    assert visitor.get(URL).body == b"x"
    threading.Timer(0.1, told.append, ["an exercise"]).start()
    row = visitor.get(URL)
    assert (row.error_code, row.error_message) == ("stopped", "an exercise")
    assert web.server.paths() == ["/page"]


def test_one_request_at_a_time_per_host_with_the_delay_between(web: Web) -> None:
    def slow(h: Handler) -> None:
        time.sleep(0.05)
        h.send(200, b"x")

    web.server.answers["/page"] = slow
    pace = Pace()
    settings = replace(QUICK, delay=0.1)
    visitors = [web.visitor(settings, pace) for _ in range(2)]
    threads = [threading.Thread(target=v.get, args=(URL,)) for v in visitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times = sorted(t for _, _, t, _ in web.server.asked)
    assert len(times) == 4
    assert all(b - a >= 0.09 for a, b in pairwise(times))


def test_a_dead_host_is_given_up_and_the_rest_is_skipped(web: Web) -> None:
    web.server.answers["/robots.txt"] = page(b"", 404)
    for n in range(5):
        web.server.answers[f"/{n}"] = reset
    visitor = web.visitor(replace(QUICK, retries=0, break_after=3))
    wanted = [Wanted(str(n), f"http://www.a.gov.cn/{n}") for n in range(5)]
    codes = [visitor.fetch(item).error_code for item in wanted]
    assert codes == ["unreachable"] * 3 + ["circuit_open"] * 2
    assert len(web.server.paths()) == 3
    assert list(by_host([*wanted, Wanted("x", "http://b.gov.cn/")])) == ["b.gov.cn", "www.a.gov.cn"]


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


def test_what_one_visitor_learns_of_a_host_the_next_one_knows(web: Web) -> None:
    web.server.answers |= {"/a": reset, "/b": page(b"x")}
    hosts = Hosts()
    settings = replace(QUICK, retries=0, break_after=2)
    first, second = web.visitor(settings, hosts=hosts), web.visitor(settings, hosts=hosts)
    for visitor in (first, second):
        assert visitor.get("http://www.a.gov.cn/a").error_code == "unreachable"
    assert second.get("http://www.a.gov.cn/b").error_code == "circuit_open"
    assert second.get("http://www.b.gov.cn/b").body == b"x"
    robots = [host for host, path, *_ in web.server.asked if path == "/robots.txt"]
    assert robots == ["www.a.gov.cn", "www.b.gov.cn"]


def test_a_host_that_answers_errors_or_asks_for_peace_is_left_alone(web: Web) -> None:
    for n in range(6):
        web.server.answers[f"/{n}"] = page(b"", 500)
    web.server.answers |= {"/busy": page(b"", 429, Retry_After="3600"), "/ok": page(b"x")}
    settings = replace(QUICK, retries=0, break_after_errors=3)
    visitor = web.visitor(settings)
    rows = [visitor.get(f"http://www.a.gov.cn/{n}") for n in range(5)]
    assert [r.error_code for r in rows] == ["http_500"] * 3 + ["circuit_open"] * 2
    assert visitor.get("http://www.b.gov.cn/busy").error_code == "http_429"
    later = visitor.get("http://www.b.gov.cn/ok")
    assert later.error_code == "circuit_open"
    assert "asked to be left alone for 3600 s" in str(later.error_message)
    assert visitor.get("http://www.c.gov.cn/ok").body == b"x"


def test_a_missing_page_is_no_reason_to_give_a_host_up(web: Web) -> None:
    web.server.answers |= {"/500": page(b"", 500), "/page": page(b"x")}
    visitor = web.visitor(replace(QUICK, retries=0, break_after=2, break_after_errors=2))
    for path in ("500", "404", "500", "404", "404", "404"):
        assert visitor.get(f"http://www.a.gov.cn/{path}").error_code == f"http_{path}"
    assert visitor.get(URL).body == b"x"


def test_the_run_stops_when_it_is_told_to(web: Web) -> None:
    web.server.answers["/page"] = page(b"x")
    told: list[str] = []
    visitor = web.visitor(hosts=Hosts(stop=lambda: told[0] if told else None))
    assert visitor.get(URL).body == b"x"
    told.append("told to stop: an exercise")
    before = len(web.server.asked)
    rows = [visitor.fetch(Wanted(str(n), URL)) for n in range(3)]
    assert [(r.error_code, r.error_message) for r in rows] == [("stopped", told[0])] * 3
    assert len(web.server.asked) == before


def test_the_run_stops_when_no_host_can_be_reached_any_more(web: Web) -> None:
    web.server.answers |= {"/dead": reset, "/page": page(b"x")}
    settings = replace(QUICK, retries=0, stop_after_hosts=3)
    visitor = web.visitor(settings)
    hosts = [f"http://www.{c}.gov.cn" for c in "abcdef"]
    assert visitor.get(f"{hosts[0]}/dead").error_code == "unreachable"
    assert visitor.get(f"{hosts[1]}/dead").error_code == "unreachable"
    assert visitor.get(f"{hosts[2]}/page").body == b"x"  # one that answers, and all is well
    for host in hosts[3:]:
        assert visitor.get(f"{host}/dead").error_code == "unreachable"
    row = visitor.get(f"{hosts[2]}/page")
    assert row.error_code == "stopped"
    assert "on this side" in str(row.error_message)


def test_a_source_raises_the_delay_of_its_host(web: Web) -> None:
    web.server.answers["/page"] = page(b"x")
    options = {"www.a.gov.cn": HostOptions(delay=0.2)}
    hosts = Hosts(lambda host: options.get(host, HostOptions()))
    visitor = web.visitor(hosts=hosts)
    for host in ("a", "a", "b", "b"):
        visitor.get(f"http://www.{host}.gov.cn/page")
    times = {
        h: [t for host, p, t, _ in web.server.asked if host == h and p == "/page"]
        for h in ("www.a.gov.cn", "www.b.gov.cn")
    }
    assert times["www.a.gov.cn"][1] - times["www.a.gov.cn"][0] >= 0.2
    assert times["www.b.gov.cn"][1] - times["www.b.gov.cn"][0] < 0.2
