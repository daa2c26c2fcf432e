"""sql: what this store has on lease, for a head office that may have forgotten it (sync/protocol/lease_report.py).

A report also says that nothing which head office kept for this store before it (coupons, gift cards, goods of other
stores) is used behind it: head office may know nothing of that any more, and give it to others when it has heard of
everybody. So reports are counted, and what was kept before the newest one counts no longer
(kiosk/sales/reservations.py).
"""

from uuid import UUID

from kiosk.life.link_notes import note, read_note
from loyalty.transactions import Tx
from sync.agent.journal_reader import read_heads
from sync.chain import epoch_text
from sync.protocol.lease_report import BookedLife, HeldLease, LeaseReport

_COUNT = "lease_reports"


def count_reports(tx: Tx) -> int:
    """How many reports were read of this database."""
    return int(read_note(tx, _COUNT) or 0)


def read_report(tx: Tx) -> LeaseReport:
    """All leases whose end is not booked, of whatever life, and how far each life has come; one report more is counted.
    It is a write: behind every lease that is about to be taken into use, behind every sale that used what was kept."""
    note(tx, _COUNT, str(count_reports(tx) + 1))
    leases = tx.execute("SELECT id, member, points FROM lease ORDER BY id").fetchall()
    heads = tuple(BookedLife(epoch=epoch_text(head.epoch), seq=head.seq) for head in read_heads(tx))
    held = [HeldLease(lease=UUID(bytes=row[0]), member=UUID(bytes=row[1]), points=row[2]) for row in leases]
    return LeaseReport(leases=tuple(held), heads=heads)
