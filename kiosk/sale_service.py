"""sql: selling. One transaction holds the sale, its journal entry, stock, points and the paper it prints, or none of
it."""

from collections.abc import Mapping
from uuid import UUID

from kiosk.answers import QuoteAnswer, SaleAnswer, receipt_job, render_sale
from kiosk.approvals import need_approval, use_approvals
from kiosk.commands import CompleteSale, QuoteBasket, VoidSale, fingerprint
from kiosk.documents import sale_receipt, void_receipt
from kiosk.exchange_service import ExchangeReturn, quote_exchange, take_back_for_exchange
from kiosk.line_items import find_items
from kiosk.outcome import Outcome
from kiosk.paper import queue_paper
from kiosk.product_store import read_price_book
from kiosk.reasons import list_reasons, refuse_names
from kiosk.returns import RefundMismatch
from kiosk.sale import ItemFacts, SaleFacts, decide_sale, price_lines, quote_priced
from kiosk.sale_store import UnknownSale, find_sale, has_returns, is_voided, next_document, read_balance
from kiosk.shop import Caller, OpenShift, Shop, day_of, need_open_shift, origin_of
from loyalty.earning import earn, eligible_lines
from loyalty.errors import Conflict, InvalidInput
from loyalty.ids import derived_uuid
from loyalty.ledger import Balance
from loyalty.member_store import need_active_member
from loyalty.transactions import Tx
from sync.facts.sales import SaleCompleted, SaleVoided, VoidedLine
from sync.journal import Entry, find, find_same


class UnknownCoupon(InvalidInput):
    """This coupon is not known here."""

    code, hint = "unknown_coupon", "Take the coupon off the basket and sell without it."


class UnknownHold(InvalidInput):
    """These points are not set aside."""

    code, hint = "unknown_hold", "Take the points off the payment and choose another way to pay."


class ShiftOver(Conflict):
    """The shift of this sale is closed: it cannot be voided any more."""

    code, hint = "shift_over", "Take the goods back as a return."


class SoldOnAnotherTill(Conflict):
    """This sale was made on another till."""

    code, hint = "sold_on_another_till", "Void it on the till that made it: its drawer holds the money."


class AlreadyReturned(Conflict):
    """Something of this sale came back already: it cannot be voided."""

    code, hint = "already_returned", "Take the rest back as a return."


class VoidedDifferently(Conflict):
    """This sale was voided already, with other words."""

    code, hint = "voided_differently", "Nothing was changed; look at the sale."


class NoRewards(InvalidInput):
    """Points cannot be spent here: this store has no rewards."""

    code, hint = "no_rewards", "Price the basket without points; they stay in the account."


def complete_sale(tx: Tx, shop: Shop, caller: Caller, command: CompleteSale) -> Outcome[SaleAnswer]:
    """Sell. Raises what deciding raises, NoOpenShift, UnknownMember, UnknownCoupon, UnknownHold, ReasonNamesMember, and
    in an exchange what taking back raises; nothing is written then."""
    request = fingerprint(command)
    known = find_same(tx, command.id, SaleCompleted, request)
    if known is not None:
        return Outcome(_answer(known), replayed=True)
    shop.terms.check_currency(command.currency)
    _refuse_unknown_rewards(command)
    shift = need_open_shift(tx, caller.till)
    facts = _gather(tx, shop, caller, command, shift)
    body = decide_sale(command, request, facts, shop.terms)
    entry = shop.journal.record(tx, origin_of(caller, shift.business_day), command.id, body)
    if command.receipt == "paper":
        paper = sale_receipt(shop.terms, entry.stamp(), body)
        queue_paper(tx, shop, caller, receipt_job(command.id), "receipt", command.id, body.member, paper)
    return Outcome(_answer(entry), replayed=False)


def quote_basket(tx: Tx, shop: Shop, caller: Caller, command: QuoteBasket) -> QuoteAnswer:
    """Price a basket as the sale would; with `returns`, what is left to pay or goes back. Writes nothing.

    Raises what pricing raises, UnknownMember, UnknownCoupon, NoRewards, and what a return's quote raises.
    """
    terms = shop.terms
    terms.check_currency(command.currency)
    if command.coupons:
        raise UnknownCoupon(pointer="/coupons/0")
    if command.points:
        raise NoRewards(pointer="/points")
    items = find_items(tx, command.lines, terms, day_of(tx, caller, terms))
    lines, priced = price_lines(command.lines, items, terms)
    points: dict[int, int] = {}
    balance = Balance()
    if command.member is not None:
        need_active_member(tx, command.member)
        points = dict(
            earn(eligible_lines(lines, priced, terms.tax.mode, terms.earn_rule.basis), terms.earn_rule).by_line
        )
        balance = read_balance(tx, command.member)
    quote = quote_priced(items, priced, points, balance, terms)
    return quote_exchange(tx, shop, caller, command.returns, quote) if command.returns else quote


