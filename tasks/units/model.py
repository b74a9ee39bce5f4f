"""The records of resolution: divisions and units, what a document says, and the answer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

GOVERNMENT = "gov"
GOVERNMENT_OFFICE = "gov_office"
ZONE_OFFICE = "devzone"
SUBDISTRICT = "subdistrict"

Grade = Literal["hard", "context", "soft"]  # and "learned": see `learned`
State = Literal["resolved", "ambiguous", "conflict", "unresolved"]


class Division(NamedTuple):
    """One dated version of a division. `to_year` is the first year no longer in force."""

    division_id: str
    level: int
    kind: str
    code_nbs: str
    code_mca: str
    name: str
    parent_id: str
    from_year: int
    to_year: int

    def in_force(self, year: int) -> bool:
        """Whether this version held during (part of) `year`."""
        return self.from_year <= year < self.to_year


class Unit(NamedTuple):
    """An organ of a division: a candidate."""

    division_id: str
    organ_id: str

    @property
    def unit_id(self) -> str:
        """The opaque id; the models compute the same."""
        return hashlib.sha256(f"{self.division_id}|{self.organ_id}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Clues:
    """What one document says of its issuer, and where it was found."""

    issuing_unit: str | None
    report_year: int | None = None
    title: str | None = None
    source_id: str | None = None
    site_id_code: str | None = None
    site_name: str | None = None
    index_number: str | None = None
    context: tuple[str, ...] = ()  # breadcrumb, column, link text
    account: str | None = None  # who put it on the site, as the site calls them
    official_url: str | None = None  # where it was fetched, when that is an official page
    prose: str = ""


@dataclass(frozen=True, slots=True)
class Resolution:
    """The answer, with its reasons in plain words."""

    state: State
    unit: Unit | None = None
    grade: Grade | None = None
    candidates: tuple[Unit, ...] = ()  # at most MOST_CANDIDATES
    explanation: str = ""
    possible: tuple[Unit, ...] = ()  # all that an ambiguous document can be of


class Evidence(NamedTuple):
    """One piece: which candidates it allows. `describe` completes "… allows"."""

    grade: Grade
    what: str
    allows: Callable[[Unit], bool]
