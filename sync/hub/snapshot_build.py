"""edge: a bucket of the feed written into a file for stores to fetch (sync/protocol/snapshots.py). It runs in a process
of its own: a million things keep a core busy for half a minute.

made = build_snapshot(address, "global", folder)     # a packed file named by its SHA-256 in `folder`
"""

import asyncio
import contextlib
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from loyalty.transactions import Tx
from sync.db import connect
from sync.db_connections import connect_single
from sync.durable_files import sync_path
from sync.engines import POSTGRES_SCHEMES, open_database, path_of
from sync.feed_file import add_identifiers, add_rows, add_stubs, clear, identifiers_of, lay_out
from sync.hub.feed_store import FeedHead, read_alive, read_heads
from sync.hub.store_members import read_cards
from sync.packed_files import pack_file
from sync.protocol.feed import checksum_of, checksum_text
from sync.protocol.snapshots import STUBS, SnapshotFile, SnapshotRefused
from sync.stubs import KNOWN, REPLACED, stub_of

T = TypeVar("T")

UNFINISHED = (".making", ".packing")
"""How the names of files end that are being made."""

_OWNER_ONLY = 0o600
_PAGE = 10_000
_MODULUS = 2**64


def build_snapshot(address: str, bucket: str, folder: Path) -> SnapshotFile:
    """Write everything alive in a bucket, as one transaction sees it, into a file of `folder` (which is there).

    Raises StorageUnavailable, OSError for a full disk, SnapshotRefused for a bucket that contradicts its head; no file
    is left then.
    """
    with _making(folder, bucket) as (plain, packed):
        with _drawing(plain) as connection:
            lay_out(connection)
            connection.execute("BEGIN")
            head, entities = _look(address, lambda tx: _write(tx, connection, bucket))
            connection.execute("COMMIT")
        return _put_in_place(plain, packed, folder, bucket, head, entities)


def build_stubs(address: str, key: bytes, folder: Path) -> SnapshotFile:
    """Write a stub of every card of the chain into a file of `folder`; `key` is the chain's secret. Raises as
    `build_snapshot`."""
    with _making(folder, STUBS) as (plain, packed):
        with _drawing(plain) as connection:
            lay_out(connection, stubs=True)
            connection.execute("BEGIN")
            count = _look(address, lambda tx: _write_stubs(tx, connection, key))
            connection.execute("COMMIT")
        head = FeedHead(STUBS, 0, 0, 0)
        return _put_in_place(plain, packed, folder, STUBS, head, Counter({"stub": count}))


@contextlib.contextmanager
def _making(folder: Path, bucket: str) -> Iterator[tuple[Path, Path]]:
    """The names under which a file is made, before and after it is packed; neither is there afterwards."""
    # Of two processes that make the same file at once each has its own.
    name = f"{bucket.replace(':', '-')}.{os.getpid()}"
    plain, packed = (folder / f"{name}{suffix}" for suffix in UNFINISHED)
    plain.unlink(missing_ok=True)
    try:
        yield plain, packed
    finally:
        plain.unlink(missing_ok=True)
        packed.unlink(missing_ok=True)


def _put_in_place(
    plain: Path, packed: Path, folder: Path, bucket: str, head: FeedHead, entities: Counter[str]
) -> SnapshotFile:
    unpacked_bytes = plain.stat().st_size
    sha256, length = pack_file(plain, packed)
    packed.replace(folder / sha256)
    sync_path(folder)
    return SnapshotFile(
        bucket=bucket,
        sha256=sha256,
        bytes=length,
        unpacked_bytes=unpacked_bytes,
        seq=head.last,
        checksum=checksum_text(head.checksum),
        entities=dict(sorted(entities.items())),
    )


def _write(tx: Tx, connection: Any, bucket: str) -> tuple[FeedHead, Counter[str]]:  # noqa: ANN401  pysqlite3
    """Everything alive, in the order of (entity, key). May run again from the beginning on another transaction."""
    clear(connection)
    head = read_heads(tx, [bucket])[bucket]
    entities, total = Counter[str](), 0
    identifiers: list[tuple[str, str, str, str]] = []
    after = ("", "")
    while page := read_alive(tx, bucket, after, _PAGE):
        things = [(row.entity, row.key, row.seq, row.value or "") for row in page]
        add_rows(connection, things)
        identifiers += identifiers_of(things)
        entities.update(row.entity for row in page)
        total = (total + checksum_of((entity, key, value) for entity, key, _, value in things)) % _MODULUS
        after = (page[-1].entity, page[-1].key)
    add_identifiers(connection, identifiers)
    # What the head says is what stores compare with. One that does not fit would have them ask for ever.
    if total != head.checksum:
        raise SnapshotRefused(f"Bucket {bucket} does not add up to what its head says.")
    return head, entities


def _write_stubs(tx: Tx, connection: Any, key: bytes) -> int:  # noqa: ANN401  pysqlite3
    """A stub of every card. May run again from the beginning on another transaction."""
    clear(connection, stubs=True)
    count, after = 0, ""
    while page := read_cards(tx, after, _PAGE):
        stubs = [(stub_of(key, card), KNOWN if state == "active" else REPLACED) for card, state in page]
        # In their order, so that a page of the file is written by several at once.
        add_stubs(connection, sorted(stubs))
        count, after = count + len(page), page[-1][0]
    return count


@contextlib.contextmanager
def _drawing(plain: Path) -> Iterator[Any]:
    """A new database, written without any care for a cut: it is made anew then."""
    plain.touch(_OWNER_ONLY)
    connection = connect_single(plain)
    try:
        for setting in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE"):
            connection.execute(f"PRAGMA {setting}")
        yield connection
    finally:
        connection.close()


def _look(address: str, fn: Callable[[Tx], T]) -> T:
    """Run `fn` on one snapshot of head office's database, beside the processes whose it is."""
    if address.partition(":")[0] in POSTGRES_SCHEMES:
        return asyncio.run(_look_beside(address, fn))
    with contextlib.closing(connect(path_of(address), read_only=True)) as connection:
        connection.execute("BEGIN")
        return fn(connection)


async def _look_beside(address: str, fn: Callable[[Tx], T]) -> T:
    database = open_database(address)
    await database.open()
    try:
        return await database.read(fn)
    finally:
        await database.close()
