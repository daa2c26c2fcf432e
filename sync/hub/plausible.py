"""pure: what no honest store books. Head office adds up what all stores say, so one that makes numbers up must not
spoil the sums and reports of the others: such an entry is kept, and waits among the dead letters.

    fault = find_nonsense(content, body)        # None for whatever a shop may book
"""

import datetime as dt
import functools
import re
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from loyalty.money import AMOUNT_LIMIT_MINOR, UnknownCurrency, currency_exponent
from sync.chain import Content

_LATEST_MS = 253_402_300_799_999
"""The end of the year 9999: what no calendar holds no report can show."""
_NUMBER_MAX = 10 * AMOUNT_LIMIT_MINOR
"""Millions of these add up within 64 bits. It has as many digits as a time, and nearly all other numbers have fewer."""
_LONG = re.compile(rb"[0-9]{14}")
_TIMES = ("at", "_at", "_from", "until", "_since", "expiring")
_SERIALS = frozenset({"serial", "voided"})
_KEPT_AS_THEY_CAME = frozenset({"definition", "basket"})


def find_nonsense(content: Content, body: Struct) -> str | None:
    """What is wrong with an entry that was read, in a few words without anything of it; None where nothing is. Raises
    msgspec.DecodeError for a number that no machine holds."""
    if content.business_day and not _is_day(content.business_day):
        return "the business day is no day"
    currency = getattr(body, "currency", None)
    if currency is not None and not _is_currency(currency):
        return "the currency is none"
    if _LONG.search(content.body) is not None:
        return next(_find_large(msgspec.json.decode(content.body), ""), None)
    return None


@functools.lru_cache(maxsize=1_024)
def _is_day(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


@functools.lru_cache(maxsize=256)
def _is_currency(text: str) -> bool:
    try:
        currency_exponent(text)
    except UnknownCurrency:
        return False
    return True


def _find_large(value: object, name: str) -> Iterator[str]:
    match value:
        case dict():
            for key, member in value.items():
                if key not in _KEPT_AS_THEY_CAME:
                    yield from _find_large(member, str(key))
        case list() | tuple():
            for member in value:
                yield from _find_large(member, name)
        case bool():
            return
        case int():
            if name.endswith(_TIMES):
                if not -_LATEST_MS <= value <= _LATEST_MS:
                    yield f"{name} is in no calendar"
            elif name not in _SERIALS and not -_NUMBER_MAX <= value <= _NUMBER_MAX:
                yield f"{name} is larger than any shop's"
