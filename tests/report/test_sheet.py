"""XLSX and XLS: what a person sees in the sheets, merged cells as spans."""

from __future__ import annotations

import base64
import datetime
import io
import struct
import zipfile
import zlib
from typing import Any

import openpyxl
import pytest
from openpyxl.styles import Color, Font, PatternFill

from tasks.report import sheet
from tasks.report.model import Paragraph, Reject, Source, SourceRow

# Made with xlwt: the table of `STACKED` below, with a heading and without its last row.
XLS = (
    "c-rk)O-NKx6#njeZ~jcj865*BkU_{wT^ND{p;JM+>ZwD~522$uR47`*w5Y(J%#{W~5EK##wrFFu=+8=O5wr-5Tm(Vj"
    "6m4o16tz%a=braojpo9El8W~|?z#7zd(OG%zWe*$i|OF(*sX9HOHc<D3x*Hw44I(hvzY*>-Y{g*&b^cj2mcg&UK&WZ"
    "3lH+1d*m3(@lHd*P3;L$;4P(tI0n6^I}uq$?BE#Mgp8q<sK6*m{3zzA3YZ>ZTFCSUYd&PUjV0%p){^e5IDqM>UcSYe"
    "#ru>}uJc3sy~{SQS+W^LcqV6Y-+5u`y0ATYw5{v!tSHfPF%BBHhD3KF+153S5Dnlsz8DeUv%OLuM;!U;$^}UNZL!?5"
    "jQoP40sS!IJi&*Mi&9P2C?eHzt$hxCSVNplK?t8Ns%jEdv60={es?OG7;Q;6_QboI(OP}t>+sX~?PhY~InsOD1tBGq"
    "x|FF99|mfUPwE;({hqKc8pAs2ZH<o&ljKUwoto(#JuIksoydqz`avUL6dJ^ZA~|x$=N%%jXotw-m6J=f1NmGI^7;wT"
    "88CPK)5~4$P0?1C^z*4;o*nCDcVS>aT9C1yYg|8QIa^dPJ;PqtaXHL1L^_n0H5FNf`a#w?%e7_HPBmjDx*?;yk;+3K"
    "o9~qjy^C(5@<c=WRA}N=bPT0*mUTezGl)u2DK1}<xF5B1VeK<-m=^!C=XjNX6}w>_kolNL4i|$=r{L$l2dzhA8?lUy"
    "FbA1!yd0C{%o@ddyHm`m8J?6So}`Ato@{G{tyPkloXWN~rxE9}dZI29mCC-{mcGhS$w}~t-i*qgFAAwqaTUayI?|`l"
    "@+n)=7RBdfS<v#Ru}3*WdKJk@k7cS|Cu5aw^F57~#-7cYBsg-xJr&ks(om-q;Eoj0{{Is>aNxj!0|yQqIB<X^|8(S~"
    "N##3~c@LNOJ&*NYXP(l6^PA+qMGQUkr0BzRC%P$5;$&9yXDwX9_9a$mWB)Id*h{S^(TR4BqciLIOJ8Urvp*{~4E(+&"
    "lx_P9*~IyW+y4&Tg7RP"
)  # fmt: skip


