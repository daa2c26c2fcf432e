"""pure: what a sale does to coupons and gift cards, and what undoing it does. Absent where a sale touches neither."""

from collections.abc import Mapping

from msgspec import Struct

from sync.facts.coupons import CouponGivenBack, IssuedCoupon, UsedCoupon
from sync.facts.gift_cards import CardPosted


class UnspentCoupon(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A good coupon that was shown and gave nothing: it stays with the shopper. `code` and `parameters` say why
    (loyalty.offers.outcome)."""

    serial: int
    offer: str
    code: str
    parameters: Mapping[str, int | str] = {}


class SaleVouchers(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Coupons that a sale used, those that it left unspent and those that it issued; what it moved on gift cards."""

    used: tuple[UsedCoupon, ...] = ()
    unspent: tuple[UnspentCoupon, ...] = ()
    issued: tuple[IssuedCoupon, ...] = ()
    gift_cards: tuple[CardPosted, ...] = ()


class UndoneVouchers(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a void, or goods that come back, undo of it: uses that count no longer, serials of issued coupons that were
    still unused and now are void, and what goes back onto gift cards or off those that were sold."""

    given_back: tuple[CouponGivenBack, ...] = ()
    voided: tuple[int, ...] = ()
    gift_cards: tuple[CardPosted, ...] = ()
