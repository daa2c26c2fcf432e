"""sql: whether the rows of `life` say what the first entries of the lives say, before anybody relies on them.

    wrong = find_wrong_life(tx)       # None: every row is its entry's
    epoch, ordinal = read_begun(tx)   # the newest life as the journal itself has it

Which life is the newest decides where a store goes on, and one cell of one row says so. Where that were read wrong, a
life would begin behind the head of the wrong one, and no rebuild could mend that: it stands in the journal. There are a
handful of lives, and each is found by the index of the journal: this costs nothing at a start.
"""

import msgspec

from loyalty.transactions import Tx
from sync.chain import ZERO_HASH, chain_hash, decode_content, epoch_text
from sync.facts.store import EpochStarted
from sync.walk import Wrong

_FIRST = (
    "WITH RECURSIVE found (epoch) AS (SELECT min(epoch) FROM journal UNION ALL"
    " SELECT (SELECT min(epoch) FROM journal WHERE epoch > found.epoch) FROM found WHERE epoch IS NOT NULL)"
    " SELECT found.epoch, content, hash, (found.epoch, 1) IN (SELECT epoch, seq FROM set_aside_entry)"
    " FROM found LEFT JOIN journal ON journal.epoch = found.epoch AND seq = 1 WHERE found.epoch IS NOT NULL"
)
_ROWS = "SELECT epoch, ordinal, store, currency FROM life"
FIRST_BROKEN = "the first entry of the life does not hold"
"""What is wrong where no table can be made anew, because the journal itself is broken."""
_KIND = "epoch.started"
_UNREADABLE = (msgspec.DecodeError, KeyError, ValueError, TypeError, AttributeError, OverflowError)


class _First(msgspec.Struct, frozen=True):
    """The first entry of a life: what it says, where it can be believed, and whether it has an effect here."""

    epoch: int
    body: EpochStarted | None
    counts: bool


def find_wrong_life(tx: Tx) -> Wrong | None:
    """The first life, by its epoch, of which journal and table do not say the same. Entries that do not hold are wrong
    as well: nothing can be compared with them."""
    rows = {epoch: tuple(row) for epoch, *row in tx.execute(_ROWS).fetchall()}
    for first in _read_firsts(tx):
        row, body = rows.pop(first.epoch, None), first.body
        if body is None:
            return Wrong(epoch_text(first.epoch), 1, FIRST_BROKEN)
        if row != ((body.ordinal, body.store, body.currency) if first.counts else None):
            return Wrong(epoch_text(first.epoch), 1, "life: the row is not what the entry says")
    if rows:
        return Wrong("", 0, "life: a row that no entry explains")
    return None


def read_begun(tx: Tx) -> tuple[int, int] | None:
    """(epoch, ordinal) of the newest life whose first entry holds, whatever the table says; None where there is
    none."""
    begun = [(each.body.ordinal, each.epoch) for each in _read_firsts(tx) if each.counts and each.body is not None]
    ordinal, epoch = max(begun, default=(0, 0))
    return (epoch, ordinal) if begun else None


def _read_firsts(tx: Tx) -> list[_First]:
    return [
        _First(epoch, _read(epoch, content, entry_hash), counts=not set_aside)
        for epoch, content, entry_hash, set_aside in tx.execute(_FIRST).fetchall()
    ]


def _read(epoch: int, raw: bytes, entry_hash: bytes) -> EpochStarted | None:
    try:
        if chain_hash(epoch, 1, ZERO_HASH, raw) != entry_hash:
            return None
        content = decode_content(raw)
        return msgspec.json.decode(content.body, type=EpochStarted) if content.kind == _KIND else None
    except _UNREADABLE:
        return None
