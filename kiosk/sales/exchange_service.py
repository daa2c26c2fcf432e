"""sql: exchanges: goods of earlier sales come back and pay for new ones, settled net, in one sale.

The return half is read and decided here; `sale` puts it into the sale's fact. Which money goes back is decided over all
sales that give something back at once (`refunds`). A sale of another store (`foreign`, by how the request names it) is
taken as by a return of its own (kiosk/sales/returns_elsewhere.py): head office keeps its goods and the money for it.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
from msgspec import Struct

from kiosk.answers import QuoteAnswer, QuotedReturn, RefundAllowed
from kiosk.commands import CompleteSale, ExchangeLine
from kiosk.coupons.gift_card_service import NO_CARDS
from kiosk.coupons.gift_cards import KeptCard
from kiosk.identity.approvals import check_approver
from kiosk.offers.offer_uses import read_uses_back
from kiosk.points.accounts import open_account
from kiosk.program.referral_service import revoke_referral
from kiosk.sales.basket_terms import read_basket_terms
from kiosk.sales.refunds import Owed, Settled, quote_refunds, refunds_of, settle_refunds
from kiosk.sales.return_points import PointsBack, decide_points_back
from kiosk.sales.return_service import find_receipt, find_returnable, pairs_of, pool_of
from kiosk.sales.returns import ReturnValue, spend_credit, value_return
from kiosk.sales.returns_elsewhere import (
    ForeignSale,
    ReturnNeedsLine,
    check_foreign,
    is_reserved,
    name_elsewhere,
    open_foreign,
    reserve_command,
)
from kiosk.sales.voucher_service import undo_by_return
from kiosk.shop import Caller, Shop
from loyalty.points.operation import OpenAccount
from loyalty.transactions import Tx
from sync.facts.returns import Refunded, TakenBack
from sync.protocol.commands import ReturnReserveCommand

Foreign = Mapping[str, ForeignSale]
"""Sales of other stores, by how the request names them."""
NO_FOREIGN: Foreign = {}
_NO_ENTRY = UUID(int=0)
_FIRST_ELSEWHERE = 1000
"""Postings for goods of other stores are numbered from here, apart from those of the sale (1) and referrals (200)."""


class ExchangeReturn(Struct, frozen=True):
    """The return half of an exchange: what came back of each sale, what the coins given back add to the new sale's due,
    and the accounts it has posted to, by the member whose they are."""

    taken: tuple[TakenBack, ...] = ()
    rounding_minor: int = 0
    accounts: Mapping[bytes, OpenAccount] = {}


class _Back(Struct, frozen=True):
    """One sale that goods come back from: what they are worth, and what that does to points. `foreign`: another
    store's."""

    member: UUID | None
    value: ReturnValue
    points: PointsBack
    foreign: ForeignSale | None = None

    def owed(self) -> Owed:
        return Owed(self.points.owed_minor, self.points.sold.allowed())


def take_back_for_exchange(
    tx: Tx,
    shop: Shop,
    caller: Caller,
    command: CompleteSale,
    total_minor: int,
    approvals: Mapping[str, str],
    foreign: Foreign = NO_FOREIGN,
    cards: Mapping[str, KeptCard] = NO_CARDS,
) -> ExchangeReturn:
    """The return half of an exchange for goods of `total_minor`. The refunds of the command must be exactly what the
    new goods leave over. `cards` is what head office keeps of gift cards for this sale.

    Raises ApprovalNeeded, RefundTooLarge, RefundMismatch, UnknownReceipt, VoidedSaleReturned, ReturnTooLate,
    ReturnNeedsLine, GiftCardSpent, GiftCardNeedsLine and what valuing raises.
    """
    approver = approvals.get("return")
    check_approver(approver, caller, "return", shop.terms.needs_approval)
    backs, accounts = _find_backs(tx, shop, caller, command.returns, command.id, foreign)
    if not all(is_reserved(tx, back.foreign) for back in backs if back.foreign is not None):
        raise ReturnNeedsLine(pointer="/returns")
    settled = _settle(shop, command, backs, total_minor)
    blocks: tuple[TakenBack, ...] = ()
    for back, given, credit in zip(backs, settled.given, settled.credits, strict=True):
        block = _block(back, _refunds(back, refunds_of(given), credit), approver)
        if back.foreign is not None:
            blocks += (msgspec.structs.replace(block, elsewhere=name_elsewhere(back.foreign, block.lines)),)
            continue
        sold, place = back.points.sold, len(blocks)
        own = msgspec.structs.replace(
            block,
            offers=read_uses_back(tx, sold, block.lines),
            vouchers=undo_by_return(tx, sold, block.lines, block.refunds, blocks, cards),
            referral=revoke_referral(tx, shop, caller, command.id, sold, block.lines, place),
        )
        blocks += (own,)
    return ExchangeReturn(blocks, settled.rounding_minor, accounts)


