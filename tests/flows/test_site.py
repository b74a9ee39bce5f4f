"""The site as a night leaves it: whole, the same every time, and never in the way of the tables."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import duckdb
import psutil  # type: ignore[import-untyped]
import pytest

from tasks.site import facts
from tasks.site import site as building
from tasks.site.tables import opened
from tasks.store import Warehouse
from tests import nights
from tests.site import synthetic

pytestmark = pytest.mark.slow


def _bytes(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


class _Links(HTMLParser):
    """What a page leads to and loads, and the names in it that a link can lead to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.data: set[str] = set()
        self.names: set[str] = set()
        self.feed(text)

    def handle_starttag(self, _tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name in ("href", "src"):
                self.links.add(value or "")
            elif name == "data-file":
                self.data.add(value or "")
            elif name == "id":
                self.names.add(value or "")


def test_a_night_ends_with_the_address_of_its_site(chain: nights.Chain) -> None:
    said = re.search(r"Look at it\s+(file://\S+)", chain.ended["clean"].out)
    assert said is not None
    page = Path(unquote(urlsplit(said[1]).path))
    assert page == chain.last / "site" / "index.html"
    with duckdb.connect(str(chain.last / "gongkai.duckdb"), read_only=True) as connection:
        ((run,),) = connection.sql(
            "select run_id from runs order by finished_at desc limit 1"
        ).fetchall()
    assert run in page.read_text("utf-8"), "the site is not of the newest night"
    assert not list(chain.last.glob(".generation-*"))


def test_every_link_of_every_page_leads_somewhere(chain: nights.Chain) -> None:
    site = chain.last / "site"
    pages = {page: _Links(page.read_text("utf-8")) for page in site.rglob("*.html")}
    assert len(pages) > 40
    for page, found in pages.items():
        assert {f"{name}.js" for name in found.data} <= {
            str(file.relative_to(site / "data")) for file in (site / "data").rglob("*.js")
        }
        for link in found.links:
            parts = urlsplit(link)
            if parts.scheme or (not parts.path and parts.fragment.startswith("r=")):
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            assert target.is_file(), f"{page} leads to {link}"
            if parts.fragment:
                assert parts.fragment in pages[target].names, f"{page} leads to {link}"
        if page.is_relative_to(site / "en"):
            assert site / page.relative_to(site / "en") in pages


def test_the_same_night_gives_the_same_bytes_also_by_many_processes(
    chain: nights.Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = chain.last / "gongkai.duckdb"
    building.build(database, tmp_path / "alone")
    monkeypatch.setattr(building, "ALONE", 0)
    building.build(database, tmp_path / "together")
    alone = _bytes(tmp_path / "alone")
    assert alone == _bytes(tmp_path / "together")
    assert alone == _bytes(chain.last / "site")


def test_a_site_that_fails_leaves_the_old_one_and_costs_nobody_the_tables(
    chain: nights.Chain, tmp_path: Path, api: str
) -> None:
    place = chain.copy(chain.last, tmp_path / "w")
    before, tables = _bytes(place / "site"), (place / "gongkai.duckdb").stat().st_mtime_ns
    failing = (
        "from tasks import publish\n"  # the tables are those of before, put in place anew
        "publish.prepare = lambda *_, **__: ('', 'the same')\n"
        "publish._build = lambda *_: None\n"
        "from tasks.site import pages, site\n"
        "def full(*_, **__): raise OSError(28, 'No space left on device')\n"
        "site.Site.overview = full\n"
        "from flows.cli import main; main()\n"
    )
    words = ("publish", "--warehouse", str(place))
    ended = nights.gongkai(*words, instead=[sys.executable, "-c", failing], api=api)
    assert ended.code == 0, ended.err
    assert re.search(r"The site\s+stays as it was: .*No space left on device", ended.out)
    assert "Look at it" not in ended.out
    assert (place / "gongkai.duckdb").stat().st_mtime_ns > tables
    assert _bytes(place / "site") == before
    assert not list(place.glob(".generation-*"))


def test_a_killed_build_leaves_no_process_behind(chain: nights.Chain, tmp_path: Path) -> None:
    """kill -9 of the caller: the processes that write the pages end too, though nobody says so."""
    pausing = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from tasks.site import site\n"
        "site.ALONE = 0\n"
        "def told(_n, note):\n"
        "    if note not in ('values', 'overview'):\n"
        "        print('waiting', flush=True)\n"
        "        time.sleep(100)\n"
        "site.build(Path(sys.argv[1]), Path(sys.argv[2]), told)\n"
    )
    caller = subprocess.Popen(
        [sys.executable, "-c", pausing, chain.last / "gongkai.duckdb", tmp_path / "site"],
        cwd=nights.CHECKOUT,
        stdout=subprocess.PIPE,
    )
    assert caller.stdout is not None
    assert caller.stdout.readline() == b"waiting\n"
    left = psutil.Process(caller.pid).children(recursive=True)
    assert len(left) >= len(os.sched_getaffinity(0))
    caller.kill()
    caller.wait(30)
    caller.stdout.close()
    _, alive = psutil.wait_procs(left, timeout=30)
    for process in alive:
        process.kill()
    assert not alive


def test_a_failed_build_takes_its_half_site_away(chain: nights.Chain, tmp_path: Path) -> None:
    place = Warehouse(tmp_path)
    place.database.write_bytes(b"not a database")
    with pytest.raises(duckdb.Error):
        building.publish(place)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["gongkai.duckdb"]


def test_a_finding_that_a_person_dismissed_counts_nowhere(
    chain: nights.Chain, tmp_path: Path
) -> None:
    database = tmp_path / "gongkai.duckdb"
    database.write_bytes((chain.last / "gongkai.duckdb").read_bytes())
    count = "select count(*) from findings where verdict = 'violated'"
    totals: dict[str, tuple[int, int, int]] = {}
    for verdict in ("explained", "dismissed"):
        with duckdb.connect(str(database)) as connection:
            assert connection.sql(count).fetchall() > [(0,)]
            connection.execute("update findings set human_verdict = ?", [verdict])
        (tmp_path / verdict).mkdir()
        with opened(database, tmp_path / verdict) as tables:
            tables.prepare()
            checks, health = (tables.rows(facts.QUERIES[name]) for name in ("checks", "health"))
            totals[verdict] = (
                sum(findings for *_, findings, _ in checks),
                sum(violated for *_, violated in health),
                sum(area.violated for area in tables.areas().values()),
            )
    assert min(totals["explained"]) > 0
    assert totals["dismissed"] == (0, 0, 0)


def test_a_long_list_of_failures_keeps_every_reason_and_its_full_count(
    chain: nights.Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "gongkai.duckdb"
    database.write_bytes((chain.last / "gongkai.duckdb").read_bytes())
    synthetic.fill(database, 900)
    monkeypatch.setattr(building, "FAILURES_SHOWN", 2)
    building.build(database, tmp_path / "site")
    page = (tmp_path / "site" / "en" / "failures.html").read_text("utf-8")
    sections = {
        m[1]: m[2]
        for m in re.finditer(r'<section aria-labelledby="(.+?)">(.*?)</section>', page, re.S)
    }
    with duckdb.connect(str(database)) as connection:
        full = connection.sql(facts.QUERIES["failures"]).fetchall()
    assert max(documents for *_, documents in full) > 2
    for outcome, code, documents in full:
        section = sections[f"{outcome}-{code}"]
        assert f"<small>{documents}</small></h2>" in section
        assert section.count('<tr><th scope="row"') == min(2, documents)
        assert (f"The first 2 of {documents}." in section) == (documents > 2)
    anchors = _Links((tmp_path / "site" / "en" / "index.html").read_text("utf-8")).links
    led = {link.partition("#")[2] for link in anchors if link.startswith("failures.html#")}
    assert led
    assert led <= sections.keys()


# Each changes what the pages or the data of one province show.
CHANGES = {
    "synthetic_values set texts = list_concat(['12'], texts[2:])": "report_id",
    "reports set index_number = 'another'": "report_id",
    "findings set explanation = 'another'": "report_id",
    "repairs set witness = 'another'": "report_id",
    "coverage set expected_by = 'another'": "unit_id",
    "units set aliases = ['another']": "unit_id",
    "failures set message = 'another'": "document_id",
}


def test_what_did_not_change_comes_from_the_site_before(
    chain: nights.Chain, tmp_path: Path
) -> None:
    database, first = tmp_path / "gongkai.duckdb", tmp_path / "first"
    database.write_bytes((chain.last / "gongkai.duckdb").read_bytes())
    synthetic.fill(database, 900)
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            "update coverage set report_id = substr(sha256(failures.document_id || chr(10) || "
            "snapshot_id), 1, 32) from failures "
            "where failures.document_id = 'http://www.x.gov.cn/' || unit_id || report_year"
        )
        connection.execute("create table known as select unit_id from coverage")
        connection.execute("create table resolved as from reports where unit_id is not null")
    building.build(database, first)
    marks, changed = _marks(database, tmp_path / "0"), set()
    for change, key in CHANGES.items():
        table, _, _ = change.partition(" ")
        among = {"report_id": "semi join resolved using (report_id)"}.get(key, "")
        among = "semi join known using (unit_id)" if key == "unit_id" else among
        with duckdb.connect(str(database)) as connection:
            connection.execute(
                f"update {change} where {key} = (select min({key}) from {table} {among})"
            )
        before, marks = marks, _marks(database, tmp_path / table)
        other = {root for root in marks if marks[root] != before[root]}
        assert len(other) == 1, change
        changed |= other
    shown = {page.stem for page in (first / "area").glob("*.html")}
    kept, broken, *_ = sorted(marks.keys() & shown - changed)
    data = sorted((first / "data").glob("*/*.js"))
    lost = data[-1]
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            "update runs set run_id = 'later', finished_at = finished_at + interval 1 hour"
        )
    building.build(database, tmp_path / "anew")
    page = f"area/{kept}.html"
    with (first / page).open("ab") as file:
        file.write(b"as it was")
    (first / "area" / f"{broken}.html").write_bytes(b"")
    lost.write_bytes(b"")
    shown_before = {f: f.stat().st_mtime_ns for f in first.rglob("*.*")}
    building.build(database, tmp_path / "again", before=first)
    assert {f: f.stat().st_mtime_ns for f in first.rglob("*.*")} == shown_before
    anew, again = _bytes(tmp_path / "anew"), _bytes(tmp_path / "again")
    assert (tmp_path / "again" / page).read_bytes().endswith(b"as it was")
    same = {d for d in data if (tmp_path / "again" / d.relative_to(first)).samefile(d)}
    assert len(same) > len(data) / 4
    assert lost not in same
    assert {name for name in anew | again if anew.get(name) != again.get(name)} == {page}


