"""Reading one HTTP answer within limits, and naming what went wrong."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
import urllib3.exceptions

from tasks.resolve import PrivateAddressError

_CHUNK = 65_536


class Trouble(Exception):  # noqa: N818 - becomes a record of the fetch
    """Why a document could not be fetched. `network`: the host did not answer properly at all."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        retry: bool = False,
        network: bool = False,
        wait: float | None = None,
        status: int | None = None,
        url: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.retry = retry
        self.network = network
        self.wait = wait
        self.status = status
        self.url = url


def read_body(response: requests.Response, limit: int, decoded: int) -> bytes:
    """The whole decoded body of a streamed response.

    `limit` bounds the bytes on the wire, `decoded` those after
    decompression. Raises Trouble: too_large, timeout, truncated, broken_encoding, empty_body.
    """
    status = response.status_code
    declared = response.headers.get("Content-Length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise Trouble("too_large", f"{declared} bytes, the limit is {limit}", status=status)
    raw = response.raw
    body = bytearray()
    try:
        while chunk := raw.read1(_CHUNK, decode_content=False):
            body += chunk
            if len(body) > limit:
                raise Trouble("too_large", f"more than the limit of {limit} bytes", status=status)
    except urllib3.exceptions.ReadTimeoutError as e:
        message = f"the document did not come to its end in time ({len(body)} bytes came)"
        raise Trouble("timeout", message, retry=True, network=True, status=status) from e
    except (urllib3.exceptions.HTTPError, OSError) as e:
        message = f"the connection ended after {len(body)} bytes ({_plain(e)})"
        raise Trouble("truncated", message, retry=True, network=True, status=status) from e
    if declared.isdecimal() and len(body) != int(declared):
        message = f"{len(body)} of {declared} bytes came"
        raise Trouble("truncated", message, retry=True, network=True, status=status)
    result = bytes(body)
    encodings = response.headers.get("Content-Encoding", "").lower().split(",")
    for encoding in reversed([e.strip() for e in encodings if e.strip()]):
        result = _decompress(result, encoding, decoded, status)
    if not result.strip():
        raise Trouble("empty_body", "the answer has no content", status=status)
    return result


def _decompress(data: bytes, encoding: str, limit: int, status: int) -> bytes:
    if encoding == "identity" or not data:
        return data
    if encoding in ("gzip", "x-gzip"):
        windows = [31]
    elif encoding == "deflate":
        windows = [15, -15]  # with its header as the standard says, and bare as some servers do
    else:
        message = f"the answer is encoded as {encoding!r}, which was not asked for"
        raise Trouble("broken_encoding", message, status=status)
    problem = ""
    for window in windows:
        out = b""
        rest = data
        try:
            while rest:
                stream = zlib.decompressobj(window)
                out += stream.decompress(rest, limit + 1 - len(out))
                if len(out) > limit:
                    message = f"more than the limit of {limit} bytes after decompression"
                    raise Trouble("too_large", message, status=status)
                if not stream.eof:
                    raise zlib.error("the compressed data ends early")
                # gzip may have several members; what follows the last one is padding.
                rest = stream.unused_data if stream.unused_data[:2] == b"\x1f\x8b" else b""
        except zlib.error as e:
            problem = str(e)
            continue
        return out
    raise Trouble(
        "broken_encoding", f"cannot be decompressed as {encoding}: {problem}", status=status
    )


def trouble_of(e: Exception, url: str) -> Trouble:
    """Name an exception of the HTTP client in the codes of the network side."""
    text = _plain(e)
    if isinstance(e, PrivateAddressError):
        return Trouble("private_address", text, url=url)
    if isinstance(e, requests.Timeout):
        return Trouble("timeout", "the host did not answer in time", retry=True, network=True)
    if isinstance(e, requests.exceptions.SSLError):
        return Trouble("tls", f"no secure connection: {text}", network=True)
    if isinstance(e, (requests.ConnectionError, OSError)) and not isinstance(
        e, (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader)
    ):
        return Trouble("unreachable", f"no connection: {text}", retry=True, network=True)
    return Trouble("unreachable", f"the address cannot be requested: {text}", url=url)


def _plain(e: BaseException) -> str:
    """The innermost reason of a chain of client exceptions, in one short line."""
    seen: list[BaseException] = []
    inner: BaseException | None = e
    while inner is not None and inner not in seen:
        seen.append(inner)
        reason = getattr(inner, "reason", None)
        first = inner.args[0] if inner.args else None
        nested = reason if isinstance(reason, BaseException) else first
        inner = nested if isinstance(nested, BaseException) else inner.__cause__
    last = seen[-1]
    text = " ".join(str(last).split()) or type(last).__name__
    return text[:200]


def retry_after(value: str | None) -> float | None:
    """Seconds that a Retry-After header asks for (a number or a date), or None."""
    if not value:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
