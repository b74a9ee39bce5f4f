"""Writes the golden pages: `python -m tests.golden.make`. The truth comes from the figures a page
is rendered from, never from the reader; a page that changes shows in the diff of its file.

The first five have the layouts and figures of five real reports (their sentences are their
authors', so ours differ); the rest are probes, in which every number differs, over every layout.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from tests.publisher import figures as maker
from tests.publisher import layouts
from tests.publisher.case import MAKERS
from tests.publisher.document import Document, document
from tests.publisher.faults import FAULTS
from tests.publisher.figures import Figures
from tests.publisher.form import Form
from tests.publisher.styles import mixed

FOLDER = Path(__file__).resolve().parent


class Page(NamedTuple):
    """One golden page: how it is laid out and what it says."""

    name: str
    document: Document
    layout: str
    unit: str
    year: int
    fault: str = "none"


def _set(figures: Figures, values: dict[str, str]) -> Figures:
    """All zeros but for these values."""
    cells = dict(figures.cells)
    for code in cells:
        cells[code] = maker.number(Decimal(0))
    for code, text in values.items():
        cells[code] = maker.number(Decimal(text))
    return Figures(figures.form, cells)


def seed_pages() -> Iterator[Page]:
    """The five real reports again, by figure and layout."""
    new, old = maker.consistent("2021", 1), maker.consistent("2019", 1)
    one = {
        "requests.new_received.natural_person": "1",
        "requests.new_received.total": "1",
        "requests.granted.natural_person": "1",
        "requests.granted.total": "1",
        "requests.total_handled.natural_person": "1",
        "requests.total_handled.total": "1",
    }
    four = dict.fromkeys(one, "4")
    county = four | {
        "proactive.normative_documents.issued": "6",
        "proactive.normative_documents.in_force": "30",
        "proactive.licences.decisions": "4568",
        "proactive.penalties.decisions": "538",
        "proactive.coercion.decisions": "10",
        "proactive.fees.amount": "46.2697",
    }
    town = {
        "proactive.licences.items_last_year": "2",
        "proactive.penalties.items_last_year": "5",
        "proactive.penalties.decisions": "8",
        "proactive.coercion.items_last_year": "9",
        "proactive.coercion.decisions": "2",
        "proactive.procurement.projects": "1",
        "proactive.procurement.amount": "95180",
    }
    for name, base, values, layout, unit, year, scope in (
        ("seed_cell_lines", new, one, "text/cell_lines", "白泉镇", 2021, "own"),
        ("seed_pdf_text", old, town, "text/pdf_text", "三岔河镇", 2020, "own"),
        ("seed_wrapped_lines", new, county, "text/wrapped_lines", "桦川县", 2021, "area"),
        ("seed_half_width", new, {}, "text/half_width_lines", "吴村镇", 2022, "own"),
        ("seed_pipes", new, four, "text/pipes", "清凉峰镇", 2021, "own"),
    ):
        figures = _set(base, values)
        made = document(figures, unit=unit, year=year, seed=3, scope=scope)  # type: ignore[arg-type]
        yield Page(name, made, layout, unit, year)


def probe_pages() -> Iterator[Page]:
    """Every layout, with numbers that all differ, over both forms; and every fault that is read."""
    for i, layout in enumerate(layouts.all_layouts()):
        form: Form = "2021" if i % 3 else "2019"
        figures = MAKERS["probe_consistent"](form, i)
        name = "probe_" + layout.replace("/", "_")
        yield _page(name, figures, layout, i)
    for i, fault in enumerate(n for n, f in FAULTS.items() if f.expect == "read" and n != "none"):
        form = "2019" if i % 3 else "2021"
        figures = MAKERS["probe_consistent"](form, 100 + i)
        yield _page(f"fault_{fault}", figures, "clean/table/utf8", i, fault)
    for i, kind in enumerate(("zeros_left_out", "slashes", "scattered", "undecided")):
        for form in ("2019", "2021"):
            figures = MAKERS[kind](form, 200 + i)
            yield _page(f"blanks_{kind}_{form}", figures, "word/listed/utf8", i)
    for form in ("2019", "2021"):
        yield _page(
            f"styles_{form}", mixed(MAKERS["probe_consistent"](form, 7), 7), "word/lines/utf8", 7
        )
        wrong = maker.wrong_sum(MAKERS["consistent"](form, 8), "requests.granted.total")
        yield _page(f"wrong_sum_{form}", wrong, "clean/dated/utf8", 8)


def _page(name: str, figures: Figures, layout: str, seed: int, fault: str = "none") -> Page:
    year = 2020 if figures.form == "2019" else 2023
    return Page(name, document(figures, year=year, seed=seed), layout, "白杨县云溪镇", year, fault)


def expected(page: Page) -> dict[str, Any]:
    """What the reader must say of a page: the figures it was rendered from."""
    figures = page.document.figures
    return {
        "outcome": "parsed",
        "report_year": page.year,
        "form": figures.form,
        "scope": page.document.scope,
        "cells": {
            code: [
                None if figure.value is None else format(figure.value, "f"),
                figure.printed,
                figure.status,
            ]
            for code, figure in figures.cells.items()
        },
    }


def render(page: Page) -> layouts.Rendered:
    """The page's bytes."""
    harm = FAULTS[page.fault]
    damaged = harm.on(page.document, 5)
    if harm.page is None:
        return layouts.publish(damaged, page.layout)
    body, wrapper, _ = page.layout.split("/")
    text = harm.on_page(layouts.html(damaged, body, wrapper), 5)
    return layouts.Rendered(text.encode(), "text/html", "html")


def main() -> None:
    """Writes every page and what must be read of it."""
    for page in [*seed_pages(), *probe_pages()]:
        rendered = render(page)
        (FOLDER / f"{page.name}.{rendered.suffix}").write_bytes(rendered.body)
        text = json.dumps(expected(page), ensure_ascii=False, indent=0, sort_keys=True)
        (FOLDER / f"{page.name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
