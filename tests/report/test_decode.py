"""Bytes to text: every encoding that pages are in, whatever they declare."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.report import read
from tasks.report.decode import decode
from tests.publisher.case import case
from tests.publisher.encodings import ENCODINGS
from tests.report.test_properties import STEADY

TEXT = "云溪镇人民政府2023年政府信息公开工作年度报告：朱镕、㐀、𠮷，共收到申请12件。"
PLAIN = "云溪镇人民政府2023年政府信息公开工作年度报告，共收到申请12件。"
TRADITIONAL = "臺北市政府資訊公開年度報告，共收到申請十二件。"


def page(text: str, charset: str | None, *, filler: int = 0) -> str:
    declared = f'<meta http-equiv="Content-Type" content="text/html; charset={charset}">'
    padding = "<script>" + "x" * filler + "</script>"
    return f"<html><head>{padding}{declared if charset else ''}</head><body>{text}</body></html>"


@pytest.mark.parametrize(
    "declared", ["utf-8", "gb2312", "gbk", "gb18030", "big5", "nonsense", None]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_the_content_decides_whatever_is_declared(encoding: str, declared: str | None) -> None:
    if encoding == "gb18030" and declared == "big5":
        return  # told apart by nothing but trying: see below
    assert TEXT in decode(page(TEXT, declared).encode(encoding))


@pytest.mark.parametrize("encoding", ["gb2312", "gbk", "gb18030", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("header", ["text/html; charset=gbk", "text/html; charset=UTF-8", None])
def test_the_servers_header_cannot_spoil_a_page(encoding: str, header: str | None) -> None:
    assert PLAIN in decode(page(PLAIN, None).encode(encoding), header)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_encodings(encoding: str) -> None:
    assert TEXT in decode(page(TEXT, "utf-16").encode(encoding))


@pytest.mark.parametrize(
    ("bom", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_a_byte_order_mark_is_believed_and_removed(bom: bytes, encoding: str) -> None:
    assert decode(bom + TEXT.encode(encoding)) == TEXT


def test_big5_where_it_is_declared() -> None:
    assert TRADITIONAL in decode(page(TRADITIONAL, "big5").encode("big5hkscs"))
    assert TRADITIONAL in decode(page(TRADITIONAL, None).encode("big5"), "text/html; charset=Big5")


def test_a_declaration_after_many_kilobytes() -> None:
    assert PLAIN in decode(page(PLAIN, "gbk", filler=20_000).encode("gbk"))
    assert TRADITIONAL in decode(page(TRADITIONAL, "big5", filler=20_000).encode("big5"))


def test_rong_costs_nothing_behind_it() -> None:
    """lxml and bs4 lose the rest of a page that declares gb2312 and holds 镕."""
    raw = page(f"朱镕{'，' * 5}{PLAIN}", "gb2312").encode("gbk")
    with pytest.raises(UnicodeDecodeError):
        raw.decode("gb2312")
    assert decode(raw).endswith(f"{PLAIN}</body></html>")


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_an_end_in_the_middle_of_a_character(cut: int) -> None:
    text = decode(PLAIN.encode()[:-cut])
    assert text.startswith(PLAIN[:-1])
    assert set(text[len(PLAIN) - 1 :]) <= {"\ufffd"}
    short = decode(PLAIN.encode("gbk")[:-1])
    assert short.startswith(PLAIN[:-1])


def test_a_few_damaged_bytes_do_not_unmake_a_page() -> None:
    raw = bytearray((PLAIN * 20).encode())
    raw[300] = 0xFF
    assert decode(bytes(raw)).count("云溪镇") >= 19
    raw = bytearray((PLAIN * 20).encode("gbk"))
    raw[301] = 0xFF
    assert decode(bytes(raw)).count("云溪镇") >= 18


@STEADY
@given(
    st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=4, max_size=60),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
)
def test_any_chinese_text_survives(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


@STEADY
@given(st.binary(max_size=300), st.none() | st.text(max_size=30))
def test_any_bytes_become_some_text(data: bytes, header: str | None) -> None:
    assert isinstance(decode(data, header), str)


@pytest.mark.parametrize("encoding", sorted(ENCODINGS))
@pytest.mark.parametrize(
    "header", ["text/html", "text/html; charset=gbk", "text/html;charset=utf-8"]
)
def test_a_report_reads_alike_in_every_encoding(encoding: str, header: str) -> None:
    made = case("2021", 5, figures="probe", layout=f"clean/table/{encoding}")
    reading = read(made.page, content_type=header)
    assert {c.cell: c.value for c in reading.cells} == made.document.figures.values
    assert reading.issuing_unit == made.document.head.unit
