"""sql: a store asks for a member whom it was not told of: whoever has the card or the phone, and from now on the store
is one of those that know her."""

from uuid import UUID

from loyalty.accounts_store import find_aliases, find_survivors
from loyalty.apply_accounts import drop_empty_locks, lock_accounts
from loyalty.transactions import Tx
from sync.hub.accepted import HEAD_OFFICE
from sync.hub.announcements import Told, list_changes
from sync.hub.appliers.apply_contacts import HOLDERS_MAX
from sync.hub.appliers.apply_seen import note_asked
from sync.hub.feed_store import put_many, store_bucket
from sync.protocol.lookups import MemberLookup, MembersFound

_HOLDERS = (
    "SELECT member FROM member_identifier WHERE kind = ? AND value = ? AND state = 'active' ORDER BY member LIMIT ?"
)


def look_up(tx: Tx, store: UUID, asked: MemberLookup, now_ms: int) -> MembersFound:
    """Who has the identifier. What is known of them is put into the store's bucket of the feed.

    A phone that very many share finds nobody: it is a shop's own, typed in to get on.
    """
    rows = tx.execute(_HOLDERS, (asked.kind, asked.value, HOLDERS_MAX + 1)).fetchall()
    holders = [member for (member,) in rows]
    if not holders or len(holders) > HOLDERS_MAX:
        return MembersFound(members=())
    # Whoever posts to the account now either is done, or finds this store among those to be told.
    persons = sorted(set(lock_accounts(tx, holders).values()))
    aliases = find_aliases(tx, persons)
    note_asked(tx, store, aliases, now_ms)
    told = Told(
        store=HEAD_OFFICE.bytes,
        accounts=dict.fromkeys(persons, False),
        members=frozenset(UUID(bytes=person) for person in persons),
        erased=frozenset(),
        aliases=frozenset(UUID(bytes=alias) for alias in aliases if alias not in persons),
        stores={alias: [store.bytes] for alias in aliases},
        newly=frozenset(),
    )
    bucket = store_bucket(str(store))
    put_many(tx, [change for change in list_changes(tx, told, now_ms) if change.bucket == bucket], now_ms)
    drop_empty_locks(tx, persons)
    survivors = find_survivors(tx, holders)
    return MembersFound(members=tuple(dict.fromkeys(UUID(bytes=survivors[holder]) for holder in holders)))
