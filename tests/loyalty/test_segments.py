"""Segments by rule: how lately, how often, how much, of which department."""

import datetime as dt
import doctest

import pytest

from loyalty import segments
from loyalty.segments import SegmentRule, Visit, days_needed, find_segments

TODAY = dt.date(2026, 11, 21)


def visits(*ago: int, **spent: int) -> list[Visit]:
    return [Visit(TODAY - dt.timedelta(days=days), spent or {"DAIRY": 500}) for days in ago]


def test_the_example_of_the_module_holds() -> None:
    assert doctest.testmod(segments).failed == 0


@pytest.mark.parametrize(
    ("rule", "history", "is_in"),
    [
        (SegmentRule("x", days=30, min_visits=2), visits(0, 29), True),
        (SegmentRule("x", days=30, min_visits=2), visits(0, 30), False),
        (SegmentRule("x", days=30, min_spend_minor=1000), visits(1, 2), True),
        (SegmentRule("x", days=30, min_spend_minor=1001), visits(1, 2), False),
        (SegmentRule("x", departments=("BABY",)), visits(1, BABY=1, DAIRY=999), True),
        (SegmentRule("x", departments=("BABY",)), visits(1), False),
        (SegmentRule("x", silent_days=60), visits(60, 90), True),
        (SegmentRule("x", silent_days=60), visits(59, 90), False),
        (SegmentRule("x"), visits(5, DAIRY=0), False),
        (SegmentRule("x"), visits(-1), False),
        (SegmentRule("x", days=90, min_visits=0), [], True),
    ],
)
def test_a_member_is_in_a_segment_by_its_rule(rule: SegmentRule, history: list[Visit], is_in: bool) -> None:
    assert find_segments([rule], history, TODAY) == (frozenset({"x"}) if is_in else frozenset())


def test_as_many_days_are_read_as_the_rules_look_back() -> None:
    assert days_needed([SegmentRule("a", days=30), SegmentRule("b", days=90)]) == 90
    assert days_needed([]) == 0
