"""One document: bytes in, a `Reading` out. The reader's front door."""

from __future__ import annotations

import csv
import gc
import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import NamedTuple

from tasks.report import (
    html,
    index_number,
    mht,
    page_images,
    pages,
    prose,
    sniff,
    spoof,
    text,
    whose,
)
from tasks.report import ocr as pictures
from tasks.report.decode import decode, to_utf8
from tasks.report.form import form
from tasks.report.header import read_header
from tasks.report.headings import HEADINGS
from tasks.report.model import UNSURE, Finding, Link, Reading, Reject, Rejection, Source, SourceRow
from tasks.report.recognise import Missing, recognise
from tasks.report.title import compact, find_title, is_report_title, unit_of_title
from tasks.report.unread import accept

_ERROR_PAGE = re.compile(
    r"404|403|页面不存在|找不到(?:该|您)?.{0,6}页面|无法访问|访问的页面|服务器错误|出错了|Not Found"
)
_FEW_CHINESE = 40
_MOST_BLOCKS = 10_000  # the longest reports of provinces have some 2,000
_METADATA = (
    *("index_number", "disclosure_form", "disclosure_scope", "disclosure_period", "issuing_unit"),
    *("document_date", "published_date", "signed_date", "document_number", "site_id_code"),
    *("title", "site_name", "site_domain", "column_name", "content_source", "topic", "genre"),
    *("validity", "keywords"),
)
NEEDS_OFFICE = (
    "needs_office",
    "the document is in an old Word format; to read it: "
    "apt-get install --no-install-recommends libreoffice-writer-nogui",
)
"""The refusal of what only LibreOffice reads (`tasks.office`)."""
_UNSURE_MEANS = (
    f"{UNSURE} stands where the document hides, moves, strikes out, covers or sets as a note what "
    "follows, or shows no text: a picture, a field, a character without a name"
)
_REFUSED_KINDS = {
    "empty": ("empty", "the document has no content"),
    "doc": NEEDS_OFFICE,
    "zip": ("unsupported", "the document is an archive; what it holds is read by itself"),
    "rar": ("unsupported", "the document is a RAR archive, which is not opened"),
    "7z": ("unsupported", "the document is a 7z archive, which is not opened"),
    "gzip": ("broken_file", "the document is compressed data that was never unpacked"),
    "unknown": ("unsupported", "the bytes are in no format that is read"),
}
_TABLELESS = {
    *("empty", "no_tables", "not_chinese", "not_report", "missing_tables", "attachment_only"),
    "needs_ocr",
}
# What a page that is a picture leaves out of a table that goes on over pages.
_PARTLY_SEEN = {
    (kind, code)
    for kind in ("pdf", "ofd")
    for code in ("missing_tables", "missing_rows", "cut_off")
}
_PAGES = {"html", "pages", "mht"}
_MODULES = {"pdf": "pdf", "ofd": "ofd", "docx": "docx", "xlsx": "sheet", "xls": "sheet"}


class Reason(NamedTuple):
    """What a rejection code means, and what a person can do."""

    code: str
    meaning: str
    what_to_do: str


@cache
def reasons() -> dict[str, Reason]:
    """Every rejection code of the reader (`reasons.csv`)."""
    content = files("tasks.report").joinpath("reasons.csv").read_text(encoding="utf-8")
    return {r["code"]: Reason(**r) for r in csv.DictReader(content.splitlines())}


def read(
    data: bytes, *, url: str | None = None, content_type: str | None = None, ocr: bool = True
) -> Reading:
    """Reads one document. Never raises for what a document holds: a refusal is a `Reading` too.

    `content_type` is the server's header, used only where the bytes leave the encoding open.
    Without `ocr` pictures are refused (needs_ocr) although the extra that reads them is installed:
    they take seconds a page.
    """
    del url  # what a document says does not depend on where it was found
    # A page makes some thousand tuples and no cycle; looking among them for cycles again and again
    # is a fifth of what reading it costs.
    collects = gc.isenabled()
    gc.disable()
    try:
        return _read(data, content_type, ocr=ocr and pictures.installed())
    finally:
        if collects:
            gc.enable()


