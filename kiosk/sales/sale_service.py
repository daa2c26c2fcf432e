"""sql: selling. One transaction holds the sale, its journal entry, stock, points and the paper it prints, or none of
it."""

from collections.abc import Mapping
from uuid import UUID

from msgspec.structs import replace

from kiosk.answers import QuoteAnswer, SaleAnswer, receipt_job, render_sale
from kiosk.catalogue.line_items import find_items
from kiosk.commands import CompleteSale, QuoteBasket, VoidSale, fingerprint
from kiosk.coupons.coupon_backing import back_coupons, limit_coupons
from kiosk.coupons.coupon_check import look_at_coupons
from kiosk.coupons.coupon_issue import issue_with_sale
from kiosk.coupons.coupon_print import print_coupons
from kiosk.coupons.shown_coupons import ShownCoupons
from kiosk.coupons.typed_codes import NO_TOKENS, Tokens
from kiosk.documents import sale_receipt, void_receipt
from kiosk.identity.approvals import need_approval, use_approvals
from kiosk.members.known_members import need_buyer
from kiosk.members.member_standing import read_earning
from kiosk.offers.live_offers import Offered
from kiosk.offers.lowest_prices import show_lowest_in_quote, show_lowest_in_sale
from kiosk.offers.offer_store import read_books
from kiosk.offers.offer_uses import read_uses_of
from kiosk.offers.offered import add_reward, read_offered
from kiosk.outcome import Outcome
from kiosk.paper import queue_paper
from kiosk.points.accounts import open_account, view_account
from kiosk.points.offline_policy import limit_preview
from kiosk.program.referral_service import pay_referral, void_referral
from kiosk.program.reward_holds import read_held_reward, refuse_reward_tenders
from kiosk.sales.exchange_service import (
    NO_FOREIGN,
    ExchangeReturn,
    Foreign,
    name_exchange,
    quote_exchange,
    take_back_for_exchange,
)
from kiosk.sales.reasons import list_reasons, refuse_names
from kiosk.sales.reservations import NOTHING_KEPT, Kept, still_kept
from kiosk.sales.returns import RefundMismatch
from kiosk.sales.sale import ItemFacts, PriceChanged, SaleFacts, decide_sale, price_lines, quote_priced
from kiosk.sales.sale_points import payable_amounts, preview_redemption
from kiosk.sales.sale_store import UnknownSale, find_sale, has_returns, is_voided, next_document
from kiosk.sales.voucher_service import charge_gift_cards, undo_by_void
from kiosk.shop import Caller, OpenShift, Shop, day_of, need_open_shift, origin_of
from loyalty.errors import Conflict
from loyalty.ids import derived_uuid
from loyalty.member_store import MemberRow
from loyalty.points.decide import undo_earn, undo_redeem
from loyalty.points.facts import id_of
from loyalty.points.operation import OpenAccount
from loyalty.points.periods import end_of_day
from loyalty.points_store import Need
from loyalty.rounding import round_cash
from loyalty.transactions import Tx
from sync.facts.points import PointsPosted, fact_postings, ledger_postings
from sync.facts.sales import SaleCompleted, SaleVoided, VoidedLine
from sync.facts.vouchers import SaleVouchers
from sync.journal import Entry, find, find_same
from sync.protocol.commands import ReturnReserveCommand


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


def complete_sale(
    tx: Tx,
    shop: Shop,
    caller: Caller,
    command: CompleteSale,
    kept: Kept = NOTHING_KEPT,
    foreign: Foreign = NO_FOREIGN,
) -> Outcome[SaleAnswer]:
    """Sell. `kept` is what head office keeps for this sale, `foreign` are other stores' sales whose goods come back in
    it.

    Raises what deciding raises, NoOpenShift, UnknownMember, UnknownHold, ReasonNamesMember, what coupons and gift cards
    raise, and in an exchange what taking back raises; nothing is written then.
    """
    request = fingerprint(command)
    known = find_same(tx, command.id, SaleCompleted, request)
    if known is not None:
        return Outcome(_answer(known), replayed=True)
    shop.terms.check_currency(command.currency)
    shift = need_open_shift(tx, caller.till)
    member = need_buyer(tx, command.member) if command.member is not None else None
    if member is not None and member.id != command.member:
        command = replace(command, member=member.id)
    kept = still_kept(tx, kept)
    facts = _gather(tx, shop, caller, command, member, shift, kept, foreign)
    try:
        body, folded = decide_sale(command, request, facts, shop.terms)
    except PriceChanged as changed:
        changed.extra["quote"] = quote_basket(tx, shop, caller, _quote_of(command), foreign, kept.tokens)
        raise
    body = show_lowest_in_sale(tx, shop.terms, body, facts.offered)
    body = back_coupons(tx, shop, body, kept.coupons)
    body = charge_gift_cards(tx, shop, command, body, kept.cards)
    issued = issue_with_sale(tx, shop, caller, command.id, body)
    if issued:
        body = replace(body, vouchers=replace(body.vouchers or SaleVouchers(), issued=issued))
    # Other postings of this entry, for goods that come back or for who has referred, are folded where they are written.
    alone = folded is not None and folded.extends and not body.returned and body.referral is None
    origin = origin_of(caller, shift.business_day)
    entry = shop.journal.record(tx, origin, command.id, body, folded=folded if alone else None)
    stamp = entry.stamp()
    if command.receipt == "paper":
        paper = sale_receipt(shop.terms, stamp, body)
        queue_paper(tx, shop, caller, receipt_job(command.id), "receipt", command.id, body.member, paper)
        print_coupons(tx, shop, caller, stamp, issued)
    return Outcome(render_sale(stamp, body, provisional=False), replayed=False)


