"""Listings as the common content systems write them, paging included.

Each function turns entries into the answers of one host: path (with query) to resource. The first
path is where the listing begins. Reports have the addresses that the system would give them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import escape
from urllib.parse import parse_qsl, quote, urlencode

from tests.publisher.listing import Entry
from tests.publisher.server import Resource

Answers = dict[str, Resource]
HASH = "5ad7f285c40d4f478a7b43b9fcd67d70"
COLUMN = "政府信息公开年报"
_NAV = (
    '<div class="nav"><a href="/">首页</a> <a href="/zwgk/">政务公开</a> '
    '<a href="/zwgk/zn/">政府信息公开指南</a> <a href="javascript:void(0)">繁體版</a></div>'
)


def _page(inner: str, column: str = COLUMN, head: str = "") -> Resource:
    text = (
        f'<!DOCTYPE html><html><head><meta charset="utf-8">{head}<title>{column}_某县'
        f'</title><meta name="ColumnName" content="{column}"></head>\n'
        f"<body>{_NAV}{inner}</body></html>"
    )
    return Resource(text.encode(), "text/html; charset=utf-8")


def _chunks(entries: list[Entry], size: int) -> list[list[Entry]]:
    return [entries[i : i + size] for i in range(0, len(entries), size)]


def _lines(entries: list[Entry]) -> str:
    lines = "".join(
        f'<li><a href="{e.href}" title="{escape(e.title)}">{escape(e.title)}</a>'
        f"<span>{e.date}</span></li>"
        for e in entries
    )
    return f"<ul>{lines}</ul>"


def hanweb(entries: list[Entry]) -> Answers:
    """Records for a script; each group of them names the address of the next group."""
    groups = _chunks(entries, 6)
    service = "/module/web/jpage/dataproxy.jsp"

    def query(group: int) -> str:
        given = {"page": group, "appid": 1, "webid": 1, "path": "/", "columnid": 114}
        return urlencode({**given, "unitid": 1737, "webname": "某县"}, quote_via=quote)

    def store(group: int) -> str:
        further = ""
        if group + 1 < len(groups):
            href = f"{service}?{query(group + 1)}".replace("&", "&amp;")
            further = f"<nextgroup><![CDATA[<a href='{href}'></a>]]></nextgroup>"
        records = "".join(
            f'<record><![CDATA[<li><a href="{e.href}" title="{e.title}" target="_blank">{e.title}'
            f"</a><i>{e.date}</i></li>]]></record>"
            for e in groups[group]
        )
        return (
            f"<datastore><totalrecord>{len(entries)}</totalrecord>"
            f"<totalpage>{len(groups)}</totalpage>{further}<recordset>{records}</recordset>"
            "</datastore>"
        )

    inner = f'<div id="1737"><script type="text/xml">{store(0)}</script></div>'
    answers = {"/col/col114/index.html": _page(inner)}
    for number in range(1, len(groups)):
        xml = f'<?xml version="1.0" encoding="utf-8" ?>{store(number)}'
        answers[f"{service}?{query(number)}"] = Resource(xml.encode(), "text/xml; charset=utf-8")
    return answers


def hanweb_counted(entries: list[Entry]) -> Answers:
    """The same system where the page's script knows how many records there are, not the records."""
    size, service = 2, "/module/web/jpage/dataproxy.jsp"
    given = {"col": "1", "appid": "1", "webid": "3", "path": "/", "columnid": "314"}
    given |= {"sourceContentType": "1", "unitid": "424388", "permissiontype": "0"}
    script = (
        f"<script>$('#page').jpage({{proxyUrl:'{service}',perPage:{size},"
        f"totalRecord:{len(entries)},dataAfter:function(){{}},querys:{{"
        + ",".join(f"'{k}':'{v}'" for k, v in given.items()).replace("'col'", "col")
        + "}});</script>"
    )
    first = "".join(
        f"<record><![CDATA[<li><a href='{e.href}'>{e.title}</a><b>{e.date}</b></li>]]></record>"
        for e in entries[: 3 * size]
    )
    inner = f'<script type="text/xml"><datastore>{first}</datastore></script>{script}'
    answers = {"/col/col314/index.html": _page(inner)}
    for start in range(1, len(entries) + 1, 3 * size):
        span = {"startrecord": start, "endrecord": start + 3 * size - 1, "perpage": size}
        records = "".join(
            f"<record><![CDATA[<li><a href='{e.href}'>{e.title}</a><b>{e.date}</b></li>]]></record>"
            for e in entries[start - 1 : start - 1 + 3 * size]
        )
        url = f"{service}?{urlencode({**span, **given}, quote_via=quote)}"
        answers[url] = Resource(f"<datastore>{records}</datastore>".encode(), "text/xml")
    return answers


