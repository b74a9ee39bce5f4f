"""HTTP answers that are read until a moment and no longer, whatever drips.

A timeout of the client bounds each wait for the next bytes. A server that sends one byte now and
then (in a header, in endless `100 Continue`, after the body) would hold a host's task for ever.
Here all that is read of an answer goes through one place, which knows when to stop.
"""

from __future__ import annotations

import http.client
import io
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_UNTIL = ContextVar("_UNTIL", default=math.inf)


@contextmanager
def seconds(limit: float) -> Iterator[None]:
    """In this block, all that a `TimedAdapter` reads must have come within so many seconds.

    What has not raises TimeoutError, which the client passes on as a timeout of its own.
    """
    before = _UNTIL.set(time.monotonic() + limit)
    try:
        yield
    finally:
        _UNTIL.reset(before)


class TimedAdapter(HTTPAdapter):
    """An adapter whose answers keep to `seconds`."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """requests' own hook: pools of connections that know the time."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}


class _Timed(io.RawIOBase):
    """The bytes of a socket, as the file made of it gives them."""

    def __init__(self, sock: Any, raw: Any) -> None:
        self._sock, self._raw = sock, raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = _UNTIL.get() - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer did not come to its end in time")
        patience = self._sock.gettimeout()
        if patience is not None and left < patience:
            self._sock.settimeout(left)
        try:
            count: int | None = self._raw.readinto(buffer)
        finally:
            self._sock.settimeout(patience)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Timed(sock, self.fp.detach()))


class _Plain(HTTPConnection):
    response_class = _Response


class _Secure(HTTPSConnection):
    response_class = _Response


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure
