"""sql: what head office knows of itself: the timeline of its database and the secret that signs cursors.

The timeline counts how often the database was put back from a backup. A store that hears of a new one asks for the
heads again and sends what the backup does not hold.
"""

from loyalty.transactions import Tx

_TIMELINE, _SECRET, _SCHEMA = "timeline", "cursor_secret", "schema"
SCHEMA_VERSION = "1"


def begin(tx: Tx, secret: bytes) -> None:
    """The first timeline of a new head office. `secret` is 32 random bytes."""
    tx.execute(
        "INSERT INTO hub_state (name, value) VALUES (?, ?), (?, ?), (?, ?)",
        (_TIMELINE, "1", _SECRET, secret.hex(), _SCHEMA, SCHEMA_VERSION),
    )


def read_timeline(tx: Tx) -> int:
    """The present timeline; 0 where no head office was made yet."""
    row = tx.execute("SELECT value FROM hub_state WHERE name = ?", (_TIMELINE,)).fetchone()
    return int(row[0]) if row else 0


def read_secret(tx: Tx) -> bytes:
    """The key that signs cursors."""
    row = tx.execute("SELECT value FROM hub_state WHERE name = ?", (_SECRET,)).fetchone()
    assert row is not None, "a head office has its secret from the start"
    return bytes.fromhex(row[0])


def raise_timeline(tx: Tx, above: int) -> int:
    """Begin a timeline later than the database's own and than `above`, and end the session of every store: what a
    session of the lost time was told no longer holds. Answers the new timeline."""
    timeline = max(read_timeline(tx), above) + 1
    tx.execute("UPDATE hub_state SET value = ? WHERE name = ?", (str(timeline), _TIMELINE))
    stores = tx.execute("SELECT store FROM store ORDER BY store").fetchall()
    tx.executemany("UPDATE store SET session = NULL WHERE store = ?", stores)
    return timeline


def count_entries(tx: Tx) -> int:
    """How many entries of all stores are held. It only grows, so a database that holds fewer than it once did was put
    back from a backup."""
    row = tx.execute("SELECT COALESCE(SUM(seq), 0) FROM epoch_head").fetchone()
    assert row is not None
    return int(row[0])