def _read(data: bytes, content_type: str | None, *, ocr: bool) -> Reading:
    reading = Reading("rejected")
    source: Source | None = None
    try:
        reading.source_kind = sniff.kind(data)
        source = open_source(data, reading.source_kind, content_type, ocr=ocr)
        try:
            _understand(source, reading)
        except Reject as refusal:
            code = refusal.rejection.code
            if (
                ocr
                and code == "needs_ocr"
                and (seen := page_images.with_read(source, pictures.source)) is not None
            ):
                source = seen
            elif source.hidden and code in _TABLELESS:
                source = _page(data, reading.source_kind, content_type, show_blocks=True)
            else:
                raise
            _understand(source, reading)
    except Reject as refusal:
        reason = refusal.rejection
        if source is not None and source.pictures and (source.kind, reason.code) in _PARTLY_SEEN:
            said = f"{reason.message}, and a page of the document is a picture"
            reason = replace(reason, code="needs_ocr", message=said)
        if reason.code == "unknown_label" and reason.place and reason.place.kind == "image":
            said = f"a label of the picture may be misread: {reason.message}"
            reason = replace(reason, code="uncertain_picture", message=said)
        if reason.code == "needs_ocr":
            reason = replace(reason, message=reason.message + pictures.hint(tried=ocr))
        if UNSURE in reason.message:
            reason = replace(reason, message=f"{reason.message} ({_UNSURE_MEANS})")
        _refuse(reading, reason)
    if source is not None and (spoofed := spoof.evidence(source)) is not None:
        # Whatever else is wrong with it: this is what a person must know first.
        _refuse(reading, Rejection("spoofed", *spoofed))
    return reading


def _refuse(reading: Reading, reason: Rejection) -> None:
    reading.outcome, reading.reason = "rejected", reason
    reading.cells, reading.findings = [], []


def open_source(data: bytes, kind: str, content_type: str | None, *, ocr: bool = True) -> Source:
    """The blocks of a document whose kind `sniff` tells. Raises Reject when it has none to give."""
    if kind == "image":
        if not ocr:
            raise Reject("needs_ocr", "the document is a picture")
        return pictures.source([data])
    if kind in _REFUSED_KINDS:
        raise Reject(*_REFUSED_KINDS[kind])
    if kind in _PAGES:
        return _page(data, kind, content_type)
    if kind == "text":
        return text.source(decode(data, content_type))
    # Their libraries are loaded only when such a document comes: most nights are all HTML.
    module = import_module(f"tasks.report.{_MODULES[kind]}")
    if kind in ("pdf", "ofd"):
        scanned: Source = module.source(data, ocr=ocr and pictures.installed())
        return scanned
    source: Callable[[bytes], Source] = module.source
    return source(data)


def _page(data: bytes, kind: str, content_type: str | None, *, show_blocks: bool = False) -> Source:
    if kind == "pages":
        return pages.source(data, show_blocks=show_blocks)
    if kind == "mht":
        return pages.assembled(mht.parts(data), show_blocks=show_blocks)
    return html.source(to_utf8(data, content_type), show_blocks=show_blocks)


def _understand(source: Source, reading: Reading) -> None:
    if len(source.blocks) > _MOST_BLOCKS:
        raise Reject(
            "too_large", f"the document has more than {_MOST_BLOCKS:,} paragraphs and rows"
        )
    parts = prose.split(source.blocks)
    header = read_header(source, parts.begins)
    title = find_title(source, header, parts.begins)
    signature = whose.find_signature(prose.closing(source.blocks))
    reading.sections = parts.sections
    reading.attachments = [link.url for link in source.links]
    body = "\n".join(parts.sections.values())
    metadata: dict[str, str | None] = {**dict.fromkeys(_METADATA), **header}
    metadata.pop("article_title", None)
    metadata["site_id_code"] = header.get("site_id_code")
    metadata["title"] = title.text if title else None
    metadata |= _index_parts(header.get("index_number"))
    reading.metadata = metadata
    titled = unit_of_title(title.text) if title else None
    if signature.unit and titled and not whose.may_be_same(signature.unit, titled):
        signature = whose.Signature(None, None)  # of another page that is listed below the report
    metadata["signed_date"] = signature.date
    reading.issuing_unit = header.get("issuing_unit") or signature.unit or titled
    dates = [metadata["document_date"], metadata["published_date"], metadata["signed_date"]]
    reading.report_year, reading.report_year_evidence = whose.report_year(
        metadata["title"], parts.sections.get("overview", body), dates
    )
    try:
        reading.form, reading.cells, identities = recognise(source)
        if source.looks:
            reading.cells = accept(form(reading.form), reading.cells, identities, source.looks)
    except Missing as missing:
        if reading.report_year is not None and reading.report_year < 2019:
            raise _too_early(reading.report_year) from None
        raise _without_tables(source, reading, missing, body) from None
    except Reject:
        if reading.report_year is not None and reading.report_year < 2019:
            raise _too_early(reading.report_year) from None
        raise
    if reading.report_year is not None and reading.report_year < 2019:
        # The statutory tables of 2019 and later below a title of another year: a neighbour's.
        prose_year, said = whose.report_year(None, parts.sections.get("overview", body), dates)
        if prose_year is None or prose_year < 2019:
            raise _too_early(reading.report_year)
        reading.report_year, reading.report_year_evidence = prose_year, said
    if not any(cell.status == "reported" for cell in reading.cells) and title is None:
        raise Reject("not_report", "an empty form without a title of a report")
    if not source.complete:
        raise Reject("cut_off", "the document ends in the middle of its tables")
    reading.scope, reading.scope_evidence = whose.scope(
        reading.issuing_unit,
        "\n".join(filter(None, map(parts.sections.get, ("preamble", "overview")))),
    )
    reading.prose_numbers = prose.numbers(parts.sections)
    reading.findings = [*identities, *_prose_findings(reading), *_year_findings(reading)]
    reading.outcome = "parsed"


