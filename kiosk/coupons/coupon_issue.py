"""sql: making coupons: which offer, until when, under which serial, signed by this store's key.

    issued = make_coupons(tx, shop, caller, origin, offer, members, "store")    # decides and reads, writes nothing

Whoever calls puts the coupons into the fact it records: a person, a campaign, or a sale.
"""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from msgspec.structs import replace

from kiosk.coupons.coupon_refusals import MemberNeeded, NoCouponOffer, NoSigningKey
from kiosk.coupons.coupon_store import is_serial_taken, read_registry
from kiosk.offers.offer_store import read_offer
from kiosk.shifts.business_day import local_time
from kiosk.shop import Caller, Shop
from loyalty.coupon_codes import is_printable
from loyalty.coupons import CouponBody, Scope, Signer, make_serial, make_token, offer_number
from loyalty.keys import ListedKey
from loyalty.offers.offer import Offer
from loyalty.offers.terms import end_of
from loyalty.transactions import Tx
from sync.facts.coupons import IssuedCoupon
from sync.facts.sales import SaleCompleted

_ATTEMPTS = 100


def find_coupon_offer(tx: Tx, offer: str) -> Offer:
    """A live offer that is given by coupon. Raises NoCouponOffer."""
    row = read_offer(tx, offer)
    if row is None or not row.live or row.offer.trigger != "coupon":
        raise NoCouponOffer(offer, pointer="/offer")
    return row.offer


def today_of(shop: Shop, caller: Caller) -> dt.date:
    """The date on the shop's wall: coupons hold by calendar days, not by business days."""
    return local_time(caller.now_ms, shop.terms.time_zone).date()


def make_coupons(
    tx: Tx,
    shop: Shop,
    caller: Caller,
    origin: UUID,
    offer: Offer,
    members: Sequence[UUID | None],
    scope: Scope,
    *,
    first: int = 0,
    last_day: dt.date | None = None,
) -> tuple[IssuedCoupon, ...]:
    """One coupon for each of `members` (None: for whoever brings it), issued by the fact `origin`, numbered from
    `first`.

    The same call gives the same coupons again. Raises NoCouponOffer where the offer is over before the coupon could be
    used, MemberNeeded, NoSigningKey.
    """
    signer, key = _need_signer(tx, shop, caller)
    today = today_of(shop, caller)
    until = min(last_day or _last_day(offer, today, shop.terms.coupon_days), key.not_after)
    if until < today:
        raise NoCouponOffer(f"{offer.id} is over.", pointer="/offer")
    if offer.conditions.member_required and None in members:
        raise MemberNeeded(pointer="/member")
    taken: set[int] = set()
    coupons = []
    for n, member in enumerate(members, first):
        serial = _free_serial(tx, signer, origin, n, taken)
        taken.add(serial)
        body = CouponBody(
            kid=signer.kid,
            offer=offer_number(offer.id),
            version=offer.version,
            last_day=until,
            serial=serial,
            scope=scope,
        )
        coupons.append(
            IssuedCoupon(
                serial=serial,
                offer=offer.id,
                offer_version=offer.version,
                member=member,
                valid_until=until.isoformat(),
                scope=scope,
                kid=signer.kid,
                token=make_token(signer, body),
            )
        )
    return tuple(coupons)


def issue_with_sale(tx: Tx, shop: Shop, caller: Caller, sale: UUID, body: SaleCompleted) -> tuple[IssuedCoupon, ...]:
    """The coupons that a sale gives the shopper (`coupons.with_sale`), to stand in the sale's own fact.

    Money put on gift cards does not count for the total, and an exchange gives none: else goods that go and come would
    make coupons. A sale is never refused for what it would have given: an offer that is none any more, is for members
    only where there is none, or has no key to be signed with, gives nothing.
    """
    if not shop.terms.sale_coupons or body.returned:
        return ()
    cards = body.vouchers.gift_cards if body.vouchers else ()
    spent = body.due_minor - sum(card.amount_minor for card in cards if card.kind == "activate")
    coupons: tuple[IssuedCoupon, ...] = ()
    for number, (name, from_minor) in enumerate(shop.terms.sale_coupons):
        if spent < from_minor:
            continue
        try:
            offer = find_coupon_offer(tx, name)
            made = make_coupons(tx, shop, caller, sale, offer, [body.member], "store", first=number)
        except (NoCouponOffer, MemberNeeded, NoSigningKey):
            continue
        coupons += tuple(replace(coupon, from_minor=from_minor) for coupon in made)
    return coupons


def _need_signer(tx: Tx, shop: Shop, caller: Caller) -> tuple[Signer, ListedKey]:
    """The key to sign with, which the list must know and not have revoked: else nobody would take the coupon."""
    signer, registry = shop.signer, read_registry(tx)
    if signer is None or registry is None:
        raise NoSigningKey
    key = registry.find(signer.kid, today_of(shop, caller))
    if not isinstance(key, ListedKey) or key.public != signer.public:
        raise NoSigningKey
    return signer, key


def _free_serial(tx: Tx, signer: Signer, origin: UUID, n: int, taken: set[int]) -> int:
    for attempt in range(_ATTEMPTS):
        serial = make_serial(signer, origin, n, attempt)
        if serial not in taken and is_printable(serial) and not is_serial_taken(tx, serial):
            return serial
    raise NoSigningKey("No serial is free.")  # 2**50 of them: never


def _last_day(offer: Offer, today: dt.date, days: int) -> dt.date:
    """The coupon's own time, but never beyond the last day on which the offer can be had."""
    own = today + dt.timedelta(days=days)
    schedule = offer.conditions.schedule
    over = end_of(schedule) if schedule is not None else None
    return min(own, (over - dt.timedelta(microseconds=1)).date()) if over is not None else own
