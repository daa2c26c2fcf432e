"""Where callers stand and how much they may ask."""

from __future__ import annotations

import pytest

from sync.http.limits import Gate, Limits, Rate, RateLimiter
from sync.http.peers import Place, is_host_allowed, locate_peer, read_networks
from sync.http.problems import HostNotAllowed, PeerNotAllowed, TooManyRequests


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("127.0.0.1", Place.LOOPBACK),
        ("::1", Place.LOOPBACK),
        ("::ffff:127.0.0.1", Place.LOOPBACK),
        (None, Place.LOOPBACK),
        ("", Place.LOOPBACK),
        ("10.1.2.3", Place.PRIVATE),
        ("172.16.0.1", Place.PRIVATE),
        ("172.32.0.1", Place.OUTSIDE),
        ("192.168.255.255", Place.PRIVATE),
        ("169.254.1.1", Place.PRIVATE),
        ("fd00::1", Place.PRIVATE),
        ("fe80::1%eth0", Place.PRIVATE),
        ("::ffff:192.168.1.1", Place.PRIVATE),
        ("::ffff:8.8.8.8", Place.OUTSIDE),
        ("100.64.0.1", Place.INVITED),
        ("100.128.0.1", Place.OUTSIDE),
        ("8.8.8.8", Place.OUTSIDE),
        ("2001:db8::1", Place.OUTSIDE),
        ("0.0.0.0", Place.OUTSIDE),
        ("not an address", Place.OUTSIDE),
    ],
)
def test_places(address: str | None, place: Place) -> None:
    assert locate_peer(address, read_networks(["100.64.0.0/10"])) is place


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        (None, True),
        ("localhost", True),
        ("LOCALHOST:8080", True),
        ("localhost.", True),
        ("127.0.0.1:8080", True),
        ("192.168.1.5", True),
        ("[::1]:8080", True),
        ("[fd00::1]", True),
        ("till.shop.example:443", True),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("till.shop.example.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("", False),
        ("[::1", True),
        ("[evil.example]", False),
    ],
)
def test_hosts(host: str | None, allowed: bool) -> None:
    assert is_host_allowed(host, frozenset({"till.shop.example"})) is allowed


def test_a_bucket_lets_the_burst_through_and_then_its_rate() -> None:
    limiter = RateLimiter(Rate(per_s=2, burst=3))
    for _ in range(3):
        limiter.take("a", 100.0)
    with pytest.raises(TooManyRequests) as caught:
        limiter.take("a", 100.0)
    assert caught.value.headers["Retry-After"] == "1"
    limiter.take("b", 100.0)
    limiter.take("a", 100.5)
    with pytest.raises(TooManyRequests):
        limiter.take("a", 100.5)
    for _ in range(3):
        limiter.take("a", 200.0)
    with pytest.raises(TooManyRequests):
        limiter.take("a", 200.0)


@pytest.mark.parametrize(("per_s", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_a_rate_must_let_something_through(per_s: float, burst: int) -> None:
    with pytest.raises(ValueError, match="let something through"):
        Rate(per_s, burst)


def test_the_gate_refuses_strangers_before_anything_else() -> None:
    gate = Gate(Limits(networks=read_networks(["203.0.113.0/24"])))
    with pytest.raises(PeerNotAllowed):
        gate.check("8.8.8.8", "evil.example", 0.0)
    with pytest.raises(HostNotAllowed):
        gate.check("10.0.0.1", "evil.example", 0.0)
    assert gate.check("203.0.113.9", "10.0.0.2", 0.0) is Place.INVITED
    with pytest.raises(PeerNotAllowed):
        gate.require_private("203.0.113.9")
    gate.check("10.0.0.1", "10.0.0.2", 0.0)
    gate.require_private("10.0.0.1")


def test_the_general_rate_does_not_bind_this_machine_itself() -> None:
    gate = Gate(Limits(general=Rate(per_s=1, burst=1)))
    for _ in range(5):
        gate.check("127.0.0.1", "localhost", 0.0)
    gate.check("10.0.0.1", "localhost", 0.0)
    with pytest.raises(TooManyRequests):
        gate.check("10.0.0.1", "localhost", 0.0)
