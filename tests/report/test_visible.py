"""Figures that a page prints so that nobody sees them, and units that stand outside the labels."""

from __future__ import annotations

import re
import time

import pytest

from tasks.report import read
from tasks.report.model import UNSURE, Form, Reading
from tasks.report.style_sheets import rules
from tests.publisher.case import case

PAGE = case("2021", 3).page.decode()
PLAIN = read(PAGE.encode())
SECRET = "7"


def with_hidden(tag: str, css: str = "") -> Reading:
    """The page with a digit in such a tag behind every figure of section 二."""
    head, body = PAGE.split("二、主动公开", 1)
    table, rest = body.split("</table>", 1)
    name = tag.split()[0]
    table = re.sub(r">(\d[\d.]*)</td>", rf">\g<1><{tag}>{SECRET}</{name}></td>", table)
    head = head.replace("<head>", f"<head><style>{css}</style>")
    page = f"{head}二、主动公开{table}</table>{rest}"
    assert page.count(f">{SECRET}</{name}>") > 5
    return read(page.encode())


@pytest.mark.parametrize(
    "tag",
    [
        'span style="color:#fff"',
        'span style="COLOR: White;"',
        "span style='color:rgb(255, 255, 255)'",
        'font color="#FFFFFF"',
        'span style="opacity:0"',
        'span style="position:absolute;left:-9999px"',
        'span style="width:0;overflow:hidden;display:inline-block"',
        'span style="font-size:1px"',
        "span style='color:rgba(0, 0, 0, 0)'",
        'span style="color:#FEFEFE"',
        'span style="vertical-align:super"',
        'bdo dir="rtl"',
    ],
)
def test_a_digit_that_may_be_hidden_is_not_part_of_a_number(tag: str) -> None:
    assert with_hidden(tag).outcome == "rejected"


@pytest.mark.parametrize(
    "css",
    [
        ".x{color:#fff}",
        ".x{visibility:hidden}",
        "body .x{display:none}",
        "@media screen{.x{display:none}}",
        "p, .x { opacity: 0 }",
    ],
)
def test_a_digit_that_a_rule_may_hide_is_not_part_of_a_number(css: str) -> None:
    assert with_hidden('span class="x"', css).outcome in ("rejected", PLAIN.outcome)
    assert with_hidden('span class="x"', css).cells in ([], PLAIN.cells)


@pytest.mark.parametrize("tag", ['span style="display:none"', 'span style="visibility: hidden"'])
def test_a_digit_that_is_surely_hidden_is_left_out(tag: str) -> None:
    assert with_hidden(tag).cells == PLAIN.cells != []


def rejected(page: str) -> bool:
    return read(page.encode()).outcome == "rejected"


def in_parts(css: str, page: str = PAGE, wrapper: str = "x") -> str:
    """The page with each figure of two digits in two elements, and its digits as attributes."""
    page, count = re.subn(
        r"<td>(\d)(\d+)</td>",
        r'<td data-n="\g<2>" data-label="本年"><b>\g<1></b><b><i>\g<2></i></b></td>',
        page,
    )
    assert count > 3
    return page.replace("<head>", f"<head><style>{css}</style>").replace(
        "<body>", f'<body><div class="{wrapper}">', 1
    )


@pytest.mark.parametrize(
    "css",
    [
        "td b{float:right}",
        ".x table td b+b { float : left }",
        ".x td{display:flex;flex-direction:row-reverse}",
        "td b:nth-child(2){order:-1}",
        "b{position:relative;left:-20px}",
        "i{transform:rotate(180deg)}",
        "td{direction:rtl}",
        "td::before{content:'1'}",
        ".x td:after{content:'\\31'}",
        "td:before{content:counter(figures)}",
        "td::after{content:attr(data-n)}",
        "table b{display:none}",
        "@media (min-width:600px){.x b i{visibility:hidden}}",
        "i{font-size:0} i{color:red}",
        "table tbody b{display:none}",
        "td i{d\\69splay:\\6eone}",
        ".z{content:'/*'} td i{display:none} .y{content:'*/'}",
        "td i{opacity:.0}",
        "td i{font:0/0 a}",
        "td i{overflow:auto;display:inline-block;width:0}",
        "td i{background:#000;color:#000}",
        "td b+b{margin:0 0 0 -3em}",
        "@media screen, print{td i{visibility:hidden}}",
        "@supports (color:red){@media not print{td i{display:none}}}",
        "td{color:red;i{display:none}}",
        "td[data-n^='1'],[data-label$=年] i{display:none}",
        "td{color:#fff}",
    ],
)
def test_a_sheet_that_moves_hides_or_adds_digits_rejects(css: str) -> None:
    assert rejected(in_parts(css))


