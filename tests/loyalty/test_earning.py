"""Points for money, and what a return takes back."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.basket import BasketLine, price
from loyalty.earning import Basis, Earned, EarnRule, EligibleLine, claw_back, earn, eligible_lines
from loyalty.rounding import Rounding
from loyalty.tax import TaxMode, TaxRounding, TaxRules

quick = settings(max_examples=200, derandomize=True, deadline=None)
A_POINT_PER_100 = EarnRule("base", 3, points=1, per_minor=100, basis="gross")
rates = st.builds(EarnRule, st.just("base"), st.just(1), st.integers(0, 50), st.integers(1, 1000), st.just("gross"))
amounts = st.lists(st.integers(-5000, 10**7), max_size=10)


def lines_of(given_amounts: list[int]) -> list[EligibleLine]:
    return [EligibleLine(number, amount) for number, amount in enumerate(given_amounts, start=1)]


@pytest.mark.parametrize(
    ("given_amounts", "points", "by_line"),
    [
        ([198, 160, 90], 4, ((1, 2), (2, 1), (3, 1))),
        ([50, 50], 1, ((1, 1), (2, 0))),
        ([99], 0, ((1, 0),)),
        ([100], 1, ((1, 1),)),
        ([300, 0, -200], 3, ((1, 3), (2, 0), (3, 0))),
        ([-200], 0, ((1, 0),)),
        ([], 0, ()),
    ],
)
def test_the_worked_table_of_earning_holds(
    given_amounts: list[int], points: int, by_line: tuple[tuple[int, int], ...]
) -> None:
    assert earn(lines_of(given_amounts), A_POINT_PER_100) == Earned(points, by_line, "base", 3)


def test_ties_go_to_the_lower_line_number_whatever_order_the_lines_come_in() -> None:
    lines = [EligibleLine(9, 50), EligibleLine(2, 50)]
    assert earn(lines, A_POINT_PER_100).by_line == ((2, 1), (9, 0))


@quick
@given(amounts, rates)
def test_the_lines_bring_exactly_the_points_of_the_basket(given_amounts: list[int], rule: EarnRule) -> None:
    earned = earn(lines_of(given_amounts), rule)
    paid = sum(amount for amount in given_amounts if amount > 0)
    assert earned.points * rule.per_minor <= paid * rule.points < (earned.points + 1) * rule.per_minor
    assert sum(points for _, points in earned.by_line) == earned.points
    for (_, points), amount in zip(earned.by_line, given_amounts, strict=True):
        assert points >= 0
        assert amount > 0 or points == 0


@pytest.mark.parametrize(
    ("mode", "basis", "expected"),
    [
        (TaxMode.INCLUDED, "gross", [123, 110]),
        (TaxMode.INCLUDED, "net", [100, 100]),
        (TaxMode.ADDED, "gross", [151, 121]),
        (TaxMode.ADDED, "net", [123, 110]),
    ],
)
def test_the_basis_says_whether_the_tax_earns_points(mode: TaxMode, basis: Basis, expected: list[int]) -> None:
    lines = [
        BasketLine(line=1, sku="a", quantity_milli=1000, unit_price_minor=123, tax_rate="23"),
        BasketLine(line=2, sku="bag", quantity_milli=1000, unit_price_minor=50, tax_rate="23", points_eligible=False),
        BasketLine(line=3, sku="b", quantity_milli=1000, unit_price_minor=110, tax_rate="10"),
    ]
    priced = price(lines, TaxRules(mode, TaxRounding.LINE, Rounding.HALF_UP))
    found = eligible_lines(lines, priced, mode, basis)
    assert [(line.line, line.amount_minor) for line in found] == list(zip([1, 3], expected, strict=True))


@pytest.mark.parametrize(("points", "per_minor"), [(-1, 100), (1, 0), (1, -5)])
def test_a_rule_below_zero_or_per_nothing_does_not_exist(points: int, per_minor: int) -> None:
    with pytest.raises(ValueError, match="a rule gives"):
        EarnRule("base", 1, points, per_minor, "net")
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(
            {"id": "base", "version": 1, "points": points, "per_minor": per_minor, "basis": "net"}, EarnRule
        )


@pytest.mark.parametrize(("returned", "clawed"), [(0, 0), (98, 0), (99, 1), (150, 1), (197, 1), (198, 2)])
def test_the_worked_table_of_clawing_back_holds(returned: int, clawed: int) -> None:
    assert claw_back(2, 198, returned) == clawed


@quick
@given(st.integers(0, 10**6), st.lists(st.integers(1, 10**6), min_size=1, max_size=10))
def test_any_split_of_a_full_return_claws_back_what_the_line_earned(points: int, pieces: list[int]) -> None:
    amount, returned, clawed = sum(pieces), 0, 0
    for piece in pieces:
        returned += piece
        now = claw_back(points, amount, returned)
        assert clawed <= now <= points
        clawed = now
    assert clawed == points


@pytest.mark.parametrize("amount", [0, -100])
def test_a_line_that_earned_nothing_has_nothing_to_give_back(amount: int) -> None:
    assert claw_back(0, amount, amount) == 0


@pytest.mark.parametrize(("points", "amount", "returned"), [(2, 198, 199), (2, 198, -1), (-1, 198, 1), (5, 0, 0)])
def test_clawing_back_more_than_was_bought_is_an_error(points: int, amount: int, returned: int) -> None:
    with pytest.raises(ValueError, match=r"returned part|less than nothing"):
        claw_back(points, amount, returned)
