"""An XLSX of a report: merged cells, one sheet or one for each section."""

from __future__ import annotations

import io
import re
import zipfile

from openpyxl import Workbook

from tests.publisher.document import HEADINGS, Document
from tests.publisher.prose import chinese_date
from tests.publisher.tables import grid


def xlsx(document: Document, *, sheets: bool = False, numeric: bool = True) -> bytes:
    """The report as XLSX; figures are numbers unless `numeric` is off or they are no numbers."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "年报"
    line = 1

    def write(text: str) -> None:
        nonlocal line
        sheet.cell(line, 1, text)
        line += 1

    write(document.head.title)
    for text in (*document.prose.lead, HEADINGS["overview"], *document.prose.overview):
        write(text)
    for table in document.tables:
        if sheets:
            sheet = book.create_sheet(f"表{len(book.worksheets)}")
            line = 1
        write(HEADINGS.get(table.section, ""))
        for y, row in enumerate(grid(table)):
            for x, slot in enumerate(row, 1):
                if not slot.begins:
                    continue
                text = slot.cell.text
                plain = numeric and slot.cell.code and text.lstrip("-").isascii()
                number = plain and text.lstrip("-").replace(".", "", 1).isdigit()
                value: str | int | float = text
                if number:
                    value = float(text) if "." in text else int(text)
                sheet.cell(line + y, x, value)
                if slot.cell.rowspan > 1 or slot.cell.colspan > 1:
                    sheet.merge_cells(
                        start_row=line + y,
                        start_column=x,
                        end_row=line + y + slot.cell.rowspan - 1,
                        end_column=x + slot.cell.colspan - 1,
                    )
        line += len(table.rows) + 1
    for text in (HEADINGS["problems"], *document.prose.problems, HEADINGS["other"]):
        write(text)
    for text in document.prose.other:
        write(text)
    if document.head.signer:
        write(document.head.signer)
    if document.head.signed:
        write(chinese_date(document.head.signed))
    target = io.BytesIO()
    book.save(target)
    return _timeless(target)


def _timeless(book: io.BytesIO) -> bytes:
    """The same file without the hour it was made, so that the same report gives the same bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(book) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = re.sub(rb"\d{4}-\d\d-\d\dT[\d:]+Z", b"2024-01-02T03:04:06Z", old.read(name))
            new.writestr(zipfile.ZipInfo(name, (2024, 1, 2, 3, 4, 6)), data, zipfile.ZIP_DEFLATED)
    return target.getvalue()
