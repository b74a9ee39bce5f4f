"""索引号: the index number of a page, split into the code of its issuer, year and serial.

Organisation codes (GB 11714, nine characters) and unified social credit codes (GB 32100, eighteen)
carry check digits, which are verified. A code that checks is no proof of a unit: one in eleven
random strings passes GB 11714.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal, NamedTuple

CodeSystem = Literal["gb11714", "gb32100", "division", "letters", "date", "other"]

_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_UNIFIED_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # without I, O, S, V and Z
_UNIFIED_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_FORM = re.compile(
    r"(?P<code>[0-9A-Za-z]+(?:-[0-9A-Za-z])?)/(?P<year>(?:19|20)\d{2})(?P<month>\d{2}){0,2}-(?P<serial>\d+)\Z"
)
_DATED = re.compile(r"(?P<year>(?:19|20)\d{2})(?P<day>\d{4})-(?P<serial>\d+)\Z")


class IndexNumber(NamedTuple):
    """The parts of an index number. `checks` is None where the code has no check digit to verify.

    `year` is the year of publication, never the year reported on.
    """

    code: str | None
    system: CodeSystem
    checks: bool | None
    year: int
    serial: str


def split(text: str) -> IndexNumber | None:
    """The parts of an index number in one of the known forms; None for any other text."""
    compact = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))
    if match := _FORM.match(compact):
        code = match["code"]
        system, checks = _system_of(code)
        return IndexNumber(code, system, checks, int(match["year"]), match["serial"])
    if match := _DATED.match(compact):
        return IndexNumber(None, "date", None, int(match["year"]), match["serial"])
    return None


def _system_of(code: str) -> tuple[CodeSystem, bool | None]:
    bare = code.replace("-", "").upper()
    if len(bare) == 18 and not code.isalpha():
        return "gb32100", unified_code_checks(bare)
    if len(bare) == 9 and not code.isalpha():
        return "gb11714", organisation_code_checks(bare)
    if code.isdigit() and len(code) in (6, 10, 12):
        return "division", None
    if code.isalpha():
        return "letters", None
    return "other", None


def organisation_code_checks(code: str) -> bool:
    """Whether the ninth character is the check digit of GB 11714 (modulus 11)."""
    if not re.fullmatch(r"[0-9A-Z]{8}[0-9X]", code):
        return False
    total = sum(int(c, 36) * w for c, w in zip(code, _ORGANISATION_WEIGHTS, strict=False))
    return "0123456789X0"[11 - total % 11] == code[8]


def unified_code_checks(code: str) -> bool:
    """Whether the eighteenth character is the check digit of GB 32100 (modulus 31)."""
    if len(code) != 18 or any(c not in _UNIFIED_ALPHABET for c in code):
        return False
    total = sum(
        _UNIFIED_ALPHABET.index(c) * w for c, w in zip(code, _UNIFIED_WEIGHTS, strict=False)
    )
    return _UNIFIED_ALPHABET[(31 - total % 31) % 31] == code[17]