def void_sale(tx: Tx, shop: Shop, caller: Caller, sale: UUID, command: VoidSale) -> Outcome[SaleAnswer]:
    """Undo a sale before its shift closes. Voiding it again answers the same.

    Raises UnknownSale, NoOpenShift, SoldOnAnotherTill, ShiftOver, AlreadyReturned, ApprovalNeeded, ReasonNamesMember,
    VoidedDifferently.
    """
    entry = find(tx, sale)
    if entry is None or not isinstance(entry.body, SaleCompleted):
        raise UnknownSale
    body = entry.body
    void_id = derived_uuid(sale, "void")
    known = find(tx, void_id)
    if known is not None:
        assert isinstance(known.body, SaleVoided)
        if known.body.reason != command.reason:
            raise VoidedDifferently
        return Outcome(_answer(entry, voided=True), replayed=True)
    if body.till != caller.till:
        raise SoldOnAnotherTill(f"Till {body.till} made it.")
    shift = need_open_shift(tx, caller.till)
    if body.shift != shift.id:
        raise ShiftOver
    if has_returns(tx, sale) or body.returned:
        raise AlreadyReturned
    refuse_names(tx, [body.member], [(command.reason, "/reason")])
    approver = need_approval(tx, caller, command.approval, "void", shop.terms.needs_approval)
    void = SaleVoided(
        request=fingerprint(command),
        sale=sale,
        sale_number=body.number,
        till=body.till,
        shift=shift.id,
        currency=body.currency,
        reason=command.reason,
        approved_by=approver,
        lines=tuple(VoidedLine(line.line, line.sku, line.quantity_milli) for line in body.lines),
        due_minor=body.due_minor,
        tenders=body.tenders,
        change_minor=body.change_minor,
        member=body.member,
        points_reversed=body.points_earned,
    )
    recorded = shop.journal.record(tx, origin_of(caller, shift.business_day), void_id, void)
    if body.receipt == "paper":
        paper = void_receipt(shop.terms, recorded.stamp(), body)
        queue_paper(tx, shop, caller, receipt_job(void_id), "receipt", sale, body.member, paper)
    return Outcome(_answer(entry, voided=True), replayed=False)


def find_and_show(tx: Tx, _: Shop, __: Caller, text: str) -> SaleAnswer:
    """A sale by id or receipt number, as it was answered, with its present state. Raises UnknownSale."""
    sale = find_sale(tx, text)
    entry = find(tx, sale)
    if entry is None:
        raise UnknownSale
    return _answer(entry, voided=is_voided(tx, sale))


def _refuse_unknown_rewards(command: CompleteSale) -> None:
    """Coupons and holds are facts of the store; none that this store knows is asked for."""
    if command.coupons:
        raise UnknownCoupon(pointer="/coupons/0")
    if command.hold is not None:
        raise UnknownHold(pointer="/hold")


def _gather(tx: Tx, shop: Shop, caller: Caller, command: CompleteSale, shift: OpenShift) -> SaleFacts:
    """Read all that the decision needs, in the transaction that will write it."""
    items = find_items(tx, command.lines, shop.terms, shift.business_day)
    if command.member is not None:
        need_active_member(tx, command.member)
    approvals = use_approvals(tx, caller, _approval_tokens(command))
    back = _take_back(tx, shop, caller, command, items, approvals)
    refuse_names(tx, [command.member, *(taken.member for taken in back.taken)], list_reasons(command.lines))
    return SaleFacts(
        items=items,
        till=caller.till,
        shift=shift.id,
        series=shop.series,
        n=next_document(tx, caller.till, shop.series),
        price_book=read_price_book(tx),
        operator=caller.operator,
        role=caller.role,
        approvals=approvals,
        member=command.member,
        balance=read_balance(tx, command.member) if command.member else Balance(),
        returned=back.taken,
        exchange_rounding_minor=back.rounding_minor,
    )


def _take_back(
    tx: Tx,
    shop: Shop,
    caller: Caller,
    command: CompleteSale,
    items: tuple[ItemFacts, ...],
    approvals: Mapping[str, str],
) -> ExchangeReturn:
    """The return half of an exchange, which must know what the new goods cost."""
    if not command.returns:
        if command.refunds:
            raise RefundMismatch("Only an exchange gives money back.", pointer="/refunds")
        return ExchangeReturn()
    _, priced = price_lines(command.lines, items, shop.terms)
    return take_back_for_exchange(tx, shop, caller, command, priced.total_minor, approvals)


def _approval_tokens(command: CompleteSale) -> set[str]:
    """The approvals that a sale carries, as a whole or line by line."""
    carried = (command.approval, *(line.approval for line in command.lines))
    return {token for token in carried if token is not None}


def _answer(entry: Entry, *, voided: bool = False) -> SaleAnswer:
    body = entry.body
    assert isinstance(body, SaleCompleted)
    return render_sale(entry.stamp(), body, provisional=False, voided=voided)
