"""The parts of the site that need no database: words, numbers, links, labels, what is shipped."""

from __future__ import annotations

import csv
import re
import string
import threading
from decimal import Decimal
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import duckdb
import pytest

from tasks.codes import codes
from tasks.report.form import FORMS, form
from tasks.report.reader import reasons
from tasks.site import swap as swapping
from tasks.site.areas import Tally, roll_up, tree
from tasks.site.labels import Labels, layout
from tasks.site.pages import as_json, count, environment, link, percent
from tasks.site.tables import _in_order
from tasks.site.words import words

HERE = files("tasks.site")
ROOT = Path(__file__).resolve().parents[2]


def _csv(*path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(HERE.joinpath(*path).read_text("utf-8").splitlines()))


def test_each_sentence_is_in_both_languages_with_the_same_places() -> None:
    rows = _csv("words.csv")
    assert len({row["key"] for row in rows}) == len(rows)
    for row in rows:
        places = [
            {name for _, name, _, _ in string.Formatter().parse(row[language]) if name}
            for language in ("zh", "en")
        ]
        assert row["zh"].strip(), row
        assert row["en"].strip(), row
        assert places[0] == places[1], row


def test_one_is_not_a_plural() -> None:
    said = words("en")
    assert (said("county.n_reports", n=1), said("late.days", n="1")) == ("1 report", "1 day")
    assert said("county.n_reports", n=0) == "0 reports"
    assert words("zh")("county.n_reports", n=1) == "1 份报告"
    for key, text in said.of.items():
        if re.search(r"\{\w+\} \w+s\b", text) and not key.endswith(".one"):
            assert "{n} " in text, f"{key}: name the number that a plural hangs on n"
            assert f"{key}.one" in said.of, f"{key}: words.csv lacks its singular"


def test_each_reason_is_told_in_words() -> None:
    known = [*reasons(), *codes(), "correction_outdated", "correction_unmatched", "http_404"]
    for language in ("zh", "en"):
        for code in known:
            said = words(language).reason(code)
            assert said not in ("", "–", code), f"{code}: nothing says what it means"
        assert words(language).reason("of_tomorrow") == "of_tomorrow"
        assert words(language).reason(None) == "–"
    in_chinese = [code for code in known if re.search("[一-鿿]", words("zh").reason(code))]
    assert len(in_chinese) >= 0.9 * len(known), "words.csv lacks Chinese for too many codes"


def test_each_check_has_words() -> None:
    known = words("zh").of
    rules = {identity.rule for name in FORMS for identity in form(name).identities}
    for model in (ROOT / "sql" / "models" / "reconcile").glob("check_*.sql"):
        text = model.read_text("utf-8")
        rules |= set(re.findall(r"'(\w+)' as rule", text))
        rules |= set(re.findall(r"'rule': '(\w+)'", text))
    assert {"row_total", "hierarchy", "prose", "carried_over"} <= rules
    for rule in rules:
        assert f"rule.{rule}" in known, f"words.csv lacks rule.{rule}"
        assert f"why.{rule}" in known, f"words.csv lacks why.{rule}"


def test_every_key_that_pages_and_scripts_use_exists() -> None:
    known = words("zh").of
    for template in HERE.joinpath("templates").iterdir():
        text = template.read_text("utf-8")
        for key in re.findall(r"\bt\('([\w.]+)'[,)]", text) + re.findall(r"w\['([\w.]+)'\]", text):
            assert key in known, f"{template.name}: {key}"
    for script in HERE.joinpath("assets").iterdir():
        if script.name.endswith(".js"):
            for key in re.findall(r"\bsay\(\"([\w.]+)\"", script.read_text("utf-8")):
                assert f"js.{key}" in known, f"{script.name}: {key}"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0, "0"),
        (Decimal("0.0000"), "0"),
        (Decimal("-28.0000"), "−28"),
        (Decimal("1234567.0000"), "1,234,567"),
        (Decimal("4558.5916"), "4,558.5916"),
        (Decimal("10.5000"), "10.5"),
    ],
)
def test_a_number_is_exact_and_unknown_is_not_zero(value: object, shown: str) -> None:
    assert count(value) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [(None, "–"), (0.0, "0%"), (0.004, "<1%"), (0.5, "50%"), (0.996, ">99%"), (1.0, "100%")],
)
def test_a_share_never_rounds_to_all_or_nothing(share: float | None, shown: str) -> None:
    assert percent(share) == shown


@pytest.mark.parametrize(
    "url",
    [
        *("javascript:alert(1)", "JAVASCRIPT:alert(1)", " javascript:alert(1)", "data:text/html,x"),
        *("file:///etc/passwd", "http:", "//x.gov.cn/", "http://[", "", None),
    ],
)
def test_only_web_addresses_become_links(url: str | None) -> None:
    assert link(url) is None


def test_a_web_address_becomes_a_link() -> None:
    assert link("http://www.linan.gov.cn/a.html") == "http://www.linan.gov.cn/a.html"


def test_templates_escape_what_they_are_given() -> None:
    page = environment().from_string('<b>{{ text }}</b><i title="{{ text }}"></i>')
    shown = page.render(text="<script>\"'&")
    assert "<script>" not in shown
    assert shown.count("&lt;script&gt;&#34;&#39;&amp;") == 2


def test_numbers_of_a_report_do_not_become_floats() -> None:
    assert as_json(Decimal("90071992547409.9300")) == '"90071992547409.93"'
    assert as_json(Decimal("100.0000")) == '"100"'
    assert as_json(Decimal("1E+2")) == '"1E+2"'