@pytest.mark.parametrize(
    "css",
    [
        ".x:after{content:'.';display:block;height:0;clear:both;visibility:hidden}",
        ".x:hover,.x a:focus{display:none}",
        ".x::selection{color:#fff}",
        ".x{color:#fff;background:#036}",
        ".x .menu b{float:right}",
        "ul li b,.y td{display:none}",
        "@media print{td{display:none}}",
        "@media (max-width:768px){.x{display:none} td:before{content:attr(data-n)}}",
        "td:before{content:attr(data-label)}",
        "td:before{content:''} b{content:'7'}",
        "table{float:left} td{position:relative;text-align:right}",
        ".x{position:absolute;left:50%;transform:translate(-50%,0)}",
        ".x{opacity:0;animation:fade 1s}",
        ".x{height:0;overflow:hidden} td{height:0;overflow:hidden}",
        "td b{letter-spacing:-.05em}",
        "@media (max-width:1024px){b{display:none}}",
        "@media (prefers-color-scheme:dark){td{color:#fff}}",
        "td:after{content:attr(data-n);opacity:0} td:hover:after{opacity:1}",
        "@keyframes out{from{opacity:1}to{opacity:0}}",
        "[v-cloak],[hidden],[data-label='a, b'] i,td[class*=hide]{display:none}",
        "body{color:#fff} td{color:rgba(0,0,0,.65)}",
        "td{color:inherit;background:inherit}",
        "@media (max-width:991.98px){td{display:none}}",
    ],
)
def test_a_sheet_that_changes_no_figure_on_a_desktop_is_no_reason_to_reject(css: str) -> None:
    assert read(in_parts(css).encode()).cells == PLAIN.cells


@pytest.mark.parametrize(
    "cell",
    [
        '<td><b style="float:right">{}</b><b>{}</b></td>',
        '<td dir="rtl"><bdi>{}</bdi><bdi>{}</bdi></td>',
        '<td><b style="position:absolute;right:2px">{}</b>{}</td>',
        '<td style="transform: scaleX(-1)">{}{}</td>',
        "<td>{}<noscript>{}</noscript></td>",
        "<td>{}<sup>{}</sup></td>",
        "<td>{}<meter value={}></meter></td>",
        "<td><math><mfrac><mn>{}</mn><mn>{}</mn></mfrac></math></td>",
        '<td style="font-size:0"><b style="font-size:14px">{}{}</b></td>',
        '<td style="text-decoration:underline line-through">{}{}</td>',
        "<col><td>{}{}</td>",
        "<td>{}<colgroup>{}</colgroup></td>",
        "<td>{}{}<thead></td>",
    ],
)
def test_a_cell_that_shows_its_digits_otherwise_rejects(cell: str) -> None:
    shown = re.sub(r"<td>(\d)(\d)</td>", lambda m: cell.format(m[1], m[2]), PAGE)
    assert shown != PAGE
    reading = read(shown.encode())
    assert reading.outcome == "rejected"
    assert reading.reason is not None
    assert f"{UNSURE} stands where the document hides, moves" in reading.reason.message


def test_what_one_rule_hides_and_another_may_show_again_is_not_left_out() -> None:
    css = ".off{display:none} .off.on{display:inline}"
    assert rejected(in_parts(css).replace("<b><i>", '<b class="off on"><i>'))
    assert rejected(in_parts(css).replace("<b><i>", '<b class="off" style="display:inline"><i>'))


