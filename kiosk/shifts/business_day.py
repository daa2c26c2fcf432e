"""pure: which day a moment belongs to. Business day = the date in the store's time zone, moved back by the day's
cut-over.

>>> business_day(1_763_690_400_000, "Europe/Warsaw", 4 * 60)     # 03:00 in Warsaw on the 21st, before 04:00
'2025-11-20'
"""

import functools
import zoneinfo
from datetime import datetime, timedelta


@functools.cache
def _zone(name: str) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(name)


def business_day(at_ms: int, time_zone: str, cutover_minutes: int) -> str:
    """The business day (YYYY-MM-DD) of a moment (ms since 1970 UTC). Local wall time counts, so DST moves nothing
    else."""
    return (_wall(at_ms // 1000, time_zone) - timedelta(minutes=cutover_minutes)).date().isoformat()


def local_text(at_ms: int, time_zone: str) -> str:
    """The moment as the shop's clock on the wall shows it: 2026-11-21 14:05."""
    return _wall(at_ms // 1000, time_zone).isoformat(" ", "minutes")


def last_day(ends_ms: int, time_zone: str) -> str:
    """The last day (YYYY-MM-DD) on which something counts that is gone at `ends_ms`: midnight belongs to the day
    before."""
    return local_text(ends_ms - 1, time_zone)[:10]


def local_time(at_ms: int, time_zone: str) -> datetime:
    """The moment on the shop's wall clock, to the second and without a zone, as opening hours are compared with it."""
    return _wall(at_ms // 1000, time_zone)


def utc_of_local(local: datetime, time_zone: str) -> int:
    """When the shop's wall clock shows `local`, in milliseconds since 1970 UTC; of a repeated hour the first."""
    return int(local.replace(tzinfo=_zone(time_zone)).timestamp()) * 1000


def utc_text(at_ms: int) -> str:
    """RFC 3339 in UTC with milliseconds, as the API writes times."""
    return f"{_wall(at_ms // 1000, 'UTC').isoformat()}.{at_ms % 1000:03d}Z"


@functools.lru_cache(maxsize=256)
def _wall(at_s: int, time_zone: str) -> datetime:
    """A whole second on the clock on the wall: a busy shop asks for the same one a thousand times."""
    return datetime.fromtimestamp(at_s, _zone(time_zone)).replace(tzinfo=None)
