"""The areas that have a page, provinces, prefectures and counties, and their tallies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_FILE_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(slots=True)
class Tally:
    """Unit-years by what became of them. `expected` is the sum of the five outcomes.

    `late` and `on_time` count those with a statutory date and an evidenced day of publication;
    `overdue` those not found whose date had passed on the day the data stands at.
    """

    expected: int = 0
    parsed: int = 0
    rejected: int = 0
    listed: int = 0
    ambiguous: int = 0
    missing: int = 0
    late: int = 0
    on_time: int = 0
    overdue: int = 0

    def add(self, other: Tally) -> None:
        """Count the unit-years of `other` too; they are others than these."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def share(self) -> float | None:
        """Of the expected, how many were read (0 to 1); None where nothing is expected."""
        return self.parsed / self.expected if self.expected else None

    @property
    def step(self) -> int | None:
        """The share as one of five shades (0 to 4); None where nothing is expected."""
        share = self.share
        return None if share is None else min(4, int(share * 5))


@dataclass(slots=True)
class Area:
    """A division of level 1 to 3 with all units that answer for it or for a township in it."""

    id: str
    name: str
    level: int
    code: str
    parent: Area | None = None
    children: list[Area] = field(default_factory=list)
    own: dict[int, Tally] = field(default_factory=dict)
    whole: dict[int, Tally] = field(default_factory=dict)
    reports: int = 0  # of its own units
    violated: int = 0  # current reports of its own units with a violated check
    stands: set[int] = field(default_factory=set)  # report years in which there is such a division
    reviewed: set[int] = field(default_factory=set)  # of these, those its government is due for

    @property
    def province(self) -> Area:
        """The area of level 1 above it, or itself."""
        return self if self.parent is None else self.parent.province

    @property
    def path(self) -> list[Area]:
        """From the province down to this area."""
        return [self] if self.parent is None else [*self.parent.path, self]

    @property
    def has_page(self) -> bool:
        """Whether anything is known of it or of an area in it."""
        return bool(self.whole) or self.reports > 0 or any(c.has_page for c in self.children)

    def counties(self, year: int) -> tuple[int, int]:
        """Of the counties in it that year: how many have a reviewed source, and how many are there.

        A source of one township or bureau is not one of the county.
        """
        inside = [a for a in self.under() if a.level == 3 and a is not self and year in a.stands]
        return sum(year in a.reviewed for a in inside), len(inside)

    def under(self) -> Iterator[Area]:
        """This area and all in it, from above."""
        yield self
        for child in self.children:
            yield from child.under()


def tree(rows: list[tuple[str, str, int, str, str | None]]) -> dict[str, Area]:
    """The areas by id from (id, name, level, code, parent id); those above come first."""
    areas: dict[str, Area] = {}
    for area_id, name, level, code, parent_id in sorted(rows, key=lambda row: (row[2], row[3])):
        if not _FILE_NAME.fullmatch(area_id):
            raise ValueError(f"division {area_id!r} cannot name a page")
        parent = areas.get(parent_id or "")
        areas[area_id] = area = Area(area_id, name, level, code, parent)
        if parent is not None:
            parent.children.append(area)
    return areas


def roll_up(areas: dict[str, Area]) -> dict[int, Tally]:
    """Fill `whole` of every area from its own units and the areas in it; the country's tallies."""
    country: dict[int, Tally] = {}
    for area in sorted(areas.values(), key=lambda a: -a.level):
        _add(area.whole, area.own)
        _add(area.parent.whole if area.parent else country, area.whole)
    return dict(sorted(country.items()))


def _add(into: dict[int, Tally], years: dict[int, Tally]) -> None:
    for year, tally in years.items():
        into.setdefault(year, Tally()).add(tally)
