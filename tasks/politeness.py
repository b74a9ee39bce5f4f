"""Manners towards the visited sites: who we say we are, how often we ask, what they forbid."""

from __future__ import annotations

import os
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tasks.http_body import Trouble
from tasks.records import BadInput

AGENT = "gongkai"


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits and manners. Times in seconds, sizes in bytes."""

    contact: str = ""
    delay: float = 1.0
    max_crawl_delay: float = 60.0
    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    total_timeout: float = 120.0
    retries: int = 2
    backoff: float = 1.0
    max_retry_after: float = 60.0
    max_bytes: int = 20_000_000
    max_decoded_bytes: int = 40_000_000
    max_redirects: int = 5
    break_after: int = 4

    @property
    def user_agent(self) -> str:
        """What the visited sites see."""
        contact = self.contact or "no contact given"
        return f"{AGENT}/0.1 (archive of government disclosure reports; {contact})"

    @classmethod
    def from_env(cls) -> Settings:
        """Defaults with `GONGKAI_CONTACT` (mail or URL) and `GONGKAI_DELAY` (seconds)."""
        contact = os.environ.get("GONGKAI_CONTACT", "")
        if not re.fullmatch(r"[\x20-\x7e]{0,200}", contact):
            raise BadInput("GONGKAI_CONTACT: write a mail address or URL in plain ASCII, one line")
        text = os.environ.get("GONGKAI_DELAY", str(cls().delay))
        try:
            delay = float(text)
        except ValueError:
            delay = -1.0
        if not 0 <= delay <= 3600:
            raise BadInput(f"GONGKAI_DELAY: {text!r} is not a number of seconds from 0 to 3600")
        return cls(contact=contact, delay=delay)


class Pace:
    """One request at a time per host, with a pause after each; shared by all threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._turns: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._free_at: dict[str, float] = {}

    @contextmanager
    def turn(self, host: str, delay: float) -> Iterator[None]:
        """Wait for this host's turn; `delay` seconds must have passed since its last request."""
        with self._guard:
            mine = self._turns[host]
        with mine:
            wait = self._free_at.get(host, 0.0) + delay - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            try:
                yield
            finally:
                self._free_at[host] = time.monotonic()


PACE = Pace()


@dataclass(slots=True)
class Rules:
    """One host's robots.txt: its rules (None allows all), or why nothing may be requested."""

    robots: Any = None
    refusal: Trouble | None = None

    def delay(self) -> float:
        """Seconds that the host wants between requests."""
        if self.robots is None:
            return 0.0
        rate = self.robots.request_rate(AGENT)
        per_request = rate.seconds / rate.requests if rate and rate.requests else 0.0
        return max(float(self.robots.crawl_delay(AGENT) or 0.0), per_request)
