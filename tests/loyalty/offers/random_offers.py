"""Random carts and offers for the properties: small shelves, so that offers meet, overlap and compete."""

import datetime as dt

from hypothesis import strategies as st

from loyalty.offers.cart import CartLine
from loyalty.offers.context import OfferContext, Remaining, Shopper
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
    Limits,
    Minimum,
    Offer,
    PercentOff,
    Schedule,
    Stacking,
    Step,
    Steps,
)

SKUS = ("a", "b", "c", "d", "e")
CATEGORIES = ("x", "y", "z")
NOON = dt.datetime.fromisoformat("2026-11-21T12:00")


@st.composite
def cart_lines(draw: st.DrawFn, most: int = 6) -> list[CartLine]:
    lines = []
    for number in range(1, draw(st.integers(0, most)) + 1):
        pieces = draw(st.integers(0, 6))
        lines.append(
            CartLine(
                line=number,
                sku=draw(st.sampled_from(SKUS)),
                categories=tuple(draw(st.sets(st.sampled_from(CATEGORIES), max_size=2))),
                pieces=pieces,
                quantity_milli=pieces * 1000 or draw(st.integers(1, 3000)),
                amount_minor=draw(st.integers(0, 2000)),
                allowed=draw(st.integers(0, 9)) > 0,
            )
        )
    return lines


some_goods = st.builds(
    Goods,
    products=st.lists(st.sampled_from(SKUS), min_size=1, max_size=3).map(tuple),
    categories=st.lists(st.sampled_from(CATEGORIES), max_size=1).map(tuple),
    except_products=st.lists(st.sampled_from(SKUS), max_size=1).map(tuple),
)
any_goods = st.one_of(some_goods, st.just(Goods()))
percents = st.sampled_from(["1", "7.5", "10", "33.33", "50", "100"])
maybe_pieces = st.one_of(st.none(), st.integers(1, 4))


@st.composite
def growing_steps(draw: st.DrawFn) -> tuple[Step, ...]:
    first, more = draw(st.integers(2, 4)), draw(st.integers(1, 4))
    low, high = draw(st.integers(1, 40)), draw(st.integers(41, 100))
    return Step(from_pieces=first, percent=str(low)), Step(from_pieces=first + more, percent=str(high))


effects: st.SearchStrategy[Effect] = st.one_of(
    st.builds(PercentOff, percent=percents, goods=any_goods, at_most_pieces=maybe_pieces),
    st.builds(AmountOff, amount_minor=st.integers(1, 900), goods=any_goods),
    st.builds(
        AmountOff, amount_minor=st.integers(1, 300), goods=any_goods, each=st.just(True), at_most_pieces=maybe_pieces
    ),
    st.builds(FixedPrice, price_minor=st.integers(1, 500), goods=some_goods, at_most_pieces=maybe_pieces),
    st.builds(BuyGet, buy=st.integers(1, 3), get=st.integers(1, 2), percent=percents, goods=some_goods),
    st.builds(
        BuyGet, buy=st.integers(1, 3), get=st.integers(1, 2), percent=percents, goods=some_goods, reward=some_goods
    ),
    st.builds(
        Bundle,
        parts=st.lists(st.builds(BundlePart, goods=some_goods, pieces=st.integers(1, 2)), min_size=1, max_size=3).map(
            tuple
        ),
        price_minor=st.integers(1, 900),
    ),
    st.builds(Steps, steps=growing_steps(), goods=some_goods),
    st.builds(Gift, goods=some_goods, pieces=st.integers(1, 2)),
)
conditions = st.builds(
    Conditions,
    member_required=st.booleans(),
    tiers=st.sampled_from([(), ("gold",)]),
    schedule=st.sampled_from([None, Schedule(weekdays=(6,)), Schedule(weekdays=(7,))]),
    minimum=st.one_of(
        st.none(),
        st.builds(Minimum, amount_minor=st.integers(1, 3000), goods=any_goods),
        st.builds(Minimum, pieces=st.integers(1, 8)),
    ),
)
limits = st.builds(
    Limits,
    per_sale=st.one_of(st.none(), st.integers(1, 3)),
    per_member=st.one_of(st.none(), st.just(9)),
    total=st.one_of(st.none(), st.just(9)),
    budget_minor=st.one_of(st.none(), st.just(9_999)),
)


@st.composite
def offer_lists(
    draw: st.DrawFn,
    most: int = 6,
    of: st.SearchStrategy[Effect] = effects,
    stackings: tuple[Stacking, ...] = tuple(Stacking),
    plain: bool = False,
) -> list[Offer]:
    return [
        Offer(
            format=1,
            id=f"O{number}",
            version=1,
            title={"en": "Offer"},
            effect=draw(of),
            trigger="automatic" if plain else draw(st.sampled_from(["automatic", "automatic", "coupon"])),
            conditions=Conditions() if plain or draw(st.booleans()) else draw(conditions),
            stacking=draw(st.sampled_from(stackings)),
            priority=draw(st.integers(0, 2)),
            limits=Limits() if plain or draw(st.booleans()) else draw(limits),
        )
        for number in range(draw(st.integers(0, most)))
    ]


remainders = st.builds(
    Remaining,
    member_uses=st.one_of(st.none(), st.integers(-1, 3)),
    total_uses=st.one_of(st.none(), st.integers(-1, 3)),
    budget_minor=st.one_of(st.none(), st.integers(-1, 1500)),
)
contexts = st.builds(
    OfferContext,
    at=st.just(NOON),
    channel=st.sampled_from(["till", "web"]),
    member=st.sampled_from([None, Shopper(), Shopper(tier="gold")]),
    coupons=st.dictionaries(st.sampled_from([f"O{n}" for n in range(7)]), st.integers(0, 3), max_size=4),
    remaining=st.dictionaries(st.sampled_from([f"O{n}" for n in range(6)]), remainders, max_size=6),
)
