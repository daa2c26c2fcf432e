"""sql: the members that a store holds whole, in its bucket of the feed: those at home there, and those it has seen
within the last year or so. Of all others it has a stub (sync/stubs.py) and asks online.

A member who shops in one store costs no feed as long as that store lives, because it knows her from its own journal. A
store that joins anew knows nobody; so its bucket is made whole, some members at a time.

A store that was told of a member is told on: taking her out again would leave it with its own postings alone, and those
are a wrong balance.
"""

from uuid import UUID

from loyalty.accounts_store import find_survivors
from loyalty.transactions import Tx
from sync.hub.accepted import HEAD_OFFICE
from sync.hub.announcements import Told, list_changes
from sync.hub.appliers.apply_seen import STORES_MAX, list_stores
from sync.hub.feed_store import find_present, lock_bucket, put_many, store_bucket

_DAY_MS = 24 * 3_600_000
_CARDS = (
    "SELECT value, MIN(state) FROM member_identifier WHERE kind = 'card' AND value > ? GROUP BY value"
    " ORDER BY value LIMIT ?"
)
_SEEN = (
    "SELECT member FROM member_seen WHERE store = ? AND member > ? AND (home = 1 OR last_at >= ?)"
    " ORDER BY member LIMIT ?"
)


def complete_members(tx: Tx, store: UUID, after: bytes, limit: int, now_ms: int, days: int) -> bytes | None:
    """Tell a store of up to `limit` members behind `after` whom it should hold and was not told of; where to go on, or
    None after the last. `days` is how long ago it may have seen them. Of the stores that know a member only the first
    STORES_MAX hold her, her home before all others."""
    rows = tx.execute(_SEEN, (store.bytes, after, now_ms - days * _DAY_MS, limit)).fetchall()
    members = [row[0] for row in rows]
    if not members:
        return None
    # What is told of an account and how far it goes must be of one moment: the store's own appliers wait meanwhile.
    tx.execute("UPDATE apply_cursor SET state = state WHERE store = ?", (store.bytes,))
    bucket = store_bucket(str(store))
    # Before anything is read: what another transaction changes meanwhile is put behind this, never under it.
    lock_bucket(tx, bucket)
    stores = list_stores(tx, members)
    mine = [member for member in members if store.bytes in stores[member][:STORES_MAX]]
    survivors = find_survivors(tx, mine)
    told = Told(
        store=HEAD_OFFICE.bytes,
        accounts=dict.fromkeys(survivors.values(), True),
        members=frozenset(UUID(bytes=member) for member in mine),
        erased=frozenset(),
        aliases=frozenset(),
        stores={member: [store.bytes] for member in {*mine, *survivors.values()}},
        newly=frozenset(),
    )
    changes = [each for each in list_changes(tx, told, now_ms) if each.bucket == bucket and each.value is not None]
    present = find_present(tx, bucket, [(each.entity, each.key) for each in changes])
    put_many(tx, [each for each in changes if (each.entity, each.key) not in present], now_ms)
    return members[-1] if len(members) == limit else None


def read_cards(tx: Tx, after: str, limit: int) -> list[tuple[str, str]]:
    """Up to `limit` cards of the chain behind `after`, in the order of their numbers, with their state: active where
    any member has it, else replaced."""
    return [(row[0], row[1]) for row in tx.execute(_CARDS, (after, limit)).fetchall()]
