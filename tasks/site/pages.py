"""Writes pages: one template, one context, once for each language."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from tasks.site.facts import Trend
from tasks.site.labels import Labels
from tasks.site.tables import Night
from tasks.site.words import LANGUAGES, words

FOLDER = {"zh": "", "en": "en/"}
_HTML_LANGUAGE = {"zh": "zh-Hans", "en": "en"}


def count(value: Any) -> str:
    """A number with its digits in groups, exact; a dash for what is not known."""
    if value is None:
        return "–"
    whole = int(value)
    text = f"{whole:,}" if whole == value else f"{Decimal(value).normalize():,}"
    return text.replace("-", "−")


def percent(share: float | None) -> str:
    """A share as a whole per cent that never rounds to all or to nothing."""
    if share is None:
        return "–"
    if 0 < share < 0.01:
        return "<1%"
    if 0.99 < share < 1:
        return ">99%"
    return f"{share * 100:.0f}%"


def link(url: str | None) -> str | None:
    """The address, if a browser may follow it: text from outside can be a script as well."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.netloc else None


def plotted(trend: Trend) -> dict[str, Any]:
    """A year of an area's requests as the charts take it: numbers, None where there is none."""
    return {
        "year": trend.year,
        "received": None if trend.received is None else float(trend.received),
        "covered": trend.covered,
        "outcomes": {group: float(value) for group, value in trend.outcomes.items()},
    }


def called(call: str, *values: Any) -> str:
    """A call with literals up to these, as `Pages.script` writes it."""
    return f"{call}(" + ",".join(
        v.text if isinstance(v, Raw) else json.dumps(v, ensure_ascii=False, separators=(",", ":"))
        for v in values
    )


def environment() -> Environment:
    """Templates that escape, that fail on a name which is not there, with the site's filters."""
    env = Environment(
        loader=PackageLoader("tasks.site"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= {"count": count, "percent": percent, "link": link, "plotted": plotted}
    return env


@dataclass(slots=True)
class Pages:
    """The pages of one site, under construction in `folder`."""

    folder: Path
    night: Night
    labels: dict[str, Labels]
    environment: Environment
    year: int | None  # the newest report year; the sections by year open with it

    @classmethod
    def of(
        cls, folder: Path, night: Night, meanings: list[tuple[str, str, str]], year: int | None
    ) -> Pages:
        """An empty site; `meanings` are (form, cell, meaning) of `measures`."""
        labels = {language: Labels.of(language, meanings) for language in LANGUAGES}
        return cls(folder, night, labels, environment(), year)

    def write(self, path: str, template: str, **context: Any) -> None:
        """Write `path` from a template in every language."""
        depth = path.count("/")
        page = self.environment.get_template(template)
        for language in LANGUAGES:
            below = depth + FOLDER[language].count("/")
            file = self.folder / FOLDER[language] / path
            file.parent.mkdir(parents=True, exist_ok=True)
            other = "en" if language == "zh" else "zh"
            text = page.render(
                t=words(language),
                labels=self.labels[language],
                language=language,
                html_language=_HTML_LANGUAGE[language],
                night=self.night,
                shown_year=self.year,
                root="../" * below,  # of what both languages share
                home="../" * depth,  # of this language's pages
                path=path,
                other_language=other,
                other_page="../" * below + FOLDER[other] + path,
                **context,
            )
            file.write_text(text, encoding="utf-8")

    def script(self, path: str, call: str, *values: Any) -> None:
        """Write data that any page can take in, also one opened as a file: a call with literals."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{called(call, *values)});\n", encoding="utf-8")

    def assets(self) -> None:
        """The style, the scripts and the charts library with its licences."""
        for source, target in (("assets", "assets"), ("vendor", "assets/vendor")):
            folder = self.folder / target
            folder.mkdir(parents=True, exist_ok=True)
            for item in sorted(
                files("tasks.site").joinpath(source).iterdir(), key=lambda i: i.name
            ):
                (folder / item.name).write_bytes(item.read_bytes())


def as_json(value: Any) -> str:
    """Short JSON; dates and exact numbers as text, since a float could change a number."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_as_text)


def _as_text(value: Any) -> str:
    text = str(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass(frozen=True, slots=True)
class Raw:
    """Text that is JSON already."""

    text: str
