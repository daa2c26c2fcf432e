"""What each kind of offer takes off, cart by cart."""

import pytest

from loyalty.offers.cart import Parcel
from loyalty.offers.context import Remaining, Shopper
from loyalty.offers.effects import grant_effect
from loyalty.offers.offer import (
    AmountOff,
    Bundle,
    BundlePart,
    BuyGet,
    Conditions,
    Effect,
    FixedPrice,
    Gift,
    Limits,
    Minimum,
    PercentOff,
    Step,
    Steps,
)
from tests.loyalty.offers.carts import a_context, an_offer, buy, check, goods, outcome_of


def test_percent_off_is_rounded_once_and_split_by_largest_remainder() -> None:
    check(
        [an_offer("DAIRY10", PercentOff(percent="10", goods=goods("dairy")))],
        """
        cart                                    | offers given  | off each line  | pays
        2 milk 1.43, 1 beer 2.00                | DAIRY10 0.29  | 0.29 0         | 4.57
        1 milk 1.43, 1 butter 1.43, 1 milk 0.99 | DAIRY10 0.39  | 0.15 0.14 0.10 | 3.46
        1 milk 0.04                             | -             | 0              | 0.04
        1 milk 0.05                             | DAIRY10 0.01  | 0.01           | 0.04
        0.355kg cheese 9.99                     | DAIRY10 0.36  | 0.36           | 3.19
        1 beer 2.00                             | -             | 0              | 2.00
        """,
    )


def test_percent_may_have_decimals_and_may_be_everything() -> None:
    check(
        [an_offer("P", PercentOff(percent="12.5", goods=goods("milk")))],
        """
        cart          | offers given | off each line | pays
        2 milk 4.00   | P 1.00       | 1.00          | 7.00
        """,
    )
    check(
        [an_offer("P", PercentOff(percent="100", goods=goods("milk")))],
        """
        cart                       | offers given | off each line | pays
        2 milk 4.00, 1 cola 1.00   | P 8.00       | 8.00 0        | 1.00
        """,
    )


def test_a_discount_by_hand_comes_first_and_offers_take_what_is_left() -> None:
    check(
        [an_offer("DAIRY10", PercentOff(percent="10", goods=goods("dairy")))],
        """
        cart                  | offers given | off each line | pays
        2 milk 1.50 -10%      | DAIRY10 0.27 | 0.27          | 2.43
        2 milk 1.50 -2.95     | DAIRY10 0.01 | 0.01          | 0.04
        2 milk 1.50 -3.00     | -            | 0             | 0
        """,
    )


def test_only_the_dearest_pieces_when_a_number_is_set() -> None:
    check(
        [an_offer("P", PercentOff(percent="50", goods=goods("dairy"), at_most_pieces=2))],
        """
        cart                                    | offers given | off each line | pays
        3 milk 1.00, 1 butter 3.00              | P 2.00       | 0.50 1.50     | 4.00
        1 milk 1.00                             | P 0.50       | 0.50          | 0.50
        0.500kg cheese 10.00                    | -            | 0             | 5.00
        """,
    )


def test_an_amount_comes_off_once_or_off_each_piece_and_never_more_than_the_price() -> None:
    check(
        [an_offer("ONCE", AmountOff(amount_minor=100, goods=goods("dairy")))],
        """
        cart                       | offers given | off each line | pays
        2 milk 1.43, 1 butter 1.14 | ONCE 1.00    | 0.72 0.28     | 3.00
        1 milk 0.60                | ONCE 0.60    | 0.60          | 0
        0.100kg cheese 20.00       | ONCE 1.00    | 1.00          | 1.00
        """,
    )
    check(
        [an_offer("EACH", AmountOff(amount_minor=100, each=True, goods=goods("dairy")))],
        """
        cart                       | offers given | off each line | pays
        2 milk 1.43, 1 butter 1.14 | EACH 3.00    | 2.00 1.00     | 1.00
        2 milk 0.60                | EACH 1.20    | 1.20          | 0
        0.100kg cheese 20.00       | -            | 0             | 2.00
        """,
    )
    check(
        [an_offer("TWO", AmountOff(amount_minor=50, each=True, goods=goods("dairy"), at_most_pieces=2))],
        """
        cart                       | offers given | off each line | pays
        3 milk 1.00, 1 butter 3.00 | TWO 1.00     | 0.50 0.50     | 5.00
        """,
    )


