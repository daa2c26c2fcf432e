"""Offers in quotes and sales: what they take off, why, how often, and what is undone when goods come back."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from kiosk.catalogue.line_items import find_items
from kiosk.commands import Discount, LineRequest
from kiosk.offers.apply_offers import check_member_totals, check_offer_totals
from kiosk.offers.live_offers import NOTHING
from kiosk.offers.lowest_prices import show_lowest_in_quote
from kiosk.offers.offer_store import read_books
from kiosk.offers.offered import add_reward
from kiosk.sales.returns import NothingLeftToReturn
from kiosk.sales.sale import PriceChanged, price_lines, quote_priced
from loyalty.offers.offer import (
    AmountOff,
    Bundle,
    BundlePart,
    BuyGet,
    Conditions,
    Effect,
    FixedPrice,
    Gift,
    Goods,
    Limits,
    Minimum,
    Offer,
    PercentOff,
    Stacking,
    Step,
    Steps,
)
from tests.kiosk.offering import CLOCK, at, change, end, for_members, limited, make, on, percent, used
from tests.kiosk.selling import Till, assert_holds, open_till, product
from tests.kiosk.shopkit import add_products, caller, perform

MILK, CHOCOLATE, NEWSPAPER, STAMP, CHEESE = "100", "101", "102", "103", "104"
"""At 1.29, 2.59, 3.50, 0.75, and 19.90 a kilogram."""


@pytest.fixture(name="till")
def open_one(tmp_path: Path) -> Iterator[Till]:
    with open_till(tmp_path) as till:
        yield till
        assert_holds(till.connection)


def pieces(sku: str, count: int) -> LineRequest:
    return LineRequest(sku=sku, quantity_milli=1000 * count)


def off(till: Till, *lines: str | LineRequest, **more: Any) -> int:  # noqa: ANN401
    """What offers take off a basket, the same in a quote and in the sale."""
    quoted = till.quote(*lines, **more).totals
    sold = till.sell(*lines, quote_due_minor=quoted.due_minor, **more).totals
    assert (sold.gross_minor, sold.discount_minor, sold.due_minor) == (
        quoted.gross_minor,
        quoted.discount_minor,
        quoted.due_minor,
    )
    return sold.discount_minor


# -- what a sale says and keeps ----------------------------------------------------------------------------------------


def test_a_sale_says_which_offer_took_what_off_and_why(till: Till) -> None:
    make(till, "MILK10", percent("10", MILK))
    sold = till.sell(MILK, CHOCOLATE)
    milk, chocolate = sold.lines
    assert [(each.offer, each.kind, each.reason, each.amount_minor) for each in milk.discounts] == [
        ("MILK10", "offer", "10% off", 13)
    ]
    assert (milk.net_minor, chocolate.discounts, sold.totals.due_minor) == (116, [], 375)
    assert till.rows("SELECT line, discounts FROM sale_line ORDER BY line") == [
        (1, '[{"kind":"offer","reason":"percent_off","amount_minor":13,"offer":"MILK10"}]'),
        (2, "[]"),
    ]
    assert till.rows("SELECT offer, version, uses, discount_minor, member FROM offer_use") == [
        ("MILK10", 1, 1, 13, None)
    ]
    assert used(till, "MILK10") == (1, 13)


def test_tax_is_counted_on_what_is_left(till: Till) -> None:
    make(till, "HALF", percent("50", CHOCOLATE))
    sold = till.sell(CHOCOLATE)
    assert [(tax.rate, tax.base_minor, tax.tax_minor) for tax in sold.totals.taxes] == [("23", 105, 24)]
    assert sold.totals.due_minor == 129


def test_points_are_earned_on_what_is_left(till: Till) -> None:
    make(till, "HALF", percent("50", NEWSPAPER))
    assert till.sell(NEWSPAPER, member=till.enrol()).points.earned == 1


EFFECTS: list[tuple[Effect, tuple[str | LineRequest, ...], int, str]] = [
    (AmountOff(amount_minor=50, goods=Goods(products=(MILK,))), (pieces(MILK, 3),), 50, "€0.50 off"),
    (FixedPrice(price_minor=99, goods=Goods(products=(MILK,))), (pieces(MILK, 3),), 90, "now €0.99"),
    (BuyGet(buy=2, get=1, goods=Goods(products=(MILK,))), (pieces(MILK, 3),), 129, "3 for the price of 2"),
    (
        Bundle(
            parts=(BundlePart(goods=Goods(products=(MILK,))), BundlePart(goods=Goods(products=(STAMP,)))),
            price_minor=150,
        ),
        (MILK, STAMP),
        54,
        "2 pieces together for €1.50",
    ),
    (
        Steps(steps=(Step(from_pieces=3, percent="10"),), goods=Goods(products=(MILK,))),
        (pieces(MILK, 3),),
        39,
        "10% off for 3 pieces or more",
    ),
]


@pytest.mark.parametrize(("effect", "lines", "amount", "reason"), EFFECTS, ids=lambda value: type(value).__name__)
def test_every_effect_is_sold_with_its_reason(
    till: Till, effect: Effect, lines: tuple[str | LineRequest, ...], amount: int, reason: str
) -> None:
    make(till, "OFFER", effect)
    sold = till.sell(*lines)
    assert sold.totals.discount_minor == amount
    assert {each.reason for line in sold.lines for each in line.discounts} == {reason}
    assert used(till, "OFFER") == (1, amount)


def test_a_discount_by_hand_comes_first_and_the_offer_takes_its_part_of_the_rest(till: Till) -> None:
    make(till, "MILK10", percent("10", MILK))
    line = LineRequest(sku=MILK, discount=Discount("amount", 29, "dented"))
    sold = till.sell(line)
    assert [(each.kind, each.reason, each.amount_minor) for each in sold.lines[0].discounts] == [
        ("manual", "dented", 29),
        ("offer", "10% off", 10),
    ]


def test_departments_are_the_categories_of_offers(till: Till) -> None:
    make(till, "PRESS", PercentOff(percent="20", goods=Goods(categories=("PRESS",))))
    assert off(till, MILK, NEWSPAPER, STAMP) == 70 + 15


def test_weighed_goods_are_in_or_out_as_a_whole(till: Till) -> None:
    make(till, "CHEESE", percent("10", CHEESE))
    make(till, "THREE", BuyGet(buy=2, get=1, goods=Goods(products=(CHEESE,))), stacking=Stacking.STACK)
    assert off(till, LineRequest(sku=CHEESE, quantity_milli=3000)) == 597
    assert off(till, LineRequest(gtin="2312345007063")) == 71, "a label's price is the line"


def test_a_department_that_takes_no_offer_takes_none(tmp_path: Path) -> None:
    with open_till(tmp_path, offers={"excluded_departments": ["PRESS"]}) as till:
        make(till, "ALL10", percent("10"))
        assert off(till, MILK, NEWSPAPER) == 13
        assert_holds(till.connection)


# -- nothing to read, nothing to pay -----------------------------------------------------------------------------------


def test_without_offers_no_table_of_offers_is_looked_into(till: Till) -> None:
    seen: list[str] = []
    till.connection.set_trace_callback(seen.append)
    till.sell(MILK, member=None)
    till.connection.set_trace_callback(None)
    about = [statement for statement in seen if "offer_" in statement]
    assert len(about) == 1, about
    assert "price_book" in about[0], "it is the read of the price book that says so"


def test_limits_and_earlier_sales_are_read_only_for_offers_that_ask(till: Till) -> None:
    anna = till.enrol()
    make(till, "MILK10", percent("10", MILK))
    till.sell(MILK, member=anna)

    def looked_into(table: str) -> int:
        seen: list[str] = []
        till.connection.set_trace_callback(seen.append)
        till.quote(CHOCOLATE, member=anna)
        till.connection.set_trace_callback(None)
        return sum(table in statement for statement in seen)

    assert [looked_into(table) for table in ("offer_total", "offer_member_total", "sale_void")] == [0, 0, 0]
    make(till, "LIMITED", percent("5", MILK), limits=Limits(total=9))
    assert [looked_into(table) for table in ("offer_total", "offer_member_total", "sale_void")] == [1, 0, 0]
    make(till, "MINE", percent("5", MILK), **limited(per_member=9))
    make(till, "FIRST", percent("5", MILK), conditions=for_members(first_purchase=True))
    assert [looked_into(table) for table in ("offer_total", "offer_member_total", "sale_void")] == [1, 1, 1]


# -- who, where, when --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conditions", "later", "given"),
    [
        (on(first_day=CLOCK.date()), {}, True),
        (on(first_day=CLOCK.date() + dt.timedelta(days=1)), {}, False),
        (on(first_day=CLOCK.date() + dt.timedelta(days=1)), {"hours": 8}, True),
        (on(last_day=CLOCK.date()), {"hours": 7, "minutes": 59}, True),
        (on(last_day=CLOCK.date()), {"hours": 8}, False),
        (on(weekdays=(6,)), {}, True),
        (on(weekdays=(7,)), {}, False),
        (on(from_time=dt.time(16), until_time=dt.time(18)), {"hours": 1}, True),
        (on(from_time=dt.time(16), until_time=dt.time(18)), {"hours": 2}, False),
        (on(from_time=dt.time(15), until_time=dt.time(16)), {}, False),
        (Conditions(channels=("till",)), {}, True),
        (Conditions(channels=("kiosk", "web")), {}, False),
    ],
)
def test_an_offer_runs_by_the_shops_clock_and_in_its_channels(
    till: Till, conditions: Conditions, later: dict[str, int], given: bool
) -> None:
    make(till, "OFFER", percent("10", MILK), conditions=conditions)
    assert at(till, **later).quote(MILK).totals.discount_minor == (13 if given else 0)


def test_the_kiosk_is_a_channel_of_its_own(till: Till) -> None:
    make(till, "KIOSK", percent("10", MILK), conditions=Conditions(channels=("kiosk",)))
    assert till.quote(MILK).totals.discount_minor == 0
    till.who = caller("kiosk", at_ms=till.who.now_ms)
    assert till.quote(MILK).totals.discount_minor == 13


def test_members_only_means_members_only(till: Till) -> None:
    make(till, "CLUB", percent("10", MILK), conditions=for_members())
    assert off(till, MILK) == 0
    assert off(till, MILK, member=till.enrol()) == 13
    assert [(note.code, note.text) for note in till.quote(MILK).near_misses] == [
        ("with_card", "With a loyalty card: 10% off")
    ]


def test_nobody_is_in_a_segment_or_tier_that_the_store_does_not_know(till: Till) -> None:
    make(till, "GOLD", percent("10", MILK), conditions=for_members(tiers=("gold",)))
    make(till, "YOUNG", percent("20", MILK), conditions=for_members(segments=("students",)))
    assert off(till, MILK, member=till.enrol()) == 0


def test_tiers_and_segments_are_those_the_store_finds(tmp_path: Path) -> None:
    loyalty = {
        "tiers": {"levels": [{"name": "gold", "threshold": 500}]},
        "segments": [{"name": "readers", "days": 30, "min_visits": 1, "departments": ["PRESS"]}],
    }
    with open_till(tmp_path, loyalty=loyalty) as till:
        make(till, "GOLD", percent("10", MILK), conditions=for_members(tiers=("gold",)))
        make(till, "READERS", percent("20", CHOCOLATE), conditions=for_members(segments=("readers",)))
        anna = till.enrol()
        assert off(till, MILK, CHOCOLATE, member=anna) == 0
        till.sell(NEWSPAPER, NEWSPAPER, member=anna)
        assert off(till, MILK, CHOCOLATE, member=anna) == 13 + 52
        assert_holds(till.connection)


def test_a_first_purchase_is_the_first_that_was_not_voided(till: Till) -> None:
    anna = till.enrol()
    make(till, "HELLO", percent("10", MILK), conditions=for_members(first_purchase=True))
    first = till.sell(MILK, member=anna)
    assert first.totals.discount_minor == 13
    assert off(till, MILK, member=till.enrol("Ben", "600 100 201")) == 13
    assert till.quote(MILK, member=anna).totals.discount_minor == 0
    till.void(first)
    assert till.quote(MILK, member=anna).totals.discount_minor == 13


def test_an_offer_for_coupons_needs_one(till: Till) -> None:
    make(till, "SECRET", percent("50"), trigger="coupon")
    assert off(till, MILK, member=till.enrol()) == 0
    assert till.quote(MILK).near_misses == []


# -- limits ------------------------------------------------------------------------------------------------------------


def test_a_limit_in_total_holds_and_says_so(till: Till) -> None:
    make(till, "TWICE", percent("10", MILK), limits=Limits(total=2))
    assert [till.sell(MILK).totals.discount_minor for _ in range(3)] == [13, 13, 0]
    assert [(note.offer, note.code) for note in till.quote(MILK).refused] == [("TWICE", "limit_reached")]
    assert used(till, "TWICE") == (2, 26)


def test_a_limit_per_member_is_each_members_own(till: Till) -> None:
    anna, ben = till.enrol("Anna"), till.enrol("Ben")
    make(till, "ONCE", percent("10", MILK), **limited(per_member=1))
    assert [till.sell(MILK, member=member).totals.discount_minor for member in (anna, anna, ben, None)] == [
        13,
        0,
        13,
        0,
    ]


def test_sets_count_as_uses(till: Till) -> None:
    make(till, "THREE", BuyGet(buy=2, get=1, goods=Goods(products=(MILK,))), limits=Limits(total=3))
    assert [till.sell(pieces(MILK, 6)).totals.discount_minor for _ in range(3)] == [258, 129, 0]
    assert used(till, "THREE") == (3, 387)


def test_a_budget_is_never_overspent(till: Till) -> None:
    make(till, "BUDGET", percent("50", CHOCOLATE), limits=Limits(budget_minor=300))
    given = [till.sell(CHOCOLATE).totals.discount_minor for _ in range(4)]
    assert given[:2] == [130, 130]
    assert sum(given) == used(till, "BUDGET")[1] <= 300
    assert till.sell(CHOCOLATE).totals.discount_minor <= 300 - sum(given)


def test_a_new_version_goes_on_counting(till: Till) -> None:
    make(till, "OFFER", percent("10", MILK), limits=Limits(total=1))
    assert till.sell(MILK).totals.discount_minor == 13
    change(till, "OFFER", percent("20", MILK), limits=Limits(total=2))
    assert [till.sell(MILK).totals.discount_minor for _ in range(2)] == [26, 0]
    assert till.rows("SELECT version, uses FROM offer_use ORDER BY version") == [(1, 1), (2, 1)]


# -- undone ------------------------------------------------------------------------------------------------------------


def test_a_void_gives_the_uses_back(till: Till) -> None:
    anna = till.enrol()
    make(till, "ONCE", percent("10", MILK), **limited(per_member=1, total=1))
    sold = till.sell(MILK, member=anna)
    assert till.quote(MILK, member=anna).totals.discount_minor == 0
    till.void(sold)
    till.void(sold)
    assert used(till, "ONCE") == (0, 0)
    assert till.sell(MILK, member=anna).totals.discount_minor == 13


def test_a_part_that_comes_back_gives_no_use_back_and_the_last_part_does(till: Till) -> None:
    make(till, "ONCE", percent("10", MILK), limits=Limits(total=1))
    sold = till.sell(pieces(MILK, 2), STAMP)
    till.take_back(sold, [(1, 1000)], refunds=[("cash", 116)])
    till.take_back(sold, [(1, 1000)], refunds=[("cash", 116)])
    assert used(till, "ONCE") == (1, 26)
    till.take_back(sold, [(2, 1000)], refunds=[("cash", 75)])
    assert used(till, "ONCE") == (0, 0)
    assert till.sell(MILK).totals.discount_minor == 13
    with pytest.raises(NothingLeftToReturn):
        till.take_back(sold, [(1, 1000)], refunds=[("cash", 116)])
    assert used(till, "ONCE") == (1, 13)


def test_an_exchange_prices_the_new_goods_with_offers_and_gives_the_old_uses_back(till: Till) -> None:
    make(till, "MILK10", percent("10", MILK))
    make(till, "PRESS10", percent("10", NEWSPAPER))
    old = till.sell(NEWSPAPER)
    quote = till.quote(MILK, back=[(old, 1, 1000)])
    assert (quote.totals.due_minor, quote.pay_minor, quote.refund_minor) == (116, 0, 315 - 116)
    new = till.exchange([(old, 1, 1000)], MILK, refunds=[("cash", 199)])
    assert new.totals.discount_minor == 13
    assert (used(till, "MILK10"), used(till, "PRESS10")) == ((1, 13), (0, 0))


def test_an_exchange_for_the_same_goods_keeps_one_use(till: Till) -> None:
    make(till, "MILK10", percent("10", MILK), limits=Limits(total=2))
    old = till.sell(MILK)
    till.exchange([(old, 1, 1000)], MILK)
    assert used(till, "MILK10") == (1, 13)
    assert till.rows("SELECT uses FROM offer_use ORDER BY uses") == [(-1,), (1,), (1,)]


def test_what_came_back_was_worth_what_was_paid_whatever_offers_say_now(till: Till) -> None:
    make(till, "HALF", percent("50", CHOCOLATE))
    sold = till.sell(CHOCOLATE)
    end(till, "HALF")
    assert till.quote_return(sold, [(1, 1000)]).refund_minor == 129


@pytest.mark.parametrize(
    ("effect", "minimum_minor"),
    [
        (BuyGet(buy=1, get=1, goods=Goods(products=(NEWSPAPER,)), reward=Goods(products=(MILK,))), None),
        (BuyGet(buy=1, get=1, goods=Goods(products=(NEWSPAPER, MILK))), None),
        (Gift(goods=Goods(products=(MILK,))), 300),
    ],
)
def test_whoever_returns_what_was_paid_has_not_got_the_rest_for_nothing(
    till: Till, effect: Effect, minimum_minor: int | None
) -> None:
    make(till, "FREE", effect, conditions=Conditions(minimum=Minimum(amount_minor=minimum_minor or 1)))
    sold = till.sell(NEWSPAPER, MILK)
    assert (sold.totals.due_minor, sold.totals.discount_minor) == (350, 129)
    assert [line.net_minor for line in sold.lines] == [256, 94]
    assert till.quote_return(sold, [(1, 1000)]).refund_minor == 256
    assert till.quote_return(sold, [(1, 1000), (2, 1000)]).refund_minor == 350
    till.take_back(sold, [(1, 1000)], refunds=[("cash", 256)])
    till.take_back(sold, [(2, 1000)], refunds=[("cash", 94)])
    assert used(till, "FREE") == (0, 0)


# -- between quote and sale --------------------------------------------------------------------------------------------


def test_a_sale_is_told_when_an_offer_ended_changed_or_began_since_the_quote(till: Till) -> None:
    make(till, "MILK10", percent("10", MILK))
    quoted = till.quote(MILK).totals.due_minor
    entries = till.entries()
    end(till, "MILK10")
    with pytest.raises(PriceChanged) as changed:
        till.sell(MILK, quote_due_minor=quoted)
    assert changed.value.extra["due_minor"] == 129
    assert changed.value.extra["quote"].totals.due_minor == 129  # type: ignore[attr-defined]
    assert till.entries() == entries + 1, "only the end of the offer was written"
    change(till, "MILK10", percent("20", MILK))
    with pytest.raises(PriceChanged):
        till.sell(MILK, quote_due_minor=129)
    assert till.sell(MILK, quote_due_minor=103).totals.due_minor == 103


def test_a_sale_is_told_when_the_last_use_went_to_somebody_else(till: Till) -> None:
    make(till, "ONCE", percent("10", MILK), limits=Limits(total=1))
    quoted = till.quote(MILK).totals.due_minor
    till.another().sell(MILK)
    with pytest.raises(PriceChanged):
        till.sell(MILK, quote_due_minor=quoted)
    assert till.sell(MILK, quote_due_minor=129).totals.discount_minor == 0


def test_a_sale_sent_again_answers_what_it_was_whatever_offers_say_now(till: Till) -> None:
    from tests.kiosk.selling import sale_of

    make(till, "MILK10", percent("10", MILK))
    command = sale_of(MILK, tenders=[("cash", 200)])
    first = till.send(command)
    change(till, "MILK10", percent("90", MILK))
    again = till.send(command)
    assert (again.replayed, again.answer) == (True, first.answer)
    assert used(till, "MILK10") == (1, 13)


# -- in words ----------------------------------------------------------------------------------------------------------


def test_near_misses_are_told_in_a_quote(till: Till) -> None:
    make(till, "TEN", percent("10"), conditions=Conditions(minimum=Minimum(amount_minor=200)))
    make(till, "THREE", BuyGet(buy=2, get=1, goods=Goods(products=(MILK,))))
    quote = till.quote(MILK)
    assert [(note.offer, note.code, note.text) for note in quote.near_misses] == [
        ("TEN", "more_money", "€0.71 more and: 10% off")
    ]
    quote = till.quote(pieces(MILK, 2))
    assert [note.text for note in quote.near_misses] == ["Just 1 piece more and: 3 for the price of 2"]


def test_a_member_is_told_in_her_language_and_everybody_else_in_the_shops(tmp_path: Path) -> None:
    with open_till(tmp_path, store={"locale": "pl", "currency": "PLN"}) as till:
        make(till, "MILK10", percent("10", MILK))
        assert till.quote(MILK).lines[0].discounts[0].reason == "rabat 10%"
        assert till.sell(MILK).lines[0].discounts[0].reason == "rabat 10%"
        anna = till.enrol()  # who speaks English
        assert till.quote(MILK, member=anna).lines[0].discounts[0].reason == "10% off"
        assert till.sell(MILK, member=anna).lines[0].discounts[0].reason == "10% off"
        assert_holds(till.connection)


# -- the lowest price of 30 days ---------------------------------------------------------------------------------------


def reprice(till: Till, sku: str, price_minor: int, **later: int) -> None:
    """The catalogue's price from a moment on."""
    at(till, **later)
    changed = product(sku, price_minor, department="DAIRY")
    at_ms = till.who.now_ms
    perform(till.connection, lambda tx, shop, _: add_products(tx, shop, changed, at_ms=at_ms), till.shop, till.who)


