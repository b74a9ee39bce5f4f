"""TLS on loopback: certificates are always checked; old versions only for hosts that ask for it."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tasks import resolve
from tasks.fetch import Pace, Settings, Visitor
from tasks.politeness import HostOptions, Hosts

# The server's old versions are the point here.
pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")

HOST = "www.a.gov.cn"
SETTINGS = Settings(delay=0, retries=0, connect_timeout=2, read_timeout=2, break_after=99)


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(404 if self.path == "/robots.txt" else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


class Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A refused handshake is the point here."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of its own for HOST, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture(params=["new", "old"])
def port(
    request: pytest.FixtureRequest, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[int]:
    """A server that speaks current TLS, or nothing above 1.1; every name leads to it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if request.param == "old":
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    server = Quiet(("127.0.0.1", 0), Answer)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    monkeypatch.setattr(resolve, "public_address", lambda host, port: "127.0.0.1")
    yield server.server_port
    server.shutdown()
    server.server_close()


def fetch(url: str, *, legacy: bool, trusted: Path | None) -> tuple[str | None, bytes | None]:
    hosts = Hosts(lambda host: HostOptions(legacy_tls=legacy))
    with Visitor(lambda _: None, SETTINGS, resolve.NO_MAP, Pace(), hosts) as visitor:
        if trusted is not None:
            visitor._session.verify = str(trusted)
        row = visitor.get(url)
    return row.error_code, row.body


@pytest.mark.parametrize("port", ["new"], indirect=True)
def test_current_tls_and_its_certificate(port: int, certificate: Path) -> None:
    url = f"https://{HOST}:{port}/"
    for legacy in (False, True):
        assert fetch(url, legacy=legacy, trusted=certificate) == (None, b"ok")
        assert fetch(url, legacy=legacy, trusted=None) == ("tls", None)
        other = url.replace("www.a", "www.b")
        assert fetch(other, legacy=legacy, trusted=certificate) == ("tls", None)


@pytest.mark.parametrize("port", ["old"], indirect=True)
def test_old_tls_only_where_a_source_asks_for_it_and_its_certificate_is_checked(
    port: int, certificate: Path
) -> None:
    url = f"https://{HOST}:{port}/"
    assert fetch(url, legacy=False, trusted=certificate) == ("tls", None)
    assert fetch(url, legacy=True, trusted=certificate) == (None, b"ok")
    assert fetch(url, legacy=True, trusted=None) == ("tls", None)
    other = url.replace("www.a", "www.b")
    assert fetch(other, legacy=True, trusted=certificate) == ("tls", None)