def test_a_fixed_price_replaces_the_price_and_never_makes_anything_dearer() -> None:
    check(
        [an_offer("NOW", FixedPrice(price_minor=120, goods=goods("dairy")))],
        """
        cart                       | offers given | off each line | pays
        2 milk 1.43, 1 butter 0.99 | NOW 0.46     | 0.46 0        | 3.39
        0.500kg cheese 9.99        | NOW 4.40     | 4.40          | 0.60
        2 milk 1.43 -0.60          | -            | 0             | 2.26
        """,
    )
    check(
        [an_offer("NOW2", FixedPrice(price_minor=120, goods=goods("dairy"), at_most_pieces=2))],
        """
        cart        | offers given | off each line | pays
        5 milk 1.50 | NOW2 0.60    | 0.60          | 6.90
        """,
    )


def test_of_every_set_the_cheapest_is_free_and_sets_are_made_from_the_dearest_down() -> None:
    check(
        [an_offer("3FOR2", BuyGet(buy=2, get=1, goods=goods("drinks")))],
        """
        cart                                    | offers given | off each line | pays
        2 cola 2.00                             | -            | 0             | 4.00
        3 cola 2.00                             | 3FOR2 2.00   | 2.00          | 4.00
        5 cola 2.00                             | 3FOR2 2.00   | 2.00          | 8.00
        6 cola 2.00                             | 3FOR2 4.00   | 4.00          | 8.00
        1 cola 2.00, 1 beer 5.00, 1 beer 4.00   | 3FOR2 2.00   | 0.36 0.91 0.73 | 9.00
        2 cola 2.00, 1 beer 5.00, 1 beer 4.00   | 3FOR2 2.00   | 0.36 0.91 0.73 | 11.00
        3 cola 2.00, 1 beer 5.00, 2 beer 4.00   | 3FOR2 6.00   | 1.89 1.58 2.53 | 13.00
        3 milk 2.00                             | -            | 0             | 6.00
        """,
    )


def test_the_cheapest_of_a_set_may_cost_a_part() -> None:
    check(
        [an_offer("HALF", BuyGet(buy=1, get=1, percent="50", goods=goods("drinks")))],
        """
        cart                       | offers given | off each line | pays
        1 cola 1.99, 1 beer 3.00   | HALF 1.00    | 0.40 0.60     | 3.99
        4 cola 1.00                | HALF 1.00    | 1.00          | 3.00
        """,
    )


def test_other_goods_may_be_the_reward_the_dearest_of_them_first() -> None:
    check(
        [an_offer("BREAKFAST", BuyGet(buy=2, get=1, goods=goods("bread"), reward=goods("dairy")))],
        """
        cart                                    | offers given   | off each line | pays
        2 bread 3.00, 1 milk 1.00               | BREAKFAST 1.00 | 0.86 0.14     | 6.00
        2 bread 3.00, 1 milk 1.00, 1 butter 2.50 | BREAKFAST 2.50 | 1.76 0 0.74   | 7.00
        4 bread 3.00, 1 milk 1.00, 1 butter 2.50 | BREAKFAST 3.50 | 2.71 0.23 0.56 | 12.00
        1 bread 3.00, 1 milk 1.00               | -              | 0 0           | 4.00
        """,
    )


def test_a_bundle_has_one_price_as_often_as_it_saves_something() -> None:
    bundle = Bundle(
        parts=(BundlePart(goods=goods("bread")), BundlePart(goods=goods("dairy"), pieces=2)), price_minor=500
    )
    check(
        [an_offer("BRUNCH", bundle)],
        """
        cart                                      | offers given | off each line  | pays
        1 bread 3.00, 2 milk 1.50                 | BRUNCH 1.00  | 0.50 0.50      | 5.00
        2 bread 3.00, 3 milk 1.50                 | BRUNCH 1.00  | 0.50 0.50      | 9.50
        2 bread 3.00, 4 milk 1.50                 | BRUNCH 2.00  | 1.00 1.00      | 10.00
        1 bread 3.00, 2 milk 0.90                 | -            | 0 0            | 4.80
        2 bread 3.00, 2 butter 2.00, 2 milk 0.50  | BRUNCH 2.00  | 0.86 1.14 0    | 9.00
        """,
    )


