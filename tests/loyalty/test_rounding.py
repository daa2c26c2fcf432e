"""Every rounding by its name, in both signs."""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.rounding import Rounding, round_cash, round_ratio

quick = settings(max_examples=200, derandomize=True, deadline=None)
methods = st.sampled_from(Rounding)
IN_THE_TABLE = (Rounding.HALF_UP, Rounding.DOWN, Rounding.UP, Rounding.HALF_EVEN)
IN_DECIMAL = dict(zip(IN_THE_TABLE, (ROUND_HALF_UP, ROUND_DOWN, ROUND_UP, ROUND_HALF_EVEN), strict=True))


@pytest.mark.parametrize(
    ("tenths", "expected"),
    [
        (20, (2, 2, 2, 2)),
        (24, (2, 2, 3, 2)),
        (25, (3, 2, 3, 2)),
        (35, (4, 3, 4, 4)),
        (26, (3, 2, 3, 3)),
        (-24, (-2, -2, -3, -2)),
        (-25, (-3, -2, -3, -2)),
        (-26, (-3, -2, -3, -3)),
        (0, (0, 0, 0, 0)),
    ],
)
def test_the_worked_table_of_round_ratio_holds(tenths: int, expected: tuple[int, ...]) -> None:
    assert tuple(round_ratio(tenths, 10, method) for method in IN_THE_TABLE) == expected


@quick
@given(st.integers(-(10**15), 10**15), st.sampled_from([1, 2, 4, 5, 8, 10, 1000, 125000]), methods)
def test_rounding_agrees_with_the_decimal_module(numerator: int, denominator: int, method: Rounding) -> None:
    exact = Decimal(numerator) / Decimal(denominator)  # these denominators divide a power of ten: nothing is cut
    assert round_ratio(numerator, denominator, method) == int(exact.quantize(Decimal(1), rounding=IN_DECIMAL[method]))


@quick
@given(st.integers(-(10**15), 10**15), st.integers(1, 10**6), methods)
def test_rounding_mirrors_in_sign_and_stays_within_one(numerator: int, denominator: int, method: Rounding) -> None:
    rounded = round_ratio(numerator, denominator, method)
    assert round_ratio(-numerator, denominator, method) == -rounded
    assert abs(rounded * denominator - numerator) < denominator


@pytest.mark.parametrize("denominator", [0, -1])
def test_a_denominator_that_is_not_positive_is_an_error(denominator: int) -> None:
    with pytest.raises(ValueError, match="denominator"):
        round_ratio(1, denominator, Rounding.DOWN)


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (1742, (1742, 1740, 1740)),
        (1743, (1743, 1745, 1740)),
        (1745, (1745, 1745, 1750)),
        (1748, (1748, 1750, 1750)),
        (-1743, (-1743, -1745, -1740)),
        (-1745, (-1745, -1745, -1750)),
        (2, (2, 0, 0)),
        (0, (0, 0, 0)),
    ],
)
def test_the_worked_table_of_round_cash_holds(amount: int, expected: tuple[int, ...]) -> None:
    assert tuple(round_cash(amount, step) for step in (1, 5, 10)) == expected


@quick
@given(st.integers(-(10**12), 10**12), st.sampled_from([1, 5, 10, 50, 100, 1000]))
def test_cash_is_payable_near_and_mirrored(amount: int, step: int) -> None:
    payable = round_cash(amount, step)
    assert payable % step == 0
    assert 2 * abs(payable - amount) <= step
    assert round_cash(-amount, step) == -payable
    assert round_cash(payable, step) == payable


@pytest.mark.parametrize("step", [0, -5])
def test_a_cash_step_below_one_is_an_error(step: int) -> None:
    with pytest.raises(ValueError, match="step"):
        round_cash(100, step)
