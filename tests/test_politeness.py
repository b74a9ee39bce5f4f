"""Who we say we are, how often and how much we ask, and when a host is left alone."""

import threading
import time
from dataclasses import replace
from itertools import pairwise

import pytest

from tasks.fetch import Pace, Settings, by_host
from tasks.http_body import retry_after
from tasks.politeness import HostOptions, Hosts
from tasks.records import BadInput, Wanted
from tests.web import QUICK, URL, Handler, Web, page, reset


def test_retry_after_is_a_number_or_a_date() -> None:
    assert retry_after("7") == 7
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert retry_after("soon") is None
    assert retry_after("Mon, 01 Jan 2024 00:00:00 -9999999999999") is None
    assert retry_after(None) is None


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONGKAI_CONTACT", "me@example.org")
    monkeypatch.setenv("GONGKAI_DELAY", "2.5")
    assert Settings.from_env().delay == 2.5
    assert "me@example.org" in Settings.from_env().user_agent
    for name, value in (("GONGKAI_CONTACT", "我"), ("GONGKAI_DELAY", "-1"), ("GONGKAI_DELAY", "x")):
        monkeypatch.setenv("GONGKAI_CONTACT", "")
        monkeypatch.setenv(name, value)
        with pytest.raises(BadInput, match=name):
            Settings.from_env()


def test_robots_are_obeyed(web: Web) -> None:
    robots = b"User-agent: *\nDisallow: /no/\nCrawl-delay: 0.2\n"
    web.server.answers |= {"/robots.txt": page(robots), "/page": page(b"x"), "/no/1": page(b"x")}
    visitor = web.visitor()
    assert visitor.get("http://www.a.gov.cn/no/1").error_code == "robots"
    assert visitor.get("http://www.a.gov.cn/page").body == b"x"
    assert visitor.get("http://www.a.gov.cn/page").body == b"x"
    assert web.server.paths() == ["/page", "/page"]
    times = [t for _, path, t, _ in web.server.asked if path == "/page"]
    assert times[1] - times[0] >= 0.2
    web.server.answers["/robots.txt"] = page(b"User-agent: gongkai\nCrawl-delay: 9999\n")
    assert "9999 s" in str(web.visitor().get(URL).error_message)
    web.server.answers["/robots.txt"] = page(b"", 500)
    assert web.visitor().get(URL).error_code == "robots"
    web.server.answers["/robots.txt"] = page(b"", 403)
    assert web.visitor().get(URL).body == b"x"
    asked = len(web.server.paths())
    for unread in (
        page(b"", 302, Location="http://www.evil.com/robots.txt"),
        page(b"", Content_Length="50000000"),
        page(b"User-agent: *\n", 206),
    ):
        web.server.answers["/robots.txt"] = unread
        assert web.visitor().get(URL).error_code == "robots"
    assert len(web.server.paths()) == asked


def test_a_run_told_to_stop_sends_no_request_that_waited_for_its_turn(web: Web) -> None:
    told: list[str] = []
    web.server.answers |= {"/robots.txt": page(b"", 404), "/page": page(b"x")}
    visitor = web.visitor(
        replace(QUICK, delay=0.5), hosts=Hosts(stop=lambda: told[0] if told else None)
    )
    assert visitor.get(URL).body == b"x"
    threading.Timer(0.1, told.append, ["an exercise"]).start()
    row = visitor.get(URL)
    assert (row.error_code, row.error_message) == ("stopped", "an exercise")
    assert web.server.paths() == ["/page"]


