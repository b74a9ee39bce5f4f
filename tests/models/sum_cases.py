"""Identities 1 to 4, the sums of one report: rows, and what must come out by a plain rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from tests.models.identity_cases import Case, Row

Identities = Mapping[tuple[str, str], tuple[list[str], list[str]]]  # (form, name): plus, minus


def identities(data: Identities, true: Mapping[str, Row] | None = None) -> Case:
    """1 to 4, over whatever identities the data hold: every cell too large, too small, blank.

    `true` has a report for each form in which all of them hold. Without it one is made up, which
    only works where few cells are in several identities, and pairs of cells are tried too.
    """
    rows = []
    for form in sorted({form for form, _ in data}):
        own = {name: sides for (f, name), sides in data.items() if f == form}
        right = true[form] if true else _true(own)
        found = [*_readings(own, right), *([] if true else _pairs(own, right))]
        rows += [{"report_id": f"{form} {name}", "form": form, **v} for name, v in found]
    return Case({"stg_report_values": rows}, [f for row in rows for f in judged(row, data)])


def judged(row: Row, data: Identities) -> Iterator[Row]:
    """The rule in plain Python: what is blank adds to its own side, and nothing is negative."""
    for (form, name), (plus, minus) in data.items():
        if form != row["form"]:
            continue
        left, right = ([row.get(c) for c in side] for side in (plus, minus))
        known = [sum(v for v in side if v is not None) for side in (left, right)]
        open_left, open_right = (None in side for side in (left, right))
        if not open_left and not open_right:
            verdict = "violated" if known[0] != known[1] else None
        elif (not open_right and known[0] > known[1]) or (not open_left and known[1] > known[0]):
            verdict = "violated"
        else:
            verdict = "cannot_tell"
        if verdict:
            yield {
                "report_id": row["report_id"],
                "rule": name.partition(".")[0],
                "identity": name,
                "cells": plus + minus,
                "expected": None if open_left else known[0],
                "found": None if open_right else known[1],
                "verdict": verdict,
            }


Own = Mapping[str, tuple[list[str], list[str]]]  # the identities of one form: plus, minus


def _readings(own: Own, true: Row) -> Iterator[tuple[str, Row]]:
    cells = sorted({c for plus, minus in own.values() for c in plus + minus})
    nothing: Row = dict.fromkeys(cells, 0)
    yield "true", true
    yield "nothing", nothing
    yield "all blank", dict.fromkeys(cells)
    for cell in cells:
        yield f"{cell} larger", true | {cell: true[cell] + 1}
        yield f"{cell} smaller", true | {cell: true[cell] - 1}
        yield f"{cell} blank", true | {cell: None}
        yield f"{cell} alone", nothing | {cell: 1}
        yield f"{cell} blank among nothing", nothing | {cell: None}
    for name, sides in own.items():
        for one, two in (sides, sides[::-1]):
            first, last = one[0], two[-1]
            yield f"{name} {first} and {last} blank", true | {first: None, last: None}
            much = {one[-1]: true[one[-1]] + 999}
            yield f"{name} {two[0]} blank, {one[-1]} large", true | {two[0]: None} | much
            if len(one) > 1:  # whatever the blank is, its side is too large already
                yield f"{name} {first} blank, {one[-1]} large", true | {first: None} | much
            # What is known agrees without the blank.
            rest = sum(true[c] for c in one[1:]) - sum(true[c] for c in two[1:])
            yield f"{name} {first} blank, known agree", true | {first: None, two[0]: rest}


def _pairs(own: Own, true: Row) -> Iterator[tuple[str, Row]]:
    """Two cells of one side alone, which cancel out where a sign is wrong."""
    for name, sides in own.items():
        for one in sides:
            for a, b in combinations(one, 2):
                values = dict.fromkeys(true, 0) | {a: 1, b: 1}
                yield f"{name} only {a} and {b}", _elsewhere(values, own, name, (a, b))


def _true(own: Own) -> Row:
    """Every cell another number, so that all identities hold: parts first, then their sums."""
    values: Row = {}
    number = 3
    for plus, minus in own.values():
        for cell in plus + minus[1:]:
            if cell not in values:
                values[cell] = number
                number = number * 2 + 1
        values[minus[0]] = sum(values[c] for c in plus) - sum(values[c] for c in minus[1:])
    return values


def _elsewhere(values: Row, own: Own, name: str, cells: tuple[str, str]) -> Row:
    """Lets the other identities of those cells hold, so that only `name` is at fault."""
    for other, (plus, minus) in own.items():
        if other != name and (many := sum(c in plus for c in cells)):
            values = values | {minus[0]: many}
    return values
