"""How offers behave beside each other: exclusive, best of, stack; priority; sets; limits; what is answered."""

import pytest

from loyalty.basket import price
from loyalty.offers.book import OfferBook
from loyalty.offers.choice import SEARCH_NODES
from loyalty.offers.context import Remaining, Shopper
from loyalty.offers.engine import apply_offers
from loyalty.offers.offer import (
    AmountOff,
    Bundle,
    BundlePart,
    BuyGet,
    Conditions,
    FixedPrice,
    Gift,
    Limits,
    Minimum,
    PercentOff,
    Stacking,
    Step,
    Steps,
)
from tests.loyalty.offers.carts import (
    RULES,
    a_context,
    an_offer,
    basket_of,
    cart_line,
    check,
    goods,
    outcome_of,
)

EXCLUSIVE, BEST_OF, STACK = Stacking


def test_of_best_of_offers_every_line_takes_the_one_that_takes_most_off() -> None:
    check(
        [
            an_offer("ALL5", PercentOff(percent="5")),
            an_offer("DAIRY20", PercentOff(percent="20", goods=goods("dairy"))),
            an_offer("MILK1", FixedPrice(price_minor=100, goods=goods("milk"))),
        ],
        """
        cart                                    | offers given                         | off each line  | pays
        1 milk 1.50, 1 butter 2.00, 1 cola 2.00 | ALL5 0.10, DAIRY20 0.40, MILK1 0.50  | 0.50 0.40 0.10 | 4.50
        1 milk 1.20, 1 butter 2.00              | DAIRY20 0.64                         | 0.24 0.40      | 2.56
        """,
    )


def test_of_best_of_sets_and_discounts_the_better_whole_is_chosen() -> None:
    check(
        [
            an_offer("3FOR2", BuyGet(buy=2, get=1, goods=goods("drinks"))),
            an_offer("COLA40", PercentOff(percent="40", goods=goods("cola"))),
        ],
        """
        cart                       | offers given              | off each line | pays
        3 cola 2.00                | COLA40 2.40               | 2.40          | 3.60
        4 cola 2.00                | COLA40 3.20               | 3.20          | 4.80
        1 cola 1.00, 2 beer 3.00   | 3FOR2 1.00                | 0.14 0.86     | 6.00
        2 cola 1.00, 2 beer 3.00   | 3FOR2 1.00, COLA40 0.40   | 0.54 0.86     | 6.60
        3 beer 3.00                | 3FOR2 3.00                | 3.00          | 6.00
        """,
    )


def test_the_better_of_two_bundles_wins_though_the_other_has_priority() -> None:
    cheap = Bundle(parts=(BundlePart(goods=goods("bread")), BundlePart(goods=goods("milk"))), price_minor=350)
    better = Bundle(parts=(BundlePart(goods=goods("bread")), BundlePart(goods=goods("cola"))), price_minor=300)
    check(
        [an_offer("CHEAP", cheap, priority=1), an_offer("BETTER", better, priority=2)],
        """
        cart                                      | offers given             | off each line   | pays
        1 bread 3.00, 1 milk 1.00, 1 cola 2.00    | BETTER 2.00              | 1.20 0 0.80     | 4.00
        2 bread 3.00, 1 milk 1.00, 1 cola 2.00    | CHEAP 0.50, BETTER 2.00  | 1.58 0.12 0.80  | 6.50
        1 bread 3.00, 1 milk 1.00                 | CHEAP 0.50               | 0.38 0.12       | 3.50
        """,
    )


def test_what_an_exclusive_offer_claims_takes_no_other_offer() -> None:
    check(
        [
            an_offer("3FOR2", BuyGet(buy=2, get=1, goods=goods("cola")), stacking=EXCLUSIVE),
            an_offer("DRINKS50", PercentOff(percent="50", goods=goods("drinks")), stacking=BEST_OF),
            an_offer("ALL10", PercentOff(percent="10"), stacking=STACK),
        ],
        """
        cart                      | offers given                             | off each line | pays
        3 cola 2.00               | 3FOR2 2.00                               | 2.00          | 4.00
        4 cola 2.00               | 3FOR2 2.00, DRINKS50 1.00, ALL10 0.10    | 3.10          | 4.90
        3 cola 2.00, 1 bread 3.00 | 3FOR2 2.00, ALL10 0.30                   | 2.00 0.30     | 6.70
        """,
    )


def test_of_two_exclusive_offers_the_lower_priority_number_has_its_turn_first() -> None:
    ten, twenty = PercentOff(percent="10", goods=goods("cola")), PercentOff(percent="20", goods=goods("cola"))
    first = [an_offer("TEN", ten, stacking=EXCLUSIVE, priority=1), an_offer("TWENTY", twenty, stacking=EXCLUSIVE)]
    assert [use.offer for use in outcome_of("1 cola 2.00", first).uses] == ["TEN"]
    by_id = [an_offer("B", ten, stacking=EXCLUSIVE), an_offer("A", twenty, stacking=EXCLUSIVE)]
    assert [use.offer for use in outcome_of("1 cola 2.00", by_id).uses] == ["A"]


def test_stacked_offers_come_off_what_is_left_in_the_order_of_their_turns() -> None:
    check(
        [
            an_offer("COUPON", AmountOff(amount_minor=100), stacking=STACK, priority=2),
            an_offer("TWENTY", PercentOff(percent="20"), stacking=STACK, priority=1),
            an_offer("NOW8", FixedPrice(price_minor=800, goods=goods("bread"))),
        ],
        """
        cart          | offers given                          | off each line | pays
        1 bread 10.00 | NOW8 2.00, TWENTY 1.60, COUPON 1.00   | 4.60          | 5.40
        1 bread 1.00  | TWENTY 0.20, COUPON 0.80              | 1.00          | 0
        """,
    )


def test_a_minimum_counts_what_is_left_to_pay_when_the_turn_comes() -> None:
    minimum = Conditions(minimum=Minimum(amount_minor=1000))
    offers = [
        an_offer("TWENTY", PercentOff(percent="20"), stacking=STACK, priority=1),
        an_offer("TWO", AmountOff(amount_minor=200), stacking=STACK, priority=2, conditions=minimum),
    ]
    check(
        offers,
        """
        cart          | offers given           | off each line | pays
        1 bread 12.40 | TWENTY 2.48            | 2.48          | 9.92
        1 bread 12.50 | TWENTY 2.50, TWO 2.00  | 4.50          | 8.00
        """,
    )


def test_pieces_in_a_set_are_in_no_other_set_but_stacked_discounts_come_on_top() -> None:
    offers = [
        an_offer("A3FOR2", BuyGet(buy=2, get=1, goods=goods("cola")), stacking=STACK, priority=1),
        an_offer("B2FOR1", BuyGet(buy=1, get=1, goods=goods("cola")), stacking=STACK, priority=2),
        an_offer("C10", PercentOff(percent="10", goods=goods("cola")), stacking=STACK, priority=3),
    ]
    check(
        offers,
        """
        cart        | offers given                         | off each line | pays
        3 cola 2.00 | A3FOR2 2.00, C10 0.40                | 2.40          | 3.60
        5 cola 2.00 | A3FOR2 2.00, B2FOR1 2.00, C10 0.60   | 4.60          | 5.40
        """,
    )
    consumed = outcome_of("5 cola 2.00", offers).consumed
    assert [(mark.offer, mark.pieces) for mark in consumed] == [("A3FOR2", 3), ("B2FOR1", 2)]


def test_a_gift_does_not_serve_a_set_as_well() -> None:
    gift = an_offer(
        "GIFT",
        Gift(goods=goods("cola")),
        stacking=EXCLUSIVE,
        conditions=Conditions(minimum=Minimum(amount_minor=300)),
    )
    check(
        [gift, an_offer("3FOR2", BuyGet(buy=2, get=1, goods=goods("cola")))],
        """
        cart                       | offers given           | off each line | pays
        1 bread 3.00, 3 cola 2.00  | GIFT 2.00              | 1.20 0.80     | 7.00
        1 bread 3.00, 4 cola 2.00  | GIFT 2.00, 3FOR2 2.00  | 1.20 2.80     | 7.00
        """,
    )


