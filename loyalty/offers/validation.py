"""pure: which offers are refused when they are made, because nobody could explain them to a shopper afterwards.

`validate_offer` answers everything it finds, so that an offer can be mended in one go. Each fault carries a sentence;
this table is the whole of the rules.

    code                      | refused because
    --------------------------|------------------------------------------------------------------------------
    title_missing             | the receipt would have nothing to print
    no_discount               | zero percent, or a step or bundle that is no cheaper
    free_for_all              | everything free for everybody without any condition
    price_for_everything      | one fixed price, bundle, set or gift over all the shop sells
    contradiction             | a product or category is named and excepted at once
    overlapping_goods         | nobody could say which of two roles a piece plays
    pieces_without_meaning    | a number of pieces on an offer that does not go by the piece
    one_piece_bundle          | a bundle of one piece is a fixed price
    steps_unordered           | more pieces must always be better, and steps of one kind
    two_thresholds            | money and pieces, or two counts of pieces, to be reached at once
    empty_minimum             | a minimum of nothing
    pays_the_shopper          | more off than the minimum asks to be spent
    minimum_of_gifts          | the gift would have to be bought to get the gift
    gift_for_all              | a gift on no condition is a price
    guest_has_none            | segment, tier, first purchase or a limit per member without requiring a member
    never_runs                | the last day before the first, hours without length, weekdays that do not occur
    repeated                  | the same weekday or channel twice
    limits_disagree           | a limit that a smaller one keeps from ever being reached
    budget_too_small          | the budget does not pay for a single use
    used_once                 | a limit of uses in one sale on an effect that has at most one

    >>> offer = Offer(format=1, id="X", version=1, title={"en": "All"}, effect=PercentOff(percent="100"))
    >>> [fault.code for fault in validate_offer(offer)]
    ['free_for_all']
"""

import datetime as dt
import itertools
from collections.abc import Iterator

import msgspec

from loyalty.offers.book import goods_of
from loyalty.offers.offer import (
    WHOLE_PERCENT,
    AmountOff,
    Bundle,
    BuyGet,
    Conditions,
    Effect,
    FixedPrice,
    Gift,
    Goods,
    Minimum,
    Offer,
    PercentOff,
    Schedule,
    Steps,
    hundredths,
)


class OfferFault(msgspec.Struct, frozen=True):
    """One thing that is wrong with an offer: where (a JSON Pointer into it), what, and a sentence for its author."""

    pointer: str
    code: str
    message: str


def validate_offer(offer: Offer) -> list[OfferFault]:
    """Everything that is wrong with the offer; empty when it may be published. See the table of the module."""
    return [
        *_check_title(offer),
        *_check_effect(offer.effect),
        *_check_goods(offer),
        *_check_minimum(offer),
        *_check_generosity(offer),
        *_check_member(offer),
        *_check_conditions(offer.conditions),
        *_check_limits(offer),
    ]


def _check_title(offer: Offer) -> Iterator[OfferFault]:
    if not any(title.strip() for title in offer.title.values()):
        yield OfferFault("/title", "title_missing", "Give the offer a title in at least one language.")


def _check_effect(effect: Effect) -> Iterator[OfferFault]:
    if isinstance(effect, PercentOff | BuyGet) and hundredths(effect.percent) == 0:
        yield OfferFault("/effect/percent", "no_discount", "Zero percent is no discount.")
    if isinstance(effect, AmountOff) and effect.at_most_pieces is not None and not effect.each:
        yield OfferFault(
            "/effect/at_most_pieces", "pieces_without_meaning", "An amount off once does not go by pieces."
        )
    if isinstance(effect, Bundle) and sum(part.pieces for part in effect.parts) < 2:
        yield OfferFault(
            "/effect/parts", "one_piece_bundle", "A bundle has two pieces or more; else set a fixed price."
        )
    if isinstance(effect, Steps):
        yield from _check_steps(effect)


def _check_steps(effect: Steps) -> Iterator[OfferFault]:
    steps = effect.steps
    if not steps or any((step.percent is None) == (step.price_minor is None) for step in steps):
        yield OfferFault(
            "/effect/steps", "steps_unordered", "Each step has either percent or a price, and there is one."
        )
        return
    if len({step.percent is None for step in steps}) > 1:
        yield OfferFault("/effect/steps", "steps_unordered", "Use percent in all steps, or prices in all.")
        return
    if steps[0].from_pieces < 2:
        yield OfferFault(
            "/effect/steps/0/from_pieces", "steps_unordered", "A step from 1 piece on is a plain discount."
        )
    if steps[0].percent is not None and hundredths(steps[0].percent) == 0:
        yield OfferFault("/effect/steps/0/percent", "no_discount", "Zero percent is no discount.")
    for place, (step, following) in enumerate(itertools.pairwise(steps), 1):
        better = (
            hundredths(following.percent) > hundredths(step.percent)
            if step.percent is not None and following.percent is not None
            else (following.price_minor or 0) < (step.price_minor or 0)
        )
        if following.from_pieces <= step.from_pieces or not better:
            message = "Each further step needs more pieces and must be better."
            yield OfferFault(f"/effect/steps/{place}", "steps_unordered", message)


