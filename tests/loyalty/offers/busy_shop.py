"""A shop with many offers, made from a seed: carts and offers whose price is measured.

`dense`: 300 products, so that every offer meets the cart and most compete. Otherwise 3,000, as in a small supermarket.
"""

from collections.abc import Callable
from random import Random

from loyalty.basket import BasketLine
from loyalty.offers.offer import (
    AmountOff,
    Bundle,
    BundlePart,
    BuyGet,
    Conditions,
    Effect,
    FixedPrice,
    Goods,
    Minimum,
    Offer,
    PercentOff,
    Schedule,
    Stacking,
    Step,
    Steps,
)

CATEGORIES = 20


class BusyShop:
    """`carts` and `offers` of one seed; the same seed gives the same shop."""

    def __init__(self, seed: int, *, dense: bool) -> None:
        self._random = Random(seed)
        self._products = 300 if dense else 3_000

    def _product(self) -> str:
        return f"sku{self._random.randrange(self._products)}"

    def _category(self) -> str:
        return f"category{self._random.randrange(CATEGORIES)}"

    def _goods(self) -> Goods:
        if self._random.random() < 0.7:
            return Goods(products=tuple(self._product() for _ in range(self._random.randint(1, 20))))
        return Goods(categories=(self._category(),))

    def cart(self, lines: int) -> list[BasketLine]:
        return [
            BasketLine(
                line=number,
                sku=self._product(),
                quantity_milli=1000 * self._random.randint(1, 4),
                unit_price_minor=self._random.randint(50, 2_000),
                tax_rate=self._random.choice(["23", "8", "5"]),
                categories=(self._category(),),
            )
            for number in range(1, lines + 1)
        ]

    def _effect(self) -> Effect:
        goods, number = self._goods(), self._random.randint
        kinds: list[Callable[[], Effect]] = [
            lambda: PercentOff(percent=str(number(5, 40)), goods=goods),
            lambda: AmountOff(amount_minor=number(10, 300), goods=goods),
            lambda: AmountOff(amount_minor=number(10, 50), goods=goods, each=True),
            lambda: FixedPrice(price_minor=number(50, 1_500), goods=goods),
            lambda: BuyGet(buy=2, get=1, goods=goods),
            lambda: Steps(goods=goods, steps=(Step(from_pieces=3, percent="10"), Step(from_pieces=6, percent="20"))),
            lambda: Bundle(
                parts=(BundlePart(goods=goods), BundlePart(goods=Goods(products=(self._product(),)))), price_minor=500
            ),
        ]
        return self._random.choice(kinds)()

    def offers(self, count: int) -> list[Offer]:
        chance = self._random.random
        return [
            Offer(
                format=1,
                id=f"offer{number:03}",
                version=1,
                title={"en": "Offer"},
                effect=self._effect(),
                conditions=Conditions(
                    member_required=chance() < 0.2,
                    minimum=Minimum(amount_minor=5_000) if chance() < 0.15 else None,
                    schedule=Schedule(weekdays=(5, 6)) if chance() < 0.2 else None,
                ),
                stacking=self._random.choices(list(Stacking), [1, 6, 2])[0],
            )
            for number in range(count)
        ]
