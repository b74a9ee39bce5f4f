"""Listing pages to candidate documents: links, titles, dates, paging; which are annual reports.

Network access comes in as a function, so that this module only reads pages.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple
from urllib.parse import parse_qsl, urljoin, urlsplit

from bs4 import BeautifulSoup, Tag

from tasks.records import Discovered, Fetched, Official, OutcomeRow, Source
from tasks.urls import canonical_url, host_of

MAX_PAGES = 200
"""Pages of one listing that are read at most."""
ATTACHMENT_SUFFIXES = ("pdf", "doc", "docx", "xls", "xlsx", "ofd")

_DATE = re.compile(
    r"(?<!\d)((?:19|20)\d\d)\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})(?!\d)\s*日?"
)
_ANNUAL = re.compile("年度报告|年报|年度工作报告|年度总结报告|年度情况报告")
_YEAR = re.compile("(?:19|20)\\d\\d|[一二]九九.|二[〇○0零][〇○0零一二三四五六七八九]{2}")
_OTHER_ANNUAL = re.compile(
    "法治|网站|决算|预算|财政|统计|审计|环境|质量|监管|社会责任|财务|依法行政"
)
_EXPLAINS = re.compile("解读|图解|读懂")
_CANDIDATE = re.compile("信息公开|政务公开|年报|年度报告|工作报告")
_BARE = re.compile(
    "(?:法定主动公开内容)?(?:政府)?(?:信息|政务)公开(?:工作)?(?:年度报告|年报)(?:列表|栏目)?"
)
_NEXT = re.compile("下一?页|后一?页|下页[>›»]*|next(?:page)?|[>›»]+", re.IGNORECASE)
_SCRIPTED = re.compile(
    r"createPageHTML\(\s*(\d{1,4})\s*,\s*(\d{1,4})\s*,\s*[\"']([\w/-]+)[\"']\s*,\s*[\"'](\w+)[\"']"
)
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)


class Link(NamedTuple):
    """A link of a listing page, resolved; `date` is YYYY-MM-DD when its line shows one."""

    url: str
    title: str
    date: str | None


class Attachment(NamedTuple):
    """A document that a page links or embeds; `kind` is its suffix (pdf, docx, …)."""

    url: str
    text: str
    kind: str


class Candidate(NamedTuple):
    """A link that looked like a report and was not taken, with the reason."""

    url: str
    title: str
    listing_url: str
    reason: str


@dataclass(slots=True)
class Listing:
    """What one source's listing gave. `problems` belong into the run's problems."""

    documents: list[Discovered] = field(default_factory=list)
    rejected: list[Candidate] = field(default_factory=list)
    problems: list[OutcomeRow] = field(default_factory=list)
    pages: int = 0


def crawl(
    source: Source,
    get: Callable[[str], Fetched],
    official: Official,
    max_pages: int = MAX_PAGES,
) -> Listing:
    """Read a source's listing page by page and collect the annual reports it names.

    Whatever goes wrong ends as a problem (stage discover) and keeps what was found before:
    a page that cannot be had, a listing that loops or does not end, one that names no report.
    """
    result = Listing()
    queue = [(source.listing_url, False)]
    seen = {canonical_url(source.listing_url)}
    contents: dict[tuple[str, ...], str] = {}
    taken: set[str] = set()
    while queue:
        url, was_next = queue.pop(0)
        if result.pages >= max_pages:
            _problem(
                result, url, "listing_too_long", f"the listing has more than {max_pages} pages"
            )
            break
        page = get(url)
        result.pages += 1
        if page.body is None:
            message = f"a listing page could not be read: {page.error_message}"
            _problem(result, url, page.error_code or "no_body", message)
            continue
        soup = soup_of(page.body)
        base = _base(soup, page.final_url)
        found = list(links(soup, base))
        print_ = tuple(x.url for x in found if x.date or why_not_a_report(x.title) is None)
        if print_ and print_ in contents:
            # A numbered link may name the first page in another way; a next page may not.
            if was_next:
                message = f"the listing loops: this page repeats {contents[print_]}"
                _problem(result, url, "listing_loops", message)
            continue
        contents[print_] = url
        _take(result, source, url, found, _column(soup), official, taken)
        own = {canonical_url(url), canonical_url(page.final_url)}
        for onward, is_next in _onward(soup, base, source.listing_url):
            name = canonical_url(onward)
            if name not in seen:
                seen.add(name)
                queue.append((onward, is_next))
            elif is_next and name not in own and not queue:
                message = f"the listing loops: its next page is {onward} again"
                _problem(result, url, "listing_loops", message)
    if not result.documents and not result.problems:
        message = "the listing names no annual report; its address or form may have changed"
        _problem(result, source.listing_url, "listing_empty", message)
    return result


def _problem(result: Listing, url: str, code: str, message: str) -> None:
    row = OutcomeRow(canonical_url(url), url, "failed", "discover", code, message)
    if (row.document_id, code) not in {(p.document_id, p.code) for p in result.problems}:
        result.problems.append(row)


def _take(
    result: Listing,
    source: Source,
    listing_url: str,
    found: list[Link],
    column: str,
    official: Official,
    taken: set[str],
) -> None:
    for link in found:
        reason = why_not_a_report(link.title, column, dated=link.date is not None)
        document_id = canonical_url(link.url)
        if reason is None and document_id not in taken:
            taken.add(document_id)
            refusal = official(link.url)
            result.documents.append(
                Discovered(
                    document_id,
                    link.url,
                    source.source_id,
                    listing_url,
                    link.title,
                    link.date,
                    refusal is None,
                    refusal,
                )
            )
        elif reason and f"{reason} {document_id}" not in taken:
            taken.add(f"{reason} {document_id}")
            result.rejected.append(Candidate(link.url, link.title, listing_url, reason))


def why_not_a_report(title: str, column: str = "", *, dated: bool = False) -> str | None:
    """Why a link's title does not announce an annual report ("" when it is no candidate at all).

    None means it does. `column` is the listing's own heading, `dated` whether the line has a date.
    A notice about reports is taken: it may carry one, and the reader decides.
    """
    text = _compact(title)
    if not _CANDIDATE.search(text):
        return ""
    if _EXPLAINS.search(text):
        return "explains a report and is none"
    about = "信息公开" in text or "政务公开" in text
    annual = bool(_ANNUAL.search(text)) or ("报告" in text and bool(_YEAR.search(text)))
    if _BARE.fullmatch(text) and not dated:
        return "names the column: neither year, unit nor date"
    if about and annual:
        return None
    if about:
        return "is about disclosure, and no annual report"
    if not _ANNUAL.search(text):
        return "is a report of another kind"
    if _OTHER_ANNUAL.search(text) or "信息公开" not in _compact(column):
        return "is an annual report of another kind"
    return None


def _compact(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


def soup_of(body: bytes) -> BeautifulSoup:
    """Parse a page whose encoding its bytes decide: UTF-8 when it is valid, else GB18030.

    Declared charsets lie too often; gb2312 pages contain GBK characters.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("gb18030", errors="replace")
    if "<datastore" in text:
        # One common system keeps its entries as CDATA records for a script to show.
        text += "".join(f"<div>{entry}</div>" for entry in _CDATA.findall(text))
    return BeautifulSoup(text, "lxml")


