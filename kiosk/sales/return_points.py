"""pure: goods come back: which points they take with them, and which come back to the member.

The points that paid for goods come back as points, in proportion to the goods; the rest of their value is money. A sale
of 1000 paid with 300 points (300) and 700 in cash, half of it brought back:

                | value | in points | in money
    ------------|-------|-----------|---------
    first half  |   500 |       150 |      350
    second half |   500 |       150 |      350

Never more money comes back than money was paid (I9), nor more points than points paid (I8). What the goods had earned
is taken back whether or not it was spent; what the program makes of the debt is decided here too.
"""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from kiosk.sales.returns import SoldLineState, SoldState, spend_credit
from kiosk.sales.sale_earning import WHOLE_BASKET, BasketTerms
from kiosk.sales.tender import POINTS, POINTS_DEBT
from loyalty.earning import claw_back
from loyalty.points.account import Account, Balance, Lot, Redemption, posting_of
from loyalty.points.decide import forgive_debt, give_back, settle_debt, take_back
from loyalty.points.facts import LinePoints
from loyalty.points.operation import OpenAccount
from loyalty.points.program import Program
from loyalty.return_shares import cumulative_share
from sync.facts.points import PointsPosted, fact_postings
from sync.facts.returns import Refunded, ReturnedLine


class PointsBack(Struct, frozen=True, kw_only=True):
    """What a return does to points. `lines` are the returned lines with the points each loses, `refunds` what goes back
    without money, `sold` the sale with that counted, so that the rest of `owed_minor` is for money. `debt` is how many
    points more are owed; `account` goes on where one operation takes back from several sales."""

    lines: tuple[ReturnedLine, ...]
    sold: SoldState
    owed_minor: int
    refunds: tuple[Refunded, ...] = ()
    postings: tuple[PointsPosted, ...] = ()
    clawed_back: int = 0
    given_back: int = 0
    debt: int = 0
    balance: Balance | None = None
    account: OpenAccount | None = None


def decide_points_back(
    member: OpenAccount | None,
    sold: SoldState,
    lines: Sequence[ReturnedLine],
    owed_minor: int,
    program: Program,
    basket: BasketTerms | None = None,
) -> PointsBack:
    """The points of `lines` of a sale coming back, `owed_minor` of its value to be given back. Never refused because
    points were spent. `basket` is what rules gave for the basket as a whole: it is looked at again with what is kept.
    """
    if member is None:
        return PointsBack(lines=tuple(lines), sold=sold, owed_minor=owed_minor)
    start, before = len(member.posted), member.account()
    returned = _returned_after(sold, lines)
    member, clawed = _take_back(member, sold, returned, before, basket)
    member = _give_back(member, sold, returned, program)
    refunds = _points_refund(member.account(), sold, owed_minor)
    sold, owed_minor = _count(sold, refunds), owed_minor - sum(each.amount_minor for each in refunds)
    member, kept = _settle_debt(member, sold, before, owed_minor, program)
    posted = fact_postings(member.posted[start:])
    after = member.account()
    return PointsBack(
        lines=tuple(replace(line, points=clawed.get(line.line, 0)) for line in lines),
        sold=_count(sold, kept),
        owed_minor=owed_minor - sum(each.amount_minor for each in kept),
        refunds=refunds + kept,
        postings=posted,
        clawed_back=-sum(each.points for each in posted if each.kind == "reverse_earn"),
        given_back=sum(each.points for each in posted if each.kind == "reverse_redeem"),
        debt=max(after.debt - before.debt, 0),
        balance=after.balance,
        account=member,
    )


def _returned_after(sold: SoldState, lines: Sequence[ReturnedLine]) -> dict[int, int]:
    """How much of each line is back after this return, all returns together; what is only kept for another does not
    count, because the store that takes it back books its points."""
    now = {line.line: line.quantity_milli for line in lines}
    return {line.line: line.booked_milli + now.get(line.line, 0) for line in sold.lines}


def _take_back(
    member: OpenAccount,
    sold: SoldState,
    returned: dict[int, int],
    before: Account,
    basket: BasketTerms | None,
) -> tuple[OpenAccount, dict[int, int]]:
    """Take back what the returned goods had earned, lot by lot; and how many points each line loses now."""
    lots = _lots_of(before, sold.sale)
    targets = _targets(lots, sold, returned)
    if basket is not None:
        targets |= _bonus_targets(lots, sold, returned, targets, basket)
    lost: dict[int, int] = {}
    for lot in lots:
        target = targets.get(lot.id.n, ())
        posting = take_back(member.account(), member.stamp(), posting_of(lot.id), target)
        member = member.add(posting)
        for line, points in posting.lines if posting is not None else ():
            lost[line] = lost.get(line, 0) + points
    return member, lost


def decide_bonuses_back(
    member: OpenAccount, sold: SoldState, basket: BasketTerms | None, program: Program
) -> OpenAccount:
    """The points that rules for the whole basket gave, after goods came back at other stores, which did not know the
    rules of that day. What the lines themselves had earned those stores have taken back."""
    if basket is None:
        return member
    returned, lots = _returned_after(sold, ()), _lots_of(member.account(), sold.sale)
    targets = _bonus_targets(lots, sold, returned, _targets(lots, sold, returned), basket)
    for lot in lots:
        target = targets.get(lot.id.n, ())
        member = member.add(take_back(member.account(), member.stamp(), posting_of(lot.id), target))
    if program.debt == "forgive" and member.posted:
        member = member.add(forgive_debt(member.account(), member.stamp(), program.forgive_below))
    return member


