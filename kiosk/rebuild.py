"""edge: makes the fact and cache tables anew from the journal. The mending command for a table that verify found
wrong."""

from pathlib import Path

from kiosk.proof import forget_finding
from kiosk.registry import REGISTRY
from kiosk.start import lock_folder
from loyalty.errors import Problem
from loyalty.tables import TableClass
from sync.db import connect
from sync.verify import walk_all

_REBUILT = (TableClass.FACT, TableClass.CACHE)


class JournalBroken(Problem):
    """The journal itself does not hold: the tables cannot be made from it."""

    code, status = "journal_broken", 500
    hint = "Put back the newest backup: counterfoil restore FILE --config FILE"


def rebuild(database: Path) -> int:
    """Drop all facts and caches and replay the journal into empty tables, in one transaction. Returns the entries.

    Raises StoreInUse while a service runs and JournalBroken, before anything is changed, when the chain does not hold.
    """
    lock_folder(database.parent)
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
                    connection.execute(statement)
        for entry in entries:
            REGISTRY.appliers[type(entry.body)](connection, entry)
        connection.execute("COMMIT")
    finally:
        connection.close()
    forget_finding(database.parent)
    return len(entries)
