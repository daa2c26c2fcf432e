"""sql: the entries that came back from head office, contradict what was booked here meanwhile, and have no effect.

What they say happened all the same: receipts were printed, cards were sold. A rule between facts that misses something
looks whether one of them says it.
"""

from collections.abc import Iterator

from loyalty.transactions import Tx
from sync.chain import decode_content
from sync.facts import Body, decode_body

_SET_ASIDE = "SELECT kind, content FROM set_aside_entry JOIN journal USING (epoch, seq) ORDER BY journal.rowid"


def read_set_aside(tx: Tx, *kinds: str) -> Iterator[Body]:
    """What those of these kinds say, in the order of the journal."""
    for kind, raw in tx.execute(_SET_ASIDE).fetchall():
        if kind in kinds:
            content = decode_content(raw)
            yield decode_body(content.kind, content.v, content.body)
