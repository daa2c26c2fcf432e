"""sql: goods that another store sold. Head office says what is left to take back, and keeps it while this store does.

    own receipt                | taken back always, line or not
    another store's, line up   | head office keeps the goods for this return; the amounts follow from what it says
    another store's, line down | refused: nobody here knows what came back of it elsewhere

What it is worth is decided by the rules of this store's own returns (kiosk/sales/returns.py), so however the goods come
back, here and there, the last of them ends exactly at what was paid. The points were earned in the books of another
store: the postings are decided on the account as head office has it, and booked there when the return arrives.

Gift cards do not come back elsewhere, neither those that were sold nor those that paid. What else follows from the
return (uses of offers and coupons, coupons the sale had issued, points for the whole basket or for who had brought the
member) the selling store decides as soon as it hears (kiosk/sales/told_returns.py).
"""

import re
from collections.abc import Sequence
from uuid import UUID

import msgspec
from msgspec import Struct

from kiosk.answers import SaleAnswer, render_sale
from kiosk.commands import CompleteSale, TakeBack
from kiosk.coupons.gift_cards import GIFT_CARD
from kiosk.points.link import read_line
from kiosk.sales.refunds import Owed, refunds_of, settle_refunds
from kiosk.sales.reservations import counts_still, name_reservation
from kiosk.sales.return_points import PointsBack, decide_points_back
from kiosk.sales.returns import ReturnTooLate, ReturnValue, SoldLineState, SoldState, VoidedSaleReturned, value_return
from kiosk.sales.sale_store import UnknownSale, find_sale
from kiosk.shop import Caller, Shop
from loyalty.errors import Conflict, WrongCurrency
from loyalty.points.account import Account
from loyalty.points.operation import OpenAccount, effective_at
from loyalty.points.rows import from_rows
from loyalty.points.told_check import check_account
from loyalty.transactions import Tx
from sync.chain import JournalMark, Stamp, epoch_text
from sync.facts import decode_body
from sync.facts.returns import Elsewhere, Refunded, ReturnedLine
from sync.facts.sales import SaleCompleted
from sync.journal import find, read_head
from sync.protocol.commands import ReturnReserveCommand
from sync.protocol.sale_states import SaleState

_DAY_MS = 86_400_000
_NUMBER = re.compile(r"([A-Z0-9]{1,8})-[A-Z0-9]+-[0-9]{6,}")


class ReturnNeedsLine(Conflict):
    """This receipt is of another shop, and head office cannot be asked now what is left of it."""

    code = "return_needs_line"
    hint = (
        "Give nothing back for it. Try again in a moment; else let the customer come back when the line is up, or go to"
        " the shop on the receipt, which takes its own receipts back without a line."
    )


class ReturnedElsewhereNow(Conflict):
    """Another shop is taking goods of this receipt back at this moment."""

    code, hint = "returned_elsewhere_now", "Try again in a moment."


class CardStaysThere(Conflict):
    """A gift card was sold on this receipt, or paid for it."""

    code, hint = "card_stays_there", "Only the shop on the receipt takes these goods back."


class ForeignSale(Struct, frozen=True, kw_only=True):
    """A sale of another store as head office told it. `reservation` is what it keeps for one return, asked for after so
    many `reports` (kiosk/points/lease_report.py); None for a look."""

    state: SaleState
    body: SaleCompleted
    reservation: UUID | None = None
    reports: int = 0


def read_foreign(state: SaleState) -> ForeignSale:
    """What head office answered. Raises UnknownSale for a fact of a release that this one cannot read."""
    try:
        body = decode_body("sale.completed", state.v, state.body)
    except (KeyError, msgspec.DecodeError, ValueError) as error:
        raise UnknownSale from error
    assert isinstance(body, SaleCompleted)
    return ForeignSale(state=state, body=body)


