"""pure: what sales, voids and returns add to the roll-ups.

A void takes off all that its sale added, from the very rows it was added to: the sale is handed in (`Original`). A
return counts on its own day, with the taxes it gives back.

    sale      net 258, tax 48 in it, paid 300 in cash, change 42   -> base 210, tax 48, cash taken 258
    its void                                                       -> the same, negative; voids 1, voided 258
    a return of half, on another day                               -> returned base 105, tax 24, cash refunded 129
"""

from collections.abc import Iterable

from sync.facts.offers import OfferGivenBack
from sync.facts.returns import ReturnFollowed, TakenBack
from sync.facts.sales import SaleCompleted, SaleVoided, SoldLine, Tendered
from sync.hub.rollups.places import STORE_CHANNEL, Known, Original, Place
from sync.hub.rollups.sums import Sums

_CASH = "cash"


def fold_sale(sums: Sums, place: Place, sale: SaleCompleted, known: Known) -> None:
    """A completed sale, with what came back in it if it is an exchange."""
    _sold(sums, place, sale, 1)
    for taken in sale.returned:
        fold_return(sums, place, sale.currency, taken, known)


def fold_void(sums: Sums, place: Place, void: SaleVoided, known: Known) -> None:
    """A voided sale. One that head office has never seen undoes nothing, for nothing of it was counted."""
    sums.add("sales_hour", _hour(place, void.currency), voids=1, voided_minor=void.due_minor)
    original = known.originals.get((place.store, void.sale.bytes))
    if original is None:
        return
    _sold(sums, original.place, original.sale, -1)
    _coupons_voided(sums, place, original, void.vouchers.voided if void.vouchers else ())


def fold_return(sums: Sums, place: Place, currency: str, taken: TakenBack, known: Known) -> None:
    """Lines of one sale that come back, on the day they do."""
    original = known.originals.get((place.store, taken.sale.bytes))
    if taken.elsewhere is not None:
        added = taken.elsewhere.tax_mode == "added"
    else:
        added = original is not None and original.sale.terms.mode == "added"
    total = 0
    for line in taken.lines:
        base = line.net_minor if added else line.net_minor - line.tax_minor
        key = (place.store, place.day, currency, line.tax_rate)
        sums.add("tax_day", key, returned_base_minor=base, returned_tax_minor=line.tax_minor)
        total += base + line.tax_minor
    refunded = sum(refund.amount_minor for refund in taken.refunds)
    hour = _hour(place, currency)
    sums.add("sales_hour", hour, returns=1, returned_minor=total, returned_rounding_minor=refunded - total)
    for refund in taken.refunds:
        key = (place.store, place.day, currency, refund.kind)
        sums.add("tender_day", key, refunds=1, refunded_minor=refund.amount_minor)
        if refund.kind == "points":
            value, points = refund.amount_minor, taken.points_given_back
            _redeemed(sums, place, currency, "points", "", "undone", points=points, value_minor=value)
    _offers_back(sums, place, currency, taken.offers)
    if taken.vouchers is not None:
        if original is not None:
            _cards_back(sums, place, currency, taken, original.sale)
            _coupons_voided(sums, place, original, taken.vouchers.voided)
        for card in taken.vouchers.gift_cards:
            if card.kind == "refund":
                _redeemed(sums, place, currency, "gift_card", "", "undone", value_minor=card.amount_minor)
    if taken.member is not None:
        sums.add("member_purchase", _purchase(place, currency, taken.member.bytes), returned_minor=total)


def fold_followed(sums: Sums, place: Place, currency: str, followed: ReturnFollowed, known: Known) -> None:
    """What a sale loses because its goods came back at other stores; those counted the goods and the money."""
    _offers_back(sums, place, currency, followed.offers)
    original = known.originals.get((place.store, followed.sale.bytes))
    if original is not None and followed.vouchers is not None:
        _coupons_voided(sums, place, original, followed.vouchers.voided)


def _sold(sums: Sums, place: Place, sale: SaleCompleted, sign: int) -> None:
    base = sum(tax.base_minor for tax in sale.taxes)
    tax_minor = sum(tax.tax_minor for tax in sale.taxes)
    sums.add(
        "sales_hour",
        _hour(place, sale.currency),
        sales=sign,
        member_sales=sign if sale.member is not None else 0,
        lines=sign * len(sale.lines),
        gross_minor=sign * sale.gross_minor,
        discount_minor=sign * sale.discount_minor,
        net_minor=sign * sale.net_minor,
        base_minor=sign * base,
        tax_minor=sign * tax_minor,
        rounding_minor=sign * (sale.due_minor - base - tax_minor),
        due_minor=sign * sale.due_minor,
        overrides=sign * sum(line.catalogue_price_minor is not None for line in sale.lines),
    )
    for tax in sale.taxes:
        key = (place.store, place.day, sale.currency, tax.rate)
        sums.add("tax_day", key, base_minor=sign * tax.base_minor, tax_minor=sign * tax.tax_minor)
    _paid(sums, place, sale, sign)
    _offers_and_coupons(sums, place, sale, sign)
    if sale.member is not None:
        bought = _purchase(place, sale.currency, sale.member.bytes)
        sums.add("member_purchase", bought, visits=sign, spent_minor=sign * (base + tax_minor))
        sums.reach("member_purchase", bought, first_at=place.at)


def _offers_back(sums: Sums, place: Place, currency: str, back: Iterable[OfferGivenBack]) -> None:
    for use in back:
        key = (place.store, place.day, currency, use.offer)
        sums.add("offer_day", key, uses_back=use.uses, discount_back_minor=use.discount_minor)


