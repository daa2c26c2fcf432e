"""sql: what this store has on lease, for a head office that may have forgotten it (sync/protocol/lease_report.py)."""

from uuid import UUID

from loyalty.transactions import Tx
from sync.agent.journal_reader import read_heads
from sync.chain import epoch_text
from sync.protocol.lease_report import BookedLife, HeldLease, LeaseReport


def read_report(tx: Tx) -> LeaseReport:
    """All leases whose end is not booked, of whatever life, and how far each life has come. Read it as a write is run:
    behind every lease that is about to be taken into use."""
    leases = tx.execute("SELECT id, member, points FROM lease ORDER BY id").fetchall()
    heads = tuple(BookedLife(epoch=epoch_text(head.epoch), seq=head.seq) for head in read_heads(tx))
    held = [HeldLease(lease=UUID(bytes=row[0]), member=UUID(bytes=row[1]), points=row[2]) for row in leases]
    return LeaseReport(leases=tuple(held), heads=heads)
