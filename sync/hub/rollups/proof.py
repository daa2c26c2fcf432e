"""sql: are the roll-ups what the applied entries add up to? `verify` of a head office adds them up anew.

Store by store, so that no more than one store's sums are in memory at a time.
"""

from collections.abc import Iterator, Sequence
from uuid import UUID

from loyalty.transactions import Row, Tx
from sync.hub.accepted import Accepted
from sync.hub.op_names import read_names
from sync.hub.rollups.fold import fold_entry
from sync.hub.rollups.originals import accepted_of, read_calendars, read_known
from sync.hub.rollups.sums import SHAPES, Sums

_PAGE = 2_000


def find_wrong_rollup(tx: Tx) -> str | None:
    """The first row that differs from the fold of the applied entries, as a sentence; None when all are right."""
    stores = [row[0] for row in tx.execute("SELECT DISTINCT store FROM applied ORDER BY store").fetchall()]
    for store in stores:
        sums = _fold_store(tx, store)
        for table in SHAPES:
            wrong = _compare(tx, table, store, sums)
            if wrong is not None:
                return wrong
    for table in SHAPES:
        known = {row[0] for row in tx.execute(f"SELECT DISTINCT store FROM {table}").fetchall()}  # noqa: S608
        strangers = sorted(known - set(stores))
        if strangers:
            return f"{table} has rows of {strangers[0].hex()}, of which nothing was applied"
    return None


def _fold_store(tx: Tx, store: bytes) -> Sums:
    sums = Sums()
    for entries in _pages(tx, store):
        calendars = read_calendars(tx, entries)
        known = read_known(tx, entries, calendars)
        for entry in entries:
            fold_entry(sums, entry, known)
    return sums


def _pages(tx: Tx, store: bytes) -> Iterator[Sequence[Accepted]]:
    epoch, seq = -1, 0
    names = read_names(tx, UUID(bytes=store))
    while True:
        rows = tx.execute(
            "SELECT inbox.epoch, inbox.seq, inbox.content FROM inbox JOIN applied ON applied.store = inbox.store"
            " AND applied.epoch = inbox.epoch AND applied.seq = inbox.seq"
            " WHERE inbox.store = ? AND (inbox.epoch, inbox.seq) > (?, ?) ORDER BY inbox.epoch, inbox.seq LIMIT ?",
            (store, epoch, seq, _PAGE),
        ).fetchall()
        if not rows:
            return
        epoch, seq = rows[-1][0], rows[-1][1]
        yield [accepted_of(store, epoch, seq, content, names) for epoch, seq, content in rows]


def _compare(tx: Tx, table: str, store: bytes, sums: Sums) -> str | None:
    shape = SHAPES[table]
    columns = ", ".join(shape.columns)
    stored: list[Row] = tx.execute(f"SELECT {columns} FROM {table} WHERE store = ?", (store,)).fetchall()  # noqa: S608
    width = len(shape.key)
    have = {tuple(row[:width]): tuple(row) for row in stored}
    want = {tuple(row[:width]): row for row in sums.table_rows(table)}
    for key in sorted(have.keys() | want.keys()):
        if have.get(key) != want.get(key):
            named = ", ".join(value.hex() if isinstance(value, bytes) else str(value) for value in key)
            return f"{table} ({named}) is {_told(have.get(key))}, but the entries add up to {_told(want.get(key))}"
    return None


def _told(row: Sequence[object] | None) -> str:
    if row is None:
        return "missing"
    return "(" + ", ".join(value.hex() if isinstance(value, bytes) else str(value) for value in row) + ")"
