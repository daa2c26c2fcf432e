"""Coupons that points pay for: captured with the entry that issues them, once, and by nobody else's points."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from kiosk.coupons.coupon_refusals import MemberNeeded, NoCouponOffer
from kiosk.coupons.coupon_rewards import RewardGivesOther
from kiosk.coupons.coupon_service import issue_coupon
from kiosk.coupons.coupons import IssueCoupon
from kiosk.identity.proofs import CheckedProof
from kiosk.points.points import HoldPoints
from kiosk.points.points_service import hold_points, release_hold
from kiosk.program.program_service import REWARDS, TYPES
from kiosk.sales.sale_points import UnknownHold
from loyalty.errors import IdConflict
from loyalty.points.refusals import HoldCaptured, HoldReleased
from loyalty.rewards import RewardAmount, RewardCoupon, RewardTerms
from tests.kiosk.couponing import OFFER, PRICE, REDUCED, issue, make_offer, quote
from tests.kiosk.earning_shop import define, end, record, type_terms
from tests.kiosk.selling import Till, assert_holds, open_till
from tests.kiosk.shopkit import new_id

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
