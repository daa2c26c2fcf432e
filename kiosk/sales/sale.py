"""pure: deciding a sale. What was asked and what the shop knows go in; the fact comes out, or a problem.

facts = SaleFacts(...)                       # read in the transaction that will write the sale
body, folded = decide_sale(command, request, facts, terms)    # prices, taxes, tenders, points: all decided here
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from kiosk.answers import QuoteAnswer, RedeemPreview, render_quote
from kiosk.commands import CompleteSale, LineRequest
from kiosk.coupons.coupon_refusals import CouponVoid
from kiosk.coupons.shown_coupons import NONE_SHOWN, ShownCoupons
from kiosk.offers.live_offers import NOTHING, Offered
from kiosk.offers.offer_words import entitle, used_offers
from kiosk.program.held_rewards import HeldReward, check_given
from kiosk.sales.numbering import document_number
from kiosk.sales.sale_earning import SaleEarning, evaluate_sale, preview_by_line
from kiosk.sales.sale_points import PointsTender, decide_sale_points, earn_for, read_points_tenders
from kiosk.sales.tender import EXCHANGE, Settlement, check_detail, refuse_card_number, settle
from kiosk.terms import Terms
from loyalty.basket import BasketLine, Discount, ManualDiscount, PricedBasket, PricedLine, price
from loyalty.errors import Conflict, Forbidden, InvalidInput
from loyalty.points.account import Balance
from loyalty.points.operation import Folded, OpenAccount
from loyalty.rounding import Rounding, round_ratio
from sync.facts.earning import ReferralPaid
from sync.facts.returns import TakenBack
from sync.facts.sales import SaleCompleted, SoldDiscount, SoldLine, TaxTerms, TaxTotal, Tendered
from sync.facts.vouchers import SaleVouchers


class EmptySale(InvalidInput):
    """There is nothing to sell."""

    code, hint = "empty_sale", "Scan at least one article."


class PriceChanged(Conflict):
    """The total is not what the shopper was shown."""

    code, hint = "price_changed", "Show the new total and ask the shopper before you take the money."


class ApprovalNeeded(Forbidden):
    """A manager has to approve this."""

    code, hint = "approval_needed", "Let a manager enter a PIN on this till, then send it again with the approval."


class ReasonNeeded(InvalidInput):
    """A price set by hand needs a reason."""

    code, hint = "reason_needed", "Choose why the price is another one today."


class ItemFacts(Struct, frozen=True, kw_only=True):
    """A line's product as it is now; `label_price_minor` and `quantity_milli` as a price label says, if one was
    scanned."""

    sku: str
    name: str
    department: str
    unit: str
    price_minor: int
    tax_rate: str
    quantity_milli: int
    label_price_minor: int | None = None
    offers_allowed: bool = True
    points_eligible: bool = True
    payable_with_points: bool = True


class SaleFacts(Struct, frozen=True, kw_only=True):
    """What the store knows when the sale is decided. `approvals` are purpose -> manager; `points` is the member's
    account after goods came back; `exchange_rounding_minor` is what the coins given back in an exchange add to the
    due; `language` is the shopper's, where it is not the shop's."""

    items: tuple[ItemFacts, ...]
    till: str
    shift: UUID
    series: int
    n: int
    price_book: int
    operator: str | None
    role: str
    approvals: Mapping[str, str] = {}
    member: UUID | None = None
    points: OpenAccount | None = None
    returned: tuple[TakenBack, ...] = ()
    exchange_rounding_minor: int = 0
    offered: Offered = NOTHING
    coupons: ShownCoupons = NONE_SHOWN
    earning: SaleEarning | None = None
    referral: ReferralPaid | None = None
    reward: HeldReward | None = None
    language: str = ""


class DecidedSale(NamedTuple):
    """The fact of a sale, and what it makes of the member's account."""

    body: SaleCompleted
    folded: Folded | None


def basket_line(number: int, asked: LineRequest, item: ItemFacts) -> BasketLine:
    """The line as the rule book prices it: an override replaces catalogue and label price."""
    overridden = asked.unit_price_minor is not None
    discount = asked.discount
    return BasketLine(
        line=number,
        sku=item.sku,
        quantity_milli=item.quantity_milli,
        unit_price_minor=asked.unit_price_minor if asked.unit_price_minor is not None else item.price_minor,
        tax_rate=item.tax_rate,
        discount=ManualDiscount(discount.kind, discount.value, discount.reason) if discount else None,
        label_price_minor=None if overridden else item.label_price_minor,
        categories=(item.department,),
        weighed=item.unit != "piece",
        offers_allowed=item.offers_allowed,
        points_eligible=item.points_eligible,
        payable_with_points=item.payable_with_points,
    )


