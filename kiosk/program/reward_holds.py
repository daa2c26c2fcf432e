"""sql: points held for a reward, and the reward that a sale redeems with them.

    POST /v1/holds {member, points: 150, reward: "coffee", proof}       # the points are set aside for the reward
    POST /v1/sales {…, member, hold}                                    # its discount is taken, the points are spent

The version that was held counts, whatever has become of the reward since. A reward that gives nothing on a basket is
refused and costs nothing: the hold is released, or lapses by itself.
"""

from uuid import UUID

import msgspec

from kiosk.commands import TenderRequest
from kiosk.members.known_members import need_active_member
from kiosk.members.member_standing import read_standing
from kiosk.program.held_rewards import HeldReward
from kiosk.program.program_store import read_program_mark, read_version
from kiosk.program.reward_service import TierNeeded
from kiosk.sales.sale_points import HoldTwice, UnknownHold
from kiosk.shop import Caller, Shop
from loyalty.errors import InvalidInput
from loyalty.merge_store import survivor_of
from loyalty.points.decide import RedeemRules
from loyalty.rewards import Reward, RewardCoupon, RewardMoney, offer_of, redeem_rules_of
from loyalty.transactions import Tx
from sync.facts.points import PointsHeld
from sync.journal import find


class RewardUnknown(InvalidInput):
    """There is no such reward."""

    code, hint = "reward_unknown", "Choose one of the rewards that are shown for the member."


class RewardPoints(InvalidInput):
    """The reward costs another number of points."""

    code, hint = "reward_points", "Reserve exactly the points that the reward costs."


class RewardNotHere(InvalidInput):
    """This reward is no discount on a sale."""

    code, hint = "reward_not_here", "Points as money are a tender; a coupon is issued. Neither is redeemed like this."


def reward_to_hold(
    tx: Tx, shop: Shop, caller: Caller, member: UUID, name: str | None, points: int
) -> tuple[Reward | None, RedeemRules]:
    """The reward that points are to be held for, if any, and the rules by which they are.

    Raises RewardUnknown, RewardNotHere, TierNeeded, RewardPoints.
    """
    if name is None:
        return None, shop.terms.program.redeem
    reward = shop.program.find(tx, read_program_mark(tx), shop.terms).rewards.get(name)
    if reward is None:
        raise RewardUnknown(pointer="/reward")
    if isinstance(reward.gives, RewardMoney):
        raise RewardNotHere(pointer="/reward")
    if reward.tiers and read_standing(tx, shop.terms, member, caller.now_ms).tier not in reward.tiers:
        raise TierNeeded(f"It is for: {', '.join(reward.tiers)}.", pointer="/reward")
    if points != reward.points:
        raise RewardPoints(f"It costs {reward.points} points.", pointer="/points", points=reward.points)
    return reward, redeem_rules_of(reward)


def read_held_reward(
    tx: Tx, hold: UUID | None, member: UUID | None, tenders: tuple[TenderRequest, ...] = ()
) -> HeldReward | None:
    """The reward of the hold at the top of a sale or quote. Whether the hold still holds is seen when it is captured.

    Raises UnknownHold for a hold of somebody else or for no reward, HoldTwice for one that also pays, RewardNotHere for
    a reward that is a coupon.
    """
    if hold is None:
        return None
    entry = find(tx, hold)
    if entry is None or not isinstance(entry.body, PointsHeld) or entry.body.reward is None or member is None:
        raise UnknownHold(pointer="/hold")
    body = entry.body
    if survivor_of(tx, body.member) != survivor_of(tx, need_active_member(tx, member).id):
        raise UnknownHold(pointer="/hold")
    if any(tender.hold == hold for tender in tenders):
        raise HoldTwice(pointer="/hold")
    content = read_version(tx, "reward", body.reward or "", body.reward_version)
    if content is None:
        raise UnknownHold(pointer="/hold")
    reward = msgspec.json.decode(content, type=Reward)
    if isinstance(reward.gives, RewardCoupon):
        raise RewardNotHere("Its coupon is issued by POST /v1/coupons.", pointer="/hold")
    return HeldReward(hold, body.points, offer_of(reward))


def refuse_reward_tenders(tx: Tx, tenders: tuple[TenderRequest, ...]) -> None:
    """Points that were held for a reward buy that reward and nothing else. Raises UnknownHold."""
    for index, tender in enumerate(tenders):
        entry = find(tx, tender.hold) if tender.hold is not None else None
        if entry is not None and isinstance(entry.body, PointsHeld) and entry.body.reward is not None:
            raise UnknownHold(pointer=f"/tenders/{index}/hold")
