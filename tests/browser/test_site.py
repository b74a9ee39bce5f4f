"""The site of a warehouse in a real browser: served, as a file, on a phone, in the dark, printed.

Two sites: that of the demo's last night, and one of some thousand made-up reports whose texts try
to be scripts.
"""

from __future__ import annotations

import functools
import http.server
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, ViewportSize, expect

from tasks.site import build
from tests import nights
from tests.browser.pictures import picture
from tests.site import synthetic

pytestmark = [pytest.mark.slow, pytest.mark.browser]

PHONE: ViewportSize = {"width": 360, "height": 740}
DESK: ViewportSize = {"width": 1280, "height": 900}
MADE_UP = 1200  # reports
expect.set_options(timeout=30_000)  # the machine may be busy
STATUS = {"reported", "forced", "blank", "mark", "unread", "repaired"}


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing on the terminal of the tests."""


@dataclass(frozen=True, slots=True)
class Site:
    """A built site, its database, and where it is served."""

    folder: Path
    database: Path
    base: str

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """A query on the published tables."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql, list(values)).fetchall()

    def area_of(self, name: str) -> str:
        """The page of an area."""
        ((area,),) = self.rows(
            "select distinct division_id from units where division_name = ? and level <= 3 "
            "and organ = 'gov' and valid_to is null",
            name,
        )
        return f"area/{area}.html"


def _serve(folder: Path, database: Path) -> Iterator[Site]:
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Site(folder, database, f"http://127.0.0.1:{server.server_port}/")
        server.shutdown()
        thread.join(10)


@pytest.fixture(scope="module")
def demo(chain: nights.Chain) -> Iterator[Site]:
    """The site that the last of the shared nights wrote."""
    yield from _serve(chain.last / "site", chain.last / "gongkai.duckdb")


