"""sql: head office was put back from a backup, and every store is told how old what it says may be."""

import msgspec

from loyalty.transactions import Tx
from sync.feed_values import RestoredValue
from sync.hub.feed_store import GLOBAL, FeedChange, put_many

_ENTITY, _KEY = "restored", "accounts"
_encode = msgspec.json.Encoder().encode


def tell_restored(tx: Tx, until_ms: int, now_ms: int) -> None:
    """Accounts are as old as the backup: when a store was last heard in it. Told at the restore."""
    row = tx.execute("SELECT MAX(last_contact) FROM store").fetchone()
    known_until = int(row[0]) if row is not None and row[0] is not None else 0
    value = _encode(RestoredValue(known_until=known_until, until=until_ms))
    put_many(tx, [FeedChange(GLOBAL, _ENTITY, _KEY, value)], now_ms)


def tell_complete(tx: Tx, now_ms: int) -> None:
    """All stores have been heard again: accounts are as they were. Told once."""
    row = tx.execute(
        "SELECT value FROM feed WHERE bucket = ? AND entity = ? AND key = ?", (GLOBAL, _ENTITY, _KEY)
    ).fetchone()
    if row is not None and row[0] is not None:
        put_many(tx, [FeedChange(GLOBAL, _ENTITY, _KEY, None)], now_ms)
