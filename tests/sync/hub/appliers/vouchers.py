"""Coupons and gift cards of sales, as facts carry them."""

import hashlib
from collections.abc import Sequence

from sync.facts.coupons import CouponGivenBack, IssuedCoupon, UsedCoupon
from sync.facts.gift_cards import CardPosted
from sync.facts.vouchers import SaleVouchers, UndoneVouchers

CARD = hashlib.sha256(b"the one card").hexdigest()


def coupon(serial: int, uses_max: int = 1) -> IssuedCoupon:
    """A coupon as issued."""
    return IssuedCoupon(
        serial=serial, offer="TEN", offer_version=1, valid_until="2030-01-01", uses_max=uses_max, kid=1, token="0" * 200
    )


def used(serial: int, n: int = 1, uses_max: int = 1) -> UsedCoupon:
    """The n-th use that this store knows of."""
    return UsedCoupon(serial=serial, n=n, offer="TEN", uses_max=uses_max)


def card(n: int, kind: str, amount_minor: int, balance_minor: int = 0) -> CardPosted:
    """A movement of the one card."""
    return CardPosted(card=CARD, ending="1234", n=n, kind=kind, amount_minor=amount_minor, balance_minor=balance_minor)


def vouchers(
    *, used: Sequence[UsedCoupon] = (), issued: Sequence[IssuedCoupon] = (), cards: Sequence[CardPosted] = ()
) -> SaleVouchers:
    """What a sale did to them."""
    return SaleVouchers(used=tuple(used), issued=tuple(issued), gift_cards=tuple(cards))


def undone(serial: int | None = None, n: int = 1, cards: Sequence[CardPosted] = ()) -> UndoneVouchers:
    """What a void undoes."""
    back = (CouponGivenBack(serial=serial, n=n),) if serial is not None else ()
    return UndoneVouchers(given_back=back, gift_cards=tuple(cards))