@pytest.mark.parametrize(
    ("limits", "remaining", "uses"),
    [
        (Limits(), None, 3),
        (Limits(per_sale=2), None, 2),
        (Limits(total=9), Remaining(total_uses=1), 1),
        (Limits(total=9), Remaining(total_uses=0), 0),
        (Limits(total=9), Remaining(total_uses=-4), 0),
        (Limits(per_member=9), Remaining(member_uses=2), 2),
        (Limits(per_member=9, total=9), Remaining(member_uses=2, total_uses=1), 1),
        (Limits(per_sale=2, total=9), Remaining(total_uses=50), 2),
        (Limits(budget_minor=9999), Remaining(budget_minor=400), 2),
        (Limits(budget_minor=9999), Remaining(budget_minor=199), 0),
        (Limits(total=9), None, 0),
        (Limits(per_member=9, total=9), Remaining(total_uses=9), 0),
        (Limits(budget_minor=9999), Remaining(total_uses=9), 0),
    ],
)
@pytest.mark.parametrize("stacking", list(Stacking))
def test_no_limit_is_exceeded_and_an_unknown_one_gives_nothing(
    limits: Limits, remaining: Remaining | None, uses: int, stacking: Stacking
) -> None:
    offer = an_offer("SET", BuyGet(buy=1, get=1, goods=goods("cola")), limits=limits, stacking=stacking)
    context = a_context(member=Shopper(), remaining={"SET": remaining} if remaining else {})
    assert sum(use.uses for use in outcome_of("6 cola 2.00", [offer], context).uses) == uses


def test_why_a_limited_offer_gives_nothing_is_said() -> None:
    offers = [
        an_offer("GONE", PercentOff(percent="10"), limits=Limits(total=5)),
        an_offer("UNKNOWN", PercentOff(percent="10"), limits=Limits(total=5)),
        an_offer("POOR", PercentOff(percent="10"), limits=Limits(budget_minor=100)),
        an_offer("BROKE", PercentOff(percent="10"), limits=Limits(budget_minor=100), stacking=STACK),
        an_offer("BEER", PercentOff(percent="10", goods=goods("beer")), limits=Limits(total=5)),
    ]
    remaining = {
        "GONE": Remaining(total_uses=0),
        "POOR": Remaining(budget_minor=19),
        "BROKE": Remaining(budget_minor=0),
    }
    refused = outcome_of("1 cola 2.00", offers, a_context(remaining=remaining)).refused
    assert [(note.offer, note.code.value) for note in refused] == [
        ("BROKE", "budget_used_up"),
        ("GONE", "limit_reached"),
        ("POOR", "budget_used_up"),
        ("UNKNOWN", "limit_unknown"),
    ]


def test_a_coupon_offer_waits_for_its_coupon_and_is_used_once_per_coupon() -> None:
    offer = an_offer("COUPON", BuyGet(buy=1, get=1, goods=goods("cola")), trigger="coupon")
    assert outcome_of("6 cola 2.00", [offer]).uses == ()
    for shown, uses in ((1, 1), (2, 2), (9, 3)):
        (use,) = outcome_of("6 cola 2.00", [offer], a_context(coupons={"COUPON": shown})).uses
        assert (use.uses, use.coupon, use.version) == (uses, True, 1)


@pytest.mark.parametrize(
    ("cart", "code"),
    [
        ("1 bread 3.00", "no_matching_goods"),
        ("1 cola 2.00", "more_pieces"),
        ("3 beer 2.00", "better_offer"),
        ("0.500kg cheese 10.00", "no_matching_goods"),
    ],
)
def test_every_coupon_that_gives_nothing_gets_a_reason(cart: str, code: str) -> None:
    offers = [
        an_offer("COUPON", BuyGet(buy=1, get=1, percent="10", goods=goods("drinks", "cheese")), trigger="coupon"),
        an_offer("BEER50", PercentOff(percent="50", goods=goods("beer")), stacking=EXCLUSIVE),
    ]
    outcome = outcome_of(cart, offers, a_context(coupons={"COUPON": 1, "FORGOTTEN": 1, "ZERO": 0}))
    assert [(note.offer, note.code.value) for note in outcome.refused] == [
        ("COUPON", code),
        ("FORGOTTEN", "unknown_offer"),
    ]


@pytest.mark.parametrize("with_near_misses", [True, False])
def test_the_coupon_of_half_a_bundle_says_what_is_missing_whoever_asks(with_near_misses: bool) -> None:
    parts = (BundlePart(goods=goods("bread")), BundlePart(goods=goods("butter")))
    offers = [
        an_offer("SHOWN", Bundle(parts=parts, price_minor=100), trigger="coupon"),
        an_offer("OTHER", Bundle(parts=parts, price_minor=100), trigger="coupon"),
        an_offer("MORE", Steps(steps=(Step(from_pieces=2, percent="9"),), goods=goods("butter")), trigger="coupon"),
        an_offer("LIVE", Bundle(parts=parts, price_minor=100)),
    ]
    context = a_context(coupons={"SHOWN": 1}, with_near_misses=with_near_misses)
    outcome = outcome_of("1 butter 2.00", offers, context)
    assert [(note.offer, note.code.value, note.parameters) for note in outcome.refused] == [
        ("SHOWN", "more_pieces", {"pieces": 1})
    ]
    assert {note.offer for note in outcome.near_misses} == ({"SHOWN", "LIVE"} if with_near_misses else set())


