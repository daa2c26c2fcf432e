"""Coupons that points pay for: captured with the entry that issues them, once, and by nobody else's points."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from kiosk.coupons.coupon_refusals import (
    CouponUsed,
    CouponVoidNeedsLine,
    MemberNeeded,
    NoCouponOffer,
    ReissuedDifferently,
)
from kiosk.coupons.coupon_rewards import RewardGivesOther
from kiosk.coupons.coupon_service import issue_coupon, list_void_coupon_commands, reissue_coupon, void_coupon
from kiosk.coupons.coupons import CouponVerdict, IssueCoupon, ReissueCoupon, VoidCoupon
from kiosk.identity.proofs import CheckedProof
from kiosk.points.link import note_line
from kiosk.points.points import HoldPoints
from kiosk.points.points_service import hold_points, release_hold
from kiosk.program.program_service import REWARDS, TYPES
from kiosk.sales.reservations import Kept
from kiosk.sales.sale_points import UnknownHold
from loyalty.errors import IdConflict
from loyalty.points.refusals import HoldCaptured, HoldReleased
from loyalty.rewards import RewardAmount, RewardCoupon, RewardTerms
from sync.feed_values import CouponUsedValue, use_name
from tests.kiosk.couponing import OFFER, PRICE, REDUCED, issue, make_offer, manager, quote
from tests.kiosk.earning_shop import define, end, record, type_terms
from tests.kiosk.selling import Till, assert_holds, open_till
from tests.kiosk.shopkit import new_id, perform

COST, THERE = 150, 400
TITLE = {"en": "A fifth off chocolate"}


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    with open_till(tmp_path, loyalty={"per_minor": 1_000_000}) as opened:
        define(opened, TYPES, "signup", type_terms("signup", THERE))
        make_offer(opened)
        make_offer(opened, "OTHER")
        define(opened, REWARDS, "choc", RewardTerms(title=TITLE, points=COST, gives=RewardCoupon(offer=OFFER)))
        define(opened, REWARDS, "fiver", RewardTerms(title=TITLE, points=COST, gives=RewardAmount(amount_minor=500)))
        yield opened
        assert_holds(opened.connection)


def member(till: Till, name: str = "Anna", phone: str = "600 100 200") -> UUID:
    joined = till.enrol(name, phone)
    record(till, joined, "signup")
    return joined


def hold(till: Till, who: UUID, reward: str | None = "choc", points: int = COST) -> UUID:
    command = HoldPoints(id=new_id(), member=who, points=points, reward=reward)
    till.do(hold_points, command, CheckedProof("approval", who, till.approve("redeem")))
    return command.id


def balance(till: Till, who: UUID) -> tuple[int, int]:
    points = till.points(who)
    return points.active, points.held


def test_the_points_go_with_the_entry_that_issues_the_coupon_and_the_coupon_is_good(till: Till) -> None:
    anna = member(till)
    held = hold(till, anna)
    assert balance(till, anna) == (THERE - COST, COST)
    entries = till.entries()
    coupon = issue(till, member=anna, hold=held)
    assert till.entries() == entries + 1
    assert balance(till, anna) == (THERE - COST, 0)
    assert quote(till, coupon.code, member=anna).totals.due_minor == REDUCED < PRICE


def test_the_same_request_again_is_the_same_coupon_and_costs_nothing_more(till: Till) -> None:
    anna = member(till)
    command = IssueCoupon(id=new_id(), offer=OFFER, member=anna, hold=hold(till, anna))
    first, entries = till.do(issue_coupon, command), till.entries()
    again = till.do(issue_coupon, command)
    assert (again.replayed, again.answer, till.entries()) == (True, first.answer, entries)
    assert balance(till, anna) == (THERE - COST, 0)
    with pytest.raises(IdConflict):
        till.do(issue_coupon, IssueCoupon(id=command.id, offer=OFFER, member=anna))


def test_one_hold_pays_one_coupon(till: Till) -> None:
    anna = member(till)
    held = hold(till, anna)
    issue(till, member=anna, hold=held)
    entries = till.entries()
    with pytest.raises(HoldCaptured):
        issue(till, member=anna, hold=held)
    assert till.entries() == entries


def test_what_was_held_counts_whatever_becomes_of_the_reward(till: Till) -> None:
    anna = member(till)
    held = hold(till, anna)
    define(till, REWARDS, "choc", RewardTerms(title=TITLE, points=9, gives=RewardCoupon(offer="OTHER")))
    end(till, REWARDS, "choc")
    with pytest.raises(RewardGivesOther):
        issue(till, offer="OTHER", member=anna, hold=held)
    issue(till, member=anna, hold=held)
    assert balance(till, anna) == (THERE - COST, 0)


def test_points_that_are_not_for_this_coupon_pay_no_coupon(till: Till) -> None:
    anna, ben = member(till), member(till, "Ben", "601 100 200")
    plain, fiver, bens = hold(till, anna, None, 10), hold(till, anna, "fiver"), hold(till, ben)
    released = hold(till, anna)
    till.do(release_hold, released)
    entries = till.entries()
    for problem, who, held, offer in (
        (MemberNeeded, None, bens, OFFER),
        (UnknownHold, anna, new_id(), OFFER),
        (UnknownHold, anna, bens, OFFER),
        (RewardGivesOther, anna, plain, OFFER),
        (RewardGivesOther, anna, fiver, OFFER),
        (RewardGivesOther, ben, bens, "OTHER"),
        (NoCouponOffer, ben, bens, "NOTHING"),
        (HoldReleased, anna, released, OFFER),
    ):
        with pytest.raises(problem):
            issue(till, offer=offer, member=who, hold=held)
    assert till.entries() == entries
    assert (balance(till, anna), balance(till, ben)) == ((THERE - COST - 10, COST + 10), (THERE - COST, COST))


# -- voided ------------------------------------------------------------------------------------------------------------


def void(till: Till, serial: str, reason: str = "not wanted") -> CouponVerdict:
    who = manager(till)
    return perform(till.connection, void_coupon, till.shop, who, serial, VoidCoupon(reason=reason)).answer


def lots(till: Till, who: UUID) -> list[tuple[int, int]]:
    """What is free in each lot of a member, and when it ends: soonest first."""
    return till.rows(
        "SELECT free, expires_at FROM points_lot WHERE account = ? AND free > 0 ORDER BY expires_at", who.bytes
    )


def give(till: Till, who: UUID, points: int) -> None:
    till.adjust(who, points)


ENDING = {"valid_for": 30, "valid_unit": "day", "valid_to_end_of": "day", "grace_days": 14}


@pytest.fixture
def ending(tmp_path: Path) -> Iterator[Till]:
    """A shop whose points end after 30 days."""
    with open_till(tmp_path, points=ENDING) as till:
        make_offer(till)
        define(till, REWARDS, "choc", RewardTerms(title=TITLE, points=COST, gives=RewardCoupon(offer=OFFER)))
        yield till
        assert_holds(till.connection)


def test_a_voided_coupon_gives_its_points_back_to_the_lots_they_came_from_once(ending: Till) -> None:
    """The oldest points paid first: 100 of one lot and 50 of the next. They end as they would have."""
    till = ending
    anna = till.enrol("Anna", "600 100 200")
    give(till, anna, 100)
    till.wait(days=3)
    give(till, anna, 300)
    before = lots(till, anna)
    assert len({end for _, end in before}) == 2
    coupon = issue(till, member=anna, hold=hold(till, anna))
    assert lots(till, anna) == [(250, before[1][1])]
    entries = till.entries()
    first = void(till, coupon.serial)
    assert (first.reason, first.points_given_back, balance(till, anna)) == ("coupon_void", COST, (400, 0))
    assert lots(till, anna) == before
    again = void(till, coupon.serial)
    assert (again, till.entries(), balance(till, anna)) == (first, entries + 1, (400, 0))
    with pytest.raises(ReissuedDifferently):
        void(till, coupon.serial, "another reason")


def test_a_coupon_that_was_used_or_issued_again_gives_nothing_back_the_newer_one_does(till: Till) -> None:
    anna = member(till)
    used = issue(till, member=anna, hold=hold(till, anna))
    till.sell("101", member=anna, coupons=(used.token,))
    with pytest.raises(CouponUsed):
        void(till, used.serial)
    lost = issue(till, member=anna, hold=hold(till, anna))
    newer = lost
    for _ in range(2):
        command = ReissueCoupon(id=new_id(), reason="wet paper")
        newer = perform(till.connection, reissue_coupon, till.shop, manager(till), newer.serial, command).answer
    assert balance(till, anna) == (THERE - 2 * COST, 0)
    with pytest.raises(ReissuedDifferently):
        void(till, lost.serial)
    assert void(till, newer.serial).points_given_back == COST
    assert balance(till, anna) == (THERE - COST, 0)


def test_points_that_have_ended_meanwhile_come_back_for_the_grace_of_the_program(ending: Till) -> None:
    till = ending
    anna = till.enrol("Anna", "600 100 200")
    give(till, anna, COST)
    till.wait(days=25)
    coupon = issue(till, member=anna, hold=hold(till, anna))
    till.wait(days=10)
    assert void(till, coupon.serial).points_given_back == COST
    assert balance(till, anna) == (COST, 0)
    till.wait(days=13)
    assert balance(till, anna) == (COST, 0)
    till.wait(days=2)
    assert balance(till, anna) == (0, 0)


def test_a_coupon_that_cost_nothing_gives_no_points_when_it_is_voided(till: Till) -> None:
    anna = member(till)
    assert void(till, issue(till, member=anna).serial).points_given_back == 0
    assert balance(till, anna) == (THERE, 0)


def test_what_other_stores_take_is_voided_for_points_only_when_head_office_keeps_it(till: Till) -> None:
    """Else it could be used there and paid back here. One that cost nothing is voided as ever."""
    anna = member(till)
    coupon = issue(till, member=anna, scope="chain", hold=hold(till, anna))
    free = issue(till, member=anna, scope="chain")
    note_line(till.connection, online=True, now_ms=till.who.now_ms)
    [command] = till.do(list_void_coupon_commands, coupon.serial)
    assert len(till.do(list_void_coupon_commands, free.serial)) == 1
    with pytest.raises(CouponVoidNeedsLine):
        void(till, coupon.serial)
    kept = Kept(coupons={command.serial: command.id})
    answer = perform(
        till.connection, void_coupon, till.shop, manager(till), coupon.serial, VoidCoupon(reason="x"), kept
    ).answer
    assert answer.points_given_back == COST
    assert void(till, free.serial).reason == "coupon_void"


def test_a_coupon_that_was_used_elsewhere_is_neither_voided_nor_issued_again(till: Till) -> None:
    anna = member(till)
    coupon = issue(till, member=anna, scope="chain")
    till.connection.execute(
        "INSERT INTO feed_row (bucket, entity, key, seq, generation, value)"
        " VALUES ('global', 'coupon_used', ?, 1, 1, ?)",
        (
            use_name(coupon.valid_until, int(coupon.serial, 16)),
            msgspec.json.encode(CouponUsedValue(sales=(new_id(),))),
        ),
    )
    with pytest.raises(CouponUsed):
        void(till, coupon.serial)
    command = ReissueCoupon(id=new_id(), reason="wet paper")
    with pytest.raises(CouponUsed):
        perform(till.connection, reissue_coupon, till.shop, manager(till), coupon.serial, command)
