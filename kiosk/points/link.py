"""sql: the line to head office as the store knows it: up or down, what waits, how far head office has come.

A store that is enrolled nowhere has no row here. It is its own authority: nothing waits, every balance is final, and
asking costs one look into an empty table.

`acknowledged` is more than arrived: an entry is acknowledged when the store has read everything up to the point where
head office had applied it (loyalty/exposure.py says why). So `note_read` is called in the transaction of the page after
which there was nothing left to read, never before.
"""

from uuid import UUID

import msgspec
from msgspec import Struct

from kiosk.life.told import read_told
from loyalty.leases import Uptime
from loyalty.merge_store import group_of, survivor_of
from loyalty.transactions import Tx
from sync.feed_values import RestoredValue

_restored = msgspec.json.Decoder(RestoredValue).decode


class Line(Struct, frozen=True, kw_only=True):
    """The line and when the store had last read everything. Times are milliseconds since 1970 UTC, by its own clock."""

    online: bool
    since: int
    read_at: int | None = None
    read_uptime: Uptime | None = None
    read_epoch: int | None = None


_QUEUED = """
SELECT coalesce(sum((SELECT max(seq) FROM journal WHERE journal.epoch = life.epoch) - coalesce(pushed_seq, 0)), 0)
FROM life LEFT JOIN head_office_cursor ON head_office_cursor.epoch = life.epoch
"""
_UNACKNOWLEDGED_POSTING = """
SELECT 1 FROM posting LEFT JOIN head_office_cursor ON head_office_cursor.epoch = posting.origin
WHERE posting.member = ? AND posting.seq > coalesce(acknowledged_seq, 0) LIMIT 1
"""


def read_line(tx: Tx) -> Line | None:
    """The line to head office; None for a store that is enrolled nowhere."""
    row = tx.execute(
        "SELECT state, since, read_at, read_boot, read_ms, read_epoch FROM head_office_line WHERE name = 'line'"
    ).fetchone()
    if row is None:
        return None
    state, since, read_at, boot, ms, epoch = row
    uptime = Uptime(boot, ms) if boot is not None else None
    return Line(online=state == "online", since=since, read_at=read_at, read_uptime=uptime, read_epoch=epoch)


def count_queued(tx: Tx) -> int:
    """The entries of all lives that have not arrived at head office."""
    row = tx.execute(_QUEUED).fetchone()
    assert row is not None
    return int(row[0])


def describe_balance(tx: Tx, member: UUID, now_ms: int) -> tuple[bool, int]:
    """Whether a balance is provisional, and as of when it is known: (provisional, milliseconds since 1970 UTC).

    It is provisional while the line is down (somebody may spend elsewhere), while something of this store is not
    acknowledged, and while head office was put back from a backup and has not heard everybody again: then it is as old
    as the backup, whenever it was read.
    """
    line = read_line(tx)
    if line is None:
        return False, now_ms
    as_of = line.read_at if line.read_at is not None else line.since
    group = group_of(tx, survivor_of(tx, member))
    waits = any(tx.execute(_UNACKNOWLEDGED_POSTING, (each.bytes,)).fetchone() is not None for each in group)
    restored = read_restored(tx, now_ms)
    if restored is not None:
        return True, min(as_of, restored.known_until)
    return not line.online or waits, as_of


def read_restored(tx: Tx, now_ms: int) -> RestoredValue | None:
    """What head office says of itself after it was put back from a backup; None in all other times."""
    value = read_told(tx, "restored", "accounts")
    try:
        restored = _restored(value) if value is not None else None
    except msgspec.DecodeError:
        return None
    return restored if restored is not None and restored.until > now_ms else None


def note_line(tx: Tx, *, online: bool, now_ms: int) -> None:
    """The line came up or went down; the first call is the enrolment. `since` stays while nothing changes."""
    tx.execute(
        "INSERT INTO head_office_line (name, state, since) VALUES ('line', ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET state = excluded.state, since = excluded.since"
        " WHERE state <> excluded.state",
        ("online" if online else "offline", now_ms),
    )


def note_pushed(tx: Tx, epoch: int, seq: int) -> None:
    """Entries up to `seq` of a life have arrived. It may go down: a head office that was restored wants them again."""
    tx.execute(
        "INSERT INTO head_office_cursor (epoch, pushed_seq, acknowledged_seq) VALUES (?, ?, 0)"
        " ON CONFLICT (epoch) DO UPDATE SET pushed_seq = excluded.pushed_seq,"
        " acknowledged_seq = min(acknowledged_seq, excluded.pushed_seq)",
        (epoch, seq),
    )


def note_read(tx: Tx, epoch: int, now_ms: int, uptime: Uptime | None, applied: dict[int, int]) -> None:
    """This life, `epoch`, has read everything; `applied` is how far head office has applied each life of this store."""
    tx.execute(
        "UPDATE head_office_line SET read_at = ?, read_boot = ?, read_ms = ?, read_epoch = ? WHERE name = 'line'",
        (now_ms, *(uptime or (None, None)), epoch),
    )
    for life, seq in applied.items():
        tx.execute("UPDATE head_office_cursor SET acknowledged_seq = min(?, pushed_seq) WHERE epoch = ?", (seq, life))
