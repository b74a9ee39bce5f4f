"""The sources file is refused with file, line and column; only official pages may be believed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.lookalikes import looks_like
from tasks.politeness import HostOptions
from tasks.records import BadInput, Source
from tasks.sources import REQUIRED, host_options, load_sources, official, official_check, to_visit
from tasks.urls import canonical_url, host_of

GOOD = {
    "source_id": "a",
    "division_code": "330112",
    "host": "www.a.gov.cn",
    "listing_url": "https://www.a.gov.cn/col/index.html",
    "kind": "township",
    "unit_name": "甲镇",
    "status": "allowed",
    "reviewed_on": "2026-01-15",
    "notes": "",
}


def source(**changes: str) -> Source:
    return Source(**{**GOOD, **changes})


def write(tmp_path: Path, *rows: dict[str, str], header: str = ",".join(REQUIRED)) -> Path:
    path = tmp_path / "sources.csv"
    lines = [header, *(",".join(row[c] for c in REQUIRED) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_the_seed_of_the_project_is_valid() -> None:
    found = load_sources()
    assert len(found) > 40
    # Listings that nobody has reviewed are not visited.
    assert all(s.status != "allowed" or s.reviewed_on for s in found)


def test_a_good_file_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD, {**GOOD, "source_id": "b", "status": "quarantine"})
    assert load_sources(path) == [source(), source(source_id="b", status="quarantine")]
    assert list(to_visit(load_sources(path))) == ["www.a.gov.cn"]


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("source_id", "", "not an id"),
        ("division_code", "33011", "6, 9 or 12 digits"),
        ("host", "www.a.com", "not under .gov.cn"),
        ("host", "gov.cn", "not under .gov.cn"),
        ("host", "www.a.gov.cn.evil.com", "not under .gov.cn"),
        ("host", "WWW.A.gov.cn", "plain host name in lower case"),
        ("host", "www.b.gov.cn", "is not on the host"),
        ("host", "ww.a.gov.cn", "is not on the host"),
        ("listing_url", "ftp://www.a.gov.cn/", "not an http or https address"),
        ("listing_url", "col/index.html", "not an http or https address"),
        ("listing_url", "https://www.a.gov.cn:port/", "not an http or https address"),
        ("status", "ok", "allowed, quarantine, blocked"),
        ("reviewed_on", "15.1.2026", "YYYY-MM-DD"),
    ],
)
def test_a_wrong_value_is_named_with_line_and_column(
    tmp_path: Path, column: str, value: str, says: str
) -> None:
    path = write(tmp_path, {**GOOD, "source_id": "first"}, {**GOOD, column: value})
    with pytest.raises(BadInput) as refused:
        load_sources(path)
    message = str(refused.value)
    assert str(path) in message
    assert "line 3" in message
    assert says in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("pattern", "年报(", "not a regular expression"),
        ("delay", "-1", "0 to 3600"),
        ("delay", "soon", "0 to 3600"),
        ("tls", "off", "legacy"),
    ],
)
def test_optional_columns_are_checked_and_may_be_left_out(
    tmp_path: Path, column: str, value: str, says: str
) -> None:
    header = ",".join([*REQUIRED, "pattern", "delay", "tls"])
    path = write(tmp_path, header=header)
    row = ",".join(GOOD[c] for c in REQUIRED)
    path.write_text(f"{header}\n{row},年度?报告,5,legacy\n", encoding="utf-8")
    assert load_sources(path) == [source(pattern="年度?报告", delay="5", tls="legacy")]
    assert source() == source(pattern="", delay="", tls="")
    given = {"pattern": "", "delay": "", "tls": "", column: value}
    path.write_text(f"{header}\n{row},{','.join(given.values())}\n", encoding="utf-8")
    with pytest.raises(BadInput, match=rf"line 2, column {column}: .*{says}"):
        load_sources(path)


def test_files_that_are_no_sources_are_refused_in_one_line(tmp_path: Path) -> None:
    def refusal(path: Path) -> str:
        with pytest.raises(BadInput) as refused:
            load_sources(path)
        assert "\n" not in str(refused.value)
        assert str(path) in str(refused.value)
        return str(refused.value)

    assert "not found" in refusal(tmp_path / "none.csv")
    assert "cannot be read" in refusal(tmp_path)
    short = ",".join(REQUIRED[:-2])
    assert "line 1: column reviewed_on, notes is missing" in refusal(
        write(tmp_path, GOOD, header=short)
    )
    assert "already on line 2" in refusal(write(tmp_path, GOOD, GOOD))
    assert "no rows" in refusal(write(tmp_path))
    path = write(tmp_path, GOOD)
    path.write_text(path.read_text() + "b,330112\n")
    assert "line 3: has not the 9 fields" in refusal(path)
    path.write_bytes("source_id,单位\n".encode("gb18030"))
    assert "not UTF-8" in refusal(path)
    path.write_text(",".join(REQUIRED) + '\na,"unclosed\n')
    assert "not valid CSV" in refusal(path)


@pytest.mark.parametrize(
    "url",
    [
        "http://www.a.gov.cn.evil.com/x",
        "http://www.agov.cn/x",
        "http://a-gov.cn/x",
        "http://evil.com/www.a.gov.cn",
        "http://www.a.gov.cn@evil.com/x",
        "http://evil.com@www.a.gov.cn/x",
        "http://evil.com\\@www.a.gov.cn/x",
        "http://evil.com\t@www.a.gov.cn/x",
        "http://www.a.gоv.cn/x",
        "http://www.a.ｇｏｖ.cn/x",
        "http://www.a.gov。cn/x",
        "http://www.a.xn--gv-jbc.cn/x",
        "http://evil.com#.www.a.gov.cn/",
        "http://evil.com?.www.a.gov.cn/",
        "ftp://www.a.gov.cn/x",
        "javascript://www.a.gov.cn/x",
        "http://[::1]/x",
        "http://127.0.0.1/x",
        "http:///x",
        "",
    ],
)
def test_spoofed_hosts_are_not_official(url: str) -> None:
    assert official(url, [source()]) is not None


@pytest.mark.parametrize(
    ("url", "evidence"),
    [
        ("http://www.a.gov.cn.evil.com/x", "it only begins like www.a.gov.cn"),
        ("http://www.a.gov.cn@evil.com/x", "only a user name"),
        ("http://www.a.gоv.cn/x", "to look like www.a.gov.cn"),
        ("http://www.a.xn--gv-jbc.cn/x", "to look like www.a.gov.cn"),
        ("http://www.а.gov.cn/x", "to look like www.a.gov.cn"),
        ("http://www.a.g0v.cn/x", "to look like www.a.gov.cn"),
        ("http://www.a.gov。cn/x", "to look like www.a.gov.cn"),
        ("http://www.agov.cn/x", "imitates .gov.cn"),
        ("http://www.a-gov-cn.com/x", "imitates .gov.cn"),
        ("http://www.a.govcn.net/x", "imitates .gov.cn"),
    ],
)
def test_what_a_spoofed_host_imitates_is_told(url: str, evidence: str) -> None:
    assert evidence in (official(url, [source()]) or "")


def test_other_hosts_are_not_accused() -> None:
    for url in ("http://www.zhengwu-news.com/1", "http:///x", ""):
        assert ";" not in (official(url, [source()]) or ""), url


@given(st.text(max_size=60))
def test_any_address_can_be_looked_at(url: str) -> None:
    looks_like(url, {"www.a.gov.cn"})
    looks_like(f"http://{url}", {"www.a.gov.cn"})


def test_how_a_host_is_treated_follows_its_sources() -> None:
    options = host_options(
        [
            source(delay="2"),
            source(source_id="b", delay="5"),
            source(source_id="c", host="b.gov.cn", tls="legacy"),
        ]
    )
    assert options("www.a.gov.cn") == HostOptions(5.0, False)
    assert options("xxgk.b.gov.cn") == HostOptions(0.0, True)
    assert options("www.c.gov.cn") == options("") == HostOptions()


def test_a_host_must_be_registered_as_allowed() -> None:
    check = official_check(
        [
            source(),
            source(source_id="b", host="b.gov.cn", listing_url="http://b.gov.cn/"),
            source(source_id="c", host="x.b.gov.cn", status="blocked"),
            source(source_id="d", host="d.gov.cn", status="quarantine"),
        ]
    )
    assert check("http://www.a.gov.cn/1") is None
    assert check("HTTPS://WWW.A.GOV.CN.:443/1") is None
    assert check("http://xxgk.b.gov.cn/1") is None
    assert "blocked" in (check("http://x.b.gov.cn/1") or "")
    assert "quarantine" in (check("http://d.gov.cn/1") or "")
    assert "not registered" in (check("http://www.e.gov.cn/1") or "")
    assert "not registered" in (check("http://a.gov.cn/1") or "")


@given(st.text(max_size=40), st.text(max_size=20))
def test_whatever_surrounds_it_the_contacted_host_decides(before: str, after: str) -> None:
    url = f"http://{before}gov.cn{after}"
    if official_check([source(host="a.gov.cn")])(url) is None:
        host = host_of(url)
        assert host is not None
        assert host == "a.gov.cn" or host.endswith(".a.gov.cn")
        assert host_of(canonical_url(url)) == host
