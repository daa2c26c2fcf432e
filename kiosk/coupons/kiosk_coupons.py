"""sql: what a shopper may take alone at a kiosk: coupons of the offers that are hers, free or for points.

What staff may do with open eyes a screen in public may not: it takes a proof of the member, gives one coupon of a free
offer at a time, none that is sold for points without the points, and none that the paper is not ready for.
"""

from uuid import UUID

from kiosk.commands import fingerprint
from kiosk.coupons.coupon_issue import today_of
from kiosk.coupons.coupon_refusals import MemberNeeded, NoCouponOffer
from kiosk.coupons.coupon_rewards import find_paid_offers
from kiosk.coupons.coupon_service import issue_coupon
from kiosk.coupons.coupon_store import coupons_of
from kiosk.coupons.coupons import CouponAnswer, IssueCoupon, serial_text
from kiosk.identity.second_factor import need_session
from kiosk.offers.member_offers import list_member_offers
from kiosk.outcome import Outcome
from kiosk.sales.sale_points import HoldNeeded
from kiosk.shop import Caller, Shop
from loyalty.errors import Conflict, Forbidden
from loyalty.transactions import Tx
from printers.errors import PrinterProblem
from sync.facts.coupons import CouponsIssued
from sync.journal import find_same

_COUPONS_MAX = 1000


class PaperNotReady(Conflict):
    """The printer beside the kiosk cannot print now, so nothing was booked."""

    code, hint = "paper_not_ready", "Show the coupon on the screen instead, or ask the staff to look at the printer."


class CouponHeld(Conflict):
    """The member has a coupon of this offer that is still good."""

    code, hint = "coupon_held", "Use that one first; it is shown under your coupons."


class ChainCouponForbidden(Forbidden):
    """A kiosk gives coupons for its own store."""

    code, hint = "chain_coupon_forbidden", "Ask at the till for a coupon that every store takes."


def issue_at_kiosk(
    tx: Tx, shop: Shop, caller: Caller, command: IssueCoupon, session: str | None, paper: PrinterProblem | None
) -> Outcome[CouponAnswer]:
    """Issue a coupon to the member who was proved at this kiosk. `session` is the token of that proof, `paper` what
    keeps the printer from printing.

    An answer that was lost is asked for again with the same id: that takes no proof and no paper any more, because
    nothing more is booked. Raises MemberNeeded, SessionEnded, PaperNotReady, NoCouponOffer, HoldNeeded, CouponHeld,
    ChainCouponForbidden, and what issue_coupon raises.
    """
    if find_same(tx, command.id, CouponsIssued, fingerprint(command)) is None:
        if command.member is None:
            raise MemberNeeded(pointer="/member")
        need_session(tx, caller, command.member, session)
        if command.print and paper is not None:
            raise PaperNotReady(paper.title(), printer=paper.code)
        _need_own_offer(tx, shop, caller, command, command.member)
    return issue_coupon(tx, shop, caller, command)


def _need_own_offer(tx: Tx, shop: Shop, caller: Caller, command: IssueCoupon, member: UUID) -> None:
    if command.scope != "store":
        raise ChainCouponForbidden(pointer="/scope")
    offered = list_member_offers(tx, shop, caller, member).items
    is_offered = any(each.offer == command.offer and each.coupon for each in offered)
    if not is_offered or command.offer in shop.terms.withheld_offers:
        raise NoCouponOffer(command.offer, pointer="/offer")
    if command.hold is None:
        if command.offer in find_paid_offers(tx):
            raise HoldNeeded(pointer="/hold")
        _need_none_left(tx, shop, caller, command.offer, member)


def _need_none_left(tx: Tx, shop: Shop, caller: Caller, offer: str, member: UUID) -> None:
    today = today_of(shop, caller).isoformat()
    for coupon in coupons_of(tx, member, -1, _COUPONS_MAX):
        if coupon.offer == offer and coupon.uses_left and coupon.valid_until >= today:
            raise CouponHeld(serial=serial_text(coupon.serial))
