"""pure: money as integer minor units, and the one way to split a whole number without losing or making any.

An amount is an `int` named `_minor`: grosz, cent, yen, fils. How many digits of it stand after the point is the
currency's exponent. A split hands every part one of the two whole numbers next to its exact share and gives the units
that are left to the parts which lost most by cutting (the largest-remainder method of Hamilton), so the parts add up.

    >>> allocate(100, [1, 1, 1])
    (34, 33, 33)
    >>> currency_exponent("PLN"), currency_exponent("JPY"), currency_exponent("KWD")
    (2, 0, 3)
"""

from collections.abc import Sequence
from functools import lru_cache

from babel.numbers import get_currency_precision, is_currency

from loyalty.errors import InvalidInput

AMOUNT_LIMIT_MINOR = 10**12
"""No amount, sum or quantity may be further from zero; the sums of a busy year still fit SQLite's 64 bits."""


class UnknownCurrency(InvalidInput):
    """There is no currency with this code."""

    code, hint = "unknown_currency", "Use the three capital letters of ISO 4217, such as EUR, JPY, KRW or PLN."


class AmountTooLarge(InvalidInput):
    """The amount is too large to be right."""

    code, hint = "amount_too_large", "Check quantity and price: a barcode may have been scanned into the wrong field."


@lru_cache(maxsize=64)
def currency_exponent(currency: str) -> int:
    """How many decimal digits a minor unit of `currency` (ISO 4217 code) is away from the unit: 0 for JPY, 2 for PLN.

    The source is Unicode CLDR as Babel carries it. Where CLDR and ISO 4217 differ (IQD, LBP and others whose small
    coins are gone) CLDR says what people pay in. A store freezes its exponent with its currency when it is set up.

    Raises UnknownCurrency.
    """
    if not is_currency(currency):
        raise UnknownCurrency(f"{currency[:8]!r} is not a currency code.")
    return get_currency_precision(currency)


def allocate(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Split `total` over `weights` (each >= 0): same order, same length, and the parts sum to `total` exactly.

    Ties go to the lower index. A negative total is the mirror image of the positive one, so taking a split back leaves
    nothing. Weights that are all zero say nothing about shares: everything goes to the first part.

        total | weights   | exact shares        | parts
        ------|-----------|---------------------|-----------
          100 | 1 1 1     | 33.3  33.3  33.3    | 34 33 33
           10 | 3 3 1     |  4.29  4.29  1.43   |  4  4  2
            5 | 1 1       |  2.5   2.5          |  3  2
           -5 | 1 1       | -2.5  -2.5          | -3 -2
            1 | 0 5 5     |  0     0.5   0.5    |  0  1  0
            7 | 0 0       | undefined           |  7  0

    Raises ValueError for no weights at all or a negative one.
    """
    if not weights:
        raise ValueError("nothing to allocate to")
    if min(weights) < 0:
        raise ValueError("a weight is negative")
    whole = sum(weights)
    if whole == 0:
        return (total, *(0 for _ in weights[1:]))
    return allocate_shares(total, [total * weight for weight in weights], whole)


def allocate_shares(total: int, numerators: Sequence[int], denominator: int) -> tuple[int, ...]:
    """Make the exact shares `numerators[i] / denominator` whole so that they sum to `total`.

    `total` is the sum of the exact shares, rounded by whatever rule the caller follows. Shares may differ in sign, as
    in an exchange. Every part is one of the two whole numbers around its share, a whole share is never touched, and
    negating everything negates the answer. The units left over go to the largest remainders, ties to the lower index.

        >>> allocate_shares(3, [15, 10, 5], 10)
        (2, 1, 0)
        >>> allocate_shares(2, [187, -13], 100)
        (2, 0)

    Raises ValueError when no such parts exist, that is when `total` is not the rounded sum.
    """
    parts = [value // denominator if value >= 0 else -(-value // denominator) for value in numerators]
    left = total - sum(parts)
    if left == 0:
        return tuple(parts)
    step = 1 if left > 0 else -1
    wanting = [(value - part * denominator) * step for value, part in zip(numerators, parts, strict=True)]
    order = sorted(range(len(parts)), key=wanting.__getitem__, reverse=True)  # stable in reverse too: ties by index
    chosen = order[: left * step]
    if len(chosen) < left * step or wanting[chosen[-1]] <= 0:
        raise ValueError("the total is not the rounded sum of the shares")
    for index in chosen:
        parts[index] += step
    return tuple(parts)
