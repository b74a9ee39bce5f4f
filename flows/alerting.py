"""`alerts.toml`: whom to tell when a night is out of the ordinary, and what counts as such.

The file lies in the warehouse folder (or is named with --alerts); docs/operating.md explains it.
Secrets stay out of it: a value "env:NAME" is read from the environment when the file is applied.
"""

from __future__ import annotations

import math
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from tasks.alerts import Thresholds
from tasks.records import BadInput
from tasks.store import Warehouse

FILE = "alerts.toml"
# The body of the request, a template in which subject, message and url are JSON strings.
BODIES = {
    "json": '{"subject": SUBJECT, "message": MESSAGE, "url": URL}',
    "slack": '{"text": TEXT}',
    "mattermost": '{"text": TEXT}',
    "dingtalk": '{"msgtype": "text", "text": {"content": TEXT}}',
    "wecom": '{"msgtype": "text", "text": {"content": TEXT}}',
    "feishu": '{"msg_type": "text", "content": {"text": TEXT}}',
}
# How the types of fields are written, and what they are called in messages.
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "int": ((int,), "whole number"),
    "float": ((int, float), "number"),
    "str": ((str,), "text"),
}
# What a number must be, by its name: outside of it an alert would never be raised, or be no number.
_BOUNDS: dict[str, tuple[Callable[[float], bool], str]] = {
    "nights": (lambda n: n >= 1, "1 or more: with no earlier night nothing is compared"),
    "failures_times": (lambda n: 0 <= n < math.inf, "a number of times, for instance 2.0"),
    "failures_at_least": (lambda n: n >= 0, "0 or more documents"),
    "shrank_by": (lambda n: 0 < n < 1, "a share between 0 and 1, for instance 0.2 for a fifth"),
    "shrank_at_least": (lambda n: n >= 1, "1 or more entries"),
    "missing_night_hours": (lambda n: 1 <= n <= 8760, "from 1 to 8760 hours, for instance 30"),
    "port": (lambda n: 1 <= n <= 65535, "a port from 1 to 65535"),
}


@dataclass(frozen=True, slots=True)
class WebhookTo:
    """A request by POST; `format` is a key of BODIES."""

    url: str
    format: str = "json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EmailTo:
    """A message by SMTP. `security` is starttls, ssl or none."""

    host: str
    to: tuple[str, ...]
    sender: str
    port: int = 587
    security: str = "starttls"
    user: str = ""
    password: str = ""

    def apprise_url(self) -> str:
        """The address in the notation of Apprise, which Prefect sends e-mail with."""
        scheme = "mailto" if self.security == "none" else "mailtos"
        login = f"{quote(self.user, '')}:{quote(self.password, '')}@" if self.user else ""
        options = {"from": self.sender, "to": ",".join(self.to), "format": "text"}
        if self.security != "none":
            options["mode"] = self.security
        options["smtp"] = self.host
        return f"{scheme}://{login}{self.host}:{self.port}?{urlencode(options)}"


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """What the file says; without a file nobody is told, and the thresholds are the usual ones."""

    thresholds: Thresholds = field(default_factory=Thresholds)
    missing_night_hours: float = 30.0  # tell when no night has ended for so long
    ui_url: str = ""  # how the people who are told reach the Prefect UI
    webhooks: tuple[WebhookTo, ...] = ()
    emails: tuple[EmailTo, ...] = ()

    @property
    def recipients(self) -> list[str]:
        """Who is told, in a few words each; no secret is in them."""
        named = [f"webhook {urlsplit(hook.url).hostname}" for hook in self.webhooks]
        return named + [f"e-mail {', '.join(mail.to)}" for mail in self.emails]


def load(warehouse: Warehouse, path: Path | None = None) -> AlertSettings:
    """Reads `path`, else alerts.toml of the warehouse. BadInput for the first thing wrong."""
    file = path or warehouse.root / FILE
    if path is None and not file.exists():
        return AlertSettings()
    try:
        return parse(file.read_text(encoding="utf-8"), str(file))
    except OSError as error:
        raise BadInput(f"alerts file {file}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"alerts file {file}: not UTF-8; save it as UTF-8") from error


def parse(text: str, name: str) -> AlertSettings:
    """The settings in a TOML text; `name` is how messages call the file."""
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"alerts file {name}: not TOML ({error})") from error
    thresholds = _record(Thresholds, given.pop("thresholds", {}), f"{name}, [thresholds]")
    webhooks = tuple(
        _webhook(row, f"{name}, [[webhook]] {n}")
        for n, row in enumerate(_rows(given, "webhook", name), 1)
    )
    emails = tuple(
        _email(row, f"{name}, [[email]] {n}")
        for n, row in enumerate(_rows(given, "email", name), 1)
    )
    settings: AlertSettings = _record(
        AlertSettings,
        given,
        name,
        without=("thresholds", "webhooks", "emails"),
        fixed={"thresholds": thresholds, "webhooks": webhooks, "emails": emails},
    )
    if settings.ui_url:
        _check_url(settings.ui_url, f"{name}: ui_url")
    return settings


