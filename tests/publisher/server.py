"""A threaded HTTP server on loopback that serves the virtual hosts of a site."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import urlsplit

EPOCH = 1_700_000_000  # Last-Modified of every page unless it says otherwise


@dataclass(frozen=True, slots=True)
class Resource:
    """What one URL answers. `behave` takes over the connection for misbehaviour."""

    body: bytes
    content_type: str | None = "text/html"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    modified: int = EPOCH
    behave: Callable[[BaseHTTPRequestHandler], None] | None = None

    @property
    def etag(self) -> str:
        """A strong tag of the body."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:24]}"'


@dataclass(slots=True)
class Request:
    """One request, recorded as it comes in; `finished` and `status` follow with the answer."""

    host: str
    path: str
    started: float
    headers: dict[str, str]
    finished: float | None = None
    status: int | None = None


class Server:
    """Serves `{url: Resource}` on 127.0.0.1, hosts told apart by the Host header.

    A page named `url body` answers to a POST of that body, and to nothing else.

    Use it as a context manager. `pages` may be changed while it runs. A URL that ends in `/*`
    answers for its whole folder.
    """

    def __init__(self, pages: dict[str, Resource], *, port: int = 0) -> None:
        self.pages = pages
        self.requests: list[Request] = []
        self._http = _Http(("127.0.0.1", port), _Handler)
        self._http.owner = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._http.server_address[1])

    @property
    def address(self) -> str:
        """`127.0.0.1:PORT`."""
        return f"127.0.0.1:{self.port}"

    @property
    def resolve(self) -> str:
        """The value of GONGKAI_RESOLVE that sends every host here."""
        return f"*={self.address}"

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stops serving; answers that hang are abandoned."""
        self._http.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)

    def requests_of(self, host: str) -> list[Request]:
        """The requests that one host got, in order of their beginning."""
        return sorted((r for r in self.requests if r.host == host), key=lambda r: r.started)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    owner: Server

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.closing = threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is not worth a trace."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "publisher"
    sys_version = ""
    timeout = 30
    server: _Http

    def do_GET(self) -> None:
        """Answers with the page of that host and path."""
        self._answer(send_body=True)

    def do_POST(self) -> None:
        """Answers with the page of that host, path and body."""
        length = int(self.headers.get("Content-Length") or 0)
        self._answer(send_body=True, posted=" " + self.rfile.read(length).decode())

    def do_HEAD(self) -> None:
        """Answers with the headers alone."""
        self._answer(send_body=False)

    def _answer(self, *, send_body: bool, posted: str = "") -> None:
        started = time.monotonic()
        path, host = self.path, self.headers.get("Host", "")
        if "://" in path:  # a client that takes this server for its proxy
            parts = urlsplit(path)
            host, path = parts.netloc, parts.path + (f"?{parts.query}" if parts.query else "")
        host = host.split(":")[0].lower()
        path += posted
        pages = self.server.owner.pages
        folder = f"http://{host}{path.rsplit('/', 1)[0]}/*"
        page = pages.get(f"http://{host}{path}") or pages.get(folder) or NOT_FOUND
        request = Request(host, path, started, dict(self.headers))
        self.server.owner.requests.append(request)
        self.status = page.status
        try:
            if page.behave is not None:
                self.close_connection = True
                page.behave(self)
            else:
                self._send(page, send_body)
        finally:
            request.finished, request.status = time.monotonic(), self.status

    def _send(self, page: Resource, send_body: bool) -> None:
        modified = formatdate(page.modified, usegmt=True)
        tagged = page.status == 200 and page.headers.get("ETag") != ""
        seen = self.headers.get("If-None-Match")
        fresh = page.etag in seen if seen else self.headers.get("If-Modified-Since") == modified
        unchanged = tagged and fresh
        self.status = 304 if unchanged else page.status
        self.send_response(self.status)
        if tagged:
            self.send_header("ETag", page.etag)
            self.send_header("Last-Modified", modified)
        if page.content_type and not unchanged:
            self.send_header("Content-Type", page.content_type)
        for name, value in page.headers.items():
            if value:
                self.send_header(name, value)
        if not unchanged:
            self.send_header("Content-Length", str(len(page.body)))
        self.end_headers()
        if send_body and not unchanged:
            self.wfile.write(page.body)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are recorded, not printed."""


NOT_FOUND = Resource(
    "<html><head><title>404</title></head><body><h1>您访问的页面不存在或已删除</h1></body></html>".encode(),
    "text/html; charset=utf-8",
    404,
)