def is_foreign(tx: Tx, shop: Shop, _: Caller, text: str, *, by_id: bool = True) -> bool:
    """Whether a receipt's number or id is one that head office must be asked about: not in these books, and not with a
    number of this store. Not `by_id`: of an id that is not in the books nobody else is asked.

    Raises ReturnNeedsLine for another store's number while the line is down.
    """
    line = read_line(tx)
    if line is None:
        return False
    try:
        find_sale(tx, text)
    except UnknownSale:
        number = _NUMBER.fullmatch(text.strip().upper())
        if number is not None and number[1] == shop.terms.store:
            return False
        if not line.online:
            if number is not None:
                raise ReturnNeedsLine(f"It is a receipt of shop {number[1]}.", pointer="/sale") from None
            return False
        return number is not None or (by_id and _is_id(text))
    return False


def name_return(tx: Tx, shop: Shop, caller: Caller, command: TakeBack, foreign: ForeignSale) -> ReturnReserveCommand:
    """What head office has to keep for this return, goods and money. Raises what looking at the sale, valuing and
    refunding raise, so that nothing is kept for a return that will be refused."""
    sold = check_foreign(shop, caller, foreign)
    value = value_return(sold, [(line.line, line.quantity_milli) for line in command.lines])
    back = decide_foreign_back(shop, caller, foreign, sold, value, command.id)
    pool: dict[str, int] = {}
    for refund in command.refunds:
        pool[refund.kind] = pool.get(refund.kind, 0) + refund.amount_minor
    owed = [Owed(back.owed_minor, back.sold.allowed())]
    given = settle_refunds(owed, 0, pool, shop.terms.cash_rounding_step_minor).given[0]
    return reserve_command(tx, shop, command.id, foreign, value.lines, (*refunds_of(given), *back.refunds))


def reserve_command(
    tx: Tx,
    shop: Shop,
    taken: UUID,
    foreign: ForeignSale,
    returned: Sequence[ReturnedLine],
    given: Sequence[Refunded],
) -> ReturnReserveCommand:
    """The command that keeps these goods, and what goes back for them, for the fact `taken`."""
    lines = {line.line: line.quantity_milli for line in returned}
    refunds: dict[str, int] = {}
    for refund in given:
        if refund.amount_minor:
            refunds[refund.settles] = refunds.get(refund.settles, 0) + refund.amount_minor
    epoch = shop.journal.epoch
    about = f"return {foreign.state.op} {sorted(lines.items())} {sorted(refunds.items())} {foreign.state.returns}"
    return ReturnReserveCommand(
        id=name_reservation(tx, taken, about),
        taken=taken,
        sale=foreign.state.op,
        lines=tuple(sorted(lines.items())),
        refunds=refunds,
        returns=foreign.state.returns,
        epoch=epoch_text(epoch),
        seq=read_head(tx, epoch).seq,
    )


def is_booked(tx: Tx, _: Shop, __: Caller, command: TakeBack | CompleteSale) -> bool:
    """Whether this return or exchange is in the books already: then nobody has to be asked."""
    return find(tx, command.id) is not None


def check_foreign(shop: Shop, caller: Caller, foreign: ForeignSale) -> SoldState:
    """Another store's sale as a return finds it. Raises VoidedSaleReturned, ReturnTooLate, WrongCurrency,
    CardStaysThere."""
    state, body = foreign.state, foreign.body
    if state.voided:
        raise VoidedSaleReturned
    if body.currency != shop.terms.currency:
        raise WrongCurrency(f"It was paid in {body.currency}.", pointer="/sale")
    days = shop.terms.return_days
    if days and caller.now_ms - state.at > days * _DAY_MS:
        raise ReturnTooLate(f"Receipts are taken back for {days} days.")
    # A card may also have paid an earlier sale that this one was exchanged for: its money goes back onto it.
    paid_by_card = any(tender.settles == GIFT_CARD for tender in body.tenders)
    if paid_by_card or (body.vouchers is not None and body.vouchers.gift_cards):
        raise CardStaysThere(pointer="/sale")
    return sold_state_of(body, state)


