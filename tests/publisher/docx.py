"""A DOCX of a report, written part by part: gridSpan across, vMerge down."""

from __future__ import annotations

import io
import zipfile
from xml.sax.saxutils import escape

from tests.publisher.document import HEADINGS, Document
from tests.publisher.prose import chinese_date
from tests.publisher.tables import Table, grid

_TYPES = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-'
    'officedocument.wordprocessingml.document.main+xml"/></Types>'
)
_RELS = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
    'relationships/officeDocument" Target="word/document.xml"/></Relationships>'
)
_ROOT = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:document '
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
)


def _paragraph(text: str) -> str:
    """A paragraph whose text is broken over two runs, as Word does after every correction."""
    half = len(text) // 2
    runs = "".join(
        f'<w:r><w:t xml:space="preserve">{escape(part)}</w:t></w:r>'
        for part in (text[:half], text[half:])
        if part
    )
    return f"<w:p>{runs}</w:p>"


def _table(table: Table) -> str:
    rows = []
    for line in grid(table):
        cells = []
        for slot in line:
            if not slot.first_column:
                continue
            span = f'<w:gridSpan w:val="{slot.cell.colspan}"/>' if slot.cell.colspan > 1 else ""
            merge = ""
            if slot.cell.rowspan > 1:
                merge = '<w:vMerge w:val="restart"/>' if slot.begins else "<w:vMerge/>"
            inner = (
                "".join(map(_paragraph, slot.cell.text.split("\n"))) if slot.begins else "<w:p/>"
            )
            cells.append(f"<w:tc><w:tcPr>{span}{merge}</w:tcPr>{inner}</w:tc>")
        rows.append(f"<w:tr>{''.join(cells)}</w:tr>")
    columns = '<w:gridCol w:w="800"/>' * table.width
    return (
        f"<w:tbl><w:tblPr/><w:tblGrid>{columns}</w:tblGrid>{''.join(rows)}</w:tbl>{_paragraph('')}"
    )


def docx(document: Document) -> bytes:
    """The report as DOCX; the same document gives the same bytes."""
    prose, head = document.prose, document.head
    parts = [_paragraph(head.title), *map(_paragraph, prose.lead)]
    parts += map(_paragraph, [HEADINGS["overview"], *prose.overview])
    for section in ("proactive", "requests", "review_litigation"):
        parts.append(_paragraph(HEADINGS[section]))
        parts += [_table(t) for t in document.tables if t.section == section]
    parts += map(_paragraph, [HEADINGS["problems"], *prose.problems])
    parts += map(_paragraph, [HEADINGS["other"], *prose.other])
    if head.signer and head.signed:
        parts += map(_paragraph, [head.signer, chinese_date(head.signed)])
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (
            ("[Content_Types].xml", _TYPES),
            ("_rels/.rels", _RELS),
            ("word/document.xml", f"{_ROOT}{''.join(parts)}</w:body></w:document>"),
        ):
            info = zipfile.ZipInfo(name, (2024, 1, 2, 3, 4, 6))
            archive.writestr(info, text, zipfile.ZIP_DEFLATED)
    return target.getvalue()
