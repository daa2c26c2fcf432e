"""What a basket costs."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.basket import BasketLine, Discount, DiscountTooLarge, ManualDiscount, PricedBasket, WrongBasket, price
from loyalty.errors import InvalidInput
from loyalty.money import AMOUNT_LIMIT_MINOR, AmountTooLarge
from loyalty.rounding import Rounding
from loyalty.tax import TaxAmount, TaxMode, TaxRounding, TaxRules, WrongTaxRate

quick = settings(max_examples=200, derandomize=True, deadline=None)
INCLUDED = TaxRules(TaxMode.INCLUDED, TaxRounding.RATE, Rounding.HALF_UP)
ADDED = TaxRules(TaxMode.ADDED, TaxRounding.RATE, Rounding.DOWN)


def a_line(
    number: int = 1,
    unit_price: int = 143,
    quantity: int = 1000,
    *,
    rate: str = "23",
    discount: ManualDiscount | None = None,
    label: int | None = None,
) -> BasketLine:
    return BasketLine(
        line=number,
        sku=f"sku-{number}",
        quantity_milli=quantity,
        unit_price_minor=unit_price,
        tax_rate=rate,
        discount=discount,
        label_price_minor=label,
    )


def percent(value: int) -> ManualDiscount:
    return ManualDiscount("percent", value, "dented")


def amount(value: int) -> ManualDiscount:
    return ManualDiscount("amount", value, "dented")


@st.composite
def baskets(draw: st.DrawFn) -> list[BasketLine]:
    lines = []
    for number in range(1, draw(st.integers(0, 8)) + 1):
        unit_price, quantity = draw(st.integers(0, 50_000)), draw(st.integers(1, 20_000))
        gross = (unit_price * quantity + 500) // 1000
        choices = [st.none(), st.integers(1, 100).map(percent)]
        if gross:
            choices.append(st.integers(1, gross).map(amount))
        rate = draw(st.sampled_from(["0", "5", "8", "10", "23"]))
        lines.append(a_line(number, unit_price, quantity, rate=rate, discount=draw(st.one_of(choices))))
    return lines


all_rules = st.builds(TaxRules, st.sampled_from(TaxMode), st.sampled_from(TaxRounding), st.sampled_from(Rounding))


@pytest.mark.parametrize(
    ("line", "gross", "off", "net"),
    [
        pytest.param(a_line(1, 143, 2000, discount=percent(10)), 286, 29, 257, id="ten percent off two"),
        pytest.param(a_line(1, 999, 355, discount=amount(55)), 355, 55, 300, id="an amount off a weight"),
        pytest.param(a_line(1, 1, 500), 1, 0, 1, id="half a unit rounds up"),
        pytest.param(a_line(1, 1, 499), 0, 0, 0, id="less than half is nothing"),
        pytest.param(a_line(1, 5, 1000, discount=percent(50)), 5, 3, 2, id="half of five off"),
        pytest.param(a_line(1, 143, 1000, discount=percent(100)), 143, 143, 0, id="for free"),
        pytest.param(a_line(1, 143, 1000, discount=amount(143)), 143, 143, 0, id="all of it off"),
        pytest.param(a_line(1, 2999, 412, label=1234), 1234, 0, 1234, id="the label's price, not 1236"),
        pytest.param(a_line(1, 2999, 412, label=1000, discount=percent(15)), 1000, 150, 850, id="off the label"),
        pytest.param(a_line(1, 0, 1000), 0, 0, 0, id="a free thing"),
    ],
)
def test_a_line_costs_what_the_shelf_and_the_discount_say(line: BasketLine, gross: int, off: int, net: int) -> None:
    basket = price([line], INCLUDED)
    assert (basket.gross_minor, basket.discount_minor, basket.net_minor, basket.total_minor) == (gross, off, net, net)
    assert basket.lines[0].gross_minor == gross
    assert sum(discount.amount_minor for discount in basket.lines[0].discounts) == off


def test_the_sale_of_the_contract_page_comes_out_as_written_there() -> None:
    basket = price([a_line(1, 143, 2000, discount=amount(28))], INCLUDED)
    assert basket.lines[0].discounts == (Discount("manual", "dented", 28),)
    assert basket.net_minor == 258
    assert basket.taxes == (TaxAmount("23", 210, 48),)


def test_added_tax_comes_on_top_and_is_not_part_of_net() -> None:
    basket = price([a_line(1, 198, rate="8"), a_line(2, 333, rate="10")], ADDED)
    assert (basket.net_minor, basket.total_minor) == (531, 531 + 15 + 33)
    assert [line.tax_minor for line in basket.lines] == [15, 33]


def test_a_discount_that_rounds_to_nothing_stays_visible() -> None:
    basket = price([a_line(1, 1, discount=percent(10))], INCLUDED)
    assert basket.lines[0].discounts == (Discount("manual", "dented", 0),)


def test_a_line_keeps_its_tax_rate_in_the_canonical_spelling() -> None:
    assert price([a_line(rate="23.00")], INCLUDED).lines[0].tax_rate == "23"


def test_an_empty_basket_costs_nothing() -> None:
    assert price([], INCLUDED) == PricedBasket(
        lines=(), gross_minor=0, discount_minor=0, net_minor=0, taxes=(), total_minor=0
    )


LIMIT = AMOUNT_LIMIT_MINOR


@pytest.mark.parametrize(
    ("line", "problem", "field"),
    [
        (a_line(quantity=0), WrongBasket, "quantity_milli"),
        (a_line(quantity=-1000), WrongBasket, "quantity_milli"),
        (a_line(unit_price=-1), WrongBasket, "unit_price_minor"),
        (a_line(label=-1), WrongBasket, "label_price_minor"),
        (a_line(discount=percent(0)), WrongBasket, "discount/value"),
        (a_line(discount=percent(101)), WrongBasket, "discount/value"),
        (a_line(discount=amount(0)), WrongBasket, "discount/value"),
        (a_line(discount=amount(-5)), WrongBasket, "discount/value"),
        (a_line(discount=amount(144)), DiscountTooLarge, "discount/value"),
        (a_line(quantity=LIMIT + 1, unit_price=0), AmountTooLarge, "quantity_milli"),
        (a_line(unit_price=LIMIT + 1), AmountTooLarge, "unit_price_minor"),
        (a_line(unit_price=LIMIT + 1, quantity=1), AmountTooLarge, "unit_price_minor"),
        (a_line(unit_price=LIMIT, quantity=1001), AmountTooLarge, "unit_price_minor"),
        (a_line(label=LIMIT + 1), AmountTooLarge, "label_price_minor"),
    ],
)
def test_a_line_that_cannot_be_right_is_refused_and_pointed_at(
    line: BasketLine, problem: type[InvalidInput], field: str
) -> None:
    with pytest.raises(problem) as refused:
        price([a_line(7), line], INCLUDED)
    assert refused.value.pointer == f"/lines/1/{field}"
    assert refused.value.status == 422


def test_the_largest_amount_is_still_sold_and_one_more_is_not() -> None:
    assert price([a_line(1, LIMIT)], INCLUDED).total_minor == LIMIT
    with pytest.raises(AmountTooLarge):
        price([a_line(1, LIMIT), a_line(2, 1)], INCLUDED)
    with pytest.raises(AmountTooLarge):
        price([a_line(1, LIMIT, rate="10")], ADDED)


def test_a_discount_does_not_hide_a_gross_total_beyond_the_limit() -> None:
    with pytest.raises(AmountTooLarge):
        price([a_line(1, LIMIT, discount=percent(100)), a_line(2, LIMIT, discount=percent(100))], INCLUDED)


def test_two_lines_of_one_number_are_refused() -> None:
    with pytest.raises(WrongBasket):
        price([a_line(3), a_line(3)], INCLUDED)


def test_a_wrong_tax_rate_is_refused() -> None:
    with pytest.raises(WrongTaxRate):
        price([a_line(rate="twenty")], INCLUDED)


@quick
@given(baskets(), all_rules)
def test_the_sums_of_the_contract_always_hold(lines: list[BasketLine], rules: TaxRules) -> None:
    basket = price(lines, rules)
    assert sum(line.net_minor for line in basket.lines) == basket.net_minor
    assert sum(line.gross_minor for line in basket.lines) == basket.gross_minor
    given_off = sum(discount.amount_minor for line in basket.lines for discount in line.discounts)
    assert given_off == basket.discount_minor == basket.gross_minor - basket.net_minor
    assert sum(tax.base_minor + tax.tax_minor for tax in basket.taxes) == basket.total_minor
    assert sum(tax.tax_minor for tax in basket.taxes) == sum(line.tax_minor for line in basket.lines)
    for line in basket.lines:
        assert 0 <= line.net_minor <= line.gross_minor
        assert line.net_minor == line.gross_minor - sum(discount.amount_minor for discount in line.discounts)


@quick
@given(baskets(), all_rules)
def test_pricing_keeps_what_was_scanned_in_its_order(lines: list[BasketLine], rules: TaxRules) -> None:
    priced = price(lines, rules).lines
    assert [(line.line, line.sku, line.quantity_milli, line.unit_price_minor) for line in priced] == [
        (line.line, line.sku, line.quantity_milli, line.unit_price_minor) for line in lines
    ]
