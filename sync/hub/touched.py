"""pure: which things an entry changes that may be another store's, and what each counts (reach.py bounds the sum).

    touched = list_touched(entry)
    touched.things          # {("member", id): 10, ("erasure", id): 1}
    touched.taken           # {("member", id): 250}: points set aside, spent or taken back

Whatever nonsense an entry holds, nothing is raised: what no table can hold is nobody's.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from msgspec import Struct

from sync.facts.card_movements import list_movements
from sync.facts.coupons import CouponVoided
from sync.facts.lending import LeaseEnded
from sync.facts.members import (
    ConsentRecorded,
    MemberChanged,
    MemberEnrolled,
    MemberErased,
    MemberMerged,
    MemberParted,
)
from sync.facts.postings import postings_of
from sync.facts.returns import ReturnFollowed, ReturnTaken, TakenBack
from sync.facts.sales import SaleCompleted, SaleVoided
from sync.facts.vouchers import UndoneVouchers

LIGHT, HEAVY = 1, 10
TIMES_COUNTED = 2
"""How often points that were lent are counted: when they are set aside, and when they are spent. Head office makes so
much room when it lends them; of what comes back unspent it takes the room back."""
MEMBER, MERGE, ERASURE, COUPON, CARD, SALE = "member", "merge", "erasure", "coupon", "card", "sale"
_SERIALS = range(2**63)
_CARD_DIGITS = 64
Thing = tuple[str, Any]
"""A kind, and a key: the id of a member, a merge or a sale, the hash of a card, the serial of a coupon."""
_Listed = Iterator[tuple[Thing, int]]


class Touched(NamedTuple):
    """What an entry changes: things with what each counts, and the members whose points it takes, with how many."""

    things: Mapping[Thing, int]
    taken: Mapping[Thing, int]


NOTHING = Touched({}, {})


def list_touched(body: Struct) -> Touched:
    """What a fact changes beside the store's own books."""
    listed = _LISTED.get(type(body))
    things = _add_up(listed(body)) if listed is not None else None
    if isinstance(body, LeaseEnded) and body.unspent > 0:
        return Touched({}, {(MEMBER, body.member.bytes): TIMES_COUNTED * body.unspent})
    taking = [posted for posted in postings_of(body) if posted.points < 0 or posted.kind == "hold"]
    if not things and not taking:
        return NOTHING
    return Touched(things or {}, _add_up(((MEMBER, posted.member.bytes), abs(posted.points)) for posted in taking))


def _add_up(listed: Iterator[tuple[Thing, int]]) -> dict[Thing, int]:
    sums: dict[Thing, int] = {}
    for thing, amount in listed:
        sums[thing] = sums.get(thing, 0) + amount
    return sums


def _profile(body: MemberEnrolled | MemberChanged | ConsentRecorded) -> _Listed:
    yield (MEMBER, body.member.bytes), LIGHT


def _erased(body: MemberErased) -> _Listed:
    yield (ERASURE, body.member.bytes), LIGHT
    yield (MEMBER, body.member.bytes), HEAVY


def _merged(body: MemberMerged) -> _Listed:
    if body.told is None:
        yield from (((MEMBER, member.bytes), HEAVY) for member in (body.absorbed, body.into))


def _parted(body: MemberParted) -> _Listed:
    if not body.is_told:
        yield (MERGE, body.merge.bytes), HEAVY


def _completed(body: SaleCompleted) -> _Listed:
    if body.vouchers is None and not body.returned:  # nearly every sale
        return
    if body.vouchers is not None:
        yield from _coupons(*(use.serial for use in body.vouchers.used))
    for taken in body.returned:
        yield from _taken(taken)
    yield from _cards(body)


def _voided(body: SaleVoided | ReturnFollowed) -> _Listed:
    yield (SALE, body.sale.bytes), LIGHT
    yield from _undone(body.vouchers)
    yield from _cards(body)


def _returned(body: ReturnTaken) -> _Listed:
    yield from _taken(body.taken)
    yield from _cards(body)


def _taken(taken: TakenBack) -> _Listed:
    yield (SALE, taken.sale.bytes), LIGHT
    yield from _undone(taken.vouchers)


def _undone(undone: UndoneVouchers | None) -> _Listed:
    if undone is not None:
        yield from _coupons(*(back.serial for back in undone.given_back), *undone.voided)


def _coupon_voided(body: CouponVoided) -> _Listed:
    yield from _coupons(body.serial)


def _coupons(*serials: int) -> _Listed:
    yield from (((COUPON, serial), LIGHT) for serial in serials if serial in _SERIALS)


def _cards(body: Struct) -> _Listed:
    for _currency, posted in list_movements(body):
        key = _read_hash(posted.card)
        if posted.amount_minor < 0 and key is not None:
            yield (CARD, key), HEAVY


def _read_hash(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text) if len(text) == _CARD_DIGITS else None
    except ValueError:
        return None


_LISTED: Mapping[type[Struct], Callable[[Any], _Listed]] = {
    MemberEnrolled: _profile,
    MemberChanged: _profile,
    ConsentRecorded: _profile,
    MemberErased: _erased,
    MemberMerged: _merged,
    MemberParted: _parted,
    SaleCompleted: _completed,
    SaleVoided: _voided,
    ReturnFollowed: _voided,
    ReturnTaken: _returned,
    CouponVoided: _coupon_voided,
}
