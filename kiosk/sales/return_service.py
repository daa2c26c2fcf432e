"""sql: taking goods back: the quote shown before confirming, and the return itself."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from kiosk.answers import (
    BalanceAnswer,
    RefundAllowed,
    ReturnedAnswer,
    receipt_job,
    render_balance,
    render_returned,
)
from kiosk.commands import ExchangeLine, QuoteReturn, RefundRequest, ReturnLine, TakeBack, fingerprint
from kiosk.documents import return_receipt
from kiosk.identity.approvals import need_approval
from kiosk.offers.offer_uses import read_uses_back
from kiosk.outcome import Outcome
from kiosk.paper import queue_paper
from kiosk.points.accounts import open_account
from kiosk.print_answers import PrintJobAnswer
from kiosk.program.referral_service import revoke_referral
from kiosk.sales.basket_terms import read_basket_terms
from kiosk.sales.numbering import document_number
from kiosk.sales.reasons import refuse_names
from kiosk.sales.refunds import Owed, quote_refunds, refunds_of, settle_refunds
from kiosk.sales.reservations import NOTHING_KEPT, Kept, still_kept
from kiosk.sales.return_points import PointsBack, decide_points_back
from kiosk.sales.returns import ReturnTooLate, ReturnValue, SoldState, VoidedSaleReturned, value_return
from kiosk.sales.returns_elsewhere import (
    ForeignSale,
    ReturnNeedsLine,
    check_foreign,
    decide_foreign_back,
    is_reserved,
    name_elsewhere,
)
from kiosk.sales.sale_store import (
    UnknownReceipt,
    UnknownSale,
    find_sale,
    is_voided,
    next_document,
    read_sold_state,
    sold_at,
)
from kiosk.sales.tender import POINTS, POINTS_DEBT
from kiosk.sales.voucher_service import undo_by_return
from kiosk.shifts.business_day import utc_text
from kiosk.shop import Caller, Shop, need_open_shift, origin_of
from loyalty.transactions import Tx
from sync.chain import JournalMark
from sync.facts.returns import Refunded, ReturnedLine, ReturnTaken, TakenBack
from sync.journal import Entry, find_same

_DAY_MS = 86_400_000
_NO_ENTRY = UUID(int=0)
_NO_MONEY = frozenset({POINTS, POINTS_DEBT})


class ReturnPoints(Struct, frozen=True):
    """What a return does to the member's points. `debt` is how many more are owed after it: clawed back, but spent."""

    clawed_back: int
    given_back: int
    debt: int


class ReturnQuoteAnswer(Struct, frozen=True, kw_only=True):
    """What a return would give back. Nothing was written."""

    sale: UUID
    sale_number: str
    currency: str
    refund_minor: int
    lines: list[ReturnedLine]
    points: ReturnPoints
    refunds_allowed: list[RefundAllowed]


class ReturnAnswer(Struct, frozen=True, kw_only=True):
    """A return that was taken."""

    id: UUID
    number: str
    business_day: str
    at: str
    till: str
    operator: str | None
    currency: str
    reason: str
    refund_minor: int
    lines: list[ReturnedLine]
    returned: ReturnedAnswer
    points: ReturnPoints
    balance: BalanceAnswer
    journal: JournalMark
    print_job: PrintJobAnswer | None


def quote_return(
    tx: Tx, shop: Shop, caller: Caller, command: QuoteReturn, foreign: ForeignSale | None = None
) -> ReturnQuoteAnswer:
    """What would be given back; `foreign` is another store's sale as head office told it.

    Raises UnknownReceipt, VoidedSaleReturned, ReturnTooLate and what valuing raises.
    """
    shop.terms.check_currency(command.currency)
    sold, _, points = _decide(tx, shop, caller, command, _NO_ENTRY, foreign)
    step = shop.terms.cash_rounding_step_minor
    refund_minor, _ = quote_refunds([Owed(points.owed_minor, points.sold.allowed())], 0, step)
    return ReturnQuoteAnswer(
        sale=sold.sale,
        sale_number=sold.number,
        currency=shop.terms.currency,
        refund_minor=refund_minor,
        lines=list(points.lines),
        points=ReturnPoints(points.clawed_back, points.given_back, points.debt),
        refunds_allowed=[RefundAllowed(kind, amount) for kind, amount in sorted(points.sold.allowed().items())],
    )


