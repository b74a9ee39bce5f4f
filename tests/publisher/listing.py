"""Listing pages: links to reports with dates, over several pages, in the styles of many sites."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import NamedTuple

Pager = Callable[[int, int], str]  # number of pages, this page from 0


class Entry(NamedTuple):
    """One line of a listing; `href` may be relative."""

    href: str
    title: str
    date: str


class Style(NamedTuple):
    """How one kind of site writes its listings."""

    items: Callable[[list[Entry]], str]
    pager: Pager
    name: Callable[[int], str]  # file name of page n, from 0


def _index(page: int) -> str:
    return "index.html" if page == 0 else f"index_{page}.html"


def _query(page: int) -> str:
    return "list.html" if page == 0 else f"list.html?page={page + 1}"


def _list(entries: list[Entry]) -> str:
    lines = "\n".join(
        f'<li><span class="date">{e.date}</span><a href="{escape(e.href)}" target="_blank">'
        f"{escape(e.title)}</a></li>"
        for e in entries
    )
    return f'<ul class="list">\n{lines}\n</ul>'


def _rows(entries: list[Entry]) -> str:
    rows = "\n".join(
        f"<tr><td>{n}</td><td><a href='{escape(e.href)}'>{escape(e.title)}</a></td>"
        f"<td>{e.date}</td></tr>"
        for n, e in enumerate(entries, 1)
    )
    return f"<table><tr><th>序号</th><th>标题</th><th>发布日期</th></tr>\n{rows}\n</table>"


def _short(entries: list[Entry]) -> str:
    """Texts cut short, the whole title in an attribute, dates in brackets."""
    return "\n".join(
        f'<div class="item"><a href="{escape(e.href)}" title="{escape(e.title)}">'
        f"{escape(e.title[:14])}...</a> [{e.date}]</div>"
        for e in entries
    )


def _next(name: Callable[[int], str]) -> Pager:
    """首页 上一页 下一页 尾页, dead ones without a link."""

    def pager(pages: int, page: int) -> str:
        links = [("首页", 0), ("上一页", page - 1), ("下一页", page + 1), ("尾页", pages - 1)]
        parts = [
            f'<a href="{name(to)}">{text}</a>' if 0 <= to < pages and to != page else text
            for text, to in links
        ]
        return f'<div class="page">共{pages}页 {" ".join(parts)}</div>'

    return pager


def _numbers(name: Callable[[int], str]) -> Pager:
    """1 2 3, and arrows without words."""

    def pager(pages: int, page: int) -> str:
        parts = [
            f"<b>{n + 1}</b>" if n == page else f'<a href="{name(n)}">{n + 1}</a>'
            for n in range(pages)
        ]
        return f'<div class="pagination">{" ".join(parts)}</div>'

    return pager


def _scripted(pages: int, page: int) -> str:
    """As one common content system writes it: the links exist only once the script has run."""
    return f'<script>createPageHTML({pages}, {page}, "index", "html");</script>'


STYLES: dict[str, Style] = {
    "list": Style(_list, _next(_index), _index),
    "rows": Style(_rows, _numbers(_query), _query),
    "short": Style(_short, _next(_index), _index),
    "scripted": Style(_list, _scripted, _index),
}


def pages(
    entries: list[Entry], style: str, site_name: str, column: str, per_page: int
) -> dict[str, str]:
    """File name to page for a whole listing."""
    how = STYLES[style]
    chunks = [entries[i : i + per_page] for i in range(0, len(entries), per_page)] or [[]]
    return {
        how.name(n): (
            '<!DOCTYPE html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
            f"<title>{column}_{site_name}</title>\n"
            f'<meta name="SiteName" content="{site_name}">'
            f'<meta name="ColumnName" content="{column}"></head>\n<body>\n'
            '<ul class="nav"><li><a href="/">首页</a></li><li><a href="/zwgk/">政务公开</a></li>'
            '<li><a href="/fw/">政务服务</a></li></ul>\n'
            f"<h2>{column}</h2>\n{how.items(chunk)}\n{how.pager(len(chunks), n)}\n"
            '<div class="footer"><a href="/sitemap.html">网站地图</a> '
            '<a href="https://www.gov.cn/">中国政府网</a></div>\n</body></html>\n'
        )
        for n, chunk in enumerate(chunks)
    }
