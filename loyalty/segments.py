"""pure: groups of members that a shop makes by rule: lately, often, much, or of which department they buy.

A rule looks back over `days` and asks for a number of visits, an amount, and how long ago the last visit must be.
Nobody is told of a segment: it is how the shop sees people.

    >>> families = SegmentRule("families", days=90, min_visits=4, departments=("BABY",))
    >>> visits = [Visit(dt.date(2026, 11, day), {"BABY": 900, "DAIRY": 400}) for day in (2, 9, 16, 20)]
    >>> find_segments([families, SegmentRule("asleep", days=365, min_visits=1, silent_days=60)], visits,
    ...               dt.date(2026, 11, 21))
    frozenset({'families'})
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

from msgspec import Meta, Struct

_Days = Annotated[int, Meta(ge=1, le=3_650)]


class SegmentRule(Struct, frozen=True, forbid_unknown_fields=True):
    """Members with `min_visits` or more in the last `days`, who spent `min_spend_minor` or more on the departments
    (all where none is named) and whose last visit lies `silent_days` or more back (0: any time in the days)."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    days: _Days = 365
    min_visits: Annotated[int, Meta(ge=0, le=10_000)] = 1
    min_spend_minor: Annotated[int, Meta(ge=0, le=10**12)] = 0
    silent_days: Annotated[int, Meta(ge=0, le=3_650)] = 0
    departments: Annotated[tuple[str, ...], Meta(max_length=100)] = ()


class Visit(Struct, frozen=True):
    """A sale to the member: the local day, and what was kept of it by department in minor units. Of a sale that came
    back whole nothing is left: it was no visit."""

    day: dt.date
    spent_minor: Mapping[str, int]


def find_segments(rules: Sequence[SegmentRule], visits: Iterable[Visit], today: dt.date) -> frozenset[str]:
    """The segments a member is in today. Visits after today do not count: a clock was wrong."""
    past = [visit for visit in visits if visit.day <= today]
    return frozenset(rule.name for rule in rules if _is_in(rule, past, today))


def days_needed(rules: Iterable[SegmentRule]) -> int:
    """How many days of visits the rules look back."""
    return max((rule.days for rule in rules), default=0)


def _is_in(rule: SegmentRule, visits: Sequence[Visit], today: dt.date) -> bool:
    since = today - dt.timedelta(days=rule.days)
    wanted = frozenset(rule.departments)
    counted = [(visit.day, spent) for visit in visits if visit.day > since and (spent := _spent(visit, wanted)) > 0]
    if len(counted) < rule.min_visits or sum([spent for _, spent in counted]) < rule.min_spend_minor:
        return False
    newest = max((day for day, _ in counted), default=None)
    return newest is None or (today - newest).days >= rule.silent_days


def _spent(visit: Visit, wanted: frozenset[str]) -> int:
    return sum([minor for department, minor in visit.spent_minor.items() if not wanted or department in wanted])