def lowest(till: Till, sku: str) -> int | None:
    return till.sell(sku).lines[0].lowest_30_days_minor


@pytest.mark.parametrize(
    ("offers", "expected"),
    [
        ({"show_lowest_price": True}, 700),
        ({"show_lowest_price": True, "perishable_departments": ["DAIRY"]}, 900),
        ({}, None),
    ],
)
def test_the_lowest_price_before_a_reduction_is_shown_where_the_country_wants_it(
    tmp_path: Path, offers: dict[str, Any], expected: int | None
) -> None:
    with open_till(tmp_path, offers=offers) as till:
        reprice(till, "CAKE", 500)
        reprice(till, "CAKE", 800, days=2)
        reprice(till, "CAKE", 700, days=20)
        reprice(till, "CAKE", 900, days=25)
        at(till, days=40)
        make(till, "CAKE10", percent("10", "CAKE"))
        reprice(till, "CAKE", 1000, days=41)
        assert till.quote("CAKE").lines[0].lowest_30_days_minor == expected
        assert lowest(till, "CAKE") == expected
        assert till.sell(MILK).lines[0].lowest_30_days_minor is None, "nothing made it cheaper"
        assert_holds(till.connection)


def test_a_reduction_begins_on_the_first_day_of_its_schedule(tmp_path: Path) -> None:
    with open_till(tmp_path, offers={"show_lowest_price": True}) as till:
        reprice(till, "CAKE", 500)
        make(till, "LATER", percent("10", "CAKE"), conditions=on(first_day=CLOCK.date() + dt.timedelta(days=60)))
        reprice(till, "CAKE", 900, days=10)
        at(till, days=61)
        assert lowest(till, "CAKE") == 900


