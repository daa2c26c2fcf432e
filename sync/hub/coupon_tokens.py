"""sql: the signed token of a coupon that any store has issued, by its serial: what a typed code of another store's
coupon stands for. A store checks it like one that it has scanned."""

from uuid import UUID

from loyalty.errors import NotFound
from loyalty.transactions import Tx
from sync.chain import decode_content
from sync.facts import Body, decode_body
from sync.facts.coupons import CouponsIssued, CouponVoided, IssuedCoupon
from sync.facts.sales import SaleCompleted
from sync.hub import inbox
from sync.protocol.commands import CouponToken

_UNKNOWN = "Head office knows no coupon of this serial; its store may not have sent it yet."
_ISSUED = "SELECT store, op FROM issued_coupon WHERE serial = ?"
_PLACE = "SELECT epoch, seq FROM applied WHERE store = ? AND op_id = ?"


def read_token(tx: Tx, serial: int) -> CouponToken:
    """The token of a coupon, as its store signed it. Raises NotFound."""
    issued = tx.execute(_ISSUED, (serial,)).fetchone()
    place = tx.execute(_PLACE, tuple(issued)).fetchone() if issued is not None else None
    if issued is None or place is None:
        raise NotFound(_UNKNOWN)
    epoch, seq = place
    entry = next(iter(inbox.read_entries(tx, UUID(bytes=issued[0]), epoch, seq - 1, 1)))
    content = decode_content(entry.content)
    for coupon in _issued_by(decode_body(content.kind, content.v, content.body)):
        if coupon.serial == serial:
            return CouponToken(serial=serial, token=coupon.token)
    raise NotFound(_UNKNOWN)


def _issued_by(body: Body) -> tuple[IssuedCoupon, ...]:
    if isinstance(body, CouponsIssued):
        return body.coupons
    if isinstance(body, CouponVoided):
        return (body.replacement,) if body.replacement is not None else ()
    return body.vouchers.issued if isinstance(body, SaleCompleted) and body.vouchers is not None else ()