def _too_early(year: int) -> Reject:
    return Reject("pre_2019_report", f"the report is for {year}, before the statutory form")


def _index_parts(text: str | None) -> dict[str, str | None]:
    """The parts of the index number; `index_code_checks`: yes, no, or null without check digit."""
    parts = index_number.split(text) if text else None
    if parts is None:
        return {}
    return {
        "index_code": parts.code,
        "index_code_system": parts.system,
        "index_code_checks": None if parts.checks is None else "yes" if parts.checks else "no",
        "index_year": str(parts.year),
        "index_serial": parts.serial,
    }


def _without_tables(source: Source, reading: Reading, missing: Missing, body: str) -> Reject:
    """Why the statutory tables are not there."""
    names = "、".join(HEADINGS[s][0] for s in missing.sections)
    headings = [h for h in HEADINGS if h in reading.sections]
    images = page_images.wanted(source)
    if source.complete and missing.some and images and len(headings) >= 2:
        return Reject("needs_ocr", f"the table of {names} may be a picture")
    if not source.complete or (missing.some and _stops_early(reading)):
        return Reject("cut_off", f"the document ends before the table of {names}")
    if missing.some:
        return Reject("missing_tables", f"there is no table of {names}")
    rows = (cell.text for b in source.blocks if isinstance(b, SourceRow) for cell in b.cells)
    chinese = sum(1 for c in body + "".join(rows) if "\u4e00" <= c <= "\u9fff")
    if source.kind in ("html", "docx") and _attached(source.links):
        return Reject("attachment_only", "the page holds no tables, but links a document")
    titled = is_report_title(compact(reading.metadata.get("title") or ""))
    if (images and titled) or (source.pictures and (len(headings) >= 2 or not source.blocks)):
        return Reject("needs_ocr", "the tables are pictures")
    if len(headings) >= 2:
        return Reject("no_tables", "the headings of a report stand there without the tables")
    if not source.blocks:
        return Reject("empty", "the document holds no text")
    shown = (source.title or "") + body[:400]
    if chinese < 400 and _ERROR_PAGE.search(shown):
        return Reject("error_page", f"an error page: “{(source.title or body).strip()[:60]}”")
    if chinese < _FEW_CHINESE:
        return Reject("not_chinese", "the document holds hardly any Chinese text")
    said = f": “{source.title[:60]}”" if source.title else ""
    return Reject("not_report", f"no heading or table of an annual report stands there{said}")


def _stops_early(reading: Reading) -> bool:
    return not {"problems", "other_matters"} & set(reading.sections)


def _attached(links: list[Link]) -> bool:
    return any(link.rel != "a" or is_report_title(compact(link.text)) for link in links) or (
        any(link.rel == "a" for link in links)
    )


def _prose_findings(reading: Reading) -> list[Finding]:
    """Identity 7: what the sentences of section 一 say against the tables."""
    values = {cell.cell: cell.value for cell in reading.cells}
    found = []
    for said in reading.prose_numbers:
        if said.measure not in values:
            continue
        printed = values[said.measure]
        holds = printed is not None and printed == Decimal(said.value)
        if printed is None:
            verdict, message = "cannot_tell", f"the prose says {said.value}, the table nothing"
        else:
            verdict = "holds" if holds else "violated"
            message = "holds" if holds else f"the prose says {said.value}, the table {printed:f}"
        if verdict != "holds":
            message += f": “{said.sentence[:80]}”"
        found.append(
            Finding("prose", f"prose.{said.measure}", (said.measure,), verdict, message)  # type: ignore[arg-type]
        )
    return found


def _year_findings(reading: Reading) -> list[Finding]:
    """Identity 9: the year of the report against the years its prose names."""
    if reading.report_year is None:
        return [
            Finding(
                "report_year",
                "report_year.title",
                (),
                "cannot_tell",
                reading.report_year_evidence or "no year is named",
            )
        ]
    years = whose.years_in(reading.sections.get("overview", ""))
    if not years or reading.report_year in years:
        return []
    named = ", ".join(map(str, dict.fromkeys(years)))
    return [
        Finding(
            "report_year",
            "report_year.prose",
            (),
            "violated",
            f"the report is for {reading.report_year}, its prose names only {named}",
        )
    ]


__all__ = ["Reason", "Rejection", "form", "read", "reasons"]
