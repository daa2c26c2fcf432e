"""sql: keeps a thing for one store until the store's own fact says what became of it.

    known = find_reservation(tx, store, command)        # the same command again: the same answer
    check_may_reserve(tx, store, command, limits, now_ms)
    lock_subject(tx, subject)                           # whoever else asks for it waits until the commit
    others = reserved_by_others(tx, subject, command.op, limits)
    ... decide ...
    keep(tx, store, command, subject, {0: 1}, now_ms)

Why nothing is ever kept for two: who asks holds the row of the subject, sees every reservation that was made before,
and sees every use that was applied, because the fact that uses a reservation up is applied in the transaction that ends
it. So reservations are read first and uses second: what is gone from the first is in the second.

Why time gives nothing back: a sale that took the coupon may wait in the store for days. Only the store's own fact ends
a reservation: the sale or the return itself, or `reservation.ended`, behind which no entry of the store ever uses it
(kiosk/sales/reservations.py). The feed tells each store what it has, so a lost answer is given back, too.

A store whose key was taken back can report no end. What it has counts until the longest lease and a day are over, then
no more while it stays revoked, and the hourly sweep ends it (`end_over`): nothing it does comes in, and when it is
enrolled anew a use that was made twice is an incident. After head office was put back from a backup it keeps nothing
for anybody until every store has reported (lending_reports), or until then (`lending_from`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from loyalty.bulk import read_rows
from loyalty.errors import IdConflict
from loyalty.lending import LAPSED_KEPT_MS
from loyalty.transactions import Tx
from sync.facts.reserving import ReservationEnded
from sync.hub.accepted import Accepted
from sync.hub.feed_store import FeedChange, store_bucket
from sync.hub.lending import is_applied, need_open
from sync.hub.problems import NotYetApplied, ReservationOver, TooMuchReserved
from sync.hub.settings import Settings
from sync.protocol.commands import ReservationValue, Reserving, op_of

_encode = msgspec.json.Encoder(order="deterministic").encode
_MINUTE_MS = 60_000
_LOCK = (
    "INSERT INTO reserved_lock (subject, turns) VALUES (?, 1)"
    " ON CONFLICT (subject) DO UPDATE SET turns = reserved_lock.turns + 1 RETURNING turns"
)


class Limits(NamedTuple):
    """How many reservations one store may have open, and how long those of a revoked store count."""

    open_max: int
    revoked_ms: int


def limits_of(settings: Settings) -> Limits:
    """What the configuration says of it."""
    return Limits(settings.store_reservations, settings.lease_minutes * _MINUTE_MS + LAPSED_KEPT_MS)


class Kept(NamedTuple):
    """What is kept of a subject for another fact than the one that asks."""

    part: int
    amount: int
    store: bytes
    op: bytes


class Ended(NamedTuple):
    """Reservations that are over: what the feed has to say of it, and what they were about."""

    changes: list[FeedChange]
    subjects: set[bytes]


def find_reservation(tx: Tx, store: UUID, command: Reserving) -> bytes | None:
    """The answer that this very command was given before, as JSON; None for a new one. Raises IdConflict,
    ReservationOver."""
    row = tx.execute(
        "SELECT asked, answer, ended FROM reservation WHERE store = ? AND id = ?", (store.bytes, command.id.bytes)
    ).fetchone()
    if row is None:
        return None
    if row[0] != _asked(command):
        raise IdConflict
    if row[2]:
        raise ReservationOver
    return str(row[1]).encode()


def check_may_reserve(tx: Tx, store: UUID, command: Reserving, limits: Limits, now_ms: int) -> None:
    """Whether a store may be given anything now. Raises NotYetApplied, LendingClosed, TooMuchReserved."""
    if not is_applied(tx, store, command):
        raise NotYetApplied
    need_open(tx, now_ms)
    if count_open(tx, store) >= limits.open_max:
        raise TooMuchReserved


def count_open(tx: Tx, store: UUID) -> int:
    """How many reservations of a store have not ended."""
    row = tx.execute("SELECT count(*) FROM reservation WHERE store = ? AND ended = 0", (store.bytes,)).fetchone()
    assert row is not None
    return int(row[0])


def lock_subject(tx: Tx, subject: bytes) -> None:
    """Nobody else decides about it until this transaction ends."""
    tx.execute(_LOCK, (subject,)).fetchone()


def reserved_by_others(tx: Tx, subject: bytes, op: UUID, limits: Limits, now_ms: int) -> list[Kept]:
    """What is kept of a subject whose row is locked, but for the fact `op` itself: a fact that asks twice, because an
    answer was lost, needs it only once."""
    rows = tx.execute(
        "SELECT part, amount, store, op, granted_at FROM reserved WHERE subject = ?", (subject,)
    ).fetchall()
    revoked = _revoked(tx, {row[2] for row in rows})
    before = now_ms - limits.revoked_ms
    kept = {
        (row[0], row[2], row[3]): Kept(*row[:4])
        for row in rows
        if row[3] != op.bytes and not (row[2] in revoked and row[4] < before)
    }
    return list(kept.values())


def keep(
    tx: Tx, store: UUID, command: Reserving, subject: bytes, parts: Mapping[int, int], answer: bytes, now_ms: int
) -> FeedChange:
    """Keep `parts` (part -> amount) of a subject for the fact that the command names; what its store is to be told,
    which the caller puts into the feed with everything else at once. Raises IdConflict where the id stands for another
    store's reservation of the same thing."""
    op = op_of(command)
    kind = str(command.__struct_config__.tag)
    tx.execute(
        "INSERT INTO reservation (store, id, kind, subject, op, asked, answer, granted_at, ended)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",
        (
            *(store.bytes, command.id.bytes, kind, subject, op.bytes),
            *(_asked(command), answer.decode(), now_ms),
        ),
    )
    for part, amount in sorted(parts.items()):
        fresh = tx.execute(
            "INSERT INTO reserved (subject, id, part, store, op, amount, granted_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (subject, id, part) DO NOTHING RETURNING part",
            (subject, command.id.bytes, part, store.bytes, op.bytes, amount, now_ms),
        ).fetchone()
        if fresh is None:
            raise IdConflict
    value = ReservationValue(kind=kind, op=op, granted_at=now_ms)
    return FeedChange(store_bucket(str(store)), "reservation", str(command.id), _encode(value))


