"""sql: what a sale, its void and a return do to gift cards, and what may be asked about a card.

Decided in the transaction that writes the fact. There is one writer at a time, so a card that two tills charge at once
is charged by one after the other, and the second sees what the first left on it.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from kiosk.commands import LineRequest, Scanned, TenderRequest
from kiosk.coupons.gift_card_store import Liability, read_activated, read_cards, read_paid, report_liability
from kiosk.coupons.gift_cards import (
    GIFT_CARD,
    GiftCardNeeded,
    GiftCardNeedsLine,
    KeptCard,
    NoGiftCard,
    Paid,
    Purse,
    UnknownGiftCard,
    read_card_code,
    spread_refund,
)
from kiosk.points.link import read_line
from kiosk.shop import Caller, Shop
from loyalty.transactions import Tx
from sync.facts.gift_cards import CardPosted

NO_CARDS: Mapping[str, KeptCard] = {}


class SoldCardLine(Struct, frozen=True):
    """A line as far as gift cards are concerned: its department, its pieces (thousandths), its price with tax and
    whether anything was taken off it."""

    department: str
    quantity_milli: int
    amount_minor: int
    is_reduced: bool


class AskBalance(Struct, frozen=True, forbid_unknown_fields=True):
    """POST /v1/gift-cards/balance."""

    code: Scanned


class CardBalance(Struct, frozen=True, kw_only=True):
    """What is on a gift card."""

    ending: str
    balance_minor: int
    currency: str


class LiabilityAnswer(Struct, frozen=True, kw_only=True):
    """What the shop owes on all its gift cards: activated - redeemed = outstanding."""

    currency: str
    cards: int
    outstanding_minor: int
    activated_minor: int
    redeemed_minor: int


def charge_cards(
    tx: Tx,
    shop: Shop,
    asked: Sequence[LineRequest],
    sold: Sequence[SoldCardLine],
    tenders: Sequence[TenderRequest],
    before: Sequence[CardPosted] = (),
    kept: Mapping[str, KeptCard] = NO_CARDS,
) -> tuple[CardPosted, ...]:
    """What a sale does to gift cards: those it sells are charged with their price, those that pay give what they pay.

    A card cannot pay for itself: what is sold is charged last. `before` are movements that the same entry makes first,
    `kept` is what head office keeps of cards for this sale. Raises GiftCardNeeded, NoGiftCard, WrongGiftCardCode,
    UnknownGiftCard, GiftCardShort, GiftCardActive, GiftCardNeedsLine.
    """
    paying = [
        (*read_card_code(tender.code or "", f"/tenders/{index}/code"), tender.amount_minor, f"/tenders/{index}/code")
        for index, tender in enumerate(tenders)
        if tender.kind == GIFT_CARD
    ]
    selling = _selling(shop, asked, sold)
    if not paying and not selling:
        return ()
    cards = read_cards(tx, [*(card for card, *_ in paying), *(card for card, *_ in selling)], before)
    purse = Purse(cards, _kept_by(tx, kept))
    for card, _, amount, pointer in paying:
        purse.redeem(card, amount, pointer)
    for card, ending, amount, line in selling:
        purse.activate(card, ending, amount, line, f"/lines/{line - 1}/gift_card")
    return tuple(purse.posted)


def mirror_cards(tx: Tx, sale: UUID, kept: Mapping[str, KeptCard] = NO_CARDS) -> tuple[CardPosted, ...]:
    """What voiding a sale does to its cards: those it sold are taken back, those that paid get it back. Raises
    GiftCardSpent where a card it sold has been used, GiftCardNeedsLine where only head office knows."""
    return _undo(tx, sale, {each.line for each in read_activated(tx, sale)}, None, kept=kept)


def return_cards(
    tx: Tx,
    sale: UUID,
    lines: set[int],
    refunded_minor: int,
    before: Sequence[CardPosted] = (),
    kept: Mapping[str, KeptCard] = NO_CARDS,
) -> tuple[CardPosted, ...]:
    """What a return does to cards: sold ones among its `lines` are taken back, and `refunded_minor` goes to those that
    had paid. `before` are movements that the same entry makes first. Raises GiftCardSpent, GiftCardNeedsLine."""
    return _undo(tx, sale, lines, refunded_minor, before, kept=kept)


def ask_balance(tx: Tx, shop: Shop, _: Caller, command: AskBalance) -> CardBalance:
    """What is on a card, by the books of this store. Raises WrongGiftCardCode, UnknownGiftCard, and GiftCardNeedsLine
    in a store that has to ask head office."""
    card, ending = read_card_code(command.code, "/code")
    if read_line(tx) is not None:
        raise GiftCardNeedsLine(pointer="/code")
    state = read_cards(tx, [card]).get(card)
    if state is None:
        raise UnknownGiftCard(pointer="/code")
    return CardBalance(ending=ending, balance_minor=state.balance_minor, currency=shop.terms.currency)


def show_liability(tx: Tx, shop: Shop, caller: Caller) -> LiabilityAnswer:
    """What the shop owes on its gift cards now."""
    found = [each for each in report_liability(tx, caller.now_ms) if each.currency == shop.terms.currency]
    owed = found[0] if found else Liability(shop.terms.currency, 0, 0, 0, 0)
    return LiabilityAnswer(
        currency=owed.currency,
        cards=owed.cards,
        outstanding_minor=owed.outstanding_minor,
        activated_minor=owed.activated_minor,
        redeemed_minor=owed.redeemed_minor,
    )


def _selling(shop: Shop, asked: Sequence[LineRequest], sold: Sequence[SoldCardLine]) -> list[tuple[str, str, int, int]]:
    """(card, ending, amount, line) of each card that is sold: one piece, at its full price."""
    departments = shop.terms.gift_card_departments
    selling = []
    for line, (request, result) in enumerate(zip(asked, sold, strict=True), 1):
        pointer = f"/lines/{line - 1}/gift_card"
        if result.department not in departments:
            if request.gift_card is not None:
                raise NoGiftCard(pointer=pointer)
            continue
        if request.gift_card is None or result.quantity_milli != 1000 or result.is_reduced:
            raise GiftCardNeeded(pointer=pointer)
        selling.append((*read_card_code(request.gift_card, pointer), result.amount_minor, line))
    return selling


def _undo(
    tx: Tx,
    sale: UUID,
    lines: set[int],
    refunded_minor: int | None,
    before: Sequence[CardPosted] = (),
    *,
    kept: Mapping[str, KeptCard] = NO_CARDS,
) -> tuple[CardPosted, ...]:
    """Refunds go first: what a voided sale charged to a card that it also used is then there to be taken back."""
    activated = [each for each in read_activated(tx, sale) if each.line in lines]
    back: list[Paid] = []
    if refunded_minor is None:
        back = [each for each in read_paid(tx, sale) if each.sale == sale]
    elif refunded_minor:
        back = spread_refund(_less(read_paid(tx, sale), before), refunded_minor)
    if not back and not activated:
        return ()
    cards = read_cards(tx, [*(each.card for each in back), *(each.card for each in activated)], before)
    purse = Purse(cards, _kept_by(tx, kept))
    for each in back:
        purse.refund(each.card, each.amount_minor, each.sale)
    for sold in activated:
        purse.cancel(sold.card, sold.amount_minor, sold.line)
    return tuple(purse.posted)


def _kept_by(tx: Tx, kept: Mapping[str, KeptCard]) -> Mapping[str, KeptCard] | None:
    """What is kept, or None in a store that is its own authority and needs nobody to say what is on a card."""
    return kept if read_line(tx) is not None else None


def _less(paid: list[Paid], before: Sequence[CardPosted]) -> list[Paid]:
    """What cards paid, less what the same entry gave back to them already for an earlier sale."""
    given: dict[tuple[UUID | None, str], int] = {}
    for each in before:
        if each.kind == "refund":
            given[each.paid_for, each.card] = given.get((each.paid_for, each.card), 0) + each.amount_minor
    return [each._replace(amount_minor=each.amount_minor - given.get((each.sale, each.card), 0)) for each in paid]