def test_one_request_at_a_time_per_host_with_the_delay_between(web: Web) -> None:
    def slow(h: Handler) -> None:
        time.sleep(0.05)
        h.send(200, b"x")

    web.server.answers["/page"] = slow
    pace = Pace()
    settings = replace(QUICK, delay=0.1)
    visitors = [web.visitor(settings, pace) for _ in range(2)]
    threads = [threading.Thread(target=v.get, args=(URL,)) for v in visitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times = sorted(t for _, _, t, _ in web.server.asked)
    assert len(times) == 4
    assert all(b - a >= 0.09 for a, b in pairwise(times))


def test_a_dead_host_is_given_up_and_the_rest_is_skipped(web: Web) -> None:
    web.server.answers["/robots.txt"] = page(b"", 404)
    for n in range(5):
        web.server.answers[f"/{n}"] = reset
    visitor = web.visitor(replace(QUICK, retries=0, break_after=3))
    wanted = [Wanted(str(n), f"http://www.a.gov.cn/{n}") for n in range(5)]
    codes = [visitor.fetch(item).error_code for item in wanted]
    assert codes == ["unreachable"] * 3 + ["circuit_open"] * 2
    assert len(web.server.paths()) == 3
    assert list(by_host([*wanted, Wanted("x", "http://b.gov.cn/")])) == ["b.gov.cn", "www.a.gov.cn"]


def test_what_one_visitor_learns_of_a_host_the_next_one_knows(web: Web) -> None:
    web.server.answers |= {"/a": reset, "/b": page(b"x")}
    hosts = Hosts()
    settings = replace(QUICK, retries=0, break_after=2)
    first, second = web.visitor(settings, hosts=hosts), web.visitor(settings, hosts=hosts)
    for visitor in (first, second):
        assert visitor.get("http://www.a.gov.cn/a").error_code == "unreachable"
    assert second.get("http://www.a.gov.cn/b").error_code == "circuit_open"
    assert second.get("http://www.b.gov.cn/b").body == b"x"
    robots = [host for host, path, *_ in web.server.asked if path == "/robots.txt"]
    assert robots == ["www.a.gov.cn", "www.b.gov.cn"]


def test_a_host_that_answers_errors_or_asks_for_peace_is_left_alone(web: Web) -> None:
    for n in range(6):
        web.server.answers[f"/{n}"] = page(b"", 500)
    web.server.answers |= {"/busy": page(b"", 429, Retry_After="3600"), "/ok": page(b"x")}
    settings = replace(QUICK, retries=0, break_after_errors=3)
    visitor = web.visitor(settings)
    rows = [visitor.get(f"http://www.a.gov.cn/{n}") for n in range(5)]
    assert [r.error_code for r in rows] == ["http_500"] * 3 + ["circuit_open"] * 2
    assert visitor.get("http://www.b.gov.cn/busy").error_code == "http_429"
    later = visitor.get("http://www.b.gov.cn/ok")
    assert later.error_code == "circuit_open"
    assert "asked to be left alone for 3600 s" in str(later.error_message)
    assert visitor.get("http://www.c.gov.cn/ok").body == b"x"


def test_a_missing_page_is_no_reason_to_give_a_host_up(web: Web) -> None:
    web.server.answers |= {"/500": page(b"", 500), "/page": page(b"x")}
    visitor = web.visitor(replace(QUICK, retries=0, break_after=2, break_after_errors=2))
    for path in ("500", "404", "500", "404", "404", "404"):
        assert visitor.get(f"http://www.a.gov.cn/{path}").error_code == f"http_{path}"
    assert visitor.get(URL).body == b"x"


def test_the_run_stops_when_it_is_told_to(web: Web) -> None:
    web.server.answers["/page"] = page(b"x")
    told: list[str] = []
    visitor = web.visitor(hosts=Hosts(stop=lambda: told[0] if told else None))
    assert visitor.get(URL).body == b"x"
    told.append("told to stop: an exercise")
    before = len(web.server.asked)
    rows = [visitor.fetch(Wanted(str(n), URL)) for n in range(3)]
    assert [(r.error_code, r.error_message) for r in rows] == [("stopped", told[0])] * 3
    assert len(web.server.asked) == before


def test_the_run_stops_when_no_host_can_be_reached_any_more(web: Web) -> None:
    web.server.answers |= {"/dead": reset, "/page": page(b"x")}
    settings = replace(QUICK, retries=0, stop_after_hosts=3)
    visitor = web.visitor(settings)
    hosts = [f"http://www.{c}.gov.cn" for c in "abcdef"]
    assert visitor.get(f"{hosts[0]}/dead").error_code == "unreachable"
    assert visitor.get(f"{hosts[1]}/dead").error_code == "unreachable"
    assert visitor.get(f"{hosts[2]}/page").body == b"x"  # one that answers, and all is well
    for host in hosts[3:]:
        assert visitor.get(f"{host}/dead").error_code == "unreachable"
    row = visitor.get(f"{hosts[2]}/page")
    assert row.error_code == "stopped"
    assert "on this side" in str(row.error_message)


def test_a_source_raises_the_delay_of_its_host(web: Web) -> None:
    web.server.answers["/page"] = page(b"x")
    options = {"www.a.gov.cn": HostOptions(delay=0.2)}
    hosts = Hosts(lambda host: options.get(host, HostOptions()))
    visitor = web.visitor(hosts=hosts)
    for host in ("a", "a", "b", "b"):
        visitor.get(f"http://www.{host}.gov.cn/page")
    times = {
        h: [t for host, p, t, _ in web.server.asked if host == h and p == "/page"]
        for h in ("www.a.gov.cn", "www.b.gov.cn")
    }
    assert times["www.a.gov.cn"][1] - times["www.a.gov.cn"][0] >= 0.2
    assert times["www.b.gov.cn"][1] - times["www.b.gov.cn"][0] < 0.2
