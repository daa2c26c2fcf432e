"""pure: what customers want of a till or a kiosk, drawn by luck. Receipts, coupons and gift cards are good anywhere, so
customers carry them from shop to shop."""

from typing import NamedTuple
from uuid import UUID

from kiosk.simulate.truth import Receipt
from kiosk.simulate.world import World

_POINTS_MAX = 30
_CARD_MINOR = 40
_SHARES = (
    *(("redeem", 32), ("coupon", 12), ("return", 8), ("goods_back", 8), ("card_paid", 7), ("card_sold", 3)),
    ("member", 4),
)
"""Of a hundred customers at a till; the others buy something."""
_AT_A_KIOSK = (("redeem", 40), ("consent", 30), ("member", 15))
"""The others look at their points, which writes nothing."""


class Wish(NamedTuple):
    """What a customer wants. `number` is a coupon, or points, or minor units; `about` the card or the receipt that it
    is about."""

    op_id: UUID
    kind: str
    member: bytes
    number: int
    about: int | Receipt | None = None


class Customers:
    """Everybody who buys. `members` and `coupons` are shared by all shops."""

    def __init__(self, world: World, members: list[bytes], coupons: dict[int, tuple[str, ...]]) -> None:
        self.world, self.members, self.coupons = world, members, coupons

    def draw(self, *, at_kiosk: bool = False) -> Wish:
        """What the next one wants."""
        chance = self.world.chance
        luck, kind = chance.randrange(0, 100), "look" if at_kiosk else "sale"
        for name, share in _AT_A_KIOSK if at_kiosk else _SHARES:
            if luck < share:
                kind = name
                break
            luck -= share
        return self._wish(kind, chance.choice(self.members), 1 + chance.randrange(0, _POINTS_MAX))

    def _wish(self, kind: str, member: bytes, number: int) -> Wish:
        world, truth = self.world, self.world.truth
        about: int | Receipt | None = None
        if kind == "coupon" and self.coupons:
            number = world.chance.choice(list(self.coupons))
        elif kind == "card_sold" and world.mix.cards:
            about, number = truth.new_card(), number + _CARD_MINOR
        elif kind == "card_paid" and truth.cards:
            about = world.chance.choice(truth.cards[-4:])
        elif kind == "goods_back" and truth.receipts:
            receipt = world.chance.choice(truth.receipts[-8:])
            about, number = receipt, min(number, receipt.paid_minor)
        elif kind not in ("redeem", "look", "member") and not (
            (kind == "return" and world.mix.returns) or (kind == "consent" and world.mix.consents)
        ):
            kind = "sale" if kind == "sale" else "member"
        return Wish(world.new_id(), kind, member, number, about)
