"""Giving money back over several sales: in whatever order they are named, within what was paid in each kind."""

import itertools
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.sales.refunds import Owed, Settled, quote_refunds, settle_refunds
from kiosk.sales.returns import RefundMismatch, RefundTooLarge
from loyalty.rounding import round_cash

CARD_SALE, CASH_SALE = Owed(100, {"card": 100}), Owed(100, {"cash": 100})


def paid_back(settled: Settled) -> dict[str, int]:
    """What goes back of each kind, over all sales."""
    total: dict[str, int] = {}
    for given_back in settled.given:
        for kind, amount in given_back.items():
            total[kind] = total.get(kind, 0) + amount
    return {kind: amount for kind, amount in total.items() if amount}


@pytest.mark.parametrize("order", [(CARD_SALE, CASH_SALE), (CASH_SALE, CARD_SALE)])
@pytest.mark.parametrize("kind", ["card", "cash"])
def test_the_order_of_two_sales_does_not_matter(order: tuple[Owed, Owed], kind: str) -> None:
    settled = settle_refunds(order, 100, {kind: 100}, 1)
    by_sale = dict(zip(map(id, order), zip(settled.given, settled.credits, strict=True), strict=True))
    refunded, spent = (CARD_SALE, CASH_SALE) if kind == "card" else (CASH_SALE, CARD_SALE)
    assert by_sale[id(refunded)] == ({kind: 100}, 0)
    assert by_sale[id(spent)] == ({}, 100)


def test_a_kind_makes_room_for_another_by_going_back_elsewhere() -> None:
    """Card first would fill the sale that alone may give a voucher back."""
    both, card = Owed(100, {"card": 100, "voucher": 100}), Owed(100, {"card": 100})
    for order in itertools.permutations([both, card]):
        settled = settle_refunds(order, 0, {"card": 100, "voucher": 100}, 1)
        assert paid_back(settled) == {"card": 100, "voucher": 100}
        assert settled.credits == (0, 0)


def test_three_kinds_move_along_a_chain() -> None:
    sales = [Owed(10, {"a": 10, "b": 10}), Owed(10, {"b": 10, "c": 10}), Owed(10, {"a": 10, "c": 10})]
    for order in itertools.permutations(sales):
        assert paid_back(settle_refunds(order, 0, {"a": 10, "b": 10, "c": 10}, 1)) == {"a": 10, "b": 10, "c": 10}


#    goods | coins | credit | rounding
@pytest.mark.parametrize(
    ("goods", "coins", "credit", "rounding"),
    [(132, 130, 130, -2), (133, 125, 135, 2), (1, 260, 0, -1), (0, 260, 0, 0), (260, 0, 260, 0), (300, 0, 260, 0)],
)
def test_the_difference_is_what_is_rounded(goods: int, coins: int, credit: int, rounding: int) -> None:
    offered = {"cash": coins} if coins else {}
    settled = settle_refunds([Owed(260, {"cash": 260})], goods, offered, 5)
    assert (settled.credits, settled.rounding_minor) == ((credit,), rounding)


def test_the_coins_of_several_sales_are_rounded_once() -> None:
    """Three times 33.3 would be three times 35; together they are 99."""
    owed = [Owed(33, {"cash": 40}) for _ in range(3)]
    assert quote_refunds(owed, 0, 5) == (100, {"cash": 100})
    settled = settle_refunds(owed, 0, {"cash": 100}, 5)
    assert paid_back(settled) == {"cash": 100}
    with pytest.raises(RefundMismatch) as refused:
        settle_refunds(owed, 0, {"cash": 105}, 5)
    assert refused.value.extra == {"refund_minor": 100}


def test_more_than_was_paid_in_a_kind_does_not_go_back() -> None:
    owed = [Owed(10, {"card": 100}), Owed(100, {"cash": 100})]
    with pytest.raises(RefundTooLarge, match="at most 10"):
        settle_refunds(owed, 60, {"card": 50}, 1)
    assert quote_refunds(owed, 60, 1) == (50, {"card": 10, "cash": 100})
    with pytest.raises(RefundTooLarge, match="at most 40"):
        settle_refunds([Owed(100, {"card": 60, "cash": 40})], 0, {"cash": 100}, 1)


