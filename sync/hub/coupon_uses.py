"""sql: keeps the use of a coupon for one sale: of all stores that ask, one gets it."""

from uuid import UUID

import msgspec

from loyalty.accounts_store import find_survivors
from loyalty.transactions import Tx
from sync.hub.feed_store import put_many
from sync.hub.problems import CouponEnded, CouponNotKnown, CouponOfSomebodyElse, CouponSpent
from sync.hub.reserving import Limits, check_may_reserve, find_reservation, keep, lock_subject, reserved_by_others
from sync.hub.stores import need_store
from sync.protocol.commands import CouponUseCommand, ReservedAnswer

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(ReservedAnswer).decode


def reserve_coupon(
    tx: Tx, store: UUID, command: CouponUseCommand, limits: Limits, now_ms: int
) -> tuple[ReservedAnswer, bool]:
    """Keep one use, and whether this is new; the same command again gets the same answer. The store's row is locked.

    A coupon that its store has not reported yet is kept for nobody: that it is genuine would rest on a key that may
    have been stolen together with the till that shows it.

    Raises IdConflict, ReservationOver, NotYetApplied, LendingClosed, TooMuchReserved, CouponNotKnown, CouponEnded,
    CouponOfSomebodyElse, CouponSpent.
    """
    known = find_reservation(tx, store, command)
    if known is not None:
        return _decode(known), False
    check_may_reserve(tx, store, command, limits, now_ms)
    subject = coupon_subject(command.serial)
    lock_subject(tx, subject)
    kept = reserved_by_others(tx, subject, command.sale, limits, now_ms)
    issued = tx.execute(
        "SELECT member, uses_max, store FROM issued_coupon WHERE serial = ?", (command.serial,)
    ).fetchone()
    if issued is None or need_store(tx, UUID(bytes=issued[2])).code != command.issuer:
        raise CouponNotKnown
    if tx.execute("SELECT 1 FROM coupon_end WHERE serial = ? LIMIT 1", (command.serial,)).fetchone() is not None:
        raise CouponEnded
    if issued[0] is not None and not _is_same(tx, issued[0], command.member):
        raise CouponOfSomebodyElse
    row = tx.execute("SELECT uses FROM coupon_count WHERE serial = ?", (command.serial,)).fetchone()
    used = int(row[0]) if row is not None else 0
    if used + sum(each.amount for each in kept) >= min(command.uses_max, issued[1]):
        raise CouponSpent
    answer = ReservedAnswer(reservation=command.id)
    put_many(tx, [keep(tx, store, command, subject, {0: 1}, _encode(answer), now_ms)], now_ms)
    return answer, True


def coupon_subject(serial: int) -> bytes:
    """What a reservation of a coupon is about."""
    return b"coupon " + serial.to_bytes(8)


def _is_same(tx: Tx, owner: bytes, member: UUID | None) -> bool:
    """Whether who buys is who the coupon was given to, under any of her records."""
    if member is None:
        return False
    survivors = find_survivors(tx, {owner, member.bytes})
    return survivors.get(owner, owner) == survivors.get(member.bytes, member.bytes)
