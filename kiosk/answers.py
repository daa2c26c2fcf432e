"""pure: what the shop answers about sales, rendered from the facts. A replayed command gets this very answer again."""

import functools
from collections.abc import Mapping
from uuid import UUID

from msgspec import Struct

from kiosk.coupons.coupons import CouponAnswer, render_coupon, serial_text
from kiosk.offers.offer_words import NoteAnswer, code_text, discount_text, reason_texts, say_notes, used_offers
from kiosk.print_answers import PrintJobAnswer
from kiosk.shifts.business_day import utc_text
from loyalty.basket import Discount, PricedBasket
from loyalty.ids import derived_uuid
from loyalty.points.account import Balance
from sync.chain import JournalMark, Stamp
from sync.facts.returns import Refunded, ReturnedLine, TakenBack
from sync.facts.sales import SaleCompleted, SoldDiscount, TaxTotal


class DiscountAnswer(Struct, frozen=True):
    """Why a line is cheaper."""

    offer: str | None
    reason: str
    amount_minor: int
    kind: str


class LineAnswer(Struct, frozen=True, kw_only=True):
    """A line with its price. `lowest_30_days_minor` is to be shown beside an offer's reduction, where it is present."""

    line: int
    sku: str
    name: str
    unit: str
    quantity_milli: int
    unit_price_minor: int
    gross_minor: int
    discounts: list[DiscountAnswer]
    net_minor: int
    tax_rate: str
    tax_minor: int
    points: int
    lowest_30_days_minor: int | None = None


class TotalsAnswer(Struct, frozen=True, kw_only=True):
    """The sums. gross - discount = net; sum(base + tax) + rounding = due; paid - change = due."""

    gross_minor: int
    discount_minor: int
    net_minor: int
    taxes: list[TaxTotal]
    rounding_minor: int
    due_minor: int
    paid_minor: int
    change_minor: int


class BalanceAnswer(Struct, frozen=True):
    """A member's points, each >= 0: `active` may be spent, `pending` not yet, `held` is set aside, `debt` is owed."""

    active: int = 0
    pending: int = 0
    held: int = 0
    debt: int = 0


class ExpiringPoints(Struct, frozen=True):
    """Points that end at a moment (RFC 3339)."""

    points: int
    at: str


class PointsAnswer(Struct, frozen=True, kw_only=True):
    """Points of this sale and the balance after it, with what of it ends when. `provisional`: head office has not
    confirmed it yet."""

    earned: int
    redeemed: int
    balance: BalanceAnswer
    expiring: list[ExpiringPoints] = []
    provisional: bool


class RedeemPreview(Struct, frozen=True):
    """How many points could pay for this basket now, and what they are worth; `reason` is the code of the refusal where
    it is none, or where the points that were asked for cannot be used."""

    points: int
    value_minor: int
    reason: str | None = None


class TenderAnswer(Struct, frozen=True):
    """Money taken."""

    kind: str
    amount_minor: int
    reference: str | None = None
    points: int = 0


class ReturnedAnswer(Struct, frozen=True, kw_only=True):
    """What came back of one sale."""

    sale: UUID
    sale_number: str
    value_minor: int
    rounding_minor: int
    refunds: list[Refunded]


class UnspentAnswer(Struct, frozen=True, kw_only=True):
    """A good coupon that gave nothing and stays with the shopper, with the reason as code and in words."""

    serial: str
    offer: str
    code: str
    text: str


class SaleCoupons(Struct, frozen=True, kw_only=True):
    """Serials of the coupons that the sale used; those that it left unspent; those that it gives the shopper."""

    used: list[str]
    unspent: list[UnspentAnswer]
    issued: list[CouponAnswer]


class SaleAnswer(Struct, frozen=True, kw_only=True):
    """A completed sale."""

    id: UUID
    number: str
    business_day: str
    at: str
    till: str
    operator: str | None
    currency: str
    member: UUID | None
    lines: list[LineAnswer]
    totals: TotalsAnswer
    tenders: list[TenderAnswer]
    returned: list[ReturnedAnswer]
    points: PointsAnswer
    journal: JournalMark
    print_job: PrintJobAnswer | None
    coupons: SaleCoupons | None = None
    state: str = "completed"


class RefundAllowed(Struct, frozen=True):
    """The most that may go back in one kind of tender."""

    kind: str
    max_minor: int


class QuotedReturn(Struct, frozen=True, kw_only=True):
    """What would come back of one sale in an exchange. `owed_minor` is its value and what the coins of earlier returns
    left over."""

    sale: UUID
    sale_number: str
    lines: list[ReturnedLine]
    value_minor: int
    owed_minor: int
    points_clawed_back: int
    points_given_back: int = 0
    debt: int = 0


class QuoteAnswer(Struct, frozen=True, kw_only=True):
    """A priced basket. Nothing was written; `points.earned` is what the sale would earn.

    `totals.due_minor` is the price of the goods. What came back pays first: `pay_minor` is left to pay, before a cash
    payment is rounded, or `refund_minor` goes back, in kinds of `refunds_allowed`; one of the two is 0.
    `cash_due_minor` is what coins have to pay where all of it is paid in cash.
    """

    currency: str
    lines: list[LineAnswer]
    totals: TotalsAnswer
    points: PointsAnswer
    redeem: RedeemPreview | None = None
    pay_minor: int
    cash_due_minor: int = 0
    refund_minor: int = 0
    returned: list[QuotedReturn] = []
    refunds_allowed: list[RefundAllowed] = []
    near_misses: list[NoteAnswer] = []
    refused: list[NoteAnswer] = []


@functools.lru_cache(maxsize=64)
def receipt_job(op_id: UUID) -> UUID:
    """The id of the print job that belongs to a document: known without looking."""
    return derived_uuid(op_id, "receipt")


