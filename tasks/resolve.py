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
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from tasks.records import BadInput

_ENTRY = re.compile(
    r"(?P<host>\*|[A-Za-z0-9.-]+)(?::(?P<port>\d{1,5}))?"
    r"=(?P<to>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):(?P<to_port>\d{1,5})"
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


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
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return inner.is_global and not inner.is_multicast
    return ip.is_global and not ip.is_multicast


class PinnedAdapter(HTTPAdapter):
    """Connects to the very address that was checked, so that a second DNS answer cannot differ.

    Certificates are checked against the name, not the address.
    """

    def __init__(self, resolve: ResolveMap = NO_MAP) -> None:
        self._resolve = resolve
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
        names = {"server_hostname": host, "assert_hostname": host} if secure else {}
        return {**host_params, "host": address, "port": port}, {**tls, **names}

    def add_headers(self, request: requests.PreparedRequest, **kwargs: Any) -> None:
        """Name the official host, since the connection only knows the address."""
        parts = urlsplit(request.url or "")
        request.headers["Host"] = parts.netloc.rpartition("@")[2]