def trs(entries: list[Entry]) -> Answers:
    """index.html, index_1.html, …, their links written by createPageHTML."""
    return _stems(entries, 'createPageHTML({n}, {i}, "index", "html");', "/zwgk/nb/", 0)


def trs_written(entries: list[Entry]) -> Answers:
    """The same with the script in the page itself."""
    script = (
        "var currentPage = {i};//所在页从0开始\nvar countPage = {n}//共多少页\n"
        'if(currentPage<countPage-1) document.write("<a href=\\"index_" + (currentPage+1) + '
        '".html\\">下一页</a>");'
    )
    return _stems(entries, script, "/zwgk/nb/", 0)


def ucap(entries: list[Entry]) -> Answers:
    """list.shtml, list_2.shtml, …: the script's first page is 1."""
    script = "createPageHTML('page_div',{n}, {i},'list','shtml',99);"
    return _stems(entries, script, "/xzf/c100289/", 1, "list", "shtml")


def kkpager(entries: list[Entry]) -> Answers:
    """A paging widget that many sites share."""
    script = "kkpager.generPageHtml({{pno : {i}, total : {n},\nhrefFormer : 'index', "
    script += "hrefLatter : '.html'}});"
    return _stems(entries, script, "/zwgk/nb/", 1)


def hanweb_posted(entries: list[Entry]) -> Answers:
    """The same where the service answers to a POST alone, as its own script sends it."""
    answers: Answers = {}
    for address, answer in hanweb_counted(entries).items():
        span, fields = re.fullmatch(r"(.*?perpage=\d+|[^?]*)(?:&(.*))?", address).groups()  # type: ignore[union-attr]
        body = urlencode(parse_qsl(fields)) if fields else ""
        answers[f"{span} {body}".strip()] = answer
    return answers


def form_posted(entries: list[Entry]) -> Answers:
    """A form that the pager submits with the number of the page."""
    chunks = _chunks(entries, 6)
    answers: Answers = {}
    for n, chunk in enumerate(chunks, 1):
        form = (
            '<form name="f" method="post" action="/nb/list.do"><input type="hidden" name="catid" '
            f'value="12"><input type="text" name="page.pageNo" value="{n}"></form>共{len(chunks)}页'
            f'<a href="javascript:turn({n + 1})">下一页</a>'
        )
        address = "/nb/list.do" if n == 1 else f"/nb/list.do catid=12&page.pageNo={n}"
        answers[address] = _page(_lines(chunk) + form)
    return answers


def script_posted(entries: list[Entry]) -> Answers:
    """A page filled by a script that posts, with JSON in return."""
    chunks = _chunks(entries, 6)
    script = (
        "<script>var siteId = '88'; function load(n) { $.ajax({ url: '/api/list', type: 'POST',"
        "data: { siteId: siteId, pageNum: n, pageSize: 6 }, success: show }); }</script>"
    )
    answers = {"/nb/": _page(f'<ul id="list"></ul>{script}')}
    for n, chunk in enumerate(chunks, 1):
        rows = [{"title": e.title, "url": e.href, "publishDate": e.date} for e in chunk]
        body = json.dumps(
            {"data": {"count": len(rows), "pages": len(chunks), "list": rows}}
        ).encode()
        address = f"/api/list siteId=88&pageNum={n}&pageSize=6"
        answers[address] = Resource(body, "application/json")
    return answers


