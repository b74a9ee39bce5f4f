"""The site of a warehouse in a real browser: served, as a file, on a phone, in the dark, printed.

Two sites: that of the demo's last night, and one of some thousand made-up reports whose texts try
to be scripts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tasks.site import build
from tests import nights
from tests.browser.pictures import picture
from tests.browser.sites import DESK, Site, Watched, opened, served
from tests.site import synthetic

pytestmark = [pytest.mark.slow, pytest.mark.browser]

PHONE: ViewportSize = {"width": 360, "height": 740}
MADE_UP = 1200  # reports


@pytest.fixture(scope="module")
def made_up(chain: nights.Chain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site of made-up reports full of hostile text."""
    folder = tmp_path_factory.mktemp("made-up")
    database = folder / "gongkai.duckdb"
    database.write_bytes((chain.last / "gongkai.duckdb").read_bytes())
    synthetic.fill(database, MADE_UP)
    build(database, folder / "site")
    with served(folder / "site", database) as site:
        yield site


def _pages(site: Site) -> list[str]:
    """One page of each kind."""
    years = sorted(p.name for p in (site.folder / "coverage").iterdir())
    reported = "where unit_id is not null and is_current"
    ((unit,),) = site.rows(f"select min(unit_id) from reports {reported}")
    ((county, province),) = site.rows(
        "select if(u.level = 4, u.parent_division_id, u.division_id), p.division_id "
        "from units as u join units as p on p.division_name = u.province and p.level = 1 "
        "and p.organ = 'gov' where u.unit_id = ? order by u.version desc limit 1",
        unit,
    )
    return [
        *("index.html", f"coverage/{years[-1]}", f"late/{years[-1]}", "checks.html"),
        *("failures.html", "unresolved.html", "about.html"),
        *(f"area/{province}.html", f"area/{county}.html"),
    ]


@pytest.mark.parametrize(
    ("language", "viewport", "scheme"), [("", PHONE, "dark"), ("en/", DESK, "light")]
)
@pytest.mark.parametrize("which", ["demo", "made_up"])
def test_each_kind_of_page_is_accessible_quiet_and_fits(
    browser: Browser,
    request: pytest.FixtureRequest,
    which: str,
    language: str,
    viewport: Any,
    scheme: Any,
) -> None:
    site: Site = request.getfixturevalue(which)
    context = browser.new_context(viewport=viewport, color_scheme=scheme, locale="en-GB")
    watched = opened(context, site.base)
    page = watched.page
    for path in _pages(site):
        page.goto(f"{site.base}{language}{path}", wait_until="load")
        expect(page.locator("#q")).to_be_enabled()
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        page.wait_for_function(
            "[...document.querySelectorAll('[data-chart]')]"
            ".every(c => !c.clientWidth || c.querySelector('svg'))"
        )
        _fits(page, path)
        _accessible(page, path)
    opens = page.locator("a.opens").first
    opens.click()
    expect(page.locator("#report td.c").first).to_be_visible()
    page.locator("#report td.c").nth(12).focus()
    _fits(page, "a report")
    assert page.evaluate("document.getElementById('report').scrollWidth <= innerWidth")
    _accessible(page, "a report")
    context.close()
    assert watched.trouble == []


def _fits(page: Page, path: str) -> None:
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"{path} is {wide} px too wide"


def _accessible(page: Page, path: str) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, f"{path}: {found.generate_report()}"


@pytest.mark.parametrize("path", ["index.html", "en/index.html"])
def test_the_overview_works_as_a_file(browser: Browser, demo: Site, path: str) -> None:
    context = browser.new_context(viewport=DESK)
    base = f"{demo.folder.as_uri()}/"
    watched = opened(context, base)
    page = watched.page
    page.goto(base + path)
    # drawn in the frame after the page has loaded
    plots = page.locator(".year-part:visible .plot svg, section > .two .plot svg")
    expect(plots.nth(2)).to_be_visible()
    page.fill("#q", "金塘")
    expect(page.locator("#found [role=option]").first).to_contain_text("金塘镇人民政府")
    page.keyboard.press("Enter")
    page.wait_for_url("**/area/*.html#u-*")
    expect(page.locator("tr:target")).to_contain_text("金塘镇人民政府")
    page.locator("a.opens").first.click()
    expect(page.locator("#report td.c").first).to_be_visible()
    context.close()
    assert watched.trouble == []