def quote_basket(
    tx: Tx,
    shop: Shop,
    caller: Caller,
    command: QuoteBasket,
    foreign: Foreign = NO_FOREIGN,
    tokens: Tokens = NO_TOKENS,
) -> QuoteAnswer:
    """Price a basket as the sale would; with `returns`, what is left to pay or goes back (`foreign`: those of other
    stores). `tokens` are what typed codes of other stores' coupons stand for. Writes nothing.

    With a member it says how many points could pay, or why the points that were asked for cannot.

    A coupon that would be refused is listed in `refused` and priced without. Raises what pricing raises, UnknownMember,
    and what a return's quote raises.
    """
    terms = shop.terms
    terms.check_currency(command.currency)
    day = day_of(tx, caller, terms)
    books = read_books(tx)
    items = find_items(tx, shop, books.products, command.lines, day)
    member = need_buyer(tx, command.member) if command.member is not None else None
    if member is not None and member.id != command.member:
        command = replace(command, member=member.id)
    coupons = look_at_coupons(tx, shop, caller, command.coupons, command.member, books.offers, tokens)
    reward = read_held_reward(tx, command.hold, command.member)

    def offer_with(coupons: ShownCoupons) -> Offered:
        counts = coupons.by_offer()
        offered = read_offered(tx, shop, caller, books.offers, member, coupons=counts, with_near_misses=True)
        return offered if reward is None else add_reward(tx, shop, caller, offered, member, reward.offer)

    offered = offer_with(coupons)
    lines, priced = price_lines(command.lines, items, terms, offered)
    limited = limit_coupons(tx, shop, coupons, priced.lines)
    if limited is not coupons:
        coupons, offered = limited, offer_with(limited)
        lines, priced = price_lines(command.lines, items, terms, offered)
    balance = redeem = None
    if command.member is not None:
        account = view_account(tx, command.member, caller.now_ms)
        balance = account.balance
        payable_minor = sum(payable_amounts(lines, priced, terms.tax.mode).values())
        redeem = preview_redemption(account, terms.program.redeem, payable_minor, command.points)
        redeem = limit_preview(tx, shop, caller, command.member, redeem, asked=bool(command.points))
    earning = read_earning(tx, shop, caller, command.member, books.program, day)
    quote = quote_priced(items, lines, priced, balance, terms, offered, redeem, earning)
    quote = show_lowest_in_quote(tx, terms, quote, items, offered)
    quote = replace(quote, refused=coupons.refused() + quote.refused)
    if command.returns:
        quote = quote_exchange(tx, shop, caller, command.returns, quote, foreign)
    return replace(quote, cash_due_minor=round_cash(quote.pay_minor, terms.cash_rounding_step_minor))


