"""pure: which rules are refused when they are made, because nobody could explain them to a member afterwards.

`validate_rule` answers everything it finds, so that a rule can be mended in one go. This table is the whole of it.

    code                    | refused because
    ------------------------|-------------------------------------------------------------------------
    title_missing           | the member's statement would have nothing to print
    does_not_go_together    | what it gives does not fit to when and how it gives it (see rule.Op)
    multiplies_nothing      | once as many or fewer: a multiplier gives more
    contradiction           | goods named and excepted at once
    goods_without_purchase  | goods or a minimum on an activity
    minimum_without_basket  | a minimum on a rule that looks at lines
    activity_missing        | no activity, or one on a purchase
    never_runs              | the last day before the first, hours without length
    repeated                | the same weekday, channel, tier or segment twice
    caps_disagree           | a cap that a smaller one keeps from ever being reached
    cap_below_gift          | a cap that does not leave room for giving once

    >>> rule = EarningRule(format=1, id="x", version=1, title={"en": "Twice"}, trigger="purchase_line", op="mult",
    ...                    gives=Times(numerator=1))
    >>> [fault.code for fault in validate_rule(rule)]
    ['multiplies_nothing']
"""

from collections.abc import Iterator

import msgspec

from loyalty.earning_rules.rule import Caps, EarningRule, Once, PerMoney, PerPiece, Times
from loyalty.offers.offer import Schedule

_FITTING: dict[tuple[str, str], tuple[type, ...]] = {
    ("purchase_line", "base"): (PerMoney,),
    ("purchase_line", "mult"): (Times,),
    ("purchase_line", "add"): (PerMoney, PerPiece),
    ("purchase_basket", "base"): (PerMoney,),
    ("purchase_basket", "mult"): (Times,),
    ("purchase_basket", "add"): (PerMoney, Once),
    ("activity", "base"): (Once,),
    ("activity", "mult"): (Times,),
    ("activity", "add"): (Once,),
}


class RuleFault(msgspec.Struct, frozen=True):
    """One thing that is wrong with a rule: where (a JSON Pointer into it), what, and a sentence for its author."""

    pointer: str
    code: str
    message: str


def validate_rule(rule: EarningRule) -> list[RuleFault]:
    """Everything that is wrong with the rule; empty when it may be used. See the table of the module."""
    return [
        *_check_gift(rule),
        *_check_conditions(rule),
        *_check_schedule(rule.conditions.schedule),
        *_check_caps(rule),
    ]


def _check_gift(rule: EarningRule) -> Iterator[RuleFault]:
    if not any(title.strip() for title in rule.title.values()):
        yield RuleFault("/title", "title_missing", "Give the rule a title in at least one language.")
    gives = rule.gives
    if not isinstance(gives, _FITTING[rule.trigger, rule.op]):
        kind = gives.__struct_config__.tag
        yield RuleFault("/gives", "does_not_go_together", f"{rule.op} on {rule.trigger} cannot give {kind}.")
    if isinstance(gives, Times) and gives.numerator <= gives.denominator:
        yield RuleFault("/gives", "multiplies_nothing", "A multiplier is more than 1.")


def _check_conditions(rule: EarningRule) -> Iterator[RuleFault]:
    asked, goods = rule.conditions, rule.conditions.goods
    named = {*goods.products} & {*goods.except_products} or {*goods.categories} & {*goods.except_categories}
    if named:
        yield RuleFault("/conditions/goods", "contradiction", f"{min(named)} is named and excepted.")
    is_activity = rule.trigger == "activity"
    has_goods = bool(goods.products or goods.categories or goods.except_products or goods.except_categories)
    if is_activity and (has_goods or asked.minimum_minor is not None):
        yield RuleFault("/conditions", "goods_without_purchase", "An activity buys nothing.")
    elif rule.trigger == "purchase_line" and asked.minimum_minor is not None:
        yield RuleFault("/conditions/minimum_minor", "minimum_without_basket", "Only a basket has a minimum.")
    if is_activity != (asked.activity is not None):
        message = "Name the type of activity." if is_activity else "A purchase is no activity."
        yield RuleFault("/conditions/activity", "activity_missing", message)
    for field in ("channels", "tiers", "segments"):
        names = getattr(asked, field)
        if len(set(names)) < len(names):
            yield RuleFault(f"/conditions/{field}", "repeated", "One of them stands there twice.")


def _check_schedule(schedule: Schedule | None) -> Iterator[RuleFault]:
    if schedule is None:
        return
    where = "/conditions/schedule"
    first, last = schedule.first_day, schedule.last_day
    if first is not None and last is not None and last < first:
        yield RuleFault(where, "never_runs", "The last day lies before the first.")
    if schedule.from_time is not None and schedule.from_time == schedule.until_time:
        yield RuleFault(where, "never_runs", "The hours begin and end at the same time.")
    if len(set(schedule.weekdays)) < len(schedule.weekdays):
        yield RuleFault(f"{where}/weekdays", "repeated", "A weekday stands there twice.")


def _check_caps(rule: EarningRule) -> Iterator[RuleFault]:
    caps: Caps = rule.caps
    limits = [limit for limit in (caps.per_sale, caps.per_day, caps.per_period) if limit is not None]
    if limits != sorted(limits):
        yield RuleFault("/caps", "caps_disagree", "A sale's cap is at most the day's, a day's at most the period's.")
    if isinstance(rule.gives, Once | PerPiece) and limits and min(limits) < rule.gives.points:
        yield RuleFault("/caps", "cap_below_gift", f"The cap leaves no room for {rule.gives.points} points.")
