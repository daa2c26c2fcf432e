"""sql: which stores know which member. The only writer of `member_seen` and `member_asked`.

A store knows a member once an entry of it names her, or it asked for her; where she was enrolled is her home. Whoever
knows her is told what changes about her, the home and those that saw her last first.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from loyalty.bulk import read_rows, write_rows
from loyalty.transactions import Tx
from sync.facts.members import MemberEnrolled
from sync.facts.postings import members_of
from sync.hub.accepted import HEAD_OFFICE, Accepted

STORES_MAX = 8
"""How many stores are told about one member: who shops everywhere is looked up online."""

_SEE = (
    "INSERT INTO member_seen (member, store, home, last_at) VALUES (?, ?, ?, ?) ON CONFLICT (member, store) DO UPDATE"
    " SET home = CASE WHEN excluded.home > member_seen.home THEN excluded.home ELSE member_seen.home END,"
    " last_at = CASE WHEN excluded.last_at > member_seen.last_at THEN excluded.last_at ELSE member_seen.last_at END"
)
_SELECT = "SELECT member, store, home, last_at FROM member_seen WHERE member IN (?)"
_ASK = (
    "INSERT INTO member_asked (member, store, last_at) VALUES (?, ?, ?)"
    " ON CONFLICT (member, store) DO UPDATE SET last_at = excluded.last_at"
)
_ASKED = "SELECT member, store, last_at FROM member_asked WHERE member IN (?)"


class Seen(NamedTuple):
    """Who knows the members of a batch: per member the stores that did before it, best first, and those members that
    this store met for the first time."""

    stores: Mapping[bytes, Sequence[bytes]]
    newly: frozenset[bytes]


def note_seen(tx: Tx, entries: Sequence[Accepted]) -> Seen:
    """Write down whom the store of these entries has seen now, and tell who had seen them before."""
    met: dict[tuple[bytes, bytes], tuple[int, int]] = {}
    for entry in entries:
        if entry.store == HEAD_OFFICE:
            continue
        home = int(isinstance(entry.body, MemberEnrolled))
        for member in members_of(entry.body):
            key = (member.bytes, entry.store.bytes)
            before = met.get(key, (0, 0))
            met[key] = (max(home, before[0]), max(entry.effective_at, before[1]))
    if not met:
        return Seen({}, frozenset())
    stores = list_stores(tx, [member for member, _ in met])
    write_rows(tx, _SEE, [(*key, *met[key]) for key in sorted(met)])
    newly = frozenset(member for member, store in met if store not in stores.get(member, ()))
    return Seen(stores, newly)


def note_asked(tx: Tx, store: UUID, members: Iterable[bytes], at: int) -> None:
    """A store asked for these members: it knows them from now on."""
    write_rows(tx, _ASK, [(member, store.bytes, at) for member in sorted(members)])


def list_stores(tx: Tx, members: Iterable[bytes]) -> dict[bytes, list[bytes]]:
    """All stores that know each of these members: their home first, then by when they last saw her."""
    wanted = list(members)
    found: dict[bytes, list[tuple[int, int, bytes]]] = {}
    for member, store, home, last_at in read_rows(tx, _SELECT, wanted):
        found.setdefault(member, []).append((-home, -last_at, store))
    for member, store, last_at in read_rows(tx, _ASKED, wanted):
        found.setdefault(member, []).append((0, -last_at, store))
    return {member: list(dict.fromkeys(store for *_, store in sorted(places))) for member, places in found.items()}
