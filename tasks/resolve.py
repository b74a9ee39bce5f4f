"""Where requests really go: only to public addresses, or to a local publisher for demos.

`GONGKAI_RESOLVE="HOST[:PORT]=ADDR:PORT,…"` (`*` for every host) sends requests for official names
to a publisher on the given address, http and https alike as plain http with the official Host
header. Recorded URLs stay official; the warehouse becomes a demo.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from urllib3.util.ssl_ import create_urllib3_context

from tasks.records import BadInput
from tasks.timed import TimedAdapter

_ENTRY = re.compile(
    r"(?P<host>\*|[A-Za-z0-9.-]+)(?::(?P<port>\d{1,5}))?"
    r"=(?P<to>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):(?P<to_port>\d{1,5})"
)
# Addresses that hold an IPv4 address in their last four bytes: that one decides.
_EMBEDDING = tuple(ipaddress.IPv6Network(n) for n in ("::/96", "::ffff:0:0:0/96", "64:ff9b::/96"))
# Global by the registries, and yet inside: a cloud's own service, and what is routed locally.
_INSIDE = tuple(
    ipaddress.ip_network(n)
    for n in ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48", "3fff::/20")
)
# All that is handed out as global unicast so far (IANA); fec0::/10 and 5f00::/16 lie outside.
_UNICAST = ipaddress.IPv6Network("2000::/3")


class PrivateAddressError(requests.RequestException):
    """The name resolves to an address that is not public."""


class ResolveMap(NamedTuple):
    """(host or "*", port or None) → (address, port); empty without a local publisher."""

    entries: Mapping[tuple[str, int | None], tuple[str, int]]

    def __bool__(self) -> bool:
        return bool(self.entries)

    def target(self, host: str, port: int) -> tuple[str, int] | None:
        """Where requests for this host and port go instead, the most particular entry first."""
        for key in ((host.lower(), port), (host.lower(), None), ("*", port), ("*", None)):
            if key in self.entries:
                return self.entries[key]
        return None


NO_MAP = ResolveMap({})


def parse_resolve(text: str | None) -> ResolveMap:
    """Read `HOST[:PORT]=ADDR:PORT,…`; None or blank gives no map. Raises BadInput, one line."""
    entries: dict[tuple[str, int | None], tuple[str, int]] = {}
    for item in (text or "").split(","):
        if not item.strip():
            continue
        match = _ENTRY.fullmatch(item.strip())
        numbers = [int(n) for n in match.group("port", "to_port") if n] if match else []
        if match is None or not all(0 < n < 65536 for n in numbers):
            raise BadInput(
                f"GONGKAI_RESOLVE: {item.strip()!r} is not HOST[:PORT]=ADDR:PORT; "
                "write for example *=127.0.0.1:8000"
            )
        port = match["port"]
        key = (match["host"].lower(), int(port) if port else None)
        entries[key] = (match["to"].strip("[]"), int(match["to_port"]))
    return ResolveMap(entries)


def resolve_from_env() -> ResolveMap:
    """The map that `GONGKAI_RESOLVE` asks for."""
    return parse_resolve(os.environ.get("GONGKAI_RESOLVE"))


def public_address(host: str, port: int) -> str:
    """One address of a name; refused when any of its addresses is not public.

    Raises PrivateAddressError, and requests.ConnectionError when the name does not resolve.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as e:
        raise requests.ConnectionError(f"the name {host} does not resolve ({e})") from e
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        if not is_public(address):
            raise PrivateAddressError(f"{host} resolves to {address}, which is not public")
    # IPv4 first: where there is no IPv6 route the first attempt must not be lost.
    return sorted(addresses, key=lambda a: ":" in a)[0]


def is_public(address: str) -> bool:
    """Whether an address belongs to the public internet, also when wrapped in IPv6."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is None and any(ip in network for network in _EMBEDDING):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip not in _UNICAST:
            return False
    inside = any(ip.version == network.version and ip in network for network in _INSIDE)
    return ip.is_global and not ip.is_multicast and not inside


def _legacy_context() -> ssl.SSLContext:
    """TLS from 1.0 on, old ciphers and renegotiation; the certificate is checked all the same."""
    context = create_urllib3_context(ciphers="DEFAULT@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED  # SSL 3 stays off
    context.options |= getattr(ssl, "OP_LEGACY_SERVER_CONNECT", 0x4)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


class PinnedAdapter(TimedAdapter):
    """Connects to the very address that was checked, so that a second DNS answer cannot differ.

    Certificates are checked against the name, not the address, always. `legacy` says for which
    hosts old versions of TLS are accepted.
    """

    def __init__(
        self, resolve: ResolveMap = NO_MAP, legacy: Callable[[str], bool] = lambda host: False
    ) -> None:
        self._resolve, self._legacy = resolve, legacy
        self._context: ssl.SSLContext | None = None  # one, so that connections are used again
        super().__init__(max_retries=0)

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        """The pool to use: requests' own hook, with the checked address in place of the name."""
        host_params, tls = super().build_connection_pool_key_attributes(request, verify, cert)
        parts = urlsplit(request.url or "")
        host = str(parts.hostname)
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        if target := self._resolve.target(host, port):
            return {"scheme": "http", "host": target[0], "port": target[1]}, {}
        address = public_address(host, port)
        names: dict[str, Any] = {}
        if secure:
            names = {"server_hostname": host, "assert_hostname": host}
            if self._legacy(host):
                self._context = self._context or _legacy_context()
                names["ssl_context"] = self._context
        return {**host_params, "host": address, "port": port}, {**tls, **names}

    def add_headers(self, request: requests.PreparedRequest, **kwargs: Any) -> None:
        """Name the official host, since the connection only knows the address."""
        parts = urlsplit(request.url or "")
        request.headers["Host"] = parts.netloc.rpartition("@")[2]
