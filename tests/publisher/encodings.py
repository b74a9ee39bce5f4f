"""Bytes of a page, in the encodings that pages are in and those that they claim."""

from __future__ import annotations

import re

_DECLARED = re.compile(r'<meta charset="[^"]*">\n?')


def utf8(page: str) -> bytes:
    """What it says."""
    return page.encode()


def utf8_bom(page: str) -> bytes:
    """With a byte order mark."""
    return page.encode("utf-8-sig")


def gb18030_as_gb2312(page: str) -> bytes:
    """Declared as gb2312, yet with a character that gb2312 does not have."""
    page = _declare(page, '<meta http-equiv="Content-Type" content="text/html; charset=gb2312">\n')
    page = page.replace('<div class="footer">', '<div class="footer">责任编辑：朱镕 ', 1)
    return page.encode("gb18030")


def gbk_undeclared(page: str) -> bytes:
    """GBK without a word about it."""
    return _declare(page, "").encode("gb18030")


def utf8_undeclared(page: str) -> bytes:
    """UTF-8 without a word about it."""
    return _declare(page, "").encode()


def gbk_lying(page: str) -> bytes:
    """GBK that declares UTF-8."""
    return _declare(page, '<meta charset="utf-8">\n').encode("gb18030")


def utf8_lying(page: str) -> bytes:
    """UTF-8 that declares GBK."""
    return _declare(page, '<meta charset="gbk">\n').encode()


def gbk_late(page: str) -> bytes:
    """GBK whose declaration stands after 5 KB of script."""
    script = (
        "<script>\n" + "var padding = 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx';\n" * 120 + "</script>\n"
    )
    return _declare(page, script + '<meta charset="gbk">\n').encode("gb18030")


def _declare(page: str, declaration: str) -> str:
    if _DECLARED.search(page):
        return _DECLARED.sub(lambda _: declaration, page, count=1)
    return page.replace("<head>\n", "<head>\n" + declaration, 1)


ENCODINGS = {
    f.__name__: f
    for f in (
        utf8,
        utf8_bom,
        gb18030_as_gb2312,
        gbk_undeclared,
        utf8_undeclared,
        gbk_lying,
        utf8_lying,
        gbk_late,
    )
}
