"""sql: lends points to stores, and knows what is lent.

    answer = lend(tx, store, command, terms, now_ms)      # the account's row stays locked until the commit

One lock decides: whoever lends, and whoever applies a redemption, holds the row of the account. So of two stores that
ask for the same points at the same instant the second one sees what the first was given.

A store whose key was taken back can report no end. Its leases count until their time and a day are over, then no more
while it stays revoked: nothing it does comes in. One that is enrolled anew has them again, and reports their ends.

After head office itself was put back from a backup it does not know what it lent in the time that was lost. It lends
nothing until the last of those leases must be over (`lending_from`), or every store has said what it holds
(lending_reports).
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

import msgspec

from loyalty.accounts_store import Wanted, find_aliases, load_accounts
from loyalty.apply_accounts import lock_accounts
from loyalty.bulk import read_rows
from loyalty.errors import IdConflict
from loyalty.lending import LAPSED_KEPT_MS, LentLease, LentPart, free_points
from loyalty.transactions import Tx
from sync.facts.lending import LeaseEnded
from sync.hub.accepted import Accepted
from sync.hub.credits import points_withheld
from sync.hub.feed_store import FeedChange, put_many, store_bucket
from sync.hub.lending_reports import has_heard_all
from sync.hub.problems import LendingClosed, NotYetApplied, PointsNotFree, TooMuchLent
from sync.hub.reach import make_room
from sync.hub.restored_notice import tell_complete
from sync.protocol.commands import Command, LeaseAnswer, LeaseCommand, LeaseValue

_LENDING_FROM = "lending_from"
_encode = msgspec.json.Encoder().encode


class Terms(NamedTuple):
    """How long a lease holds, how many points one store may have on lease, and how many it may give on a day
    (credits.py)."""

    duration_ms: int
    store_points_max: int
    store_credit_max: int


class _Lent(NamedTuple):
    """Leases, and what holds took that no open lease stands behind."""

    leases: list[LentLease]
    alone: list[LentPart]


def close_lending(tx: Tx, until_ms: int) -> None:
    """Lend nothing before this instant: what was lent in a time that was lost must be over first."""
    tx.execute(
        "INSERT INTO hub_state (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (_LENDING_FROM, str(until_ms)),
    )


def points_by_store(tx: Tx) -> dict[bytes, int]:
    """The points of all leases whose end was not reported, by store."""
    return dict(tx.execute("SELECT store, sum(points) FROM lent_store WHERE ended = 0 GROUP BY store").fetchall())


def is_closed(tx: Tx, now_ms: int) -> bool:
    """Whether head office was put back from a backup and gives nothing out yet."""
    row = tx.execute("SELECT value FROM hub_state WHERE name = ?", (_LENDING_FROM,)).fetchone()
    return row is not None and int(row[0]) > now_ms


def need_open(tx: Tx, now_ms: int) -> None:
    """Raises LendingClosed after head office was put back from a backup, until all stores have said what they have, and
    all that they had booked by then is counted, or the time for it is over."""
    if is_closed(tx, now_ms):
        if not has_heard_all(tx):
            raise LendingClosed
        tell_complete(tx, now_ms)


def is_applied(tx: Tx, store: UUID, command: Command) -> bool:
    """Whether everything that the command knows of is counted."""
    row = tx.execute(
        "SELECT applied_seq FROM apply_cursor WHERE store = ? AND epoch = ?", (store.bytes, int(command.epoch, 16))
    ).fetchone()
    return (row[0] if row else 0) >= command.seq


def lend(tx: Tx, store: UUID, command: LeaseCommand, terms: Terms, now_ms: int) -> tuple[LeaseAnswer, bool]:
    """Lend the points, and whether this is new; the same command again gets the same answer. The store's row is locked.

    Raises IdConflict, NotYetApplied, LendingClosed, PointsNotFree, TooMuchLent.
    """
    known = tx.execute(
        "SELECT member, points, duration_ms FROM lent_store WHERE store = ? AND lease = ?",
        (store.bytes, command.id.bytes),
    ).fetchone()
    if known is not None:
        if (known[0], known[1]) != (command.member.bytes, command.points):
            raise IdConflict
        return _answer(command, known[2]), False
    if not is_applied(tx, store, command):
        raise NotYetApplied
    need_open(tx, now_ms)
    make_room(tx, store, command.member, command.points, now_ms)
    account = lock_accounts(tx, [command.member.bytes])[command.member.bytes]
    free = _free(tx, account, terms, now_ms)
    if command.points > free:
        raise PointsNotFree(free=free)
    if points_of_store(tx, store) + command.points > terms.store_points_max:
        raise TooMuchLent
    _write(tx, store, command, terms, now_ms)
    return _answer(command, terms.duration_ms), True


def points_of_store(tx: Tx, store: UUID) -> int:
    """The points of all leases of a store whose end was not reported."""
    row = tx.execute(
        "SELECT coalesce(sum(points), 0) FROM lent_store WHERE store = ? AND ended = 0", (store.bytes,)
    ).fetchone()
    assert row is not None
    return int(row[0])


def end_leases(tx: Tx, entries: Iterable[Accepted]) -> list[FeedChange]:
    """Leases whose end these facts report are the store's no more; what its feed has to say of it."""
    ended = [(entry.store, entry.body) for entry in entries if isinstance(entry.body, LeaseEnded)]
    for store, end in sorted(ended, key=lambda each: (each[0], each[1].lease)):
        # Under another member's name the points stay lent, so they count in the store's share, too.
        tx.execute(
            "UPDATE lent_store SET ended = 1 WHERE store = ? AND lease = ? AND member = ?",
            (store.bytes, end.lease.bytes, end.member.bytes),
        )
    return [FeedChange(store_bucket(str(store)), "lease", str(end.lease), None) for store, end in ended]