def test_the_more_pieces_the_cheaper_all_of_them() -> None:
    steps = Steps(goods=goods("drinks"), steps=(Step(from_pieces=3, percent="10"), Step(from_pieces=6, percent="20")))
    check(
        [an_offer("STEPS", steps)],
        """
        cart                       | offers given | off each line | pays
        2 cola 2.00                | -            | 0             | 4.00
        2 cola 2.00, 1 beer 3.00   | STEPS 0.70   | 0.40 0.30     | 6.30
        5 cola 2.00                | STEPS 1.00   | 1.00          | 9.00
        6 cola 2.00                | STEPS 2.40   | 2.40          | 9.60
        """,
    )
    prices = Steps(
        goods=goods("cola"), steps=(Step(from_pieces=3, price_minor=180), Step(from_pieces=6, price_minor=150))
    )
    check(
        [an_offer("PRICES", prices)],
        """
        cart                       | offers given | off each line | pays
        4 cola 2.00                | PRICES 0.80  | 0.80          | 7.20
        6 cola 2.00                | PRICES 3.00  | 3.00          | 9.00
        3 cola 1.00                | -            | 0             | 3.00
        """,
    )


def test_a_step_that_says_nothing_gives_nothing() -> None:
    assert (
        outcome_of("3 cola 2.00", [an_offer("X", Steps(goods=goods("cola"), steps=(Step(from_pieces=2),)))]).uses == ()
    )


def test_a_gift_is_free_once_the_rest_of_the_basket_reaches_the_minimum() -> None:
    gift = an_offer("GIFT", Gift(goods=goods("cola")), conditions=Conditions(minimum=Minimum(amount_minor=1000)))
    check(
        [gift],
        """
        cart                       | offers given | off each line | pays
        4 bread 3.00, 2 cola 2.00  | GIFT 2.00    | 1.71 0.29     | 14.00
        3 bread 3.00, 2 cola 2.00  | -            | 0 0           | 13.00
        4 bread 3.00               | -            | 0             | 12.00
        """,
    )


def test_the_price_of_a_gift_lies_on_what_is_left_to_pay_after_all_other_offers() -> None:
    gift = an_offer("GIFT", Gift(goods=goods("cola")), conditions=Conditions(minimum=Minimum(amount_minor=1000)))
    half = an_offer("HALF", PercentOff(percent="50", goods=goods("bread")))
    free = an_offer("FREE", PercentOff(percent="100", goods=goods("milk")))
    check(
        [gift, half, free],
        """
        cart                                    | offers given                    | off each line  | pays
        4 bread 3.00, 1 cola 2.00               | GIFT 2.00, HALF 6.00            | 7.50 0.50      | 6.00
        4 bread 3.00, 1 cola 2.00, 1 milk 1.00  | FREE 1.00, GIFT 2.00, HALF 6.00 | 7.50 0.50 1.00 | 6.00
        """,
    )


def test_a_gift_for_which_nothing_had_to_be_bought_stays_free() -> None:
    check(
        [an_offer("GIFT", Gift(goods=goods("cola")), conditions=Conditions(member_required=True))],
        """
        cart                       | offers given | off each line | pays
        1 bread 3.00, 1 cola 2.00  | GIFT 2.00    | 0 2.00        | 3.00
        """,
        a_context(member=Shopper()),
    )


def test_a_basket_offer_asks_for_money_or_pieces() -> None:
    money = an_offer("TEN", AmountOff(amount_minor=100), conditions=Conditions(minimum=Minimum(amount_minor=1000)))
    check(
        [money],
        """
        cart                       | offers given | off each line | pays
        3 bread 3.00, 1 cola 0.99  | -            | 0 0           | 9.99
        3 bread 3.00, 1 cola 1.00  | TEN 1.00     | 0.90 0.10     | 9.00
        """,
    )
    pieces = an_offer("FIVE", PercentOff(percent="10"), conditions=Conditions(minimum=Minimum(pieces=5)))
    check(
        [pieces],
        """
        cart                       | offers given | off each line | pays
        3 bread 3.00, 1 cola 1.00  | -            | 0 0           | 10.00
        3 bread 3.00, 2 cola 1.00  | FIVE 1.10    | 0.90 0.20     | 9.90
        """,
    )


