"""Coupons, gift cards, offers and stock of all shops at head office."""

from uuid import UUID

import pytest

from sync.facts.catalogue import ProductFact, ProductsChanged, StockCount, StockCounted
from sync.facts.coupons import CouponVoided
from sync.facts.offers import OfferGivenBack, OfferUsed
from sync.facts.returns import ReturnFollowed
from sync.facts.sales import SaleVoided, VoidedLine
from sync.facts.store import OperatorChanged
from sync.facts.vouchers import UndoneVouchers
from tests.sync.hub.appliers.office import OTHER, STORE, Office, Shop
from tests.sync.hub.appliers.vouchers import card, coupon, undone, used, vouchers


def void_of(sale: UUID, undone: UndoneVouchers | None = None, offers: tuple[OfferGivenBack, ...] = ()) -> SaleVoided:
    return SaleVoided(
        request="",
        sale=sale,
        sale_number="",
        till="T01",
        shift=sale,
        currency="EUR",
        reason="wrong",
        lines=(VoidedLine(1, "100", 1000),),
        due_minor=100,
        vouchers=undone,
        offers=offers,
    )


def bring(office: Office, *shops: Shop) -> None:
    for shop in shops:
        office.take_in(shop.store, shop.journal)
        office.apply_all(shop.store)
    assert office.rows("dead_letter") == []


def test_a_coupon_used_in_two_shops_is_an_incident_with_both_receipts(office: Office) -> None:
    here, there = Shop(), Shop(OTHER, epoch=8)
    first = here.sell(vouchers=vouchers(issued=[coupon(5)]))
    first = here.sell(vouchers=vouchers(used=[used(5)]))
    there.now_ms = here.now_ms
    second = there.sell(vouchers=vouchers(used=[used(5)]))
    bring(office, there, here)
    refs = [
        {"op": str(first), "store": str(STORE), "number": "S007-T01-000002", "serial": 5, "value_minor": 0},
        {"op": str(second), "store": str(OTHER), "number": "S008-T01-000001", "serial": 5, "value_minor": 0},
    ]
    assert office.incidents() == [("coupon_reuse", 1, refs)]


def test_a_coupon_for_several_uses_may_be_used_so_often(office: Office) -> None:
    here, there = Shop(), Shop(OTHER, epoch=8)
    here.sell(vouchers=vouchers(used=[used(5, uses_max=2)]))
    there.sell(vouchers=vouchers(used=[used(5, uses_max=2)]))
    bring(office, here, there)
    assert office.incidents() == []
    here.sell(vouchers=vouchers(used=[used(5, n=2, uses_max=2)]))
    bring(office, here)
    assert [incident[:2] for incident in office.incidents()] == [("coupon_reuse", 1)]


def test_a_use_whose_sale_is_voided_counts_no_longer_and_the_incident_goes(office: Office) -> None:
    here, there = Shop(), Shop(OTHER, epoch=8)
    sale = here.sell(vouchers=vouchers(used=[used(5)]))
    there.sell(vouchers=vouchers(used=[used(5)]))
    bring(office, here, there)
    assert len(office.incidents()) == 1
    here.log(void_of(sale, undone(5)))
    bring(office, here)
    assert office.incidents() == []
    assert office.rows("coupon_count") == [(5, 1)]


@pytest.mark.parametrize("void_first", [True, False])
def test_a_coupon_that_is_void_and_was_taken_without_a_line_is_an_incident(office: Office, void_first: bool) -> None:
    """Its points are given back, or a newer one is good: the use is one too many, whatever is heard of first."""
    here, there = Shop(), Shop(OTHER, epoch=8)
    here.sell(vouchers=vouchers(issued=[coupon(5)]))
    here.log(CouponVoided(request="", serial=5, reason="points back"))
    sale = there.sell(vouchers=vouchers(used=[used(5)]))
    bring(office, *((here, there) if void_first else (there, here)))
    refs = [{"op": str(sale), "store": str(OTHER), "number": "S008-T01-000001", "serial": 5, "value_minor": 0}]
    assert office.incidents() == [("coupon_reuse", 1, refs)]
    there.log(void_of(sale, undone(5)))
    bring(office, there)
    assert office.incidents() == []


