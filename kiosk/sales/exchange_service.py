"""sql: exchanges: goods of earlier sales come back and pay for new ones, settled net, in one sale.

The return half is read and decided here; `sale` puts it into the sale's fact. Which money goes back is decided over all
sales that give something back at once (`refunds`).
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
from msgspec import Struct

from kiosk.answers import QuoteAnswer, QuotedReturn, RefundAllowed
from kiosk.commands import CompleteSale, ExchangeLine
from kiosk.identity.approvals import check_approver
from kiosk.offers.offer_uses import read_uses_back
from kiosk.points.accounts import open_account
from kiosk.program.referral_service import revoke_referral
from kiosk.sales.basket_terms import read_basket_terms
from kiosk.sales.refunds import Owed, quote_refunds, refunds_of, settle_refunds
from kiosk.sales.return_points import PointsBack, decide_points_back
from kiosk.sales.return_service import find_receipt, find_returnable, pairs_of, pool_of
from kiosk.sales.returns import ReturnValue, spend_credit, value_return
from kiosk.sales.voucher_service import undo_by_return
from kiosk.shop import Caller, Shop
from loyalty.points.operation import OpenAccount
from loyalty.transactions import Tx
from sync.facts.returns import Refunded, TakenBack

_NO_ENTRY = UUID(int=0)


class ExchangeReturn(Struct, frozen=True):
    """The return half of an exchange: what came back of each sale, what the coins given back add to the new sale's due,
    and the accounts it has posted to, by the member whose they are."""

    taken: tuple[TakenBack, ...] = ()
    rounding_minor: int = 0
    accounts: Mapping[bytes, OpenAccount] = {}


class _Back(Struct, frozen=True):
    """One sale that goods come back from: what they are worth, and what that does to points."""

    member: UUID | None
    value: ReturnValue
    points: PointsBack

    def owed(self) -> Owed:
        return Owed(self.points.owed_minor, self.points.sold.allowed())


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
    backs, accounts = _find_backs(tx, shop, caller, command.returns, command.id)
    owed = [back.owed() for back in backs]
    settled = settle_refunds(owed, total_minor, pool_of(command.refunds), shop.terms.cash_rounding_step_minor)
    blocks: tuple[TakenBack, ...] = ()
    for back, given, credit in zip(backs, settled.given, settled.credits, strict=True):
        block = _block(tx, back, refunds_of(given), credit, approver, blocks)
        sold, place = back.points.sold, len(blocks)
        gone = revoke_referral(tx, shop, caller, command.id, sold, back.points.lines, place)
        blocks += (msgspec.structs.replace(block, referral=gone),)
    return ExchangeReturn(blocks, settled.rounding_minor, accounts)


def quote_exchange(
    tx: Tx, shop: Shop, caller: Caller, returns: Sequence[ExchangeLine], quote: QuoteAnswer
) -> QuoteAnswer:
    """The quote of the new goods, with what comes back and what that leaves to pay or to give back.

    Raises UnknownReceipt, VoidedSaleReturned, ReturnTooLate and what valuing raises.
    """
    backs, _ = _find_backs(tx, shop, caller, returns, _NO_ENTRY)
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
                sale=back.points.sold.sale,
                sale_number=back.points.sold.number,
                lines=list(back.points.lines),
                value_minor=back.value.value_minor,
                owed_minor=back.points.owed_minor,
                points_clawed_back=back.points.clawed_back,
                points_given_back=back.points.given_back,
                debt=back.points.debt,
            )
            for back in backs
        ],
    )


def _find_backs(
    tx: Tx, shop: Shop, caller: Caller, returns: Sequence[ExchangeLine], op_id: UUID
) -> tuple[list[_Back], dict[bytes, OpenAccount]]:
    """The sales that goods come back from, each once, in the order they are named first; and the accounts of their
    members after all of them."""
    by_sale: dict[UUID, list[int]] = {}
    for index, line in enumerate(returns):
        by_sale.setdefault(find_receipt(tx, line.sale, f"/returns/{index}/sale"), []).append(index)
    backs = []
    accounts: dict[bytes, OpenAccount] = {}
    for sale, indexes in by_sale.items():
        pointers = [f"/returns/{index}" for index in indexes]
        sold = find_returnable(tx, shop, caller, str(sale), f"{pointers[0]}/sale")
        value = value_return(sold, pairs_of([returns[index] for index in indexes]), pointers)
        account = None
        if sold.member is not None:
            account = open_account(tx, sold.member, op_id, shop.journal.epoch, caller.now_ms, "all")
            account = accounts.get(account.account_of, account).for_member(sold.member.bytes)
        basket = read_basket_terms(tx, sale) if account is not None else None
        points = decide_points_back(account, sold, value.lines, value.owed_minor, shop.terms.program, basket)
        if points.account is not None:
            accounts[points.account.account_of] = points.account
        backs.append(_Back(sold.member, value, points))
    return backs, accounts


def _block(
    tx: Tx,
    back: _Back,
    paid: tuple[Refunded, ...],
    credit: int,
    approver: str | None,
    others: tuple[TakenBack, ...],
) -> TakenBack:
    """One sale's part of the fact, after those of the others. What goes back is taken off its tenders before the rest
    pays for new goods."""
    points, value, sold = back.points, back.value, back.points.sold
    gone = dict(sold.refunded)
    for refund in paid:
        gone[refund.settles] = gone.get(refund.settles, 0) + refund.amount_minor
    refunds = spend_credit(msgspec.structs.replace(sold, refunded=gone), credit) + paid + points.refunds
    return TakenBack(
        sale=sold.sale,
        sale_number=sold.number,
        lines=points.lines,
        value_minor=value.value_minor,
        rounding_minor=sum(refund.amount_minor for refund in refunds) - value.value_minor,
        refunds=refunds,
        member=back.member,
        postings=points.postings,
        debt=points.debt,
        balance=points.balance,
        approved_by=approver,
        offers=read_uses_back(tx, sold, points.lines),
        vouchers=undo_by_return(tx, sold, points.lines, refunds, others),
    )
