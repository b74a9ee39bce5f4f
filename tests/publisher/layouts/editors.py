"""Pages as site editors and old content systems leave them."""

from __future__ import annotations

from html import escape

from tests.publisher.document import Document
from tests.publisher.layouts import clean, word
from tests.publisher.tables import Table, TableCell


def headed(document: Document) -> str:
    """th, thead, tbody and caption; headings in strong paragraphs."""

    def table(model: Table) -> str:
        def line(row: list[TableCell]) -> str:
            return (
                "<tr>"
                + "".join(
                    f"<{tag}{clean.spans(c)} scope='col'>{clean.lines(c.text)}</{tag}>"
                    for c in row
                    for tag in ("td" if c.code else "th",)
                )
                + "</tr>"
            )

        first = next(n for n, row in enumerate(model.rows) if any(c.code for c in row))
        head, rest = model.rows[:first], model.rows[first:]
        return (
            f"<table class='table'><thead>{''.join(map(line, head))}</thead>\n"
            f"<tbody>{chr(10).join(map(line, rest))}</tbody></table>\n"
        )

    return clean.body(
        document,
        clean.Style(heading=lambda text: f"<p><strong>{escape(text)}</strong></p>\n", table=table),
    )


def ancient(document: Document) -> str:
    """Capital tags, fonts, unquoted attributes, &nbsp; in empty cells, lines by <BR>."""

    def cell(model: TableCell) -> str:
        spans = clean.spans(model).replace('"', "").upper()
        inner = clean.lines(model.text) if model.text else "&nbsp;"
        return f"<TD{spans} ALIGN=center><FONT SIZE=2>&nbsp;{inner}&nbsp;</FONT></TD>"

    def table(model: Table) -> str:
        rows = "\n".join(f"<TR>{''.join(map(cell, row))}</TR>" for row in model.rows)
        return f"<CENTER><TABLE BORDER=1 WIDTH=100%>\n{rows}\n</TABLE></CENTER>\n"

    style = clean.Style(
        paragraph=lambda text: f"&nbsp;&nbsp;&nbsp;&nbsp;{clean.lines(text)}<BR>\n",
        heading=lambda text: f"<B>{clean.lines(text)}</B><BR>\n",
        table=table,
        title=lambda text: f"<CENTER><FONT SIZE=5>{clean.lines(text)}</FONT></CENTER><BR>\n",
    )
    return clean.body(document, style)


def split_digits(document: Document) -> str:
    """Numbers broken over spans and fonts in the middle."""

    def cell(model: TableCell) -> str:
        text = clean.lines(model.text)
        if model.code and len(model.text) > 1:
            text = f"<span>{escape(model.text[:1])}</span><span><font>{escape(model.text[1:])}"
            text += "</font></span>"
        return f"<td{clean.spans(model)}><p>{text}</p></td>"

    def table(model: Table) -> str:
        rows = "\n".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in model.rows)
        return f"<table>\n{rows}\n</table>\n"

    return clean.body(document, clean.Style(table=table))


def divided(document: Document) -> str:
    """Everything in divs, cells indented and broken over source lines."""

    def cell(model: TableCell) -> str:
        inner = "".join(f"\n      <div>{escape(t)}</div>" for t in model.text.split("\n") if t)
        return f"\n    <td{clean.spans(model)}>{inner}\n    </td>"

    def table(model: Table) -> str:
        rows = "".join(f"\n  <tr>{''.join(map(cell, row))}\n  </tr>" for row in model.rows)
        return f"<div class='tablebox'><table>{rows}\n</table></div>\n"

    style = clean.Style(
        paragraph=lambda text: f"<div>　　{escape(text)}</div>\n",
        heading=lambda text: f"<div class='h'>　　{escape(text)}</div>\n",
        table=table,
    )
    return clean.body(document, style)


def layout_page(document: Document) -> str:
    """The whole article inside layout tables."""
    return (
        "<table width=1000 align=center><tr><td><table><tr><td>政府信息公开</td></tr></table></td>"
        "</tr><tr><td width=200 valign=top><table><tr><td>机构概况</td></tr><tr><td>法规公文</td>"
        f"</tr></table></td><td width=800>\n{clean.body(document)}</td></tr></table>\n"
    )


def layout_tables(document: Document) -> str:
    """Each statutory table alone in a layout table."""

    def table(model: Table) -> str:
        return (
            f"<table width='100%'><tbody><tr><td>\n{clean.table(model)}</td></tr></tbody></table>\n"
        )

    return clean.body(document, clean.Style(table=table))


def copies(document: Document) -> str:
    """A desktop and a mobile copy of each table, one after the other."""

    def table(model: Table) -> str:
        return (
            f'<div class="pc-table">{clean.table(model)}</div>\n'
            f'<div class="m-table" style="display:none">{word.table(model)}</div>\n'
        )

    return clean.body(document, clean.Style(table=table))


def copies_whole(document: Document) -> str:
    """A desktop and a mobile copy of the whole article."""
    return (
        f'<div class="pc">{clean.body(document)}</div>\n'
        f'<div class="wap" style="display:none">{clean.body(document)}</div>\n'
    )
