"""pure: receipt numbers. `S001-T01-000123`; a later life of the database prints `S001-T01B-000001`, so that no number
is printed twice even after a restored backup.

    >>> document_number("S001", "T01", 2, 1)
    'S001-T01B-000001'
"""

import re

_NUMBER = re.compile(r"[A-Z0-9]{1,8}-[A-Z0-9]{1,6}?[A-Z]{0,3}-[0-9]{6,9}")


def series_letters(series: int) -> str:
    """Nothing for the first series, then B, C, … Z, BA, … (letters as digits of base 26, A being 0)."""
    letters, rest = "", series - 1
    while rest:
        rest, digit = divmod(rest, 26)
        letters = chr(ord("A") + digit) + letters
    return letters


def document_number(store: str, till: str, series: int, n: int) -> str:
    """The printed number of the n-th document of a till's series. n counts from 1 without a gap."""
    return f"{store}-{till}{series_letters(series)}-{n:06d}"


def shift_number(till: str, series: int, z_number: int) -> str:
    """The printed number of a till's closing: T01-Z0001, and T01B-Z0001 in the second life of the database.

    >>> shift_number("T01", 2, 1)
    'T01B-Z0001'
    """
    return f"{till}{series_letters(series)}-Z{z_number:04d}"


def is_document_number(text: str) -> bool:
    """Whether a scanned or typed text looks like a receipt number of any store."""
    return _NUMBER.fullmatch(text) is not None