def price_lines(
    asked: Sequence[LineRequest], items: Sequence[ItemFacts], terms: Terms, offered: Offered = NOTHING
) -> tuple[list[BasketLine], PricedBasket]:
    """Price what was scanned. The same for a quote and for the sale, so that they cannot differ by a rule."""
    lines = [basket_line(n, line, item) for n, (line, item) in enumerate(zip(asked, items, strict=True), 1)]
    return lines, price(lines, terms.tax, offered.live.book, offered.context)


def check_authority(asked: Sequence[LineRequest], priced: PricedBasket, facts: SaleFacts, terms: Terms) -> None:
    """Prices and discounts set by hand: a reason always, an approval where the caller's role needs one.

    One approval is enough for all lines of a sale that need one for the same purpose.

    Raises ReasonNeeded, ApprovalNeeded.
    """
    is_manager = facts.role == "manager"
    may_price = is_manager or "price_override" in facts.approvals or "price_override" not in terms.needs_approval
    may_discount = is_manager or "discount" in facts.approvals
    for index, (line, result) in enumerate(zip(asked, priced.lines, strict=True)):
        if line.unit_price_minor is not None:
            if not line.reason:
                raise ReasonNeeded(pointer=f"/lines/{index}/reason")
            if not may_price:
                raise ApprovalNeeded("A price set by hand.", pointer=f"/lines/{index}/unit_price_minor")
        if line.discount is not None and not may_discount:
            given = sum(discount.amount_minor for discount in result.discounts if discount.kind == "manual")
            limit = round_ratio(result.gross_minor * terms.cashier_discount_percent, 100, Rounding.HALF_UP)
            if given > limit or "discount" in terms.needs_approval:
                raise ApprovalNeeded("A discount by hand.", pointer=f"/lines/{index}/discount")


def decide_sale(command: CompleteSale, request: str, facts: SaleFacts, terms: Terms) -> DecidedSale:
    """The sale as it will stand in the journal, and the member's points after it. `request` is the command's
    fingerprint.

    Raises EmptySale, ReasonNeeded, ApprovalNeeded, PriceChanged, RewardGivesNothing, CouponVoid, and what pricing and
    tendering raise.
    """
    if not command.lines:
        raise EmptySale(pointer="/lines")
    lines, priced = price_lines(command.lines, facts.items, terms, facts.offered)
    check_authority(command.lines, priced, facts, terms)
    if command.quote_due_minor is not None and command.quote_due_minor != priced.total_minor:
        raise PriceChanged(
            f"It is {priced.total_minor} now, the quote said {command.quote_due_minor}.", due_minor=priced.total_minor
        )
    paid = read_points_tenders(command.tenders, terms.program.redeem)
    settlement, tenders = _settle(command, priced.total_minor, paid, facts, terms)
    check_given(facts.reward, priced)
    points = decide_sale_points(facts.points, lines, priced, paid, terms, facts.earning, facts.reward)
    offers = used_offers(priced.outcome)
    body = SaleCompleted(
        request=request,
        number=document_number(terms.store, facts.till, facts.series, facts.n),
        till=facts.till,
        series=facts.series,
        n=facts.n,
        shift=facts.shift,
        currency=terms.currency,
        terms=TaxTerms(terms.tax.mode, terms.tax.rounding, terms.tax.method),
        lines=tuple(
            [
                _sold(asked, item, line, points.by_line.get(line.line, 0), facts)
                for asked, item, line in zip(command.lines, facts.items, priced.lines, strict=True)
            ]
        ),
        gross_minor=priced.gross_minor,
        discount_minor=priced.discount_minor,
        net_minor=priced.net_minor,
        taxes=tuple([TaxTotal(tax.rate, tax.base_minor, tax.tax_minor) for tax in priced.taxes]),
        rounding_minor=settlement.rounding_minor,
        due_minor=settlement.due_minor,
        tenders=tenders,
        paid_minor=settlement.paid_minor,
        change_minor=settlement.change_minor,
        price_book=facts.price_book,
        member=facts.member,
        postings=points.postings,
        earned=points.earned,
        basket=points.basket,
        referral=facts.referral if priced.net_minor > 0 else None,
        balance=points.balance,
        returned=facts.returned,
        offers=offers,
        language=facts.offered.language if offers else facts.language,
        vouchers=_spend_coupons(facts, priced),
        receipt=command.receipt,
    )
    return DecidedSale(body, points.folded)