def test_the_labels_of_the_bars_do_not_overlap(desk: Watched, demo: Site) -> None:
    page = desk.page
    page.goto(f"{demo.base}en/index.html")
    chart = page.locator("[data-chart=requests]")
    years = page.evaluate("JSON.parse(document.getElementById('trend-CN').textContent).years")
    for n in (1, 8):  # as many bars
        many = [{**years[0], "year": 2019 + k, "received": 1234567, "covered": 1} for k in range(n)]
        page.evaluate(
            """years => {
                const data = document.getElementById("trend-CN");
                data.textContent = JSON.stringify({ ...JSON.parse(data.textContent), years });
                document.querySelector("[data-chart=requests]").dataset.width = "";
                document.dispatchEvent(new Event("gongkai:shown"));
            }""",
            many,
        )
        texts = chart.locator("svg text")
        boxes = [b for b in (t.bounding_box() for t in texts.all()) if b is not None]
        labels = " ".join(texts.all_text_contents())
        assert len(boxes) > 3 * n, labels
        for i, one in enumerate(boxes):
            for other in boxes[i + 1 :]:
                apart = (
                    one["x"] + one["width"] <= other["x"] + 1
                    or other["x"] + other["width"] <= one["x"] + 1
                    or one["y"] + one["height"] <= other["y"] + 3
                    or other["y"] + other["height"] <= one["y"] + 3
                )
                assert apart, f"{labels}: {one} {other}"
        assert ("1 unit counted" in labels) == (n == 1)


def test_the_queries_on_the_page_give_the_numbers_on_the_page(desk: Watched, demo: Site) -> None:
    page = desk.page
    page.goto(f"{demo.base}index.html")
    queries = page.locator("code.sql").evaluate_all("all => all.map(c => c.textContent)")
    assert len(queries) == 5
    found = {query: demo.rows(query) for query in queries}
    coverage = next(rows for query, rows in found.items() if "from coverage group by" in query)
    for year, *numbers in coverage:
        page.locator(f"button.year[data-year='{year}']").click()
        shown = page.locator(f".year-part[data-year='{year}'] dl.big:not(.small) dd")
        counts = [int(re.sub(r"\D", "", text.split()[0])) for text in shown.all_inner_texts()]
        assert counts == numbers
        assert numbers[0] == sum(numbers[1:])
    failures = next(rows for query, rows in found.items() if "from failures" in query)
    section = page.locator("section[aria-labelledby=h-failures]")
    for _outcome, code, documents in failures:
        row = section.locator("tr", has=page.get_by_text(code, exact=True)).first
        assert row.locator("td.n").inner_text().strip() == str(documents)


def test_the_language_changes_and_the_page_stays(desk: Watched, demo: Site) -> None:
    page = desk.page
    page.goto(demo.base + demo.area_of("临安区"))
    assert page.locator("html").get_attribute("lang") == "zh-Hans"
    page.locator("#language").click()
    page.wait_for_url("**/en/area/*.html")
    assert page.locator("html").get_attribute("lang") == "en"
    expect(page.locator("h1")).to_have_text("临安区")
    expect(page.get_by_role("heading", name="Units and years")).to_be_visible()
    left = page.evaluate(
        "[...document.querySelectorAll('h2, thead th, nav a, .sub')]"
        ".filter(e => !e.closest('[lang^=zh]') && /[\\u4e00-\\u9fff]/.test("
        "[...e.childNodes].filter(n => n.nodeType === 3).map(n => n.textContent).join('')))"
        ".map(e => e.textContent)"
    )
    assert left == []
    page.locator("#language").click()
    page.wait_for_url(lambda url: "/en/" not in url)


def test_the_appearance_follows_the_system_and_the_choice_is_kept(
    browser: Browser, demo: Site
) -> None:
    context = browser.new_context(viewport=DESK, color_scheme="dark")
    watched = opened(context, demo.base)
    page = watched.page
    paper = "getComputedStyle(document.body).backgroundColor"
    page.goto(f"{demo.base}index.html")
    dark = page.evaluate(paper)
    page.locator("#theme").click()
    assert page.evaluate(paper) != dark
    page.goto(f"{demo.base}about.html")
    assert page.evaluate(paper) != dark, "the choice was forgotten"
    page.locator("#theme").click()
    assert page.evaluate(paper) == dark
    page.locator("#theme").click()
    assert page.locator("html").get_attribute("data-theme") is None
    context.close()
    assert watched.trouble == []


