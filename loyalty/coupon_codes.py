"""pure: the code of a coupon as a person types it: 10 characters that say which coupon, 2 that guard them.

    7K2M-Q9XA-4D0C        Crockford's base 32: no I, L, O or U to be mistaken
    ──────────── ──       50 bits of serial, then what makes the whole 60-bit number divisible by 1021

1021 is prime and the weights of the twelve places (powers of 32) all differ modulo 1021, so every wrong character and
every swap of two characters, neighbours or not, is found; of random texts one in 1021 passes.

    >>> print_code(1)
    '0000-0000-01ZT'
    >>> read_code("0000 oooo-o1zt") == 1
    True

A code proves nothing: whoever reads one looks the coupon up in the ledger of the store, and may not try many.
"""

import re
import unicodedata

SERIAL_MAX = 2**50 - 1
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)} | {"I": 1, "L": 1, "O": 0}
_MODULUS = 1021
_LENGTH = 12
_CHECK_SPACE = 32 * 32
_SEPARATORS = re.compile(r"[\s\-‐‑‒–—−_.]+")
_LONGEST = 40


def print_code(serial: int) -> str:
    """The code of a serial (0 to 2**50 - 1) in groups of four. Raises ValueError for another number."""
    if not 0 <= serial <= SERIAL_MAX:
        raise ValueError("a serial has 50 bits")
    number = serial * _CHECK_SPACE + -serial * _CHECK_SPACE % _MODULUS
    text = "".join(_ALPHABET[number >> shift & 31] for shift in range(5 * (_LENGTH - 1), -1, -5))
    return "-".join(text[start : start + 4] for start in range(0, _LENGTH, 4))


def read_code(text: str) -> int | None:
    """The serial of a typed code, or None. Capitals, spaces, dashes and I, L, O for 1 and 0 do not matter.

    Digits alone are no code: twelve of them are a UPC-A. `is_printable` keeps such serials from being given.
    """
    if len(text) > _LONGEST:
        return None
    compact = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper()
    if len(compact) != _LENGTH or compact.isdigit() or any(character not in _VALUES for character in compact):
        return None
    number = 0
    for character in compact:
        number = number * 32 + _VALUES[character]
    # The three check values above 1020 would give some serials a second code.
    if number % _MODULUS or number % _CHECK_SPACE >= _MODULUS:
        return None
    return number // _CHECK_SPACE


def is_printable(serial: int) -> bool:
    """Whether the code of this serial has a letter, so that it can be told from a barcode."""
    return not print_code(serial).replace("-", "").isdigit()