def test_goods_that_are_new_have_no_price_before(tmp_path: Path) -> None:
    with open_till(tmp_path, offers={"show_lowest_price": True}) as till:
        make(till, "NEW", percent("10", "CAKE"))
        reprice(till, "CAKE", 500, days=1)
        assert lowest(till, "CAKE") is None


def test_a_reward_is_no_reduction_that_was_announced(tmp_path: Path) -> None:
    with open_till(tmp_path, offers={"show_lowest_price": True}) as till:
        at(till, days=1)
        reward = Offer(
            format=1,
            id="REWARD",
            version=1,
            title={"en": "For 100 points"},
            effect=percent("50", MILK),
            trigger="coupon",
        )
        tx, terms = till.connection, till.shop.terms
        offered = add_reward(tx, till.shop, till.who, NOTHING, None, reward)
        asked = (LineRequest(sku=MILK),)
        items = find_items(tx, till.shop, read_books(tx).products, asked, "2026-11-22")
        lines, priced = price_lines(asked, items, terms, offered)
        quote = quote_priced(items, lines, priced, None, terms, offered)
        assert [each.offer for each in quote.lines[0].discounts] == ["REWARD"]
        assert show_lowest_in_quote(tx, terms, quote, items, offered) == quote


# -- on paper ----------------------------------------------------------------------------------------------------------


