"""edge: makes the fact and cache tables anew from the journal: what mends a table that verify found wrong."""

import os
from pathlib import Path

from kiosk.proof import forget_finding
from kiosk.registry import REGISTRY
from kiosk.start import StoreDamaged, lock_folder
from loyalty.errors import Problem
from loyalty.tables import TableClass
from sync.db import SqliteError, connect
from sync.verify import walk_all

_REBUILT = (TableClass.FACT, TableClass.CACHE)


class JournalBroken(Problem):
    """The journal itself does not hold: the tables cannot be made from it."""

    code, status = "journal_broken", 500
    hint = "Put back the newest backup: counterfoil restore FILE --config FILE"


def rebuild(database: Path) -> int:
    """Drop all facts and caches and replay the journal into empty tables, in one transaction. Returns the entries.

    Raises StoreInUse while a service runs, JournalBroken when the chain does not hold and StoreDamaged when the file
    itself is broken; nothing is changed then.
    """
    lock = lock_folder(database.parent)
    try:
        count = _rebuild(database)
    except (SqliteError, UnicodeDecodeError) as error:
        raise StoreDamaged(f"{database.name}: {error}") from error
    finally:
        os.close(lock)
    forget_finding(database.parent)
    return count


def _rebuild(database: Path) -> int:
    connection = connect(database)
    try:
        connection.execute("PRAGMA foreign_keys = OFF")
        entries, wrong = walk_all(connection)
        if wrong is not None:
            raise JournalBroken(f"Entry {wrong.seq} of epoch {wrong.epoch}: {wrong.what}")
        connection.execute("BEGIN IMMEDIATE")
        for table in REGISTRY.tables:
            if table.table_class in _REBUILT:
                connection.execute(f"DROP TABLE IF EXISTS {table.name}")
                for statement in (table.ddl, *table.indexes):
                    connection.execute(statement.strip())
        for entry in entries:
            REGISTRY.appliers[type(entry.body)](connection, entry)
        connection.execute("COMMIT")
    finally:
        connection.close()
    return len(entries)
