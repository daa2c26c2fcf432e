"""pure: may this be done with the points now? The answer is the posting that says it was done, or a refusal.

A decision reads an account as `view` shows it at the present instant, and changes nothing. The caller writes the
posting with everything else of the same operation, in one transaction, so two tills that decide at the same time cannot
both be right: the second reads what the first has written. A fact that nobody asked about before (a till that was cut
off, another store) goes to the fold as it is and may make debt.

    rules = RedeemRules(min_points=50, step=10, share=(1, 2), value=(1, 100))     100 points are 1 minor unit
    quote_redemption(account, rules, bill_minor=2000) -> at most so many points, worth so much, or why none
    place_hold(account, rules, stamp, 80, lapses_at)  -> Posting hold
    capture(account, stamp, hold, 80)                 -> Posting redeem
"""

from typing import Literal

import msgspec

from loyalty.errors import Problem
from loyalty.points.account import Account, Hold, lot_of
from loyalty.points.facts import LinePoints, Posting, PostingId
from loyalty.points.refusals import (
    AboveHold,
    AboveShare,
    AdjustmentForbidden,
    AdjustmentUnexplained,
    BelowMinimum,
    HoldCaptured,
    HoldLapsed,
    HoldNotFound,
    HoldReleased,
    InsufficientPoints,
    NotAStep,
    NothingToSpend,
    PointsOwed,
    ReversalUnknown,
)

Ratio = tuple[int, int]


class Stamp(msgspec.Struct, frozen=True):
    """The name and the place of the posting to be: member, op_id and n for ever, effective_at, origin and seq."""

    member: bytes
    op_id: bytes
    n: int
    effective_at: int
    origin: int = 0
    seq: int = 0


