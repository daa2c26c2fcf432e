"""Splits neither lose nor make a unit, and a currency knows its digits."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.money import UnknownCurrency, allocate, allocate_shares, currency_exponent

quick = settings(max_examples=200, derandomize=True, deadline=None)
amounts = st.integers(-(10**12), 10**12)
weights = st.lists(st.integers(0, 10**9), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("currency", "exponent"),
    [("JPY", 0), ("KRW", 0), ("PLN", 2), ("EUR", 2), ("USD", 2), ("HUF", 2), ("BHD", 3), ("KWD", 3), ("TND", 3)],
)
def test_a_currency_has_the_digits_people_pay_in(currency: str, exponent: int) -> None:
    # Pinned on purpose: a table that changed under a running store would move every price by a factor of ten.
    assert currency_exponent(currency) == exponent


@pytest.mark.parametrize("currency", ["", "eur", "ZZZ", "EURO", "€"])
def test_an_unknown_currency_is_refused_and_not_guessed_to_have_two_digits(currency: str) -> None:
    with pytest.raises(UnknownCurrency):
        currency_exponent(currency)


@pytest.mark.parametrize(
    ("total", "given_weights", "parts"),
    [
        (100, [1, 1, 1], (34, 33, 33)),
        (10, [3, 3, 1], (4, 4, 2)),
        (5, [1, 1], (3, 2)),
        (-5, [1, 1], (-3, -2)),
        (1, [0, 5, 5], (0, 1, 0)),
        (2, [0, 5, 5], (0, 1, 1)),
        (0, [4, 4], (0, 0)),
        (7, [9], (7,)),
        (7, [0, 0], (7, 0)),
        (-7, [0, 0, 0], (-7, 0, 0)),
    ],
)
def test_the_worked_table_of_allocate_holds(total: int, given_weights: list[int], parts: tuple[int, ...]) -> None:
    assert allocate(total, given_weights) == parts


@pytest.mark.parametrize("given_weights", [[], [-1], [3, -1, 2]])
def test_allocating_to_nobody_or_by_a_negative_weight_is_an_error(given_weights: list[int]) -> None:
    with pytest.raises(ValueError, match=r"nothing to allocate|negative"):
        allocate(10, given_weights)


@quick
@given(amounts, weights)
def test_parts_sum_to_the_total_and_lie_beside_their_exact_share(total: int, given_weights: list[int]) -> None:
    parts = allocate(total, given_weights)
    whole = sum(given_weights)
    assert sum(parts) == total
    assert len(parts) == len(given_weights)
    if whole:
        for part, weight in zip(parts, given_weights, strict=True):
            assert abs(part * whole - total * weight) < whole


@quick
@given(amounts, weights)
def test_a_negative_total_is_split_as_the_mirror_image(total: int, given_weights: list[int]) -> None:
    assert allocate(-total, given_weights) == tuple(-part for part in allocate(total, given_weights))


@quick
@given(st.integers(0, 10**6), weights)
def test_a_heavier_weight_never_gets_less_and_an_equal_one_at_most_one_less_later(
    total: int, given_weights: list[int]
) -> None:
    parts = allocate(total, given_weights)
    if not sum(given_weights):
        return
    for first in range(len(parts)):
        for second in range(len(parts)):
            if given_weights[first] > given_weights[second]:
                assert parts[first] >= parts[second]
            elif given_weights[first] == given_weights[second] and first < second:
                assert 0 <= parts[first] - parts[second] <= 1


@quick
@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=10), st.integers(1, 10**4), st.booleans())
def test_exact_shares_of_any_sign_become_whole_beside_themselves(
    numerators: list[int], denominator: int, upwards: bool
) -> None:
    exact = sum(numerators)
    total = -(-exact // denominator) if upwards else exact // denominator
    parts = allocate_shares(total, numerators, denominator)
    assert sum(parts) == total
    assert all(abs(part * denominator - value) < denominator for part, value in zip(parts, numerators, strict=True))
    mirrored = allocate_shares(-total, [-value for value in numerators], denominator)
    assert mirrored == tuple(-part for part in parts)


@pytest.mark.parametrize(("total", "numerators"), [(5, [10, 10]), (0, [20, 20]), (3, [10, 10]), (1, [])])
def test_a_total_that_is_not_the_rounded_sum_is_an_error(total: int, numerators: list[int]) -> None:
    with pytest.raises(ValueError, match="rounded sum"):
        allocate_shares(total, numerators, 10)