def _base(soup: BeautifulSoup, url: str) -> str:
    tag = soup.find("base", href=True)
    return urljoin(url, str(tag["href"])) if isinstance(tag, Tag) else url


def _column(soup: BeautifulSoup) -> str:
    meta = soup.find("meta", attrs={"name": re.compile("^columnname$", re.IGNORECASE)})
    texts = [str(meta.get("content", ""))] if isinstance(meta, Tag) else []
    texts += [tag.get_text(" ") for tag in soup.find_all(["title", "h1", "h2"])]
    return " ".join(texts)


def _resolved(base: str, href: str) -> str | None:
    """The absolute http(s) address of a link, or None."""
    cleaned = re.sub(r"[\t\r\n]", "", href).strip()
    if not cleaned or cleaned.startswith("#"):
        return None
    try:
        url = urljoin(base, cleaned)
        canonical_url(url)
    except ValueError:
        return None
    return url


def links(soup: BeautifulSoup, base: str) -> Iterator[Link]:
    """The links of a page with the title and the date of their line, in page order."""
    for a in soup.find_all("a", href=True):
        url = _resolved(base, str(a["href"]))
        if url is None:
            continue
        text = " ".join(a.get_text(" ").split())
        full = " ".join(str(a.get("title") or "").split())
        # Sites cut the visible text short and keep the whole title in the attribute.
        cut = text.rstrip(" .…")
        title = full if len(full) > len(cut) and full.startswith(cut[:4]) else text or full
        day = _date_in(_line(a).replace(text, " ", 1) if text else _line(a))
        inside = _DATE.search(title)
        if day is None and inside is not None and inside.end() == len(title.rstrip(" ])】）")):
            day = _date_in(title)
            title = title[: inside.start()].rstrip(" [(【（")
        yield Link(url, title.strip(" ·•"), day)


