"""sql: what is offered to one shopper now: the live offers, and what they may know about this sale.

    offered = read_offered(tx, shop, caller, books.offers, member, coupons={})
    price_lines(lines, items, terms, offered)

It is read in the transaction that prices. Where nothing is live nothing is read; limits are read only where an offer
has some, earlier sales only where an offer is for a first purchase.
"""

from collections.abc import Mapping
from uuid import UUID

from msgspec.structs import replace

from kiosk.members.member_standing import read_segments, read_standing
from kiosk.offers.live_offers import NOTHING, LiveOffers, Offered
from kiosk.offers.offer_store import Mark, has_bought, read_used, read_used_by
from kiosk.shifts.business_day import local_time
from kiosk.shop import Caller, Shop
from loyalty.member_store import MemberRow
from loyalty.offers.book import OfferBook
from loyalty.offers.context import OfferContext, Remaining, Shopper
from loyalty.offers.offer import Channel, Offer
from loyalty.transactions import Tx


def read_offered(
    tx: Tx,
    shop: Shop,
    caller: Caller,
    mark: Mark | None,
    member: MemberRow | None,
    *,
    coupons: Mapping[str, int],
    with_near_misses: bool = False,
) -> Offered:
    """The offers as this caller's shopper meets them. `coupons` counts the valid coupons shown, by offer; a reason is
    told in the member's language, else in the store's."""
    live = shop.shelf.find(tx, mark)
    if not len(live.book) and not coupons:
        return NOTHING
    context = OfferContext(
        at=local_time(caller.now_ms, shop.terms.time_zone),
        channel=channel_of(caller),
        member=read_shopper(tx, shop, caller, member, live) if member is not None else None,
        coupons=coupons,
        remaining=read_remaining(tx, member.id if member else None, live),
        with_near_misses=with_near_misses,
    )
    return Offered(live=live, context=context, language=member.locale if member else shop.terms.locale)


def add_reward(
    tx: Tx, shop: Shop, caller: Caller, offered: Offered, member: MemberRow | None, reward: Offer
) -> Offered:
    """With the offer of a reward that is redeemed in this sale, as if a coupon of it were shown. The book of the live
    offers is made anew for this one sale, which is seldom and costs some milliseconds with many offers."""
    context = offered.context or OfferContext(
        at=local_time(caller.now_ms, shop.terms.time_zone),
        channel=channel_of(caller),
        member=read_shopper(tx, shop, caller, member, offered.live) if member is not None else None,
    )
    others = (entry.offer for entry in offered.live.book.entries if entry.offer.id != reward.id)
    return replace(
        offered,
        live=replace(offered.live, book=OfferBook([*others, reward])),
        context=replace(context, coupons={**context.coupons, reward.id: 1}),
        language=offered.language or (member.locale if member is not None else shop.terms.locale),
    )


def channel_of(caller: Caller) -> Channel:
    """Where the shopper stands."""
    return "kiosk" if caller.role == "kiosk" else "till"


def read_shopper(tx: Tx, shop: Shop, caller: Caller, member: MemberRow, live: LiveOffers) -> Shopper:
    """What offers may know of a member; read only as far as one of them asks."""
    terms, now_ms = shop.terms, caller.now_ms
    return Shopper(
        segments=read_segments(tx, terms, member.id, now_ms) if live.asks_segments else frozenset(),
        tier=read_standing(tx, terms, member.id, now_ms).tier if live.asks_tier else None,
        first_purchase=live.asks_first_purchase and not has_bought(tx, member.id),
    )


def read_remaining(tx: Tx, member: UUID | None, live: LiveOffers) -> dict[str, Remaining]:
    """What is left of every limit. Uses count for the offer, whatever its version was: a new version with a higher
    limit goes on counting where the old one stopped.

    Whoever is no member has used nothing, and no offer limits her: a limit per member asks for one.
    """
    if not live.limited and not live.limited_by_member:
        return {}
    used = read_used(tx, live.limited) if live.limited else {}
    used_by = read_used_by(tx, member, live.limited_by_member) if member is not None and live.limited_by_member else {}
    remaining: dict[str, Remaining] = {}
    for entry in live.book.entries:
        limits = entry.offer.limits
        if limits.per_member is None and limits.total is None and limits.budget_minor is None:
            continue
        offer = entry.offer.id
        uses, spent_minor = used.get(offer, (0, 0))
        remaining[offer] = Remaining(
            member_uses=_left(limits.per_member, used_by.get(offer, 0)),
            total_uses=_left(limits.total, uses),
            budget_minor=_left(limits.budget_minor, spent_minor),
        )
    return remaining


def _left(limit: int | None, used: int) -> int | None:
    return None if limit is None else max(0, limit - used)
