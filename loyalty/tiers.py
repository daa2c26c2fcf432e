"""pure: which tier a member is in, what is missing to the next, and until when it holds. A function of what was bought
and of the moment, so time writes nothing.

What counts is what was earned or spent in the `months` before a moment. A tier is reached the moment its threshold is;
it is looked at anew only on review days (the first of each month, quarter or year) and, where it is lost there, kept
for `grace_days` more. So a return lowers what counts at once, but no tier is lost at the till:

    ladder silver 500, gold 1000; 12 months; reviewed on the first of each quarter; 14 days of grace

    day        | what happens      | counts | tier
    -----------|-------------------|--------|------------------------------------------
    10 January | 1,100 spent       |  1,100 | gold
    12 January | 300 come back     |    800 | gold: nothing is lost at the till
     1 April   | review            |    800 | gold for 14 more days
    15 April   | the grace is over |    800 | silver
    20 April   | 250 spent         |  1,050 | gold again
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

from loyalty.points.periods import add_months

Measure = Literal["points", "spend"]
Review = Literal["month", "quarter", "year"]
_REVIEW_MONTHS: dict[Review, int] = {"month": 1, "quarter": 3, "year": 12}
_SHORTEST_DAYS: dict[Review, int] = {"month": 28, "quarter": 90, "year": 365}


class Level(Struct, frozen=True, forbid_unknown_fields=True):
    """A tier and what it takes: points, or minor units of money."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    threshold: Annotated[int, Meta(ge=1, le=10**12)]


class Ladder(Struct, frozen=True, kw_only=True):
    """The tiers of a shop from the lowest to the highest."""

    levels: tuple[Level, ...] = ()
    measure: Measure = "spend"
    months: int = 12
    review: Review = "year"
    grace_days: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError for tiers that are not in order, or a grace as long as the time between two reviews."""
        thresholds = [level.threshold for level in self.levels]
        if thresholds != sorted(set(thresholds)) or len({level.name for level in self.levels}) < len(self.levels):
            raise ValueError("tiers rise, and each has a name of its own")
        if not 1 <= self.months <= 120:
            raise ValueError("what counts is counted over 1 to 120 months")
        if not 0 <= self.grace_days < _SHORTEST_DAYS[self.review]:
            raise ValueError("the grace is shorter than the time between two reviews")

    def level_for(self, amount: int) -> int:
        """The place of the highest tier that `amount` reaches, counted from 1; 0 below the lowest."""
        return sum([level.threshold <= amount for level in self.levels])


class Qualifying(Struct, frozen=True):
    """Something that counts: bought at `at`, or come back at `at` of what was bought at `of` (then below nothing).
    Local times without a zone."""

    at: dt.datetime
    amount: int
    of: dt.datetime


class Standing(Struct, frozen=True, kw_only=True):
    """A member's tier, None below the lowest. `amount` is what counts now; `missing` how much more takes her to `next`;
    `holds_until` the first day on which the tier may be lower, as things stand, None where it cannot."""

    tier: str | None = None
    amount: int = 0
    next: str | None = None
    missing: int = 0
    holds_until: dt.date | None = None


def find_standing(ladder: Ladder, events: Iterable[Qualifying], now: dt.datetime) -> Standing:
    """The member's tier at `now` from everything that counts since `reads_from(ladder, now)`; more does no harm.

    The order of the events does not matter.
    """
    known = sorted((event for event in events if event.at <= now), key=lambda event: event.at)
    reached = _level_at(ladder, known, now)
    amount = _sum(ladder, known, now)
    level = ladder.levels[reached] if reached < len(ladder.levels) else None
    return Standing(
        tier=ladder.levels[reached - 1].name if reached else None,
        amount=amount,
        next=level.name if level else None,
        missing=max(level.threshold - amount, 0) if level else 0,
        holds_until=_holds_until(ladder, known, now, reached) if reached else None,
    )


def reads_from(ladder: Ladder, now: dt.datetime) -> dt.datetime:
    """From when on events must be known: what the review before the last one looked at."""
    last = _review_before(ladder, now)
    return _months_before(_review_before(ladder, last - dt.timedelta(microseconds=1)), ladder.months)


def _level_at(ladder: Ladder, events: Sequence[Qualifying], now: dt.datetime) -> int:
    """The highest of: what the last review found, what was reached since, and in the days of grace what held before.

    The grace is shorter than the time between reviews, so what held before the last review was decided by the one
    before it alone: the second step needs no third.
    """
    review = _review_before(ladder, now)
    reached = _reached_since(ladder, events, review, now)
    if now < review + dt.timedelta(days=ladder.grace_days):
        before = _review_before(ladder, review - dt.timedelta(microseconds=1))
        reached = max(reached, _reached_since(ladder, events, before, review - dt.timedelta(microseconds=1)))
    return reached


def _reached_since(ladder: Ladder, events: Sequence[Qualifying], review: dt.datetime, until: dt.datetime) -> int:
    """What the review found, or whatever was reached at any moment from then to `until`."""
    most = max([_sum(ladder, events, review, before=True), *_sums_between(ladder, events, review, until)])
    return ladder.level_for(most)


def _sum(ladder: Ladder, events: Sequence[Qualifying], moment: dt.datetime, *, before: bool = False) -> int:
    """What counts at a moment: bought in the months before it, less what came back of that. `before`: without what
    happens at this very moment, as a review at midnight counts the days that are over."""
    start = _months_before(moment, ladder.months)
    return sum(
        event.amount
        for event in events
        if event.of > start and (event.at < moment or (event.at == moment and not before))
    )


def _sums_between(ladder: Ladder, events: Sequence[Qualifying], first: dt.datetime, last: dt.datetime) -> Iterator[int]:
    """`_sum` at each event from `first` to `last`, in one sweep: an event comes in when it happens and goes out when
    what it is of has left the months that count. `events` are in the order they happened."""
    leaving = sorted(range(len(events)), key=lambda place: events[place].of)
    gone: set[int] = set()
    inside, out = 0, 0
    for place, event in enumerate(events):
        if event.at > last:
            return
        start = _months_before(event.at, ladder.months)
        while out < len(leaving) and events[leaving[out]].of <= start:
            gone.add(leaving[out])
            inside -= events[leaving[out]].amount if leaving[out] < place else 0
            out += 1
        inside += event.amount if place not in gone else 0
        if event.at >= first:
            yield inside


def _holds_until(ladder: Ladder, events: Sequence[Qualifying], now: dt.datetime, reached: int) -> dt.date | None:
    """The day on which the next review, or the grace that is running, would lower the tier if nothing else happened."""
    review = _review_before(ladder, now)
    grace = dt.timedelta(days=ladder.grace_days)
    if _reached_since(ladder, events, review, now) < reached:
        return (review + grace).date()
    months = _REVIEW_MONTHS[ladder.review]
    # Whatever is bought falls out of the window one day, so a tier is lost within months + one review at the latest.
    for _ in range(ladder.months // months + 2):
        review = _midnight(add_months(review.date(), months))
        if ladder.level_for(_sum(ladder, events, review, before=True)) < reached:
            return (review + grace).date()
    return None


def _review_before(ladder: Ladder, moment: dt.datetime) -> dt.datetime:
    """The last review day at or before a moment, at midnight."""
    months = _REVIEW_MONTHS[ladder.review]
    return _midnight(moment.date().replace(day=1, month=(moment.month - 1) // months * months + 1))


def _months_before(moment: dt.datetime, months: int) -> dt.datetime:
    return dt.datetime.combine(add_months(moment.date(), -months), moment.time())


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time())
