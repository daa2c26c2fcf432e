"""What a replay asks, and how it judges the answers, without a store."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.commands import CompleteSale
from kiosk.demo.baskets import Basket, BasketLine
from kiosk.demo.ids import member_id_of, sale_id_of
from kiosk.replay.replay_orders import SaleFigures, decode_answer, differences, make_order
from kiosk.replay.replay_tally import ListedSale, SalesPage, Tally

PRICES = {"1041453": 143, "0042": 99}
MILK = BasketLine("1041453", 2, 143, 28)
DEARER = BasketLine("1041453", 1, 158, 0)
ODD = BasketLine("0042", 1, 99, 0)


def basket(*lines: BasketLine, number: int = 1, household: str | None = "603") -> Basket:
    return Basket(
        basket_id=str(number),
        household_id=household,
        store_id="343",
        at_ms=1_483_294_728_000,
        lines=lines,
        total_minor=sum(line.net_minor for line in lines),
    )


def asked(of: Basket) -> CompleteSale:
    return msgspec.json.decode(make_order(of, PRICES).body, type=CompleteSale)


def test_a_basket_becomes_the_sale_a_scanner_would_send() -> None:
    command = asked(basket(MILK, DEARER, ODD))
    assert command.id == sale_id_of(basket(MILK, DEARER, ODD))
    assert command.member == member_id_of("603")
    milk, dearer, odd = command.lines
    assert (milk.gtin, milk.sku, milk.quantity_milli) == ("9520010414532", None, 2000)
    assert milk.discount is not None
    assert (milk.discount.kind, milk.discount.value, milk.discount.reason) == ("amount", 28, "loyalty price")
    assert (milk.unit_price_minor, milk.reason) == (None, None)
    assert (dearer.unit_price_minor, dearer.reason, dearer.discount) == (158, "price of the day", None)
    assert (odd.gtin, odd.sku) == (None, "0042")


def test_a_basket_of_nobody_has_no_member() -> None:
    assert asked(basket(MILK, household=None)).member is None


@pytest.mark.parametrize(
    ("total_minor", "cash_minor"), [(1, 1_000), (999, 1_000), (1_000, 1_000), (1_001, 2_000), (25_001, 26_000)]
)
def test_it_is_paid_in_whole_notes_or_by_card_to_the_cent(total_minor: int, cash_minor: int) -> None:
    paid = {
        (tender.kind, tender.amount_minor)
        for number in range(40)
        for tender in asked(basket(BasketLine("0042", 1, total_minor, 0), number=number)).tenders
    }
    assert paid == {("cash", cash_minor), ("card", total_minor)}


def test_a_basket_of_nothing_needs_no_tender() -> None:
    assert asked(basket(BasketLine("1041453", 1, 143, 143))).tenders == ()


@given(number=st.integers(0, 10**9))
def test_the_same_basket_always_asks_the_same(number: int) -> None:
    assert make_order(basket(MILK, number=number), PRICES) == make_order(basket(MILK, number=number), PRICES)


def answer_to(of: Basket, **totals: object) -> SaleFigures:
    """The right answer to MILK and ODD, with `totals` changed."""
    right = {
        "gross_minor": 385,
        "discount_minor": 28,
        "net_minor": 357,
        "taxes": [{"base_minor": 340, "tax_minor": 17}],
        "rounding_minor": 0,
        "due_minor": 357,
        "paid_minor": 1_000,
        "change_minor": 643,
    }
    lines = [{"net_minor": line.net_minor} for line in of.lines]
    body = {"id": sale_id_of(of), "lines": lines, "totals": right | totals, "more": "is passed over"}
    return decode_answer(msgspec.json.encode(body))


def test_the_right_answer_has_no_differences() -> None:
    both = basket(MILK, ODD)
    assert differences(make_order(both, PRICES), answer_to(both)) == ()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"due_minor": 358, "change_minor": 642, "rounding_minor": 1}, "due"),
        ({"net_minor": 356, "discount_minor": 29}, "sum of the lines"),
        ({"discount_minor": 27}, "gross less discount"),
        ({"taxes": [{"base_minor": 341, "tax_minor": 17}]}, "taxes and rounding"),
        ({"rounding_minor": -1}, "taxes and rounding"),
        ({"change_minor": 644}, "paid less change"),
    ],
)
def test_every_wrong_figure_is_told(wrong: dict[str, Any], told: str) -> None:
    both = basket(MILK, ODD)
    (sentence,) = differences(make_order(both, PRICES), answer_to(both, **wrong))
    assert sentence.startswith(f"{told}: ")


def test_lines_in_another_order_and_another_sale_are_told() -> None:
    order = make_order(basket(MILK, ODD), PRICES)
    turned = answer_to(basket(ODD, MILK))
    assert [sentence.split(":")[0] for sentence in differences(order, turned)] == ["net of the lines"]
    other = msgspec.structs.replace(turned, id=UUID(int=5))
    assert [sentence.split(":")[0] for sentence in differences(order, other)] == ["net of the lines", "id"]


def tally_of(*baskets: Basket) -> Tally:
    return Tally([make_order(each, PRICES) for each in baskets])


def listed(of: Basket, due_minor: int | None = None, state: str = "completed") -> ListedSale:
    return ListedSale(sale_id_of(of), of.total_minor if due_minor is None else due_minor, state)


@pytest.mark.parametrize(
    ("found", "sales", "wrong"),
    [
        ([listed(basket(MILK))], 1, 0),
        ([], 0, 0),
        ([listed(basket(MILK)), listed(basket(MILK))], 0, 0),
        ([listed(basket(MILK), due_minor=1)], 1, 1),
        ([listed(basket(MILK), state="voided")], 1, 1),
        ([listed(basket(ODD, number=9))], 0, 0),
    ],
    ids=["right", "missing", "twice", "wrong total", "voided", "somebody else's"],
)
def test_the_list_of_the_store_is_compared(found: list[ListedSale], sales: int, wrong: int) -> None:
    tally = tally_of(basket(MILK))
    tally.take_page(SalesPage(tuple(found), None))
    assert (tally.sales, tally.wrong_totals) == (sales, wrong)


def test_answers_are_counted_by_what_they_mean() -> None:
    one = basket(MILK, ODD)
    order, body = make_order(one, PRICES), msgspec.json.encode(answer_to(one))
    tally = tally_of(one)
    for status in (201, 200, 200, 409, 500):
        tally.take(order, status, body)
    assert (tally.booked, tally.repeated, tally.refused, tally.wrong_totals) == (1, 2, 2, 0)
    tally.take(order, 200, b"{}")
    assert tally.wrong_totals == 1
    assert "cannot be read" in tally.problems[-1]


def test_a_basket_wrong_twice_is_one_wrong_total() -> None:
    one = basket(MILK, ODD)
    tally = tally_of(one)
    tally.take(make_order(one, PRICES), 201, msgspec.json.encode(answer_to(one, due_minor=1)))
    tally.take_page(SalesPage((listed(one, due_minor=1),), None))
    assert (tally.sales, tally.wrong_totals, len(tally.problems)) == (1, 1, 2)
