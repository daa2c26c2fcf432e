"""pure: made-up offers, baskets and a long account for `counterfoil bench price`, the same in every run.

>>> [offer.effect.__struct_config__.tag for offer in make_offers(7, products=70)]
['percent', 'amount', 'fixed_price', 'buy_get', 'bundle', 'steps', 'gift']
"""

import datetime as dt
from itertools import islice

from kiosk.bench.goods import sku_of
from loyalty.basket import BasketLine
from loyalty.offers.context import OfferContext
from loyalty.offers.offer import (
    AmountOff,
    Bundle,
    BundlePart,
    BuyGet,
    Conditions,
    Effect,
    FixedPrice,
    Gift,
    Goods,
    Minimum,
    Offer,
    PercentOff,
    Stacking,
    Step,
    Steps,
)
from loyalty.points.facts import Posting, PostingId, PostingKind

CATEGORIES = ("Dairy", "Household", "Books", "Bakery", "Drinks")
_PRIME = 7_919
_MEMBER = b"m" * 16
_BORN_MS = 1_700_000_000_000
_HOUR_MS = 3_600_000
_YEAR_MS = 365 * 24 * _HOUR_MS
_STACKING = (Stacking.BEST_OF, Stacking.BEST_OF, Stacking.BEST_OF, Stacking.STACK, Stacking.EXCLUSIVE)


def make_offers(count: int, products: int) -> list[Offer]:
    """`count` offers of every kind, in every stacking, over products and whole categories; gifts from 20.00 on."""
    return [
        Offer(
            format=1,
            id=f"OFFER{n:04d}",
            version=1,
            title={"en": f"Offer {n}"},
            effect=_effect(n, products),
            stacking=_STACKING[n // 7 % 5],
            conditions=Conditions(minimum=Minimum(amount_minor=2_000)) if n % 7 == 6 else Conditions(),
        )
        for n in range(count)
    ]


def make_shop_offers(count: int, products: int) -> list[Offer]:
    """`count` live offers as a shop has them: a coupon's (COUPON), two for a whole department each, and those of every
    kind for a few articles each. Of fifty, a basket of five lines out of 2,000 articles gets three: both departments'
    and the coupon's."""
    departments: tuple[Effect, ...] = (
        PercentOff(percent="10", goods=_of(0)),
        AmountOff(amount_minor=20, each=True, goods=_of(4)),
    )
    whole = [
        Offer(format=1, id=f"DEPARTMENT{n}", version=1, title={"en": f"Department {n}"}, effect=effect)
        for n, effect in enumerate(departments)
    ]
    focused = (offer for offer in make_offers(2 * count, products) if not _is_for_a_department(offer.effect))
    return [make_coupon_offer(), *whole, *islice(focused, count)][:count]


def _of(department: int) -> Goods:
    return Goods(categories=(CATEGORIES[department],))


def _is_for_a_department(effect: Effect) -> bool:
    return not isinstance(effect, Bundle) and bool(effect.goods.categories)


def make_coupon_offer() -> Offer:
    """An offer for whoever brings a coupon of it: a little off whatever is bought, on top of everything else."""
    return Offer(
        format=1,
        id="COUPON",
        version=1,
        title={"en": "Coupon"},
        trigger="coupon",
        effect=PercentOff(percent="5"),
        stacking=Stacking.STACK,
    )


def _effect(n: int, products: int) -> Effect:
    first = n * 31
    mine = Goods(products=tuple(sku_of((first + step) * _PRIME % products) for step in range(5)))
    whole = _of(n % 5)
    other = Goods(products=(sku_of((first + 5 + n % 7) * _PRIME % products),))
    return (
        PercentOff(percent=str(5 + n % 20), goods=whole if n % 14 == 0 else mine),
        AmountOff(amount_minor=50 + n % 100, goods=whole if n % 35 == 1 else mine),
        FixedPrice(price_minor=99 + n % 300, goods=mine),
        BuyGet(buy=2, get=1, goods=mine),
        Bundle(parts=(BundlePart(goods=mine), BundlePart(goods=other)), price_minor=199 + n % 400),
        Steps(steps=(Step(from_pieces=3, percent="10"), Step(from_pieces=6, percent="20")), goods=mine),
        Gift(goods=other),
    )[n % 7]


def make_hostile_offers(count: int, products: int) -> list[Offer]:
    """`count` offers that all want the same goods in other ways, so that every one competes with every other."""
    goods = Goods(products=tuple(sku_of(n) for n in range(products)))
    return [
        Offer(
            format=1,
            id=f"HOSTILE{n:04d}",
            version=1,
            title={"en": f"Hostile {n}"},
            effect=AmountOff(amount_minor=300 + n * 7 % 97, goods=goods)
            if n % 2
            else BuyGet(buy=2 + n % 5, get=1 + n % 3, percent=str(30 + n % 60), goods=goods),
        )
        for n in range(count)
    ]


def make_basket(n: int, lines: int, products: int) -> list[BasketLine]:
    """The `n`-th basket: `lines` different products, one to six pieces each."""
    return [
        BasketLine(
            line=line + 1,
            sku=sku_of((n * lines + line) * _PRIME % products),
            quantity_milli=1000 * (1 + (n + line) % 6),
            unit_price_minor=99 + (n + line) * 57 % 2400,
            tax_rate=("23", "8", "5")[line % 3],
            categories=(CATEGORIES[line % 5],),
        )
        for line in range(lines)
    ]


def make_context() -> OfferContext:
    """A till on a Saturday at noon."""
    return OfferContext(at=dt.datetime.fromisoformat("2026-11-21T12:00"), channel="till", with_near_misses=True)


def make_postings(count: int) -> list[Posting]:
    """`count` postings of one member over years: two purchases, points spent, goods brought back, again and again."""
    postings: list[Posting] = []
    for n in range(count):
        kind: PostingKind = ("earn", "earn", "redeem", "reverse_earn")[n % 4]
        postings.append(
            Posting(
                member=_MEMBER,
                op_id=n.to_bytes(16, "big"),
                kind=kind,
                points={"earn": 100 + n % 50, "redeem": -60, "reverse_earn": -40}[kind],
                effective_at=_BORN_MS + n * _HOUR_MS,
                expires_at=_BORN_MS + n * _HOUR_MS + _YEAR_MS if kind == "earn" else None,
                reference=PostingId((n - 2).to_bytes(16, "big"), 0, _MEMBER) if kind == "reverse_earn" else None,
            )
        )
    return postings
