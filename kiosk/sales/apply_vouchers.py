"""sql: coupons and gift cards of a sale, its void and what comes back, as their entries say. Decides nothing."""

from uuid import UUID

from kiosk.coupons.apply_coupons import give_back_coupons, issue_coupons, use_coupons, void_coupons
from kiosk.coupons.apply_gift_cards import post_cards
from loyalty.transactions import Tx
from sync.facts.vouchers import SaleVouchers, UndoneVouchers
from sync.journal import Entry


def move_vouchers(tx: Tx, entry: Entry, currency: str, vouchers: SaleVouchers) -> None:
    """What the sale of `entry` did. A coupon or a balance that another till took meanwhile breaks the transaction."""
    if vouchers.used:
        use_coupons(tx, entry, vouchers.used)
    if vouchers.issued:
        issue_coupons(tx, entry, vouchers.issued, "sale")
    if vouchers.gift_cards:
        post_cards(tx, entry, entry.op_id, currency, vouchers.gift_cards)


def undo_vouchers(tx: Tx, entry: Entry, sale: UUID, currency: str, undone: UndoneVouchers) -> None:
    """What `entry` undid of `sale`."""
    give_back_coupons(tx, entry, undone.given_back)
    void_coupons(tx, entry, undone.voided)
    post_cards(tx, entry, sale, currency, undone.gift_cards)
