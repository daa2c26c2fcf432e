"""sql: the live offers that a member may get, in the member's language."""

from uuid import UUID

import msgspec

from kiosk.members.known_members import find_member
from kiosk.offers.live_offers import MemberOffer
from kiosk.offers.offer_store import read_books
from kiosk.offers.offered import read_offered
from kiosk.shifts.business_day import utc_of_local, utc_text
from kiosk.shop import Caller, Shop
from loyalty.offers.conditions import find_allowance, find_obstacles
from loyalty.offers.context import OfferContext
from loyalty.offers.offer import Offer
from loyalty.offers.outcome import Code
from loyalty.offers.terms import end_of, say_terms, say_title
from loyalty.transactions import Tx
from sync.http.paging import Page

_NOT_YET = frozenset({Code.FROM_DAY, Code.FROM_TIME, Code.IN_CHANNEL})
"""What keeps an offer from this very moment and place, not from this member."""


def list_member_offers(tx: Tx, shop: Shop, caller: Caller, member: UUID) -> Page[MemberOffer]:
    """What a member may get now or within a week, by id: offers for others, used up or over are left out. An erased
    member gets none. Raises MemberNotFound."""
    row = find_member(tx, member)
    if row.status != "active":
        return Page((), None)
    offered = read_offered(tx, shop, caller, read_books(tx).offers, row, coupons={})
    if offered.context is None:
        return Page((), None)
    offers = [entry.offer for entry in offered.live.book.entries]
    # A coupon offer is one that may be got: every coupon counts as shown.
    shown = {offer.id: 1 for offer in offers if offer.trigger == "coupon"}
    context = msgspec.structs.replace(offered.context, coupons=shown)
    mine = sorted((offer for offer in offers if _may_get(offer, context)), key=lambda offer: offer.id)
    return Page(tuple(_render(offer, shop, row.locale) for offer in mine), None)


def _may_get(offer: Offer, context: OfferContext) -> bool:
    obstacles = find_obstacles(offer, context)
    return all(each.code in _NOT_YET for each in obstacles) and find_allowance(offer, context).code is None


def _render(offer: Offer, shop: Shop, language: str) -> MemberOffer:
    schedule = offer.conditions.schedule
    over = end_of(schedule) if schedule is not None else None
    return MemberOffer(
        offer=offer.id,
        title=say_title(offer, language),
        terms=say_terms(offer, language, shop.terms.currency),
        valid_until=utc_text(utc_of_local(over, shop.terms.time_zone)) if over is not None else None,
        coupon=offer.trigger == "coupon",
    )
