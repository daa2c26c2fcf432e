"""sql: whether a coupon shown now would be taken, and what it gives. Writes nothing; the sale's fact counts the use.

Two questions that must not be mixed: the signature says that a coupon was issued, the ledger says that it is unspent.

| shown                          | asked                               | taken |
|--------------------------------|-------------------------------------|-------|
| own token                      | key, own ledger or signature, day   | while the ledger has uses left |
| typed code                     | own ledger: it has no signature     | while the ledger has uses left |
| typed code of another store    | head office, for the token behind it| as its token                   |
| token of another store, chain  | signature, day, uses here           | once, within `coupons.other_stores_per_day` |
| token of another store, store  | signature                           | never |

In a store that belongs to a head office, a coupon that other stores take too is not taken if head office has said that
it was used. If it can be asked, it decides (kiosk/coupons/coupon_backing.py); `other_stores_per_day` counts no more.

An own coupon that the ledger does not know was issued in a life of the database that is lost: it is refused, because
nobody knows whether it was used. A token that stands in the ledger digit by digit is as good as its row, so only
other digits have their signature checked.

Another store's coupon may have been used there: at most `other_stores_per_day` of an offer are taken a day on their
signature alone, which bounds the loss.
"""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from kiosk.coupons.chain_coupons import is_used_elsewhere, read_chain_keys
from kiosk.coupons.coupon_issue import today_of
from kiosk.coupons.coupon_refusals import (
    OF_REFUSAL,
    CouponCodeNeedsLine,
    CouponExpired,
    CouponOfAnother,
    CouponOfferOver,
    CouponShownTwice,
    CouponUsed,
    CouponVoid,
    ForeignCouponRefused,
    UnknownCoupon,
    WrongStore,
)
from kiosk.coupons.coupon_store import (
    CouponRow,
    count_foreign_uses,
    count_uses,
    find_coupon,
    find_scanned,
    read_registry,
)
from kiosk.coupons.shown_coupons import NONE_SHOWN, Shown, ShownCoupons
from kiosk.coupons.typed_codes import NO_TOKENS, Tokens
from kiosk.offers.offer_store import Mark, read_live_offers, read_offer
from kiosk.points.link import read_line
from kiosk.shop import Caller, Shop, day_of
from loyalty.coupon_codes import read_code
from loyalty.coupons import (
    GenuineCoupon,
    Refusal,
    find_token,
    looks_cut,
    offer_number,
    peek_key,
    peek_serial,
    read_token,
)
from loyalty.errors import Problem
from loyalty.keys import KeyList, KeyRegistry
from loyalty.merge_store import survivor_of
from loyalty.offers.offer import Offer
from loyalty.transactions import Tx
from sync.facts.coupons import UsedCoupon

_FOREIGN_USES = 1
_MAY_BE_ANOTHERS = (Refusal.UNKNOWN_KEY, Refusal.FORGED)
_NO_KEYS = KeyRegistry(KeyList(version=0, keys=()))


def look_at_coupons(
    tx: Tx,
    shop: Shop,
    caller: Caller,
    texts: Sequence[str],
    member: UUID | None,
    mark: Mark | None = None,
    tokens: Tokens = NO_TOKENS,
) -> ShownCoupons:
    """Every coupon of a basket; `member` is who buys. Two of one are one too many. With the `mark` of the offers, read
    in `tx`, live offers are not read again. `tokens` are what head office said of typed codes."""
    if not texts:
        return NONE_SHOWN
    seen: set[int] = set()
    shown: list[Shown] = []
    for index, text in enumerate(texts):
        pointer = f"/coupons/{index}"
        each = look_at_coupon(
            tx, shop, caller, text, member, pointer=pointer, check_member=True, mark=mark, tokens=tokens
        )
        if each.use is not None and each.use.serial in seen:
            each = each._replace(use=None, problem=CouponShownTwice(pointer=pointer))
        elif each.use is not None and each.use.store and _is_beyond(tx, shop, caller, each.use, shown):
            each = each._replace(use=None, problem=ForeignCouponRefused(pointer=pointer))
        if each.use is not None:
            seen.add(each.use.serial)
        shown.append(each)
    return ShownCoupons(tuple(shown))


def _is_beyond(tx: Tx, shop: Shop, caller: Caller, use: UsedCoupon, before: Sequence[Shown]) -> bool:
    """Whether one more coupon of other stores is too many for its offer today, with those of this basket counted."""
    if read_line(tx) is not None:
        return False
    uses = [each.use for each in before if each.use is not None]
    here = sum(other.store is not None and other.offer == use.offer for other in uses)
    taken = count_foreign_uses(tx, use.offer, day_of(tx, caller, shop.terms))
    return taken + here >= shop.terms.foreign_coupons_per_day