def name_exchange(
    tx: Tx, shop: Shop, caller: Caller, command: CompleteSale, total_minor: int, foreign: Foreign
) -> dict[str, ReturnReserveCommand]:
    """What head office has to keep for an exchange with goods of other stores, by how the request names their sales.
    Raises what taking them back raises, so that nothing is kept for an exchange that will be refused."""
    backs, _ = _find_backs(tx, shop, caller, command.returns, command.id, foreign)
    settled = _settle(shop, command, backs, total_minor)
    named: dict[str, ReturnReserveCommand] = {}
    for back, given, credit in zip(backs, settled.given, settled.credits, strict=True):
        if back.foreign is None:
            continue
        refunds = _refunds(back, refunds_of(given), credit)
        wanted = reserve_command(tx, shop, command.id, back.foreign, back.points.lines, refunds)
        named |= {text: wanted for text, each in foreign.items() if each.state.op == back.foreign.state.op}
    return named


def quote_exchange(
    tx: Tx,
    shop: Shop,
    caller: Caller,
    returns: Sequence[ExchangeLine],
    quote: QuoteAnswer,
    foreign: Foreign = NO_FOREIGN,
) -> QuoteAnswer:
    """The quote of the new goods, with what comes back and what that leaves to pay or to give back.

    Raises UnknownReceipt, VoidedSaleReturned, ReturnTooLate and what valuing raises.
    """
    backs, _ = _find_backs(tx, shop, caller, returns, _NO_ENTRY, foreign)
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


def _settle(shop: Shop, command: CompleteSale, backs: Sequence[_Back], total_minor: int) -> Settled:
    owed = [back.owed() for back in backs]
    return settle_refunds(owed, total_minor, pool_of(command.refunds), shop.terms.cash_rounding_step_minor)


def _find_backs(
    tx: Tx, shop: Shop, caller: Caller, returns: Sequence[ExchangeLine], op_id: UUID, foreign: Foreign
) -> tuple[list[_Back], dict[bytes, OpenAccount]]:
    """The sales that goods come back from, each once, in the order they are named first; and the accounts of their
    members after all of them, as far as this store books them."""
    by_sale: dict[UUID, list[int]] = {}
    elsewhere: dict[UUID, ForeignSale] = {}
    for index, line in enumerate(returns):
        known = foreign.get(line.sale)
        sale = known.state.op if known is not None else find_receipt(tx, line.sale, f"/returns/{index}/sale")
        by_sale.setdefault(sale, []).append(index)
        if known is not None:
            elsewhere.setdefault(sale, known)
    backs = []
    accounts: dict[bytes, OpenAccount] = {}
    booked_there: dict[bytes, OpenAccount] = {}
    for sale, indexes in by_sale.items():
        pointers = [f"/returns/{index}" for index in indexes]
        pairs = pairs_of([returns[index] for index in indexes])
        there = elsewhere.get(sale)
        if there is not None:
            backs.append(_foreign_back(shop, caller, there, pairs, pointers, op_id, booked_there))
            continue
        sold = find_returnable(tx, shop, caller, str(sale), f"{pointers[0]}/sale")
        value = value_return(sold, pairs, pointers)
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


def _foreign_back(
    shop: Shop,
    caller: Caller,
    foreign: ForeignSale,
    pairs: Sequence[tuple[int, int]],
    pointers: Sequence[str],
    op_id: UUID,
    booked_there: dict[bytes, OpenAccount],
) -> _Back:
    """The same of another store's sale. Its points are booked at head office, numbered apart from those of the new
    goods; `booked_there` are the accounts after the sales before it."""
    sold = check_foreign(shop, caller, foreign)
    value = value_return(sold, pairs, pointers)
    account = open_foreign(shop, caller, foreign, op_id, first=_FIRST_ELSEWHERE)
    if account is not None and sold.member is not None:
        account = booked_there.get(account.account_of, account).for_member(sold.member.bytes)
    points = decide_points_back(account, sold, value.lines, value.owed_minor, shop.terms.program)
    if points.account is not None:
        booked_there[points.account.account_of] = points.account
    return _Back(sold.member, value, points, foreign)


def _refunds(back: _Back, paid: tuple[Refunded, ...], credit: int) -> tuple[Refunded, ...]:
    """All that goes back for one sale: what is paid back is taken off its tenders first; the rest pays for new goods
    (`credit`)."""
    sold = back.points.sold
    gone = dict(sold.refunded)
    for refund in paid:
        gone[refund.settles] = gone.get(refund.settles, 0) + refund.amount_minor
    return spend_credit(msgspec.structs.replace(sold, refunded=gone), credit) + paid + back.points.refunds


def _block(back: _Back, refunds: tuple[Refunded, ...], approver: str | None) -> TakenBack:
    """One sale's part of the fact."""
    points, value, sold = back.points, back.value, back.points.sold
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
    )