def test_the_receipt_tells_the_reason_what_was_saved_and_the_lowest_price(tmp_path: Path) -> None:
    from printers.contents import ReceiptContent, decode_content

    with open_till(tmp_path, offers={"show_lowest_price": True}) as till:
        at(till, days=1)
        make(till, "MILK10", percent("10", MILK))
        till.sell(LineRequest(sku=MILK, discount=Discount("amount", 29, "dented")), CHOCOLATE, receipt="paper")
        content = decode_content(till.rows("SELECT content FROM print_job")[0][0])
        assert isinstance(content, ReceiptContent)
        milk, chocolate = content.lines
        assert [(each.reason, each.amount_minor) for each in milk.discounts] == [("dented", 29), ("10% off", 10)]
        assert milk.note == "Lowest price of the 30 days before: €1.29"
        assert chocolate.note is None
        assert (content.totals.discount_minor, content.totals.saved_minor) == (39, 10)
        assert_holds(till.connection)


def test_a_receipt_with_reasons_is_in_one_language(tmp_path: Path) -> None:
    from printers.contents import ReceiptContent, decode_content

    with open_till(tmp_path, store={"locale": "pl", "currency": "PLN"}) as till:
        make(till, "MILK10", percent("10", MILK))
        till.sell(MILK, receipt="paper")
        till.sell(MILK, member=till.enrol(), receipt="paper")
        papers = [decode_content(row[0]) for row in till.rows("SELECT content FROM print_job ORDER BY created_at, id")]
    told = set()
    for paper in papers:
        assert isinstance(paper, ReceiptContent)
        told.add((paper.locale, paper.lines[0].discounts[0].reason))
    assert told == {("pl", "rabat 10%"), ("en", "10% off")}


