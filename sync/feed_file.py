"""sql: the files that stores fetch: everything alive in one bucket, and the stubs of all cards. SQLite databases that
are written once and then only read.

    lay_out(connection)                        # an empty file
    add_rows(connection, [(entity, key, seq, value), …])
    add_identifiers(connection, identifiers)    # by what members are found
    check_file(connection)                     # raises SnapshotRefused for anything else

Rows come in the order of their keys, so the file is written from front to back. Its tables are those of the store that
reads it, without the bucket: there is one in a file.
"""

from collections.abc import Iterable, Sequence

import msgspec

from loyalty.tables import Table, TableClass
from loyalty.transactions import Tx
from sync.protocol.snapshots import APPLICATION_ID, FORMAT, SnapshotRefused

Thing = tuple[str, str, int, str]
"""Entity, key, number, value (JSON)."""

_TABLES = (
    """
CREATE TABLE feed_row (
    entity TEXT NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (entity, key)
) STRICT, WITHOUT ROWID
""",
    """
CREATE TABLE feed_identifier (
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    member TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (kind, value, member)
) STRICT, WITHOUT ROWID
""",
)
STUB = Table(
    name="feed_stub",
    table_class=TableClass.FEED,
    key=("hash",),
    ddl="""
CREATE TABLE feed_stub (
    hash INTEGER PRIMARY KEY,
    state INTEGER NOT NULL CHECK (state IN (1, 2))
) STRICT
""",
)
_PUT = "INSERT INTO feed_row (entity, key, seq, value) VALUES (?, ?, ?, CAST(? AS BLOB))"
_PAGE_BYTES = 8_192


class _Known(msgspec.Struct):
    """By what a member is found."""

    identifiers: tuple[tuple[str, str, str], ...] = ()


_read_known = msgspec.json.Decoder(_Known).decode


def lay_out(tx: Tx, *, stubs: bool = False) -> None:
    """Make the tables of a bucket, or that of the stubs."""
    tx.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
    tx.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    tx.execute(f"PRAGMA user_version = {FORMAT}")
    for statement in (STUB.ddl,) if stubs else _TABLES:
        tx.execute(statement)


def clear(tx: Tx, *, stubs: bool = False) -> None:
    """Empty the tables: the writing begins anew."""
    if stubs:
        tx.execute("DELETE FROM feed_stub")
        return
    tx.execute("DELETE FROM feed_row")
    tx.execute("DELETE FROM feed_identifier")


def add_rows(tx: Tx, rows: Iterable[Thing]) -> None:
    """Write things, in the order of (entity, key)."""
    tx.executemany(_PUT, rows)


def identifiers_of(rows: Iterable[Thing]) -> list[tuple[str, str, str, str]]:
    """By what the members among these things are found: kind, value, member, state."""
    return [
        (kind, value, key, state)
        for entity, key, _, raw in rows
        if entity == "member"
        for kind, value, state in _read_known(raw).identifiers
    ]


def add_identifiers(tx: Tx, identifiers: Sequence[tuple[str, str, str, str]]) -> None:
    """Write by what members are found, in the order of the values."""
    tx.executemany(
        "INSERT INTO feed_identifier (kind, value, member, state) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (kind, value, member) DO NOTHING",
        sorted(identifiers),
    )


def add_stubs(tx: Tx, stubs: Iterable[tuple[int, int]]) -> None:
    """Write stubs: hash, state. Of two cards with one hash, which chance makes in a chain of billions, the one that is
    known counts: the till takes it for a member's, and head office finds out whose it is."""
    tx.executemany(
        "INSERT INTO feed_stub (hash, state) VALUES (?, ?)"
        " ON CONFLICT (hash) DO UPDATE SET state = min(feed_stub.state, excluded.state)",
        stubs,
    )


def need_format(tx: Tx) -> None:
    """Raises SnapshotRefused for a database that is no snapshot, or one of a release that this one cannot read."""
    ((application_id,),) = tx.execute("PRAGMA application_id").fetchall()
    ((version,),) = tx.execute("PRAGMA user_version").fetchall()
    if application_id != APPLICATION_ID:
        raise SnapshotRefused("The file is no snapshot.")
    if version != FORMAT:
        raise SnapshotRefused(f"The file has format {version}; this release reads {FORMAT}.")


def check_file(tx: Tx) -> None:
    """Raises SnapshotRefused as `need_format` does, and for a file that is damaged."""
    need_format(tx)
    ((answer,),) = tx.execute("PRAGMA quick_check(1)").fetchall()
    if answer != "ok":
        raise SnapshotRefused(f"The file is damaged: {answer}")
