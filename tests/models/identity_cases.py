"""For each model of the identities: rows in, and what must come out, decided by hand.

The rows are what tells a right query from a wrong one: one thing is the matter in each, and every
number differs, so that a swapped column or a dropped term shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]

APPLICANTS = (
    *("natural_person", "business", "research", "public_interest"),
    *("legal_service", "other_org", "total"),
)


@dataclass(frozen=True)
class Case:
    """Tables by name, and the rows that must come out, by the columns that are given."""

    tables: Mapping[str, Sequence[Row]]
    expected: Sequence[Row]


def years() -> Case:
    """5 and 6: what a year hands on to the next."""
    reports: list[Row] = []
    values: list[Row] = []
    units: list[Row] = []
    expected: list[Row] = []

    def report(unit: str, year: int, form: str, cells: Row, version: int = 1, **more: Any) -> str:
        report_id = f"{unit} {year}{''.join(f' {k}' for k in more)}"
        base = {"is_current": True, "resolution": "resolved", "scope": "own", "unit_id": unit}
        base |= {"report_id": report_id, "form": form, "report_year": year}
        reports.append(base | more)
        values.append({"report_id": report_id, "form": form, "report_year": year, **cells})
        there = {"unit_id": unit, "report_year": year, "version": version, "division_id": unit}
        if there not in units:
            units.append(there)
        return report_id

    def finding(unit: str, year: int, identity: str, old: Any, new: Any, verdict: str) -> None:
        rule, _, row = identity.partition(".")
        cells = {
            "carried_over": [f"requests.carried_in.{row}"],
            "in_force": [f"proactive.{row}.{c}" for c in ("in_force", "issued", "repealed")],
            "items_last_year": [f"proactive.{row}.items_last_year"],
        }[rule]
        expected.append(
            {
                "report_id": f"{unit} {year}",
                "rule": rule,
                "identity": identity,
                "cells": cells,
                "expected": old,
                "found": new,
                "verdict": verdict,
                "last_year": year - 1,
                "last_report_id": f"{unit} {year - 1}",
                "division_changed": unit.startswith(("moved", "merged")),
            }
        )

    out = {f"requests.carried_out.{a}": 10 + n for n, a in enumerate(APPLICANTS)}
    into = {f"requests.carried_in.{a}": 10 + n for n, a in enumerate(APPLICANTS)}
    rules = {"in_force": 100, "issued": 7, "repealed": 3}
    norms = {"in_force": 200, "issued": 21, "repealed": 11}
    law = {f"proactive.rules.{k}": v for k, v in rules.items()}
    law |= {f"proactive.normative_documents.{k}": v for k, v in norms.items()}
    law_now = law | {"proactive.rules.in_force": 104, "proactive.normative_documents.in_force": 210}

    # Everything is handed on: no row.
    report("holds", 2021, "2021", out | into | law)
    report("holds", 2022, "2021", out | into | law_now)

    # Every column is one more than it should be.
    report("breaks", 2021, "2021", out | law)
    wrong = {c: v + 50 + n for n, (c, v) in enumerate(into.items())}
    wrong |= {"proactive.rules.in_force": 105, "proactive.normative_documents.in_force": 190}
    report("breaks", 2022, "2021", out | law_now | wrong)
    for n, applicant in enumerate(APPLICANTS):
        finding("breaks", 2022, f"carried_over.{applicant}", 10 + n, 60 + 2 * n, "violated")
    finding("breaks", 2022, "in_force.rules", 104, 105, "violated")
    finding("breaks", 2022, "in_force.normative_documents", 210, 190, "violated")

    # Blanks: last year's, this year's, both; of each term.
    report(
        "blank",
        2021,
        "2021",
        out
        | law
        | {"requests.carried_out.business": None, "requests.carried_out.total": None}
        | {"proactive.rules.in_force": None},
    )
    report(
        "blank",
        2022,
        "2021",
        into
        | law_now
        | {"requests.carried_in.research": None, "requests.carried_in.total": None}
        | {"proactive.normative_documents.issued": None},
    )
    finding("blank", 2022, "carried_over.business", None, 11, "cannot_tell")
    finding("blank", 2022, "carried_over.research", 12, None, "cannot_tell")
    finding("blank", 2022, "carried_over.total", None, None, "cannot_tell")
    finding("blank", 2022, "in_force.rules", None, 104, "cannot_tell")
    finding("blank", 2022, "in_force.normative_documents", None, 210, "cannot_tell")
    report("blanker", 2021, "2021", out | law)
    report(
        "blanker",
        2022,
        "2021",
        into
        | law_now
        | {"proactive.rules.repealed": None, "proactive.normative_documents.in_force": None},
    )
    finding("blanker", 2022, "in_force.rules", None, 104, "cannot_tell")
    finding("blanker", 2022, "in_force.normative_documents", 210, None, "cannot_tell")

    # Three years on end.
    for year, slip in ((2021, 0), (2022, 0), (2023, 5)):
        cells: Row = {"requests.carried_in.business": 11 + slip, "proactive.rules.in_force": 100}
        same = {"proactive.rules.issued": 3, "proactive.normative_documents.issued": 11}
        report("three", year, "2021", out | into | law | cells | same)
    finding("three", 2023, "carried_over.business", 11, 16, "violated")

    # The division changed in between: what differs cannot be told, what agrees has no row.
    report("moved", 2021, "2021", out | law, version=1)
    other = {"requests.carried_in.business": 99, "proactive.rules.in_force": 101}
    report("moved", 2022, "2021", into | law_now | other, version=2)
    finding("moved", 2022, "carried_over.business", 11, 99, "cannot_tell")
    finding("moved", 2022, "in_force.rules", 104, 101, "cannot_tell")

    # So with one that another was merged into; of another year or scope it says nothing.
    report("merged", 2021, "2021", out | law)
    report("merged", 2022, "2021", into | law_now | other)
    finding("merged", 2022, "carried_over.business", 11, 99, "cannot_tell")
    finding("merged", 2022, "in_force.rules", 104, 101, "cannot_tell")
    changes = [("merged", 2022, "own"), ("breaks", 2021, "own"), ("breaks", 2022, "area")]

    # The form of 2019: 上一年 and 增/减 instead of 现行有效.
    kinds = ("licences", "other_services", "penalties", "coercion", "fees")
    items = {f"proactive.{k}.items_last_year": 1000 + n for n, k in enumerate(kinds)}
    items |= {f"proactive.{k}.change": 50 * (n + 1) for n, k in enumerate(kinds)}
    now = {f"proactive.{k}.items_last_year": 1050 + 51 * n for n, k in enumerate(kinds)}
    report("old holds", 2019, "2019", out | items)
    report("old holds", 2020, "2019", into | now)
    report("old breaks", 2019, "2019", out | items | {"proactive.fees.change": None})
    more = {c: v + 7 for c, v in now.items()} | {"proactive.coercion.items_last_year": None}
    report("old breaks", 2020, "2019", into | items | more)
    for n, kind in enumerate(kinds):
        before = None if kind == "fees" else 1050 + 51 * n
        after = None if kind == "coercion" else 1057 + 51 * n
        verdict = "cannot_tell" if None in (before, after) else "violated"
        finding("old breaks", 2020, f"items_last_year.{kind}", before, after, verdict)

    # From one form to the other, either way: only what is carried over.
    report("forward", 2020, "2019", out | items)
    report("forward", 2021, "2021", into | law | {"requests.carried_in.total": 1})
    finding("forward", 2021, "carried_over.total", 16, 1, "violated")
    report("backward", 2021, "2021", out | law)
    report("backward", 2022, "2019", into | now | {"requests.carried_in.other_org": 2})
    finding("backward", 2022, "carried_over.other_org", 15, 2, "violated")

    # No pair: a year is missing; another scope; not current; not resolved; not placed in that year.
    nothing = dict.fromkeys(into, 0)
    report("gap", 2019, "2021", out | law)
    report("gap", 2021, "2021", nothing | law)
    report("scopes", 2021, "2021", out | law)
    report("scopes", 2022, "2021", nothing | law, scope="area")
    report("superseded", 2021, "2021", out | law, is_current=False)
    report("superseded", 2022, "2021", nothing | law)
    report("doubtful", 2021, "2021", out | law)
    report("doubtful", 2022, "2021", nothing | law, resolution="conflict")
    report("nowhere", 2021, "2021", out | law)
    report("nowhere", 2022, "2021", nothing | law)
    units[:] = [u for u in units if (u["unit_id"], u["report_year"]) != ("nowhere", 2022)]
    report("unread", 2021, "2021", out | law)
    report("unread", 2022, "2021", nothing | law)
    values[:] = [v for v in values if v["report_id"] != "unread 2022"]
    changed = [dict(zip(("division_id", "year", "scope"), c, strict=True)) for c in changes]
    tables = {"reports": reports, "stg_report_values": values, "unit_years": units}
    return Case(tables | {"division_changes": changed}, expected)


def prose() -> Case:
    """7: what the text says against what the table says."""
    received, carried = "requests.new_received.total", "requests.carried_in.total"
    left = "requests.carried_out.total"
    old, new = "requests.other_handling.total", "requests.other_other.total"  # of one form each

    def said(*numbers: tuple[str, int, str]) -> list[Row]:
        return [{"measure": m, "value": v, "sentence": s} for m, v, s in numbers]

    readings: list[tuple[str, str, list[Row] | None]] = [
        ("agrees", "2021", said((received, 5, "a"), (carried, 6, "b"), (left, 7, "c"))),
        ("differs", "2021", said((received, 15, "d"))),
        ("old differs", "2019", said((carried, 16, "e"))),
        ("old received differs", "2019", said((received, 25, "s"))),
        ("last differs", "2021", said((left, 17, "f"))),
        ("old agrees", "2019", said((received, 5, "g"), (carried, 6, "h"), (left, 7, "i"))),
        ("blank", "2021", said((received, 5, "j"))),
        ("old blank", "2019", said((left, 8, "k"))),
        # One sentence of two confirms; of two that are wrong the smaller number is shown.
        ("one confirms", "2021", said((received, 50, "l"), (received, 5, "m"))),
        ("both wrong", "2021", said((received, 9, "z"), (received, 8, "y"), (received, 10, "x"))),
        ("two figures", "2021", said((received, 5, "n"), (carried, 5, "o"), (left, 5, "p"))),
        ("zero", "2021", said((received, 5, "q"))),
        # A cell that only one form has (no sentence is about one so far).
        ("new cell differs", "2021", said((new, 9, "w"))),
        ("old cell differs", "2019", said((old, 4, "u"))),
        ("says nothing", "2021", []),
        ("silent", "2021", None),
    ]
    stg_readings: list[Row] = [
        {"report_id": name, "outcome": "parsed", "form": form, "prose_numbers": numbers}
        for name, form, numbers in readings
    ]
    stg_readings += [
        {"report_id": n, "outcome": o, "form": "2021", "prose_numbers": said((received, 99, "r"))}
        for n, o in (("rejected", "rejected"), ("without cells", "parsed"))
    ]
    empty: dict[str, Row] = {
        "blank": {received: None},
        "old blank": {left: None},
        "zero": {received: 0},
    }
    values = [
        {"report_id": r["report_id"], "form": r["form"], received: 5, carried: 6, left: 7}
        | ({old: 3} if r["form"] == "2019" else {new: 2})
        | empty.get(r["report_id"], {})
        for r in stg_readings
        if r["report_id"] != "without cells"
    ]

    def finding(report: str, cell: str, text: int, table: int | None, sentence: str) -> Row:
        return {
            "report_id": report,
            "rule": "prose",
            "identity": f"prose.{cell}",
            "cells": [cell],
            "expected": text,
            "found": table,
            "verdict": "cannot_tell" if table is None else "violated",
            "sentence": sentence,
        }

    return Case(
        {"stg_readings": stg_readings, "stg_report_values": values},
        [
            finding("differs", received, 15, 5, "d"),
            finding("old differs", carried, 16, 6, "e"),
            finding("old received differs", received, 25, 5, "s"),
            finding("old cell differs", old, 4, 3, "u"),
            finding("new cell differs", new, 9, 2, "w"),
            finding("last differs", left, 17, 7, "f"),
            finding("blank", received, 5, None, "j"),
            finding("old blank", left, 8, None, "k"),
            finding("both wrong", received, 8, 5, "y"),
            finding("two figures", carried, 5, 6, "o"),
            finding("two figures", left, 5, 7, "p"),
            finding("zero", received, 5, 0, "q"),
        ],
    )


def hierarchy() -> Case:
    """8: an area's report against those of its units."""
    series = (
        *("requests.new_received.total", "requests.carried_in.total"),
        *("requests.total_handled.total", "requests.carried_out.total"),
        "review_litigation.reconsideration.total",
        "review_litigation.litigation_direct.total",
        "review_litigation.litigation_after_review.total",
    )
    reports: list[Row] = []
    totals: list[Row] = []
    expected: list[Row] = []

    def area(
        name: str, units: Any, own: Any, reporting: int, verdict: str | None = None, blank: int = 0
    ) -> None:
        """One area of its own for each total, so that each is seen alone."""
        for n, one in enumerate(series):
            area_id, report_id = f"{name} {n}", f"report of {name} {n}"
            reports.append(
                {"area_id": area_id, "report_year": 2021, "report_id": report_id, "role": "area"}
            )
            totals.append(
                {
                    "area_id": area_id,
                    "report_year": 2021,
                    "series": one,
                    "units_sum": units,
                    "area_value": own,
                    "reporting": reporting,
                    "units_blank": blank,
                    "expected": 9,
                }
            )
            if verdict:
                expected.append(
                    {
                        "report_id": report_id,
                        "rule": "hierarchy",
                        "identity": f"hierarchy.{one}",
                        "cells": [one],
                        "expected": units,
                        "found": own,
                        "units": reporting,
                        "units_blank": blank,
                        "units_expected": 9,
                        "verdict": verdict,
                    }
                )

    area("agrees", 40, 40, 9)
    area("agrees, some missing", 41, 41, 7, "cannot_tell")
    area("agrees, some blank", 46, 46, 9, "cannot_tell", 2)
    area("exceeds", 43, 42, 9, "violated")
    area("exceeds, some missing", 44, 33, 6, "violated")
    area("falls short", 39, 45, 9, "cannot_tell")
    area("is blank", 38, None, 9, "cannot_tell")
    area("nobody speaks", None, 37, 0)
    # Not compared: the year before, a unit's own report, another series.
    for role, year, one in (("own", 2021, 0), ("area", 2020, 0), ("area", 2021, 7)):
        name = f"{role} {year} {one}"
        reports.append({"area_id": name, "report_year": 2021, "report_id": name, "role": role})
        told = (*series, "requests.granted.total")[one]
        totals.append(
            {
                "area_id": name,
                "report_year": year,
                "series": told,
                "units_sum": 99,
                "area_value": 1,
                "reporting": 2,
                "units_blank": 0,
                "expected": 3,
            }
        )
    return Case({"total_reports": reports, "area_totals": totals}, expected)


