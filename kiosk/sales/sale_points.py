"""pure: the points of a sale: what pays with points, what the rest of it earns, and how the account stands after it.

A sale of 1000 by a member with 300 points on hold, worth 1 minor unit each; 1 point for each 100:

    tender      | amount | points
    ------------|--------|-------
    points      |    300 |    300   captured, spread over the lines
    cash        |    700 |
    earned on   |    700 |      7   what points paid earns nothing (config: points.tender_earns)
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from kiosk.answers import RedeemPreview
from kiosk.commands import TenderRequest
from kiosk.program.held_rewards import HeldReward, capture_reward
from kiosk.sales.sale_earning import SaleEarning, evaluate_sale, post_earned
from kiosk.sales.tender import POINTS
from kiosk.terms import Terms
from loyalty.basket import BasketLine, PricedBasket
from loyalty.earning import Earned, EligibleLine, earn, eligible_lines
from loyalty.errors import InvalidInput, Problem
from loyalty.money import allocate
from loyalty.points.account import Account, Balance
from loyalty.points.decide import RedeemRules, capture, check_spending, quote_redemption
from loyalty.points.decide import earn as post_earn
from loyalty.points.operation import Folded, OpenAccount
from loyalty.points.program import Program
from loyalty.points.refusals import AboveShare, HoldNotFound
from loyalty.return_shares import cumulative_share
from loyalty.tax import TaxMode
from sync.facts.earning import BasketEarned, RuleEarned
from sync.facts.points import PointsPosted, fact_postings


class HoldNeeded(InvalidInput):
    """Paying with points needs points that were set aside."""

    code, hint = "hold_needed", "Reserve the points first, then pay with the reservation."


class UnknownHold(InvalidInput):
    """These points are not set aside for this member."""

    code, hint = "unknown_hold", "Take the points off the payment and choose another way to pay."


class HoldTwice(InvalidInput):
    """One reservation of points stands twice in this sale."""

    code, hint = "hold_twice", "Reserve points for each use of its own."


class PointsTender(Struct, frozen=True):
    """A payment with points: the money it is worth, the hold it captures, how many points of it. `pointer` says where
    it stands in the request."""

    amount_minor: int
    hold: UUID
    points: int
    pointer: str


class SalePoints(Struct, frozen=True, kw_only=True):
    """What a sale does to a member's points: `by_line` is what each line earned, `earned` and `basket` what rules say
    about it, `folded` the account after it."""

    by_line: Mapping[int, int] = {}
    postings: tuple[PointsPosted, ...] = ()
    earned: tuple[RuleEarned, ...] = ()
    basket: BasketEarned | None = None
    folded: Folded | None = None

    @property
    def balance(self) -> Balance | None:
        """The points that are left; None without a member."""
        return self.folded.after.balance if self.folded is not None else None


def read_points_tenders(tenders: Sequence[TenderRequest], rules: RedeemRules) -> tuple[PointsTender, ...]:
    """The payments with points among `tenders`. Raises HoldNeeded, HoldTwice."""
    found: list[PointsTender] = []
    for index, tender in enumerate(tenders):
        if tender.kind != POINTS:
            continue
        pointer = f"/tenders/{index}/hold"
        if tender.hold is None:
            raise HoldNeeded(pointer=pointer)
        if any(other.hold == tender.hold for other in found):
            raise HoldTwice(pointer=pointer)
        found.append(PointsTender(tender.amount_minor, tender.hold, rules.points_for(tender.amount_minor), pointer))
    return tuple(found)


def decide_sale_points(
    member: OpenAccount | None,
    lines: Sequence[BasketLine],
    priced: PricedBasket,
    tenders: Sequence[PointsTender],
    terms: Terms,
    earning: SaleEarning | None = None,
    reward: HeldReward | None = None,
) -> SalePoints:
    """Capture the holds, then earn on the rest. Without a member nothing is earned and nothing can be paid with points.

    Raises UnknownHold, AboveShare, and what capturing raises (loyalty.points.decide.capture).
    """
    if member is None:
        if tenders:
            raise UnknownHold(pointer=tenders[0].pointer)
        return SalePoints()
    start = len(member.posted)
    if reward is not None:
        try:
            member = capture_reward(member, reward, priced)
        except HoldNotFound as unknown:
            raise UnknownHold(pointer="/hold") from unknown
    if tenders:
        member = capture_holds(member, payable_amounts(lines, priced, terms.tax.mode), tenders, terms.program)
    if earning is not None:
        paid = _paid_by_line(lines, priced, tenders, terms)
        eligible, by_rules = evaluate_sale(lines, priced, terms.tax.mode, earning, paid)
        posted = post_earned(member, eligible, by_rules, earning, terms.program)
        return SalePoints(
            by_line=posted.by_line,
            postings=fact_postings(posted.member.posted[start:]),
            earned=posted.earned,
            basket=posted.basket,
            folded=posted.member.folded(),
        )
    earned = earn_for(lines, priced, tenders, terms)
    begins = terms.program.begins_at(member.at)
    ends = terms.program.ends_at(begins if begins is not None else member.at)
    rule = f"{earned.rule}@{earned.version}"
    member = member.add(post_earn(member.stamp(), earned.by_line, earned.points, rule, begins, ends))
    return SalePoints(
        by_line=dict(earned.by_line),
        postings=fact_postings(member.posted[start:]),
        folded=member.folded(),
    )


def earn_for(
    lines: Sequence[BasketLine], priced: PricedBasket, tenders: Sequence[PointsTender], terms: Terms
) -> Earned:
    """What the basket earns, the part of it that points pay left out unless the program says otherwise."""
    mode = terms.tax.mode
    eligible = eligible_lines(lines, priced, mode, terms.earn_rule.basis)
    paid = sum(tender.amount_minor for tender in tenders)
    if paid and not terms.program.tender_earns:
        eligible = _less_tender(eligible, payable_amounts(lines, priced, mode), paid)
    return earn(eligible, terms.earn_rule)


def capture_holds(
    member: OpenAccount, amounts: Mapping[int, int], tenders: Sequence[PointsTender], program: Program
) -> OpenAccount:
    """Pay with the holds; the points of each are spread over the lines by what may be paid of them (`amounts`), so that
    returns are exact."""
    rules = program.redeem
    payable_minor = sum(amounts.values()) * rules.share[0] // rules.share[1]
    if sum(tender.amount_minor for tender in tenders) > payable_minor:
        raise AboveShare(
            f"Points may pay {payable_minor} of this.", pointer=tenders[0].pointer, max_minor=payable_minor
        )
    for tender in tenders:
        shares = allocate(tender.points, [max(amount, 0) for amount in amounts.values()])
        by_line = tuple((line, points) for line, points in zip(amounts, shares, strict=True) if points)
        try:
            member = member.add(capture(member.account(), member.stamp(), tender.hold.bytes, tender.points, by_line))
        except HoldNotFound as unknown:
            raise UnknownHold(pointer=tender.pointer) from unknown
    return member


def preview_redemption(account: Account, rules: RedeemRules, bill_minor: int, asked: int | None) -> RedeemPreview:
    """How many points may pay for a bill: all that can, or those asked for and why they cannot."""
    most = quote_redemption(account, rules, bill_minor)
    if not asked:
        return RedeemPreview(most.points, most.value_minor, most.reason)
    try:
        check_spending(account, rules, asked, bill_minor)
    except Problem as refusal:
        return RedeemPreview(most.points, most.value_minor, refusal.code)
    return RedeemPreview(asked, rules.value_minor(asked))


def payable_amounts(lines: Sequence[BasketLine], priced: PricedBasket, mode: TaxMode) -> dict[int, int]:
    """What points may pay of each line, tax included: the weights by which such a payment is spread over the lines."""
    added = mode is TaxMode.ADDED
    return {
        after.line: after.net_minor + (after.tax_minor if added else 0) if before.payable_with_points else 0
        for before, after in zip(lines, priced.lines, strict=True)
    }


def _paid_by_line(
    lines: Sequence[BasketLine], priced: PricedBasket, tenders: Sequence[PointsTender], terms: Terms
) -> dict[int, int]:
    """What points pay of each line, where that part earns nothing."""
    paid = sum(tender.amount_minor for tender in tenders)
    if not paid or terms.program.tender_earns:
        return {}
    amounts = payable_amounts(lines, priced, terms.tax.mode)
    return dict(zip(amounts, allocate(paid, [max(each, 0) for each in amounts.values()]), strict=True))


def _less_tender(
    eligible: Sequence[EligibleLine], amounts: Mapping[int, int], paid_minor: int
) -> tuple[EligibleLine, ...]:
    shares = dict(zip(amounts, allocate(paid_minor, [max(each, 0) for each in amounts.values()]), strict=True))

    def left(line: EligibleLine) -> int:
        amount = amounts[line.line]
        if amount <= 0 or line.amount_minor <= 0:
            return line.amount_minor
        return line.amount_minor - cumulative_share(line.amount_minor, min(shares[line.line], amount), amount)

    return tuple(replace(line, amount_minor=left(line)) for line in eligible)
