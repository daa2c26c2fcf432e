"""edge: the lives of a store's database. Each begins with an entry of its own, in a new epoch.

ordinal = marks.reserve_ordinal(connection, folder)
epoch, ordinal = begin_life(connection, "S001", "EUR", "Europe/Warsaw", ordinal=ordinal, tombstones=tombstones)
"""

import os
import time
from typing import Any

from msgspec import Struct

from kiosk.life.restored import settle_copy
from kiosk.members.tombstones import Tombstones
from kiosk.registry import APPLIERS
from loyalty.errors import Problem
from loyalty.ids import uuid7
from loyalty.transactions import Tx
from sync.chain import epoch_text
from sync.facts.store import EpochStarted
from sync.journal import Journal, Origin, read_head, read_life


class StoreChanged(Problem):
    """The configuration is another shop's: its code or currency is not the one this store was made with."""

    code, status = "store_changed", 500
    hint = "Put store.code and store.currency back, or name another data folder and run: counterfoil init"


def check_same_store(connection: Any, store: str, currency: str) -> None:  # noqa: ANN401  pysqlite3 has no types
    """Raises StoreChanged when the newest life is another shop's, or counted in another currency. Both stand on every
    receipt ever given; a store that changed them in the middle would add up euros and yen."""
    row = connection.execute("SELECT store, currency FROM life ORDER BY ordinal DESC LIMIT 1").fetchone()
    if row is not None and row != (store, currency):
        raise StoreChanged(f"It was made as {row[0]} in {row[1]}, the configuration says {store} in {currency}.")


def begin_life(
    connection: Any,  # noqa: ANN401  pysqlite3 has no types
    store: str,
    currency: str,
    time_zone: str,
    *,
    ordinal: int | None = None,
    tombstones: Tombstones | None = None,
    begins_ms: int | None = None,
) -> tuple[int, int]:
    """Write the first entry of a new epoch: (epoch, ordinal). Old sequence numbers can then never be used twice.

    In the same transaction a copy loses what it must not bring back. `ordinal` is the next one of this database unless
    a higher one was reserved; `begins_ms` is now unless the store has a past to live through.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        life = read_life(connection)
        reason = "restored" if life else "first"
        begun = write_first_entry(
            connection, store, currency, time_zone, reason=reason, ordinal=ordinal, begins_ms=begins_ms
        )
        if life is not None:
            dead = tombstones or Tombstones()
            settle_copy(connection, begun.journal, begun.now_ms, dead.erased, dead.revoked)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return begun.journal.epoch, begun.ordinal


class Begun(Struct, frozen=True):
    """A life whose first entry was just written: its journal, its ordinal, and when."""

    journal: Journal
    ordinal: int
    now_ms: int


def write_first_entry(
    tx: Tx,
    store: str,
    currency: str,
    time_zone: str,
    *,
    reason: str,
    ordinal: int | None = None,
    begins_ms: int | None = None,
) -> Begun:
    """Begin a life inside the caller's transaction, behind the head of the newest one. Nothing else is written."""
    life = read_life(tx)
    head = read_head(tx, life[0]) if life else None
    now_ms = begins_ms if begins_ms is not None else time.time_ns() // 1_000_000
    body = EpochStarted(
        store=store,
        currency=currency,
        time_zone=time_zone,
        ordinal=ordinal or (life[1] + 1 if life else 1),
        reason=reason,
        previous_epoch=epoch_text(head.epoch) if head else None,
        previous_seq=head.seq if head else None,
        previous_hash=head.hash.hex() if head else None,
    )
    journal = Journal(int.from_bytes(os.urandom(8)) >> 1, APPLIERS)
    journal.record(tx, Origin(now_ms=now_ms), uuid7(now_ms, os.urandom(10)), body)
    return Begun(journal, body.ordinal, now_ms)
