"""pure: offers as they were made, changed and ended, and their uses in sales. No entry needs the rule book again."""

from collections.abc import Mapping
from uuid import UUID

import msgspec
from msgspec import Struct


class OfferChanged(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An offer from this entry on. `definition` is the whole offer as JSON (loyalty.offers.offer), kept byte by byte.

    `version` counts the changes of this offer, `book` those of all offers together. An ended offer (`live` false) keeps
    its last definition. `live_since` is when it began to be live without a break, in milliseconds since 1970 UTC.
    """

    offer: str
    version: int
    book: int
    live: bool
    live_since: int
    definition: msgspec.Raw


class OfferUsed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An offer that a sale was given: its uses as limits count them, all it took off, and why as code and parameters
    (loyalty.offers.outcome). `coupon`: the uses are coupons spent."""

    offer: str
    version: int
    uses: int
    discount_minor: int
    code: str
    parameters: Mapping[str, int | str] = {}
    coupon: bool = False


class OfferGivenBack(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Uses and money of an offer that count no longer, because the sale was voided or came back whole. `member` is who
    they were counted for when it was sold."""

    offer: str
    version: int
    uses: int
    discount_minor: int
    member: UUID | None = None
