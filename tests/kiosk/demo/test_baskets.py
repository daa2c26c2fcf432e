"""Rows of scanner data into baskets that sell for exactly what was paid."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import loyalty.basket
from kiosk.demo.baskets import COLUMNS, BasketFile, BasketLine, Oddity, read_baskets, read_time, settle_line
from kiosk.demo.files import bundled_baskets, load_baskets
from kiosk.demo.rows import WrongFile
from loyalty.basket import ManualDiscount
from loyalty.rounding import Rounding
from loyalty.tax import TaxMode, TaxRounding, TaxRules

HEADER = ",".join(COLUMNS)
GOOD = {
    "household_id": "603", "store_id": "343", "basket_id": "31198996680", "product_id": "821788", "quantity": "2",
    "sales_minor": "238", "retail_disc_minor": "48", "coupon_disc_minor": "0", "coupon_match_minor": "0",
    "ts": "2017-01-01T18:18:48Z",
}  # fmt: skip
RULES = TaxRules(TaxMode.INCLUDED, TaxRounding.RATE, Rounding.HALF_UP)


def row(**changes: str) -> str:
    return ",".join({**GOOD, **changes}.values())


@pytest.fixture(scope="module")
def journey() -> BasketFile:
    return load_baskets(bundled_baskets())


def priced_net_minor(lines: tuple[BasketLine, ...]) -> int:
    """What the rule book asks for the lines, with the loyalty price as a discount by hand."""
    return loyalty.basket.price(
        [
            loyalty.basket.BasketLine(
                line=number,
                sku=line.product_id,
                quantity_milli=line.quantity * 1000,
                unit_price_minor=line.unit_price_minor,
                tax_rate="5",
                discount=ManualDiscount("amount", line.discount_minor, "loyalty price")
                if line.discount_minor
                else None,
            )
            for number, line in enumerate(lines, 1)
        ],
        RULES,
    ).net_minor


@pytest.mark.parametrize(
    ("quantity", "sales_minor", "discount_minor", "settled"),
    [
        (1, 143, 15, BasketLine("p", 1, 158, 15)),
        (2, 238, 48, BasketLine("p", 2, 143, 48)),
        (100, 9_900, 100, BasketLine("p", 100, 100, 100)),
        (0, 199, 0, BasketLine("p", 1, 199, 0, Oddity.ZERO_QUANTITY)),
        (0, 0, 0, BasketLine("p", 1, 0, 0, Oddity.ZERO_QUANTITY)),
        (101, 10_100, 0, BasketLine("p", 1, 10_100, 0, Oddity.LARGE_QUANTITY)),
        (9_521, 2_500, 0, BasketLine("p", 1, 2_500, 0, Oddity.LARGE_QUANTITY)),
        (3, 200, 0, BasketLine("p", 1, 200, 0, Oddity.UNEVEN_VALUE)),
        (3, 199, 1, BasketLine("p", 1, 200, 1, Oddity.UNEVEN_VALUE)),
        (3, 200, 100, BasketLine("p", 3, 100, 100)),
        (3, 0, 0, BasketLine("p", 3, 0, 0)),
        (2, 0, 398, BasketLine("p", 2, 199, 398)),
    ],
)
def test_each_oddity_is_settled_as_the_table_says(
    quantity: int, sales_minor: int, discount_minor: int, settled: BasketLine
) -> None:
    assert settle_line("p", quantity, sales_minor, discount_minor) == settled


@given(st.integers(0, 40_000), st.integers(0, 10**11), st.integers(0, 10**11))
def test_a_settled_line_always_costs_what_was_paid(quantity: int, sales_minor: int, discount_minor: int) -> None:
    line = settle_line("p", quantity, sales_minor, discount_minor)
    assert line.net_minor == sales_minor
    assert 1 <= line.quantity <= 100
    assert priced_net_minor((line,)) == sales_minor


def test_the_rule_book_prices_every_real_basket_to_the_cent(journey: BasketFile) -> None:
    wrong = [basket.basket_id for basket in journey.baskets if priced_net_minor(basket.lines) != basket.total_minor]
    assert wrong == []


def test_the_real_file_is_counted_as_its_provenance_says(journey: BasketFile) -> None:
    counts = journey.counts
    assert (counts.baskets, counts.lines, counts.products, counts.households) == (10_160, 97_464, 21_625, 466)
    assert (counts.zero_quantity_lines, counts.large_quantity_lines, counts.uneven_value_lines) == (638, 1_930, 977)
    assert (counts.free_lines, counts.free_baskets, counts.anonymous_baskets) == (764, 32, 0)
    assert (counts.coupon_lines, counts.coupon_match_lines) == (1_795, 906)
    assert counts.sales_minor == 34_977_463 == sum(basket.total_minor for basket in journey.baskets)


def test_the_baskets_stand_in_the_order_of_the_file(journey: BasketFile) -> None:
    first, last = journey.baskets[0], journey.baskets[-1]
    assert (first.basket_id, first.household_id, first.store_id) == ("31198655051", "1228", "406")
    assert first.at_ms == read_time("2017-01-01T12:26:30Z") < last.at_ms == read_time("2018-01-01T03:21:59Z")


def test_rows_of_one_basket_need_not_stand_together() -> None:
    rows = [
        HEADER,
        row(),
        row(basket_id="7"),
        row(product_id="9", sales_minor="1", quantity="1", retail_disc_minor="0"),
    ]
    first, second = read_baskets(rows).baskets
    assert [line.product_id for line in first.lines] == ["821788", "9"]
    assert (first.total_minor, second.total_minor) == (239, 238)


def test_the_time_of_a_basket_is_that_of_its_first_row() -> None:
    (basket,) = read_baskets([HEADER, row(), row(ts="2017-01-01T18:30:00Z")]).baskets
    assert basket.at_ms == read_time(GOOD["ts"])


def test_a_row_without_a_household_is_an_anonymous_basket() -> None:
    file = read_baskets([HEADER, row(household_id="")])
    assert file.baskets[0].household_id is None
    assert (file.counts.anonymous_baskets, file.counts.households) == (1, 0)


def test_coupons_are_counted_and_change_nothing() -> None:
    file = read_baskets([HEADER, row(coupon_disc_minor="100", coupon_match_minor="50")])
    assert file.baskets == read_baskets([HEADER, row()]).baskets
    assert (file.counts.coupon_lines, file.counts.coupon_disc_minor) == (1, 100)
    assert (file.counts.coupon_match_lines, file.counts.coupon_match_minor) == (1, 50)


def test_a_file_of_no_baskets_is_an_empty_one() -> None:
    assert read_baskets([HEADER]).baskets == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"quantity": "1.5"}, "quantity '1.5' is not a whole number of pieces"),
        ({"quantity": ""}, "quantity '' is not a whole number"),
        ({"quantity": "-1"}, "quantity -1 is below zero; a return is no sale"),
        ({"sales_minor": "-238"}, "sales_minor -238 is below zero"),
        ({"retail_disc_minor": "-48"}, "discounts are written positive"),
        ({"sales_minor": "2.38"}, "sales_minor '2.38' is not a whole number of minor units"),
        ({"sales_minor": "²"}, "sales_minor '²' is not a whole number"),
        ({"sales_minor": "٣"}, "sales_minor '٣' is not a whole number"),
        ({"sales_minor": "9" * 5000}, "is not a whole number"),
        ({"sales_minor": "-" + "9" * 5000}, "is below zero"),
        ({"sales_minor": "1000000000001"}, "is not a whole number of minor units up to 1000000000000"),
        ({"sales_minor": "1000000000000"}, "the line costs more than any till can take"),
        ({"basket_id": ""}, "basket_id is empty"),
        ({"product_id": ""}, "product_id is empty"),
        ({"store_id": "3\x0043"}, "store_id '3\\x0043' is not an id"),
        ({"product_id": "9" * 65}, "is not an id of 1 to 64 characters"),
        ({"household_id": " 603"}, "household_id ' 603' is not an id"),
        ({"ts": "2017-01-01T18:18:48"}, "is not a time with its zone"),
        ({"ts": "2017-02-30T18:18:48Z"}, "is not a time with its zone"),
        ({"ts": "yesterday"}, "is not a time with its zone"),
        ({"ts": "1969-12-31T23:59:59Z"}, "lies before 1970"),
        ({"household_id": "604"}, "basket 31198996680 began in line 2 with another household or store"),
        ({"store_id": "344"}, "basket 31198996680 began in line 2 with another household or store"),
    ],
)
def test_a_row_that_cannot_be_right_is_refused_with_its_line(changes: dict[str, str], said: str) -> None:
    with pytest.raises(WrongFile, match="line 3: ") as caught:
        read_baskets([HEADER, row(), row(**changes)], "tills.csv")
    assert said in caught.value.detail


def test_a_basket_dearer_than_any_till_can_take_is_refused_where_it_began() -> None:
    large = row(sales_minor="600000000000", retail_disc_minor="0")
    with pytest.raises(WrongFile, match="line 2: basket 31198996680 costs more"):
        read_baskets([HEADER, large, large])


def test_minus_zero_is_no_amount_either() -> None:
    with pytest.raises(WrongFile, match="sales_minor '-0' is not a whole number"):
        read_baskets([HEADER, row(sales_minor="-0")])


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T01:00:00.250+01:00", 250),
        ("2017-01-01 12:26:30+00:00", 1_483_273_590_000),
    ],
)
def test_times_become_milliseconds_since_1970(text: str, at_ms: int) -> None:
    assert read_time(text) == at_ms