def test_of_a_coupon_for_several_uses_nobody_can_tell_which_came_before_its_end(office: Office) -> None:
    here, there = Shop(), Shop(OTHER, epoch=8)
    there.sell(vouchers=vouchers(used=[used(5, uses_max=2)]))
    here.sell(vouchers=vouchers(issued=[coupon(5, uses_max=2)]))
    here.log(CouponVoided(request="", serial=5, reason="over"))
    bring(office, there, here)
    assert office.incidents() == []


def test_uses_that_came_back_are_not_among_those_that_are_too_many(office: Office) -> None:
    here, there = Shop(), Shop(OTHER, epoch=8)
    twice = here.sell(vouchers=vouchers(used=[used(5, uses_max=2)]))
    here.sell(vouchers=vouchers(used=[used(5, n=2, uses_max=2)]))
    there.sell(vouchers=vouchers(used=[used(5, uses_max=2)]))
    bring(office, here, there)
    assert [incident[:2] for incident in office.incidents()] == [("coupon_reuse", 1)]
    here.log(void_of(twice, undone(5)))
    bring(office, here)
    assert office.incidents() == []


def test_only_the_shop_that_used_a_coupon_gives_the_use_back(office: Office) -> None:
    """Another one that says so, of that sale or of one it made up, gives nothing back, and is in nobody's way."""
    here, there = Shop(), Shop(OTHER, epoch=8)
    sale = here.sell(vouchers=vouchers(used=[used(5)]))
    bring(office, here)
    made_up = there.sell()
    there.log(void_of(sale, undone(5)))
    there.log(void_of(made_up, undone(5)))
    bring(office, there)
    assert office.rows("coupon_count") == [(5, 1)]
    here.log(void_of(sale, undone(5)))
    bring(office, here)
    assert office.rows("coupon_count") == [(5, 0)]


def test_a_use_that_was_given_back_before_it_was_heard_of_does_not_count(office: Office) -> None:
    """The sale waited among the dead letters; its void came in before it."""
    here = Shop()
    sale = here.sell(vouchers=vouchers(used=[used(5)]))
    late = here.ops.pop()
    here.log(void_of(sale, undone(5)))
    bring(office, here)
    assert office.rows("coupon_count") == []
    here.relog(late)
    bring(office, here)
    assert office.rows("coupon_count") == [(5, 0)]


def test_what_became_of_a_coupon_is_known(office: Office) -> None:
    shop = Shop()
    shop.sell(vouchers=vouchers(issued=[coupon(5)]))
    shop.log(CouponVoided(request="", serial=5, reason="wet", replacement=coupon(6)))
    bring(office, shop)
    assert office.rows("issued_coupon", "serial, source") == [(5, "sale"), (6, "reissue")]
    assert office.rows("coupon_end", "serial, reason, replacement") == [(5, "wet", 6)]


def test_a_gift_card_is_worth_the_sum_of_all_shops_movements(office: Office) -> None:
    here, there = Shop(), Shop(OTHER, epoch=8)
    here.sell(vouchers=vouchers(cards=[card(1, "activate", 2_000)]))
    there.sell(vouchers=vouchers(cards=[card(1, "redeem", -500)]))
    bring(office, there)
    assert [incident[:2] for incident in office.incidents()] == [("card_overdrawn", 500)]
    bring(office, here)
    assert office.incidents() == []
    assert office.rows("card_balance", "ending, currency, balance_minor") == [("1234", "EUR", 1_500)]


