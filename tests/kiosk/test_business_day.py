"""The business day: the wall clock of the shop's own zone, less the cut-over, through every change of clocks."""

from datetime import datetime

import pytest

from kiosk.shifts.business_day import business_day, local_text, utc_text

FOUR = 4 * 60


def at(text: str) -> int:
    """Milliseconds of an RFC 3339 moment."""
    return int(datetime.fromisoformat(text).timestamp() * 1000)


DAYS = [
    # an ordinary evening and night in Warsaw (UTC+1)
    ("2026-11-21T22:59:59+00:00", "Europe/Warsaw", FOUR, "2026-11-21"),
    ("2026-11-22T02:59:59+00:00", "Europe/Warsaw", FOUR, "2026-11-21"),
    ("2026-11-22T03:00:00+00:00", "Europe/Warsaw", FOUR, "2026-11-22"),
    # no cut-over: midnight
    ("2026-11-21T22:59:59+00:00", "Europe/Warsaw", 0, "2026-11-21"),
    ("2026-11-21T23:00:00+00:00", "Europe/Warsaw", 0, "2026-11-22"),
    # clocks go forward in Warsaw on 2026-03-29: 02:00 is 03:00, and 04:00 is still when the day begins
    ("2026-03-29T01:59:59+00:00", "Europe/Warsaw", FOUR, "2026-03-28"),
    ("2026-03-29T02:00:00+00:00", "Europe/Warsaw", FOUR, "2026-03-29"),
    # clocks go back in Warsaw on 2026-10-25: 02:30 happens twice, both belong to the 24th
    ("2026-10-25T00:30:00+00:00", "Europe/Warsaw", FOUR, "2026-10-24"),
    ("2026-10-25T01:30:00+00:00", "Europe/Warsaw", FOUR, "2026-10-24"),
    ("2026-10-25T02:59:59+00:00", "Europe/Warsaw", FOUR, "2026-10-24"),
    ("2026-10-25T03:00:00+00:00", "Europe/Warsaw", FOUR, "2026-10-25"),
    # a cut-over inside the hour that happens twice: the wall clock decides, so the day turns twice
    ("2026-10-25T00:29:00+00:00", "Europe/Warsaw", 150, "2026-10-24"),
    ("2026-10-25T00:30:00+00:00", "Europe/Warsaw", 150, "2026-10-25"),
    ("2026-10-25T01:29:00+00:00", "Europe/Warsaw", 150, "2026-10-24"),
    ("2026-10-25T01:30:00+00:00", "Europe/Warsaw", 150, "2026-10-25"),
    # no change of clocks, nine hours ahead
    ("2026-11-21T18:59:59+00:00", "Asia/Seoul", FOUR, "2026-11-21"),
    ("2026-11-21T19:00:00+00:00", "Asia/Seoul", FOUR, "2026-11-22"),
    ("2026-12-31T18:59:59+00:00", "Asia/Tokyo", FOUR, "2026-12-31"),
    ("2026-12-31T19:00:00+00:00", "Asia/Tokyo", FOUR, "2027-01-01"),
    # behind UTC; clocks go forward on 2026-03-08 and back on 2026-11-01
    ("2026-03-08T07:59:59+00:00", "America/New_York", FOUR, "2026-03-07"),
    ("2026-03-08T08:00:00+00:00", "America/New_York", FOUR, "2026-03-08"),
    ("2026-11-01T08:59:59+00:00", "America/New_York", FOUR, "2026-10-31"),
    ("2026-11-01T09:00:00+00:00", "America/New_York", FOUR, "2026-11-01"),
    # a leap day
    ("2028-02-29T02:00:00+00:00", "Europe/Warsaw", FOUR, "2028-02-28"),
    ("2028-03-01T02:00:00+00:00", "Europe/Warsaw", FOUR, "2028-02-29"),
]


@pytest.mark.parametrize(("moment", "zone", "cutover", "day"), DAYS)
def test_a_moment_belongs_to_the_day_of_the_shops_wall_clock(moment: str, zone: str, cutover: int, day: str) -> None:
    assert business_day(at(moment), zone, cutover) == day


def test_papers_show_the_wall_clock_and_answers_show_utc() -> None:
    moment = at("2026-07-01T12:30:15.250+00:00")
    assert local_text(moment, "Europe/Warsaw") == "2026-07-01 14:30"
    assert local_text(moment, "Asia/Seoul") == "2026-07-01 21:30"
    assert utc_text(moment) == "2026-07-01T12:30:15.250Z"
