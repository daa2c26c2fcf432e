"""Paying: what is due after cash rounding, what change comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.sales.tender import Overpaid, Settlement, TenderNotAccepted, Underpaid, settle

ACCEPTED = frozenset({"cash", "card", "voucher"})
Tenders = list[tuple[str, int]]

#    total | step | tenders | rounding | due | paid | change
SETTLED: list[tuple[int, int, Tenders, Settlement]] = [
    (258, 1, [("cash", 300)], Settlement(0, 258, 300, 42)),
    (258, 1, [("cash", 258)], Settlement(0, 258, 258, 0)),
    (258, 5, [("cash", 300)], Settlement(2, 260, 300, 40)),
    (257, 5, [("cash", 255)], Settlement(-2, 255, 255, 0)),
    (255, 10, [("cash", 260)], Settlement(5, 260, 260, 0)),
    (258, 5, [("card", 258)], Settlement(0, 258, 258, 0)),
    (258, 5, [("card", 200), ("cash", 60)], Settlement(2, 260, 260, 0)),
    (258, 5, [("cash", 20), ("card", 200), ("cash", 50)], Settlement(2, 260, 270, 10)),
    (258, 1, [("card", 100), ("voucher", 100), ("cash", 100)], Settlement(0, 258, 300, 42)),
    (258, 1, [("card", 258), ("cash", 500)], Settlement(0, 258, 758, 500)),
    (2, 5, [("cash", 5)], Settlement(-2, 0, 5, 5)),
    (0, 1, [], Settlement(0, 0, 0, 0)),
    (2, 5, [], Settlement(-2, 0, 0, 0)),
    (0, 5, [("cash", 100)], Settlement(0, 0, 100, 100)),
]


@pytest.mark.parametrize(("total", "step", "tenders", "settled"), SETTLED)
def test_tenders_settle_a_total_as_the_table_says(total: int, step: int, tenders: Tenders, settled: Settlement) -> None:
    assert settle(total, tenders, step, ACCEPTED) == settled


@pytest.mark.parametrize(
    ("total", "step", "tenders", "problem", "extra"),
    [
        (258, 1, [], Underpaid, {"due_minor": 258, "missing_minor": 258}),
        (258, 1, [("cash", 257)], Underpaid, {"due_minor": 258, "missing_minor": 1}),
        (258, 5, [("cash", 255)], Underpaid, {"due_minor": 260, "missing_minor": 5}),
        (258, 5, [("card", 257)], Underpaid, {"due_minor": 258, "missing_minor": 1}),
        (258, 1, [("card", 259)], Overpaid, {"due_minor": 258}),
        (258, 1, [("card", 200), ("voucher", 59)], Overpaid, {"due_minor": 258}),
        (0, 1, [("card", 1)], Overpaid, {"due_minor": 0}),
        (3, 5, [], Underpaid, {"due_minor": 5, "missing_minor": 5}),
        (258, 5, [("card", 200), ("cash", 55)], Underpaid, {"due_minor": 260, "missing_minor": 5}),
        (202, 5, [("card", 200)], Underpaid, {"due_minor": 202, "missing_minor": 2}),
    ],
)
def test_what_does_not_settle_is_refused_with_the_amount(
    total: int, step: int, tenders: Tenders, problem: type[Underpaid | Overpaid], extra: dict[str, int]
) -> None:
    with pytest.raises(problem) as refused:
        settle(total, tenders, step, ACCEPTED)
    assert refused.value.extra == extra
    assert refused.value.pointer == "/tenders"


def test_a_kind_the_store_does_not_take_is_refused_where_it_stands() -> None:
    with pytest.raises(TenderNotAccepted) as refused:
        settle(258, [("cash", 200), ("points", 58)], 1, ACCEPTED)
    assert refused.value.pointer == "/tenders/1/kind"


def test_the_credit_of_an_exchange_is_no_kind_that_a_till_may_send() -> None:
    with pytest.raises(TenderNotAccepted):
        settle(258, [("exchange", 258)], 1, ACCEPTED)


@given(
    total=st.integers(0, 100_000),
    step=st.sampled_from([1, 5, 10, 50, 100]),
    card=st.integers(0, 100_000),
    extra=st.integers(0, 10_000),
)
def test_whatever_settles_adds_up_and_change_comes_from_cash(total: int, step: int, card: int, extra: int) -> None:
    card = min(card, total)
    left = total - card
    cash = left + extra + step
    tenders = ([("card", card)] if card else []) + [("cash", cash)]
    settled = settle(total, tenders, step, ACCEPTED)
    assert settled.due_minor == total + settled.rounding_minor
    assert settled.paid_minor - settled.change_minor == settled.due_minor
    assert 2 * abs(settled.rounding_minor) <= step
    assert (settled.due_minor - card) % step == 0
    assert 0 <= settled.change_minor <= cash
    assert cash - settled.change_minor + card == settled.due_minor
