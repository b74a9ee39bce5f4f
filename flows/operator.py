"""What an operator sees of a night in the Prefect UI, without reading logs.

The state of the run says in its name whether documents were rejected; its Artifacts tab holds one
page (totals, alerts, failures by reason and by province, new against known, each with a link that
reads them again) and one table of every document that did not make it; each *new* failure is a
small task run of its own, with the reason in plain words, the unit, the place, the live page and
the snapshot. Per-page objects exist only for failures and are capped: orchestration costs more than
parsing.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from prefect import State, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed

from flows.paths import replay_path, snapshot_path
from tasks.alerts import Alert
from tasks.codes import Code, codes
from tasks.records import OUTCOMES, Counts, Discovered, OutcomeRow, Source
from tasks.report.reader import Reason, reasons
from tasks.units.registry import divisions_of
from tasks.urls import canonical_url

SHOWN_ONE_BY_ONE = 200
SHOWN_IN_SUMMARY = 25
TROUBLE = ("rejected", "failed", "quarantined")
KINDS = (*TROUBLE, "problem")
MEANING = {
    "parsed": "read, every number in its place",
    "rejected": "fetched, and not read: reason and place below",
    "duplicate": "the same bytes as another document",
    "unchanged": "the same as when it was last accounted for",
    "quarantined": "not an official page; never becomes a fact",
    "skipped": "robots.txt, a circuit breaker or a limit",
    "failed": "could not be fetched",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """One document, or one piece of trouble, that an operator should see."""

    outcome: str  # one of KINDS: rejected, …, or "problem" for what is no document's outcome
    new: bool
    province: str
    unit: str
    title: str
    reason: str
    code: str
    stage: str
    place: str
    url: str
    snapshot_id: str

    @property
    def name(self) -> str:
        """How the failure is called in a list; the code, since the timeline draws no Chinese."""
        return f"{self.outcome} {self.code}: {self.title or self.unit or self.url}"[:120]


def failures_of(
    outcomes: Iterable[OutcomeRow],
    problems: Iterable[OutcomeRow],
    discovered: Iterable[Discovered],
    sources: Iterable[Source],
    seen_before: set[tuple[str, str | None]],
    issuers: Mapping[str, str],
) -> list[Failure]:
    """The night's failures with what people call them; new ones first, in a fixed order.

    The unit is the issuer that the reader found in the snapshot, else whose site the source is; the
    province is the source's.
    """
    documents = {d.document_id: d for d in discovered}
    by_id = {s.source_id: s for s in sources}
    by_listing = {canonical_url(s.listing_url): s for s in sources}

    def failure(row: OutcomeRow, outcome: str) -> Failure:
        document = documents.get(row.document_id)
        source = by_id.get(document.source_id) if document else by_listing.get(row.document_id)
        return Failure(
            outcome=outcome,
            new=(row.document_id, row.code) not in seen_before,
            province=_province(source),
            unit=issuers.get(row.snapshot_id or "") or (source.unit_name if source else ""),
            title=document.link_title if document else "",
            reason=row.message or "no reason was recorded",
            code=row.code or "",
            stage=row.stage,
            place=row.place or "",
            url=row.url,
            snapshot_id=row.snapshot_id or "",
        )

    found = [failure(row, row.outcome) for row in outcomes if row.outcome in TROUBLE]
    found += [failure(row, "problem") for row in problems]
    order = {name: i for i, name in enumerate(KINDS)}
    return sorted(found, key=lambda f: (not f.new, order[f.outcome], f.code, f.url))


@cache
def provinces() -> dict[str, str]:
    """The name of each province by the first two digits of its code."""
    found = (d for d in divisions_of() if d.level == 1)  # the last version of each stands last
    return {(d.code_nbs or d.code_mca or "")[:2]: d.name for d in found}


def _province(source: Source | None) -> str:
    """The province of a source, from the first two digits of its division's code."""
    if source is None:
        return "unknown"
    return provinces().get(source.division_code[:2], source.division_code[:2])


