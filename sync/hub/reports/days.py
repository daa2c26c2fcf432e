"""pure: business days as text, counted and named. A business day is YYYY-MM-DD, a month YYYY-MM."""

import datetime as dt

from loyalty.errors import InvalidInput

DAYS_MAX = 800
"""The longest span one report covers: two years and what a comparison before them needs."""

_DAY_MS = 86_400_000


class WrongDays(InvalidInput):
    """These days cannot be reported on."""

    code, hint = "wrong_days", "Name days as YYYY-MM-DD, the first not after the last, and at most 800 of them."


def check_days(since: str | None, until: str | None, now_ms: int) -> tuple[str, str]:
    """The days that are meant: the last 28 up to today (UTC) where none are named. Raises WrongDays."""
    try:
        last = dt.date.fromisoformat(until) if until is not None else _today(now_ms)
        first = dt.date.fromisoformat(since) if since is not None else last - dt.timedelta(days=27)
    except (ValueError, OverflowError):
        raise WrongDays from None
    if not dt.timedelta(0) <= last - first < dt.timedelta(days=DAYS_MAX):
        raise WrongDays
    return first.isoformat(), last.isoformat()


def add_days(day: str, days: int) -> str:
    """The day so many days later; the first or last there is, where the calendar ends.

    >>> add_days("2026-02-27", 2)
    '2026-03-01'
    """
    number = dt.date.fromisoformat(day).toordinal() + days
    return dt.date.fromordinal(min(max(number, 1), dt.date.max.toordinal())).isoformat()


def days_between(first: str, last: str) -> int:
    """How many days `last` is after `first`."""
    return dt.date.fromisoformat(last).toordinal() - dt.date.fromisoformat(first).toordinal()


def list_days(since: str, until: str) -> list[str]:
    """Every day from the first to the last."""
    return [add_days(since, number) for number in range(days_between(since, until) + 1)]


def month_of(day: str) -> str:
    """The month of a day."""
    return day[:7]


def months_between(first: str, last: str) -> int:
    """How many months the month `last` is after `first`.

    >>> months_between("2025-11", "2026-02")
    3
    """
    return (int(last[:4]) - int(first[:4])) * 12 + int(last[5:7]) - int(first[5:7])


def weekday_of(day: str) -> int:
    """0 is Monday."""
    return dt.date.fromisoformat(day).weekday()


def day_number(ms: int) -> int:
    """Days since 1970 of a time in milliseconds (UTC)."""
    return ms // _DAY_MS


def time_text(ms: int | None) -> str | None:
    """A time as RFC 3339 in UTC, to the second."""
    if ms is None:
        return None
    return (dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=ms)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _today(now_ms: int) -> dt.date:
    return (dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=now_ms)).date()
