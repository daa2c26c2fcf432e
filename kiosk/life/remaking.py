"""sql: the fact and cache tables made anew from a journal that was proved to be sound.

The statements create and drop tables by the names their declarations give; foreign keys must be off, because tables go
one by one.
"""

from kiosk.life.laying import lay_over_everything
from kiosk.registry import REGISTRY
from loyalty.tables import TableClass
from loyalty.transactions import Tx
from sync.walk import Walk

_REMADE = (TableClass.FACT, TableClass.CACHE)


def empty_tables(tx: Tx) -> None:
    """Make every fact and cache table anew, with no row in it."""
    for table in REGISTRY.tables:
        if table.table_class in _REMADE:
            tx.execute(f"DROP TABLE IF EXISTS {table.name}")
            for statement in (table.ddl, *table.indexes):
                tx.execute(statement.strip())


def remake_tables(tx: Tx) -> int:
    """Empty the tables and replay the journal into them, under what head office told. Returns the entries, those
    without an effect too."""
    empty_tables(tx)
    count, walk = 0, Walk(tx)
    for entry in walk.entries():
        if walk.counts:
            REGISTRY.appliers[type(entry.body)](tx, entry)
        count += 1
    lay_over_everything(tx)
    return count
