"""pure: may this offer run here, now, for this shopper? What is in the way is answered as data, not only as no.

>>> friday = Schedule(weekdays=(5,), from_time=dt.time(17), until_time=dt.time(20))
>>> str(next_opening(friday, dt.datetime(2026, 11, 26, 9, 0)))
'2026-11-27 17:00:00'
>>> is_running(friday, dt.datetime(2026, 11, 27, 19, 59)), is_running(friday, dt.datetime(2026, 11, 27, 20))
(True, False)
"""

import datetime as dt
from typing import NamedTuple

from loyalty.offers.context import OfferContext, Remaining
from loyalty.offers.offer import Conditions, Offer, Schedule
from loyalty.offers.outcome import Code

NEAR_DAYS = 7
"""An offer that begins later than this is no near miss."""
_ONE_DAY = dt.timedelta(days=1)
_MIDNIGHT = dt.time()


class Obstacle(NamedTuple):
    """One thing in the way. `near`: the shopper could do something about it and may be told unasked."""

    code: Code
    parameters: dict[str, int | str]
    near: bool = False


def _is_day(schedule: Schedule, day: dt.date) -> bool:
    return (
        (schedule.first_day is None or schedule.first_day <= day)
        and (schedule.last_day is None or day <= schedule.last_day)
        and (not schedule.weekdays or day.isoweekday() in schedule.weekdays)
    )


def is_running(schedule: Schedule, at: dt.datetime) -> bool:
    """Whether `at`, local time, lies in the schedule.

    hours         | weekdays | at               | runs
    --------------|----------|------------------|--------------------------------
    17:00 - 20:00 | 5        | Friday 17:00     | yes
    17:00 - 20:00 | 5        | Friday 20:00     | no
    22:00 - 02:00 | 5        | Saturday 01:59   | yes: the hours began on Friday
    22:00 - 02:00 | 5        | Friday 01:00     | no: those began on Thursday
    """
    day, time = at.date(), at.time()
    begin, end = schedule.from_time or _MIDNIGHT, schedule.until_time
    if end is None or begin < end:
        return _is_day(schedule, day) and begin <= time and (end is None or time < end)
    if time >= begin:
        return _is_day(schedule, day)
    return time < end and _is_day(schedule, day - _ONE_DAY)


def next_opening(schedule: Schedule, at: dt.datetime) -> dt.datetime | None:
    """When the schedule begins next after `at`, within NEAR_DAYS; None when it does not."""
    for days in range(NEAR_DAYS + 1):
        day = at.date() + dt.timedelta(days=days)
        opening = dt.datetime.combine(day, schedule.from_time or _MIDNIGHT)
        if _is_day(schedule, day) and opening > at:
            return opening
    return None


def find_obstacles(offer: Offer, context: OfferContext) -> list[Obstacle]:
    """Everything but money, pieces and limits that keeps the offer from this sale; empty when it may run."""
    conditions = offer.conditions
    found = _member_obstacles(conditions, context)
    if offer.trigger == "coupon" and context.coupons.get(offer.id, 0) < 1:
        found.append(Obstacle(Code.NOT_FOR_YOU, {}))
    if conditions.channels and context.channel not in conditions.channels:
        found.append(Obstacle(Code.IN_CHANNEL, {"channels": ",".join(conditions.channels)}, near=True))
    schedule = conditions.schedule
    if schedule is not None and not is_running(schedule, context.at):
        opening = next_opening(schedule, context.at)
        if opening is None:
            found.append(Obstacle(Code.NOT_NOW, {}))
        elif opening.date() == context.at.date():
            found.append(Obstacle(Code.FROM_TIME, {"time": opening.strftime("%H:%M")}, near=True))
        else:
            found.append(Obstacle(Code.FROM_DAY, {"day": opening.date().isoformat()}, near=True))
    return found


def _member_obstacles(conditions: Conditions, context: OfferContext) -> list[Obstacle]:
    """Segments are how head office sees people; a shopper is never told which one she is not in."""
    member = context.member
    personal = bool(conditions.segments or conditions.tiers or conditions.first_purchase)
    if member is None:
        if not (conditions.member_required or personal):
            return []
        # Without a card nothing else can be known: to say that the card is enough could be a lie.
        return [Obstacle(Code.WITH_CARD, {}, near=not personal)]
    found = []
    if conditions.segments and member.segments.isdisjoint(conditions.segments):
        found.append(Obstacle(Code.NOT_FOR_YOU, {}))
    if conditions.tiers and member.tier not in conditions.tiers:
        found.append(Obstacle(Code.WITH_TIER, {"tiers": ",".join(conditions.tiers)}, near=True))
    if conditions.first_purchase and not member.first_purchase:
        found.append(Obstacle(Code.ONLY_FIRST_PURCHASE, {}))
    return found


class Allowance(NamedTuple):
    """How many uses the limits leave, how much money, and which limit is in the way when they leave nothing."""

    uses: int
    budget_minor: int | None
    code: Code | None = None


_MOST_USES = 10**12
_NOT_READ = Remaining()
ENDLESS = Allowance(_MOST_USES, None)
"""What an offer without limits leaves. No cart has so many pieces."""


def find_allowance(offer: Offer, context: OfferContext) -> Allowance:
    """What the limits of the offer leave for this sale. A limit whose rest is not known leaves nothing: see context."""
    limits = offer.limits
    remaining = context.remaining.get(offer.id, _NOT_READ)
    uses = _MOST_USES if limits.per_sale is None else limits.per_sale
    if offer.trigger == "coupon":
        uses = min(uses, context.coupons.get(offer.id, 0))
    for limit, left in ((limits.per_member, remaining.member_uses), (limits.total, remaining.total_uses)):
        if limit is None:
            continue
        if left is None:
            return Allowance(0, 0, Code.LIMIT_UNKNOWN)
        if left < 1:
            return Allowance(0, 0, Code.LIMIT_REACHED)
        uses = min(uses, left)
    if limits.budget_minor is None:
        return Allowance(uses, None)
    if remaining.budget_minor is None:
        return Allowance(0, 0, Code.LIMIT_UNKNOWN)
    return Allowance(uses, remaining.budget_minor, Code.BUDGET_USED_UP if remaining.budget_minor < 1 else None)
