"""sql: how much one store may say to all others on a day: used coupons stand in everybody's feed until they are over.

    changes = limit_told(tx, store, received_at, changes)

A till that goes wrong, or a store that means harm, could fill the feed of the whole chain. Beyond `TOLD_PER_DAY` a day,
by head office's own clock, nothing more of that store is told, and one incident for the day says how much was not.
Nothing else changes: every use is counted, head office keeps no coupon that it knows to be used, and a use twice is an
incident. Only a store without a line may take such a coupon a second time, up to its limits.
"""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from loyalty.transactions import Tx
from sync.hub.feed_store import FeedChange
from sync.hub.incidents import Incident, incident_id, put_incidents

KIND = "coupons_not_told"
TOLD_PER_DAY = 2_000
LAST_DAY_MAX = 3_660
"""Days ahead: a coupon that says to be good for longer is told to nobody, because nothing would ever sweep it."""
_KEPT_DAYS = 7
_DAY_MS = 86_400_000
_COUNT = (
    "INSERT INTO coupon_news (store, day, told) VALUES (?, ?, ?)"
    " ON CONFLICT (store, day) DO UPDATE SET told = coupon_news.told + excluded.told RETURNING told"
)


def limit_told(tx: Tx, store: UUID, received_at: int, changes: Sequence[FeedChange]) -> list[FeedChange]:
    """What of these changes is told: all that says a coupon is free again, and what the day leaves of the others."""
    said = [change for change in changes if change.value is not None]
    if not said:
        return list(changes)
    day = received_at // _DAY_MS
    row = tx.execute(_COUNT, (store.bytes, day, len(said))).fetchone()
    assert row is not None
    if row[0] == len(said):  # the first of this day: what was counted on days long over is forgotten
        tx.execute("DELETE FROM coupon_news WHERE store = ? AND day < ?", (store.bytes, day - _KEPT_DAYS))
    beyond = int(row[0]) - TOLD_PER_DAY
    if beyond <= 0:
        return list(changes)
    put_incidents(tx, [_incident(store, day, beyond)])
    told = set(said[: max(len(said) - beyond, 0)])
    return [change for change in changes if change.value is None or change in told]


def can_be_told(last_day: str, received_at: int) -> bool:
    """Whether a store's word for the last day of a coupon is a day, and not too far ahead."""
    try:
        day = dt.date.fromisoformat(last_day)
    except ValueError:
        return False
    today = dt.datetime.fromtimestamp(received_at / 1000, dt.UTC).date()
    return day.isoformat() == last_day and day <= today + dt.timedelta(days=LAST_DAY_MAX)


def _incident(store: UUID, day: int, beyond: int) -> Incident:
    name = (dt.date(1970, 1, 1) + dt.timedelta(days=day)).isoformat()
    return Incident(
        id=incident_id(KIND, store.bytes, name.encode()),
        kind=KIND,
        store=store,
        amount=beyond,
        refs=({"day": name, "told_per_day": TOLD_PER_DAY},),
        opened_at=day * _DAY_MS,
    )
