"""Whether points may be spent without head office: leases first, then the floor, and why not."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

import loyalty.exposure
from loyalty.errors import Problem
from loyalty.exposure import (
    AccountTooOld,
    AccountUnknown,
    Backing,
    LeaseNeeded,
    MemberLimitReached,
    MemberState,
    OfflinePolicy,
    StoreLimitReached,
    StoreState,
    account_age,
    may_spend,
)
from loyalty.leases import Lease, LeaseHold, Loan, Uptime, draw, receive, remaining, unspent

HOUR_MS = 3_600_000
NOW = Uptime("boot-1", 10 * HOUR_MS)
POLICY = OfflinePolicy(member_limit_minor=500, store_limit_minor=2_000, account_max_age_ms=24 * HOUR_MS)
OFFLINE = StoreState(online=False, uptime=NOW)


def loan(name: bytes, points: int, taken: int = 0, *, ends_at_ms: int = 11 * HOUR_MS, boot: str = "boot-1") -> Loan:
    return Loan(Lease(id=name, member=b"anna", points=points, boot=boot, ends_at_ms=ends_at_ms), taken)


def known(*loans: Loan, used_minor: int = 0, age_ms: int | None = HOUR_MS) -> MemberState:
    return MemberState(loans=loans, unacknowledged_minor=used_minor, account_age_ms=age_ms)


# points | value | member | store | what stands behind them
ALLOWED = [
    (50, 500, known(loan(b"a", 80)), OFFLINE, Backing(((b"a", 50),))),
    (50, 500, known(loan(b"a", 80, 60)), OFFLINE, Backing(((b"a", 20),), 30, 300)),
    (50, 3, known(loan(b"a", 20)), OFFLINE, Backing(((b"a", 20),), 30, 2)),
    (50, 0, known(), OFFLINE, Backing((), 50, 1)),
    (50, 500, known(), OFFLINE, Backing((), 50, 500)),
    (1, 1, known(used_minor=499), OFFLINE, Backing((), 1, 1)),
    (1, 1, known(), StoreState(online=False, unacknowledged_minor=1_999), Backing((), 1, 1)),
    (1, 1, known(age_ms=24 * HOUR_MS), OFFLINE, Backing((), 1, 1)),
    # A lease needs neither a known account nor room on the floor nor a line.
    (80, 9_000, known(loan(b"a", 80), used_minor=500, age_ms=None), OFFLINE, Backing(((b"a", 80),))),
    (80, 9_000, known(loan(b"a", 80)), StoreState(online=True, uptime=NOW), Backing(((b"a", 80),))),
    # What ends first is used first.
    (
        60,
        600,
        known(loan(b"a", 40), loan(b"b", 30, ends_at_ms=10 * HOUR_MS + 1), loan(b"c", 9, ends_at_ms=10 * HOUR_MS)),
        OFFLINE,
        Backing(((b"b", 30), (b"a", 30))),
    ),
]


@pytest.mark.parametrize(("points", "value", "member", "store", "backing"), ALLOWED)
def test_points_that_may_be_spent(
    points: int, value: int, member: MemberState, store: StoreState, backing: Backing
) -> None:
    assert may_spend(points, value, member, store, POLICY) == backing


UP = StoreState(online=True, uptime=NOW)
REFUSED = [
    (50, 500, known(), UP, LeaseNeeded, None),
    (50, 500, known(loan(b"a", 49)), UP, LeaseNeeded, None),
    (50, 500, known(age_ms=None), OFFLINE, AccountUnknown, None),
    (50, 500, known(age_ms=24 * HOUR_MS + 1), OFFLINE, AccountTooOld, None),
    (51, 501, known(), OFFLINE, MemberLimitReached, 500),
    (50, 500, known(used_minor=1), OFFLINE, MemberLimitReached, 499),
    (1, 0, known(used_minor=500), OFFLINE, MemberLimitReached, 0),
    (1, 1, known(used_minor=700), OFFLINE, MemberLimitReached, 0),
    (50, 500, known(), StoreState(online=False, unacknowledged_minor=1_501), StoreLimitReached, 499),
    # A lease of another boot, a lease that is over, or no clock: the floor decides.
    (51, 510, known(loan(b"a", 80, boot="boot-2")), OFFLINE, MemberLimitReached, 500),
    (51, 510, known(loan(b"a", 80, ends_at_ms=NOW.ms)), OFFLINE, MemberLimitReached, 500),
    (51, 510, known(loan(b"a", 80)), StoreState(online=False), MemberLimitReached, 500),
]


@pytest.mark.parametrize(("points", "value", "member", "store", "problem", "left"), REFUSED)
def test_points_that_may_not(
    points: int, value: int, member: MemberState, store: StoreState, problem: type[Problem], left: int | None
) -> None:
    with pytest.raises(problem) as refused:
        may_spend(points, value, member, store, POLICY)
    assert refused.value.extra.get("left_minor") == left


@given(
    points=st.integers(1, 1_000),
    value=st.integers(0, 5_000),
    lent=st.lists(st.tuples(st.integers(1, 300), st.integers(0, 300)), max_size=4),
    used=st.integers(0, 600),
    store_used=st.integers(0, 2_100),
)
def test_what_is_allowed_is_covered_and_keeps_both_limits(
    points: int, value: int, lent: list[tuple[int, int]], used: int, store_used: int
) -> None:
    loans = tuple(loan(bytes([index]), *each) for index, each in enumerate(lent))
    store = StoreState(online=False, unacknowledged_minor=store_used, uptime=NOW)
    try:
        backing = may_spend(points, value, known(*loans, used_minor=used), store, POLICY)
    except Problem:
        return
    assert sum(part for _, part in backing.leases) + backing.floor_points == points
    by_id = {each.lease.id: each for each in loans}
    assert all(1 <= part <= remaining(by_id[lease], NOW) for lease, part in backing.leases)
    assert len(dict(backing.leases)) == len(backing.leases)
    if backing.floor_points:
        assert used + backing.floor_minor <= POLICY.member_limit_minor
        assert store_used + backing.floor_minor <= POLICY.store_limit_minor
        assert backing.floor_minor * points >= value * backing.floor_points
        assert all(remaining(each, NOW) == dict(backing.leases).get(each.lease.id, 0) for each in loans)


def test_a_lease_is_counted_from_the_request_and_a_hundredth_shorter() -> None:
    lease = receive(b"a", b"anna", 80, Uptime("boot-1", 500), HOUR_MS)
    assert (lease.boot, lease.ends_at_ms) == ("boot-1", 500 + 3_564_000)
    assert remaining(Loan(lease, 0), Uptime("boot-1", lease.ends_at_ms - 1)) == 80
    assert remaining(Loan(lease, 30), Uptime("boot-1", 501)) == 50
    assert remaining(Loan(lease, 0), Uptime("boot-1", lease.ends_at_ms)) == 0
    assert remaining(Loan(lease, 0), Uptime("boot-2", 501)) == 0
    assert remaining(Loan(lease, 81), Uptime("boot-1", 501)) == 0


def test_leases_may_give_less_than_asked() -> None:
    assert draw([loan(b"a", 10), loan(b"b", 5, 5)], 40, NOW) == ((b"a", 10),)
    assert draw([], 40, NOW) == ()


@pytest.mark.parametrize(
    ("holds", "back"),
    [
        ([], 80),
        ([LeaseHold(50, "captured", 30), LeaseHold(20, "released")], 50),
        ([LeaseHold(80, "captured", 80)], 0),
        ([LeaseHold(50, "open")], None),
        ([LeaseHold(50, "captured", 50), LeaseHold(10, "lapsed")], None),
    ],
)
def test_the_report_of_a_leases_end_gives_back_what_was_not_paid_with(holds: list[LeaseHold], back: int | None) -> None:
    assert unspent(loan(b"a", 80).lease, holds) == back


@pytest.mark.parametrize(
    ("read_uptime", "now_ms", "now_uptime", "age"),
    [
        (Uptime("a", 100), 1_500, Uptime("a", 350), 250),  # the same boot: nobody can set this clock
        (Uptime("a", 100), 0, Uptime("a", 350), 250),
        (Uptime("a", 100), 1_500, Uptime("b", 5), 500),
        (None, 1_500, Uptime("b", 5), 500),
        (Uptime("a", 100), 1_000, None, 0),
        (Uptime("a", 100), 999, Uptime("b", 5), None),  # set back over a reboot
    ],
)
def test_how_old_an_account_is(
    read_uptime: Uptime | None, now_ms: int, now_uptime: Uptime | None, age: int | None
) -> None:
    assert account_age(1_000, read_uptime, now_ms, now_uptime) == age


def test_the_examples_hold() -> None:
    result = doctest.testmod(loyalty.exposure)
    assert (result.attempted, result.failed) == (2, 0)