# -- many --------------------------------------------------------------------------------------------------------------


def test_five_hundred_offers_are_sold_with(till: Till) -> None:
    for n in range(500):
        make(till, f"OFFER{n:03}", percent(str(1 + n % 40), MILK if n % 2 else CHOCOLATE), **limited(total=1 + n))
    assert off(till, MILK, CHOCOLATE) == 52 + 101
    assert till.rows("SELECT count(*), sum(uses), sum(discount_minor) FROM offer_total") == [(500, 2, 52 + 101)]


def test_the_members_own_sales_are_hers_alone(till: Till) -> None:
    members: list[UUID] = [till.enrol(f"Member {n}", f"600 100 2{n:02}") for n in range(3)]
    make(till, "TWICE", percent("10", MILK), **limited(per_member=2))
    for member in members * 3:
        till.sell(MILK, member=member)
    assert sorted(till.rows("SELECT uses FROM offer_member_total")) == [(2,), (2,), (2,)]
    assert used(till, "TWICE") == (6, 78)


# -- the totals of limits ----------------------------------------------------------------------------------------------


def totals(till: Till, offer: str) -> list[tuple[int, ...]]:
    return till.rows("SELECT uses, discount_minor, by_member FROM offer_total WHERE offer = ?", offer)


def by_member(till: Till, offer: str) -> list[tuple[bytes, int]]:
    return till.rows("SELECT member, uses FROM offer_member_total WHERE offer = ? ORDER BY member", offer)