@pytest.mark.parametrize("positions", [[1, 2, 3], [2, 3, 1]])
def test_cells_stand_in_the_order_of_the_form_however_they_come(positions: list[int]) -> None:
    texts = [f"text {position}" for position in positions]
    with duckdb.connect() as db:
        ordered = f"select {_in_order('texts')} from (select ? as positions, ? as texts)"
        assert db.execute(ordered, [positions, texts]).fetchall() == [
            (["text 1", "text 2", "text 3"],)
        ]


def test_tallies_of_an_area_are_those_of_all_in_it() -> None:
    rows = [
        ("P1", "省", 1, "33", None),
        ("K1", "市", 2, "3301", "P1"),
        ("C1", "县", 3, "330101", "K1"),
        ("C2", "省直管县", 3, "339001", "P1"),
    ]
    areas = tree([*reversed(rows)])
    areas["P1"].own[2023] = Tally(expected=2, parsed=1, missing=1)
    areas["C1"].own[2023] = Tally(expected=5, parsed=5, late=1)
    areas["C2"].own[2022] = Tally(expected=3, rejected=3)
    country = roll_up(areas)
    assert areas["K1"].whole == {2023: Tally(expected=5, parsed=5, late=1)}
    assert areas["P1"].whole[2023] == Tally(expected=7, parsed=6, missing=1, late=1)
    assert country == {2022: Tally(expected=3, rejected=3), 2023: areas["P1"].whole[2023]}
    assert [a.id for a in areas["C1"].path] == ["P1", "K1", "C1"]
    assert (Tally().share, Tally().step) == (None, None)
    assert Tally(expected=4, parsed=4).step == 4


def test_a_county_without_a_reviewed_source_is_told_beside_the_share() -> None:
    areas = tree(
        [
            ("P1", "省", 1, "33", None),
            ("K1", "市", 2, "3301", "P1"),
            ("C1", "县", 3, "330101", "K1"),
            ("C2", "县级市", 3, "330102", "K1"),
            ("C3", "撤销的县", 3, "330103", "K1"),
        ]
    )
    for area_id in ("P1", "K1", "C1", "C2"):
        areas[area_id].stands.add(2023)
    areas["C3"].stands.add(2020)
    areas["C1"].reviewed.add(2023)
    areas["C1"].own[2023] = Tally(expected=5, parsed=5)
    roll_up(areas)
    assert areas["P1"].whole[2023].share == 1
    assert areas["P1"].counties(2023) == areas["K1"].counties(2023) == (1, 2)
    assert areas["C1"].counties(2023) == (0, 0)


def test_a_division_id_cannot_leave_its_folder() -> None:
    with pytest.raises(ValueError, match="cannot name a page"):
        tree([("../../etc", "省", 1, "33", None)])


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_drawn_form_has_every_cell_once_in_its_place(name: str, language: str) -> None:
    labels = Labels.of(language, [])
    (chosen,) = [f for f in FORMS if f == name]
    drawn = [
        (position, code)
        for section in layout(chosen, labels, words(language))
        for block in section["blocks"]
        for row in block["rows"]
        for position, code, _unit in row["cells"]
    ]
    assert sorted(drawn) == list(enumerate(c.code for c in form(chosen).cells))
    for section in layout(chosen, labels, words(language)):
        for block in section["blocks"]:
            assert all(len(row["cells"]) == len(block["columns"]) for row in block["rows"])


def test_the_tile_map_has_each_province_once_and_no_tile_on_another() -> None:
    tiles = _csv("tiles.csv")
    assert len({tile["code"] for tile in tiles}) == len(tiles) == 34
    assert len({(tile["column"], tile["row"]) for tile in tiles}) == 34


def test_the_charts_library_is_the_published_file_with_its_licence() -> None:
    for row in _csv("vendor", "vendor.csv"):
        data = HERE.joinpath("vendor", row["file"]).read_bytes()
        assert sha256(data).hexdigest() == row["sha256"], row["file"]
        assert row["version"] in data[:200].decode(), row["file"]
        licence = HERE.joinpath("vendor", row["licence_file"]).read_text("utf-8")
        assert "Permission to use, copy, modify" in licence


def test_nothing_that_is_shipped_names_an_address_to_load() -> None:
    """Links lead out, loads never do. The namespaces of SVG are names, not addresses."""
    for folder in ("assets", "templates"):
        for item in HERE.joinpath(folder).iterdir():
            text = item.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
            assert not re.search(r"https?://|@import|url\(\s*['\"]?/", text), item.name


def test_a_reader_never_finds_a_part_of_two_sites_or_none(tmp_path: Path) -> None:
    published = tmp_path / "site"
    seen: set[str] = set()
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            folder = list(published.iterdir())  # raises when there is none
            assert len(folder) == 40
            seen.add(folder[0].name[:3])

    def write(n: int) -> None:
        new = tmp_path / f"new-{n}"
        new.mkdir()
        for k in range(40):
            (new / f"{n:03}-{k}").touch()
        swapping.swap(new, published)

    write(0)
    with pytest.MonkeyPatch.context() as patch:
        failed: list[BaseException] = []
        patch.setattr(threading, "excepthook", lambda told: failed.append(told.exc_value))
        reader = threading.Thread(target=read)
        reader.start()
        for n in range(1, 60):
            write(n)
        ended.set()
        reader.join()
    assert not failed
    assert sorted(p.name for p in published.iterdir()) == sorted(f"059-{k}" for k in range(40))


def test_where_folders_cannot_be_exchanged_the_new_one_is_moved_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swapping, "exchange", lambda _one, _other: False)
    for name in ("site", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    swapping.swap(tmp_path / "new", tmp_path / "site")
    assert [p.name for p in (tmp_path / "site").iterdir()] == ["new"]
