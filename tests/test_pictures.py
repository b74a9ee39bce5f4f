"""Pictures and scans are read after all else, one by one, and never hold a night up."""

from __future__ import annotations

import logging
import os
import re
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

pytest.importorskip("rapidocr", reason="pip install 'gongkai[ocr]'")

from flows import stages, watched
from tasks import parse, pictures, reports, snapshot
from tasks.files import write_bytes
from tasks.objects import ObjectPath
from tasks.report import ocr, page_images, pages
from tasks.store import Warehouse
from tests import stores
from tests.publisher import layouts
from tests.report.test_pictures_in_place import REPORT, VALUES, section_four
from tests.test_snapshot import page

__all__ = ["section_four"]
HTML = layouts.publish(REPORT, "clean/table/utf8").body.decode()
TEXT, PICTURED, EMPTY = "text", "pictured", "empty"  # documents in the order of their addresses


def pictured(picture: bytes) -> bytes:
    """The report, whose section 四 is a picture, as it is archived."""
    table = re.findall(r"<table[^>]*>(?:(?!<table).)*?</table>", HTML, re.DOTALL)[-1]
    shown = HTML.replace(table, '<p><img src="4.png" width="900"></p>').encode()
    url = "http://www.a.gov.cn/pictured"
    held = (page_images.absolute("4.png", None, url), "image/png", picture)
    return pages.join([(url, "text/html", shown), held])


@pytest.fixture
def warehouse(section_four: bytes, tmp_path: Any) -> Warehouse:
    """Two nights' parts: in the first a pictured report and a scan of nothing, then one of text."""
    made = Warehouse.at(tmp_path / "w")
    made.ensure()
    blank = section_four.replace(b"IDAT", b"IDAX", 1)  # sniffed as a picture, cannot be opened
    first = [page(PICTURED, pictured(section_four)), page(EMPTY, blank)]
    snapshot.append(made, "20260120T180000Z-nightly-0000", first)
    snapshot.append(made, "20260121T180000Z-nightly-0000", [page(TEXT, HTML.encode())])
    return made


def outcomes(readings: pa.Table) -> dict[str, str]:
    rows = readings.select(["document_id", "outcome", "reason_code"]).to_pylist()
    return {r["document_id"].rpartition("/")[2]: r["reason_code"] or r["outcome"] for r in rows}


def test_a_page_with_its_picture_is_read_when_the_pictures_are(warehouse: Warehouse) -> None:
    part = snapshot.parts(warehouse)[0]
    before = parse.read_part(part)
    assert outcomes(before) == {EMPTY: "needs_ocr", PICTURED: "needs_ocr"}
    assert all(m.endswith(ocr.LATER) for m in before["reason_message"].to_pylist())
    asked = iter([False, True])  # time for the first of them
    some = pictures.look_at(part, before, lambda: next(asked))
    assert outcomes(some) == {EMPTY: "needs_ocr", PICTURED: "parsed"}
    after = pictures.look_at(part, some)
    assert outcomes(after) == {EMPTY: "broken_file", PICTURED: "parsed"}
    assert after["document_id"].to_pylist() == before["document_id"].to_pylist()
    row = after.to_pylist()[1]
    assert {code: row[code] for code in VALUES} == VALUES
    assert pictures.look_at(part, after) is after  # nothing is read twice
    reports.write(warehouse, part.name, after)
    assert pictures.waiting(warehouse.reports / part.name) == 0


def test_pictures_in_an_object_store_are_read_as_in_a_folder(
    warehouse: Warehouse, tmp_path: Any
) -> None:
    with stores.store() as options:
        stores.cluster_file(tmp_path / "there", options)
        there = Warehouse.at(tmp_path / "there")
        there.ensure()
        for path in snapshot.parts(warehouse):
            write_bytes(there.snapshots / path.name, path.read_bytes())
        read = []
        for place in (warehouse, there):
            part = snapshot.parts(place)[0]
            reports.write(place, part.name, parse.read_part(part))
            before = reports.stored(place.reports, part.name)
            assert before is not None
            assert pictures.waiting(place.reports / part.name) == 2
            reports.write(place, part.name, pictures.look_at(part, before))
            assert pictures.waiting(place.reports / part.name) == 0
            read.append((place.reports / part.name).read_bytes())
        assert isinstance(there.snapshots, ObjectPath)
    assert read[0] == read[1]


def dies(rows: parse.Rows, *, ocr: bool = False) -> pa.Table:
    """Reads rows, but for a document that takes its process down."""
    if rows[0]["url"].endswith(EMPTY):
        os._exit(1)
    return parse.read_rows(rows, ocr=False)


def test_a_document_that_takes_its_reader_down_is_a_fault_and_the_others_are_read(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = snapshot.parts(warehouse)[0]
    before = parse.read_part(part)
    monkeypatch.setattr(parse, "read_rows", dies)
    assert outcomes(pictures.look_at(part, before)) == {EMPTY: "fault", PICTURED: "needs_ocr"}


def test_without_the_extra_nothing_waits(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = snapshot.parts(warehouse)[0]
    readings = parse.read_part(part)
    reports.write(warehouse, part.name, readings)
    assert pictures.waiting(warehouse.reports / part.name) == 2
    monkeypatch.setattr(ocr, "installed", lambda: False)
    assert pictures.waiting(warehouse.reports / part.name) == 0
    assert pictures.look_at(part, readings) is readings


class Step:
    """A step of a run that nobody watches."""

    done = 0

    def advance(self, documents: int) -> None:
        self.done += documents


def test_a_night_of_text_is_not_held_up(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All parts are read before the first picture is looked at, none of them with the recogniser;
    and a night whose time for pictures is over is a night with its text read."""
    seen: list[dict[str, str]] = []

    def look_at(part: Any, readings: pa.Table, enough: Any) -> pa.Table:
        seen.append(stored(warehouse))
        return readings

    def plain(task: Any) -> Any:
        return SimpleNamespace(with_options=lambda **_: task.fn)

    monkeypatch.setattr(ocr, "source", lambda _: pytest.fail("a picture was looked at"))
    monkeypatch.setattr(pictures, "look_at", look_at)
    monkeypatch.setattr(stages, "parse_part", plain(stages.parse_part))
    monkeypatch.setattr(stages, "read_pictures", plain(stages.read_pictures))
    monkeypatch.setattr(stages, "get_run_logger", logging.getLogger)
    monkeypatch.setattr(watched, "step", lambda *_: nullcontext(Step()))
    text_read = {TEXT: "parsed", EMPTY: "needs_ocr", PICTURED: "needs_ocr"}
    assert stages.parse_unread(warehouse, picture_seconds=-1) == 3
    assert (seen, stored(warehouse)) == ([], text_read)
    assert stages.parse_unread(warehouse, picture_seconds=60) == 0
    assert seen == [text_read]


def stored(warehouse: Warehouse) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in snapshot.parts(warehouse):
        readings = reports.stored(warehouse.reports, part.name)
        found |= outcomes(readings) if readings is not None else {}
    return found