def _check_goods(offer: Offer) -> Iterator[OfferFault]:
    effect = offer.effect
    roles = goods_of(effect)
    if not roles:
        yield OfferFault("/effect/parts", "one_piece_bundle", "A bundle has two pieces or more.")
    for goods in (*roles, *([offer.conditions.minimum.goods] if offer.conditions.minimum else [])):
        both = {*goods.products} & {*goods.except_products} or {*goods.categories} & {*goods.except_categories}
        if both:
            yield OfferFault("/effect", "contradiction", f"{min(both)} is named and excepted at once.")
    if isinstance(effect, FixedPrice | BuyGet | Bundle | Gift) and any(goods.is_everything for goods in roles):
        yield OfferFault("/effect", "price_for_everything", "Name the products or categories this is about.")
    for place, goods in enumerate(roles):
        if any(_share_a_name(goods, other) for other in roles[:place]):
            message = "The same goods are named twice: a piece would be bought and given, or in two parts."
            yield OfferFault("/effect", "overlapping_goods", message)


def _share_a_name(one: Goods, other: Goods) -> bool:
    return not {*one.products}.isdisjoint(other.products) or not {*one.categories}.isdisjoint(other.categories)


def _check_minimum(offer: Offer) -> Iterator[OfferFault]:
    minimum, effect = offer.conditions.minimum, offer.effect
    if minimum is None:
        return
    pointer = "/conditions/minimum"
    if minimum.amount_minor is None and minimum.pieces is None:
        yield OfferFault(pointer, "empty_minimum", "Say how much money or how many pieces, or leave the minimum out.")
    if minimum.amount_minor is not None and minimum.pieces is not None:
        yield OfferFault(pointer, "two_thresholds", "Ask for money or for pieces, not for both.")
    if minimum.pieces is not None and isinstance(effect, BuyGet | Bundle | Steps):
        yield OfferFault(pointer, "two_thresholds", "This offer counts its own pieces already.")
    asked_minor = minimum.amount_minor
    if isinstance(effect, AmountOff) and not effect.each and asked_minor and asked_minor < effect.amount_minor:
        yield OfferFault(pointer, "pays_the_shopper", "It takes more off than it asks to be spent.")
    if isinstance(effect, Gift) and _lies_within(minimum, effect.goods):
        yield OfferFault(pointer, "minimum_of_gifts", "Gifts do not count for the minimum, and it counts nothing else.")


def _lies_within(minimum: Minimum, gift: Goods) -> bool:
    goods = minimum.goods
    return (
        not goods.is_everything and {*goods.products} <= {*gift.products} and {*goods.categories} <= {*gift.categories}
    )


def _check_generosity(offer: Offer) -> Iterator[OfferFault]:
    effect, conditions = offer.effect, offer.conditions
    if offer.trigger == "coupon" or conditions != Conditions(
        schedule=conditions.schedule, channels=conditions.channels
    ):
        return
    everything = isinstance(effect, PercentOff) and effect.goods.is_everything and effect.at_most_pieces is None
    if everything and isinstance(effect, PercentOff) and hundredths(effect.percent) == WHOLE_PERCENT:
        yield OfferFault("/effect", "free_for_all", "This gives everything in the shop away.")
    if isinstance(effect, Gift):
        yield OfferFault("/conditions", "gift_for_all", "Ask for a minimum, a member or a coupon; else set a price.")


def _check_member(offer: Offer) -> Iterator[OfferFault]:
    conditions = offer.conditions
    if conditions.member_required:
        return
    asked = {
        "/conditions/segments": bool(conditions.segments),
        "/conditions/tiers": bool(conditions.tiers),
        "/conditions/first_purchase": conditions.first_purchase,
        "/limits/per_member": offer.limits.per_member is not None,
    }
    for pointer, is_asked in asked.items():
        if is_asked:
            yield OfferFault(pointer, "guest_has_none", "Only members have this: require a member, too.")


def _check_conditions(conditions: Conditions) -> Iterator[OfferFault]:
    if len(set(conditions.channels)) < len(conditions.channels):
        yield OfferFault("/conditions/channels", "repeated", "A channel is named twice.")
    schedule = conditions.schedule
    if schedule is None:
        return
    if len(set(schedule.weekdays)) < len(schedule.weekdays):
        yield OfferFault("/conditions/schedule/weekdays", "repeated", "A weekday is named twice.")
    if not _has_a_day(schedule):
        yield OfferFault("/conditions/schedule", "never_runs", "No day fits first day, last day and weekdays.")
    begin, end = schedule.from_time, schedule.until_time
    if (begin is None) != (end is None) or (begin is not None and begin == end):
        yield OfferFault("/conditions/schedule", "never_runs", "Give the hour it begins and another at which it ends.")
    if any(time is not None and time.tzinfo is not None for time in (begin, end)):
        yield OfferFault("/conditions/schedule", "never_runs", "Hours are the shop's local time, without a zone.")


def _has_a_day(schedule: Schedule) -> bool:
    first, last = schedule.first_day, schedule.last_day
    if first is None or last is None:
        return True
    span = (last - first).days
    days = [first + dt.timedelta(days=offset) for offset in range(min(span + 1, 7))]
    return any(not schedule.weekdays or day.isoweekday() in schedule.weekdays for day in days)


def _check_limits(offer: Offer) -> Iterator[OfferFault]:
    limits, effect = offer.limits, offer.effect
    rising = [n for n in (limits.per_sale, limits.per_member, limits.total) if n is not None]
    if rising != sorted(rising):
        yield OfferFault("/limits", "limits_disagree", "Per sale, per member and total must not become smaller.")
    if limits.per_sale is not None and not isinstance(effect, BuyGet | Bundle):
        yield OfferFault("/limits/per_sale", "used_once", "This offer is used at most once in a sale anyway.")
    if isinstance(effect, AmountOff) and limits.budget_minor is not None and limits.budget_minor < effect.amount_minor:
        yield OfferFault("/limits/budget_minor", "budget_too_small", "The budget does not pay for a single use.")
