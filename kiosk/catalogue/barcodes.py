"""pure: the labels that a scale prints with a price or a weight inside.

A label from the scale is no GTIN: GS1 leaves the prefixes 02 and 20 to 29 to each shop or country, so the shop says in
its configuration what stands where. `I` is the item code, `P` the price in minor units, `W` the weight in grams, `C` a
check digit; a `C` in the middle guards the price or weight by the rules of GS1 (General Specifications 7.9.2 to 7.9.4).

    >>> read_label("2312345012500", [LabelPattern.parse("23IIIIIPPPPPC")])
    Label(item_code='12345', price_minor=1250, quantity_milli=None)
"""

import re
from collections.abc import Iterable
from typing import NamedTuple, Self

from biip.checksums import gs1_price_weight_check_digit
from msgspec import Struct

from sync.gtin import normalise_gtin

_PATTERN = re.compile(r"([0-9]{1,2})(I+)(C?)(P+|W+)C")
_LABEL_LENGTHS = (8, 12, 13)
_GUARDED_LENGTHS = (4, 5)
_EAN_13 = 13


class Label(NamedTuple):
    """What a label of the scale says. One of price (of the whole pack, minor units) and quantity (thousandths of a
    kilogram, that is grams) is present."""

    item_code: str
    price_minor: int | None
    quantity_milli: int | None


class LabelPattern(Struct, frozen=True):
    """Where item code and value stand in a label of `length` digits that begins with `prefix`."""

    text: str
    prefix: str
    item: tuple[int, int]
    value: tuple[int, int]
    guarded: bool
    weighs: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a pattern such as "23IIIIIPPPPPC" or, with a check digit for the price, "2IIIIICPPPPC".

        Raises ValueError for a pattern that no 8, 12 or 13 digit symbol can have.
        """
        match = _PATTERN.fullmatch(text)
        if match is None:
            raise ValueError(f"{text[:20]!r} is not a label pattern: digits, I, P or W, and a last C")
        if len(text) not in _LABEL_LENGTHS:
            raise ValueError(f"{text} has {len(text)} places; a label has 8, 12 or 13")
        guarded = bool(match[3])
        if guarded and len(match[4]) not in _GUARDED_LENGTHS:
            raise ValueError(f"{text}: GS1 knows check digits for prices and weights of 4 or 5 digits")
        return cls(text, match[1], match.span(2), match.span(4), guarded, match[4][0] == "W")

    def read(self, digits: str) -> Label | None:
        """The label in `digits`, or None where length, prefix or a check digit does not fit."""
        if len(digits) != len(self.text) or not digits.startswith(self.prefix):
            return None
        value = digits[slice(*self.value)]
        if self.guarded and digits[self.value[0] - 1] != str(gs1_price_weight_check_digit(value)):
            return None
        if self.weighs:
            return Label(digits[slice(*self.item)], None, int(value))
        return Label(digits[slice(*self.item)], int(value), None)


def read_label(text: str, patterns: Iterable[LabelPattern]) -> Label | None:
    """The label in scanned digits by the first pattern that fits, or None; the last check digit must be right.

    A UPC-A label may arrive with the zero that makes it an EAN-13, as many scanners send it: it is read as both.
    """
    if normalise_gtin(text) is None:
        return None
    spellings = (text, text[1:]) if len(text) == _EAN_13 and text[0] == "0" else (text,)
    for pattern in patterns:
        for digits in spellings:
            if (label := pattern.read(digits)) is not None:
                return label
    return None
