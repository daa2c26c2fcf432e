"""sql: taking goods back: the quote shown before confirming, the return itself, and the return half of an exchange."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from kiosk.answers import PrintJobAnswer, ReturnedAnswer, receipt_job, render_returned
from kiosk.approvals import need_approval
from kiosk.business_day import utc_text
from kiosk.commands import CompleteSale, QuoteReturn, RefundRequest, ReturnLine, TakeBack, fingerprint
from kiosk.documents import return_receipt
from kiosk.numbering import document_number
from kiosk.paper import print_receipt
from kiosk.returns import (
    RefundMismatch,
    ReturnTooLate,
    ReturnValue,
    SaleVoided,
    SoldState,
    draw_credit,
    draw_refunds,
    suggest_refund,
    value_return,
)
from kiosk.sale import EXCHANGE
from kiosk.sale_store import find_sale, is_voided, next_document, read_balance, read_sold_state, sold_at
from kiosk.shop import Caller, Shop, need_open_shift, origin_of
from loyalty.ledger import Balance, apply_points
from loyalty.tax import TaxMode
from loyalty.transactions import Tx
from sync.chain import JournalMark
from sync.facts.returns import ReturnedLine, ReturnTaken, TakenBack
from sync.journal import Entry, find_same

_DAY_MS = 86_400_000


class ReturnPoints(Struct, frozen=True):
    """What a return does to the member's points."""

    clawed_back: int
    given_back: int
    debt: int


class RefundAllowed(Struct, frozen=True):
    """The most that may go back in one kind of tender."""

    kind: str
    max_minor: int


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
    balance: Balance
    journal: JournalMark
    print_job: PrintJobAnswer | None


class ReturnOutcome(Struct, frozen=True):
    """An answer, and whether it is that of an earlier delivery of the same command."""

    answer: ReturnAnswer
    replayed: bool


def quote_return(tx: Tx, shop: Shop, caller: Caller, command: QuoteReturn) -> ReturnQuoteAnswer:
    """What would be given back. Raises UnknownSale, SaleVoided, ReturnTooLate and what valuing raises."""
    shop.terms.check_currency(command.currency)
    sold = find_returnable(tx, shop, caller, command.sale)
    value = value_return(sold, _pairs(command.lines))
    before = read_balance(tx, sold.member) if sold.member else Balance()
    after = apply_points(before, -value.points)
    return ReturnQuoteAnswer(
        sale=sold.sale,
        sale_number=sold.number,
        currency=shop.terms.currency,
        refund_minor=suggest_refund(sold, value.owed_minor, shop.terms.cash_rounding_step_minor),
        lines=list(value.lines),
        points=ReturnPoints(value.points if sold.member else 0, 0, after.debt - before.debt if sold.member else 0),
        refunds_allowed=[RefundAllowed(kind, amount) for kind, amount in sorted(sold.allowed().items())],
    )


def take_back(tx: Tx, shop: Shop, caller: Caller, command: TakeBack) -> ReturnOutcome:
    """Take goods back by their receipt and give the money back.

    Raises UnknownSale, SaleVoided, ReturnTooLate, NoOpenShift, ApprovalNeeded and what valuing and refunding raise;
    nothing is written then.
    """
    known = find_same(tx, command.id, ReturnTaken, fingerprint(command))
    if known is not None:
        return ReturnOutcome(_answer(known), replayed=True)
    shop.terms.check_currency(command.currency)
    shift = need_open_shift(tx, caller.till)
    sold = find_returnable(tx, shop, caller, command.sale)
    approver = need_approval(tx, caller, command.approval, "return", shop.terms.needs_approval)
    value = value_return(sold, _pairs(command.lines))
    pool = _pool(command.refunds)
    refunds = draw_refunds(sold, value.owed_minor, pool, shop.terms.cash_rounding_step_minor)
    _refuse_rest(pool, value.owed_minor)
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
        approved_by=approver,
        receipt=command.receipt,
        taken=TakenBack(
            sale=sold.sale,
            sale_number=sold.number,
            lines=value.lines,
            value_minor=value.value_minor,
            rounding_minor=sum(refund.amount_minor for refund in refunds) - value.value_minor,
            refunds=refunds,
            member=sold.member,
            points_clawed_back=value.points if sold.member else 0,
            balance=apply_points(read_balance(tx, sold.member), -value.points) if sold.member else None,
        ),
    )
    entry = shop.journal.record(tx, origin_of(caller, shift.business_day), command.id, body)
    if command.receipt == "paper":
        paper = return_receipt(shop.terms, entry.stamp(), body, body.taken.balance)
        print_receipt(tx, shop, caller, receipt_job(command.id), command.id, sold.member, paper)
    return ReturnOutcome(_answer(entry), replayed=False)