def test_a_gift_card_spent_twice_is_an_incident_with_both_receipts(office: Office) -> None:
    here, there = Shop(), Shop(OTHER, epoch=8)
    here.sell(vouchers=vouchers(cards=[card(1, "activate", 2_000)]))
    first = here.sell(vouchers=vouchers(cards=[card(2, "redeem", -1_500)]))
    there.now_ms = here.now_ms
    second = there.sell(vouchers=vouchers(cards=[card(1, "redeem", -1_500)]))
    bring(office, here, there)
    kind, amount, refs = office.incidents()[0]
    assert (kind, amount) == ("card_overdrawn", 1_000)
    assert [ref["op"] for ref in refs] == [str(first), str(second)]
    assert [ref["number"] for ref in refs] == ["S007-T01-000002", "S008-T01-000001"]


def test_a_card_that_is_sold_and_taken_back_in_one_batch_is_worth_nothing(office: Office) -> None:
    shop = Shop()
    sale = shop.sell(vouchers=vouchers(cards=[card(1, "activate", 2_000)]))
    shop.log(void_of(sale, undone(cards=[card(2, "cancel", -2_000)])))
    bring(office, shop)
    assert office.rows("card_balance", "balance_minor") == [(0,)]


def test_uses_of_an_offer_are_counted_for_each_shop(office: Office) -> None:
    here, there = Shop(), Shop(OTHER, epoch=8)
    use = OfferUsed(offer="TEN", version=1, uses=2, discount_minor=30, code="percent")
    sale = here.sell(offers=(use,))
    here.sell(offers=(use,))
    there.sell(offers=(use,))
    back = (OfferGivenBack(offer="TEN", version=1, uses=2, discount_minor=30),)
    here.log(void_of(sale, offers=back))
    bring(office, here, there)
    assert office.rows("offer_count", "store, uses, discount_minor") == [(STORE.bytes, 2, 30), (OTHER.bytes, 2, 30)]
    there.log(ReturnFollowed(sale=sale, sale_number="", returned={1: 1000}, offers=back))
    bring(office, there)
    assert office.rows("offer_count", "store, uses, discount_minor") == [(STORE.bytes, 2, 30), (OTHER.bytes, 0, 0)]


def test_the_stock_of_a_shop_is_what_it_sold_took_back_and_counted(office: Office) -> None:
    shop = Shop()
    shop.sell()
    sale = shop.sell()
    shop.log(void_of(sale))
    shop.log(StockCounted(request="", reason="count", counts=(StockCount("100", 9_000, -1_000, 10_000),)))
    bring(office, shop)
    assert office.rows("store_stock") == [(STORE.bytes, "100", 9_000)]


def test_products_and_people_of_a_shop_are_as_it_said_last_whatever_life_is_read_first(office: Office) -> None:
    old, new = Shop(epoch=9), Shop(epoch=5, at_ms=Shop().now_ms + 1_000_000)
    for shop, price, role in ((old, 100, "cashier"), (new, 200, "manager")):
        product = ProductFact(sku="1", name="Milk", department="D", tax_class="food", price_minor=price)
        shop.log(ProductsChanged(request="", price_book=price, source="manager", products=(product,)))
        shop.log(OperatorChanged(operator="ana", role=role, active=True))
    office.take_in(STORE, new.journal)
    bring(office, old)
    assert office.rows("store_product", "sku, price_minor, price_book") == [("1", 200, 200)]
    assert office.rows("store_operator", "operator, role") == [("ana", "manager")]


def test_a_number_given_out_twice_stays_the_first_ones_and_is_an_incident(office: Office) -> None:
    shop = Shop()
    first, second = shop.sell(number="S007-T01-000009"), shop.sell(number="S007-T01-000009")
    bring(office, shop)
    assert office.rows("receipt", "op") == [(first.bytes,)]
    kind, _, refs = office.incidents()[0]
    assert (kind, [ref["op"] for ref in refs]) == ("number_reused", [str(first), str(second)])
