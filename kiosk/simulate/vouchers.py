"""pure: coupons, gift cards and goods that come back, at a simulated shop: what it asks head office to keep before it
books, and what it decides on the answer. The limits of a shop out of touch are the real ones (loyalty.exposure)."""

from uuid import UUID

import msgspec

from kiosk.simulate.books import Books
from kiosk.simulate.entries import CardMove, CouponUse, Deed, GoodsBack
from kiosk.simulate.feed import COUPON_USED, GLOBAL, RESERVATION, RETURNED, bucket_of, read_value
from kiosk.simulate.hub_vouchers import SaleSeen
from kiosk.simulate.lending import floor_used
from kiosk.simulate.machines import Flaws
from kiosk.simulate.truth import Receipt
from kiosk.simulate.wishes import Wish
from loyalty.exposure import OfflinePolicy, may_risk_coupon
from loyalty.ids import derived_uuid
from sync.chain import epoch_text
from sync.protocol.commands import (
    CouponUseCommand,
    GiftCardCommand,
    ReservedAnswer,
    Reserving,
    ReturnReserveCommand,
)

CURRENCY = "EUR"
_uuids = msgspec.json.Decoder(tuple[UUID, ...])
_uuid = msgspec.json.Decoder(UUID)
_minor = msgspec.json.Decoder(int)


class Refused(Exception):
    """The shop says no, and nothing is written."""


def value_of(coupon: int) -> int:
    """What a coupon takes off, in minor units."""
    return 3 + 4 * (coupon % 4)


def command_for(
    books: Books, shop: str, wish: Wish, coupons: dict[int, tuple[str, ...]], sale: SaleSeen | None
) -> Reserving | None:
    """What head office has to keep for a wish; None where nobody else could have it. `sale` is the one that goods are
    of, as head office told it. Raises Refused."""
    head = books.life.head
    epoch, seq = epoch_text(head.epoch), head.seq
    match wish.kind, wish.about:
        case "coupon", _:
            check_coupon(books, shop, wish.number, coupons)
            if len(coupons[wish.number]) == 1:
                return None
            name = name_reservation(books, wish.op_id, f"coupon {wish.number}")
            return CouponUseCommand(id=name, sale=wish.op_id, serial=wish.number, issuer="S001", epoch=epoch, seq=seq)
        case "card_paid", int(card):
            name = name_reservation(books, wish.op_id, f"card {card} {wish.number}")
            return GiftCardCommand(
                id=name,
                op=wish.op_id,
                card=f"{card:064x}",
                amount_minor=wish.number,
                currency=CURRENCY,
                epoch=epoch,
                seq=seq,
            )
        case "goods_back", Receipt() as receipt if sale is not None:
            returns, lines = len(sale.returns), ((1, wish.number),)
            name = name_reservation(books, wish.op_id, f"return {lines} {returns}")
            return ReturnReserveCommand(
                id=name, taken=wish.op_id, sale=receipt.op, lines=lines, returns=returns, epoch=epoch, seq=seq
            )
    return None


def name_reservation(books: Books, op: UUID, about: str) -> UUID:
    """The name of what is reserved for a fact: the same until it is given back, then another."""
    attempt = 1
    while end_of(name := derived_uuid(op, f"reserve {about} {attempt}")) in books.places:
        attempt += 1
    return name


def end_of(reservation: UUID) -> UUID:
    """The name of the fact that gives a reservation back."""
    return derived_uuid(reservation, "reservation end")


def to_give_back(books: Books, shop: str, in_use: dict[UUID, int], now_ms: int) -> list[UUID]:
    """What head office keeps for this shop, and nothing here will use."""
    found = []
    for key, value in books.told.values(bucket_of(shop), RESERVATION):
        reservation = UUID(key)
        if in_use.get(reservation, 0) > now_ms or end_of(reservation) in books.places:
            continue
        op = read_value(_uuid, value)
        if op is not None and op not in books.places:
            found.append(reservation)
    return found


def check_coupon(books: Books, shop: str, coupon: int, coupons: dict[int, tuple[str, ...]]) -> None:
    """Raises Refused for a coupon that this shop does not take, or of which it is known that it was used."""
    if shop not in coupons[coupon] or coupon in books.used_coupons:
        raise Refused
    told = books.told.value(GLOBAL, COUPON_USED, str(coupon))
    if told is not None and read_value(_uuids, told) != ():
        raise Refused


def decide_coupon(
    books: Books, wish: Wish, answer: object, *, is_shared: bool, policy: OfflinePolicy, flaws: Flaws
) -> Deed:
    """The use of a coupon that was looked at. Raises the refusals of `may_risk_coupon`."""
    value = value_of(wish.number)
    if not is_shared:
        return Deed(coupon=CouponUse(wish.number, value))
    reserved = _kept(books, answer, flaws)
    if reserved is not None:
        return Deed(coupon=CouponUse(wish.number, value, reserved))
    if not flaws.takes_coupons_on_trust:
        may_risk_coupon(value, risked_minor(books), policy)
    return Deed(coupon=CouponUse(wish.number, value, None, value))


def risked_minor(books: Books) -> int:
    """What was given away, in points and coupons, that head office has not acknowledged."""
    return sum(floor_used(books).values()) + coupons_at_risk(books)


def coupons_at_risk(books: Books) -> int:
    """The coupons among it."""
    risked = 0
    for life in books.lives:
        for entry in life.entries[books.acknowledged.get(life.epoch, 0) :]:
            if entry.deed.coupon is not None:
                risked += entry.deed.coupon.risk_minor
    return risked


def decide_payment(books: Books, wish: Wish, answer: object, flaws: Flaws) -> Deed:
    """A purchase that a gift card pays. Raises Refused where its money is not kept for it."""
    reserved = _kept(books, answer, flaws)
    if reserved is None and not flaws.pays_by_card_without_a_line:
        raise Refused
    assert isinstance(wish.about, int), "it is about a card"
    return Deed(sold_minor=wish.number, card=CardMove(wish.about, -wish.number, reserved=reserved))


def decide_return(books: Books, shop: str, wish: Wish, answer: object, flaws: Flaws) -> Deed:
    """Goods come back: those of this shop always, as far as is known what came back elsewhere; others out of what head
    office keeps. Raises Refused."""
    receipt = wish.about
    assert isinstance(receipt, Receipt), "it is about a receipt"
    sold = books.sales.get(receipt.op)
    if sold is None:
        reserved = _kept(books, answer, flaws) if receipt.shop != shop else None
        if reserved is None:
            raise Refused
        return Deed(back=GoodsBack(receipt.op, wish.number, reserved))
    left = sold.sold_minor - sum(books.backs.get(receipt.op, {}).values())
    if not flaws.ignores_what_came_back_elsewhere:
        left -= back_elsewhere(books, shop, receipt.op)
    if wish.number > left:
        raise Refused
    card = CardMove(sold.card.card, wish.number) if sold.card is not None else None
    return Deed(back=GoodsBack(receipt.op, wish.number), card=card)


def back_elsewhere(books: Books, shop: str, sale: UUID) -> int:
    """What head office has told of goods of an own sale that came back elsewhere, or are going to."""
    told = books.told.value(bucket_of(shop), RETURNED, str(sale))
    return (read_value(_minor, told) or 0) if told is not None else 0


def _kept(books: Books, answer: object, flaws: Flaws) -> UUID | None:
    """The reservation, if there is one and it was not given back meanwhile."""
    if not isinstance(answer, ReservedAnswer):
        return None
    given_back = end_of(answer.reservation) in books.places
    return answer.reservation if not given_back or flaws.uses_what_it_gave_back else None
