"""An article over several pages is read as one document, and never half of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.report import pages, read, sniff
from tasks.report.model import Reject
from tests.publisher import figures, layouts
from tests.publisher.document import document
from tests.publisher.form import Form
from tests.publisher.several import name, spread

URL = "http://www.a.gov.cn/nb/t20240120_1.html"


def joined(made: list[bytes]) -> bytes:
    return pages.join([(name(URL, n), "text/html", body) for n, body in enumerate(made)])


@pytest.mark.parametrize("charset", ["utf-8", "gb18030"])
@pytest.mark.parametrize("form", ["2019", "2021"])
def test_a_report_over_several_pages_is_read_whole(form: Form, charset: str) -> None:
    known = figures.probe_consistent(form, 11)
    whole = document(known, seed=11)
    html = layouts.publish(whole, "clean/table/utf8").body.decode()
    made = [page.encode(charset) for page in spread(html, URL)]
    data = joined(made)
    assert sniff.kind(data) == "pages"
    assert [part.body for part in pages.split(data)] == made
    reading = read(data)
    assert reading.outcome == "parsed", reading.reason
    single = read(html.encode())
    assert {c.cell: c.value for c in reading.cells} == {c.cell: c.value for c in single.cells}
    expected = {c: f.value for c, f in known.cells.items()}
    assert {c.cell: c.value for c in reading.cells} == expected
    assert len(single.sections) > 3
    assert reading.sections == single.sections
    assert reading.metadata == single.metadata
    place = next(c.place for c in reading.cells if c.cell.startswith("review"))
    assert place is not None
    assert place.page == 4
    # one of its pages alone is never enough
    assert all(read(page).outcome == "rejected" for page in made)


@pytest.mark.parametrize("row", range(2, 30, 3))
def test_a_table_cut_by_the_end_of_a_page_is_read_right_or_not_at_all(row: int) -> None:
    known = figures.probe_consistent("2021", 5)
    html = layouts.publish(document(known, seed=5), "clean/table/utf8").body.decode()
    at = html.index("三、收到")
    for _ in range(row):
        at = html.index("<tr>", at + 1)
    mark = "<p>切页</p>"
    cut = f"{html[:at]}</table>{mark}<table>{html[at:]}"
    first, second = spread(cut, URL, ["切页"])
    reading = read(joined([first.encode(), second.replace(mark, "").encode()]))
    if reading.outcome == "parsed":
        assert {c.cell: c.value for c in reading.cells} == {
            c: f.value for c, f in known.cells.items()
        }
    else:
        assert reading.reason is not None


def test_the_same_pages_give_the_same_bytes_and_changed_ones_are_refused() -> None:
    whole = document(figures.consistent("2021", 3), seed=3)
    html = layouts.publish(whole, "clean/table/utf8").body.decode()
    made = [page.encode() for page in spread(html, URL, ["三、收到"])]
    data = joined(made)
    assert data == joined(made)
    for broken in (data[:-1], data[:200], data.replace(b"Content-Length: ", b"Content-Length: 1")):
        reading = read(broken)
        assert reading.reason is not None
        assert reading.reason.code == "broken_file"


@settings(deadline=None, max_examples=60)
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5), st.text(max_size=30))
def test_any_pages_come_back_as_they_were(bodies: list[bytes], url: str) -> None:
    data = pages.join([(url, None, body) for body in bodies])
    assert [part.body for part in pages.split(data)] == bodies
    read(data)  # whatever they are, this does not raise


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=200), st.integers(0, 400))
def test_rubbish_is_refused(rubbish: bytes, at: int) -> None:
    data = pages.join([("http://a/", None, b"<p>x</p>")])
    broken = data[:at] + rubbish
    if broken == data:
        return
    try:
        pages.split(broken)
    except Reject as refusal:
        assert refusal.rejection.code == "broken_file"