def test_a_page_and_a_report_print_without_what_only_a_screen_needs(
    browser: Browser, demo: Site
) -> None:
    context = browser.new_context(viewport=DESK, color_scheme="dark")
    watched = opened(context, demo.base)
    page = watched.page
    page.goto(demo.base + demo.area_of("定海区"))
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for part in (".nav", ".search", ".tools"):
        expect(page.locator(part)).to_be_hidden()
    expect(page.locator("h1")).to_be_visible()
    page.emulate_media(media="screen")
    page.locator("a.opens").first.click()
    expect(page.locator("#report td.c").first).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator("h1")).to_be_hidden()
    expect(page.locator("#report-title")).to_be_visible()
    expect(page.locator(".report-bar")).to_be_hidden()
    for part in ("#report", "#report table.form"):
        ink = page.locator(part).first.evaluate("e => getComputedStyle(e).color")
        assert ink == "rgb(0, 0, 0)", f"{part} prints in {ink}"
    printed = page.pdf(format="A4")
    assert printed.count(b"/Type /Page\n") >= 2, "a report is cut off at the end of its first page"
    context.close()
    assert watched.trouble == []


def test_what_a_page_says_never_becomes_a_script_or_a_link(browser: Browser, made_up: Site) -> None:
    """Text from outside is shown letter for letter, and an address that is a script is no link."""
    context = browser.new_context(viewport=DESK)
    watched = opened(context, made_up.base)
    page = watched.page
    hostile = made_up.rows(
        "select report_id, title, if(level = 4, parent_division_id, division_id) from reports "
        "join units using (unit_id) where contains(title, '<img') and is_current "
        "order by report_id limit 2"
    )
    assert hostile
    for report_id, title, area in hostile:
        page.goto(f"{made_up.base}area/{area}.html#r={report_id}")
        expect(page.locator("#report .title")).to_have_text(title)
    scripted = made_up.rows(
        "select report_id, url, if(level = 4, parent_division_id, division_id) from reports "
        "join units using (unit_id) where starts_with(url, 'javascript:') "
        "order by report_id limit 1"
    )
    assert scripted
    for report_id, url, area in scripted:
        page.goto(f"{made_up.base}area/{area}.html#r={report_id}")
        expect(page.locator("#report header")).to_contain_text(url)
        assert page.locator("a[href^='javascript' i]").count() == 0
    for path in ("failures.html", "unresolved.html"):
        page.goto(f"{made_up.base}{path}")
        expect(page.get_by_text(synthetic.HOSTILE).first).to_be_visible()
        assert page.locator("img, main script:not([type='application/json'])").count() == 0
    value = made_up.rows(
        "select report_id, cell, as_published, if(u.level = 4, u.parent_division_id, u.division_id)"
        " from report_cells join reports using (report_id) join units as u"
        " on u.unit_id = reports.unit_id where contains(as_published, '<img') limit 1"
    )
    for report_id, cell, text, area in value:
        page.goto(f"{made_up.base}area/{area}.html#r={report_id}")
        expect(page.locator("#report td.c").first).to_be_visible()
        page.evaluate(
            "code => [...document.querySelectorAll('td.c')]"
            ".find(td => td.details.code === code).focus()",
            cell,
        )
        expect(page.locator("aside.cell q")).to_have_text(text)
    assert page.evaluate("document.querySelectorAll('img').length") == 0
    context.close()
    assert watched.trouble == []


def test_without_scripts_the_tables_findings_and_links_are_there(
    browser: Browser, demo: Site
) -> None:
    context = browser.new_context(java_script_enabled=False, viewport=DESK)
    page = context.new_page()
    page.goto(f"{demo.base}index.html")
    expect(page.locator("dl.big:visible").first).to_be_visible()
    assert page.locator(".year-part:visible").count() == 2
    page.goto(demo.base + demo.area_of("桦川县"))
    expect(page.locator("table.matrix")).to_be_visible()
    expect(page.locator("table.findings").first).to_be_visible()
    expect(page.get_by_text("报告全表由脚本绘出")).to_be_visible()
    page.locator("details.unit summary").first.click()
    source = page.locator("details.unit a.out").first
    assert str(source.get_attribute("href")).startswith("http://www.huachuan.gov.cn/")
    context.close()


def test_the_pictures_of_the_documentation(browser: Browser, demo: Site) -> None:
    """What the README shows of the site, or a complaint that it is no longer so."""
    context = browser.new_context(viewport={"width": 1280, "height": 1120}, locale="zh-CN")
    page = context.new_page()
    page.goto(f"{demo.base}index.html")
    expect(page.locator(".map .tile:visible").first).to_be_visible()
    picture(page, "site-overview")
    page.goto(demo.base + demo.area_of("桦川县"))
    page.locator("section[aria-labelledby=repairs] a.opens").first.click()
    expect(page.locator("#report td.c").first).to_be_visible()
    page.locator("#report td.c:has(.edit)").focus()
    picture(page, "site-county", within="#report")
    context.close()