def _stems(
    entries: list[Entry],
    script: str,
    folder: str,
    first: int,
    stem: str = "index",
    suffix: str = "html",
) -> Answers:
    chunks = _chunks(entries, 4)
    answers: Answers = {}
    for n, chunk in enumerate(chunks):
        name = f"{stem}.{suffix}" if n == 0 else f"{stem}_{first + n}.{suffix}"
        written = script.format(n=len(chunks), i=first + n)
        answers[folder + name] = _page(f"{_lines(chunk)}<script>{written}</script>")
    return answers


def ucap_json(entries: list[Entry]) -> Answers:
    """An empty page whose script loads JSON by address, page by page."""
    chunks = _chunks(entries, 5)
    service = f"/common/search/{HASH}"
    query = "_isAgg=true&_isJson=true&_pageSize=5&_template=index&_channelName="
    script = f'<script>$.getJSON("{service}?{query}&page=" + n, show);</script>'
    answers = {"/xzf/c100290/list.shtml": _page(f'<ul id="list"></ul>{script}')}
    for n, chunk in enumerate(chunks, 1):
        results = [
            {
                "title": f"<em>{e.title}</em>",
                "url": f"//www.huachuan.gov.cn{e.href}",
                "publishedTimeStr": f"{e.date} 10:20:30",
                "channelName": COLUMN,
            }
            for e in chunk
        ]
        data = {"data": {"page": n, "rows": 5, "total": len(entries), "results": results}}
        answers[f"{service}?{query}&page={n}"] = Resource(
            json.dumps(data).encode(), "application/json;charset=UTF-8"
        )
    return answers


def ucap_channel(entries: list[Entry]) -> Answers:
    """The same where the script puts the address together from a variable."""
    answers = ucap_json(entries)
    first, page = next(iter(answers.items()))
    whole = f'"/common/search/{HASH}?'
    text = page.body.decode()
    assert whole in text
    joined = text.replace(whole, '"/common/search/" + channelId + "?')
    declared = joined.replace("<script>", f"<script>var channelId = '{HASH}';</script><script>", 1)
    return {first: Resource(declared.encode(), page.content_type)} | {
        path: answer for path, answer in answers.items() if path != first
    }


def gkmlpt(entries: list[Entry]) -> Answers:
    """The JSON of Guangdong's platform, its own address as the listing's."""
    chunks = _chunks(entries, 7)
    answers: Answers = {}
    for n, chunk in enumerate(chunks, 1):
        articles = [
            {"id": i, "title": e.title, "url": e.href, "created_at": f"{e.date} 09:00:00"}
            for i, e in enumerate(chunk)
        ]
        data = {"classify": {"id": 505, "name": COLUMN}, "total": len(entries)}
        answers[f"/gkmlpt/api/all/505?page={n}&sid=200025"] = Resource(
            json.dumps({**data, "articles": articles}).encode(), "application/json"
        )
    empty = json.dumps({"total": len(entries), "articles": []}).encode()
    answers[f"/gkmlpt/api/all/505?page={len(chunks) + 1}&sid=200025"] = Resource(empty, "text/json")
    return answers


def boda(entries: list[Entry]) -> Answers:
    """nb.htm and, below it, nb/2.htm, nb/1.htm: the newest pages have the highest numbers."""
    chunks = _chunks(entries, 4)
    answers: Answers = {}

    def name(n: int) -> str:
        return "/zwgk/nb.htm" if n == 0 else f"/zwgk/nb/{len(chunks) - n}.htm"

    for n, chunk in enumerate(chunks):
        numbers = " ".join(
            f"<span>{k + 1}</span>" if k == n else f'<a href="{name(k)}">{k + 1}</a>'
            for k in range(len(chunks))
            if k < 2 or k >= n
        )
        further = f'<a href="{name(n + 1)}" class="Next">下页</a>' if n + 1 < len(chunks) else ""
        answers[name(n)] = _page(f"{_lines(chunk)}<div>{numbers} {further}</div>")
    return answers


def boda_query(entries: list[Entry]) -> Answers:
    """The same system, asked by query."""
    chunks = _chunks(entries, 4)
    base = "/list.jsp?urltype=tree.TreeTempUrl&wbtreeid=1023"
    answers: Answers = {}
    for n, chunk in enumerate(chunks):
        url = base if n == 0 else f"/list.jsp?a2t={len(chunks)}&a2p={n + 1}&wbtreeid=1023"
        further = f"?a2t={len(chunks)}&a2p={n + 2}&wbtreeid=1023"
        link = f'<a href="{further}">下页</a>' if n + 1 < len(chunks) else "下页"
        answers[url] = _page(_lines(chunk) + link)
    return answers


