"""The reader against parsing alone, against bs4 and against pdfplumber: ratios in one run.

Part of `make bench`. Each fast reading is compared with the figures that the page was rendered
from, so that a fast wrong reader does not pass. Exit code 1 when a reading is wrong or a bound is
missed (`--report` only prints).
"""

from __future__ import annotations

import io
import multiprocessing
import resource
import statistics
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from time import process_time
from typing import NamedTuple

import pdfplumber
from bs4 import BeautifulSoup, Tag
from lxml import etree
from rich.console import Console
from rich.table import Table

from tasks.report import read, reader
from tasks.report.model import Paragraph, Place, Reading, Source, SourceCell, SourceRow
from tests.publisher import layouts
from tests.publisher.case import Case, case

_PROCESSES = 7


class Bound(NamedTuple):
    """One measured ratio or amount with the bound the issue sets."""

    what: str
    measured: float
    bound: float
    unit: str
    at_most: bool = True

    @property
    def kept(self) -> bool:
        """Whether the bound is kept."""
        return self.measured <= self.bound if self.at_most else self.measured >= self.bound


def least(*works: Callable[[], object], rounds: int = 60) -> list[float]:
    """The least CPU seconds of each work; they take turns, so that a noisy machine is fair."""
    found = [float("inf")] * len(works)
    for _ in range(rounds):
        for i, work in enumerate(works):
            began = process_time()
            work()
            found[i] = min(found[i], process_time() - began)
    return found


def bs4_reader(page: bytes) -> Reading:
    """The same reading over bs4+lxml in place of lxml: its tree, our recognition."""
    soup = BeautifulSoup(page, "lxml")
    found = Source("html", [], title=soup.title.get_text() if soup.title else None)
    for meta in soup.find_all("meta"):
        if meta.get("name") and meta.get("content"):
            found.meta[str(meta["name"]).lower()] = str(meta["content"])
    for hidden in soup.find_all(["script", "style"]):
        hidden.decompose()
    tables = [t for t in soup.find_all("table") if t.find("table") is None]
    numbers = {id(table): n for n, table in enumerate(tables, 1)}
    rows: Counter[int] = Counter()
    for element in soup.find_all(["p", "div", "h1", "h2", "h3", "li", "tr"]):
        table = element.find_parent("table")
        number = numbers.get(id(table), 0) if table is not None else 0
        if number and element.name == "tr":
            rows[number] += 1
            found.blocks.append(_bs4_row(element, number, rows[number]))
        elif not number and element.find(["p", "div", "li", "table", "tr"]) is None:
            text = " ".join(element.get_text().split())
            if text:
                found.blocks.append(Paragraph(text, Place("html", line=len(found.blocks) + 1)))
    reading = Reading("rejected", source_kind="html")
    reader._understand(found, reading)
    return reading


def _bs4_row(row: Tag, table: int, number: int) -> SourceRow:
    return SourceRow(
        tuple(
            SourceCell(
                cell.get_text().strip(),
                Place("html", table, number, at),
                int(str(cell.get("rowspan") or 1)),
                int(str(cell.get("colspan") or 1)),
            )
            for at, cell in enumerate(row.find_all(["td", "th"]), 1)
        ),
        table,
    )


def _wide(size: int, layout: str) -> Case:
    """A consistent report in a layout, its prose filled up to `size` bytes."""
    made = case("2021", 5, figures="consistent", layout=layout)
    missing = size - len(made.page)
    if missing <= 0:
        return made
    filler = "<p>本机关按照要求做好信息发布、审核和更新工作，持续改进服务。</p>\n".encode()
    at = made.page.index("五、存在的主要问题".encode())
    at = made.page.rindex(b"<", 0, at)
    page = made.page[:at] + filler * (missing // len(filler)) + made.page[at:]
    return Case(made.document, page, made.expect, made.content_type)


def _check(made: Case, how: Callable[[bytes], Reading] = read) -> None:
    reading = how(made.page)
    assert reading.outcome == "parsed", reading.reason
    truth = made.document.figures.cells
    wrong = [c.cell for c in reading.cells if c.value != truth[c.cell].value]
    assert not wrong, f"wrong values: {wrong[:5]}"


class HtmlCosts(NamedTuple):
    """What one process measured."""

    word: float  # whole read / raw parse of a Word page
    soup: float  # the bs4 reader / whole read
    clean: float  # whole read of a clean page less its raw parse, in seconds


def html_costs(_: int = 0) -> HtmlCosts:
    """Reads a Word page of 95 KB and a clean page of 15 KB in turns with raw parses of them."""
    parser = etree.HTMLParser(encoding="utf-8")
    word, clean = _wide(95_000, "word/table/utf8"), _wide(15_000, "clean/table/utf8")
    for made in (word, clean):
        _check(made)
        _check(made, bs4_reader)
    raw, whole, soup, clean_raw, clean_whole = least(
        lambda: etree.fromstring(word.page, parser),
        lambda: read(word.page),
        lambda: bs4_reader(word.page),
        lambda: etree.fromstring(clean.page, parser),
        lambda: read(clean.page),
    )
    return HtmlCosts(whole / raw, soup / whole, clean_whole - clean_raw)


def html_bounds() -> list[Bound]:
    """The middle of what several processes measured: where a process happens to lie in memory moves
    all that it measures by a tenth."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as pool:
        costs = list(pool.map(html_costs, range(_PROCESSES)))
    word, soup, clean = (statistics.median(each) for each in zip(*costs, strict=True))
    for each in costs:
        print(f"one process: {each.word:.2f} ×, {each.soup:.2f} ×, {each.clean * 1000:.2f} ms")
    return [
        Bound("Word page, 95 KB: whole read / raw lxml parse", word, 3, "×"),
        Bound("Word page: bs4+lxml reader / whole read", soup, 8, "×", at_most=False),
        Bound("clean page, 15 KB: whole read - raw lxml parse", clean * 1000, 1.5, "ms"),
    ]


def pdf_bounds() -> list[Bound]:
    """A born-digital report as PDF."""
    made = case("2021", 5, figures="probe_consistent", layout="pdf")
    _check(made)

    def plumber() -> int:
        with pdfplumber.open(io.BytesIO(made.page)) as document:
            for page in document.pages:
                page.extract_tables()
            return len(document.pages)

    pages = plumber()
    ours, theirs = least(lambda: read(made.page), plumber, rounds=5)
    return [
        Bound(f"PDF, {pages} pages: whole read", ours / pages * 1000, 20, "ms a page"),
        Bound("PDF: pdfplumber's tables alone / whole read", theirs / ours, 5, "×", at_most=False),
    ]


def memory_bound() -> Bound:
    """The peak of this process after reading every layout once."""
    for layout in layouts.all_layouts():
        read(case("2019", 3, figures="consistent", layout=layout).page)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Bound("memory of a process that has read every layout", peak, 300, "MB")


def main() -> int:
    """Measures, prints, and says whether every bound is kept."""
    bounds = [*html_bounds(), *pdf_bounds(), memory_bound()]
    table = Table("what", "measured", "bound", "", title="The reader (CPU time, ratios in one run)")
    for b in bounds:
        sign = "≤" if b.at_most else "≥"
        table.add_row(
            b.what,
            f"{b.measured:.2f} {b.unit}",
            f"{sign} {b.bound:g}",
            "ok" if b.kept else "MISSED",
        )
    Console().print(table)
    return 0 if all(b.kept for b in bounds) or "--report" in sys.argv else 1


if __name__ == "__main__":
    sys.exit(main())
