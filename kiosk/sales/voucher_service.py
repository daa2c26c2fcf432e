"""sql: coupons and gift cards in a sale, its void and its return. A sale with none of them reads nothing of them.

    what happens          | coupons it used | coupons it issued         | cards that paid  | cards it sold
    ----------------------|-----------------|---------------------------|------------------|---------------------------
    void                  | given back      | void, if unused           | paid back in full| taken back, if unspent
    a part comes back     | stay used       | see coupon_returns        | their refund     | those lines, if unspent
    the last part does    | given back      | void, if unused           | their refund     | those lines, if unspent

A sold card of which something is spent cannot come back (409 gift_card_spent): its money is gone.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec.structs import replace

from kiosk.commands import CompleteSale
from kiosk.coupons.coupon_returns import UndoneCoupons, undo_coupons_by_return, undo_coupons_by_void
from kiosk.coupons.gift_card_service import NO_CARDS, SoldCardLine, charge_cards, mirror_cards, return_cards
from kiosk.coupons.gift_cards import GIFT_CARD, KeptCard
from kiosk.sales.returns import SoldState
from kiosk.shop import Shop
from loyalty.transactions import Tx
from sync.facts.gift_cards import CardPosted
from sync.facts.returns import Refunded, ReturnedLine, TakenBack
from sync.facts.sales import SaleCompleted, Tendered
from sync.facts.vouchers import SaleVouchers, UndoneVouchers


def charge_gift_cards(
    tx: Tx, shop: Shop, command: CompleteSale, body: SaleCompleted, kept: Mapping[str, KeptCard] = NO_CARDS
) -> SaleCompleted:
    """The sale with what it does to gift cards; what comes back in an exchange is on them by then. `kept` is what head
    office keeps of them for this sale.

    Raises what `charge_cards` raises; nothing is written then.
    """
    if not _touches_cards(shop, command, body):
        return body
    added = body.terms.mode == "added"
    sold = [
        SoldCardLine(
            line.department,
            line.quantity_milli,
            line.net_minor + line.tax_minor if added else line.net_minor,
            bool(line.discounts),
        )
        for line in body.lines
    ]
    before = [card for taken in body.returned if taken.vouchers for card in taken.vouchers.gift_cards]
    posted = charge_cards(tx, shop, command.lines, sold, command.tenders, before, kept)
    if not posted:
        return body
    tenders = _name_cards(body.tenders, posted)
    return replace(body, tenders=tenders, vouchers=replace(body.vouchers or SaleVouchers(), gift_cards=posted))


def _touches_cards(shop: Shop, command: CompleteSale, body: SaleCompleted) -> bool:
    """Whether a card pays, is named with a line, or is what a line sells: a sale of anything else need not look."""
    if GIFT_CARD in [tender.kind for tender in command.tenders]:
        return True
    if any(line.gift_card for line in command.lines):
        return True
    return not shop.terms.gift_card_departments.isdisjoint([line.department for line in body.lines])


def undo_by_void(tx: Tx, sale: UUID, kept: Mapping[str, KeptCard] = NO_CARDS) -> UndoneVouchers | None:
    """What voiding a sale undoes. Raises GiftCardSpent where a card that it sold was used since, GiftCardNeedsLine."""
    return _undone(undo_coupons_by_void(tx, sale), mirror_cards(tx, sale, kept))


def undo_by_return(
    tx: Tx,
    sold: SoldState,
    lines: Sequence[ReturnedLine],
    refunds: Sequence[Refunded],
    others: Sequence[TakenBack] = (),
    kept: Mapping[str, KeptCard] = NO_CARDS,
) -> UndoneVouchers | None:
    """What taking goods of a sale back undoes; `others` came back before it in the same entry. Raises GiftCardSpent,
    GiftCardNeedsLine."""
    before = [card for taken in others if taken.vouchers for card in taken.vouchers.gift_cards]
    refunded = sum(refund.amount_minor for refund in refunds if refund.kind == GIFT_CARD)
    cards = return_cards(tx, sold.sale, {line.line for line in lines}, refunded, before, kept)
    return _undone(undo_coupons_by_return(tx, sold, lines, others), cards)


def _undone(coupons: UndoneCoupons, cards: tuple[CardPosted, ...]) -> UndoneVouchers | None:
    if not (any(coupons) or cards):
        return None
    return UndoneVouchers(given_back=coupons.given_back, voided=coupons.voided, gift_cards=cards)


def _name_cards(tenders: Sequence[Tendered], posted: Sequence[CardPosted]) -> tuple[Tendered, ...]:
    """Each payment by card with the card's ending, as the receipt tells it; payments and movements have one order."""
    endings = iter([card.ending for card in posted if card.kind == "redeem"])
    return tuple(replace(tender, reference=next(endings)) if tender.kind == GIFT_CARD else tender for tender in tenders)