def selected(entries: list[Entry]) -> Answers:
    """Pages that only a selection leads to; links relative to a base."""
    chunks = _chunks(entries, 4)
    options = "".join(
        f'<option value="nb/{n + 1}.html">第{n + 1}页</option>' for n in range(len(chunks))
    )
    jump = f'<select onchange="location=this.value">{options}</select>'
    return {
        f"/xxgk/nb/{n + 1}.html": _page(_lines(chunk) + jump, head='<base href="/xxgk/">')
        for n, chunk in enumerate(chunks)
    }


def yearly(entries: list[Entry]) -> Answers:
    """A column for each year; in them the units alone, since the column says what they are."""
    years = sorted({e.title[-5:-1] for e in entries}, reverse=True)
    links = "".join(f'<li><a href="./nb{y}/">{y}年</a></li>' for y in years)
    answers = {"/zwgk/nb/": _page(f"<ul>{links}</ul>")}
    for year in years:
        mine = [e for e in entries if e.title[-5:-1] == year]
        answers[f"/zwgk/nb/nb{year}/"] = _page(_lines(mine), column=f"{year}年")
    return answers


def by_area(entries: list[Entry]) -> Answers:
    """One page for each unit, told apart by `area`; the county's page selects them."""
    units = sorted({e.title[:-5] for e in entries})
    page = "/xxgkAnnualReport.jsp"
    links = "".join(f'<a href="{page}?area=23082610{n}">{unit}</a>' for n, unit in enumerate(units))
    answers = {f"{page}?area=230826": _page(f"<div>{links}</div>")}
    for n, unit in enumerate(units):
        mine = [e for e in entries if e.title[:-5] == unit]
        answers[f"{page}?area=23082610{n}"] = _page(f"<div>{links}</div>{_lines(mine)}")
    return answers


SYSTEMS: dict[str, tuple[Callable[[list[Entry]], Answers], str]] = {
    "hanweb": (hanweb, "/art/2024/1/20/art_114_{n}.html"),
    "hanweb_counted": (hanweb_counted, "/art/2024/1/20/art_314_{n}.html"),
    "trs": (trs, "./202401/t20240120_{n}.html"),
    "trs_written": (trs_written, "./202401/t20240120_{n}.html"),
    "ucap": (ucap, "/xzf/c100289/202401/{n:032x}.shtml"),
    "ucap_json": (ucap_json, "/xzf/c100290/202401/{n:032x}.shtml"),
    "ucap_channel": (ucap_channel, "/xzf/c100290/202401/{n:032x}.shtml"),
    "kkpager": (kkpager, "./202401/t20240120_{n}.html"),
    "gkmlpt": (gkmlpt, "http://www.huachuan.gov.cn/gkmlpt/content/2/2100/post_{n}.html"),
    "boda": (boda, "/info/1023/{n}.htm"),
    "boda_query": (boda_query, "/info/1023/{n}.htm"),
    "selected": (selected, "nb/content_{n}.html"),
    "yearly": (yearly, "../../nb/2024/t20240120_{n}.html"),
    "by_area": (by_area, "/xxgkAnnualReportContent.jsp?infoid={n}"),
    "hanweb_posted": (hanweb_posted, "/art/2024/1/20/art_314_{n}.html"),
    "form_posted": (form_posted, "/nb/content_{n}.html"),
    "script_posted": (script_posted, "/nb/content_{n}.html"),
}
"""Name to how a system lists, and how it addresses the nth document."""


def published(system: str, titles: list[str]) -> tuple[Answers, list[Entry]]:
    """A listing of reports with these titles in the manner of a system."""
    how, address = SYSTEMS[system]
    entries = [
        Entry(address.format(n=n), title, f"2024-01-{1 + n % 28:02d}")
        for n, title in enumerate(titles, 1)
    ]
    return how(entries), entries
