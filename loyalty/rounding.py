"""pure: every rounding the shop knows, by name. All of them mirror in sign: a refund rounds as the sale did.

>>> round_ratio(5, 2, Rounding.HALF_UP), round_ratio(-5, 2, Rounding.HALF_UP)
(3, -3)
>>> round_cash(1742, 5)
1740
"""

import enum


class Rounding(enum.StrEnum):
    """How an exact fraction becomes a whole number of minor units. The names are what config and facts store."""

    HALF_UP = "half_up"
    DOWN = "down"
    UP = "up"
    HALF_EVEN = "half_even"


def round_ratio(numerator: int, denominator: int, method: Rounding) -> int:
    """`numerator / denominator` (denominator > 0) as a whole number.

    half_up goes to the nearest and at exactly half away from zero, down towards zero, up away from zero, half_even to
    the nearest and at exactly half to the even neighbour.

        exact | half_up | down | up | half_even
        ------|---------|------|----|----------
          2.0 |       2 |    2 |  2 |         2
          2.4 |       2 |    2 |  3 |         2
          2.5 |       3 |    2 |  3 |         2
          3.5 |       4 |    3 |  4 |         4
          2.6 |       3 |    2 |  3 |         3
         -2.4 |      -2 |   -2 | -3 |        -2
         -2.5 |      -3 |   -2 | -3 |        -2
         -2.6 |      -3 |   -2 | -3 |        -3

    Raises ValueError when the denominator is not positive.
    """
    if denominator <= 0:
        raise ValueError("a denominator is positive")
    size = numerator if numerator >= 0 else -numerator
    if method is Rounding.HALF_UP:
        rounded = (2 * size + denominator) // (2 * denominator)
    elif method is Rounding.DOWN:
        rounded = size // denominator
    elif method is Rounding.UP:
        rounded = -(-size // denominator)
    else:
        rounded, rest = divmod(size, denominator)
        if 2 * rest > denominator or (2 * rest == denominator and rounded % 2):
            rounded += 1
    return rounded if numerator >= 0 else -rounded


def round_cash(amount_minor: int, step_minor: int) -> int:
    """What can be paid in coins whose smallest is `step_minor` (>= 1): the nearest step, half away from zero.

    Only what is paid in cash is rounded; tax is computed before and stays as it is. Step 1 changes nothing.

        amount | step 1 | step 5 | step 10
        -------|--------|--------|--------
          1742 |   1742 |   1740 |    1740
          1743 |   1743 |   1745 |    1740
          1745 |   1745 |   1745 |    1750
          1748 |   1748 |   1750 |    1750
         -1743 |  -1743 |  -1745 |   -1740
         -1745 |  -1745 |  -1745 |   -1750

    Raises ValueError when the step is not positive.
    """
    if step_minor < 1:
        raise ValueError("a cash step is at least 1")
    return round_ratio(amount_minor, step_minor, Rounding.HALF_UP) * step_minor
