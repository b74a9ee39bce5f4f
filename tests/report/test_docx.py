"""DOCX: written part by part, so that each way Word says something has its test."""

from __future__ import annotations

import io
import zipfile

import pytest

from tasks.report import docx
from tasks.report.docx_numbering import chinese
from tasks.report.model import Paragraph, Reject, Source, SourceRow

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
SPACES = (
    f'xmlns:w="{W}" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
)


def package(body: str, **parts: str | bytes) -> bytes:
    """A DOCX of a body; further parts by name, "_" for "/" and ".xml" added."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "word/document.xml", f"<w:document {SPACES}><w:body>{body}</w:body></w:document>"
        )
        for name, content in parts.items():
            archive.writestr(name.replace("_", "/") + ".xml", content)
    return out.getvalue()


def p(*runs: str, style: str = "", properties: str = "") -> str:
    """A paragraph of runs; what begins with "<" is taken as it is."""
    if style:
        properties += f'<w:pStyle w:val="{style}"/>'
    inner = "".join(r if r.startswith("<") else f"<w:r><w:t>{r}</w:t></w:r>" for r in runs)
    return f"<w:p><w:pPr>{properties}</w:pPr>{inner}</w:p>"


def tc(*content: str, span: int = 1, merge: str = "") -> str:
    """A cell; `merge` is "restart" or "continue"."""
    properties = f'<w:gridSpan w:val="{span}"/>' if span > 1 else ""
    if merge:
        properties += '<w:vMerge w:val="restart"/>' if merge == "restart" else "<w:vMerge/>"
    inner = "".join(c if c.startswith("<w:") else p(c) for c in content) or "<w:p/>"
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{inner}</w:tc>"


def tbl(*rows: list[str]) -> str:
    return "<w:tbl><w:tblPr/>" + "".join(f"<w:tr>{''.join(r)}</w:tr>" for r in rows) + "</w:tbl>"


def grids(source: Source) -> dict[int, list[list[tuple[str, int, int]]]]:
    """The rows of every table, as (text, rowspan, colspan)."""
    out: dict[int, list[list[tuple[str, int, int]]]] = {}
    for block in source.blocks:
        if isinstance(block, SourceRow):
            out.setdefault(block.table, []).append(
                [(c.text, c.rowspan, c.colspan) for c in block.cells]
            )
    return out


def texts(source: Source) -> list[str]:
    return [b.text for b in source.blocks if isinstance(b, Paragraph)]


def test_spans() -> None:
    source = docx.source(
        package(
            tbl(
                [
                    tc("标签", span=2, merge="restart"),
                    tc("申请人情况", span=2),
                    tc("总计", merge="restart"),
                ],
                [
                    tc(span=2, merge="continue"),
                    tc("自然人"),
                    tc("商业", "企业"),
                    tc(merge="continue"),
                ],
                [tc("结果", merge="restart"), tc("一"), tc("101"), tc("102"), tc("103")],
                [tc(merge="continue"), tc("二"), tc("201"), tc(""), tc("—")],
                [tc(merge="restart"), tc("三"), tc("３０１"), tc("302"), tc("1,303")],
            )
        )
    )
    assert grids(source) == {
        1: [
            [("标签", 2, 2), ("申请人情况", 1, 2), ("总计", 2, 1)],
            [("自然人", 1, 1), ("商业\n企业", 1, 1)],
            [("结果", 2, 1), ("一", 1, 1), ("101", 1, 1), ("102", 1, 1), ("103", 1, 1)],
            [("二", 1, 1), ("201", 1, 1), ("", 1, 1), ("—", 1, 1)],
            [("", 1, 1), ("三", 1, 1), ("３０１", 1, 1), ("302", 1, 1), ("1,303", 1, 1)],
        ]
    }
    row = source.blocks[2]
    assert isinstance(row, SourceRow)
    assert row.cells[2].place.encode() == "docx table 1 row 3 cell 3"


def test_a_continuation_of_nothing_is_a_cell() -> None:
    source = docx.source(
        package(tbl([tc("1", merge="continue"), tc("2")], [tc("3", span=2, merge="continue")]))
    )
    assert grids(source) == {1: [[("1", 1, 1), ("2", 1, 1)], [("3", 1, 2)]]}


def test_old_horizontal_merges_and_rows_that_begin_further_right() -> None:
    row = (
        "<w:tr><w:trPr><w:gridBefore w:val='2'/></w:trPr>"
        f"{tc('7')}<w:tc><w:tcPr><w:hMerge w:val='restart'/></w:tcPr>{p('8')}</w:tc>"
        "<w:tc><w:tcPr><w:hMerge/></w:tcPr><w:p/></w:tc></w:tr>"
    )
    source = docx.source(package(f"<w:tbl>{row}</w:tbl>"))
    assert grids(source) == {1: [[("", 1, 2), ("7", 1, 1), ("8", 1, 2)]]}


def test_changes_are_accepted_and_hidden_text_is_hidden() -> None:
    body = tbl(
        [
            tc(p("1", "<w:del><w:r><w:delText>9</w:delText></w:r></w:del>",
                 "<w:ins><w:r><w:t>2</w:t></w:r></w:ins>",
                 "<w:moveFrom><w:r><w:t>8</w:t></w:r></w:moveFrom>",
                 "<w:r><w:rPr><w:vanish/></w:rPr><w:t>7</w:t></w:r>",
                 '<w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t>3</w:t></w:r>')),
            tc(p("<w:hyperlink><w:r><w:t>4</w:t></w:r></w:hyperlink>",
                 "<w:r><w:noBreakHyphen/></w:r>",
                 "<w:r><w:instrText> PAGE </w:instrText></w:r>",
                 '<w:fldSimple w:instr="x"><w:r><w:t>5</w:t></w:r></w:fldSimple>')),
        ]
    )  # fmt: skip
    deleted = f"<w:tr><w:trPr><w:del/></w:trPr>{tc('6')}</w:tr>"
    source = docx.source(package(body.replace("</w:tbl>", deleted + "</w:tbl>")))
    assert grids(source) == {1: [[("123", 1, 1), ("4-5", 1, 1)]]}


@pytest.mark.parametrize(
    ("look", "shown"),
    [
        ('<w:vertAlign w:val="superscript"/>', "12\ufffd3"),
        ('<w:position w:val="8"/>', "12\ufffd3"),
        ("<w:strike/>", "12\ufffd3"),
        ('<w:color w:val="FFFFFF"/>', "12\ufffd3"),
        ('<w:rStyle w:val="Note"/>', "12\ufffd3"),
        ('<w:rStyle w:val="Gone"/>', "12"),
        ('<w:rStyle w:val="Gone"/><w:vanish w:val="0"/>', "123"),
        ('<w:color w:val="FFFFFF"/><w:shd w:fill="003366"/>', "123"),
        ('<w:color w:val="FFFFFF"/><w:shd w:val="clear" w:fill="auto"/>', "12\ufffd3"),
        ('<w:color w:val="000000"/><w:highlight w:val="black"/>', "12\ufffd3"),
        ('<w:color w:val="000000"/><w:shd w:fill="FFFFFF"/><w:sz w:val="18"/>', "123"),
        ('<w:sz w:val="2"/>', "12\ufffd3"),
        ('<w:strike w:val="0"/><w:position w:val="-2"/><w:color w:val="FF0000"/>', "123"),
    ],
)
def test_digits_that_word_sets_off_or_hides_are_not_part_of_a_number(look: str, shown: str) -> None:
    styles = (
        f'<w:styles xmlns:w="{W}">'
        '<w:style w:styleId="Base"><w:rPr><w:vertAlign w:val="superscript"/></w:rPr></w:style>'
        '<w:style w:styleId="Note"><w:basedOn w:val="Base"/></w:style>'
        '<w:style w:styleId="Gone"><w:rPr><w:vanish/></w:rPr></w:style></w:styles>'
    )
    run = f"<w:r><w:rPr>{look}</w:rPr><w:t>3</w:t></w:r>"
    source = docx.source(package(tbl([tc(p("12", run))]) + p("12", run), word_styles=styles))
    assert grids(source) == {1: [[(shown, 1, 1)]]}
    assert texts(source) == [shown.replace("\ufffd", "")]


def test_pictures_of_digits_and_fractions_are_no_blank_and_no_number() -> None:
    inline = "<wp:inline><a:graphic><a:blip/></a:graphic></wp:inline>"
    picture = f"<w:r><w:drawing>{inline}</w:drawing></w:r>"
    seal = picture.replace("inline", "anchor")
    math = "http://schemas.openxmlformats.org/officeDocument/2006/math"
    half = "<m:f><m:num><m:r><m:t>1</m:t></m:r></m:num><m:den><m:r><m:t>2</m:t></m:r></m:den></m:f>"
    fraction = f'<m:oMath xmlns:m="{math}">{half}</m:oMath>'
    source = docx.source(package(tbl([tc(p(picture)), tc(p("5", seal)), tc(p(fraction))])))
    assert grids(source) == {1: [[("\ufffd", 1, 1), ("5", 1, 1), ("\ufffd12", 1, 1)]]}


def test_layout_tables_are_paragraphs_around_their_tables() -> None:
    inner = tbl([tc("11"), tc("12")])
    source = docx.source(package(tbl([tc("上", inner, "下")]) + tbl([tc("21"), tc("22")])))
    assert [b.text if isinstance(b, Paragraph) else b.table for b in source.blocks] == [
        "上",
        1,
        "下",
        2,
    ]
    assert grids(source)[2] == [[("21", 1, 1), ("22", 1, 1)]]


def test_text_boxes_are_read_once() -> None:
    box = (
        "<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wps:txbx>"
        "<w:txbxContent>{0}</w:txbxContent></wps:txbx></w:drawing></mc:Choice><mc:Fallback>"
        "<w:pict><v:textbox><w:txbxContent>{0}</w:txbxContent></v:textbox></w:pict>"
        "</mc:Fallback></mc:AlternateContent></w:r>"
    )
    source = docx.source(
        package(
            p("前", box.format(p("框") + tbl([tc("31"), tc("32")])))
            + tbl([tc(p("41", box.format(p("42"))))])
        )
    )
    assert texts(source) == ["前", "框"]
    assert grids(source) == {1: [[("31", 1, 1), ("32", 1, 1)]], 2: [[("41\n42", 1, 1)]]}


def test_headings_and_title() -> None:
    styles = (
        f'<w:styles xmlns:w="{W}"><w:style w:styleId="a"><w:name w:val="heading 1"/></w:style>'
        '<w:style w:styleId="b"><w:name w:val="mine"/><w:basedOn w:val="a"/></w:style>'
        '<w:style w:styleId="c"><w:name w:val="Normal"/><w:basedOn w:val="c"/></w:style></w:styles>'
    )
    core = (
        '<cp:coreProperties xmlns:cp="x" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        "<dc:title> 2023年年报 </dc:title></cp:coreProperties>"
    )
    source = docx.source(
        package(
            p("一、总体情况", style="a") + p("二、", style="b") + p("正文", style="c")
            + p("三、", properties='<w:outlineLvl w:val="0"/>'),
            word_styles=styles, docProps_core=core,
        )
    )  # fmt: skip
    headings = [(b.text, b.heading) for b in source.blocks if isinstance(b, Paragraph)]
    assert headings == [("一、总体情况", True), ("二、", True), ("正文", False), ("三、", True)]
    assert source.meta == {"title": "2023年年报"}


def test_automatic_numbers_are_shown_as_word_shows_them() -> None:
    def level(k: int, form: str, text: str) -> str:
        return (
            f'<w:lvl w:ilvl="{k}"><w:start w:val="1"/><w:numFmt w:val="{form}"/>'
            f'<w:lvlText w:val="{text}"/></w:lvl>'
        )

    numbering = (
        f'<w:numbering xmlns:w="{W}"><w:abstractNum w:abstractNumId="0">'
        + level(0, "chineseCountingThousand", "%1、")
        + level(1, "chineseCounting", "（%2）")
        + level(2, "decimal", "%3.")
        + '</w:abstractNum><w:num w:numId="5"><w:abstractNumId w:val="0"/></w:num>'
        '<w:num w:numId="6"><w:abstractNumId w:val="0"/><w:lvlOverride w:ilvl="0">'
        '<w:startOverride w:val="3"/></w:lvlOverride></w:num></w:numbering>'
    )

    def item(text: str, k: int, number: int = 5) -> str:
        return p(
            text,
            properties=f'<w:numPr><w:ilvl w:val="{k}"/><w:numId w:val="{number}"/></w:numPr>',
        )

    items = [("总体情况", 0), ("主动公开", 1), ("依申请", 1), ("其他", 2), ("主动", 0), ("又", 1)]
    body = "".join(item(t, k) for t, k in items) + item("三", 0, 6) + item("无", 0, 0)
    source = docx.source(package(body, word_numbering=numbering))
    assert texts(source) == [
        "一、总体情况", "（一）主动公开", "（二）依申请", "1.其他", "二、主动", "（一）又",
        "三、三", "无",
    ]  # fmt: skip
    assert [chinese(n) for n in (9, 10, 11, 20, 35)] == ["九", "十", "十一", "二十", "三十五"]


def test_pictures_large_enough_for_a_table() -> None:
    def drawing(width: int, height: int) -> str:
        return (
            f'<w:r><w:drawing><wp:inline><wp:extent cx="{width * 12700}" cy="{height * 12700}"/>'
            '<a:blip r:embed="rId7"/></wp:inline></w:drawing></w:r>'
        )

    old = (
        '<w:r><w:pict><v:shape style="width:414pt;height:3in"><v:imagedata/></v:shape>'
        "</w:pict></w:r>"
    )
    source = docx.source(package(p(drawing(400, 300)) + p(drawing(20, 20)) + p(old)))
    assert (source.blocks, source.pictures) == ([], 2)
    png = b"\x89PNG\r\n\x1a\n..."
    rels = '<R><Relationship Id="rId7" Type="x/image" Target="media/1.png"/></R>'
    data = io.BytesIO(
        package(p("三、", drawing(400, 300)) + p("四、") + p(drawing(400, 300)) + p(old))
    )
    with zipfile.ZipFile(data, "a") as archive:
        archive.writestr("word/_rels/document.xml.rels", rels)
        archive.writestr("word/media/1.png", png)
    found = docx.source(data.getvalue()).images
    assert [(image.at, image.data) for image in found] == [(1, png), (2, png), (2, None)]


def test_strict_documents_read_the_same() -> None:
    body = package(tbl([tc("1", span=2), tc("2")]))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        text = zipfile.ZipFile(io.BytesIO(body)).read("word/document.xml").decode()
        archive.writestr(
            "doc/d.xml", text.replace(W, "http://purl.oclc.org/ooxml/wordprocessingml/main")
        )
        archive.writestr(
            "_rels/.rels",
            '<Relationships><Relationship Type="http://purl.oclc.org/ooxml/officeDocument/'
            'relationships/officeDocument" Target="/doc/d.xml"/></Relationships>',
        )
    assert grids(docx.source(out.getvalue())) == {1: [[("1", 1, 2), ("2", 1, 1)]]}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "broken_file"),
        (package(p("x"))[:200], "broken_file"),
        (package("<w:p>"), "broken_file"),
        (package(p("&x;")), "broken_file"),
        (package("<w:p>" * 5000 + "</w:p>" * 5000), "broken_file"),
        (package(" " * (30 << 20)), "too_large"),
        (package("<w:altChunk/>"), "unsupported"),
        (package(tbl([tc("")] * 300) * 700), "too_large"),
    ],
)  # fmt: skip
def test_refusals(data: bytes, code: str) -> None:
    with pytest.raises(Reject) as caught:
        docx.source(data)
    assert caught.value.rejection.code == code


def test_entities_are_not_expanded() -> None:
    evil = (
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
        f'<!ENTITY f SYSTEM "file:///etc/passwd">]><w:document xmlns:w="{W}"><w:body><w:p><w:r>'
        "<w:t>&b;&f;</w:t></w:r></w:p></w:body></w:document>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("word/document.xml", evil)
    with pytest.raises(Reject):
        docx.source(out.getvalue())


def test_absurd_spans_stay_small() -> None:
    source = docx.source(package(tbl([tc("1", span=99999), tc("2", span=-3)])))
    assert grids(source) == {1: [[("1", 1, 1000), ("2", 1, 1)]]}