def sold_state_of(body: SaleCompleted, state: SaleState) -> SoldState:
    """The same as `read_sold_state` reads of the own tables, from a fact and what came back of it."""
    added = body.terms.mode == "added"
    kept: dict[str, int] = {}
    for tender in body.tenders:
        kept[tender.settles] = kept.get(tender.settles, 0) + tender.amount_minor
    if body.change_minor:
        kept["cash"] = kept.get("cash", 0) - body.change_minor
    paid = {tender.hold for tender in body.tenders}
    return SoldState(
        sale=state.op,
        number=state.number,
        member=body.member,
        due_minor=body.due_minor,
        tax_added=added,
        lines=tuple(
            SoldLineState(
                line=line.line,
                sku=line.sku,
                name=line.name,
                unit=line.unit,
                quantity_milli=line.quantity_milli,
                net_minor=line.net_minor,
                tax_rate=line.tax_rate,
                tax_minor=line.tax_minor,
                amount_minor=line.net_minor + line.tax_minor if added else line.net_minor,
                points=line.points,
                returned_milli=state.returned.get(line.line, 0),
            )
            for line in body.lines
        ),
        kept=kept,
        refunded=state.refunded,
        reward_postings=frozenset(
            posted.n for posted in body.postings if posted.kind == "redeem" and posted.hold not in paid
        ),
    )


def decide_foreign_back(
    shop: Shop, caller: Caller, foreign: ForeignSale, sold: SoldState, value: ReturnValue, op_id: UUID
) -> PointsBack:
    """What taking these goods back does to the member's points, on the account as head office has it. Points that rules
    gave for the basket as a whole stay: the rules of that day are not known here."""
    member = open_foreign(shop, caller, foreign, op_id)
    return decide_points_back(member, sold, value.lines, value.owed_minor, shop.terms.program)


def is_reserved(tx: Tx, foreign: ForeignSale) -> bool:
    """Whether head office keeps the goods now, so that they may be taken back."""
    return foreign.reservation is not None and counts_still(tx, foreign.reservation, foreign.reports)


def open_foreign(
    shop: Shop, caller: Caller, foreign: ForeignSale, op_id: UUID, *, first: int = 1
) -> OpenAccount | None:
    """The account of the member who bought, as head office has it, for the fact `op_id`; its postings are numbered from
    `first`. None where nobody is known to have bought."""
    member, account_of = foreign.body.member, foreign.state.account_of
    if member is None or account_of is None:
        return None
    before, epoch = _read_account(foreign.state.account), shop.journal.epoch
    return OpenAccount(
        member=member.bytes,
        op_id=op_id.bytes,
        at=effective_at(caller.now_ms, epoch, 0, before) + 1,
        origin=epoch,
        before=before,
        account_of=account_of.bytes,
        first=first,
    )


def name_elsewhere(foreign: ForeignSale, lines: tuple[ReturnedLine, ...]) -> Elsewhere:
    """Where the goods of a return came from."""
    assert foreign.reservation is not None, "only what is kept may be taken back"
    sold = {line.line: line.quantity_milli for line in foreign.body.lines}
    return Elsewhere(
        store=foreign.state.store_code,
        tax_mode=foreign.body.terms.mode,
        sold={line.line: sold[line.line] for line in lines},
        reservation=foreign.reservation,
    )


def show_foreign(foreign: ForeignSale) -> SaleAnswer:
    """Another store's sale as the till shows it."""
    state = foreign.state
    stamp = Stamp(
        op_id=state.op,
        at=state.at,
        business_day=state.business_day,
        operator=state.operator,
        mark=JournalMark(epoch=state.epoch, seq=state.seq, hash=state.hash),
    )
    return render_sale(stamp, foreign.body, provisional=False, voided=state.voided)


def _read_account(packed: bytes) -> Account:
    """The member's account as it was told. Raises ReturnNeedsLine for one that cannot be."""
    try:
        rows = msgspec.msgpack.decode(packed)
        account = from_rows(
            tuple(rows["account"]),
            [tuple(row) for row in rows["lots"]],
            [tuple(row) for row in rows["holds"]],
            [tuple(row) for row in rows["redemptions"]],
        )
        check_account(account)
    except (ValueError, LookupError, TypeError) as wrong:
        raise ReturnNeedsLine(pointer="/sale") from wrong
    return account


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
