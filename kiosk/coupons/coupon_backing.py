"""sql: may a coupon that other stores take too be spent here, now that this store belongs to a head office?

    what is known of it                              | the coupon
    -------------------------------------------------|----------------------------------------------------------
    only this store takes it                         | the own books decide, line or not
    head office keeps this use for this very sale    | taken: of all stores that ask, one gets it
    head office did not answer, or will not decide   | taken up to `coupon_limit_minor`, within `store_limit_minor`
    head office said that it was used                | refused, also later without a line

What the third row gives away is lost if another store took it as well: (k - 1) * V for a coupon shown in k stores out
of touch. It counts with points spent on the floor until it is acknowledged, so it is inside the worst case of
loyalty/exposure.py.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol
from uuid import UUID

from msgspec.structs import replace

from kiosk.coupons.chain_coupons import coupons_at_risk
from kiosk.coupons.shown_coupons import ShownCoupons
from kiosk.points.link import read_line
from kiosk.points.offline_policy import floor_used
from kiosk.shop import Shop
from loyalty.errors import Problem
from loyalty.exposure import may_risk_coupon
from loyalty.transactions import Tx
from sync.facts.coupons import UsedCoupon
from sync.facts.sales import SaleCompleted


class _Discount(Protocol):
    @property
    def offer(self) -> str | None: ...
    @property
    def amount_minor(self) -> int: ...


class _Line(Protocol):
    @property
    def discounts(self) -> Iterable[_Discount]: ...


def back_coupons(tx: Tx, shop: Shop, body: SaleCompleted, kept: Mapping[int, UUID]) -> SaleCompleted:
    """The sale with what stands behind its coupons. `kept` are the reservations (by serial) that head office gave this
    sale and that were not given back. A sale without such a coupon reads nothing.

    Raises CouponLimitReached, StoreLimitReached.
    """
    vouchers = body.vouchers
    if vouchers is None or not any(use.last_day for use in vouchers.used) or read_line(tx) is None:
        return body
    values = _values(body.lines, vouchers.used)
    backed = []
    risked: int | None = None
    for use in vouchers.used:
        if not use.last_day:
            backed.append(use)
            continue
        reserved, value = kept.get(use.serial), values[use.offer]
        if reserved is None:
            risked = _risked(tx) if risked is None else risked
            may_risk_coupon(value, risked, shop.terms.offline)
            risked += value
        backed.append(replace(use, value_minor=value, reserved=reserved))
    return replace(body, vouchers=replace(vouchers, used=tuple(backed)))


def limit_coupons(tx: Tx, shop: Shop, coupons: ShownCoupons, lines: Iterable[_Line]) -> ShownCoupons:
    """The coupons that a quote may promise while head office cannot be reached; `lines` are the basket priced with all
    of them. The same object where nothing is to be refused."""
    uses = [each.use for each in coupons.shown if each.use is not None]
    if not any(use.last_day for use in uses):
        return coupons
    line = read_line(tx)
    if line is None or line.online:
        return coupons
    values, risked = _values(lines, uses), _risked(tx)
    shown = list(coupons.shown)
    for index, each in enumerate(coupons.shown):
        if each.use is None or not each.use.last_day:
            continue
        value = values[each.use.offer]
        try:
            may_risk_coupon(value, risked, shop.terms.offline)
        except Problem as problem:
            shown[index] = each._replace(use=None, problem=problem)
        else:
            risked += value
    return coupons if tuple(shown) == coupons.shown else ShownCoupons(tuple(shown))


def _values(lines: Iterable[_Line], used: Iterable[UsedCoupon]) -> dict[str, int]:
    """What one coupon of each offer takes off: its share of what the offer took off, rounded up and at least 1, so that
    coupons which give something else cannot be taken for ever."""
    counts: dict[str, int] = {}
    for use in used:
        counts[use.offer] = counts.get(use.offer, 0) + 1
    off = dict.fromkeys(counts, 0)
    for line in lines:
        for discount in line.discounts:
            if discount.offer in off:
                off[discount.offer] += discount.amount_minor
    return {offer: max(-(-off[offer] // count), 1) for offer, count in counts.items()}


def _risked(tx: Tx) -> int:
    """What this store has risked that head office has not acknowledged, points and coupons together."""
    return sum(floor_used(tx).values()) + coupons_at_risk(tx)