def workbook(*sheets: dict[str, Any], **options: Any) -> bytes:
    """An XLSX: by sheet, values by cell; a key with ":" merges that range."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for number, content in enumerate(sheets):
        page = book.create_sheet(f"表{number}")
        for key, value in content.items():
            if key.startswith("hidden"):
                for line in value:
                    if isinstance(line, int):
                        page.row_dimensions[line].hidden = True
                    else:
                        page.column_dimensions[line].hidden = True
                continue
            page[key.split(":")[0]] = value
            if ":" in key:
                page.merge_cells(key)
        page.sheet_state = options.get(f"state{number}", "visible")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def grids(source: Source) -> dict[int, list[list[tuple[str, int, int]]]]:
    out: dict[int, list[list[tuple[str, int, int]]]] = {}
    for block in source.blocks:
        if isinstance(block, SourceRow):
            cells = [(c.text, c.rowspan, c.colspan) for c in block.cells]
            out.setdefault(block.table, []).append(cells)
    return out


def texts(source: Source) -> list[str]:
    return [b.text for b in source.blocks if isinstance(b, Paragraph)]


HEAD = [
    [("标签", 2, 2), ("申请人情况", 1, 3)],
    [("自然人", 1, 1), ("商业企业", 1, 1), ("总计", 1, 1)],
    [("办理结果", 2, 1), ("一", 1, 1), ("101", 1, 1), ("102.5", 1, 1), ("１０３", 1, 1)],
]
STACKED = {
    "A1:E1": "某某镇2023年政府信息公开工作年度报告",
    "A3": "一、总体情况",
    "A4:E4": "按照条例的要求，现公布本机关2023年度报告。" * 3,
    "A5": "三、收到和处理政府信息公开申请情况",
    "A6:B7": "标签", "C6:E6": "申请人情况", "C7": "自然人", "D7": "商业企业", "E7": "总计",
    "A8:A9": "办理结果", "B8": "一", "C8": 101, "D8": 102.5, "E8": "１０３",
    "B9": "二", "C9": 201, "D9": "—",
    "A10:B10": "四、结转下年度继续办理",  # all its values blank
    "A11": "四、政府信息公开行政复议、行政诉讼情况",
    "A12": "第二十条第（一）项", "A13": 301, "B13": 0, "C13": -5,
}  # fmt: skip


def test_a_sheet_with_headings_prose_and_tables() -> None:
    source = sheet.source(workbook(STACKED))
    assert texts(source) == [
        STACKED["A1:E1"], "一、总体情况", STACKED["A4:E4"], "三、收到和处理政府信息公开申请情况",
        "四、政府信息公开行政复议、行政诉讼情况",
    ]  # fmt: skip
    assert grids(source) == {
        1: [
            *HEAD,
            [("二", 1, 1), ("201", 1, 1), ("—", 1, 1), ("", 1, 1)],
            [("四、结转下年度继续办理", 1, 2), ("", 1, 1), ("", 1, 1), ("", 1, 1)],
        ],
        2: [
            [("第二十条第（一）项", 1, 1), ("", 1, 1), ("", 1, 1)],
            [("301", 1, 1), ("0", 1, 1), ("-5", 1, 1)],
        ],
    }
    row = next(b for b in source.blocks if isinstance(b, SourceRow) and b.cells[0].text == "二")
    assert row.cells[1].place.encode() == "sheet table 1 row 9 cell 3"


def test_old_workbooks() -> None:
    source = sheet.source(zlib.decompress(base64.b85decode(XLS)))
    assert texts(source) == ["三、收到和处理政府信息公开申请情况"]
    last = [("二", 1, 1), ("201", 1, 1), ("—", 1, 1), ("", 1, 1)]
    assert grids(source) == {1: [*HEAD, last]}


def test_every_visible_sheet_and_only_what_is_to_be_seen() -> None:
    source = sheet.source(
        workbook(
            {"A1": 11, "B1": 12},
            {"A1": 21, "B1": 22},
            {"A1:A3": "合", "B1": 31, "C1": 32, "D1": 33, "B2": 41, "C2": 42, "D2": 43, "B3": 51,
             "C3": 52, "D3": 53, "hidden": [2, "C"]},
            state1="hidden",
        )
    )  # fmt: skip
    assert grids(source) == {
        1: [[("11", 1, 1), ("12", 1, 1)]],
        2: [[("合", 2, 1), ("31", 1, 1), ("33", 1, 1)], [("51", 1, 1), ("53", 1, 1)]],
    }
    assert [b.cells[0].place.encode() for b in source.blocks if isinstance(b, SourceRow)] == [
        "sheet table 1 row 1 cell 1",
        "sheet table 3 row 1 cell 1",
        "sheet table 3 row 3 cell 2",
    ]


def test_a_number_that_cannot_be_read_is_not_blank() -> None:
    source = sheet.source(workbook({"A1": "甲", "B1": "=1+2", "C1": "#DIV/0!", "D1": 0}))
    assert grids(source) == {1: [[("甲", 1, 1), ("=1+2", 1, 1), ("#DIV/0!", 1, 1), ("0", 1, 1)]]}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12.0, "12"),
        (46.2697, "46.2697"),
        (0.1 + 0.2, "0.3"),
        (-3.0, "-3"),
        (1234567.0, "1234567"),
        (0.0000123, "0.0000123"),
        (True, "TRUE"),
        (datetime.datetime(2024, 1, 31), "2024-01-31"),
        (datetime.datetime(2024, 1, 31, 8, 5), "2024-01-31 08:05:00"),
        ("1,234\r\n件", "1,234\n件"),
    ],
)  # fmt: skip
def test_printed(value: object, text: str) -> None:
    assert sheet.printed(value) == text


@pytest.mark.parametrize(
    ("value", "look", "shown"),
    [
        (12000, {"number_format": "#,##0,"}, "\ufffd12000"),
        (0.5, {"number_format": "0%"}, "\ufffd0.5"),
        (46.2697, {"number_format": "0.00"}, "\ufffd46.2697"),
        (46.5, {"number_format": "0.00"}, "46.5"),
        (7, {"number_format": ";;;"}, "\ufffd7"),
        (45000, {"number_format": "yyyy/m/d"}, "\ufffd45000"),
        (-3, {"number_format": "0;0"}, "\ufffd-3"),
        (0, {"number_format": '_ * #,##0_ ;_ * -#,##0_ ;_ * "-"??_ ;_ @_ '}, "0"),
        (-1234, {"number_format": '#,##0"件";[Red]-#,##0'}, "-1234"),
        (5, {"font": Font(strike=True)}, "\ufffd5"),
        (5, {"font": Font(vertAlign="superscript")}, "\ufffd5"),
        (5, {"font": Font(color="FFFFFFFF")}, "\ufffd5"),
        (5, {"font": Font(color="FFFFFFFF"), "fill": PatternFill("solid", "FF003366")}, "5"),
        (5, {"font": Font(color=Color(theme=0))}, "\ufffd5"),
        (5, {"font": Font(color=Color(indexed=9))}, "\ufffd5"),
        (5, {"font": Font(color="FF003366"), "fill": PatternFill("solid", "FF003366")}, "\ufffd5"),
        (5, {"font": Font(color=Color(theme=0)), "fill": PatternFill("solid", "FF003366")}, "5"),
        (5, {"font": Font(color=Color(theme=1)), "fill": PatternFill("solid", "FFFFFFFF")}, "5"),
        ("5件", {"font": Font(strike=True)}, "\ufffd"),
        ("5件", {"number_format": "0%"}, "5件"),
    ],
)
def test_a_cell_that_shows_something_else_than_its_value_is_unsure(
    value: object, look: dict[str, Any], shown: str
) -> None:
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    page["A1"], page["B1"], page["A2"], page["B2"] = "事项", "数量", "规章", value
    for attribute, of_it in look.items():
        setattr(page["B2"], attribute, of_it)
    out = io.BytesIO()
    book.save(out)
    assert grids(sheet.source(out.getvalue()))[1][1][1][0] == shown


def spoiled(change: bytes, into: bytes, part: str = "xl/worksheets/sheet1.xml") -> bytes:
    """A workbook with one part changed."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook({"A1": 1, "B2": 2, "C3:D3": 3}))) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            content = old.read(name)
            if name == part:
                assert change in content
                content = content.replace(change, into)
            new.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "broken_file"),
        (b"PK\x03\x04", "broken_file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "broken_file"),
        (spoiled(b'r="B2"', b'r="XFD1048576"'), "too_large"),
        (spoiled(b"C3:D3", b"A1:A3" + b'"/><mergeCell ref="A1:ZZ300' * 120), "too_large"),
        (spoiled(b"<sheetData>", b"<sheetData><"), "broken_file"),
        (spoiled(b"<sheetData>", b" " * (40 << 20)), "too_large"),
        (spoiled(b"<sheets>", b"", "xl/workbook.xml"), "broken_file"),
    ],
)  # fmt: skip
def test_refusals(data: bytes, code: str) -> None:
    with pytest.raises(Reject) as caught:
        sheet.source(data)
    assert caught.value.rejection.code == code


def test_a_ring_of_sectors_is_refused_before_it_eats_the_memory() -> None:
    good = zlib.decompress(base64.b85decode(XLS))
    table = struct.unpack_from("<I", good, 76)[0]
    for sector in range(8):
        ringed = bytearray(good)
        struct.pack_into("<I", ringed, (table + 1) * 512 + 4 * sector, sector)
        with pytest.raises(Reject) as caught:
            sheet.source(bytes(ringed))
        assert caught.value.rejection.code == "broken_file"
    for length in range(0, len(good), 97):
        with pytest.raises(Reject):
            sheet.source(good[:length])


def test_an_empty_workbook_has_no_blocks() -> None:
    assert sheet.source(workbook({})).blocks == []