def _line(a: Tag) -> str:
    """The text of the list item or row that holds this link and no other."""
    holder: Tag = a
    for parent in a.parents:
        if (
            parent.name in ("body", "html", "[document]")
            or len(parent.find_all("a", href=True)) > 1
        ):
            break
        holder = parent
        if parent.name in ("li", "tr", "dd", "dl"):
            break
    return " ".join(holder.get_text(" ").split())


def _date_in(text: str) -> str | None:
    for match in _DATE.finditer(text):
        try:
            return date(*map(int, match.groups())).isoformat()
        except ValueError:
            continue
    return None


def _onward(soup: BeautifulSoup, base: str, listing_url: str) -> Iterator[tuple[str, bool]]:
    """Further pages of the listing on its own host: (address, whether it is the next page)."""
    host = host_of(listing_url)
    for a in soup.find_all("a", href=True):
        text = "".join(a.get_text().split())
        is_next = bool(_NEXT.fullmatch(text))
        if not is_next and not (text.isdecimal() and len(text) <= 4):
            continue
        url = _resolved(base, str(a["href"]))
        if url and host_of(url) == host and (is_next or _sibling(url, listing_url)):
            yield url, is_next
    for script in soup.find_all("script"):
        for total, _, stem, suffix in _SCRIPTED.findall(script.get_text()):
            for number in range(1, int(total)):
                url = urljoin(base, f"{stem}_{number}.{suffix}")
                if host_of(url) == host:
                    yield url, False


def _sibling(url: str, listing_url: str) -> bool:
    """Whether two addresses lie in one folder; a number elsewhere is no page of this list."""
    return urlsplit(url).path.rpartition("/")[0] == urlsplit(listing_url).path.rpartition("/")[0]


def attachments(html: bytes | str, base_url: str) -> list[Attachment]:
    """The PDF and Office documents that a page links, frames or embeds, each once, in order."""
    soup = soup_of(html.encode() if isinstance(html, str) else html)
    base = _base(soup, base_url)
    found: dict[str, Attachment] = {}
    for tag in soup.find_all(["a", "iframe", "embed", "object"]):
        if tag.find_parent(["nav", "footer"]) is not None:
            continue
        name = {"a": "href", "object": "data"}.get(tag.name, "src")
        url = _resolved(base, str(tag.get(name) or ""))
        if url is None:
            continue
        text = " ".join((tag.get_text(" ") or str(tag.get("title") or "")).split())
        inner = _viewed(url, base) if tag.name != "a" else None
        kind = _suffix(inner or url, text)
        if kind is not None:
            found.setdefault(canonical_url(inner or url), Attachment(inner or url, text, kind))
    return list(found.values())


def _viewed(url: str, base: str) -> str | None:
    """The document that a viewer's address names (`viewer.html?file=/x.pdf`)."""
    for _, value in parse_qsl(urlsplit(url).query):
        if _suffix(value, "") is not None and (
            "/" in value or not urlsplit(url).path.endswith("jsp")
        ):
            return _resolved(base, value)
    return None


def _suffix(url: str, text: str) -> str | None:
    """The suffix of a document by its path, a file name in its query, or the link's text."""
    parts = urlsplit(url)
    names = [parts.path, *(value for _, value in parse_qsl(parts.query)), text]
    for name in names:
        suffix = name.rpartition(".")[2].lower().strip(" )）]】")
        if "." in name and suffix in ATTACHMENT_SUFFIXES:
            return suffix
    return None