def end_reservations(tx: Tx, store: UUID, entries: Iterable[Accepted]) -> Ended:
    """Reservations that these facts of one store used up or gave back are over. A store speaks of its own only."""
    open_ = tx.execute(
        "SELECT id, subject, op FROM reservation WHERE store = ? AND ended = 0", (store.bytes,)
    ).fetchall()
    if not open_:
        return Ended([], set())
    facts, given_back = set(), set()
    for entry in entries:
        facts.add(entry.op_id.bytes)
        if isinstance(entry.body, ReservationEnded):
            given_back.add(entry.body.reservation.bytes)
    return _end(tx, store, sorted((id_, subject) for id_, subject, op in open_ if op in facts or id_ in given_back))


def end_over(tx: Tx, limits: Limits, now_ms: int) -> Ended:
    """What revoked stores have counts no more, after so long: it is over, so that others hear of it, too."""
    over = Ended([], set())
    for (store,) in tx.execute("SELECT store FROM store WHERE state = 'revoked' ORDER BY store").fetchall():
        open_ = tx.execute(
            "SELECT id, subject FROM reservation WHERE store = ? AND ended = 0 AND granted_at < ? ORDER BY id",
            (store, now_ms - limits.revoked_ms),
        ).fetchall()
        ended = _end(tx, UUID(bytes=store), [(id_, subject) for id_, subject in open_])
        over = Ended([*over.changes, *ended.changes], over.subjects | ended.subjects)
    return over


def _end(tx: Tx, store: UUID, ended: Sequence[tuple[bytes, bytes]]) -> Ended:
    for id_, subject in ended:
        tx.execute("UPDATE reservation SET ended = 1 WHERE store = ? AND id = ?", (store.bytes, id_))
        tx.execute("DELETE FROM reserved WHERE subject = ? AND id = ? AND store = ?", (subject, id_, store.bytes))
    bucket = store_bucket(str(store))
    changes = [FeedChange(bucket, "reservation", str(UUID(bytes=id_)), None) for id_, _ in ended]
    return Ended(changes, {subject for _, subject in ended})


def _asked(command: Reserving) -> str:
    """What a command asks, without how far its store had come: that may differ when it is asked again."""
    return _encode(msgspec.structs.replace(command, epoch="", seq=0)).decode()


def _revoked(tx: Tx, stores: Iterable[bytes]) -> set[bytes]:
    rows = read_rows(tx, "SELECT store, state FROM store WHERE store IN (?)", stores)
    return {store for store, state in rows if state == "revoked"}