def test_what_takes_no_part_in_offers_gets_none_and_counts_for_none() -> None:
    offers = [an_offer("ALL", PercentOff(percent="10"), conditions=Conditions(minimum=Minimum(amount_minor=300)))]
    check(
        offers,
        """
        cart                       | offers given | off each line | pays
        1 bread 3.00, 1 bag 5.00   | ALL 0.30     | 0.30 0        | 7.70
        1 bread 2.00, 1 bag 5.00   | -            | 0 0           | 7.00
        """,
    )


def test_excepted_goods_are_left_out() -> None:
    check(
        [an_offer("DRINKS", PercentOff(percent="10", goods=goods("drinks", "bread", but="alcohol bread")))],
        """
        cart                                   | offers given | off each line | pays
        1 cola 2.00, 1 beer 3.00, 1 bread 3.00 | DRINKS 0.20  | 0.20 0 0      | 7.80
        """,
    )
    check(
        [an_offer("NOBEER", PercentOff(percent="10", goods=goods(but="beer")))],
        """
        cart                                   | offers given | off each line | pays
        1 cola 2.00, 1 beer 3.00               | NOBEER 0.20  | 0.20 0        | 4.80
        """,
    )


def test_the_tax_of_each_rate_is_computed_on_what_offers_left() -> None:
    basket = buy("1 milk 10.50, 1 cola 24.60", [an_offer("ALL", PercentOff(percent="50"))])
    assert [(tax.rate, tax.base_minor, tax.tax_minor) for tax in basket.taxes] == [("23", 1000, 230), ("5", 500, 25)]
    assert [[(d.kind, d.reason, d.offer) for d in line.discounts] for line in basket.lines] == [
        [("offer", "percent_off", "ALL")],
        [("offer", "percent_off", "ALL")],
    ]


def test_sets_are_marked_as_consumed() -> None:
    outcome = outcome_of("2 cola 2.00, 4 beer 3.00", [an_offer("3FOR2", BuyGet(buy=2, get=1, goods=goods("drinks")))])
    assert [(mark.line, mark.offer, mark.pieces) for mark in outcome.consumed] == [(1, "3FOR2", 2), (2, "3FOR2", 4)]


def test_a_budget_pays_for_whole_uses_only() -> None:
    offer = an_offer("3FOR2", BuyGet(buy=2, get=1, goods=goods("drinks")), limits=Limits(budget_minor=100_000))
    for budget, uses in ((199, []), (200, [(1, 200)]), (599, [(2, 400)]), (600, [(3, 600)])):
        context = a_context(remaining={"3FOR2": Remaining(budget_minor=budget)})
        found = outcome_of("9 cola 2.00", [offer], context).uses
        assert [(use.uses, use.discount_minor) for use in found] == uses


def test_a_thousand_million_pieces_are_priced_at_once() -> None:
    parcels = outcome_of("1000000000 cola 0.01", [an_offer("3FOR2", BuyGet(buy=2, get=1, goods=goods("cola")))])
    assert parcels.discount_minor == 333_333_333
    bundle = Bundle(parts=(BundlePart(goods=goods("cola"), pieces=2),), price_minor=1)
    assert outcome_of("1000000000 cola 0.01", [an_offer("B", bundle)]).uses[0].uses == 500_000_000


def test_pieces_of_a_line_that_do_not_divide_evenly_keep_whole_prices() -> None:
    """2.99 for three after a discount by hand: the pieces are 1.00, 1.00 and 0.99."""
    check(
        [an_offer("3FOR2", BuyGet(buy=2, get=1, goods=goods("cola")))],
        """
        cart               | offers given | off each line | pays
        3 cola 1.00 -0.01  | 3FOR2 0.99   | 0.99          | 2.00
        """,
    )


@pytest.mark.parametrize(
    "effect",
    [
        PercentOff(percent="10"),
        AmountOff(amount_minor=5),
        FixedPrice(price_minor=1, goods=goods("milk")),
        BuyGet(buy=1, get=1, goods=goods("milk")),
        Steps(goods=goods("milk"), steps=(Step(from_pieces=2, percent="10"),)),
        Gift(goods=goods("milk")),
    ],
)
def test_nothing_is_given_without_goods_or_without_uses(effect: Effect) -> None:
    milk = Parcel(line=0, pieces=2, quantity_milli=2000, amount_minor=200)
    assert grant_effect(effect, [[milk]], 1) is not None
    assert grant_effect(effect, [[milk]], 0) is None
    assert grant_effect(effect, [[]], 1) is None