@pytest.fixture(scope="module")
def made_up(chain: nights.Chain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site of made-up reports full of hostile text."""
    folder = tmp_path_factory.mktemp("made-up")
    database = folder / "gongkai.duckdb"
    database.write_bytes((chain.last / "gongkai.duckdb").read_bytes())
    synthetic.fill(database, MADE_UP)
    build(database, folder / "site")
    yield from _serve(folder / "site", database)


@dataclass
class Watched:
    """A page, and all that went wrong on it."""

    page: Page
    base: str
    trouble: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Note errors, dialogs, and requests that fail or leave the site."""
        page, note = self.page, self.trouble.append
        page.on("console", lambda m: note(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: note(f"uncaught: {e}"))
        page.on("dialog", self._dialog)
        # What a page asked for when it was left or closed is given up by the browser itself.
        page.on(
            "requestfailed",
            lambda r: None if r.failure == "net::ERR_ABORTED" else note(f"failed: {r.url}"),
        )
        page.on("response", lambda r: note(f"{r.status} {r.url}") if r.status >= 400 else None)
        page.on("request", lambda r: None if self._own(r.url) else note(f"asks for {r.url}"))

    def _dialog(self, dialog: Dialog) -> None:
        self.trouble.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _own(self, url: str) -> bool:
        return url.startswith((self.base, "data:")) or (
            self.base.startswith("file:") and url.startswith("file:")
        )


def _opened(context: BrowserContext, base: str) -> Watched:
    context.set_default_timeout(20_000)
    watched = Watched(context.new_page(), base)
    watched.watch()
    return watched


@pytest.fixture
def desk(browser: Browser, demo: Site) -> Iterator[Watched]:
    """The demo's site on a desk; nothing may go wrong."""
    context = browser.new_context(viewport=DESK, locale="zh-CN", color_scheme="light")
    watched = _opened(context, demo.base)
    yield watched
    context.close()
    assert watched.trouble == []


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
    watched = _opened(context, site.base)
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
    watched = _opened(context, base)
    page = watched.page
    page.goto(base + path)
    assert page.locator(".year-part:visible .plot svg, section > .two .plot svg").count() >= 3
    page.fill("#q", "金塘")
    expect(page.locator("#found [role=option]").first).to_contain_text("金塘镇人民政府")
    page.keyboard.press("Enter")
    page.wait_for_url("**/area/*.html#u-*")
    expect(page.locator("tr:target")).to_contain_text("金塘镇人民政府")
    page.locator("a.opens").first.click()
    expect(page.locator("#report td.c").first).to_be_visible()
    context.close()
    assert watched.trouble == []


def test_a_unit_is_found_and_its_report_read_with_the_keyboard_alone(
    desk: Watched, demo: Site
) -> None:
    page = desk.page
    page.goto(f"{demo.base}index.html")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("定海 白泉")
    expect(page.locator("#found [role=option]").first).to_contain_text("白泉镇人民政府")
    page.keyboard.press("ArrowDown")
    chosen = page.locator("#q").get_attribute("aria-activedescendant")
    assert page.locator(f"#{chosen}").get_attribute("aria-selected") == "true"
    page.keyboard.press("Enter")
    page.wait_for_url("**/area/*.html#u-*")
    expect(page.locator("tr:target")).to_contain_text("白泉镇人民政府")
    place = page.url
    first = page.locator("tr[id^=u-]", has_text="白泉镇人民政府").locator("a.opens").first
    first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#report-title")).to_be_focused()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('td.c')"):
            break
    cell = page.locator("td.c:focus")
    expect(cell).to_have_attribute("data-at", "0")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(page.locator("td.c:focus")).to_have_attribute("data-at", "4")
    expect(page.locator("#report aside.cell")).to_contain_text("proactive.normative_documents")
    page.keyboard.press("Escape")
    expect(page.locator("#report")).to_be_hidden()
    expect(first).to_be_focused()
    assert page.url == place


def test_a_report_has_an_address_of_its_own_and_back_closes_it(desk: Watched, demo: Site) -> None:
    page = desk.page
    page.goto(demo.base + demo.area_of("定海区"))
    page.locator("a.opens").first.click()
    expect(page.locator("#report td.c").first).to_be_visible()
    address = page.url
    assert re.search(r"#r=[0-9a-f]{32}$", address)
    page.go_back()
    expect(page.locator("#report")).to_be_hidden()
    page.goto("about:blank")
    page.goto(address)
    expect(page.locator("#report td.c").first).to_be_visible()


@pytest.mark.parametrize("form", ["2019", "2021"])
@pytest.mark.parametrize("kind", ["html", "pdf"])
def test_every_value_is_shown_as_published_with_its_status_and_place(
    desk: Watched, demo: Site, form: str, kind: str
) -> None:
    """All cells of a report against the table `report_cells`, read from the page itself."""
    ((report_id, unit, area),) = demo.rows(
        """
        select report_id, unit_name, if(level = 4, parent_division_id, division_id)
        from reports join units using (unit_id)
        join (select report_id, count(distinct status) as kinds from report_cells group by all)
            using (report_id)
        where reports.form = ? and (source_kind = 'html') = (? = 'html')
        order by kinds desc, report_id limit 1
        """,
        form,
        kind,
    )
    cells = demo.rows(
        "select cell, value, edited_value, as_published, status, place from report_cells "
        "where report_id = ? order by position",
        report_id,
    )
    page = desk.page
    page.goto(f"{demo.base}area/{area}.html#r={report_id}")
    expect(page.locator("#report-title")).to_have_text(unit)
    shown = page.locator("#report td.c").evaluate_all(
        """cells => Object.fromEntries(cells.map(td => {
            td.focus();
            const facts = Object.fromEntries([...document.querySelectorAll("aside.cell dl > div")]
                .map(d => [d.querySelector("dt").textContent, d.querySelector("dd")]));
            const text = name => facts[name]?.querySelector("b, q, code")?.textContent
                ?? facts[name]?.textContent ?? null;
            return [text("代码"), {
                value: text("数值"), text: text("原文"), place: text("位置"),
                edited: text("改后"), kind: td.className,
                inTable: td.firstChild?.textContent ?? "",
            }];
        }))"""
    )
    assert len(shown) == len(cells) == {"2019": 198, "2021": 200}[form]
    for cell, value, edited, as_published, status, place in cells:
        seen = shown[cell]
        assert status in STATUS
        assert f"c-{status}" in seen["kind"].split(), cell
        assert seen["value"] == ("–" if value is None else _grouped(value)), cell
        if value is not None:
            assert seen["inTable"] == _grouped(value), cell
        assert seen["text"] == (as_published or "（空白）"), cell
        assert seen["edited"] == (None if edited == value else _grouped(edited)), cell
        if place:
            assert re.findall(r"[\d.,-]+", seen["place"]) == re.findall(r"[\d.,-]+", place), cell


def _grouped(value: Decimal) -> str:
    text = f"{value:,f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


def test_the_proposed_repair_is_shown_beside_the_published_value(desk: Watched, demo: Site) -> None:
    ((cell, before, after, area),) = demo.rows(
        """
        select cell, repairs.as_published, value,
               if(level = 4, parent_division_id, division_id)
        from repairs join reports using (report_id) join units using (unit_id)
        where status = 'proposed' limit 1
        """
    )
    page = desk.page
    page.goto(f"{demo.base}area/{area}.html")
    row = page.locator("section[aria-labelledby=repairs] tbody tr").first
    expect(row.locator("q")).to_have_text(before)
    expect(row).to_contain_text(_grouped(after))
    row.locator("a.opens").click()
    flagged = page.locator("#report td.c.flag:has(.edit)")
    expect(flagged).to_contain_text(f"{before} → {_grouped(after)}")
    flagged.focus()
    panel = page.locator("aside.cell")
    expect(panel).to_contain_text(cell)
    expect(panel).to_contain_text("未用于统计")


def test_a_dismissed_finding_marks_nothing_and_an_explained_one_says_why(
    browser: Browser, demo: Site, tmp_path: Path
) -> None:
    """Two reports: all that is violated in one was dismissed, in the other explained."""
    database = tmp_path / "gongkai.duckdb"
    database.write_bytes(demo.database.read_bytes())
    contradicting = demo.rows(
        """
        select report_id, any_value(if(level = 4, parent_division_id, division_id)), count(*)
        from findings join reports using (report_id) join units using (unit_id)
        where findings.verdict = 'violated' and is_current and official
          and len(cells) > 0 and findings.human_verdict is null
        group by report_id order by count(*), report_id
        """
    )
    (dismissed, area, _), (explained, other, _) = contradicting[:2]
    with duckdb.connect(str(database)) as connection:
        for report, verdict in ((dismissed, "dismissed"), (explained, "explained")):
            connection.execute(
                "update findings set human_verdict = ?, human_reason = 'the page was rung up', "
                "decided_by = 'li' where report_id = ?",
                [verdict, report],
            )
    build(database, tmp_path / "site")
    for site in _serve(tmp_path / "site", database):
        context = browser.new_context(viewport=DESK)
        watched = _opened(context, site.base)
        page = watched.page
        page.goto(f"{site.base}en/area/{area}.html#r={dismissed}")
        told = page.locator(".report-findings li.v-dismissed").first
        expect(told).to_contain_text("Dismissed by a person: the page was rung up (li)")
        assert page.locator(".report-findings li.v-violated, #report td.c.flag").count() == 0
        page.goto("about:blank")
        page.goto(f"{site.base}en/area/{other}.html#r={explained}")
        told = page.locator(".report-findings li.v-violated").first
        expect(told).to_contain_text("Explained by a person: the page was rung up")
        flagged = page.locator("#report td.c.flag").first
        flagged.focus()
        expect(page.locator("aside.cell")).to_contain_text("Explained by a person")
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
    watched = _opened(context, demo.base)
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
    watched = _opened(context, demo.base)
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
    watched = _opened(context, made_up.base)
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


def test_data_that_is_gone_or_of_another_night_is_said_so(browser: Browser, demo: Site) -> None:
    context = browser.new_context(viewport=DESK, locale="zh-CN")
    page = context.new_page()
    address = demo.base + demo.area_of("定海区")
    page.route("**/data/**", lambda route: route.fulfill(status=404, body=""))
    page.goto(address)
    page.locator("a.opens").first.click()
    expect(page.locator("#report .warn")).to_contain_text("没有载入")
    page.unroute("**/data/**")

    def older(route: Any) -> None:
        answer = route.fetch()
        body = re.sub(r'^(gongkai\.data\("[^"]+",)"[^"]*"', r'\1"another-night"', answer.text())
        route.fulfill(response=answer, body=body)

    page.route("**/data/**", older)
    page.keyboard.press("Escape")
    page.locator("a.opens").first.click()
    expect(page.locator("#report .warn")).to_contain_text("新的一晚")
    context.close()


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
