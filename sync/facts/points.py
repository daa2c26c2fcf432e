"""pure: points as facts carry them, and what is said about points alone: set aside, let go, given or taken by hand.

A fact carries its postings with every result: from when points count, when they end, which lines earned them. So a
changed program never changes the past, and `apply` only writes them down.

    sale.postings                                             # (PointsPosted(n=1, kind="earn", points=12, …),)
    ledger_postings(entry.op_id, entry.epoch, entry.seq, sale.postings)      # the ledger's own form of them
"""

from collections.abc import Iterable
from uuid import UUID

from msgspec import Struct

from loyalty.points.account import Balance
from loyalty.points.facts import LinePoints, Posting, PostingId, PostingKind
from sync.facts.backing import HoldBacking


class PostingRef(Struct, frozen=True):
    """How one posting names another: the entry's op_id, the number in it, the member."""

    op: UUID
    n: int
    member: UUID


class PointsPosted(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One points posting of an entry, named for ever by (member, op_id of the entry, n). The fields are those of
    loyalty.points.facts.Posting; times are milliseconds since 1970 UTC, `effective_at` is the store's own word."""

    n: int
    member: UUID
    kind: PostingKind
    points: int = 0
    effective_at: int
    available_from: int | None = None
    expires_at: int | None = None
    lines: LinePoints = ()
    reference: PostingRef | None = None
    hold: UUID | None = None
    keep_until: int | None = None
    rule: str | None = None
    reason: str | None = None


class PointsAdjusted(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Points given or taken by a person, with the reason."""

    request: str
    member: UUID
    points: int
    reason: str
    postings: tuple[PointsPosted, ...]
    balance: Balance


class PointsHeld(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Points set aside before paying. The entry's op_id is the id of the hold. `proof` is the kind of second factor the
    member showed, never what was shown; `backing` what stands behind the points where a head office has the last
    word. `reward`: the
    points are for this version of a reward, not to pay with."""

    request: str
    member: UUID
    points: int
    lapses_at: int
    proof: str
    reward: str | None = None
    reward_version: int = 0
    postings: tuple[PointsPosted, ...]
    balance: Balance
    backing: HoldBacking | None = None


class PointsReleased(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A hold given up before it paid. No postings where it had ended by itself."""

    hold: UUID
    member: UUID
    postings: tuple[PointsPosted, ...] = ()
    balance: Balance


def fact_postings(postings: Iterable[Posting]) -> tuple[PointsPosted, ...]:
    """Decided postings in the form a fact carries."""
    return tuple(
        [
            PointsPosted(
                n=posting.n,
                member=UUID(bytes=posting.member),
                kind=posting.kind,
                points=posting.points,
                effective_at=posting.effective_at,
                available_from=posting.available_from,
                expires_at=posting.expires_at,
                lines=posting.lines,
                reference=_reference(posting.reference),
                hold=UUID(bytes=posting.hold) if posting.hold is not None else None,
                keep_until=posting.keep_until,
                rule=posting.rule,
                reason=posting.reason,
            )
            for posting in postings
        ]
    )


def ledger_postings(
    op_id: UUID, epoch: int, seq: int, postings: Iterable[PointsPosted], *, at: int | None = None
) -> list[Posting]:
    """The postings of the entry (epoch, seq) as the ledger folds them; `at` is head office's word for when they count,
    None the store's own. Raises ValueError for one that contradicts itself."""
    return [
        Posting(
            member=posted.member.bytes,
            op_id=op_id.bytes,
            n=posted.n,
            kind=posted.kind,
            points=posted.points,
            effective_at=posted.effective_at if at is None else at,
            origin=epoch,
            seq=seq,
            available_from=posted.available_from,
            expires_at=posted.expires_at,
            lines=posted.lines,
            reference=_posting_id(posted.reference),
            hold=posted.hold.bytes if posted.hold is not None else None,
            keep_until=posted.keep_until,
            rule=posted.rule,
            reason=posted.reason,
        )
        for posted in postings
    ]


def points_of(postings: Iterable[PointsPosted], kind: PostingKind) -> int:
    """The points that the postings of one kind move, as a number >= 0."""
    return sum([abs(posted.points) for posted in postings if posted.kind == kind])


def _reference(reference: PostingId | None) -> PostingRef | None:
    if reference is None:
        return None
    return PostingRef(UUID(bytes=reference.op_id), reference.n, UUID(bytes=reference.member))


def _posting_id(reference: PostingRef | None) -> PostingId | None:
    return PostingId(reference.op.bytes, reference.n, reference.member.bytes) if reference is not None else None