def _check_url(url: str, where: str) -> None:
    """The message does not repeat the address: it often holds a secret."""
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and parts.port != 0  # both raise for what is no number
    except ValueError:
        parts, named = urlsplit(""), False
    if not named or parts.scheme not in ("http", "https") or re.search(r"\s", url):
        raise BadInput(
            f"alerts file {where} must begin with http:// or https:// and name a host, "
            "for instance https://hooks.example.org/gongkai"
        )


def _rows(given: dict[str, Any], key: str, name: str) -> list[dict[str, Any]]:
    rows = given.pop(key, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadInput(f"alerts file {name}: write [[{key}]] with two brackets, one for each")
    return rows


def _webhook(row: dict[str, Any], where: str) -> WebhookTo:
    hook: WebhookTo = _record(WebhookTo, row, where)
    _check_url(hook.url, f"{where}: url")
    if hook.format not in BODIES:
        raise BadInput(f"alerts file {where}: format must be one of {', '.join(BODIES)}")
    return hook


def _email(row: dict[str, Any], where: str) -> EmailTo:
    to = row.get("to", [])
    mail: EmailTo = _record(EmailTo, row | {"to": [to] if isinstance(to, str) else to}, where)
    if not mail.to or not all(map(_is_address, (*mail.to, mail.sender))):
        raise BadInput(
            f"alerts file {where}: to and sender must be e-mail addresses, "
            "for instance ops@example.org"
        )
    if not re.fullmatch(r"[\w.-]+|\[[0-9a-fA-F:.]+\]", mail.host):
        raise BadInput(
            f"alerts file {where}: host must be the name of the mail server alone, "
            "for instance smtp.example.org; the port has a line of its own"
        )
    if mail.security not in ("starttls", "ssl", "none"):
        raise BadInput(f"alerts file {where}: security must be starttls, ssl or none")
    return mail


def _is_address(text: str) -> bool:
    return bool(re.fullmatch(r"[^@\s]+@[^@\s]+", parseaddr(text)[1]))


def _record(
    kind: Any,
    given: Mapping[str, Any],
    where: str,
    without: tuple[str, ...] = (),
    fixed: Mapping[str, Any] | None = None,
) -> Any:
    """A record of `kind` from a table of the file: names and types are checked against it."""
    if not isinstance(given, Mapping):
        raise BadInput(f"alerts file {where}: must be a table")
    known = {f.name: f for f in fields(kind) if f.name not in without}
    values = {}
    for key, value in given.items():
        if key not in known:
            raise BadInput(f"alerts file {where}: {key} is unknown; known are {', '.join(known)}")
        values[key] = _typed(value, str(known[key].type), f"{where}, {key}")
    try:
        return kind(**values, **(fixed or {}))
    except TypeError as error:
        missing = str(error).partition(":")[2].strip() or str(error)
        raise BadInput(f"alerts file {where}: {missing} must be given") from error


def _typed(value: Any, kind: str, where: str) -> Any:
    """A value of the file as the field wants it; `kind` is how the field's type is written."""
    if kind.startswith("Mapping"):
        if not isinstance(value, Mapping):
            raise BadInput(f"alerts file {where}: must be a table like {{ Name = 'text' }}")
        return {key: _typed(inner, "str", f"{where}, {key}") for key, inner in value.items()}
    if kind.startswith("tuple"):
        if not isinstance(value, list):
            raise BadInput(f'alerts file {where}: must be a list of texts like ["a", "b"]')
        return tuple(_typed(inner, "str", f"{where}, {n}") for n, inner in enumerate(value, 1))
    if isinstance(value, str) and value.startswith("env:"):
        name = value.removeprefix("env:")
        if not (value := os.environ.get(name, "")):
            raise BadInput(f"alerts file {where}: the environment has no {name}; set it")
    wanted, words = _KINDS[kind]
    if not isinstance(value, wanted) or isinstance(value, bool):
        raise BadInput(f"alerts file {where}: must be a {words}")
    if isinstance(value, str) and re.search(r"[\x00-\x1f\x7f]", value):
        raise BadInput(f"alerts file {where}: must be one line, without control characters")
    bound, words = _BOUNDS.get(where.rpartition(", ")[2], (None, ""))
    if bound and isinstance(value, int | float) and not bound(value):
        raise BadInput(f"alerts file {where}: must be {words}; it is {value}")
    return value
