"""What a listing leads to besides good reports; most of it must end in another outcome."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from tests.publisher import figures as maker
from tests.publisher import layouts
from tests.publisher.cast import County
from tests.publisher.document import document
from tests.publisher.layouts import clean, wrappers
from tests.publisher.prose import Header, header
from tests.publisher.server import EPOCH, Resource
from tests.publisher.site import Outcome, Site, Source, Truth

MIRROR = "mirror.huachuan.gov.cn"  # official by its name, and not believed yet
LATER = EPOCH + 60 * 86_400  # when the second night's changes were made


def relative(base: str, url: str, number: int) -> str:
    """A link as sites write it: relative to the folder, to the host, or whole."""
    here, there = urlsplit(base), urlsplit(url)
    if here.netloc != there.netloc or number % 5 == 4:
        return url
    inside = there.path.removeprefix(here.path)
    if inside == there.path or number % 5 == 3:
        return there.path
    return f"./{inside}" if number % 2 else inside


def add(site: Site, listed: list[Truth], county: County, seed: int, *, change: bool) -> None:
    """Adds every oddity to one county's listing, and damages some of its reports."""
    _wrong_sum(site, listed, county, seed, corrected=change)
    _no_tables(site, listed, county, seed)
    for truth in _others(site, county, seed):
        site.truth[truth.url] = truth
        listed.append(truth)
    mirror = Source(
        "huachuan-mirror",
        county.code,
        MIRROR,
        f"http://{MIRROR}/nb/",
        "county_listing",
        f"{county.name}人民政府",
        "quarantine",
        notes="not reviewed",
    )
    site.sources.append(mirror)
    copied = next(t for t in listed if t.outcome == "parsed" and t.why is None)
    copy = replace(copied, url=copied.url.replace(".html", "_copy.html"), outcome="duplicate")
    site.pages[copy.url] = site.pages[copied.url]
    site.truth[copy.url] = replace(copy, why=f"same bytes as {copied.url}")
    listed.append(site.truth[copy.url])
    if change:
        _new_report(site, listed, county, seed)


def _rewrite(site: Site, listed: list[Truth], truth: Truth, page: bytes, modified: int) -> None:
    site.pages[truth.url] = replace(site.pages[truth.url], body=page, modified=modified)
    place = next(n for n, t in enumerate(listed) if t.url == truth.url)
    site.truth[truth.url] = listed[place] = truth


def _wrong_sum(
    site: Site, listed: list[Truth], county: County, seed: int, *, corrected: bool
) -> None:
    """悦来镇's latest report gives a total that is one too high; the second night corrects it."""
    from tests.publisher.demo import compose

    unit = next(u for u in county.units if u.name.endswith("悦来镇"))
    old = next(t for t in listed if t.unit == unit.name and t.year == unit.years[-1])
    assert old.figures is not None and old.layout is not None and old.year is not None
    right = old.figures
    figures = right if corrected else maker.wrong_sum(right, "requests.granted.total")
    page = layouts.publish(compose(county, unit, old.year, figures, seed), old.layout).body
    why = "corrected" if corrected else "wrong_sum"
    modified = LATER if corrected else site.pages[old.url].modified
    _rewrite(site, listed, replace(old, figures=figures, why=why), page, modified)


def _no_tables(site: Site, listed: list[Truth], county: County, seed: int) -> None:
    """东河乡's first report has all headings and no table."""
    from tests.publisher.demo import compose

    unit = next(u for u in county.units if u.name.endswith("东河乡"))
    old = next(t for t in listed if t.unit == unit.name and t.year == unit.years[0])
    assert old.figures is not None and old.layout is not None and old.year is not None
    document = compose(county, unit, old.year, old.figures, seed).reshaped(lambda _: [])
    page = layouts.publish(document, "clean/table/utf8").body
    new = replace(old, outcome="rejected", why="no_tables", layout="clean/table/utf8")
    _rewrite(site, listed, new, page, EPOCH)


def _head(county: County, title: str, year: int, seed: int) -> Header:
    return replace(
        header(f"{county.name}人民政府办公室", year, seed),
        title=title,
        site_name=f"{county.name}人民政府",
        site_domain=county.host,
        site_id_code=county.site_id,
    )


def _page(head: Header, paragraphs: list[str]) -> bytes:
    body = f"<h1>{head.title}</h1>\n" + "".join(map(clean.paragraph, paragraphs))
    return wrappers.table(head, body).encode()


def _hacked(county: County, seed: int) -> bytes:
    """A whole report on the official host, with another's advertising in its text."""
    unit = f"{county.name}文化旅游局"
    whole = document(maker.consistent("2021", seed + 55), unit, 2022, seed)
    page = layouts.publish(whole, "clean/table/utf8").body.decode()
    assert "</h1>" in page
    advert = "</h1><p>澳门新葡京官方入口，注册送彩金，真人荷官在线</p>"
    return page.replace("</h1>", advert, 1).encode()


