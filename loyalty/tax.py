"""pure: value added tax of a receipt. One rate per line, included in the price or added to it, rounded as the law says.

A rate is a decimal string of percent ("23", "5.5"), which is its identity in facts; arithmetic uses an integer ratio.
`compute_taxes` answers the tax of every rate and of every line, and both always add up to the same total.

**Japan**: a qualified invoice rounds once per rate and receipt (National Tax Agency, invoice Q&A 46), here down.

    added, 8 % on 198 + 98 + 101 and 10 % on 333     8 % of 397 = 31.76 -> 31      10 % of 333 = 33.3 -> 33
    included, 8 % in 198 + 98 + 101, 10 % in 333     397 x 8/108 = 29.4 -> 29      333 x 10/110 = 30.27 -> 30

**Korea**: 10 % is included, and the receipt shows supply value and tax.

    11,000 -> supply 10,000, tax 1,000               10,000 x 10/110 = 909.09 -> tax 909, supply 9,091

**Poland**: 23, 8, 5 and 0 % are included. Rounding per line and per rate may differ by a grosz; the store picks one.

    rate | gross lines      | exact tax of each   | sum of rounded lines | rounded once per rate
    -----|------------------|---------------------|----------------------|----------------------
      23 | 1.99  1.99  1.99 | 0.3721 each         | 3 x 0.37 = 1.11      | 1.1163 -> 1.12
       8 | 2.50             | 0.1852              | 0.19                 | 0.19
       5 | 4.79             | 0.2281              | 0.23                 | 0.23
       0 | 3.00             | 0                   | 0.00                 | 0.00

**Once per receipt** (`receipt`): the exact total over all rates is rounded once, then split by largest remainder:

    added, half_up, 23 % on 0.02 and 8 % on 0.01     0.46 + 0.08 = 0.54 grosz -> 1, which goes to 23 %
"""

import enum
import math
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from loyalty.errors import InvalidInput
from loyalty.money import allocate_shares
from loyalty.rounding import Rounding, round_ratio

_RATE = re.compile(r"([0-9]{1,4})(?:\.([0-9]{1,4}))?")
_WHOLE = 1_000_000  # 100 % in units of a ten-thousandth of a percent, the finest a rate may be
_HIGHEST = 10 * _WHOLE


class WrongTaxRate(InvalidInput):
    """This is not a tax rate."""

    code, hint = "wrong_tax_rate", "Write percent from 0 to 1000 with at most four decimals and a point: 23 or 5.5."


class TaxMode(enum.StrEnum):
    """Whether a price on the shelf holds its tax or waits for it."""

    INCLUDED = "included"
    ADDED = "added"


class TaxRounding(enum.StrEnum):
    """What is rounded: every line, the sum of every rate, or the whole tax of the receipt."""

    LINE = "line"
    RATE = "rate"
    RECEIPT = "receipt"


class TaxRules(msgspec.Struct, frozen=True):
    """The tax rules of a store. Each sale keeps a copy, so that a later change never alters what was sold."""

    mode: TaxMode
    rounding: TaxRounding
    method: Rounding


class TaxAmount(msgspec.Struct, frozen=True):
    """One rate on a receipt: the value before tax and the tax, both in minor units. `rate` is canonical percent."""

    rate: str
    base_minor: int
    tax_minor: int


class TaxResult(msgspec.Struct, frozen=True):
    """The taxes of a receipt, highest rate first, and the tax of each line in the order the lines came."""

    taxes: tuple[TaxAmount, ...]
    line_taxes_minor: tuple[int, ...]


class _Rate(NamedTuple):
    """A rate once read: canonical text, size in ten-thousandths of a percent, and its lowest ratio."""

    text: str
    size: int
    numerator: int
    denominator: int


class _Group(NamedTuple):
    """The lines of one rate, with the exact tax of each line as `numerators[i] / denominator` minor units."""

    rate: str
    indexes: list[int]
    net_minor: int
    numerators: list[int]
    denominator: int


