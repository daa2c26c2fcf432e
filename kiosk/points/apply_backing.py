"""sql: writes what stands behind a hold, and forgets it when the hold is released. The only writer of `hold_backing`.

It counts as one with the hold from the moment it is placed: everything that could ever be paid with is inside the
limits, so paying asks nobody again. A hold that lapsed can still pay: it counts until head office has acknowledged it,
which then keeps its points until it has paid or was released (loyalty/lending.py).
"""

from uuid import UUID

from loyalty.transactions import Tx
from sync.facts.backing import HoldBacking
from sync.journal import Entry

_INSERT = (
    "INSERT INTO hold_backing (hold, n, op, member, epoch, seq, lease, points, floor_minor)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def write_backing(tx: Tx, entry: Entry, member: UUID, backing: HoldBacking | None) -> None:
    """The backing of the hold that `entry` placed; None in a store without a head office."""
    if backing is None:
        return
    parts: list[tuple[bytes | None, int, int]] = [(part.lease.bytes, part.points, 0) for part in backing.leases]
    if backing.floor_points:
        parts.append((None, backing.floor_points, backing.floor_minor))
    op = entry.op_id.bytes
    for n, part in enumerate(parts, 1):
        tx.execute(_INSERT, (op, n, op, member.bytes, entry.epoch, entry.seq, *part))


def apply_lease_ended(_tx: Tx, _entry: Entry) -> None:
    """A lease came to its end. What it paid for stays; the lease itself is head office's, and no fact of this store."""


def forget_backing(tx: Tx, hold: UUID) -> None:
    """The hold was released: its points can never pay."""
    tx.execute("DELETE FROM hold_backing WHERE hold = ?", (hold.bytes,))