def report_year() -> Case:
    """9: the year of the title, and the date, against the report year."""
    title = "某县{}年政府信息公开工作年度报告"

    def reading(name: str, text: str | None, year: Any = 2021, **dates: str | None) -> Row:
        told = {"report_id": name, "outcome": "parsed", "report_year": year, "title": text}
        return told | {"published_date": None, "signed_date": None, "document_date": None} | dates

    right, old = title.format(2021), title.format(2020)
    rows = [
        reading("right", right, published_date="2022-01-20"),
        reading("in the year itself", right, published_date="2021-12-31"),
        reading("old title", old, published_date="2022-01-20"),
        reading("later title", title.format("2 0 2 2"), signed_date="2023-01-05"),
        reading("the last century", title.format(1999), published_date="2022-01-20"),
        reading("two years", "2021年至2020年的报告", published_date="2022-01-20"),
        reading("old title, dated in the year itself", old, published_date="2021-06-01"),
        reading("no year", "第2020号文件和3021年", published_date="2022-01-20"),
        reading("too early", None, published_date="2020-12-30"),
        reading("signed too early", right, signed_date="2019-12-30"),
        reading("written too early", right, document_date="2018-12-30"),
        reading("published, though signed early", right, published_date="2022-01-20")
        | {"signed_date": "2019-01-01"},
        reading("signed, though written early", right, signed_date="2022-01-20")
        | {"document_date": "2019-01-01"},
        reading("both", old, published_date="2019-06-01"),
        reading("no date", right, published_date="去年"),
        reading("a spoilt date and an old title", old, published_date="去年"),
        reading("nothing said", None),
        reading("no report year", old, year=None, published_date="2022-01-20"),
        reading("rejected", old, published_date="2022-01-20") | {"outcome": "rejected"},
    ]

    def finding(name: str, year: Any, wrong: Any, dated: Any, early: Any) -> list[Row]:
        common = {"report_id": name, "rule": "year", "expected": 2021}
        return [
            common | {"identity": "year.title", "found": year, "wrong": wrong},
            common | {"identity": "year.date", "found": dated, "wrong": early},
        ]

    return Case(
        {"stg_readings": rows},
        [
            *finding("old title", 2020, True, 2022, False),
            *finding("old title, dated in the year itself", 2020, True, 2021, False),
            *finding("later title", 2022, True, 2023, False),
            *finding("the last century", 1999, True, 2022, False),
            *finding("too early", None, None, 2020, True),
            *finding("signed too early", 2021, False, 2019, True),
            *finding("written too early", 2021, False, 2018, True),
            *finding("both", 2020, True, 2019, True),
            *finding("a spoilt date and an old title", 2020, True, None, None),
        ],
    )
