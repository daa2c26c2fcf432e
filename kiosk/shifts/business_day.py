"""pure: which day a moment belongs to. Business day = the date in the store's time zone, moved back by the day's
cut-over.

>>> business_day(1_763_690_400_000, "Europe/Warsaw", 4 * 60)     # 03:00 in Warsaw on the 21st, before 04:00
'2025-11-20'
"""

import functools
import zoneinfo
from datetime import UTC, datetime, timedelta


@functools.cache
def _zone(name: str) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(name)


def business_day(at_ms: int, time_zone: str, cutover_minutes: int) -> str:
    """The business day (YYYY-MM-DD) of a moment (ms since 1970 UTC). Local wall time counts, so DST moves nothing
    else."""
    local = _at(at_ms).astimezone(_zone(time_zone)).replace(tzinfo=None)
    return (local - timedelta(minutes=cutover_minutes)).date().isoformat()


def local_text(at_ms: int, time_zone: str) -> str:
    """The moment as the shop's clock on the wall shows it: 2026-11-21 14:05."""
    at = _at(at_ms).astimezone(_zone(time_zone))
    return f"{at.year:04d}-{at.month:02d}-{at.day:02d} {at.hour:02d}:{at.minute:02d}"


def last_day(ends_ms: int, time_zone: str) -> str:
    """The last day (YYYY-MM-DD) on which something counts that is gone at `ends_ms`: midnight belongs to the day
    before."""
    return local_text(ends_ms - 1, time_zone)[:10]


@functools.lru_cache(maxsize=256)
def local_time(at_ms: int, time_zone: str) -> datetime:
    """The moment on the shop's wall clock, to the second and without a zone, as opening hours are compared with it."""
    return _at(at_ms).astimezone(_zone(time_zone)).replace(tzinfo=None)


def utc_of_local(local: datetime, time_zone: str) -> int:
    """When the shop's wall clock shows `local`, in milliseconds since 1970 UTC; of a repeated hour the first."""
    return int(local.replace(tzinfo=_zone(time_zone)).timestamp()) * 1000


def utc_text(at_ms: int) -> str:
    """RFC 3339 in UTC with milliseconds, as the API writes times."""
    at = _at(at_ms)
    day = f"{at.year:04d}-{at.month:02d}-{at.day:02d}"
    return f"{day}T{at.hour:02d}:{at.minute:02d}:{at.second:02d}.{at_ms % 1000:03d}Z"


def _at(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // 1000, UTC)
