"""pure: where in the roll-ups an entry belongs: whose store, which day, which hour of the shop's own clock."""

import datetime as dt
import zoneinfo
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from sync.facts.sales import SaleCompleted
from sync.hub.accepted import Accepted

STORE_CHANNEL = "store"
"""The channel of whatever a store's journal tells."""

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Place(NamedTuple):
    """Store, business day, hour on the wall (0 to 23), and the time itself in milliseconds since 1970 UTC."""

    store: bytes
    day: str
    hour: int
    at: int


class Original(NamedTuple):
    """A sale that a later entry is about, and its own place."""

    sale: SaleCompleted
    place: Place


class Calendar(NamedTuple):
    """How one life of a store's database counts: its IANA time zone and its currency."""

    zone: str
    currency: str


class Known(NamedTuple):
    """What the fold is told beside the entries: each life's calendar and money, by (store, epoch), and the sales that
    are voided or come back, by (store, sale)."""

    calendars: Mapping[tuple[bytes, int], Calendar]
    originals: Mapping[tuple[bytes, bytes], Original]


def place_of(entry: Accepted, calendar: Calendar | None) -> Place:
    """Where an entry belongs. One without a business day is counted on the day of the shop's calendar; a life whose
    calendar nobody knows goes by UTC."""
    local = _EPOCH + dt.timedelta(milliseconds=entry.at)
    if calendar is not None:
        local = local.astimezone(_zone(calendar.zone))
    return Place(entry.store.bytes, entry.business_day or local.date().isoformat(), local.hour, entry.at)


@lru_cache(maxsize=256)
def _zone(name: str) -> dt.tzinfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return dt.UTC
