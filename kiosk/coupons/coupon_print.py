"""sql: coupons on paper, queued in the transaction that issues them."""

from collections.abc import Iterable
from uuid import UUID

from kiosk.coupons.coupons import serial_text
from kiosk.documents import store_header
from kiosk.members.known_members import read_member
from kiosk.offers.offer_store import read_offer
from kiosk.paper import queue_paper
from kiosk.shifts.business_day import local_text
from kiosk.shop import Caller, Shop
from loyalty.coupon_codes import print_code
from loyalty.ids import derived_uuid
from loyalty.offers.offer import Offer
from loyalty.offers.terms import say_terms, say_title
from loyalty.transactions import Tx
from printers.contents import CouponContent, JournalMark
from sync.chain import Stamp
from sync.facts.coupons import IssuedCoupon

_HASH_DIGITS = 8


def print_coupons(tx: Tx, shop: Shop, caller: Caller, stamp: Stamp, coupons: Iterable[IssuedCoupon]) -> None:
    """Queue a paper for each coupon of an entry, in the member's language, else in the store's."""
    for coupon in coupons:
        row = read_offer(tx, coupon.offer)
        assert row is not None, "it was issued for an offer"
        member = read_member(tx, coupon.member) if coupon.member is not None else None
        language = member.locale if member is not None else shop.terms.locale
        paper = coupon_paper(shop, stamp, row.offer, coupon, language)
        queue_paper(tx, shop, caller, coupon_job(coupon), "coupon", stamp.op_id, coupon.member, paper)


def coupon_job(coupon: IssuedCoupon) -> UUID:
    """The id of the print job of a coupon: known without looking, and no sale or other fact has it."""
    return derived_uuid(UUID(int=coupon.serial), "coupon")


def coupon_paper(shop: Shop, stamp: Stamp, offer: Offer, coupon: IssuedCoupon, language: str) -> CouponContent:
    """A coupon as it is printed, in the language of whom it is for."""
    terms = shop.terms
    mark = stamp.mark
    return CouponContent(
        store=store_header(terms),
        locale=language,
        title=say_title(offer, language),
        terms=say_terms(offer, language, terms.currency),
        valid_until=coupon.valid_until,
        token=coupon.token,
        code=print_code(coupon.serial),
        serial=serial_text(coupon.serial),
        at_local=local_text(stamp.at, terms.time_zone),
        once=coupon.uses_max == 1,
        for_member=coupon.member is not None,
        chain_wide=coupon.scope == "chain",
        journal=JournalMark(mark.epoch, mark.seq, mark.hash[:_HASH_DIGITS]),
    )
