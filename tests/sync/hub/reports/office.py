"""A head office's database for tests of reports: entries of real shops, accepted and rolled up, without the protocol.

office = open_office()
office.take(shop_connection)                 # the journal of a shop, as its store, in batches
build_report(office.tx, "sales", asked)
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlite_utils.utils import sqlite3  # type: ignore[attr-defined]

from loyalty.transactions import Tx
from sync.chain import decode_content
from sync.hub import schema_reports
from sync.hub.accepted import Accepted
from sync.hub.rollups.apply_rollups import roll_up
from sync.hub.rollups.originals import accepted_of
from sync.hub.rollups.proof import find_wrong_rollup
from sync.hub.schema_all import ALL_TABLES
from sync.hub.stores import add_store

STORE = UUID("01997b00-0000-7000-8000-000000000001")
OTHER = UUID("01997b00-0000-7000-8000-000000000002")


class Office:
    """The database, and how entries come into it."""

    def __init__(self, made: Any = None) -> None:  # noqa: ANN401  pysqlite3 has no types
        """`made` is a connection to a database that has the tables already."""
        self.tx: Any = made or sqlite3.connect(":memory:", isolation_level=None)
        for table in ALL_TABLES if made is None else ():
            self.tx.execute(table.ddl)
            for index in table.indexes:
                self.tx.execute(index)

    def join(
        self, store: UUID, code: str, last_contact: int | None = None, queued: int = 0, state: str = "active"
    ) -> None:
        """Enrol a store."""
        add_store(self.tx, store, code, f"Shop {code}", 0)
        self.tx.execute(
            "UPDATE store SET state = ?, last_contact = ?, queued = ? WHERE store = ?",
            (state, last_contact, queued, store.bytes),
        )

    def take(self, shop: Tx, store: UUID = STORE, batch: int = 500) -> list[Accepted]:
        """Everything in a shop's journal, in batches. Answers the entries."""
        rows = shop.execute("SELECT epoch, seq, hash, content FROM journal ORDER BY rowid").fetchall()
        entries = [self.hold(store, *row) for row in rows]
        for start in range(0, len(entries), batch):
            self.apply(entries[start : start + batch])
        return entries

    def hold(self, store: UUID, epoch: int, seq: int, link: bytes, content: bytes) -> Accepted:
        """An entry as a push leaves it: in the inbox, not yet applied."""
        told = decode_content(content)
        self.tx.execute(
            "INSERT INTO inbox (store, epoch, seq, op_id, kind, v, content, hash, received_at, offset_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
            (store.bytes, epoch, seq, told.op_id.bytes, told.kind, told.v, content, link, told.at),
        )
        return accepted_of(store.bytes, epoch, seq, content)

    def apply(self, entries: Sequence[Accepted]) -> None:
        """Mark entries as applied, and roll them up."""
        for entry in entries:
            place = (entry.store.bytes, entry.op_id.bytes, bytes(32), entry.epoch, entry.seq, entry.at)
            self.tx.execute(
                "INSERT INTO applied (store, op_id, content_hash, epoch, seq, effective_at) VALUES (?, ?, ?, ?, ?, ?)",
                place,
            )
        roll_up(self.tx, entries)

    def put_heads(self) -> None:
        """How far each life is held and applied, as a push and the appliers leave it."""
        for store, epoch, seq, link in self.tx.execute(
            "SELECT store, epoch, seq, hash FROM inbox AS held WHERE seq = (SELECT max(seq) FROM inbox"
            " WHERE inbox.store = held.store AND inbox.epoch = held.epoch)"
        ).fetchall():
            known = {"store": store, "epoch": epoch, "seq": seq, "hash": link, "max_seq": seq, "max_hash": link}
            self._insert("epoch_head", {**known, "ordinal": 1, "state": "live"})
            self._insert("apply_cursor", {"store": store, "epoch": epoch, "applied_seq": seq, "state": "running"})

    def bury(self, entry: Accepted) -> None:
        """An entry that could not be applied."""
        self.tx.execute(
            "INSERT INTO dead_letter (store, epoch, seq, op_id, kind, code, error, hub_version, effective_at, first_at,"
            " last_at, tries, state) VALUES (?, ?, ?, ?, ?, 'failed', '', '0.1.0', 0, 0, 0, 1, 'open')",
            (entry.store.bytes, entry.epoch, entry.seq, entry.op_id.bytes, entry.kind),
        )

    def _insert(self, table: str, known: dict[str, Any]) -> None:
        """A row; columns that must have a value and are not named get nothing of their type."""
        columns = self.tx.execute(f"PRAGMA table_info({table})").fetchall()
        empty = {"INTEGER": 0, "BLOB": b"", "TEXT": ""}
        values = {name: empty[kind] for _, name, kind, needed, *_ in columns if needed} | known
        self.tx.execute(
            f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",
            tuple(values.values()),
        )

    def rows(self, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
        """The rows of a table, in the order of its key."""
        return sorted(self.tx.execute(f"SELECT {columns} FROM {table}").fetchall())

    def wrong(self) -> str | None:
        """What the proof of the roll-ups says."""
        return find_wrong_rollup(self.tx)


def tables_of(office: Office) -> dict[str, list[tuple[Any, ...]]]:
    """All roll-ups, to compare two offices."""
    return {table.name: office.rows(table.name) for table in schema_reports.ROLLUPS}


def split(entries: Sequence[Accepted], sizes: Iterable[int]) -> Iterable[Sequence[Accepted]]:
    """The entries in batches of these sizes, and the rest."""
    start = 0
    for size in sizes:
        yield entries[start : start + size]
        start += size
    yield entries[start:]