@lru_cache(maxsize=256)
def _read_rate(text: str) -> _Rate:
    match = _RATE.fullmatch(text)
    if match is None:
        raise WrongTaxRate(f"{text[:16]!r} is not a tax rate.")
    decimals = (match[2] or "").rstrip("0")
    size = int(match[1]) * 10_000 + int(decimals.ljust(4, "0"))
    if size > _HIGHEST:
        raise WrongTaxRate(f"{text[:16]} percent is more than 1000 percent.")
    common = math.gcd(size, _WHOLE)
    canonical = f"{int(match[1])}.{decimals}" if decimals else str(int(match[1]))
    return _Rate(canonical, size, size // common, _WHOLE // common)


def parse_rate(text: str) -> tuple[int, int]:
    """A rate in percent as the ratio of tax to the value before tax, in lowest terms.

        >>> parse_rate("23"), parse_rate("5.5"), parse_rate("0")
        ((23, 100), (11, 200), (0, 1))

    Raises WrongTaxRate, which is an InvalidInput, unless 0 <= rate <= 1000 with at most four decimals.
    """
    rate = _read_rate(text)
    return rate.numerator, rate.denominator


def canonical_rate(text: str) -> str:
    """The one spelling of a rate: no zeros that say nothing. "23.0" and "023" are "23". Raises WrongTaxRate."""
    return _read_rate(text).text


def compute_taxes(lines: Sequence[tuple[str, int]], rules: TaxRules) -> TaxResult:
    """The taxes of `lines`, each a rate in percent and the line's price in minor units after all discounts.

    Included: the price holds the tax, tax = price x rate / (100 + rate) and base = price - tax. Added: the price is the
    base, tax = price x rate / 100. Prices may be negative, and a mirrored receipt has mirrored taxes. The module's
    docstring has worked tables for Japan, Korea and Poland. A return does not come here: it takes its share of the tax
    that was charged (return_shares).

        >>> rules = TaxRules(TaxMode.INCLUDED, TaxRounding.RATE, Rounding.HALF_UP)
        >>> compute_taxes([("23", 199), ("23", 199), ("23", 199)], rules)
        TaxResult(taxes=(TaxAmount(rate='23', base_minor=485, tax_minor=112),), line_taxes_minor=(38, 37, 37))

    Raises WrongTaxRate.
    """
    groups = _group_by_rate(lines, rules.mode)
    if rules.rounding is TaxRounding.RECEIPT:
        rate_taxes = _round_receipt(groups, rules.method)
    else:
        rate_taxes = [round_ratio(sum(group.numerators), group.denominator, rules.method) for group in groups]
    line_taxes = [0] * len(lines)
    taxes = []
    for group, rate_tax in zip(groups, rate_taxes, strict=True):
        tax = rate_tax
        if rules.rounding is TaxRounding.LINE:
            shares = tuple(round_ratio(value, group.denominator, rules.method) for value in group.numerators)
            tax = sum(shares)
        elif len(group.indexes) == 1:
            shares = (tax,)
        else:
            shares = allocate_shares(tax, group.numerators, group.denominator)
        for index, share in zip(group.indexes, shares, strict=True):
            line_taxes[index] = share
        base = group.net_minor - tax if rules.mode is TaxMode.INCLUDED else group.net_minor
        taxes.append(TaxAmount(group.rate, base, tax))
    return TaxResult(tuple(taxes), tuple(line_taxes))


def _group_by_rate(lines: Sequence[tuple[str, int]], mode: TaxMode) -> list[_Group]:
    """The lines by rate, highest first; spellings of one rate fall together."""
    by_size: dict[int, tuple[_Rate, list[int], list[int]]] = {}
    for index, (text, net) in enumerate(lines):
        rate = _read_rate(text)
        found = by_size.get(rate.size)
        if found is None:
            by_size[rate.size] = (rate, [index], [net])
        else:
            found[1].append(index)
            found[2].append(net)
    groups = []
    for size in sorted(by_size, reverse=True):
        (name, _, numerator, denominator), indexes, nets = by_size[size]
        if mode is TaxMode.INCLUDED:
            denominator += numerator
        groups.append(_Group(name, indexes, sum(nets), [net * numerator for net in nets], denominator))
    return groups


def _round_receipt(groups: Sequence[_Group], method: Rounding) -> list[int]:
    """The tax of every rate so that the receipt's exact total, over one common denominator, is rounded only once."""
    common = math.lcm(*(group.denominator for group in groups))
    numerators = [sum(group.numerators) * (common // group.denominator) for group in groups]
    return list(allocate_shares(round_ratio(sum(numerators), common, method), numerators, common))
