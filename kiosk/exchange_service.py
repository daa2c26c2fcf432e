"""sql: exchanges: goods of earlier sales come back and pay for new ones, settled net, in one sale.

The return half is read and decided here; kiosk/sale.py puts it into the sale's fact. Which money goes back is decided
over all sales that give something back at once (kiosk/refunds.py).
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
from msgspec import Struct

from kiosk.answers import QuoteAnswer, QuotedReturn, RefundAllowed
from kiosk.approvals import check_approver
from kiosk.commands import CompleteSale, ExchangeLine
from kiosk.refunds import Owed, quote_refunds, refunds_of, settle_refunds
from kiosk.return_service import find_returnable, pairs_of, pool_of
from kiosk.returns import ReturnValue, SoldState, spend_credit, value_return
from kiosk.sale_store import read_balance
from kiosk.shop import Caller, Shop
from loyalty.ledger import Balance, apply_points
from loyalty.transactions import Tx
from sync.facts.returns import Refunded, TakenBack


class ExchangeReturn(Struct, frozen=True):
    """The return half of an exchange: what came back of each sale, and what the coins given back add to the new sale's
    due."""

    taken: tuple[TakenBack, ...] = ()
    rounding_minor: int = 0


class _Back(Struct, frozen=True):
    """One sale that goods come back from, and what they are worth."""

    sold: SoldState
    value: ReturnValue

    def owed(self) -> Owed:
        return Owed(self.value.owed_minor, self.sold.allowed())


def take_back_for_exchange(
    tx: Tx, shop: Shop, caller: Caller, command: CompleteSale, total_minor: int, approvals: Mapping[str, str]
) -> ExchangeReturn:
    """The return half of an exchange for goods of `total_minor`. The refunds of the command must be exactly what the
    new goods leave over.

    Raises ApprovalNeeded, RefundTooLarge, RefundMismatch, UnknownReceipt, VoidedSaleReturned, ReturnTooLate and what
    valuing raises.
    """
    approver = approvals.get("return")
    check_approver(approver, caller, "return", shop.terms.needs_approval)
    backs = _find_backs(tx, shop, caller, command.returns)
    owed = [back.owed() for back in backs]
    settled = settle_refunds(owed, total_minor, pool_of(command.refunds), shop.terms.cash_rounding_step_minor)
    balances: dict[UUID, Balance] = {}
    blocks: list[TakenBack] = []
    for back, given, credit in zip(backs, settled.given, settled.credits, strict=True):
        member = back.sold.member
        if member is not None:
            balance = balances[member] if member in balances else read_balance(tx, member)
            balances[member] = apply_points(balance, -back.value.points)
        balance_after = balances[member] if member is not None else None
        blocks.append(_block(back, refunds_of(given), credit, balance_after, approver))
    return ExchangeReturn(tuple(blocks), settled.rounding_minor)


def quote_exchange(
    tx: Tx, shop: Shop, caller: Caller, returns: Sequence[ExchangeLine], quote: QuoteAnswer
) -> QuoteAnswer:
    """The quote of the new goods, with what comes back and what that leaves to pay or to give back.

    Raises UnknownReceipt, VoidedSaleReturned, ReturnTooLate and what valuing raises.
    """
    backs = _find_backs(tx, shop, caller, returns)
    owed = [back.owed() for back in backs]
    goods = quote.totals.due_minor
    refund, allowed = quote_refunds(owed, goods, shop.terms.cash_rounding_step_minor)
    return msgspec.structs.replace(
        quote,
        pay_minor=max(goods - sum(each.owed_minor for each in owed), 0),
        refund_minor=refund,
        refunds_allowed=[RefundAllowed(kind, amount) for kind, amount in allowed.items() if amount],
        returned=[
            QuotedReturn(
                sale=back.sold.sale,
                sale_number=back.sold.number,
                lines=list(back.value.lines),
                value_minor=back.value.value_minor,
                owed_minor=back.value.owed_minor,
                points_clawed_back=back.value.points if back.sold.member else 0,
            )
            for back in backs
        ],
    )


def _find_backs(tx: Tx, shop: Shop, caller: Caller, returns: Sequence[ExchangeLine]) -> list[_Back]:
    """The sales that goods come back from, each once, in the order they are named first."""
    by_sale: dict[UUID, list[int]] = {}
    for index, line in enumerate(returns):
        by_sale.setdefault(line.sale, []).append(index)
    backs = []
    for sale, indexes in by_sale.items():
        pointers = [f"/returns/{index}" for index in indexes]
        sold = find_returnable(tx, shop, caller, str(sale), f"{pointers[0]}/sale")
        backs.append(_Back(sold, value_return(sold, pairs_of([returns[index] for index in indexes]), pointers)))
    return backs


def _block(
    back: _Back, paid: tuple[Refunded, ...], credit: int, balance: Balance | None, approver: str | None
) -> TakenBack:
    """One sale's part of the fact. What goes back is taken off its tenders before the rest pays for new goods."""
    sold, value = back.sold, back.value
    gone = dict(sold.refunded)
    for refund in paid:
        gone[refund.settles] = gone.get(refund.settles, 0) + refund.amount_minor
    refunds = spend_credit(msgspec.structs.replace(sold, refunded=gone), credit) + paid
    return TakenBack(
        sale=sold.sale,
        sale_number=sold.number,
        lines=value.lines,
        value_minor=value.value_minor,
        rounding_minor=sum(refund.amount_minor for refund in refunds) - value.value_minor,
        refunds=refunds,
        member=sold.member,
        points_clawed_back=value.points if sold.member else 0,
        balance=balance,
        approved_by=approver,
    )