def _others(site: Site, county: County, seed: int) -> list[Truth]:
    """Pages that are no reports, pages that fail, and links that lead away."""
    name, host = county.name, county.host
    source = host.split(".")[1]
    notice = _head(
        county, f"关于做好{name}2023年政府信息公开工作年度报告编制发布工作的通知", 2023, seed
    )
    early = _head(county, f"{name}2017年政府信息公开工作年度报告", 2017, seed)
    bodies: list[tuple[str, str, Resource, Outcome, str]] = [
        (
            "tz/202312/t20231220_900001.html",
            notice.title,
            Resource(_page(notice, _NOTICE), "text/html"),
            "rejected",
            "not_a_report",
        ),
        (
            "zfb/201803/t20180302_900002.html",
            early.title,
            Resource(_page(early, _EARLY), "text/html"),
            "rejected",
            "pre_2019",
        ),
        (
            "jyj/202001/t20200110_900003.html",
            f"{name}司法局2019年政府信息公开工作年度报告",
            Resource(b"", "text/html", 404),
            "failed",
            "http_404",
        ),
        (
            "jyj/202001/t20200110_900004.html",
            f"{name}水务局2019年政府信息公开工作年度报告",
            Resource(b"", "text/html"),
            "rejected",
            "empty",
        ),
        (
            "en/202401/t20240110_900005.html",
            f"{name}外事办公室2023年政府信息公开工作年度报告",
            Resource(_ENGLISH, "text/html; charset=utf-8"),
            "rejected",
            "english",
        ),
        (
            "jyj/202301/t20230110_900007.html",
            f"{name}审计局2022年政府信息公开工作年度报告",
            Resource(b"\x1f\x8b\x08\x00broken", headers={"Content-Encoding": "gzip"}),
            "failed",
            "broken_gzip",
        ),
        (
            "wgj/202301/t20230111_900008.html",
            f"{name}文化旅游局2022年政府信息公开工作年度报告",
            Resource(_hacked(county, seed), "text/html"),
            "quarantined",
            "spoofed",
        ),
        (
            "nbzl/202401/t20240110_900006.html",
            f"{name}档案局2023年政府信息公开工作年度报告",
            Resource(_page(early, _EARLY), "text/html"),
            "skipped",
            "robots",
        ),
    ]
    truths = []
    for path, title, resource, outcome, why in bodies:
        url = f"http://{host}/zwgk/nb/{path}"
        site.pages[url] = resource
        truths.append(Truth(url, outcome, title, "2024-01-10", source, why=why))
    for away in (
        f"http://{host}.evil-example.com/nb/1.html",
        f"http://{MIRROR}/nb/3.html",
        "http://www.nobody-registered.gov.cn/nb/4.html",
        "http://www.zhengwu-news.com/nb/2.html",
    ):
        title = f"{name}2022年政府信息公开工作年度报告"
        site.pages[away] = Resource(_page(notice, _NOTICE), "text/html")
        truths.append(Truth(away, "quarantined", title, "2023-02-01", source, why="not_official"))
    return truths


def _new_report(site: Site, listed: list[Truth], county: County, seed: int) -> None:
    """悦来镇 publishes another year."""
    from tests.publisher.demo import address, compose

    unit = next(u for u in county.units if u.name.endswith("悦来镇"))
    last = next(t for t in listed if t.unit == unit.name and t.year == unit.years[-1])
    year = unit.years[-1] + 1
    figures = maker.consistent("2021", seed + year, size="small", previous=last.figures)
    page = compose(county, unit, year, figures, seed)
    url = address(county, unit.slug, page.head.published, 999)
    layout = "clean/table/utf8"
    site.pages[url] = Resource(layouts.publish(page, layout).body, "text/html", modified=LATER)
    truth = replace(
        last,
        url=url,
        title=page.head.title,
        published=page.head.published.isoformat(),
        figures=figures,
        year=year,
        layout=layout,
        issuing_unit=page.head.unit,
        why="new",
    )
    site.truth[url] = truth
    listed.insert(0, truth)


_NOTICE = [
    "各乡镇人民政府，县政府各部门：",
    "为做好政府信息公开工作年度报告的编制和发布，现将有关事项通知如下。",
    "一、各单位应于1月31日前发布本单位的年度报告，表格须按统一格式填写，数据须符合勾稽关系。",
    "二、报告发布后，请将链接报送县政府办公室政务公开科，联系电话0454-3890123。",
]
_EARLY = [
    "根据有关规定编制本报告，由概述、主动公开情况、依申请公开情况、存在的不足五个部分组成。",
    "一、概述。2017年共公开各类信息1286条。",
    "二、主动公开政府信息的情况。通过网站公开902条，通过公报公开31条。",
    "三、依申请公开情况。共收到申请3件，均已答复。没有因此发生的复议和诉讼。",
    "四、不足和打算。下一步将加强培训。",
]
_ENGLISH = (
    b"<!DOCTYPE html><html lang='en'><head><title>Welcome</title></head><body><h1>Welcome to our "
    b"county</h1><p>The county lies on the southern bank of the river. Population: 220,000. "
    b"Investment projects of 2023: 14.</p></body></html>"
)
