"""pure: the lowest price before a reduction, which a shop in the European Union shows beside the reduced one.

Directive 98/6/EC article 6a, added by Directive (EU) 2019/2161: an announced reduction names the prior price, the
lowest one applied during at least 30 days before it (paragraphs 1 and 2). For goods that spoil soon (3) and goods sold
for less than the 30 days (4) a country may have rules of its own; which of them apply is the shop's setting, this
computes. What a country may allow for a reduction that grows step by step (5) is not offered here.

    price history                          | reduction from | lowest before it
    ---------------------------------------|----------------|---------------------------------------------
    Jan 1: 9.99                            | Mar 10         | 9.99, in force all the time
    Jan 1: 9.99, Feb 20: 7.99, Feb 27: 9.99| Mar 10         | 7.99
    Jan 1: 7.99, Feb 1: 9.99               | Mar 10         | 9.99, 7.99 ended more than 30 days before
    Jan 1: 7.99, Feb 8 at 09:00: 9.99      | Mar 10 at 08:59| 7.99, it was still in force 30 days before
    Mar 1: 9.99                            | Mar 10         | 9.99, covering 9 days
    Mar 10: 9.99                           | Mar 10         | none: there is no prior price to compare with

    >>> history = [PriceChange(dt.datetime(2026, 1, 1), 999), PriceChange(dt.datetime(2026, 2, 20), 799),
    ...            PriceChange(dt.datetime(2026, 2, 27), 999)]
    >>> find_lowest_before(history, dt.datetime(2026, 3, 10)).price_minor
    799
"""

import datetime as dt
from collections.abc import Iterable

import msgspec

DAYS = 30


class PriceChange(msgspec.Struct, frozen=True):
    """From `at` on the product cost `price_minor`, whoever asked: prices for members only are not in the history."""

    at: dt.datetime
    price_minor: int


class LowestPrice(msgspec.Struct, frozen=True):
    """The lowest price before a reduction, and how many whole days before it are known: fewer than asked for means
    that the product was not sold for so long."""

    price_minor: int
    days: int


def find_lowest_before(
    history: Iterable[PriceChange], reduced_from: dt.datetime, *, days: int = DAYS, perishable: bool = False
) -> LowestPrice | None:
    """The lowest price in force at any time in the `days` before `reduced_from`, in any order of `history`.

    `perishable`: the price just before the reduction instead, for countries that allow it (paragraph 3). None when the
    product had no price before. Of two changes at one instant the last in `history` counts.

    All times have a zone or none has. Raises ValueError for fewer than 1 day.
    """
    if days < 1:
        raise ValueError("the period before a reduction is at least one day")
    begin = reduced_from - dt.timedelta(days=days)
    in_force: dict[dt.datetime, int] = {}
    for change in history:
        if change.at < reduced_from:
            in_force[change.at] = change.price_minor
    if not in_force:
        return None
    instants = sorted(in_force)
    known = (reduced_from - max(instants[0], begin)).days
    if perishable:
        return LowestPrice(in_force[instants[-1]], known)
    earlier = [instant for instant in instants if instant <= begin]
    counted = [*earlier[-1:], *(instant for instant in instants if instant > begin)]
    return LowestPrice(min(in_force[instant] for instant in counted), known)
