"""pure: the store itself: lives of its database, operators, baskets set aside."""

from uuid import UUID

import msgspec
from msgspec import Struct

from sync.facts.points import PointsPosted


class EpochStarted(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The first entry of every life of the database. `ordinal` 1 is the first life; it gives the numbers their series.

    `previous_*` name the head of the life before, as this database knew it.
    """

    store: str
    currency: str
    time_zone: str
    ordinal: int
    reason: str
    previous_epoch: str | None = None
    previous_seq: int | None = None
    previous_hash: str | None = None


class OperatorChanged(Struct, frozen=True, kw_only=True):
    """Who may work here and as what. Name and PIN are personal or secret and stay out of the journal."""

    operator: str
    role: str
    active: bool


class BasketParked(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A basket set aside. `basket` is the quote as the till asked for it. Its label is often a name: it stays out.
    `postings` let the points go that were on hold for it."""

    request: str
    till: str
    basket: msgspec.Raw
    total_minor: int
    currency: str
    member: UUID | None = None
    postings: tuple[PointsPosted, ...] = ()


class BasketClaimed(Struct, frozen=True, kw_only=True):
    """A parked basket taken up again by a till; it can be claimed once."""

    parked: UUID
    till: str