def _paid(sums: Sums, place: Place, sale: SaleCompleted, sign: int) -> None:
    for tender, kept in _kept(sale.tenders, sale.change_minor):
        key = (place.store, place.day, sale.currency, tender.kind)
        sums.add("tender_day", key, payments=sign, taken_minor=sign * kept)
        if tender.kind == "points":
            _redeemed(sums, place, sale.currency, "points", "", "used", sign, sign * tender.points, sign * kept)
    paying = {tender.hold for tender in sale.tenders if tender.hold is not None}
    for posted in sale.postings:
        if posted.kind == "redeem" and posted.hold is not None and posted.hold not in paying:
            name = posted.rule or ""
            _redeemed(sums, place, sale.currency, "reward", name, "used", sign, sign * abs(posted.points))


def _kept(tenders: Iterable[Tendered], change_minor: int) -> Iterable[tuple[Tendered, int]]:
    """Each tender with what stayed of it: change is given from cash alone."""
    for tender in tenders:
        back = min(change_minor, tender.amount_minor) if tender.kind == _CASH else 0
        change_minor -= back
        yield tender, tender.amount_minor - back


def _offers_and_coupons(sums: Sums, place: Place, sale: SaleCompleted, sign: int) -> None:
    member = sale.member.bytes if sale.member is not None else None
    for use in sale.offers:
        taken = sign * use.discount_minor
        key = (place.store, place.day, sale.currency, use.offer)
        sums.add("offer_day", key, sales=sign, uses=sign * use.uses, discount_minor=taken)
        if member is not None:
            holder = (member, use.offer, place.store, sale.currency)
            sums.add("member_offer", holder, used=sign * use.uses, discount_minor=taken)
            sums.reach("member_offer", holder, used_day=place.day)
    if sale.vouchers is None:
        return
    for used in sale.vouchers.used:
        sums.add("offer_day", (place.store, place.day, sale.currency, used.offer), coupons_used=sign)
        _redeemed(sums, place, sale.currency, "coupon", used.offer, "used", sign)
    for unspent in sale.vouchers.unspent:
        _redeemed(sums, place, sale.currency, "coupon", unspent.offer, f"refused:{unspent.code}", sign)
    for issued in sale.vouchers.issued:
        # A coupon that was handed out was handed out, whatever becomes of the sale: its end is a voided coupon.
        if sign > 0:
            issue_coupon(sums, place, sale.currency, issued.offer, issued.member.bytes if issued.member else None)
    for card in sale.vouchers.gift_cards:
        if card.kind == "redeem":
            _redeemed(sums, place, sale.currency, "gift_card", "", "used", sign, value_minor=-sign * card.amount_minor)
        elif card.kind == "activate":
            line = _line(sale, card.line)
            base = card.amount_minor if line is None else _base(line, sale)
            key = (place.store, place.day, sale.currency, line.tax_rate if line else "0")
            sums.add("tax_day", key, card_base_minor=sign * base)


def issue_coupon(sums: Sums, place: Place, currency: str, offer: str, member: bytes | None) -> None:
    """A coupon that was handed out; to a bearer where there is no member."""
    sums.add("offer_day", (place.store, place.day, currency, offer), coupons_issued=1)
    _redeemed(sums, place, currency, "coupon", offer, "issued")
    if member is not None:
        holder = (member, offer, place.store, currency)
        sums.add("member_offer", holder, issued=1)
        sums.reach("member_offer", holder, issued_day=place.day)


def _cards_back(sums: Sums, place: Place, currency: str, taken: TakenBack, sale: SaleCompleted) -> None:
    """Gift cards that come back unspent leave what is owed to their holders, at the base they were sold for."""
    assert taken.vouchers is not None
    for card in taken.vouchers.gift_cards:
        if card.kind == "cancel":
            line = _line(sale, card.line)
            base = -card.amount_minor if line is None else _base(line, sale)
            key = (place.store, place.day, currency, line.tax_rate if line else "0")
            sums.add("tax_day", key, card_base_minor=-base)


def _coupons_voided(sums: Sums, place: Place, original: Original, serials: Iterable[int]) -> None:
    issued = original.sale.vouchers.issued if original.sale.vouchers else ()
    offers = {coupon.serial: coupon.offer for coupon in issued}
    for serial in serials:
        if serial in offers:
            key = (place.store, place.day, original.sale.currency, offers[serial])
            sums.add("offer_day", key, coupons_voided=1)


def _redeemed(
    sums: Sums,
    place: Place,
    currency: str,
    kind: str,
    name: str,
    outcome: str,
    times: int = 1,
    points: int = 0,
    value_minor: int = 0,
) -> None:
    key = (place.store, place.day, currency, kind, name, outcome)
    sums.add("redemption_day", key, times=times, points=points, value_minor=value_minor)


def _line(sale: SaleCompleted, number: int | None) -> SoldLine | None:
    return next((line for line in sale.lines if line.line == number), None)


def _base(line: SoldLine, sale: SaleCompleted) -> int:
    return line.net_minor if sale.terms.mode == "added" else line.net_minor - line.tax_minor


def _hour(place: Place, currency: str) -> tuple[bytes, str, int, str, str]:
    return (place.store, place.day, place.hour, currency, STORE_CHANNEL)


def _purchase(place: Place, currency: str, member: bytes) -> tuple[bytes, str, bytes, str, str]:
    return (member, place.day, place.store, currency, STORE_CHANNEL)