def _targets(lots: Sequence[Lot], sold: SoldState, returned: dict[int, int]) -> dict[int, LinePoints]:
    """What each posting of the lines has lost, line by line, all returns together."""
    by_line = {line.line: line for line in sold.lines}
    return {
        lot.id.n: tuple((line, _clawed(by_line[line], points, returned[line])) for line, points in lot.lines)
        for lot in lots
        if not _is_bonus(lot)
    }


def _bonus_targets(
    lots: Sequence[Lot],
    sold: SoldState,
    returned: dict[int, int],
    targets: dict[int, LinePoints],
    basket: BasketTerms,
) -> dict[int, LinePoints]:
    """The same for what rules gave to the whole basket; `targets` is what its lines have lost."""
    parts = {line.line: (returned[line.line], line.quantity_milli) for line in sold.lines}
    earned = sum(points for lot in lots if not _is_bonus(lot) for _, points in lot.lines)
    gone = sum(points for target in targets.values() for _, points in target)
    return basket.lost_after(parts, earned - gone)


def _is_bonus(lot: Lot) -> bool:
    return any(line == WHOLE_BASKET for line, _ in lot.lines)


def _clawed(line: SoldLineState, points: int, returned_milli: int) -> int:
    back = cumulative_share(line.amount_minor, returned_milli, line.quantity_milli)
    return claw_back(points, line.amount_minor, back)


def _give_back(member: OpenAccount, sold: SoldState, returned: dict[int, int], program: Program) -> OpenAccount:
    """Give back the points that paid for the returned goods."""
    by_line = {line.line: line for line in sold.lines}
    for redemption in _redemptions_of(member.account(), sold.sale):
        target: LinePoints = tuple(
            (line, cumulative_share(points, returned[line], by_line[line].quantity_milli))
            for line, points in redemption.lines
        )
        keep_until = program.keep_until(member.at)
        member = member.add(give_back(member.account(), member.stamp(), redemption.id, target, keep_until))
    return member


def _points_refund(after: Account, sold: SoldState, owed_minor: int) -> tuple[Refunded, ...]:
    """The value that goes back as points: their share of what points paid, and never so little that more money would be
    owed than was paid. A sale of 100 in three equal lines, 99 points and 1 in cash:

        returned | owed | points back | value in points | in money
        ---------|------|-------------|-----------------|---------
        1 line   |   33 |          33 |              33 |        0
        2 lines  |   33 |          33 |              33 |        0
        all      |   34 |          33 |              33 |        1

    Points that bought a reward stand for no money and are not counted: else the half of a line would take less of the
    points' value with it than of the points, and more money than its own.
    """
    redemptions = [each for each in _redemptions_of(after, sold.sale) if each.id.n not in sold.reward_postings]
    whole = sum(redemption.points for redemption in redemptions)
    if not whole:
        return ()
    paid, gone = sold.kept.get(POINTS, 0), sold.refunded.get(POINTS, 0)
    share = cumulative_share(paid, sum(redemption.restored for redemption in redemptions), whole) - gone
    least = owed_minor - sum(sold.allowed().values())
    amount = min(max(share, least), owed_minor)
    return (Refunded(kind=POINTS, amount_minor=amount, settles=POINTS),) if amount > 0 else ()


def _settle_debt(
    member: OpenAccount, sold: SoldState, before: Account, owed_minor: int, program: Program
) -> tuple[OpenAccount, tuple[Refunded, ...]]:
    """What the program makes of points that were spent and should go: with `refund` their value is kept of the money
    that goes back, as far as there is any; with `forgive` a small debt is let go."""
    account, stamp = member.account(), member.stamp()
    if program.debt == "forgive":
        return member.add(forgive_debt(account, stamp, program.forgive_below)), ()
    made = account.debt - before.debt
    if program.debt == "carry" or made <= 0:
        return member, ()
    points = min(made, program.redeem.points_worth(owed_minor))
    amount = program.redeem.value_minor(points)
    if not amount:
        return member, ()
    kept = tuple(replace(each, kind=POINTS_DEBT) for each in spend_credit(sold, amount))
    return member.add(settle_debt(stamp, points)), kept


def _count(sold: SoldState, refunds: Sequence[Refunded]) -> SoldState:
    """The sale with these refunds among what went back."""
    gone = dict(sold.refunded)
    for refund in refunds:
        gone[refund.settles] = gone.get(refund.settles, 0) + refund.amount_minor
    return replace(sold, refunded=gone)


def _lots_of(account: Account, sale: UUID) -> list[Lot]:
    """What the sale earned, line by line, in the order of its postings."""
    lots = [lot for lot in account.lots.values() if lot.id.op_id == sale.bytes and not lot.id.restored]
    return sorted((lot for lot in lots if lot.source == "earn" and lot.lines), key=lambda lot: lot.id)


def _redemptions_of(account: Account, sale: UUID) -> list[Redemption]:
    """What of the sale was paid with points."""
    paid = (redemption for redemption in account.redemptions.values() if redemption.id.op_id == sale.bytes)
    return sorted(paid, key=lambda redemption: redemption.id)
