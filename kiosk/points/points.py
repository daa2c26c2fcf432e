"""pure: what is said about points alone: set aside, let go, given or taken by hand, and what the shop answers."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from kiosk.answers import BalanceAnswer, ExpiringPoints
from kiosk.commands import Booking, Reason
from kiosk.identity.proofs import Proof, ProofText
from kiosk.shifts.business_day import utc_text
from loyalty.earning_rules.rule import RuleId
from loyalty.money import AMOUNT_LIMIT_MINOR
from loyalty.points.account import Account

Points = Annotated[int, Meta(ge=-AMOUNT_LIMIT_MINOR, le=AMOUNT_LIMIT_MINOR)]
SomePoints = Annotated[int, Meta(ge=0, le=AMOUNT_LIMIT_MINOR)]


class AdjustPoints(Booking, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/members/{id}/adjustments. Positive gives, negative takes."""

    points: Points
    reason: Reason


class HoldPoints(Booking, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/holds. `id` becomes the id of the hold; `proof` is the second factor, or a text that was scanned or
    typed and is one. `reward`: the points are for this reward and are exactly what it costs."""

    member: UUID
    points: SomePoints
    reward: RuleId | None = None
    proof: Proof | ProofText | None = None


class MemberPoints(Struct, frozen=True, kw_only=True):
    """A member's points as of a moment. `provisional`: head office has not confirmed them yet."""

    active: int
    pending: int
    held: int
    debt: int
    expiring: tuple[ExpiringPoints, ...]
    as_of: str
    provisional: bool


class LotAnswer(Struct, frozen=True, kw_only=True):
    """Where the points are now that one posting brought: they add up to them. `returned` went with goods that came back
    or came back themselves with a later end."""

    left: int
    held: int
    used: int
    expired: int
    returned: int


class PostingAnswer(Struct, frozen=True, kw_only=True):
    """One posting: `op` is the id of the sale, return or adjustment behind it, `n` tells its postings apart. `member`
    is for whom it was made, one of those who were merged. `lines` are the points of each line of the sale. `lot` and
    `hold_state` say what has become of it."""

    member: UUID
    op: UUID
    n: int
    kind: str
    points: int
    at: str
    available_from: str | None
    expires_at: str | None
    lines: tuple[tuple[int, int], ...]
    reference: UUID | None
    hold: UUID | None
    rule: str | None
    reason: str | None
    lot: LotAnswer | None = None
    hold_state: str | None = None


class AccountParts(Struct, frozen=True, kw_only=True):
    """A member's balance, and how much of it this store can account for. `points` is the balance of everybody who is
    this person; `here` what the postings of this store alone come to now, what has ended taken off; `elsewhere` what
    other places make of it, in points, so that

        points.active + pending + held - debt  =  here.active + pending + held - debt  +  elsewhere

    `whole`: nothing is known that did not happen here, and `here` is `points`."""

    points: MemberPoints
    here: BalanceAnswer
    elsewhere: int
    whole: bool


class LedgerPage(AccountParts, frozen=True, kw_only=True):
    """A page of the postings that this store made of a person, newest first. They come to `here`."""

    items: tuple[PostingAnswer, ...]
    next: str | None


class AdjustedPoints(Struct, frozen=True, kw_only=True):
    """An adjustment and the balance right after it."""

    id: UUID
    member: UUID
    points: int
    reason: str
    balance: BalanceAnswer
    at: str
    business_day: str | None
    operator: str | None


class HoldAnswer(Struct, frozen=True, kw_only=True):
    """Points set aside. `state` is open, released or lapsed, as this call left it; `value_minor` is what they can pay,
    `balance` the account right after it."""

    id: UUID
    member: UUID
    points: int
    value_minor: int
    currency: str
    lapses_at: str
    state: str
    proof: str
    balance: BalanceAnswer
    reward: str | None = None


def render_points(account: Account, *, provisional: bool, as_of: int) -> MemberPoints:
    """An account as a member may see it. `as_of` is when it is known to have been so, milliseconds since 1970 UTC."""
    balance = account.balance
    return MemberPoints(
        active=balance.active,
        pending=balance.pending,
        held=balance.held,
        debt=balance.debt,
        expiring=tuple(ExpiringPoints(points, utc_text(at)) for points, at in balance.expiring),
        as_of=utc_text(as_of),
        provisional=provisional,
    )
