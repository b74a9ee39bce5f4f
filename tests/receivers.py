"""Receivers on loopback for what alerts send: a web hook and a mail server, as tests need them."""

from __future__ import annotations

import email
import email.policy
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from flows.server import free_port


@dataclass(slots=True)
class Received:
    """What has come so far."""

    hook: str  # its address
    smtp: int  # its port
    posts: list[dict[str, Any]] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)

    def alerts_toml(self, path: Path, *more: str) -> Path:
        """An alerts file that names both receivers."""
        path.write_text(
            "\n".join(
                [
                    *more,
                    "[[webhook]]",
                    f'url = "{self.hook}"',
                    "[[email]]",
                    'host = "127.0.0.1"',
                    f"port = {self.smtp}",
                    'security = "none"',
                    'sender = "gongkai@example.org"',
                    'to = ["值班 <ops@example.org>"]',
                ]
            ),
            encoding="utf-8",
        )
        return path

    def wait(self, come: Callable[[], bool], seconds: float = 60) -> None:
        """Waits until `come` is true; fails with what did come."""
        deadline = time.monotonic() + seconds
        while not come():
            assert time.monotonic() < deadline, (self.posts, [str(m) for m in self.mails])
            time.sleep(0.2)


@contextmanager
def receivers() -> Iterator[Received]:
    """Both receivers, for the length of the block."""

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.posts.append(json.loads(body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Mail:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(parsed, EmailMessage)
            received.mails.append(parsed)
            return "250 OK"

    web = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    mail = Controller(Mail(), hostname="127.0.0.1", port=free_port())
    received = Received(f"http://127.0.0.1:{web.server_port}/hook", mail.port)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    mail.start()
    try:
        yield received
    finally:
        mail.stop()
        web.shutdown()
        web.server_close()
