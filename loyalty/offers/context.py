"""pure: what an offer may ask about the sale beside its lines: when, where, for whom, and how much of it is left.

>>> context = OfferContext(at=dt.datetime(2026, 11, 27, 17, 30), channel="till",
...                        member=Shopper(tier="gold", segments=frozenset({"families"})),
...                        coupons={"DAIRY10": 1}, remaining={"DAIRY10": Remaining(total_uses=5, budget_minor=10_000)})
>>> context.member.tier, context.remaining["DAIRY10"].budget_minor
('gold', 10000)
"""

import datetime as dt
from collections.abc import Mapping

import msgspec

from loyalty.offers.offer import Channel


class Shopper(msgspec.Struct, frozen=True, kw_only=True):
    """The member an offer sees: no name, no number. `first_purchase` means that nothing was bought before this sale."""

    segments: frozenset[str] = frozenset()
    tier: str | None = None
    first_purchase: bool = False


class Remaining(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of an offer's limits: uses of this member, uses in total, budget in minor units.

    The caller reads these with the sale and counts the uses of the outcome in the sale's own transaction, on the
    condition that they are still there. At a shop without its line they are the shop's leased share.
    """

    member_uses: int | None = None
    total_uses: int | None = None
    budget_minor: int | None = None


class OfferContext(msgspec.Struct, frozen=True, kw_only=True):
    """One sale as offers see it.

    `at` is the shop's local time, without a zone. `coupons` says how many valid coupons of which offer were shown;
    whether a code is genuine and unused was decided before. `remaining` holds what is left of each limited offer: an
    offer that has a limit and no figure here is not given, since giving it could not be taken back.
    """

    at: dt.datetime
    channel: Channel
    member: Shopper | None = None
    coupons: Mapping[str, int] = {}
    remaining: Mapping[str, Remaining] = {}
    with_near_misses: bool = True

    def __post_init__(self) -> None:
        """Raises ValueError for a time with a zone: shop hours are compared with the clock on the shop's wall."""
        if self.at.tzinfo is not None:
            raise ValueError("offers need the shop's local time without a zone")
