"""pure: what the fold makes of postings: lots, holds, redemptions, legs, incidents, and the balance.

A lot is the points one posting brought. Where its points are now adds up, at every instant:

    points = free + held + used + expired + clawed + moved

    earned 100, 30 redeemed, 20 on hold, 10 clawed back  ->  free 40, held 20, used 30, clawed 10
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal, NamedTuple

import msgspec

from loyalty.points.facts import LinePoints, Place, PostingId, PostingKind

Bucket = Literal["active", "pending", "held", "debt"]
LegKind = PostingKind | Literal["activate", "expire", "lapse", "debt_settle", "merge"]
HoldState = Literal["open", "captured", "released", "lapsed"]
IncidentKind = Literal[
    "overspend", "hold_short", "hold_reused", "capture_above_hold", "clawed_too_much", "restored_too_much"
]


class LotId(NamedTuple):
    """The posting that brought the points. `restored` is 0, or the later end that redeemed points were given when they
    came back and their own end was over or near: those are a lot of their own, a child of the first."""

    op_id: bytes
    n: int
    member: bytes
    restored: int = 0


class Lot(msgspec.Struct, frozen=True, gc=False):
    """Points that came together and end together. Every count is >= 0.

    `free` may be spent once `available_from` has come (before that it is pending); `used` was redeemed or has settled
    a debt; `clawed` went back out of `free`; `moved` came back to a child lot. Three more say what a claw-back found
    when nothing was free: `gone` (of `expired`) had ended anyway, `owed` was spent or on hold and became debt, and of
    that `claimed` is still on hold and comes out of the hold if it is released. `lines` is the points of each line of
    the sale, `clawed_lines` what was taken back of each.
    """

    id: LotId
    source: PostingKind
    points: int
    available_from: int
    expires_at: int | None
    free: int = 0
    held: int = 0
    used: int = 0
    expired: int = 0
    clawed: int = 0
    moved: int = 0
    gone: int = 0
    owed: int = 0
    claimed: int = 0
    lines: LinePoints = ()
    clawed_lines: LinePoints = ()
    children: tuple[LotId, ...] = ()


class Piece(NamedTuple):
    """Points taken out of one lot. `restored` of them came back."""

    lot: LotId
    points: int
    restored: int = 0


class Hold(msgspec.Struct, frozen=True, gc=False):
    """Points set aside until `expires_at`. `id` is the op_id of its posting; `pieces` are the lots that are reserved
    while it is open, `captured` the points that were paid with it. A hold that was ended by a posting which counts
    before its own has 0 points until that one comes."""

    id: bytes
    posting: PostingId
    points: int
    expires_at: int
    state: HoldState
    pieces: tuple[Piece, ...] = ()
    captured: int = 0


class Redemption(msgspec.Struct, frozen=True, gc=False):
    """Points that paid, lot by lot: debits are paired with the lots they took from, for ever."""

    id: PostingId
    points: int
    pieces: tuple[Piece, ...]
    lines: LinePoints = ()
    restored_lines: LinePoints = ()

    @property
    def restored(self) -> int:
        """The points of it that came back."""
        return sum([piece.restored for piece in self.pieces])


class Leg(msgspec.Struct, frozen=True, gc=False):
    """One movement: `points` (not 0) into a bucket, out of it if negative; `debt` counts what is owed as positive.

    `posting` is the fact behind it; for what time did, the fact that brought the points or placed the hold.
    """

    at: int
    kind: LegKind
    bucket: Bucket
    points: int
    posting: PostingId
    lot: LotId | None


class Incident(msgspec.Struct, frozen=True, gc=False):
    """A fact that broke a rule, booked all the same, that somebody should look at. `points` is how much it was off."""

    kind: IncidentKind
    posting: PostingId
    points: int


class Balance(msgspec.Struct, frozen=True):
    """The points of an account, each >= 0: `active` may be spent, `pending` not yet, `held` is set aside, `debt` is
    owed. `expiring`: (points, the instant they end) of the active ones, soonest first."""

    active: int = 0
    pending: int = 0
    held: int = 0
    debt: int = 0
    expiring: tuple[tuple[int, int], ...] = ()


class Account(msgspec.Struct, frozen=True):
    """A member's points at `as_of`: what happened until then, time included.

    `last` is the place of the newest posting and `returning` says that it took goods back: a further return in the
    same instant is folded together with it. `waiting` names postings whose counterpart has not come yet; they do
    nothing until it does. Legs and incidents are those found since the account was empty or was loaded.
    """

    active: int = 0
    pending: int = 0
    held: int = 0
    debt: int = 0
    as_of: int = 0
    last: Place | None = None
    returning: bool = False
    lots: Mapping[LotId, Lot] = {}
    holds: Mapping[bytes, Hold] = {}
    redemptions: Mapping[PostingId, Redemption] = {}
    waiting: tuple[PostingId, ...] = ()
    legs: tuple[Leg, ...] = ()
    incidents: tuple[Incident, ...] = ()

    @property
    def net(self) -> int:
        """What the member is worth in points: a merge never changes it."""
        return self.active + self.pending + self.held - self.debt

    @property
    def balance(self) -> Balance:
        """The balance with what will end when, of every lot that can be spent now."""
        ends: dict[int, int] = {}
        for lot in self.lots.values():
            if lot.free and lot.expires_at is not None and lot.available_from <= self.as_of:
                ends[lot.expires_at] = ends.get(lot.expires_at, 0) + lot.free
        expiring = tuple((points, at) for at, points in sorted(ends.items()))
        return Balance(self.active, self.pending, self.held, self.debt, expiring)


# Three times as fast as calling the classes, which are Python functions; a fold makes tens of thousands.
_lot_id: Callable[[tuple[bytes, int, bytes, int]], LotId] = partial(tuple.__new__, LotId)
_posting_id: Callable[[tuple[bytes, int, bytes]], PostingId] = partial(tuple.__new__, PostingId)
_piece: Callable[[tuple[LotId, int, int]], Piece] = partial(tuple.__new__, Piece)


def piece_of(lot: LotId, points: int, restored: int = 0) -> Piece:
    """`Piece(lot, points, restored)`, made quickly."""
    return _piece((lot, points, restored))


def lot_of(posting: PostingId) -> LotId:
    """The lot of the points that a posting brought."""
    return _lot_id((*posting, 0))


def root_of(lot: LotId) -> LotId:
    """The lot in which the points of `lot` were first earned."""
    return _lot_id((*lot[:3], 0))


def posting_of(lot: LotId) -> PostingId:
    """The posting that brought the points of `lot`."""
    return _posting_id(lot[:3])