def closing_state(counts: Counts, failures: Sequence[Failure]) -> State[Any]:
    """The state a finished night ends in; its name tells a clean night from one with failures."""
    read = counts.parsed + counts.rejected
    message = f"{counts.parsed}/{read} new or changed documents parsed" if read else "nothing new"
    parts = [f"{n} {name}" for name, n in counts.as_dict().items() if n and name in OUTCOMES[1:]]
    problems = sum(f.outcome == "problem" for f in failures)
    parts += [f"{problems} other problems"] if problems else []
    message += (": " + ", ".join(parts) if parts else "") + f"; {counts.discovered} discovered"
    if counts.rejected:
        return Completed(name="CompletedWithRejections", message=message)
    if counts.failed or problems:
        return Completed(name="CompletedWithFailures", message=message)
    if any(f.new and f.outcome == "quarantined" for f in failures):
        return Completed(name="CompletedWithQuarantine", message=message)
    return Completed(message=message)


def show_night(
    title: str,
    run_id: str,
    warehouse: str,
    demo: bool,
    counts: Counts,
    failures: list[Failure],
    alerts: Sequence[Alert] = (),
) -> None:
    """Writes the artifacts of a run, then shows each new failure as a task run of its own."""
    create_markdown_artifact(
        summary_markdown(title, run_id, warehouse, demo, counts, failures, alerts),
        key="night",
        description=f"{title}: totals, and whether they close",
    )
    if failures:
        create_table_artifact(
            [table_row(f, warehouse) for f in failures],
            key="failures",
            description=f"{title}: every document that was rejected, failed or quarantined",
        )
    runs = logging.getLogger("prefect.task_runs")
    runs.addFilter(_below_error)
    try:
        for failure in [f for f in failures if f.new][:SHOWN_ONE_BY_ONE]:
            document_failure.with_options(task_run_name=failure.name)(
                _as_parameters(failure), view_command(failure, warehouse), return_state=True
            )
    finally:
        runs.removeFilter(_below_error)


def _below_error(record: logging.LogRecord) -> bool:
    """Keeps out what Prefect says twice of a task run that ends as failed: "NoneType: None"."""
    return record.levelno < logging.ERROR


@task(name="document failure", retries=0, persist_result=False)
def document_failure(failure: dict[str, str], view: str) -> State[Any]:
    """One new failure. It shows as failed with the reason as its message; the night goes on."""
    lines = [
        f"## {_escape(failure['title'] or failure['url'])}",
        "",
        f"**{failure['outcome']}** (`{failure['code']}`): {_escape(failure['reason'])}",
        "",
        f"- Unit: {_escape(failure['unit']) or 'unknown'}, {_escape(failure['province'])}",
        f"- Page: [{failure['url']}]({failure['url']})",
        f"- Place: {_escape(failure['place']) or 'the whole document'}",
        f"- Stage: {failure['stage']}",
        f"- Snapshot: `{failure['snapshot_id'] or 'none, nothing was received'}`",
    ]
    if view:
        lines += [
            "",
            "**[Open what was received and what was understood]"
            f"({snapshot_path(failure['snapshot_id'])})** (the place is marked), or in a terminal:",
            "",
            f"    {view}",
        ]
    if advice := _advice(failure["code"]):
        lines += ["", f"What to do: {_escape(advice.what_to_do)}"]
    if failure["stage"] == "parse":
        lines += [
            "",
            f"After a change of the reader: [read all of {failure['code']} again]"
            f"({replay_path(failure['code'])}).",
        ]
    create_markdown_artifact("\n".join(lines), description=failure["reason"])
    get_run_logger().warning(
        "%s: %s\n%s\n%s", failure["outcome"], failure["reason"], failure["url"], view
    )
    return Failed(
        name=failure["outcome"].capitalize(), message=f"{failure['code']}: {failure['reason']}"
    )