def test_an_offer_without_a_limit_is_counted_by_its_uses_alone(till: Till) -> None:
    make(till, "FREE", percent("10", MILK))
    sold = till.sell(MILK, member=till.enrol())
    till.sell(MILK)
    assert till.rows("SELECT offer FROM offer_total UNION ALL SELECT offer FROM offer_member_total") == []
    assert used(till, "FREE") == (2, 26)
    till.void(sold)
    assert used(till, "FREE") == (1, 13)


def test_a_limit_put_on_an_offer_counts_what_was_used_before(till: Till) -> None:
    anna, berta = till.enrol("Anna", "600 100 201"), till.enrol("Berta", "600 100 202")
    make(till, "OFFER", percent("10", MILK))
    sold = till.sell(MILK, member=anna)
    till.sell(MILK, member=anna)
    till.void(sold)
    till.sell(MILK)
    change(till, "OFFER", percent("10", MILK), limits=Limits(total=3))
    assert (totals(till, "OFFER"), by_member(till, "OFFER")) == ([(2, 26, 0)], [])
    assert [till.sell(MILK, member=berta).totals.discount_minor for _ in range(2)] == [13, 0]
    change(till, "OFFER", percent("10", MILK), **limited(total=9, per_member=2))
    assert totals(till, "OFFER") == [(3, 39, 1)]
    assert by_member(till, "OFFER") == sorted([(anna.bytes, 1), (berta.bytes, 1)])
    assert [till.sell(MILK, member=anna).totals.discount_minor for _ in range(2)] == [13, 0]
    change(till, "OFFER", percent("10", MILK), limits=Limits(budget_minor=60))
    assert (totals(till, "OFFER"), by_member(till, "OFFER")) == ([(4, 52, 0)], [])
    assert till.sell(MILK).totals.discount_minor == 0, "8 of the budget are left"


