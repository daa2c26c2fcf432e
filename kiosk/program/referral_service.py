"""sql: points for bringing a friend: booked with the friend's first purchase, taken back when all of it comes back.

The points are posted in the sale's own transaction and count from the day on which it can be returned no more. So no
job has to look for purchases that have grown old, and nobody can spend what a return would take away.

    sale of the friend          posting of who brought her     she sees
    ----------------------------------------------------------------------------
    first purchase              earn 200, from in 14 days      200 pending
    nothing, 14 days later                                     200 active
    all of it comes back        reverse_earn 200               0; once, whatever the split
"""

from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from kiosk.members.known_members import find_member, read_member, share_identifier
from kiosk.offers.offer_store import Mark
from kiosk.points.accounts import open_account
from kiosk.sales.returns import SoldState
from kiosk.sales.sale_earning import WHOLE_BASKET
from kiosk.shifts.business_day import utc_text
from kiosk.shop import Caller, Shop
from loyalty.merge_store import survivor_of
from loyalty.points.decide import earn, take_back, undo_earn
from loyalty.points.facts import PostingId
from loyalty.points.periods import Period, end_of_period
from loyalty.referrals import Referral, ReferralState, state_of
from loyalty.transactions import Tx
from sync.facts.earning import ReferralPaid
from sync.facts.points import PointsPosted, fact_postings
from sync.facts.returns import ReturnedLine
from sync.facts.sales import SaleCompleted

_FIRST = 200
"""Postings of a referral are numbered from here, apart from those of the sale or return itself."""

_DUE = (
    "SELECT op, member, type, version, points FROM activity WHERE referee = ? AND NOT EXISTS ("
    "SELECT 1 FROM referral_payment WHERE referral_payment.referral = activity.op"
    " AND NOT EXISTS (SELECT 1 FROM sale_void WHERE sale_void.sale = referral_payment.sale))"
)
_LISTED = (
    "SELECT activity.op, activity.at, activity.points, payment.sale, posting.available_from,"
    " coalesce((SELECT sum(-back.points) FROM posting AS back WHERE back.member = posting.member"
    " AND back.kind = 'reverse_earn' AND back.reference = posting.op AND back.reference_n = posting.n), 0)"
    " FROM activity LEFT JOIN referral_payment AS payment ON payment.referral = activity.op"
    " AND NOT EXISTS (SELECT 1 FROM sale_void WHERE sale_void.sale = payment.sale)"
    " LEFT JOIN posting ON posting.member = activity.member AND posting.op = payment.sale"
    " AND posting.n = payment.posting"
    " WHERE activity.member = ? AND activity.referee IS NOT NULL ORDER BY activity.at, activity.op"
)


class ReferralAnswer(Struct, frozen=True):
    """A friend who was brought, without saying who: `state` is joined, qualified, paid or revoked."""

    id: UUID
    at: str
    points: int
    state: ReferralState
    available_from: str | None


class ReferralList(Struct, frozen=True):
    """All friends a member brought, oldest first."""

    items: tuple[ReferralAnswer, ...]
    next: None = None


def pay_referral(
    tx: Tx, shop: Shop, caller: Caller, op_id: UUID, member: UUID | None, mark: Mark | None
) -> ReferralPaid | None:
    """What the first purchase of a member brings to whoever brought her; None where nobody did, or is no member any
    more, or is the same person by now: merged, or with a phone, e-mail or card in common that was told since. Nothing
    is read in a shop that has defined nothing of a program (`mark`)."""
    if member is None or mark is None:
        return None
    row = tx.execute(_DUE, (member.bytes,)).fetchone()
    if row is None:
        return None
    referral, referrer, points = UUID(bytes=row[0]), UUID(bytes=row[1]), int(row[4])
    known = read_member(tx, referrer)
    theirs, hers = survivor_of(tx, referrer), survivor_of(tx, member)
    same = theirs == hers or share_identifier(tx, theirs, hers)
    if known is None or known.status == "erased" or same:
        return None
    program, days = shop.terms.program, shop.terms.earning.referral_days
    opened = replace(open_account(tx, referrer, op_id, shop.journal.epoch, caller.now_ms), first=_FIRST)
    begins = end_of_period(opened.at, Period(days, "day", "day"), program.time_zone) if days else None
    ends = program.ends_at(begins if begins is not None else opened.at)
    stamp, lines = opened.stamp(), ((WHOLE_BASKET, points),)
    posted = opened.add(earn(stamp, lines, points, f"{row[2]}@{row[3]}", begins, ends)).posted
    return ReferralPaid(
        referral=referral, member=referrer, points=points, posting=stamp.n, postings=fact_postings(posted)
    )


def revoke_referral(
    tx: Tx, shop: Shop, caller: Caller, op_id: UUID, sold: SoldState, lines: tuple[ReturnedLine, ...], place: int = 0
) -> tuple[PointsPosted, ...]:
    """The points of a referral go when this return brings back the last of the sale that paid them. `place` tells apart
    the sales that come back in one operation."""
    row = tx.execute(
        "SELECT referrer, posting, points FROM referral_payment WHERE sale = ?", (sold.sale.bytes,)
    ).fetchone()
    now = {line.line: line.quantity_milli for line in lines}
    if row is None or any(line.booked_milli + now.get(line.line, 0) < line.quantity_milli for line in sold.lines):
        return ()
    referrer = UUID(bytes=row[0])
    opened = open_account(tx, referrer, op_id, shop.journal.epoch, caller.now_ms, "all")
    opened = replace(opened, first=_FIRST + 1 + place)
    earned = PostingId(sold.sale.bytes, row[1], referrer.bytes)
    gone = take_back(opened.account(), opened.stamp(), earned, ((WHOLE_BASKET, row[2]),))
    return fact_postings(opened.add(gone).posted)


def void_referral(
    tx: Tx, shop: Shop, caller: Caller, void_id: UUID, sale_id: UUID, sale: SaleCompleted
) -> tuple[PointsPosted, ...]:
    """The mirror of what a sale posted for whoever brought the member; the next purchase is the first again."""
    paid = sale.referral
    if paid is None:
        return ()
    opened = open_account(tx, paid.member, void_id, shop.journal.epoch, caller.now_ms, "all")
    opened = replace(opened, first=_FIRST)
    earned = PostingId(sale_id.bytes, paid.posting, paid.member.bytes)
    return fact_postings(opened.add(undo_earn(opened.account(), opened.stamp(), earned)).posted)


def list_referrals(tx: Tx, _shop: Shop, caller: Caller, member: UUID) -> ReferralList:
    """The friends a member brought, and where the points for each stand. Raises MemberNotFound."""
    find_member(tx, member)
    items = []
    for op, at, points, sale, available_from, taken_back in tx.execute(_LISTED, (member.bytes,)):
        referral = Referral(
            points=points, bought=sale is not None, available_from=available_from, taken_back=taken_back
        )
        begins = utc_text(available_from) if available_from is not None else None
        items.append(ReferralAnswer(UUID(bytes=op), utc_text(at), points, state_of(referral, caller.now_ms), begins))
    return ReferralList(tuple(items))
