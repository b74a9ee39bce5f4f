"""Requests go to public addresses only, or where GONGKAI_RESOLVE says."""

import pytest

from tasks.records import BadInput
from tasks.resolve import is_public, parse_resolve, resolve_from_env


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("fd00::1", False),
        ("fd00:ec2::254", False),
        ("::7f00:1", False),
        ("::ffff:0:7f00:1", False),
        ("64:ff9b:1::7f00:1", False),
        ("64:ff9b::808:808", True),
        ("2001:0:7f00:1::", False),
        ("100.100.100.200", False),
        ("168.63.129.16", False),
        ("192.0.0.192", False),
        ("::ffff:168.63.129.16", False),
        ("ff02::1", False),
        ("5f00::1", False),
        ("3fff::1", False),
        ("fec0::1", False),
        ("4000::1", False),
        ("240e::1", True),
        ("8.8.8.8", True),
        ("2400:3200::1", True),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_the_resolve_map() -> None:
    resolve = parse_resolve("A.gov.cn:443=127.0.0.1:1, a.gov.cn=127.0.0.1:2,*=[::1]:3")
    assert resolve.target("a.gov.cn", 443) == ("127.0.0.1", 1)
    assert resolve.target("a.gov.cn", 80) == ("127.0.0.1", 2)
    assert resolve.target("b.gov.cn", 80) == ("::1", 3)
    assert not parse_resolve(None)
    assert parse_resolve("a.gov.cn=127.0.0.1:2").target("b.gov.cn", 80) is None


@pytest.mark.parametrize(
    "text", ["x", "*", "*=127.0.0.1", "*=127.0.0.1:0", "a b=c:1", "*=:8", "=a:1"]
)
def test_a_malformed_resolve_map_is_refused_in_one_line(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONGKAI_RESOLVE", text)
    with pytest.raises(BadInput, match="GONGKAI_RESOLVE"):
        resolve_from_env()
