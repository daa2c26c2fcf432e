"""pure: what a simulated shop books for a wish, decided by the real rules on what lies on its disk."""

from uuid import UUID

import msgspec

from kiosk.simulate.entries import CardMove, ConsentSaid, Deed, deed_of
from kiosk.simulate.feed import CONSENT, GLOBAL, ConsentTold, read_value
from kiosk.simulate.lending import decide_redemption
from kiosk.simulate.shop import Shop
from kiosk.simulate.vouchers import Refused, check_coupon, coupons_at_risk, decide_coupon, decide_payment, decide_return
from kiosk.simulate.wishes import Wish
from loyalty.points.decide import Stamp
from loyalty.points.facts import Posting, PostingId

_MINUTE_MS = 60_000
_consent = msgspec.json.Decoder(ConsentTold)


def decide(shop: Shop, wish: Wish, answer: object, coupons: dict[int, tuple[str, ...]], price: int) -> Deed:
    """The entry that a wish comes to; `answer` is what head office said to what it was asked before.

    Raises Problem, CannotTell or Refused.
    """
    flaws, policy = shop.world.machines.flaws, shop.world.mix.policy
    match wish.kind:
        case "redeem":
            return _redeem(shop, wish)
        case "coupon":
            check_coupon(shop.books, shop.shop, wish.number, coupons)
            is_shared = len(coupons[wish.number]) > 1
            return decide_coupon(shop.books, wish, answer, is_shared=is_shared, policy=policy, flaws=flaws)
        case "card_sold":
            assert isinstance(wish.about, int), "it is about a card"
            return Deed(card=CardMove(wish.about, wish.number, sold=True))
        case "card_paid":
            return msgspec.structs.replace(decide_payment(shop.books, wish, answer, flaws), price=price)
        case "goods_back":
            return decide_return(shop.books, shop.shop, wish, answer, flaws)
        case "return":
            return _take_back(shop, wish)
        case "consent":
            return _hear_consent(shop, wish)
        case "sale":
            deed = deed_of([_earn(shop, wish)])
            return msgspec.structs.replace(deed, sold_minor=wish.number, price=price)
        case "look":
            raise Refused
        case _:
            return Deed()


def _redeem(shop: Shop, wish: Wish) -> Deed:
    assert shop.agent is not None, "the service runs"
    stamp = Stamp(wish.member, wish.op_id.bytes, 0, shop.wall_ms)
    return decide_redemption(
        shop.books,
        stamp,
        wish.number,
        online=shop.agent.push.is_online,
        uptime=shop.uptime,
        policy=shop.world.mix.policy,
        coupons_minor=coupons_at_risk(shop.books),
    )


def _earn(shop: Shop, wish: Wish) -> Posting:
    wall_ms, expires = shop.wall_ms, None
    if shop.world.mix.expiry and wish.number % 3 == 0:
        expires = wall_ms + wish.number * _MINUTE_MS
    return Posting(
        member=wish.member,
        op_id=wish.op_id.bytes,
        kind="earn",
        points=wish.number,
        effective_at=wall_ms,
        expires_at=expires,
    )


def _take_back(shop: Shop, wish: Wish) -> Deed:
    """The points of an earlier sale of this shop come back, of the newest that nothing came back of."""
    returned = {
        posted.reference.op
        for _, entry in shop.books.entries()
        for posted in entry.deed.postings
        if posted.reference is not None
    }
    for entry in reversed(shop.books.life.entries):
        for posted in entry.deed.postings:
            if posted.kind == "earn" and posted.member.bytes == wish.member and entry.op_id not in returned:
                back = Posting(
                    member=wish.member,
                    op_id=wish.op_id.bytes,
                    kind="reverse_earn",
                    points=-posted.points,
                    effective_at=shop.wall_ms,
                    reference=PostingId(entry.op_id.bytes, 0, wish.member),
                )
                return deed_of([back])
    raise Refused


def _hear_consent(shop: Shop, wish: Wish) -> Deed:
    """A member says yes or no. A yes names the withdrawals that are known here; it counts behind her earlier words."""
    books, member = shop.books, UUID(bytes=wish.member)
    own = books.consents.get(member, {})
    told = books.told.value(GLOBAL, CONSENT, str(member))
    known = read_value(_consent, told) if told is not None else None
    last = max([word.at for word in own.values()] + ([known.at] if known else []), default=0)
    withdrawn = [op for op, word in own.items() if not word.granted]
    if known is not None and not known.granted:
        withdrawn.append(known.op)
    granted = wish.number % 2 == 0
    replaces = tuple(sorted(set(withdrawn))) if granted else ()
    return Deed(consent=ConsentSaid(member, granted, max(shop.wall_ms, last + 1), replaces))