def take_back(
    tx: Tx,
    shop: Shop,
    caller: Caller,
    command: TakeBack,
    foreign: ForeignSale | None = None,
    kept: Kept = NOTHING_KEPT,
) -> Outcome[ReturnAnswer]:
    """Take goods back by their receipt and give the money back; `foreign` is another store's sale as head office told
    it, which keeps the goods for this return; `kept` is what it keeps of gift cards that the own sale sold.

    Raises ReturnNeedsLine where it does so no longer, UnknownReceipt, VoidedSaleReturned, ReturnTooLate, NoOpenShift,
    ApprovalNeeded, ReasonNamesMember and what valuing and refunding raise; nothing is written then.
    """
    known = find_same(tx, command.id, ReturnTaken, fingerprint(command))
    if known is not None:
        return Outcome(_answer(known), replayed=True)
    shop.terms.check_currency(command.currency)
    shift = need_open_shift(tx, caller.till)
    sold, value, points = _decide(tx, shop, caller, command, command.id, foreign)
    if foreign is not None and not is_reserved(tx, foreign):
        raise ReturnNeedsLine(pointer="/sale")
    approver = need_approval(tx, caller, command.approval, "return", shop.terms.needs_approval)
    refuse_names(tx, [sold.member], [(command.reason, "/reason")])
    owed = [Owed(points.owed_minor, points.sold.allowed())]
    given = settle_refunds(owed, 0, pool_of(command.refunds), shop.terms.cash_rounding_step_minor).given[0]
    refunds = refunds_of(given) + points.refunds
    n = next_document(tx, caller.till, shop.series)
    body = ReturnTaken(
        request=fingerprint(command),
        number=document_number(shop.terms.store, caller.till, shop.series, n),
        till=caller.till,
        series=shop.series,
        n=n,
        shift=shift.id,
        currency=shop.terms.currency,
        reason=command.reason,
        receipt=command.receipt,
        taken=_taken(sold, value.value_minor, points, refunds, approver),
    )
    if foreign is not None:
        taken = replace(body.taken, elsewhere=name_elsewhere(foreign, points.lines))
    else:
        taken = replace(
            body.taken,
            referral=revoke_referral(tx, shop, caller, command.id, sold, points.lines),
            offers=read_uses_back(tx, sold, points.lines),
            vouchers=undo_by_return(tx, sold, points.lines, refunds, kept=still_kept(tx, kept).cards),
        )
    body = replace(body, taken=taken)
    entry = shop.journal.record(tx, origin_of(caller, shift.business_day), command.id, body)
    if command.receipt == "paper":
        paper = return_receipt(shop.terms, entry.stamp(), body, tax_added=sold.tax_added)
        queue_paper(tx, shop, caller, receipt_job(command.id), "receipt", command.id, sold.member, paper)
    return Outcome(_answer(entry), replayed=False)


def _taken(
    sold: SoldState, value_minor: int, points: PointsBack, refunds: tuple[Refunded, ...], approver: str | None
) -> TakenBack:
    """The goods and what goes back for them."""
    return TakenBack(
        sale=sold.sale,
        sale_number=sold.number,
        lines=points.lines,
        value_minor=value_minor,
        rounding_minor=sum(refund.amount_minor for refund in refunds) - value_minor,
        refunds=refunds,
        member=sold.member,
        postings=points.postings,
        debt=points.debt,
        balance=points.balance,
        approved_by=approver,
    )


def _decide(
    tx: Tx, shop: Shop, caller: Caller, command: QuoteReturn | TakeBack, op_id: UUID, foreign: ForeignSale | None
) -> tuple[SoldState, ReturnValue, PointsBack]:
    """The sale, what its goods are worth, and what becomes of the points."""
    if foreign is not None:
        sold = check_foreign(shop, caller, foreign)
        value = value_return(sold, pairs_of(command.lines))
        return sold, value, decide_foreign_back(shop, caller, foreign, sold, value, op_id)
    sold = find_returnable(tx, shop, caller, command.sale)
    value = value_return(sold, pairs_of(command.lines))
    return sold, value, decide_back(tx, shop, caller, sold, value, op_id)


def decide_back(tx: Tx, shop: Shop, caller: Caller, sold: SoldState, value: ReturnValue, op_id: UUID) -> PointsBack:
    """What taking these goods back does to the member's points, if the sale was a member's."""
    member = None
    if sold.member is not None:
        member = open_account(tx, sold.member, op_id, shop.journal.epoch, caller.now_ms, "all")
    basket = read_basket_terms(tx, sold.sale) if member is not None else None
    return decide_points_back(member, sold, value.lines, value.owed_minor, shop.terms.program, basket)


def find_returnable(tx: Tx, shop: Shop, caller: Caller, text: str, pointer: str = "/sale") -> SoldState:
    """A sale that may still come back; `pointer` is where the request names it.

    Raises UnknownReceipt, VoidedSaleReturned, ReturnTooLate.
    """
    sale = find_receipt(tx, text, pointer)
    if is_voided(tx, sale):
        raise VoidedSaleReturned
    days = shop.terms.return_days
    if days and caller.now_ms - sold_at(tx, sale) > days * _DAY_MS:
        raise ReturnTooLate(f"Receipts are taken back for {days} days.")
    return read_sold_state(tx, sale)


def find_receipt(tx: Tx, text: str, pointer: str) -> UUID:
    """The id of a sale given by id or by receipt number; `pointer` is where the request names it.

    Raises UnknownReceipt.
    """
    try:
        return find_sale(tx, text)
    except UnknownSale as unknown:
        raise UnknownReceipt(unknown.detail, pointer=pointer) from unknown


def pairs_of(lines: Sequence[ReturnLine | ExchangeLine]) -> list[tuple[int, int]]:
    """(line, quantity_milli) as `value_return` takes them."""
    return [(line.line, line.quantity_milli) for line in lines]


def pool_of(refunds: Sequence[RefundRequest]) -> dict[str, int]:
    """What is offered, by kind."""
    pool: dict[str, int] = {}
    for refund in refunds:
        pool[refund.kind] = pool.get(refund.kind, 0) + refund.amount_minor
    return pool


def _answer(entry: Entry) -> ReturnAnswer:
    body = entry.body
    assert isinstance(body, ReturnTaken)
    stamp, taken = entry.stamp(), body.taken
    return ReturnAnswer(
        id=entry.op_id,
        number=body.number,
        business_day=stamp.business_day,
        at=utc_text(entry.at),
        till=body.till,
        operator=entry.operator,
        currency=body.currency,
        reason=body.reason,
        refund_minor=sum(refund.amount_minor for refund in taken.refunds if refund.kind not in _NO_MONEY),
        lines=list(taken.lines),
        returned=render_returned(taken),
        points=ReturnPoints(taken.points_clawed_back, taken.points_given_back, taken.debt),
        balance=render_balance(taken.balance),
        journal=stamp.mark,
        print_job=PrintJobAnswer(receipt_job(entry.op_id), "queued") if body.receipt == "paper" else None,
    )
