"""Polite fetching: one request at a time per host, every fault a record and never an exception.

A `Visitor` serves one caller (one host's list, usually); callers in parallel threads share the
`Pace`, so that a host never sees two requests at once, also when sites redirect to each other.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

import requests
from protego import Protego

from tasks import timed
from tasks.http_body import Trouble, read_body, retry_after, trouble_of
from tasks.politeness import AGENT, PACE, Hosts, Pace, Rules, Settings
from tasks.records import Fetched, Official, Wanted, snapshot_id_of
from tasks.resolve import NO_MAP, PinnedAdapter, ResolveMap
from tasks.urls import canonical_url, host_of

__all__ = ["PACE", "Pace", "Settings", "Visitor", "by_host"]

_REDIRECTS = {301, 302, 303, 307, 308}
_WHOLE = {200, 203}
"""Answers with the whole document; 206 holds a part, though none was asked for."""
_RULES_UNREAD = {"off_site_redirect", "too_large", "http_206"}
"""A robots.txt there is, and yet what it forbids could not be read."""


Fields = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Answer:
    """A complete answer to one document's request, redirects followed."""

    url: str
    status: int
    headers: dict[str, str]
    body: bytes | None


@dataclass
class Visitor:
    """Fetches documents, one after the other, over one session. Close it, or use it in `with`.

    `official` decides what may be requested at all. Not safe for use by several threads.
    """

    official: Official
    settings: Settings = field(default_factory=Settings)
    resolve: ResolveMap = NO_MAP
    pace: Pace = field(default_factory=lambda: PACE)
    hosts: Hosts = field(default_factory=Hosts)

    def __post_init__(self) -> None:
        self._session = requests.Session()
        # Proxies and .netrc of the environment would bypass the address check.
        self._session.trust_env = False
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, PinnedAdapter(self.resolve, self._is_legacy))
        self._session.headers.clear()
        self._session.headers.update(
            {
                "User-Agent": self.settings.user_agent,
                "Accept": "*/*",
                "Accept-Language": "zh-CN,zh;q=0.9",
                "Accept-Encoding": "gzip, deflate",
            }
        )

    def _is_legacy(self, host: str) -> bool:
        return self.hosts.options(host).legacy_tls

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop the connections."""
        self._session.close()

    def get(self, url: str) -> Fetched:
        """Fetch a page unconditionally, such as a listing."""
        return self.fetch(Wanted(canonical_url(url), url))

    def post(self, url: str, fields: Fields) -> Fetched:
        """Fetch a page that is only given to a POST, as some listings' further pages are."""
        return self.fetch(Wanted(canonical_url(url), url, fields=fields))

    def fetch(self, wanted: Wanted) -> Fetched:
        """Fetch one document; whatever happens is in the record."""
        row = Fetched(
            document_id=wanted.document_id,
            url=wanted.url,
            final_url=wanted.url,
            fetched_at=datetime.now(UTC),
            source_id=wanted.source_id,
            parent_document_id=wanted.parent_document_id,
            link_title=wanted.link_title,
            link_date=wanted.link_date,
        )
        host = host_of(wanted.url) or ""
        if why := self.hosts.stopped(self.settings):
            return replace(row, error_code="stopped", error_message=why)
        if why := self.hosts.given_up(host, self.settings):
            return replace(row, error_code="circuit_open", error_message=why)
        conditions = {}
        if wanted.snapshot_id and wanted.etag:
            conditions["If-None-Match"] = wanted.etag
        if wanted.snapshot_id and wanted.last_modified:
            conditions["If-Modified-Since"] = wanted.last_modified
        try:
            answer = self._with_retries(wanted.url, conditions, wanted.fields)
        except Trouble as e:
            self.hosts.failed(host_of(e.url or "") or host, e, self.settings)
            return replace(
                row,
                official=self.official(e.url or wanted.url) is None,
                final_url=e.url or wanted.url,
                http_status=e.status,
                error_code=e.code,
                error_message=str(e),
            )
        self.hosts.answered(host)
        headers = {k.lower(): v for k, v in answer.headers.items()}
        row = replace(
            row,
            official=True,  # every hop was checked
            final_url=answer.url,
            http_status=answer.status,
            content_type=headers.get("content-type"),
            headers=answer.headers,
            etag=headers.get("etag"),
            last_modified=headers.get("last-modified"),
        )
        if answer.body is None:
            return replace(
                row,
                snapshot_id=wanted.snapshot_id,
                etag=row.etag or wanted.etag,
                last_modified=row.last_modified or wanted.last_modified,
            )
        name = snapshot_id_of(answer.body)
        return replace(row, body=answer.body, size=len(answer.body), snapshot_id=name)

    def _with_retries(
        self,
        url: str,
        conditions: dict[str, str],
        fields: Fields = (),
        *,
        ask_robots: bool = True,
    ) -> _Answer:
        for attempt in range(self.settings.retries + 1):
            try:
                return self._follow(url, conditions, fields, ask_robots)
            except Trouble as e:
                wait = max(self.settings.backoff * 2**attempt, e.wait or 0.0)
                if not e.retry or attempt == self.settings.retries:
                    raise
                if e.wait is not None and e.wait > self.settings.max_retry_after:
                    raise  # asked to come back later than this run can wait
                if self.hosts.stopped(self.settings):
                    raise
                time.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _follow(
        self, url: str, conditions: dict[str, str], fields: Fields, ask_robots: bool
    ) -> _Answer:
        """One attempt, its redirects followed by hand, each hop checked."""
        here = url
        for _ in range(self.settings.max_redirects + 1):
            if refusal := self.official(here):
                code = "not_official" if here == url else "off_site_redirect"
                raise Trouble(code, refusal, url=here)
            delay = max(self.settings.delay, self.hosts.options(host_of(here) or "").delay)
            if ask_robots:
                delay = max(delay, self._allowed(here))
            answer = self._request(here, conditions, fields, delay)
            if answer.status not in _REDIRECTS:
                return replace(answer, url=here)
            fields = ()  # where a POST leads is asked for as any page
            try:
                here = urljoin(here, answer.headers["Location"]).partition("#")[0]
            except ValueError as e:
                raise trouble_of(e, here) from e
        raise Trouble("too_many_redirects", f"more than {self.settings.max_redirects}", url=here)

    def _request(
        self, url: str, conditions: dict[str, str], fields: Fields, delay: float
    ) -> _Answer:
        limits = self.settings
        with self.pace.turn(host_of(url) or "", delay):
            if why := self.hosts.stopped(limits):  # while this request waited for its turn
                raise Trouble("stopped", why)
            try:
                with (
                    timed.seconds(limits.total_timeout),
                    self._session.request(
                        "POST" if fields else "GET",
                        url,
                        data=fields or None,
                        headers=conditions,
                        stream=True,
                        allow_redirects=False,
                        timeout=(limits.connect_timeout, limits.read_timeout),
                    ) as response,
                ):
                    return self._judge(response, url, conditions)
            except (requests.RequestException, OSError, ValueError) as e:
                raise trouble_of(e, url) from e

    def _judge(self, response: requests.Response, url: str, conditions: dict[str, str]) -> _Answer:
        status = response.status_code
        headers = {k: v for k, v in response.headers.items() if k.lower() != "set-cookie"}
        target = self._session.get_redirect_target(response)
        if status in _REDIRECTS and target:
            return _Answer(url, status, {**headers, "Location": target}, None)
        if status == 304 and conditions:
            return _Answer(url, status, headers, None)
        if status not in _WHOLE:
            raise Trouble(
                f"http_{status}",
                f"the host answered {status} {response.reason or ''}".strip(),
                retry=status == 429 or status >= 500,
                wait=retry_after(response.headers.get("Retry-After")),
                status=status,
                url=url,
            )
        body = read_body(response, self.settings.max_bytes, self.settings.max_decoded_bytes)
        return _Answer(url, status, headers, body)

    def _allowed(self, url: str) -> float:
        """Seconds to leave between requests by robots.txt; Trouble when it does not allow `url`."""
        origin = urlsplit(url).netloc.lower()
        rules = self.hosts.rules.get(origin)
        if rules is None:
            rules = self._ask_robots(f"{urlsplit(url).scheme}://{origin}/robots.txt")
            self.hosts.rules[origin] = rules
        if rules.refusal is not None:
            raise rules.refusal
        if rules.robots is not None and not rules.robots.can_fetch(url, AGENT):
            raise Trouble("robots", f"robots.txt of {origin} does not allow this page", url=url)
        delay = rules.delay()
        if delay > self.settings.max_crawl_delay:
            message = (
                f"robots.txt of {origin} asks for {delay:g} s between requests, more than the "
            )
            raise Trouble(
                "robots", message + f"limit of {self.settings.max_crawl_delay:g} s", url=url
            )
        return delay

    def _ask_robots(self, url: str) -> Rules:
        try:
            answer = self._with_retries(url, {}, ask_robots=False)
        except Trouble as e:
            if e.network or e.code == "private_address":
                return Rules(refusal=Trouble(e.code, f"{url}: {e}", network=e.network))
            if e.code == "stopped":
                raise
            if e.code in _RULES_UNREAD:
                return Rules(refusal=Trouble("robots", f"{url}: {e}"))
            if e.status is not None and (e.status == 429 or e.status >= 500):
                # RFC 9309: a host that cannot say what it forbids forbids everything for now.
                return Rules(refusal=Trouble("robots", f"{url}: {e}", status=e.status))
            return Rules()  # no robots.txt, or nothing usable in its place: everything is allowed
        text = (answer.body or b"")[:512_000].decode("utf-8-sig", errors="replace")
        return Rules(robots=Protego.parse(text))


def by_host(wanted: Iterable[Wanted]) -> dict[str, list[Wanted]]:
    """The documents to fetch by host, hosts in order: one batch per host."""
    hosts: dict[str, list[Wanted]] = defaultdict(list)
    for item in wanted:
        hosts[host_of(item.url) or ""].append(item)
    return dict(sorted(hosts.items()))
