"""edge: makes the fact and cache tables anew from the journal, and every index: what mends what verify found wrong.

The journal is walked twice: once to prove it, before anything is touched, and once to apply it, entry by entry, so that
a journal of any length fits into memory. Both walks read the table and ask no index (sync/walk.py), because an index
may be the very thing that is broken.
"""

import os
from pathlib import Path

from kiosk.life.feed_bases import attach_installed
from kiosk.life.proof import forget_fault, read_mark
from kiosk.life.remaking import remake_tables
from kiosk.life.start import StoreDamaged, lock_folder
from loyalty.errors import Problem
from sync.chain import Head
from sync.db import SqliteError, connect
from sync.walk import Walk


class JournalBroken(Problem):
    """The journal itself does not hold: the tables cannot be made from it."""

    code, status = "journal_broken", 500
    hint = "Put back the newest backup: counterfoil restore FILE --config FILE"


def rebuild(database: Path) -> int:
    """Drop all facts and caches and replay the journal into empty tables, in one transaction. Returns the entries.

    Raises StoreInUse while a service runs, JournalBroken when the chain does not hold and StoreDamaged when the file
    itself is broken; nothing is changed then.
    """
    folder = database.parent
    lock = lock_folder(folder)
    try:
        mark = read_mark(folder)
        count = _rebuild(database, mark.head() if mark else None)
    except (SqliteError, UnicodeDecodeError) as error:
        raise StoreDamaged(f"{database.name}: {error}") from error
    finally:
        os.close(lock)
    forget_fault(folder)
    return count


def _rebuild(database: Path, proved: Head | None) -> int:
    connection = connect(database)
    try:
        connection.execute("PRAGMA foreign_keys = OFF")
        attach_installed(connection, database)
        connection.execute("BEGIN IMMEDIATE")
        wrong = Walk(connection, proved).run()
        if wrong is not None:
            raise JournalBroken(f"Entry {wrong.seq} of epoch {wrong.epoch}: {wrong.what}")
        count = remake_tables(connection)
        # Those of the journal and of the LOCAL tables as well: they were not made anew with their tables.
        # Table by table: without a name SQLite would go through the attached snapshots, which are only read.
        for (name,) in connection.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table'").fetchall():
            connection.execute(f'REINDEX main."{name}"')
        connection.execute("COMMIT")
    finally:
        connection.close()
    return count
