"""pure: times as the API writes them.

>>> utc_text(0)
'1970-01-01T00:00:00.000Z'
"""

import datetime as dt
from typing import Annotated

from msgspec import Meta

Instant = Annotated[dt.datetime, Meta(tz=True)]
"""A moment as a request names it (RFC 3339, with its zone)."""

_LATEST_MS = 253_402_300_799_999


def utc_text(at_ms: int) -> str:
    """Milliseconds since 1970 UTC as RFC 3339; what no calendar holds is cut to the years 1970 to 9999."""
    seconds, milliseconds = divmod(min(max(at_ms, 0), _LATEST_MS), 1000)
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z"
