"""sql: which rewards there are, and which of them a member can have now. Writes nothing: a reward is had by a hold."""

from uuid import UUID

from msgspec import Struct

from kiosk.members.known_members import need_active_member
from kiosk.members.member_standing import read_standing
from kiosk.points.accounts import load_account
from kiosk.program.program_service import REWARDS, list_definitions
from kiosk.shop import Caller, Shop
from loyalty.errors import Conflict
from loyalty.points.account import Account
from loyalty.points.fold import view
from loyalty.rewards import Reward, quote_reward
from loyalty.transactions import Tx


class TierNeeded(Conflict):
    """This reward is for members of another tier."""

    code, hint = "tier_needed", "Tell the member what is missing to that tier; it is shown with the points."


class RewardQuote(Struct, frozen=True):
    """How many points it takes now and what they pay; `reason` is the code of why it cannot be had, null if it can."""

    points: int
    value_minor: int
    reason: str | None


class RewardAnswer(Struct, frozen=True):
    """A reward; `quote` is for the member asked about, null where none was."""

    definition: Reward
    state: str
    revision: str
    quote: RewardQuote | None


class RewardList(Struct, frozen=True):
    """The rewards by id: for a member only those that are live."""

    items: tuple[RewardAnswer, ...]
    next: None = None


def list_rewards(tx: Tx, shop: Shop, caller: Caller, member: UUID | None, bill_minor: int) -> RewardList:
    """All rewards, or what a member can have at a bill. Raises UnknownMember."""
    defined = list_definitions(tx, shop, caller, REWARDS).items
    if member is None:
        return RewardList(tuple(RewardAnswer(each.definition, each.state, each.revision, None) for each in defined))
    need_active_member(tx, member)
    account = load_account(tx, member.bytes, "open").account
    if account.as_of < caller.now_ms:
        account = view(account, caller.now_ms)
    live = [each for each in defined if each.state == "live"]
    asks_tier = any(each.definition.tiers for each in live)
    tier = read_standing(tx, shop.terms, member, caller.now_ms).tier if asks_tier else None
    return RewardList(
        tuple(
            RewardAnswer(each.definition, each.state, each.revision, _quote(each.definition, account, bill_minor, tier))
            for each in live
        )
    )


def _quote(reward: Reward, account: Account, bill_minor: int, tier: str | None) -> RewardQuote:
    if reward.tiers and tier not in reward.tiers:
        return RewardQuote(0, 0, TierNeeded.code)
    quote = quote_reward(reward, account, bill_minor)
    return RewardQuote(quote.points, quote.value_minor, quote.reason)