def summary_markdown(
    title: str,
    run_id: str,
    warehouse: str,
    demo: bool,
    counts: Counts,
    failures: list[Failure],
    alerts: Sequence[Alert] = (),
) -> str:
    """The page of a run: totals, alerts, and the failures by reason, by province, one by one."""
    lines = [f"# {title}", ""]
    if demo:
        lines += ["> **Demo**: fetched from a local publisher, not from official sites.", ""]
    if alerts:
        lines += ["## Out of the ordinary", ""]
        lines += [f"- **{alert.kind}**: {_escape(alert.message)}" for alert in alerts]
        lines += [""]
    closes = "the sum closes" if counts.closes else "**THE SUM DOES NOT CLOSE**"
    lines += [f"{counts.discovered} documents discovered; {closes}.", ""]
    lines += ["| outcome | documents | means |", "| --- | ---: | --- |"]
    lines += [f"| {name} | {getattr(counts, name)} | {MEANING[name]} |" for name in OUTCOMES]
    total = sum(getattr(counts, name) for name in OUTCOMES)
    lines += [f"| **sum** | **{total}** | discovered: **{counts.discovered}** |", ""]
    if failures:
        lines += _failures_markdown(failures)
    else:
        lines += ["No document was rejected, failed or quarantined.", ""]
    lines += [f"Run `{run_id}`, warehouse `{warehouse}`."]
    return "\n".join(lines)


def _failures_markdown(failures: list[Failure]) -> list[str]:
    reasons_seen = Counter((f.outcome, f.code) for f in failures)
    new = Counter((f.outcome, f.code) for f in failures if f.new)
    lines = ["## By reason", ""]
    lines += ["| outcome | reason | documents | new | known | | means |"]
    lines += ["| --- | --- | ---: | ---: | ---: | --- | --- |"]
    for (outcome, code), n in reasons_seen.most_common():
        fresh = new[outcome, code]
        again = f"[read them again]({replay_path(code)})" if code in reasons() else ""
        advice = _advice(code)
        means = _escape(advice.meaning) if advice else ""
        lines.append(f"| {outcome} | `{code}` | {n} | {fresh} | {n - fresh} | {again} | {means} |")
    lines += ["", "## By province", ""]
    lines += [f"| province | {' | '.join(KINDS)} | new | known |"]
    lines += ["| --- |" + " ---: |" * (len(KINDS) + 2)]
    for province, n in Counter(f.province for f in failures).most_common():
        here = [f for f in failures if f.province == province]
        by_kind = Counter(f.outcome for f in here)
        fresh = sum(f.new for f in here)
        cells = " | ".join(str(by_kind[kind]) for kind in KINDS)
        lines.append(f"| {_escape(province)} | {cells} | {fresh} | {n - fresh} |")
    lines += ["", "## Documents", ""]
    lines += [
        "| snapshot | outcome | | reason | unit | page |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for f in failures[:SHOWN_IN_SUMMARY]:
        page = f"[{_escape(f.title or f.url)}]({f.url})"
        snapshot = f"[open]({snapshot_path(f.snapshot_id)})" if f.snapshot_id else "none"
        lines.append(
            f"| {snapshot} | {f.outcome} | {_age(f)} | `{f.code}` | {_escape(f.unit)} | {page} |"
        )
    if len(failures) > SHOWN_IN_SUMMARY:
        left = len(failures) - SHOWN_IN_SUMMARY
        lines += ["", f"{left} more in the table `failures` of the Artifacts tab."]
    return [*lines, ""]


def _advice(code: str) -> Reason | Code | None:
    """What is known of a code, of the reader or of the network side."""
    name = "http_<status>" if code.startswith("http_") else code
    return reasons().get(name) or codes().get(name)


def _age(failure: Failure) -> str:
    return "new" if failure.new else "known"


def table_row(failure: Failure, warehouse: str) -> dict[str, str]:
    """A failure as a row of the table artifact; a cell that is a URL alone can be clicked."""
    return {
        "outcome": failure.outcome,
        "new": _age(failure),
        "province": failure.province,
        "unit": failure.unit,
        "title": failure.title,
        "reason": failure.reason,
        "page": failure.url,
        "place": failure.place,
        "code": failure.code,
        "snapshot": failure.snapshot_id,
        "view": view_command(failure, warehouse),
    }


def view_command(failure: Failure, warehouse: str) -> str:
    """The command that shows the snapshot as it was received and understood."""
    if not failure.snapshot_id:
        return ""
    return f"gongkai parse {failure.snapshot_id} --warehouse {warehouse}"


def _as_parameters(failure: Failure) -> dict[str, str]:
    return {name: str(getattr(failure, name)) for name in Failure.__slots__}


def _escape(text: str) -> str:
    """Text of a page inside a Markdown table: no columns, no lines, no markup of its own."""
    flat = " ".join(text.split())
    return "".join("\\" + c if c in "\\`*_[]<>|#" else c for c in flat)
