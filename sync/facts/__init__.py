"""pure: every journal kind, its versions and its shape.

An entry carries results, never commands: prices, taxes, points and numbers as they were decided. `apply` only writes
them
down, so a replay needs no rule book. A released shape is never changed; a new one gets a new version and an upcaster.

    >>> kind_of(ShiftOpened)
    ('shift.opened', 1)
"""

from collections.abc import Mapping

import msgspec

from sync.facts.bundles import BundleActivated, BundlePlanned, BundleRefused, BundleWithdrawn
from sync.facts.catalogue import ProductsChanged, StockCounted
from sync.facts.coupons import CouponsIssued, CouponVoided, KeysListed
from sync.facts.earning import ActivityRecorded, DefinitionChanged
from sync.facts.lending import LeaseEnded
from sync.facts.lives import EntriesRecovered, EpochCut
from sync.facts.members import (
    ConsentRecorded,
    MemberChanged,
    MemberEnrolled,
    MemberErased,
    MemberMerged,
    MemberParted,
)
from sync.facts.offers import OfferChanged
from sync.facts.points import PointsAdjusted, PointsHeld, PointsReleased
from sync.facts.reserving import ReservationEnded
from sync.facts.returns import ReturnFollowed, ReturnTaken
from sync.facts.sales import SaleCompleted, SaleVoided
from sync.facts.shifts import DrawerOpened, ShiftClosed, ShiftMoved, ShiftOpened
from sync.facts.store import BasketClaimed, BasketParked, EpochStarted, OperatorChanged
from sync.facts.upcasters import upcast

Body = msgspec.Struct

KINDS: Mapping[tuple[str, int], type[Body]] = {
    ("epoch.started", 1): EpochStarted,
    ("epoch.cut", 1): EpochCut,
    ("entries.recovered", 1): EntriesRecovered,
    ("operator.changed", 1): OperatorChanged,
    ("products.changed", 1): ProductsChanged,
    ("stock.counted", 1): StockCounted,
    ("shift.opened", 1): ShiftOpened,
    ("shift.moved", 1): ShiftMoved,
    ("shift.closed", 1): ShiftClosed,
    ("drawer.opened", 1): DrawerOpened,
    ("sale.completed", 1): SaleCompleted,
    ("sale.voided", 1): SaleVoided,
    ("return.taken", 1): ReturnTaken,
    ("return.followed", 1): ReturnFollowed,
    ("member.enrolled", 1): MemberEnrolled,
    ("member.changed", 1): MemberChanged,
    ("member.erased", 1): MemberErased,
    ("member.merged", 1): MemberMerged,
    ("member.parted", 1): MemberParted,
    ("consent.recorded", 1): ConsentRecorded,
    ("points.adjusted", 1): PointsAdjusted,
    ("points.held", 1): PointsHeld,
    ("points.released", 1): PointsReleased,
    ("lease.ended", 1): LeaseEnded,
    ("basket.parked", 1): BasketParked,
    ("basket.claimed", 1): BasketClaimed,
    ("offer.changed", 1): OfferChanged,
    ("definition.changed", 1): DefinitionChanged,
    ("activity.recorded", 1): ActivityRecorded,
    ("keys.listed", 1): KeysListed,
    ("coupons.issued", 1): CouponsIssued,
    ("coupon.voided", 1): CouponVoided,
    ("bundle.planned", 1): BundlePlanned,
    ("bundle.withdrawn", 1): BundleWithdrawn,
    ("bundle.activated", 1): BundleActivated,
    ("bundle.refused", 1): BundleRefused,
    ("reservation.ended", 1): ReservationEnded,
}

_KIND_OF = {body: name for name, body in KINDS.items()}
_DECODERS = {name: msgspec.json.Decoder(body) for name, body in KINDS.items()}


def kind_of(body: type[Body]) -> tuple[str, int]:
    """The kind and version a body type is journalled under. Raises KeyError for a type that is no fact."""
    return _KIND_OF[body]


def decode_body(kind: str, version: int, raw: bytes | msgspec.Raw) -> Body:
    """The body of an entry from its exact bytes, in the newest version of its kind. Raises KeyError for a kind or
    version this release does not know."""
    return upcast(kind, version, _DECODERS[kind, version].decode(raw))
