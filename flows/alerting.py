"""`alerts.toml`: whom to tell when a night is out of the ordinary, and what counts as such.

The file lies in the warehouse folder (or is named with --alerts); docs/operating.md explains it.
Secrets stay out of it: a value "env:NAME" is read from the environment when the file is applied.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
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
    missing_night_hours: float = 30.0  # tell when no night has ended for so long; 0: never
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
    if settings.ui_url and urlsplit(settings.ui_url).scheme not in ("http", "https"):
        raise BadInput(f"alerts file {name}: ui_url must begin with http:// or https://")
    return settings


def _rows(given: dict[str, Any], key: str, name: str) -> list[dict[str, Any]]:
    rows = given.pop(key, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadInput(f"alerts file {name}: write [[{key}]] with two brackets, one for each")
    return rows


def _webhook(row: dict[str, Any], where: str) -> WebhookTo:
    hook: WebhookTo = _record(WebhookTo, row, where)
    if urlsplit(hook.url).scheme not in ("http", "https"):
        raise BadInput(f"alerts file {where}: url must begin with http:// or https://")
    if hook.format not in BODIES:
        raise BadInput(f"alerts file {where}: format must be one of {', '.join(BODIES)}")
    return hook


def _email(row: dict[str, Any], where: str) -> EmailTo:
    to = row.get("to", [])
    mail: EmailTo = _record(
        EmailTo, row | {"to": tuple([to] if isinstance(to, str) else to)}, where
    )
    if not mail.to or not all("@" in address for address in (*mail.to, mail.sender)):
        raise BadInput(f"alerts file {where}: to and sender must be e-mail addresses")
    if mail.security not in ("starttls", "ssl", "none"):
        raise BadInput(f"alerts file {where}: security must be starttls, ssl or none")
    return mail


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
    if isinstance(value, str) and value.startswith("env:"):
        name = value.removeprefix("env:")
        if name not in os.environ:
            raise BadInput(f"alerts file {where}: the environment has no {name}")
        value = os.environ[name]
    if isinstance(value, Mapping):
        return {key: _typed(inner, "str", f"{where}, {key}") for key, inner in value.items()}
    expected: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "str": (str,)}
    if kind in expected and (not isinstance(value, expected[kind]) or isinstance(value, bool)):
        raise BadInput(f"alerts file {where}: must be a {'text' if kind == 'str' else 'number'}")
    if kind in ("int", "float") and value < 0:
        raise BadInput(f"alerts file {where}: must not be negative")
    return value
