"""The five forms in which text extractions of others leave a report; the sentences are ours."""

from __future__ import annotations

from collections.abc import Callable

from tests.publisher.document import HEADINGS, Document
from tests.publisher.layouts import garbled
from tests.publisher.prose import chinese_date
from tests.publisher.shapes import broken_labels, erased, half_width, shortened, spaced_labels
from tests.publisher.tables import Table, grid

Tables = Callable[[list[Table]], str]


def assembled(
    document: Document,
    table: Callable[[Table], str],
    headings: dict[str, str] | None = None,
    top: list[str] | None = None,
) -> str:
    """The report in reading order; every part ends with a line break."""
    heads = headings or HEADINGS
    prose, head = document.prose, document.head
    parts = [*(top if top is not None else [head.title]), *prose.lead]
    parts += [heads["overview"], *prose.overview]
    for section in ("proactive", "requests", "review_litigation"):
        parts.append(heads[section])
        parts += [table(t) for t in document.tables if t.section == section]
    parts += [heads["problems"], *prose.problems, heads["other"], *prose.other]
    parts += [head.signer or "", chinese_date(head.signed) if head.signed else ""]
    return "\n".join(parts) + "\n"


def _cell_lines(table: Table) -> str:
    """One cell a line after a tab, a blank line after each row; a cell hanging over from the row
    above leaves an empty line, one for each cell however wide it is."""
    rows = []
    for row in grid(table):
        cells = [slot for slot in row if slot.first_column]
        rows.append(
            "".join(f"\t{slot.cell.text if slot.begins else ''}\n" for slot in cells) + "\n"
        )
    return "".join(rows)


def cell_lines(document: Document) -> str:
    """One cell a line."""
    return assembled(document, _cell_lines)


def wrapped_lines(document: Document) -> str:
    """One cell a line, with cells broken over lines without a tab."""
    return cell_lines(document.reshaped(broken_labels))


def half_width_lines(document: Document) -> str:
    """One cell a line; half-width brackets, "1、" for 一、, empty lines inside cells."""
    shaped = document.reshaped(lambda t: half_width(spaced_labels(t)))
    numerals = dict(zip("一二三四五六", "123456", strict=True))
    heads = {
        key: f"{numerals[text[0]]}、 {text[2:]}" if key not in ("proactive", "requests") else text
        for key, text in HEADINGS.items()
    }

    def table(model: Table) -> str:
        text = _cell_lines(model)
        return text.replace("\t(本列", "\t\n\n\n(本列").replace("\t(六)", "\t\n\n\n(六)")

    return assembled(shaped, table, heads)


def pipes(document: Document) -> str:
    """Pipe rows filled up to the widest row; sub-labels are "0", what hangs over is not shown."""
    shaped = document.reshaped(lambda t: shortened(erased(half_width(t))))

    def table(model: Table) -> str:
        width = model.width
        rows = []
        for row in model.rows:
            cells = [cell.text.replace("\n", " ") for cell in row]
            rows.append(" | ".join(cells) + " | " + "|" * (width - len(cells)))
        return "\n".join(rows).rstrip("| ") + " |"

    pairs = document.head.pairs()[:-1]
    head = [
        " | ".join(f"{a} | {b}" for a, b in pairs[i : i + 2]) + " |"
        for i in range(0, len(pairs), 2)
    ]
    return assembled(shaped, table, top=head)


def pdf_text(document: Document) -> str:
    """Text out of a PDF: cells after tabs, some rows shifted; on the 2019 form also torn."""

    def table(model: Table) -> str:
        rows = []
        for number, row in enumerate(model.rows):
            shift = "\t" * (1 if number % 3 == 0 and model.section == "proactive" else 0)
            cells = [cell.text for cell in row]
            tail = "\t" * max(0, 10 - len(cells))
            rows.append(f"{shift}{chr(9).join(cells)}{tail}")
            if model.section == "requests" and number % 9 == 8:
                rows.append("")  # the page ends here
        return "\n" + "\n".join(rows) + "\n"

    if document.figures.form == "2019":
        torn = garbled.tables(document)
        return assembled(document, lambda model: f"\n{torn[model.section]}\n")
    shaped = document.reshaped(lambda t: half_width(spaced_labels(t)))
    return assembled(shaped, table)


TEXTS: dict[str, Callable[[Document], str]] = {
    f.__name__: f for f in (cell_lines, wrapped_lines, half_width_lines, pipes, pdf_text)
}
