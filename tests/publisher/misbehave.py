"""Servers at their worst. Each function takes a connection over and leaves it for dead."""

from __future__ import annotations

import gzip
import socket
import struct
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

from tests.publisher.server import Resource

Behaviour = Callable[[BaseHTTPRequestHandler], None]

_PAGE = "<html><head><title>年度报告</title></head><body><p>政府信息公开工作年度报告</p>".encode()
_CHUNK = ("<p>" + "政府信息公开" * 3600 + "</p>\n").encode()


def _head(handler: BaseHTTPRequestHandler, length: int | None, **headers: str) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "text/html; charset=utf-8")
    if length is not None:
        handler.send_header("Content-Length", str(length))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()


def huge(size: int = 50_000_000, *, announced: bool = True) -> Behaviour:
    """A page of many megabytes, streamed; `announced` says so in Content-Length."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        _head(handler, size if announced else None, Connection="close")
        sent = 0
        while sent < size:
            sent += handler.wfile.write(_CHUNK[: size - sent])

    return behave


def gzip_bomb(size: int = 200_000_000) -> Resource:
    """A small body that unpacks into a large one."""
    packed = gzip.compress(b" " * size, 9, mtime=0)
    return Resource(packed, headers={"Content-Encoding": "gzip"})


def broken_gzip() -> Resource:
    """Says gzip, is not."""
    return Resource(b"\x1f\x8b\x08\x00" + b"nonsense" * 9, headers={"Content-Encoding": "gzip"})


def short_gzip() -> Resource:
    """A gzip stream that ends too soon."""
    packed = gzip.compress(_PAGE * 400, mtime=0)
    return Resource(packed[: len(packed) // 2], headers={"Content-Encoding": "gzip"})


def hang(seconds: float = 600) -> Behaviour:
    """Takes the request and says nothing."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        _wait(handler, seconds)

    return behave


def drip(seconds: float = 600, pause: float = 0.2) -> Behaviour:
    """A byte at a time, so that no single read times out."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        _head(handler, 1_000_000)
        end = time.monotonic() + seconds
        while time.monotonic() < end and not _closing(handler):
            handler.wfile.write(b"<")
            handler.wfile.flush()
            time.sleep(pause)

    return behave


def reset(handler: BaseHTTPRequestHandler) -> None:
    """Resets the connection without an answer."""
    now = struct.pack("ii", 1, 0)  # linger for 0 seconds: the close becomes a reset
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
    handler.rfile.close()
    handler.wfile.close()
    handler.connection.close()


def truncated(body: bytes) -> Behaviour:
    """Announces the whole body and closes after half of it."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        _head(handler, len(body))
        handler.wfile.write(body[: len(body) // 2])

    return behave


def wrong_length(body: bytes, length: int) -> Behaviour:
    """Announces another length than the body has; what is beyond it is sent all the same."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        _head(handler, length, Connection="close")
        handler.wfile.write(body)

    return behave


def slow(body: bytes, seconds: float) -> Behaviour:
    """Answers rightly, after a while."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        _wait(handler, seconds)
        _head(handler, len(body))
        handler.wfile.write(body)

    return behave


def burst(body: bytes, times: int, status: int = 500) -> Behaviour:
    """Errors of the server for the first requests, then the page."""
    left = [times]

    def behave(handler: BaseHTTPRequestHandler) -> None:
        left[0] -= 1
        if left[0] >= 0:
            handler.send_response(status)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        _head(handler, len(body))
        handler.wfile.write(body)

    return behave


def endless_redirect(handler: BaseHTTPRequestHandler) -> None:
    """Each address leads to one that was never seen before."""
    folder, _, name = handler.path.rpartition("/")
    number = int("".join(filter(str.isdigit, name)) or "0") + 1
    handler.send_response(302)
    handler.send_header("Location", f"{folder}/r{number}.html")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def endless_listing(handler: BaseHTTPRequestHandler) -> None:
    """Every page has a next page that was never seen before, and no news on it."""
    name = handler.path.rsplit("/", 1)[1]
    digits = "".join(filter(str.isdigit, name)) or "0"
    body = (
        '<html><head><meta charset="utf-8"><title>政府信息公开年报</title></head><body>'
        '<ul><li><a href="only.html">示例区2022年政府信息公开工作年度报告</a></li></ul>'
        f'<a href="index_{int(digits) + 1}.html">下一页</a></body></html>'
    ).encode()
    _head(handler, len(body))
    handler.wfile.write(body)


def redirect(to: str, status: int = 302) -> Resource:
    """Sends the client elsewhere."""
    return Resource(b"", status=status, headers={"Location": to})


def answering(behave: Behaviour) -> Resource:
    """A resource that misbehaves."""
    return Resource(b"", behave=behave)


def _closing(handler: BaseHTTPRequestHandler) -> bool:
    closing = getattr(handler.server, "closing", None)
    return bool(closing is not None and closing.is_set())


def _wait(handler: BaseHTTPRequestHandler, seconds: float) -> None:
    closing = getattr(handler.server, "closing", None)
    if closing is not None:
        closing.wait(seconds)
