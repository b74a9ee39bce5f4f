"""A site on which everything goes wrong, one page and one listing each; one report is good."""

from __future__ import annotations

from dataclasses import replace

from tests.publisher import figures as maker
from tests.publisher import layouts, listing, misbehave
from tests.publisher.document import document
from tests.publisher.server import Resource
from tests.publisher.site import Outcome, Site, Source, Truth

HOST = "www.yaodu.gov.cn"
CODE = "141002"


def trouble(*, slow: bool = False) -> Site:
    """The site. `slow` adds pages that hang or drip, which cost a reader its whole patience."""
    site = Site()
    site.pages[f"http://{HOST}/robots.txt"] = Resource(b"", "text/plain", 404)
    figures = maker.probe_consistent("2021", 7)
    page = document(figures, "尧都区吴村镇", 2022, 7)
    whole = layouts.publish(page, "clean/table/utf8").body
    good = f"http://{HOST}/nb/good.html"
    site.pages[good] = Resource(whole)
    title = page.head.title
    site.truth[good] = Truth(
        good,
        "parsed",
        title,
        page.head.published.isoformat(),
        "yaodu",
        figures,
        "2021",
        "尧都区吴村镇",
        "141002106",
        2022,
        "own",
        "clean/table/utf8",
    )
    pages: dict[str, tuple[Resource, Outcome]] = {
        "missing": (Resource(b"", status=404), "failed"),
        "gone": (Resource(b"", status=410), "failed"),
        "forbidden": (Resource(b"<html>403</html>", status=403), "failed"),
        "error": (Resource(b"<html>500</html>", status=500), "failed"),
        "unavailable": (
            Resource(b"", status=503, headers={"Retry-After": "1"}),
            "failed",
        ),
        "empty": (Resource(b""), "rejected"),
        "broken_gzip": (misbehave.broken_gzip(), "failed"),
        "short_gzip": (misbehave.short_gzip(), "failed"),
        "gzip_bomb": (misbehave.gzip_bomb(), "failed"),
        "huge": (misbehave.answering(misbehave.huge()), "failed"),
        "huge_unannounced": (misbehave.answering(misbehave.huge(announced=False)), "failed"),
        "reset": (misbehave.answering(misbehave.reset), "failed"),
        "truncated": (misbehave.answering(misbehave.truncated(whole)), "failed"),
        "redirect_loop": (misbehave.redirect(f"http://{HOST}/nb/redirect_loop.html"), "failed"),
        "redirect_endless": (misbehave.redirect(f"http://{HOST}/away/r0.html"), "failed"),
        "longer": (misbehave.answering(misbehave.wrong_length(whole, len(whole) + 9)), "failed"),
        "shorter": (misbehave.answering(misbehave.wrong_length(whole, 4000)), "rejected"),
        "slow": (misbehave.answering(misbehave.slow(whole + b"<!-- 1 -->", 1.0)), "parsed"),
        "burst": (misbehave.answering(misbehave.burst(whole + b"<!-- 2 -->", 2)), "parsed"),
        "redirect_away": (misbehave.redirect("http://www.zhengwu-news.com/1.html"), "quarantined"),
    }
    if slow:
        pages["hang"] = (misbehave.answering(misbehave.hang()), "failed")
        pages["drip"] = (misbehave.answering(misbehave.drip()), "failed")
    site.pages["http://www.zhengwu-news.com/1.html"] = Resource(whole)
    site.pages[f"http://{HOST}/away/*"] = misbehave.answering(misbehave.endless_redirect)
    for name, (resource, outcome) in pages.items():
        url = f"http://{HOST}/nb/{name}.html"
        site.pages[url] = resource
        site.truth[url] = replace(
            site.truth[good], url=url, outcome=outcome, why=name, figures=None, form=None
        )
    entries = [
        listing.Entry(url.rsplit("/", 1)[1], f"{title}（{truth.why or '正'}）", truth.published)
        for url, truth in site.truth.items()
    ]
    for name, text in listing.pages(entries, "list", "尧都区人民政府", "年报", 50).items():
        site.pages[f"http://{HOST}/nb/{name}"] = Resource(text.encode())
    _listings(site)
    return site


def _listings(site: Site) -> None:
    """Sources whose listings are at fault: their troubles belong to no document."""
    loop = (
        '<html><meta charset="utf-8"><body><ul><li><a href="/nb/good.html">年报</a></li></ul>'
        '<a href="{}">下一页</a></body></html>'
    )
    site.pages[f"http://{HOST}/loop/a.html"] = Resource(loop.format("b.html").encode())
    site.pages[f"http://{HOST}/loop/b.html"] = Resource(loop.format("a.html").encode())
    site.pages[f"http://{HOST}/endless/*"] = misbehave.answering(misbehave.endless_listing)
    only = f"http://{HOST}/endless/only.html"
    site.pages[only] = Resource(b"", status=404)
    listings = {
        "yaodu": "nb/index.html",
        "yaodu-loop": "loop/a.html",
        "yaodu-endless": "endless/index.html",
        "yaodu-404": "nothing/index.html",
        "yaodu-500": "nb/error.html",
        "yaodu-empty": "nb/empty.html",
    }
    for source, path in listings.items():
        site.sources.append(
            Source(source, CODE, HOST, f"http://{HOST}/{path}", "county_listing", "尧都区人民政府")
        )
    closed = "closed.yaodu.gov.cn"  # its robots.txt forbids all
    rules = Resource(b"User-agent: *\nDisallow: /\n", "text/plain")
    site.pages[f"http://{closed}/robots.txt"] = rules
    site.pages[f"http://{closed}/nb/index.html"] = Resource(loop.format("index.html").encode())
    site.sources.append(
        Source(
            "yaodu-closed",
            CODE,
            closed,
            f"http://{closed}/nb/index.html",
            "county_listing",
            "尧都区人民政府",
        )
    )
    old = "old.yaodu.gov.cn"  # a host of its own: a blocked row blocks its whole host
    blocked = Source("yaodu-old", CODE, old, f"http://{old}/nb/", "county_listing", "旧站")
    site.sources.append(replace(blocked, status="blocked"))
    site.truth[only] = Truth(only, "failed", "年报", "", "yaodu-endless", why="missing")