def test_totals_stay_with_an_ended_offer_and_go_with_its_limit(till: Till) -> None:
    anna = till.enrol()
    make(till, "ONCE", percent("10", MILK), **limited(per_member=1))
    sold = till.sell(MILK, member=anna)
    end(till, "ONCE")
    assert totals(till, "ONCE") == [(1, 13, 1)]
    till.void(sold)
    assert (totals(till, "ONCE"), by_member(till, "ONCE")) == ([(0, 0, 1)], [(anna.bytes, 0)])
    change(till, "ONCE", percent("10", MILK))
    assert (totals(till, "ONCE"), by_member(till, "ONCE")) == ([], [])
    assert used(till, "ONCE") == (0, 0)
    assert [till.sell(MILK, member=anna).totals.discount_minor for _ in range(2)] == [13, 13]
    change(till, "ONCE", percent("10", MILK), **limited(per_member=2))
    assert till.sell(MILK, member=anna).totals.discount_minor == 0


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("UPDATE offer_total SET uses = 0 WHERE offer = 'LIMITED'", "offer LIMITED counts (0, 13, 1)"),
        ("UPDATE offer_total SET discount_minor = 1 WHERE offer = 'LIMITED'", "offer LIMITED counts (1, 1, 1)"),
        ("UPDATE offer_total SET by_member = 0 WHERE offer = 'LIMITED'", "offer LIMITED counts (1, 13, 0)"),
        ("DELETE FROM offer_total WHERE offer = 'LIMITED'", "offer LIMITED counts None"),
        ("INSERT INTO offer_total VALUES ('FREE', 1, 26, 0)", "offer FREE has no limit"),
        ("INSERT INTO offer_total VALUES ('NEVER', 0, 0, 0)", "offer NEVER has no limit"),
    ],
)
def test_a_wrong_total_of_a_limit_is_found(till: Till, damage: str, told: str) -> None:
    make(till, "LIMITED", percent("10", MILK), **limited(per_member=1))
    make(till, "FREE", percent("10", CHOCOLATE))
    till.sell(MILK, CHOCOLATE, member=till.enrol())
    till.connection.execute("SAVEPOINT damaged")
    till.connection.execute(damage)
    assert [sentence[: len(told)] for sentence in check_offer_totals(till.connection)] == [told]
    till.connection.execute("ROLLBACK TO damaged")
    assert list(check_offer_totals(till.connection)) == []


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("UPDATE offer_member_total SET uses = 0", "counts 0 uses of offer LIMITED, the sales say 1"),
        ("DELETE FROM offer_member_total", "counts None uses of offer LIMITED, the sales say 1"),
        ("UPDATE offer_member_total SET offer = 'FREE'", "offer FREE has no limit per member"),
        ("INSERT INTO offer_member_total VALUES ('LIMITED', x'00', 0)", "member 00 counts 0 uses of offer LIMITED"),
    ],
)
def test_a_wrong_total_of_a_member_is_found(till: Till, damage: str, told: str) -> None:
    make(till, "LIMITED", percent("10", MILK), **limited(per_member=1))
    make(till, "FREE", percent("10", CHOCOLATE))
    till.sell(MILK, CHOCOLATE, member=till.enrol())
    till.connection.execute("SAVEPOINT damaged")
    till.connection.execute(damage)
    assert any(told in sentence for sentence in check_member_totals(till.connection))
    till.connection.execute("ROLLBACK TO damaged")
    assert list(check_member_totals(till.connection)) == []
