"""The pages beside the Prefect UI: archived documents, and the way to the replay form."""

from __future__ import annotations

import base64
import io
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from lxml import html
from PIL import Image, ImageChops
from starlette.testclient import TestClient

from flows.paths import PREFIX, replay_path, snapshot_path
from flows.show import METADATA_LABELS
from flows.viewer import viewer
from tasks import snapshot
from tasks.records import Fetched, snapshot_id_of
from tasks.report import reader
from tasks.store import Warehouse
from tests.report.test_pictures_in_place import cut_out
from tests.test_pictures import pictured

GOLDEN = Path(__file__).parent / "golden"
URL = "http://www.dinghai.gov.cn/zwgk/nb/1.html"
EVIL = (
    "<html><head><title>坏页面</title><script>alert(1)</script></head><body>"
    "<p onclick='alert(2)'>一、总体情况 &lt;script&gt;alert(3)&lt;/script&gt;</p>"
    "<img src='http://elsewhere.example/x.png'></body></html>"
).encode()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    place = Warehouse(tmp_path_factory.mktemp("viewer"))
    place.ensure()
    bodies = {
        "text/html": (GOLDEN / "probe_clean_table_gbk_lying.html").read_bytes(),
        "text/html; charset=utf-8": _broken(),
        "application/pdf": (GOLDEN / "probe_pdf.pdf").read_bytes(),
        "text/html; charset=gbk": EVIL,
        "multipart/mixed": _doubtful(),
    }
    rows = [
        Fetched(
            f"{URL}?{n}",
            f"{URL}?{n}",
            f"{URL}?{n}",
            datetime(2026, 1, 26, 18, tzinfo=UTC),
            content_type=kind,
            http_status=200,
            snapshot_id=snapshot_id_of(body),
            body=body,
        )
        for n, (kind, body) in enumerate(bodies.items())
    ]
    snapshot.append(place, "20260126T180000Z-nightly-0000", rows)
    return place


@cache
def _doubtful() -> bytes:
    """A report with three figures of a picture that nobody can read."""
    return pictured(cut_out(blurred=3))


def _broken() -> bytes:
    page = (GOLDEN / "probe_clean_table_utf8.html").read_text(encoding="utf-8")
    assert page.count("行政强制") == 1
    return page.replace("行政强制", "行政约谈").encode()


@pytest.fixture(scope="module")
def client(warehouse: Warehouse) -> TestClient:
    return TestClient(viewer(warehouse))


def _parsed(text: str) -> Any:
    return html.fromstring(text)


def _path(body: bytes, tail: str = "") -> str:
    return snapshot_path(snapshot_id_of(body)).removeprefix(PREFIX) + tail


def test_a_rejection_is_shown_with_reason_place_advice_and_links(client: TestClient) -> None:
    answer = client.get(_path(_broken()))
    assert answer.status_code == 200
    page = _parsed(answer.text)
    assert page.xpath("//*[@id='place']")[0].text_content().strip() == "行政约谈"
    assert len(page.find_class("place")) == 1
    text = page.text_content()
    for words in ("rejected · unknown_label", "“行政约谈” is no label", "What to do:", "HTTP 200"):
        assert words in text
    links = [a.get("href") for a in page.iter("a")]
    assert f"{URL}?1" in links
    assert any(link.endswith("/original") for link in links)
    assert any(replay_path("unknown_label").endswith(link.lstrip("./")) for link in links)


def test_doubtful_cells_of_a_picture_are_shown_in_red_frames(client: TestClient) -> None:
    page = _parsed(client.get(_path(_doubtful())).text)
    assert "uncertain_picture" in page.text_content()
    assert "3 numbers cannot be read with certainty" in page.text_content()
    (shown,) = page.find_class("doubtful")
    assert shown.get("alt") == "The doubtful cells, in red frames"
    kind, _, coded = shown.get("src").partition(",")
    assert kind == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(coded))) as picture:
        red, green, blue = picture.convert("RGB").split()
    frames = ImageChops.darker(red, ImageChops.invert(ImageChops.lighter(green, blue)))
    left, top, right, bottom = frames.point(lambda v: 255 * (v > 150)).getbbox() or (0, 0, 0, 0)
    assert 90 < right - left < 300  # three narrow cells, one beside the other
    assert 25 < bottom - top < 60


def test_a_parsed_document_shows_its_numbers_with_their_text(client: TestClient) -> None:
    body = (GOLDEN / "probe_clean_table_gbk_lying.html").read_bytes()
    page = _parsed(client.get(_path(body)).text)
    assert page.find_class("parsed")
    cells = [cell.text_content().strip() for cell in page.find_class("n")]
    assert len(cells) == 200
    assert all(cell not in ("", "–") for cell in cells)


def test_a_pdf_is_shown_as_text_and_given_as_it_is(client: TestClient) -> None:
    body = (GOLDEN / "probe_pdf.pdf").read_bytes()
    assert "总计" in client.get(_path(body)).text
    original = client.get(_path(body, "/original"))
    assert original.content == body
    assert original.headers["content-type"] == "application/pdf"


def test_the_original_is_decoded_as_the_reader_decodes_it(client: TestClient) -> None:
    body = (GOLDEN / "probe_clean_table_gbk_lying.html").read_bytes()
    original = client.get(_path(body, "/original"))
    assert original.headers["content-type"] == "text/html; charset=utf-8"
    assert "总体情况" in original.content.decode()


def test_strangers_pages_run_no_script_and_load_nothing(client: TestClient) -> None:
    ours = client.get(_path(EVIL))
    assert "<script" not in ours.text
    assert "alert(3)" in ours.text  # shown as the text that it is
    assert ours.headers["content-security-policy"].startswith("default-src 'none'")
    theirs = client.get(_path(EVIL, "/original"))
    assert theirs.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


@pytest.mark.parametrize("name", ["0" * 64, "../../../etc/passwd", "zz", ""])
def test_what_is_not_in_the_archive_is_said(client: TestClient, name: str) -> None:
    answer = client.get(f"/snapshots/{name}")
    assert answer.status_code == 404
    assert "Traceback" not in answer.text


def test_every_field_of_the_header_is_named_in_both_languages() -> None:
    assert set(reader._METADATA) == METADATA_LABELS.keys()
    assert all(re.fullmatch(r"[\u4e00-\u9fff]+ [a-z ]+", text) for text in METADATA_LABELS.values())
