"""sql: a coupon that points pay for: the reward it comes with, and the hold that is captured for it.

    POST /v1/holds      {member, points: 150, reward: "coffee", proof}: they are set aside for the reward
    POST /v1/coupons    {offer, member, hold}: they are used up, and the coupon is there

Both happen in the one entry that issues the coupon, so nobody pays for a coupon that is not there, and nobody has one
that was not paid. A kill between the two calls leaves a hold that lapses, and the second one asked for again goes on.

Voided while nobody used it, the coupon gives its points back to the lots they came from, in the entry of the void: they
end when they would have, or after the grace of the program. Issued again it stays paid; then the newer one gives them
back. Where other stores take it, too, only head office knows that nobody used it, and keeps it for the void:

    scope    | head office                   | the void
    ---------|-------------------------------|------------------------------------
    store    | is not asked                  | gives the points back
    chain    | there is none                 | gives the points back
    chain    | keeps the use for the void    | gives the points back
    chain    | does not answer               | refused (coupon_void_needs_line)

One that cost nothing is asked about, too, but voided without an answer all the same. No coupon that other stores take
is issued again without one: the newer coupon gives the points back, or is used, without a word of the one before it.
"""

import contextlib
from uuid import UUID

import msgspec
from msgspec import Struct

from kiosk.coupons.coupon_refusals import MemberNeeded
from kiosk.coupons.coupon_store import CouponRow, find_coupon
from kiosk.coupons.coupons import IssueCoupon
from kiosk.points.accounts import open_account
from kiosk.program.program_store import read_definitions, read_version
from kiosk.sales.sale_points import UnknownHold
from kiosk.shop import Caller, Shop
from loyalty.errors import InvalidInput
from loyalty.points.account import Balance
from loyalty.points.decide import capture, undo_redeem
from loyalty.points.facts import id_of
from loyalty.points.refusals import HoldNotFound, ReversalUnknown
from loyalty.rewards import Reward, RewardCoupon
from loyalty.transactions import Tx
from sync.facts.coupons import CouponsIssued, CouponVoided
from sync.facts.points import PointsHeld, PointsPosted, fact_postings, ledger_postings
from sync.journal import Entry, find


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


def find_payment(tx: Tx, row: CouponRow) -> Entry | None:
    """The entry with which points paid for a coupon, issued again since or not; None for one that cost none."""
    entry = find(tx, row.op)
    while entry is not None and isinstance(entry.body, CouponVoided):
        replaced = find_coupon(tx, entry.body.serial)
        entry = find(tx, replaced.op) if replaced is not None else None
    paid = entry is not None and isinstance(entry.body, CouponsIssued) and bool(entry.body.postings)
    return entry if paid else None


def give_back_payment(tx: Tx, shop: Shop, caller: Caller, op_id: UUID, payment: Entry) -> CouponPaid:
    """The points of `payment` back where they came from, by the entry `op_id`, however long ago they were used; nothing
    where the account, made anew of what head office tells, has no such payment: the void itself must not fail."""
    assert isinstance(payment.body, CouponsIssued)
    redeemed = [
        posting
        for posting in ledger_postings(payment.op_id, payment.epoch, payment.seq, payment.body.postings)
        if posting.kind == "redeem"
    ]
    opened = open_account(tx, UUID(bytes=redeemed[0].member), op_id, shop.journal.epoch, caller.now_ms, "all")
    keep_until = shop.terms.program.keep_until(opened.at)
    for posting in redeemed:
        with contextlib.suppress(ReversalUnknown):
            opened = opened.add(undo_redeem(opened.account(), opened.stamp(), id_of(posting), keep_until))
    return CouponPaid(fact_postings(opened.posted), opened.account().balance if opened.posted else None)


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