def look_at_coupon(
    tx: Tx,
    shop: Shop,
    caller: Caller,
    text: str,
    member: UUID | None,
    *,
    pointer: str,
    check_member: bool,
    mark: Mark | None = None,
    tokens: Tokens = NO_TOKENS,
) -> Shown:
    """One coupon. Without `check_member` nobody has said yet who would use it; `mark` and `tokens` as for
    `look_at_coupons`."""
    today = today_of(shop, caller)
    text = tokens.get(text) or text
    token = find_token(text)
    if token is None and not looks_cut(text):
        typed = read_code(text)
        row = find_coupon(tx, typed) if typed is not None else None
        if row is None and typed is not None and text not in tokens and read_line(tx) is not None:
            return Shown(None, CouponCodeNeedsLine(pointer=pointer))
        return _look_in_ledger(tx, shop, row, today, member if check_member else _owner_of(row, member), pointer, mark)
    row, registry = _find_scanned(tx, peek_serial(token) if token is not None else None)
    member = member if check_member else _owner_of(row, member)
    verdict = read_token(text, registry, shop.terms.store, today, row.token if row is not None else None)
    if row is None and token is not None and verdict in _MAY_BE_ANOTHERS:
        verdict = _read_by_chain_keys(tx, shop, token, today, verdict)
    if isinstance(verdict, Refusal):
        return Shown(None, OF_REFUSAL[verdict](pointer=pointer))
    if verdict.store != shop.terms.store:
        return _look_at_foreign(tx, shop, caller, verdict, pointer)
    shown = _look_in_ledger(tx, shop, row, today, member, pointer, mark)
    if shown.offer is not None and offer_number(shown.offer.id) != verdict.body.offer:
        # A genuine token and a ledger row that disagree cannot both be of this store.
        return Shown(None, UnknownCoupon(pointer=pointer))
    return shown


def _find_scanned(tx: Tx, serial: int | None) -> tuple[CouponRow | None, KeyRegistry]:
    """The row of a token's serial, if the ledger has one, and the keys that count now."""
    found = find_scanned(tx, serial) if serial is not None else None
    if found is None:
        return None, read_registry(tx) or _NO_KEYS
    return found[0], found[1] or _NO_KEYS


def _read_by_chain_keys(
    tx: Tx, shop: Shop, token: str, today: dt.date, verdict: GenuineCoupon | Refusal
) -> GenuineCoupon | Refusal:
    """What the keys of other stores say of a token that none of our own has signed. Where none fits, `verdict`."""
    for registry in read_chain_keys(tx, peek_key(token)):
        said = read_token(token, registry, shop.terms.store, today)
        if said not in _MAY_BE_ANOTHERS:
            return said
    return verdict


def _owner_of(row: CouponRow | None, member: UUID | None) -> UUID | None:
    return member if row is None else row.member


def _look_in_ledger(
    tx: Tx, shop: Shop, row: CouponRow | None, today: dt.date, member: UUID | None, pointer: str, mark: Mark | None
) -> Shown:
    if row is None:
        return Shown(None, UnknownCoupon(pointer=pointer))
    offer, is_live = _find_offer(tx, shop, row.offer, mark)
    problem = _problem_of(tx, row, today, member, pointer)
    if problem is None and not is_live:
        problem = CouponOfferOver(pointer=pointer)
    use = None
    if problem is None:
        use = UsedCoupon(
            serial=row.serial,
            n=row.uses + 1,
            offer=row.offer,
            uses_max=row.uses_max,
            given_back=row.given_back,
            last_day=row.valid_until if row.scope == "chain" else "",
        )
    return Shown(use, problem, row.serial, offer, row.member, row.valid_until)


def _find_offer(tx: Tx, shop: Shop, name: str, mark: Mark | None) -> tuple[Offer | None, bool]:
    """An offer, and whether it is live. Live ones lie ready for pricing."""
    entry = shop.shelf.find(tx, mark).book.by_id.get(name)
    if entry is not None:
        return entry.offer, True
    found = read_offer(tx, name)
    return (found.offer, found.live) if found is not None else (None, False)


def _problem_of(tx: Tx, row: CouponRow, today: dt.date, member: UUID | None, pointer: str) -> Problem | None:
    if row.is_void:
        return CouponVoid(pointer=pointer)
    if row.uses_left == 0:
        return CouponUsed(pointer=pointer)
    if today.isoformat() > row.valid_until:
        return CouponExpired(f"It held until {row.valid_until}.", pointer=pointer)
    if row.member is not None and member != row.member and member != survivor_of(tx, row.member):
        return CouponOfAnother(pointer=pointer)
    if row.scope == "chain" and is_used_elsewhere(tx, row.serial, row.valid_until, row.uses_left):
        return CouponUsed(pointer=pointer)
    return None


def _look_at_foreign(tx: Tx, shop: Shop, caller: Caller, genuine: GenuineCoupon, pointer: str) -> Shown:
    """Another store's coupon: good for the whole chain by its own signature, unspent as far as this store knows."""
    body = genuine.body
    if body.scope != "chain":
        return Shown(None, WrongStore(f"It is for {genuine.store}.", pointer=pointer))
    matching = [row.offer for row in read_live_offers(tx) if offer_number(row.offer.id) == body.offer]
    offer = matching[0] if len(matching) == 1 and matching[0].trigger == "coupon" else None
    known = Shown(None, None, body.serial, offer, None, body.last_day.isoformat(), genuine.store)
    if offer is None:
        return known._replace(problem=CouponOfferOver(pointer=pointer))
    count = count_uses(tx, body.serial)
    last_day = body.last_day.isoformat()
    if count.uses - count.given_back >= _FOREIGN_USES or is_used_elsewhere(tx, body.serial, last_day, _FOREIGN_USES):
        return known._replace(problem=CouponUsed(pointer=pointer))
    taken = count_foreign_uses(tx, offer.id, day_of(tx, caller, shop.terms))
    if taken >= shop.terms.foreign_coupons_per_day and read_line(tx) is None:
        return known._replace(problem=ForeignCouponRefused(pointer=pointer))
    use = UsedCoupon(
        serial=body.serial,
        n=count.uses + 1,
        offer=offer.id,
        uses_max=_FOREIGN_USES,
        given_back=count.given_back,
        store=genuine.store,
        last_day=last_day,
    )
    return known._replace(use=use)