def test_a_coupon_beaten_by_another_best_of_offer_is_told_so_and_not_used() -> None:
    offers = [
        an_offer("COUPON", PercentOff(percent="10", goods=goods("cola")), trigger="coupon"),
        an_offer("COLA20", PercentOff(percent="20", goods=goods("cola"))),
    ]
    outcome = outcome_of("1 cola 2.00", offers, a_context(coupons={"COUPON": 1}))
    assert [use.offer for use in outcome.uses] == ["COLA20"]
    assert [(note.offer, note.code.value) for note in outcome.refused] == [("COUPON", "better_offer")]
    tiny = outcome_of(
        "1 cola 0.04, 1 bread 3.00",
        [offers[0], an_offer("BREAD", PercentOff(percent="5", goods=goods("bread")))],
        a_context(coupons={"COUPON": 1}),
    )
    assert [(note.offer, note.code.value) for note in tiny.refused] == [("COUPON", "no_matching_goods")]
    other = outcome_of(
        "1 bread 3.00",
        [offers[0], an_offer("BREAD", PercentOff(percent="5", goods=goods("bread")))],
        a_context(coupons={"COUPON": 1}),
    )
    assert [(note.offer, note.code.value) for note in other.refused] == [("COUPON", "no_matching_goods")]


def test_each_use_says_what_to_count_and_why() -> None:
    steps = Steps(goods=goods("cola"), steps=(Step(from_pieces=3, percent="10"), Step(from_pieces=6, percent="20")))
    (use,) = outcome_of("4 cola 2.00", [an_offer("STEPS", steps, version=7)]).uses
    assert (use.offer, use.version, use.uses, use.discount_minor, use.coupon) == ("STEPS", 7, 1, 80, False)
    assert (use.reason.code.value, use.reason.parameters) == ("step_percent", {"pieces": 3, "percent": "10"})


def test_two_hundred_offers_on_the_same_goods_stay_under_the_bound_and_answer_the_same_each_time() -> None:
    def offer_number(n: int) -> BuyGet | AmountOff | Steps | Bundle:
        kinds = (
            BuyGet(buy=1 + n % 4, get=1, percent=str(20 + n % 80), goods=goods("drinks", "dairy")),
            AmountOff(amount_minor=50 + 7 * n, goods=goods("drinks", "bakery")),
            Steps(goods=goods("dairy", "drinks"), steps=(Step(from_pieces=2 + n % 5, percent=str(5 + n % 30)),)),
            Bundle(parts=(BundlePart(goods=goods("dairy")), BundlePart(goods=goods("drinks"))), price_minor=100 + n),
        )
        return kinds[n % 4]

    offers = [an_offer(f"O{n:03}", offer_number(n)) for n in range(200)]
    cart = basket_of(", ".join(["3 cola 2.00", "2 beer 3.10", "4 milk 1.43", "1 butter 2.99", "2 bread 3.05"] * 4))
    first = price(cart, RULES, offers, a_context())
    assert first.outcome is not None
    assert not first.outcome.exact
    assert first.outcome.nodes <= SEARCH_NODES
    assert first.outcome.discount_minor > 0
    book = OfferBook(reversed(offers))
    for _ in range(3):
        assert price(cart, RULES, book, a_context()) == first


def test_wrong_calls_are_programming_errors() -> None:
    offer = an_offer("X", PercentOff(percent="10"))
    with pytest.raises(ValueError, match="context"):
        price(basket_of("1 milk 1.00"), RULES, [offer])
    with pytest.raises(ValueError, match="two versions"):
        apply_offers([], [offer, offer], a_context())
    with pytest.raises(ValueError, match="same number"):
        apply_offers([cart_line(1, 100), cart_line(1, 100)], [offer], a_context())


def test_without_offers_the_price_is_the_price() -> None:
    lines = basket_of("2 milk 1.43, 1 cola 2.00 -10%")
    plain = price(lines, RULES)
    assert plain.outcome is None
    assert price(lines, RULES, (), a_context()) == plain
    assert price(lines, RULES, OfferBook([]), a_context()) == plain
