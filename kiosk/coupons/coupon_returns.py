"""sql: what becomes of the coupons that a sale used and issued, when it is voided or its goods come back.

A coupon given with a sale was earned by what the sale came to. Once what is kept comes to less than that, it is void
where nobody used it, under whatever serial it was issued again meanwhile. One that was used stays used, for its goods
were sold at that price; but should those come back as well, it is not given back to be used once more:

    sale of 20.00 gives coupon C; C takes 2.00 off another sale     | C
    ----------------------------------------------------------------|------
    the 20.00 come back, C unused                                   | void
    the 20.00 come back, C used                                     | stays used
    then the other sale comes back too                              | void
    19.00 of the 20.00 come back, and C was given from 15.00 on     | void

In an exchange several sales come back in one entry; `others` are those that stand before this one in it.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from kiosk.coupons.coupon_store import CouponRow, find_coupon, find_replacement, uses_by
from kiosk.coupons.gift_card_store import read_activated
from kiosk.sales.returns import SoldState, value_of
from kiosk.sales.sale_store import is_voided, read_sold_state
from loyalty.transactions import Tx
from sync.facts.coupons import CouponGivenBack, CouponVoided, IssuedCoupon
from sync.facts.returns import ReturnedLine, TakenBack
from sync.facts.sales import SaleCompleted
from sync.journal import find


class UndoneCoupons(NamedTuple):
    """Uses that count no longer, and serials that are void from now on."""

    given_back: tuple[CouponGivenBack, ...] = ()
    voided: tuple[int, ...] = ()


class _Back(NamedTuple):
    """A sale that comes back: all of it by a void (`lines` None), or these lines of it now."""

    sale: UUID
    lines: Sequence[ReturnedLine] | None


def undo_coupons_by_void(tx: Tx, sale: UUID) -> UndoneCoupons:
    """What voiding a sale does to coupons."""
    return _undo(tx, sale, (_Back(sale, None),), _uses(tx, sale))


def undo_coupons_by_return(
    tx: Tx, sold: SoldState, lines: Sequence[ReturnedLine], others: Sequence[TakenBack] = ()
) -> UndoneCoupons:
    """What taking `lines` of a sale back does to coupons: its own uses count until the last of it is back."""
    given_back = _uses(tx, sold.sale) if comes_back_whole(sold, lines) else ()
    backs = (*(_Back(other.sale, other.lines) for other in others), _Back(sold.sale, lines))
    before = [each for other in others if other.vouchers for each in other.vouchers.given_back]
    return _undo(tx, sold.sale, backs, given_back, before)


def comes_back_whole(sold: SoldState, lines: Sequence[ReturnedLine]) -> bool:
    """Whether nothing of the sale is left with the shopper once these lines are back."""
    after = _returned_after(sold, lines)
    return all(after[line.line] >= line.quantity_milli for line in sold.lines)


def _undo(
    tx: Tx,
    sale: UUID,
    backs: Sequence[_Back],
    given_back: tuple[CouponGivenBack, ...],
    before: Sequence[CouponGivenBack] = (),
) -> UndoneCoupons:
    """`before` was given back by the same entry already. Of a coupon that this gives back it is asked what its own sale
    has left; of those that this sale issued, whether somebody used them."""
    voided: list[int] = []
    unused = {each.serial for each in (*before, *given_back)}
    for coupon in _issued(tx, sale):
        row = _newest(tx, coupon.serial)
        if row is not None and _is_unspent(row, unused) and _is_forfeit(tx, sale, coupon, backs):
            voided.append(row.serial)
    for serial in dict.fromkeys(each.serial for each in given_back):
        row, source = find_coupon(tx, serial), _source_of(tx, serial)
        if row is None or source is None or source[0] == sale or not _is_unspent(row, unused):
            continue
        if _is_forfeit(tx, *source, backs):
            voided.append(row.serial)
    return UndoneCoupons(given_back, tuple(voided))


def _uses(tx: Tx, sale: UUID) -> tuple[CouponGivenBack, ...]:
    return tuple(CouponGivenBack(serial=serial, n=n) for serial, n in uses_by(tx, sale))


def _is_unspent(row: CouponRow, given_back: set[int]) -> bool:
    return not row.is_void and row.uses_left + (row.serial in given_back) >= row.uses_max


def _issued(tx: Tx, sale: UUID) -> tuple[IssuedCoupon, ...]:
    """The coupons that came with a sale, as its fact has them."""
    entry = find(tx, sale)
    if entry is None or not isinstance(entry.body, SaleCompleted) or entry.body.vouchers is None:
        return ()
    return entry.body.vouchers.issued


def _newest(tx: Tx, serial: int) -> CouponRow | None:
    """The coupon that stands for `serial` now: itself, or what it was last issued again as."""
    while (replacement := find_replacement(tx, serial)) is not None:
        serial = replacement
    return find_coupon(tx, serial)


def _source_of(tx: Tx, serial: int) -> tuple[UUID, IssuedCoupon] | None:
    """The sale that a coupon came with, and the coupon as it was issued first; None where no sale gave it."""
    while (row := find_coupon(tx, serial)) is not None:
        entry = find(tx, row.op)
        if entry is None or not isinstance(entry.body, CouponVoided):
            first = [coupon for coupon in _issued(tx, row.op) if coupon.serial == serial]
            return (row.op, first[0]) if first else None
        serial = entry.body.serial
    return None


def _is_forfeit(tx: Tx, sale: UUID, coupon: IssuedCoupon, backs: Sequence[_Back]) -> bool:
    """Whether what is left of the sale would not have given the coupon."""
    mine = [back for back in backs if back.sale == sale]
    if any(back.lines is None for back in mine) or is_voided(tx, sale):
        return True
    sold = read_sold_state(tx, sale)
    lines = [line for back in mine for line in back.lines or ()]
    if comes_back_whole(sold, lines):
        return True
    after = _returned_after(sold, lines)
    cards = [each for each in read_activated(tx, sale) if not after[each.line]]
    kept = sold.due_minor - value_of(sold, after) - sum(card.amount_minor for card in cards)
    return kept < coupon.from_minor


def _returned_after(sold: SoldState, lines: Sequence[ReturnedLine]) -> dict[int, int]:
    after = {line.line: line.booked_milli for line in sold.lines}
    for line in lines:
        after[line.line] += line.quantity_milli
    return after
