"""pure: trade item numbers (GTIN) as every place keeps them.

Everything is kept as a GTIN-14, so that a product is one thing whichever symbol carries it: EAN-8, UPC-A, EAN-13 and
ITF-14 differ only in leading zeros.

    >>> normalise_gtin("4006381333931"), normalise_gtin("036000291452"), normalise_gtin("4006381333930")
    ('04006381333931', '00036000291452', None)
"""

import re

_GTIN = re.compile(r"[0-9]{8}|[0-9]{12,14}")


def check_digit(digits: str) -> str:
    """The last digit of a GS1 number whose other digits are `digits` (General Specifications 7.9.1, modulo 10).

    Every single wrong digit is found; of two neighbours swapped, about one pair in ten is not (those that differ by 5).
    """
    total = 3 * sum(map(int, digits[::-2])) + sum(map(int, digits[-2::-2]))
    return str(-total % 10)


def normalise_gtin(text: str) -> str | None:
    """The 14 digits of a GTIN-8, -12, -13 or -14, or None: another length, a wrong check digit, nothing but zeros."""
    if _GTIN.fullmatch(text) is None or check_digit(text[:-1]) != text[-1] or not text.strip("0"):
        return None
    return text.zfill(14)
