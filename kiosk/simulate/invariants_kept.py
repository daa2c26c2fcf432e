"""pure: what must hold of what head office keeps for one shop at a time. Each raises Breach.

coupon       a coupon that head office keeps is used once, and once more by each disk that forgot or was copied; a shop
             out of touch uses one once
card         a gift card pays no more than was put onto it; head office's balances are the sum of what it has applied
goods        of what was paid for a sale no more comes back elsewhere than there was, nor in its own shop as far as that
             could know
incident     head office has an incident of a coupon or a sale exactly where it has applied too much, naming all of it
kept         in the end nothing is kept for anybody

What a disk that forgot or was copied did, and what head office had kept when it went back in time, explains as much.
"""

from typing import TYPE_CHECKING
from uuid import UUID

from kiosk.simulate.hub_books import HubBooks
from kiosk.simulate.truth import Breach
from kiosk.simulate.vouchers import back_elsewhere
from kiosk.simulate.world import World

if TYPE_CHECKING:
    from kiosk.simulate.shop import Shop


def check_coupons(world: World, coupon: int, shops_that_take: dict[int, tuple[str, ...]]) -> None:
    """A coupon has just been used."""
    truth, places = world.truth, shops_that_take[coupon]
    uses = list(truth.coupon_uses.get(coupon, {}).values())
    faults = sum(truth.disk_faults.get(place, 0) for place in places)
    if len(uses) > len(places) + faults + world.excuse(("coupon", coupon)):
        raise Breach("coupon", f"coupon {coupon} was used {len(uses)} times in {len(places)} shops")
    reserved = sum(use.reserved is not None for _, use in uses)
    if reserved > 1 + faults + world.excuse(("coupon", coupon)):
        raise Breach("coupon", f"coupon {coupon} was kept for {reserved} uses")
    limit = world.mix.policy.coupon_limit_minor
    for shop, use in uses:
        if use.risk_minor > limit:
            raise Breach("coupon", f"{shop} risked {use.risk_minor} on coupon {coupon}, {limit} is the limit")


def check_card(world: World, card: int) -> None:
    """A card has just moved."""
    truth = world.truth
    moves = truth.card_moves.get(card, {}).values()
    explained = sum(-amount for shop, amount in moves if amount < 0 and truth.disk_faults.get(shop))
    if sum(amount for _, amount in moves) + explained + world.excuse(("card", card)) < 0:
        raise Breach("card", f"card {card} has paid {-sum(a for _, a in moves)} more than was on it")


def check_cards(world: World, books: HubBooks) -> None:
    """Head office's balances after a batch."""
    for card, balance in books.vouchers.cards.items():
        applied = 0
        for op, (shop, amount) in world.truth.card_moves[card].items():
            applied += amount * books.effects.get((shop, op), 0)
        if applied != balance:
            raise Breach("card", f"card {card} has {balance} at head office, and {applied} was applied")


def check_goods(world: World, shop: "Shop", sale: UUID) -> None:
    """Goods of a sale have just come back in a shop."""
    truth = world.truth
    paid = next(receipt for receipt in truth.receipts if receipt.op == sale)
    backs = list(truth.goods_back[sale].values())
    elsewhere = [(place, back.amount_minor) for place, back in backs if back.reserved is not None]
    own = sum(back.amount_minor for _, back in backs if back.reserved is None)
    explained = sum(amount for place, amount in elsewhere if truth.disk_faults.get(place))
    explained += world.excuse(("sale", sale))
    if sum(amount for _, amount in elsewhere) > paid.paid_minor + explained:
        raise Breach("goods", f"{sum(a for _, a in elsewhere)} of {paid.paid_minor} came back elsewhere")
    if own > paid.paid_minor and not truth.disk_faults.get(paid.shop):
        raise Breach("goods", f"{own} of {paid.paid_minor} came back to {paid.shop}")
    if shop.shop != paid.shop or truth.disk_faults.get(paid.shop):
        return
    known = back_elsewhere(shop.books, shop.shop, sale)
    if own + known > paid.paid_minor:
        raise Breach("goods", f"{own} came back to {paid.shop}, which knew of {known} elsewhere")


def check_incidents(world: World, books: HubBooks) -> None:
    """What came to light, after a batch."""
    truth, vouchers = world.truth, books.vouchers
    for coupon, uses in truth.coupon_uses.items():
        came = {op for op, (shop, _) in uses.items() if books.effects.get((shop, op))}
        named = set(vouchers.incidents.get(("coupon", coupon), ()))
        if named != (came if len(came) > 1 else set()):
            raise Breach("incident", f"coupon {coupon} was used by {len(came)}, the incident names {len(named)}")
    for sale, backs in truth.goods_back.items():
        seen = vouchers.sales.get(sale)
        if seen is None or not seen.paid_minor:
            continue
        came = {op for op, (shop, _) in backs.items() if books.effects.get((shop, op))}
        if {op for op, _, _ in seen.returns} != came:
            raise Breach("incident", f"head office has {len(seen.returns)} returns of {sale}, {len(came)} came in")
        if (seen.back_minor > seen.paid_minor) != (("sale", sale) in vouchers.incidents):
            raise Breach("incident", f"{seen.back_minor} of {seen.paid_minor} came back of {sale}")


def check_nothing_kept(books: HubBooks) -> None:
    """All trouble is over: every reservation was used up or given back."""
    if books.vouchers.reserved:
        raise Breach("kept", f"{len(books.vouchers.reserved)} reservations are for nothing")
