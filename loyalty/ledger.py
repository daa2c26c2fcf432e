"""pure: the points ledger. Postings are facts; a balance is what folding them says, never a number somebody edits.

Postings fold in the order (effective_at, op_id, n), whatever order they arrived in. Points that come in settle debt
first and become active with the rest; points that go are taken from active, and what is missing becomes debt:

    posting            | active | debt
    -------------------|--------|-----
    earn          +100 |    100 |    0
    adjust         -80 |     20 |    0   spent elsewhere, corrected by hand
    reverse_earn  -100 |      0 |   80   the goods came back; the return is never refused
    earn           +50 |      0 |   30
    earn           +50 |     20 |    0

Always: active + pending + held - debt = the sum of all postings (I1), and debt > 0 means active = 0 (I3).
"""

from collections.abc import Iterable
from typing import Literal
from uuid import UUID

import msgspec

from loyalty.errors import IdConflict

PostingKind = Literal["earn", "reverse_earn", "adjust"]


class PostingConflict(IdConflict):
    """Two different bookings of points carry the same id."""

    code, hint = "posting_conflict", "Call head office: the account must be looked at before its points are used."


class Posting(msgspec.Struct, frozen=True, kw_only=True):
    """One fact about a member's points, named for ever by (member, op_id, n).

    `points` is signed: earn brings, reverse_earn takes, adjust does either. `effective_at` is milliseconds since 1970
    UTC and only orders the fold. `reference` names what this posting reverses, as `reference_to` writes it.
    """

    member: UUID
    op_id: UUID
    n: int
    kind: PostingKind
    points: int
    effective_at: int
    reference: str | None = None

    def __post_init__(self) -> None:
        """Raises ValueError when the sign of the points contradicts the kind."""
        if (self.kind == "earn" and self.points < 0) or (self.kind == "reverse_earn" and self.points > 0):
            raise ValueError(f"{self.kind} cannot move {self.points} points")


class Balance(msgspec.Struct, frozen=True):
    """The points of an account, each >= 0: `active` may be spent, `pending` not yet, `held` is set aside for a payment,
    `debt` is owed."""

    active: int = 0
    pending: int = 0
    held: int = 0
    debt: int = 0


def reference_to(posting: Posting) -> str:
    """How another posting names this one: the op_id in hex, a colon, n."""
    return f"{posting.op_id.hex}:{posting.n}"


def order_of(posting: Posting) -> tuple[int, UUID, int, UUID]:
    """The place of a posting in the fold: a sort key. The member comes last, it decides only in a merged account.

    These three kinds give the same balance in any order; the order is fixed because points that expire depend on it.
    """
    return posting.effective_at, posting.op_id, posting.n, posting.member


def fold(postings: Iterable[Posting]) -> Balance:
    """The balance of an account from all its postings, in any order: a member's and those merged into it.

    The same posting twice is one posting, as when a store's report reaches the hub again.

    Raises PostingConflict when one id stands for two different facts. Guessing which is right could pay twice.
    """
    by_key: dict[tuple[UUID, UUID, int], Posting] = {}
    for posting in postings:
        known = by_key.setdefault((posting.member, posting.op_id, posting.n), posting)
        if known is not posting and known != posting:
            raise PostingConflict(f"Posting {reference_to(posting)} exists with other content.")
    balance = Balance()
    for posting in sorted(by_key.values(), key=order_of):
        balance = apply_posting(balance, posting)
    return balance


def apply_posting(balance: Balance, posting: Posting) -> Balance:
    """The balance after one more posting. For a posting that sorts last this equals folding everything again."""
    return apply_points(balance, posting.points)


def apply_points(balance: Balance, points: int) -> Balance:
    """The balance after `points` came in (positive) or went out: debt is settled first, what is missing is owed."""
    if points >= 0:
        settled = min(points, balance.debt)
        active, debt = balance.active + points - settled, balance.debt - settled
    else:
        taken = min(-points, balance.active)
        active, debt = balance.active - taken, balance.debt - points - taken
    return Balance(active, balance.pending, balance.held, debt)