def _free(tx: Tx, account: bytes, terms: Terms, now_ms: int) -> int:
    """What can be lent of an account whose row is locked."""
    members = find_aliases(tx, [account])
    lent = _read_lent(tx, members, now_ms - terms.duration_ms - LAPSED_KEPT_MS)
    holds = frozenset(part.hold for part in lent.alone) | {part.hold for lease in lent.leases for part in lease.parts}
    loaded = load_accounts(tx, {account: Wanted("open", now_ms, holds)})[account]
    free = free_points(loaded.account, lent.leases, now_ms, lent.alone)
    return max(free - points_withheld(tx, members, terms.store_credit_max), 0)


def _read_lent(tx: Tx, members: Mapping[bytes, bytes], over_before: int) -> _Lent:
    """What was lent of everybody who shares an account. What is said of a lease counts only from the store that has it.
    A store that is revoked claims nothing but its leases granted since `over_before`."""
    granted = read_rows(
        tx, "SELECT member, lease, store, points, granted_at FROM lent_lease WHERE member IN (?)", members
    )
    ends = read_rows(tx, "SELECT member, lease, store, unspent FROM lent_end WHERE member IN (?)", members)
    said = read_rows(tx, "SELECT lease, store, hold, points FROM lent_part WHERE member IN (?)", members)
    unspent = {(member, lease, store): points for member, lease, store, points in ends}
    parts: dict[tuple[bytes, bytes], list[LentPart]] = {}
    for lease, store, hold, points in said:
        parts.setdefault((lease, store), []).append(LentPart(hold, points))
    revoked = _revoked(tx, {row[2] for row in granted} | {row[1] for row in said})
    leases, open_leases = [], set()
    for member, lease, store, points, granted_at in granted:
        back = unspent.get((member, lease, store))
        if back is None:
            open_leases.add((lease, store))
        if store not in revoked or granted_at >= over_before:
            leases.append(LentLease(points - (back or 0), tuple(parts.get((lease, store), ()))))
    alone = [
        part
        for (lease, store), several in parts.items()
        if (lease, store) not in open_leases and store not in revoked
        for part in several
    ]
    return _Lent(leases, alone)


def _revoked(tx: Tx, stores: Collection[bytes]) -> set[bytes]:
    rows = read_rows(tx, "SELECT store, state FROM store WHERE store IN (?)", stores)
    return {store for store, state in rows if state == "revoked"}


def _write(tx: Tx, store: UUID, command: LeaseCommand, terms: Terms, now_ms: int) -> None:
    fresh = tx.execute(
        "INSERT INTO lent_lease (member, lease, store, points, granted_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (member, lease) DO NOTHING RETURNING lease",
        (command.member.bytes, command.id.bytes, store.bytes, command.points, now_ms),
    ).fetchone()
    if fresh is None:  # the name of another store's lease
        raise IdConflict
    tx.execute(
        "INSERT INTO lent_store (store, lease, member, points, duration_ms, ended) VALUES (?, ?, ?, ?, ?, 0)",
        (store.bytes, command.id.bytes, command.member.bytes, command.points, terms.duration_ms),
    )
    value = LeaseValue(member=command.member, points=command.points, granted_at=now_ms)
    put_many(tx, [FeedChange(store_bucket(str(store)), "lease", str(command.id), _encode(value))], now_ms)


def _answer(command: LeaseCommand, duration_ms: int) -> LeaseAnswer:
    return LeaseAnswer(lease=command.id, member=command.member, points=command.points, duration_ms=duration_ms)
