"""What sites put around a report: meta tags, navigation and the metadata header in many shapes."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from tests.publisher.prose import Header

Wrapper = Callable[[Header, str], str]


def meta_tags(head: Header) -> str:
    """The tags of the national standard for government sites."""
    tags = {
        "SiteName": head.site_name,
        "SiteDomain": head.site_domain,
        "SiteIDCode": head.site_id_code,
        "ColumnName": head.column,
        "ArticleTitle": head.title,
        "PubDate": f"{head.published.isoformat()} 09:30",
        "ContentSource": head.unit,
    }
    return "\n".join(
        f'<meta name="{name}" content="{escape(value)}">' for name, value in tags.items() if value
    )


def html(head: Header, inner: str, *, charset: str | None = "utf-8", tags: bool = True) -> str:
    """A whole page. `charset` is what it declares, not what it is sent in."""
    declared = f'<meta charset="{charset}">\n' if charset else ""
    return (
        f'<!DOCTYPE html>\n<html lang="zh-CN">\n<head>\n{declared}'
        f"<title>{escape(head.title)}_{escape(head.site_name)}</title>\n"
        f"{meta_tags(head) if tags else ''}\n</head>\n<body>\n{_navigation(head)}\n"
        f'<div class="content">\n{inner}</div>\n{_footer(head)}\n</body>\n</html>\n'
    )


def _navigation(head: Header) -> str:
    return (
        f'<div class="crumbs">当前位置：<a href="/">{escape(head.site_name)}</a> &gt; '
        f'<a href="../">政府信息公开</a> &gt; <a href="./">{escape(head.column)}</a></div>\n'
        '<ul class="nav"><li><a href="/zwgk/">政务公开</a></li><li><a href="/fw/">政务服务</a></li>'
        '<li><a href="/hd/">互动交流</a></li></ul>'
    )


def _footer(head: Header) -> str:
    code = f" 网站标识码：{head.site_id_code}" if head.site_id_code else ""
    return (
        '<div class="share">分享：<a href="#">微信</a></div>\n'
        f'<div class="footer">版权所有：{escape(head.site_name)}{code} '
        "<a href='/sitemap.html'>网站地图</a> 电话：0454-3890123</div>"
    )


def bare(head: Header, body: str) -> str:
    """No metadata but the title of the page."""
    return html(head, body, tags=False)


def tags_only(head: Header, body: str) -> str:
    """Meta tags, no visible header."""
    return html(head, body)


def table(head: Header, body: str) -> str:
    """A table with two pairs on a line."""
    pairs = head.pairs()
    rows = []
    for i in range(0, len(pairs), 2):
        cells = "".join(f"<th>{a}：</th><td>{escape(b)}</td>" for a, b in pairs[i : i + 2])
        rows.append(f"<tr>{cells}</tr>")
    return html(head, f'<table class="headInfo">{"".join(rows)}</table>\n{body}')


def table_one(head: Header, body: str) -> str:
    """A table with one pair a line, labels spaced out, and bold."""
    rows = "".join(
        f"<tr><td><b>{spaced(a)}</b></td><td>{escape(b)}</td></tr>\n" for a, b in head.pairs()
    )
    return html(head, f"<table width=100%><tbody>{rows}</tbody></table>\n{body}", tags=False)


def listed(head: Header, body: str) -> str:
    """A list, full-width colons."""
    items = "".join(f"<li><span>{a}：</span>{escape(b)}</li>" for a, b in head.pairs())
    return html(head, f"<ul class='xxgk'>{items}</ul>\n{body}")


def definitions(head: Header, body: str) -> str:
    """A definition list without colons."""
    items = "".join(f"<dt>{a}</dt><dd>{escape(b)}</dd>" for a, b in head.pairs())
    return html(head, f"<dl>{items}</dl>\n{body}", tags=False)


def lines(head: Header, body: str) -> str:
    """Lines of pairs, two pairs on a line, spaces inside labels."""
    pairs = [f"{spaced(a)}：{escape(b)}" for a, b in head.pairs()]
    rows = "".join(
        f"<p>{'&nbsp;&nbsp;&nbsp;&nbsp;'.join(pairs[i : i + 2])}</p>\n"
        for i in range(0, len(pairs), 2)
    )
    return html(head, rows + body, tags=False)


def dated(head: Header, body: str) -> str:
    """Only a date line under the title, as news pages have."""
    line = (
        f'<div class="info">发布时间：{head.published.isoformat()} 来源：{escape(head.unit)} '
        "浏览次数：<span id='hits'>128</span>次 字号：[大 中 小]</div>"
    )
    return html(head, f"{line}\n{body}")


def renamed(head: Header, body: str) -> str:
    """The other names of the same fields, spans in divs, ASCII colons."""
    other = {
        "索引号": "信息索引号",
        "公开形式": "公开方式",
        "发布单位": "发布机构",
        "发布日期": "公开日期",
        "文号": "发文字号",
        "标题": "名称",
    }
    items = "".join(
        f"<div><label>{other.get(a, a)}:</label> <span>{escape(b)}</span></div>\n"
        for a, b in head.pairs()
    )
    return html(head, f"<div class='meta'>{items}</div>\n{body}")


def spaced(label: str) -> str:
    """A label widened with spaces to four characters' width, as editors do."""
    return {2: "  ".join(label), 3: " ".join(label)}.get(len(label), label)


WRAPPERS: dict[str, Wrapper] = {
    "bare": bare,
    "tags_only": tags_only,
    "table": table,
    "table_one": table_one,
    "listed": listed,
    "definitions": definitions,
    "lines": lines,
    "dated": dated,
    "renamed": renamed,
}

HEADED = {"table", "table_one", "listed", "definitions", "lines", "renamed"}
"""Wrappers that show a header with the issuing unit; elsewhere the signature tells it."""