def _marks(database: Path, scratch: Path) -> dict[str, list[object]]:
    scratch.mkdir()
    with opened(database, scratch) as tables:
        tables.prepare()
        return tables.marks()


def test_an_empty_country_says_so(chain: nights.Chain, tmp_path: Path) -> None:
    database = tmp_path / "gongkai.duckdb"
    database.write_bytes((chain.last / "gongkai.duckdb").read_bytes())
    synthetic.fill(database, 0)
    with duckdb.connect(str(database)) as connection:
        connection.sql("delete from runs")
        connection.sql("delete from national_totals")
    site = tmp_path / "site"
    building.build(database, site)
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        assert not re.search(r"\bNone\b|\bnan\b|undefined", text), page
    assert "还没有任何报告" in (site / "index.html").read_text("utf-8")


def test_no_page_holds_outside_text_as_markup(chain: nights.Chain, tmp_path: Path) -> None:
    database = tmp_path / "gongkai.duckdb"
    database.write_bytes((chain.last / "gongkai.duckdb").read_bytes())
    synthetic.fill(database, 900)
    building.build(database, tmp_path / "site")
    carriers = 0
    for page in (tmp_path / "site").rglob("*.html"):
        text = page.read_text("utf-8")
        assert "<img" not in text, page
        assert "alert(2)</script" not in text, page
        assert not re.search(r"href=\"\s*javascript:", text, re.IGNORECASE), page
        carriers += "&lt;img src=x" in text
    assert carriers >= 4, "no page carries the hostile text: the test shows nothing"
