"""pure: what points can be had for: money off at the bill, a percentage, an amount, an article, or a coupon.

    gives   | points                    | on the sale
    --------|---------------------------|------------------------------------------------------------------
    money   | any, in the reward's step | pays: a tender `points` with the hold
    percent | the reward's cost         | a discount: the hold stands at the top of the sale
    amount  | the reward's cost         | a discount
    product | the reward's cost         | the article is scanned and costs nothing
    coupon  | the reward's cost         | a coupon of the offer is issued, to be used whenever it is valid

A discount by reward is an offer for one sale (`offer_of`): it is split over lines, taxed, explained and taken back like
any other. What a reward costs is held and captured like every payment with points (loyalty.points.decide).

    >>> coffee = Reward(format=1, id="coffee", version=1, title={"en": "A coffee"}, points=150,
    ...                 gives=RewardProduct(goods=Goods(products=("300",))))
    >>> offer_of(coffee).id, offer_of(coffee).limits.per_sale
    ('reward:coffee', 1)
    >>> quote_reward(coffee, Account(active=149, as_of=0), bill_minor=0).reason
    'insufficient_points'
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, Struct

from loyalty.earning_rules.rule import Points, RuleId, Version
from loyalty.earning_rules.validation import RuleFault
from loyalty.offers.offer import (
    AmountOff,
    Conditions,
    Gift,
    Goods,
    Language,
    Limits,
    Minimum,
    Names,
    Offer,
    OfferId,
    Part,
    Percent,
    PercentOff,
    Stacking,
    Title,
    hundredths,
)
from loyalty.points.account import Account
from loyalty.points.decide import RedeemRules, RedemptionQuote, quote_redemption

Minor = Annotated[int, Meta(ge=1, le=10**12)]
_Ratio = Annotated[int, Meta(ge=1, le=10**9)]
PREFIX = "reward:"


class RewardMoney(Part, frozen=True, tag="money", tag_field="kind"):
    """Points pay the bill: `value_minor` minor units for `value_points` points, cut to whole minor units, in steps of
    the reward's points, at least `min_points` and at most `share_percent` of the bill. There is one of it, and the
    configuration says what it is: a tender has one value."""

    value_minor: _Ratio = 1
    value_points: _Ratio = 1
    min_points: Annotated[int, Meta(ge=1, le=10**9)] = 1
    share_percent: Annotated[int, Meta(ge=0, le=100)] = 100


class RewardPercent(Part, frozen=True, tag="percent", tag_field="kind"):
    """Percent off the goods of one sale, everything where none is named."""

    percent: Percent
    goods: Goods = Goods()


class RewardAmount(Part, frozen=True, tag="amount", tag_field="kind"):
    """An amount off the goods of one sale. `minimum_minor`: what the goods must come to, at least the amount itself."""

    amount_minor: Minor
    goods: Goods = Goods()
    minimum_minor: Minor | None = None


class RewardProduct(Part, frozen=True, tag="product", tag_field="kind"):
    """One piece of the goods for nothing. A returned one gives points back, not money."""

    goods: Goods


class RewardCoupon(Part, frozen=True, tag="coupon", tag_field="kind"):
    """A coupon of this offer."""

    offer: OfferId


RewardGives = RewardMoney | RewardPercent | RewardAmount | RewardProduct | RewardCoupon


class RewardTerms(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A reward as it is asked for. `points` is what it costs; of money it is the step in which points pay. `tiers`:
    only for these."""

    format: Literal[1] = 1
    title: Annotated[dict[Language, Title], Meta(max_length=20)]
    points: Points
    gives: RewardGives
    tiers: Names = ()


class Reward(RewardTerms, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A reward. A version never changes; a change is a new version."""

    id: RuleId
    version: Version


def validate_reward(reward: Reward) -> list[RuleFault]:
    """Everything that is wrong with a reward; empty when it may be offered."""
    return list(_faults(reward))


def _faults(reward: Reward) -> Iterator[RuleFault]:
    if not any(title.strip() for title in reward.title.values()):
        yield RuleFault("/title", "title_missing", "Give the reward a title in at least one language.")
    gives = reward.gives
    if isinstance(gives, RewardPercent) and hundredths(gives.percent) == 0:
        yield RuleFault("/gives/percent", "no_discount", "Zero percent is no discount.")
    if isinstance(gives, RewardProduct) and gives.goods.is_everything:
        yield RuleFault("/gives/goods", "price_for_everything", "Name the article or its category.")
    if isinstance(gives, RewardAmount) and (gives.minimum_minor or gives.amount_minor) < gives.amount_minor:
        yield RuleFault("/gives/minimum_minor", "pays_the_shopper", "More off than the minimum asks to be spent.")
    if isinstance(gives, RewardMoney):
        yield RuleFault("/gives", "set_by_configuration", "The configuration says what points are worth.")
    if len(set(reward.tiers)) < len(reward.tiers):
        yield RuleFault("/tiers", "repeated", "A tier stands there twice.")


def money_reward(rules: RedeemRules) -> Reward:
    """Points as money, by the rules of the program."""
    gives = RewardMoney(
        value_minor=rules.value[0],
        value_points=rules.value[1],
        min_points=rules.min_points,
        share_percent=rules.share[0] * 100 // rules.share[1],
    )
    return Reward(format=1, id="money", version=1, title={"en": "Pay with points"}, points=rules.step, gives=gives)


def redeem_rules_of(reward: Reward) -> RedeemRules:
    """The rules by which its points are held and captured: its own for money, exactly its cost for anything else."""
    gives = reward.gives
    if isinstance(gives, RewardMoney):
        return RedeemRules(
            min_points=gives.min_points,
            step=reward.points,
            value=(gives.value_minor, gives.value_points),
            share=(gives.share_percent, 100),
        )
    return RedeemRules(min_points=reward.points, step=reward.points, max_points=reward.points)


def quote_reward(reward: Reward, account: Account, bill_minor: int) -> RedemptionQuote:
    """How many points it would take now and what they pay at a bill of `bill_minor`, or the code of why it cannot be
    had. What is no payment is worth what its offer takes off; nothing is said of that here."""
    rules = redeem_rules_of(reward)
    if isinstance(reward.gives, RewardMoney):
        return quote_redemption(account, rules, bill_minor)
    # Its cost does not depend on the bill, so the bill must not refuse it.
    quote = quote_redemption(account, rules, reward.points)
    return RedemptionQuote(quote.points, 0, quote.reason)


def offer_of(reward: Reward) -> Offer:
    """The offer by which a held reward takes its discount off one sale. Raises ValueError for money and coupons: they
    are no discount."""
    gives = reward.gives
    minimum: Minimum | None = None
    effect: PercentOff | AmountOff | Gift
    if isinstance(gives, RewardPercent):
        effect = PercentOff(percent=gives.percent, goods=gives.goods)
    elif isinstance(gives, RewardAmount):
        effect = AmountOff(amount_minor=gives.amount_minor, goods=gives.goods)
        minimum = Minimum(amount_minor=gives.minimum_minor or gives.amount_minor, goods=gives.goods)
    elif isinstance(gives, RewardProduct):
        effect = Gift(goods=gives.goods)
    else:
        raise ValueError("money and coupons are no discount")  # noqa: TRY004  a reward of the wrong sort, not of the wrong type
    return Offer(
        format=1,
        id=PREFIX + reward.id,
        version=reward.version,
        title=reward.title,
        effect=effect,
        trigger="coupon",
        conditions=Conditions(member_required=True, minimum=minimum),
        stacking=Stacking.STACK,
        limits=Limits(per_sale=1),
    )
