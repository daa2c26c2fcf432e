"""pure: when points begin to count and when they end, reckoned on the calendar of the program.

Months and years are counted on the calendar and clamp to the last day of a short month; the end is then moved to the
end of its day, month, quarter or year. Everything is reckoned in the program's time zone, so that a night with a
clock change is 23 or 25 hours long and the points still end at midnight. An end is the first instant that no longer
counts: "valid through 28 February" ends on 1 March, 00:00.

    begins (Warsaw)  | valid for | rounded to | ends (Warsaw)
    -----------------|-----------|------------|-----------------
    2026-01-31 14:00 | 1 month   |            | 2026-02-28 14:00
    2026-01-31 14:00 | 1 month   | day        | 2026-03-01 00:00
    2028-01-31 14:00 | 1 month   | day        | 2028-03-01 00:00   29 February counts
    2026-01-31 14:00 | 1 month   | month      | 2026-03-01 00:00
    2026-01-31 14:00 | 1 month   | quarter    | 2026-04-01 00:00
    2026-01-31 14:00 | 1 year    | year       | 2028-01-01 00:00
    2026-03-28 23:30 | 1 day     | day        | 2026-03-30 00:00   29 March has 23 hours

Whoever earns on the same day has points that end at the same instant, also at the stroke of midnight.
"""

import calendar
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

Unit = Literal["hour", "day", "month", "year"]
RoundTo = Literal["day", "month", "quarter", "year"]

_LONGEST: dict[str, int] = {"hour": 876_000, "day": 36_500, "month": 1_200, "year": 100}
_MONTHS: dict[str, int] = {"month": 1, "quarter": 3, "year": 12}


class Period(msgspec.Struct, frozen=True):
    """So many hours, days, months or years, the end moved up to the end of `round_to` if that is given."""

    count: int
    unit: Unit
    round_to: RoundTo | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for a count below 0 or beyond a century."""
        if not 0 <= self.count <= _LONGEST[self.unit]:
            raise ValueError(f"a period is 0 to {_LONGEST[self.unit]} {self.unit}s")


def end_of_period(begins_at: int, period: Period, timezone: str) -> int:
    """The instant at which `period` ends that begins at `begins_at`; both in milliseconds since 1970 UTC.

    `timezone` is an IANA name. The module's docstring has a worked table. A local time that a clock change leaves out
    is read on the clock before the change, so a midnight that does not exist is the instant of the change; a time that
    comes twice means the first.

    Raises ZoneInfoNotFoundError for an unknown time zone.
    """
    zone = ZoneInfo(timezone)
    begin = datetime.fromtimestamp(begins_at // 1000, zone)
    if period.unit == "hour":
        end = (begin.astimezone(UTC) + timedelta(hours=period.count)).astimezone(zone)
    elif period.unit == "day":
        end = begin + timedelta(days=period.count)
    else:
        months = period.count * (12 if period.unit == "year" else 1)
        end = datetime.combine(add_months(begin.date(), months), begin.timetz())
    if period.round_to is not None:
        return _start_of_day(day_after(end.date(), period.round_to), zone)
    return _milliseconds(end.replace(fold=end.fold if period.unit == "hour" else 0)) + begins_at % 1000


def end_of_day(now: int, days: int, timezone: str) -> int:
    """The end of the day that is `days` after the day of `now`: the grace for points that come back late."""
    return end_of_period(now, Period(days, "day", "day"), timezone)


def add_months(day: date, months: int) -> date:
    """The same day `months` later; the last day of that month where it is shorter: 31 January + 1 is 28 February."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def day_after(day: date, round_to: RoundTo) -> date:
    """The first day after the day, month, quarter or year that holds `day`."""
    if round_to == "day":
        return day + timedelta(days=1)
    months = _MONTHS[round_to]
    first = day.replace(day=1, month=(day.month - 1) // months * months + 1)
    return add_months(first, months)


def _start_of_day(day: date, zone: ZoneInfo) -> int:
    return _milliseconds(datetime(day.year, day.month, day.day, tzinfo=zone))


def _milliseconds(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp()) * 1000
