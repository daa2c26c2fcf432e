"""Rewards: what a member can have, held, redeemed by a sale, taken back with the goods."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from kiosk.commands import CompleteSale, LineRequest, TenderRequest
from kiosk.identity.proofs import CheckedProof
from kiosk.points.points import HoldPoints
from kiosk.points.points_service import hold_points, release_hold
from kiosk.program.held_rewards import RewardGivesNothing
from kiosk.program.program_service import REWARDS, TYPES, DefinitionRefused
from kiosk.program.reward_holds import RewardNotHere, RewardPoints, RewardUnknown
from kiosk.program.reward_service import TierNeeded, list_rewards
from kiosk.sales.sale_points import HoldTwice, UnknownHold
from loyalty.errors import IdConflict
from loyalty.offers.offer import Goods
from loyalty.points.refusals import HoldCaptured, HoldReleased, InsufficientPoints
from loyalty.rewards import (
    Reward,
    RewardAmount,
    RewardCoupon,
    RewardMoney,
    RewardPercent,
    RewardProduct,
    RewardTerms,
    money_reward,
    offer_of,
    validate_reward,
)
from tests.kiosk.earning_shop import define, end, record, type_terms
from tests.kiosk.selling import Till, assert_holds, open_till
from tests.kiosk.shopkit import new_id

TITLE = {"en": "A treat"}
PAPER = RewardTerms(title=TITLE, points=150, gives=RewardProduct(goods=Goods(products=("102",))))
DAIRY = RewardTerms(title=TITLE, points=100, gives=RewardPercent(percent="20", goods=Goods(categories=("DAIRY",))))
FIVER = RewardTerms(title=TITLE, points=80, gives=RewardAmount(amount_minor=500))


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    tiers: dict[str, Any] = {"loyalty.tiers": {"levels": [{"name": "gold", "threshold": 100_000}]}}
    with open_till(tmp_path, loyalty={"per_minor": 1_000_000}, **tiers) as opened:
        define(opened, TYPES, "signup", type_terms("signup", 200))
        for name, terms in (("paper", PAPER), ("dairy", DAIRY), ("fiver", FIVER)):
            define(opened, REWARDS, name, terms)
        yield opened
        assert_holds(opened.connection)


def member_with_points(till: Till) -> UUID:
    anna = till.enrol()
    record(till, anna, "signup")
    return anna


def hold(till: Till, member: UUID, reward: str | None, points: int) -> UUID:
    token = till.approve("redeem")
    command = HoldPoints(id=new_id(), member=member, points=points, reward=reward)
    till.do(hold_points, command, CheckedProof("approval", member, token))
    return command.id


def active(till: Till, member: UUID) -> tuple[int, int]:
    balance = till.points(member)
    return balance.active, balance.held


def test_an_article_is_had_for_points_and_comes_back_as_points(till: Till) -> None:
    anna = member_with_points(till)
    held = hold(till, anna, "paper", 150)
    assert active(till, anna) == (50, 150)
    quote = till.quote("102", "100", member=anna, hold=held)
    assert quote.totals.due_minor == 129
    sold = till.sell("102", "100", member=anna, hold=held, quote_due_minor=129, tenders=[("cash", 129)])
    assert [line.net_minor for line in sold.lines] == [0, 129]
    assert sold.lines[0].discounts[0].offer == "reward:paper"
    assert active(till, anna) == (50, 0)
    milk = till.take_back(sold, [(2, 1000)], [("cash", 129)])
    assert (milk.points.given_back, active(till, anna)) == (0, (50, 0))
    back = till.take_back(sold, [(1, 1000)], [])
    assert (back.refund_minor, back.points.given_back) == (0, 150)
    assert active(till, anna) == (200, 0)


def test_a_percentage_lies_on_its_lines_and_its_points_come_back_with_them(till: Till) -> None:
    anna = member_with_points(till)
    held = hold(till, anna, "dairy", 100)
    milk, cheese = LineRequest(sku="100", quantity_milli=2000), LineRequest(sku="104", quantity_milli=1000)
    sold = till.sell(milk, cheese, "101", member=anna, hold=held)
    assert [sum(off.amount_minor for off in line.discounts) for line in sold.lines] == [52, 398, 0]
    rows = till.rows("SELECT points, lines FROM posting WHERE kind = 'redeem'")
    assert rows == [(-100, "[[1,12],[2,88]]")]
    assert till.take_back(sold, [(1, 1000)], [("cash", 103)]).points.given_back == 6
    assert till.take_back(sold, [(2, 1000), (1, 1000)], [("cash", 1695)]).points.given_back == 94
    assert active(till, anna) == (200, 0)


def test_a_reward_that_gives_nothing_takes_nothing(till: Till) -> None:
    anna = member_with_points(till)
    paper = hold(till, anna, "paper", 150)
    entries = till.entries()
    with pytest.raises(RewardGivesNothing):
        till.sell("100", member=anna, hold=paper)
    assert till.entries() == entries
    till.do(release_hold, paper)
    fiver = hold(till, anna, "fiver", 80)
    with pytest.raises(RewardGivesNothing):
        till.sell("102", member=anna, hold=fiver)
    sold = till.sell("102", "102", member=anna, hold=fiver)
    assert sold.totals.due_minor == 200


def test_a_void_gives_the_points_back(till: Till) -> None:
    anna = member_with_points(till)
    sold = till.sell("102", member=anna, hold=hold(till, anna, "paper", 150), tenders=[])
    till.void(sold)
    assert active(till, anna) == (200, 0)


def test_the_version_that_was_held_counts(till: Till) -> None:
    anna = member_with_points(till)
    held = hold(till, anna, "fiver", 80)
    define(till, REWARDS, "fiver", RewardTerms(title=TITLE, points=80, gives=RewardAmount(amount_minor=900)))
    end(till, REWARDS, "fiver")
    assert till.sell("102", "102", member=anna, hold=held).totals.due_minor == 200


def test_a_hold_buys_its_reward_once_and_nothing_else(till: Till) -> None:
    anna, ben = member_with_points(till), member_with_points(till)
    held = hold(till, anna, "paper", 150)
    with pytest.raises(UnknownHold):
        till.sell("102", member=ben, hold=held)
    with pytest.raises(UnknownHold):
        till.quote("102", member=ben, hold=held)
    with pytest.raises(UnknownHold):
        till.sell("102", hold=held)
    with pytest.raises(UnknownHold):
        till.sell("102", member=anna, hold=new_id())
    tender = [{"kind": "points", "amount_minor": 150, "hold": held}]
    with pytest.raises(UnknownHold):
        till.send(_sale(anna, tender, None))
    money = hold(till, anna, None, 10)
    with pytest.raises(UnknownHold):
        till.sell("102", member=anna, hold=money)
    till.sell("102", member=anna, hold=held, tenders=[])
    with pytest.raises(HoldCaptured):
        till.sell("102", member=anna, hold=held)
    other = hold(till, ben, "paper", 150)
    till.do(release_hold, other)
    with pytest.raises(HoldReleased):
        till.sell("102", member=ben, hold=other)


def _sale(member: UUID, tenders: list[dict[str, object]], hold_id: UUID | None) -> CompleteSale:
    paid = tuple(TenderRequest(**tender) for tender in tenders)  # type: ignore[arg-type]
    return CompleteSale(id=new_id(), lines=(LineRequest(sku="102"),), member=member, tenders=paid, hold=hold_id)


def test_one_hold_does_not_pay_and_redeem(till: Till) -> None:
    anna = member_with_points(till)
    held = hold(till, anna, None, 100)
    with pytest.raises((HoldTwice, UnknownHold)):
        till.send(_sale(anna, [{"kind": "points", "amount_minor": 100, "hold": held}], held))


def test_points_may_pay_the_rest_of_a_sale_with_a_reward(till: Till) -> None:
    anna = member_with_points(till)
    reward, money = hold(till, anna, "fiver", 80), hold(till, anna, None, 120)
    tenders = [{"kind": "points", "amount_minor": 120, "hold": money}, {"kind": "cash", "amount_minor": 80}]
    command = _sale(anna, tenders, reward)
    lines = (LineRequest(sku="102"), LineRequest(sku="102"))
    sold = till.send(CompleteSale(**{**{f: getattr(command, f) for f in command.__struct_fields__}, "lines": lines}))
    assert (sold.answer.totals.due_minor, active(till, anna)) == (200, (0, 0))
    first = till.quote_return(sold.answer, [(1, 1000)]).refund_minor
    till.take_back(sold.answer, [(1, 1000)], [("cash", first)])
    second = till.quote_return(sold.answer, [(2, 1000)]).refund_minor
    till.take_back(sold.answer, [(2, 1000)], [("cash", second)] if second else [])
    assert (first + second, active(till, anna)) == (80, (200, 0))


def test_what_cannot_be_held_is_refused(till: Till) -> None:
    define(
        till,
        REWARDS,
        "gold-only",
        RewardTerms(title=TITLE, points=10, gives=RewardAmount(amount_minor=5), tiers=("gold",)),
    )
    define(till, REWARDS, "ticket", RewardTerms(title=TITLE, points=10, gives=RewardCoupon(offer="X")))
    anna = member_with_points(till)
    for name, points, problem in (
        ("nothing", 10, RewardUnknown),
        ("paper", 149, RewardPoints),
        ("gold-only", 10, TierNeeded),
    ):
        with pytest.raises(problem):
            hold(till, anna, name, points)
    ticket = hold(till, anna, "ticket", 10)
    with pytest.raises(RewardNotHere):
        till.sell("102", member=anna, hold=ticket)
    till.do(release_hold, ticket)
    hold(till, anna, "paper", 150)
    with pytest.raises(InsufficientPoints):
        hold(till, anna, "fiver", 80)


def test_the_same_hold_for_another_reward_is_another_request(till: Till) -> None:
    anna = member_with_points(till)
    token = till.approve("redeem")
    first = HoldPoints(id=new_id(), member=anna, points=80, reward="fiver")
    till.do(hold_points, first, CheckedProof("approval", anna, token))
    assert till.do(hold_points, first, None).replayed
    with pytest.raises(IdConflict):
        till.do(hold_points, HoldPoints(id=first.id, member=anna, points=80), None)


def test_a_member_is_told_what_it_can_have(till: Till) -> None:
    anna = member_with_points(till)
    listed = list_rewards(till.connection, till.shop, till.who, anna, 50).items
    told = {
        each.definition.id: (each.quote.points, each.quote.value_minor, each.quote.reason)
        for each in listed
        if each.quote
    }
    assert told == {"money": (50, 50, None), "paper": (150, 0, None), "dairy": (100, 0, None), "fiver": (80, 0, None)}
    hold(till, anna, "paper", 150)
    listed = list_rewards(till.connection, till.shop, till.who, anna, 50).items
    reasons = {each.definition.id: each.quote.reason for each in listed if each.quote}
    assert reasons["dairy"] == reasons["fiver"] == "insufficient_points"
    assert reasons["money"] is None


WRONG = [
    ({"title": {}}, "title_missing"),
    ({"gives": RewardPercent(percent="0")}, "no_discount"),
    ({"gives": RewardProduct(goods=Goods())}, "price_for_everything"),
    ({"gives": RewardAmount(amount_minor=5, minimum_minor=4)}, "pays_the_shopper"),
    ({"gives": RewardMoney()}, "set_by_configuration"),
    ({"tiers": ("a", "a")}, "repeated"),
]


@pytest.mark.parametrize(("changed", "code"), WRONG)
def test_a_reward_nobody_could_explain_is_refused(till: Till, changed: dict[str, object], code: str) -> None:
    fields = {"title": TITLE, "points": 10, "gives": RewardAmount(amount_minor=5), **changed}
    wrong = Reward(id="x", version=1, **fields)  # type: ignore[arg-type]
    assert [fault.code for fault in validate_reward(wrong)] == [code]
    with pytest.raises(DefinitionRefused):
        define(till, REWARDS, "x", RewardTerms(**fields))  # type: ignore[arg-type]


def test_money_is_no_discount(till: Till) -> None:
    with pytest.raises(ValueError, match="no discount"):
        offer_of(money_reward(till.shop.terms.program.redeem))
