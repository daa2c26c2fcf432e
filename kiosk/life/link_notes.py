"""sql: what the line to head office leaves behind for the next start and for a person: cursors, and notes by name."""

from loyalty.transactions import Tx
from sync.chain import Head

ALARM, CLOCK_OFFSET = "alarm", "clock_offset_ms"
"""Why head office waits for a person, and by how much its clock is ahead of this store's, in milliseconds."""

PROVED_DAY, DAY_DIFFERS = "proved_day", "day_differs"
"""The newest business day that head office holds just as this store does; the day that it holds differently, and what
of it."""


def read_cursors(tx: Tx) -> tuple[Head, ...]:
    """What head office had acknowledged of each life. The hashes are the store's own: a cursor only ever moves where
    they were the same."""
    rows = tx.execute(
        "SELECT journal.epoch, journal.seq, journal.hash FROM head_office_cursor AS kept"
        " JOIN journal ON journal.epoch = kept.epoch AND journal.seq = kept.pushed_seq"
    )
    return tuple(Head(*row) for row in rows)


def note(tx: Tx, name: str, value: str | None) -> None:
    """Remember something, or forget it. What is the same already is not written again."""
    if value is None:
        tx.execute("DELETE FROM head_office_note WHERE name = ?", (name,))
        return
    tx.execute(
        "INSERT INTO head_office_note (name, value) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE value <> excluded.value",
        (name, value),
    )


def read_note(tx: Tx, name: str) -> str | None:
    """What was noted last under a name."""
    row = tx.execute("SELECT value FROM head_office_note WHERE name = ?", (name,)).fetchone()
    return str(row[0]) if row else None
