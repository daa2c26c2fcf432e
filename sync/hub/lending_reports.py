"""sql: when a head office that was put back from a backup may lend again before the longest lease must be over.

    wait_for_reports(tx, timeline)                     # at the restore, where no store can be missing here
    keep_report(tx, store, report, points_max, now_ms) # from each store, in a session of the new timeline
    if has_heard_all(tx): …                            # what was lent in the lost time is known

What it takes, and why nothing less would do:

- **Every store that could have been lent anything** has reported in the new timeline. One that joined, or got a new
  key, in the time that was lost is not known here; so the stores' keys must be those that were seen last (`Mark.keys`),
  else only time opens the lending.
- **All that each store had booked when it reported is counted.** A lease that was spent and ended in the lost time is
  not in the report; what it paid is in the journal.
- **No grant is under way.** A store makes its report in a session of the new timeline, behind every grant that it took
  into use, and takes none into use whose session has ended (sync/agent/agent.py).

What was kept for a store in the lost time (coupons, gift cards, goods; reserving.py) needs no list of its own: it was
used by a fact that stood in the journal when the store reported, and is counted then, or it is not used any more,
because a store uses nothing that it asked for before its newest report (kiosk/points/lease_report.py).

A store that is quarantined or silent keeps the lending closed until its time is over. For leases that is always safe:
they are over by then. What it used of the rest and did not send in all that time shows as an incident when it does.
"""

from uuid import UUID

import msgspec

from loyalty.bulk import write_rows
from loyalty.errors import IdConflict
from loyalty.transactions import Tx
from sync.hub.problems import TooMuchLent
from sync.protocol.lease_report import BookedLife, LeaseReport

_WAITS, _OPEN = "lending_waits", "open"
_LEASE = (
    "INSERT INTO lent_lease (member, lease, store, points, granted_at) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (member, lease) DO NOTHING"
)
_BY_STORE = (
    "INSERT INTO lent_store (store, lease, member, points, duration_ms, ended) VALUES (?, ?, ?, ?, 0, 0)"
    " ON CONFLICT (store, lease) DO NOTHING"
)
_REPORT = (
    "INSERT INTO lent_report (store, timeline, heads) VALUES (?, ?, ?)"
    " ON CONFLICT (store) DO UPDATE SET timeline = excluded.timeline, heads = excluded.heads"
)
# Who can still be lent anything has a key.
_SILENT = (
    "SELECT COUNT(*) FROM store LEFT JOIN lent_report ON lent_report.store = store.store"
    " WHERE public_key IS NOT NULL AND (timeline IS NULL OR timeline <> ?)"
)
_encode = msgspec.json.Encoder().encode
_heads = msgspec.json.Decoder(tuple[BookedLife, ...])


def wait_for_reports(tx: Tx, timeline: int) -> None:
    """From this timeline on, the reports of all stores open the lending."""
    _write_state(tx, str(timeline))


def forget_reports(tx: Tx) -> None:
    """Only time opens the lending: some store may not be known here."""
    tx.execute("DELETE FROM hub_state WHERE name = ?", (_WAITS,))


def keep_report(tx: Tx, store: UUID, report: LeaseReport, points_max: int, now_ms: int) -> None:
    """What a store has on lease, where it is waited for. The store's row is locked and its session the present one.

    Raises TooMuchLent for more than any store may have, IdConflict for a lease that is another's; the lending stays
    closed then.
    """
    timeline = _waits_for(tx)
    if timeline is None:
        return
    leases = sorted(report.leases, key=lambda each: (each.member, each.lease))
    write_rows(tx, _LEASE, [(each.member.bytes, each.lease.bytes, store.bytes, each.points, now_ms) for each in leases])
    write_rows(tx, _BY_STORE, [(store.bytes, each.lease.bytes, each.member.bytes, each.points) for each in leases])
    for each in leases:
        row = tx.execute(
            "SELECT store, points FROM lent_lease WHERE member = ? AND lease = ?", (each.member.bytes, each.lease.bytes)
        ).fetchone()
        if row != (store.bytes, each.points):
            raise IdConflict
    row = tx.execute(
        "SELECT coalesce(sum(points), 0) FROM lent_store WHERE store = ? AND ended = 0", (store.bytes,)
    ).fetchone()
    if row is None or row[0] > points_max:
        raise TooMuchLent
    tx.execute(_REPORT, (store.bytes, timeline, _encode(report.heads).decode()))


def has_heard_all(tx: Tx) -> bool:
    """Whether everything that was lent in the lost time is known, and all that the stores had done with it counted."""
    row = tx.execute("SELECT value FROM hub_state WHERE name = ?", (_WAITS,)).fetchone()
    if row is None:
        return False
    if row[0] == _OPEN:
        return True
    silent = tx.execute(_SILENT, (int(row[0]),)).fetchone()
    if silent is None or silent[0] or not _is_counted(tx):
        return False
    _write_state(tx, _OPEN)
    return True


def _is_counted(tx: Tx) -> bool:
    """Whether each life is applied as far as it had come when its store reported."""
    cursors = tx.execute("SELECT store, epoch, applied_seq FROM apply_cursor").fetchall()
    applied = {(store, epoch): seq for store, epoch, seq in cursors}
    return all(
        applied.get((store, int(head.epoch, 16)), 0) >= head.seq
        for store, heads in tx.execute("SELECT store, heads FROM lent_report").fetchall()
        for head in _heads.decode(heads)
    )


def _waits_for(tx: Tx) -> int | None:
    row = tx.execute("SELECT value FROM hub_state WHERE name = ?", (_WAITS,)).fetchone()
    return int(row[0]) if row is not None and row[0] != _OPEN else None


def _write_state(tx: Tx, value: str) -> None:
    tx.execute(
        "INSERT INTO hub_state (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (_WAITS, value),
    )
