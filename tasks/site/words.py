"""What the site says, in each language: `words.csv` holds every sentence in Chinese and English."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from tasks.codes import codes
from tasks.report.reader import reasons

LANGUAGES = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Words:
    """The sentences of one language."""

    language: str
    of: dict[str, str]

    def __call__(self, key: str, /, **values: object) -> str:
        """The sentence of that key with its {places} filled in; KeyError when there is none.

        Where {n} is 1, that of `key.one` if there is one: English says “1 report”, “2 reports”.
        """
        text = self.of[key]
        if str(values.get("n")) == "1":
            text = self.of.get(f"{key}.one", text)
        return text.format(**values) if values else text

    def known(self, key: str) -> bool:
        """Whether there is such a sentence: codes and rules can be newer than the site's words."""
        return key in self.of

    def reason(self, code: str | None) -> str:
        """Why a document was not read; for a code without a sentence, its documented meaning."""
        known = self.of.get(f"code.{code}")
        if known or code is None:
            return known or "–"
        return _meanings().get(code, code)

    def or_code(self, prefix: str, code: str | None) -> str:
        """The sentence for a code, else the code itself, which is never hidden."""
        return self.of.get(f"{prefix}.{code}", code or "–")

    def starting(self, prefix: str) -> dict[str, str]:
        """The sentences whose key starts with `prefix`, without it."""
        return {k.removeprefix(prefix): v for k, v in self.of.items() if k.startswith(prefix)}


@cache
def _meanings() -> dict[str, str]:
    """The codes of the reader and of the network side, in English (docs/failures.md)."""
    read = {code: reason.meaning for code, reason in reasons().items()}
    fetched = {code: described.meaning for code, described in codes().items()}
    return {code: meaning.rstrip(".") for code, meaning in (fetched | read).items()}


@cache
def words(language: str) -> Words:
    """All sentences of a language."""
    text = files("tasks.site").joinpath("words.csv").read_text(encoding="utf-8")
    return Words(language, {row["key"]: row[language] for row in csv.DictReader(text.splitlines())})
