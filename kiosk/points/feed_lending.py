"""sql: the points that head office lends this store."""

from loyalty.leases import Lease
from loyalty.transactions import Tx


def save_lease(tx: Tx, epoch: int, lease: Lease) -> None:
    """A lease was granted to this life of the store. The same answer twice is one lease."""
    tx.execute(
        "INSERT INTO lease (id, member, points, epoch, boot, ends_at_ms) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO NOTHING",
        (lease.id, lease.member, lease.points, epoch, lease.boot, lease.ends_at_ms),
    )


def delete_lease(tx: Tx, lease: bytes) -> None:
    """The end of a lease was reported."""
    tx.execute("DELETE FROM lease WHERE id = ?", (lease,))
