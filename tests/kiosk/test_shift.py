"""What a drawer should hold, and a count made without knowing it."""

from uuid import UUID

import pytest

from kiosk.shifts.shift import CashNotCounted, MovementLine, ShiftTotals, count_shift, expected_by_kind
from sync.facts.shifts import TenderCount


def moved(kind: str, amount_minor: int) -> MovementLine:
    return MovementLine(id=UUID(int=1), kind=kind, amount_minor=amount_minor, reason="change", at="")


EXPECTED = [
    (10_000, ShiftTotals(), {"cash": 10_000}),
    (0, ShiftTotals(), {"cash": 0}),
    (10_000, ShiftTotals(taken={"cash": 2_580, "card": 700}), {"cash": 12_580, "card": 700}),
    (
        10_000,
        ShiftTotals(taken={"cash": 2_580, "card": 700}, given_back={"cash": 580, "card": 700}),
        {"cash": 12_000, "card": 0},
    ),
    (0, ShiftTotals(given_back={"cash": 300}), {"cash": -300}),
    (
        10_000,
        ShiftTotals(movements=(moved("pay_in", 5_000), moved("pay_out", 1_500), moved("drop", 8_000))),
        {"cash": 5_500},
    ),
    (0, ShiftTotals(taken={"exchange": 900, "cash": 100}, given_back={"exchange": 900}), {"cash": 100}),
]


@pytest.mark.parametrize(("float_minor", "totals", "expected"), EXPECTED)
def test_each_kind_holds_what_came_in_less_what_went_out(
    float_minor: int, totals: ShiftTotals, expected: dict[str, int]
) -> None:
    assert expected_by_kind(float_minor, totals) == expected


def test_a_count_names_the_difference_of_each_kind() -> None:
    assert count_shift({"cash": 12_000, "card": 700}, {"cash": 11_950, "card": 700, "voucher": 500}) == (
        TenderCount("card", 700, 700, 0),
        TenderCount("cash", 12_000, 11_950, -50),
        TenderCount("voucher", 0, 500, 500),
    )


def test_cash_that_nobody_counted_is_refused() -> None:
    with pytest.raises(CashNotCounted) as refused:
        count_shift({"cash": 12_000}, {"card": 0})
    assert refused.value.pointer == "/counted/cash"


def test_an_empty_drawer_is_counted_like_any_other() -> None:
    """Asking only when there should be something would tell whether there should."""
    with pytest.raises(CashNotCounted):
        count_shift({"cash": 0}, {})
    assert count_shift({"cash": 0}, {"cash": 0}) == (TenderCount("cash", 0, 0, 0),)
