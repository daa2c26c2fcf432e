"""sql: taking goods back: the quote shown before confirming, the return itself, and the return half of an exchange."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
from msgspec import Struct

from kiosk.answers import PrintJobAnswer, ReturnedAnswer, receipt_job, render_returned
from kiosk.approvals import check_approver, need_approval
from kiosk.business_day import utc_text
from kiosk.commands import CompleteSale, QuoteReturn, RefundRequest, ReturnLine, TakeBack, fingerprint
from kiosk.documents import return_receipt
from kiosk.numbering import document_number
from kiosk.paper import queue_paper
from kiosk.returns import (
    RefundMismatch,
    ReturnTooLate,
    ReturnValue,
    SaleVoided,
    SoldState,
    draw_credit,
    draw_refunds,
    round_credit,
    suggest_refund,
    value_return,
)
from kiosk.sale import EXCHANGE
from kiosk.sale_store import (
    UnknownReceipt,
    UnknownSale,
    find_sale,
    is_voided,
    next_document,
    read_balance,
    read_sold_state,
    sold_at,
)
from kiosk.shop import Caller, Shop, need_open_shift, origin_of
from kiosk.tender import CASH
from loyalty.ledger import Balance, apply_points
from loyalty.transactions import Tx
from sync.chain import JournalMark
from sync.facts.returns import Refunded, ReturnedLine, ReturnTaken, TakenBack
from sync.journal import Entry, find_same

_DAY_MS = 86_400_000


class ReturnPoints(Struct, frozen=True):
    """What a return does to the member's points. `debt` is the part of the clawed back that was spent already."""

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


class ExchangeReturn(Struct, frozen=True):
    """The return half of an exchange: what came back of each sale, and what the coins given back add to the new sale's
    due."""

    taken: tuple[TakenBack, ...] = ()
    rounding_minor: int = 0


class ReturnOutcome(Struct, frozen=True):
    """An answer, and whether it is that of an earlier delivery of the same command."""

    answer: ReturnAnswer
    replayed: bool


def quote_return(tx: Tx, shop: Shop, caller: Caller, command: QuoteReturn) -> ReturnQuoteAnswer:
    """What would be given back. Raises UnknownReceipt, SaleVoided, ReturnTooLate and what valuing raises."""
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

    Raises UnknownReceipt, SaleVoided, ReturnTooLate, NoOpenShift, ApprovalNeeded and what valuing and refunding raise;
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
    _refuse_rest(pool, sum(refund.amount_minor for refund in refunds))
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
        paper = return_receipt(shop.terms, entry.stamp(), body, tax_added=sold.tax_added)
        queue_paper(tx, shop, caller, receipt_job(command.id), "receipt", command.id, sold.member, paper)
    return ReturnOutcome(_answer(entry), replayed=False)


def take_back_for_exchange(
    tx: Tx, shop: Shop, caller: Caller, command: CompleteSale, total_minor: int, approvals: Mapping[str, str]
) -> ExchangeReturn:
    """The return half of an exchange: its value pays for the new goods; what is left is given back.

    Raises what `take_back` raises. The refunds of the command must be exactly what the new goods leave over.
    """
    by_sale: dict[UUID, list[int]] = {}
    for index, line in enumerate(command.returns):
        by_sale.setdefault(line.sale, []).append(index)
    if by_sale:
        check_approver(approvals.get("return"), caller, "return", shop.terms.needs_approval)
    pool = _pool(command.refunds)
    left, rounding, blocks = total_minor, 0, list[TakenBack]()
    balances: dict[UUID, Balance] = {}
    for sale, indexes in by_sale.items():
        pointers = [f"/returns/{index}" for index in indexes]
        sold = find_returnable(tx, shop, caller, str(sale), f"{pointers[0]}/sale")
        pairs = [(command.returns[index].line, command.returns[index].quantity_milli) for index in indexes]
        value = value_return(sold, pairs, pointers)
        wanted = min(left, value.owed_minor)
        credit = _credit(wanted, value.owed_minor, pool, shop.terms.cash_rounding_step_minor)
        left -= wanted
        rounding += credit - wanted
        if sold.member is not None:
            balance = balances[sold.member] if sold.member in balances else read_balance(tx, sold.member)
            balances[sold.member] = apply_points(balance, -value.points)
        blocks.append(_exchange_block(shop, sold, value, credit, pool, balances))
    _refuse_rest(pool, sum(_given_back(block) for block in blocks))
    return ExchangeReturn(tuple(blocks), rounding)


def find_returnable(tx: Tx, shop: Shop, caller: Caller, text: str, pointer: str = "/sale") -> SoldState:
    """A sale that may still come back; `pointer` is where the request names it.

    Raises UnknownReceipt, SaleVoided, ReturnTooLate.
    """
    try:
        sale = find_sale(tx, text)
    except UnknownSale as unknown:
        raise UnknownReceipt(unknown.detail, pointer=pointer) from unknown
    if is_voided(tx, sale):
        raise SaleVoided
    days = shop.terms.return_days
    if days and caller.now_ms - sold_at(tx, sale) > days * _DAY_MS:
        raise ReturnTooLate(f"Receipts are taken back for {days} days.")
    return read_sold_state(tx, sale)


def _credit(wanted_minor: int, owed_minor: int, pool: Mapping[str, int], step_minor: int) -> int:
    """What pays for the new goods when the rest goes back: exactly in other kinds, in coins what is left for cash."""
    back = owed_minor - wanted_minor
    exact = min(sum(amount for kind, amount in pool.items() if kind != CASH), back)
    return round_credit(wanted_minor, back - exact, step_minor)


def _exchange_block(
    shop: Shop, sold: SoldState, value: ReturnValue, credit: int, pool: dict[str, int], balances: Mapping[UUID, Balance]
) -> TakenBack:
    spent = draw_credit(sold, credit, EXCHANGE)
    after_credit = _with_refunds(sold, spent)
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
        balance=balances[sold.member] if sold.member else None,
    )


def _given_back(taken: TakenBack) -> int:
    return sum(refund.amount_minor for refund in taken.refunds if refund.kind != EXCHANGE)


def _with_refunds(sold: SoldState, more: Sequence[Refunded]) -> SoldState:
    refunded = dict(sold.refunded)
    for refund in more:
        refunded[refund.settles] = refunded.get(refund.settles, 0) + refund.amount_minor
    return msgspec.structs.replace(sold, refunded=refunded)


def _pairs(lines: Sequence[ReturnLine]) -> list[tuple[int, int]]:
    return [(line.line, line.quantity_milli) for line in lines]


def _pool(refunds: Sequence[RefundRequest]) -> dict[str, int]:
    pool: dict[str, int] = {}
    for refund in refunds:
        pool[refund.kind] = pool.get(refund.kind, 0) + refund.amount_minor
    return pool


def _refuse_rest(pool: Mapping[str, int], refund_minor: int) -> None:
    rest = sum(pool.values())
    if rest:
        raise RefundMismatch(f"{rest} too much.", pointer="/refunds", refund_minor=refund_minor)


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
        points=ReturnPoints(taken.points_clawed_back, 0, min(taken.points_clawed_back, balance.debt)),
        balance=balance,
        journal=stamp.mark,
        print_job=PrintJobAnswer(receipt_job(entry.op_id), "queued") if body.receipt == "paper" else None,
    )