def render_sale(stamp: Stamp, body: SaleCompleted, *, provisional: bool, voided: bool = False) -> SaleAnswer:
    """A sale as the till sees it, from its fact alone."""
    texts = reason_texts(body.offers, body.language, body.currency)
    return SaleAnswer(
        id=stamp.op_id,
        number=body.number,
        business_day=stamp.business_day,
        at=utc_text(stamp.at),
        till=body.till,
        operator=stamp.operator,
        currency=body.currency,
        member=body.member,
        lines=[
            LineAnswer(
                line=line.line,
                sku=line.sku,
                name=line.name,
                unit=line.unit,
                quantity_milli=line.quantity_milli,
                unit_price_minor=line.unit_price_minor,
                gross_minor=line.gross_minor,
                discounts=[render_discount(off, texts) for off in line.discounts],
                net_minor=line.net_minor,
                tax_rate=line.tax_rate,
                tax_minor=line.tax_minor,
                points=line.points,
                lowest_30_days_minor=line.lowest_price_minor,
            )
            for line in body.lines
        ],
        totals=TotalsAnswer(
            gross_minor=body.gross_minor,
            discount_minor=body.discount_minor,
            net_minor=body.net_minor,
            taxes=list(body.taxes),
            rounding_minor=body.rounding_minor,
            due_minor=body.due_minor,
            paid_minor=body.paid_minor,
            change_minor=body.change_minor,
        ),
        tenders=[
            TenderAnswer(tender.kind, tender.amount_minor, tender.reference, tender.points) for tender in body.tenders
        ],
        returned=[render_returned(taken) for taken in body.returned],
        points=PointsAnswer(
            earned=body.points_earned,
            redeemed=body.points_redeemed,
            balance=render_balance(body.balance),
            expiring=render_expiring(body.balance),
            provisional=provisional,
        ),
        journal=stamp.mark,
        print_job=PrintJobAnswer(receipt_job(stamp.op_id), "queued") if body.receipt == "paper" else None,
        coupons=_render_coupons(body),
        state="voided" if voided else "completed",
    )


def _render_coupons(body: SaleCompleted) -> SaleCoupons | None:
    """What the sale did to coupons; None where none was shown or given."""
    vouchers = body.vouchers
    if vouchers is None or not (vouchers.used or vouchers.unspent or vouchers.issued):
        return None
    return SaleCoupons(
        used=[serial_text(use.serial) for use in vouchers.used],
        unspent=[
            UnspentAnswer(
                serial=serial_text(each.serial),
                offer=each.offer,
                code=each.code,
                text=code_text(each.code, each.parameters, body.language or "en", body.currency),
            )
            for each in vouchers.unspent
        ],
        issued=[render_coupon(coupon) for coupon in vouchers.issued],
    )


def render_balance(balance: Balance | None) -> BalanceAnswer:
    """The four numbers of a balance; zeros where nobody is a member."""
    return BalanceAnswer(balance.active, balance.pending, balance.held, balance.debt) if balance else BalanceAnswer()


def render_expiring(balance: Balance | None) -> list[ExpiringPoints]:
    """What of the active points ends when, soonest first."""
    return [ExpiringPoints(points, utc_text(at)) for points, at in balance.expiring] if balance else []


def render_discount(discount: SoldDiscount | Discount, texts: Mapping[str, str]) -> DiscountAnswer:
    """Why a line is cheaper; `texts` are the reasons of offers in words."""
    return DiscountAnswer(discount.offer, discount_text(discount, texts), discount.amount_minor, discount.kind)


def render_returned(taken: TakenBack) -> ReturnedAnswer:
    """What came back of one sale, from its fact."""
    return ReturnedAnswer(
        sale=taken.sale,
        sale_number=taken.sale_number,
        value_minor=taken.value_minor,
        rounding_minor=taken.rounding_minor,
        refunds=list(taken.refunds),
    )


def render_quote(
    currency: str,
    names: list[tuple[str, str]],
    priced: PricedBasket,
    points: Mapping[int, int],
    balance: Balance | None,
    *,
    language: str,
    provisional: bool,
) -> QuoteAnswer:
    """A priced basket; `names` are (name, unit) by line, `points` what each line would earn, `language` is that of
    reasons and near misses."""
    texts = reason_texts(used_offers(priced.outcome), language, currency)
    return QuoteAnswer(
        currency=currency,
        lines=[
            LineAnswer(
                line=line.line,
                sku=line.sku,
                name=name,
                unit=unit,
                quantity_milli=line.quantity_milli,
                unit_price_minor=line.unit_price_minor,
                gross_minor=line.gross_minor,
                discounts=[render_discount(off, texts) for off in line.discounts],
                net_minor=line.net_minor,
                tax_rate=line.tax_rate,
                tax_minor=line.tax_minor,
                points=points.get(line.line, 0),
            )
            for line, (name, unit) in zip(priced.lines, names, strict=True)
        ],
        totals=TotalsAnswer(
            gross_minor=priced.gross_minor,
            discount_minor=priced.discount_minor,
            net_minor=priced.net_minor,
            taxes=[TaxTotal(tax.rate, tax.base_minor, tax.tax_minor) for tax in priced.taxes],
            rounding_minor=0,
            due_minor=priced.total_minor,
            paid_minor=0,
            change_minor=0,
        ),
        pay_minor=priced.total_minor,
        points=PointsAnswer(
            earned=sum(points.values()),
            redeemed=0,
            balance=render_balance(balance),
            expiring=render_expiring(balance),
            provisional=provisional,
        ),
        near_misses=say_notes(priced.outcome.near_misses if priced.outcome else (), language, currency),
        refused=say_notes(priced.outcome.refused if priced.outcome else (), language, currency),
    )
