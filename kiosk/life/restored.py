"""sql: what an older copy must not bring back when it becomes the store, all in the transaction that begins its new
life.

- **Members erased since** the copy was made are erased again, as facts of the new life.
- **Receipts** that waited in the copy's queue may long be on paper. Each becomes a print in doubt, which a person may
  print again, marked COPY; a second unmarked receipt would be worth money.
- **Sign-ins, approvals, proofs of members and pairing codes** end: whoever was signed in then types the PIN again. PINs
  changed since are the old ones again, because only the database knew them.
- **Devices revoked since** are revoked again. The others keep their tokens, so that the tills work after a restore; one
  paired since must be paired again.
"""

from uuid import UUID

from kiosk.identity.people_store import end_device
from kiosk.identity.second_factor import forget_factors
from kiosk.life.feed_rows import forget_member_rows
from kiosk.sales.basket_service import forget_labels_of
from loyalty.ids import derived_uuid
from loyalty.member_store import read_member
from loyalty.transactions import Tx
from printers.spool import doubt_open_jobs, forget_member
from sync.facts.members import MemberErased
from sync.journal import Journal, Origin

_REASON = "erased before the restore"


def settle_copy(tx: Tx, journal: Journal, now_ms: int, erased: frozenset[UUID], revoked: frozenset[UUID]) -> None:
    """Take back what the copy must not bring back. `erased` and `revoked` are ids of members and devices."""
    for member in sorted(erased):
        erase_again(tx, journal, now_ms, member, _REASON)
    doubt_open_jobs(tx, now_ms)
    tx.execute("DELETE FROM token WHERE operator IS NOT NULL")
    tx.execute("DELETE FROM approval")
    tx.execute("DELETE FROM member_proof")
    tx.execute("DELETE FROM pairing_code")
    for device in sorted(revoked):
        tx.execute("UPDATE device SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?", (now_ms, device.bytes))
        end_device(tx, device)


def erase_again(tx: Tx, journal: Journal, now_ms: int, member: UUID, reason: str) -> bool:
    """Erase a member who was erased elsewhere; whether this store had booked anything personal of her. What it printed
    and noted of one whom it only was told of goes as well."""
    row = read_member(tx, member)
    if row is not None and row.status == "erased":
        return False
    if row is not None:
        body = MemberErased(
            member=member,
            reason=reason,
            locale=row.locale,
            revision=row.revision + 1,
            enrolled_at=row.enrolled_at,
        )
        journal.record(tx, Origin(now_ms=now_ms), derived_uuid(member, "erase"), body)
    forget_member(tx, member)
    forget_labels_of(tx, member)
    forget_factors(tx, member)
    forget_member_rows(tx, member)
    return row is not None
