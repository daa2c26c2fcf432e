"""Points end when a calendar on the wall says so, also on the nights when the clock is changed."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.points.periods import Period, RoundTo, Unit, add_months, day_after, end_of_day, end_of_period

WARSAW = "Europe/Warsaw"


def local(text: str, zone: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


CASES = [
    ("2026-01-31 14:00", Period(1, "month"), WARSAW, "2026-02-28 14:00"),
    ("2026-01-31 14:00", Period(1, "month", "day"), WARSAW, "2026-03-01 00:00"),
    ("2028-01-31 14:00", Period(1, "month", "day"), WARSAW, "2028-03-01 00:00"),
    ("2026-01-31 14:00", Period(1, "month", "month"), WARSAW, "2026-03-01 00:00"),
    ("2026-01-31 14:00", Period(1, "month", "quarter"), WARSAW, "2026-04-01 00:00"),
    ("2026-01-31 14:00", Period(1, "year", "year"), WARSAW, "2028-01-01 00:00"),
    ("2028-02-29 14:00", Period(1, "year"), WARSAW, "2029-02-28 14:00"),
    ("2028-02-29 14:00", Period(4, "year"), WARSAW, "2032-02-29 14:00"),
    ("2026-11-30 00:00", Period(3, "month"), WARSAW, "2027-02-28 00:00"),
    ("2026-12-31 23:59", Period(0, "day", "day"), WARSAW, "2027-01-01 00:00"),
    ("2026-12-31 23:59", Period(0, "day", "quarter"), WARSAW, "2027-01-01 00:00"),
    ("2027-01-01 00:00", Period(0, "day", "day"), WARSAW, "2027-01-02 00:00"),
    ("2026-03-28 23:30", Period(1, "day", "day"), WARSAW, "2026-03-30 00:00"),
    ("2026-03-28 14:00", Period(1, "day"), WARSAW, "2026-03-29 14:00"),
    ("2026-10-24 14:00", Period(1, "day"), WARSAW, "2026-10-25 14:00"),
    ("2026-03-28 02:30", Period(1, "day"), WARSAW, "2026-03-29 03:30"),
    ("2026-08-31 10:00", Period(6, "month", "month"), "Asia/Seoul", "2027-03-01 00:00"),
    ("2026-03-08 10:00", Period(0, "day", "day"), "America/Havana", "2026-03-09 00:00"),
    ("2026-03-07 10:00", Period(0, "day", "day"), "America/Havana", "2026-03-08 01:00"),
]


@pytest.mark.parametrize(("begins", "period", "zone", "ends"), CASES)
def test_periods_end_on_the_calendar_of_the_program(begins: str, period: Period, zone: str, ends: str) -> None:
    assert end_of_period(local(begins, zone), period, zone) == local(ends, zone)


def test_a_day_with_a_clock_change_is_23_or_25_hours_long_and_hours_are_hours() -> None:
    hour = 3_600_000
    for begins, hours in (("2026-03-28 14:00", 23), ("2026-10-24 14:00", 25), ("2026-06-01 14:00", 24)):
        at = local(begins, WARSAW)
        assert end_of_period(at, Period(1, "day"), WARSAW) - at == hours * hour
        assert end_of_period(at, Period(24, "hour"), WARSAW) - at == 24 * hour


def test_the_grace_ends_at_the_end_of_a_day() -> None:
    assert end_of_day(local("2026-01-12 09:30", WARSAW), 14, WARSAW) == local("2026-01-27 00:00", WARSAW)


@pytest.mark.parametrize("period", [(-1, "day"), (101, "year"), (1201, "month")])
def test_a_period_nobody_could_mean_is_refused(period: tuple[int, Unit]) -> None:
    with pytest.raises(ValueError, match="a period is"):
        Period(*period)


@given(
    st.integers(0, 4_000_000_000_000),
    st.integers(0, 1200),
    st.sampled_from([None, "day", "month", "quarter", "year"]),
    st.sampled_from([WARSAW, "Asia/Tokyo", "America/Havana", "Australia/Lord_Howe", "UTC"]),
)
def test_a_longer_period_never_ends_sooner_and_rounding_never_shortens(
    begins_at: int, months: int, round_to: RoundTo | None, zone: str
) -> None:
    short = end_of_period(begins_at, Period(min(months, 1199), "month", round_to), zone)
    longer = end_of_period(begins_at, Period(min(months, 1199) + 1, "month", round_to), zone)
    plain = end_of_period(begins_at, Period(min(months, 1199), "month"), zone)
    assert short <= longer
    assert short >= plain
    if round_to is not None:
        assert short > plain
        end = datetime.fromtimestamp(short // 1000, ZoneInfo(zone))
        before = datetime.fromtimestamp(short // 1000 - 1, ZoneInfo(zone))
        assert end.date() > before.date()


@given(st.dates(date(1970, 1, 1), date(2200, 1, 1)), st.integers(0, 1200))
def test_months_clamp_to_the_last_day_and_never_spill_over(day: date, months: int) -> None:
    later = add_months(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == day.day or (later.day < day.day and day_after(later, "month").day == 1)
    assert later.day == day.day or day_after(later, "day").day == 1


def test_rounding_goes_to_the_first_day_of_what_follows() -> None:
    starts = {unit: day_after(date(2026, 5, 17), unit) for unit in ("day", "month", "quarter", "year")}
    assert starts == {
        "day": date(2026, 5, 18),
        "month": date(2026, 6, 1),
        "quarter": date(2026, 7, 1),
        "year": date(2027, 1, 1),
    }
    assert datetime(2026, 5, 17, tzinfo=UTC).date() < starts["day"]