def _spend_coupons(facts: SaleFacts, priced: PricedBasket) -> SaleVouchers | None:
    """The coupons that this basket spends, and those that gave nothing and stay with the shopper.

    Raises CouponVoid for one that came with goods which this very exchange brings back.
    """
    coupons = facts.coupons
    if not coupons.shown or priced.outcome is None:
        return None
    uses = {use.offer: use.uses for use in priced.outcome.uses if use.coupon}
    used, unspent = coupons.spend(uses, priced.outcome.refused)
    spent = {use.serial for use in used}
    if spent & {serial for taken in facts.returned if taken.vouchers for serial in taken.vouchers.voided}:
        raise CouponVoid("It came with the goods that come back.", pointer="/coupons")
    return SaleVouchers(used=used, unspent=unspent)


def quote_priced(
    items: Sequence[ItemFacts],
    lines: Sequence[BasketLine],
    priced: PricedBasket,
    balance: Balance | None,
    terms: Terms,
    offered: Offered = NOTHING,
    redeem: RedeemPreview | None = None,
    earning: SaleEarning | None = None,
) -> QuoteAnswer:
    """A priced basket as the till shows it. Without a balance nobody earns; `redeem` is what points could pay, and what
    they are asked to pay earns nothing."""
    names = [(item.name, item.unit) for item in items]
    earned: dict[int, int] = {}
    if balance is not None and earning is not None:
        earned = preview_by_line(evaluate_sale(lines, priced, terms.tax.mode, earning)[1])
    elif balance is not None:
        earned = dict(earn_for(lines, priced, (), terms).by_line)
    language = offered.language or terms.locale
    quote = render_quote(terms.currency, names, priced, earned, balance, language=language, provisional=False)
    near_misses = entitle(quote.near_misses, offered.live.book, language)
    return replace(quote, redeem=redeem, near_misses=near_misses)


def _settle(
    command: CompleteSale, total: int, points: Sequence[PointsTender], facts: SaleFacts, terms: Terms
) -> tuple[Settlement, tuple[Tendered, ...]]:
    """Goods that came back pay first; each part of their credit keeps the kind it may be refunded in later."""
    credit = [refund for taken in facts.returned for refund in taken.refunds if refund.kind == EXCHANGE]
    used = sum([refund.amount_minor for refund in credit])
    for index, tender in enumerate(command.tenders):
        if tender.reference:
            refuse_card_number(tender.reference, f"/tenders/{index}/reference")
        check_detail(tender.kind, hold=tender.hold, code=tender.code, pointer=f"/tenders/{index}")
    given = [(tender.kind, tender.amount_minor) for tender in command.tenders]
    rounded = total + facts.exchange_rounding_minor
    settlement = settle(rounded - used, given, terms.cash_rounding_step_minor, terms.tender_kinds)
    tenders = [Tendered(kind=EXCHANGE, amount_minor=refund.amount_minor, settles=refund.settles) for refund in credit]
    captured = {each.hold: each.points for each in points}
    tenders += [
        Tendered(
            kind=tender.kind,
            amount_minor=tender.amount_minor,
            settles=tender.kind,
            reference=tender.reference,
            hold=tender.hold,
            points=captured.get(tender.hold, 0) if tender.hold is not None else 0,
        )
        for tender in command.tenders
    ]
    if used or facts.exchange_rounding_minor:
        settlement = Settlement(
            settlement.rounding_minor + facts.exchange_rounding_minor,
            settlement.due_minor + used,
            settlement.paid_minor + used,
            settlement.change_minor,
        )
    return settlement, tuple(tenders)


def _sold(asked: LineRequest, item: ItemFacts, line: PricedLine, points: int, facts: SaleFacts) -> SoldLine:
    overridden = asked.unit_price_minor is not None
    return SoldLine(
        line=line.line,
        sku=item.sku,
        name=item.name,
        department=item.department,
        unit=item.unit,
        quantity_milli=line.quantity_milli,
        unit_price_minor=line.unit_price_minor,
        catalogue_price_minor=item.price_minor if overridden else None,
        override_reason=asked.reason if overridden else None,
        override_by=facts.approvals.get("price_override", facts.operator) if overridden else None,
        gross_minor=line.gross_minor,
        discounts=tuple([_discount(discount, facts) for discount in line.discounts]) if line.discounts else (),
        net_minor=line.net_minor,
        tax_rate=line.tax_rate,
        tax_minor=line.tax_minor,
        points=points,
    )


def _discount(discount: Discount, facts: SaleFacts) -> SoldDiscount:
    approver = facts.approvals.get("discount") if discount.kind == "manual" else None
    return SoldDiscount(discount.kind, discount.reason, discount.amount_minor, discount.offer, approver)
