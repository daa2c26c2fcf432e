"""Coupons in the way of returns, exchanges and each other: each gives its discount once, for goods that are kept."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kiosk.answers import SaleAnswer
from kiosk.commands import LineRequest
from kiosk.coupons.coupon_refusals import CouponOfferOver, CouponUsed, CouponVoid
from kiosk.sales.sale import PriceChanged
from kiosk.sales.tender import Overpaid
from loyalty.errors import Problem
from tests.kiosk.couponing import OFFER, issue
from tests.kiosk.offering import end, make, percent
from tests.scenario.money_shop import MoneyShop, open_money_shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[MoneyShop]:
    with open_money_shop(tmp_path) as opened:
        yield opened


def give_coupon(shop: MoneyShop) -> tuple[SaleAnswer, str, str]:
    sold = shop.sell("1000", "1000", "103")
    return sold, *shop.coupon_of(sold)


def test_a_coupon_that_was_issued_again_goes_with_the_sale_that_gave_it(shop: MoneyShop) -> None:
    for undo in ("void", "return"):
        sold, serial, _ = give_coupon(shop)
        token = shop.reissue(serial)
        newest = shop.reissue(shop.rows("SELECT printf('%016x', serial) FROM coupon WHERE token = ?", token)[0][0])
        assert shop.state_of(newest) == "ok"
        if undo == "void":
            shop.void(sold)
        else:
            shop.take_back(sold, [(1, 1000), (2, 1000), (3, 1000)], [("cash", 2075)])
        assert shop.state_of(newest) == "coupon_void"


def test_a_coupon_is_void_as_soon_as_less_is_kept_than_gave_it(shop: MoneyShop) -> None:
    sold, _, token = give_coupon(shop)
    shop.take_back(sold, [(3, 1000)], [("cash", 75)])
    assert shop.state_of(token) == "ok", "2000 are kept"
    shop.take_back(sold, [(1, 1000)], [("cash", 1000)])
    assert shop.state_of(token) == "coupon_void"
    shop.take_back(sold, [(2, 1000)], [("cash", 1000)])
    money = LineRequest(sku="card", gift_card="CARD-000003")
    sold = shop.sell("1000", "1000", money)
    _, token = shop.coupon_of(sold)
    shop.take_back(sold, [(1, 1000)], [("cash", 1000)])
    assert shop.state_of(token) == "coupon_void", "money on a card counts for nothing"


@pytest.mark.parametrize(
    "order", ["giver first", "giver voided", "user first", "user voided", "at once, giver first", "at once, user first"]
)
@pytest.mark.parametrize("again", [False, True])
def test_a_coupon_is_not_given_back_for_goods_that_are_gone(shop: MoneyShop, order: str, again: bool) -> None:
    """Else a sale that comes and goes would make coupons for ever, each used once and brought back."""
    giver, serial, token = give_coupon(shop)
    token = shop.reissue(serial) if again else token
    user = shop.sell("101", coupons=(token,))

    def give_up() -> None:
        shop.take_back(giver, [(1, 1000), (2, 1000), (3, 1000)], [("cash", 2075)])

    def bring_goods() -> None:
        shop.take_back(user, [(1, 1000)], [("cash", 207)])

    def exchange(both: list[tuple[SaleAnswer, int, int]]) -> None:
        shop.exchange(both, "300", refunds=[("cash", 2075 + 207 - 300)])

    whole = [(giver, 1, 1000), (giver, 2, 1000), (giver, 3, 1000)]
    steps: dict[str, list[Callable[[], object]]] = {
        "giver first": [give_up, bring_goods],
        "giver voided": [lambda: shop.void(giver), bring_goods],
        "user first": [bring_goods, give_up],
        "user voided": [give_up, lambda: shop.void(user)],
        "at once, giver first": [lambda: exchange([*whole, (user, 1, 1000)])],
        "at once, user first": [lambda: exchange([(user, 1, 1000), *whole])],
    }
    for step in steps[order]:
        step()
    assert shop.state_of(token) == "coupon_void"


def test_a_used_coupon_is_given_back_while_the_sale_that_gave_it_stands(shop: MoneyShop) -> None:
    giver, _, token = give_coupon(shop)
    user = shop.sell("101", coupons=(token,))
    shop.take_back(user, [(1, 1000)], [("cash", 207)])
    assert shop.state_of(token) == "ok"
    shop.take_back(giver, [(1, 1000)], [("cash", 1000)])
    assert shop.state_of(token) == "coupon_void"


def test_an_exchange_cannot_use_the_coupon_of_the_goods_that_it_brings_back(shop: MoneyShop) -> None:
    sold, _, token = give_coupon(shop)
    whole = [(sold, 1, 1000), (sold, 2, 1000), (sold, 3, 1000)]
    with pytest.raises(CouponVoid):
        shop.exchange(whole, "101", refunds=[("cash", 2075 - 207)], coupons=(token,))
    assert shop.state_of(token) == "ok"
    shop.exchange(whole[2:], "101", tenders=[("cash", 207 - 75)], coupons=(token,))
    assert shop.state_of(token) == "coupon_used", "2000 are kept"


def test_a_coupon_that_makes_the_bill_nothing(shop: MoneyShop) -> None:
    make(shop, "FREEBIE", percent("100", "101"), trigger="coupon")
    token = issue(shop, "FREEBIE").token
    member = shop.member()
    with pytest.raises(Overpaid):
        shop.pay("101", member=member, points=1, cash=0, coupons=(token,))
    sold = shop.sell("101", tenders=[], coupons=(token,), quote_due_minor=0)
    with pytest.raises(CouponUsed):
        shop.sell("101", coupons=(token,))
    with pytest.raises(Problem):
        shop.take_back(sold, [(1, 1000)], [("cash", 259)])
    shop.take_back(sold, [(1, 1000)], [])
    assert shop.state_of(token) == "ok"


def test_an_exchange_for_cheaper_goods_with_a_coupon_pays_out_exactly_the_difference(shop: MoneyShop) -> None:
    old = shop.sell("1000", tenders=[("cash", 1000)])
    token = issue(shop).token
    with pytest.raises(Problem):
        shop.exchange([(old, 1, 1000)], "101", refunds=[("cash", 794)], coupons=(token,))
    new = shop.exchange([(old, 1, 1000)], "101", refunds=[("cash", 793)], coupons=(token,))
    assert shop.refund_of(new, [(1, 1000)], "cash") == [("cash", 207)]
    shop.take_back(new, [(1, 1000)], [("cash", 207)])
    assert shop.state_of(token) == "ok"
    assert shop.drawer() == 10_000 + 1000, "the gift card that was sold"


def test_an_offer_or_a_coupon_that_ends_between_quote_and_sale_is_told(shop: MoneyShop) -> None:
    token = issue(shop).token
    due = shop.quote("101", "500", coupons=(token,)).totals.due_minor
    end(shop, "TENTH")
    with pytest.raises(PriceChanged) as changed:
        shop.sell("101", "500", coupons=(token,), quote_due_minor=due)
    assert changed.value.extra["due_minor"] == due + 50
    end(shop, OFFER)
    with pytest.raises(CouponOfferOver):
        shop.sell("101", "500", coupons=(token,), quote_due_minor=due + 50)
