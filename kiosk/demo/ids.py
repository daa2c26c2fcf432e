"""pure: the ids of the demonstration: the same basket, household or till always gets the same UUIDv7.

An id is also the idempotency key of what it names. A replay that was killed and starts again therefore asks for the
very same sales: those that were answered before come back as they are, and none is booked twice.

    >>> member_id_of("1228") == member_id_of("1228") != member_id_of("603")
    True
"""

import hashlib
from uuid import UUID

from kiosk.demo.baskets import Basket
from loyalty.ids import uuid7

MEMBERS_SINCE_MS = 1_483_228_800_000
"""2017-01-01T00:00:00Z, the first day of the data: a household has no time of its own."""

_SEPARATOR = "\x1f"  # no id of a file holds it (they are printable), so two names never melt into one


def member_id_of(household_id: str) -> UUID:
    """The member that stands for a household."""
    return _id_of(MEMBERS_SINCE_MS, "member", household_id)


def sale_id_of(basket: Basket) -> UUID:
    """The sale of a basket, at the basket's time."""
    return _id_of(basket.at_ms, "sale", basket.store_id, basket.basket_id)


def coupon_id_of(household_id: str, coupon: str, campaign: str, number: int) -> UUID:
    """The issue of the `number`-th coupon of a kind that a household used."""
    return _id_of(MEMBERS_SINCE_MS, "coupon", household_id, coupon, campaign, str(number))


def goods_id_of(name: str) -> UUID:
    """An import of goods."""
    return _id_of(MEMBERS_SINCE_MS, "goods", name)


def shift_id_of(till: str, opened_at_ms: int, number: int = 1) -> UUID:
    """The `number`-th shift a replay opens on `till`; a closed shift never opens again, so its successor counts on."""
    return _id_of(opened_at_ms, "shift", till, str(number))


def _id_of(at_ms: int, kind: str, *names: str) -> UUID:
    """A UUIDv7 whose random part is the SHA-256 of what it names."""
    digest = hashlib.sha256(_SEPARATOR.join((kind, *names)).encode()).digest()
    return uuid7(at_ms, digest[:10])
