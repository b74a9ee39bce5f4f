"""How often pictures of reports are read, and whether ever wrongly: `make ocr-proof`.

Each grade is a way of scanning; its cases go through both forms, three fonts of the figures, and
figures of every kind: probes, zeros, blanks, marks, and sums that the publisher got wrong. Every
case follows from its grade and number.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random

from tasks.report import read
from tasks.report.model import Cell, Reading
from tests.publisher.case import MAKERS
from tests.publisher.document import Document, document
from tests.publisher.figures import Figure, Figures, wrong_sum
from tests.publisher.form import FORMS
from tests.publisher.pdf import FONT
from tests.publisher.scan import Scan, scanned, scanned_pdf

FONTS = (FONT, "Times-Roman", "Helvetica")
FIGURES = ("probe_consistent", "consistent", "zeros_left_out", "consistent", "slashes", "scattered")
UNITS = ("白杨县云溪镇", "定海区白泉镇人民政府", "桦川县财政局")
WRONG_SUM = 8  # one case in so many has a sum that its publisher got wrong
DOC = Path(__file__).resolve().parents[1] / "docs" / "ocr.md"
GRADES: dict[str, Scan] = {
    "clean, 100 dpi": Scan(100),
    "clean, 150 dpi": Scan(150),
    "clean, 200 dpi": Scan(200),
    "tilted by 1.5°, 150 dpi": Scan(150, tilt=1.5),
    "noise, blur, JPEG 50, 150 dpi": Scan(150, noise=10, blur=0.5, jpeg=50, tilt=0.4),
    "noise, blur, JPEG 40, 100 dpi": Scan(100, noise=10, blur=0.4, jpeg=40, tilt=0.4),
    "two red seals, 150 dpi": Scan(150, seal=True, jpeg=75),
    "on its side, 150 dpi": Scan(150, turned=270, tilt=0.4, jpeg=75),
    "photographed, 150 dpi": Scan(150, perspective=0.02, shade=0.3, jpeg=75),
}


@dataclass(slots=True)
class Tally:
    """What became of the cases of one grade."""

    cases: int = 0
    read: int = 0
    wrong: int = 0  # values other than printed, in documents that were read
    unread: int = 0
    repaired: int = 0
    cells: int = 0
    pages: int = 0
    seconds: float = 0.0
    consistent: int = 0  # cases whose publisher made no mistake
    consistent_read: int = 0
    codes: dict[str, int] = field(default_factory=dict)


def made(grade: str, number: int) -> tuple[Document, Scan, bool]:
    """A case: the report, how it is scanned, and whether its sums hold."""
    rng = Random(f"{grade} {number}")
    form = FORMS[number % 2]
    figures: Figures = MAKERS[FIGURES[number % len(FIGURES)]](form, rng.randrange(10**6))
    broken = number % WRONG_SUM == WRONG_SUM - 1
    if broken:
        row = rng.choice(("granted", "total_handled", "new_received"))
        code = f"requests.{row}.total"
        if figures.cells[code].value is not None and figures.cells[code].kind == "number":
            figures = wrong_sum(figures, code, rng.choice((1, 10)))
    scan = GRADES[grade]
    scan = Scan(**{**asdict(scan), "font": FONTS[number % len(FONTS)]})
    doc = document(figures, rng.choice(UNITS), rng.randint(2019, 2025), number)
    return doc, scan, not list(figures.violated())


def differences(doc: Document, reading: Reading) -> list[str]:
    """The cells, and the year and the unit, that are other than the page prints; what is unread,
    and a unit with a character that is, is no error."""
    found = [
        f"{cell.cell}: {cell.value} ({cell.status}), not {truth.value} ({truth.kind})"
        for cell in reading.cells
        if _wrong(cell, truth := doc.figures.cells[cell.cell])
    ]
    if reading.report_year not in (None, doc.head.year):
        found.append(f"report_year: {reading.report_year}, not {doc.head.year}")
    if "□" not in (unit := reading.issuing_unit or doc.head.unit) and unit != doc.head.unit:
        found.append(f"issuing_unit: {unit}, not {doc.head.unit}")
    return found


def _wrong(cell: Cell, truth: Figure) -> bool:
    status = "reported" if cell.status == "repaired" else cell.status
    return status != "unread" and (status, cell.value) != (truth.status, truth.value)


def prove(grade: str, numbers: range, tally: Tally) -> None:
    """Renders, scans and reads these cases of a grade; prints every wrong value."""
    for number in numbers:
        doc, scan, holds = made(grade, number)
        pictures = scanned(doc, scan, number)
        begun = time.process_time()
        reading = read(scanned_pdf(pictures, scan.dpi) if len(pictures) > 1 else pictures[0])
        tally.seconds += time.process_time() - begun
        tally.cases += 1
        tally.pages += len(pictures)
        tally.consistent += holds
        if reading.outcome == "rejected":
            assert reading.reason is not None
            code = reading.reason.code
            tally.codes[code] = tally.codes.get(code, 0) + 1
            if holds:
                print(f"  {grade} {number}: {reading.reason.code}: {reading.reason.message[:150]}")
            continue
        tally.read += 1
        tally.consistent_read += holds
        tally.cells += len(reading.cells)
        tally.unread += sum(c.status == "unread" for c in reading.cells)
        tally.repaired += sum(c.status == "repaired" for c in reading.cells)
        for difference in (wrong := differences(doc, reading)):
            print(f"  WRONG {grade} {number}: {difference}")
        tally.wrong += len(wrong)


def table(found: dict[str, Tally]) -> str:
    """The proof as a table of the documentation."""
    lines = [
        "| scan | cases | sums hold | of these read | other read | wrong values | unread cells "
        "| repaired | CPU s a page |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for grade, t in found.items():
        share = f"{t.consistent_read} ({t.consistent_read / max(1, t.consistent):.0%})"
        lines.append(
            f"| {grade} | {t.cases} | {t.consistent} | {share} | {t.read - t.consistent_read} "
            f"| {t.wrong} | {t.unread} of {t.cells:,} | {t.repaired} "
            f"| {t.seconds / max(1, t.pages):.1f} |"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return "\n".join(lines) + f"\n\nPeak memory of the process: {peak} MB, rendering included."


def main() -> int:
    """Runs the proof; exit code 1 when a value is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=24, help="of each grade")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--grade", help="only grades with this in their name")
    parser.add_argument("--keep", type=Path, help="add several runs up in this file")
    parser.add_argument("--write-docs", action="store_true", help=f"into {DOC.name}")
    given = parser.parse_args()
    kept: dict[str, Tally] = {}
    if given.keep and given.keep.exists():
        kept = {g: Tally(**t) for g, t in json.loads(given.keep.read_text()).items()}
    for grade in GRADES:
        if not given.grade or given.grade in grade:
            tally = kept.setdefault(grade, Tally())
            prove(grade, range(given.first, given.first + given.cases), tally)
            print(f"{grade}: {kept[grade]}", flush=True)
    kept = {grade: kept[grade] for grade in GRADES if grade in kept}
    if given.keep:
        given.keep.write_text(json.dumps({g: asdict(t) for g, t in kept.items()}))
    print(table(kept))
    if given.write_docs:
        before, _, rest = DOC.read_text(encoding="utf-8").partition("<!-- proof -->")
        after = rest.partition("<!-- /proof -->")[2]
        whole = f"{before}<!-- proof -->\n{table(kept)}\n<!-- /proof -->{after}"
        DOC.write_text(whole, encoding="utf-8")
    return int(any(t.wrong for t in kept.values()))


if __name__ == "__main__":
    sys.exit(main())
