"""An article that a site spreads over several pages, each in the site's whole frame."""

from __future__ import annotations

import re
from collections.abc import Sequence

SECTIONS = ("二、主动", "三、收到", "四、政府", "五、存在")


def name(first: str, number: int) -> str:
    """The address of the page with this number, from 0, as content systems name them."""
    stem, _, suffix = first.rpartition(".")
    return first if number == 0 else f"{stem}_{number}.{suffix}"


def spread(
    html: str, url: str, cuts: Sequence[str] = SECTIONS, *, script: bool = False
) -> list[str]:
    """A page as several that begin anew at the headings `cuts`, with links to one another.

    With `script` the links exist only once a script has run.
    """
    end = re.search(r'</div>\s*<div class="share">', html)
    begin = html.index("</h1>") + len("</h1>")
    assert end is not None
    head, text, tail = html[:begin], html[begin : end.start()], html[end.start() :]
    pieces: list[str] = []
    for cut in cuts:
        heading = re.search(rf"<(h\d|p)[^>]*>(?:<[^>]*>)*{re.escape(cut)}", text)
        assert heading is not None, cut
        pieces.append(text[: heading.start()])
        text = text[heading.start() :]
    pieces.append(text)
    return [
        f"{head}{piece}{_pager(url, n, len(pieces), script)}{tail}"
        for n, piece in enumerate(pieces)
    ]


def _pager(url: str, page: int, total: int, script: bool) -> str:
    if script:
        stem, _, suffix = url.rpartition("/")[2].rpartition(".")
        return f'<script>createPageHTML({total}, {page}, "{stem}", "{suffix}");</script>'
    parts = [
        f"<b>{n + 1}</b>" if n == page else f'<a href="{name(url, n)}">{n + 1}</a>'
        for n in range(total)
    ]
    if page:
        parts.insert(0, f'<a href="{name(url, page - 1)}">上一页</a>')
    if page + 1 < total:
        parts.append(f'<a href="{name(url, page + 1)}">下一页</a>')
    return f'<div class="page">{" ".join(parts)}</div>'
