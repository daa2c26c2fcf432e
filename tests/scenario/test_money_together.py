"""Offers, coupons, points, rewards, gift cards and returns in one another's way: nobody ever gains by it."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from msgspec.structs import replace

from kiosk.answers import SaleAnswer
from kiosk.commands import LineRequest, TenderRequest
from kiosk.coupons.gift_cards import GiftCardSpent
from kiosk.members.member_service import erase_member
from kiosk.members.members import EraseMember
from kiosk.program.held_rewards import RewardGivesNothing
from kiosk.program.program_service import REWARDS, RULES
from kiosk.sales.sale_points import HoldTwice, UnknownHold
from kiosk.sales.sale_service import AlreadyReturned
from kiosk.sales.tender import Overpaid
from loyalty.earning_rules.rule import EarningRule, PerPiece
from loyalty.errors import Problem
from loyalty.offers.offer import Goods, Limits
from loyalty.points.refusals import AboveHold, AboveShare, HoldCaptured
from loyalty.rewards import RewardPercent
from tests.kiosk.earning_shop import define, define_rule
from tests.kiosk.earning_shop import end as end_reward
from tests.kiosk.offering import make, percent
from tests.kiosk.selling import sale_of
from tests.kiosk.shopkit import caller, perform
from tests.scenario.money_shop import CARD, NEWSPAPER, TENDERS, MoneyShop, open_money_shop

PIECES = (1, 1, 2, 3, 4, 5)
"""The lines of `sell_everything`, piece by piece."""

ORDERS = sorted(set(itertools.permutations(PIECES)))[::29]
"""Some of the 360 orders in which they can come back, the same ones each time."""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[MoneyShop]:
    with open_money_shop(tmp_path) as opened:
        yield opened


def test_everything_in_one_sale_comes_back_piece_by_piece_in_any_order(shop: MoneyShop) -> None:
    member = shop.member()
    before = shop.snapshot(member)
    for order in ORDERS:
        sold, token = shop.sell_everything(member)
        assert sold.totals.due_minor == sum(TENDERS.values())
        assert sold.points.redeemed == 150 + TENDERS["points"]
        assert shop.state_of(token) == "coupon_used"
        for step, line in enumerate(order):
            back = [(line, 1000)]
            shop.take_back(sold, back, shop.refund_of(sold, back, ("cash", "gift_card")[step % 2]))
            assert_points_stand_for_their_value(shop, sold)
        refunds = Counter(dict(shop.rows(REFUNDS, sold.id.bytes)))
        assert refunds == Counter(TENDERS), "in each kind exactly what was paid in it"
        assert shop.rows(TAXES, sold.id.bytes) == shop.rows(TAXES_SOLD, sold.id.bytes)
        assert shop.state_of(token) == "ok"
        assert shop.snapshot(member) == before


REFUNDS = "SELECT settles, sum(amount_minor) FROM refund WHERE sale = ? GROUP BY settles"
TAXES_SOLD = "SELECT line, net_minor, tax_minor, points FROM sale_line WHERE sale = ? ORDER BY line"
TAXES = (
    "SELECT line, sum(net_minor), sum(tax_minor), sum(points) FROM taken_back_line WHERE sale = ?"
    " GROUP BY line ORDER BY line"
)


def assert_points_stand_for_their_value(shop: MoneyShop, sold: SaleAnswer) -> None:
    """A point pays 1: those that came back of the payment are what is refunded as points, at every step."""
    restored = shop.rows(
        "SELECT total(back.points) FROM posting AS back JOIN posting AS paid ON paid.op = back.reference"
        " AND paid.n = back.reference_n WHERE paid.op = ? AND paid.points = ?",
        sold.id.bytes,
        -TENDERS["points"],
    )
    refunded = Counter(dict(shop.rows(REFUNDS, sold.id.bytes)))["points"]
    assert restored == [(refunded,)]


def test_everything_in_one_sale_is_voided(shop: MoneyShop) -> None:
    member = shop.member()
    before = shop.snapshot(member)
    sold, token = shop.sell_everything(member)
    shop.void(sold)
    assert shop.snapshot(member) == before
    assert shop.state_of(token) == "ok"
    with pytest.raises(Problem):
        shop.take_back(sold, [(1, 1000)], [("cash", 450)])


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_everything_in_one_sale_is_exchanged_and_that_comes_back(shop: MoneyShop, parts: int) -> None:
    member = shop.member()
    before = shop.snapshot(member)
    sold, token = shop.sell_everything(member)
    pieces = [(sold, line, 1000) for line in PIECES]
    for part in range(parts):
        back = pieces[part::parts]
        quote = shop.quote("300", back=back, member=member)
        kinds = {each.kind: each.max_minor for each in quote.refunds_allowed}
        card = min(kinds.get("gift_card", 0), quote.refund_minor)
        refunds = [(kind, each) for kind, each in (("gift_card", card), ("cash", quote.refund_minor - card)) if each]
        tenders = [("cash", quote.pay_minor)] if quote.pay_minor else []
        new = shop.exchange(back, "300", tenders=tenders, refunds=refunds, member=member)
        with pytest.raises(AlreadyReturned):
            shop.void(new)
        shop.take_back(new, [(1, 1000)], shop.refund_of(new, [(1, 1000)], "cash"))
    after = shop.snapshot(member)
    moved = after["card"] - before["card"], after["drawer"] - before["drawer"]
    assert sum(moved) == 0, "what the card lacks is in the drawer"
    assert {**after, "card": 0, "drawer": 0} == {**before, "card": 0, "drawer": 0}
    assert shop.state_of(token) == "ok"


def test_half_of_a_line_beside_a_reward_gives_back_half_of_its_price(shop: MoneyShop) -> None:
    """The points of the reward stand for no money: they must not thin out those that paid."""
    member = shop.member()
    reward, hold = shop.hold_reward(member), shop.hold(member, 300)
    paid = (TenderRequest(kind="points", amount_minor=300, hold=hold), TenderRequest(kind="cash", amount_minor=600))
    lines = ("102", LineRequest(sku="500", quantity_milli=2000))
    sold = shop.send(sale_of(*lines, member=member, hold=reward, paid=paid)).answer
    quote = shop.quote_return(sold, [(2, 1000)])
    assert (quote.points.given_back, quote.refund_minor) == (150, 300)


def test_points_buy_no_gift_card(shop: MoneyShop) -> None:
    """They would last for ever, pay all of the next bill and earn again."""
    member = shop.member(5000)
    card = LineRequest(sku="card", gift_card="CARD-000002")
    with pytest.raises(AboveShare) as refused:
        shop.pay(card, member=member, points=1000, cash=0)
    assert refused.value.extra["max_minor"] == 0
    assert (quoted := shop.quote(card, "1000", member=member).redeem) is not None
    assert quoted.points == 1000
    with pytest.raises(AboveShare):
        shop.pay(card, "1000", member=member, points=1001)
    sold = shop.pay(card, "1000", member=member, points=1000)
    assert sold.points.earned == 0, "points paid for all that could earn"
    half = shop.quote_return(sold, [(1, 1000)])
    assert (half.refund_minor, half.points.given_back) == (1000, 0)
    assert shop.take_back(sold, [(2, 1000)], []).points.given_back == 1000


def test_what_costs_nothing_earns_nothing_by_the_piece_and_comes_back(shop: MoneyShop) -> None:
    title, gives = {"en": "5 a piece"}, PerPiece(points=5)
    terms = EarningRule(format=1, id="piece", version=1, title=title, op="add", trigger="purchase_line", gives=gives)
    define_rule(shop, RULES, terms)
    make(shop, "FREE", percent("100", "101"), limits=Limits(total=50))
    member = shop.enrol()
    sold = shop.sell(LineRequest(sku="101", quantity_milli=3000), member=member)
    assert (sold.totals.due_minor, sold.points.earned) == (0, 0)
    assert [shop.take_back(sold, [(1, 1000)], []).points.clawed_back for _ in range(3)] == [0, 0, 0]
    assert shop.rows("SELECT uses FROM offer_total WHERE offer = 'FREE'") == [(0,)]


def test_a_reward_is_had_as_it_was_when_its_points_were_set_aside(shop: MoneyShop) -> None:
    member = shop.member()
    first = shop.hold_reward(member)
    other = RewardPercent(percent="10", goods=Goods(products=("100",)))
    define(shop, REWARDS, "newspaper", replace(NEWSPAPER, points=400, gives=other))
    second = shop.hold_reward(member, points=400)
    end_reward(shop, REWARDS, "newspaper")
    assert shop.sell("102", tenders=[], member=member, hold=first).points.redeemed == 150
    with pytest.raises(RewardGivesNothing):
        shop.sell("102", member=member, hold=second)
    with pytest.raises(HoldCaptured):
        shop.sell("102", member=member, hold=first)
    assert shop.sell("100", member=member, hold=second).points.redeemed == 400
    assert shop.points(member).active == 1000 - 550 + 1


def test_points_on_hold_pay_for_nobody_else_and_only_what_they_are_for(shop: MoneyShop) -> None:
    anna, eve = shop.member(), shop.member()
    money, reward = shop.hold(anna, 129), shop.hold_reward(anna)

    def pay(*holds: UUID, member: UUID | None = anna, top: UUID | None = None, amount: int = 129) -> None:
        tenders = tuple(TenderRequest(kind="points", amount_minor=amount, hold=hold) for hold in holds)
        shop.send(sale_of("100", "102", member=member, hold=top, paid=(*tenders, CASH)))

    attempts: list[tuple[tuple[type[Problem], ...], Callable[[], None]]] = [
        ((UnknownHold,), lambda: pay(money, member=eve)),
        ((UnknownHold,), lambda: pay(money, member=None)),
        ((UnknownHold,), lambda: pay(top=reward, member=eve)),
        ((UnknownHold,), lambda: pay(top=reward, member=None)),
        ((UnknownHold,), lambda: pay(top=money)),
        ((UnknownHold,), lambda: pay(reward)),
        ((HoldTwice, UnknownHold), lambda: pay(reward, top=reward)),
        ((HoldTwice, UnknownHold), lambda: pay(money, top=money)),
        ((HoldTwice,), lambda: pay(money, money, amount=60)),
        ((AboveHold, AboveShare, Overpaid), lambda: pay(money, amount=130)),
    ]
    for wrong, attempt in attempts:
        with pytest.raises(wrong):
            attempt()
    pay(money, top=reward)
    assert shop.points(anna).held == 0
    assert shop.points(eve).active == 1000


CASH = TenderRequest(kind="cash", amount_minor=10_000)


def test_no_change_comes_out_of_points(shop: MoneyShop) -> None:
    member = shop.member()
    hold = shop.hold(member, 500)
    points = TenderRequest(kind="points", amount_minor=130, hold=hold)
    with pytest.raises((Overpaid, AboveShare)):
        shop.send(sale_of("100", member=member, paid=(points,)))
    with pytest.raises((Overpaid, AboveShare)):
        shop.send(sale_of("100", member=member, paid=(points, CASH)))
    for kind in ("points", "points_debt", "exchange"):
        sold = shop.pay("100", member=member, points=100, cash=100)
        assert sold.totals.change_minor == 71
        with pytest.raises(Problem):
            shop.take_back(sold, [(1, 1000)], [(kind, 29)])
        with pytest.raises(Problem):
            shop.take_back(sold, [(1, 1000)], [("cash", 129)])


def test_goods_of_two_records_of_one_person_come_back_after_merging_and_parting(shop: MoneyShop) -> None:
    anna, ann = shop.member(), shop.member(500)
    before = shop.snapshot(ann)
    sold, token = shop.sell_everything(anna)
    reward, money = shop.hold_reward(ann), shop.hold(anna, 129)
    merge = shop.merge(anna, ann)
    paid = shop.pay("100", member=anna, points=129, hold=money, cash=0)
    assert paid.member == ann
    read = shop.sell("102", tenders=[], member=ann, hold=reward)
    assert paid.points.redeemed == 129
    shop.take_back(sold, [(1, 1000)], shop.refund_of(sold, [(1, 1000)], "cash"))
    shop.part(merge)
    shop.void(read)
    shop.void(paid)
    rest = [(1, 1000), (2, 1000), (3, 1000), (4, 1000), (5, 1000)]
    shop.take_back(sold, rest, shop.refund_of(sold, rest, "gift_card"))
    assert shop.state_of(token) == "ok"
    after = shop.snapshot(ann)
    assert after["points"] + shop.snapshot(anna)["points"] == 1500
    assert {**after, "points": 500} == before


def test_goods_of_an_erased_member_come_back_to_the_last_cent(shop: MoneyShop) -> None:
    member = shop.member()
    before = shop.snapshot(member)
    sold, token = shop.sell_everything(member)
    hold = shop.hold(member, 100)
    manager = caller("manager", till="T01", at_ms=shop.who.now_ms)
    perform(shop.connection, erase_member, shop.shop, manager, member, EraseMember(reason="asked for it"))
    with pytest.raises(Problem):
        shop.pay("100", member=member, points=100, hold=hold, cash=29)
    for line in PIECES:
        shop.take_back(sold, [(line, 1000)], shop.refund_of(sold, [(line, 1000)], "gift_card"))
    shop.release(hold)
    assert shop.snapshot(member) == before
    assert shop.state_of(token) == "ok"


def test_one_approval_is_good_once(shop: MoneyShop) -> None:
    member = shop.member()
    token = shop.approve("price_override")
    dear = LineRequest(sku="1000", unit_price_minor=1, reason="damaged", approval=token)
    assert shop.sell(dear, member=member).totals.due_minor == 1
    with pytest.raises(Problem, match="used already"):
        shop.sell(dear, member=member)
    redeem = shop.approve("redeem")
    with pytest.raises(Problem):
        shop.sell(LineRequest(sku="1000", unit_price_minor=1, reason="damaged", approval=redeem), member=member)


def test_a_gift_card_that_paid_in_between_does_not_come_back(shop: MoneyShop) -> None:
    sold = shop.sell("1000", "1000", LineRequest(sku="card", gift_card="CARD-000004"))
    _, token = shop.coupon_of(sold)
    spent = TenderRequest(kind="gift_card", amount_minor=207, code="CARD-000004")
    bought = shop.send(sale_of("101", coupons=(token,), paid=(spent,))).answer
    with pytest.raises(GiftCardSpent):
        shop.void(sold)
    with pytest.raises(GiftCardSpent):
        shop.exchange([(sold, 3, 1000)], "300", refunds=[("cash", 700)])
    shop.void(bought)
    assert shop.state_of(token) == "ok"
    shop.void(sold)
    assert shop.state_of(token) == "coupon_void"
    assert shop.on_card("CARD-000004") == 0
    assert shop.on_card(CARD) == 1000
