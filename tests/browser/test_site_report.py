"""A report opened on the site: by keyboard, by its address; all values, repairs and findings."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from playwright.sync_api import Browser, expect

from tasks.site import build
from tests.browser.sites import DESK, Site, Watched, opened, served

pytestmark = [pytest.mark.slow, pytest.mark.browser]


STATUS = {"reported", "forced", "blank", "mark", "unread", "repaired"}


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
    with served(tmp_path / "site", database) as site:
        context = browser.new_context(viewport=DESK)
        watched = opened(context, site.base)
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
