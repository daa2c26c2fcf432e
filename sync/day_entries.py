"""sql: the entries of one business day in a store's own journal, for its manifest (sync/manifest.py).

Two tills do not end their day in the same instant, so a day is no span of numbers: every entry says its own. Reading
them costs a walk over the entries after `after`; whoever asks each night remembers where the days before were done.
"""

from collections.abc import Iterator, Mapping, Sequence

from loyalty.transactions import Tx
from sync.manifest import DayEntry, read_entry

# From each epoch the index jumps to the next. A life that came back from head office has no row in `life`.
_EPOCHS = """
WITH RECURSIVE named (epoch) AS (
    SELECT min(epoch) FROM journal
    UNION ALL
    SELECT (SELECT min(epoch) FROM journal WHERE epoch > named.epoch) FROM named WHERE named.epoch IS NOT NULL
)
SELECT epoch FROM named WHERE epoch IS NOT NULL
"""


def read_day(tx: Tx, day: str, after: Mapping[int, int] | None = None) -> Iterator[DayEntry]:
    """The entries of a business day, life by life, in the order of their numbers; in each life those behind the number
    that `after` names for it."""
    mark = f'"business_day":"{day}"'.encode()
    known = after or {}
    for (epoch,) in tx.execute(_EPOCHS).fetchall():
        rows = tx.execute(
            "SELECT seq, hash, content FROM journal WHERE epoch = ? AND seq > ? AND instr(content, ?) > 0 ORDER BY seq",
            (epoch, known.get(epoch, 0), mark),
        )
        for seq, link, raw in rows:
            told, entry = read_entry(epoch, seq, link, raw)
            if told == day:
                yield entry


def hashes_at(tx: Tx, epoch: int, seqs: Sequence[int]) -> dict[int, str]:
    """The chain's hashes at these numbers (64 hex digits); numbers that are not there are left out."""
    found = {}
    for seq in seqs:
        row = tx.execute("SELECT hash FROM journal WHERE epoch = ? AND seq = ?", (epoch, seq)).fetchone()
        if row is not None:
            found[seq] = row[0].hex()
    return found
