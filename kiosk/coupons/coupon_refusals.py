"""pure: why a coupon is not taken, each reason with its code and what the cashier does next.

A quote lists them and prices without the coupon; a sale that was told to use one is refused, so that nobody pays a
total that he was not shown.
"""

from collections.abc import Mapping

from loyalty.coupons import Refusal
from loyalty.errors import Conflict, InvalidInput, NotFound, Problem


class UnknownCoupon(InvalidInput):
    """This coupon is not known here."""

    code, hint = "unknown_coupon", "Take the coupon off the basket and sell without it."


class CouponCut(UnknownCoupon):
    """Only a part of the code was read."""

    code, hint = "coupon_cut", "Scan the whole code again, or type the twelve characters below it."


class NewerCoupon(UnknownCoupon):
    """This coupon is of a kind this shop does not know yet."""

    code, hint = "newer_coupon", "Update this shop; sell without the coupon until then."


class CouponForged(UnknownCoupon):
    """This coupon was never issued."""

    code, hint = "coupon_forged", "Do not take it, and tell the manager."


class CouponKeyUnknown(UnknownCoupon):
    """The shop that issued this coupon is not known here."""

    code, hint = "unknown_key", "Take it off the basket; its own shop will take it."


class CouponKeyRevoked(UnknownCoupon):
    """Coupons of this kind were called back."""

    code, hint = "revoked_key", "Ask the manager to issue it again, if it is in the shop's own books."


class CouponKeyNotYet(UnknownCoupon):
    """This coupon was signed with a key that counts only later."""

    code, hint = "key_not_yet_valid", "Look at the date of this shop's clock."


class CouponKeyOver(UnknownCoupon):
    """This coupon was signed too long ago."""

    code, hint = "key_no_longer_valid", "Take it off the basket; it has long run out."


class WrongStore(InvalidInput):
    """This coupon is for another shop."""

    code, hint = "wrong_store", "The shop that issued it takes it."


class ForeignCouponRefused(Conflict):
    """Coupons of other shops cannot be checked here now."""

    code, hint = "foreign_coupon_refused", "The shop that issued it takes it; nobody else knows whether it was used."


class CouponCodeNeedsLine(Conflict):
    """This code is not of a coupon of this shop, and head office cannot be asked now whose it is."""

    code = "coupon_code_needs_line"
    hint = "Scan its QR code instead, which needs no line; or read the code again, and try in a moment."


class CouponExpired(InvalidInput):
    """This coupon has run out."""

    code, hint = "coupon_expired", "Take it off the basket. Only a manager can issue another one."


class CouponUsed(Conflict):
    """This coupon was used already."""

    code, hint = "coupon_used", "Take it off the basket, and show the shopper the new total."


class CouponVoid(Conflict):
    """This coupon counts no longer."""

    code, hint = "coupon_void", "It was called back or issued anew: ask for the newer paper."


class CouponVoidNeedsLine(Conflict):
    """Other shops take this coupon, too, and head office cannot be asked now whether one has."""

    code = "coupon_void_needs_line"
    hint = "Try again in a moment: points or another coupon are given for it only while nobody has used it."


class CouponOfAnother(InvalidInput):
    """This coupon was given to another member."""

    code, hint = "coupon_of_another_member", "Scan the card of the member it was given to."


class CouponShownTwice(InvalidInput):
    """This coupon is in the basket already."""

    code, hint = "coupon_shown_twice", "Take it off once."


class CouponOfferOver(Conflict):
    """The offer of this coupon has ended."""

    code, hint = "coupon_offer_over", "Take it off the basket."


class CouponNotFound(NotFound):
    """There is no such coupon in this shop's books."""

    code, hint = "coupon_not_found", "Look at the number printed at its foot."


class NoCouponOffer(InvalidInput):
    """This offer is not given by coupon, or has ended."""

    code, hint = "no_coupon_offer", "Choose one of the offers that can be issued as a coupon."


class MemberNeeded(InvalidInput):
    """This coupon is for members."""

    code, hint = "member_needed", "Scan the member's card first."


class NoSigningKey(Conflict):
    """This shop has no key to sign coupons with now."""

    code, hint = "no_signing_key", "Ask the manager to run: counterfoil doctor. Selling goes on."


class ReissuedDifferently(Conflict):
    """This coupon was voided or issued again before, in another way."""

    code, hint = "coupon_reissued_differently", "Nothing was changed; look at the coupon."


OF_REFUSAL: Mapping[Refusal, type[Problem]] = {
    Refusal.NOT_A_COUPON: UnknownCoupon,
    Refusal.CUT: CouponCut,
    Refusal.NEWER: NewerCoupon,
    Refusal.EXPIRED: CouponExpired,
    Refusal.UNKNOWN_KEY: CouponKeyUnknown,
    Refusal.REVOKED_KEY: CouponKeyRevoked,
    Refusal.KEY_NOT_YET: CouponKeyNotYet,
    Refusal.KEY_OVER: CouponKeyOver,
    Refusal.FORGED: CouponForged,
    Refusal.WRONG_STORE: WrongStore,
}
