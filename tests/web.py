"""A server on loopback that answers every host as a test says, and visitors that ask it."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tasks.fetch import Pace, Settings, Visitor
from tasks.politeness import Hosts
from tasks.resolve import parse_resolve

Answer = Callable[["Handler"], None]

URL = "https://www.a.gov.cn/page"
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


@contextmanager
def served() -> Iterator[Web]:
    """A web for the length of the block."""
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
