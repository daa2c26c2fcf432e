"""pure: what the shop answers about sales, rendered from the facts. A replayed command gets this very answer again."""

import functools
from collections.abc import Mapping
from uuid import UUID

from msgspec import Struct

from kiosk.business_day import utc_text
from loyalty.basket import PricedBasket
from loyalty.ids import derived_uuid
from loyalty.ledger import Balance
from sync.chain import JournalMark, Stamp
from sync.facts.returns import Refunded, ReturnedLine, TakenBack
from sync.facts.sales import SaleCompleted, TaxTotal


class DiscountAnswer(Struct, frozen=True):
    """Why a line is cheaper."""

    offer: str | None
    reason: str
    amount_minor: int
    kind: str


class LineAnswer(Struct, frozen=True, kw_only=True):
    """A line with its price."""

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


class PointsAnswer(Struct, frozen=True, kw_only=True):
    """Points of this sale and the balance after it. `provisional`: head office has not confirmed it yet."""

    earned: int
    redeemed: int
    balance: Balance
    provisional: bool


class PrintJobAnswer(Struct, frozen=True):
    """The paper that was asked for."""

    id: UUID
    state: str


class TenderAnswer(Struct, frozen=True):
    """Money taken."""

    kind: str
    amount_minor: int
    reference: str | None = None


class ReturnedAnswer(Struct, frozen=True, kw_only=True):
    """What came back of one sale."""

    sale: UUID
    sale_number: str
    value_minor: int
    rounding_minor: int
    refunds: list[Refunded]


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


class QuoteAnswer(Struct, frozen=True, kw_only=True):
    """A priced basket. Nothing was written; `points.earned` is what the sale would earn.

    `totals.due_minor` is the price of the goods. What came back pays first: `pay_minor` is left to pay, before a cash
    payment is rounded, or `refund_minor` goes back, in kinds of `refunds_allowed`; one of the two is 0.
    """

    currency: str
    lines: list[LineAnswer]
    totals: TotalsAnswer
    points: PointsAnswer
    pay_minor: int
    refund_minor: int = 0
    returned: list[QuotedReturn] = []
    refunds_allowed: list[RefundAllowed] = []


@functools.lru_cache(maxsize=64)
def receipt_job(op_id: UUID) -> UUID:
    """The id of the print job that belongs to a document: known without looking."""
    return derived_uuid(op_id, "receipt")


def render_sale(stamp: Stamp, body: SaleCompleted, *, provisional: bool, voided: bool = False) -> SaleAnswer:
    """A sale as the till sees it, from its fact alone."""
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
                discounts=[DiscountAnswer(off.offer, off.reason, off.amount_minor, off.kind) for off in line.discounts],
                net_minor=line.net_minor,
                tax_rate=line.tax_rate,
                tax_minor=line.tax_minor,
                points=line.points,
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
        tenders=[TenderAnswer(tender.kind, tender.amount_minor, tender.reference) for tender in body.tenders],
        returned=[render_returned(taken) for taken in body.returned],
        points=PointsAnswer(
            earned=body.points_earned,
            redeemed=0,
            balance=body.balance or Balance(),
            provisional=provisional,
        ),
        journal=stamp.mark,
        print_job=PrintJobAnswer(receipt_job(stamp.op_id), "queued") if body.receipt == "paper" else None,
        state="voided" if voided else "completed",
    )


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
    balance: Balance,
    *,
    provisional: bool,
) -> QuoteAnswer:
    """A priced basket; `names` are (name, unit) by line, `points` what each line would earn."""
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
                discounts=[DiscountAnswer(off.offer, off.reason, off.amount_minor, off.kind) for off in line.discounts],
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
        points=PointsAnswer(earned=sum(points.values()), redeemed=0, balance=balance, provisional=provisional),
    )
