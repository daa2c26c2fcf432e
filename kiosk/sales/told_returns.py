"""sql: goods of this store's sales that came back at other stores, as head office tells of them, followed as facts.

The store that took them back booked the goods, the money and the points of the lines. What else an own return undoes
only this store can decide, which has the sale, the rules of its day and the coupons:

    what the sale did                    | once the goods are back
    -------------------------------------|---------------------------------------------------------------------
    used offers and coupons              | their uses are given back with the last of the goods
    issued a coupon                      | void where nobody used it and what is kept would not have given it
    earned points by the whole basket    | taken back as far as what is kept would not have earned them
    paid whoever brought the member      | taken back with the last of the goods

It is decided in the transaction of the page that tells of it, on all that came back here and there. Nothing that was
undone once is undone again: uses, coupons and points are asked what is left of them. So a report that comes twice, late
or after a restored backup changes nothing, and a store that was off for days follows when it reads on. Of a value that
is taken back again (head office was restored) what was undone stays so.

A disk that lost entries gets them back in parts, while pages come in. On half a history an own return that is still to
come would be taken for none; what it undoes would be undone before it, so it could not be applied any more, and its
goods might come back again. So nothing is followed in a life of the store before it has everything that head office
holds (`note_whole`); then all of it is.
"""

import contextlib
from collections.abc import Collection
from uuid import UUID

from kiosk.coupons.coupon_returns import undo_coupons_by_return
from kiosk.life.link_notes import note, read_note
from kiosk.offers.offer_uses import read_uses_back
from kiosk.points.accounts import open_account
from kiosk.program.referral_service import revoke_referral
from kiosk.sales.basket_terms import read_basket_terms
from kiosk.sales.return_points import decide_bonuses_back
from kiosk.sales.returns import SoldState
from kiosk.sales.sale_store import UnknownSale, is_voided, read_elsewhere, read_sold_state
from kiosk.shop import Caller, Shop, day_of
from loyalty.ids import derived_uuid
from loyalty.points.refusals import ReversalUnknown
from loyalty.transactions import Tx
from sync.chain import epoch_text
from sync.facts.points import PointsPosted, fact_postings
from sync.facts.returns import ReturnFollowed
from sync.facts.vouchers import UndoneVouchers
from sync.journal import Origin, find

_ENTITY = "returned_elsewhere"
_WHOLE = "whole_in_life"
_NOBODY = UUID(int=0)


def note_whole(tx: Tx, shop: Shop, now_ms: int) -> None:
    """This life has everything that head office holds of the store: follow what was told until now. Where that was
    known, as at nearly every start, pages have seen to it."""
    if not _is_whole(tx, shop):
        note(tx, _WHOLE, epoch_text(shop.journal.epoch))
        follow_returns(tx, shop, now_ms, None)


def doubt_whole(tx: Tx) -> None:
    """Entries are coming back, and more may: nothing is followed until `note_whole`."""
    note(tx, _WHOLE, None)


def follow_returns(tx: Tx, shop: Shop, now_ms: int, touched: Collection[tuple[str, str]] | None) -> None:
    """Follow what is told of these things (entity, key); of everything for None. Nothing while entries may be
    missing."""
    if not _is_whole(tx, shop):
        return
    if touched is None:
        keys = [row[0] for row in tx.execute("SELECT key FROM feed_row WHERE entity = ? ORDER BY key", (_ENTITY,))]
    else:
        keys = sorted(key for entity, key in touched if entity == _ENTITY)
    for key in keys:
        with contextlib.suppress(UnknownSale):
            follow_return(tx, shop, now_ms, _read_key(key))


def follow_return(tx: Tx, shop: Shop, now_ms: int, sale: UUID) -> None:
    """Write down what follows from what other stores took back of a sale; nothing where nothing does. Raises
    UnknownSale where it is not in the books: lost with a disk, it is asked again when the entries are back."""
    told = read_elsewhere(tx, sale)
    if told is None or not told.returned:
        return
    # The same word again is the same fact, also in a life that has lost it and logs it anew.
    op_id = derived_uuid(sale, f"returned elsewhere {sorted(told.returned.items())}")
    if find(tx, op_id) is not None or is_voided(tx, sale):
        return
    sold = read_sold_state(tx, sale)
    caller = Caller(device=_NOBODY, till="", role="", operator=None, now_ms=now_ms)
    coupons = undo_coupons_by_return(tx, sold, ())
    body = ReturnFollowed(
        sale=sale,
        sale_number=sold.number,
        returned=told.returned,
        member=sold.member,
        postings=_bonuses(tx, shop, caller, op_id, sold),
        referral=_referral(tx, shop, caller, op_id, sold),
        offers=read_uses_back(tx, sold, ()),
        vouchers=UndoneVouchers(given_back=coupons.given_back, voided=coupons.voided) if any(coupons) else None,
    )
    if body.postings or body.referral or body.offers or body.vouchers:
        shop.journal.record(tx, Origin(now_ms=now_ms, business_day=day_of(tx, caller, shop.terms)), op_id, body)


def _is_whole(tx: Tx, shop: Shop) -> bool:
    return read_note(tx, _WHOLE) == epoch_text(shop.journal.epoch)


def _read_key(key: str) -> UUID:
    try:
        return UUID(key)
    except ValueError as wrong:
        raise UnknownSale from wrong


def _bonuses(tx: Tx, shop: Shop, caller: Caller, op_id: UUID, sold: SoldState) -> tuple[PointsPosted, ...]:
    basket = read_basket_terms(tx, sold.sale) if sold.member is not None else None
    if sold.member is None or basket is None:
        return ()
    opened = open_account(tx, sold.member, op_id, shop.journal.epoch, caller.now_ms, "all")
    return fact_postings(decide_bonuses_back(opened, sold, basket, shop.terms.program).posted)


def _referral(tx: Tx, shop: Shop, caller: Caller, op_id: UUID, sold: SoldState) -> tuple[PointsPosted, ...]:
    try:
        return revoke_referral(tx, shop, caller, op_id, sold, ())
    except ReversalUnknown:
        # All of them were spent so long ago that head office tells of them no more.
        return ()
