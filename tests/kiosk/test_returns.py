"""Taking goods back: any way of splitting a return ends where one full return ends, never above what was paid."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.catalogue.quantities import WholePiecesOnly
from kiosk.sales.refunds import Owed, quote_refunds, refunds_of, round_refund, settle_refunds
from kiosk.sales.returns import (
    NothingLeftToReturn,
    RefundMismatch,
    RefundTooLarge,
    ReturnValue,
    SoldLineState,
    SoldState,
    UnknownSaleLine,
    count_elsewhere,
    spend_credit,
    value_return,
)
from loyalty.rounding import round_cash
from sync.facts.returns import Refunded
from sync.protocol.sale_states import ReturnedElsewhere


def line(number: int, amount_minor: int, quantity_milli: int = 1000, **more: Any) -> SoldLineState:  # noqa: ANN401
    """A line as sold: the amount is what was paid for it, tax included."""
    fields = {
        "unit": "kg",
        "net_minor": amount_minor,
        "tax_rate": "23",
        "tax_minor": amount_minor * 23 // 123,
        "returned_milli": 0,
    }
    return SoldLineState(
        line=number,
        sku=f"sku-{number}",
        name=f"Product {number}",
        quantity_milli=quantity_milli,
        amount_minor=amount_minor,
        points=0,
        **(fields | more),
    )


def sale(*lines: SoldLineState, kept: dict[str, int], refunded: dict[str, int] | None = None) -> SoldState:
    """A sale of these lines; what was due is what was kept."""
    return SoldState(
        sale=UUID(int=1),
        number="S001-T01-000001",
        member=UUID(int=2),
        due_minor=sum(kept.values()),
        tax_added=False,
        lines=lines,
        kept=kept,
        refunded=refunded or {},
    )


def give_back(sold: SoldState, owed_minor: int, offered: dict[str, int], step: int) -> tuple[Refunded, ...]:
    """What goes back when nothing new is taken."""
    return refunds_of(settle_refunds([Owed(owed_minor, sold.allowed())], 0, offered, step).given[0])


def after(sold: SoldState, value: ReturnValue, refunds: Sequence[Refunded]) -> SoldState:
    """The sale as the next return finds it."""
    back = {returned.line: returned.quantity_milli for returned in value.lines}
    refunded = dict(sold.refunded)
    for refund in refunds:
        refunded[refund.settles] = refunded.get(refund.settles, 0) + refund.amount_minor
    lines = tuple(
        msgspec.structs.replace(each, returned_milli=each.returned_milli + back.get(each.line, 0))
        for each in sold.lines
    )
    return msgspec.structs.replace(sold, lines=lines, refunded=refunded)


def test_the_worked_table_of_the_module() -> None:
    sold = sale(line(1, 351), line(2, 351), kept={"cash": 700})
    first = value_return(sold, [(1, 1000)])
    assert (first.value_minor, first.owed_minor) == (350, 350)
    given_back = give_back(sold, first.owed_minor, {"cash": 350}, 5)
    second = value_return(after(sold, first, given_back), [(2, 1000)])
    assert (second.value_minor, second.owed_minor) == (350, 350)


def test_three_pieces_of_a_thousand_come_back_one_by_one() -> None:
    sold = sale(line(1, 1000, 3000), kept={"cash": 1000})
    steps = []
    for _ in range(3):
        value = value_return(sold, [(1, 1000)])
        refunds = give_back(sold, value.owed_minor, {"cash": value.owed_minor}, 1)
        steps.append((value.owed_minor, value.lines[0].tax_minor))
        sold = after(sold, value, refunds)
    assert steps == [(333, 62), (333, 62), (334, 62)]
    assert sold.allowed() == {}


def test_what_the_coins_left_over_comes_with_the_next_step() -> None:
    sold = sale(line(1, 514, 4000), kept={"cash": 515})
    steps = []
    for _ in range(4):
        value = value_return(sold, [(1, 1000)])
        coins = quote_refunds([Owed(value.owed_minor, sold.allowed())], 0, 5)[0]
        steps.append((value.value_minor, value.owed_minor, coins))
        sold = after(sold, value, give_back(sold, value.owed_minor, {"cash": coins}, 5))
    assert steps == [(128, 128, 130), (129, 127, 125), (128, 130, 130), (130, 130, 130)]
    assert sold.refunded == {"cash": 515}


@pytest.mark.parametrize(
    ("asked", "problem", "pointer"),
    [
        ([(3, 1000)], UnknownSaleLine, "/lines/0/line"),
        ([(1, 1000), (9, 1000)], UnknownSaleLine, "/lines/1/line"),
        ([(1, 2001)], NothingLeftToReturn, "/lines/0/quantity_milli"),
        ([(2, 1)], NothingLeftToReturn, "/lines/0/quantity_milli"),
        ([(1, 1500), (1, 501)], NothingLeftToReturn, "/lines/1/quantity_milli"),
    ],
)
def test_more_than_was_sold_does_not_come_back(
    asked: list[tuple[int, int]], problem: type[Exception], pointer: str
) -> None:
    sold = sale(line(1, 200, 2000), line(2, 100, 1000, returned_milli=1000), kept={"cash": 300})
    with pytest.raises(problem) as refused:
        value_return(sold, asked)
    assert refused.value.pointer == pointer  # type: ignore[attr-defined]


def test_one_line_named_twice_counts_as_one_return() -> None:
    sold = sale(line(1, 1000, 3000), kept={"cash": 1000})
    split, whole = value_return(sold, [(1, 1000), (1, 1000)]), value_return(sold, [(1, 2000)])
    assert split == whole


def test_money_goes_back_only_in_kinds_that_were_paid() -> None:
    sold = sale(line(1, 1000), kept={"card": 700, "cash": 300})
    pool = {"card": 700, "cash": 300}
    assert give_back(sold, 1000, pool, 1) == (
        Refunded(kind="card", amount_minor=700, settles="card"),
        Refunded(kind="cash", amount_minor=300, settles="cash"),
    )
    for offered, problem in [
        ({"cash": 1000}, RefundTooLarge),
        ({"card": 1000}, RefundTooLarge),
        ({"voucher": 1000}, RefundTooLarge),
        ({"exchange": 1000}, RefundTooLarge),
        ({"card": 700, "cash": 299}, RefundMismatch),
        ({}, RefundMismatch),
    ]:
        with pytest.raises(problem):
            give_back(sold, 1000, dict(offered), 1)


def test_a_short_refund_is_told_the_right_amount() -> None:
    sold = sale(line(1, 1003), kept={"card": 700, "cash": 305})
    with pytest.raises(RefundMismatch) as refused:
        give_back(sold, 1003, {"card": 700, "cash": 300}, 5)
    assert refused.value.extra == {"refund_minor": 1005}


@pytest.mark.parametrize(
    ("owed", "allowed", "step", "coins"),
    [(129, 260, 5, 130), (127, 260, 5, 125), (129, 129, 5, 125), (130, 130, 5, 130), (0, 0, 5, 0), (131, 129, 5, 130)],
)
def test_coins_are_rounded_but_never_above_the_cash_that_was_paid(
    owed: int, allowed: int, step: int, coins: int
) -> None:
    assert round_refund(owed, allowed, step) == coins


def test_no_part_of_a_piece_comes_back() -> None:
    sold = sale(line(1, 500, 2000, unit="piece"), line(2, 500, 2000), kept={"cash": 1000})
    with pytest.raises(WholePiecesOnly) as refused:
        value_return(sold, [(2, 500), (1, 500)])
    assert refused.value.pointer == "/lines/1/quantity_milli"
    assert value_return(sold, [(1, 1000), (2, 500)]).value_minor == 375


def test_credit_is_taken_from_cash_first_and_remembers_each_kind() -> None:
    sold = sale(line(1, 1000), kept={"card": 700, "cash": 300})
    assert spend_credit(sold, 450) == (
        Refunded(kind="exchange", amount_minor=300, settles="cash"),
        Refunded(kind="exchange", amount_minor=150, settles="card"),
    )
    with pytest.raises(RefundTooLarge):
        spend_credit(sold, 1001)


@st.composite
def sales_and_splits(draw: st.DrawFn) -> tuple[SoldState, list[list[tuple[int, int]]], int]:
    """A sale paid in cash and card under some coin step, and its whole return cut into steps in some order."""
    step = draw(st.sampled_from([1, 5, 10, 100]))
    amounts = draw(st.lists(st.integers(0, 5_000), min_size=1, max_size=4))
    quantities = [draw(st.sampled_from([1, 2, 3, 355, 1000, 3000])) for _ in amounts]
    lines = [
        line(number, amount, quantity)
        for number, (amount, quantity) in enumerate(zip(amounts, quantities, strict=True), 1)
    ]
    total = sum(amounts)
    card = draw(st.integers(0, total))
    kept = {"cash": round_cash(total - card, step)} | ({"card": card} if card else {})
    pieces: list[tuple[int, int]] = []
    for number, quantity in enumerate(quantities, 1):
        left = quantity
        while left:
            part = draw(st.integers(1, left))
            pieces.append((number, part))
            left -= part
            if len(pieces) > 12:
                pieces.append((number, left))
                break
    pieces = draw(st.permutations([piece for piece in pieces if piece[1]]))
    cuts: list[list[tuple[int, int]]] = [[]]
    for piece in pieces:
        if cuts[-1] and draw(st.booleans()):
            cuts.append([])
        cuts[-1].append(piece)
    return sale(*lines, kept=kept), cuts, step


def offer(sold: SoldState, owed: int, step: int) -> dict[str, int]:
    """What a cashier gives back: as much as may go to the card, the rest in coins."""
    allowed = sold.allowed()
    card = min(owed, allowed.get("card", 0))
    return {"card": card, "cash": round_refund(owed - card, allowed.get("cash", 0), step)}


@given(sales_and_splits())
def test_any_split_of_a_return_ends_where_one_full_return_ends(
    given_sale: tuple[SoldState, list[list[tuple[int, int]]], int],
) -> None:
    sold, cuts, step = given_sale
    state, net, tax, value_sum = sold, 0, 0, 0
    for cut in cuts:
        value = value_return(state, cut)
        refunds = give_back(state, value.owed_minor, offer(state, value.owed_minor, step), step)
        state = after(state, value, refunds)
        value_sum += value.value_minor
        net += sum(returned.net_minor for returned in value.lines)
        tax += sum(returned.tax_minor for returned in value.lines)
        for kind, amount in state.refunded.items():
            assert amount <= sold.kept[kind], "I9: never more than was paid in a kind"
    assert state.refunded == {kind: amount for kind, amount in sold.kept.items() if kind in state.refunded}
    assert sum(state.refunded.values()) == sold.due_minor == value_sum, "I14: all of it, however it was split"
    assert net == sum(each.net_minor for each in sold.lines)
    assert tax == sum(each.tax_minor for each in sold.lines)
    assert state.allowed() == {}


@given(st.integers(1, 5_000), st.integers(2, 7), st.integers(0, 3), st.integers(0, 3), st.booleans())
def test_returns_here_and_elsewhere_end_at_what_was_paid(
    due: int, pieces: int, booked: int, pending: int, settled: bool
) -> None:
    """Other stores took `booked` pieces back, and `pending` are on their way; then the rest comes back here. What is on
    its way counts as paid for by its share, so nothing is ever paid twice; once it has arrived all adds up exactly."""
    booked, pending = min(booked, pieces), min(pending, pieces - min(booked, pieces))
    sold = sale(line(1, due, 1000 * pieces), kept={"cash": due})
    first = value_return(sold, [(1, 1000 * booked)]).owed_minor if booked else 0
    told = ReturnedElsewhere(
        returned={1: 1000 * booked} if booked else {}, refunded={"cash": first} if first else {}, pending={}
    )
    before = count_elsewhere(sold, told)
    second = value_return(before, [(1, 1000 * pending)]).owed_minor if pending else 0
    on_its_way = msgspec.structs.replace(told, pending={1: 1000 * pending} if pending else {})
    arrived = ReturnedElsewhere(
        returned={1: 1000 * (booked + pending)} if booked + pending else {},
        refunded={"cash": first + second} if first + second else {},
        pending={},
    )
    here = count_elsewhere(sold, arrived if settled else on_its_way)
    rest = pieces - booked - pending
    third = value_return(here, [(1, 1000 * rest)]).owed_minor if rest else 0
    assert first + second + third == due
    with pytest.raises(NothingLeftToReturn):
        value_return(here, [(1, 1000 * rest + 1)])


@pytest.mark.parametrize(
    ("paying", "allowed", "owed"),
    [
        ({"card": 100}, {"card": 100, "cash": 100}, 100),
        ({"cash": 100}, {"card": 200}, 100),
        ({"card": 60, "cash": 40}, {"card": 140, "cash": 60}, 100),
        ({}, {"card": 200, "cash": 100}, 100),
        ({"card": 30}, {"card": 170, "cash": 100}, 100),
        ({"cash": 101}, {"card": 200}, 99),
    ],
)
def test_what_another_store_is_paying_back_is_not_paid_here_in_the_same_kind(
    paying: dict[str, int], allowed: dict[str, int], owed: int
) -> None:
    """One of three pieces is on its way; what was not said of its value is nobody's kind, but never paid twice."""
    sold = sale(line(1, 300, 3000), kept={"card": 200, "cash": 100})
    here = count_elsewhere(sold, ReturnedElsewhere(returned={}, refunded={}, pending={1: 1000}, paying=paying))
    assert here.allowed() == allowed
    assert value_return(here, [(1, 1000)]).owed_minor == owed
    assert [(each.returned_milli, each.booked_milli) for each in here.lines] == [(1000, 0)]
