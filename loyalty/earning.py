"""pure: points for money, and the points that go when goods come back.

The whole basket earns floor(eligible x points / per_minor); largest remainder then says how many of them each line
brought, so that a return knows what to take back. 1 point for every 100 yen, three lines:

    line | eligible | exact | earned | returned | clawed back so far
    -----|----------|-------|--------|----------|-------------------
       1 |      198 |  1.98 |      2 |  99 yen  | floor(2 x 99/198) = 1
       2 |      160 |  1.60 |      1 | 100 yen  | floor(1 x 100/160) = 0
       3 |       90 |  0.90 |      1 |  90 yen  | all of 1
     sum |      448 |  4.48 |      4 |

    >>> rule = EarnRule("base", 1, points=1, per_minor=100, basis="gross")
    >>> earn([EligibleLine(1, 198), EligibleLine(2, 160), EligibleLine(3, 90)], rule).by_line
    ((1, 2), (2, 1), (3, 1))
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from loyalty.basket import BasketLine, PricedBasket
from loyalty.money import allocate
from loyalty.return_shares import cumulative_share
from loyalty.tax import TaxMode

Basis = Literal["net", "gross"]


class EarnRule(msgspec.Struct, frozen=True):
    """`points` for every `per_minor` minor units spent, pro rata. A version never changes; a change is a new version.

    `basis` says which money counts: `net` is the price without tax, `gross` what the shopper pays.
    """

    id: str
    version: int
    points: int
    per_minor: int
    basis: Basis

    def __post_init__(self) -> None:
        """Raises ValueError for a rate below zero or per nothing."""
        if self.points < 0 or self.per_minor < 1:
            raise ValueError("a rule gives 0 or more points for 1 or more minor units")


class EligibleLine(msgspec.Struct, frozen=True):
    """A line of the sale with the money on it that may earn points, after every discount."""

    line: int
    amount_minor: int


class Earned(msgspec.Struct, frozen=True):
    """The points of one sale and the rule that gave them. `by_line`: (line, points) of every eligible line, by line."""

    points: int
    by_line: tuple[tuple[int, int], ...]
    rule: str
    version: int


def eligible_lines(
    lines: Sequence[BasketLine], priced: PricedBasket, mode: TaxMode, basis: Basis
) -> tuple[EligibleLine, ...]:
    """The money that may earn on every eligible line of `priced`, the price of `lines` under `mode`.

    mode     | basis gross      | basis net
    ---------|------------------|----------
    included | net_minor        | net_minor - tax_minor
    added    | net_minor + tax  | net_minor
    """
    tax_sign = (1 if basis == "gross" else 0) - (1 if mode is TaxMode.INCLUDED else 0)
    return tuple(
        [
            EligibleLine(after.line, after.net_minor + tax_sign * after.tax_minor)
            for before, after in zip(lines, priced.lines, strict=True)
            if before.points_eligible
        ]
    )


def earn(lines: Sequence[EligibleLine], rule: EarnRule) -> Earned:
    """The points `lines` earn under `rule`: floor over the basket, split by largest remainder, ties by line number.

    A line worth nothing or less earns nothing and takes nothing from the others. Rounding down once per basket, not per
    line, is what the shopper can check on the receipt. The module's docstring has a worked table.
    """
    amounts_by_line = sorted([(line.line, max(0, line.amount_minor)) for line in lines])
    amounts = [amount for _, amount in amounts_by_line]
    points = sum(amounts) * rule.points // rule.per_minor
    shares = allocate(points, amounts) if amounts else ()
    by_line = tuple([(line, share) for (line, _), share in zip(amounts_by_line, shares, strict=True)])
    return Earned(points, by_line, rule.id, rule.version)


def claw_back(points_of_line: int, amount_of_line_minor: int, returned_minor: int) -> int:
    """The points a line has lost once `returned_minor` of its eligible amount came back, all returns together.

    floor(points x returned / amount), and all of them when everything is back; post the difference to what was clawed
    before. It depends on the returned sum only, not on how the return was split (I14), and never exceeds what the line
    earned (I7).

        earned | amount | returned so far: 0 | 99 | 100 | 150 | 198
        -------|--------|--------------------|----|-----|-----|----
             2 |    198 |                  0 |  1 |   1 |   1 |   2

    Raises ValueError for negative points or a return outside 0..amount.
    """
    if points_of_line < 0:
        raise ValueError("a line never earns less than nothing")
    if points_of_line == 0:
        return 0  # also the line that was free: nothing earned, nothing to divide by
    return cumulative_share(points_of_line, returned_minor, amount_of_line_minor)
