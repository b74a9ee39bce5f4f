"""Every rejection code of `reasons.csv`, by a document that triggers it."""

from __future__ import annotations

import base64
import io
import re
import zipfile
from collections.abc import Callable

import openpyxl
import pytest
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from tasks.report import read
from tasks.report.model import Reading
from tasks.report.reader import reasons
from tests.publisher import figures as maker
from tests.publisher import layouts
from tests.publisher.case import case
from tests.publisher.document import Document, document
from tests.publisher.faults import FAULTS
from tests.publisher.layouts import clean

NOT_BY_A_DOCUMENT = {
    "fault": "tasks.parse gives it when the reader itself fails",
    "office_failed": "tasks.office gives it (tests/test_office.py)",
    "uncertain_picture": "tests/report/test_ocr.py renders the pictures",
}
PLAIN = document(maker.consistent("2021", 3), seed=3)


def page(doc: Document = PLAIN) -> str:
    return layouts.html(doc)


def faulty(name: str) -> bytes:
    return case("2021", 3, fault=name).page


def relabelled(old: str, new: str) -> bytes:
    text = page()
    assert f"<td>{old}</td>" in text
    return text.replace(f"<td>{old}</td>", f"<td>{new}</td>", 1).encode()


def with_first_value(text: str) -> bytes:
    """The first number of section 三 printed otherwise."""
    label = "一、本年新收政府信息公开申请数量"
    found = re.sub(rf"({label}</td><td>)\d+(</td>)", rf"\g<1>{text}\2", page())
    assert found != page()
    return found.encode()


def packed(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return out.getvalue()


def locked_pdf() -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out, encrypt=StandardEncryption("secret", ownerPassword="owner", canPrint=0))
    canvas.drawString(100, 100, "x")
    canvas.save()
    return out.getvalue()


def scan() -> bytes:
    """A PDF whose only page is a picture."""
    out = io.BytesIO()
    canvas = Canvas(out)
    canvas.rect(50, 50, 400, 600, fill=1)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def bare(title: str, *paragraphs: str, more: str = "") -> bytes:
    body = f"<h1>{title}</h1>" + "".join(map(clean.paragraph, paragraphs)) + more
    return f"<html><head><title>{title}</title></head><body>{body}</body></html>".encode()


def differing_copies() -> bytes:
    text = layouts.html(PLAIN, "copies_whole").replace("display:none", "display:block")
    label = "（七）总计"
    at = text.rfind(label)
    changed = re.sub(r"<td>\d+</td>", "<td>77</td>", text[at:], count=1)
    return (text[:at] + changed).encode()


def text_between_cells() -> bytes:
    return page().replace("<td>规章</td>", "<td>规章</td>另有12件", 1).encode()


def wide() -> bytes:
    cells = "<td>1</td>" * 300
    return bare("x", more=f"<table>{('<tr>' + cells + '</tr>') * 100}</table>")


def swapped_blocks() -> bytes:
    text = page().replace("未经复议直接起诉", "X").replace("复议后起诉", "未经复议直接起诉")
    return text.replace("X", "复议后起诉").encode()


def extra_row() -> bytes:
    """A row without a label more than the form has between two labels."""
    return case("2021", 3, layout="erased_blank/table/utf8", fault="doubled_row").page


def xlsx_of_nothing() -> bytes:
    out = io.BytesIO()
    openpyxl.Workbook().save(out)
    return out.getvalue()


