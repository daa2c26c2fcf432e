"""pure: a reward that a sale redeems: is it given, and which line carries which of its points.

A percentage of 20 percent for 100 points, on milk and bread:

    line  | off | points
    ------|-----|-------
    milk  |  60 |     60
    bread |  40 |     40    come back when the bread comes back
"""

from uuid import UUID

from msgspec import Struct

from loyalty.basket import PricedBasket
from loyalty.errors import InvalidInput
from loyalty.money import allocate
from loyalty.offers.offer import Offer
from loyalty.points.decide import capture
from loyalty.points.operation import OpenAccount


class RewardGivesNothing(InvalidInput):
    """The reward gives nothing on this basket."""

    code, hint = "reward_gives_nothing", "Scan what the reward is for, or sell without it: the points stay."


class HeldReward(Struct, frozen=True):
    """A reward whose points are set aside, as the offer by which it takes its discount."""

    hold: UUID
    points: int
    offer: Offer


def check_given(reward: HeldReward | None, priced: PricedBasket) -> None:
    """Raises RewardGivesNothing: points are never taken for nothing."""
    uses = priced.outcome.uses if priced.outcome is not None else ()
    if reward is not None and all(use.offer != reward.offer.id for use in uses):
        raise RewardGivesNothing(pointer="/hold")


def capture_reward(member: OpenAccount, reward: HeldReward, priced: PricedBasket) -> OpenAccount:
    """Spend the points of a reward. They lie on the lines as its discount does, so they come back with the goods.

    Raises HoldNotFound, and what capturing raises (loyalty.points.decide.capture).
    """
    off = [
        sum([discount.amount_minor for discount in line.discounts if discount.offer == reward.offer.id])
        for line in priced.lines
    ]
    shares = allocate(reward.points, off)
    by_line = tuple((line.line, points) for line, points in zip(priced.lines, shares, strict=True) if points)
    return member.add(capture(member.account(), member.stamp(), reward.hold.bytes, reward.points, by_line))
