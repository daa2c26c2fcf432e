"""pure: what an earning rule may ask about the moment: when, where, for whom, and how much of its caps is used up.

>>> saturday = EarningContext(at=dt.datetime(2026, 11, 28, 10), channel="till", tier="gold",
...                           used={"coffee": Used(day=30, period=80)})
>>> room_of(Caps(per_sale=50, per_day=60, per_period=100), saturday.used.get("coffee"))
20
"""

import datetime as dt
from collections.abc import Mapping

import msgspec

from loyalty.earning_rules.rule import CapPeriod, Caps, EarningRule
from loyalty.offers.conditions import is_running
from loyalty.offers.offer import Channel


class Used(msgspec.Struct, frozen=True):
    """Points that a rule, in any version, gave this member already: on this business day, in this period."""

    day: int = 0
    period: int = 0


class EarningContext(msgspec.Struct, frozen=True, kw_only=True):
    """One earning as rules see it. `at` is the shop's local time without a zone."""

    at: dt.datetime
    channel: Channel
    tier: str | None = None
    segments: frozenset[str] = frozenset()
    used: Mapping[str, Used] = {}

    def __post_init__(self) -> None:
        """Raises ValueError for a time with a zone: rules are written for the clock on the shop's wall."""
        if self.at.tzinfo is not None:
            raise ValueError("earning rules need the shop's local time without a zone")


def is_met(rule: EarningRule, context: EarningContext) -> bool:
    """Whether the rule holds for this member, here and now, whatever is bought."""
    asked = rule.conditions
    return (
        (not asked.tiers or context.tier in asked.tiers)
        and (not asked.segments or not context.segments.isdisjoint(asked.segments))
        and (not asked.channels or context.channel in asked.channels)
        and (asked.schedule is None or is_running(asked.schedule, context.at))
    )


def room_of(caps: Caps, used: Used | None) -> int | None:
    """The most points a rule may still give in this sale; None without a cap.

    caps: sale, day, period | used: day, period | room
    ------------------------|-------------------|-----
      50,  60, 100          |    0,   0         |   50
      50,  60, 100          |   30,  80         |   20
       -,  60,   -          |   70,   0         |    0
       -,   -,   -          |    5,   5         | none
    """
    gone = used or Used()
    rooms = [
        limit - taken
        for limit, taken in ((caps.per_sale, 0), (caps.per_day, gone.day), (caps.per_period, gone.period))
        if limit is not None
    ]
    return max(min(rooms), 0) if rooms else None


def first_day(day: dt.date, period: CapPeriod) -> dt.date:
    """The first day of the calendar period that holds `day`; a week begins on Monday.

    >>> [first_day(dt.date(2026, 11, 21), period).isoformat() for period in ("week", "month", "quarter", "year")]
    ['2026-11-16', '2026-11-01', '2026-10-01', '2026-01-01']
    """
    if period == "week":
        return day - dt.timedelta(days=day.weekday())
    if period == "month":
        return day.replace(day=1)
    if period == "quarter":
        return day.replace(day=1, month=(day.month - 1) // 3 * 3 + 1)
    return day.replace(day=1, month=1)
