"""pure: what a fact says about points, whatever kind it is: its postings, and the members it is about.

A kind that carries postings is named here once; the shop's appliers and head office's reports never list them anew.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

from msgspec import Struct

from sync.facts.coupons import CouponsIssued, CouponVoided
from sync.facts.earning import ActivityRecorded
from sync.facts.points import PointsAdjusted, PointsHeld, PointsPosted, PointsReleased
from sync.facts.returns import ReturnFollowed, ReturnTaken, TakenBack
from sync.facts.sales import SaleCompleted, SaleVoided
from sync.facts.store import BasketParked


def postings_of(body: Struct) -> tuple[PointsPosted, ...]:
    """Every points posting that a fact carries, those of other members too (who had brought a friend); () for a fact
    that moves no points."""
    carried = _CARRIED.get(type(body))
    return tuple(carried(body)) if carried is not None else ()


def members_of(body: Struct) -> tuple[UUID, ...]:
    """The members a fact is about, each once: who bought, whose points moved, whose profile it is."""
    named = [posting.member for posting in postings_of(body)]
    for name in ("member", "absorbed", "into"):
        member = getattr(body, name, None)
        if isinstance(member, UUID):
            named.append(member)
    return tuple(dict.fromkeys(named))


def _of_sale(sale: SaleCompleted) -> Iterator[PointsPosted]:
    yield from sale.postings
    if sale.referral is not None:
        yield from sale.referral.postings
    for taken in sale.returned:
        yield from _of_taken(taken)


def _of_undone(undone: SaleVoided | ReturnFollowed) -> Iterator[PointsPosted]:
    yield from undone.postings
    yield from undone.referral


def _of_return(returned: ReturnTaken) -> Iterator[PointsPosted]:
    yield from _of_taken(returned.taken)


def _of_taken(taken: TakenBack) -> Iterator[PointsPosted]:
    yield from taken.postings
    yield from taken.referral


def _own(
    body: PointsAdjusted | PointsHeld | PointsReleased | CouponsIssued | CouponVoided | ActivityRecorded | BasketParked,
) -> Iterator[PointsPosted]:
    yield from body.postings


_CARRIED: Mapping[type[Struct], Callable[[Any], Iterator[PointsPosted]]] = {
    SaleCompleted: _of_sale,
    SaleVoided: _of_undone,
    ReturnTaken: _of_return,
    ReturnFollowed: _of_undone,
    PointsAdjusted: _own,
    PointsHeld: _own,
    PointsReleased: _own,
    CouponsIssued: _own,
    CouponVoided: _own,
    ActivityRecorded: _own,
    BasketParked: _own,
}