class RedeemRules(msgspec.Struct, frozen=True, kw_only=True):
    """How points may be spent. `value` is minor units per points, as a ratio: (1, 100) is 1 minor unit for 100 points.
    `share` is the part of a bill that points may pay, as a ratio."""

    min_points: int = 1
    step: int = 1
    max_points: int | None = None
    value: Ratio = (1, 1)
    share: Ratio = (1, 1)

    def __post_init__(self) -> None:
        """Raises ValueError for rules nobody could follow."""
        if self.min_points < 1 or self.step < 1 or min(self.value) < 1 or self.share[0] < 0 or self.share[1] < 1:
            raise ValueError("minimum, step and value are at least 1, a share is not below nothing")

    def value_minor(self, points: int) -> int:
        """What the points pay, cut to whole minor units: 250 points at (1, 100) pay 2."""
        return points * self.value[0] // self.value[1]

    def points_for(self, amount_minor: int) -> int:
        """The fewest points that pay an amount: 3 minor units at (2, 5) take 8 points, worth 3."""
        return -(-amount_minor * self.value[1] // self.value[0])

    def points_worth(self, amount_minor: int) -> int:
        """The most points whose value an amount covers: 3 minor units at (2, 5) cover 7 points, worth 2."""
        return max(amount_minor, 0) * self.value[1] // self.value[0]

    def limit_for(self, bill_minor: int) -> int:
        """The most points that may pay for a bill, a multiple of the step.

        bill | share | value   | step | points
        -----|-------|---------|------|-------
        2000 | 1/1   | 1/1     |   10 |   2000
        2000 | 1/2   | 1/1     |  300 |    900
         999 | 1/2   | 1/100   |    1 |  49900    499 of the bill
        """
        payable_minor = max(bill_minor, 0) * self.share[0] // self.share[1]
        points = self.points_worth(payable_minor)
        if self.max_points is not None:
            points = min(points, self.max_points)
        return points // self.step * self.step


class RedemptionQuote(msgspec.Struct, frozen=True):
    """How many points can pay now, what they are worth, and the code of the refusal if it is none."""

    points: int
    value_minor: int
    reason: str | None = None


def quote_redemption(account: Account, rules: RedeemRules, bill_minor: int) -> RedemptionQuote:
    """The most points that may pay for a bill of `bill_minor` now. Writes nothing and refuses nothing: it explains."""
    points = min(account.active // rules.step * rules.step, rules.limit_for(bill_minor))
    least = -(-rules.min_points // rules.step) * rules.step
    try:
        check_spending(account, rules, max(points, least), bill_minor)
    except Problem as refusal:
        return RedemptionQuote(0, 0, refusal.code)
    return RedemptionQuote(points, rules.value_minor(points))


def check_spending(account: Account, rules: RedeemRules, points: int, bill_minor: int | None = None) -> None:
    """Refuse what may not be spent now; the order of the refusals is that of the module `refusals`.

    Raises NothingToSpend, PointsOwed, BelowMinimum, NotAStep, AboveShare or InsufficientPoints.
    """
    if points < 1:
        raise NothingToSpend
    if account.debt:
        raise PointsOwed(f"{account.debt} points are owed.", debt=account.debt)
    if points < rules.min_points:
        raise BelowMinimum(f"At least {rules.min_points} points.", min_points=rules.min_points)
    if points % rules.step:
        raise NotAStep(f"A multiple of {rules.step} points.", step=rules.step)
    limit = rules.max_points if bill_minor is None else rules.limit_for(bill_minor)
    if limit is not None and points > limit:
        raise AboveShare(f"At most {limit} points.", max_points=limit)
    if points > account.active:
        raise InsufficientPoints(f"There are {account.active} points.", active=account.active)


def place_hold(account: Account, rules: RedeemRules, stamp: Stamp, points: int, lapses_at: int) -> Posting:
    """Set points aside until `lapses_at`, in milliseconds since 1970 UTC. Raises as `check_spending`."""
    check_spending(account, rules, points)
    return _posting(stamp, "hold", points, expires_at=lapses_at)


def release(account: Account, stamp: Stamp, hold_id: bytes, *, lapsed: bool = False) -> Posting | None:
    """Give a hold up. None when it has ended without a payment already: there is nothing to write. `lapsed`: one that
    has lapsed is given up too, so that it pays no more.

    Raises HoldNotFound or HoldCaptured.
    """
    hold = _known_hold(account, hold_id)
    ends = hold.state == "open" or (lapsed and hold.state == "lapsed")
    return _posting(stamp, "release", 0, hold=hold_id) if ends else None


def capture(account: Account, stamp: Stamp, hold_id: bytes, points: int, lines: LinePoints = ()) -> Posting:
    """Pay with points on hold; what is not used goes back. `lines` is the points tender by line of the sale.

    A hold that has lapsed still pays if its points are free: nobody else needed them, and the member is at the till.

    Raises HoldNotFound, HoldCaptured, HoldReleased, NothingToSpend, PointsOwed, AboveHold, HoldLapsed or
    InsufficientPoints.
    """
    hold = _known_hold(account, hold_id)
    if hold.state == "released":
        raise HoldReleased
    if points < 1:
        raise NothingToSpend
    if account.debt:  # goods came back since: the points on hold are those that are owed
        raise PointsOwed(f"{account.debt} points are owed.", debt=account.debt)
    if points > hold.points:
        raise AboveHold(f"{hold.points} points were reserved.", points=hold.points)
    if hold.state == "lapsed" and points > account.active:
        raise HoldLapsed(f"{account.active} points are left.", active=account.active)
    if points > account.active + sum([piece.points for piece in hold.pieces]):
        raise InsufficientPoints(active=account.active)  # a hold that a late fact left short
    return _posting(stamp, "redeem", -points, hold=hold_id, lines=lines)


def redeem(
    account: Account, rules: RedeemRules, stamp: Stamp, points: int, bill_minor: int, lines: LinePoints = ()
) -> Posting:
    """Pay with points at once, without a hold. Raises as `check_spending`."""
    check_spending(account, rules, points, bill_minor)
    return _posting(stamp, "redeem", -points, lines=lines)


def earn(
    stamp: Stamp, lines: LinePoints, points: int, rule: str, begins: int | None = None, ends: int | None = None
) -> Posting | None:
    """What a sale or an activity earned under one version of a rule; None when that is nothing. `lines` are the points
    of each line of the sale, empty for points that no line earned alone. `begins` None: at once; `ends` None: never."""
    if not points:
        return None
    earned = tuple((line, share) for line, share in lines if share)
    return _posting(stamp, "earn", points, lines=earned, rule=rule, available_from=begins, expires_at=ends)


def adjust(account: Account, stamp: Stamp, points: int, reason: str, limit: int, ends_at: int | None = None) -> Posting:
    """Change points by hand. `limit` is how many points the operator's role may give or take at once.

    Raises AdjustmentUnexplained or AdjustmentForbidden, and InsufficientPoints where more would go than is active: debt
    is never made by hand.
    """
    if not points or not reason.strip():
        raise AdjustmentUnexplained
    if abs(points) > limit:
        raise AdjustmentForbidden(f"Up to {limit} points.", limit=limit)
    if -points > account.active:
        raise InsufficientPoints(f"There are {account.active} points.", active=account.active)
    return _posting(stamp, "adjust", points, reason=reason, expires_at=ends_at if points > 0 else None)


def take_back(account: Account, stamp: Stamp, earned: PostingId, clawed_lines: LinePoints) -> Posting | None:
    """The claw-back of goods that come back. `clawed_lines` is what each line has lost after this return, all returns
    together (`loyalty.earning.claw_back`), so the split of a return does not matter. None when nothing changes.

    Raises ReversalUnknown for a sale that did not earn on this account.
    """
    lot = account.lots.get(lot_of(earned))
    if lot is None or lot.source != "earn":
        raise ReversalUnknown
    lines = _differences(clawed_lines, lot.clawed_lines)
    points = sum([points for _, points in lines])
    return _posting(stamp, "reverse_earn", -points, lines=lines, reference=earned) if points else None


def give_back(
    account: Account, stamp: Stamp, redeemed: PostingId, restored_lines: LinePoints, keep_until: int
) -> Posting | None:
    """The points tender of goods that come back. `restored_lines` is what each line has got back after this return, all
    returns together; `keep_until` is the end that points get at the least (`periods.end_of_day` of the grace).

    Raises ReversalUnknown for a sale that was not paid from this account.
    """
    redemption = account.redemptions.get(redeemed)
    if redemption is None:
        raise ReversalUnknown
    lines = _differences(restored_lines, redemption.restored_lines)
    points = sum([points for _, points in lines])
    if not points:
        return None
    return _posting(stamp, "reverse_redeem", points, lines=lines, reference=redeemed, keep_until=keep_until)


def undo_earn(account: Account, stamp: Stamp, earned: PostingId) -> Posting | None:
    """The mirror of an `earn` of which nothing was taken back yet: all of it, line by line. Raises ReversalUnknown."""
    lot = account.lots.get(lot_of(earned))
    if lot is None or lot.source != "earn":
        raise ReversalUnknown
    if not lot.points:
        return None
    return _posting(stamp, "reverse_earn", -lot.points, lines=lot.lines, reference=earned)


def undo_redeem(account: Account, stamp: Stamp, redeemed: PostingId, keep_until: int) -> Posting | None:
    """The mirror of a `redeem` of which nothing was given back yet. Raises ReversalUnknown."""
    redemption = account.redemptions.get(redeemed)
    if redemption is None:
        raise ReversalUnknown
    if not redemption.points:
        return None
    return _posting(
        stamp, "reverse_redeem", redemption.points, lines=redemption.lines, reference=redeemed, keep_until=keep_until
    )


def settle_debt(stamp: Stamp, points: int) -> Posting | None:
    """The posting for debt whose value was kept of a refund; None for no points."""
    return _posting(stamp, "adjust", points, reason="debt_paid") if points else None


def forgive_debt(account: Account, stamp: Stamp, below: int) -> Posting | None:
    """The posting that lets a small debt go, for programs that forgive less than `below` points; None if there is
    nothing to forgive. It stands in the same operation as the return that made the debt."""
    if not 0 < account.debt < below:
        return None
    return _posting(stamp, "adjust", account.debt, reason="debt_forgiven")


def _known_hold(account: Account, hold_id: bytes) -> Hold:
    hold = account.holds.get(hold_id)
    if hold is None:
        raise HoldNotFound
    if hold.state == "captured":
        raise HoldCaptured
    return hold


def _differences(after: LinePoints, before: LinePoints) -> LinePoints:
    known = dict(before)
    return tuple((line, points - known.get(line, 0)) for line, points in after if points > known.get(line, 0))


def _posting(
    stamp: Stamp,
    kind: Literal["earn", "hold", "release", "redeem", "adjust", "reverse_earn", "reverse_redeem"],
    points: int,
    *,
    hold: bytes | None = None,
    lines: LinePoints = (),
    reference: PostingId | None = None,
    rule: str | None = None,
    reason: str | None = None,
    available_from: int | None = None,
    expires_at: int | None = None,
    keep_until: int | None = None,
) -> Posting:
    return Posting(
        member=stamp.member,
        op_id=stamp.op_id,
        n=stamp.n,
        kind=kind,
        points=points,
        effective_at=stamp.effective_at,
        origin=stamp.origin,
        seq=stamp.seq,
        lines=lines,
        hold=hold,
        reference=reference,
        rule=rule,
        reason=reason,
        available_from=available_from,
        expires_at=expires_at,
        keep_until=keep_until,
    )
