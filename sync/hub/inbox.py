"""sql: the journals of the stores as they came in: proved by their chain, stored as exact bytes, never changed.

    held = lock_epoch(tx, store, epoch, now_ms)       # the push's lock: one row for each life of each store
    add_ops(tx, store, epoch, ops, now_ms, offset_ms)
    move_head(tx, store, state)

Rows of another store are out of reach by construction: every statement names the store, and the store comes from the
session. Two stores may draw the same epoch number; nothing here would notice.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from loyalty.transactions import Row, Tx
from sync.chain import ZERO_HASH, Head
from sync.hub.problems import TooManyLives
from sync.hub.received import ReceivedOp
from sync.protocol.messages import EPOCHS_MAX
from sync.protocol.push_hub import EpochState, nothing_held

_INBOX = "store, epoch, seq, op_id, kind, v, content, hash, received_at, offset_ms"
_AT_ONCE = 500


class HeldEntry(NamedTuple):
    """An entry as it lies here. `private` is (member, salt, bytes), or None where there is none any more."""

    seq: int
    hash: bytes
    content: bytes
    private: tuple[UUID, bytes, bytes] | None


_STATE = "epoch, seq, hash, max_seq, max_hash, state"


def lock_epoch(tx: Tx, store: UUID, epoch: int, now_ms: int) -> EpochState:
    """The head of one life, locked until the transaction ends; begun when it was never heard of.

    A store's own row is locked already, so nobody counts its epochs at the same time; a life of head office itself may
    be begun by two at once. Raises TooManyLives.
    """
    held = _touch(tx, store, epoch, now_ms)
    if held is not None:
        return held
    row = tx.execute("SELECT COUNT(*) FROM epoch_head WHERE store = ?", (store.bytes,)).fetchone()
    count = int(row[0]) if row else 0
    if count >= EPOCHS_MAX:
        raise TooManyLives
    tx.execute(
        "INSERT INTO epoch_head (store, epoch, ordinal, seq, hash, max_seq, max_hash, state, touched_at)"
        " VALUES (?, ?, ?, 0, ?, 0, ?, 'live', ?) ON CONFLICT (store, epoch) DO NOTHING",
        (store.bytes, epoch, count + 1, ZERO_HASH, ZERO_HASH, now_ms),
    )
    tx.execute(
        "INSERT INTO apply_cursor (store, epoch, applied_seq, effective_at, state, alarm)"
        " VALUES (?, ?, 0, 0, 'running', '') ON CONFLICT (store, epoch) DO NOTHING",
        (store.bytes, epoch),
    )
    return _touch(tx, store, epoch, now_ms) or nothing_held(epoch)


def read_epochs(tx: Tx, store: UUID) -> list[EpochState]:
    """Every life of a store, in the order in which they were heard of."""
    rows = tx.execute(
        f"SELECT {_STATE} FROM epoch_head WHERE store = ? ORDER BY ordinal",  # noqa: S608  columns
        (store.bytes,),
    ).fetchall()
    return [_read(row) for row in rows]


def find_epoch(tx: Tx, store: UUID, epoch: int) -> EpochState | None:
    """One life of a store."""
    row = tx.execute(
        f"SELECT {_STATE} FROM epoch_head WHERE store = ? AND epoch = ?",  # noqa: S608  columns
        (store.bytes, epoch),
    ).fetchone()
    return _read(row) if row else None


def read_hashes(tx: Tx, store: UUID, epoch: int, seqs: Sequence[int]) -> dict[int, bytes]:
    """The chain hashes of these entries, as far as they are here. At most 500 at once."""
    if not seqs:
        return {}
    rows = tx.execute(
        "SELECT seq, hash FROM inbox WHERE store = ? AND epoch = ? AND seq IN ("  # noqa: S608  marks only
        + ", ".join("?" * len(seqs))
        + ")",
        (store.bytes, epoch, *seqs),
    ).fetchall()
    return {row[0]: row[1] for row in rows}


def add_ops(tx: Tx, store: UUID, epoch: int, ops: Sequence[ReceivedOp], now_ms: int, offset_ms: int) -> None:
    """Keep new ops. The epoch is locked, so a doubled number is a fault of ours and breaks the primary key."""
    for start in range(0, len(ops), _AT_ONCE):
        part = ops[start : start + _AT_ONCE]
        parameters: list[object] = []
        for op in part:
            parameters += (store.bytes, epoch, op.seq, op.op_id.bytes, op.kind, op.v, op.content, op.hash)
            parameters += (now_ms, offset_ms)
        tx.execute(
            f"INSERT INTO inbox ({_INBOX}) VALUES "  # noqa: S608
            + ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"] * len(part)),
            parameters,
        )
        _add_private(tx, store, epoch, part)


def copy_entry(tx: Tx, into: Tx, store: UUID, epoch: int, seq: int) -> None:
    """Lay an entry into another database's inbox as it stands here, without its private half; once, however often."""
    select = f"SELECT {_INBOX} FROM inbox WHERE store = ? AND epoch = ? AND seq = ?"  # noqa: S608
    row = tx.execute(select, (store.bytes, epoch, seq)).fetchone()
    if row is not None:
        put = f"INSERT INTO inbox ({_INBOX}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"  # noqa: S608
        into.execute(put, tuple(row))


