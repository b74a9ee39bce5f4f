"""The sum closes over two independent lists, or the run stays unfinished."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.account import (
    accounted,
    accounted_ever,
    classify,
    close,
    write_discovered,
    write_outcomes,
)
from tasks.files import write_bytes
from tasks.records import (
    OUTCOMES,
    AccountingError,
    BadInput,
    Counts,
    Discovered,
    Fetched,
    OutcomeRow,
    ReadingSummary,
)
from tasks.snapshot import append, known
from tasks.store import Warehouse

NIGHT = datetime(2026, 1, 20, 18, 0, tzinfo=UTC)
PARSED = ReadingSummary("parsed")
REJECTED = ReadingSummary("rejected", "no_tables", "there is no table", "html")


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    made = Warehouse.at(tmp_path / "w")
    made.ensure()
    return made


def listed(name: str, refusal: str | None = None) -> Discovered:
    return Discovered(name, f"http://{name}", "s", "l", "t", "2026-01-01", refusal is None, refusal)


def got(name: str, snapshot: str | None, parent: str | None = None, **more: str) -> Fetched:
    body = None if snapshot is None else snapshot.encode()
    return Fetched(
        name, f"http://{name}", f"http://{name}", NIGHT, snapshot_id=snapshot, body=body,
        parent_document_id=parent, error_code=more.get("code"), error_message=more.get("message"),
    )  # fmt: skip


def ended(name: str, outcome: str = "parsed", snapshot: str | None = None) -> OutcomeRow:
    return OutcomeRow(name, f"http://{name}", outcome, "parse", snapshot_id=snapshot)  # type: ignore[arg-type]


def finish(warehouse: Warehouse, run_id: str = "r1", day: int = 0) -> Counts:
    return close(
        warehouse,
        run_id,
        kind="nightly",
        started_at=NIGHT + timedelta(days=day),
        finished_at=NIGHT + timedelta(days=day, hours=1),
        parser_version="1",
    )


def test_a_run_that_closes_is_written_down(warehouse: Warehouse) -> None:
    assert write_discovered(warehouse, "r1", [listed("a"), listed("b"), listed("a")]) == 2
    write_outcomes(warehouse, "r1", [ended("a"), ended("b", "failed")], [ended("c", "failed")])
    counts = finish(warehouse)
    assert counts == Counts(discovered=2, parsed=1, failed=1)
    run = json.loads((warehouse.run_folder("r1") / "run.json").read_text())
    assert run == {
        "run_id": "r1",
        "kind": "nightly",
        "started_at": "2026-01-20T18:00:00Z",
        "finished_at": "2026-01-20T19:00:00Z",
        "demo": False,
        "parser_version": "1",
        "counts": counts.as_dict(),
    }


@pytest.mark.parametrize(
    ("outcomes", "says"),
    [
        (["a"], "1 documents discovered but without an outcome: b"),
        (["a", "b", "c"], "1 documents with an outcome but never discovered: c"),
        (["a", "b", "b"], "1 documents with more than one outcome: b"),
        ([], "2 documents discovered but without an outcome: a, b"),
    ],
)
def test_a_run_that_does_not_close_stays_unfinished(
    warehouse: Warehouse, outcomes: list[str], says: str
) -> None:
    write_discovered(warehouse, "r1", [listed("a"), listed("b")])
    write_outcomes(warehouse, "r1", [ended(name) for name in outcomes])
    with pytest.raises(AccountingError, match=says):
        finish(warehouse)
    assert not (warehouse.run_folder("r1") / "run.json").exists()
    assert accounted(warehouse) == {}


def test_missing_unknown_and_foreign_rows_are_refused(warehouse: Warehouse) -> None:
    with pytest.raises(AccountingError, match="cannot be read"):
        finish(warehouse)
    write_discovered(warehouse, "r1", [listed("a")])
    write_outcomes(warehouse, "r1", [ended("a", "lost")])
    with pytest.raises(AccountingError, match="unknown outcome: a"):
        finish(warehouse)
    write_outcomes(warehouse, "r2", [ended("a")])
    (warehouse.run_folder("r2") / "outcomes.parquet").replace(
        warehouse.run_folder("r1") / "outcomes.parquet"
    )
    with pytest.raises(AccountingError, match="another run's id: a"):
        finish(warehouse)


def test_each_fetch_comes_to_its_outcome() -> None:
    discovered = [listed(n) for n in "abcdefghi"] + [listed("x", "the host x is not under .gov.cn")]
    fetched = [
        got("a", "1"),
        got("b", "2"),
        got("c", "3"),
        got("d", "1"),
        got("e", None, code="robots", message="robots.txt forbids it"),
        got("f", None, code="http_404", message="the host answered 404"),
        got("g", None, code="off_site_redirect", message="evil.com is not official"),
        got("h", None, code="empty_body", message="no content"),
        got("i", "4"),
    ]
    outcomes, problems = classify(
        discovered,
        fetched,
        {"1": PARSED, "2": REJECTED, "3": PARSED},
        {"c": "3", "a": "0"},
        {"1": "a", "2": "b", "3": "c", "4": "i"},
    )
    # i was archived and not read: it has no outcome, and the run will not close.
    assert [(o.document_id, o.outcome, o.stage, o.code) for o in outcomes] == [
        ("a", "parsed", "parse", None),
        ("b", "rejected", "parse", "no_tables"),
        ("c", "unchanged", "fetch", None),
        ("d", "duplicate", "fetch", None),
        ("e", "skipped", "fetch", "robots"),
        ("f", "failed", "fetch", "http_404"),
        ("g", "quarantined", "fetch", "off_site_redirect"),
        ("h", "rejected", "fetch", "empty_body"),
        ("x", "quarantined", "discover", "not_official"),
    ]
    by_name = {o.document_id: o for o in outcomes}
    assert by_name["d"].duplicate_of == "a"
    assert by_name["b"].place == "html"
    assert by_name["x"].message == "the host x is not under .gov.cn"
    assert problems == []


def page_outcome(
    page: str,
    children: list[Fetched],
    readings: dict[str, ReadingSummary],
    before: dict[str, str] | None = None,
    owners: dict[str, str] | None = None,
) -> tuple[OutcomeRow, list[OutcomeRow]]:
    [outcome], problems = classify(
        [listed("p")], [got("p", page), *children], readings, before or {}, owners or {}
    )
    return outcome, problems


def test_a_page_counts_by_itself_or_by_its_attachment() -> None:
    child = got("c", "2", "p")
    out, _ = page_outcome("1", [child], {"1": REJECTED, "2": PARSED})
    assert (out.outcome, out.snapshot_id, out.code) == ("parsed", "1", None)
    out, _ = page_outcome("1", [child], {"1": PARSED, "2": REJECTED})
    assert (out.outcome, out.message) == ("parsed", None)
    bad = ReadingSummary("rejected", "unknown_label", "what is this", "pdf page 1")
    out, _ = page_outcome("1", [child], {"1": REJECTED, "2": bad})
    assert (out.outcome, out.code, out.place) == ("rejected", "unknown_label", "pdf page 1")
    assert out.message == "there is no table; in the attachment http://c: what is this"
    out, _ = page_outcome("1", [child], {"1": REJECTED, "2": PARSED}, owners={"2": "other"})
    assert (out.outcome, out.duplicate_of) == ("duplicate", "other")
    out, _ = page_outcome("1", [child, got("d", "2", "p")], {"1": REJECTED, "2": PARSED})
    assert out.outcome == "parsed"


def test_what_shows_itself_as_spoofed_is_quarantined_and_saved_by_nothing() -> None:
    spoofed = ReadingSummary("rejected", "spoofed", "betting words stand in it: 百家乐", "html")
    child = got("c", "2", "p")
    out, _ = page_outcome("1", [], {"1": spoofed})
    assert (out.outcome, out.stage, out.code) == ("quarantined", "parse", "spoofed")
    assert "百家乐" in str(out.message)
    out, _ = page_outcome("1", [child], {"1": spoofed, "2": PARSED})
    assert (out.outcome, out.code) == ("quarantined", "spoofed")
    out, _ = page_outcome("1", [child], {"1": REJECTED, "2": spoofed})
    assert (out.outcome, out.code) == ("quarantined", "spoofed")
    assert "http://c" in str(out.message)


def test_a_failed_attachment_is_a_problem_and_drops_nothing() -> None:
    lost = got("c", None, "p", code="timeout", message="it did not come")
    out, problems = page_outcome("1", [lost], {"1": PARSED})
    assert out.outcome == "parsed"
    assert [(p.document_id, p.outcome, p.code) for p in problems] == [("c", "failed", "timeout")]
    out, problems = page_outcome("1", [lost, got("d", "2", "p")], {"1": REJECTED, "2": PARSED})
    assert out.outcome == "parsed"
    assert len(problems) == 1
    out, _ = page_outcome("1", [lost], {"1": REJECTED})
    assert (out.outcome, out.code) == ("rejected", "no_tables")


def test_an_unchanged_page_follows_what_is_new_in_its_attachments() -> None:
    child = got("c", "2", "p")
    old = {"p": "1", "c": "2"}
    out, _ = page_outcome("1", [child], {"1": REJECTED, "2": PARSED}, before=old)
    assert out.outcome == "unchanged"
    out, _ = page_outcome("1", [child], {"1": REJECTED, "2": PARSED}, before={"p": "1"})
    assert out.outcome == "parsed"
    out, _ = page_outcome("1", [child], {"1": REJECTED, "2": REJECTED}, before={"p": "1"})
    assert out.outcome == "rejected"
    out, _ = page_outcome("1", [child], {"1": PARSED, "2": REJECTED}, before={"p": "1"})
    assert out.outcome == "unchanged"
    out, _ = page_outcome("9", [child], {"9": REJECTED, "2": PARSED}, before=old)
    assert out.outcome == "parsed"


def test_unchanged_is_only_said_after_a_finished_run(warehouse: Warehouse) -> None:
    def night(run_id: str, day: int, finished: bool, body: str = "1") -> str:
        before = accounted(warehouse)
        rows = [replace(got("a", body), fetched_at=NIGHT + timedelta(days=day))]
        child = replace(got("c", "2", "a"), fetched_at=NIGHT + timedelta(days=day))
        append(warehouse, run_id, [*rows, child])
        write_discovered(warehouse, run_id, [listed("a")])
        if not finished:
            return "killed"
        owners = known(warehouse).snapshots
        readings = {"1": PARSED, "2": PARSED, "3": PARSED}
        outcomes, problems = classify([listed("a")], [*rows, child], readings, before, owners)
        write_outcomes(warehouse, run_id, outcomes, problems)
        finish(warehouse, run_id, day)
        return outcomes[0].outcome

    assert night("r1", 0, finished=False) == "killed"
    assert accounted(warehouse) == {}
    assert night("r2", 1, finished=True) == "parsed"
    assert accounted(warehouse) == {"a": "1", "c": "2"}
    assert night("r3", 2, finished=True) == "unchanged"
    assert night("r4", 3, finished=True, body="3") == "parsed"
    # The old text again is a change: it is not what was last accounted for.
    assert night("r5", 4, finished=True) == "parsed"


def test_run_json_that_is_damaged_is_named(warehouse: Warehouse) -> None:
    warehouse.run_folder("r1").mkdir()
    write_bytes(warehouse.run_folder("r1") / "run.json", b"")
    with pytest.raises(BadInput, match=r"run\.json"):
        accounted(warehouse)


@given(st.lists(st.sampled_from(OUTCOMES), max_size=30))
def test_counts_close_exactly_when_they_add_up(names: list[str]) -> None:
    numbers: dict[str, int] = {name: names.count(name) for name in OUTCOMES}
    counts = Counts(len(names), **numbers)
    assert counts.closes
    assert not replace(counts, discovered=len(names) + 1).closes


def test_a_page_that_is_gone_was_withdrawn_when_it_was_read_before() -> None:
    documents = [listed("a"), listed("b"), listed("c")]
    fetched = [
        got("a", None, code="http_404", message="the host answered 404"),
        got("b", None, code="http_404", message="the host answered 404"),
        got("c", None, code="http_500", message="the host answered 500"),
    ]
    outcomes, _ = classify(documents, fetched, {}, {"a": "1", "c": "1"}, {})
    assert [(o.outcome, o.code) for o in outcomes] == [
        ("failed", "withdrawn"),
        ("failed", "http_404"),
        ("failed", "http_500"),
    ]
    assert "what was read stays" in str(outcomes[0].message)


def test_an_old_capture_that_is_imported_later_is_no_change(warehouse: Warehouse) -> None:
    for number, (kind, snapshot) in enumerate((("nightly", "new"), ("ingest", "old"))):
        run_id = f"r{number}"
        write_discovered(warehouse, run_id, [listed("a")])
        write_outcomes(warehouse, run_id, [ended("a", snapshot=snapshot)])
        close(
            warehouse,
            run_id,
            kind="nightly" if kind == "nightly" else "ingest",
            started_at=NIGHT + timedelta(days=number),
            parser_version="1",
        )
    assert accounted(warehouse) == {"a": "new"}
    assert accounted_ever(warehouse) == {("a", "new"), ("a", "old")}
