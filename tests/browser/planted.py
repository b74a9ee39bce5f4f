"""A night on which things go wrong, each in a way that a person can find out from the UI alone.

Three reports are damaged, one listing loses its second page, another site names nothing any more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.publisher.demo import demo
from tests.publisher.site import Site

BASE = "http://www.dinghai.gov.cn/zwgk/nb/"


@dataclass(frozen=True, slots=True)
class Planted:
    """One damaged report: what an operator must find."""

    url: str
    unit: str
    code: str
    culprit: str  # the text that stands in the place of the damage; "" when it has no place


def _edit(site: Site, url: str, before: str, after: str) -> None:
    page = site.pages[url]
    text = page.body.decode()
    assert text.count(before) == 1, f"{url}: {before!r} stands there {text.count(before)} times"
    site.pages[url] = replace(page, body=text.replace(before, after).encode())


def plant() -> tuple[Site, list[Planted]]:
    """The demo site's later day with all this, and the damaged reports."""
    site = demo(change=True)
    label = f"{BASE}wjj/202202/t20220202_100205.html"
    number = f"{BASE}zfb/202001/t20200108_100200.html"
    ended = f"{BASE}zfb/202301/t20230122_100203.html"
    _edit(site, label, "行政强制", "行政约谈")
    _edit(site, number, "<td scope='col'>3700</td>", "<td scope='col'>3700件左右</td>")
    page = site.pages[ended]
    site.pages[ended] = replace(page, body=page.body[: page.body.index("商业企业".encode())])
    _edit(site, f"{BASE}index.html", '<a href="index_1.html">下一页</a>', "下一页")
    _edit(site, f"{BASE}index.html", '<a href="index_1.html">尾页</a>', "尾页")
    site.pages[BASE] = site.pages[f"{BASE}index.html"]
    empty = site.pages["http://www.linan.gov.cn/zwgk/nb/zjj/list.html"]
    nothing = "<html><head><meta charset='utf-8'></head><body>栏目建设中</body></html>"
    for name in ("", "list.html"):
        site.pages[f"http://www.linan.gov.cn/zwgk/nb/zjj/{name}"] = replace(
            empty, body=nothing.encode()
        )
    return site, [
        Planted(label, "定海区卫生健康局", "unknown_label", "行政约谈"),
        Planted(number, "定海区人民政府办公室", "unreadable_number", "3700件左右"),
        Planted(ended, "定海区人民政府办公室", "cut_off", ""),
    ]
