"""The archive stores bytes once, forgets nothing and says which part is damaged."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tasks import snapshot
from tasks.files import open_parquet, write_table
from tasks.records import BadInput, Fetched, snapshot_id_of
from tasks.schemas import SNAPSHOTS_SCHEMA
from tasks.snapshot import (
    append,
    aside,
    known,
    parts,
    read_bytes,
    rows_from_files,
    set_aside_damaged,
)
from tasks.store import Warehouse
from tests import stores

NIGHT = datetime(2026, 1, 20, 18, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def objects() -> Iterator[str]:
    with stores.store() as options:
        yield options


@pytest.fixture(params=["folder", "object store"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path, objects: str) -> Warehouse:
    """An archive on this machine, and one in an object store: all below holds for both."""
    if request.param == "object store":
        stores.cluster_file(tmp_path / "w", objects)
    made = Warehouse.at(tmp_path / "w")
    made.ensure()
    return made


def page(name: str, body: bytes | None, *, day: int = 0, status: int = 200, **more: str) -> Fetched:
    url = f"http://www.a.gov.cn/{name}"
    return Fetched(
        document_id=more.pop("document_id", url),
        url=url,
        final_url=url,
        fetched_at=NIGHT + timedelta(days=day),
        official=True,
        http_status=status,
        headers={"Server": "x", "Date": "y"},
        body=body,
        size=None if body is None else len(body),
        snapshot_id=more.pop("snapshot_id", None if body is None else snapshot_id_of(body)),
        etag=more.get("etag"),
        parent_document_id=more.get("parent_document_id"),
        error_code=more.get("error_code"),
    )


def test_bytes_whose_part_is_lost_count_as_lost_though_later_visits_found_the_same(
    warehouse: Warehouse,
) -> None:
    [first] = append(warehouse, "r1", [page("a", b"same"), page("b", b"other")])
    append(warehouse, "r2", [page("a", b"same", day=1), page("b", b"other", day=1)])
    assert set(known(warehouse).snapshots.values()) == {page(n, b"").url for n in "ab"}
    first.unlink()
    assert known(warehouse).snapshots == {}


def test_parts_follow_the_contract(warehouse: Warehouse) -> None:
    rows = [page(f"{i}", f"page {i}".encode()) for i in range(130)]
    [path] = append(warehouse, "r1", rows)
    assert path.name == "part-r1-00000.parquet"
    file = open_parquet(path)
    assert file.schema_arrow.equals(SNAPSHOTS_SCHEMA)
    groups = [file.metadata.row_group(i) for i in range(file.num_row_groups)]
    assert [g.num_rows for g in groups] == [64, 64, 2]
    assert groups[0].column(0).compression == "ZSTD"
    row = file.read().to_pylist()[3]
    assert row["run_id"] == "r1"
    assert row["bytes"] == b"page 3"
    assert row["fetched_at"] == NIGHT
    assert row["headers"] == [("Date", "y"), ("Server", "x")]
    [second] = append(warehouse, "r1", [page("x", b"x")])
    assert second.name == "part-r1-00001.parquet"
    assert append(warehouse, "r1", []) == []


def test_the_same_rows_give_the_same_file(tmp_path: Path) -> None:
    written = []
    for name in ("a", "b"):
        warehouse = Warehouse.at(tmp_path / name)
        warehouse.ensure()
        written += append(warehouse, "r1", [page("1", b"one"), page("2", b"two")])
    assert written[0].read_bytes() == written[1].read_bytes()


def test_a_part_holds_no_more_than_can_be_read_at_once(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "PART_ROWS", 2)
    written = snapshot.append(warehouse, "run", [page(f"{n}", b"%d" % n) for n in range(5)])
    assert [*map(snapshot.rows_in, written)] == [2, 2, 1]


def test_bytes_are_stored_once_and_keep_their_first_document(warehouse: Warehouse) -> None:
    ids = known(warehouse).snapshots
    append(warehouse, "r1", [page("1", b"same"), page("2", b"same"), page("3", b"other")], ids)
    append(warehouse, "r2", [page("4", b"same", day=1), page("3", b"new", day=1)], ids)
    stored = [r["bytes"] for p in parts(warehouse) for r in open_parquet(p).read().to_pylist()]
    assert stored == [b"same", None, b"other", None, b"new"]
    assert known(warehouse).snapshots == ids
    assert ids[snapshot_id_of(b"same")] == "http://www.a.gov.cn/1"
    assert read_bytes(warehouse, snapshot_id_of(b"new")) == b"new"
    assert read_bytes(warehouse, snapshot_id_of(b"same")) == b"same"
    with pytest.raises(KeyError):
        read_bytes(warehouse, "0" * 64)


def test_a_failure_keeps_the_validators_of_the_last_good_fetch(warehouse: Warehouse) -> None:
    one = snapshot_id_of(b"one")
    append(warehouse, "r1", [page("1", b"one", etag='"1"')])
    append(warehouse, "r2", [page("1", None, day=1, status=304, snapshot_id=one, etag='"1"')])
    append(warehouse, "r3", [page("1", None, day=2, status=500, error_code="http_500")])
    found = known(warehouse)
    state = found.states["http://www.a.gov.cn/1"]
    assert (state.etag, state.snapshot_id, state.error_code) == ('"1"', one, "http_500")
    assert found.snapshots == {one: "http://www.a.gov.cn/1"}


def test_children_of_a_page_are_known_also_when_they_failed(warehouse: Warehouse) -> None:
    parent = "http://www.a.gov.cn/1"
    append(
        warehouse,
        "r1",
        [
            page("1", b"page"),
            page("1.pdf", b"pdf", parent_document_id=parent),
            page("2.pdf", None, parent_document_id=parent, status=404, error_code="http_404"),
        ],
    )
    children = known(warehouse).children(parent)
    assert [(c.url, c.error_code) for c in children] == [
        ("http://www.a.gov.cn/1.pdf", None),
        ("http://www.a.gov.cn/2.pdf", "http_404"),
    ]
    assert known(warehouse).children("http://www.a.gov.cn/none") == []


def test_a_damaged_part_is_set_aside_and_heals(warehouse: Warehouse) -> None:
    [bad] = append(warehouse, "r1", [page("1", b"one")])
    append(warehouse, "r2", [page("2", b"two")])
    whole = bad.read_bytes()
    bad.write_bytes(whole[:100])
    with pytest.raises(BadInput, match=r"part-r1-00000\.parquet is damaged"):
        known(warehouse)
    [place] = set_aside_damaged(warehouse)
    assert place.read_bytes() == whole[:100]  # moved, not removed
    assert set_aside_damaged(warehouse) == []
    assert list(aside(warehouse)) == [place]
    rest = known(warehouse)
    assert list(rest.states) == ["http://www.a.gov.cn/2"]
    assert read_bytes(warehouse, snapshot_id_of(b"two")) == b"two"
    with pytest.raises(KeyError):
        read_bytes(warehouse, snapshot_id_of(b"one"))
    bad.write_bytes(whole)
    assert aside(warehouse) == {}
    assert read_bytes(warehouse, snapshot_id_of(b"one")) == b"one"


def test_a_flipped_bit_in_any_column_is_damage(warehouse: Warehouse) -> None:
    """Page checksums: without them zstd hands out other values without a word."""
    noise = [page(f"{n}", bytes([n]) * 90, etag=f"{n:x}" * 9) for n in range(50)]
    [path] = append(warehouse, "r1", noise)
    whole = path.read_bytes()
    column = open_parquet(path).metadata.row_group(0).column(11)  # etag
    data = bytearray(whole)
    data[column.data_page_offset + column.total_compressed_size // 2] ^= 1
    path.write_bytes(data)
    assert [p.name for p in set_aside_damaged(warehouse)] == [path.name]


def test_a_part_of_another_version_is_refused_and_stays(warehouse: Warehouse) -> None:
    [path] = append(warehouse, "r1", [page("1", b"one")])
    write_table(path, open_parquet(path).read().drop_columns(["etag"]))
    with pytest.raises(BadInput, match="column etag is missing"):
        set_aside_damaged(warehouse)
    assert path.exists()


def test_files_and_folders_are_imported(tmp_path: Path) -> None:
    folder = tmp_path / "dump"
    (folder / "镇").mkdir(parents=True)
    (folder / "a.html").write_bytes(b"<html>")
    (folder / "镇" / "年报 2023.pdf").write_bytes(b"%PDF-")
    (folder / "empty.html").write_bytes(b"  ")
    (folder / "style.css").write_bytes(b"p {}")
    (folder / ".hidden").write_bytes(b"x")
    (folder / "big.txt").write_bytes(b"x" * 101)
    rows = {
        Path(r.url).name: r
        for r in rows_from_files([folder], "http://www.a.gov.cn/x/", lambda u: None, max_bytes=100)
    }
    assert len(rows) == 4
    assert rows["a.html"].document_id == "http://www.a.gov.cn/x/a.html"
    assert rows["a.html"].origin == "imported"
    assert rows["a.html"].official
    assert rows["empty.html"].error_code == "empty_body"
    assert rows["big.txt"].error_code == "too_large"
    [pdf] = [r for r in rows.values() if r.content_type == "application/pdf"]
    assert pdf.url == "http://www.a.gov.cn/x/%E9%95%87/%E5%B9%B4%E6%8A%A5%202023.pdf"
    assert pdf.body == b"%PDF-"


def test_one_file_may_be_given_its_own_url_or_none(tmp_path: Path) -> None:
    file = tmp_path / "page.txt"
    file.write_text("text")
    [named] = rows_from_files([file], "https://www.a.gov.cn/art/1.html", lambda u: None)
    assert (named.url, named.document_id) == (
        "https://www.a.gov.cn/art/1.html",
        "http://www.a.gov.cn/art/1.html",
    )
    [local] = rows_from_files([file], None, lambda u: None if "gov.cn" in u else "no")
    assert local.url == file.as_uri()
    assert not local.official


def test_wrong_paths_are_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        list(rows_from_files([tmp_path / "none.html"]))
    (tmp_path / "a.html").write_bytes(b"x")
    with pytest.raises(BadInput, match="base-url"):
        list(rows_from_files([tmp_path / "a.html"], "www.a.gov.cn"))
