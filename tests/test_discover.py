"""Listings are followed to their end and no further; each document has one name."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.discover import crawl
from tasks.listing.article import further_pages
from tasks.listing.attached import attachments
from tasks.listing.choice import why_not_a_report
from tasks.records import Fetched, Source
from tasks.urls import canonical_url

HOST = "http://www.a.gov.cn"
SOURCE = Source("a", "330112", "www.a.gov.cn", f"{HOST}/nb/index.html", "x", "x", "allowed", "", "")


def server(pages: Mapping[str, str | bytes]) -> Callable[[str], Fetched]:
    """A `get` that answers from a table by path, and notes what was asked."""
    asked: list[str] = []

    def get(url: str) -> Fetched:
        asked.append(url)
        text = pages.get(url.removeprefix(HOST))
        row = Fetched(canonical_url(url), url, url, datetime(2026, 1, 1, tzinfo=UTC))
        if text is None:
            return replace(row, error_code="http_404", error_message="it is not there")
        body = text.encode() if isinstance(text, str) else text
        return replace(row, body=body)

    get.asked = asked  # type: ignore[attr-defined]
    return get


def official(url: str) -> str | None:
    return None if url.startswith(HOST + "/") else "not official"


def li(href: str, title: str, date: str = "2024-01-20") -> str:
    return f'<li><a href="{href}">{title}</a><span>{date}</span></li>'


def report(n: int) -> str:
    return li(f"./202401/t{n}.html", f"第{n}镇2023年政府信息公开工作年度报告")


def test_entries_are_found_with_title_and_date_in_the_usual_forms() -> None:
    page = f"""<title>政府信息公开年报</title>
    <ul><li><a href="/">首页</a></li><li><a href="/nb/">政府信息公开年报</a></li></ul>
    <ul>{li("a.html", "甲镇2023年政府信息公开工作年度报告", "[2024-01-05]")}</ul>
    <table><tr><td>1</td><td><a href='/x/b.html'>乙镇 2022 年度政府信息公开年报</a></td>
    <td>2023年1月9日</td></tr></table>
    <div><a href="c.html" title="丙镇人民政府2021年政府信息公开工作年度报告">丙镇人民政府2021…</a>
    (2022/01/31)</div>
    <div><a href="d.html"><span>丁镇2020年年度报告</span> <span>2021-01-30</span></a></div>
    <div><a href="http://www.evil.com/e.html">戊镇2020年政府信息公开年度报告</a></div>
    <ul>{li("f.html", "2023年法治政府建设年度报告")}
    {li("g.html", "一图读懂甲镇2023年政府信息公开年报")}
    {li("javascript:void(0)", "己镇2020年政府信息公开年度报告")}</ul>"""
    found = crawl(SOURCE, server({"/nb/index.html": page}), official)
    assert [(d.document_id, d.link_title, d.link_date, d.official) for d in found.documents] == [
        (f"{HOST}/nb/a.html", "甲镇2023年政府信息公开工作年度报告", "2024-01-05", True),
        (f"{HOST}/x/b.html", "乙镇 2022 年度政府信息公开年报", "2023-01-09", True),
        (f"{HOST}/nb/c.html", "丙镇人民政府2021年政府信息公开工作年度报告", "2022-01-31", True),
        (f"{HOST}/nb/d.html", "丁镇2020年年度报告", "2021-01-30", True),
        ("http://www.evil.com/e.html", "戊镇2020年政府信息公开年度报告", None, False),
    ]
    assert found.documents[-1].refusal == "not official"
    assert {c.url.rpartition("/")[2]: bool(c.reason) for c in found.rejected} == {
        "": True,
        "f.html": True,
        "g.html": True,
    }
    assert found.problems == []


@pytest.mark.parametrize(
    "title",
    [
        "杭州市临安区清凉峰镇2022年政府信息公开工作年度报告",
        "某县2023年度政府信息公开工作报告",
        "关于发布2023年政府信息公开工作年度报告的公告",
        "２０２３年信息公开年报",
        "政府信息公开工作年度报告（二〇二二年）",
        "某局政府信息公开工作年度报告",
        "2021年政务公开工作年度报告",
    ],
)
def test_titles_of_reports(title: str) -> None:
    assert why_not_a_report(title) is None


@pytest.mark.parametrize(
    ("title", "says"),
    [
        ("首页", ""),
        ("某镇召开会议", ""),
        ("政府信息公开指南", "no annual report"),
        ("政府信息公开年报", "names the column"),
        ("2023年政府工作报告", "another kind"),
        ("2023年法治政府建设情况年度报告", "another kind"),
        ("2023年政府网站工作年度报告", "another kind"),
        ("图解：2023年政府信息公开年度报告", "explains"),
    ],
)
def test_titles_that_are_none(title: str, says: str) -> None:
    reason = why_not_a_report(title, "政府信息公开年报")
    assert reason is not None
    assert says in reason
    assert bool(reason) == bool(says)


def test_next_numbered_and_scripted_paging_is_followed() -> None:
    nexts = {
        "/nb/index.html": report(1) + "<a href='index_1.html'>下一页</a><a href='/x'>尾页</a>",
        "/nb/index_1.html": report(2)
        + "<a href='index.html'>上一页</a><a href='index_2.html'>下页</a>",
        "/nb/index_2.html": report(3) + "<a href='index_2.html'>下一页</a>",
    }
    pager = "".join(f"<a href='?page={n}'>{n}</a>" for n in (1, 2, 3)) + "<a href='/else/7'>7</a>"
    numbers = {
        "/nb/index.html": report(1) + pager,
        "/nb/index.html?page=2": report(2) + pager,
        "/nb/index.html?page=3": report(3) + pager,
        "/nb/index.html?page=1": report(1) + "<p>",
    }
    script = "<script>createPageHTML(3, 0, \"index\", 'html');</script>"
    scripted = {
        "/nb/index.html": report(1) + script,
        "/nb/index_1.html": report(2) + script,
        "/nb/index_2.html": report(3) + script,
    }
    variables = "<script>var n = 3, page=0;</script>"
    variables += "<script>createPageHTML (n, page, 'index', 'html')</script>"
    spelled = {path: text.replace(script, variables) for path, text in scripted.items()}
    for pages in (nexts, scripted, spelled):
        found = crawl(SOURCE, server(pages), official)
        assert [d.url.rpartition("/")[2] for d in found.documents] == [
            "t1.html",
            "t2.html",
            "t3.html",
        ]
        assert found.problems == []
        assert found.pages == 3
    found = crawl(SOURCE, server(numbers), official)
    assert len(found.documents) == 3


@pytest.mark.parametrize(
    "label",
    [
        *("下一页", "下一页&gt;", "下一页&gt;&gt;", "[下一页]", "【下一页】", "&gt;&gt;下一页"),
        *("下一页→", "Next&nbsp;»", "&gt;", "»", "下一頁", "下一页(2)", "＞", "[2]", "向后"),
    ],
)
def test_the_next_page_may_be_ornamented(label: str) -> None:
    onward = f"<a href='index_1.html'>{label}</a>"
    pages = {"/nb/index.html": report(1) + onward, "/nb/index_1.html": report(2)}
    assert len(crawl(SOURCE, server(pages), official).documents) == 2
    article = f"<a href='t1_1.html'>{label}</a><a href='t1_2.html'>下一篇&gt;</a>".encode()
    first = f"{HOST}/nb/t1.html"
    assert further_pages(article, first, first) == [f"{HOST}/nb/t1_1.html"]


@pytest.mark.parametrize(
    "onward",
    [
        "<a href='index_1.html'><img src='n.gif' alt='下一页'></a>",
        "<a href='index_1.html' title='下一页'></a>",
        "<a href='index_1.html' class='next'></a>",
        "<link rel='next' href='index_1.html'>",
        "<a rel='next' href='index_1.html'>继续</a>",
        """<a href="javascript:void(0)" onclick="location.href='index_1.html'">下一页</a>""",
        """<a href="javascript:turn('index_1.html')">2</a>""",
        """<button onclick="window.open('./index_1.html', '_self')">下一页</button>""",
        """<span onclick="go('/nb/index_1.html')">下一页</span>""",
    ],
)
def test_the_next_page_may_be_a_picture_a_script_or_a_relation(onward: str) -> None:
    pages = {"/nb/index.html": report(1) + onward, "/nb/index_1.html": report(2)}
    found = crawl(SOURCE, server(pages), official)
    assert len(found.documents) == 2
    assert found.problems == []


FULL = "".join(map(report, range(12)))


@pytest.mark.parametrize(
    ("page", "seen"),
    [
        (report(1) + '<a href="javascript:go(2)">下一页</a>', "“下一页 javascript:go(2)”"),
        (report(1) + '<a href="#" onclick="turn(this)">下一页</a>', "“下一页 turn(this) #”"),
        (report(1) + "<p>共 3 页</p>", "says it has 3 pages, 1 could be read"),
        (report(1) + "<p>第1/<b>3</b>页 <a href='javascript:go(2)'>下页</a>", "3 pages, 1 could"),
        (FULL + '<a id="next">下一页</a>', "“下一页”"),
        (report(1) + "<a href='2.html'>下一页</a> 共3页", "3 pages, 2 could be read"),
        # the end of a listing, or all of it
        (report(1) + '<a href="javascript:void(0)">下一页</a>', ""),
        (FULL + '<a href="javascript:;" class="disabled">下一页</a>', ""),
        (report(1) + "<p>共1页 <span>下一页</span>", ""),
        (FULL + "<p>共1页 <a id='next'>下一页</a>", ""),
        (report(1) + '<a href="javascript:slide(1)">&gt;</a>', ""),
        (report(1) + "<a href='2.html'>下一页</a> 共2页", ""),
    ],
)
def test_a_listing_that_goes_on_where_no_one_follows_says_so(page: str, seen: str) -> None:
    found = crawl(SOURCE, server({"/nb/index.html": page, "/nb/2.html": report(77)}), official)
    told = [p.message or "" for p in found.problems if p.code == "listing_not_followed"]
    assert len(told) == len(found.problems) == bool(seen)
    assert not seen or seen in told[0]
    assert found.documents


def _json(first: int, last: int, **more: object) -> str:
    entries = [
        {"title": f"第{n}镇2023年政府信息公开工作年度报告", "url": f"/nb/t{n}.html"}
        for n in range(first, last)
    ]
    return json.dumps({"list": entries} | more)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (_json(0, 9, count=9, pages=2), _json(9, 18, count=9, pages=2)),
        (_json(0, 9, count=9), _json(9, 18, count=9)),
        (_json(0, 9, total=18, size=20), _json(9, 18, total=18, size=20)),
        (_json(0, 9, nav=[{"name": "x", "url": f"/{n}"} for n in range(30)]), _json(9, 18)),
        (_json(0, 4, total=18, top=json.loads(_json(4, 9))["list"]), _json(9, 18)),
        (_json(0, 9), _json(9, 18, size=50)),
    ],
)
def test_counters_and_neighbours_of_json_records_do_not_hide_pages(first: str, second: str) -> None:
    pages = {"/nb/api?page=1": first, "/nb/api?page=2": second}
    source = SOURCE._replace(listing_url=f"{HOST}/nb/api?page=1")
    found = crawl(source, server(pages), official)
    assert len(found.documents) == 18
    assert found.problems == []


def test_what_stands_inside_a_json_entry_is_not_listed() -> None:
    title = "某局2023年政府信息公开工作年度报告"
    inner = [{"name": f"{title}.pdf", "url": f"/f{n}.pdf"} for n in range(9)]
    entry = {"title": title, "url": "/nb/1.html", "files": inner}
    found = crawl(SOURCE, server({"/nb/index.html": json.dumps([entry])}), official)
    assert [d.url for d in found.documents] == [f"{HOST}/nb/1.html"]


@pytest.mark.parametrize(
    "body",
    [
        ("<ul>" + report(1) + "<p>主办：某县人民政府办公室 版权").encode()
        + b"\xe6\x94<p>"
        + b"x" * 9,
        ("<ul>" + report(1)).encode("utf-16"),
        ("<ul>" + report(1)).encode("utf-16-be"),
    ],
    ids=["a stray byte", "utf-16", "utf-16 without a mark"],
)
def test_a_listing_is_decoded_as_a_report_is(body: bytes) -> None:
    found = crawl(SOURCE, server({"/nb/index.html": body}), official)
    assert [d.link_title for d in found.documents] == ["第1镇2023年政府信息公开工作年度报告"]


def test_entries_kept_as_records_for_a_script_are_found() -> None:
    record = f"<record><![CDATA[{report(1)}]]></record>"
    page = f"<script type='text/xml'><datastore>{record}</datastore></script>"
    assert len(crawl(SOURCE, server({"/nb/index.html": page}), official).documents) == 1


def test_a_gbk_listing_is_read() -> None:
    page = ("<meta charset=gb2312><ul>" + report(1) + "</ul>").replace("第1镇", "朱镕镇")
    found = crawl(SOURCE, server({"/nb/index.html": page.encode("gb18030")}), official)
    assert found.documents[0].link_title == "朱镕镇2023年政府信息公开工作年度报告"


def test_a_listing_that_loops_ends_with_a_problem_and_keeps_what_it_found() -> None:
    circle = {
        "/nb/index.html": report(1) + "<a href='2.html'>下一页</a>",
        "/nb/2.html": report(2) + "<a href='index.html'>下一页</a>",
    }
    found = crawl(SOURCE, server(circle), official)
    assert len(found.documents) == 2
    assert [(p.code, p.stage) for p in found.problems] == [("listing_loops", "discover")]

    def endless(url: str) -> Fetched:
        number = int(url.partition("=")[2] or 1)
        get = server({url.removeprefix(HOST): report(1) + f"<a href='?p={number + 1}'>下一页</a>"})
        return get(url)

    found = crawl(SOURCE, endless, official)
    assert len(found.documents) == 1
    assert [p.code for p in found.problems] == ["listing_loops"]
    assert found.pages == 2

    def growing(url: str) -> Fetched:
        number = int(url.partition("=")[2] or 1)
        text = report(number) + f"<a href='?p={number + 1}'>下一页</a>"
        return server({url.removeprefix(HOST): text})(url)

    found = crawl(SOURCE, growing, official, max_pages=5)
    assert len(found.documents) == 5
    assert [p.code for p in found.problems] == ["listing_too_long"]


def test_a_listing_page_that_fails_is_a_problem_and_the_others_count() -> None:
    pages = {"/nb/index.html": report(1) + "<a href='2.html'>2</a><a href='3.html'>3</a>"}
    pages["/nb/3.html"] = report(3)
    found = crawl(SOURCE, server(pages), official)
    assert len(found.documents) == 2
    assert [(p.code, p.url) for p in found.problems] == [("http_404", f"{HOST}/nb/2.html")]
    found = crawl(SOURCE, server({"/nb/index.html": "<p>改版"}), official)
    assert [p.code for p in found.problems] == ["listing_empty"]


def test_an_absurdly_large_listing_page_is_a_problem() -> None:
    started = time.monotonic()
    page = report(1) + "<datastore>" * 400_000
    found = crawl(SOURCE, server({"/nb/index.html": page}), official)
    assert [p.code for p in found.problems] == ["too_large"]
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "page",
    [
        "<datastore>" * 20_000,
        "<script>countPage=5;'" + "/aB-" * 60_000 + "'</script>",
        "<script>" + "createPageHTML(1, " * 12_000 + "</script>",
        "<script>'" + "/a" * 120_000 + "'</script>",
        '<script>countPage=9;"' + '"a_" + ' * 20_000 + "</script>",
        "<script>hrefFormer " + "a:'b'," * 25_000 + "</script>",
        "<script>" + "'/common/search/' + a " * 5_000 + "</script>",
        "[" * 100_000,
        "2020-1" * 30_000,
        "<div>" + "<a href='a.html'>x</a>" * 3_000 + "</div>",
        "<datastore>" + "<![CDATA[" * 100_000 + "</datastore>",
        "<script>" + "pdf" * 60_000 + "</script>",
        "<script>file" + " " * 100_000 + "</script>",
        "<p>?" + "p" * 100_000,
        "x(" + ")" + " " * 100_000 + "a",
        "<script>" + "$.ajax({type:'post',data:{page:1," * 20_000 + "</script>",
        "<script>$.post('/a',{page:1});" + "a='" * 100_000 + "</script>",
        "<form method=post>" * 3_000 + "<input name=page value=1>" * 3_000,
        "<div onclick='a'>" * 3_000,
        "<p>" + "共1" * 200_000,
        '{"list": [{"title": "' + "<" * 200_000 + '", "url": "a.html"}]}',
    ],
)
def test_a_hostile_page_costs_little(page: str) -> None:
    started = time.monotonic()
    get = server({"/nb/index.html": page})
    crawl(SOURCE, get, official, post=lambda url, fields: get(url))
    further_pages(page.encode(), SOURCE.listing_url, SOURCE.listing_url)
    attachments(page, SOURCE.listing_url)
    assert time.monotonic() - started < 20  # what grows with the square takes minutes


def test_an_arrow_without_a_word_leads_only_within_the_listing() -> None:
    get = server({"/nb/index.html": report(1) + "<a class='next' href='/pictures/2.html'></a>"})
    assert crawl(SOURCE, get, official).problems == []
    assert get.asked == [SOURCE.listing_url]  # type: ignore[attr-defined]


def test_paging_stays_on_its_host() -> None:
    get = server({"/nb/index.html": report(1) + "<a href='http://evil.com/nb/2'>下一页</a>"})
    crawl(SOURCE, get, official)
    assert get.asked == [SOURCE.listing_url]  # type: ignore[attr-defined]


def test_a_bad_address_or_date_costs_only_itself() -> None:
    page = "<base href='http://['>" + report(1)
    found = crawl(SOURCE, server({"/nb/index.html": page}), official)
    assert [d.url for d in found.documents] == [f"{HOST}/nb/202401/t1.html"]
    viewers = """<iframe src="/v.html?file=http://[/x.pdf"></iframe><embed src="e.pdf">"""
    assert f"{HOST}/nb/e.pdf" in [a.url for a in attachments(viewers, f"{HOST}/nb/t.html")]
    title = "某镇2023年政府信息公开工作年度报告"
    entry = f'{{"title": "{title}", "url": "/nb/t1.html", "time": Infinity}}'
    listing = f'{{"total": "{"9" * 5_000}", "list": [{entry}]}}'
    found = crawl(SOURCE, server({"/nb/index.html": listing}), official)
    assert [(d.link_title, d.link_date) for d in found.documents] == [(title, None)]


def test_attachments_of_a_page() -> None:
    page = """<nav><a href="/guide.pdf">指南</a></nav>
    <a href="P020240120.pdf">附件</a> <a href="./P020240120.pdf#page=2">again</a>
    <a href="/module/download/down.jsp?i_ID=1&filename=x.docx">下载</a>
    <a href="/download?id=7">附件：某镇年报.xls</a> <a href="/a.html">x</a>
    <iframe src="/pdfjs/web/viewer.html?file=/u/r.pdf"></iframe>
    <script>PDFObject.embed("/u/s.pdf", "#view"); var other = "not.a pdf";</script>
    <script>new Pdfh5('#d', {pdfurl: './h5.pdf'});</script>
    <embed src="e.ofd"><object data="o.doc"></object><a href="mailto:x@a.pdf">m</a>"""
    assert [(a.url.removeprefix(HOST), a.kind) for a in attachments(page, f"{HOST}/nb/t.html")] == [
        ("/nb/P020240120.pdf", "pdf"),
        ("/module/download/down.jsp?i_ID=1&filename=x.docx", "docx"),
        ("/download?id=7", "xls"),
        ("/u/r.pdf", "pdf"),
        ("/nb/e.ofd", "ofd"),
        ("/nb/o.doc", "doc"),
        ("/u/s.pdf", "pdf"),
        ("/nb/h5.pdf", "pdf"),
    ]


@pytest.mark.parametrize(
    "url",
    [
        "http://www.a.gov.cn/x/?b=2&a=1",
        "HTTPS://WWW.A.GOV.CN:443/x/?a=1&b=2#top",
        "http://user:pw@www.a.gov.cn.:80/x/?a=1&b=2&utm_source=q&from=timeline",
        "http://www.a.gov.cn/y/../x/;jsessionid=AB12?a=1&b=2",
    ],
)
def test_spellings_of_one_document(url: str) -> None:
    assert canonical_url(url) == "http://www.a.gov.cn/x/?a=1&b=2"


def test_different_documents_stay_different() -> None:
    urls = ["http://a.gov.cn/x", "http://www.a.gov.cn/x", "http://a.gov.cn/x/", "http://a.gov.cn/X"]
    urls += ["http://a.gov.cn:8080/x", "http://a.gov.cn/x?from=2022", "http://a.gov.cn/x?id=1"]
    assert len({canonical_url(u) for u in urls}) == len(urls)


@pytest.mark.parametrize(
    "url", ["", "x", "/x", "ftp://a.gov.cn/", "http://", "http://a:b:c/", "http://[/"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical_url(url)


path = st.text("abzAZ09./-_%~ 年报();:,@&=+$!*'", max_size=20)
query = st.lists(
    st.tuples(st.text("ab1年 %+", min_size=1, max_size=4), st.text("ab1/年?%", max_size=4))
)


@given(path, query, st.permutations([0, 1, 2, 3]), st.text("abc", max_size=4))
def test_the_name_is_a_fixed_point_and_blind_to_what_does_not_matter(
    path: str, pairs: list[tuple[str, str]], order: list[int], fragment: str
) -> None:
    items = ["=".join(p) for p in pairs[:4]]
    shuffled = [items[i] for i in order if i < len(items)]
    one = f"http://www.a.gov.cn/{path}?{'&'.join(items)}"
    other = f"HTTPS://WWW.a.gov.CN:443/{path}?{'&'.join([*shuffled, 'spm=1.2'])}#{fragment}"
    name = canonical_url(one)
    assert canonical_url(name) == name
    assert canonical_url(other) == name


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_a_value_error(text: str) -> None:
    for url in (text, f"http://{text}"):
        try:
            name = canonical_url(url)
        except ValueError:
            continue
        assert canonical_url(name) == name