def take_back_for_exchange(
    tx: Tx, shop: Shop, caller: Caller, command: CompleteSale, total_minor: int
) -> tuple[TakenBack, ...]:
    """The return half of an exchange: its value pays for the new goods; what is left is given back.

    Raises what `take_back` raises. The refunds of the command must be exactly what the new goods leave over.
    """
    by_sale: dict[UUID, list[tuple[int, int]]] = {}
    for line in command.returns:
        by_sale.setdefault(line.sale, []).append((line.line, line.quantity_milli))
    if by_sale:
        need_approval(tx, caller, command.approval, "return", shop.terms.needs_approval)
    pool = _pool(command.refunds)
    left, owed, blocks = total_minor, 0, []
    for sale, pairs in by_sale.items():
        sold = find_returnable(tx, shop, caller, str(sale))
        value = value_return(sold, pairs)
        credit = min(left, value.owed_minor)
        left -= credit
        blocks.append(_exchange_block(tx, shop, sold, value, credit, pool))
        owed += value.owed_minor - credit
    _refuse_rest(pool, owed)
    return tuple(blocks)


def find_returnable(tx: Tx, shop: Shop, caller: Caller, text: str) -> SoldState:
    """A sale that may still come back. Raises UnknownSale, SaleVoided, ReturnTooLate."""
    sale = find_sale(tx, text)
    if is_voided(tx, sale):
        raise SaleVoided
    days = shop.terms.return_days
    if days and caller.now_ms - sold_at(tx, sale) > days * _DAY_MS:
        raise ReturnTooLate(f"Receipts are taken back for {days} days.")
    return read_sold_state(tx, sale, tax_added=shop.terms.tax.mode is TaxMode.ADDED)


def _exchange_block(
    tx: Tx, shop: Shop, sold: SoldState, value: ReturnValue, credit: int, pool: dict[str, int]
) -> TakenBack:
    spent = draw_credit(sold, credit, EXCHANGE)
    after_credit = _with_refunds(sold, {refund.settles: refund.amount_minor for refund in spent})
    paid = draw_refunds(after_credit, value.owed_minor - credit, pool, shop.terms.cash_rounding_step_minor)
    refunds = spent + paid
    return TakenBack(
        sale=sold.sale,
        sale_number=sold.number,
        lines=value.lines,
        value_minor=value.value_minor,
        rounding_minor=sum(refund.amount_minor for refund in refunds) - value.value_minor,
        refunds=refunds,
        member=sold.member,
        points_clawed_back=value.points if sold.member else 0,
        balance=apply_points(read_balance(tx, sold.member), -value.points) if sold.member else None,
    )


def _with_refunds(sold: SoldState, more: dict[str, int]) -> SoldState:
    refunded = dict(sold.refunded)
    for kind, amount in more.items():
        refunded[kind] = refunded.get(kind, 0) + amount
    return SoldState(
        sale=sold.sale,
        number=sold.number,
        member=sold.member,
        due_minor=sold.due_minor,
        lines=sold.lines,
        kept=sold.kept,
        refunded=refunded,
    )


def _pairs(lines: Sequence[ReturnLine]) -> list[tuple[int, int]]:
    return [(line.line, line.quantity_milli) for line in lines]


def _pool(refunds: Sequence[RefundRequest]) -> dict[str, int]:
    pool: dict[str, int] = {}
    for refund in refunds:
        pool[refund.kind] = pool.get(refund.kind, 0) + refund.amount_minor
    return pool


def _refuse_rest(pool: dict[str, int], owed_minor: int) -> None:
    rest = sum(pool.values())
    if rest:
        raise RefundMismatch(f"{rest} too much.", pointer="/refunds", refund_minor=owed_minor)


def _answer(entry: Entry) -> ReturnAnswer:
    body = entry.body
    assert isinstance(body, ReturnTaken)
    stamp, taken = entry.stamp(), body.taken
    balance = taken.balance or Balance()
    return ReturnAnswer(
        id=entry.op_id,
        number=body.number,
        business_day=stamp.business_day,
        at=utc_text(entry.at),
        till=body.till,
        operator=entry.operator,
        currency=body.currency,
        reason=body.reason,
        refund_minor=sum(refund.amount_minor for refund in taken.refunds),
        lines=list(taken.lines),
        returned=render_returned(taken),
        points=ReturnPoints(taken.points_clawed_back, 0, balance.debt),
        balance=balance,
        journal=stamp.mark,
        print_job=PrintJobAnswer(receipt_job(entry.op_id), "queued") if body.receipt == "paper" else None,
    )