NOTICE = "各乡镇人民政府，县政府各部门：为做好年度报告的编制和发布，现将有关事项通知如下。"
DOCUMENTS: dict[str, list[Callable[[], bytes]]] = {
    "empty": [lambda: b"", lambda: b" \n\0", lambda: b"<html></html>", xlsx_of_nothing],
    "not_chinese": [lambda: bare("Welcome", "The county lies on the bank of the river.")],
    "spoofed": [lambda: page().replace("</h1>", "</h1><p>澳门新葡京</p>").encode()],
    "not_report": [lambda: bare("关于做好年度报告工作的通知", NOTICE, NOTICE)],
    "error_page": [
        lambda: bare("404", "您访问的页面不存在"),
        lambda: bare("出错了", "无法访问，请稍后再试"),
    ],
    "pre_2019_report": [
        lambda: bare("云溪镇2017年政府信息公开工作年度报告", "一、概述。2017年共公开信息12条。"),
        lambda: bare("云溪镇二〇一八年政府信息公开工作年度报告", "二〇一八年共公开信息12条。"),
    ],
    "no_tables": [lambda: faulty("no_tables")],
    "attachment_only": [
        lambda: bare("云溪镇2023年政府信息公开工作年度报告", more='<a href="a.pdf">附件</a>'),
        lambda: bare("云溪镇2023年政府信息公开工作年度报告", more='<iframe src="a.pdf"></iframe>'),
    ],
    "needs_ocr": [lambda: faulty("pictures")],
    "needs_office": [
        lambda: rb"{\rtf1\ansi x}",
        lambda: b'<?xml version="1.0"?><?mso-application progid="Word.Document"?><w:wordDocument/>',
        lambda: base64.b64decode("0M8R4KGxGuE=") + bytes(800) + "WordDocument".encode("utf-16-le"),
    ],
    "unsupported": [
        lambda: packed(a=b"x"),
        lambda: bytes(range(256)) * 4,
    ],
    "encrypted": [locked_pdf],
    "broken_file": [
        lambda: b"%PDF-1.7\n%broken",
        lambda: b"\x89PNG\r\n\x1a\n" + bytes(50),
        lambda: b"\xff\xd8\xff\xe0" + bytes(50),
        lambda: b"\x1f\x8b\x08\x00broken",
        lambda: b"MIME-Version: 1.0\r\nContent-Type: multipart/related\r\n\r\n<html></html>",
        lambda: packed(**{"OFD.xml": b"<x/>"}),
        lambda: layouts.publish(PLAIN, "docx").body[:-600],
        lambda: layouts.publish(PLAIN, "xlsx").body[:-600],
        lambda: layouts.publish(PLAIN, "pdf").body[:900],
    ],
    "broken_table": [text_between_cells],
    "cut_off": [lambda: faulty("cut"), lambda: page()[: page().find("三、收到和处理")].encode()],
    "missing_tables": [lambda: faulty("no_section")],
    "missing_rows": [lambda: faulty("dropped_row")],
    "extra_rows": [extra_row],
    "unknown_label": [
        lambda: relabelled("商业企业", "外星企业代表"),
        lambda: relabelled("行政处罚", "行政奖励事项"),
    ],
    "unplaced_number": [lambda: faulty("extra_number"), lambda: faulty("dropped_number")],
    "unreadable_number": [
        lambda: with_first_value("1.2.3"),
        lambda: with_first_value("-3"),
        lambda: with_first_value("1.5"),
        lambda: with_first_value("1,23"),
        lambda: with_first_value("9" * 14),
    ],
    "competing_readings": [
        differing_copies,
        swapped_blocks,
        lambda: faulty("doubled_row"),
    ],
    "too_large": [wide],
}


def rejected(data: bytes) -> Reading:
    reading = read(data)
    assert reading.outcome == "rejected"
    assert reading.reason is not None
    assert not reading.cells
    assert not reading.findings
    return reading


@pytest.mark.parametrize(
    ("code", "number"), [(code, n) for code, made in DOCUMENTS.items() for n in range(len(made))]
)
def test_a_document_triggers_the_code(code: str, number: int) -> None:
    reason = rejected(DOCUMENTS[code][number]()).reason
    assert reason is not None
    assert reason.code == code, reason
    assert len(reason.message) > 10


def test_every_code_has_its_document_or_the_reason_why_not() -> None:
    assert DOCUMENTS.keys() | NOT_BY_A_DOCUMENT.keys() == reasons().keys()
    assert not DOCUMENTS.keys() & NOT_BY_A_DOCUMENT.keys()


@pytest.mark.parametrize("code", sorted(reasons()))
def test_every_code_says_what_it_means_and_what_to_do(code: str) -> None:
    reason = reasons()[code]
    assert reason.meaning.endswith(".")
    assert len(reason.what_to_do) > 5


@pytest.mark.parametrize("name", sorted(f.name for f in FAULTS.values() if f.destroys))
@pytest.mark.parametrize("seed", range(8))
def test_damage_that_destroys_is_rejected_under_a_known_code(name: str, seed: int) -> None:
    reason = rejected(case("2021", seed, fault=name).page).reason
    assert reason is not None
    assert reason.code in reasons()
    assert reason.code != "fault"


PLACED = ("unknown_label", "unplaced_number", "unreadable_number", "extra_rows")


@pytest.mark.parametrize("code", PLACED)
def test_what_can_be_pointed_at_names_its_place(code: str) -> None:
    for made in DOCUMENTS[code]:
        reason = rejected(made()).reason
        assert reason is not None
        assert reason.place is not None
        assert reason.place.table
        assert reason.place.row


def test_an_unknown_label_is_quoted() -> None:
    reason = rejected(relabelled("商业企业", "外星企业代表")).reason
    assert reason is not None
    assert "外星企业代表" in reason.message
