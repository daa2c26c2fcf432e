"""sql: what the agent reads of the journal: where each life stands, own hashes at given places, entries for a batch."""

from collections.abc import Iterable
from uuid import UUID

from msgspec import Struct

from loyalty.transactions import Tx
from sync.chain import ZERO_HASH, Head
from sync.journal import read_head
from sync.protocol.messages import PUSH_BYTES_MAX, Op, OpPrivate

# One step of the index for each life, however long the journal. A life whose first entry was set aside has no row in
# `life`; it comes first.
_EPOCHS = """
WITH RECURSIVE named (epoch) AS (
    SELECT min(epoch) FROM journal
    UNION ALL
    SELECT (SELECT min(epoch) FROM journal WHERE epoch > named.epoch) FROM named WHERE named.epoch IS NOT NULL
)
SELECT named.epoch FROM named LEFT JOIN life ON life.epoch = named.epoch
WHERE named.epoch IS NOT NULL ORDER BY coalesce(ordinal, 0)
"""


class Batch(Struct, frozen=True):
    """Entries of one life in their order, as they go on the wire, and the chain hash behind the last of them."""

    ops: tuple[Op, ...]
    last_hash: bytes


def read_heads(tx: Tx) -> tuple[Head, ...]:
    """The newest entry of every life, the newest life last."""
    return tuple(read_head(tx, epoch) for (epoch,) in tx.execute(_EPOCHS).fetchall())


def read_places(tx: Tx, places: Iterable[tuple[int, int]]) -> tuple[Head, ...]:
    """The store's own entries at these places (epoch, number), as far as it has them."""
    found = []
    for epoch, seq in places:
        row = tx.execute("SELECT hash FROM journal WHERE epoch = ? AND seq = ?", (epoch, seq)).fetchone()
        if row is not None:
            found.append(Head(epoch, seq, row[0]))
    return tuple(found)


def read_batch(tx: Tx, epoch: int, from_seq: int, limit: int, previous: bytes) -> Batch:
    """Up to `limit` entries from `from_seq` on, and no more than fit into a push; at least one, where there is one."""
    rows = tx.execute(
        "SELECT seq, content, hash FROM journal WHERE epoch = ? AND seq >= ? ORDER BY seq LIMIT ?",
        (epoch, from_seq, limit),
    ).fetchall()
    people = {
        seq: OpPrivate(member=UUID(bytes=member), salt=salt, data=data)
        for seq, member, salt, data in tx.execute(
            "SELECT seq, member, salt, bytes FROM journal_private WHERE epoch = ? AND seq BETWEEN ? AND ?",
            (epoch, from_seq, from_seq + limit - 1),
        )
    }
    ops: list[Op] = []
    total_bytes, last = 0, previous or ZERO_HASH
    for seq, content, entry_hash in rows:
        total_bytes += len(content)
        if ops and total_bytes > PUSH_BYTES_MAX:
            break
        ops.append(Op(content=content.decode(), private=people.get(seq)))
        last = entry_hash
    return Batch(tuple(ops), last)
