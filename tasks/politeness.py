"""Manners towards the visited sites: who we say we are, how often we ask, what they forbid."""

from __future__ import annotations

import os
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from tasks.http_body import Trouble
from tasks.records import BadInput

AGENT = "gongkai"


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits and manners. Times in seconds, sizes in bytes.

    A host is given up after `break_after` failures of the network in a row, or `break_after_errors`
    answers in a row that were errors of the server. When `stop_after_hosts` hosts in a row could
    not be reached, the fault is taken to be on this side and the run stops fetching.
    """

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
    break_after_errors: int = 12
    stop_after_hosts: int = 25

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


class HostOptions(NamedTuple):
    """What the sources file says of a host: seconds between requests, and whether TLS is old."""

    delay: float = 0.0
    legacy_tls: bool = False


PLAIN = HostOptions()


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


class Hosts:
    """What a run has learned of the hosts it visits; shared by all its threads.

    `options` gives what the sources file says of a host. `stop` says why the whole run must send no
    further request, or None.
    """

    def __init__(
        self,
        options: Callable[[str], HostOptions] = lambda host: PLAIN,
        stop: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.options = options
        self.rules: dict[str, Rules] = {}
        self._stop = stop
        self._guard = threading.Lock()
        self._silent: dict[str, int] = defaultdict(int)
        self._errors: dict[str, int] = defaultdict(int)
        self._come_back: dict[str, tuple[float, str]] = {}
        self._unreached: set[str] = set()

    def stopped(self, settings: Settings) -> str | None:
        """Why no request may be sent to any host, or None."""
        if len(self._unreached) >= settings.stop_after_hosts:
            return (
                f"{len(self._unreached)} hosts in a row could not be reached; "
                "the fault seems to be on this side"
            )
        return self._stop()

    def given_up(self, host: str, settings: Settings) -> str | None:
        """Why this host is left alone for now, or None."""
        until, why = self._come_back.get(host, (0.0, ""))
        if time.monotonic() < until:
            return why
        if self._silent[host] >= settings.break_after:
            return f"{host} failed {self._silent[host]} times in a row; not tried again"
        if self._errors[host] >= settings.break_after_errors:
            return f"{host} answered {self._errors[host]} times in a row with an error of its own"
        return None

    def answered(self, host: str) -> None:
        """The host gave a page, or said properly that there is none."""
        with self._guard:
            self._silent[host] = self._errors[host] = 0
            self._unreached.clear()

    def failed(self, host: str, trouble: Trouble, settings: Settings) -> None:
        """The host did not give a page."""
        with self._guard:
            if trouble.network:
                self._silent[host] += 1
                self._unreached.add(host)
                return
            if trouble.status is None:
                return  # nothing was asked of it
            self._silent[host] = 0
            self._unreached.clear()
            if trouble.status == 429 or trouble.status >= 500:
                self._errors[host] += 1
            else:
                self._errors[host] = 0
            if trouble.wait is not None and trouble.wait > settings.max_retry_after:
                why = f"{host} asked to be left alone for {trouble.wait:.0f} s"
                self._come_back[host] = (time.monotonic() + trouble.wait, why)
