"""What of a lease is still promised, hold by hold."""

import pytest

from loyalty.lending import LentLease, LentPart, free_points, outstanding
from loyalty.points.account import Account, Hold
from loyalty.points.facts import PostingId

H, G = b"h" * 16, b"g" * 16
SOME = PostingId(b"o" * 16, 1, b"m" * 16)


def hold(state: str, captured: int = 0, name: bytes = H) -> dict[bytes, Hold]:
    return {name: Hold(name, SOME, 60, 10**15, state, (), captured)}  # type: ignore[arg-type]


# fmt: off
CASES = [
    # part of 100 that the hold took, the holds, outstanding
    (60, {},                      100),
    (60, hold("open"),             40),
    (60, hold("captured", 60),     40),
    (60, hold("captured", 45),     55),
    (40, hold("captured", 45),     60),
    (60, hold("lapsed"),          100),
    (60, hold("released"),        100),
    (160, hold("open"),             0),
]
# fmt: on


@pytest.mark.parametrize(("part", "holds", "left"), CASES)
def test_a_lease_is_less_by_what_left_the_active_points_because_of_it(
    part: int, holds: dict[bytes, Hold], left: int
) -> None:
    assert outstanding(LentLease(100, (LentPart(H, part),)), holds) == left


def test_what_is_free_is_active_and_promised_to_nobody() -> None:
    account = Account(active=150, held=60, holds=hold("open"))
    leases = [LentLease(100, (LentPart(H, 60),)), LentLease(70)]
    assert free_points(account, leases, 0) == 40
    assert free_points(account, [*leases, LentLease(50)], 0) == 0


def test_parts_of_several_holds_add_up() -> None:
    parts = (LentPart(H, 30), LentPart(G, 20))
    assert outstanding(LentLease(100, parts), hold("open") | hold("captured", 15, G)) == 55