def void_sale(
    tx: Tx, shop: Shop, caller: Caller, sale: UUID, command: VoidSale, kept: Kept = NOTHING_KEPT
) -> Outcome[SaleAnswer]:
    """Undo a sale before its shift closes. Voiding it again answers the same. `kept` is what head office keeps of gift
    cards that the sale sold.

    Raises UnknownSale, NoOpenShift, SoldOnAnotherTill, ShiftOver, AlreadyReturned, ApprovalNeeded, ReasonNamesMember,
    VoidedDifferently, GiftCardSpent, GiftCardNeedsLine.
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
        postings=_mirror(tx, shop, caller, void_id, entry),
        referral=void_referral(tx, shop, caller, void_id, sale, body),
        offers=read_uses_of(tx, sale),
        vouchers=undo_by_void(tx, sale, still_kept(tx, kept).cards),
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


def _gather(
    tx: Tx,
    shop: Shop,
    caller: Caller,
    command: CompleteSale,
    member: MemberRow | None,
    shift: OpenShift,
    kept: Kept,
    foreign: Foreign,
) -> SaleFacts:
    """Read all that the decision needs, in the transaction that will write it."""
    books = read_books(tx)
    items = find_items(tx, shop, books.products, command.lines, shift.business_day)
    coupons = look_at_coupons(tx, shop, caller, command.coupons, command.member, books.offers, kept.tokens)
    coupons.refuse_bad()
    refuse_reward_tenders(tx, command.tenders)
    reward = read_held_reward(tx, command.hold, command.member, command.tenders)
    offered = read_offered(tx, shop, caller, books.offers, member, coupons=coupons.by_offer())
    offered = offered if reward is None else add_reward(tx, shop, caller, offered, member, reward.offer)
    approvals = use_approvals(tx, caller, _approval_tokens(command))
    back = _take_back(tx, shop, caller, command, items, offered, approvals, kept, foreign)
    points = _open_points(tx, shop, caller, command, back) if command.member is not None else None
    refuse_names(tx, [command.member, *(taken.member for taken in back.taken)], list_reasons(command.lines))
    return SaleFacts(
        items=items,
        till=caller.till,
        shift=shift.id,
        series=shop.series,
        n=next_document(tx, caller.till, shop.series),
        price_book=books.price_book,
        operator=caller.operator,
        role=caller.role,
        approvals=approvals,
        member=command.member,
        points=points,
        returned=back.taken,
        exchange_rounding_minor=back.rounding_minor,
        offered=offered,
        coupons=coupons,
        earning=read_earning(tx, shop, caller, command.member, books.program, shift.business_day),
        referral=pay_referral(tx, shop, caller, command.id, command.member, books.program),
        reward=reward,
        language=member.locale if member is not None and member.locale != shop.terms.locale else "",
    )


def _open_points(tx: Tx, shop: Shop, caller: Caller, command: CompleteSale, back: ExchangeReturn) -> OpenAccount:
    """The member's points, after what came back in the same exchange."""
    assert command.member is not None
    holds = [hold for hold in (command.hold, *(tender.hold for tender in command.tenders)) if hold is not None]
    if not back.accounts:
        need: Need = "open" if holds else "balance"
        return open_account(tx, command.member, command.id, shop.journal.epoch, caller.now_ms, need, holds)
    opened = open_account(tx, command.member, command.id, shop.journal.epoch, caller.now_ms, "open", holds)
    shared = back.accounts.get(opened.account_of)
    return shared.for_member(opened.member) if shared is not None else opened


def _mirror(tx: Tx, shop: Shop, caller: Caller, void_id: UUID, sale: Entry) -> tuple[PointsPosted, ...]:
    """The exact mirror of a sale's postings. Points that paid go back into their lots; should such a lot have ended
    since, they last for the rest of the day."""
    body = sale.body
    assert isinstance(body, SaleCompleted)
    if body.member is None or not body.postings:
        return ()
    opened = open_account(tx, body.member, void_id, shop.journal.epoch, caller.now_ms, "all")
    keep_until = end_of_day(opened.at, 0, shop.terms.time_zone)
    for posted in reversed(ledger_postings(sale.op_id, sale.epoch, sale.seq, body.postings)):
        account, stamp = opened.account(), opened.stamp()
        if posted.kind == "earn":
            opened = opened.add(undo_earn(account, stamp, id_of(posted)))
        elif posted.kind == "redeem":
            opened = opened.add(undo_redeem(account, stamp, id_of(posted), keep_until))
    return fact_postings(opened.posted)


def _take_back(
    tx: Tx,
    shop: Shop,
    caller: Caller,
    command: CompleteSale,
    items: tuple[ItemFacts, ...],
    offered: Offered,
    approvals: Mapping[str, str],
    kept: Kept,
    foreign: Foreign,
) -> ExchangeReturn:
    """The return half of an exchange, which must know what the new goods cost."""
    if not command.returns:
        if command.refunds:
            raise RefundMismatch("Only an exchange gives money back.", pointer="/refunds")
        return ExchangeReturn()
    _, priced = price_lines(command.lines, items, shop.terms, offered)
    return take_back_for_exchange(tx, shop, caller, command, priced.total_minor, approvals, foreign, kept.cards)


def name_exchanged(
    tx: Tx, shop: Shop, caller: Caller, command: CompleteSale, foreign: Foreign, tokens: Tokens = NO_TOKENS
) -> dict[str, ReturnReserveCommand]:
    """What head office has to keep so that goods of other stores can come back in this sale. Raises what pricing and
    taking back raise."""
    goods = quote_basket(tx, shop, caller, replace(_quote_of(command), returns=()), tokens=tokens)
    return name_exchange(tx, shop, caller, command, goods.totals.due_minor, foreign)


def _quote_of(command: CompleteSale) -> QuoteBasket:
    """The quote that the till should have shown."""
    return QuoteBasket(
        lines=command.lines,
        member=command.member,
        coupons=command.coupons,
        hold=command.hold,
        returns=command.returns,
    )


def _approval_tokens(command: CompleteSale) -> set[str]:
    """The approvals that a sale carries, as a whole or line by line."""
    carried = (command.approval, *(line.approval for line in command.lines))
    return {token for token in carried if token is not None}


def _answer(entry: Entry, *, voided: bool = False) -> SaleAnswer:
    body = entry.body
    assert isinstance(body, SaleCompleted)
    return render_sale(entry.stamp(), body, provisional=False, voided=voided)