def test_rounding_up_needs_cash_that_was_paid() -> None:
    assert quote_refunds([Owed(129, {"cash": 129})], 0, 5)[0] == 125
    assert quote_refunds([Owed(129, {"cash": 260})], 0, 5)[0] == 130


@st.composite
def exchanges(draw: st.DrawFn) -> tuple[list[Owed], int, int]:
    """Sales that were paid in up to three kinds, part of each coming back, goods, and a coin step."""
    step = draw(st.sampled_from([1, 5, 10]))
    sales = []
    for _ in range(draw(st.integers(1, 4))):
        kinds = draw(st.lists(st.sampled_from(["card", "cash", "voucher"]), min_size=1, unique=True))
        allowed = {kind: draw(st.integers(1, 300)) for kind in kinds}
        sales.append(Owed(draw(st.integers(0, sum(allowed.values()))), allowed))
    return sales, draw(st.integers(0, 800)), step


def spread_somehow(data: st.DataObject, sales: list[Owed], left: int) -> dict[str, int]:
    """Refunds that some till could give: taken sale by sale, other kinds before the coins."""
    offered: dict[str, int] = {}
    for each in sales:
        room = min(each.owed_minor, left)
        for kind, most in each.allowed.items():
            part = min(data.draw(st.integers(0, most)) if kind != "cash" else 0, room)
            if part:
                offered[kind] = offered.get(kind, 0) + part
                room -= part
                left -= part
    return offered


@given(exchanges(), st.data())
def test_what_goes_back_and_what_pays_is_what_was_owed(case: tuple[list[Owed], int, int], data: st.DataObject) -> None:
    sales, goods, step = case
    owed = sum(each.owed_minor for each in sales)
    back = max(owed - goods, 0)
    offered: Mapping[str, int] = spread_somehow(data, sales, back)
    left = back - sum(offered.values())
    coins = round_cash(left, step)
    outcomes = []
    for order in itertools.islice(itertools.permutations(sales), 6):
        try:
            outcomes.append(settle_refunds(order, goods, {**offered, **({"cash": coins} if coins else {})}, step))
        except (RefundTooLarge, RefundMismatch) as refused:
            outcomes.append(type(refused))
    if any(isinstance(outcome, type) for outcome in outcomes):
        assert len(set(map(str, outcomes))) == 1, "whether it can be given back depends on the order"
        return
    for order, settled in zip(itertools.permutations(sales), outcomes, strict=False):
        assert isinstance(settled, Settled)
        for each, given_back, credit in zip(order, settled.given, settled.credits, strict=True):
            assert all(0 <= amount <= each.allowed.get(kind, 0) for kind, amount in given_back.items()), "I9"
            assert sum(given_back.values()) + credit <= sum(each.allowed.values()), "what pays was paid before"
        assert paid_back(settled).get("cash", 0) == coins
        beyond = sum(paid_back(settled).values()) + sum(settled.credits) - owed
        if goods and back:
            assert sum(settled.credits) == goods + settled.rounding_minor
            assert 2 * abs(settled.rounding_minor) <= step
            assert beyond == 0 or (0 < 2 * beyond <= step and not any(settled.credits))
        elif back:
            assert (settled.rounding_minor, any(settled.credits)) == (0, False)
            assert 2 * abs(beyond) <= step
        else:
            assert (settled.rounding_minor, beyond) == (0, 0)


@given(exchanges())
def test_the_quote_is_what_can_be_given_back(case: tuple[list[Owed], int, int]) -> None:
    sales, goods, step = case
    refund, allowed = quote_refunds(sales, goods, step)
    assert abs(refund - max(sum(each.owed_minor for each in sales) - goods, 0)) < step
    for kind, most in allowed.items():
        if most >= refund and refund and (kind != "cash" or set(allowed) == {"cash"}):
            settled = settle_refunds(sales, goods, {kind: refund}, step)
            assert paid_back(settled) == {kind: refund}