def move_head(tx: Tx, store: UUID, state: EpochState) -> None:
    """Write where an epoch stands now."""
    tx.execute(
        "UPDATE epoch_head SET seq = ?, hash = ?, max_seq = ?, max_hash = ?, state = ? WHERE store = ? AND epoch = ?",
        (
            state.head.seq,
            state.head.hash,
            state.announced.seq,
            state.announced.hash,
            state.state,
            store.bytes,
            state.head.epoch,
        ),
    )


def read_entries(tx: Tx, store: UUID, epoch: int, after: int, limit: int) -> Iterator[HeldEntry]:
    """Up to `limit` entries of one life behind number `after`, with what is left of their private halves."""
    private = {
        seq: (UUID(bytes=member), salt, data)
        for seq, member, salt, data in tx.execute(
            "SELECT seq, member, salt, bytes FROM inbox_private WHERE store = ? AND epoch = ? AND seq > ? AND seq <= ?",
            (store.bytes, epoch, after, after + limit),
        ).fetchall()
    }
    rows = tx.execute(
        "SELECT seq, hash, content FROM inbox WHERE store = ? AND epoch = ? AND seq > ? ORDER BY seq LIMIT ?",
        (store.bytes, epoch, after, limit),
    )
    for seq, entry_hash, content in rows:
        yield HeldEntry(seq, entry_hash, content, private.get(seq))


def _touch(tx: Tx, store: UUID, epoch: int, now_ms: int) -> EpochState | None:
    row = tx.execute(
        f"UPDATE epoch_head SET touched_at = ? WHERE store = ? AND epoch = ? RETURNING {_STATE}",  # noqa: S608  columns
        (now_ms, store.bytes, epoch),
    ).fetchone()
    return _read(row) if row else None


def _read(row: Row) -> EpochState:
    epoch, seq, held, max_seq, max_hash, state = row
    return EpochState(head=Head(epoch, seq, held), announced=Head(epoch, max_seq, max_hash), state=state)


def _add_private(tx: Tx, store: UUID, epoch: int, ops: Sequence[ReceivedOp]) -> None:
    parameters: list[object] = []
    count = 0
    for op in ops:
        if op.private is not None:
            member, salt, data = op.private
            parameters += (store.bytes, epoch, op.seq, member.bytes, salt, data)
            count += 1
    if count:
        tx.execute(
            "INSERT INTO inbox_private (store, epoch, seq, member, salt, bytes) VALUES "  # noqa: S608  marks only
            + ", ".join(["(?, ?, ?, ?, ?, ?)"] * count),
            parameters,
        )


def forget_private(tx: Tx, member: UUID) -> None:
    """Delete the personal half of every entry that names a member as theirs, of whatever store."""
    tx.execute("DELETE FROM inbox_private WHERE member = ?", (member.bytes,))