@pytest.mark.parametrize(
    "css",
    [
        "@font-face{src:url(data:font/woff;base64," + "A" * 400_000 + ")}",
        "a" * 400_000,
        "/*" * 100_000,
        "@media x" * 50_000,
        "@media x{a{display:none}" * 20_000,
        "a::before{content:" + "'\\'" * 100_000 + "}",
        ":is(" * 50_000 + ")" * 50_000 + "{display:none}",
        "a{transform:" + "transform:" * 40_000 + "}",
        "a" * 300_000 + "{display:none}",
        "a+" * 150_000 + "b{display:none}",
    ],
    ids=range(10),
)
def test_a_sheet_of_any_kind_is_soon_read(css: str) -> None:
    begun = time.process_time()
    rules(css)
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    "css",
    [
        ".off{display:none;display:inline}",
        ".off{color:red;u{display:none}}",
        ".z{} } .off{display:none}",
        "@container (min-width:1px){.off{display:none}}",
        ".off{visibility:hidden} td .off{visibility:visible}",
    ],
)
def test_what_a_sheet_hides_only_as_it_seems_is_not_left_out(css: str) -> None:
    shown = in_parts(css).replace("<b><i>", '<b class="off"><i>')
    assert read(shown.encode()).cells in ([], PLAIN.cells)


@pytest.mark.parametrize(
    "cell",
    [
        "<td>{}<noframes>7</noframes><noembed>7</noembed></td>",
        "<td>\u202a\u200e{}\u202c</td>",
        "<td>{}<s></s><sup> </sup></td>",
        '<td style="height:0;overflow:hidden">{}</td>',
    ],
)
def test_what_shows_nothing_beside_a_figure_is_left_out(cell: str) -> None:
    page, count = re.subn(r"<td>(\d+)</td>", lambda m: cell.format(m[1]), PAGE)
    assert count > 3
    assert [c.value for c in read(page.encode()).cells] == [c.value for c in PLAIN.cells]


def test_a_sheet_for_paper_is_not_read() -> None:
    page = in_parts("").replace("<style>", '<style media="print">td b{display:none}')
    assert read(page.encode()).cells == PLAIN.cells


@pytest.mark.parametrize("style", ["display:none", "opacity:0", "visibility:hidden"])
def test_an_article_that_a_script_shows_is_read(style: str) -> None:
    page = PAGE.replace("<body>", f'<body><div style="{style}">')
    assert read(page.encode()).cells == PLAIN.cells


def test_white_labels_and_figures_on_a_painted_ground_are_read() -> None:
    page = PAGE.replace("<td>信息内容", '<td style="color:#fff">信息内容')
    page = re.sub(r"<td>(\d+)</td>", r'<td bgcolor="#003366" style="color:#fff">\g<1></td>', page)
    assert page != PAGE
    assert read(page.encode()).cells == PLAIN.cells


def with_caption(
    form: Form, caption: str, label: tuple[str, str], *, amount: str = "12"
) -> Reading:
    page = case(form, 3).page.decode()
    head, body = page.split("二、主动公开", 1)
    table, rest = body.split("</table>", 1)
    table = table.replace(*label)
    last = r"(行政事业性收费|政府集中采购)(</td>.*>)\d[\d.]*(</td></tr>\s*)\Z"
    table, count = re.subn(last, rf"\g<1>\g<2>{amount}\g<3>", table, flags=re.DOTALL)
    assert count == 1
    first = table.index("<table")
    table = f"{table[:first]}<p>{caption}</p>{table[first:]}"
    return read(f"{head}二、主动公开{table}</table>{rest}".encode())


SILENT = ("（单位：万元）", "")


@pytest.mark.parametrize(
    ("form", "caption", "label", "outcome"),
    [
        ("2021", "单位：件、元", SILENT, "rejected"),
        ("2021", "单位：件、元", ("", ""), "rejected"),
        ("2021", "（单位：件、万元）", SILENT, "parsed"),
        ("2019", "单位：件、万元", ("", ""), "rejected"),
        ("2019", "单位：件、元", ("", ""), "parsed"),
    ],
)
def test_a_caption_that_gives_another_unit_rejects(
    form: Form, caption: str, label: tuple[str, str], outcome: str
) -> None:
    """The next page is alike but for its amount: what was kept of a zero must not place it."""
    assert with_caption(form, caption, label, amount="0").outcome == "parsed"
    assert with_caption(form, caption, label).outcome == outcome
