"""sql: a coupon that points pay for: the reward it comes with, and the hold that is captured for it.

    POST /v1/holds      {member, points: 150, reward: "coffee", proof}: they are set aside for the reward
    POST /v1/coupons    {offer, member, hold}: they are used up, and the coupon is there

Both happen in the one entry that issues the coupon, so nobody pays for a coupon that is not there, and nobody has one
that was not paid. A kill between the two calls leaves a hold that lapses, and the second one asked for again goes on.
"""

import msgspec
from msgspec import Struct

from kiosk.coupons.coupon_refusals import MemberNeeded
from kiosk.coupons.coupons import IssueCoupon
from kiosk.points.accounts import open_account
from kiosk.program.program_store import read_definitions, read_version
from kiosk.sales.sale_points import UnknownHold
from kiosk.shop import Caller, Shop
from loyalty.errors import InvalidInput
from loyalty.points.account import Balance
from loyalty.points.decide import capture
from loyalty.points.refusals import HoldNotFound
from loyalty.rewards import Reward, RewardCoupon
from loyalty.transactions import Tx
from sync.facts.points import PointsHeld, PointsPosted, fact_postings
from sync.journal import find


class RewardGivesOther(InvalidInput):
    """These points were set aside for something else than this coupon."""

    code, hint = "reward_gives_other", "Let the points go, and set them aside for the reward that gives this coupon."


class CouponPaid(Struct, frozen=True):
    """What was paid for a coupon: the points used up, and the balance after it."""

    postings: tuple[PointsPosted, ...] = ()
    balance: Balance | None = None


def pay_for_coupon(tx: Tx, shop: Shop, caller: Caller, command: IssueCoupon) -> CouponPaid:
    """Capture the hold of a coupon that is a reward; nothing for one that costs no points.

    The version of the reward that was held counts, whatever has become of it since. Raises MemberNeeded, UnknownHold,
    RewardGivesOther, and what capturing raises (loyalty.points.decide.capture).
    """
    if command.hold is None:
        return CouponPaid()
    if command.member is None:
        raise MemberNeeded(pointer="/member")
    held = find(tx, command.hold)
    if held is None or not isinstance(held.body, PointsHeld):
        raise UnknownHold(pointer="/hold")
    if held.body.reward is None or _offer_of(tx, held.body.reward, held.body.reward_version) != command.offer:
        raise RewardGivesOther(pointer="/offer")
    opened = open_account(tx, command.member, command.id, shop.journal.epoch, caller.now_ms, "open", [command.hold])
    try:
        opened = opened.add(capture(opened.account(), opened.stamp(), command.hold.bytes, held.body.points))
    except HoldNotFound as unknown:  # it is another member's
        raise UnknownHold(pointer="/hold") from unknown
    return CouponPaid(fact_postings(opened.posted), opened.account().balance)


def find_paid_offers(tx: Tx) -> frozenset[str]:
    """The offers whose coupons are had for points."""
    rewards = (_decode(row.content) for row in read_definitions(tx, "reward", live_only=True))
    return frozenset(reward.gives.offer for reward in rewards if isinstance(reward.gives, RewardCoupon))


def _offer_of(tx: Tx, name: str, version: int) -> str | None:
    content = read_version(tx, "reward", name, version)
    gives = _decode(content).gives if content is not None else None
    return gives.offer if isinstance(gives, RewardCoupon) else None


def _decode(content: bytes) -> Reward:
    return msgspec.json.decode(content, type=Reward)
